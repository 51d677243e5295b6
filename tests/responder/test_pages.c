/* Tests of the page table, with the time in hand. */
#include "responder/pages.h"

#include "report/reason.h"
#include "report/style.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t read_hand(void *arg) {
    return *(int64_t *)arg;
}

/* A table over a clock that a test moves. */
struct bench {
    int64_t now_ms;
    struct clock clock;
    struct page_table *table;
};

static void bench_init(struct bench *bench) {
    bench->now_ms = 1000000;
    bench->clock = (struct clock){read_hand, read_hand, &bench->now_ms};
    bench->table = page_table_new(&bench->clock);
    ck_assert_ptr_nonnull(bench->table);
}

/* A set in the order of its paths, as it comes from the link. The body, shared by all, is the payload. */
static void put_pages(struct bench *bench, const char *text, int64_t valid_until_ms) {
    static const struct page PAGES[] = {
        {"/health", 200, PAGE_TRUST_LEASE, "application/json", "", 0},
        {"/health", 200, PAGE_TRUST_LEASE, PAGE_TYPE_HTML, "", 0},
        {"/health/live", 200, PAGE_TRUST_LONG, "text/plain", "", 0},
        {"/health/ready", 200, PAGE_TRUST_LEASE, "application/json", "", 0},
        {"/health/ready/default", 503, PAGE_TRUST_LEASE, "application/json", "", 0},
        {"/health/self", 200, PAGE_TRUST_GRACE, "text/plain", "", 0},
        {"/health/started", 200, PAGE_TRUST_LONG, "text/plain", "", 0},
        {"/metrics", 200, PAGE_TRUST_LEASE, PAGE_TYPE_OPENMETRICS, "", 0},
        {"/metrics", 200, PAGE_TRUST_LEASE, PAGE_TYPE_METRICS, "", 0},
    };
    struct page_set set = {bench->now_ms, sizeof PAGES / sizeof PAGES[0], malloc(sizeof PAGES)};
    unsigned char *payload = (unsigned char *)strdup(text);
    ck_assert(set.pages && payload);
    memcpy(set.pages, PAGES, sizeof PAGES);
    for (size_t i = 0; i < set.count; i++) {
        set.pages[i].body = (const char *)payload;
        set.pages[i].body_length = strlen(text);
    }
    ck_assert_int_eq(page_table_put(bench->table, set, payload, valid_until_ms), 0);
}

static struct answer ask_for(struct bench *bench, const char *path, unsigned tastes) {
    struct answer answer = {0};
    page_hold_release(page_table_answer(bench->table, path, strlen(path), tastes, &answer));
    return answer;
}

static struct answer ask(struct bench *bench, const char *path) {
    return ask_for(bench, path, 0);
}

static void assert_status(struct bench *bench, const char *path, int status) {
    int got = ask(bench, path).status;
    ck_assert_msg(got == status, "%s: %d, not %d", path, got, status);
}

/* The four keys that Bugsink's own health page had, and ours. */
static void assert_notice(const struct answer *answer, const char *code, const char *settings) {
    ck_assert_int_eq(answer->status, 503);
    ck_assert_str_eq(answer->type, "application/json");
    json_t *json = json_loadb(answer->body, answer->body_length, 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_str_eq(json_string_value(json_object_get(json, "status")), "error");
    ck_assert(json_is_object(json_object_get(json, "databases")));
    ck_assert_str_eq(json_string_value(json_object_get(json, "app_settings")), settings);
    ck_assert_str_eq(json_string_value(json_object_get(json, "version")), "unknown");
    ck_assert_str_eq(json_string_value(json_object_get(json, "code")), code);
    ck_assert(json_is_string(json_object_get(json, "message")));
    ck_assert(
        json_is_array(json_object_get(json, "failed")) && json_is_array(json_object_get(json, "degraded")));
    ck_assert(json_is_object(json_object_get(json, "codes")));
    json_decref(json);
}

START_TEST(before_the_first_pages_the_sidecar_works_and_nothing_is_ready) {
    struct bench bench;
    bench_init(&bench);
    struct answer answer = ask(&bench, "/health/live");
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.body, "OK\n");
    ck_assert_int_eq(strncmp(answer.type, "text/plain", 10), 0);
    assert_status(&bench, "/health/self/", 200);
    answer = ask(&bench, "/health/ready/");
    assert_notice(&answer, "starting", "starting");
    answer = ask(&bench, "/health");
    assert_notice(&answer, "starting", "starting");
    answer = ask(&bench, "/health/ready/some-check");
    assert_notice(&answer, "starting", "starting");
    answer = ask(&bench, "/health/started");
    ck_assert_int_eq(answer.status, 503);
    ck_assert_int_eq(strncmp(answer.body, "starting: ", 10), 0);
    static const char *const UNKNOWN[] = {"", "/", "/health/ready/a/b", "/health/ready//", "/health//ready",
        "/healthy", "/health/live//", "/metrics/x", "/health/readyx"};
    for (size_t i = 0; i < sizeof UNKNOWN / sizeof UNKNOWN[0]; i++)
        assert_status(&bench, UNKNOWN[i], 404);
    page_table_free(bench.table);
}
END_TEST

static void count(void *arg) {
    ++*(int *)arg;
}

START_TEST(who_reads_numbers_is_told_of_once_for_each_set_or_lease) {
    struct bench bench;
    int told = 0;
    bench_init(&bench);
    page_table_on_read(bench.table, count, &told);
    ask(&bench, "/health/");
    ck_assert_int_eq(told, 0); /* there are none yet */
    put_pages(&bench, "text", bench.now_ms + 5000);
    static const char *const VERDICTS[] = {"/health/live/", "/health/ready/", "/health/started/",
        "/health/self/", "/health/ready/unknown/", "/unknown"};
    static const char *const NUMBERS[] = {"/health/", "/health/ready/default/", "/metrics"};
    for (size_t i = 0; i < sizeof VERDICTS / sizeof VERDICTS[0]; i++)
        ask(&bench, VERDICTS[i]);
    page_table_verdicts(bench.table);
    ck_assert_int_eq(told, 0);
    for (int i = 0; i < 3; i++) {
        ask(&bench, NUMBERS[i]);
        ck_assert_int_eq(told, i + 1);
        ask(&bench, NUMBERS[(i + 1) % 3]);
        ck_assert_int_eq(told, i + 1);
        if (i == 0)
            page_table_renew(bench.table, bench.now_ms + 5000);
        else
            put_pages(&bench, "text", bench.now_ms + 5000);
    }
    bench.now_ms += 5001; /* what is not answered is not read */
    ask(&bench, "/health/");
    ck_assert_int_eq(told, 3);
    page_table_free(bench.table);
}
END_TEST

START_TEST(a_checker_that_never_sends_pages_is_not_alive_forever) {
    struct bench bench;
    bench_init(&bench);
    bench.now_ms += PAGES_FIRST_LEASE_MS + PAGES_GRACE_MS;
    assert_status(&bench, "/health/self", 200);
    bench.now_ms += PAGES_LONG_MS - PAGES_GRACE_MS;
    assert_status(&bench, "/health/self", 503);
    assert_status(&bench, "/health/live", 200);
    bench.now_ms++;
    struct answer answer = ask(&bench, "/health/live");
    ck_assert_int_eq(answer.status, 503);
    ck_assert_int_eq(strncmp(answer.body, "stale: ", 7), 0);
    assert_status(&bench, "/health/self", 503);
    page_table_free(bench.table);
}
END_TEST

START_TEST(a_page_is_found_with_and_without_its_final_slash_and_nothing_else_is) {
    struct bench bench;
    bench_init(&bench);
    put_pages(&bench, "text", bench.now_ms + 5000);
    static const char *const FOUND[] = {
        "/health", "/health/", "/health/ready", "/health/ready/", "/health/live/"};
    for (size_t i = 0; i < sizeof FOUND / sizeof FOUND[0]; i++)
        assert_status(&bench, FOUND[i], 200);
    assert_status(&bench, "/health/ready/default/", 503);
    static const char *const UNKNOWN[] = {"", "/", "//health", "/health//", "/health/ready/other",
        "/health/read", "/health/ready/default/x", "/HEALTH", "/health%2fready"};
    for (size_t i = 0; i < sizeof UNKNOWN / sizeof UNKNOWN[0]; i++)
        assert_status(&bench, UNKNOWN[i], 404);
    struct answer answer = {0};
    page_hold_release(
        page_table_answer(bench.table, "/health/live?x", 12, 0, &answer)); /* the length counts */
    ck_assert_int_eq(answer.status, 200);
    page_table_free(bench.table);
}
END_TEST

START_TEST(past_its_lease_readiness_is_stale_at_once_and_liveness_after_half_a_minute) {
    struct bench bench;
    bench_init(&bench);
    put_pages(&bench, "text", bench.now_ms + 5000);
    bench.now_ms += 5000;
    assert_status(&bench, "/health/ready", 200);
    ck_assert_int_eq(ask(&bench, "/health/ready").age_s, 5);
    bench.now_ms += 1;
    struct answer answer = ask(&bench, "/health/ready");
    assert_notice(&answer, "stale", "error: stale");
    ck_assert_int_eq(answer.age_s, 0);
    assert_status(&bench, "/health/ready/default", 503);
    assert_status(&bench, "/nothing", 404);
    assert_status(&bench, "/health/live", 200);
    ck_assert_str_eq(ask(&bench, "/health/started").body, "text");
    bench.now_ms += PAGES_GRACE_MS - 1;
    assert_status(&bench, "/health/self", 200);
    bench.now_ms += 1;
    assert_status(&bench, "/health/self", 503); /* the sidecar is restarted before Bugsink is */
    bench.now_ms += PAGES_LONG_MS - PAGES_GRACE_MS - 1;
    assert_status(&bench, "/health/live", 200);
    bench.now_ms += 1;
    answer = ask(&bench, "/health/live");
    ck_assert_int_eq(answer.status, 503);
    ck_assert_int_eq(strncmp(answer.body, "stale: ", 7), 0);
    page_table_renew(bench.table, bench.now_ms + 5000);
    assert_status(&bench, "/health/ready", 200);
    assert_status(&bench, "/health/live", 200);
    page_table_free(bench.table);
}
END_TEST

START_TEST(who_prefers_html_gets_the_page_for_people_where_there_is_one) {
    struct bench bench;
    bench_init(&bench);
    put_pages(&bench, "text", bench.now_ms + 5000);
    ck_assert_str_eq(ask_for(&bench, "/health", 0).type, "application/json");
    ck_assert_str_eq(ask_for(&bench, "/health", PAGE_TASTE_HTML).type, PAGE_TYPE_HTML);
    ck_assert_str_eq(ask_for(&bench, "/health/", PAGE_TASTE_HTML).type, PAGE_TYPE_HTML);
    ck_assert_str_eq(ask_for(&bench, "/health/ready/", PAGE_TASTE_HTML).type, "application/json");
    ck_assert_str_eq(ask_for(&bench, "/health/live", PAGE_TASTE_HTML).type, "text/plain");
    ck_assert_int_eq(ask_for(&bench, "/health/ready/default", PAGE_TASTE_HTML).status, 503);
    ck_assert_int_eq(ask_for(&bench, "/nothing", PAGE_TASTE_HTML).status, 404);
    page_table_free(bench.table);
}
END_TEST

/* In our own words, and as a page. */
static void assert_html_notice(const struct answer *answer, const char *code) {
    ck_assert_int_eq(answer->status, 503);
    ck_assert_str_eq(answer->type, PAGE_TYPE_HTML);
    ck_assert_uint_eq(strlen(answer->body), answer->body_length);
    ck_assert_int_eq(strncmp(answer->body, style_page_open(), strlen(style_page_open())), 0);
    const char *heading = strstr(answer->body, "<h1>Not ready: ");
    ck_assert_msg(
        heading && strncmp(heading + strlen("<h1>Not ready: "), code, strlen(code)) == 0, "%s", answer->body);
    ck_assert_ptr_nonnull(strstr(answer->body, reason_find(code)->sentence));
}

START_TEST(a_browser_is_told_in_html_that_nothing_is_known_yet_or_any_more) {
    struct bench bench;
    bench_init(&bench);
    struct answer answer = ask_for(&bench, "/health/", PAGE_TASTE_HTML);
    assert_html_notice(&answer, "starting");
    answer = ask_for(&bench, "/health/ready", PAGE_TASTE_HTML);
    assert_notice(&answer, "starting", "starting");
    put_pages(&bench, "text", bench.now_ms - 1);
    answer = ask_for(&bench, "/health", PAGE_TASTE_HTML);
    assert_html_notice(&answer, "stale");
    answer = ask_for(&bench, "/health", 0);
    assert_notice(&answer, "stale", "error: stale");
    answer = ask_for(&bench, "/health/ready", PAGE_TASTE_HTML);
    assert_notice(&answer, "stale", "error: stale");
    page_table_free(bench.table);
}
END_TEST

static void assert_metrics(struct bench *bench, unsigned tastes, const char *type, const char *body) {
    struct answer answer = ask_for(bench, "/metrics/", tastes);
    ck_assert_int_eq(answer.status, 200);
    ck_assert(answer.takes_metrics);
    ck_assert_str_eq(answer.type, type);
    ck_assert_str_eq(answer.body, body);
    ck_assert_uint_eq(answer.body_length, strlen(body));
}

static void assert_verdicts(struct bench *bench, bool is_fresh, bool is_live, bool is_ready) {
    struct verdicts verdicts = page_table_verdicts(bench->table);
    ck_assert(verdicts.is_fresh == is_fresh);
    ck_assert(verdicts.is_live == is_live);
    ck_assert(verdicts.is_ready == is_ready);
}

START_TEST(metrics_are_always_answered_and_old_ones_never) {
    struct bench bench;
    bench_init(&bench);
    assert_metrics(&bench, 0, PAGE_TYPE_METRICS, "");
    assert_metrics(&bench, PAGE_TASTE_OPENMETRICS, PAGE_TYPE_OPENMETRICS, "");
    assert_verdicts(&bench, false, true, false);
    put_pages(&bench, "text", bench.now_ms + 5000);
    assert_metrics(&bench, 0, PAGE_TYPE_METRICS, "text");
    assert_metrics(&bench, PAGE_TASTE_HTML, PAGE_TYPE_METRICS, "text");
    assert_metrics(&bench, PAGE_TASTE_HTML | PAGE_TASTE_OPENMETRICS, PAGE_TYPE_OPENMETRICS, "text");
    assert_verdicts(&bench, true, true, true);
    bench.now_ms += 5001;
    assert_metrics(&bench, 0, PAGE_TYPE_METRICS, "");
    assert_metrics(&bench, PAGE_TASTE_OPENMETRICS, PAGE_TYPE_OPENMETRICS, "");
    assert_verdicts(&bench, false, true, false);
    bench.now_ms += PAGES_LONG_MS;
    assert_metrics(&bench, 0, PAGE_TYPE_METRICS, "");
    assert_verdicts(&bench, false, false, false);
    page_table_renew(bench.table, bench.now_ms + 5000);
    assert_metrics(&bench, 0, PAGE_TYPE_METRICS, "text");
    assert_verdicts(&bench, true, true, true);
    struct answer other = ask_for(&bench, "/health/live", PAGE_TASTE_OPENMETRICS);
    ck_assert(!other.takes_metrics);
    page_table_free(bench.table);
}
END_TEST

START_TEST(an_answer_keeps_its_pages_while_newer_ones_come) {
    struct bench bench;
    bench_init(&bench);
    put_pages(&bench, "first", bench.now_ms + 5000);
    struct answer answers[2] = {{0}, {0}};
    struct page_hold *holds[2];
    for (int i = 0; i < 2; i++)
        holds[i] = page_table_answer(bench.table, "/health", 7, i == 1 ? PAGE_TASTE_HTML : 0, &answers[i]);
    put_pages(&bench, "second", bench.now_ms + 5000);
    put_pages(&bench, "third", bench.now_ms + 5000);
    ck_assert_str_eq(ask(&bench, "/health").body, "third");
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(answers[i].body, "first");
        page_hold_release(holds[i]);
    }
    page_table_free(bench.table);
}
END_TEST

static int compare_pages(const void *a, const void *b) {
    return strcmp(((const struct page *)a)->path, ((const struct page *)b)->path);
}

START_TEST(each_of_hundreds_of_pages_is_found) {
    enum { COUNT = 700, PATH_SIZE = 32 };
    struct bench bench;
    bench_init(&bench);
    struct page_set set = {bench.now_ms, COUNT, calloc(COUNT, sizeof *set.pages)};
    char *payload = calloc(COUNT, PATH_SIZE);
    ck_assert(set.pages && payload);
    for (size_t i = 0; i < COUNT; i++) {
        char *path = payload + i * PATH_SIZE;
        snprintf(path, PATH_SIZE, "/health/ready/check%zu", i);
        set.pages[i] = (struct page){path, 200, PAGE_TRUST_LEASE, "text/plain", path, strlen(path)};
    }
    qsort(set.pages, COUNT, sizeof *set.pages, compare_pages);
    ck_assert_int_eq(page_table_put(bench.table, set, (unsigned char *)payload, bench.now_ms), 0);
    for (size_t i = 0; i < COUNT; i++) {
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "/health/ready/check%zu", i);
        ck_assert_str_eq(ask(&bench, path).body, path);
    }
    assert_status(&bench, "/health/ready/check700", 404);
    page_table_free(bench.table);
}
END_TEST

Suite *pages_suite(void) {
    Suite *suite = suite_create("pages");
    TCase *tcase = tcase_create("pages");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, before_the_first_pages_the_sidecar_works_and_nothing_is_ready);
    tcase_add_test(tcase, who_reads_numbers_is_told_of_once_for_each_set_or_lease);
    tcase_add_test(tcase, a_checker_that_never_sends_pages_is_not_alive_forever);
    tcase_add_test(tcase, a_page_is_found_with_and_without_its_final_slash_and_nothing_else_is);
    tcase_add_test(tcase, past_its_lease_readiness_is_stale_at_once_and_liveness_after_half_a_minute);
    tcase_add_test(tcase, who_prefers_html_gets_the_page_for_people_where_there_is_one);
    tcase_add_test(tcase, a_browser_is_told_in_html_that_nothing_is_known_yet_or_any_more);
    tcase_add_test(tcase, metrics_are_always_answered_and_old_ones_never);
    tcase_add_test(tcase, an_answer_keeps_its_pages_while_newer_ones_come);
    tcase_add_test(tcase, each_of_hundreds_of_pages_is_found);
    return suite;
}
