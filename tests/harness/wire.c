/* The messages of a PostgreSQL server. */
#include "harness/wire.h"

#include <stdint.h>
#include <string.h>

static void put_number(struct strbuf *stream, uint32_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        strbuf_append_n(stream, &(char){(char)(value >> shift & 0xff)}, 1);
}

void wire_put(struct strbuf *stream, char type, const char *body, size_t size) {
    strbuf_append_n(stream, &type, 1);
    put_number(stream, (uint32_t)size + 4, 4);
    strbuf_append_n(stream, body, size);
}

void wire_put_complete(struct strbuf *stream, const char *tag) {
    wire_put(stream, 'C', tag, strlen(tag) + 1);
}

void wire_put_ready(struct strbuf *stream, char status) {
    wire_put(stream, 'Z', &status, 1);
}

static uint32_t count(const char *const *list) {
    uint32_t found = 0;
    while (list[found])
        found++;
    return found;
}

void wire_put_columns(struct strbuf *stream, const char *const *names) {
    struct strbuf body = {0};
    put_number(&body, count(names), 2);
    for (; *names; names++) {
        strbuf_append_n(&body, *names, strlen(*names) + 1);
        put_number(&body, 0, 4);  /* table */
        put_number(&body, 0, 2);  /* its column */
        put_number(&body, 16, 4); /* type */
        put_number(&body, 1, 2);  /* its size */
        put_number(&body, UINT32_MAX, 4);
        put_number(&body, 0, 2); /* text */
    }
    wire_put(stream, 'T', body.data, body.length);
    strbuf_release(&body);
}

void wire_put_row(struct strbuf *stream, const char *const *values) {
    struct strbuf body = {0};
    put_number(&body, count(values), 2);
    for (; *values; values++) {
        bool is_null = strcmp(*values, "NULL") == 0;
        put_number(&body, is_null ? UINT32_MAX : (uint32_t)strlen(*values), 4);
        strbuf_append_n(&body, *values, is_null ? 0 : strlen(*values));
    }
    wire_put(stream, 'D', body.data, body.length);
    strbuf_release(&body);
}

void wire_put_error(struct strbuf *stream, const char *severity, const char *sqlstate) {
    struct strbuf body = {0};
    strbuf_format(&body, "S%s%cV%s%cC%s%cMa message%c", severity, 0, severity, 0, sqlstate, 0, 0);
    strbuf_append_n(&body, "", 1);
    wire_put(stream, 'E', body.data, body.length);
    strbuf_release(&body);
}

void wire_put_opening(struct strbuf *stream) {
    wire_put_complete(stream, "BEGIN");
    wire_put_complete(stream, "SET");
    wire_put_complete(stream, "SET");
    wire_put_ready(stream, 'T');
}

void wire_put_answers(struct strbuf *stream, const char *in_recovery, const char *installations) {
    wire_put_columns(stream, (const char *const[]){"in_recovery", "read_only", NULL});
    wire_put_row(stream, (const char *const[]){in_recovery, "off", NULL});
    wire_put_complete(stream, "SELECT 1");
    wire_put_columns(stream, (const char *const[]){"is_migrated", "installations", "is_paused", NULL});
    wire_put_row(stream, (const char *const[]){"t", installations, "NULL", NULL});
    wire_put_complete(stream, "SELECT 1");
    wire_put_columns(stream, (const char *const[]){"lacks", "lacks_sequence", NULL});
    wire_put_row(stream, (const char *const[]){"NULL", "NULL", NULL});
    wire_put_complete(stream, "SELECT 1");
    wire_put_columns(stream, (const char *const[]){"backend_pid", "login_state", "places", NULL});
    wire_put_row(stream, (const char *const[]){"0", "a state", "10", NULL});
    wire_put_complete(stream, "SELECT 1");
    wire_put_complete(stream, "ROLLBACK");
    wire_put_ready(stream, 'I');
}
