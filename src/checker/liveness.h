/* Liveness: whether Bugsink itself still answers, however badly. Pure. A restart is no small thing,
 * so only silence in a row counts, and nothing that is the sidecar's own fault. */
#ifndef BH_CHECKER_LIVENESS_H
#define BH_CHECKER_LIVENESS_H

#include "report/reason.h"

#include <stdbool.h>
#include <stdint.h>

/* What is remembered of Bugsink. {0} at the start. */
struct liveness {
    bool has_answered;   /* ever */
    int64_t silences;    /* runs in a row without any answer */
    enum reason silence; /* what the last of them met */
    /* How often it has begun to answer: for the first time, or after it was away, which is when it has been
     * restarted. Whoever must know whether Bugsink has read its
     * settings since compares this. */
    int64_t arrivals;
    bool is_silent; /* the last look met no answer, excused or not */
    bool is_away;   /* nothing has accepted connections, or it was silent for long, since it answered last */
};

/* Takes note of how a run of the app's check ended. A refusal shows that it is away, and so do fall silences
 * in a row, upon which whoever asks for liveness restarts it. is_excused: something else is known that keeps
 * it from answering and that no restart mends; silence then says nothing, and is counted anew afterwards. */
void liveness_note(struct liveness *liveness, enum reason reason, bool is_excused, int64_t fall);

/* The reason in which a run of the app's check is told: a refusal means starting, as long as Bugsink has
 * never answered. */
enum reason liveness_reason(const struct liveness *liveness, enum reason reason);

/* Whether Bugsink counts as dead: fall silences in a row, and it has answered before or the sidecar has run
 * for longer than start_grace_ms. */
bool liveness_is_dead(
    const struct liveness *liveness, int64_t fall, int64_t start_grace_ms, int64_t running_ms);

#endif
