/* The one GET of probe: the URLs it refuses, and the answers that are none. */
#include "cmd/http_get.h"

#include "base/str.h"
#include "harness/peer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 5000, SHORT_MS = 200 };

/* Asks that URL in vain; the error is left in err. */
static void assert_refused(const char *url, int64_t timeout_ms, struct error *err, const char *says) {
    struct http_answer answer = {0};
    ck_assert_msg(http_get(url, timeout_ms, &answer, err) == -1, "%s", url);
    ck_assert_msg(strstr(err->text, says), "%s: \"%s\", not \"%s\"", url, err->text, says);
    ck_assert_ptr_null(answer.body);
}

START_TEST(what_is_no_url_of_a_sidecar_is_refused) {
    static const struct {
        const char *url, *says;
    } ROWS[] = {
        {"127.0.0.1:8000/", "write http://"},
        {"HTTPS://127.0.0.1/", "write http://"},
        {"http://u:hunter2@127.0.0.1/", "holds a user or password"},
        {"http:///health/", "no host"},
        {"http://127.0.0.1?x", "no path"},
        {"http://127.0.0.1#x", "no path"},
        {"http://127.0.0.1/a b", "space or control character"},
        {"http://127.0.0.1/a\r\nX: y", "space or control character"},
        {"http://127.0.0.1\r\nX: y/", "space or control character"},
        {"http://127.0.0.1/a\x7f", "space or control character"},
        {"http://127.0.0.1:12345678/", "port is too long"},
        {"http://127.0.0.1:x/", "127.0.0.1:x: "},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct error err;
        assert_refused(ROWS[i].url, PATIENCE_MS, &err, ROWS[i].says);
        ck_assert_msg(!strstr(err.text, "hunter2"), "%s", err.text);
    }
}
END_TEST

START_TEST(a_host_of_any_length_is_taken_or_refused) {
    char url[400];
    struct error err;
    for (int length = 250; length < 262; length++) {
        snprintf(url, sizeof url, "http://%0*d/", length, 0); /* a number that is no address */
        assert_refused(url, SHORT_MS, &err, length < 256 ? "" : "no host, or one too long");
    }
}
END_TEST

/* -- answers -- */

static struct peer start_peer(const char *reply, enum peer_ending ending) {
    const struct peer_script script = {
        .reads = 1, .reply = reply, .reply_size = strlen(reply), .closes = ending};
    return peer_start(&script);
}

START_TEST(what_is_no_whole_answer_is_told) {
    static const struct {
        const char *reply, *says;
        enum peer_ending ending;
    } ROWS[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "cut after 3 bytes", PEER_CLOSES},
        {"", "cut after 0 bytes", PEER_CLOSES},
        {"SSH-2.0-OpenSSH_9.2\r\n", "is not HTTP", PEER_CLOSES},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "no whole answer from 127.0.0.1", PEER_HOLDS},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct peer peer = start_peer(ROWS[i].reply, ROWS[i].ending);
        char url[64];
        struct error err;
        snprintf(url, sizeof url, "http://127.0.0.1:%d/", peer.port);
        assert_refused(url, ROWS[i].ending == PEER_HOLDS ? SHORT_MS : PATIENCE_MS, &err, ROWS[i].says);
        peer_stop(&peer);
    }
}
END_TEST

START_TEST(an_answer_without_end_is_given_up) {
    static const char HEAD[] = "HTTP/1.1 200 OK\r\n\r\n";
    enum { SIZE = 5 * 1024 * 1024 };
    char *reply = malloc(SIZE), url[64];
    ck_assert_ptr_nonnull(reply);
    memset(reply, 'x', SIZE);
    memcpy(reply, HEAD, sizeof HEAD - 1);
    const struct peer_script script = {.reads = 1, .reply = reply, .reply_size = SIZE, .closes = PEER_HOLDS};
    struct peer peer = peer_start(&script);
    struct error err;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", peer.port);
    assert_refused(url, PATIENCE_MS, &err, "larger than 4194304 bytes");
    peer_stop(&peer);
    free(reply);
}
END_TEST

START_TEST(a_whole_answer_is_given_with_its_body) {
    struct peer peer = start_peer("HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno", PEER_CLOSES);
    struct http_answer answer;
    struct error err;
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", peer.port); /* without a path: the root */
    ck_assert_msg(http_get(url, PATIENCE_MS, &answer, &err) == 0, "%s", err.text);
    ck_assert_int_eq(answer.status, 503);
    ck_assert_uint_eq(answer.body_length, 2);
    ck_assert_str_eq(answer.body, "no");
    free(answer.body);
    peer_stop(&peer);
}
END_TEST

START_TEST(an_ipv6_address_stands_in_brackets) {
    struct error err;
    char url[64];
    snprintf(url, sizeof url, "http://[::1]:%d/", peer_free_port());
    struct http_answer answer = {0};
    ck_assert_int_eq(http_get(url, PATIENCE_MS, &answer, &err), -1);
    /* It was understood: it is the connection that failed, be it for want of IPv6. */
    ck_assert_msg(strstr(err.text, "no answer from [::1]:"), "%s", err.text);
}
END_TEST

Suite *http_get_suite(void) {
    Suite *suite = suite_create("http_get");
    TCase *tcase = tcase_create("http_get");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, what_is_no_url_of_a_sidecar_is_refused);
    tcase_add_test(tcase, a_host_of_any_length_is_taken_or_refused);
    tcase_add_test(tcase, what_is_no_whole_answer_is_told);
    tcase_add_test(tcase, an_answer_without_end_is_given_up);
    tcase_add_test(tcase, a_whole_answer_is_given_with_its_body);
    tcase_add_test(tcase, an_ipv6_address_stands_in_brackets);
    return suite;
}
