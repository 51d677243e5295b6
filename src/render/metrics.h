/* Metrics for Prometheus: what the checker knows, in both text formats. The responder adds what it knows
 * itself, and the end (see ROUTE_BY_BOTH). */
#ifndef BH_RENDER_METRICS_H
#define BH_RENDER_METRICS_H

#include "report/snapshot.h"

/* However many checks there are: the first so many, in the order of the configuration, have their own
 * samples; of the rest is told how many they are. The page stays under METRICS_PAGE_MAX bytes. */
enum { METRICS_CHECKS_MAX = 500, METRICS_PAGE_MAX = 3 * 1024 * 1024 };

/* Each returns a text that the caller frees, or NULL when memory is out. */
char *metrics_text(const struct snapshot *snapshot);
char *metrics_openmetrics(const struct snapshot *snapshot);

#endif
