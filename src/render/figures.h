/* What a check has observed, in words and with units, beside the limits it is judged by: "41 tasks, the
 * oldest 15 min old; 78 GiB free of 84 GiB". Internal to the renderers: JSON, metrics and log keep their
 * machine values. */
#ifndef BH_RENDER_FIGURES_H
#define BH_RENDER_FIGURES_H

#include "base/str.h"
#include "report/snapshot.h"

/* Appends them, separated by "; ": those that bear on the reason, with the limit where one is exceeded;
 * nothing where nothing was observed. */
void figures_append(struct strbuf *buffer, const struct check_view *check);

/* A size: "68 KiB", "1.5 GiB". A span of time: "15 min", "3 h 5 min". */
void figures_append_size(struct strbuf *buffer, int64_t bytes);
void figures_append_span(struct strbuf *buffer, int64_t ms);

#endif
