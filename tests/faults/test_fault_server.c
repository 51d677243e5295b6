/* Tests of the responder without memory: what cannot be made is not made, and every request is answered
 * whole, whichever allocation fails meanwhile. */
#include "harness/allocations.h"
#include "harness/wait.h"
#include "responder/client.h"
#include "responder/server.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BIG = 1024 * 1024, REPLY_MAX = BIG + 4096, PATIENCE_MS = 10000 };

#define END " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

static char too_long[9000];

/* Each on a connection of its own. */
static const char *const REQUESTS[] = {
    "GET /health/live/" END,
    "GET /health/live HTTP/1.1\r\nHost: h\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\n\r\nHEAD /health/live "
    "HTTP/1.1\r\nHost: h\r\n\r\n"
    "POST /health/live HTTP/1.1\r\nHost: h\r\n\r\nGET /health/ready/" END,
    too_long,
    "GET /health HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\nConnection: close\r\n\r\n",
    "GET /big" END,
    "GET /metrics" END,
};

enum { CLIENTS = sizeof REQUESTS / sizeof REQUESTS[0], METRICS = CLIENTS - 1 };

struct reply_bytes {
    size_t length;
    bool has_ended, was_reset;
    char bytes[REPLY_MAX];
};

struct bench {
    int listener, port;
    struct event_base *base;
    struct page_table *table;
    struct server *server;
    int fds[CLIENTS];
    struct reply_bytes replies[CLIENTS];
    struct reply_bytes reference[CLIENTS];
};

static int put_pages(struct page_table *table) {
    static const struct page PAGES[] = {
        {"/big", 200, PAGE_TRUST_LEASE, "text/plain", NULL, BIG},
        {"/health", 200, PAGE_TRUST_LEASE, PAGE_TYPE_HTML, "<p>well</p>\n", 12},
        {"/health/live", 200, PAGE_TRUST_GRACE, "text/plain; charset=utf-8", "OK\n", 3},
        {"/health/ready", 503, PAGE_TRUST_LEASE, "application/json", "{\"status\":\"error\"}\n", 19},
        {"/metrics", 200, PAGE_TRUST_LEASE, PAGE_TYPE_METRICS, "one 1\n", 6},
    };
    struct page_set set = {
        clock_now_ms(clock_system()), sizeof PAGES / sizeof PAGES[0], malloc(sizeof PAGES)};
    char *payload = malloc(BIG);
    if (!set.pages || !payload) {
        free(set.pages);
        free(payload);
        return -1;
    }
    memset(payload, 'x', BIG);
    memcpy(set.pages, PAGES, sizeof PAGES);
    set.pages[0].body = payload;
    return page_table_put(table, set, (unsigned char *)payload, INT64_MAX);
}

static int make_server(struct bench *bench) {
    struct server_limits limits = server_limits_usual();
    limits.connections = CLIENTS;
    limits.pause_ms = 20;
    bench->base = event_base_new();
    bench->table = bench->base ? page_table_new(clock_system()) : NULL;
    if (!bench->table || put_pages(bench->table) < 0)
        return -1;
    int listener = fcntl(bench->listener, F_DUPFD_CLOEXEC, 0);
    bench->server = server_new(bench->base, listener, bench->table, clock_system(), &limits);
    if (!bench->server)
        close(listener);
    return bench->server ? 0 : -1;
}

/* -- the clients: in the server's own process, so they wait for nothing -- */

static int connect_and_ask(const struct bench *bench, const char *request) {
    const struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((unsigned short)bench->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return -1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    ssize_t sent = send(fd, request, strlen(request), MSG_NOSIGNAL);
    return sent == (ssize_t)strlen(request) ? fd : -1;
}

static void read_on(int fd, struct reply_bytes *reply) {
    ssize_t got = 1;
    while (!reply->has_ended && got > 0) {
        got = recv(fd, reply->bytes + reply->length, sizeof reply->bytes - reply->length, 0);
        if (got > 0)
            reply->length += (size_t)got;
        reply->was_reset = got < 0 && errno == ECONNRESET;
        reply->has_ended = got == 0 || reply->was_reset;
    }
}

static bool have_all(const struct bench *bench) {
    for (int i = 0; i < CLIENTS; i++)
        if (!bench->replies[i].has_ended)
            return false;
    return true;
}

static int exchange(struct bench *bench) {
    for (int i = 0; i < CLIENTS; i++) {
        bench->replies[i].length = 0;
        bench->replies[i].has_ended = bench->replies[i].was_reset = false;
        bench->fds[i] = connect_and_ask(bench, REQUESTS[i]);
        if (bench->fds[i] < 0)
            return -2;
    }
    for (struct deadline deadline = deadline_in(PATIENCE_MS);
         !have_all(bench) && !deadline_is_over(&deadline);) {
        event_base_loop(bench->base, EVLOOP_NONBLOCK);
        for (int i = 0; i < CLIENTS; i++)
            read_on(bench->fds[i], &bench->replies[i]);
    }
    for (int i = 0; i < CLIENTS; i++)
        close(bench->fds[i]);
    return 0;
}

static int serve(void *arg) {
    struct bench *bench = arg;
    bench->base = NULL;
    bench->table = NULL;
    bench->server = NULL;
    int result = make_server(bench);
    if (result == 0)
        result = exchange(bench);
    server_free(bench->server);
    page_table_free(bench->table);
    if (bench->base)
        event_base_free(bench->base);
    return result;
}

/* -- what they got -- */

/* Dates differ. */
static void blank_dates(struct reply_bytes *reply) {
    static const char FIELD[] = "\r\nDate: ";
    char *at = reply->bytes, *end = reply->bytes + reply->length;
    while ((at = memmem(at, (size_t)(end - at), FIELD, sizeof FIELD - 1)) != NULL)
        for (at += sizeof FIELD - 1; at < end && *at != '\r'; at++)
            *at = '-';
}

/* The metrics differ from time to time, in their length too: the whole that was announced must be there. */
static void assert_whole(const struct reply_bytes *reply) {
    const char *body = memmem(reply->bytes, reply->length, "\r\n\r\n", 4);
    const char *field = memmem(reply->bytes, reply->length, "Content-Length: ", 16);
    ck_assert(body && field && field < body);
    ck_assert_int_eq(strtol(field + 16, NULL, 10), reply->bytes + reply->length - body - 4);
    ck_assert_ptr_nonnull(memmem(body, reply->length - (size_t)(body - reply->bytes), "one 1\n", 6));
}

static void judge(void *arg, int result, bool has_failed) {
    struct bench *bench = arg;
    if (result == -1) {
        ck_assert(has_failed);
        return;
    }
    ck_assert_int_eq(result, 0);
    for (int i = 0; i < CLIENTS; i++) {
        struct reply_bytes *reply = &bench->replies[i];
        ck_assert_msg(
            reply->has_ended && !reply->was_reset, "client %d: no end after %zu bytes", i, reply->length);
        blank_dates(reply);
        if (i == METRICS)
            assert_whole(reply);
        else
            ck_assert_msg(reply->length == bench->reference[i].length &&
                              memcmp(reply->bytes, bench->reference[i].bytes, reply->length) == 0,
                "client %d: another answer: %.200s", i, reply->bytes);
    }
}

START_TEST(every_request_is_answered_whole_or_there_is_no_server) {
    static struct bench bench;
    static const struct allocation_scenario SCENARIO = {.name = "server", .run = serve, .judge = judge};
    allocations_hook_libraries();
    memset(too_long, 'a', sizeof too_long - 1);
    memcpy(too_long, "GET /", 5);
    bench.listener = client_listen(&bench.port);
    ck_assert_int_eq(serve(&bench), 0);
    for (int i = 0; i < CLIENTS; i++) {
        blank_dates(&bench.replies[i]);
        ck_assert_uint_gt(bench.replies[i].length, 100);
        bench.reference[i] = bench.replies[i];
    }
    ck_assert_int_gt(allocations_fail_each(&SCENARIO, &bench), 20);
    close(bench.listener);
}
END_TEST

Suite *fault_server_suite(void) {
    Suite *suite = suite_create("fault_server");
    TCase *tcase = tcase_create("fault_server");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, every_request_is_answered_whole_or_there_is_no_server);
    return suite;
}
