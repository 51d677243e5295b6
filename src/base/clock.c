/* Reads the system's clocks and prints wall-clock time. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_ms(clockid_t id) {
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_monotonic_ms(void *arg) {
    (void)arg;
    return read_ms(CLOCK_MONOTONIC);
}

static int64_t system_wall_ms(void *arg) {
    (void)arg;
    return read_ms(CLOCK_REALTIME);
}

const struct clock *clock_system(void) {
    static const struct clock system_clock = {system_monotonic_ms, system_wall_ms, NULL};
    return &system_clock;
}

int64_t clock_now_ms(const struct clock *clock) {
    return clock->monotonic_ms(clock->arg);
}

int64_t clock_wall_ms(const struct clock *clock) {
    return clock->wall_ms(clock->arg);
}

void clock_format_utc(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    char date[24];
    if (!gmtime_r(&seconds, &tm) || strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        date[0] = '\0';
    snprintf(text, CLOCK_TEXT_SIZE, "%s.%03dZ", date, (int)(wall_ms % 1000));
}
