/* The checker's event loop. */
#include "run/loop.h"

#include "base/log.h"

#include <signal.h>
#include <sys/wait.h>

/* As process 1 of a container we also inherit orphans of others: whoever ended is reaped. */
static void reap_all(evutil_socket_t number, short events, void *arg) {
    (void)number;
    (void)events;
    struct loop *loop = arg;
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        if (!children_reap(&loop->children, pid, status) && loop->other_child)
            loop->other_child(loop->arg, pid, status);
}

static void on_tick(evutil_socket_t fd, short events, void *arg) {
    (void)fd;
    (void)events;
    (void)arg; /* the loop runs the timers after every turn */
}

struct event *loop_watch_signal(struct loop *loop, int number, event_callback_fn fire, void *arg) {
    struct event *event = evsignal_new(loop->base, number, fire, arg);
    if (event && event_add(event, NULL) < 0) {
        event_free(event);
        return NULL;
    }
    return event;
}

static void on_nursery_lost(void *arg) {
    struct loop *loop = arg;
    loop->is_nursery_lost = true;
    if (loop->nursery_lost)
        loop->nursery_lost(loop->arg);
    else
        loop_end(loop);
}

int loop_init(struct loop *loop, struct nursery *nursery, struct error *err) {
    *loop = (struct loop){0};
    signal(SIGPIPE, SIG_IGN);
    timers_init(&loop->timers, clock_system());
    loop->base = event_base_new();
    if (!loop->base)
        return error_set(err, "cannot make an event loop: out of memory or descriptors");
    children_init(&loop->children, loop->base, &loop->timers);
    gate_init(&loop->gate, &loop->children, &loop->timers);
    loop->env = (struct check_env){.base = loop->base, .timers = &loop->timers, .children = &loop->children};
    loop->child_event = loop_watch_signal(loop, SIGCHLD, reap_all, loop);
    loop->tick = evtimer_new(loop->base, on_tick, loop);
    if (!loop->child_event || !loop->tick)
        return error_set(err, "cannot watch signals: out of memory or descriptors");
    loop->children.hears_ends = true;
    if (nursery && children_use_nursery(&loop->children, nursery, on_nursery_lost, loop) < 0)
        return error_set(err, "cannot hear the nursery: out of memory or descriptors");
    return 0;
}

void loop_release(struct loop *loop) {
    if (!loop->base)
        return;
    children_release(&loop->children);
    if (loop->child_event)
        event_free(loop->child_event);
    if (loop->tick)
        event_free(loop->tick);
    event_base_free(loop->base);
    loop->base = NULL;
}

void loop_run_due(struct loop *loop) {
    if (loop->first)
        loop->first(loop->arg);
    timers_run(&loop->timers);
}

void loop_run(struct loop *loop) {
    while (!loop->is_done) {
        int64_t delay_ms = timers_next_delay_ms(&loop->timers);
        if (delay_ms >= 0) {
            const struct timeval tv = {
                .tv_sec = (time_t)(delay_ms / 1000), .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};
            if (event_add(loop->tick, &tv) < 0) {
                log_error("cannot go on", "the event loop took no timer: out of memory");
                break;
            }
        }
        if (event_base_loop(loop->base, EVLOOP_ONCE) < 0) {
            log_error("cannot go on", "the event loop failed");
            break;
        }
        loop_run_due(loop);
    }
}

void loop_end(struct loop *loop) {
    loop->is_done = true;
}
