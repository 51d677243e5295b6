/* The life of a run: IDLE -> RUNNING(phase) -> IDLE, with one deadline for the whole of it, no overlap, and
 * one finish. It knows nothing of intervals, verdicts or pages. */
#ifndef BH_RUN_CHECK_H
#define BH_RUN_CHECK_H

#include "base/clock.h"
#include "base/timers.h"
#include "run/child.h"
#include "run/kind.h"
#include "run/outcome.h"

#include <stdbool.h>
#include <stdint.h>

/* What all checks share; owned by whoever runs them. */
struct check_env {
    struct event_base *base;
    struct timers *timers;
    struct children *children;
    bool begins_no_login; /* of a kind whose servers count those that are broken off: we end soon */
    bool lets_go;         /* nothing may be kept from run to run: we are shutting down, or in maintenance */
    bool is_tried; /* the checks to come were tried out elsewhere (check_try): what is loaded for them is
                      loaded in their workers alone */
};

struct check {
    const struct check_config *config; /* borrowed; outlives the check */
    const struct check_kind *kind;
    const struct check_env *env;
    void *state;
    void (*finished)(struct check *check, const struct outcome *outcome, int64_t duration_ms);
    void (*stirred)(struct check *check); /* what was kept between runs is gone: a look is worth while. NULL:
                                             nobody wants to know */
    void *arg;                            /* for both */

    /* What the next run is to be like, set before it starts. */
    enum app_question question; /* of Bugsink; other kinds know none */
    bool wants_fresh;           /* on nothing that was kept: a fresh login */

    bool is_running;
    bool is_overdue;    /* the deadline has come, but late: what came meanwhile is looked at first */
    int64_t held_up_ms; /* by so much it came late */
    uint64_t run_id;    /* of the run under way, or the last one */
    int64_t started_ms;
    enum phase phase; /* as far as was told: see check_phase */
    struct timer deadline;
    struct timer leaving; /* armed while the run waits for the last one's child to be gone */
    struct child *child;  /* the worker, until it is reaped */
    uint64_t asked_id;    /* what it was asked last; counted of its own, for a run may be asked twice */
    bool is_lingering;    /* its run is over, and it goes on */
    bool is_repeated; /* the run was asked of a second worker, for the first one went without hearing it */
    bool is_late;     /* the last outcome is of a run that was over: its child had lingered */
};

/* Makes a check of that kind, and loads the library it needs. kind, env and config are borrowed. Returns -1
 * where the library is missing, or the kind refuses the configuration. */
int check_init(struct check *check, const struct check_kind *kind, const struct check_env *env,
    const struct check_config *config,
    void (*finished)(struct check *, const struct outcome *, int64_t duration_ms), void *arg,
    struct error *err);

/* Whether a check of that kind loads a library, and is to be tried out first where is_tried is set. */
bool check_kind_is_tried(const struct check_kind *kind);

/* Loads what that kind needs, and has it look at the configuration, as check_init does. What is loaded stays
 * loaded: for a process that is about to end. */
int check_try(const struct check_kind *kind, const struct check_config *config, struct error *err);

/* Whether a run is under way in whose phase the server would count it as a broken login if it ended now. */
bool check_is_logging_in(struct check *check);

/* Cancels a run under way (finished is not called), gives up the child, frees the state. One that is logging
 * in has until the run's deadline to come to an end. A child that is
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

/* How much time the run under way has left. */
int64_t check_remaining_ms(const struct check *check);

/* The run has come to this phase; and the phase it is in, whoever knows it. */
void check_set_phase(struct check *check, enum phase phase);
enum phase check_phase(struct check *check);

/* Ends the run run_id, once; a late answer of an earlier run is dropped. Blanks the DSN's secrets in the
 * detail. What is no outcome (a reason or phase that does not exist) counts as a crash of who made it. */
void check_finish(struct check *check, uint64_t run_id, const struct outcome *outcome);

/* check_finish of the current run with a reason and a text for the log (which may be NULL). */
void check_finish_reason(struct check *check, enum reason reason, const char *detail);

/* Does the run's work (the kind's `work`) in the check's worker; what it leaves as the outcome is the run's.
 * check_cancel_child is the cancel of a kind that does. */
void check_run_in_child(struct check *check);
void check_cancel_child(struct check *check);

#endif
