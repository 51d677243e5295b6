/* Waiting for a thing, with a deadline: no test sleeps and hopes. */
#ifndef BH_TESTS_WAIT_H
#define BH_TESTS_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* Asks again every few milliseconds until is_true says so (returns true) or timeout_ms have passed (false).
 * Under valgrind and the sanitizers the time allowed is longer. */
bool wait_until(bool (*is_true)(void *arg), void *arg, int64_t timeout_ms);

/* Monotonic milliseconds. */
int64_t wait_now_ms(void);

#endif
