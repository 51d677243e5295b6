/* docs/configuration.md has a heading for each option, with the names and the default that the code has. */
#include "base/io.h"
#include "base/str.h"
#include "config/config.h"

#include <check.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static char *page;

static void set_up(void) {
    size_t length;
    struct error err;
    ck_assert_msg(io_read_file("docs/configuration.md", 1 << 20, &page, &length, &err) == 0, "%s", err.text);
}

static void tear_down(void) {
    free(page);
}

/* The first of the names begins a sentence. */
static void add_name(struct strbuf *entry, const char *what, const char *name, bool *is_first) {
    if (!name)
        return;
    strbuf_format(entry, "%s%c%s `%s`", *is_first ? "* " : ", ",
        *is_first ? toupper((unsigned char)what[0]) : what[0], what + 1, name);
    *is_first = false;
}

/* A value of one word is code, any other a phrase. */
static void add_default(struct strbuf *entry, const char *standard) {
    if (!standard)
        strbuf_append(entry, "\n* Default: none\n");
    else if (strchr(standard, ' '))
        strbuf_format(entry, "\n* Default: %s\n", standard);
    else
        strbuf_format(entry, "\n* Default: `%s`\n", standard);
}

/* How the section of an option begins; the caller frees. */
static char *entry_of(const struct config_option_doc *doc) {
    struct strbuf entry = {0};
    bool is_first = true;
    strbuf_format(&entry, "### `%s`\n\n", doc->key ? doc->key : doc->flag ? doc->flag : doc->variable);
    add_name(&entry, "flag", doc->flag, &is_first);
    add_name(&entry, "variable", doc->variable, &is_first);
    add_name(&entry, "key", doc->key, &is_first);
    add_default(&entry, doc->standard);
    return entry.data;
}

/* In the order of the code's table, and nothing else has a heading of that kind. */
START_TEST(each_option_has_a_heading_with_its_names_and_its_default) {
    const char *rest = page;
    for (size_t i = 0; config_option_doc(i); i++) {
        char *entry = entry_of(config_option_doc(i));
        const char *heading = strstr(rest, "\n### ");
        ck_assert_msg(heading, "docs/configuration.md ends before:\n%s", entry);
        ck_assert_msg(strncmp(heading + 1, entry, strlen(entry)) == 0,
            "docs/configuration.md has\n%.200s\nwhere this belongs:\n%s", heading + 1, entry);
        rest = heading + 1 + strlen(entry);
        ck_assert_msg(rest[0] == '\n' && (rest[1] == '`' || isalnum((unsigned char)rest[1])),
            "it does not say what it does:\n%s", entry);
        free(entry);
    }
    ck_assert_msg(!strstr(rest, "\n### "), "a heading that is no option's: %.80s", strstr(rest, "\n### "));
}
END_TEST

Suite *documented_options_suite(void) {
    Suite *suite = suite_create("documented_options");
    TCase *tcase = tcase_create("documented_options");
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, each_option_has_a_heading_with_its_names_and_its_default);
    return suite;
}
