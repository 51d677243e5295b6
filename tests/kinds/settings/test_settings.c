/* Tests of the settings kind: JSON, environment files and the environment; files that are odd, missing
 * or secret. */
#include "base/str.h"
#include "kinds/settings/settings.h"
#include "kinds/settings/settings_look.h"
#include "kinds/settings/env.h"
#include "kinds/settings/json.h"
#include "harness/fork.h"
#include "harness/stopwatch.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARKER   "pa55-marker-of-a-secret"
#define GOOD_KEY "pa55-0123456789abcdefghijklmnopqrstuvwxyz-0123456789"

static struct outcome look_at_text(
    const char *text, size_t length, enum settings_format format, const char *required) {
    char *dir = tempdir_new();
    char *path = tempdir_path(dir, "settings");
    FILE *file = fopen(path, "w");
    ck_assert_uint_eq(fwrite(text, 1, length, file), length);
    fclose(file);
    struct outcome outcome = settings_look(path, format, required, 1);
    free(path);
    free(dir);
    return outcome;
}

static void assert_text(const char *text, enum settings_format format, const char *required,
    enum reason reason, const char *detail) {
    struct outcome outcome = look_at_text(text, strlen(text), format, required);
    ck_assert_msg(
        outcome.reason == reason, "%s --> %s: %s", text, reason_info(outcome.reason)->slug, outcome.detail);
    if (detail)
        ck_assert_str_eq(outcome.detail, detail);
}

static int64_t observed(const struct outcome *outcome, enum observed_key key) {
    int64_t value = -1;
    ck_assert_msg(observed_get(&outcome->observed, key, &value), "%s", observed_name(key));
    return value;
}

/* -- formats -- */

START_TEST(a_python_file_must_assign_what_is_required) {
    const char *text = "from bugsink.settings.base import *\nSECRET_KEY = '" GOOD_KEY
                       "'\nBUGSINK = {'BASE_URL': 'http://x'}\n";
    assert_text(text, SETTINGS_PYTHON, "SECRET_KEY BUGSINK", REASON_OK, "");
    assert_text(text, SETTINGS_PYTHON, "", REASON_OK, "");
    assert_text(text, SETTINGS_PYTHON, "DATABASES SECRET_KEY X", REASON_OK, ""); /* the star may bring them */
    assert_text(strchr(text, '\n') + 1, SETTINGS_PYTHON, "DATABASES SECRET_KEY X", REASON_MISSING_SETTING,
        "missing: DATABASES, X");
    struct outcome outcome = look_at_text("A = 1\nB = (\n", 12, SETTINGS_PYTHON, "A");
    ck_assert_int_eq(outcome.reason, REASON_PARSE_ERROR);
    ck_assert_int_eq(observed(&outcome, OBSERVED_LINE), 2);
    ck_assert_int_eq(observed(&outcome, OBSERVED_COLUMN), 5);
    ck_assert_str_eq(outcome.detail, "line 2, column 5: this bracket is never closed");
    outcome = look_at_text("A = 1\nB = 2\nA = 3\n", 18, SETTINGS_PYTHON, "A");
    ck_assert_int_eq(observed(&outcome, OBSERVED_SETTINGS), 2);
    ck_assert_int_eq(observed(&outcome, OBSERVED_FILE_BYTES), 18);
}
END_TEST

START_TEST(a_python_file_is_never_executed) {
    char *dir = tempdir_new();
    char *trap = tempdir_path(dir, "trap");
    char text[512];
    snprintf(text, sizeof text,
        "import os\nos.system('touch %s')\nopen('%s', 'w')\nraise SystemExit\nA = 1\n", trap, trap);
    assert_text(text, SETTINGS_PYTHON, "A os", REASON_OK, "");
    ck_assert_int_ne(access(trap, F_OK), 0);
    free(trap);
    free(dir);
}
END_TEST

START_TEST(json_is_one_object_read_as_python_reads_it) {
    assert_text("{\"A\": 1, \"B\": {\"C\": 2}}", SETTINGS_JSON, "A B", REASON_OK, "");
    assert_text("{\"A\": 1, \"B\": {\"C\": 2}}", SETTINGS_JSON, "C", REASON_MISSING_SETTING, "missing: C");
    assert_text("{\"A\": false}", SETTINGS_JSON, "A", REASON_OK, "");
    assert_text("{\"A\": null}", SETTINGS_JSON, "A", REASON_MISSING_SETTING, "missing: A");
    assert_text("{\"A\": 1,\n \"A\": null}", SETTINGS_JSON, "A", REASON_MISSING_SETTING, "missing: A");
    assert_text("{\"A\": null,\n \"A\": 2}", SETTINGS_JSON, "A", REASON_OK, "");
    assert_text("{\"A\": [NaN, Infinity, -Infinity, 1e999, -0, 99999999999999999999]}", SETTINGS_JSON, "A",
        REASON_OK, "");
    assert_text("{\"A\": \"\\u0000\\ud83d\\ude00\\ud800\\/\\t\", \"\\u0042\": [[], {}, {\"x\": [1]}]}",
        SETTINGS_JSON, "A B", REASON_OK, "");
    assert_text(" {} ", SETTINGS_JSON, "", REASON_OK, "");
}
END_TEST

START_TEST(json_that_python_refuses_is_refused_with_its_place) {
    static const struct {
        const char *text, *detail;
    } ROWS[] = {
        {"[1]", "line 1, column 1: not a JSON object"},
        {"\"A\"", "line 1, column 1: not a JSON object"},
        {"   ", "line 1, column 4: the text ends too early"},
        {"{\"A\": 1", "line 1, column 8: the text ends too early"},
        {"{\"A", "line 1, column 4: the text ends too early"},
        {"{\"A\": 1} {", "line 1, column 10: something follows the object"},
        {"{\"A\": tru}", "line 1, column 7: not valid JSON"},
        {"{\"A\": 01}", "line 1, column 8: not valid JSON"},
        {"{\"A\": 1.}", "line 1, column 8: not valid JSON"},
        {"{\"A\": -}", "line 1, column 7: not valid JSON"},
        {"{\"A\": .5}", "line 1, column 7: not valid JSON"},
        {"{\"A\": 'x'}", "line 1, column 7: not valid JSON"},
        {"{\"A\": 1,\n}", "line 2, column 1: a key in quotes was expected here"},
        {"{A: 1}", "line 1, column 2: a key in quotes was expected here"},
        {"{\"A\" 1}", "line 1, column 6: a colon was expected here"},
        {"{\"A\": [1 2]}", "line 1, column 10: not valid JSON"},
        {"{\"A\": [1,]}", "line 1, column 10: not valid JSON"},
        {"{\"A\": [1}}", "line 1, column 9: not valid JSON"},
        {"{\"A\": \"\\x\"}", "line 1, column 8: not valid JSON"},
        {"{\"A\": \"\\u12\"}", "line 1, column 8: not valid JSON"},
        {"{\"A\": \"\t\"}", "line 1, column 8: a control character in a string"},
        {"{\"A\": 1} // x", "line 1, column 10: something follows the object"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        assert_text(ROWS[i].text, SETTINGS_JSON, "", REASON_PARSE_ERROR, ROWS[i].detail);
}
END_TEST

START_TEST(environment_files_have_names_values_quotes_and_comments) {
    static const char TEXT[] = "# comment\n"
                               "\n"
                               "PLAIN=x y=z # comment\r\n"
                               "  export EXPORTED = 'a # b'  # comment\n"
                               "EMPTY=\n"
                               "EMPTY_QUOTED=\"\" # x\n"
                               "ONLY_COMMENT= # x\n"
                               "HASH=#x\n"
                               "APOSTROPHE=it's\n"
                               "ESCAPED=\"a \\\" b\"\n"
                               "SINGLE='a \\'\n"
                               "LINES=\"one\nNOT_A_NAME=two\n# three\"\n"
                               "TWICE=\nTWICE=x\n"
                               "GONE=x\nGONE=\n"
                               "export=x\n"
                               "LAST=x";
    struct outcome outcome = look_at_text(
        TEXT, sizeof TEXT - 1, SETTINGS_ENV, "PLAIN EXPORTED HASH APOSTROPHE ESCAPED SINGLE LINES LAST");
    ck_assert_msg(outcome.reason == REASON_OK, "%s", outcome.detail);
    ck_assert_int_eq(observed(&outcome, OBSERVED_SETTINGS), 14);
    assert_text(TEXT, SETTINGS_ENV, "EMPTY EMPTY_QUOTED ONLY_COMMENT TWICE GONE NOT_A_NAME export",
        REASON_MISSING_SETTING, "missing: EMPTY, EMPTY_QUOTED, ONLY_COMMENT, GONE, NOT_A_NAME");
}
END_TEST

START_TEST(an_environment_file_may_have_lines_that_its_readers_ignore_or_join) {
    static const char *const TEXTS[] = {"A=1\n; a comment\n;B=\n", "A=1\nHTTP_PROXY\n", "A=1\nexport B\n",
        "A\n", "=x\nA=1", "1B=x\nA=1", "B C=1\nA=1", "some words\nA=1", "B=x \\\n  it's y \\\r\nA=1\n",
        "B=\\\nA=1\\", "A=1 \\\n"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
        assert_text(TEXTS[i], SETTINGS_ENV, "A", REASON_OK, "");
    assert_text("; A=1\n", SETTINGS_ENV, "A", REASON_MISSING_SETTING, "missing: A");
    assert_text("A B=1\n", SETTINGS_ENV, "A", REASON_MISSING_SETTING, "missing: A");
}
END_TEST

START_TEST(a_quote_that_is_never_closed_is_told_where_it_was_opened) {
    assert_text("A=1\nB=\"x\nC=1", SETTINGS_ENV, "", REASON_PARSE_ERROR,
        "line 2, column 3: this quote is never closed");
    assert_text("A='x", SETTINGS_ENV, "", REASON_PARSE_ERROR, NULL);
    assert_text("A=\"x\\", SETTINGS_ENV, "", REASON_PARSE_ERROR, NULL);
}
END_TEST

START_TEST(the_shared_environment_must_hold_what_is_required) {
    char *entries[] = {str_dup("A=1"), str_dup("B="), str_dup("C=first"), str_dup("C="), str_dup("=odd"),
        str_dup("none"), NULL};
    char *required[] = {entries[0], entries[1], entries[2]};
    char a[] = "A", b[] = "B", c[] = "C", d[] = "D";
    struct check_config config = {.kind = KIND_SETTINGS,
        .timeout_ms = 1000,
        .settings.format = SETTINGS_ENVIRONMENT,
        .settings.require = required,
        .settings.environment = entries};
    struct outcome outcome;
    settings_examine(&config, &(struct phase_report){0}, &outcome);
    ck_assert_int_eq(outcome.reason, REASON_OK);
    required[0] = a, required[1] = c, config.settings.require_count = 2;
    settings_examine(&config, &(struct phase_report){0}, &outcome);
    ck_assert_int_eq(outcome.reason, REASON_OK);
    ck_assert_int_eq(observed(&outcome, OBSERVED_SETTINGS), 3);
    required[0] = b, required[1] = d;
    struct stopwatch watch = stopwatch_start();
    settings_examine(&config, &(struct phase_report){0}, &outcome);
    int64_t took_ms = stopwatch_free_ms(&watch);
    ck_assert_int_eq(outcome.reason, REASON_MISSING_SETTING);
    ck_assert_str_eq(outcome.detail, "missing: B, D");
    ck_assert_int_lt(took_ms, 600); /* an environment does not mend while one waits */
    for (size_t i = 0; entries[i]; i++)
        free(entries[i]);
}
END_TEST

/* -- files -- */

START_TEST(a_byte_order_mark_is_let_pass_and_other_encodings_are_not) {
    assert_text("\xef\xbb\xbf"
                "A = 1\n",
        SETTINGS_PYTHON, "A", REASON_OK, "");
    assert_text("\xef\xbb\xbf{\"A\": 1}", SETTINGS_JSON, "A", REASON_OK, "");
    assert_text("\xef\xbb\xbf"
                "A=1",
        SETTINGS_ENV, "A", REASON_OK, "");
    assert_text("\xef\xbb\xbf", SETTINGS_ENV, "", REASON_EMPTY, NULL);
    assert_text("A = 1\nB = '\xe4'\n", SETTINGS_PYTHON, "", REASON_ENCODING, "line 2, column 6: not UTF-8");
    struct outcome outcome = look_at_text("A = 1\0\n", 7, SETTINGS_PYTHON, "A");
    ck_assert_int_eq(outcome.reason, REASON_ENCODING);
    ck_assert_int_eq(observed(&outcome, OBSERVED_COLUMN), 6);
    outcome = look_at_text("\xff\xfe"
                           "A\0=\0",
        6, SETTINGS_PYTHON, "");
    ck_assert_int_eq(outcome.reason, REASON_ENCODING);
}
END_TEST

START_TEST(a_python_file_is_in_the_encoding_that_it_declares) {
    static const struct {
        const char *text, *detail; /* NULL: well */
    } ROWS[] = {
        {"# -*- coding: latin-1 -*-\nA = 'B\xfcgs'\n", NULL},
        {"#!/usr/bin/python\n# vim: set fileencoding=iso_8859_15 :\nA = '\xa4'\n", NULL},
        {"# coding=cp1252\nA = '\x80'\n", NULL},
        {"# coding: utf8\nA = '\xc3\xa4'\n", NULL},
        {"# coding: gbk\nB = '\x81\\'\n", NULL}, /* a letter whose second byte is a backslash */
        {"# \xe4\nA = 1 # \xe4\n", NULL},        /* Python does not look at comments */
        {"\n# coding: latin-1\nA = '\xe4'\n", NULL},
        {"A = 1\n# coding: latin-1\nB = '\xe4'\n", "line 3, column 6: not UTF-8"},
        {"\n\n# coding: latin-1\nA = '\xe4'\n", "line 4, column 6: not UTF-8"},
        {"# coding: utf-8\nA = '\xe4'\n", "line 2, column 6: not UTF-8"},
        {"# coding: latin-99\nA = 1\n", "line 1, column 11: no encoding of Python's has this name"},
        {"\xef\xbb\xbf# coding: latin-1\nA = 1\n",
            "line 1, column 11: an encoding other than that of the byte order mark"},
        {"\xef\xbb\xbf# coding: utf-8\nA = 1\n", NULL},
        {"# coding: latin-1\nA\xa0= 1\n",
            "line 2, column 2: this character may not stand outside of a string"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct outcome outcome = look_at_text(ROWS[i].text, strlen(ROWS[i].text), SETTINGS_PYTHON, "A");
        ck_assert_str_eq(outcome.detail, ROWS[i].detail ? ROWS[i].detail : "");
        ck_assert_int_eq(outcome.reason == REASON_OK, !ROWS[i].detail);
    }
}
END_TEST

static void assert_path(const char *path, enum reason reason) {
    struct outcome outcome = settings_look(path, SETTINGS_PYTHON, "A", 1);
    ck_assert_msg(
        outcome.reason == reason, "%s: %s: %s", path, reason_info(outcome.reason)->slug, outcome.detail);
}

START_TEST(odd_files_are_told_apart_and_none_blocks) {
    char *dir = tempdir_new();
    char *path = tempdir_path(dir, "settings");
    assert_path(path, REASON_FILE_MISSING);
    assert_path(dir, REASON_NOT_A_FILE);
    assert_path("/dev/zero", REASON_NOT_A_FILE);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    assert_path(path, REASON_NOT_A_FILE);
    ck_assert_int_eq(unlink(path), 0);
    tempdir_write(path, "");
    assert_path(path, REASON_EMPTY);
    ck_assert_int_eq(truncate(path, SETTINGS_MAX_BYTES + 1), 0);
    assert_path(path, REASON_TOO_LARGE);
    ck_assert_int_eq(truncate(path, 0), 0);
    tempdir_write(path, "A = 1\n#");
    char *filler = malloc(SETTINGS_MAX_BYTES + 1);
    memset(filler, '#', SETTINGS_MAX_BYTES);
    memcpy(filler, "A = 1\n", 6);
    filler[SETTINGS_MAX_BYTES] = '\0';
    tempdir_write(path, filler);
    assert_path(path, REASON_OK);
    char *link = tempdir_path(dir, "link");
    ck_assert_int_eq(symlink("settings", link), 0);
    assert_path(link, REASON_OK);
    ck_assert_int_eq(unlink(path), 0);
    assert_path(link, REASON_FILE_MISSING);
    free(link);
    free(filler);
    free(path);
    free(dir);
}
END_TEST

START_TEST(a_file_that_may_not_be_read_is_a_matter_of_permission) {
    char *dir = tempdir_new();
    char *path = tempdir_path(dir, "settings");
    tempdir_write(path, "A = 1\n");
    ck_assert_int_eq(chmod(path, 0), 0);
    pid_t pid = test_fork();
    if (pid == 0) { /* root reads everything */
        if (geteuid() == 0 && (setresgid(14237, 14237, 14237) < 0 || setresuid(14237, 14237, 14237) < 0))
            _exit(2);
        struct outcome outcome = settings_look(path, SETTINGS_PYTHON, "A", 1);
        _exit(outcome.reason == REASON_PERMISSION ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
    free(path);
    free(dir);
}
END_TEST

/* -- secrets -- */

START_TEST(no_value_gets_into_what_is_told) {
    static const struct {
        const char *text;
        enum settings_format format;
    } rows[] = {
        {"SECRET_KEY = '" MARKER "'\nB = (", SETTINGS_PYTHON},
        {"SECRET_KEY = '" MARKER "\n", SETTINGS_PYTHON},
        {"SECRET_KEY = " MARKER "$\n", SETTINGS_PYTHON},
        {"SECRET_KEY = '" MARKER "'\n", SETTINGS_PYTHON},
        {"SECRET_KEY = \"" MARKER "\xff\"\n", SETTINGS_PYTHON},
        {"{\"SECRET_KEY\": \"" MARKER "\", \"SECRET_KEY\": \"" MARKER "\"}", SETTINGS_JSON},
        {"{\"SECRET_KEY\": \"" MARKER "\" x}", SETTINGS_JSON},
        {"{\"SECRET_KEY\": " MARKER "}", SETTINGS_JSON},
        {"{\"SECRET_KEY\": \"" MARKER, SETTINGS_JSON},
        {"\"" MARKER "\"", SETTINGS_JSON},
        {"SECRET_KEY='" MARKER "\n", SETTINGS_ENV},
        {"SECRET_KEY=\nSECRET_KEY_OLD=" MARKER "\n" MARKER, SETTINGS_ENV},
        {"SECRET_KEY=\"" MARKER "\"", SETTINGS_ENV},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outcome outcome =
            look_at_text(rows[i].text, strlen(rows[i].text), rows[i].format, "SECRET_KEY OTHER");
        ck_assert_int_ne(outcome.reason, REASON_OK);
        ck_assert_int_gt((int)strlen(outcome.detail), 0);
        ck_assert_ptr_null(memmem(&outcome, sizeof outcome, "pa55", 4));
    }
}
END_TEST

START_TEST(a_broken_rule_is_told_with_its_place_and_without_the_value) {
    static const struct {
        const char *text;
        enum settings_format format;
        const char *detail;
        int line; /* -1: not known */
    } rows[] = {
        {"# x\n\nSECRET_KEY = '" MARKER "'\n", SETTINGS_PYTHON, "SECRET_KEY is shorter than 50 characters",
            3},
        {"SECRET_KEY = '" GOOD_KEY "'\nBUGSINK = {\n  'BASE_URL': '" MARKER "'}\n", SETTINGS_PYTHON,
            "BUGSINK.BASE_URL must begin with http:// or https://", 3},
        {"{\"SECRET_KEY\": \"" MARKER "\"}", SETTINGS_JSON, "SECRET_KEY is shorter than 50 characters", -1},
        {"SECRET_KEY=" GOOD_KEY "\nCREATE_SUPERUSER=" MARKER "\nMAX_EVENT_SIZE=" MARKER "\n", SETTINGS_ENV,
            "CREATE_SUPERUSER must be EMAIL:PASSWORD; MAX_EVENT_SIZE is not a whole number", 2},
        {"\xef\xbb\xbfSECRET_KEY=" MARKER, SETTINGS_ENV, "SECRET_KEY is shorter than 50 characters", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outcome outcome =
            look_at_text(rows[i].text, strlen(rows[i].text), rows[i].format, "SECRET_KEY");
        ck_assert_str_eq(reason_info(outcome.reason)->slug, "invalid_setting");
        ck_assert_str_eq(outcome.detail, rows[i].detail);
        int64_t line = -1;
        observed_get(&outcome.observed, OBSERVED_LINE, &line);
        ck_assert_int_eq(line, rows[i].line);
        ck_assert_ptr_null(memmem(&outcome, sizeof outcome, "pa55", 4));
    }
}
END_TEST

START_TEST(the_shared_environment_is_judged_without_telling_its_values) {
    char key[] = "SECRET_KEY=" MARKER, required[] = "SECRET_KEY";
    char *entries[] = {key, NULL}, *names[] = {required};
    struct check_config config = {.kind = KIND_SETTINGS,
        .timeout_ms = 1000,
        .settings.format = SETTINGS_ENVIRONMENT,
        .settings.require = names,
        .settings.require_count = 1,
        .settings.environment = entries};
    struct outcome outcome;
    settings_examine(&config, &(struct phase_report){0}, &outcome);
    ck_assert_int_eq(outcome.reason, REASON_INVALID_SETTING);
    ck_assert_str_eq(outcome.detail, "SECRET_KEY is shorter than 50 characters");
    ck_assert_uint_eq(outcome.identity.content, 0); /* it cannot change */
    ck_assert_ptr_null(memmem(&outcome, sizeof outcome, "pa55", 4));
}
END_TEST

START_TEST(the_same_content_has_the_same_identity_and_another_has_another) {
    struct outcome first = look_at_text("A = 1\n", 6, SETTINGS_PYTHON, "A");
    struct outcome again = look_at_text("A = 1\n", 6, SETTINGS_PYTHON, "A");
    struct outcome other = look_at_text("A = 2\n", 6, SETTINGS_PYTHON, "A");
    ck_assert_uint_ne(first.identity.content, 0);
    ck_assert_uint_eq(first.identity.content, again.identity.content);
    ck_assert_uint_ne(first.identity.content, other.identity.content);
    ck_assert_uint_eq(first.identity.inode, 0); /* a ConfigMap's swap makes files anew, and changes nothing */
}
END_TEST

Suite *settings_suite(void) {
    Suite *suite = suite_create("settings");
    TCase *tcase = tcase_create("settings");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_python_file_must_assign_what_is_required);
    tcase_add_test(tcase, a_python_file_is_never_executed);
    tcase_add_test(tcase, json_is_one_object_read_as_python_reads_it);
    tcase_add_test(tcase, json_that_python_refuses_is_refused_with_its_place);
    tcase_add_test(tcase, environment_files_have_names_values_quotes_and_comments);
    tcase_add_test(tcase, an_environment_file_may_have_lines_that_its_readers_ignore_or_join);
    tcase_add_test(tcase, a_quote_that_is_never_closed_is_told_where_it_was_opened);
    tcase_add_test(tcase, the_shared_environment_must_hold_what_is_required);
    tcase_add_test(tcase, a_byte_order_mark_is_let_pass_and_other_encodings_are_not);
    tcase_add_test(tcase, a_python_file_is_in_the_encoding_that_it_declares);
    tcase_add_test(tcase, odd_files_are_told_apart_and_none_blocks);
    tcase_add_test(tcase, a_file_that_may_not_be_read_is_a_matter_of_permission);
    tcase_add_test(tcase, no_value_gets_into_what_is_told);
    tcase_add_test(tcase, a_broken_rule_is_told_with_its_place_and_without_the_value);
    tcase_add_test(tcase, the_shared_environment_is_judged_without_telling_its_values);
    tcase_add_test(tcase, the_same_content_has_the_same_identity_and_another_has_another);
    return suite;
}
