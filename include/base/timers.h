/* Timers over an injectable clock: a sorted list that an event loop (or a test, in virtual time) runs.
 * A timer is embedded in its owner, which disarms it before it goes away. */
#ifndef BH_BASE_TIMERS_H
#define BH_BASE_TIMERS_H

#include "base/clock.h"

#include <stdbool.h>

struct timer {
    int64_t due_ms; /* monotonic */
    void (*fire)(void *arg);
    void *arg;
    struct timer *next;
    struct timer **link; /* what points at us while armed, else NULL */
};

struct timers {
    const struct clock *clock;
    struct timer *head;
};

void timers_init(struct timers *timers, const struct clock *clock);
void timer_init(struct timer *timer, void (*fire)(void *arg), void *arg);

/* Arms or rearms it to fire once, in delay_ms. Timers due at one moment fire in the order they were armed.
 */
void timer_arm(struct timers *timers, struct timer *timer, int64_t delay_ms);
void timer_disarm(struct timer *timer);
bool timer_is_armed(const struct timer *timer);

/* Fires those that were due when it was called; a callback may arm and disarm any timer. When that has taken
 * 20 ms, the rest is left to the next call, behind all that is due by then. */
void timers_run(struct timers *timers);

/* Milliseconds until the next timer is due, 0 if one is due now, -1 if none is armed. */
int64_t timers_next_delay_ms(const struct timers *timers);

#endif
