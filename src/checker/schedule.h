/* The schedule: when a check runs again. Pure. */
#ifndef BH_CHECKER_SCHEDULE_H
#define BH_CHECKER_SCHEDULE_H

#include "checker/policy.h"

/* The longest pauses after outcomes where probing itself does harm, and the one pause while the server has
 * blocked this host; unless the interval is longer (after logins that broke off: the retry interval). */
enum {
    SCHEDULE_SLOW_MAX_MS = 30000,
    SCHEDULE_HUNG_MAX_MS = 1800000,
    SCHEDULE_BROKEN_MAX_MS = 600000,
    SCHEDULE_BLOCKED_MS = 300000
};

/* Milliseconds from the end of a run, which took duration_ms, to the start of the next one. random (any
 * value) spreads the runs of many pods.
 *
 * Well: the interval, counted from start to start (less the patience of a check that has some), of which up
 * to a tenth is taken off; after the first run that is well, since the start or a failure, up to three
 * quarters. Failing: the retry interval and up to two fifths of it; after a timeout in phase connect the
 * retry interval alone, counted from start to start. Refused (a wrong
 * password): the retry interval, doubled with each refusal in a row, up to SCHEDULE_SLOW_MAX_MS: a mistake
 * that is mended at once shows at once, and one that stays does not fill the server's log. Near a lock-out
 * (RETRY_SLOWER), where the server hangs: 10 s, 5 min, 25 min, then SCHEDULE_HUNG_MAX_MS each, so that there
 * are 4 attempts in the first hour and 2 in any later one: a server may be set to block at the fifth; where a
 * login was broken off otherwise: 10 s, 1 min, 5 min, then SCHEDULE_BROKEN_MAX_MS each. Locked out:
 * SCHEDULE_BLOCKED_MS; a blocked server counts no more. A settings file that may be just being replaced: the
 * retry interval, and not later than the last good result stands. */
int64_t schedule_delay_ms(const struct check_config *config, const struct check_memory *memory,
    int64_t duration_ms, uint32_t random);

/* When the first run of a check is due, by its place among all of them: a few at once, and of many each a
 * little later than the last, so that hundreds of logins do not all wait for one processor, and their runs
 * stay apart from then on. All have begun within the interval. */
int64_t schedule_first_ms(const struct check_config *config, size_t index, size_t count);

#endif
