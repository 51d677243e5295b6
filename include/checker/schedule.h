/* The schedule: when a check runs again. Pure. */
#ifndef BH_CHECKER_SCHEDULE_H
#define BH_CHECKER_SCHEDULE_H

#include "checker/policy.h"

/* The longest pauses after outcomes where probing itself does harm, unless the interval is longer. */
enum { SCHEDULE_SLOW_MAX_MS = 30000, SCHEDULE_SLOWER_MAX_MS = 300000 };

/* Milliseconds from the end of a run, which took duration_ms, to the start of the next one. random (any
 * value) spreads the runs of many pods: up to a tenth of the interval is taken off, never put on.
 *
 * Well: the interval, counted from start to start (less the patience of a check that has some). Failing: the
 * retry interval; after a timeout in phase connect counted from start to start, too. Refused (a wrong
 * password): the retry interval, doubled with each refusal in a row, up to SCHEDULE_SLOW_MAX_MS: a mistake
 * that is mended at once shows at once, and one that stays does not fill the server's log. Near a lock-out
 * (RETRY_SLOWER): the same, up to SCHEDULE_SLOWER_MAX_MS; locked out: that at once. */
int64_t schedule_delay_ms(const struct check_config *config, const struct check_memory *memory,
    int64_t duration_ms, uint32_t random);

#endif
