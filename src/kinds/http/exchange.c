/* Does an HTTP exchange on the loop. */
#include "kinds/http/exchange.h"

#include "base/io.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { REPLY_MAX = 10 * 1024, PIECE_SIZE = 4096 };

void exchange_close(struct exchange *exchange) {
    if (!exchange->is_open)
        return;
    exchange->is_open = false;
    if (exchange->event)
        event_free(exchange->event);
    if (exchange->fd >= 0)
        close(exchange->fd);
    exchange->event = NULL;
    exchange->fd = -1;
    http_reply_release(&exchange->reply);
}

bool exchange_has_sent(const struct exchange *exchange) {
    return exchange->is_open && exchange->sent_bytes == exchange->plan.request_length;
}

static void end(struct exchange *exchange, const char *call, int cause, const char *text) {
    exchange->ended(exchange->arg, exchange, &(struct exchange_end){call, cause, text});
}

static void fail(struct exchange *exchange, const char *call, int cause) {
    end(exchange, call, cause, strerror(cause));
}

static void go_on(struct exchange *exchange);

static void on_event(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    go_on(arg);
}

static void wait_for(struct exchange *exchange, short what) {
    if (exchange->event)
        event_free(exchange->event);
    exchange->event = event_new(exchange->plan.base, exchange->fd, what, on_event, exchange);
    if (!exchange->event || event_add(exchange->event, NULL) < 0)
        end(exchange, "event_add", ENOMEM, "the event loop took no event");
}

/* Not to be waited for: a body that hangs would make a time-out, and so silence, of an answer. */
static bool has_enough(const struct exchange *exchange) {
    return exchange->reply.status != 0 && exchange->is_enough(exchange->arg, exchange);
}

static void receive(struct exchange *exchange) {
    char piece[PIECE_SIZE];
    while (exchange->reply.state == HTTP_REPLY_MORE) {
        ssize_t got = recv(exchange->fd, piece, sizeof piece, 0);
        if (got > 0) {
            http_reply_feed(&exchange->reply, piece, (size_t)got);
        } else if (got == 0) {
            http_reply_end(&exchange->reply);
        } else if (errno == EAGAIN) {
            if (has_enough(exchange))
                break;
            wait_for(exchange, EV_READ);
            return;
        } else if (errno != EINTR) {
            int cause = errno;
            if (has_enough(exchange))
                break;
            fail(exchange, "recv", cause);
            return;
        }
    }
    end(exchange, NULL, 0, NULL);
}

/* Linux gives a connection that is made to a free port of this machine to itself when the kernel happens to
 * choose that port for our end (a simultaneous open, RFC 9293 3.5): nobody listens there. */
static bool is_connected_to_itself(int fd, const struct sockaddr_storage *peer, socklen_t peer_size) {
    struct sockaddr_storage own = {0};
    socklen_t own_size = sizeof own;
    return getsockname(fd, (struct sockaddr *)&own, &own_size) == 0 && own_size == peer_size &&
           memcmp(&own, peer, own_size) == 0;
}

/* Returns whether the connection stands. Else the exchange has ended, or waits. */
static bool has_connected(struct exchange *exchange) {
    struct sockaddr_storage peer = {0};
    socklen_t size = sizeof peer;
    int cause = 0;
    socklen_t cause_size = sizeof cause;
    if (getsockopt(exchange->fd, SOL_SOCKET, SO_ERROR, &cause, &cause_size) < 0)
        cause = errno;
    if (cause != 0) {
        fail(exchange, "connect", cause);
        return false;
    }
    if (getpeername(exchange->fd, (struct sockaddr *)&peer, &size) < 0) {
        wait_for(exchange, EV_WRITE);
        return false;
    }
    if (is_connected_to_itself(exchange->fd, &peer, size)) {
        end(exchange, "connect", ECONNREFUSED, "connected to itself: nobody listens there");
        return false;
    }
    return true;
}

/* Does what can be done without waiting. */
static void go_on(struct exchange *exchange) {
    const struct exchange_plan *plan = &exchange->plan;
    if (!exchange->has_connected) {
        if (!has_connected(exchange))
            return;
        exchange->has_connected = true;
        exchange->connected(exchange->arg);
    }
    bool has_asked = exchange->sent_bytes == plan->request_length;
    while (exchange->sent_bytes < plan->request_length) {
        ssize_t sent = send(exchange->fd, plan->request + exchange->sent_bytes,
            plan->request_length - exchange->sent_bytes, MSG_NOSIGNAL);
        if (sent >= 0) {
            exchange->sent_bytes += (size_t)sent;
        } else if (errno == EAGAIN) {
            wait_for(exchange, EV_WRITE);
            return;
        } else if (errno != EINTR) {
            fail(exchange, "send", errno);
            return;
        }
    }
    if (has_asked)
        receive(exchange);
    else
        wait_for(exchange, EV_READ); /* nobody answers what has only just left */
}

/* Within one machine connect has done its work when it returns: the request leaves at once, and whatever
 * holds this process up afterwards takes nothing from the time that Bugsink has. */
void exchange_start(struct exchange *exchange, const struct exchange_plan *plan) {
    exchange->plan = *plan;
    exchange->is_open = true;
    exchange->has_connected = false;
    exchange->sent_bytes = 0;
    exchange->event = NULL;
    http_reply_init(&exchange->reply, REPLY_MAX);
    exchange->fd = io_socket(plan->address->ss_family);
    if (exchange->fd < 0)
        fail(exchange, "socket", errno);
    else if (connect(exchange->fd, (const struct sockaddr *)plan->address, plan->address_size) < 0 &&
             errno != EINPROGRESS)
        fail(exchange, "connect", errno);
    else
        go_on(exchange);
}
