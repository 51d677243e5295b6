/* Tests of the engine without memory: it is made whole or not at all, and a reload that fails leaves what was
 * in force, with all that was known. */
#include "checker/engine.h"
#include "harness/allocations.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 10000, CHECKS = 5 };

/* Of every kind that needs no other library; MAINTENANCE and the interval differ. */
static const char CONFIG[] =
    "{\"interval\": \"%s\", \"timeout\": \"1s\", \"retry_interval\": \"50ms\", \"maintenance\": \"%s/%s\","
    " \"databases\": {\"default\": {\"dsn\": \"postgresql://u:p@127.0.0.1,[::1]:1/db\", \"role\": \"plain\"},"
    "  \"snappea\": {\"dsn\": \"sqlite:///%s/none.sqlite3\", \"role\": \"queue\"}},"
    " \"directories\": {\"ingestion\": {\"path\": \"%s\"}},"
    " \"settings\": {\"path\": \"%s/settings.py\"},"
    " \"app\": {\"url\": \"http://127.0.0.1:1/health\"}}";

struct bench {
    char *dir, *file;
    struct loop loop;
    struct engine *engine;
    struct config *before, *next;
    struct check_view views[CHECKS]; /* as they were before the reload */
    int changes;
};

static void on_checked(void *arg, bool is_change) {
    struct bench *bench = arg;
    bench->changes += is_change;
}

static const struct engine_events EVENTS = {.checked = on_checked};

static struct config *load(const struct bench *bench, const char *interval, const char *maintenance) {
    char text[2048], entry[512];
    struct error err;
    const char *dir = bench->dir;
    snprintf(text, sizeof text, CONFIG, interval, dir, maintenance, dir, dir, dir);
    tempdir_write(bench->file, text);
    snprintf(entry, sizeof entry, "BUGSINK_HEALTH_CONFIG=%s", bench->file);
    const char *const environment[] = {entry, NULL};
    struct config *config = config_load(&(const struct config_source){.environment = environment}, &err);
    ck_assert_msg(config != NULL, "%s", err.text);
    return config;
}

static void bench_init(struct bench *bench) {
    allocations_hook_libraries();
    *bench = (struct bench){.dir = tempdir_new()};
    bench->file = tempdir_path(bench->dir, "config.json");
}

static void bench_release(struct bench *bench) {
    free(bench->file);
    free(bench->dir);
}

/* -- a new one -- */

static int make(void *arg) {
    struct bench *bench = arg;
    struct error err;
    struct snapshot snapshot;
    int result = loop_init(&bench->loop, NULL, &err);
    if (result < 0)
        config_free(bench->next);
    bench->engine = result < 0 ? NULL : engine_new(&bench->loop, bench->next, &EVENTS, bench, &err);
    bench->next = NULL;
    if (bench->engine) {
        engine_start(bench->engine, false);
        engine_snapshot(bench->engine, &snapshot);
        result = (int)snapshot.check_count;
    }
    engine_free(bench->engine);
    loop_release(&bench->loop);
    return bench->engine ? result : -1;
}

static void judge_made(void *arg, int result, bool has_failed) {
    (void)arg;
    ck_assert(result == CHECKS || (result == -1 && has_failed));
}

static void prepare_made(void *arg) {
    struct bench *bench = arg;
    bench->next = load(bench, "10s", "maintenance");
    free(bench->next->maintenance); /* without memory to look for it, engine_start ends the process */
    bench->next->maintenance = NULL;
}

START_TEST(an_engine_is_made_whole_or_not_at_all) {
    static const struct allocation_scenario SCENARIO = {
        .name = "engine_new", .prepare = prepare_made, .run = make, .judge = judge_made};
    struct bench bench;
    bench_init(&bench);
    ck_assert_int_gt(allocations_fail_each(&SCENARIO, &bench), 20);
    bench_release(&bench);
}
END_TEST

/* -- a reload -- */

static void turn(struct bench *bench) {
    const struct timeval tv = {.tv_usec = 5000};
    event_add(bench->loop.tick, &tv);
    event_base_loop(bench->loop.base, EVLOOP_ONCE);
    timers_run(&bench->loop.timers);
}

static void await_round(struct bench *bench) {
    struct deadline deadline = deadline_in(PATIENCE_MS);
    while (!engine_has_finished_round(bench->engine) || children_busy(&bench->loop.children) > 0) {
        ck_assert_msg(!deadline_is_over(&deadline), "the first round does not end");
        turn(bench);
    }
}

/* The configuration that stands, and all that is known. */
static void prepare_reload(void *arg) {
    struct bench *bench = arg;
    struct snapshot snapshot;
    bench->before = load(bench, "10s", "maintenance");
    ck_assert_int_eq(engine_reload(bench->engine, bench->before, NULL), 0);
    engine_snapshot(bench->engine, &snapshot);
    memcpy(bench->views, snapshot.checks, sizeof bench->views);
    bench->next = load(bench, "20s", "elsewhere");
}

static int reload(void *arg) {
    struct bench *bench = arg;
    struct error err;
    return engine_reload(bench->engine, bench->next, &err);
}

/* What is known is the same under either configuration, for all checks ask the same. */
static void judge_reload(void *arg, int result, bool has_failed) {
    struct bench *bench = arg;
    struct snapshot snapshot;
    ck_assert(result == 0 || has_failed);
    ck_assert_ptr_eq(engine_config(bench->engine), result == 0 ? bench->next : bench->before);
    engine_snapshot(bench->engine, &snapshot);
    ck_assert_uint_eq(snapshot.check_count, CHECKS);
    for (size_t i = 0; i < CHECKS; i++) {
        const struct check_view *view = &snapshot.checks[i], *before = &bench->views[i];
        ck_assert(view->has_run && before->has_run);
        ck_assert_int_eq(view->reason, before->reason);
        ck_assert_int_eq(view->since_ms, before->since_ms);
        ck_assert_int_eq(view->checked_at_ms, before->checked_at_ms);
        if (result < 0)
            ck_assert_ptr_eq(view->history, before->history);
    }
}

static void release_reload(void *arg) {
    prepare_reload(arg); /* what the reload has allocated goes */
    config_free(((struct bench *)arg)->next);
}

START_TEST(a_reload_is_done_whole_or_the_old_configuration_stays_with_all_that_is_known) {
    static const struct allocation_scenario SCENARIO = {.name = "engine_reload",
        .prepare = prepare_reload,
        .run = reload,
        .judge = judge_reload,
        .release = release_reload};
    struct bench bench;
    struct error err;
    bench_init(&bench);
    ck_assert_int_eq(loop_init(&bench.loop, NULL, &err), 0);
    bench.engine = engine_new(&bench.loop, load(&bench, "10s", "maintenance"), &EVENTS, &bench, &err);
    ck_assert_msg(bench.engine != NULL, "%s", err.text);
    engine_start(bench.engine, false);
    await_round(&bench);
    ck_assert_int_gt(allocations_fail_each(&SCENARIO, &bench), 15);
    engine_free(bench.engine);
    loop_release(&bench.loop);
    bench_release(&bench);
}
END_TEST

Suite *fault_engine_suite(void) {
    Suite *suite = suite_create("fault_engine");
    TCase *tcase = tcase_create("fault_engine");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, an_engine_is_made_whole_or_not_at_all);
    tcase_add_test(tcase, a_reload_is_done_whole_or_the_old_configuration_stays_with_all_that_is_known);
    return suite;
}
