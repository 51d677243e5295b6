/* What the model of the endurance test and its judge share: bounds, and what begins anew. */
#ifndef BH_TESTS_ENDURANCE_MODEL_H
#define BH_TESTS_ENDURANCE_MODEL_H

#include "e2e/endurance.h"

enum {
    /* A run that began just before the fault may find nothing; the next begins an interval later, and may
       take its timeout to fail. Jitter is only ever taken off. */
    SHOWS_MS = INTERVAL_MS + TIMEOUT_MS,
    RECOVERS_MS = 2000,          /* docs/checks.md says so, at a retry interval of 1 s */
    MAINTENANCE_MS = 1000 + 900, /* from look to look, and for a look: src/checker/maintenance.c */
    RELOAD_MS = 2 * 2000,        /* for one that runs, and the one that comes after it: checker/reload.h */
    LEASE_MS = 5000,             /* checker/checker.h */
    /* One of the looks may be a question: its silence is none of liveness, and it waits for others. */
    LIVE_SHOWS_MS = INTERVAL_MS + RETRY_MS + FALL * RETRY_MAX_MS,
    REFUSED_MAX_MS = 30000,
    BROKEN_MS = 10000, /* the first pause after a login that broke off or hung: docs/mysql.md */
    /* A processor limit of a quarter: a run passes some ten times from one process to another, which waits
       for up to 75 of 100 ms. */
    LIMITED_MS = 10 * 75,
    FOLLOWS_MS = RETRY_MS,   /* what is looked at again at once because of what Bugsink has shown */
    CRASHED_MS = TIMEOUT_MS, /* until a killed child shows, at most */
    STARVED_MS = 250,        /* so late we or a gauge must be run for the machine to be to blame */
    PAGE_SIZE_MAX = 512,
};

/* For the way from the check to the page, and from the page to us; on a machine that does other things. */
int64_t model_allowance_ms(const struct model *model);

/* Whether the fault has something to show. */
bool fault_must_show(const struct fault *fault);

struct fault_count *model_count(const struct model *model, const struct fault *fault);

/* Whether the target has a check of its own, which is there. */
bool model_judges_by_check(const struct model *model, enum target_id target);

/* Whatever a check was doing is lost, or late: it begins anew. */
void model_begin_anew(const struct model *model, struct standing *standing);

/* What it must show has all its time from now on. */
void model_put_off(struct model *model, enum target_id target);
void model_begin_liveness(const struct model *model, struct standing *app, int64_t bound_ms);

/* A login was broken off, or waits no longer: it is made again after the first of the long pauses. */
void model_note_broken_login(struct standing *standing);

#endif
