/* Tests that no reason, and none that a kind can end in, is without a test that provokes it. */
#include "report/matrix.h"

#include "base/io.h"
#include "base/str.h"
#include "harness/skip.h"

#include <check.h>
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_MAX = 1 << 20 };

/* What is promised for each kind: which reasons it can end in. */
static const struct {
    const char *kind;
    enum reason reasons[32]; /* up to REASON_OK, which is the first */
} PROMISED[] = {
    {"PostgreSQL",
        {REASON_TIMEOUT, REASON_STUCK, REASON_CRASHED, REASON_INTERNAL, REASON_SLOW, REASON_UNRESOLVED,
            REASON_UNREACHABLE, REASON_REFUSED, REASON_RESET, REASON_PROTOCOL, REASON_DB_STARTING,
            REASON_TOO_MANY_CLIENTS, REASON_AUTH_FAILED, REASON_DB_MISSING, REASON_TLS, REASON_READ_ONLY,
            REASON_PRIVILEGES, REASON_BLOCKED, REASON_UNMIGRATED, REASON_APP_DATA_INVALID, REASON_DISK_FULL,
            REASON_OUT_OF_MEMORY, REASON_QUERY_FAILED, REASON_INGESTION_PAUSED}},
    {"MySQL, MariaDB",
        {REASON_TIMEOUT, REASON_STUCK, REASON_CRASHED, REASON_INTERNAL, REASON_SLOW, REASON_UNRESOLVED,
            REASON_UNREACHABLE, REASON_REFUSED, REASON_RESET, REASON_PROTOCOL, REASON_DB_STARTING,
            REASON_TOO_MANY_CLIENTS, REASON_AUTH_FAILED, REASON_AUTH_UNSUPPORTED, REASON_HOST_DENIED,
            REASON_HOST_BLOCKED, REASON_DB_MISSING, REASON_TLS, REASON_READ_ONLY, REASON_PRIVILEGES,
            REASON_BLOCKED, REASON_UNMIGRATED, REASON_APP_DATA_INVALID, REASON_DISK_FULL,
            REASON_OUT_OF_MEMORY, REASON_QUERY_FAILED, REASON_INGESTION_PAUSED}},
    {"SQLite",
        {REASON_TIMEOUT, REASON_STUCK, REASON_CRASHED, REASON_INTERNAL, REASON_SLOW, REASON_FILE_MISSING,
            REASON_NOT_A_FILE, REASON_UID_MISMATCH, REASON_PERMISSION, REASON_EMPTY, REASON_UNMIGRATED,
            REASON_APP_DATA_INVALID, REASON_NOT_A_DATABASE, REASON_CORRUPT, REASON_READ_ONLY_FILE,
            REASON_READ_ONLY_DIR, REASON_READ_ONLY_MOUNT, REASON_LOCKED, REASON_DISK_FULL, REASON_DISK_LOW,
            REASON_WAL_LARGE, REASON_NETWORK_FS, REASON_BACKLOG, REASON_TASK_ERRORS, REASON_REPLACED,
            REASON_INGESTION_PAUSED, REASON_IO_ERROR}},
    {"directories",
        {REASON_TIMEOUT, REASON_STUCK, REASON_CRASHED, REASON_INTERNAL, REASON_SLOW, REASON_FILE_MISSING,
            REASON_NOT_A_DIRECTORY, REASON_UID_MISMATCH, REASON_PERMISSION, REASON_READ_ONLY_MOUNT,
            REASON_DISK_FULL, REASON_DISK_LOW, REASON_NETWORK_FS, REASON_STALE_WAKEUP}},
    {"settings", /* never slow: they wait for swaps */
        {REASON_TIMEOUT, REASON_STUCK, REASON_CRASHED, REASON_INTERNAL, REASON_FILE_MISSING,
            REASON_PERMISSION, REASON_NOT_A_FILE, REASON_EMPTY, REASON_TOO_LARGE, REASON_ENCODING,
            REASON_PARSE_ERROR, REASON_MISSING_SETTING, REASON_INVALID_SETTING, REASON_CHANGED}},
    {"the app", {REASON_TIMEOUT, REASON_INTERNAL, REASON_SLOW, REASON_APP_STARTING, REASON_UNREACHABLE,
                    REASON_REFUSED, REASON_RESET, REASON_PROTOCOL, REASON_HOST_REJECTED, REASON_REDIRECTED,
                    REASON_NOT_FOUND, REASON_APP_ERROR, REASON_APP_DATABASE, REASON_APP_SCHEMA,
                    REASON_IDENTITY, REASON_THROTTLED}},
};

static bool has_row_for(const char *kind, enum reason reason) {
    const struct matrix_row *row;
    for (size_t i = 0; (row = matrix_at(i)) != NULL; i++) {
        if (row->reason == reason && row->by != MATRIX_RULE &&
            (strcmp(row->subject, "every kind") == 0 || strstr(row->subject, kind)))
            return true;
    }
    return false;
}

START_TEST(every_kind_has_a_test_of_each_reason_it_can_end_in) {
    for (size_t i = 0; i < sizeof PROMISED / sizeof PROMISED[0]; i++)
        for (const enum reason *reason = PROMISED[i].reasons; *reason != REASON_OK; reason++)
            ck_assert_msg(has_row_for(PROMISED[i].kind, *reason),
                "%s: %s has no row in tests/report/matrix.c", PROMISED[i].kind, reason_info(*reason)->slug);
}
END_TEST

START_TEST(every_reason_is_provoked_by_a_test) {
    bool has_row[REASON_COUNT] = {false};
    const struct matrix_row *row;
    for (size_t i = 0; (row = matrix_at(i)) != NULL; i++)
        if (row->reason != REASON_COUNT)
            has_row[row->reason] = true;
    for (int reason = 0; reason < REASON_COUNT; reason++)
        ck_assert_msg(has_row[reason], "%s has no row in tests/report/matrix.c",
            reason_info((enum reason)reason)->slug);
}
END_TEST

/* The source of a suite; the caller frees. */
static char *read_suite(const char *suite) {
    char pattern[128], *source = NULL;
    glob_t found;
    size_t length;
    struct error err;
    snprintf(pattern, sizeof pattern, "tests/{*,kinds/*}/test_%s.c", suite);
    ck_assert_msg(
        glob(pattern, GLOB_BRACE, NULL, &found) == 0 && found.gl_pathc == 1, "there is no one %s", pattern);
    ck_assert_msg(io_read_file(found.gl_pathv[0], SOURCE_MAX, &source, &length, &err) == 0, "%s", err.text);
    globfree(&found);
    return source;
}

/* Whether the word stands there, and not as a part of a longer one. */
static bool has_word(const char *text, const char *word) {
    size_t length = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
        bool is_start = at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
        bool is_end = !(isalnum((unsigned char)at[length]) || at[length] == '_');
        if (is_start && is_end)
            return true;
    }
    return false;
}

/* As slug, or as constant: db_starting, REASON_DB_STARTING. */
static bool names_reason(const char *source, const char *slug) {
    char constant[64] = "REASON_";
    size_t length = strlen(constant);
    for (const char *c = slug; *c && length < sizeof constant - 1; c++)
        constant[length++] = (char)toupper((unsigned char)*c);
    constant[length] = '\0';
    return has_word(source, slug) || has_word(source, constant);
}

static void assert_row(const struct matrix_row *row, const char *source) {
    char start[256];
    snprintf(start, sizeof start, "START_TEST(%s)", row->test);
    const char *defined = strstr(source, start);
    ck_assert_msg(defined != NULL, "test_%s.c has no %s", row->suite, start);
    ck_assert_msg(has_word(defined + strlen(start), row->test), "%s is in no suite", row->test);
    if (row->reason != REASON_COUNT)
        ck_assert_msg(names_reason(source, reason_info(row->reason)->slug), "test_%s.c knows no reason %s",
            row->suite, reason_info(row->reason)->slug);
}

START_TEST(the_tests_that_the_rows_name_are_there_and_name_the_reason) {
    const struct matrix_row *row;
    for (size_t i = 0; (row = matrix_at(i)) != NULL; i++) {
        char *source = read_suite(row->suite);
        assert_row(row, source);
        free(source);
    }
}
END_TEST

static bool is_same(const struct matrix_row *a, const struct matrix_row *b) {
    return a->reason == b->reason && strcmp(a->test, b->test) == 0 && strcmp(a->subject, b->subject) == 0;
}

START_TEST(a_row_says_all_it_has_to_say) {
    const struct matrix_row *row;
    for (size_t i = 0; (row = matrix_at(i)) != NULL; i++) {
        ck_assert_msg(*row->subject && *row->how && !strchr(row->how, '|') && !strchr(row->subject, '|'),
            "row %zu: %s", i, row->how);
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(!is_same(row, matrix_at(j)), "row %zu stands twice: %s", i, row->test);
    }
}
END_TEST

START_TEST(a_row_that_was_not_run_says_so_and_why) {
    static const struct matrix_row ROW = {REASON_DB_STARTING, "a server", MATRIX_REAL, "57P03", "s", "t"};
    static const char SKIPPED[] = "other t no\ns u no\ns t it is not here\nall * nothing is\n";
    char why[64] = "";
    struct strbuf text = {0};
    ck_assert(!skip_find(SKIPPED, "s", "v", why, sizeof why));
    ck_assert(!skip_find("", "s", "t", why, sizeof why));
    ck_assert(skip_find(SKIPPED, "all", "any", why, sizeof why));
    ck_assert_str_eq(why, "nothing is");
    ck_assert(skip_find(SKIPPED, "s", "t", why, sizeof why));
    matrix_add_line(&text, &ROW, NULL);
    ck_assert_str_eq(text.data, "| `db_starting` | error | a server | 57P03 | real | `s`: t |\n");
    strbuf_release(&text);
    matrix_add_line(&text, &ROW, why);
    ck_assert_ptr_nonnull(strstr(text.data, "| `s`: t: **not run here: it is not here** |\n"));
    strbuf_release(&text);
}
END_TEST

Suite *matrix_suite(void) {
    Suite *suite = suite_create("matrix");
    TCase *tcase = tcase_create("matrix");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, every_reason_is_provoked_by_a_test);
    tcase_add_test(tcase, every_kind_has_a_test_of_each_reason_it_can_end_in);
    tcase_add_test(tcase, the_tests_that_the_rows_name_are_there_and_name_the_reason);
    tcase_add_test(tcase, a_row_says_all_it_has_to_say);
    tcase_add_test(tcase, a_row_that_was_not_run_says_so_and_why);
    return suite;
}
