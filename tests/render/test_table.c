/* Tests of the table's lines: where they are broken, and where not. */
#include "render/text.h"

#include "render/json.h"
#include "render/noon.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Whole words, indented; a word that is longer than a line stays whole, for it is to be copied. */
START_TEST(the_table_is_broken_between_words_at_the_terminals_width) {
    struct check_view checks[] = {noon_check("default", STATUS_ERROR, REASON_REFUSED)};
    checks[0].kind = "postgres";
    checks[0].phase = PHASE_CONNECT;
    checks[0].is_critical = false;
    checks[0].where = "postgresql://a-host-whose-name-is-longer-than-the-line/bugsink as user b";
    checks[0].detail = "\u00fcber eight words that do not fit";
    struct snapshot snapshot = noon_snapshot(checks, 1);
    expect_text(text_table(&snapshot, TEXT_SYMBOLS, 40),
        "  CHECK    KIND      STATUS    CODE       LATENCY\n"
        "\u2717 default  postgres  error     refused      12 ms\n"
        "    in phase connect  (not critical)\n"
        "    Nothing accepts connections at that\n"
        "    address.\n"
        "    where: postgresql://a-host-whose-name-is-longer-than-the-line/bugsink\n"
        "           as user b\n"
        "    cause: \u00fcber eight words that do not\n"
        "           fit\n"
        "    try:   Start PostgreSQL, or correct\n"
        "           host and port in\n"
        "           DATABASE_URL. Try: psql\n"
        "           \"$DATABASE_URL\" -c 'SELECT 1'\n"
        "ready, but degraded\n");
}
END_TEST

static const struct subject {
    const char *kind, *role;
} SUBJECTS[] = {{"postgres", "main"}, {"postgres", "plain"}, {"mysql", "main"}, {"mysql", "plain"},
    {"sqlite", "main"}, {"sqlite", "queue"}, {"sqlite", "plain"}, {"settings", NULL}, {"http", NULL},
    {"directory", NULL}};

enum { SUBJECT_COUNT = sizeof SUBJECTS / sizeof SUBJECTS[0] };

static struct check_view view_of(enum reason reason, const struct subject *subject) {
    struct check_view view = noon_check("app_settings", STATUS_ERROR, reason);
    view.kind = subject->kind;
    view.role = subject->role;
    view.phase = PHASE_RESOLVE;
    view.where = "/data/x";
    view.detail = "what was found";
    return view;
}

/* At the usual width no line of any reason is longer, and without one no sentence is broken. */
START_TEST(eighty_columns_hold_every_reason_and_a_pipe_breaks_none) {
    enum reason reason = (enum reason)_i;
    for (size_t s = 0; s < SUBJECT_COUNT; s++) {
        struct check_view checks[] = {view_of(reason, &SUBJECTS[s])};
        struct snapshot snapshot = noon_snapshot(checks, 1);
        const char *hint = reason_hint(reason, SUBJECTS[s].kind, SUBJECTS[s].role);
        char *text = text_table(&snapshot, TEXT_PLAIN, 80), *pipe = text_table(&snapshot, TEXT_PLAIN, 0);
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
            ck_assert_msg(strcspn(line, "\n") <= 80, "%s", line);
        ck_assert_ptr_nonnull(strstr(pipe, reason_info(reason)->sentence));
        ck_assert(!hint || strstr(pipe, hint));
        free(text);
        free(pipe);
    }
}
END_TEST

/* Who reads this has just typed that command, and sees the cause. (stale is never what a check finds.) */
START_TEST(no_hint_of_check_sends_its_reader_to_check_or_to_a_log_of_a_sidecar) {
    static const char *const ELSEWHERE[] = {"bugsink-health", "sidecar's log"};
    for (size_t s = 0; s < SUBJECT_COUNT && _i != REASON_STALE; s++) {
        struct check_view checks[] = {view_of((enum reason)_i, &SUBJECTS[s])};
        struct snapshot snapshot = noon_snapshot(checks, 1);
        snapshot.shows_causes = true;
        char *texts[] = {text_table(&snapshot, TEXT_PLAIN, 0), text_details(&checks[0], TEXT_PLAIN, 0),
            json_health(&snapshot), json_health_line(&snapshot)};
        for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
            for (size_t e = 0; e < sizeof ELSEWHERE / sizeof ELSEWHERE[0]; e++)
                ck_assert_msg(!strstr(texts[t], ELSEWHERE[e]), "%s", texts[t]);
            ck_assert_ptr_nonnull(strstr(texts[t], "what was found"));
            free(texts[t]);
        }
    }
}
END_TEST

/* And a reader of an answer over HTTP, which never says the cause, is told who does. */
START_TEST(over_http_each_hint_tells_what_names_the_cause) {
    enum reason reason = (enum reason)_i;
    for (size_t s = 0; s < SUBJECT_COUNT; s++) {
        struct check_view checks[] = {view_of(reason, &SUBJECTS[s])};
        struct snapshot snapshot = noon_snapshot(checks, 1);
        char *texts[] = {json_ready(&snapshot), json_health(&snapshot), json_check(&checks[0])};
        for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
            if (reason_teller(reason))
                ck_assert_ptr_nonnull(strstr(texts[t], reason_teller(reason)));
            ck_assert_ptr_null(strstr(texts[t], "what was found"));
            ck_assert_ptr_null(strstr(texts[t], "/data/x"));
            free(texts[t]);
        }
    }
}
END_TEST

/* The line at fault, the lacking right: what speaks of one must be told which. */
START_TEST(a_hint_that_means_one_thing_has_a_teller) {
    static const char *const MEANT[] = {"at fault", "that file", "that setting", "the missing setting"};
    const char *hint = reason_info((enum reason)_i)->hint;
    for (size_t i = 0; hint && i < sizeof MEANT / sizeof MEANT[0]; i++)
        ck_assert(!strstr(hint, MEANT[i]) || reason_teller((enum reason)_i));
}
END_TEST

/* DATABASE_URL is the name where Bugsink's image takes it; a database of the file's has another. */
START_TEST(a_hint_names_the_setting_that_names_the_database) {
    char text[CHECK_HINT_SIZE];
    struct check_view view = view_of(REASON_REFUSED, &SUBJECTS[0]);
    view.set_by = "DATABASE_URL";
    ck_assert_str_eq(check_view_hint(&view, true, text), reason_hint(REASON_REFUSED, "postgres", "main"));
    view.set_by = "databases.archive.dsn";
    ck_assert_str_eq(check_view_hint(&view, true, text),
        "Start PostgreSQL, or correct host and port in databases.archive.dsn. Try: psql DSN -c 'SELECT 1'");
    view = view_of(REASON_FILE_MISSING, &(struct subject){"sqlite", "queue"});
    view.set_by = "databases.snappea.dsn";
    ck_assert_ptr_nonnull(
        strstr(check_view_hint(&view, true, text), "is elsewhere, correct databases.snappea.dsn."));
}
END_TEST

START_TEST(a_missing_file_is_told_by_what_it_is_for) {
    static const struct {
        struct subject subject;
        const char *said, *not_said;
    } ROWS[] = {{{"sqlite", "main"}, "restore it from a backup", "/tmp"},
        {{"sqlite", "queue"}, "Bugsink's /tmp", "backup"}, {{"sqlite", "plain"}, "the volume", "/tmp"},
        {{"settings", NULL}, "settings", "/tmp"}, {{"directory", NULL}, "the volume", "backup"}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char text[CHECK_HINT_SIZE];
        const struct check_view view = view_of(REASON_FILE_MISSING, &ROWS[i].subject);
        const char *hint = check_view_hint(&view, true, text);
        ck_assert_msg(strstr(hint, ROWS[i].said) && !strstr(hint, ROWS[i].not_said), "%s", hint);
    }
}
END_TEST

Suite *table_suite(void) {
    Suite *suite = suite_create("table");
    TCase *tcase = tcase_create("table");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, the_table_is_broken_between_words_at_the_terminals_width);
    tcase_add_loop_test(tcase, eighty_columns_hold_every_reason_and_a_pipe_breaks_none, 0, REASON_COUNT);
    tcase_add_loop_test(
        tcase, no_hint_of_check_sends_its_reader_to_check_or_to_a_log_of_a_sidecar, 0, REASON_COUNT);
    tcase_add_loop_test(tcase, over_http_each_hint_tells_what_names_the_cause, 0, REASON_COUNT);
    tcase_add_loop_test(tcase, a_hint_that_means_one_thing_has_a_teller, 0, REASON_COUNT);
    tcase_add_test(tcase, a_hint_names_the_setting_that_names_the_database);
    tcase_add_test(tcase, a_missing_file_is_told_by_what_it_is_for);
    return suite;
}
