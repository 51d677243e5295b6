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

/* Years are counted from March on, so that the leap day ends one: then the days before a month are a straight
 * line, 153 days in five months, whatever the year. */
struct clock_date clock_date_of(int64_t wall_ms) {
    enum { DAY_S = 86400, DAYS_TO_1970 = 719468, DAYS_IN_400_YEARS = 146097 };
    const int64_t end_of_9999_ms = INT64_C(253402300799999);
    wall_ms = wall_ms < 0 ? 0 : wall_ms > end_of_9999_ms ? end_of_9999_ms : wall_ms;
    int64_t second = wall_ms / 1000;
    int day = (int)(second / DAY_S), second_of_day = (int)(second % DAY_S);
    int from_march_0 = day + DAYS_TO_1970; /* 1 March of the year 0 is 0 */
    int in_cycle = from_march_0 % DAYS_IN_400_YEARS;
    /* Days that stand in leap years are taken out, so that 365 divides the rest into years. */
    int year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / (DAYS_IN_400_YEARS - 1)) / 365;
    int day_of_year = in_cycle - (365 * year + year / 4 - year / 100);
    int month = (5 * day_of_year + 2) / 153; /* 0 is March */
    return (struct clock_date){
        .year = from_march_0 / DAYS_IN_400_YEARS * 400 + year + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = day_of_year - (153 * month + 2) / 5 + 1,
        .hour = second_of_day / 3600,
        .minute = second_of_day / 60 % 60,
        .second = second_of_day % 60,
        .millisecond = (int)(wall_ms % 1000),
        .weekday = (day + 4) % 7, /* 1 January 1970 was a Thursday */
    };
}

void clock_format_utc(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]) {
    struct clock_date date = clock_date_of(wall_ms);
    snprintf(text, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)date.year % 10000,
        (unsigned)date.month % 100, (unsigned)date.day % 100, (unsigned)date.hour % 100,
        (unsigned)date.minute % 100, (unsigned)date.second % 100, (unsigned)date.millisecond % 1000);
}
