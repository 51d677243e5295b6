/* Tests that the policy admits the style sheet, and nothing else. */
#include "report/style.h"

#include "harness/tempdir.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What `openssl` says of the sheet: 44 characters. */
static void hash_sheet(char hash[64]) {
    char *dir = tempdir_new(), path[512], command[1024];
    snprintf(path, sizeof path, "%s/sheet.css", dir);
    tempdir_write(path, style_sheet());
    snprintf(command, sizeof command, "openssl dgst -sha256 -binary '%s' | openssl base64", path);
    FILE *answer = popen(command, "r");
    ck_assert(answer && fgets(hash, 64, answer));
    pclose(answer);
    hash[strcspn(hash, "\n")] = '\0';
    free(dir);
}

START_TEST(the_policy_admits_this_sheet_and_nothing_else) {
    char hash[64], expected[512];
    hash_sheet(hash);
    ck_assert_uint_eq(strlen(hash), 44);
    snprintf(expected, sizeof expected,
        "default-src 'none'; style-src 'sha256-%s'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
        hash);
    ck_assert_msg(strcmp(style_policy(), expected) == 0,
        "the sheet has changed: in src/report/style.c the hash must be sha256-%s", hash);
}
END_TEST

START_TEST(the_sheet_fetches_nothing_and_ends_no_element) {
    static const char *const FORBIDDEN[] = {"url(", "@import", "//", "<", "&", "expression", "javascript"};
    for (size_t i = 0; i < sizeof FORBIDDEN / sizeof FORBIDDEN[0]; i++)
        ck_assert_msg(!strstr(style_sheet(), FORBIDDEN[i]), "%s", FORBIDDEN[i]);
}
END_TEST

Suite *style_suite(void) {
    Suite *suite = suite_create("style");
    TCase *tcase = tcase_create("style");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, the_policy_admits_this_sheet_and_nothing_else);
    tcase_add_test(tcase, the_sheet_fetches_nothing_and_ends_no_element);
    return suite;
}
