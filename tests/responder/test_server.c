/* Tests of the server on real sockets: it runs in a forked child, with short deadlines; the test is its
 * clients. */
#include "harness/wait.h"
#include "responder/child.h"
#include "responder/client.h"
#include "responder/server.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BIG = 1024 * 1024, HUGE = 16 * 1024 * 1024 };

#define CLOSING_GET "GET /health/live/ HTTP/1.1\r\nConnection: close\r\n\r\n"
#define STAYING_GET "GET /health/live/ HTTP/1.1\r\n\r\n"

struct bench {
    struct server_limits limits;
    int listen_fd;
    int port;
    int control[2];         /* closing the writing end stops the server */
    bool lacks_descriptors; /* the server has what it opened at its start, and none to spare */
    pid_t pid;
};

/* -- the server's process -- */

static void put_pages(struct page_table *table) {
    static const struct page PAGES[] = {
        {"/big", 200, PAGE_TRUST_LEASE, "text/plain", NULL, BIG},
        {"/health/live", 200, PAGE_TRUST_GRACE, "text/plain; charset=utf-8", "OK\n", 3},
        {"/health/ready", 503, PAGE_TRUST_LEASE, "application/json", "{\"status\":\"error\"}\n", 19},
        {"/huge", 200, PAGE_TRUST_LEASE, "text/plain", NULL, HUGE},
        {"/metrics", 200, PAGE_TRUST_LEASE, PAGE_TYPE_METRICS, NULL, BIG},
    };
    struct page_set set = {
        clock_now_ms(clock_system()), sizeof PAGES / sizeof PAGES[0], malloc(sizeof PAGES)};
    char *payload = malloc(HUGE);
    ck_assert(set.pages && payload);
    memset(payload, 'x', HUGE);
    memcpy(set.pages, PAGES, sizeof PAGES);
    set.pages[0].body = set.pages[3].body = set.pages[4].body = payload;
    ck_assert_int_eq(page_table_put(table, set, (unsigned char *)payload, INT64_MAX), 0);
}

static void on_control(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    event_base_loopbreak(arg);
}

/* Forbids this process any descriptor beyond those it has. */
static void spend_descriptors(void) {
    struct rlimit limit;
    int lowest_free = dup(STDIN_FILENO);
    close(lowest_free);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)lowest_free;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int run_server(void *arg) {
    struct bench *bench = arg;
    close(bench->control[1]);
    struct event_base *base = event_base_new();
    struct page_table *table = page_table_new(clock_system());
    put_pages(table);
    struct event *control = event_new(base, bench->control[0], EV_READ, on_control, base);
    event_add(control, NULL);
    struct server *server = server_new(base, bench->listen_fd, table, clock_system(), &bench->limits);
    if (!server)
        return 1;
    if (bench->lacks_descriptors)
        spend_descriptors();
    event_base_dispatch(base);
    server_free(server);
    event_free(control);
    page_table_free(table);
    event_base_free(base);
    return 0;
}

static struct bench bench_new(void) {
    struct bench bench = {.limits = server_limits_usual()};
    bench.listen_fd = client_listen(&bench.port);
    ck_assert_int_eq(pipe(bench.control), 0);
    return bench;
}

static void bench_start(struct bench *bench) {
    bench->pid = forked_start(run_server, bench);
    close(bench->listen_fd);
    close(bench->control[0]);
    ck_assert_int_eq(client_probe(bench->port, "/health/live"), 200);
}

static struct bench bench_started(void) {
    struct bench bench = bench_new();
    bench_start(&bench);
    return bench;
}

/* Whatever was done to it, the server must answer, end when told to, and have leaked nothing. */
static void bench_end(struct bench *bench) {
    ck_assert_int_eq(client_probe(bench->port, "/health/live"), 200);
    close(bench->control[1]);
    ck_assert_int_eq(forked_await(bench->pid), 0);
}

/* -- what every client may expect -- */

START_TEST(the_kubelets_request_is_answered_on_every_path) {
    struct bench bench = bench_started();
    ck_assert_int_eq(client_probe(bench.port, "/health/live"), 200);
    ck_assert_int_eq(client_probe(bench.port, "/health/live/"), 200);
    ck_assert_int_eq(client_probe(bench.port, "/health/live/?a=b"), 200);
    ck_assert_int_eq(client_probe(bench.port, "/health/ready/"), 503);
    ck_assert_int_eq(client_probe(bench.port, "/nothing"), 404);
    bench_end(&bench);
}
END_TEST

START_TEST(an_answer_has_all_its_fields) {
    struct bench bench = bench_started();
    int fd = client_connect(bench.port);
    client_send(fd, "GET /health/ready HTTP/1.1\r\nAccept: application/health+json\r\n\r\n");
    struct reply reply = client_receive(fd, true);
    ck_assert_int_eq(reply.status, 503);
    ck_assert(reply_has(&reply, "Content-Type: application/health+json"));
    ck_assert(reply_has(&reply, "Content-Length: 19"));
    ck_assert(reply_has(&reply, "Cache-Control: no-store"));
    ck_assert(reply_has(&reply, "X-Content-Type-Options: nosniff"));
    ck_assert_ptr_nonnull(strstr(reply.head, "\r\nAge: "));
    ck_assert_ptr_nonnull(strstr(reply.head, "\r\nDate: "));
    ck_assert_ptr_null(strstr(reply.head, "\r\nConnection: "));
    ck_assert_str_eq(reply.body, "{\"status\":\"error\"}\n");
    reply_release(&reply);
    close(fd);
    bench_end(&bench);
}
END_TEST

/* Takes one answer and asserts its status. */
static void expect(int fd, int status) {
    struct reply reply = client_receive(fd, true);
    ck_assert_int_eq(reply.status, status);
    reply_release(&reply);
}

START_TEST(a_connection_is_kept_until_the_client_is_done_with_it) {
    struct bench bench = bench_started();
    int fd = client_connect(bench.port);
    for (int i = 0; i < 3; i++) {
        client_send(fd, STAYING_GET);
        expect(fd, 200);
    }
    client_send(fd, CLOSING_GET);
    expect(fd, 200);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
    bench_end(&bench);
}
END_TEST

START_TEST(http_1_0_closes_unless_asked_to_stay) {
    struct bench bench = bench_started();
    int fd = client_connect(bench.port);
    client_send(fd, "GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    struct reply reply = client_receive(fd, true);
    ck_assert(reply_has(&reply, "Connection: keep-alive"));
    reply_release(&reply);
    client_send(fd, "GET /health/live HTTP/1.0\r\n\r\n");
    expect(fd, 200);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
    bench_end(&bench);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order) {
    struct bench bench = bench_started();
    int fd = client_connect(bench.port);
    for (int i = 0; i < 10; i++)
        client_send(fd, i % 3 == 0 ? "GET /health/ready HTTP/1.1\r\n\r\n" : STAYING_GET);
    for (int i = 0; i < 10; i++)
        expect(fd, i % 3 == 0 ? 503 : 200);
    close(fd);
    bench_end(&bench);
}
END_TEST

START_TEST(a_thousand_pipelined_requests_in_one_piece_are_answered_in_order) {
    enum { COUNT = 1000 };
    struct bench bench = bench_started();
    int fd = client_connect(bench.port);
    /* Three lengths, so that requests straddle every edge of the server's buffer in time. */
    static const char *const REQUESTS[] = {STAYING_GET, "GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /none HTTP/1.1\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n\r\n"};
    static const int STATUSES[] = {200, 503, 404};
    char *bytes = calloc(COUNT, 128);
    ck_assert_ptr_nonnull(bytes);
    size_t length = 0;
    for (int i = 0; i < COUNT; i++)
        length += (size_t)snprintf(bytes + length, 128, "%s", REQUESTS[i % 3]);
    client_send_n(fd, bytes, length);
    free(bytes);
    for (int i = 0; i < COUNT; i++)
        expect(fd, STATUSES[i % 3]);
    close(fd);
    bench_end(&bench);
}
END_TEST

START_TEST(what_follows_a_request_to_close_is_not_answered_and_does_no_harm) {
    struct bench bench = bench_started();
    int fd = client_connect(bench.port);
    client_send(fd, CLOSING_GET STAYING_GET STAYING_GET);
    expect(fd, 200);
    size_t more = 0;
    ck_assert_int_eq(client_await_end(fd, &more), CLIENT_EOF);
    ck_assert_uint_eq(more, 0);
    close(fd);
    bench_end(&bench);
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte) {
    struct bench bench = bench_started();
    int fd = client_connect(bench.port);
    for (const char *c = CLOSING_GET; *c; c++)
        client_send_n(fd, c, 1);
    expect(fd, 200);
    close(fd);
    bench_end(&bench);
}
END_TEST

START_TEST(a_client_may_close_its_half_first) {
    struct bench bench = bench_started();
    int fd = client_connect(bench.port);
    client_send(fd, STAYING_GET STAYING_GET);
    shutdown(fd, SHUT_WR);
    expect(fd, 200);
    expect(fd, 200);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
    fd = client_connect(bench.port);
    client_send(fd, "GET /health/live HTTP/1.1\r\nHos");
    shutdown(fd, SHUT_WR);
    expect(fd, 400);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
    bench_end(&bench);
}
END_TEST

/* The page in full, then our own part, each whole, however little the client takes at a time. */
static void assert_metrics(const struct reply *reply, const char *scrapes) {
    static const char END[] = "bugsink_health_responder_open_fds ";
    ck_assert_int_eq(reply->status, 200);
    ck_assert_uint_gt(reply->body_length, BIG);
    ck_assert_uint_eq(strspn(reply->body, "x"), BIG);
    const char *tail = reply->body + BIG, *last = strstr(tail, "\n# TYPE bugsink_health_responder_open_fds");
    ck_assert_int_eq(strncmp(tail, "# HELP bugsink_health_checker_up ", 33), 0);
    ck_assert_msg(strstr(tail, scrapes) != NULL, "%s", tail);
    ck_assert_ptr_nonnull(strstr(tail, "\nbugsink_health_ready 0\n")); /* as /health/ready is here */
    ck_assert_ptr_nonnull(strstr(tail, "\nbugsink_health_live 1\n"));
    ck_assert_ptr_nonnull(strstr(tail, "\nbugsink_health_http_connections 1\n"));
    ck_assert(last && strstr(last, END) && tail[strlen(tail) - 1] == '\n');
}

START_TEST(metrics_are_the_page_and_our_own_part) {
    struct bench bench = bench_started();
    int fd = client_connect(bench.port);
    client_send(fd, "GET /metrics HTTP/1.1\r\n\r\nGET /metrics/ HTTP/1.1\r\n\r\n" STAYING_GET);
    struct reply first = client_receive(fd, true), second = client_receive(fd, true);
    assert_metrics(&first, "bugsink_health_http_requests_total{path=\"/metrics\",code=\"200\"} 1\n");
    assert_metrics(&second, "bugsink_health_http_requests_total{path=\"/metrics\",code=\"200\"} 2\n");
    reply_release(&first);
    reply_release(&second);
    expect(fd, 200);
    close(fd);
    bench_end(&bench);
}
END_TEST

/* -- what is refused -- */

START_TEST(other_methods_get_405_and_what_is_allowed) {
    static const char *const METHODS[] = {
        "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get"};
    struct bench bench = bench_started();
    int fd = client_connect(bench.port);
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++) {
        char request[128];
        snprintf(request, sizeof request, "%s /health/live HTTP/1.1\r\n\r\n", METHODS[i]);
        client_send(fd, request);
        struct reply reply =
            client_receive(fd, i > 0); /* the answer to HEAD has no body: the next starts at once */
        ck_assert_int_eq(reply.status, 405);
        ck_assert(reply_has(&reply, "Allow: GET"));
        reply_release(&reply);
    }
    client_send(fd, "OPTIONS * HTTP/1.1\r\n\r\n");
    expect(fd, 405);
    client_send(fd, STAYING_GET);
    expect(fd, 200);
    close(fd);
    bench_end(&bench);
}
END_TEST

/* Sends a request with a body of so many bytes behind it, none of which anybody reads, and expects the whole
 * answer. */
static void assert_answered_over_a_body(struct bench *bench, const char *head, size_t body, int status) {
    int fd = client_connect(bench->port);
    char *bytes = calloc(1, strlen(head) + body + 1);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, head, strlen(head));
    memset(bytes + strlen(head), 'b', body);
    client_send_n(fd, bytes, strlen(head) + body);
    free(bytes);
    expect(fd, status);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
}

START_TEST(a_refused_body_does_not_lose_the_answer_to_a_reset) {
    struct bench bench = bench_started();
    assert_answered_over_a_body(
        &bench, "POST /health/live HTTP/1.1\r\nContent-Length: 40000\r\n\r\n", 40000, 405);
    assert_answered_over_a_body(
        &bench, "POST /health/live HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 9, 405);
    assert_answered_over_a_body(
        &bench, "GET /health/live HTTP/1.1\r\nContent-Length: 9000\r\n\r\n", 9000, 400);
    assert_answered_over_a_body(&bench, "nonsense\r\n", 60000, 400);
    assert_answered_over_a_body(&bench, "GET /health/live HTTP/1.1\r\nX: ", 50000, 431);
    bench_end(&bench);
}
END_TEST

START_TEST(a_body_that_comes_after_the_answer_does_no_harm) {
    struct bench bench = bench_started();
    int fd = client_connect(bench.port);
    client_send(fd, "POST /health/live HTTP/1.1\r\nContent-Length: 4\r\n\r\n");
    expect(fd, 405);
    client_send(fd, "body");
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
    bench_end(&bench);
}
END_TEST

START_TEST(a_body_without_end_is_given_up) {
    struct bench bench = bench_started();
    int fd = client_connect(bench.port);
    client_send(fd, "POST /health/live HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    char bytes[8192] = {0};
    ssize_t sent = 1;
    for (size_t total = 0; sent > 0; total += (size_t)sent) {
        ck_assert_uint_lt(total, 64 * 1024 * 1024);
        sent = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
    }
    close(fd);
    bench_end(&bench);
}
END_TEST

START_TEST(garbage_gets_400) {
    static const char *const GARBAGE[] = {"\x16\x03\x01\x02", "\r\n\r\n", "GET / HTTP/1.1\n",
        "GET /a b HTTP/1.1\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "GET / HTTP/3\r\n"};
    struct bench bench = bench_started();
    for (size_t i = 0; i < sizeof GARBAGE / sizeof GARBAGE[0]; i++)
        assert_answered_over_a_body(&bench, GARBAGE[i], 0, 400);
    bench_end(&bench);
}
END_TEST

/* -- large answers, slow clients -- */

START_TEST(a_large_page_reaches_a_client_that_reads_slowly) {
    struct bench bench = bench_started();
    int fd = client_connect(bench.port);
    /* More than the buffers of both sockets together take (net.ipv4.tcp_wmem, tcp_rmem: 4 and 6 MiB at most).
     */
    client_send(fd, "GET /huge HTTP/1.1\r\n\r\nGET /big HTTP/1.1\r\n\r\n" STAYING_GET);
    for (int i = 0; i < 20; i++) /* meanwhile others are served */
        ck_assert_int_eq(client_probe(bench.port, "/health/live"), 200);
    for (int i = 0; i < 2; i++) {
        size_t size = i == 0 ? HUGE : BIG;
        struct reply reply = client_receive(fd, true);
        ck_assert_int_eq(reply.status, 200);
        ck_assert_uint_eq(reply.body_length, size);
        ck_assert_uint_eq(strspn(reply.body, "x"), size);
        reply_release(&reply);
    }
    expect(fd, 200);
    close(fd);
    bench_end(&bench);
}
END_TEST

START_TEST(a_client_that_does_not_take_its_answer_is_given_up) {
    struct bench bench = bench_new();
    bench.limits.write_ms = 200;
    bench_start(&bench);
    int fd = client_connect(bench.port);
    client_send(fd, "GET /huge HTTP/1.1\r\n\r\n");
    struct pollfd wait = {.fd = fd, .events = 0}; /* nothing is read: only the end shows */
    ck_assert_int_eq(poll(&wait, 1, 10000), 1);
    ck_assert_int_ne(wait.revents & (POLLERR | POLLHUP), 0);
    size_t length = 0;
    ck_assert_int_ne(client_await_end(fd, &length), CLIENT_STILL_OPEN);
    ck_assert_uint_lt(length, HUGE);
    close(fd);
    bench_end(&bench);
}
END_TEST

START_TEST(clients_that_reset_in_the_middle_do_no_harm) {
    const struct linger none = {.l_onoff = 1, .l_linger = 0};
    static const char *const REQUESTS[] = {"GET /huge HTTP/1.1\r\n\r\n", "GET /hea", STAYING_GET, "",
        "POST / HTTP/1.1\r\n"
        "Content-Length: 5\r\n\r\n"};
    struct bench bench = bench_started();
    for (int i = 0; i < 50; i++) {
        int fd = client_connect(bench.port);
        client_send(fd, REQUESTS[i % 5]);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        close(fd);
    }
    bench_end(&bench);
}
END_TEST

/* -- deadlines -- */

START_TEST(bytes_that_drip_get_408_once_the_deadline_has_come) {
    struct bench bench = bench_new();
    bench.limits.request_ms = 300;
    bench_start(&bench);
    struct stopwatch watch = stopwatch_start();
    struct deadline deadline = deadline_in(10000);
    int fd = client_connect(bench.port);
    client_send(fd, "GET /health/live HTTP/1.1\r\nX: ");
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (poll(&wait, 1, 20) == 0) { /* the drip goes on until something comes back */
        ck_assert(!deadline_is_over(&deadline));
        client_send(fd, "y");
    }
    ck_assert_int_ge(stopwatch_ms(&watch), 250);
    struct reply reply = client_receive(fd, true);
    ck_assert_int_eq(reply.status, 408);
    ck_assert(reply_has(&reply, "Connection: close"));
    reply_release(&reply);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
    bench_end(&bench);
}
END_TEST

START_TEST(a_connection_that_says_nothing_is_closed_without_a_word) {
    struct bench bench = bench_new();
    bench.limits.request_ms = 200;
    bench_start(&bench);
    int silent = client_connect(bench.port), idle = client_connect(bench.port);
    client_send(idle, STAYING_GET);
    expect(idle, 200);
    size_t length = 0;
    ck_assert_int_eq(client_await_end(silent, &length), CLIENT_EOF);
    ck_assert_int_eq(client_await_end(idle, &length), CLIENT_EOF);
    ck_assert_uint_eq(length, 0);
    close(silent);
    close(idle);
    bench_end(&bench);
}
END_TEST

START_TEST(a_client_that_does_not_close_is_closed_after_lingering) {
    struct bench bench = bench_new();
    bench.limits.linger_ms = 200;
    bench.limits.request_ms = 60000; /* the timer is armed for that; lingering must bring it forward */
    bench_start(&bench);
    int silent = client_connect(bench.port), fd = client_connect(bench.port);
    client_send(fd, "nonsense\r\n");
    expect(fd, 400);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF); /* our half; the other stays open */
    /* A socket that is closed answers what still comes with a reset. */
    char c = 'x';
    struct deadline deadline = deadline_in(10000);
    while (send(fd, &c, 1, MSG_NOSIGNAL) == 1) {
        ck_assert(!deadline_is_over(&deadline));
        struct pollfd wait = {.fd = fd, .events = 0};
        poll(&wait, 1, 10);
    }
    close(fd);
    close(silent);
    bench_end(&bench);
}
END_TEST

/* -- crowds -- */

START_TEST(the_oldest_unfinished_connection_makes_room) {
    enum { LIMIT = 8, COUNT = 20 };
    struct bench bench = bench_new();
    bench.limits.connections = LIMIT;
    bench_start(&bench);
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++) {
        fds[i] = client_connect(bench.port);
        client_send(fds[i], "GET /health/live HT");
    }
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(client_probe(bench.port, "/health/live"), 200);
    for (int i = 0; i <= COUNT - LIMIT; i++)
        ck_assert_int_ne(client_await_end(fds[i], NULL), CLIENT_STILL_OPEN);
    for (int i = COUNT - LIMIT + 1; i < COUNT; i++) { /* one made room for the probes */
        client_send(fds[i], "TP/1.1\r\nConnection: close\r\n\r\n");
        expect(fds[i], 200);
    }
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    bench_end(&bench);
}
END_TEST

START_TEST(lingering_connections_make_room_first) {
    struct bench bench = bench_new();
    bench.limits.connections = 3;
    bench.limits.linger_ms = 60000;
    bench_start(&bench);
    int reading = client_connect(bench.port);
    client_send(reading, "GET /health/live HT");
    for (int i = 0; i < 10; i++) {
        int fd = client_connect(bench.port);
        client_send(fd, "nonsense\r\n");
        expect(fd, 400);
        /* left to linger: the server waits for our close, which comes with the end of the test */
    }
    client_send(reading, "TP/1.1\r\nConnection: close\r\n\r\n");
    expect(reading, 200);
    close(reading);
    bench_end(&bench);
}
END_TEST

START_TEST(a_request_that_has_come_is_answered_before_its_connection_makes_room) {
    struct bench bench = bench_new();
    bench.limits.connections = 1;
    bench_start(&bench);
    int fd = client_connect(bench.port);
    client_send(fd, STAYING_GET);
    expect(fd, 200); /* so it has been accepted */
    forked_freeze(bench.pid);
    int others[3];
    for (int i = 0; i < 3; i++)
        others[i] = client_connect(bench.port); /* before the request, so that they are seen to first */
    client_send(fd, STAYING_GET);
    forked_thaw(bench.pid);
    expect(fd, 200);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    for (int i = 0; i < 3; i++)
        close(others[i]);
    close(fd);
    bench_end(&bench);
}
END_TEST

/* Sets how many descriptors the server may have open from now on. */
static void limit_descriptors(const struct bench *bench, rlim_t most) {
    struct rlimit limit;
    ck_assert_int_eq(prlimit(bench->pid, RLIMIT_NOFILE, NULL, &limit), 0);
    limit.rlim_cur = most;
    ck_assert_int_eq(prlimit(bench->pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* Processor time that the server uses while half a second passes. */
static int64_t cpu_us_of_half_a_second(const struct bench *bench) {
    int64_t before_us = forked_cpu_us(bench->pid);
    poll(NULL, 0, 500);
    return forked_cpu_us(bench->pid) - before_us;
}

START_TEST(silent_connections_beyond_every_limit_cost_nothing_and_silence_nobody) {
    enum { COUNT = 300 };
    struct bench bench = bench_new();
    bench.limits.request_ms = 60000; /* none of them goes away by itself */
    bench_start(&bench);
    limit_descriptors(&bench, 64);
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++) {
        fds[i] = client_connect(bench.port);
        client_send(fds[i], "G");
    }
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(client_probe(bench.port, "/health/live"), 200);
    int64_t cpu_us = cpu_us_of_half_a_second(&bench);
    ck_assert_msg(cpu_us < 25000, "%d us of processor time in half a second", (int)cpu_us);
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    bench_end(&bench);
}
END_TEST

START_TEST(without_a_single_free_descriptor_a_probe_is_still_answered) {
    struct bench bench = bench_new();
    bench.limits.request_ms = 60000;
    bench.lacks_descriptors = true;
    bench_start(&bench);
    int fds[5];
    for (int i = 0; i < 5; i++) { /* there is room for one at a time: each ends the one before */
        fds[i] = client_connect(bench.port);
        ck_assert(i == 0 || client_await_end(fds[i - 1], NULL) != CLIENT_STILL_OPEN);
        struct pollfd end = {.fd = fds[i], .events = POLLIN};
        ck_assert_int_eq(poll(&end, 1, 50), 0); /* it is not given up for a connection that never comes */
        client_send(fds[i], STAYING_GET);
        expect(fds[i], 200);
    }
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(client_probe(bench.port, "/health/live"), 200);
    limit_descriptors(&bench, 1024);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    bench_end(&bench);
}
END_TEST

START_TEST(where_not_even_the_reserve_helps_the_server_waits_without_spinning) {
    struct bench bench = bench_started();
    limit_descriptors(&bench, 3);
    int fd = client_connect(bench.port); /* the kernel's queue takes it */
    client_send(fd, CLOSING_GET);
    int64_t cpu_us = cpu_us_of_half_a_second(&bench);
    ck_assert_msg(cpu_us < 25000, "%d us of processor time in half a second", (int)cpu_us);
    limit_descriptors(&bench, 1024);
    expect(fd, 200);
    close(fd);
    fd = client_connect(bench.port);
    client_send(fd, "GET /metrics HTTP/1.1\r\n\r\n");
    struct reply reply = client_receive(fd, true);
    const char *pauses = strstr(reply.body, "\nbugsink_health_http_accept_pauses_total ");
    ck_assert(pauses && strtol(strchr(pauses, ' '), NULL, 10) > 0);
    reply_release(&reply);
    close(fd);
    bench_end(&bench);
}
END_TEST

START_TEST(what_has_come_by_the_time_of_the_stop_is_answered) {
    struct bench bench = bench_started();
    int known = client_connect(bench.port);
    client_send(known, STAYING_GET);
    expect(known, 200);
    forked_freeze(bench.pid);
    int fresh = client_connect(bench.port);
    client_send(fresh, STAYING_GET);
    client_send(known, STAYING_GET);
    close(bench.control[1]);
    forked_thaw(bench.pid);
    expect(known, 200);
    expect(fresh, 200);
    ck_assert_int_eq(client_await_end(known, NULL), CLIENT_EOF);
    ck_assert_int_eq(client_await_end(fresh, NULL), CLIENT_EOF);
    ck_assert_int_eq(forked_await(bench.pid), 0);
    close(known);
    close(fresh);
}
END_TEST

Suite *server_suite(void) {
    Suite *suite = suite_create("server");
    TCase *answers = tcase_create("answers");
    suite_add_tcase(suite, answers);
    tcase_set_timeout(answers, 60);
    tcase_add_test(answers, the_kubelets_request_is_answered_on_every_path);
    tcase_add_test(answers, an_answer_has_all_its_fields);
    tcase_add_test(answers, a_connection_is_kept_until_the_client_is_done_with_it);
    tcase_add_test(answers, http_1_0_closes_unless_asked_to_stay);
    tcase_add_test(answers, pipelined_requests_are_answered_in_order);
    tcase_add_test(answers, a_thousand_pipelined_requests_in_one_piece_are_answered_in_order);
    tcase_add_test(answers, what_follows_a_request_to_close_is_not_answered_and_does_no_harm);
    tcase_add_test(answers, a_request_may_come_byte_by_byte);
    tcase_add_test(answers, a_client_may_close_its_half_first);
    tcase_add_test(answers, metrics_are_the_page_and_our_own_part);
    tcase_add_test(answers, other_methods_get_405_and_what_is_allowed);
    tcase_add_test(answers, a_refused_body_does_not_lose_the_answer_to_a_reset);
    tcase_add_test(answers, a_body_that_comes_after_the_answer_does_no_harm);
    tcase_add_test(answers, a_body_without_end_is_given_up);
    tcase_add_test(answers, garbage_gets_400);
    tcase_add_test(answers, a_large_page_reaches_a_client_that_reads_slowly);
    tcase_add_test(answers, a_client_that_does_not_take_its_answer_is_given_up);
    tcase_add_test(answers, clients_that_reset_in_the_middle_do_no_harm);
    TCase *limits = tcase_create("limits");
    suite_add_tcase(suite, limits);
    tcase_set_timeout(limits, 60);
    tcase_add_test(limits, bytes_that_drip_get_408_once_the_deadline_has_come);
    tcase_add_test(limits, a_connection_that_says_nothing_is_closed_without_a_word);
    tcase_add_test(limits, a_client_that_does_not_close_is_closed_after_lingering);
    tcase_add_test(limits, the_oldest_unfinished_connection_makes_room);
    tcase_add_test(limits, lingering_connections_make_room_first);
    tcase_add_test(limits, a_request_that_has_come_is_answered_before_its_connection_makes_room);
    tcase_add_test(limits, silent_connections_beyond_every_limit_cost_nothing_and_silence_nobody);
    tcase_add_test(limits, without_a_single_free_descriptor_a_probe_is_still_answered);
    tcase_add_test(limits, where_not_even_the_reserve_helps_the_server_waits_without_spinning);
    tcase_add_test(limits, what_has_come_by_the_time_of_the_stop_is_answered);
    return suite;
}
