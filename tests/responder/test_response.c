/* Tests of answers: golden texts, byte for byte. */
#include "responder/response.h"

#include "report/page.h"
#include "report/style.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND_MS = 1000 };

/* 2026-11-23 10:00:00 UTC, a Monday. */
static const int64_t NOW_MS = 1795428000LL * SECOND_MS;

static void assert_head(const struct answer *answer, const char *expected) {
    struct response response;
    response_compose(&response, answer, NOW_MS);
    ck_assert_uint_eq(response.head_length, strlen(response.head));
    ck_assert_str_eq(response.head, expected);
    ck_assert_ptr_eq(response.body, answer->body);
    ck_assert_uint_eq(response.body_length, answer->omits_body ? 0 : answer->body_length);
    ck_assert_ptr_eq(response.tail, answer->tail);
    ck_assert_uint_eq(response.tail_length, answer->omits_body ? 0 : answer->tail_length);
}

START_TEST(a_page_for_a_client_that_closes) {
    const struct answer answer = {
        .status = 200, .type = "text/plain; charset=utf-8", .body = "OK\n", .body_length = 3, .age_s = 1};
    assert_head(&answer, "HTTP/1.1 200 OK\r\n"
                         "Date: Mon, 23 Nov 2026 10:00:00 GMT\r\n"
                         "Content-Type: text/plain; charset=utf-8\r\n"
                         "Content-Length: 3\r\n"
                         "Cache-Control: no-store\r\n"
                         "X-Content-Type-Options: nosniff\r\n"
                         "Age: 1\r\n"
                         "Connection: close\r\n"
                         "\r\n");
}
END_TEST

START_TEST(a_page_for_a_client_that_stays) {
    const struct answer answer = {
        .status = 503, .type = "application/json", .body = "{}", .body_length = 2, .keeps_alive = true};
    assert_head(&answer, "HTTP/1.1 503 Service Unavailable\r\n"
                         "Date: Mon, 23 Nov 2026 10:00:00 GMT\r\n"
                         "Content-Type: application/json\r\n"
                         "Content-Length: 2\r\n"
                         "Cache-Control: no-store\r\n"
                         "X-Content-Type-Options: nosniff\r\n"
                         "Age: 0\r\n"
                         "Vary: Accept\r\n"
                         "\r\n");
}
END_TEST

START_TEST(an_old_client_is_told_that_it_may_stay_and_gets_the_type_it_named) {
    const struct answer answer = {.status = 200,
        .type = "application/json",
        .body = "{}",
        .body_length = 2,
        .age_s = -3,
        .keeps_alive = true,
        .idle_s = 65,
        .is_http_1_0 = true,
        .prefers_health_json = true};
    assert_head(&answer, "HTTP/1.1 200 OK\r\n"
                         "Date: Mon, 23 Nov 2026 10:00:00 GMT\r\n"
                         "Content-Type: application/health+json\r\n"
                         "Content-Length: 2\r\n"
                         "Cache-Control: no-store\r\n"
                         "X-Content-Type-Options: nosniff\r\n"
                         "Age: 0\r\n"
                         "Vary: Accept\r\n"
                         "Connection: keep-alive\r\n"
                         "Keep-Alive: timeout=65\r\n"
                         "\r\n");
}
END_TEST

START_TEST(metrics_are_negotiated_and_have_a_tail) {
    const struct answer answer = {.status = 200,
        .type = PAGE_TYPE_METRICS,
        .body = "a 1\n",
        .body_length = 4,
        .tail = "b 22\n",
        .tail_length = 5,
        .age_s = 1,
        .keeps_alive = true,
        .idle_s = 65};
    assert_head(&answer, "HTTP/1.1 200 OK\r\n"
                         "Date: Mon, 23 Nov 2026 10:00:00 GMT\r\n"
                         "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                         "Content-Length: 9\r\n"
                         "Cache-Control: no-store\r\n"
                         "X-Content-Type-Options: nosniff\r\n"
                         "Age: 1\r\n"
                         "Vary: Accept\r\n"
                         "Keep-Alive: timeout=65\r\n"
                         "\r\n");
}
END_TEST

START_TEST(a_refused_head_has_the_length_of_the_body_it_does_not_get) {
    struct answer answer = {.omits_body = true, .prefers_health_json = true};
    response_set_error(&answer, 405);
    assert_head(&answer, "HTTP/1.1 405 Method Not Allowed\r\n"
                         "Date: Mon, 23 Nov 2026 10:00:00 GMT\r\n"
                         "Content-Type: text/plain; charset=utf-8\r\n"
                         "Content-Length: 27\r\n"
                         "Cache-Control: no-store\r\n"
                         "X-Content-Type-Options: nosniff\r\n"
                         "Age: 0\r\n"
                         "Allow: GET\r\n"
                         "Connection: close\r\n"
                         "\r\n");
}
END_TEST

START_TEST(a_page_for_people_may_do_nothing_and_is_looked_at_again) {
    const struct answer answer = {
        .status = 503, .type = PAGE_TYPE_HTML, .body = "<p>", .body_length = 3, .keeps_alive = true};
    char expected[RESPONSE_HEAD_SIZE];
    snprintf(expected, sizeof expected,
        "HTTP/1.1 503 Service Unavailable\r\n"
        "Date: Mon, 23 Nov 2026 10:00:00 GMT\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        "Content-Length: 3\r\n"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Age: 0\r\n"
        "Vary: Accept\r\n"
        "Refresh: 10\r\n"
        "Content-Security-Policy: %s\r\n"
        "Referrer-Policy: no-referrer\r\n"
        "\r\n",
        style_policy());
    assert_head(&answer, expected);
}
END_TEST

START_TEST(every_error_says_in_its_body_what_it_is) {
    static const int STATUSES[] = {400, 404, 405, 408, 431};
    for (size_t i = 0; i < sizeof STATUSES / sizeof STATUSES[0]; i++) {
        struct answer answer = {.age_s = 5};
        response_set_error(&answer, STATUSES[i]);
        ck_assert_int_eq(answer.status, STATUSES[i]);
        ck_assert_int_eq(answer.age_s, 0);
        ck_assert_uint_eq(answer.body_length, strlen(answer.body));
        ck_assert_int_eq(strtol(answer.body, NULL, 10), STATUSES[i]);
        ck_assert_int_eq(answer.body[answer.body_length - 1], '\n');
    }
}
END_TEST

START_TEST(the_longest_head_fits) {
    char type[RESPONSE_TYPE_MAX + 1];
    memset(type, 't', sizeof type);
    type[RESPONSE_TYPE_MAX] = '\0';
    struct answer answer = {.status = 431,
        .type = type,
        .body = "",
        .body_length = SIZE_MAX,
        .age_s = INT64_MAX,
        .keeps_alive = true,
        .idle_s = INT64_MAX,
        .is_http_1_0 = true,
        .omits_body = true};
    struct response response;
    response_compose(&response, &answer, NOW_MS);
    ck_assert_uint_lt(response.head_length + strlen("Allow: GET\r\n"), RESPONSE_HEAD_SIZE);
    answer.type = PAGE_TYPE_HTML;
    response_compose(&response, &answer, NOW_MS);
    ck_assert_uint_lt(response.head_length + strlen("Allow: GET\r\n"), RESPONSE_HEAD_SIZE);
}
END_TEST

Suite *response_suite(void) {
    Suite *suite = suite_create("response");
    TCase *tcase = tcase_create("response");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_page_for_a_client_that_closes);
    tcase_add_test(tcase, a_page_for_a_client_that_stays);
    tcase_add_test(tcase, an_old_client_is_told_that_it_may_stay_and_gets_the_type_it_named);
    tcase_add_test(tcase, a_refused_head_has_the_length_of_the_body_it_does_not_get);
    tcase_add_test(tcase, metrics_are_negotiated_and_have_a_tail);
    tcase_add_test(tcase, a_page_for_people_may_do_nothing_and_is_looked_at_again);
    tcase_add_test(tcase, every_error_says_in_its_body_what_it_is);
    tcase_add_test(tcase, the_longest_head_fits);
    return suite;
}
