/* Time. Every duration is measured on the monotonic clock; the wall clock is only printed. */
#ifndef BH_BASE_CLOCK_H
#define BH_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Two clocks behind functions, so that tests can set the time. */
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

/* A moment of the wall clock in UTC. */
struct clock_date {
    int year, month, day; /* month and day from 1 */
    int hour, minute, second, millisecond;
    int weekday; /* 0 is Sunday */
};

/* Formats UTC as gmtime would; a time before 1970 or after 9999 is clamped. gmtime itself reads the time
 * zone's file and takes a lock, which neither a process that may open nothing nor a signal handler can
 * afford. */
struct clock_date clock_date_of(int64_t wall_ms);

/* Writes wall_ms as 2026-11-23T10:00:00.123Z. */
void clock_format_utc(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);

#endif
