/* Reads what children report. */
#include "run/records.h"

#include <string.h>

char *records_room(struct records *records, size_t *size) {
    memmove(records->buffer, records->buffer + records->taken, records->length - records->taken);
    records->length -= records->taken;
    records->taken = 0;
    *size = sizeof records->buffer - records->length;
    return records->buffer + records->length;
}

void records_add(struct records *records, size_t count) {
    records->length += count;
}

static bool is_sound_head(const struct record_head *head) {
    switch (head->type) {
    case RECORD_PHASE: return head->size == sizeof(uint32_t);
    case RECORD_RESULT: return head->size <= CHILD_RESULT_MAX;
    case RECORD_GONE: return head->size == 0;
    default: return false;
    }
}

/* A phase that does not exist is no record. */
static bool take_payload(struct record *record, const char *payload, size_t size) {
    uint32_t phase = 0;
    record->payload = payload;
    record->size = size;
    if (record->type == RECORD_PHASE)
        memcpy(&phase, payload, sizeof phase);
    record->phase = (enum phase)phase;
    return phase < PHASE_COUNT;
}

bool records_next(struct records *records, struct record *record) {
    const char *at = records->buffer + records->taken;
    size_t left = records->length - records->taken;
    struct record_head head;
    if (records->is_garbled || left < sizeof head)
        return false;
    memcpy(&head, at, sizeof head);
    records->is_garbled = !is_sound_head(&head);
    if (records->is_garbled || left - sizeof head < head.size)
        return false;
    records->taken += sizeof head + head.size;
    *record = (struct record){.type = (enum record_type)head.type};
    records->is_garbled = !take_payload(record, at + sizeof head, head.size);
    return !records->is_garbled;
}

void records_end(struct records *records) {
    records->is_garbled = records->is_garbled || records->length > records->taken;
}
