/* Tests of what the status page says of changes, and leaves out where it is not known. */
#include "render/html.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MS = 1000, MINUTE_MS = 60 * MS };

static const int64_t NOW_MS = 1795428005123; /* 2026-11-23T10:00:05.123Z */

static struct check_view check(const char *name, enum status status, enum reason reason) {
    return (struct check_view){.name = name,
        .kind = "sqlite",
        .is_database = true,
        .is_critical = true,
        .status = status,
        .reason = reason,
        .has_run = status != STATUS_STARTING,
        .latency_ms = 12,
        .checked_at_ms = NOW_MS - MS,
        .since_ms = NOW_MS - 13 * MINUTE_MS,
        .last_ok_at_ms = NOW_MS - 14 * MINUTE_MS};
}

static struct snapshot snapshot_of(const struct check_view *checks, size_t count) {
    return (struct snapshot){.checks = checks,
        .check_count = count,
        .has_started = true,
        .app_version = "2.3.0",
        .sidecar_version = "0.0.1",
        .sidecar_config = "ok",
        .started_at_ms = NOW_MS - 3600 * MS,
        .now_ms = NOW_MS};
}

static void assert_has(const char *page, const char *text) {
    ck_assert_msg(strstr(page, text) != NULL, "not on the page: %s\n%s", text, strstr(page, "<body"));
}

START_TEST(the_last_ten_changes_are_told_the_newest_first) {
    const struct check_view checks[] = {check("default", STATUS_OK, REASON_OK)};
    struct snapshot snapshot = snapshot_of(checks, 1);
    struct changes changes = {.count = 0};
    char *before = html_health(&snapshot);
    ck_assert_ptr_null(strstr(before, "Last changes"));
    for (int i = 0; i < CHANGES_KEPT + 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "check%d", i);
        changes_note(&changes, snapshot.now_ms - (CHANGES_KEPT + 1 - i) * MINUTE_MS, name,
            i % 2 ? STATUS_OK : STATUS_ERROR, i % 2 ? REASON_OK : REASON_LOCKED);
    }
    snapshot.changes = &changes;
    char *page = html_health(&snapshot);
    assert_has(page, "<h2>Last changes</h2>");
    ck_assert_ptr_null(strstr(page, "<bdi>check1</bdi>")); /* the eleventh */
    assert_has(page, "<bdi>check10</bdi> <span>error <code>locked</code></span> <span class=\"when\"><time "
                     "datetime=\"2026-11-23T09:59:");
    assert_has(page, ", 1 min ago</span></li>");
    ck_assert(strstr(page, "<bdi>check11</bdi> <span>ok</span>") < strstr(page, "<bdi>check2</bdi>"));
    free(before);
    free(page);
}
END_TEST

START_TEST(a_version_that_nobody_has_set_is_not_shown) {
    const struct check_view checks[] = {check("default", STATUS_OK, REASON_OK)};
    struct snapshot snapshot = snapshot_of(checks, 1);
    char *page = html_health(&snapshot);
    assert_has(page, "<dt>Bugsink</dt><dd><bdi>2.3.0</bdi>");
    free(page);
    snapshot.app_version = "unknown";
    page = html_health(&snapshot);
    ck_assert_ptr_null(strstr(page, "unknown"));
    free(page);
}
END_TEST

Suite *html_changes_suite(void) {
    Suite *suite = suite_create("html_changes");
    TCase *tcase = tcase_create("html_changes");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, the_last_ten_changes_are_told_the_newest_first);
    tcase_add_test(tcase, a_version_that_nobody_has_set_is_not_shown);
    return suite;
}
