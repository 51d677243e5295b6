/* Tests of the questions to Bugsink: their bytes, and what answers say. */
#include "kinds/http/ask.h"

#include <check.h>
#include <string.h>

#define TEN "0000000000"

/* -- the requests -- */

static const struct {
    enum app_question question;
    struct ask_address address;
    const char *request;
} REQUESTS[] = {
    {QUESTION_NONE, {"", "/health/ready", "127.0.0.1:9000", false},
        "GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1:9000\r\nUser-Agent: bugsink-health/" BH_VERSION
        "\r\nAccept: */*\r\nConnection: close\r\n\r\n"},
    {QUESTION_TOKEN, {"", "/health/ready", "bugsink.example.com", false},
        "GET /api/canonical/0/projects/ HTTP/1.1\r\nHost: bugsink.example.com\r\n"
        "User-Agent: bugsink-health/" BH_VERSION "\r\nAccept: */*\r\n"
        "Authorization: Bearer " TEN TEN TEN TEN "\r\nConnection: close\r\n\r\n"},
    {QUESTION_TOKEN, {"/sub/path", "/sub/path/health/ready", "b:8", true},
        "GET /sub/path/api/canonical/0/projects/ HTTP/1.1\r\nHost: b:8\r\n"
        "User-Agent: bugsink-health/" BH_VERSION "\r\nAccept: */*\r\nX-Forwarded-Proto: https\r\n"
        "Authorization: Bearer " TEN TEN TEN TEN "\r\nConnection: close\r\n\r\n"},
    {QUESTION_PROJECT, {"", "/health/ready", "b", true},
        "POST /api/0/envelope/?sentry_key=" TEN TEN TEN "00 HTTP/1.1\r\nHost: b\r\n"
        "User-Agent: bugsink-health/" BH_VERSION "\r\nAccept: */*\r\nX-Forwarded-Proto: https\r\n"
        "Content-Type: application/x-sentry-envelope\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{}\n"},
    {QUESTION_PROJECT, {"/sub", "/health/ready", "b", false},
        "POST /sub/api/0/envelope/?sentry_key=" TEN TEN TEN "00 HTTP/1.1\r\nHost: b\r\n"
        "User-Agent: bugsink-health/" BH_VERSION "\r\nAccept: */*\r\n"
        "Content-Type: application/x-sentry-envelope\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{}\n"},
};

START_TEST(a_question_says_who_asks_and_holds_nothing_that_could_be_stored) {
    struct strbuf request = {0};
    ask_write(&request, REQUESTS[_i].question, &REQUESTS[_i].address);
    ck_assert_str_eq(request.data, REQUESTS[_i].request);
    strbuf_release(&request);
}
END_TEST

/* -- the answers -- */

#define DETAIL     "{\"detail\":\"Invalid Bearer token.\"}"
#define NO_PROJECT "Project not found or key incorrect"

static const struct {
    enum app_question question;
    int status;
    const char *body;
    enum answer answer;
} ANSWERS[] = {
    {QUESTION_TOKEN, 401, DETAIL, ANSWER_WELL},
    {QUESTION_TOKEN, 401, "{\"detail\": \"Ung\\u00fcltig\"}", ANSWER_WELL},
    {QUESTION_TOKEN, 403, DETAIL, ANSWER_WELL},
    {QUESTION_PROJECT, 403, NO_PROJECT, ANSWER_WELL},
    {QUESTION_PROJECT, 403, "{\"error\":\"" NO_PROJECT "\"}", ANSWER_WELL},
    {QUESTION_PROJECT, 401, NO_PROJECT, ANSWER_WELL},
    /* a proxy, Django's page on CSRF, the other question's answer */
    {QUESTION_TOKEN, 401, "", ANSWER_MUTE},
    {QUESTION_TOKEN, 401, "<html>Authorization Required</html>", ANSWER_MUTE},
    {QUESTION_TOKEN, 401, "\"detail", ANSWER_MUTE},
    {QUESTION_TOKEN, 403, NO_PROJECT, ANSWER_MUTE},
    {QUESTION_PROJECT, 403, "", ANSWER_MUTE},
    {QUESTION_PROJECT, 403, "Forbidden (403) CSRF verification failed.", ANSWER_MUTE},
    {QUESTION_PROJECT, 403, DETAIL, ANSWER_MUTE},
    {QUESTION_TOKEN, 500, "", ANSWER_FAILS},
    {QUESTION_TOKEN, 500, DETAIL, ANSWER_FAILS},
    {QUESTION_TOKEN, 502, "", ANSWER_FAILS},
    {QUESTION_PROJECT, 500, NO_PROJECT, ANSWER_FAILS},
    {QUESTION_PROJECT, 503, "", ANSWER_FAILS},
    {QUESTION_PROJECT, 599, "", ANSWER_FAILS},
    {QUESTION_TOKEN, 404, "", ANSWER_ABSENT},
    {QUESTION_TOKEN, 405, "", ANSWER_ABSENT},
    {QUESTION_PROJECT, 404, NO_PROJECT, ANSWER_ABSENT},
    {QUESTION_PROJECT, 405, "", ANSWER_ABSENT},
    {QUESTION_PROJECT, 501, "", ANSWER_ABSENT},
    {QUESTION_TOKEN, 501, "", ANSWER_ABSENT},
    {QUESTION_TOKEN, 400, "", ANSWER_MUTE},
    {QUESTION_PROJECT, 400, "", ANSWER_MUTE},
    {QUESTION_TOKEN, 301, "", ANSWER_MUTE},
    {QUESTION_TOKEN, 302, DETAIL, ANSWER_MUTE},
    {QUESTION_PROJECT, 308, "", ANSWER_MUTE},
    {QUESTION_TOKEN, 429, "", ANSWER_MUTE},
    {QUESTION_PROJECT, 429, NO_PROJECT, ANSWER_MUTE},
    {QUESTION_TOKEN, 200, "OK", ANSWER_MUTE},
    {QUESTION_PROJECT, 200, NO_PROJECT, ANSWER_MUTE},
    {QUESTION_PROJECT, 413, "", ANSWER_MUTE},
};

START_TEST(only_what_a_database_was_needed_for_says_anything_of_it) {
    const char *body = ANSWERS[_i].body;
    enum answer answer =
        ask_judge(ANSWERS[_i].question, ANSWERS[_i].status, *body ? body : NULL, strlen(body));
    ck_assert_msg(answer == ANSWERS[_i].answer, "%s: %d %s: %d", question_name(ANSWERS[_i].question),
        ANSWERS[_i].status, body, (int)answer);
}
END_TEST

/* A status that needs no body is not waited for; one that does must not be judged without. */
START_TEST(only_refusals_need_their_body) {
    for (int status = 200; status < 600; status++)
        ck_assert_int_eq(ask_is_told_by_status(status), status != 401 && status != 403);
}
END_TEST

Suite *http_ask_suite(void) {
    Suite *suite = suite_create("http_ask");
    TCase *tcase = tcase_create("http_ask");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, a_question_says_who_asks_and_holds_nothing_that_could_be_stored, 0,
        sizeof REQUESTS / sizeof REQUESTS[0]);
    tcase_add_loop_test(tcase, only_what_a_database_was_needed_for_says_anything_of_it, 0,
        sizeof ANSWERS / sizeof ANSWERS[0]);
    tcase_add_test(tcase, only_refusals_need_their_body);
    return suite;
}
