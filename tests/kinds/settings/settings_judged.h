/* Settings judged by the rules of Bugsink's start-up, for tests. */
#ifndef BH_TESTS_KINDS_SETTINGS_SETTINGS_JUDGED_H
#define BH_TESTS_KINDS_SETTINGS_SETTINGS_JUDGED_H

#include "base/str.h"
#include "kinds/settings/rules.h"

#define KEY50 "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLM" /* 50 characters */
#define KEY49 "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKL"

/* Parses text as that format says; SETTINGS_ENVIRONMENT: text is its one entry. */
int settings_judged_parse(const char *text, enum settings_format format, struct settings_names *names);

/* Judges text; the caller releases the list: "NAME what; NAME what". */
struct strbuf settings_judged(const char *text, enum settings_format format);

struct judged_row {
    const char *text, *says;
};

void settings_judged_assert(const struct judged_row *rows, size_t count, enum settings_format format);

#define ASSERT_ROWS(rows, format) settings_judged_assert(rows, sizeof rows / sizeof rows[0], format)

#endif
