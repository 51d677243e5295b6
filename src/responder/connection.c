/* One connection: request by request, answer by answer, each step as far as it goes without waiting. */
#include "responder/connection.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert((int)PROBES_TEXT_SIZE <= (int)TRAFFIC_TEXT_SIZE, "either of our parts fits into the tail");

/* -- waiting -- */

static void unwatch(struct connection *connection) {
    if (connection->watched != 0)
        event_del(connection->event);
    connection->watched = 0;
}

/* The server gives it a turn soon, whatever the kernel says of its socket. */
static void try_again_soon(struct connection *connection) {
    unwatch(connection);
    connection->serving->has_unwatched = true;
}

/* Whether the kernel was short of memory, which passes: the connection itself is well. */
static bool is_shortage(int error) {
    return error == ENOBUFS || error == ENOMEM;
}

/* Waits for what: EV_READ or EV_WRITE. Where the loop has no memory for it, the server tries again soon. */
static void watch(struct connection *connection, short what) {
    if (connection->watched == what)
        return;
    unwatch(connection);
    const struct serving *serving = connection->serving;
    if (event_assign(connection->event, serving->base, connection->fd, (short)(what | EV_PERSIST),
            serving->on_event, connection) == 0 &&
        event_add(connection->event, NULL) == 0)
        connection->watched = what;
    else
        try_again_soon(connection);
}

/* Asks for a turn in the loop's next round, after whatever else has come by then. */
static void watch_soon(struct connection *connection) {
    static const struct timeval AT_ONCE = {0, 0};
    connection->has_backlog = true;
    watch(connection, EV_READ);
    if (connection->watched == 0 || event_add(connection->event, &AT_ONCE) == 0)
        return;
    try_again_soon(connection);
}

static void enter(struct connection *connection, enum connection_state state, int64_t allowed_ms) {
    struct serving *serving = connection->serving;
    queues_move(&serving->queues, &connection->place, state, clock_now_ms(serving->clock) + allowed_ms);
}

/* -- the end -- */

static void release_hold(struct connection *connection) {
    page_hold_release(connection->hold);
    connection->hold = NULL;
}

void connection_close(struct connection *connection) {
    unwatch(connection);
    close(connection->fd);
    connection->fd = -1;
    release_hold(connection);
    queues_move(&connection->serving->queues, &connection->place, CONNECTION_FREE, 0);
}

/* Ends it so that the kernel drops the answer that the client does not take. */
static void abort_connection(struct connection *connection) {
    const struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    connection_close(connection);
}

/* Throws away what comes, until the client closes. A socket closed over unread input is reset by the kernel,
 * and the reset can overtake the answer (RFC 9112, section 9.6). */
static void discard(struct connection *connection) {
    ssize_t got = read(connection->fd, connection->bytes, REQUEST_HEAD_MAX);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        watch(connection, EV_READ);
        return;
    }
    connection->discarded += got > 0 ? (size_t)got : 0;
    if (got <= 0 || connection->discarded >= connection->serving->limits.linger_bytes)
        connection_close(connection);
    else
        watch(connection, EV_READ);
}

/* After the last answer. */
static void end(struct connection *connection) {
    bool has_rest = connection->start < connection->length && !connection->serving->is_pressed;
    bool is_all_read =
        connection->has_ended || (connection->was_drained && !connection->may_hear_more && !has_rest);
    if (is_all_read) {
        connection_close(connection);
        return;
    }
    unwatch(connection);
    if (shutdown(connection->fd, SHUT_WR) < 0) { /* ENOTCONN: the client has gone */
        connection_close(connection);
        return;
    }
    connection->discarded = 0;
    enter(connection, CONNECTION_LINGERING, connection->serving->limits.linger_ms);
    discard(connection);
}

/* -- answers -- */

/* The answer is out, and the client may ask again. */
static void become_idle(struct connection *connection) {
    request_init(&connection->request);
    enter(connection, CONNECTION_IDLE, connection->serving->limits.idle_ms);
}

/* The time for a request starts with the connection, or with the first byte that comes after an answer. */
static void begin_reading(struct connection *connection) {
    enter(connection, CONNECTION_READING, connection->serving->limits.request_ms);
}

/* What is left of a part, and of *sent for the parts behind it. */
static struct iovec unsent(const char *part, size_t length, size_t *sent) {
    size_t gone = *sent < length ? *sent : length;
    *sent -= gone;
    if (gone == length)
        return (struct iovec){NULL, 0};
    /* sendmsg takes what it only reads as if it wrote */
    return (struct iovec){(void *)(uintptr_t)(part + gone), length - gone};
}

/* Sends what the socket takes. Returns 1 when all is sent, 0 when not, with errno: EAGAIN where the socket is
 * full; -1 when the client is gone. */
static int send_some(struct connection *connection) {
    struct response *response = &connection->response;
    size_t total = response->head_length + response->body_length + response->tail_length;
    while (connection->sent < total) {
        size_t sent_before = connection->sent;
        struct iovec parts[3] = {
            unsent(response->head, response->head_length, &sent_before),
            unsent(response->body, response->body_length, &sent_before),
            unsent(response->tail, response->tail_length, &sent_before),
        };
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
        ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK || is_shortage(errno) ? 0 : -1;
        connection->sent += (size_t)sent;
    }
    return 1;
}

/* Sends on, and concludes once all is sent. Afterwards the connection reads its next request, or does not. */
static void send_response(struct connection *connection) {
    int result = send_some(connection);
    bool is_short = result == 0 && is_shortage(errno);
    if (result < 0) {
        connection_close(connection);
    } else if (result == 0) {
        if (connection->place.state != CONNECTION_WRITING)
            enter(connection, CONNECTION_WRITING, connection->serving->limits.write_ms);
        if (is_short)
            try_again_soon(connection);
        else
            watch(connection, EV_WRITE);
    } else {
        release_hold(connection);
        if (connection->closes)
            end(connection);
        else
            become_idle(connection);
    }
}

/* Our part of the metrics, with this request in it. */
static void add_tail(struct connection *connection, struct answer *answer) {
    const struct serving *serving = connection->serving;
    struct verdicts verdicts = page_table_verdicts(serving->pages);
    traffic_add_tail(&serving->traffic, &verdicts, queues_in_use(&serving->queues), connection->tail, answer);
}

/* Counts the request, whose first byte is at head. */
static void note(struct connection *connection, const struct answer *answer, const char *head, int64_t now_ms,
    int64_t wall_ms) {
    const struct request *request = &connection->request;
    struct traffic *traffic = &connection->serving->traffic;
    enum route_id route =
        traffic_count(traffic, head + request->path_offset, request->path_length, answer->status);
    if (answer->status == 200 || answer->status == 503)
        probes_note(
            &traffic->probes, route, head + request->agent_offset, request->agent_length, now_ms, wall_ms);
}

/* Answers the request whose first byte is at head. */
static void respond(struct connection *connection, struct answer *answer, const char *head) {
    const struct request *request = &connection->request;
    const struct serving *serving = connection->serving;
    int64_t now_ms = clock_now_ms(serving->clock), wall_ms = clock_wall_ms(serving->clock);
    note(connection, answer, head, now_ms, wall_ms);
    if (answer->takes_metrics)
        add_tail(connection, answer);
    else if (answer->takes_probes)
        probes_add_tail(&serving->traffic.probes, now_ms, connection->tail, answer);
    answer->omits_body = request->is_head;
    answer->is_http_1_0 = !request->is_http_1_1;
    answer->prefers_health_json = request->wants_health_json;
    answer->idle_s = serving->limits.idle_ms / 1000;
    answer->keeps_alive = answer->keeps_alive && !serving->is_pressed;
    connection->closes = !answer->keeps_alive;
    response_compose(&connection->response, answer, wall_ms);
    connection->sent = 0;
    send_response(connection);
}

/* Answers an error after which nothing more is read. */
static void refuse(struct connection *connection, int status) {
    struct answer answer = {0};
    response_set_error(&answer, status);
    connection->may_hear_more = true;
    connection->request.path_length = 0; /* it counts for no path */
    respond(connection, &answer, connection->bytes + connection->start);
}

static unsigned tastes_of(const struct request *request) {
    return (request->prefers_html ? (unsigned)PAGE_TASTE_HTML : 0) |
           (request->prefers_openmetrics ? (unsigned)PAGE_TASTE_OPENMETRICS : 0);
}

/* Answers the request that has been read. */
static void answer_request(struct connection *connection) {
    const struct request *request = &connection->request;
    const char *head = connection->bytes + connection->start;
    connection->start += request->length;
    if (request->refusal != 0 && request->refusal != 405) {
        refuse(connection, request->refusal);
        return;
    }
    struct answer answer = {.keeps_alive = request->keeps_alive};
    connection->may_hear_more = request->has_body;
    if (request->refusal == 405)
        response_set_error(&answer, 405);
    else
        connection->hold = page_table_answer(connection->serving->pages, head + request->path_offset,
            request->path_length, tastes_of(request), &answer);
    respond(connection, &answer, head);
}

/* -- requests -- */

/* Moves what is left to the front, so that a whole request fits behind start. */
static void compact(struct connection *connection) {
    if (connection->start == 0)
        return;
    connection->length -= connection->start;
    memmove(connection->bytes, connection->bytes + connection->start, connection->length);
    connection->start = 0;
}

static bool has_request(struct connection *connection) {
    return request_read(
        &connection->request, connection->bytes + connection->start, connection->length - connection->start);
}

/* Answers the whole requests that stand in the buffer, then waits for more; or for another turn, where there
 * are many. */
static void answer_requests(struct connection *connection) {
    int left = connection->serving->limits.requests_per_turn;
    while (queues_awaits_request(&connection->place) && has_request(connection)) {
        if (left-- == 0) {
            watch_soon(connection);
            return;
        }
        answer_request(connection);
    }
    if (!queues_awaits_request(&connection->place))
        return;
    compact(connection);
    if (connection->place.state == CONNECTION_IDLE && connection->length > 0)
        begin_reading(connection);
    watch(connection, EV_READ);
}

/* Reads once. Returns false if there was nothing to be had, and the connection has been seen to. */
static bool read_some(struct connection *connection) {
    size_t room = REQUEST_HEAD_MAX - connection->length;
    assert(room > 0); /* a full buffer is a refused request */
    ssize_t got = read(connection->fd, connection->bytes + connection->length, room);
    if (got > 0) {
        connection->length += (size_t)got;
        connection->was_drained = (size_t)got < room;
        return true;
    }
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        watch(connection, EV_READ);
        return false;
    }
    if (got < 0 && is_shortage(errno)) {
        try_again_soon(connection);
        return false;
    }
    connection->has_ended = true;
    if (got == 0 && connection->length > connection->start)
        refuse(connection, 400); /* half a request; the client may still be listening */
    else
        connection_close(connection);
    return false;
}

static void read_turn(struct connection *connection) {
    if (connection->has_backlog) {
        connection->has_backlog = false;
        /* libevent 2.1 takes an event out when its timeout has come, and a persistent one back in only if
         * that timeout was above zero (event_persist_closure): whatever it did, watch starts anew. */
        unwatch(connection);
        answer_requests(connection);
    } else if (read_some(connection)) {
        answer_requests(connection);
    }
}

static void write_turn(struct connection *connection) {
    send_response(connection);
    if (queues_awaits_request(&connection->place))
        answer_requests(connection);
}

/* -- the outside -- */

/* NOLINTBEGIN(readability-non-const-parameter): bytes and tail are written to later */
void connection_init(struct connection *connection, struct serving *serving, struct event *event,
    char bytes[REQUEST_HEAD_MAX], char tail[TRAFFIC_TEXT_SIZE]) {
    *connection =
        (struct connection){.serving = serving, .fd = -1, .event = event, .bytes = bytes, .tail = tail};
    queues_add(&serving->queues, &connection->place);
}
/* NOLINTEND(readability-non-const-parameter) */

void connection_begin(struct connection *connection, int fd) {
    connection->serving->traffic.accepted++;
    connection->fd = fd;
    connection->start = connection->length = 0;
    connection->has_backlog = connection->has_ended = connection->was_drained = false;
    request_init(&connection->request);
    begin_reading(connection);
    read_turn(connection);
}

bool connection_is_unwatched(const struct connection *connection) {
    return connection->place.state != CONNECTION_FREE && connection->watched == 0;
}

void connection_turn(struct connection *connection) {
    switch (connection->place.state) {
    case CONNECTION_IDLE:
    case CONNECTION_READING: read_turn(connection); break;
    case CONNECTION_WRITING: write_turn(connection); break;
    case CONNECTION_LINGERING: discard(connection); break;
    case CONNECTION_FREE:
    case CONNECTION_STATE_COUNT: assert(false); break;
    }
}

void connection_expire(struct connection *connection) {
    if (connection->place.state == CONNECTION_WRITING)
        abort_connection(connection);
    else if (queues_awaits_request(&connection->place) && connection->length > connection->start)
        refuse(connection, 408);
    else
        connection_close(connection);
}
