/* Tests of who asks: what is remembered of a probe, and how it is told. */
#include "report/page.h"
#include "report/style.h"
#include "responder/probes.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START_MS = 1000000 };

static const int64_t WALL_MS = 1795428000000; /* 2026-11-23T10:00:00Z */

static void ask(struct probes *probes, enum route_id route, const char *agent, int64_t at_ms) {
    probes_note(probes, route, agent, strlen(agent), START_MS + at_ms, WALL_MS + at_ms);
}

/* The whole body, to be freed. */
static char *body_of(const struct probes *probes, const char *type, const char *body, int64_t at_ms) {
    static char memory[PROBES_TEXT_SIZE];
    struct answer answer = {.type = type, .body = body, .body_length = strlen(body)};
    char *text = calloc(1, strlen(body) + PROBES_TEXT_SIZE);
    ck_assert_ptr_nonnull(text);
    probes_add_tail(probes, START_MS + at_ms, memory, &answer);
    memcpy(text, answer.body, answer.body_length);
    if (answer.tail)
        memcpy(text + answer.body_length, answer.tail, answer.tail_length);
    return text;
}

static char *html_of(const struct probes *probes, int64_t at_ms) {
    char page[256];
    snprintf(page, sizeof page, "<body><footer>x%s", style_page_close());
    return body_of(probes, PAGE_TYPE_HTML, page, at_ms);
}

/* What is said of that path, of which there may be no other member; to be released. */
static json_t *probe_of(const struct probes *probes, const char *word, int64_t at_ms) {
    char *text = body_of(probes, PAGE_TYPE_JSON, "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n", at_ms);
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(json != NULL, "%s: %s", error.text, text);
    ck_assert_uint_eq(json_object_size(json), 2);
    json_t *all = json_object_get(json, "probes");
    ck_assert_uint_eq(json_object_size(all), PROBES_PATHS);
    json_t *probe = json_incref(json_object_get(all, word));
    ck_assert_uint_eq(json_object_size(probe), 4);
    json_decref(json);
    free(text);
    return probe;
}

static const char *text_at(const json_t *probe, const char *key) {
    const char *text = json_string_value(json_object_get(probe, key));
    return text ? text : "null";
}

START_TEST(a_path_that_nobody_has_asked_says_so_and_where_its_probe_belongs) {
    static const struct {
        const char *word, *message;
    } NEVER[] = {
        {"live",
            "nobody has asked /health/live/ since the start: is the probe declared on Bugsink's container?"},
        {"ready", "nobody has asked /health/ready/ since the start: is the readiness probe declared?"},
        {"self", "nobody has asked /health/self/ since the start: is the probe declared on the sidecar's "
                 "container?"},
    };
    const struct probes probes = {0};
    char *html = html_of(&probes, 0);
    for (size_t i = 0; i < sizeof NEVER / sizeof NEVER[0]; i++) {
        json_t *probe = probe_of(&probes, NEVER[i].word, 0);
        ck_assert_str_eq(text_at(probe, "message"), NEVER[i].message);
        ck_assert(json_is_null(json_object_get(probe, "last_asked_at")));
        ck_assert(json_is_null(json_object_get(probe, "period_s")));
        ck_assert(json_is_null(json_object_get(probe, "agent")));
        json_decref(probe);
        ck_assert_ptr_nonnull(strstr(html, NEVER[i].message));
    }
    free(html);
}
END_TEST

START_TEST(who_asks_when_and_how_often_is_told) {
    struct probes probes = {0};
    for (int64_t at_ms = 0; at_ms <= 30000; at_ms += 10000)
        ask(&probes, ROUTE_LIVE, "kube-probe/1.36 (linux) more", at_ms);
    ask(&probes, ROUTE_METRICS, "Prometheus/3.0", 31000); /* asks none of them */
    json_t *probe = probe_of(&probes, "live", 35000);
    ck_assert_str_eq(text_at(probe, "last_asked_at"), "2026-11-23T10:00:30.000Z");
    ck_assert_str_eq(text_at(probe, "agent"), "kube-probe/1.36");
    ck_assert(json_number_value(json_object_get(probe, "period_s")) == 10.0);
    ck_assert(json_is_null(json_object_get(probe, "message")));
    json_decref(probe);
    char *html = html_of(&probes, 35000);
    ck_assert_msg(
        strstr(html, "/health/live/ was asked 5 s ago by <code>kube-probe/1.36</code>, every 10 s") != NULL,
        "%s", html);
    free(html);
}
END_TEST

START_TEST(times_of_probes_have_the_units_of_people) {
    struct probes probes = {0};
    ask(&probes, ROUTE_READY, "", 0);
    ask(&probes, ROUTE_READY, "", 3 * 3600000);
    char *html = html_of(&probes, 3 * 3600000 + 239000);
    ck_assert_msg(
        strstr(html, "/health/ready/ was asked 3 min ago by <code>(no name)</code>, every 3 h") != NULL, "%s",
        html);
    free(html);
}
END_TEST

START_TEST(a_single_request_by_hand_does_not_change_the_period) {
    static const int64_t TIMES_MS[] = {0, 10000, 20000, 23000, 30000, 40000, 50000};
    struct probes probes = {0};
    for (size_t i = 0; i < 3; i++)
        ask(&probes, ROUTE_READY, "kube-probe/1.36", TIMES_MS[i]);
    for (size_t i = 3; i < sizeof TIMES_MS / sizeof TIMES_MS[0]; i++) {
        ask(&probes, ROUTE_READY, i == 3 ? "curl/8" : "kube-probe/1.36", TIMES_MS[i]);
        int64_t period_ms = probed_period_ms(&probes.paths[1]);
        ck_assert_msg(period_ms >= 7000 && period_ms <= 10000, "%d ms", (int)period_ms);
    }
    ck_assert_int_eq(probed_period_ms(&probes.paths[1]), 10000);
}
END_TEST

START_TEST(silence_of_more_than_two_periods_is_told_until_somebody_asks) {
    struct probes probes = {0};
    ask(&probes, ROUTE_SELF, "a", 0);
    ck_assert(!probed_is_silent(&probes.paths[2], START_MS + 1000000)); /* its period is not known */
    ask(&probes, ROUTE_SELF, "a", 5000);
    ck_assert(!probed_is_silent(&probes.paths[2], START_MS + 15000));
    ck_assert(probed_is_silent(&probes.paths[2], START_MS + 15001));
    json_t *probe = probe_of(&probes, "self", 40000);
    ck_assert_str_eq(
        text_at(probe, "message"), "nobody has asked /health/self/ for 35 s; it was asked every 5 s");
    ck_assert_str_eq(text_at(probe, "agent"), "a");
    json_decref(probe);
    char *html = html_of(&probes, 605000);
    ck_assert_ptr_nonnull(
        strstr(html, "<br>\nnobody has asked /health/self/ for 10 min; it was asked every 5 s"));
    free(html);
    ask(&probes, ROUTE_SELF, "a", 41000);
    ck_assert(!probed_is_silent(&probes.paths[2], START_MS + 42000));
}
END_TEST

/* What a client calls itself, and as what it is kept. */
static const struct {
    const char *agent, *kept;
} AGENTS[] = {
    {"kube-probe/1.36", "kube-probe/1.36"},
    {"Mozilla/5.0 (X11; Linux)", "Mozilla/5.0"},
    {"a\tb", "a"},
    {"<script>alert(1)</script>", "<script>alert(1)</script>"},
    {"\"},\"status\":\"ok", "\"},\"status\":\"ok"},
    {"\\u0041\\", "\\u0041\\"},
    {"&amp;'\"", "&amp;'\""},
    {"caf\xc3\xa9\x80\x7f\x01", "caf?????"},
    {"0123456789012345678901234567890123456789012345678901234567890",
        "01234567890123456789012345678901234567890123456"},
    {"", "null"},
    {" a", "null"},
};

START_TEST(the_name_of_a_client_is_bounded_and_escaped) {
    struct probes probes = {0};
    ask(&probes, ROUTE_LIVE, AGENTS[_i].agent, 0);
    json_t *probe = probe_of(&probes, "live", 0);
    ck_assert_str_eq(text_at(probe, "agent"), AGENTS[_i].kept);
    json_decref(probe);
    char *html = html_of(&probes, 0);
    const char *code = strstr(html, "<code>"), *end = code ? strstr(code, "</code>") : NULL;
    ck_assert_msg(end != NULL, "%s", html);
    for (const char *c = code + 6; c < end; c++)
        ck_assert_msg(*c >= 0x20 && *c < 0x7f && !strchr("<>\"'", *c), "%s", html);
    free(html);
}
END_TEST

START_TEST(whatever_was_noted_it_fits) {
    struct probes probes = {0};
    char memory[PROBES_TEXT_SIZE];
    struct answer answer = {.type = PAGE_TYPE_HTML, .body = style_page_close()};
    answer.body_length = strlen(answer.body);
    for (size_t i = 0; i < PROBES_PATHS; i++) {
        struct probed *probed = &probes.paths[i];
        *probed = (struct probed){true, 0, WALL_MS, {INT64_MAX / 2, INT64_MAX / 2, INT64_MAX / 2}, 3, ""};
        memset(probed->agent, '"', PROBES_AGENT_SIZE - 1);
    }
    probes_add_tail(&probes, INT64_MAX, memory, &answer);
    ck_assert_ptr_nonnull(answer.tail);
    answer = (struct answer){.type = PAGE_TYPE_JSON, .body = "\n}\n", .body_length = 3};
    probes_add_tail(&probes, INT64_MAX, memory, &answer);
    ck_assert_ptr_nonnull(answer.tail);
}
END_TEST

START_TEST(a_body_that_ends_otherwise_stays_as_it_is) {
    static const char *const BODIES[] = {"", "{}", "}\n", "{}\n"};
    const struct probes probes = {0};
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        char *json = body_of(&probes, PAGE_TYPE_JSON, BODIES[i], 0);
        char *html = body_of(&probes, PAGE_TYPE_HTML, BODIES[i], 0);
        ck_assert_str_eq(json, BODIES[i]);
        ck_assert_str_eq(html, BODIES[i]);
        free(json);
        free(html);
    }
}
END_TEST

Suite *asked_suite(void) {
    Suite *suite = suite_create("asked");
    TCase *tcase = tcase_create("asked");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_path_that_nobody_has_asked_says_so_and_where_its_probe_belongs);
    tcase_add_test(tcase, who_asks_when_and_how_often_is_told);
    tcase_add_test(tcase, times_of_probes_have_the_units_of_people);
    tcase_add_test(tcase, a_single_request_by_hand_does_not_change_the_period);
    tcase_add_test(tcase, silence_of_more_than_two_periods_is_told_until_somebody_asks);
    tcase_add_loop_test(
        tcase, the_name_of_a_client_is_bounded_and_escaped, 0, sizeof AGENTS / sizeof AGENTS[0]);
    tcase_add_test(tcase, whatever_was_noted_it_fits);
    tcase_add_test(tcase, a_body_that_ends_otherwise_stays_as_it_is);
    return suite;
}
