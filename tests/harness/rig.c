/* The event loop that tests of checks turn by hand. */
#include "harness/rig.h"

#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <sys/wait.h>

static void on_sigchld(evutil_socket_t number, short what, void *arg) {
    struct rig *rig = arg;
    (void)number;
    (void)what;
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        children_reap(&rig->children, pid, status);
}

static void on_tick(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    (void)arg;
}

void rig_init(struct rig *rig) {
    signal(SIGPIPE, SIG_IGN);
    rig->base = event_base_new();
    ck_assert_ptr_nonnull(rig->base);
    timers_init(&rig->timers, clock_system());
    children_init(&rig->children, rig->base, &rig->timers);
    rig->env = (struct check_env){.base = rig->base, .timers = &rig->timers, .children = &rig->children};
    rig->sigchld = evsignal_new(rig->base, SIGCHLD, on_sigchld, rig);
    ck_assert_int_eq(event_add(rig->sigchld, NULL), 0);
    rig->tick = evtimer_new(rig->base, on_tick, NULL);
}

/* One turn: sleeps for at most 20 ms, so that conditions from outside the loop are asked again as well. */
static void turn(struct rig *rig) {
    int64_t delay_ms = timers_next_delay_ms(&rig->timers);
    if (delay_ms < 0 || delay_ms > 20)
        delay_ms = 20;
    const struct timeval limit = {.tv_usec = (suseconds_t)(delay_ms * 1000)};
    event_add(rig->tick, &limit);
    event_base_loop(rig->base, EVLOOP_ONCE);
    timers_run(&rig->timers);
}

bool rig_turn_until(struct rig *rig, bool (*is_true)(void *arg), void *arg, int64_t timeout_ms) {
    struct deadline deadline = deadline_in(timeout_ms);
    while (!is_true(arg)) {
        if (deadline_is_over(&deadline))
            return false;
        turn(rig);
    }
    return true;
}

void rig_turn_for(struct rig *rig, int64_t duration_ms) {
    for (int64_t end_ms = wait_now_ms() + duration_ms; wait_now_ms() < end_ms;)
        turn(rig);
}

static bool is_childless(void *arg) {
    const struct rig *rig = arg;
    return children_busy(&rig->children) == 0;
}

bool rig_turn_until_childless(struct rig *rig) {
    return rig_turn_until(rig, is_childless, rig, 5000);
}

static bool is_empty(void *arg) {
    const struct rig *rig = arg;
    return rig->children.count == 0;
}

bool rig_turn_until_empty(struct rig *rig) {
    return rig_turn_until(rig, is_empty, rig, 5000);
}

void rig_release(struct rig *rig) {
    ck_assert_msg(rig_turn_until_empty(rig), "a child is left");
    children_release(&rig->children);
    event_free(rig->tick);
    event_free(rig->sigchld);
    event_base_free(rig->base);
}

void rig_finished(struct check *check, const struct outcome *outcome, int64_t duration_ms) {
    struct rig_check *own = check->arg;
    own->finished++;
    own->outcome = *outcome;
    own->duration_ms = duration_ms;
}

struct wanted {
    const struct rig_check *check;
    int finished;
};

static bool is_finished(void *arg) {
    const struct wanted *wanted = arg;
    return wanted->check->finished == wanted->finished;
}

void rig_run(struct rig *rig, struct rig_check *check) {
    struct wanted wanted = {check, check->finished + 1};
    ck_assert(check_start(&check->check));
    ck_assert_msg(rig_turn_until(rig, is_finished, &wanted, check->config.timeout_ms + 1000),
        "the run does not finish");
}
