/* Tests of the checker's part of the metrics: every family, every observed value, hostile names, its bounds.
 */
#include "render/metrics.h"

#include "base/str.h"
#include "harness/stopwatch.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t NOW_MS = 1795428005123; /* 2026-11-23T10:00:05.123Z */

static struct check_view check(const char *name, enum status status, enum reason reason) {
    return (struct check_view){.name = name,
        .kind = "sqlite",
        .is_critical = true,
        .status = status,
        .reason = reason,
        .has_run = true,
        .latency_ms = 12,
        .checked_at_ms = NOW_MS - 1000,
        .since_ms = NOW_MS - 60000,
        .last_ok_at_ms = NOW_MS - 61000};
}

static struct snapshot snapshot_of(const struct check_view *checks, size_t count) {
    return (struct snapshot){.checks = checks,
        .check_count = count,
        .has_started = true,
        .app_version = "2.3.0",
        .sidecar_version = "0.0.1",
        .sidecar_config = "ok",
        .config_read_at_ms = NOW_MS - 90000,
        .started_at_ms = NOW_MS - 100000,
        .now_ms = NOW_MS};
}

static void assert_line(const char *text, const char *line) {
    const char *found = strstr(text, line);
    while (found && (found[-1] != '\n' || found[strlen(line)] != '\n'))
        found = strstr(found + 1, line);
    ck_assert_msg(found != NULL, "no line %s in\n%s", line, text);
}

static void assert_lacks(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part) == NULL, "%s in\n%s", part, text);
}

#define DEFAULT "{check=\"default\",kind=\"sqlite\"}"

START_TEST(a_check_is_told_with_all_that_is_known) {
    static const char *const LINES[] = {
        "bugsink_health_check_status{check=\"default\",kind=\"sqlite\",status=\"ok\"} 0",
        "bugsink_health_check_status{check=\"default\",kind=\"sqlite\",status=\"degraded\"} 0",
        "bugsink_health_check_status{check=\"default\",kind=\"sqlite\",status=\"error\"} 1",
        "bugsink_health_check_status{check=\"default\",kind=\"sqlite\",status=\"starting\"} 0",
        "bugsink_health_check_code{check=\"default\",kind=\"sqlite\",code=\"locked\"} 1",
        "bugsink_health_check_up" DEFAULT " 0",
        "bugsink_health_check_critical" DEFAULT " 1",
        "bugsink_health_check_duration_seconds_bucket{check=\"default\",kind=\"sqlite\",le=\"0.005\"} 1",
        "bugsink_health_check_duration_seconds_bucket{check=\"default\",kind=\"sqlite\",le=\"0.01\"} 1",
        "bugsink_health_check_duration_seconds_bucket{check=\"default\",kind=\"sqlite\",le=\"0.025\"} 2",
        "bugsink_health_check_duration_seconds_bucket{check=\"default\",kind=\"sqlite\",le=\"3.5\"} 2",
        "bugsink_health_check_duration_seconds_bucket{check=\"default\",kind=\"sqlite\",le=\"+Inf\"} 3",
        "bugsink_health_check_duration_seconds_sum" DEFAULT " 4.015",
        "bugsink_health_check_duration_seconds_count" DEFAULT " 3",
        "bugsink_health_check_last_duration_seconds" DEFAULT " 0.012",
        "bugsink_health_check_last_run_timestamp_seconds" DEFAULT " 1795428004.123",
        "bugsink_health_check_last_success_timestamp_seconds" DEFAULT " 1795427944.123",
        "bugsink_health_check_transitions_total" DEFAULT " 2",
        "bugsink_health_check_failures_total{check=\"default\",kind=\"sqlite\",code=\"locked\"} 1",
    };
    struct counters counters = {0};
    counters_note(&counters, STATUS_OK, REASON_OK, 3);
    counters_note(&counters, STATUS_ERROR, REASON_LOCKED, 4000);
    counters_note(&counters, STATUS_OK, REASON_OK, 12);
    struct check_view view = check("default", STATUS_ERROR, REASON_LOCKED);
    view.counters = &counters;
    struct snapshot snapshot = snapshot_of(&view, 1);
    char *text = metrics_text(&snapshot);
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++)
        assert_line(text, LINES[i]);
    assert_lacks(text, "code=\"ok\""); /* codes that were not met have no sample */
    free(text);
}
END_TEST

START_TEST(what_never_was_has_no_time) {
    struct check_view view = {
        .name = "default", .kind = "sqlite", .status = STATUS_STARTING, .reason = REASON_STARTING};
    struct snapshot snapshot = snapshot_of(&view, 1);
    char *text = metrics_text(&snapshot);
    assert_line(text, "bugsink_health_check_status{check=\"default\",kind=\"sqlite\",status=\"starting\"} 1");
    assert_line(text, "bugsink_health_check_up" DEFAULT " 0");
    assert_line(text, "bugsink_health_check_critical" DEFAULT " 0");
    assert_lacks(text, "timestamp_seconds{");
    assert_lacks(text, "last_duration_seconds{");
    assert_lacks(text, "transitions_total{");
    assert_lacks(text, "_bucket{");
    free(text);
}
END_TEST

START_TEST(the_whole_and_the_process_are_told) {
    static const char *const LINES[] = {
        "bugsink_health_build_info{version=\"0.0.1\",bugsink_version=\"2.3.0\"} 1",
        "bugsink_health_started 1", "bugsink_health_draining 0", "bugsink_health_maintenance 0",
        "bugsink_health_checks 0", "bugsink_health_checks_omitted 0", "bugsink_health_delayed_runs_total 7",
        "bugsink_health_config_last_reload_successful 1",
        "bugsink_health_config_last_reload_success_timestamp_seconds 1795427915.123",
        "process_start_time_seconds 1795427905.123", "process_cpu_seconds_total 1.500",
        "bugsink_health_children_cpu_seconds_total 2.750", "process_resident_memory_bytes 4096"};
    const struct process_usage usage = {1500, 2750, 4096, -1};
    struct snapshot snapshot = snapshot_of(NULL, 0);
    snapshot.usage = &usage;
    snapshot.delayed_runs = 7;
    char *text = metrics_text(&snapshot);
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++)
        assert_line(text, LINES[i]);
    assert_lacks(text, "open_fds"); /* the system did not tell */
    free(text);
    snapshot.has_reload_failed = true;
    text = metrics_openmetrics(&snapshot);
    assert_line(text, "bugsink_health_config_last_reload_successful 0");
    assert_line(text, "# TYPE bugsink_health_build info");
    assert_lacks(text, "# EOF"); /* the responder's part follows */
    free(text);
}
END_TEST

START_TEST(observed_values_are_told_where_there_are_any) {
    static const struct {
        enum observed_key key;
        const char *name;
    } ROWS[] = {{OBSERVED_TASKS, "bugsink_health_queue_tasks"},
        {OBSERVED_OLDEST_TASK_AGE_S, "bugsink_health_queue_oldest_task_age_seconds"},
        {OBSERVED_TASK_ERRORS, "bugsink_health_queue_task_errors"},
        {OBSERVED_FREE_BYTES, "bugsink_health_disk_free_bytes"},
        {OBSERVED_FREE_INODES, "bugsink_health_disk_free_inodes"},
        {OBSERVED_FILE_BYTES, "bugsink_health_file_bytes"}, {OBSERVED_WAL_BYTES, "bugsink_health_wal_bytes"}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char line[128], sample[128];
        struct check_view view = check("default", STATUS_OK, REASON_OK);
        struct snapshot snapshot = snapshot_of(&view, 1);
        snprintf(sample, sizeof sample, "\n%s{", ROWS[i].name);
        char *text = metrics_text(&snapshot);
        assert_lacks(text, sample);
        free(text);
        observed_set(&view.observed, ROWS[i].key, (int64_t)1 << 40);
        snprintf(line, sizeof line, "%s" DEFAULT " 1099511627776", ROWS[i].name);
        text = metrics_text(&snapshot);
        assert_line(text, line);
        free(text);
    }
}
END_TEST

START_TEST(an_empty_queue_has_an_oldest_task_of_no_age) {
    struct check_view view = check("default", STATUS_OK, REASON_OK);
    struct snapshot snapshot = snapshot_of(&view, 1);
    observed_set(&view.observed, OBSERVED_TASKS, 0);
    char *text = metrics_text(&snapshot);
    assert_line(text, "bugsink_health_queue_oldest_task_age_seconds" DEFAULT " 0");
    free(text);
    observed_set(&view.observed, OBSERVED_TASKS, 2); /* and a time that could not be read is none */
    text = metrics_text(&snapshot);
    assert_lacks(text, "\nbugsink_health_queue_oldest_task_age_seconds{");
    free(text);
}
END_TEST

/* The configuration lets none of these through. Each line must be a comment or a sample that ends in a
 * number. */
START_TEST(hostile_names_make_no_other_lines) {
    static const char *const NAMES[] = {"a\"} 1\nbugsink_health_ready 1\n", "\\", "\x1b[2J\x07", "\xff\xfe\"",
        "</script>", "a\rb", "\xe2\x80\xae{}#", "\xc3\"} 0"};
    struct check_view calm = check("calm", STATUS_OK, REASON_OK);
    struct snapshot snapshot = snapshot_of(&calm, 1);
    char *expected = metrics_text(&snapshot);
    size_t lines = 0;
    for (const char *c = expected; *c; c++)
        lines += *c == '\n';
    free(expected);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        struct check_view view = check(NAMES[i], STATUS_OK, REASON_OK);
        view.kind = NAMES[i];
        snapshot = snapshot_of(&view, 1);
        snapshot.app_version = NAMES[i];
        char *text = metrics_text(&snapshot), *rest;
        size_t count = 0;
        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
            count++;
            ck_assert_msg(line[0] == '#' || strncmp(line, "bugsink_health_", 15) == 0 ||
                              strncmp(line, "process_", 8) == 0,
                "%s", line);
            const char *value = strrchr(line, ' ') + 1;
            ck_assert_msg(line[0] == '#' || strspn(value, "0123456789.") == strlen(value), "%s", line);
            ck_assert_msg(strpbrk(line, "\x1b\x07\r") == NULL, "%s", line);
            for (const char *c = line; *c; c += str_utf8_length(c))
                ck_assert_msg(str_utf8_length(c) > 0, "%s", line);
        }
        ck_assert_uint_eq(count, lines);
        free(text);
    }
}
END_TEST

/* Names as long as they can be, and of each check all codes. */
START_TEST(however_many_checks_there_are_the_page_is_bounded) {
    enum { COUNT = METRICS_CHECKS_MAX + 100, NAME_SIZE = 64 };
    struct check_view *checks = calloc(COUNT, sizeof *checks);
    char(*names)[NAME_SIZE] = calloc(COUNT, sizeof *names);
    struct counters counters = {0};
    ck_assert(checks && names);
    for (int reason = 0; reason < 8; reason++)
        counters_note(&counters, STATUS_ERROR, (enum reason)(REASON_TIMEOUT + reason), 1);
    for (size_t i = 0; i < COUNT; i++) {
        memset(names[i], 'n', NAME_SIZE - 1);
        names[i][0] = (char)('a' + i % 26);
        checks[i] = check(names[i], STATUS_ERROR, REASON_AUTH_UNSUPPORTED);
        checks[i].counters = &counters;
        for (int key = 0; key < OBSERVED_KEY_COUNT; key++)
            observed_set(&checks[i].observed, (enum observed_key)key, INT64_MAX);
    }
    struct snapshot snapshot = snapshot_of(checks, COUNT);
    struct stopwatch watch = stopwatch_start();
    char *text = metrics_openmetrics(&snapshot);
    int64_t took_ms = stopwatch_used_ms(&watch);
    assert_line(text, "bugsink_health_checks 600");
    assert_line(text, "bugsink_health_checks_omitted 100");
    ck_assert_msg(strlen(text) < METRICS_PAGE_MAX, "%zu bytes", strlen(text));
    ck_assert_msg(took_ms < 1000, "%d ms of processor time", (int)took_ms);
    free(text);
    free(names);
    free(checks);
}
END_TEST

Suite *metrics_suite(void) {
    Suite *suite = suite_create("metrics");
    TCase *tcase = tcase_create("metrics");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_check_is_told_with_all_that_is_known);
    tcase_add_test(tcase, what_never_was_has_no_time);
    tcase_add_test(tcase, the_whole_and_the_process_are_told);
    tcase_add_test(tcase, observed_values_are_told_where_there_are_any);
    tcase_add_test(tcase, an_empty_queue_has_an_oldest_task_of_no_age);
    tcase_add_test(tcase, hostile_names_make_no_other_lines);
    tcase_add_test(tcase, however_many_checks_there_are_the_page_is_bounded);
    return suite;
}
