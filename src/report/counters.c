/* Counts the runs of one check. */
#include "report/counters.h"

/* None is a whole number of seconds, which the two text formats would write differently, and Prometheus would
 * take for two buckets. 1.5 s is the standard budget for slow, 3 s the standard timeout. */
static const int64_t BOUNDS_MS[COUNTERS_BUCKETS] = {5, 10, 25, 50, 100, 250, 500, 1500, 3500, 12500, 60500};

int64_t counters_bound_ms(int bucket) {
    return BOUNDS_MS[bucket];
}

void counters_note(struct counters *counters, enum status status, enum reason reason, int64_t duration_ms) {
    int bucket = 0;
    if (duration_ms < 0)
        duration_ms = 0;
    while (bucket < COUNTERS_BUCKETS && duration_ms > BOUNDS_MS[bucket])
        bucket++;
    if (bucket < COUNTERS_BUCKETS)
        counters->buckets[bucket]++;
    if (counters->runs > 0 && status != counters->status)
        counters->transitions++;
    if (status == STATUS_DEGRADED || status == STATUS_ERROR)
        counters->failures[reason]++;
    counters->runs++;
    counters->duration_ms += (uint64_t)duration_ms;
    counters->status = status;
}
