/* Tests of where Kerberos puts the tickets that it fetches: into memory, where there is a keytab to fetch
 * them with, so that no look writes a file; else where the environment says, and somebody else has put them.
 */
#include "kinds/tickets.h"

#include "harness/tempdir.h"
#include "kinds/kinds.h"
#include "run/check.h"

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

/* At a port where nobody listens. */
static void expect_login_to_keep_them_in_memory(
    const struct check_kind *kind, enum check_kind_id id, const char *dsn, const char *keytab) {
    struct error err;
    struct check_config config = {.name = NULL, .kind = id, .timeout_ms = 10000};
    config.database.role = ROLE_PLAIN;
    ck_assert_int_eq(dsn_parse(dsn, &config.database.dsn, &err), 0);
    ck_assert_msg(check_try(kind, &config, &err) == 0, "%s", err.text);
    struct run run = {.config = &config,
        .kept = calloc(1, kind->kept_size),
        .deadline_ms = clock_now_ms(clock_system()) + config.timeout_ms};
    ck_assert_ptr_nonnull(run.kept);
    ck_assert_str_eq(cache_with(NULL), OTHERS);
    setenv("KRB5_CLIENT_KTNAME", keytab, 1);
    kind->work(&run);
    ck_assert_int_eq(run.outcome.reason, REASON_REFUSED);
    ck_assert_str_eq(getenv("KRB5CCNAME"), "MEMORY:");
    free(run.kept);
    dsn_release(&config.database.dsn);
}

START_TEST(each_kind_that_may_be_let_in_by_kerberos_does_so) {
    char *dir = tempdir_new(), *keytab = tempdir_path(dir, "client.keytab");
    tempdir_write(keytab, "");
    expect_login_to_keep_them_in_memory(
        &POSTGRES_KIND, KIND_POSTGRES, "postgresql://u@127.0.0.1:1/d", keytab);
#ifdef WITH_MYSQL
    expect_login_to_keep_them_in_memory(&MYSQL_KIND, KIND_MYSQL, "mysql://u@127.0.0.1:1/d", keytab);
#endif
    free(keytab);
    free(dir);
}
END_TEST

Suite *tickets_suite(void) {
    Suite *suite = suite_create("tickets");
    TCase *tcase = tcase_create("tickets");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, with_a_keytab_they_are_kept_in_memory);
    tcase_add_test(tcase, without_one_they_are_where_somebody_has_put_them);
    tcase_add_test(tcase, each_kind_that_may_be_let_in_by_kerberos_does_so);
    return suite;
}
