/* Reads and writes durations and sizes, which always carry their unit. */
#include "config/duration.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const int64_t DURATION_MAX_MS =
    INT64_C(24) * 24 * 3600 * 1000; /* below what a 32-bit poll timeout holds */
static const int64_t SIZE_MAX_BYTES = INT64_C(1) << 60;

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit DURATION_UNITS[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}};

static const struct unit SIZE_UNITS[] = {{"", 1}, {"B", 1}, {"KiB", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20}, {"GiB", INT64_C(1) << 30}, {"TiB", INT64_C(1) << 40}, {"KB", 1000},
    {"MB", 1000 * 1000}, {"GB", 1000 * 1000 * 1000}, {"TB", INT64_C(1000) * 1000 * 1000 * 1000}};

enum { DURATION_UNIT_COUNT = sizeof DURATION_UNITS / sizeof DURATION_UNITS[0] };
enum { SIZE_UNIT_COUNT = sizeof SIZE_UNITS / sizeof SIZE_UNITS[0] };
enum { FRACTION_DIGITS_MAX = 6, SIZE_BINARY_UNITS = 6 };

/* Reads digits at *at. Returns their number, or -1 where the value exceeds max. */
static int read_digits(const char **at, int64_t max, int64_t *value) {
    int count = 0;
    *value = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++, count++) {
        int digit = **at - '0';
        if (*value > (max - digit) / 10)
            return -1;
        *value = *value * 10 + digit;
    }
    return count;
}

static int64_t find_factor(const struct unit *units, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(units[i].name, name) == 0)
            return units[i].factor;
    return 0;
}

/* Reads ".5" behind a whole number, in units of 1/scale. Returns false where it is malformed. */
static bool read_fraction(const char **at, int64_t *fraction, int64_t *scale) {
    *fraction = 0;
    *scale = 1;
    if (**at != '.')
        return true;
    (*at)++;
    const char *start = *at;
    int count = read_digits(at, INT64_MAX / 10, fraction);
    if (count < 1 || *at - start > FRACTION_DIGITS_MAX)
        return false;
    for (int i = 0; i < count; i++)
        *scale *= 10;
    return true;
}

int duration_parse(const char *text, int64_t *milliseconds, struct error *err) {
    const char *shown = str_quotable(text, " +,%");
    const char *at = text;
    int64_t whole, fraction, scale;
    int digits = read_digits(&at, DURATION_MAX_MS, &whole);
    if (digits < 0)
        return error_set(err, "\"%s\" is too long: a duration is at most 24 days (576h)", shown);
    if (digits == 0 || !read_fraction(&at, &fraction, &scale))
        return error_set(
            err, "\"%s\" is not a duration; write a number and its unit, such as 250ms, 5s, 2m or 1h", shown);
    if (*at == '\0')
        return error_set(err, "\"%s\" has no unit; write %.20ss for seconds or %.20sms for milliseconds",
            shown, shown, shown);
    int64_t factor = find_factor(DURATION_UNITS, DURATION_UNIT_COUNT, at);
    if (factor == 0)
        return error_set(err, "\"%s\" has an unknown unit; the units are ms, s, m and h, as in 5s", shown);
    if (whole > DURATION_MAX_MS / factor || whole * factor + fraction * factor / scale > DURATION_MAX_MS)
        return error_set(err, "\"%s\" is too long: a duration is at most 24 days (576h)", shown);
    if (fraction * factor % scale != 0)
        return error_set(
            err, "\"%s\" is not a whole number of milliseconds; write it in ms, such as 250ms", shown);
    *milliseconds = whole * factor + fraction * factor / scale;
    return 0;
}

int size_parse(const char *text, int64_t *bytes, struct error *err) {
    const char *shown = str_quotable(text, " +,%");
    const char *at = text;
    int64_t whole;
    int digits = read_digits(&at, SIZE_MAX_BYTES, &whole);
    if (digits == 0)
        return error_set(err,
            "\"%s\" is not a size; write a whole number and a unit, such as 64KiB, 256MiB or 1GiB", shown);
    int64_t factor = digits > 0 ? find_factor(SIZE_UNITS, SIZE_UNIT_COUNT, at) : 1;
    if (factor == 0)
        return error_set(
            err, "\"%s\" has an unknown unit; write B, KiB, MiB, GiB or TiB, as in 256MiB", shown);
    if (digits < 0 || whole > SIZE_MAX_BYTES / factor)
        return error_set(err, "\"%s\" is too large: a size is at most 1048576TiB", shown);
    *bytes = whole * factor;
    return 0;
}

void duration_format(int64_t milliseconds, char text[DURATION_TEXT_SIZE]) {
    size_t best = milliseconds == 0 ? 1 : 0;
    for (size_t i = 0; i < DURATION_UNIT_COUNT && milliseconds != 0; i++)
        if (milliseconds % DURATION_UNITS[i].factor == 0)
            best = i;
    snprintf(text, DURATION_TEXT_SIZE, "%" PRId64 "%s", milliseconds / DURATION_UNITS[best].factor,
        DURATION_UNITS[best].name);
}

void size_format(int64_t bytes, char text[DURATION_TEXT_SIZE]) {
    size_t best = 0;
    for (size_t i = 2; i < SIZE_BINARY_UNITS && bytes != 0; i++)
        if (bytes % SIZE_UNITS[i].factor == 0)
            best = i;
    snprintf(
        text, DURATION_TEXT_SIZE, "%" PRId64 "%s", bytes / SIZE_UNITS[best].factor, SIZE_UNITS[best].name);
}
