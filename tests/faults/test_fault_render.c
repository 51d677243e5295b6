/* Tests of the renderers without memory: a page is whole, or there is none. */
#include "harness/allocations.h"
#include "render/html.h"
#include "render/json.h"
#include "render/metrics.h"
#include "render/pages.h"
#include "render/text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECK_COUNT = 12 };

/* A snapshot with one check of each status and more. */
struct picture {
    char names[CHECK_COUNT][32];
    struct history histories[CHECK_COUNT];
    struct counters counters[CHECK_COUNT];
    struct check_view checks[CHECK_COUNT];
    struct process_usage usage;
    struct snapshot snapshot;
};

static void picture_init(struct picture *picture) {
    static const enum status STATUSES[] = {STATUS_OK, STATUS_DEGRADED, STATUS_ERROR, STATUS_STARTING};
    static const enum reason REASONS[] = {REASON_OK, REASON_BACKLOG, REASON_REFUSED, REASON_STARTING};
    memset(picture, 0, sizeof *picture);
    for (int i = 0; i < CHECK_COUNT; i++) {
        snprintf(picture->names[i], sizeof picture->names[i], "check-%d", i);
        history_init(&picture->histories[i]);
        for (int run = 0; run < 5; run++)
            history_note(&picture->histories[i], run * 90000, STATUSES[i % 4], REASONS[i % 4], 5 + run);
        counters_note(&picture->counters[i], STATUSES[i % 4], REASONS[i % 4], 5);
        picture->checks[i] = (struct check_view){.name = picture->names[i],
            .kind = "sqlite",
            .is_database = true,
            .is_critical = i % 2 == 0,
            .status = STATUSES[i % 4],
            .reason = REASONS[i % 4],
            .has_run = i % 4 != 3,
            .latency_ms = 12,
            .checked_at_ms = 1795442400123,
            .since_ms = 1795442000000,
            .history = &picture->histories[i],
            .counters = &picture->counters[i]};
        observed_set(&picture->checks[i].observed, OBSERVED_TASKS, 5);
    }
    picture->snapshot = (struct snapshot){.checks = picture->checks,
        .check_count = CHECK_COUNT,
        .app_version = "2.3.0",
        .sidecar_version = "0.0.1",
        .sidecar_config = "error: <the last reload failed>",
        .usage = &picture->usage,
        .now_ms = 1795442400123,
        .started_at_ms = 1795440000000};
}

/* -- one page -- */

static char *check_alone(const struct snapshot *snapshot) {
    return json_check(&snapshot->checks[1]);
}

static const struct {
    const char *name;
    char *(*render)(const struct snapshot *snapshot);
} RENDERERS[] = {{"json_ready", json_ready}, {"json_health", json_health},
    {"json_health_line", json_health_line}, {"json_check", check_alone}, {"text_live", text_live},
    {"text_started", text_started}, {"text_verdict", text_verdict}, {"html_health", html_health},
    {"metrics_text", metrics_text}, {"metrics_openmetrics", metrics_openmetrics}};

struct bench {
    struct picture picture;
    char *(*render)(const struct snapshot *snapshot);
    char *reference, *text;
    struct page_set pages, reference_pages;
};

static int render(void *arg) {
    struct bench *bench = arg;
    bench->text = bench->render(&bench->picture.snapshot);
    return 0;
}

static void judge_text(void *arg, int result, bool has_failed) {
    const struct bench *bench = arg;
    (void)result;
    if (bench->text)
        ck_assert_msg(strcmp(bench->text, bench->reference) == 0, "half a page");
    else
        ck_assert(has_failed);
}

static void release_text(void *arg) {
    struct bench *bench = arg;
    free(bench->text);
    bench->text = NULL;
}

START_TEST(a_page_is_whole_or_there_is_none) {
    static struct bench bench;
    const struct allocation_scenario scenario = {
        .name = RENDERERS[_i].name, .run = render, .judge = judge_text, .release = release_text};
    allocations_hook_libraries();
    picture_init(&bench.picture);
    bench.render = RENDERERS[_i].render;
    bench.reference = bench.render(&bench.picture.snapshot);
    ck_assert_ptr_nonnull(bench.reference);
    ck_assert_int_ge(allocations_fail_each(&scenario, &bench), 1);
    free(bench.reference);
}
END_TEST

/* -- all pages -- */

static int render_pages(void *arg) {
    struct bench *bench = arg;
    return pages_render(&bench->picture.snapshot, 1000, &bench->pages);
}

static void judge_pages(void *arg, int result, bool has_failed) {
    const struct bench *bench = arg;
    const struct page_set *set = &bench->pages, *reference = &bench->reference_pages;
    if (result < 0) {
        ck_assert(has_failed);
        ck_assert_uint_eq(set->count, 0);
        return;
    }
    ck_assert_uint_eq(set->count, reference->count);
    for (size_t i = 0; i < set->count; i++) {
        ck_assert_str_eq(set->pages[i].path, reference->pages[i].path);
        ck_assert_msg(strcmp(set->pages[i].body, reference->pages[i].body) == 0, "half a page");
        ck_assert_uint_eq(set->pages[i].body_length, reference->pages[i].body_length);
        ck_assert_int_eq(set->pages[i].status, reference->pages[i].status);
    }
}

static void release_pages(void *arg) {
    pages_release(&((struct bench *)arg)->pages);
}

START_TEST(a_set_of_pages_is_whole_or_there_is_none) {
    static struct bench bench;
    static const struct allocation_scenario SCENARIO = {
        .name = "pages_render", .run = render_pages, .judge = judge_pages, .release = release_pages};
    allocations_hook_libraries();
    picture_init(&bench.picture);
    ck_assert_int_eq(pages_render(&bench.picture.snapshot, 1000, &bench.reference_pages), 0);
    ck_assert_int_gt(allocations_fail_each(&SCENARIO, &bench), 200);
    pages_release(&bench.reference_pages);
}
END_TEST

Suite *fault_render_suite(void) {
    Suite *suite = suite_create("fault_render");
    TCase *tcase = tcase_create("fault_render");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_page_is_whole_or_there_is_none, 0, sizeof RENDERERS / sizeof RENDERERS[0]);
    tcase_add_test(tcase, a_set_of_pages_is_whole_or_there_is_none);
    return suite;
}
