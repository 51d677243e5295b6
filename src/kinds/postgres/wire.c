/* The strict reader of a PostgreSQL connection's answers. */
#include "kinds/postgres/wire.h"

#include <string.h>

void postgres_wire_expect(struct postgres_wire *wire) {
    if (wire->pending == 0)
        wire->total = 0;
    wire->pending++;
}

static uint32_t number(const unsigned char *at, int bytes) {
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* -- the message that is being read -- */

static size_t body_size(const struct postgres_wire *wire) {
    return number(wire->head + 1, 4) - 4; /* the length counts itself */
}

/* What a server may send of itself at any time: NoticeResponse, ParameterStatus, NotificationResponse. */
static bool is_aside(char type) {
    return type == 'N' || type == 'S' || type == 'A';
}

/* Whether a message of that head may come now. */
static bool is_sound_head(const struct postgres_wire *wire) {
    char type = (char)wire->head[0];
    uint32_t length = number(wire->head + 1, 4);
    if (length < 4)
        return false;
    if (is_aside(type) || type == 'E')
        return length <= POSTGRES_WIRE_TOTAL_MAX;
    if (wire->pending == 0 || length - 4 > POSTGRES_WIRE_BODY_MAX)
        return false;
    switch (type) {
    case 'T':                           /* RowDescription */
    case 'Z': return !wire->is_in_rows; /* ReadyForQuery */
    case 'D': return wire->is_in_rows;  /* DataRow */
    case 'C': return true;              /* CommandComplete */
    default: return false;
    }
}

/* Takes bytes of the body; those of a message that is merely skipped are not kept. */
static void take_body(struct postgres_wire *wire, const char **at, const char *end) {
    size_t done = wire->have - POSTGRES_WIRE_HEAD, wanted = body_size(wire) - done;
    size_t count = (size_t)(end - *at) < wanted ? (size_t)(end - *at) : wanted;
    if (!is_aside((char)wire->head[0]))
        memcpy(wire->body + done, *at, count);
    wire->have += count;
    *at += count;
}

/* -- whole messages -- */

/* RowDescription: a count; of each column its name, and 18 bytes of which the last two are the format (0:
 * text). */
static bool take_columns(struct postgres_wire *wire, size_t size) {
    enum { REST = 18 };
    const char *at = wire->body, *end = wire->body + size;
    char *name = wire->columns;
    if (size < 2)
        return false;
    wire->column_count = (int)number((const unsigned char *)at, 2);
    if (wire->column_count > POSTGRES_COLUMNS_MAX)
        return false;
    at += 2;
    for (int i = 0; i < wire->column_count; i++) {
        const char *nul = memchr(at, '\0', (size_t)(end - at));
        if (!nul || end - nul < 1 + REST || nul[REST - 1] != 0 || nul[REST] != 0)
            return false;
        memcpy(name, at, (size_t)(nul + 1 - at));
        name += nul + 1 - at;
        at = nul + 1 + REST;
    }
    wire->is_in_rows = true;
    return at == end;
}

/* DataRow: a count; of each value its length (all ones: NULL) and its bytes. Each is ended by a NUL where the
 * next one's length, which has been read by then, begins. */
static bool take_row(struct postgres_wire *wire, size_t size, struct postgres_row *row) {
    char *at = wire->body, *end = wire->body + size;
    const char *name = wire->columns;
    if (size < 2 || (int)number((const unsigned char *)at, 2) != wire->column_count)
        return false;
    at += 2;
    row->count = wire->column_count;
    for (int i = 0; i < row->count; i++) {
        if (end - at < 4)
            return false;
        uint32_t length = number((const unsigned char *)at, 4);
        *at = '\0';
        at += 4;
        row->names[i] = name;
        name += strlen(name) + 1;
        row->values[i] = length == UINT32_MAX ? NULL : at;
        if (length == UINT32_MAX)
            continue;
        if (length > (size_t)(end - at) || memchr(at, '\0', length))
            return false;
        at += length;
    }
    *at = '\0';
    return at == end;
}

static bool take_ready(struct postgres_wire *wire, size_t size, char *status) {
    *status = wire->body[0];
    wire->pending--;
    /* Three letters, and no text. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    return size == 1 && memchr("ITE", *status, 3);
}

static bool take_message(struct postgres_wire *wire, struct postgres_row *row, char *status) {
    size_t size = body_size(wire);
    switch (wire->head[0]) {
    case 'T': return take_columns(wire, size);
    case 'D': return take_row(wire, size, row);
    case 'Z': return take_ready(wire, size, status);
    case 'C': wire->is_in_rows = false; break;
    default: break;
    }
    return true;
}

/* -- the stream -- */

static enum postgres_event lose(struct postgres_wire *wire, enum postgres_event event) {
    wire->is_lost = true;
    return event;
}

static enum postgres_event event_of(char type) {
    return type == 'D' ? POSTGRES_ROW : type == 'Z' ? POSTGRES_READY : POSTGRES_MORE;
}

enum postgres_event postgres_wire_read(
    struct postgres_wire *wire, const char **at, const char *end, struct postgres_row *row, char *status) {
    if (wire->is_lost)
        return POSTGRES_BROKEN;
    for (;;) {
        const char *from = *at;
        while (wire->have < POSTGRES_WIRE_HEAD && *at < end)
            wire->head[wire->have++] = (unsigned char)*(*at)++;
        bool has_head = wire->have >= POSTGRES_WIRE_HEAD;
        if (has_head && !is_sound_head(wire))
            return lose(wire, POSTGRES_BROKEN);
        if (has_head && wire->head[0] == 'E')
            return lose(wire, POSTGRES_ERROR); /* whatever it says: a fresh login finds out */
        if (has_head)
            take_body(wire, at, end);
        wire->total += (uint32_t)(*at - from);
        if (wire->total > POSTGRES_WIRE_TOTAL_MAX)
            return lose(wire, POSTGRES_BROKEN);
        if (!has_head || wire->have < POSTGRES_WIRE_HEAD + body_size(wire))
            return POSTGRES_MORE;
        wire->have = 0;
        if (!take_message(wire, row, status))
            return lose(wire, POSTGRES_BROKEN);
        enum postgres_event event = event_of((char)wire->head[0]);
        if (event != POSTGRES_MORE)
            return event;
    }
}
