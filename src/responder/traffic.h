/* What the server has done since it began, counted, and written down as the responder's part of the metrics.
 */
#ifndef BH_RESPONDER_TRAFFIC_H
#define BH_RESPONDER_TRAFFIC_H

#include "base/process.h"
#include "report/exposition.h"
#include "report/route.h"
#include "responder/probes.h"
#include "responder/response.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRAFFIC_STATUS_COUNT = 7 };

/* {0} has counted nothing. What clients send can make no more samples than there are routes and statuses. */
struct traffic {
    uint64_t requests[ROUTE_COUNT][TRAFFIC_STATUS_COUNT];
    uint64_t accepted;
    uint64_t evicted;      /* ended unfinished, to make room for another */
    uint64_t pauses;       /* of accepting, for want of a descriptor */
    int64_t started_at_ms; /* wall clock */
    struct probes probes;
    const struct process_meter *meter; /* how the process measures itself: borrowed; NULL: by opening files */
};

/* One answer. status is one that an answer may have; the path counts where it is one of ours.
 * Returns the route that it was counted for. */
enum route_id traffic_count(struct traffic *traffic, const char *path, size_t length, int status);

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

/* Pure: the text that ends a page of metrics. It fits into TRAFFIC_TEXT_SIZE bytes, whatever was counted. */
enum { TRAFFIC_TEXT_SIZE = 8192 };
void traffic_put(struct exposition *page, const struct traffic *traffic, const struct verdicts *verdicts,
    const struct responder_state *state);

/* Composes that text for this moment in memory, which must stay, and puts it behind the answer. connections:
 * open now. */
void traffic_add_tail(const struct traffic *traffic, const struct verdicts *verdicts, size_t connections,
    char memory[TRAFFIC_TEXT_SIZE], struct answer *answer);

#endif
