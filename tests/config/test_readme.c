/* The README's table of settings is the code's. */
#include "base/io.h"
#include "config/config.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FLAG, VARIABLE, KEY, STANDARD, MEANING, CELL_COUNT };

/* Takes a row of a table apart, in place; the cells lose their blanks and backticks. */
static void split_row(char *row, char *cells[CELL_COUNT]) {
    strsep(&row, "|");
    for (int i = 0; i < CELL_COUNT; i++) {
        char *cell = strsep(&row, "|");
        ck_assert_ptr_nonnull(cell);
        cell += strspn(cell, " `");
        size_t length = strlen(cell);
        while (i != MEANING && length > 0 && strchr(" `", cell[length - 1]))
            cell[--length] = '\0';
        cells[i] = cell;
    }
}

static bool is_same(const char *cell, const char *value) {
    return strcmp(cell, value ? value : "") == 0;
}

/* Each setting has one row, in the order of the code's table, and no row speaks of anything else: flag,
 * variable, key of the file and standard value are the code's own. */
START_TEST(the_readme_has_the_table_of_settings) {
    char *readme, *cells[CELL_COUNT];
    size_t length;
    struct error err;
    ck_assert_msg(io_read_file("README.md", 1 << 20, &readme, &length, &err) == 0, "%s", err.text);
    char *rest = strstr(readme, "| flag | variable | key in the file |");
    ck_assert_ptr_nonnull(rest);
    strsep(&rest, "\n");
    strsep(&rest, "\n"); /* the line between */
    for (size_t i = 0; config_option_doc(i); i++) {
        const struct config_option_doc *doc = config_option_doc(i);
        char *row = strsep(&rest, "\n");
        const char *name = doc->key ? doc->key : doc->variable;
        ck_assert_msg(row && row[0] == '|', "README.md: the table ends before %s", name);
        split_row(row, cells);
        ck_assert_msg(is_same(cells[FLAG], doc->flag), "%s: flag %s", name, cells[FLAG]);
        ck_assert_msg(is_same(cells[VARIABLE], doc->variable), "%s: variable %s", name, cells[VARIABLE]);
        ck_assert_msg(is_same(cells[KEY], doc->key), "%s: key %s", name, cells[KEY]);
        ck_assert_msg(is_same(cells[STANDARD], doc->standard), "%s: default %s", name, cells[STANDARD]);
        ck_assert_msg(strlen(cells[MEANING]) > 5, "%s: no meaning", name);
    }
    ck_assert_msg(rest[0] == '\n', "README.md: a row more than there are settings: %.80s", rest);
    free(readme);
}
END_TEST

Suite *readme_suite(void) {
    Suite *suite = suite_create("readme");
    TCase *tcase = tcase_create("readme");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, the_readme_has_the_table_of_settings);
    return suite;
}
