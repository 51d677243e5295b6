/* What a worker says, whose memory a driver may have spoilt: any bytes, split anyhow.
 * Sources: src/run/records.c, src/run/outcome.c */
#include "base/str.h"
#include "run/records.h"
#include "run/worker.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* An answer of any bytes is one that can be used. */
static void check_answer(const char *payload) {
    struct worker_answer answer;
    memcpy(&answer, payload, sizeof answer);
    struct outcome outcome = outcome_checked(&answer.outcome);
    fuzz_assert((unsigned)outcome.reason < REASON_COUNT && (unsigned)outcome.phase < PHASE_COUNT);
    fuzz_assert(memchr(outcome.detail, '\0', sizeof outcome.detail));
    fuzz_assert(memchr(outcome.code, '\0', sizeof outcome.code));
}

static void note(struct strbuf *events, const struct record *record) {
    strbuf_format(events, "%x %d %zu\n", (unsigned)record->type, (int)record->phase, record->size);
    fuzz_assert(record->size <= CHILD_RESULT_MAX);
    fuzz_assert((unsigned)record->phase < PHASE_COUNT);
    if (record->type == RECORD_RESULT && record->size == sizeof(struct worker_answer))
        check_answer(record->payload);
}

/* Reads from memory of just that size, as much at once as finds room. */
static void feed(struct records *records, struct strbuf *events, const uint8_t *data, size_t size) {
    struct record record;
    while (size > 0 && !records->is_garbled) {
        size_t room;
        char *end = records_room(records, &room);
        fuzz_assert(room > 0 && records->length + room == sizeof records->buffer);
        size_t count = size < room ? size : room;
        char *copy = fuzz_copy(data, count);
        memcpy(end, copy, count);
        free(copy);
        records_add(records, count);
        data += count;
        size -= count;
        while (records_next(records, &record))
            note(events, &record);
        fuzz_assert(records->taken <= records->length);
    }
}

FUZZ_TARGET(worker_records) {
    struct fuzz_input input = {data, size};
    struct fuzz_cuts cuts = fuzz_take_cuts(&input);
    struct records *whole = calloc(1, sizeof *whole), *parts = calloc(1, sizeof *parts);
    struct strbuf one = {0}, other = {0};
    fuzz_assert(whole && parts);
    strbuf_append(&one, "");
    strbuf_append(&other, "");
    feed(whole, &one, input.at, input.left);
    for (size_t i = 0, start = 0; i < cuts.count; start = cuts.ends[i++])
        feed(parts, &other, input.at + start, cuts.ends[i] - start);
    records_end(whole);
    records_end(parts);
    fuzz_assert(whole->is_garbled == parts->is_garbled);
    fuzz_assert(strcmp(one.data, other.data) == 0);
    strbuf_release(&one);
    strbuf_release(&other);
    free(whole);
    free(parts);
    return 0;
}
