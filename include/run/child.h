/* Children: processes that do work which may block, and report over a socket. A one-shot child is a fork of
 * this process and does one piece of work; a worker is forked by the nursery, where there is one, stays, and
 * is asked again and again. One that outlives its deadline is abandoned and killed; if it outlives even that,
 * its owner can see so, and must not start another. */
#ifndef BH_RUN_CHILD_H
#define BH_RUN_CHILD_H

#include "base/error.h"
#include "base/timers.h"
#include "report/status.h"
#include "run/nursery.h"

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
    bool hears_ends;         /* the loop hears SIGCHLD and calls children_reap: a child's end wakes it */
    size_t stayers;          /* workers that stay from run to run */
    int64_t cpu_us;          /* of workers, as far as they have told it */
    struct nursery *nursery; /* NULL: workers are forked here */
    struct event *news;      /* of the nursery */
    void (*lost)(void *arg); /* the nursery is gone; may be NULL */
    void *lost_arg;
};

/* How many workers stay; the others have one run. */
enum { CHILDREN_STAY_MAX = 16 };

struct child;

/* How a child ended, or a run of a worker's. */
struct child_end {
    const void *result; /* what it reported, or NULL; valid during the callback */
    size_t result_size;
    bool is_garbled; /* it wrote something that is no report: its memory cannot be trusted, as if it had
                        crashed */
    bool is_unheard; /* a worker that went before it read what it was asked: another may be asked */
    int error;       /* it could not be forked: the errno */
    int signal;      /* that killed it, or 0 */
    int status;      /* its exit status otherwise */
};

enum { CHILD_RESULT_MAX = 3500 }; /* bytes; far below what a pipe takes without its reader */

struct child_callbacks {
    /* Its report of a phase. A worker of the nursery mostly makes none (child_phase). May be NULL. */
    void (*phase)(void *arg, enum phase phase);
    /* The child has reported, or died without a report. Called once (once for each time that a worker is
     * asked), unless abandoned before. */
    void (*done)(void *arg, const struct child_end *end);
    /* A worker that is idle says that what it kept is gone. May be NULL. */
    void (*gone)(void *arg);
    /* The child is gone from the process table: child pointers to it are void now. Called once, unless
     * disowned; may be NULL. */
    void (*reaped)(void *arg);
    /* The very last call, disowned or not, and also from children_release: frees arg. May be NULL. */
    void (*release)(void *arg);
};

void children_init(struct children *children, struct event_base *base, struct timers *timers);

/* Workers are the nursery's from now on. `lost` is called where it is gone. Returns -1 where the event loop
 * takes no event. */
int children_use_nursery(
    struct children *children, struct nursery *nursery, void (*lost)(void *arg), void *arg);

/* Kills whatever is left with SIGKILL, reaps what can be reaped within 0.2 s, frees. Of the callbacks only
 * `release` comes. */
void children_release(struct children *children);

/* How many there are besides idle workers. */
size_t children_busy(const struct children *children);

/* How many workers were asked in the last CHILDREN_UNHEARD_MS and have said nothing since, not even that they
 * have begun. (One that is silent for longer is stopped, or stuck: to wait for it helps nobody.) */
size_t children_unheard(const struct children *children);
enum { CHILDREN_UNHEARD_MS = 1000 };

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

/* Forks a one-shot child and waits for what its work writes to fd: just size bytes, within patience_ms.
 * Returns -1 where it does not come. */
int child_await(void (*work)(void *arg, int fd), void *arg, void *result, size_t size, int64_t patience_ms,
    struct error *err);

/* Forks a worker, which serves (in the nursery's child it is worker_serve, here serve) until it is dismissed
 * or says that it leaves. It is idle until it is asked. */
struct child *child_start_worker(struct children *children, void (*serve)(void *arg, int fd),
    const struct child_callbacks *callbacks, void *callback_arg, bool stays, struct error *err);

/* Sends bytes to a worker, now or as soon as it takes them. They are blanked when they are out. */
void child_send(struct child *child, const void *bytes, size_t size);

/* Asks it: `done` will come. */
void child_ask(struct child *child, const void *request, size_t size);

/* Whether it may be asked: an idle worker that was not sent away. */
bool child_is_idle(const struct child *child);

/* Whether it was asked, and has not answered yet. */
bool child_is_asked(const struct child *child);

/* Sends an idle worker away, which takes leave of whoever it is connected to; killed if it does not go. */
void child_dismiss(struct child *child);

/* The phase it is in, of a worker that has been asked, without a system call. Returns false where it reports
 * its phases instead. */
bool child_phase(const struct child *child, enum phase *phase);

/* The processor time that it says it has used. */
void child_note_cpu(struct child *child, int64_t cpu_us);

/* Gives it up: no `done` comes any more, SIGTERM now, SIGKILL half a second later. `reaped` still comes. */
void child_abandon(struct child *child);

/* The owner goes away: an idle worker is dismissed, any other child abandoned, and `reaped` does not come,
 * unless somebody adopts it by that name, which is copied; NULL: nobody will. */
void child_disown(struct child *child, const char *name);

/* The owner goes away while the child is at what must not be broken off: it has until_end_ms to come to an
 * end by itself, and is killed then. */
void child_see_off(struct child *child, int64_t until_end_ms);

/* The child of that name whose owner went away, and which is not gone yet: caught in the kernel, it may be.
 * arg is its callbacks' from now on, of which `reaped` will come. NULL: there is none. */
struct child *children_adopt(struct children *children, const char *name, void *arg);

/* Looks now, without waiting, whether it has reported or ended; the callbacks come from within. For the
 * moment a deadline passes in a process that was itself held up: the answer may be there, unread. */
void child_poll(struct child *child);

/* Whether it has reported and is merely on its way out, with the half second for that not over. */
bool child_is_leaving(const struct child *child);

/* 0: it is not forked yet. */
pid_t child_pid(const struct child *child);

/* "SIGSEGV", or "signal 42". The text is cut to size. */
void child_signal_name(int number, char *text, size_t size);

/* For the work, in the child: report the phase it enters; report the result (once, last; a worker once a
 * run); of a worker between runs, that what it kept is gone. */
void child_report_phase(int fd, enum phase phase);
void child_report_result(int fd, const void *result, size_t size);
void child_report_gone(int fd);

#endif
