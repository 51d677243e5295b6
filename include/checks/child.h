/* One-shot children: a fork without exec that does one piece of work that may block, reports over a pipe and
 * exits. A child that outlives its deadline is abandoned and killed; if it outlives even that, its owner can
 * see so, and must not start another. */
#ifndef BH_CHECKS_CHILD_H
#define BH_CHECKS_CHILD_H

#include "base/error.h"
#include "base/timers.h"
#include "report/status.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* All children of this process. Embedded in the owner of the event loop. */
struct children {
    struct event_base *base;
    struct timers *timers;
    struct child *head;
    size_t count;
};

struct child;

/* How a child ended. */
struct child_end {
    const void *result; /* what it reported, or NULL; valid during the callback */
    size_t result_size;
    int signal; /* that killed it, or 0 */
    int status; /* its exit status otherwise */
};

enum {
    CHILD_RESULT_MAX = 3500
}; /* a report is one write, which a pipe takes whole (PIPE_BUF is 4096 on Linux) */

struct child_callbacks {
    void (*phase)(void *arg, enum phase phase); /* may be NULL */
    /* The child has reported, or died without a report. Called once, unless abandoned before. */
    void (*done)(void *arg, const struct child_end *end);
    /* The child is gone from the process table: child pointers to it are void now. Called once, in any case.
     */
    void (*reaped)(void *arg);
};

void children_init(struct children *children, struct event_base *base, struct timers *timers);

/* Kills whatever is left with SIGKILL, waits for nothing, frees. */
void children_release(struct children *children);

/* To be called for each pid that waitpid returned. Returns false if it is none of ours. */
bool children_reap(struct children *children, pid_t pid, int status);

/* Forks. In the child, work(arg, fd) runs with all other descriptors above 2 closed, default signal
 * dispositions, no core file, and an alarm of deadline_ms + 5 s as last resort; then the child exits. Returns
 * NULL on failure. */
struct child *child_start(struct children *children, void (*work)(void *arg, int fd), void *work_arg,
    const struct child_callbacks *callbacks, void *callback_arg, int64_t deadline_ms, struct error *err);

/* Gives it up: no `done` comes any more, SIGTERM now, SIGKILL half a second later. `reaped` still comes. */
void child_abandon(struct child *child);

/* The owner goes away: as child_abandon, and `reaped` does not come either. */
void child_disown(struct child *child);

pid_t child_pid(const struct child *child);

/* For the work, in the child: report the phase it enters; report the result (once, last). */
void child_report_phase(int fd, enum phase phase);
void child_report_result(int fd, const void *result, size_t size);

#endif
