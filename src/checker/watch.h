/* A watch: one check's life on the engine, with its schedule, its memory and its lines in the log. */
#ifndef BH_CHECKER_WATCH_H
#define BH_CHECKER_WATCH_H

#include "base/error.h"
#include "run/loop.h"
#include "checker/policy.h"
#include "run/check.h"
#include "report/snapshot.h"

struct watch;

struct watch_events {
    /* What the other checks know now. */
    struct surroundings (*surroundings)(void *arg);
    /* Of Bugsink's own check, before a question: has those look that must have looked just before it. Returns
     * whether they have. NULL: there are none. */
    bool (*prepare)(void *arg);
    /* A check has another status or reason than before, and it is worth telling: that one is
     * ok from the start is not. NULL: nobody wants to know. */
    void (*changed)(void *arg, const struct watch *watch);
    /* A run has ended and was judged. is_change: a status or reason is another than before. Must not free the
     * watch. */
    void (*finished)(void *arg, bool is_change);
};

struct watch {
    struct loop *loop;
    const struct watch_events *events;
    void *arg;
    struct check check;
    struct timer next;
    struct turn turn;   /* waits where the processor serves no more runs at once */
    int64_t delayed_ms; /* the last run waited for so long */
    struct check_memory memory;
    struct history history;
    struct counters counters;
    int64_t pause_ms;   /* until the next look, while looking itself does harm; else 0 */
    int64_t stirred_ms; /* when a kept connection was last found closed; 0: never */
    bool is_once;
    bool is_quiet;    /* nothing is logged */
    bool is_patient;  /* nothing is logged as an error */
    bool is_expected; /* the error that stands was told as what a first start looks like */
    char *where;      /* what the check is of, for people */
    char code[OUTCOME_CODE_SIZE], detail[OUTCOME_DETAIL_SIZE]; /* the driver's words on the last run */
    bool is_doubted;         /* something stronger than it fails: each look is on a fresh login */
    enum status seen_status; /* by the engine, after the last run, as the next three */
    bool has_seen_migrations;
    int64_t seen_migrations;
    int64_t seen_full_ms; /* the look at a full server that Bugsink was last asked after */
    bool is_hurried;      /* the next look begins as soon as the one under way has ended */
    int64_t waiting_ms;   /* since when its question waits for the looks of others; -1: it does not */
    int64_t ended_ms;     /* the last run; -1: none */
};

/* Borrows loop, config and events, which outlive it. Returns NULL, with the check's name in the error, where
 * this build lacks the kind or its library, the kind refuses the configuration, or memory is out. */
struct watch *watch_new(struct loop *loop, const struct check_config *config,
    const struct watch_events *events, void *arg, struct error *err);

/* Gives up a run under way. NULL is nothing. */
void watch_free(struct watch *watch);

/* Starts the first run, in delay_ms. With is_once there is no second one, but for the questions that an
 * arrival of Bugsink has asked. */
void watch_start(struct watch *watch, bool is_once, int64_t delay_ms);

/* Looks now, unless it is looking or has not been started. */
void watch_hurry(struct watch *watch);

/* Whether something stronger than this check was seen to fail, so that what it found on anything kept may no
 * longer hold. With a new doubt it looks at once, or once more after the look under way; unless looking
 * itself does harm. */
void watch_doubt(struct watch *watch, bool is_doubted);

/* Of Bugsink's own check: that question is asked now, if any can be. */
void watch_ask(struct watch *watch, enum app_question question);

/* The same of the token question, now and a retry interval later. */
void watch_ask_twice(struct watch *watch);

/* Of Bugsink's own check: whether questions would do harm. What was wanted while they did is asked now. */
void watch_withhold(struct watch *watch, bool is_withheld);

/* Of Bugsink's own check: those that its question has waited for have looked. */
void watch_resume(struct watch *watch);

/* Of Bugsink's own check: whether a question is being asked, or is to be asked at once. */
bool watch_is_asking(const struct watch *watch);

/* As watch_start, for a watch that asks the same as another did, which is about to be freed: what that one
 * knows is known. Where looking itself brings a lock-out nearer, its pause goes on; else the first look is
 * due now. */
void watch_succeed(struct watch *watch, const struct watch *old);

/* What its kind is like. */
const struct check_traits *watch_traits(const struct watch *watch);

/* What is known, its last hour brought up to now; it borrows from the watch and its configuration. */
struct check_view watch_view(struct watch *watch);

#endif
