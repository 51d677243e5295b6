/* The gate: how many workers begin a run at once. A worker that was asked and has said nothing yet is one
 * that the processor has not served; behind a few of those another run would only queue, and take processor
 * time from whoever answers probes. So it waits here, in the order of coming. A worker that waits for its
 * server has said so, and holds nobody up. */
#ifndef BH_RUN_GATE_H
#define BH_RUN_GATE_H

#include "base/timers.h"
#include "run/child.h"

#include <stdbool.h>
#include <stdint.h>

/* What is due and may have to wait. Embedded in its owner. */
struct turn {
    void (*take)(void *arg);
    void *arg;
    struct turn *next;
    bool is_waiting;
    int64_t since_ms; /* waits */
};

struct gate {
    struct children *children;
    struct timers *timers;
    struct timer look;
    struct turn *first;
    struct turn **last;
    int64_t delayed; /* runs that waited for GATE_DELAY_MS or longer, so far */
    /* When a run last waited for GATE_LATE_MS, since when that has been going on, when the operator was told
     * of it; 0: never. */
    int64_t late_ms, late_since_ms, told_ms;
};

enum {
    GATE_DELAY_MS = 100,          /* a delay that counts */
    GATE_LATE_MS = 1000,          /* one that shows that the processor does not serve what it was given */
    GATE_SPELL_MS = 60 * 1000,    /* without one, it is over */
    GATE_PATIENCE_MS = 10 * 1000, /* a start, or a moment of others' work, is over by then */
    GATE_SILENCE_MS = 3600 * 1000 /* from one warning to the next */
};

/* Both are borrowed. */
void gate_init(struct gate *gate, struct children *children, struct timers *timers);

/* take is called when a turn that had to wait has come. */
void turn_init(struct turn *turn, void (*take)(void *arg), void *arg);

/* Returns true where the run may begin now. Else the turn waits, and is taken as soon as it may. */
bool gate_enter(struct gate *gate, struct turn *turn);

/* Gives up its place. Does nothing where it does not wait. */
void gate_leave(struct gate *gate, struct turn *turn);

/* Counts a run that has waited for so long. Returns whether the operator should be told now: runs have been
 * late for GATE_PATIENCE_MS, and that is news. */
bool gate_note(struct gate *gate, int64_t delay_ms);

#endif
