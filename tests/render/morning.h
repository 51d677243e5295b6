/* What the tests of the status page render: checks and a snapshot as they are on a morning. */
#ifndef BH_TESTS_RENDER_MORNING_H
#define BH_TESTS_RENDER_MORNING_H

#include "report/snapshot.h"

#include <stddef.h>
#include <stdint.h>

enum { MS = 1000, MINUTE_MS = 60 * MS };

static const int64_t NOW_MS = 1795428005123; /* 2026-11-23T10:00:05.123Z */

/* Of the kind sqlite, critical, in this state for 13 minutes. name is borrowed. */
struct check_view morning_check(const char *name, enum status status, enum reason reason);

/* checks is borrowed. */
struct snapshot morning_snapshot(const struct check_view *checks, size_t count);

#endif
