/* Clients that mean harm, or know no better: each kind in a process of its own, until it is told to end. */
#ifndef BH_TESTS_HOSTILE_H
#define BH_TESTS_HOSTILE_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

enum hostile_kind {
    HOSTILE_FLOOD, /* keeps its connections and pipelines requests for all paths; now and then at full speed
                    */
    HOSTILE_DRIP,  /* a byte of its request now and then */
    HOSTILE_SIPS,  /* asks for much, and reads a byte now and then */
    HOSTILE_GARBAGE,
    HOSTILE_RESETS, /* at once, in its request, or before the answer */
    HOSTILE_HALF,   /* closes its half of the connection, or says nothing at all, and stays */
    HOSTILE_KINDS,
};

struct hostile_counts {
    atomic_llong connections, answers, leaks; /* leaks: answers in which a secret stood */
};

struct hostile {
    pid_t pids[HOSTILE_KINDS];
    struct hostile_counts *counts; /* one a kind, in memory shared with them */
};

/* secrets: what no answer may hold, NULL-terminated. */
void hostile_start(struct hostile *hostile, int port, uint64_t seed, const char *const *secrets);
void hostile_stop(struct hostile *hostile);

const char *hostile_name(enum hostile_kind kind);

#endif
