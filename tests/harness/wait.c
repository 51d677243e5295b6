/* Waiting with a deadline. */
#include "harness/wait.h"

#include "base/clock.h"

#include <time.h>

#ifdef __SANITIZE_ADDRESS__
enum { PATIENCE = 3 };
#else
enum { PATIENCE = 1 };
#endif

enum { PUT_OFF_MS = 60000 };

int64_t wait_now_ms(void) {
    return clock_now_ms(clock_system());
}

struct deadline deadline_in(int64_t timeout_ms) {
    return (struct deadline){stopwatch_start(), timeout_ms * PATIENCE};
}

bool deadline_is_over(const struct deadline *deadline) {
    int64_t passed_ms = stopwatch_ms(&deadline->watch);
    return passed_ms >= deadline->timeout_ms &&
           (passed_ms >= deadline->timeout_ms + PUT_OFF_MS ||
               stopwatch_free_ms(&deadline->watch) >= deadline->timeout_ms);
}

static void rest(void) {
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    nanosleep(&pause, NULL);
}

bool wait_until(bool (*is_true)(void *arg), void *arg, int64_t timeout_ms) {
    struct deadline deadline = deadline_in(timeout_ms);
    while (!is_true(arg)) {
        if (deadline_is_over(&deadline))
            return is_true(arg); /* it may have come while we were kept from looking */
        rest();
    }
    return true;
}

bool wait_whether(bool (*is_true)(void *arg), void *arg, int64_t duration_ms) {
    int64_t end_ms = wait_now_ms() + duration_ms;
    while (!is_true(arg)) {
        if (wait_now_ms() >= end_ms)
            return false;
        rest();
    }
    return true;
}
