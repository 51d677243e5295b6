/* Tests of where Kerberos puts the tickets that it fetches: into memory, where there is a keytab to fetch
 * them with, so that no look writes a file; else where the environment says, and somebody else has put them.
 */
#include "kinds/tickets.h"

#include "harness/tempdir.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char OTHERS[] = "FILE:/somebody/elses";

/* The cache that is used with such a keytab. */
static const char *cache_with(const char *keytab) {
    setenv("KRB5CCNAME", OTHERS, 1);
    if (keytab)
        setenv("KRB5_CLIENT_KTNAME", keytab, 1);
    else
        unsetenv("KRB5_CLIENT_KTNAME");
    tickets_keep_in_memory();
    return getenv("KRB5CCNAME");
}

START_TEST(with_a_keytab_they_are_kept_in_memory) {
    char *dir = tempdir_new(), *path = tempdir_path(dir, "client.keytab"), typed[512];
    tempdir_write(path, "");
    snprintf(typed, sizeof typed, "FILE:%s", path);
    ck_assert_str_eq(cache_with(path), "MEMORY:");
    ck_assert_str_eq(cache_with(typed), "MEMORY:");
    unsetenv("KRB5CCNAME");
    tickets_keep_in_memory();
    ck_assert_str_eq(getenv("KRB5CCNAME"), "MEMORY:"); /* the default is a file, too */
    free(path);
    free(dir);
}
END_TEST

START_TEST(without_one_they_are_where_somebody_has_put_them) {
    char *dir = tempdir_new(), *path = tempdir_path(dir, "missing");
    ck_assert_str_eq(cache_with(NULL), OTHERS);
    ck_assert_str_eq(cache_with(path), OTHERS);
    ck_assert_str_eq(cache_with(""), OTHERS);
    free(path);
    free(dir);
}
END_TEST

Suite *tickets_suite(void) {
    Suite *suite = suite_create("tickets");
    TCase *tcase = tcase_create("tickets");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, with_a_keytab_they_are_kept_in_memory);
    tcase_add_test(tcase, without_one_they_are_where_somebody_has_put_them);
    return suite;
}
