/* Tests of the HTTP kind, on scripted peers and on a server in the test's own hand.
 *
 *  Bugsink                                            the run
 *  200 with the expected body, framed in any way      ok
 *  200 with another body, or too large a one          identity
 *  204, 401, 403, 405                                 identity
 *  301, 302                                           redirected
 *  400                                                host_rejected
 *  404                                                not_found
 *  429                                                throttled
 *  500, 502, 503; whatever becomes of the body        app_error
 *  nobody listens                                     refused
 *  no route                                           unreachable
 *  closes early, resets                               reset
 *  another protocol, too large a head                 protocol
 *  takes no connection                                timeout in phase connect
 *  silence, SIGSTOP, slow drip                        timeout in phase read
 *  no descriptor is free here, no address             internal */
#include "kinds/kinds.h"

#include "harness/namespace.h"
#include "harness/peer.h"
#include "harness/rig.h"
#include "harness/skip.h"
#include "harness/wait.h"
#include "kinds/http/http_bench.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TIMEOUT_MS = 5000, SHORT_MS = 300 };

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define OK_TEXT OK_HEAD "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK"
#define LARGE   "\001" /* stands for 11,000 digits: see unfold */

/* Two runs from nothing, of a peer that plays this script. */
static void run_script(
    const struct peer_script *script, enum reason reason, const char *code, enum phase phase) {
    struct peer peer = peer_start(script);
    struct http_bench bench;
    http_bench_open(&bench, "127.0.0.1", peer.port, reason == REASON_TIMEOUT ? SHORT_MS : TIMEOUT_MS);
    http_bench_expect(&bench, reason, code, phase);
    http_bench_expect(&bench, reason, code, phase);
    http_bench_close(&bench);
    peer_stop(&peer);
}

/* -- answers -- */

struct row {
    const char *reply;
    enum reason reason;
    const char *code;
    bool closes; /* when it has replied */
    int drip_ms;
};

static const struct row ROWS[] = {
    {OK_TEXT, REASON_OK, "HTTP 200", false, 0},
    {OK_TEXT, REASON_OK, "HTTP 200", true, 0},
    {OK_TEXT, REASON_OK, "HTTP 200", false, 1},
    {"HTTP/1.0 200 OK\r\n\r\nOK\n", REASON_OK, "HTTP 200", true, 0},
    {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n1\r\n\n\r\n0\r\n\r\n", REASON_OK, "HTTP 200",
        false, 1},
    {"HTTP/1.1 100 Continue\r\n\r\n" OK_TEXT, REASON_OK, "HTTP 200", false, 0},
    {OK_HEAD "Content-Length: 3\r\n\r\nNOK", REASON_IDENTITY, "HTTP 200", true, 0},
    {OK_HEAD "Content-Length: 3\r\n\r\n OK", REASON_IDENTITY, "HTTP 200", true, 0},
    {OK_HEAD "Content-Length: 0\r\n\r\n", REASON_IDENTITY, "HTTP 200", true, 0},
    {OK_HEAD "\r\nOK<!doctype html>", REASON_IDENTITY, "HTTP 200", true, 0},
    {OK_HEAD "\r\nOK" LARGE, REASON_IDENTITY, "HTTP 200", false, 0},
    {"HTTP/1.1 204 No Content\r\n\r\n", REASON_IDENTITY, "HTTP 204", false, 0},
    {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", REASON_IDENTITY, "HTTP 401", false, 0},
    {"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nOK", REASON_IDENTITY, "HTTP 403", false, 0},
    {"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n", REASON_IDENTITY, "HTTP 405", false, 0},
    {"HTTP/1.1 301 Moved\r\nLocation: https://bugsink.example.com/health/ready\r\n\r\n", REASON_REDIRECTED,
        "HTTP 301", true, 0},
    {"HTTP/1.1 302 Found\r\nLocation: /accounts/login/\r\nContent-Length: 0\r\n\r\n", REASON_REDIRECTED,
        "HTTP 302", false, 0},
    {"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno", REASON_HOST_REJECTED, "HTTP 400", false, 0},
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", REASON_NOT_FOUND, "HTTP 404", false, 0},
    {"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", REASON_THROTTLED, "HTTP 429", false, 0},
    {"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nOK", REASON_APP_ERROR, "HTTP 500", false,
        0},
    {"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 50\r\n\r\nand silence", REASON_APP_ERROR,
        "HTTP 500", false, 0},
    {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nOK", REASON_APP_ERROR, "HTTP 502", false, 0},
    {"HTTP/1.1 503 Service Unavailable\r\n\r\n" LARGE, REASON_APP_ERROR, "HTTP 503", false, 0},
    {"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 50\r\n\r\ncut", REASON_APP_ERROR, "HTTP 500",
        true, 0},
    {"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n", REASON_APP_ERROR, "HTTP 500",
        false, 0},
    {OK_HEAD "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n", REASON_PROTOCOL,
        "", true, 0},
    {"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nno", REASON_PROTOCOL, "",
        true, 0},
    {"", REASON_RESET, "", true, 0},
    {"HTTP/1.1 20", REASON_RESET, "", true, 0},
    {OK_HEAD "Content-Length: 2\r\n\r\nO", REASON_RESET, "HTTP 200", true, 0},
    {"SSH-2.0-OpenSSH_9.2p1\r\n", REASON_PROTOCOL, "", false, 0},
    {"5.5.5-10.11.6-MariaDB", REASON_PROTOCOL, "", false, 0},
    {OK_HEAD "A: " LARGE "\r\n\r\nOK", REASON_PROTOCOL, "", false, 0},
    {OK_HEAD "no header\r\n\r\nOK", REASON_PROTOCOL, "", true, 0},
};

/* A reply with what its LARGE stands for; the caller frees. */
static char *unfold(const char *reply, size_t *size) {
    enum { DIGITS = 11000 };
    size_t head = strcspn(reply, LARGE), more = reply[head] ? DIGITS : 0;
    const char *tail = reply + head + (more > 0);
    char *text = malloc(head + more + strlen(tail) + 1);
    memcpy(text, reply, head);
    for (size_t i = 0; i < more; i++)
        text[head + i] = (char)('0' + i % 10);
    memcpy(text + head + more, tail, strlen(tail) + 1);
    *size = head + more + strlen(tail);
    return text;
}

START_TEST(an_answer_becomes_its_reason) {
    const struct row *row = &ROWS[_i];
    size_t size;
    char *reply = unfold(row->reply, &size);
    const struct peer_script script = {
        .reads = 1, .reply = reply, .reply_size = size, .closes = row->closes, .drip_ms = row->drip_ms};
    run_script(&script, row->reason, row->code, row->reason == REASON_OK ? PHASE_NONE : PHASE_READ);
    free(reply);
}
END_TEST

START_TEST(a_reset_is_a_reset) {
    const struct peer_script at_once = {.reads = 1, .closes = PEER_RESETS};
    run_script(&at_once, REASON_RESET, "", PHASE_READ);
    static const char HALF[] = OK_HEAD "Content-Length: 2\r\n\r\nO";
    const struct peer_script halfway = {
        .reads = 1, .reply = HALF, .reply_size = sizeof HALF - 1, .drip_ms = 2, .closes = PEER_RESETS};
    run_script(&halfway, REASON_RESET, "HTTP 200", PHASE_READ);
}
END_TEST

START_TEST(silence_and_a_slow_drip_are_timeouts_of_the_whole_exchange) {
    const struct peer_script silence = {.reads = 1};
    run_script(&silence, REASON_TIMEOUT, "", PHASE_READ);
    const struct peer_script drip = {
        .reads = 1, .reply = OK_TEXT, .reply_size = strlen(OK_TEXT), .drip_ms = SHORT_MS / 10};
    run_script(&drip, REASON_TIMEOUT, "", PHASE_READ);
}
END_TEST

START_TEST(a_stopped_process_is_a_timeout_and_well_again_when_it_goes_on) {
    const struct peer_script script = {.reads = 1, .reply = OK_TEXT, .reply_size = strlen(OK_TEXT)};
    struct peer peer = peer_start(&script);
    struct http_bench bench;
    http_bench_open(&bench, "127.0.0.1", peer.port, SHORT_MS);
    ck_assert_int_eq(kill(peer.pid, SIGSTOP), 0);
    http_bench_expect(&bench, REASON_TIMEOUT, "", PHASE_READ); /* the kernel makes connections in its stead */
    ck_assert_int_eq(kill(peer.pid, SIGCONT), 0);
    bench.own.config.timeout_ms = TIMEOUT_MS;
    http_bench_expect(&bench, REASON_OK, "HTTP 200", PHASE_NONE);
    http_bench_close(&bench);
    peer_stop(&peer);
}
END_TEST

/* -- connections -- */

START_TEST(where_nobody_listens_it_is_refused) {
    struct http_bench bench;
    http_bench_open(&bench, "127.0.0.1", peer_free_port(), TIMEOUT_MS);
    http_bench_expect(&bench, REASON_REFUSED, "", PHASE_CONNECT);
    http_bench_close(&bench);
}
END_TEST

START_TEST(without_a_route_it_is_unreachable) {
    const char *why = namespace_enter();
    if (why) {
        skip_test("without_a_route_it_is_unreachable", why);
        return;
    }
    struct http_bench bench;
    http_bench_open(&bench, "192.0.2.1", 9000, TIMEOUT_MS); /* TEST-NET-1; here is only loopback */
    http_bench_expect(&bench, REASON_UNREACHABLE, "", PHASE_CONNECT);
    http_bench_close(&bench);
}
END_TEST

/* Everything the kernel may choose from for our end is the port that is asked. */
START_TEST(a_connection_to_itself_is_refused) {
    const char *why = namespace_enter();
    FILE *range = why ? NULL : fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");
    if (!range) {
        skip_test("a_connection_to_itself_is_refused", why ? why : "no range of ports");
        return;
    }
    fprintf(range, "40001 40001");
    ck_assert_int_eq(fclose(range), 0);
    struct http_bench bench;
    http_bench_open(&bench, "127.0.0.1", 40001, TIMEOUT_MS);
    http_bench_expect(&bench, REASON_REFUSED, "", PHASE_CONNECT);
    ck_assert_str_eq(bench.own.outcome.detail, "connected to itself: nobody listens there");
    http_bench_close(&bench);
}
END_TEST

/* A server in the test's own hand: it listens, and does nothing by itself. */
static int listen_here(int family, int *port, int backlog) {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } address = {0};
    socklen_t size = family == AF_INET ? sizeof address.in : sizeof address.in6;
    address.any.sa_family = (sa_family_t)family;
    if (family == AF_INET)
        address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        address.in6.sin6_addr = in6addr_loopback;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, &address.any, size) < 0)
        return -1;
    ck_assert_int_eq(listen(fd, backlog), 0);
    ck_assert_int_eq(getsockname(fd, &address.any, &size), 0);
    *port = ntohs(family == AF_INET ? address.in.sin_port : address.in6.sin6_port);
    return fd;
}

/* Linux drops the first packet of a connection for which a full queue has no room. */
START_TEST(a_server_that_takes_no_connection_is_a_timeout_in_phase_connect) {
    enum { FILLERS = 4 };
    int port = 0, fillers[FILLERS];
    int listener = listen_here(AF_INET, &port, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    for (int i = 0; i < FILLERS; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        int result = connect(fillers[i], (struct sockaddr *)&address, sizeof address);
        ck_assert(result == 0 || errno == EINPROGRESS);
    }
    struct http_bench bench;
    http_bench_open(&bench, "127.0.0.1", port, SHORT_MS);
    http_bench_expect(&bench, REASON_TIMEOUT, "", PHASE_CONNECT);
    http_bench_close(&bench);
    for (int i = 0; i < FILLERS; i++)
        close(fillers[i]);
    close(listener);
}
END_TEST

struct conversation {
    int listener, fd;
    char request[1024];
    size_t length;
};

static bool has_request(void *arg) {
    struct conversation *talk = arg;
    if (talk->fd < 0)
        talk->fd = accept4(talk->listener, NULL, NULL, SOCK_NONBLOCK);
    if (talk->fd < 0)
        return false;
    ssize_t got = recv(talk->fd, talk->request + talk->length, sizeof talk->request - 1 - talk->length, 0);
    talk->length += got > 0 ? (size_t)got : 0;
    talk->request[talk->length] = '\0';
    return strstr(talk->request, "\r\n\r\n") != NULL;
}

static bool is_finished(void *arg) {
    return ((const struct rig_check *)arg)->finished > 0;
}

/* One run against ourselves; the answer goes out in two pieces, which the loop sees one after the other. */
static void talk(struct http_bench *bench, struct conversation *talk) {
    static const char ANSWER[] = OK_TEXT;
    ck_assert(check_start(&bench->own.check));
    ck_assert(rig_turn_until(&bench->rig, has_request, talk, TIMEOUT_MS));
    ck_assert_int_eq(send(talk->fd, ANSWER, 20, 0), 20);
    rig_turn_for(&bench->rig, 50);
    ck_assert(!is_finished(&bench->own));
    ck_assert_int_eq(send(talk->fd, ANSWER + 20, sizeof ANSWER - 21, 0), (int)sizeof ANSWER - 21);
    ck_assert(rig_turn_until(&bench->rig, is_finished, &bench->own, TIMEOUT_MS));
    ck_assert_int_eq(bench->own.outcome.reason, REASON_OK);
    close(talk->fd);
    close(talk->listener);
}

START_TEST(the_request_is_the_one_that_bugsinks_proxy_would_send) {
    char expected[512];
    int port = 0;
    for (int i = 0; i < 2; i++) {
        struct conversation conversation = {.listener = listen_here(AF_INET, &port, 8), .fd = -1};
        struct http_bench bench;
        http_bench_open(&bench, "127.0.0.1", port, TIMEOUT_MS);
        check_release(&bench.own.check);
        bench.own.config.app.host = i == 0 ? NULL : (char[]){"bugsink.example.com"};
        bench.own.config.app.is_https = i == 1;
        ck_assert_int_eq(check_init(&bench.own.check, &HTTP_KIND, &bench.rig.env, &bench.own.config,
                             rig_finished, &bench.own, NULL),
            0);
        talk(&bench, &conversation);
        char url_host[64];
        snprintf(url_host, sizeof url_host, "127.0.0.1:%d", port);
        snprintf(expected, sizeof expected,
            "GET /health/ready HTTP/1.1\r\nHost: %s\r\nUser-Agent: bugsink-health/%s\r\nAccept: */*\r\n%s"
            "Connection: close\r\n\r\n",
            i == 0 ? url_host : "bugsink.example.com", BH_VERSION,
            i == 0 ? "" : "X-Forwarded-Proto: https\r\n");
        ck_assert_str_eq(conversation.request, expected);
        http_bench_close(&bench);
    }
}
END_TEST

START_TEST(ipv6_is_spoken) {
    int port;
    struct conversation conversation = {.listener = listen_here(AF_INET6, &port, 8), .fd = -1};
    if (conversation.listener < 0) {
        skip_test("ipv6_is_spoken", "no ::1 here");
        return;
    }
    struct http_bench bench;
    http_bench_open(&bench, "[::1]", port, TIMEOUT_MS);
    talk(&bench, &conversation);
    char host[64];
    snprintf(host, sizeof host, "\r\nHost: [::1]:%d\r\n", port);
    ck_assert_ptr_nonnull(strstr(conversation.request, host));
    http_bench_close(&bench);
}
END_TEST

static int descriptor_count(void) {
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

START_TEST(no_run_leaves_a_descriptor_however_it_ends) {
    const struct peer_script scripts[] = {{.reads = 1, .reply = OK_TEXT, .reply_size = strlen(OK_TEXT)},
        {.reads = 1, .reply = "garbage", .reply_size = 7}, {.reads = 1}, {.closes = true}};
    struct http_bench bench;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct peer peer = peer_start(&scripts[i]);
        http_bench_open(&bench, "127.0.0.1", peer.port, SHORT_MS);
        int before = descriptor_count();
        for (int run = 0; run < 3; run++)
            rig_run(&bench.rig, &bench.own);
        ck_assert(check_start(&bench.own.check));
        check_cancel(&bench.own.check);
        ck_assert_int_eq(descriptor_count(), before);
        ck_assert(check_start(&bench.own.check)); /* released while it runs */
        http_bench_close(&bench);
        peer_stop(&peer);
    }
}
END_TEST

START_TEST(what_goes_wrong_on_our_side_is_internal) {
    struct http_bench bench;
    const struct peer_script script = {.reads = 1, .reply = OK_TEXT, .reply_size = strlen(OK_TEXT)};
    struct peer peer = peer_start(&script);
    http_bench_open(&bench, "127.0.0.1", peer.port, TIMEOUT_MS);
    const struct rlimit none = {0, 1024}, some = {1024, 1024};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    http_bench_expect(&bench, REASON_INTERNAL, "", PHASE_CONNECT);
    ck_assert_str_eq(bench.own.outcome.detail, "socket: Too many open files");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &some), 0);
    http_bench_expect(&bench, REASON_OK, "HTTP 200", PHASE_NONE);
    http_bench_close(&bench);
    peer_stop(&peer);
}
END_TEST

/* Stands in for a checker that was stopped or starved: the answer has come, but the deadline is seen first.
 */
START_TEST(an_answer_that_came_while_we_were_held_up_beats_the_deadline) {
    static const char ANSWER[] = OK_TEXT;
    int port = 0;
    struct conversation conversation = {.listener = listen_here(AF_INET, &port, 8), .fd = -1};
    struct http_bench bench;
    http_bench_open(&bench, "127.0.0.1", port, SHORT_MS);
    ck_assert(check_start(&bench.own.check));
    ck_assert(wait_until(has_request, &conversation, TIMEOUT_MS)); /* without one turn of the loop */
    ck_assert_int_eq(send(conversation.fd, ANSWER, sizeof ANSWER - 1, 0), (int)sizeof ANSWER - 1);
    int64_t end_ms = wait_now_ms() + SHORT_MS + 50;
    while (wait_now_ms() < end_ms)
        ;
    timers_run(&bench.rig.timers);
    ck_assert_int_eq(bench.own.finished, 0);
    ck_assert(rig_turn_until(&bench.rig, is_finished, &bench.own, TIMEOUT_MS));
    ck_assert_int_eq(bench.own.outcome.reason, REASON_OK);
    http_bench_close(&bench);
    close(conversation.fd);
    close(conversation.listener);
}
END_TEST

Suite *http_suite(void) {
    Suite *suite = suite_create("http");
    TCase *answers = tcase_create("answers");
    suite_add_tcase(suite, answers);
    tcase_set_timeout(answers, 30);
    tcase_add_loop_test(answers, an_answer_becomes_its_reason, 0, sizeof ROWS / sizeof ROWS[0]);
    tcase_add_test(answers, a_reset_is_a_reset);
    tcase_add_test(answers, silence_and_a_slow_drip_are_timeouts_of_the_whole_exchange);
    tcase_add_test(answers, a_stopped_process_is_a_timeout_and_well_again_when_it_goes_on);
    TCase *connections = tcase_create("connections");
    suite_add_tcase(suite, connections);
    tcase_set_timeout(connections, 30);
    tcase_add_test(connections, where_nobody_listens_it_is_refused);
    tcase_add_test(connections, a_connection_to_itself_is_refused);
    tcase_add_test(connections, without_a_route_it_is_unreachable);
    tcase_add_test(connections, a_server_that_takes_no_connection_is_a_timeout_in_phase_connect);
    tcase_add_test(connections, the_request_is_the_one_that_bugsinks_proxy_would_send);
    tcase_add_test(connections, ipv6_is_spoken);
    tcase_add_test(connections, no_run_leaves_a_descriptor_however_it_ends);
    tcase_add_test(connections, what_goes_wrong_on_our_side_is_internal);
    tcase_add_test(connections, an_answer_that_came_while_we_were_held_up_beats_the_deadline);
    return suite;
}
