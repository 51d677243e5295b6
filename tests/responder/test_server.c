/* Tests of the server on real sockets: what each client is answered, however it asks. */
#include "responder/client.h"
#include "responder/server_bench.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- what every client may expect -- */

START_TEST(the_kubelets_request_is_answered_on_every_path) {
    struct server_bench bench = server_bench_started();
    ck_assert_int_eq(client_probe(bench.port, "/health/live"), 200);
    ck_assert_int_eq(client_probe(bench.port, "/health/live/"), 200);
    ck_assert_int_eq(client_probe(bench.port, "/health/live/?a=b"), 200);
    ck_assert_int_eq(client_probe(bench.port, "/health/ready/"), 503);
    ck_assert_int_eq(client_probe(bench.port, "/nothing"), 404);
    server_bench_end(&bench);
}
END_TEST

START_TEST(an_answer_has_all_its_fields) {
    struct server_bench bench = server_bench_started();
    int fd = client_connect(bench.port);
    client_send(fd, "GET /health/ready HTTP/1.1\r\nHost: h\r\nAccept: application/health+json\r\n\r\n");
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
    server_bench_end(&bench);
}
END_TEST

START_TEST(a_connection_is_kept_until_the_client_is_done_with_it) {
    struct server_bench bench = server_bench_started();
    int fd = client_connect(bench.port);
    for (int i = 0; i < 3; i++) {
        client_send(fd, STAYING_GET);
        client_expect(fd, 200);
    }
    client_send(fd, CLOSING_GET);
    client_expect(fd, 200);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(http_1_0_closes_unless_asked_to_stay) {
    struct server_bench bench = server_bench_started();
    int fd = client_connect(bench.port);
    client_send(fd, "GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    struct reply reply = client_receive(fd, true);
    ck_assert(reply_has(&reply, "Connection: keep-alive"));
    reply_release(&reply);
    client_send(fd, "GET /health/live HTTP/1.0\r\n\r\n");
    client_expect(fd, 200);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order) {
    struct server_bench bench = server_bench_started();
    int fd = client_connect(bench.port);
    for (int i = 0; i < 10; i++)
        client_send(fd, i % 3 == 0 ? "GET /health/ready HTTP/1.1\r\nHost: h\r\n\r\n" : STAYING_GET);
    for (int i = 0; i < 10; i++)
        client_expect(fd, i % 3 == 0 ? 503 : 200);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(a_thousand_pipelined_requests_in_one_piece_are_answered_in_order) {
    enum { COUNT = 1000 };
    struct server_bench bench = server_bench_started();
    int fd = client_connect(bench.port);
    /* Three lengths, so that requests straddle every edge of the server's buffer in time. */
    static const char *const REQUESTS[] = {STAYING_GET, "GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /none HTTP/1.1\r\nHost: h\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n\r\n"};
    static const int STATUSES[] = {200, 503, 404};
    char *bytes = calloc(COUNT, 128);
    ck_assert_ptr_nonnull(bytes);
    size_t length = 0;
    for (int i = 0; i < COUNT; i++)
        length += (size_t)snprintf(bytes + length, 128, "%s", REQUESTS[i % 3]);
    client_send_n(fd, bytes, length);
    free(bytes);
    for (int i = 0; i < COUNT; i++)
        client_expect(fd, STATUSES[i % 3]);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(what_follows_a_request_to_close_is_not_answered_and_does_no_harm) {
    struct server_bench bench = server_bench_started();
    int fd = client_connect(bench.port);
    client_send(fd, CLOSING_GET STAYING_GET STAYING_GET);
    client_expect(fd, 200);
    size_t more = 0;
    ck_assert_int_eq(client_await_end(fd, &more), CLIENT_EOF);
    ck_assert_uint_eq(more, 0);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte) {
    struct server_bench bench = server_bench_started();
    int fd = client_connect(bench.port);
    for (const char *c = CLOSING_GET; *c; c++)
        client_send_n(fd, c, 1);
    client_expect(fd, 200);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(a_client_may_close_its_half_first) {
    struct server_bench bench = server_bench_started();
    int fd = client_connect(bench.port);
    client_send(fd, STAYING_GET STAYING_GET);
    shutdown(fd, SHUT_WR);
    client_expect(fd, 200);
    client_expect(fd, 200);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
    fd = client_connect(bench.port);
    client_send(fd, "GET /health/live HTTP/1.1\r\nHos");
    shutdown(fd, SHUT_WR);
    client_expect(fd, 400);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
    server_bench_end(&bench);
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
    struct server_bench bench = server_bench_started();
    int fd = client_connect(bench.port);
    client_send(
        fd, "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\nGET /metrics/ HTTP/1.1\r\nHost: h\r\n\r\n" STAYING_GET);
    struct reply first = client_receive(fd, true), second = client_receive(fd, true);
    assert_metrics(&first, "bugsink_health_http_requests_total{path=\"/metrics\",code=\"200\"} 1\n");
    assert_metrics(&second, "bugsink_health_http_requests_total{path=\"/metrics\",code=\"200\"} 2\n");
    reply_release(&first);
    reply_release(&second);
    client_expect(fd, 200);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

/* -- what is refused -- */

START_TEST(other_methods_get_405_and_what_is_allowed) {
    static const char *const METHODS[] = {
        "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get"};
    struct server_bench bench = server_bench_started();
    int fd = client_connect(bench.port);
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++) {
        char request[128];
        snprintf(request, sizeof request, "%s /health/live HTTP/1.1\r\nHost: h\r\n\r\n", METHODS[i]);
        client_send(fd, request);
        struct reply reply =
            client_receive(fd, i > 0); /* the answer to HEAD has no body: the next starts at once */
        ck_assert_int_eq(reply.status, 405);
        ck_assert(reply_has(&reply, "Allow: GET"));
        reply_release(&reply);
    }
    client_send(fd, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
    client_expect(fd, 405);
    client_send(fd, STAYING_GET);
    client_expect(fd, 200);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

/* Sends a request with a body of so many bytes behind it, none of which anybody reads, and expects the whole
 * answer. */
static void assert_answered_over_a_body(
    struct server_bench *bench, const char *head, size_t body, int status) {
    int fd = client_connect(bench->port);
    char *bytes = calloc(1, strlen(head) + body + 1);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, head, strlen(head));
    memset(bytes + strlen(head), 'b', body);
    client_send_n(fd, bytes, strlen(head) + body);
    free(bytes);
    client_expect(fd, status);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
}

START_TEST(a_refused_body_does_not_lose_the_answer_to_a_reset) {
    struct server_bench bench = server_bench_started();
    assert_answered_over_a_body(
        &bench, "POST /health/live HTTP/1.1\r\nHost: h\r\nContent-Length: 40000\r\n\r\n", 40000, 405);
    assert_answered_over_a_body(
        &bench, "POST /health/live HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 9, 405);
    assert_answered_over_a_body(
        &bench, "GET /health/live HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\n", 9000, 400);
    assert_answered_over_a_body(&bench, "nonsense\r\n", 60000, 400);
    assert_answered_over_a_body(&bench, "GET /health/live HTTP/1.1\r\nHost: h\r\nX: ", 50000, 431);
    server_bench_end(&bench);
}
END_TEST

START_TEST(a_body_that_comes_after_the_answer_does_no_harm) {
    struct server_bench bench = server_bench_started();
    int fd = client_connect(bench.port);
    client_send(fd, "POST /health/live HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n");
    client_expect(fd, 405);
    client_send(fd, "body");
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(a_body_without_end_is_given_up) {
    struct server_bench bench = server_bench_started();
    int fd = client_connect(bench.port);
    client_send(fd, "POST /health/live HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    char bytes[8192] = {0};
    ssize_t sent = 1;
    for (size_t total = 0; sent > 0; total += (size_t)sent) {
        ck_assert_uint_lt(total, 64 * 1024 * 1024);
        sent = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
    }
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(garbage_gets_400) {
    static const char *const GARBAGE[] = {"\x16\x03\x01\x02", "\r\n\r\n", "GET / HTTP/1.1\n",
        "GET /a b HTTP/1.1\r\nHost: h\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "GET / HTTP/3\r\n"};
    struct server_bench bench = server_bench_started();
    for (size_t i = 0; i < sizeof GARBAGE / sizeof GARBAGE[0]; i++)
        assert_answered_over_a_body(&bench, GARBAGE[i], 0, 400);
    server_bench_end(&bench);
}
END_TEST

/* -- large answers, slow clients -- */

START_TEST(a_large_page_reaches_a_client_that_reads_slowly) {
    struct server_bench bench = server_bench_started();
    int fd = client_connect(bench.port);
    /* More than the buffers of both sockets together take (net.ipv4.tcp_wmem, tcp_rmem: 4 and 6 MiB at most).
     */
    client_send(fd, "GET /huge HTTP/1.1\r\nHost: h\r\n\r\nGET /big HTTP/1.1\r\nHost: h\r\n\r\n" STAYING_GET);
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
    client_expect(fd, 200);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(a_client_that_does_not_take_its_answer_is_given_up) {
    struct server_bench bench = server_bench_new();
    bench.limits.write_ms = 200;
    server_bench_start(&bench);
    int fd = client_connect(bench.port);
    client_send(fd, "GET /huge HTTP/1.1\r\nHost: h\r\n\r\n");
    struct pollfd wait = {.fd = fd, .events = 0}; /* nothing is read: only the end shows */
    ck_assert_int_eq(poll(&wait, 1, 10000), 1);
    ck_assert_int_ne(wait.revents & (POLLERR | POLLHUP), 0);
    size_t length = 0;
    ck_assert_int_ne(client_await_end(fd, &length), CLIENT_STILL_OPEN);
    ck_assert_uint_lt(length, HUGE);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(clients_that_reset_in_the_middle_do_no_harm) {
    const struct linger none = {.l_onoff = 1, .l_linger = 0};
    static const char *const REQUESTS[] = {"GET /huge HTTP/1.1\r\nHost: h\r\n\r\n", "GET /hea", STAYING_GET,
        "", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"};
    struct server_bench bench = server_bench_started();
    for (int i = 0; i < 50; i++) {
        int fd = client_connect(bench.port);
        client_send(fd, REQUESTS[i % 5]);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        close(fd);
    }
    server_bench_end(&bench);
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
    return suite;
}
