/* What the server has done since it began, counted, and written down as the responder's part of the metrics.
 * Pure. */
#ifndef BH_RESPONDER_TRAFFIC_H
#define BH_RESPONDER_TRAFFIC_H

#include "base/process.h"
#include "report/exposition.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whatever is asked for falls under one of these: what clients send can make no more samples. */
enum traffic_path {
    TRAFFIC_LIVE,
    TRAFFIC_READY,
    TRAFFIC_HEALTH,
    TRAFFIC_CHECK,
    TRAFFIC_STARTED,
    TRAFFIC_SELF,
    TRAFFIC_METRICS,
    TRAFFIC_OTHER, /* no page of ours, or a request that could not be read */
    TRAFFIC_PATH_COUNT,
};

enum { TRAFFIC_STATUS_COUNT = 7 };

/* {0} has counted nothing. */
struct traffic {
    uint64_t requests[TRAFFIC_PATH_COUNT][TRAFFIC_STATUS_COUNT];
    uint64_t accepted;
    uint64_t evicted; /* ended unfinished, to make room for another */
    uint64_t pauses;  /* of accepting, for want of a descriptor */
};

/* One answer. status is one that an answer may have; the path counts where it is one of ours. */
void traffic_count(struct traffic *traffic, const char *path, size_t length, int status);

/* What may be said now, whatever the pages say. */
struct verdicts {
    bool is_fresh; /* the checker's pages stand within their lease */
    bool is_live, is_ready;
};

/* The responder itself. */
struct responder_state {
    size_t connections;    /* open now */
    int64_t started_at_ms; /* wall clock */
    struct process_usage usage;
};

/* The text that ends a page of metrics. It fits into TRAFFIC_TEXT_SIZE bytes, whatever was counted. */
enum { TRAFFIC_TEXT_SIZE = 8192 };
void traffic_put(struct exposition *page, const struct traffic *traffic, const struct verdicts *verdicts,
    const struct responder_state *state);

#endif
