/* One HTTP exchange: a connection to a numeric address, a request, its answer; on the loop, without waiting.
 */
#ifndef BH_KINDS_HTTP_EXCHANGE_H
#define BH_KINDS_HTTP_EXCHANGE_H

#include "kinds/http/reply.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct exchange;

/* How an exchange ended. */
struct exchange_end {
    const char *call; /* that failed; NULL: none did, the reply tells */
    int cause;        /* of the call: errno; 0: it went no further for the reason that `text` gives */
    const char *text;
};

/* What it is for. Borrowed, as is all in it, until the exchange ends or is closed. */
struct exchange_plan {
    struct event_base *base;
    const struct sockaddr_storage *address;
    socklen_t address_size;
    const char *request;
    size_t request_length;
};

/* Embedded in its owner, where it stays while it is open. */
struct exchange {
    struct exchange_plan plan;
    /* The connection stands. */
    void (*connected)(void *arg);
    /* Whether nothing more need be waited for, of an answer whose head has come. */
    bool (*is_enough)(void *arg, const struct exchange *exchange);
    /* The end, once, and never after exchange_close; it must close the exchange. */
    void (*ended)(void *arg, struct exchange *exchange, const struct exchange_end *end);
    void *arg;

    bool is_open;
    bool has_connected;
    int fd; /* -1: none */
    struct event *event;
    size_t sent_bytes;
    struct http_reply reply;
};

/* Begins; the callbacks and arg are set already. `ended` may come before this returns. */
void exchange_start(struct exchange *exchange, const struct exchange_plan *plan);

/* Whether the request has left. */
bool exchange_has_sent(const struct exchange *exchange);

/* Closes it, wherever it stands. Of one that is closed, or {0}, nothing. */
void exchange_close(struct exchange *exchange);

#endif
