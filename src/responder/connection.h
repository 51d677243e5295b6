/* One connection: reads requests, answers each, and closes so that no answer is lost. Internal to the
 * responder. */
#ifndef BH_RESPONDER_CONNECTION_H
#define BH_RESPONDER_CONNECTION_H

#include "responder/queues.h"
#include "responder/request.h"
#include "responder/response.h"
#include "responder/server.h"

#include <stdbool.h>

/* What all connections of a server share. */
struct serving {
    struct event_base *base;
    const struct clock *clock;
    struct page_table *pages;
    struct server_limits limits;
    struct queues queues;
    struct traffic traffic;
    bool is_pressed;    /* more clients come than there are places: each gets one answer, and makes room */
    bool has_unwatched; /* a connection has nothing that would wake it but its deadline */
    event_callback_fn on_event; /* calls connection_turn, with the connection as its argument */
};

struct connection {
    struct place place; /* first, so that a place of the queues is a connection */
    struct serving *serving;
    int fd;
    struct event *event;
    short watched;        /* EV_READ or EV_WRITE while the event is added, else 0 */
    char *bytes;          /* REQUEST_HEAD_MAX of them: what was read and is not answered yet */
    char *tail;           /* TRAFFIC_TEXT_SIZE of them: for our part of a page */
    size_t start, length; /* the request that is being read starts at start */
    bool has_backlog;     /* a whole request may stand in bytes, left for this turn by the one before */
    bool has_ended;       /* the client will send no more */
    bool was_drained;     /* the last read took all there was */
    struct request request;
    struct response response;
    size_t sent;            /* of the response */
    struct page_hold *hold; /* what the response's body is in */
    bool closes;            /* after the response */
    bool may_hear_more;     /* before the close: input that nobody will read */
    size_t discarded;       /* bytes thrown away while lingering */
};

/* Prepares a free connection and adds it to the queues. The memory is the caller's; event is of
 * event_get_struct_event_size() bytes, and in use while the connection is. */
void connection_init(struct connection *connection, struct serving *serving, struct event *event,
    char bytes[REQUEST_HEAD_MAX], char tail[TRAFFIC_TEXT_SIZE]);

/* Takes a freshly accepted, non-blocking socket into a free connection, and reads at once. */
void connection_begin(struct connection *connection, int fd);

/* Whether only its deadline would wake it, for the event loop had no memory for more. */
bool connection_is_unwatched(const struct connection *connection);

/* Goes on: there is something to read, room to write, or a backlog. */
void connection_turn(struct connection *connection);

/* The deadline of its state has come: 408 for half a request, else an end. */
void connection_expire(struct connection *connection);

/* Ends it now. It is free afterwards. */
void connection_close(struct connection *connection);

#endif
