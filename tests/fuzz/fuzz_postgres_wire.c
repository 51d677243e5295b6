/* What comes on a PostgreSQL connection that is kept: any bytes, split anyhow, and queries asked in between.
 * Sources: src/kinds/postgres/wire.c */
#include "base/str.h"
#include "kinds/postgres/wire.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* One reading, and all that came of it, written down. */
struct reading {
    struct postgres_wire wire;
    struct strbuf events;
    bool is_over;
};

static void note_row(struct strbuf *events, const struct postgres_row *row) {
    fuzz_assert(row->count >= 0 && row->count <= POSTGRES_COLUMNS_MAX);
    strbuf_append(events, "row");
    for (int i = 0; i < row->count; i++)
        strbuf_format(events, " %s=%s", row->names[i], row->values[i] ? row->values[i] : "(null)");
    strbuf_append(events, "\n");
}

/* Reads from memory of just that size. */
static void feed(struct reading *reading, const uint8_t *data, size_t size) {
    char *copy = fuzz_copy(data, size);
    const char *at = copy, *end = copy + size;
    while (!reading->is_over) {
        struct postgres_row row;
        char status = '?';
        int pending = reading->wire.pending;
        enum postgres_event event = postgres_wire_read(&reading->wire, &at, end, &row, &status);
        fuzz_assert(at >= copy && at <= end && reading->wire.total <= POSTGRES_WIRE_TOTAL_MAX + size);
        if (event == POSTGRES_MORE) {
            fuzz_assert(at == end);
            break;
        }
        reading->is_over = event == POSTGRES_ERROR || event == POSTGRES_BROKEN;
        fuzz_assert(reading->wire.is_lost == reading->is_over);
        if (event == POSTGRES_ROW) {
            fuzz_assert(pending > 0);
            note_row(&reading->events, &row);
        } else if (event == POSTGRES_READY) {
            fuzz_assert(reading->wire.pending == pending - 1 && strchr("ITE", status) && status);
            strbuf_format(&reading->events, "ready %c\n", status);
        } else {
            strbuf_append(&reading->events, event == POSTGRES_ERROR ? "error\n" : "broken\n");
        }
    }
    if (reading->is_over) /* for good */
        fuzz_assert(postgres_wire_read(&reading->wire, &at, end, NULL, NULL) == POSTGRES_BROKEN);
    free(copy);
}

FUZZ_TARGET(postgres_wire) {
    struct fuzz_input input = {data, size};
    struct reading whole = {.events = {0}}, parts = {.events = {0}};
    for (unsigned i = fuzz_take_below(&input, 5); i > 0; i--) {
        postgres_wire_expect(&whole.wire);
        postgres_wire_expect(&parts.wire);
    }
    struct fuzz_cuts cuts = fuzz_take_cuts(&input);
    strbuf_append(&whole.events, "");
    strbuf_append(&parts.events, "");
    feed(&whole, input.at, input.left);
    for (size_t i = 0, start = 0; i < cuts.count; start = cuts.ends[i++])
        feed(&parts, input.at + start, cuts.ends[i] - start);
    fuzz_assert(whole.is_over == parts.is_over && whole.wire.pending == parts.wire.pending);
    fuzz_assert(strcmp(whole.events.data, parts.events.data) == 0);
    strbuf_release(&whole.events);
    strbuf_release(&parts.events);
    return 0;
}
