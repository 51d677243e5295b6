/* The last hour of one check: a ring of fixed slots, so that it costs the same however long it runs and
 * however often it fails. Times are monotonic: a clock that is set moves nothing. */
#ifndef BH_REPORT_HISTORY_H
#define BH_REPORT_HISTORY_H

#include "report/reason.h"
#include "report/status.h"

#include <stdint.h>

enum {
    HISTORY_SLOTS = 60,
    HISTORY_SLOT_MS = 60000,
    HISTORY_LATENCY_MAX_MS = UINT16_MAX - 1, /* what took longer is remembered as this */
    HISTORY_NO_RUN = UINT16_MAX,
};

/* One minute. */
struct history_slot {
    uint8_t status;      /* enum status: the worst in it; STATUS_STARTING: nothing was known */
    uint8_t reason;      /* enum reason: the first of that status */
    uint16_t latency_ms; /* of the longest run that ended in it; HISTORY_NO_RUN: none did */
};

/* Embedded in its owner; plain bytes, which may be copied. */
struct history {
    int64_t now_ms; /* of the last call that moved it; -1: none yet */
    uint8_t status; /* now: what a slot begins with, until a run in it says otherwise */
    uint8_t reason;
    struct history_slot slots[HISTORY_SLOTS]; /* number n stands at n % HISTORY_SLOTS */
};

void history_init(struct history *history);

/* A run has ended, and was judged so. */
void history_note(
    struct history *history, int64_t now_ms, enum status status, enum reason reason, int64_t latency_ms);

/* Brings the ring up to now: a slot in which no run ends holds what was known when it began. */
void history_advance(struct history *history, int64_t now_ms);

/* Slot 0 is the oldest, HISTORY_SLOTS - 1 the one that is being filled. Borrowed until the next change. */
const struct history_slot *history_slot(const struct history *history, int index);

/* How long before the ring's now that slot began; with index HISTORY_SLOTS, 0. */
int64_t history_age_ms(const struct history *history, int index);

#endif
