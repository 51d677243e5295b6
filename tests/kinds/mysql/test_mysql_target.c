/* Tests of the parameters of mysql DSNs. */
#include "kinds/mysql/target.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

static const struct {
    const char *dsn;
    const char *host, *socket;
    unsigned port;
    bool is_local;
    enum mysql_tls tls;
} GOOD[] = {
    {"mysql://u:Zz9@h/d", "h", NULL, 0, false, MYSQL_TLS_PREFERRED},
    {"mysql://u:Zz9@h:3307/d?ssl-mode=disabled", "h", NULL, 3307, false, MYSQL_TLS_DISABLED},
    {"mysql://u:Zz9@h/d?sslmode=require", "h", NULL, 0, false, MYSQL_TLS_REQUIRED},
    {"mysql://u:Zz9@h/d?SSL_MODE=VERIFY_IDENTITY", "h", NULL, 0, false, MYSQL_TLS_VERIFY_IDENTITY},
    {"mysql://u:Zz9@h/d?sslmode=verify-full", "h", NULL, 0, false, MYSQL_TLS_VERIFY_IDENTITY},
    {"mysql://u:Zz9@h/d?ssl=true", "h", NULL, 0, false, MYSQL_TLS_REQUIRED},
    {"mysql://u:Zz9@h/d?ssl-ca=/ca", "h", NULL, 0, false, MYSQL_TLS_VERIFY_CA},
    {"mysql://u:Zz9@h/d?ssl-mode=verify-ca&ssl-ca=/ca&ssl-cert=/c&ssl-key=/k", "h", NULL, 0, false,
        MYSQL_TLS_VERIFY_CA},
    {"mysql://u:Zz9@localhost/d", "localhost", NULL, 0, true, MYSQL_TLS_DISABLED},
    {"mysql://u:Zz9@/d", NULL, NULL, 0, true, MYSQL_TLS_DISABLED},
    {"mysql://u:Zz9@%2Frun%2Fs.sock/d", NULL, "/run/s.sock", 0, true, MYSQL_TLS_DISABLED},
    {"mysql://u:Zz9@h/d?unix_socket=/run/s.sock", NULL, "/run/s.sock", 0, true, MYSQL_TLS_DISABLED},
    {"mysql://u:Zz9@/d?unix_socket=/s&ssl-mode=required", NULL, "/s", 0, true, MYSQL_TLS_REQUIRED},
};

static bool is_equal(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

START_TEST(what_a_dsn_says_is_understood) {
    struct dsn dsn;
    struct mysql_target target;
    struct error err = {.text = ""};
    ck_assert_msg(dsn_parse(GOOD[_i].dsn, &dsn, &err) == 0, "%s", err.text);
    ck_assert_msg(mysql_target_init(&target, &dsn, &err) == 0, "%s", err.text);
    ck_assert(is_equal(target.host, GOOD[_i].host));
    ck_assert(is_equal(target.socket, GOOD[_i].socket));
    ck_assert_uint_eq(target.port, GOOD[_i].port);
    ck_assert_int_eq(target.is_local, GOOD[_i].is_local);
    ck_assert_int_eq((int)target.tls, (int)GOOD[_i].tls);
    dsn_release(&dsn);
}
END_TEST

static const struct {
    const char *query, *error;
} BAD[] = {
    {"sslmod=required", "no parameter \"sslmod\""},
    {"user=x", "no parameter \"user\""},
    {"read_timeout=3", "no parameter \"read_timeout\""},
    {"ssl-mode=maybe", "ssl-mode is disabled, preferred"},
    {"ssl-mode=", "ssl-mode is disabled, preferred"},
    {"charset=", "charset is empty"},
    {"ssl-mode=verify-ca", "needs ssl-ca"},
    {"ssl-mode=required&ssl-ca=/ca", "ssl-ca has no use"},
    {"ssl-mode=disabled&ssl-cert=/c", "no use with ssl-mode=disabled"},
};

START_TEST(what_it_cannot_mean_is_refused_by_name) {
    char text[128];
    struct dsn dsn;
    struct mysql_target target;
    struct error err = {.text = ""};
    snprintf(text, sizeof text, "mysql://u:Zz9@h/d?%s", BAD[_i].query);
    ck_assert_msg(dsn_parse(text, &dsn, &err) == 0, "%s", err.text);
    ck_assert_int_eq(mysql_target_init(&target, &dsn, &err), -1);
    ck_assert_msg(strstr(err.text, BAD[_i].error) != NULL, "%s", err.text);
    dsn_release(&dsn);
}
END_TEST

Suite *mysql_target_suite(void) {
    Suite *suite = suite_create("mysql_target");
    TCase *tcase = tcase_create("mysql_target");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, what_a_dsn_says_is_understood, 0, COUNT(GOOD));
    tcase_add_loop_test(tcase, what_it_cannot_mean_is_refused_by_name, 0, COUNT(BAD));
    return suite;
}
