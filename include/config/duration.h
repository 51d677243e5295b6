/* Durations and sizes as people write them. */
#ifndef BH_CONFIG_DURATION_H
#define BH_CONFIG_DURATION_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Parses "250ms", "5s", "2m", "1h" or "1.5s" into milliseconds. A number without a unit, a negative one, one
 * above 24 days, and anything else are refused, the error quoting the text and showing a right one. */
int duration_parse(const char *text, int64_t *milliseconds, struct error *err);

/* Parses "512", "64KiB", "256MiB", "1GiB" (and KB, MB, GB in powers of 1000) into bytes. */
int size_parse(const char *text, int64_t *bytes, struct error *err);

enum { DURATION_TEXT_SIZE = 32 };

/* Writes it the short way: "5s", "1500ms", "2m". */
void duration_format(int64_t milliseconds, char text[DURATION_TEXT_SIZE]);

#endif
