/* Reads what a PostgreSQL server sends on a connection that is logged in: the answers to simple queries, and
 * nothing else (PostgreSQL's manual, "Frontend/Backend Protocol", message flow and formats of version 3.0).
 * Bytes in, in any portions, events out; it keeps one small message, and whatever is longer, of another kind
 * or in another order than it must be ends the reading. Pure: no socket, no clock, no allocation. */
#ifndef BH_KINDS_POSTGRES_WIRE_H
#define BH_KINDS_POSTGRES_WIRE_H

#include "kinds/postgres/questions.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    POSTGRES_WIRE_HEAD = 5,           /* a message's type and length */
    POSTGRES_WIRE_BODY_MAX = 256,     /* of a message that is read */
    POSTGRES_WIRE_TOTAL_MAX = 1 << 16 /* of all that comes in one run, what is skipped included */
};

enum postgres_event {
    POSTGRES_MORE,  /* all bytes are used up */
    POSTGRES_ROW,   /* a row, valid until the next call */
    POSTGRES_READY, /* the answer to one query is whole, and in which state the session is */
    POSTGRES_ERROR, /* the server reports an error; what follows is not read */
    POSTGRES_BROKEN /* what came is nothing that may come here; what follows is not read */
};

/* {0} is a connection that was asked nothing and has no message half read. */
struct postgres_wire {
    int pending; /* queries whose answer is not whole */
    bool is_lost;
    bool is_in_rows; /* columns have come, and the end of their rows has not */
    uint32_t total;  /* bytes since the last query was asked when none was pending */
    size_t have;     /* bytes of the message that is being read, its head included */
    unsigned char head[POSTGRES_WIRE_HEAD];
    int column_count;
    char columns[POSTGRES_WIRE_BODY_MAX]; /* their names, each with its NUL */
    char body[POSTGRES_WIRE_BODY_MAX + 1];
};

/* A query was asked: one more answer is to come. */
void postgres_wire_expect(struct postgres_wire *wire);

/* Reads from *at (below end), which moves on, up to the next event. *row is filled for POSTGRES_ROW; *status
 * for POSTGRES_READY: 'I' idle, 'T' in a transaction, 'E' in one that has failed. */
enum postgres_event postgres_wire_read(
    struct postgres_wire *wire, const char **at, const char *end, struct postgres_row *row, char *status);

#endif
