/* JSON: the one renderer for machines. Each function returns a text that the caller frees, ending in a
 * newline, or NULL when memory is out. */
#ifndef BH_RENDER_JSON_H
#define BH_RENDER_JSON_H

#include "report/snapshot.h"

/* The body of /health/ready/: status, databases, app_settings and version as Bugsink's own health view had
 * them; beside status why: code, message and hint of what is not ok; then checked_at (the time of the oldest
 * result), failed and degraded. */
char *json_ready(const struct snapshot *snapshot);

/* The body of /health/: that, and all detail. */
char *json_health(const struct snapshot *snapshot);

/* The same in one line. */
char *json_health_line(const struct snapshot *snapshot);

/* The body of /health/ready/NAME/. */
char *json_check(const struct check_view *check);

#endif
