/* Waiting with a deadline. */
#include "harness/wait.h"

#include "base/clock.h"

#include <time.h>

#ifdef __SANITIZE_ADDRESS__
enum { PATIENCE = 3 };
#else
enum { PATIENCE = 1 };
#endif

int64_t wait_now_ms(void) {
    return clock_now_ms(clock_system());
}

bool wait_until(bool (*is_true)(void *arg), void *arg, int64_t timeout_ms) {
    int64_t end_ms = wait_now_ms() + timeout_ms * PATIENCE;
    while (!is_true(arg)) {
        if (wait_now_ms() >= end_ms)
            return false;
        const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
        nanosleep(&pause, NULL);
    }
    return true;
}
