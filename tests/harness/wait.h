/* Waiting for a thing, with a deadline: no test sleeps and hopes. */
#ifndef BH_TESTS_WAIT_H
#define BH_TESTS_WAIT_H

#include "harness/stopwatch.h"

#include <stdbool.h>
#include <stdint.h>

/* A deadline that a busy machine puts off: only time counts in which the machine had some to spare
 * (harness/stopwatch.h). A machine that never has any puts it off by a minute. Under the sanitizers the time
 * allowed is three times as long. */
struct deadline {
    struct stopwatch watch;
    int64_t timeout_ms;
};

struct deadline deadline_in(int64_t timeout_ms);
bool deadline_is_over(const struct deadline *deadline);

/* Asks again every few milliseconds until is_true says so (returns true) or a deadline in timeout_ms is over
 * (false). For what shall come. */
bool wait_until(bool (*is_true)(void *arg), void *arg, int64_t timeout_ms);

/* The same for duration_ms by the clock, however busy the machine is: for what shall not come. */
bool wait_whether(bool (*is_true)(void *arg), void *arg, int64_t duration_ms);

/* Monotonic milliseconds. */
int64_t wait_now_ms(void);

#endif
