/* The server: accepts, makes room when connections or descriptors run out, and minds the deadlines. */
#include "responder/server.h"

#include "base/io.h"
#include "responder/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* After a turn that found the queue of connections empty. */
enum { LONE_TURNS = 16 };

struct server {
    struct serving serving; /* first, so that what connections share is their server */
    int listen_fd;
    int reserve_fd; /* given up for a connection when no descriptor is left; -1 while it is */
    struct event *on_connection;
    struct event *on_pause_end;
    struct event *on_deadline;
    int64_t timer_due_ms; /* when on_deadline fires; INT64_MAX while it is not armed */
    struct connection *connections;
    char *events, *bytes, *tails; /* one of each for a connection */
    size_t initialised;           /* connections that were ever used; the memory of the others is untouched */
    int turns_since_accept;
    int lone_turns; /* still to come, in which one connection is accepted */
    bool is_stopped;
};

struct server_limits server_limits_usual(void) {
    return (struct server_limits){
        .connections = 256,
        .request_ms = 5000,
        .idle_ms = 65000,
        .write_ms = 5000,
        .linger_ms = 2000,
        .linger_bytes = 64 * 1024,
        .pause_ms = 100,
        .accepts_per_turn = 16,
        .requests_per_turn = 2,
        .turns_per_accept = 8,
    };
}

static struct connection *connection_at(struct place *place) {
    return (struct connection *)place; /* its first member */
}

static struct timeval timeval_from_ms(int64_t ms) {
    return (struct timeval){.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

/* -- deadlines -- */

/* Arms the one timer for the earliest deadline. It is not moved when that connection ends: it then fires for
 * nothing, once, which is cheaper than arming it anew for every probe. */
static void arm_timer(struct server *server) {
    int64_t due_ms = queues_next_deadline_ms(&server->serving.queues);
    if (server->serving.has_unwatched) {
        int64_t again_ms = clock_now_ms(server->serving.clock) + server->serving.limits.pause_ms;
        due_ms = again_ms < due_ms ? again_ms : due_ms;
    }
    if (due_ms >= server->timer_due_ms)
        return;
    int64_t delay_ms = due_ms - clock_now_ms(server->serving.clock);
    struct timeval delay = timeval_from_ms(delay_ms > 0 ? delay_ms : 0);
    if (event_add(server->on_deadline, &delay) == 0)
        server->timer_due_ms = due_ms;
}

/* Hears those whose event the loop did not take. */
static void turn_unwatched(struct server *server) {
    server->serving.has_unwatched = false;
    for (size_t i = 0; i < server->serving.limits.connections; i++)
        if (connection_is_unwatched(&server->connections[i]))
            connection_turn(&server->connections[i]);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg) {
    struct server *server = arg;
    (void)fd;
    (void)what;
    server->timer_due_ms = INT64_MAX;
    int64_t now_ms = clock_now_ms(server->serving.clock);
    for (struct place *place; (place = queues_expired(&server->serving.queues, now_ms)) != NULL;)
        connection_expire(connection_at(place));
    if (server->serving.has_unwatched)
        turn_unwatched(server);
    arm_timer(server);
}

static void accept_some(struct server *server, int most);

/* A probe is a new connection: it does not wait until all old ones had their turn. Without this, 255 clients
 * that pipeline requests for a page of 284 KB kept one waiting for 0.9 s. */
static void hear_new_ones(struct server *server) {
    if (server->is_stopped || ++server->turns_since_accept < server->serving.limits.turns_per_accept)
        return;
    accept_some(server, server->serving.limits.accepts_per_turn);
}

static void on_connection_event(evutil_socket_t fd, short what, void *arg) {
    struct connection *connection = arg;
    (void)fd;
    (void)what;
    struct server *server = (struct server *)connection->serving;
    connection_turn(connection);
    arm_timer(server);
    hear_new_ones(server);
}

/* -- room -- */

/* Ends the oldest connection. One that waits for its request is heard a last time, so that a probe whose
 * request has come, but whose turn has not, gets its answer. Returns false if none is in use. */
static bool evict_oldest(struct server *server) {
    struct place *oldest = queues_oldest(&server->serving.queues);
    if (!oldest)
        return false;
    if (queues_awaits_request(oldest))
        connection_turn(connection_at(oldest));
    if (queues_awaits_request(oldest) || oldest->state == CONNECTION_WRITING)
        server->serving.traffic.evicted++;
    if (oldest->state != CONNECTION_FREE)
        connection_close(connection_at(oldest));
    return true;
}

/* The reserve is a second descriptor of the listening socket: it takes a place in our table and nothing else.
 */
static void keep_reserve(struct server *server) {
    if (server->reserve_fd < 0)
        server->reserve_fd = fcntl(server->listen_fd, F_DUPFD_CLOEXEC, 0);
}

static bool has_waiting_connection(const struct server *server) {
    struct pollfd listener = {.fd = server->listen_fd, .events = POLLIN};
    return poll(&listener, 1, 0) == 1;
}

/* There is no descriptor to be had: finds one. Returns false if there is none of ours to give up. */
static bool free_descriptor(struct server *server) {
    if (evict_oldest(server))
        return true;
    if (server->reserve_fd < 0)
        return false;
    close(server->reserve_fd);
    server->reserve_fd = -1;
    return true;
}

/* -- accepting -- */

/* Looks away from the listener, which stays readable and would have us spin. */
static void pause_accepting(struct server *server) {
    server->serving.traffic.pauses++;
    struct timeval pause = timeval_from_ms(server->serving.limits.pause_ms);
    if (event_add(server->on_pause_end, &pause) == 0)
        event_del(server->on_connection);
}

static void on_pause_end(evutil_socket_t fd, short what, void *arg) {
    struct server *server = arg;
    (void)fd;
    (void)what;
    if (event_add(server->on_connection, NULL) < 0)
        pause_accepting(server);
}

/* Whether accept may be tried again at once. Linux hands a pending error of the new connection out through
 * accept (accept(2)); that connection is gone, and the next one may be well. */
static bool can_go_on(struct server *server, int error) {
    switch (error) {
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
        return false;
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
#ifdef ENONET
    case ENONET:
#endif
        return true;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        /* Linux looks for a descriptor before it looks for a connection: without this question the newest
         * connection would be given up for one that never came. */
        if (!has_waiting_connection(server))
            return false;
        if (free_descriptor(server))
            return true;
        break;
    default: break;
    }
    pause_accepting(server);
    return false;
}

/* The next connection that was never used. */
static void init_connection(struct server *server) {
    size_t i = server->initialised++;
    connection_init(&server->connections[i], &server->serving,
        (struct event *)(server->events + i * event_get_struct_event_size()),
        server->bytes + i * REQUEST_HEAD_MAX, server->tails + i * TRAFFIC_TEXT_SIZE);
}

static void begin_connection(struct server *server, int fd) {
    struct queues *queues = &server->serving.queues;
    if (!queues_free_place(queues) && server->initialised < server->serving.limits.connections)
        init_connection(server);
    else if (!queues_free_place(queues)) {
        server->serving.is_pressed = true;
        evict_oldest(server);
    }
    connection_begin(connection_at(queues_free_place(queues)), fd);
}

/* Accepts up to so many; where more clients come than there are places, a few times as many, for then the
 * queue in the kernel is what a probe waits in. */
static void accept_some(struct server *server, int most) {
    enum { PRESSED = 4 };
    server->turns_since_accept = 0;
    keep_reserve(server);
    for (int i = 0; i < (server->serving.is_pressed ? PRESSED * most : most); i++) {
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            begin_connection(server, fd);
        } else if (!can_go_on(server, errno)) {
            server->lone_turns = LONE_TURNS;
            server->serving.is_pressed = false; /* the queue is empty, or nothing can be accepted */
            break;
        }
    }
    arm_timer(server);
}

/* There is one at least. A probe mostly comes alone, and to ask for a second one costs as much as to read its
 * request: once that was for nothing, the next turns take one each, and leave it to the loop to find another.
 */
static void on_connection(evutil_socket_t fd, short what, void *arg) {
    struct server *server = arg;
    (void)fd;
    (void)what;
    if (server->lone_turns == 0) {
        accept_some(server, server->serving.limits.accepts_per_turn);
    } else {
        server->lone_turns--;
        accept_some(server, 1);
    }
}

/* -- life -- */

/* Room for all connections, so that nothing has to be found when they come. It is not cleared, and not even
 * touched before they do: memory that no connection ever used costs nothing. */
static int reserve_connections(struct server *server) {
    size_t count = server->serving.limits.connections;
    server->connections = malloc(count * sizeof *server->connections);
    server->events = malloc(count * event_get_struct_event_size());
    server->bytes = malloc(count * REQUEST_HEAD_MAX);
    server->tails = malloc(count * TRAFFIC_TEXT_SIZE);
    return server->connections && server->events && server->bytes && server->tails ? 0 : -1;
}

static int init_events(struct server *server) {
    struct event_base *base = server->serving.base;
    server->on_connection = event_new(base, server->listen_fd, EV_READ | EV_PERSIST, on_connection, server);
    server->on_pause_end = event_new(base, -1, 0, on_pause_end, server);
    server->on_deadline = event_new(base, -1, 0, on_deadline, server);
    if (!server->on_connection || !server->on_pause_end || !server->on_deadline)
        return -1;
    return event_add(server->on_connection, NULL);
}

static void release(struct server *server) {
    struct event *const events[] = {server->on_connection, server->on_pause_end, server->on_deadline};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (events[i])
            event_free(events[i]);
    free(server->connections);
    free(server->events);
    free(server->bytes);
    free(server->tails);
    free(server);
}

/* Accepted sockets inherit both from the listener (for the second: Linux, FreeBSD): a small answer behind
 * another one must not wait for the client's acknowledgement. */
static int set_options(int listen_fd) {
    const int yes = 1;
    setsockopt(listen_fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return io_set_nonblocking(listen_fd); /* else accept would block */
}

struct server *server_new(struct event_base *base, int listen_fd, struct page_table *pages,
    const struct clock *clock, const struct server_limits *limits) {
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    server->serving = (struct serving){.base = base,
        .clock = clock,
        .pages = pages,
        .limits = *limits,
        .traffic.started_at_ms = clock_wall_ms(clock),
        .on_event = on_connection_event};
    queues_init(&server->serving.queues);
    server->listen_fd = listen_fd;
    server->reserve_fd = -1;
    server->timer_due_ms = INT64_MAX;
    if (set_options(listen_fd) < 0 || reserve_connections(server) < 0 || init_events(server) < 0) {
        release(server);
        return NULL;
    }
    keep_reserve(server);
    return server;
}

void server_set_meter(struct server *server, const struct process_meter *meter) {
    server->serving.traffic.meter = meter;
}

/* One more turn for each connection that has not got its answer: what has come by now is answered. */
static void take_last_turns(struct server *server) {
    accept_some(server, server->serving.limits.accepts_per_turn);
    for (size_t i = 0; i < server->initialised; i++) {
        const struct place *place = &server->connections[i].place;
        if (queues_awaits_request(place) || place->state == CONNECTION_WRITING)
            connection_turn(&server->connections[i]);
    }
}

void server_stop(struct server *server) {
    if (server->is_stopped)
        return;
    server->is_stopped = true;
    take_last_turns(server);
    for (size_t i = 0; i < server->initialised; i++)
        if (server->connections[i].place.state != CONNECTION_FREE)
            connection_close(&server->connections[i]);
    event_del(server->on_connection);
    event_del(server->on_pause_end);
    event_del(server->on_deadline);
    close(server->listen_fd);
    if (server->reserve_fd >= 0)
        close(server->reserve_fd);
}

void server_free(struct server *server) {
    if (!server)
        return;
    server_stop(server);
    release(server);
}
