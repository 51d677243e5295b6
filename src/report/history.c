/* The last hour of one check, in a ring of minutes. */
#include "report/history.h"

_Static_assert((int)REASON_COUNT <= UINT8_MAX, "a reason fits into a slot");

static const struct history_slot UNKNOWN = {STATUS_STARTING, REASON_STARTING, HISTORY_NO_RUN};

static int64_t newest(const struct history *history) {
    return history->now_ms / HISTORY_SLOT_MS;
}

void history_init(struct history *history) {
    *history = (struct history){.now_ms = -1, .status = STATUS_STARTING, .reason = REASON_STARTING};
    for (int i = 0; i < HISTORY_SLOTS; i++)
        history->slots[i] = UNKNOWN;
}

void history_advance(struct history *history, int64_t now_ms) {
    const struct history_slot known = {history->status, history->reason, HISTORY_NO_RUN};
    int64_t last = now_ms / HISTORY_SLOT_MS;
    int64_t next = history->now_ms < 0 ? last : newest(history) + 1;
    if (now_ms < history->now_ms)
        return;
    if (next <= last - HISTORY_SLOTS)
        next = last - HISTORY_SLOTS + 1;
    for (; next <= last; next++)
        history->slots[next % HISTORY_SLOTS] = known;
    history->now_ms = now_ms;
}

void history_note(
    struct history *history, int64_t now_ms, enum status status, enum reason reason, int64_t latency_ms) {
    history_advance(history, now_ms);
    struct history_slot *slot = &history->slots[newest(history) % HISTORY_SLOTS];
    int64_t told_ms = latency_ms < HISTORY_LATENCY_MAX_MS ? latency_ms : HISTORY_LATENCY_MAX_MS;
    if (slot->status == STATUS_STARTING || slot->status < status) {
        slot->status = (uint8_t)status;
        slot->reason = (uint8_t)reason;
    }
    /* cppcheck-suppress knownConditionTrueFalse ; it takes told_ms for 0 */
    if (slot->latency_ms == HISTORY_NO_RUN || slot->latency_ms < told_ms)
        slot->latency_ms = (uint16_t)told_ms;
    history->status = (uint8_t)status;
    history->reason = (uint8_t)reason;
}

/* Before the first call nothing is known, whichever slot is asked for. */
const struct history_slot *history_slot(const struct history *history, int index) {
    int64_t number = newest(history) - (HISTORY_SLOTS - 1) + index;
    return &history->slots[(number + HISTORY_SLOTS) % HISTORY_SLOTS];
}

int64_t history_age_ms(const struct history *history, int index) {
    if (history->now_ms < 0 || index >= HISTORY_SLOTS)
        return 0;
    return history->now_ms - (newest(history) - (HISTORY_SLOTS - 1) + index) * HISTORY_SLOT_MS;
}
