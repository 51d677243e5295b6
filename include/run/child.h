/* One-shot children: a fork without exec that does one piece of work that may block, reports over a pipe and
 * exits. A child that outlives its deadline is abandoned and killed; if it outlives even that, its owner can
 * see so, and must not start another. */
#ifndef BH_RUN_CHILD_H
#define BH_RUN_CHILD_H

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
    bool hears_ends; /* the loop hears SIGCHLD and calls children_reap: a child's end wakes it */
};

struct child;

/* How a child ended. */
struct child_end {
    const void *result; /* what it reported, or NULL; valid during the callback */
    size_t result_size;
    bool is_garbled; /* it wrote something that is no report: its memory cannot be trusted, as if it had
                        crashed */
    int signal;      /* that killed it, or 0 */
    int status;      /* its exit status otherwise */
    int fd;          /* a descriptor that it has left, which is the callback's; -1: none */
};

enum { CHILD_RESULT_MAX = 3500 }; /* bytes; far below what a pipe takes without its reader */

struct child_callbacks {
    void (*phase)(void *arg, enum phase phase); /* may be NULL */
    /* The child has reported, or died without a report. Called once, unless abandoned before. */
    void (*done)(void *arg, const struct child_end *end);
    /* The child is gone from the process table: child pointers to it are void now. Called once, unless
     * disowned; may be NULL. */
    void (*reaped)(void *arg);
    /* The very last call, disowned or not, and also from children_release: frees arg. May be NULL. */
    void (*release)(void *arg);
    bool takes_descriptor; /* the child may leave one; where it is not set none gets through */
};

void children_init(struct children *children, struct event_base *base, struct timers *timers);

/* Kills whatever is left with SIGKILL, reaps what can be reaped within 0.2 s, frees. Of the callbacks only
 * `release` comes. */
void children_release(struct children *children);

/* To be called for each pid that waitpid returned. Returns false if it is none of ours. What the child wrote
 * before its end counts first, whether or not the loop has seen it yet. */
bool children_reap(struct children *children, pid_t pid, int status);

/* Forks. In the child, work(arg, fd) runs with all other descriptors above 2 closed, default signal
 * dispositions (but SIGPIPE and SIGXFSZ ignored, as everywhere in this program), no core file, bounded memory
 * and processor time, and an alarm of deadline_ms + 5 s as last resort; then the child exits. A child that
 * has reported and does not leave is killed as an abandoned one is. The `phase` callback must not give the
 * child up. Returns NULL on failure. */
struct child *child_start(struct children *children, void (*work)(void *arg, int fd), void *work_arg,
    const struct child_callbacks *callbacks, void *callback_arg, int64_t deadline_ms, struct error *err);

/* Gives it up: no `done` comes any more, SIGTERM now, SIGKILL half a second later. `reaped` still comes. */
void child_abandon(struct child *child);

/* The owner goes away: as child_abandon, and `reaped` does not come either, unless somebody adopts it by that
 * name, which is copied; NULL: nobody will. */
void child_disown(struct child *child, const char *name);

/* The child of that name whose owner went away, and which is not gone yet: caught in the kernel, it may be.
 * arg is its callbacks' from now on, of which `reaped` will come. NULL: there is none. */
struct child *children_adopt(struct children *children, const char *name, void *arg);

/* Looks now, without waiting, whether it has reported or ended; the callbacks come from within. For the
 * moment a deadline passes in a process that was itself held up: the answer may be there, unread. */
void child_poll(struct child *child);

/* Whether it has reported and is merely on its way out, with the half second for that not over. */
bool child_is_leaving(const struct child *child);

pid_t child_pid(const struct child *child);

/* "SIGSEGV", or "signal 42". The text is cut to size. */
void child_signal_name(int number, char *text, size_t size);

/* For the work, in the child: report the phase it enters; report the result (once, last). */
void child_report_phase(int fd, enum phase phase);
void child_report_result(int fd, const void *result, size_t size);

/* For the work, before its result: leaves an open descriptor to whoever takes one. It may get lost, where the
 * other side has none to spare. */
void child_report_descriptor(int fd, int left);

#endif
