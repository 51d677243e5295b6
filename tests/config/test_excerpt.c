/* Tests of the excerpt: the line an error speaks of, with a caret, and no secret in it. */
#include "config/excerpt.h"

#include <check.h>
#include <string.h>

static const char TEXT[] = "{\n"
                           "  \"databases\": {\n"
                           "    \"archive\": {\"dsn\": \"/a\", \"role\": \"plain\"},\n"
                           "    \"default\": {\"dsn\": \"mysql://u:hunter2@h/d\", \"rol\": \"main\"}\n"
                           "  }, \"fall\": 12\n"
                           "}\n";

static void find(const char *message, struct error *err) {
    error_set(err, "%s", message);
    excerpt_find(TEXT, "/etc/x.json", err);
}

START_TEST(the_line_of_a_key_is_shown_with_a_caret_below_it) {
    struct error err;
    find("--config: /etc/x.json: unknown key databases.default.rol; did you mean role?", &err);
    ck_assert_str_eq(err.excerpt, "  line 4:     \"default\": {\"dsn\": \"***\", \"rol\": \"***\"}\n"
                                  "                                        ^");
    find("/etc/x.json: databases.default.dsn: no scheme", &err);
    ck_assert_str_eq(err.excerpt, "  line 4:     \"default\": {\"dsn\": \"***\", \"***\": \"***\"}\n"
                                  "                          ^");
    find("/etc/x.json: fall: must be from 1 to 100", &err);
    ck_assert_str_eq(err.excerpt, "  line 5:   }, \"fall\": ***\n"
                                  "               ^");
}
END_TEST

START_TEST(what_is_not_in_the_file_has_no_excerpt) {
    static const char *const MESSAGES[] = {"/etc/x.json: databases.nosuch.dsn: x", "/etc/y.json: fall: x",
        "--interval: 5 has no unit", "/etc/x.json", "/etc/x.json: ", ""};
    for (size_t i = 0; i < sizeof MESSAGES / sizeof MESSAGES[0]; i++) {
        struct error err;
        find(MESSAGES[i], &err);
        ck_assert_str_eq(err.excerpt, "");
    }
}
END_TEST

/* However the text is broken. */
static const char *const SECRETS[] = {"{\"dsn\": \"hunter2\"}", "{\"dsn\": hunter2}",
    "{\"dsn\": \"x\"hunter2\": 1}", "{\"dsn: \"hunter2\"}", "{\"hunter2\": {", "hunter2", "\"hunter2",
    "\"\\\"hunter2\\", "{\"dsn\": \"a:\"hunter2\": \"b\"}", "{\"dsn\":\"x\\\"hunter2\"", "\thunter2\t",
    "\"dsn\" \"hunter2\" :"};

START_TEST(no_secret_is_shown_however_the_text_is_broken) {
    size_t length = strlen(SECRETS[_i]);
    for (size_t column = 0; column <= length + 2; column++) {
        struct error err = {.text = ""};
        excerpt_point(SECRETS[_i], 1, column, NULL, &err);
        ck_assert_msg(err.excerpt[0] && !strstr(err.excerpt, "hunter2"), "%s", err.excerpt);
    }
}
END_TEST

START_TEST(of_a_long_line_the_part_around_the_caret_is_shown) {
    char line[400] = "{";
    struct error err = {.text = ""};
    for (int i = 0; i < 20; i++)
        strncat(line, "\"fall\": 1, ", sizeof line - strlen(line) - 1);
    excerpt_point(line, 1, 200, NULL, &err);
    const char *below = strchr(err.excerpt, '\n');
    ck_assert(below && strlen(below) <= 80 && below - err.excerpt <= 90 && strchr(below, '^'));
    ck_assert_ptr_nonnull(strstr(err.excerpt, "\"fall\": ***"));
    err.excerpt[0] = '\0';
    excerpt_point("one\n", 7, 1, NULL, &err);
    ck_assert_str_eq(err.excerpt, "");
}
END_TEST

/* A caret is set by what is seen: a letter of two bytes is one, and an editor's mark is none. */
START_TEST(the_caret_counts_characters) {
    struct error err = {.text = ""};
    size_t column = excerpt_point("{\"fall\": \"\xc3\xa9\xc3\xa9\xc3\xa9\" \"x\"}", 1, 18, NULL, &err);
    ck_assert_uint_eq(column, 16); /* the word's first, which is what the caret points at */
    ck_assert_str_eq(err.excerpt, "  line 1: {\"fall\": \"***\" \"***\"}\n"
                                  "                         ^");
    ck_assert_uint_eq(excerpt_point("\xef\xbb\xbf{\"fall\" 5}", 1, 9, NULL, &err), 9);
    ck_assert_str_eq(err.excerpt, "  line 1: {\"***\" ***}\n"
                                  "                 ^");
    error_set(&err, "x.json: fall: x");
    excerpt_find("\xef\xbb\xbf{\"\xc3\xa9\": 1, \"fall\": 5}", "x.json", &err);
    ck_assert_str_eq(err.excerpt, "  line 1: {\"***\": ***, \"fall\": ***}\n"
                                  "                       ^");
}
END_TEST

Suite *excerpt_suite(void) {
    Suite *suite = suite_create("excerpt");
    TCase *tcase = tcase_create("excerpt");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, the_line_of_a_key_is_shown_with_a_caret_below_it);
    tcase_add_test(tcase, what_is_not_in_the_file_has_no_excerpt);
    tcase_add_loop_test(
        tcase, no_secret_is_shown_however_the_text_is_broken, 0, sizeof SECRETS / sizeof SECRETS[0]);
    tcase_add_test(tcase, the_caret_counts_characters);
    tcase_add_test(tcase, of_a_long_line_the_part_around_the_caret_is_shown);
    return suite;
}
