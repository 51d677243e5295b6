/* The life of a run: IDLE -> RUNNING(phase) -> IDLE, with one deadline for the whole of it, no overlap, and
 * one finish. It knows nothing of intervals, verdicts or pages. */
#ifndef BH_RUN_CHECK_H
#define BH_RUN_CHECK_H

#include "base/clock.h"
#include "base/library.h"
#include "base/timers.h"
#include "run/child.h"
#include "run/traits.h"
#include "config/config.h"
#include "report/identity.h"
#include "report/observed.h"
#include "report/reason.h"

#include <stdbool.h>
#include <stdint.h>

enum { OUTCOME_DETAIL_SIZE = 256, OUTCOME_CODE_SIZE = 24 };

/* What a run found. Plain bytes: it crosses the pipe from a one-shot child as it stands. */
struct outcome {
    enum reason reason;
    enum phase phase; /* in which it failed; filled by check_finish where the kind leaves PHASE_NONE and
                         reason is not ok */
    char code[OUTCOME_CODE_SIZE];     /* the driver's own code, for the log: "28P01", "SQLITE_BUSY" */
    char detail[OUTCOME_DETAIL_SIZE]; /* driver text or a name, for the log alone; check_finish blanks secrets
                                         in it */
    struct observed observed;
    struct identity identity; /* of the file that was looked at */
};

/* What all checks share; owned by whoever runs them. */
struct check_env {
    struct event_base *base;
    struct timers *timers;
    struct children *children;
    bool lets_go; /* nothing may be kept from run to run: we are shutting down, or in maintenance */
};

/* Puts a text for the log into the outcome: secrets of config's DSN blanked first, then control characters
 * flattened, then cut to fit. A text that may hold a secret must come this way, for one that is cut can no
 * longer be found. */
void outcome_set_detail(struct outcome *outcome, const struct check_config *config, const char *text);

/* What the end of a child that left no outcome means: crashed (with the signal), or internal. */
void outcome_from_child_end(struct outcome *outcome, const struct child_end *end);

struct check;

/* One kind of check: a folder of src/kinds, and this row of traits and functions. `state` of the check is
 * state_size zeroed bytes of the kind's own. */
struct check_kind {
    struct check_traits traits;
    /* What it asks through, loaded by check_init. NULL: nothing but what every process has. */
    struct library *library;
    size_t state_size;
    /* Refuses a configuration that this kind cannot serve. May be NULL. */
    int (*init)(struct check *check, struct error *err);
    /* Begins a run, which must end in check_finish, at once or later, unless cancelled. */
    void (*start)(struct check *check);
    /* Stops the run under way and forgets it; must not call check_finish. */
    void (*cancel)(struct check *check);
    /* Whether a run that its deadline ends now leaves its child at what it does, until the next run begins:
     * where to break off does harm, and the answer may yet come. For kinds that run in a child. May be NULL.
     */
    bool (*may_linger)(const struct check *check);
    /* A kind whose runs may leave something open (a connection) for later ones has `take` and `let_go`, and
     * its conversation in the child (see check_converse) has `leave`; others have none. After the run, in the
     * child: the descriptor that is left to the checker; -1: none. */
    int (*leave)(const struct check *check);
    /* In the checker, before the run ends in outcome: takes the descriptor, which is the kind's then. */
    void (*take)(struct check *check, const struct outcome *outcome, int fd);
    /* Closes what is kept from run to run, and forgets a question under way on it. Comes after `cancel`, and
     * before `release`. */
    void (*let_go)(struct check *check);
    /* Frees what the state holds; no run is under way. May be NULL. */
    void (*release)(struct check *check);
};

struct check {
    const struct check_config *config; /* borrowed; outlives the check */
    const struct check_kind *kind;
    const struct check_env *env;
    void *state;
    void (*finished)(struct check *check, const struct outcome *outcome, int64_t duration_ms);
    void *arg; /* for `finished` */

    bool is_running;
    bool is_overdue;    /* the deadline has come, but late: what came meanwhile is looked at first */
    int64_t held_up_ms; /* by so much it came late */
    uint64_t run_id;    /* of the run under way, or the last one */
    int64_t started_ms;
    enum phase phase;
    struct timer deadline;
    struct timer leaving; /* armed while the run waits for the last one's child to be gone */
    struct child *child;  /* the one-shot child, until it is reaped */
    bool is_lingering;    /* its run is over, and it goes on */
    bool is_late;         /* the last outcome is of a run that was over: its child had lingered */
};

/* Makes a check of that kind, and loads the library it needs. kind, env and config are borrowed. Returns -1
 * where the library is missing, or the kind refuses the configuration. */
int check_init(struct check *check, const struct check_kind *kind, const struct check_env *env,
    const struct check_config *config,
    void (*finished)(struct check *, const struct outcome *, int64_t duration_ms), void *arg,
    struct error *err);

/* Cancels a run under way (finished is not called), gives up the child, frees the state. A child that is
 * caught in the kernel is found by the next check of the same name, which starts no other beside it. */
void check_release(struct check *check);

/* How late a deadline may come before a run that it ends is the sidecar's own fault. */
enum { CHECK_HELD_UP_MS = 1000 };

/* Starts a run. Returns false, and does nothing, while one is under way. A child of an earlier run that has
 * reported and is on its way out is waited for; any other that is still there ends the run at once: stuck.
 * `finished` may come before this returns; it must not call check_release. A child that lingers is given up;
 * one that has an answer before that ends a run of its own, which nobody started: is_late is set then.
 *
 * A run that its deadline ends is a timeout. Where the deadline came late, because this process was not run
 * for a while (stopped, or starved of processor time), the loop turns once more before that, for the answer
 * may be there; where it came more than CHECK_HELD_UP_MS late the end is internal, for nothing is known of
 * who was asked. */
bool check_start(struct check *check);

/* Gives up the run under way: finished is not called. */
void check_cancel(struct check *check);

/* Closes what is kept from run to run; a run that is under way does so at its end where env->lets_go is set.
 */
void check_let_go(struct check *check);

/* The run has come to this phase. */
void check_set_phase(struct check *check, enum phase phase);

/* Ends the run run_id, once; a late answer of an earlier run is dropped. Blanks the DSN's secrets in the
 * detail. What is no outcome (a reason or phase that does not exist) counts as a crash of who made it. */
void check_finish(struct check *check, uint64_t run_id, const struct outcome *outcome);

/* check_finish of the current run with a reason and a text for the log (which may be NULL). */
void check_finish_reason(struct check *check, enum reason reason, const char *detail);

/* Runs work(check, outcome, fd) in a one-shot child; what it leaves in *outcome is the run's outcome. The
 * child reports its phases with child_report_phase(fd, ...). For kinds that may block: their start calls it,
 * and check_cancel_child is their cancel. */
void check_run_in_child(
    struct check *check, void (*work)(const struct check *check, struct outcome *outcome, int fd));
void check_cancel_child(struct check *check);

#endif
