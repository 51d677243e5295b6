/* The life of a run: starts it, watches its one deadline, and lets it end exactly once. */
#include "run/check.h"

#include "base/sandbox.h"
#include "base/str.h"
#include "run/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- the end of a child -- */

/* What the end of a child that left no outcome means. */
static void set_end(struct outcome *outcome, const struct child_end *end) {
    if (end->error != 0) {
        outcome->reason = REASON_INTERNAL;
        snprintf(outcome->detail, sizeof outcome->detail, "fork: %s", strerror(end->error));
    } else if (end->signal != 0) {
        outcome->reason = REASON_CRASHED;
        child_signal_name(end->signal, outcome->code, sizeof outcome->code);
        snprintf(outcome->detail, sizeof outcome->detail, "the child was ended by %s", outcome->code);
        observed_set(&outcome->observed, OBSERVED_SIGNAL, end->signal);
    } else if (end->is_garbled) {
        outcome_set_garbled(outcome);
    } else if (end->status == SANDBOX_EXIT_VIOLATION) {
        outcome->reason = REASON_CRASHED;
        str_copy(outcome->code, sizeof outcome->code, "SIGSYS");
        str_copy(outcome->detail, sizeof outcome->detail,
            "the child was ended by its sandbox, whose own line says why");
        observed_set(&outcome->observed, OBSERVED_SIGNAL, SIGSYS);
    } else {
        outcome->reason = REASON_INTERNAL;
        snprintf(outcome->code, sizeof outcome->code, "exit %d", end->status);
        str_copy(outcome->detail, sizeof outcome->detail, "the child ended without a report");
    }
}

/* -- a check -- */

enum { LEAVING_POLL_MS = 5 };

static void let_go(struct check *check) {
    if (check->child && child_is_idle(check->child))
        child_dismiss(check->child);
}

/* Only children of check_run_in_child know their check by the callbacks' argument. */
static bool runs_in_child(const struct check *check) {
    return check->kind->cancel == check_cancel_child;
}

static void finish_stuck(struct check *check) {
    struct outcome outcome = {.reason = REASON_STUCK};
    snprintf(
        outcome.detail, sizeof outcome.detail, "process %d of an earlier run", (int)child_pid(check->child));
    check_finish(check, check->run_id, &outcome);
}

/* Starts the kind's work, once no child of an earlier run is there: nor one of a check of this name that was
 * taken out of the configuration, or changed, while its child was caught in the kernel. */
static void begin(void *arg) {
    struct check *check = arg;
    if (check->child && check->is_lingering)
        child_abandon(check->child);
    check->is_lingering = false;
    if (!check->child && check->config->name && runs_in_child(check))
        check->child = children_adopt(check->env->children, check->config->name, check);
    if (check->child && !child_is_idle(check->child))
        child_poll(check->child); /* ended, but its SIGCHLD not yet seen, is not stuck */
    if (!check->child || child_is_idle(check->child))
        check->kind->start(check);
    else if (child_is_leaving(check->child))
        timer_arm(check->env->timers, &check->leaving, LEAVING_POLL_MS);
    else
        finish_stuck(check);
}

static bool has_begun(const struct check *check) {
    return !timer_is_armed(&check->leaving);
}

/* Whether the deadline came so late that the loop, which has not turned meanwhile, has to turn once more. */
static bool is_put_off(struct check *check) {
    int64_t late_ms = clock_now_ms(check->env->timers->clock) - check->deadline.due_ms;
    if (late_ms <= 0 || check->is_overdue)
        return false;
    check->is_overdue = true;
    check->held_up_ms = late_ms;
    timer_arm(check->env->timers, &check->deadline, 0); /* fires after the loop's next turn */
    return true;
}

static void give_up(struct check *check) {
    char detail[80];
    check_phase(check);
    check->is_lingering = check->child && check->kind->may_linger && check->kind->may_linger(check);
    if (!check->is_lingering)
        check->kind->cancel(check);
    snprintf(
        detail, sizeof detail, "the sidecar itself was held up for %lld ms", (long long)check->held_up_ms);
    if (check->held_up_ms > CHECK_HELD_UP_MS)
        check_finish_reason(check, REASON_INTERNAL, detail);
    else
        check_finish_reason(check, REASON_TIMEOUT, NULL);
}

static void on_deadline(void *arg) {
    struct check *check = arg;
    uint64_t run_id = check->run_id;
    if (check->child && has_begun(check))
        child_poll(check->child); /* where we were held up ourselves, the answer may be there */
    if (!check->is_running || check->run_id != run_id)
        return;
    /* Where the run waits and no worker is left, it was to have a fresh one: nobody is stuck. */
    if (!has_begun(check) && check->child)
        finish_stuck(check);
    else if (!is_put_off(check))
        give_up(check);
}

bool check_kind_is_tried(const struct check_kind *kind) {
    return kind->library && kind->library->soname;
}

int check_try(const struct check_kind *kind, const struct check_config *config, struct error *err) {
    struct check check = {.config = config, .kind = kind};
    if (kind->library && library_load(kind->library, err) < 0)
        return -1;
    return kind->init ? kind->init(&check, err) : 0;
}

int check_init(struct check *check, const struct check_kind *kind, const struct check_env *env,
    const struct check_config *config,
    void (*finished)(struct check *, const struct outcome *, int64_t duration_ms), void *arg,
    struct error *err) {
    *check = (struct check){.config = config, .kind = kind, .env = env, .finished = finished, .arg = arg};
    bool is_tried = env->is_tried && check_kind_is_tried(kind);
    if (!is_tried && kind->library && library_load(kind->library, err) < 0)
        return -1;
    timer_init(&check->deadline, on_deadline, check);
    timer_init(&check->leaving, begin, check);
    check->state = calloc(1, kind->state_size > 0 ? kind->state_size : 1);
    if (!check->state)
        return error_set(err, "out of memory");
    if (!is_tried && kind->init && kind->init(check, err) < 0) {
        free(check->state);
        check->state = NULL;
        return -1;
    }
    return 0;
}

bool check_is_logging_in(struct check *check) {
    const struct check_traits *traits = &check->kind->traits;
    return check->is_running && check->child && has_begun(check) && traits->breaks_login &&
           traits->breaks_login(REASON_TIMEOUT, check_phase(check));
}

/* The run is nobody's any more. */
static void see_off(struct check *check) {
    int64_t left_ms = check_remaining_ms(check);
    timer_disarm(&check->deadline);
    check->is_running = false;
    child_see_off(check->child, left_ms > 0 ? left_ms : 0);
    check->child = NULL;
}

void check_release(struct check *check) {
    if (check_is_logging_in(check))
        see_off(check);
    check_cancel(check);
    if (check->child)
        child_disown(check->child, runs_in_child(check) ? check->config->name : NULL);
    check->child = NULL;
    if (check->state && check->kind->release)
        check->kind->release(check);
    free(check->state);
    check->state = NULL;
}

bool check_start(struct check *check) {
    if (check->is_running)
        return false;
    check->is_running = true;
    check->is_overdue = false;
    check->is_late = false;
    check->is_repeated = false;
    check->held_up_ms = 0;
    check->run_id++;
    check->phase = PHASE_NONE;
    check->started_ms = clock_now_ms(check->env->timers->clock);
    timer_arm(check->env->timers, &check->deadline, check->config->timeout_ms);
    begin(check);
    return true;
}

void check_cancel(struct check *check) {
    if (!check->is_running)
        return;
    timer_disarm(&check->deadline);
    if (has_begun(check))
        check->kind->cancel(check);
    timer_disarm(&check->leaving);
    check->is_running = false;
}

void check_let_go(struct check *check) {
    if (!check->is_running)
        let_go(check);
}

int64_t check_remaining_ms(const struct check *check) {
    return check->config->timeout_ms - (clock_now_ms(check->env->timers->clock) - check->started_ms);
}

void check_set_phase(struct check *check, enum phase phase) {
    check->phase = phase;
}

/* A worker that is asked nothing says nothing of this run; nor does one that is on its way out. */
enum phase check_phase(struct check *check) {
    if (check->child && child_is_asked(check->child))
        child_phase(check->child, &check->phase);
    return check->phase;
}

void check_finish(struct check *check, uint64_t run_id, const struct outcome *outcome) {
    if (!check->is_running || check->run_id != run_id)
        return;
    timer_disarm(&check->deadline);
    timer_disarm(&check->leaving);
    check->is_running = false;
    struct outcome final = outcome_checked(outcome);
    if (final.reason != REASON_OK && final.phase == PHASE_NONE)
        final.phase = check->phase;
    final.asked = check->question;
    check_config_blank(check->config, final.detail);
    str_flatten(final.detail);
    check->finished(check, &final, clock_now_ms(check->env->timers->clock) - check->started_ms);
}

void check_finish_reason(struct check *check, enum reason reason, const char *detail) {
    struct outcome outcome = {.reason = reason};
    if (detail)
        outcome_set_detail(&outcome, check->config, detail);
    check_finish(check, check->run_id, &outcome);
}

/* -- the run in a worker -- */

/* What is forked together is not replaced together: its life is an hour, and by chance up to a half less. */
static int64_t draw_life_ms(void) {
    enum { LIFE_MS = 3600 * 1000 };
    return LIFE_MS - (int64_t)(random() % 1024) * (LIFE_MS / 2) / 1024; /* spreads load; guards nothing */
}

/* For a worker that is forked here, and not in the nursery. */
static void serve(void *arg, int fd) {
    (void)arg;
    worker_serve(fd, NULL);
}

static void on_child_phase(void *arg, enum phase phase) {
    check_set_phase(arg, phase);
}

/* The answer of a run that was over comes after all: a run of its own. */
static void take_up(struct check *check) {
    check->is_lingering = false;
    check->is_running = true;
    check->is_late = true;
    check->run_id++;
    check->started_ms = clock_now_ms(check->env->timers->clock);
}

static bool is_answer(const struct check *check, const struct child_end *end, struct worker_answer *answer) {
    if (!end->result || end->result_size != sizeof *answer)
        return false;
    memcpy(answer, end->result, sizeof *answer);
    return answer->run_id == check->asked_id;
}

/* What the worker said, or how it ended; one whose answer is none of this run's cannot be trusted. */
static struct outcome outcome_of(
    const struct check *check, const struct child_end *end, struct worker_answer *answer) {
    struct outcome outcome = {.reason = REASON_OK};
    if (is_answer(check, end, answer))
        return outcome_checked(&answer->outcome);
    *answer = (struct worker_answer){.is_last = true};
    if (end->result)
        outcome_set_garbled(&outcome);
    else
        set_end(&outcome, end);
    return outcome;
}

/* A fresh one does the run, once this one is gone. */
static void begin_anew(struct check *check) {
    check_set_phase(check, PHASE_NONE);
    timer_arm(check->env->timers, &check->leaving, 0);
}

/* A worker that goes before it has read the request has not failed in it. Once a run: whoever ends our
 * workers again and again is told. */
static bool is_to_be_repeated(struct check *check, const struct child_end *end) {
    bool is_first_time = !check->is_repeated;
    check->is_repeated = check->is_repeated || end->is_unheard;
    return end->is_unheard && is_first_time;
}

static void on_child_done(void *arg, const struct child_end *end) {
    struct check *check = arg;
    struct worker_answer answer;
    struct outcome outcome = outcome_of(check, end, &answer);
    struct child *child = check->child;
    child_phase(child, &check->phase);
    if (check->is_lingering)
        take_up(check);
    child_note_cpu(child, answer.cpu_us);
    if (outcome.reason == REASON_CRASHED && end->result)
        child_abandon(child);
    else if (answer.is_last || check->env->lets_go)
        child_dismiss(child);
    if (check->is_running && (answer.is_undone || is_to_be_repeated(check, end)))
        begin_anew(check);
    else
        check_finish(check, check->run_id, &outcome);
}

static void on_child_gone(void *arg) {
    struct check *check = arg;
    if (check->stirred)
        check->stirred(check);
}

static void on_child_reaped(void *arg) {
    struct check *check = arg;
    check->child = NULL;
}

static int start_worker(struct check *check, struct error *err) {
    static const struct child_callbacks CALLBACKS = {
        .phase = on_child_phase, .done = on_child_done, .gone = on_child_gone, .reaped = on_child_reaped};
    struct children *children = check->env->children;
    bool stays = children->stayers < CHILDREN_STAY_MAX && !check->env->lets_go;
    struct strbuf hello = {0};
    check->child = child_start_worker(children, serve, &CALLBACKS, check, stays, err);
    if (!check->child)
        return -1;
    worker_hello(&hello, check->kind, check->config, stays ? draw_life_ms() : 0);
    if (!hello.is_broken)
        child_send(check->child, hello.data, hello.length);
    if (hello.data)
        explicit_bzero(hello.data, hello.length);
    bool is_whole = !hello.is_broken;
    strbuf_release(&hello);
    if (is_whole)
        return 0;
    child_abandon(check->child);
    return error_set(err, "out of memory");
}

void check_run_in_child(struct check *check) {
    struct error err;
    int64_t remaining_ms = check_remaining_ms(check);
    if (!check->child && start_worker(check, &err) < 0) {
        check_finish_reason(check, REASON_INTERNAL, err.text);
        return;
    }
    struct worker_request request = {.run_id = ++check->asked_id,
        .remaining_ms = remaining_ms > 0 ? remaining_ms : 0,
        .is_last = check->env->lets_go,
        .wants_fresh = check->wants_fresh};
    child_ask(check->child, &request, sizeof request);
}

void check_cancel_child(struct check *check) {
    if (check->child)
        child_abandon(check->child);
}
