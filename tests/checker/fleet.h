/* Thousands of pods that look at one database server, in virtual time: when they connect. The schedule and
 * the policy are the program's own; knows nothing of libcheck, so that a program outside of the tests can use
 * it. */
#ifndef BH_TESTS_FLEET_H
#define BH_TESTS_FLEET_H

#include "report/reason.h"

#include <stdbool.h>
#include <stdint.h>

enum { FLEET_PODS = 3000, FLEET_BUCKET_MS = 10, FLEET_END_MS = 600000 };

/* From down_from_ms until down_until_ms the server is away, and each look ends in `outage`: REASON_REFUSED at
 * once, REASON_TIMEOUT after 3 s. Standard settings, and a login for each look. */
struct fleet_plan {
    int64_t start_over_ms; /* the pods start evenly in so long; 0: all at one moment */
    int64_t down_from_ms, down_until_ms;
    enum reason outage;
};

/* New connections by the time they are begun at, and how long after down_until_ms the last pod was well. */
struct fleet_log {
    int64_t begun[FLEET_END_MS / FLEET_BUCKET_MS];
    int64_t recovered_ms;
};

/* The random numbers are the same each time. Returns false when memory is out. */
bool fleet_run(const struct fleet_plan *plan, struct fleet_log *log);

/* Connections in the second in which there were most of those that lie within [from_ms, until_ms). */
int64_t fleet_peak(const struct fleet_log *log, int64_t from_ms, int64_t until_ms);

/* Connections a second. */
double fleet_mean(const struct fleet_log *log, int64_t from_ms, int64_t until_ms);

#endif
