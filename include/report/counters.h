/* What one check has done since it began: runs, how long they took, changes and failures, counted. They only
 * grow; bounded however long the check runs and however it fails. */
#ifndef BH_REPORT_COUNTERS_H
#define BH_REPORT_COUNTERS_H

#include "report/reason.h"
#include "report/status.h"

#include <stdint.h>

enum { COUNTERS_BUCKETS = 11 };

/* Embedded in its owner; plain bytes, which may be copied. {0} has counted nothing. */
struct counters {
    uint64_t runs;
    uint64_t duration_ms;               /* of all of them together */
    uint64_t buckets[COUNTERS_BUCKETS]; /* runs that took no longer than counters_bound_ms(n), and longer than
                                           the bound before */
    uint64_t transitions;               /* changes of status; the first run is none */
    uint64_t failures[REASON_COUNT];    /* runs that ended degraded or in error, by code */
    enum status status;                 /* after the last run */
};

/* A run has ended, and was judged so. */
void counters_note(struct counters *counters, enum status status, enum reason reason, int64_t duration_ms);

/* The upper bound of a bucket. What takes longer than the last one is in none. */
int64_t counters_bound_ms(int bucket);

#endif
