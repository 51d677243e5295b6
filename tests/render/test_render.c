/* Tests of the renderers: golden texts, and one walk of all reasons through all of them. */
#include "render/json.h"
#include "render/pages.h"
#include "render/text.h"
#include "report/route.h"

#include "render/noon.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

START_TEST(the_ready_page_keeps_the_four_keys_of_bugsinks_own_view) {
    const struct check_view checks[] = {noon_check("default", STATUS_OK, REASON_OK),
        noon_check("snappea", STATUS_ERROR, REASON_LOCKED),
        noon_check("archive", STATUS_DEGRADED, REASON_DISK_LOW),
        noon_check("app_settings", STATUS_OK, REASON_OK)};
    struct snapshot snapshot = noon_snapshot(checks, 4);
    expect_text(json_ready(&snapshot),
        "{\"status\": \"error\", \"why\": {\"snappea\": {\"code\": \"locked\", \"message\": \"The database "
        "stays "
        "locked by another process.\", \"hint\": \"Find who holds it and end it: fuser -v PATH, or lsof "
        "PATH. "
        "Often it is a backup, a management command or a process that hangs.\"}, \"archive\": {\"code\": "
        "\"disk_low\", \"message\": \"Little space is left on the volume.\", \"hint\": \"Free space or "
        "enlarge the "
        "volume before it is full: df -h.\"}}, \"databases\": {\"default\": \"ok\", \"snappea\": \"error: "
        "locked\", "
        "\"archive\": \"degraded: disk_low\"}, \"app_settings\": \"ok\", \"version\": \"2.3.0\", "
        "\"checked_at\": \"2026-11-23T14:00:00.123Z\", \"failed\": [\"snappea\"], \"degraded\": "
        "[\"archive\"], \"codes\": {\"snappea\": \"locked\", \"archive\": \"disk_low\"}}\n");
}
END_TEST

START_TEST(before_the_first_round_the_ready_page_says_starting) {
    struct check_view checks[] = {noon_check("default", STATUS_STARTING, REASON_STARTING)};
    checks[0].checked_at_ms = 0;
    struct snapshot snapshot = noon_snapshot(checks, 1);
    snapshot.has_started = false;
    expect_text(json_ready(&snapshot),
        "{\"status\": \"error\", \"why\": {\"default\": {\"code\": \"starting\", \"message\": \"No run of "
        "this check has "
        "finished yet.\", \"hint\": \"Wait a few seconds. If it stays, read the sidecar's log.\"}}, "
        "\"databases\": {\"default\": \"starting\"}, \"app_settings\": \"not "
        "configured\", "
        "\"version\": \"2.3.0\", \"checked_at\": null, \"failed\": [], \"degraded\": [], \"codes\": "
        "{\"default\": \"starting\"}}\n");
    expect_text(text_started(&snapshot), "starting: default\n");
    snapshot.has_started = true;
    expect_text(text_started(&snapshot), "OK\n");
}
END_TEST

START_TEST(a_failing_check_that_is_not_critical_lowers_but_does_not_fail) {
    struct check_view checks[] = {
        noon_check("default", STATUS_OK, REASON_OK), noon_check("archive", STATUS_ERROR, REASON_REFUSED)};
    checks[1].is_critical = false;
    struct snapshot snapshot = noon_snapshot(checks, 2);
    expect_text(json_ready(&snapshot),
        "{\"status\": \"degraded\", \"why\": {\"archive\": {\"code\": \"refused\", \"message\": \"Nothing "
        "accepts "
        "connections at that address.\", \"hint\": \"Start the server, or correct host and port.\"}}, "
        "\"databases\": {\"default\": \"ok\", \"archive\": \"error: refused\"}, "
        "\"app_settings\": \"not configured\", \"version\": \"2.3.0\", \"checked_at\": "
        "\"2026-11-23T14:00:00.123Z\", "
        "\"failed\": [], \"degraded\": [\"archive\"], \"codes\": {\"archive\": \"refused\"}}\n");
}
END_TEST

START_TEST(draining_and_maintenance_are_named) {
    const struct check_view checks[] = {noon_check("default", STATUS_OK, REASON_OK)};
    struct snapshot snapshot = noon_snapshot(checks, 1);
    snapshot.is_in_maintenance = true;
    char *text = json_ready(&snapshot);
    ck_assert_ptr_nonnull(strstr(text, "\"status\": \"error\""));
    ck_assert_ptr_nonnull(strstr(text, "\"code\": \"maintenance\""));
    ck_assert_ptr_nonnull(strstr(text, "\"hint\": \"Remove the maintenance file"));
    free(text);
    snapshot.is_draining = true;
    text = json_ready(&snapshot);
    ck_assert_ptr_nonnull(strstr(text, "\"code\": \"draining\""));
    free(text);
}
END_TEST

START_TEST(the_verdict_is_one_line_of_names_and_codes) {
    struct check_view checks[] = {noon_check("default", STATUS_OK, REASON_OK),
        noon_check("snappea", STATUS_DEGRADED, REASON_BACKLOG), noon_check("archive", STATUS_OK, REASON_OK)};
    struct snapshot snapshot = noon_snapshot(checks, 1);
    expect_text(text_verdict(&snapshot), "Ready.");
    snapshot.check_count = 3;
    checks[2] = noon_check("archive", STATUS_ERROR, REASON_REFUSED);
    checks[2].is_critical = false;
    expect_text(text_verdict(&snapshot), "Ready, but degraded: snappea: backlog, archive: refused.");
    checks[0] = noon_check("default", STATUS_ERROR, REASON_AUTH_FAILED);
    checks[1] = noon_check("snappea", STATUS_STARTING, REASON_STARTING);
    expect_text(text_verdict(&snapshot), "Not ready: default: auth_failed, snappea: starting.");
    snapshot.is_dead = true;
    snapshot.live_reason = REASON_REFUSED;
    snapshot.live_check = "app";
    expect_text(text_verdict(&snapshot), "Not live. Not ready: default: auth_failed, snappea: starting.");
    snapshot.is_in_maintenance = true;
    expect_text(text_verdict(&snapshot), "Not ready: maintenance.");
    snapshot.is_draining = true;
    expect_text(text_verdict(&snapshot), "Not ready: draining.");
}
END_TEST

START_TEST(one_check_is_told_with_all_its_detail) {
    struct check_view view = noon_check("default", STATUS_ERROR, REASON_TIMEOUT);
    view.phase = PHASE_CONNECT;
    view.consecutive_failures = 3;
    view.last_ok_at_ms = 0;
    observed_set(&view.observed, OBSERVED_TASKS, 5);
    char *text = json_check(&view);
    json_t *json = json_loads(text, 0, NULL);
    free(text);
    ck_assert_str_eq(json_string_value(json_object_get(json, "name")), "default");
    ck_assert_str_eq(json_string_value(json_object_get(json, "code")), "timeout");
    ck_assert_str_eq(json_string_value(json_object_get(json, "phase")), "connect");
    ck_assert_str_eq(
        json_string_value(json_object_get(json, "message")), reason_info(REASON_TIMEOUT)->sentence);
    ck_assert_str_eq(
        json_string_value(json_object_get(json, "hint")), reason_hint(REASON_TIMEOUT, "sqlite", NULL));
    ck_assert_str_eq(json_string_value(json_object_get(json, "since")), "2026-11-23T13:59:55.000Z");
    ck_assert(json_is_null(json_object_get(json, "last_ok_at")));
    ck_assert(json_is_true(json_object_get(json, "critical")));
    ck_assert_int_eq(json_integer_value(json_object_get(json, "latency_ms")), 12);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "consecutive_failures")), 3);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "observed"), "tasks")), 5);
    json_decref(json);
}
END_TEST

START_TEST(the_health_page_holds_everything) {
    const struct check_view checks[] = {noon_check("default", STATUS_OK, REASON_OK)};
    struct snapshot snapshot = noon_snapshot(checks, 1);
    char *text = json_health(&snapshot);
    json_t *json = json_loads(text, 0, NULL);
    free(text);
    const char *const keys[] = {"status", "databases", "app_settings", "version", "checked_at", "failed",
        "degraded", "codes", "live", "ready", "started", "draining", "checks", "sidecar"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        ck_assert_msg(json_object_get(json, keys[i]) != NULL, "%s", keys[i]);
    json_t *sidecar = json_object_get(json, "sidecar");
    ck_assert_str_eq(json_string_value(json_object_get(sidecar, "version")), "0.0.1");
    ck_assert_int_eq(json_integer_value(json_object_get(sidecar, "pid")), 7);
    ck_assert_ptr_nonnull(json_object_get(json_object_get(json, "checks"), "default"));
    json_decref(json);
}
END_TEST

START_TEST(the_table_is_aligned_and_says_it_without_colour) {
    struct check_view checks[] = {noon_check("default", STATUS_OK, REASON_OK),
        noon_check("a-long-name", STATUS_ERROR, REASON_REFUSED),
        noon_check("b", STATUS_STARTING, REASON_STARTING)};
    checks[1].phase = PHASE_CONNECT;
    checks[1].is_critical = false;
    checks[1].where = "/data/a file";
    checks[1].driver_code = "ECONNREFUSED";
    checks[1].detail = "connect(): no \033 there";
    observed_set(&checks[1].observed, OBSERVED_TASKS, 41);
    observed_set(&checks[1].observed, OBSERVED_FREE_BYTES, 68 * 1024); /* which is not what is the matter */
    checks[2].kind = "directory";
    struct snapshot snapshot = noon_snapshot(checks, 3);
    expect_text(text_table(&snapshot, TEXT_PLAIN, 0),
        "  CHECK        KIND       STATUS    CODE        LATENCY\n"
        "+ default      sqlite     ok        ok            12 ms\n"
        "x a-long-name  sqlite     error     refused       12 ms  in phase connect  (not critical)\n"
        "    Nothing accepts connections at that address.\n"
        "    where: /data/a file\n"
        "    found: 41 tasks\n"
        "    cause: ECONNREFUSED: connect(): no ? there\n"
        "    try:   Start the server, or correct host and port.\n"
        ". b            directory  starting  starting          -\n"
        "    No run of this check has finished yet.\n"
        "    try:   Wait a few seconds.\n"
        "not ready\n");
    snapshot.check_count = 2;
    char *text = text_table(&snapshot, TEXT_COLOUR, 0);
    ck_assert_ptr_nonnull(strstr(text, "\033[31mx\033[0m a-long-name"));
    ck_assert_ptr_nonnull(strstr(text, "\033[31merror     refused\033[0m"));
    ck_assert_ptr_nonnull(strstr(text, "ready, but degraded"));
    free(text);
    text = text_table(&snapshot, TEXT_SYMBOLS, 0);
    ck_assert_ptr_nonnull(strstr(text, "\n\u2713 default"));
    ck_assert_ptr_nonnull(strstr(text, "\n\u2717 a-long-name"));
    ck_assert_ptr_null(strchr(text, '\033'));
    free(text);
}
END_TEST

START_TEST(the_table_tells_since_when_and_what_overrides_the_checks) {
    const struct check_view checks[] = {noon_check("default", STATUS_OK, REASON_OK)};
    struct snapshot snapshot = noon_snapshot(checks, 1);
    snapshot.now_ms = checks[0].since_ms + 185 * MS;
    snapshot.is_in_maintenance = true;
    expect_text(text_table(&snapshot, TEXT_SINCE, 0),
        "  CHECK    KIND    STATUS    CODE    LATENCY      FOR\n"
        "+ default  sqlite  ok        ok        12 ms    3m05s\n"
        "not ready: maintenance\n"
        "    The maintenance file exists: Bugsink is out of service on purpose.\n"
        "    try:   Remove the maintenance file to go back into service.\n");
}
END_TEST

START_TEST(why_names_what_is_not_ok_alone_and_as_many_as_one_can_read) {
    enum { MANY = 60, TOLD = 50 };
    struct check_view checks[MANY];
    char names[MANY][8];
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "c%d", i);
        checks[i] =
            noon_check(names[i], i == 0 ? STATUS_OK : STATUS_ERROR, i == 0 ? REASON_OK : REASON_LOCKED);
    }
    struct snapshot snapshot = noon_snapshot(checks, MANY);
    char *text = json_ready(&snapshot);
    json_t *json = json_loads(text, 0, NULL), *why = json_object_get(json, "why");
    ck_assert_uint_eq(json_object_size(why), TOLD);
    ck_assert_ptr_null(json_object_get(why, "c0"));
    ck_assert_uint_eq(json_object_size(json_object_get(json, "codes")), MANY - 1);
    json_decref(json);
    free(text);
}
END_TEST

START_TEST(a_round_is_one_line_with_the_time) {
    const struct check_view checks[] = {noon_check("default", STATUS_OK, REASON_OK),
        noon_check("snappea", STATUS_ERROR, REASON_LOCKED),
        noon_check("archive", STATUS_DEGRADED, REASON_DISK_LOW)};
    struct snapshot snapshot = noon_snapshot(checks, 1);
    snapshot.now_ms = (int64_t)NOON * MS + 5123;
    expect_text(text_round(&snapshot), "2026-11-23T14:00:05Z ready\n");
    snapshot.check_count = 3;
    expect_text(text_round(&snapshot),
        "2026-11-23T14:00:05Z not ready: snappea error locked, archive degraded disk_low\n");
    snapshot.is_in_maintenance = true;
    snapshot.check_count = 1;
    expect_text(text_round(&snapshot), "2026-11-23T14:00:05Z not ready: maintenance\n");
}
END_TEST

static const struct {
    int64_t ms;
    const char *text;
} ELAPSED[] = {{-5, "0s"}, {0, "0s"}, {999, "0s"}, {59999, "59s"}, {60000, "1m00s"}, {3599999, "59m59s"},
    {3600000, "1h00m"}, {86399999, "23h59m"}, {86400000, "1d00h"}, {INT64_C(100) * 86400000, "100d00h"}};

START_TEST(elapsed_times_are_short) {
    char text[TEXT_ELAPSED_SIZE];
    text_elapsed(ELAPSED[_i].ms, text);
    ck_assert_str_eq(text, ELAPSED[_i].text);
}
END_TEST

static const struct page *find_page(const struct page_set *set, const char *path) {
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->pages[i].path, path) == 0)
            return &set->pages[i];
    ck_abort_msg("no page %s", path);
    return NULL;
}

static const struct page *find_page_for_people(const struct page_set *set, const char *path) {
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->pages[i].path, path) == 0 && page_is_for(&set->pages[i], PAGE_TASTE_HTML))
            return &set->pages[i];
    ck_abort_msg("no page %s for people", path);
    return NULL;
}

/* The configuration lets none of these through; JSON would not mind. */
START_TEST(hostile_names_come_back_from_json_as_they_were) {
    static const char *const NAMES[] = {
        "</script>", "a\"b\\c", "a\nb\x1b[31m", "\xe2\x80\xae\xc2\x85", "{}", "'&;$"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const struct check_view checks[] = {noon_check(NAMES[i], STATUS_ERROR, REASON_REFUSED)};
        struct snapshot snapshot = noon_snapshot(checks, 1);
        char *text = json_health(&snapshot);
        json_t *json = json_loads(text, 0, NULL);
        ck_assert_ptr_nonnull(json);
        ck_assert_ptr_nonnull(json_object_get(json_object_get(json, "checks"), NAMES[i]));
        ck_assert_str_eq(json_string_value(json_array_get(json_object_get(json, "failed"), 0)), NAMES[i]);
        ck_assert_ptr_null(strchr(text, '\x1b'));
        json_decref(json);
        free(text);
    }
}
END_TEST

START_TEST(a_dead_app_is_named_on_the_live_page) {
    struct snapshot snapshot = noon_snapshot(NULL, 0);
    expect_text(text_live(&snapshot), "OK\n");
    snapshot.is_dead = true;
    snapshot.live_check = "app";
    snapshot.live_reason = REASON_REFUSED;
    expect_text(text_live(&snapshot), "app: refused: Nothing accepts connections at that address.\n");
    struct page_set set;
    ck_assert_int_eq(pages_render(&snapshot, 42, &set), 0);
    ck_assert_int_eq(find_page(&set, "/health/live")->status, 503);
    ck_assert_int_eq(find_page(&set, "/health")->status, 503);
    ck_assert_ptr_nonnull(strstr(find_page(&set, "/health")->body, "\"live\": false"));
    pages_release(&set);
    snapshot.is_in_maintenance = true; /* it was stopped on purpose */
    expect_text(text_live(&snapshot), "OK\n");
}
END_TEST

START_TEST(pages_agree_with_the_verdict_for_every_reason) {
    for (int i = 0; i < REASON_COUNT; i++) {
        enum reason reason = (enum reason)i;
        enum status status = reason_info(reason)->verdict;
        const struct check_view checks[] = {
            noon_check("default", status, reason), noon_check("other", STATUS_OK, REASON_OK)};
        struct snapshot snapshot = noon_snapshot(checks, 2);
        struct page_set set;
        ck_assert_int_eq(pages_render(&snapshot, 42, &set), 0);
        int expected = status_is_ready(status) ? 200 : 503;
        ck_assert_int_eq(find_page(&set, "/health/ready")->status, expected);
        ck_assert_int_eq(find_page(&set, "/health")->status, expected);
        ck_assert_int_eq(find_page(&set, "/health/ready/default")->status, expected);
        ck_assert_int_eq(find_page(&set, "/health/ready/other")->status, 200);
        ck_assert_int_eq(find_page(&set, "/health/live")->status, 200);
        ck_assert_int_eq(find_page(&set, "/health/self")->status, 200);
        ck_assert_int_eq(find_page(&set, "/health/self")->trust, PAGE_TRUST_GRACE);
        ck_assert_int_eq(find_page(&set, "/health/ready")->trust, PAGE_TRUST_LEASE);

        const char *slug = reason_info(reason)->slug;
        const struct page *page = find_page_for_people(&set, "/health");
        ck_assert_int_eq(page->status, expected);
        ck_assert_int_eq(page->trust, PAGE_TRUST_LEASE);
        ck_assert_msg(strstr(page->body, slug) != NULL, "%s", slug);
        ck_assert_msg(strstr(find_page(&set, "/health")->body, slug) != NULL, "%s", slug);
        ck_assert_msg(strstr(find_page(&set, "/health/ready/default")->body, slug) != NULL, "%s", slug);
        char *table = text_table(&snapshot, TEXT_PLAIN, 0), *round = text_round(&snapshot);
        ck_assert_msg(strstr(table, slug) != NULL, "%s", slug);
        ck_assert_msg(status == STATUS_OK || strstr(round, slug) != NULL, "%s", slug);
        free(table);
        free(round);
        pages_release(&set);
    }
}
END_TEST

static const struct page *find_page_of_type(const struct page_set *set, enum route_id id, const char *type) {
    for (size_t i = 0; i < set->count; i++)
        if (route_find(set->pages[i].path, strlen(set->pages[i].path)) == id &&
            strcmp(set->pages[i].type, type) == 0)
            return &set->pages[i];
    return NULL;
}

START_TEST(every_route_has_the_pages_that_the_table_says) {
    const struct check_view checks[] = {noon_check("default", STATUS_OK, REASON_OK)};
    struct snapshot snapshot = noon_snapshot(checks, 1);
    struct page_set set;
    size_t expected = 0;
    ck_assert_int_eq(pages_render(&snapshot, 42, &set), 0);
    for (int i = 0; i < ROUTE_OTHER; i++) {
        enum route_id id = (enum route_id)i;
        const struct route *route = route_of(id);
        const struct page *page = find_page_of_type(&set, id, route->type);
        ck_assert_msg(page && page->trust == route->trust, "%s", route->label);
        ck_assert_msg(
            !route->type_for_some || find_page_of_type(&set, id, route->type_for_some), "%s", route->label);
        expected += route->type_for_some ? 2 : 1;
    }
    ck_assert_uint_eq(set.count, expected);
    pages_release(&set);
}
END_TEST

Suite *render_suite(void) {
    Suite *suite = suite_create("render");
    TCase *tcase = tcase_create("render");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, the_ready_page_keeps_the_four_keys_of_bugsinks_own_view);
    tcase_add_test(tcase, before_the_first_round_the_ready_page_says_starting);
    tcase_add_test(tcase, a_failing_check_that_is_not_critical_lowers_but_does_not_fail);
    tcase_add_test(tcase, draining_and_maintenance_are_named);
    tcase_add_test(tcase, the_verdict_is_one_line_of_names_and_codes);
    tcase_add_test(tcase, one_check_is_told_with_all_its_detail);
    tcase_add_test(tcase, the_health_page_holds_everything);
    tcase_add_test(tcase, the_table_is_aligned_and_says_it_without_colour);
    tcase_add_test(tcase, the_table_tells_since_when_and_what_overrides_the_checks);
    tcase_add_test(tcase, why_names_what_is_not_ok_alone_and_as_many_as_one_can_read);
    tcase_add_test(tcase, a_round_is_one_line_with_the_time);
    tcase_add_loop_test(tcase, elapsed_times_are_short, 0, sizeof ELAPSED / sizeof ELAPSED[0]);
    tcase_add_test(tcase, hostile_names_come_back_from_json_as_they_were);
    tcase_add_test(tcase, a_dead_app_is_named_on_the_live_page);
    tcase_add_test(tcase, every_route_has_the_pages_that_the_table_says);
    tcase_add_test(tcase, pages_agree_with_the_verdict_for_every_reason);
    return suite;
}
