/* The limits that a check is judged by, for the texts that say how far a figure is from its limit. */
#ifndef BH_REPORT_LIMITS_H
#define BH_REPORT_LIMITS_H

#include <stdint.h>

/* 0: this check has no such limit. */
struct check_limits {
    int64_t timeout_ms;
    int64_t slow_ms;
    int64_t min_free_bytes; /* -1: 256 MiB or 5 % of the volume, the smaller */
    int64_t max_wal_bytes;
    int64_t backlog_ms;
    int64_t backlog_tasks;
};

#endif
