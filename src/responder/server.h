/* The server: a listener and a fixed number of connections on one event loop, answering from a page table.
 * Nothing it does can block, and nothing a client does makes it allocate (but for the moment in which a
 * scrape counts descriptors), spin, or keep another client waiting long. */
#ifndef BH_RESPONDER_SERVER_H
#define BH_RESPONDER_SERVER_H

#include "base/clock.h"
#include "base/process.h"
#include "responder/pages.h"

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

struct server_limits {
    size_t connections;    /* 256: held at once; the oldest unfinished one makes room for another */
    int64_t request_ms;    /* 5 s: from accept, or from its first byte, to the end of the request */
    int64_t idle_ms;       /* 65 s: from an answer to the next request; each answer announces it */
    int64_t write_ms;      /* 5 s: for the client to take an answer */
    int64_t linger_ms;     /* 2 s: for the client to close, where input may still come */
    size_t linger_bytes;   /* 64 KiB: of such input that are thrown away before we give up */
    int64_t pause_ms;      /* 100 ms: without accepting, when there is no descriptor to be had */
    int accepts_per_turn;  /* 16: in one turn of the loop, so that those accepted are heard in between */
    int turns_per_accept;  /* 8: of old connections, before new ones are looked for */
    int requests_per_turn; /* 2: of one connection, so that the others are heard in between */
};

/* The values that stand beside the fields. */
struct server_limits server_limits_usual(void);

struct server;

/* Serves what comes to the listening socket, which it takes. Clock and pages are borrowed. Returns NULL, and
 * leaves the socket to the caller, when memory is out or the socket cannot be made non-blocking. */
struct server *server_new(struct event_base *base, int listen_fd, struct page_table *pages,
    const struct clock *clock, const struct server_limits *limits);

/* How the process measures itself, for the metrics: borrowed. NULL, as at the beginning: by opening files. */
void server_set_meter(struct server *server, const struct process_meter *meter);

/* Stops listening, answers what has come whole by now, and closes every connection. */
void server_stop(struct server *server);

/* Stops, if that has not been done, and frees. NULL is nothing. */
void server_free(struct server *server);

#endif
