/* Tests of what the status page says of changes, and leaves out where it is not known. */
#include "render/html.h"

#include "render/morning.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_has(const char *page, const char *text) {
    ck_assert_msg(strstr(page, text) != NULL, "not on the page: %s\n%s", text, strstr(page, "<body"));
}

START_TEST(the_last_ten_changes_are_told_the_newest_first) {
    const struct check_view checks[] = {morning_check("default", STATUS_OK, REASON_OK)};
    struct snapshot snapshot = morning_snapshot(checks, 1);
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
    const struct check_view checks[] = {morning_check("default", STATUS_OK, REASON_OK)};
    struct snapshot snapshot = morning_snapshot(checks, 1);
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
