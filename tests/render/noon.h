/* What the tests of texts render: checks and a snapshot as they are at noon. */
#ifndef BH_TESTS_RENDER_NOON_H
#define BH_TESTS_RENDER_NOON_H

#include "report/snapshot.h"

#include <stddef.h>

enum { NOON = 1795442400, MS = 1000 }; /* 2026-11-23T14:00:00Z */

/* Of the kind sqlite, critical, with a latency of 12 ms, and looked at just now. name is borrowed. */
struct check_view noon_check(const char *name, enum status status, enum reason reason);

/* checks is borrowed. */
struct snapshot noon_snapshot(const struct check_view *checks, size_t count);

/* Frees text. */
void expect_text(char *text, const char *expected);

#endif
