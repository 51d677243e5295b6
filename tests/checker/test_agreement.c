/* All renderers tell the same: every reason goes through the policy of every kind of check, and page, JSON,
 * metrics, table and log are read back. */
#include "base/log.h"
#include "base/str.h"
#include "checker/watch.h"
#include "harness/tempdir.h"
#include "render/html.h"
#include "render/json.h"
#include "render/metrics.h"
#include "render/text.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One check of each kind; those that are not critical fail otherwise. */
static const char CONFIG[] =
    "{\"databases\": {"
    "\"default\": {\"dsn\": \"postgresql://u@127.0.0.1:1/d\", \"role\": \"main\"},"
    "\"archive\": {\"dsn\": \"postgresql://u@127.0.0.1:1/e\", \"role\": \"plain\", \"critical\": false},"
    "\"file\": {\"dsn\": \"/nosuch/file.sqlite3\", \"role\": \"main\"},"
    "\"plain-file\": {\"dsn\": \"/nosuch/plain.sqlite3\", \"role\": \"plain\"},"
    "\"snappea\": {\"dsn\": \"/nosuch/queue.sqlite3\", \"role\": \"queue\", \"critical\": false}},"
    "\"directories\": {\"ingestion\": {\"path\": \"/nosuch/ingestion\", \"role\": \"spool\"}},"
    "\"settings\": {\"path\": \"/nosuch/settings.json\"},"
    "\"app\": {\"url\": \"http://127.0.0.1:9\"}}";

enum { WORD = 64 };

/* What one renderer says of the check. */
struct telling {
    char status[WORD], code[WORD];
};

struct stage {
    struct loop loop;
    struct clock clock;
    int64_t now_ms;
    struct config *config;
    FILE *log;
};

/* -- the stage -- */

static int64_t read_clock(void *arg) {
    return *(const int64_t *)arg;
}

static struct surroundings no_surroundings(void *arg) {
    (void)arg;
    return (struct surroundings){0};
}

static void on_finished(void *arg, bool is_change) {
    (void)arg;
    (void)is_change;
}

static const struct watch_events EVENTS = {.surroundings = no_surroundings, .finished = on_finished};

static struct config *load(void) {
    struct error err;
    char *dir = tempdir_new(), *file = tempdir_path(dir, "config.json"), entry[512];
    tempdir_write(file, CONFIG);
    snprintf(entry, sizeof entry, "BUGSINK_HEALTH_CONFIG=%s", file);
    const char *const environment[] = {entry, NULL};
    struct config *config = config_load(&(const struct config_source){.environment = environment}, &err);
    ck_assert_msg(config != NULL, "%s", err.text);
    free(file);
    free(dir);
    return config;
}

static void stage_init(struct stage *stage) {
    struct error err;
    *stage = (struct stage){.now_ms = 1795428000000, .config = load(), .log = tmpfile()};
    ck_assert_ptr_nonnull(stage->log);
    stage->clock = (struct clock){read_clock, read_clock, &stage->now_ms};
    ck_assert_int_eq(loop_init(&stage->loop, NULL, &err), 0);
    stage->loop.timers.clock = &stage->clock;
    log_configure(LOG_DEBUG, LOG_JSON, "checker", fileno(stage->log));
}

static void stage_release(struct stage *stage) {
    log_configure(LOG_INFO, LOG_TEXT, "checker", -1);
    config_free(stage->config);
    loop_release(&stage->loop);
    fclose(stage->log);
}

/* -- what they say -- */

static void cut(char word[WORD], const char *from, const char *end) {
    ck_assert_msg(from && end && end > from && end - from < WORD, "no word");
    memcpy(word, from, (size_t)(end - from));
    word[end - from] = '\0';
}

/* What stands behind `before` and up to `stop`, at or behind `from`. */
static void find(char word[WORD], const char *from, const char *before, const char *stop) {
    const char *found = strstr(from, before);
    ck_assert_msg(found != NULL, "there is no %s in\n%s", before, from);
    found += strlen(before);
    cut(word, found, strstr(found, stop));
}

static struct telling of_page(const struct snapshot *snapshot) {
    struct telling telling;
    char *page = html_health(snapshot);
    find(telling.status, page, "<li class=\"check ", "\"");
    find(telling.code, strstr(page, "<li class=\"check "), "<span class=\"code\"><code>", "<");
    char said[WORD]; /* beside the class, which nobody reads */
    const char *state = strstr(page, "<p class=\"state\">");
    find(said, strstr(state, "</svg>"), "</svg>", "</p>");
    ck_assert_str_eq(said, telling.status);
    free(page);
    return telling;
}

static struct telling of_object(const json_t *object) {
    struct telling telling = {0};
    ck_assert(str_copy(telling.status, WORD, json_string_value(json_object_get(object, "status"))));
    ck_assert(str_copy(telling.code, WORD, json_string_value(json_object_get(object, "code"))));
    return telling;
}

static json_t *parse(char *text) {
    json_t *json = json_loads(text, 0, NULL);
    ck_assert_msg(json != NULL, "%s", text);
    free(text);
    return json;
}

static struct telling of_health(const struct snapshot *snapshot) {
    json_t *json = parse(json_health(snapshot));
    struct telling telling =
        of_object(json_object_get(json_object_get(json, "checks"), snapshot->checks[0].name));
    json_decref(json);
    return telling;
}

static struct telling of_own_page(const struct snapshot *snapshot) {
    json_t *json = parse(json_check(&snapshot->checks[0]));
    struct telling telling = of_object(json);
    json_decref(json);
    return telling;
}

/* Exactly one status holds, and there is exactly one code. */
static struct telling of_metrics(char *text) {
    static const char STATUS[] = "\nbugsink_health_check_status{", CODE[] = "\nbugsink_health_check_code{";
    struct telling telling = {"", ""};
    for (const char *line = strstr(text, STATUS); line; line = strstr(line + 1, STATUS)) {
        char value[WORD];
        find(value, line, "} ", "\n");
        ck_assert(strcmp(value, "0") == 0 || strcmp(value, "1") == 0);
        if (value[0] == '0')
            continue;
        ck_assert_str_eq(telling.status, "");
        find(telling.status, line, "status=\"", "\"");
    }
    const char *line = strstr(text, CODE);
    ck_assert(line && !strstr(line + 1, CODE));
    find(telling.code, line, "code=\"", "\"");
    free(text);
    return telling;
}

static struct telling of_table(const struct snapshot *snapshot) {
    struct telling telling;
    char *text = text_table(snapshot, false, 0), name[WORD], kind[WORD];
    const char *row = strchr(text, '\n') + 1;
    ck_assert_int_eq(sscanf(row, "%*s %63s %63s %63s %63s", name, kind, telling.status, telling.code), 4);
    ck_assert_str_eq(name, snapshot->checks[0].name);
    ck_assert_str_eq(kind, snapshot->checks[0].kind);
    free(text);
    return telling;
}

/* The line of the run that ended last. */
static struct telling of_log(struct stage *stage) {
    char line[LOG_LINE_SIZE];
    struct telling telling = {"", ""};
    rewind(stage->log);
    while (fgets(line, sizeof line, stage->log)) {
        json_t *json = json_loads(line, 0, NULL);
        ck_assert_msg(json != NULL, "%s", line);
        const char *status = json_string_value(json_object_get(json, "new"));
        if (!status)
            status = json_string_value(json_object_get(json, "status"));
        if (status) {
            ck_assert_str_eq(telling.status, "");
            ck_assert(str_copy(telling.status, WORD, status));
            ck_assert(str_copy(telling.code, WORD, json_string_value(json_object_get(json, "code"))));
        }
        json_decref(json);
    }
    return telling;
}

static void empty_log(struct stage *stage) {
    rewind(stage->log);
    ck_assert_int_eq(ftruncate(fileno(stage->log), 0), 0);
}

/* -- the walk -- */

static void assert_says(const struct check_view *view, const char *who, struct telling telling) {
    const char *status = status_name(view->status), *code = reason_info(view->reason)->slug;
    ck_assert_msg(strcmp(telling.status, status) == 0 && strcmp(telling.code, code) == 0,
        "%s is %s: %s; %s says %s: %s", view->name, status, code, who, telling.status, telling.code);
}

static void assert_all_agree(struct watch *watch) {
    const struct check_view view = watch_view(watch);
    const struct snapshot snapshot = {.checks = &view,
        .check_count = 1,
        .app_version = "unknown",
        .sidecar_version = "1",
        .sidecar_config = "ok",
        .now_ms = 1795428000000};
    assert_says(&view, "the page", of_page(&snapshot));
    assert_says(&view, "/health/", of_health(&snapshot));
    assert_says(&view, "the check's own page", of_own_page(&snapshot));
    assert_says(&view, "the text format", of_metrics(metrics_text(&snapshot)));
    assert_says(&view, "OpenMetrics", of_metrics(metrics_openmetrics(&snapshot)));
    assert_says(&view, "the table", of_table(&snapshot));
}

static void end_run(struct stage *stage, struct watch *watch, enum reason reason) {
    const struct outcome outcome = {.reason = reason};
    stage->now_ms += 1000;
    empty_log(stage);
    watch->check.finished(&watch->check, &outcome, 12);
    assert_all_agree(watch);
}

/* Whether the last run has a line: not where a file that was replaced is looked at again, and is well. */
static void assert_log_agrees(struct stage *stage, struct watch *watch, enum reason before) {
    const struct check_view view = watch_view(watch);
    if (before != REASON_REPLACED || view.reason != REASON_OK)
        assert_says(&view, "the log", of_log(stage));
}

/* At first, then well, and after a good run. */
static void walk(struct stage *stage, const struct check_config *config, enum reason reason) {
    const enum reason runs[] = {reason, REASON_OK, reason};
    struct error err;
    struct watch *watch = watch_new(&stage->loop, config, &EVENTS, NULL, &err);
    ck_assert_msg(watch != NULL, "%s", err.text);
    watch->is_once = true; /* nothing is scheduled: the test makes the runs */
    assert_all_agree(watch);
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        enum reason before = watch_view(watch).reason;
        end_run(stage, watch, runs[i]);
        assert_log_agrees(stage, watch, before);
    }
    ck_assert_uint_eq(watch->counters.runs, sizeof runs / sizeof runs[0]);
    watch_free(watch);
}

START_TEST(page_json_metrics_table_and_log_agree_on_every_reason_in_every_kind_of_check) {
    struct stage stage;
    stage_init(&stage);
    ck_assert_uint_eq(stage.config->check_count, 8);
    for (size_t i = 0; i < stage.config->check_count; i++)
        for (int reason = 0; reason < REASON_COUNT; reason++)
            walk(&stage, &stage.config->checks[i], (enum reason)reason);
    stage_release(&stage);
}
END_TEST

static void assert_has(char *text, const char *part) {
    ck_assert_msg(strstr(text, part) != NULL, "no %s in\n%s", part, text);
    free(text);
}

START_TEST(draining_and_maintenance_are_told_by_page_json_and_metrics) {
    struct snapshot snapshot = {.app_version = "unknown", .sidecar_version = "1", .sidecar_config = "ok"};
    snapshot.is_in_maintenance = true;
    assert_has(html_health(&snapshot), "</svg>Not ready: maintenance</h1>");
    assert_has(json_ready(&snapshot), "\"code\": \"maintenance\"");
    assert_has(metrics_text(&snapshot), "\nbugsink_health_maintenance 1\n");
    assert_has(metrics_text(&snapshot), "\nbugsink_health_draining 0\n");
    snapshot.is_draining = true;
    assert_has(html_health(&snapshot), "</svg>Not ready: draining</h1>");
    assert_has(json_ready(&snapshot), "\"code\": \"draining\"");
    assert_has(metrics_text(&snapshot), "\nbugsink_health_draining 1\n");
}
END_TEST

/* -- counters over a reload -- */

START_TEST(a_successor_goes_on_counting) {
    struct stage stage;
    struct error err;
    stage_init(&stage);
    struct watch *old = watch_new(&stage.loop, &stage.config->checks[0], &EVENTS, NULL, &err);
    struct watch *next = watch_new(&stage.loop, &stage.config->checks[0], &EVENTS, NULL, &err);
    ck_assert(old && next);
    old->is_once = true;
    end_run(&stage, old, REASON_REFUSED);
    end_run(&stage, old, REASON_OK);
    watch_succeed(next, old);
    watch_free(old);
    end_run(&stage, next, REASON_REFUSED);
    ck_assert_uint_eq(next->counters.runs, 3);
    ck_assert_uint_eq(next->counters.transitions, 2);
    ck_assert_uint_eq(next->counters.failures[REASON_REFUSED], 2);
    watch_free(next);
    stage_release(&stage);
}
END_TEST

Suite *agreement_suite(void) {
    Suite *suite = suite_create("agreement");
    TCase *tcase = tcase_create("agreement");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, page_json_metrics_table_and_log_agree_on_every_reason_in_every_kind_of_check);
    tcase_add_test(tcase, draining_and_maintenance_are_told_by_page_json_and_metrics);
    tcase_add_test(tcase, a_successor_goes_on_counting);
    return suite;
}
