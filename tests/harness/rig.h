/* What a check runs in, for tests: an event loop, timers on the system's clock, children that are reaped on
 * SIGCHLD. */
#ifndef BH_TESTS_RIG_H
#define BH_TESTS_RIG_H

#include "run/check.h"

#include <stdbool.h>
#include <stdint.h>

struct rig {
    struct event_base *base;
    struct timers timers;
    struct children children;
    struct check_env env;
    struct event *sigchld;
    struct event *tick; /* bounds one turn of the loop */
};

/* Ends the test on failure. */
void rig_init(struct rig *rig);

/* Waits until all children are gone, and ends the test where one is not. */
void rig_release(struct rig *rig);

/* Turns the loop until is_true says so (returns true) or a deadline in timeout_ms is over (false). */
bool rig_turn_until(struct rig *rig, bool (*is_true)(void *arg), void *arg, int64_t timeout_ms);

/* Turns the loop for so long, by the clock: in which what must not happen does not. */
void rig_turn_for(struct rig *rig, int64_t duration_ms);

/* Turns the loop until no child is left but idle workers. */
bool rig_turn_until_childless(struct rig *rig);

/* Turns the loop until no child is left at all: those of checks that were released. */
bool rig_turn_until_empty(struct rig *rig);

/* One check and what its last run found. */
struct rig_check {
    struct check check;
    struct check_config config;
    int finished; /* runs */
    int stirred;
    struct outcome outcome;
    int64_t duration_ms;
};

/* Runs the check once, from start to `finished`, and waits for it. Ends the test where it does not finish
 * within its timeout and a second. */
void rig_run(struct rig *rig, struct rig_check *check);

/* The `finished` that fills a struct rig_check, which is its arg. */
void rig_finished(struct check *check, const struct outcome *outcome, int64_t duration_ms);

#endif
