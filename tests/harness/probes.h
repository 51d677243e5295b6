/* Probes as the kubelet sends them, each on a connection of its own, sent at even intervals whatever becomes
 * of the ones before: a server that is late is asked on, and cannot hide it. Knows nothing of libcheck, so
 * that a program outside of the tests can use it. */
#ifndef BH_TESTS_PROBES_H
#define BH_TESTS_PROBES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum probe_end {
    PROBE_ANSWERED, /* a whole HTTP response, whatever its status */
    PROBE_LATE,     /* none when the time was up */
    PROBE_REFUSED,  /* no connection */
    PROBE_RESET,    /* the connection was reset before the response was whole */
    PROBE_BROKEN,   /* it was closed before, or what came is no HTTP, or is too long */
    PROBE_END_COUNT,
};

/* What became of one. */
struct probe_answer {
    size_t path; /* its index in the plan */
    enum probe_end end;
    int status;        /* 0: none */
    int64_t took_us;   /* from before connect() to the last byte of the response */
    int64_t late_us;   /* behind its time when it was begun: the fault of this process, or of its processor */
    const char *bytes; /* what came; borrowed until the call returns */
    size_t length;
};

struct probe_plan {
    const char *address; /* numeric, of IPv4 */
    int port;
    const char *const *paths; /* asked in turn */
    size_t path_count;
    int64_t interval_us; /* between the beginnings of two probes */
    int64_t count;       /* 0: until *is_over */
    int64_t timeout_ms;
    const atomic_bool *is_over; /* may be NULL where there is a count */
    void (*done)(void *arg, const struct probe_answer *answer);
    void *arg;
};

/* Sends the probes and waits for the last. Returns false when memory or descriptors are out. */
bool probes_run(const struct probe_plan *plan);

/* "answered", "late", "refused", "reset", "broken". */
const char *probe_end_name(enum probe_end end);

/* Many durations, of which the largest are asked for. */
struct durations {
    uint32_t *us; /* the caller's */
    size_t count, capacity;
};

/* Notes one, where there is room. */
void durations_add(struct durations *durations, int64_t us);

/* The one below which so many of 10,000 lie: 5000 is the median, 9900 the 99th percentile, 10000 the largest.
 * Sorts them. 0 where there is none. */
int64_t durations_quantile(struct durations *durations, int per_10000);

#endif
