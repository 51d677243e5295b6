/* The README names every setting of the table, with its flag, variable, key and standard value. */
#include "base/io.h"
#include "base/str.h"
#include "config/config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *readme_find(const char *readme, const char *word) {
    struct strbuf quoted = {0};
    strbuf_format(&quoted, "`%s`", word);
    const char *found = strstr(readme, quoted.data);
    strbuf_release(&quoted);
    return found;
}

/* Bugsink's own variables and the keys of one database have rows of another form. */
static bool has_row_of_its_own(const struct config_option_doc *doc) {
    return doc->flag != NULL;
}

START_TEST(every_setting_is_in_the_readme_with_its_standard_value) {
    char *readme;
    size_t length;
    struct error err;
    ck_assert_msg(io_read_file("README.md", 1 << 20, &readme, &length, &err) == 0, "%s", err.text);
    for (size_t i = 0; config_option_doc(i); i++) {
        const struct config_option_doc *doc = config_option_doc(i);
        if (doc->variable)
            ck_assert_msg(readme_find(readme, doc->variable) != NULL, "README.md lacks `%s`", doc->variable);
        if (!has_row_of_its_own(doc))
            continue;
        const char *row = readme_find(readme, doc->flag);
        ck_assert_msg(row != NULL, "README.md lacks `%s`", doc->flag);
        char *line = str_dup_n(row, strcspn(row, "\n"));
        ck_assert_msg(strstr(line, doc->variable) != NULL, "%s", line);
        ck_assert_msg(!doc->key || readme_find(line, doc->key) != NULL, "%s: no `%s`", line, doc->key);
        ck_assert_msg(
            !doc->standard || strstr(line, doc->standard) != NULL, "%s: no %s", line, doc->standard);
        free(line);
    }
    free(readme);
}
END_TEST

START_TEST(the_manual_names_every_flag) {
    char *manual;
    size_t length;
    struct error err;
    ck_assert_msg(
        io_read_file("config/bugsink-health.1", 1 << 20, &manual, &length, &err) == 0, "%s", err.text);
    for (size_t i = 0; config_option_doc(i); i++) {
        if (!config_option_doc(i)->flag)
            continue;
        struct strbuf name = {0};
        for (const char *c = config_option_doc(i)->flag; *c; c++)
            strbuf_format(&name, *c == '-' ? "\\%c" : "%c", *c);
        ck_assert_msg(strstr(manual, name.data) != NULL, "the manual lacks %s", name.data);
        strbuf_release(&name);
    }
    free(manual);
}
END_TEST

Suite *readme_suite(void) {
    Suite *suite = suite_create("readme");
    TCase *tcase = tcase_create("readme");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, every_setting_is_in_the_readme_with_its_standard_value);
    tcase_add_test(tcase, the_manual_names_every_flag);
    return suite;
}
