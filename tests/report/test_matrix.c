/* Tests that no reason is without a test that provokes it; writes the table to failure-matrix.md, in the
 * build directory. */
#include "report/matrix.h"

#include "base/io.h"
#include "base/str.h"
#include "harness/program.h"

#include <check.h>
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_MAX = 1 << 20 };

START_TEST(every_reason_is_provoked_by_a_test) {
    bool has_row[REASON_COUNT] = {false};
    for (size_t i = 0; i < MATRIX_COUNT; i++)
        if (MATRIX[i].reason != REASON_COUNT)
            has_row[MATRIX[i].reason] = true;
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
    snprintf(pattern, sizeof pattern, "tests/*/test_%s.c", suite);
    ck_assert_msg(glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc == 1, "there is no one %s", pattern);
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
    ck_assert_msg(defined != NULL, "tests/*/test_%s.c has no %s", row->suite, start);
    ck_assert_msg(has_word(defined + strlen(start), row->test), "%s is in no suite", row->test);
    if (row->reason != REASON_COUNT)
        ck_assert_msg(names_reason(source, reason_info(row->reason)->slug),
            "tests/*/test_%s.c knows no reason %s", row->suite, reason_info(row->reason)->slug);
}

START_TEST(the_tests_that_the_rows_name_are_there_and_name_the_reason) {
    for (size_t i = 0; i < MATRIX_COUNT; i++) {
        char *source = read_suite(MATRIX[i].suite);
        assert_row(&MATRIX[i], source);
        free(source);
    }
}
END_TEST

START_TEST(a_row_says_all_it_has_to_say) {
    for (size_t i = 0; i < MATRIX_COUNT; i++) {
        const struct matrix_row *row = &MATRIX[i];
        ck_assert_msg(*row->subject && *row->how && !strchr(row->how, '|') && !strchr(row->subject, '|'),
            "row %zu: %s", i, row->how);
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(MATRIX[j].reason != row->reason || strcmp(MATRIX[j].test, row->test) != 0 ||
                              strcmp(MATRIX[j].subject, row->subject) != 0,
                "row %zu stands twice: %s", i, row->test);
    }
}
END_TEST

static void add_row(struct strbuf *text, const struct matrix_row *row) {
    if (row->reason == REASON_COUNT) {
        strbuf_format(text, "| | | %s |", row->subject);
    } else {
        const struct reason_info *info = reason_info(row->reason);
        strbuf_format(text, "| `%s` | %s | %s |", info->slug, status_name(info->verdict), row->subject);
    }
    strbuf_format(text, " %s | %s | `%s`: %s |\n", row->how, matrix_by_name(row->by), row->suite, row->test);
}

START_TEST(the_matrix_is_written_to_a_file) {
    struct strbuf text = {0};
    char path[512];
    strbuf_append(
        &text, "| reason | verdict | kinds | how it is provoked | by | test |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < MATRIX_COUNT; i++)
        add_row(&text, &MATRIX[i]);
    snprintf(path, sizeof path, "%s", program_path());
    char *slash = strrchr(path, '/');
    snprintf(slash ? slash + 1 : path, 32, "failure-matrix.md");
    FILE *file = fopen(path, "w");
    ck_assert_msg(file && fputs(text.data, file) >= 0 && fclose(file) == 0, "%s cannot be written", path);
    fprintf(stderr, "the matrix of failures: %s\n", path);
    strbuf_release(&text);
}
END_TEST

Suite *matrix_suite(void) {
    Suite *suite = suite_create("matrix");
    TCase *tcase = tcase_create("matrix");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, every_reason_is_provoked_by_a_test);
    tcase_add_test(tcase, the_tests_that_the_rows_name_are_there_and_name_the_reason);
    tcase_add_test(tcase, a_row_says_all_it_has_to_say);
    tcase_add_test(tcase, the_matrix_is_written_to_a_file);
    return suite;
}
