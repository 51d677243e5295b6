/* One run of an asynchronous kind, on a loop of its own, in a one-shot child. */
#include "run/converse.h"

/* How soon a resolver that crashed is noticed; one that answers is heard at once. libevent watches signals
 * for one base in a process, and that is the one this process was forked with. */
enum { RESOLVER_POLL_MS = 50 };

struct conversation {
    struct event_base *base;
    struct timers timers;
    struct children children;
    struct check check;
    struct outcome *outcome;
    bool is_over;
};

static void on_finished(struct check *check, const struct outcome *outcome, int64_t duration_ms) {
    (void)duration_ms;
    struct conversation *conversation = check->arg;
    *conversation->outcome = *outcome;
    conversation->is_over = true;
}

static void on_tick(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    (void)arg; /* the timers are run after every turn */
}

/* Turns the loop until the run is over. */
static void turn(struct conversation *conversation, struct event *tick, int fd) {
    enum phase told = PHASE_NONE;
    while (!conversation->is_over) {
        if (conversation->check.phase != told)
            child_report_phase(fd, told = conversation->check.phase);
        int64_t delay_ms = timers_next_delay_ms(&conversation->timers);
        if (conversation->check.child && (delay_ms < 0 || delay_ms > RESOLVER_POLL_MS))
            delay_ms = RESOLVER_POLL_MS;
        const struct timeval tv = {
            .tv_sec = (time_t)(delay_ms / 1000), .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};
        if (delay_ms >= 0 && event_add(tick, &tv) < 0)
            return;
        if (event_base_loop(conversation->base, EVLOOP_ONCE) < 0)
            return;
        timers_run(&conversation->timers);
        if (conversation->check.child)
            child_poll(conversation->check.child);
    }
}

void check_converse(
    const struct check *check, const struct check_kind *kind, struct outcome *outcome, int fd) {
    struct conversation conversation = {.base = event_base_new(), .outcome = outcome};
    struct check_config config = *check->config;
    config.timeout_ms -= config.timeout_ms / 20 + clock_now_ms(check->env->timers->clock) - check->started_ms;
    if (config.timeout_ms < 1)
        config.timeout_ms = 1;
    *outcome = (struct outcome){.reason = REASON_INTERNAL, .detail = "no event loop in the child"};
    if (!conversation.base)
        return;
    timers_init(&conversation.timers, check->env->timers->clock);
    children_init(&conversation.children, conversation.base, &conversation.timers);
    const struct check_env env = {
        .base = conversation.base, .timers = &conversation.timers, .children = &conversation.children};
    struct event *tick = evtimer_new(conversation.base, on_tick, NULL);
    struct error err;
    if (tick && check_init(&conversation.check, kind, &env, &config, on_finished, &conversation, &err) == 0) {
        check_start(&conversation.check);
        turn(&conversation, tick, fd);
        int left = kind->leave ? kind->leave(&conversation.check) : -1;
        if (left >= 0)
            child_report_descriptor(fd, left);
    }
    /* Nothing is freed: the child ends here. */
}
