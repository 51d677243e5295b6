/* A client of the responder: any bytes, in any pieces, over a socket; each request among them has its answer,
 * and what comes back can be read as the answers to them.
 * Sources: src/responder/connection.c src/responder/response.c src/responder/pages.c */
#include "kinds/http/reply.h"
#include "fuzz/fuzz.h"
#include "responder/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINGER_BYTES = 4096, NOW_MS = 1000000, OUTPUT_MAX = 1 << 20, REQUESTS_MAX = 64 };

/* -- the server around the connection -- */

struct bench {
    int64_t now_ms;
    struct clock clock;
    struct serving serving;
    struct connection connection;
    struct event *event;
    char bytes[REQUEST_HEAD_MAX], tail[TRAFFIC_TEXT_SIZE];
};

static int64_t read_hand(void *arg) {
    return *(int64_t *)arg;
}

static void on_event(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    connection_turn(arg);
}

static void put_pages(struct bench *bench, int64_t valid_until_ms) {
    static const char LARGE[] = "{\"status\":\"ok\",\"message\":\"large\"}";
    static const struct page PAGES[] = {
        {"/health", 200, PAGE_TRUST_LEASE, "application/json", "{}\n", 3},
        {"/health", 503, PAGE_TRUST_LEASE, PAGE_TYPE_HTML, "<p>", 3},
        {"/health/live", 200, PAGE_TRUST_LONG, "text/plain; charset=utf-8", "OK\n", 3},
        {"/health/ready", 503, PAGE_TRUST_LEASE, "application/json", LARGE, sizeof LARGE - 1},
        {"/health/self", 200, PAGE_TRUST_GRACE, "text/plain; charset=utf-8", "", 0},
        {"/metrics", 200, PAGE_TRUST_LEASE, PAGE_TYPE_OPENMETRICS, "a 1\n", 4},
        {"/metrics", 200, PAGE_TRUST_LEASE, PAGE_TYPE_METRICS, "a 1\n", 4},
    };
    struct page_set set = {bench->now_ms, sizeof PAGES / sizeof PAGES[0], fuzz_copy(PAGES, sizeof PAGES)};
    fuzz_assert(page_table_put(bench->serving.pages, set, malloc(1), valid_until_ms) == 0);
}

static void bench_init(struct bench *bench, bool has_pages, int64_t age_ms) {
    static struct event_base *base; /* costs more to make than all else */
    base = base ? base : event_base_new();
    *bench = (struct bench){.now_ms = NOW_MS};
    bench->clock = (struct clock){read_hand, read_hand, &bench->now_ms};
    bench->serving = (struct serving){.base = base,
        .clock = &bench->clock,
        .pages = page_table_new(&bench->clock),
        .limits = server_limits_usual(),
        .on_event = on_event};
    bench->serving.limits.linger_bytes = LINGER_BYTES;
    queues_init(&bench->serving.queues);
    fuzz_assert(bench->serving.pages);
    bench->event = calloc(1, event_get_struct_event_size());
    fuzz_assert(bench->event);
    connection_init(&bench->connection, &bench->serving, bench->event, bench->bytes, bench->tail);
    if (has_pages)
        put_pages(bench, NOW_MS);
    if (has_pages && age_ms == 0)
        page_table_renew(bench->serving.pages, NOW_MS + 1);
    bench->now_ms += age_ms;
}

static void bench_release(struct bench *bench) {
    free(bench->event);
    page_table_free(bench->serving.pages);
}

/* -- what is expected -- */

struct expected {
    struct {
        int status; /* 0: any that a page has */
        bool is_head, closes;
    } answers[REQUESTS_MAX];
    size_t count;
};

/* What must be answered to these bytes, and the end behind them, by the reader of requests alone. */
static struct expected expect(const uint8_t *data, size_t size) {
    struct expected expected = {.count = 0};
    bool closes = false;
    while (size > 0 && !closes && expected.count < REQUESTS_MAX) {
        struct request request;
        request_init(&request);
        bool is_whole = request_read(&request, (const char *)data, size);
        closes = !is_whole || !request.keeps_alive;
        expected.answers[expected.count].status = is_whole ? request.refusal : 400;
        expected.answers[expected.count].is_head = request.is_head;
        expected.answers[expected.count++].closes = closes;
        data += request.length;
        size -= request.length;
    }
    return expected;
}

static size_t head_length(const char *data, size_t size) {
    const char *end = memmem(data, size, "\r\n\r\n", 4);
    fuzz_assert(end);
    return (size_t)(end - data) + 4;
}

/* Takes one answer off the output. */
static size_t check_answer(const char *data, size_t size, int status, bool is_head, bool closes) {
    struct http_reply reply;
    size_t head = head_length(data, size);
    http_reply_init(&reply, OUTPUT_MAX);
    enum http_reply_state state = http_reply_feed(&reply, data, is_head ? head : size);
    fuzz_assert(status == 0 ? reply.status == 200 || reply.status == 404 || reply.status == 503
                            : reply.status == status);
    fuzz_assert(state == HTTP_REPLY_WHOLE || (is_head && state == HTTP_REPLY_MORE));
    bool says_close = memmem(data, head, "\r\nConnection: close\r\n", 21) != NULL;
    fuzz_assert(says_close == closes);
    fuzz_assert(memmem(data, head, "\r\nCache-Control: no-store\r\n", 27) &&
                memmem(data, head, "\r\nContent-Length: ", 18) && memmem(data, head, "\r\nDate: ", 8));
    size_t taken = is_head ? head : reply.taken_bytes;
    http_reply_release(&reply);
    return taken;
}

static void check_output(const char *data, size_t size, const struct expected *expected) {
    for (size_t i = 0; i < expected->count; i++) {
        size_t taken = check_answer(data, size, expected->answers[i].status, expected->answers[i].is_head,
            expected->answers[i].closes);
        data += taken;
        size -= taken;
    }
    fuzz_assert(size == 0);
}

/* -- a conversation -- */

static void turn(struct bench *bench) {
    event_base_loop(bench->serving.base, EVLOOP_NONBLOCK);
    fuzz_assert(!connection_is_unwatched(&bench->connection));
}

static size_t read_output(int fd, char *output, size_t length) {
    for (ssize_t got; (got = read(fd, output + length, OUTPUT_MAX - length)) > 0;)
        length += (size_t)got;
    return length;
}

/* Sends all in pieces and reads all that comes back; turns go on while anything moves. */
static size_t converse(
    struct bench *bench, int fd, const struct fuzz_input *input, const struct fuzz_cuts *cuts, char *output) {
    size_t length = 0, start = 0;
    for (size_t i = 0; i < cuts->count; i++) {
        size_t size = cuts->ends[i] - start;
        if (size > 0 && send(fd, input->at + start, size, MSG_NOSIGNAL) < 0)
            break;
        start = cuts->ends[i];
        turn(bench);
        length = read_output(fd, output, length);
    }
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < 1000 && bench->connection.place.state != CONNECTION_FREE; i++) {
        turn(bench);
        length = read_output(fd, output, length);
    }
    return read_output(fd, output, length);
}

/* The client goes silent, or does not read: the deadline of its state ends it. */
static void expire(struct bench *bench, int fd, const struct fuzz_input *input, char *output) {
    if (input->left > 0)
        fuzz_assert(send(fd, input->at, input->left, MSG_NOSIGNAL) == (ssize_t)input->left);
    for (int i = 0; i < 100; i++)
        turn(bench);
    for (int i = 0; i < 3 && bench->connection.place.state != CONNECTION_FREE; i++) {
        connection_expire(&bench->connection);
        turn(bench);
    }
    fuzz_assert(bench->connection.place.state == CONNECTION_FREE);
    read_output(fd, output, 0);
}

/* The client sends, and is gone before it has read a thing, or all: that alone ends it. Takes fd. */
static void leave(struct bench *bench, int fd, const struct fuzz_input *input, unsigned turns) {
    if (input->left > 0)
        fuzz_assert(send(fd, input->at, input->left, MSG_NOSIGNAL) == (ssize_t)input->left);
    while (turns-- > 0)
        turn(bench);
    close(fd);
    for (int i = 0; i < 1000 && bench->connection.place.state != CONNECTION_FREE; i++)
        turn(bench);
    fuzz_assert(bench->connection.place.state == CONNECTION_FREE);
}

static void say_nothing(int severity, const char *message) {
    (void)severity;
    (void)message;
}

/* The loop does not take the descriptor, as when its memory is out: only the deadline would wake it. */
static void serve_unwatched(struct bench *bench, const struct fuzz_input *input) {
    int fd = memfd_create("client", MFD_CLOEXEC); /* which epoll refuses */
    event_set_log_callback(say_nothing);
    fuzz_assert(fd >= 0 && pwrite(fd, input->at, input->left, 0) == (ssize_t)input->left);
    connection_begin(&bench->connection, fd);
    for (int i = 0; i < 1000 && bench->connection.place.state != CONNECTION_FREE; i++) {
        fuzz_assert(connection_is_unwatched(&bench->connection) && bench->serving.has_unwatched);
        connection_turn(&bench->connection);
    }
    fuzz_assert(bench->connection.place.state == CONNECTION_FREE);
}

FUZZ_TARGET(connection) {
    static char output[OUTPUT_MAX];
    static const int64_t AGES_MS[] = {0, 1, PAGES_GRACE_MS + 1, PAGES_LONG_MS + 1};
    struct fuzz_input input = {data, size};
    unsigned mode = fuzz_take(&input);
    struct fuzz_cuts cuts = fuzz_take_cuts(&input);
    struct bench *bench = malloc(sizeof *bench);
    int fds[2];
    fuzz_assert(bench && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    if (mode & 8) { /* a client that is slow to read */
        int small = 1;
        setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    }
    bench_init(bench, mode & 4, AGES_MS[mode % 4]);
    bool is_unwatched = (mode & 48) == 48;
    if (is_unwatched)
        close(fds[1]);
    else
        connection_begin(&bench->connection, fds[1]);
    struct expected expected = expect(input.at, input.left);
    if (is_unwatched) {
        serve_unwatched(bench, &input);
    } else if (mode & 16) {
        expire(bench, fds[0], &input, output);
    } else if (mode & 32) {
        leave(bench, fds[0], &input, mode >> 6);
        fds[0] = -1;
    } else {
        size_t length = converse(bench, fds[0], &input, &cuts, output);
        fuzz_assert(bench->connection.place.state == CONNECTION_FREE);
        if (expected.count < REQUESTS_MAX)
            check_output(output, length, &expected);
    }
    fuzz_assert(queues_in_use(&bench->serving.queues) == 0 && !bench->connection.hold);
    if (fds[0] >= 0)
        close(fds[0]);
    bench_release(bench);
    free(bench);
    return 0;
}
