/* The checker's event loop: libevent for descriptors and signals, our timers for time, and the reaping of
 * children. */
#ifndef BH_RUN_LOOP_H
#define BH_RUN_LOOP_H

#include "base/error.h"
#include "base/timers.h"
#include "run/check.h"
#include "run/child.h"
#include "run/gate.h"

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

struct loop {
    struct event_base *base;
    struct timers timers;
    struct children children;
    struct gate gate;
    struct check_env env; /* what checks are given of all this */
    struct event *child_event;
    struct event *tick;
    /* Called in every turn before anything that is due: for what must not wait behind runs that begin. May be
     * NULL. */
    void (*first)(void *arg);
    /* Called for a child that is not a one-shot one. May be NULL. */
    void (*other_child)(void *arg, pid_t pid, int status);
    /* Called when the nursery is gone: nothing can go on. May be NULL: then the loop ends. */
    void (*nursery_lost)(void *arg);
    void *arg;
    bool is_nursery_lost;
    bool is_done;
};

/* Ignores SIGPIPE and prepares everything; workers are forked by the nursery (NULL: by this process, for
 * tests). The caller calls loop_release in any case. */
int loop_init(struct loop *loop, struct nursery *nursery, struct error *err);
void loop_release(struct loop *loop);

/* Turns until loop_end, or until it cannot go on, which the log tells. */
void loop_run(struct loop *loop);
void loop_end(struct loop *loop);

/* Does what is due now: the second half of a turn. */
void loop_run_due(struct loop *loop);

/* Watches a signal until the caller frees the event, with event_free, while the loop lives. Returns NULL when
 * memory is out. */
struct event *loop_watch_signal(struct loop *loop, int number, event_callback_fn fire, void *arg);

#endif
