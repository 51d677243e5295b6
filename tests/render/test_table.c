/* Tests of the table's lines: where they are broken, and where not. */
#include "render/text.h"

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

/* At the usual width no line of any reason is longer, and without one no sentence is broken. */
START_TEST(eighty_columns_hold_every_reason_and_a_pipe_breaks_none) {
    static const char *const KINDS[] = {"postgres", "mysql", "sqlite", "settings", "http", "directory"};
    enum reason reason = (enum reason)_i;
    for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; k++) {
        struct check_view checks[] = {noon_check("app_settings", STATUS_ERROR, reason)};
        struct snapshot snapshot = noon_snapshot(checks, 1);
        const char *hint = reason_hint(reason, KINDS[k]);
        checks[0].kind = KINDS[k];
        checks[0].phase = PHASE_RESOLVE;
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

Suite *table_suite(void) {
    Suite *suite = suite_create("table");
    TCase *tcase = tcase_create("table");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, the_table_is_broken_between_words_at_the_terminals_width);
    tcase_add_loop_test(tcase, eighty_columns_hold_every_reason_and_a_pipe_breaks_none, 0, REASON_COUNT);
    return suite;
}
