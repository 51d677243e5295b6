/* Time. Every duration is measured on the monotonic clock; the wall clock is only printed. */
#ifndef BH_BASE_CLOCK_H
#define BH_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Two clocks behind functions, so that tests can hold the time in their hand. */
struct clock {
    int64_t (*monotonic_ms)(void *arg);
    int64_t (*wall_ms)(void *arg); /* since 1970-01-01 UTC */
    void *arg;
};

enum { CLOCK_TEXT_SIZE = 32 };

/* The system's clocks. CLOCK_MONOTONIC is the same for every process of one machine and time namespace,
 * so a point in time may be handed from one of our processes to the other. */
const struct clock *clock_system(void);

int64_t clock_now_ms(const struct clock *clock);
int64_t clock_wall_ms(const struct clock *clock);

/* Writes wall_ms as 2026-11-23T10:00:00.123Z. */
void clock_format_utc(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);

#endif
