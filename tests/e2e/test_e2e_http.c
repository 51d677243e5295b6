/* End to end: HTTP as the kubelet, browsers and strangers speak it to the running program. */
#include "e2e/world.h"
#include "harness/skip.h"
#include "harness/wait.h"

#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* One daemon for all tests of this suite, which do not change it. */
static struct world *world;

static void set_up(void) {
    world = world_new();
    world_start(world);
    world_await(world, "/health/started/", 200, "", 5000);
}

static void tear_down(void) {
    world_end(world);
}

static const char *const PATHS[] = {"/health/live", "/health/ready", "/health", "/health/started",
    "/health/self", "/health/ready/default", "/health/ready/snappea", "/health/ready/app_settings"};
enum { PATH_COUNT = sizeof PATHS / sizeof PATHS[0] };

static void assert_header(const struct http_response *response, const char *name, const char *expected) {
    char value[256] = "(not there, or twice)";
    http_header(response, name, value, sizeof value);
    ck_assert_msg(
        strcmp(value, expected) == 0, "%s: %s instead of %s in:\n%s", name, value, expected, response->head);
}

/* What the contract promises of every answer. */
static void assert_answer(const struct http_response *response, int status) {
    char value[256];
    ck_assert_msg(response->status == status, "status %d instead of %d:\n%s%s", response->status, status,
        response->head, response->body);
    ck_assert_msg(response->is_whole, "cut short");
    ck_assert_uint_eq(response->extra_bytes, 0);
    ck_assert_msg(!response->was_reset, "reset");
    assert_header(response, "Cache-Control", "no-store");
    assert_header(response, "X-Content-Type-Options", "nosniff");
    ck_assert_msg(
        http_header(response, "Content-Length", value, sizeof value), "no length:\n%s", response->head);
    ck_assert_msg(http_header(response, "Content-Type", value, sizeof value), "no type:\n%s", response->head);
    ck_assert_msg(http_header(response, "Age", value, sizeof value) &&
                      strspn(value, "0123456789") == strlen(value) && strtol(value, NULL, 10) <= 6,
        "Age:\n%s", response->head);
    ck_assert_msg(!http_header(response, "Location", value, sizeof value), "a redirect");
}

START_TEST(the_kubelets_request_is_answered_on_every_path) {
    struct http_response response;
    char path[128];
    for (int slash = 0; slash < 2; slash++) {
        snprintf(path, sizeof path, "%s%s", PATHS[_i], slash ? "/" : "");
        http_probe(world->daemon.port, path, &response);
        assert_answer(&response, 200);
        ck_assert_msg(response.has_ended, "left open in spite of Connection: close");
        ck_assert_uint_gt(response.body_length, 0);
        snprintf(path, sizeof path, "%s%s?verbose=1&x=%%2f", PATHS[_i], slash ? "/" : "");
        http_probe(world->daemon.port, path, &response);
        assert_answer(&response, 200);
    }
}
END_TEST

static const char *const STRANGE_PATHS[] = {"/", "/healthy", "/health//", "/health/ready//",
    "/health/ready/x", "/health/LIVE", "/health/live/x", "/etc/passwd", "/health/../health/live",
    "/health/ready/%64efault", "/favicon.ico"};

START_TEST(an_unknown_path_is_404) {
    struct http_response response;
    http_probe(world->daemon.port, STRANGE_PATHS[_i], &response);
    assert_answer(&response, 404);
}
END_TEST

static const char *const METHODS[] = {
    "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "BREW"};

START_TEST(any_other_method_is_405_with_allow) {
    struct http_response response;
    for (size_t i = 0; i < PATH_COUNT; i++) {
        http_request(world->daemon.port, METHODS[_i], PATHS[i], "Accept: */*\r\n", &response);
        assert_answer(&response, 405);
        assert_header(&response, "Allow", "GET");
    }
}
END_TEST

START_TEST(a_body_that_nobody_reads_loses_no_answer) {
    enum { BODY = 200000 };
    char *request = malloc(BODY + 256);
    int head = snprintf(request, 256,
        "POST /health/ready/ HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", BODY);
    memset(request + head, 'x', BODY);
    struct http_response response;
    http_exchange(world->daemon.port, request, (size_t)head + BODY, &response);
    free(request);
    assert_answer(&response, 405);
    assert_header(&response, "Allow", "GET");
}
END_TEST

static const char *const HOSTS[] = {"Host:\r\n", "Host: \r\n", "Host: localhost\r\n", "Host: [::1]:8000\r\n",
    "Host: [fd00:10:244::17]:8000\r\n", "Host: 10.244.1.17:8000\r\n", "Host: bugsink.example.com:443\r\n",
    "Host: ../../etc/passwd\r\n", "Host: \xc3\xa4.example\r\n", "Host: $(reboot)\r\n"};

START_TEST(any_host_is_fine) {
    char request[512];
    struct http_response response;
    int length = snprintf(request, sizeof request,
        "GET /health/ready/ HTTP/1.1\r\n%sAccept: */*\r\nConnection: close\r\n\r\n", HOSTS[_i]);
    http_exchange(world->daemon.port, request, (size_t)length, &response);
    assert_answer(&response, 200);
}
END_TEST

START_TEST(a_host_of_4_kib_is_fine) {
    char host[4097], request[4400];
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    int length = snprintf(request, sizeof request,
        "GET /health/ready/ HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
    struct http_response response;
    http_exchange(world->daemon.port, request, (size_t)length, &response);
    assert_answer(&response, 200);
}
END_TEST

#define REQUEST(text)                                                                                        \
    { text, sizeof text - 1 }

static const struct {
    const char *bytes;
    size_t length;
} GARBAGE[] = {
    REQUEST("hello\r\n\r\n"),
    REQUEST("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client's first words\r\n\r\n"),
    REQUEST("GET\r\n\r\n"),
    REQUEST("GET /health/live/\r\n\r\n"),
    REQUEST("GET health HTTP/1.1\r\nHost: h\r\n\r\n"),
    REQUEST("GET /health/live/ HTTP/x.y\r\n\r\n"),
    REQUEST("GET /health/live/ FTP/1.1\r\n\r\n"),
    REQUEST("GET /health/live/ HTTP/1.1 extra\r\n\r\n"),
    REQUEST("GET /health/live/ HTTP/1.1\r\nno colon here\r\n\r\n"),
    REQUEST("GET /health/live/ HTTP/1.1\r\n: no name\r\n\r\n"),
    REQUEST("GET /health/live/ HTTP/1.1\r\n\r\n"),
    REQUEST("GET /health/live/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    REQUEST("GET /health/live/ HTTP/1.1\r\nHost : a blank before the colon\r\n\r\n"),
    REQUEST("GET /health/live/ HTTP/1.1\r\nHost: x\r\n folded: header\r\n\r\n"),
    REQUEST("GET /health/live/ HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"),
    REQUEST("GET /health/\x01live/ HTTP/1.1\r\nHost: x\r\n\r\n"),
    REQUEST("GET /health/live/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"),
    REQUEST("GET /health/live/ HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n"),
    REQUEST("GET /health/live/ HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n"),
    REQUEST("GET /health/live/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
};

START_TEST(garbage_is_400) {
    struct http_response response;
    http_exchange(world->daemon.port, GARBAGE[_i].bytes, GARBAGE[_i].length, &response);
    assert_answer(&response, 400);
    ck_assert_msg(response.has_ended, "left open after garbage");
}
END_TEST

START_TEST(a_request_over_8_kib_is_431) {
    static const char START[] = "GET /health/live/ HTTP/1.1\r\nHost: x\r\nCookie: ";
    static char request[65536];
    memset(request, 'c', sizeof request);
    memcpy(request, START, sizeof START - 1);
    memcpy(request + sizeof request - 4, "\r\n\r\n", 4);
    struct http_response response;
    http_exchange(world->daemon.port, request, sizeof request, &response);
    assert_answer(&response, 431);
}
END_TEST

START_TEST(bytes_that_drip_get_408_after_one_deadline) {
    static const char REQUEST_TEXT[] =
        "GET /health/live/ HTTP/1.1\r\nHost: a.very.patient.client.example\r\n";
    struct http_client client;
    struct http_response response;
    ck_assert(http_open(&client, world->daemon.port));
    size_t sent = 0;
    struct pollfd answer = {.fd = client.fd, .events = POLLIN};
    do {
        ck_assert_uint_lt(sent, sizeof REQUEST_TEXT - 1);
        http_send(&client, &REQUEST_TEXT[sent++], 1);
    } while (poll(&answer, 1, 250) == 0);
    ck_assert(http_read(&client, &response, false, 1000));
    ck_assert(http_read_end(&client, &response, 3000));
    assert_answer(&response, 408);
    ck_assert_int_ge(response.took_ms, 4500);
    ck_assert_int_le(response.free_ms, 7000);
    http_close(&client);
}
END_TEST

START_TEST(a_request_in_small_pieces_is_one_request) {
    static const char REQUEST_TEXT[] = "GET /health/live/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct http_client client;
    struct http_response response;
    ck_assert(http_open(&client, world->daemon.port));
    struct pollfd answer = {.fd = client.fd, .events = POLLIN};
    for (size_t i = 0; i < sizeof REQUEST_TEXT - 1; i++) {
        http_send(&client, &REQUEST_TEXT[i], 1);
        ck_assert_msg(i == sizeof REQUEST_TEXT - 2 || poll(&answer, 1, 1) == 0, "answered before the end");
    }
    ck_assert(http_read(&client, &response, false, 3000));
    ck_assert(http_read_end(&client, &response, 3000));
    assert_answer(&response, 200);
    http_close(&client);
}
END_TEST

START_TEST(a_connection_is_kept_alive) {
    struct http_client client;
    struct http_response response;
    ck_assert(http_open(&client, world->daemon.port));
    for (int i = 0; i < 50; i++) {
        http_send_text(&client, i % 2 ? "GET /health/ready/ HTTP/1.1\r\nHost: x\r\n\r\n"
                                      : "GET /nosuch HTTP/1.1\r\nHost: x\r\n\r\n");
        ck_assert_msg(http_read(&client, &response, false, 3000), "no answer to request %d", i);
        assert_answer(&response, i % 2 ? 200 : 404);
    }
    http_send_text(&client, "GET /health/live/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    ck_assert(http_read(&client, &response, false, 3000));
    ck_assert(http_read_end(&client, &response, 3000));
    assert_answer(&response, 200);
    http_close(&client);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order) {
    static const struct {
        const char *request;
        int status;
    } PIPELINE[] = {{"GET /health/live/ HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", 404}, {"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"GET /b HTTP/1.1\r\nHost: x\r\n\r\n", 404},
        {"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200}};
    struct http_client client;
    struct http_response response;
    char all[1024];
    size_t length = 0;
    for (size_t i = 0; i < 5; i++)
        length += (size_t)snprintf(all + length, sizeof all - length, "%s", PIPELINE[i].request);
    ck_assert(http_open(&client, world->daemon.port));
    http_send(&client, all, length);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_msg(http_read(&client, &response, false, 3000), "no answer to request %d", (int)i);
        response.extra_bytes = 0;
        assert_answer(&response, PIPELINE[i].status);
    }
    ck_assert(http_read_end(&client, &response, 3000));
    assert_answer(&response, 200);
    http_close(&client);
}
END_TEST

START_TEST(input_after_the_last_request_causes_no_reset) {
    static const char REQUEST_TEXT[] = "GET /health/ready/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    enum { JUNK = 32768 }; /* more than one reading of the server takes */
    char request[sizeof REQUEST_TEXT - 1 + JUNK];
    memcpy(request, REQUEST_TEXT, sizeof REQUEST_TEXT - 1);
    memset(request + sizeof REQUEST_TEXT - 1, 'j', JUNK);
    struct http_response response;
    http_exchange(world->daemon.port, request, sizeof request, &response);
    assert_answer(&response, 200);
}
END_TEST

START_TEST(http_1_0_is_answered_and_closed) {
    struct http_response response;
    static const char REQUEST_TEXT[] = "GET /health/ready/ HTTP/1.0\r\n\r\n";
    http_exchange(world->daemon.port, REQUEST_TEXT, sizeof REQUEST_TEXT - 1, &response);
    assert_answer(&response, 200);
    ck_assert(response.has_ended);
}
END_TEST

START_TEST(the_media_type_for_health_is_given_to_who_accepts_it) {
    struct http_response response;
    http_request(world->daemon.port, "GET", "/health/", "Accept: application/health+json\r\n", &response);
    assert_answer(&response, 200);
    assert_header(&response, "Content-Type", "application/health+json");
    json_decref(http_json(&response));
    http_request(world->daemon.port, "GET", "/health/ready",
        "Accept: text/plain;q=0.1, application/health+json\r\n", &response);
    assert_header(&response, "Content-Type", "application/health+json");
    http_request(world->daemon.port, "GET", "/health/", "Accept: */*\r\n", &response);
    assert_header(&response, "Content-Type", "application/json");
    http_request(
        world->daemon.port, "GET", "/health/live/", "Accept: application/health+json\r\n", &response);
    char type[64];
    ck_assert(
        http_header(&response, "Content-Type", type, sizeof type) && strncmp(type, "text/plain", 10) == 0);
}
END_TEST

START_TEST(the_unspecified_address_is_both_families) {
    struct world *dual = world_new();
    const struct daemon_setup setup = {.environment = &dual->environment, .listen_host = "[::]"};
    daemon_start(&dual->daemon, &setup);
    struct http_client client;
    struct http_response response;
    if (!http_open_v6(&client, dual->daemon.port)) {
        skip_test("the_unspecified_address_is_both_families", "no IPv6 here");
    } else {
        http_send_text(&client, "GET /health/self HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n");
        ck_assert(http_read(&client, &response, false, 3000));
        assert_answer(&response, 200);
        http_close(&client);
    }
    ck_assert_int_eq(world_get(dual, "/health/self"), 200);
    world_end(dual);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

Suite *e2e_http_suite(void) {
    Suite *suite = suite_create("e2e_http");
    TCase *tcase = tcase_create("e2e_http");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, the_kubelets_request_is_answered_on_every_path, 0, PATH_COUNT);
    tcase_add_loop_test(tcase, an_unknown_path_is_404, 0, COUNT(STRANGE_PATHS));
    tcase_add_loop_test(tcase, any_other_method_is_405_with_allow, 0, COUNT(METHODS));
    tcase_add_test(tcase, a_body_that_nobody_reads_loses_no_answer);
    tcase_add_loop_test(tcase, any_host_is_fine, 0, COUNT(HOSTS));
    tcase_add_test(tcase, a_host_of_4_kib_is_fine);
    tcase_add_loop_test(tcase, garbage_is_400, 0, COUNT(GARBAGE));
    tcase_add_test(tcase, a_request_over_8_kib_is_431);
    tcase_add_test(tcase, bytes_that_drip_get_408_after_one_deadline);
    tcase_add_test(tcase, a_request_in_small_pieces_is_one_request);
    tcase_add_test(tcase, a_connection_is_kept_alive);
    tcase_add_test(tcase, pipelined_requests_are_answered_in_order);
    tcase_add_test(tcase, input_after_the_last_request_causes_no_reset);
    tcase_add_test(tcase, http_1_0_is_answered_and_closed);
    tcase_add_test(tcase, the_media_type_for_health_is_given_to_who_accepts_it);
    tcase_add_test(tcase, the_unspecified_address_is_both_families);
    return suite;
}
