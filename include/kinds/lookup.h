/* Name resolution that can be given up: in a child of the worker's, for getaddrinfo waits for as long as the
 * resolver's own rules let it, and a silent name server must not cost the run. */
#ifndef BH_KINDS_LOOKUP_H
#define BH_KINDS_LOOKUP_H

#include "run/resolve.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct lookup {
    pid_t pid;
    int fd; /* on which the answer comes */
};

/* Starts to ask for the addresses of the names. Returns -1 where no process or descriptor can be had. */
int lookup_start(struct lookup *lookup, const char *const *names, int count);

/* Returns false where no answer comes in that time. */
bool lookup_await(struct lookup *lookup, int64_t patience_ms, struct resolve_answer *answer);

/* Ends one that was started, answered or not. */
void lookup_end(struct lookup *lookup);

/* The two at once, and the answer of a failed start. */
bool lookup_now(const char *const *names, int count, int64_t patience_ms, struct resolve_answer *answer);

/* Whether both name the same addresses, in whatever order. */
bool lookup_is_same(const struct resolve_answer *a, const struct resolve_answer *b);

#endif
