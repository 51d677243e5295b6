/* Durations and sizes as people write them. */
#ifndef BH_CONFIG_DURATION_H
#define BH_CONFIG_DURATION_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Parses "250ms", "5s", "2m", "1h" or "1.5s" into milliseconds. A number without a unit, a negative one, one
 * above 24 days or with a fraction of a millisecond, and anything else are refused, with an error that quotes
 * the text and shows a valid one. */
int duration_parse(const char *text, int64_t *milliseconds, struct error *err);

/* Parses "512", "64KiB", "256MiB", "1GiB", "1TiB" (and KB, MB, GB, TB in powers of 1000) into bytes: whole
 * numbers. */
int size_parse(const char *text, int64_t *bytes, struct error *err);

enum { DURATION_TEXT_SIZE = 32 };

/* Each writes it the short way, so that parsing gives the same value: "5s", "1500ms", "2m"; "1GiB", "512". */
void duration_format(int64_t milliseconds, char text[DURATION_TEXT_SIZE]);
void size_format(int64_t bytes, char text[DURATION_TEXT_SIZE]);

#endif
