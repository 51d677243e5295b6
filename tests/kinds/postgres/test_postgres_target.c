/* Tests of what libpq is told: where to connect, and by which name. */
#include "kinds/postgres/target.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* The value libpq takes: of a keyword given twice, the last. */
static const char *option(const struct postgres_options *options, const char *keyword) {
    const char *value = NULL;
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->keywords[i], keyword) == 0)
            value = options->values[i];
    return value ? value : "(none)";
}

/* What the resolver would say: each name has two addresses, but for those that contain "unknown". */
static struct resolve_answer answer_for(const struct postgres_target *target) {
    struct resolve_answer answer = {.reason = REASON_OK};
    const char *const texts[] = {"192.0.2.1", "2001:db8::1"};
    for (int i = 0; i < target->name_count; i++)
        for (int j = 0; j < 2 && !strstr(target->names[i], "unknown"); j++) {
            answer.addresses[answer.count].host = i;
            memcpy(answer.addresses[answer.count++].text, texts[j], strlen(texts[j]) + 1);
        }
    return answer;
}

static const struct {
    const char *dsn, *host, *hostaddr, *port;
    int names;
} ROWS[] = {
    {"postgresql://u@10.0.0.1:5433/d", "10.0.0.1", "(none)", "5433", 0},
    {"postgresql://u@[::1]/d", "::1", "(none)", "5432", 0},
    {"postgresql://u@db:5433/d", "db,db", "192.0.2.1,2001:db8::1", "5433,5433", 1},
    {"postgresql://u@a:1,10.0.0.1:2,b:3/d", "a,a,10.0.0.1,b,b",
        "192.0.2.1,2001:db8::1,,192.0.2.1,2001:db8::1", "1,1,2,3,3", 2},
    {"postgresql://u@a,unknown,10.0.0.1/d", "a,a,10.0.0.1", "192.0.2.1,2001:db8::1,", "5432,5432,5432", 2},
    {"postgresql://u@/d?host=/run/pg,db&port=6000", "/run/pg,db,db", ",192.0.2.1,2001:db8::1",
        "6000,6000,6000", 1},
    {"postgresql://u@/d", "(none)", "(none)", "5432", 0},
    {"postgresql://u@db:7/d?hostaddr=10.0.0.9", "db", "10.0.0.9", "7", 0},
    {"postgresql://u@ignored/d?host=10.0.0.2", "10.0.0.2", "(none)", "5432", 0},
};

START_TEST(names_become_addresses_and_stay_names) {
    struct dsn dsn;
    struct error err;
    struct postgres_target target;
    struct postgres_options options;
    unsetenv("PGHOST");
    unsetenv("PGHOSTADDR");
    unsetenv("PGPORT");
    ck_assert_msg(dsn_parse(ROWS[_i].dsn, &dsn, &err) == 0, "%s", err.text);
    ck_assert_msg(postgres_target_init(&target, &dsn, &err) == 0, "%s", err.text);
    ck_assert_int_eq(target.name_count, ROWS[_i].names);
    struct resolve_answer answer = answer_for(&target);
    ck_assert_int_eq(postgres_options_init(&options, &dsn, &target, &answer), 0);
    ck_assert_str_eq(option(&options, "host"), ROWS[_i].host);
    ck_assert_str_eq(option(&options, "hostaddr"), ROWS[_i].hostaddr);
    ck_assert_str_eq(option(&options, "port"), ROWS[_i].port);
    ck_assert_ptr_null(options.keywords[options.count]);
    postgres_options_release(&options);
    postgres_target_release(&target);
    dsn_release(&dsn);
}
END_TEST

START_TEST(what_the_dsn_says_goes_before_what_we_would_say) {
    struct dsn dsn;
    struct error err;
    struct postgres_target target;
    struct postgres_options options;
    const char *const texts[] = {"postgresql://u:p@10.0.0.1/d",
        "postgresql://u:p@10.0.0.1/d?gssencmode=prefer&application_name=own&ssl=true&user=other"};
    const char *const wanted[][5] = {
        {"disable", "(none)", "(none)", "u", "p"}, {"prefer", "own", "require", "other", "p"}};
    const char *const keywords[] = {"gssencmode", "application_name", "sslmode", "user", "password"};
    for (int i = 0; i < 2; i++) {
        ck_assert_msg(dsn_parse(texts[i], &dsn, &err) == 0, "%s", err.text);
        ck_assert_int_eq(postgres_target_init(&target, &dsn, &err), 0);
        ck_assert_int_eq(postgres_options_init(&options, &dsn, &target, NULL), 0);
        for (int j = 0; j < 5; j++)
            ck_assert_str_eq(option(&options, keywords[j]), wanted[i][j]);
        ck_assert_str_eq(option(&options, "fallback_application_name"), "bugsink-health");
        postgres_options_release(&options);
        postgres_target_release(&target);
        dsn_release(&dsn);
    }
}
END_TEST

/* What is wrong with a DSN beside a variable of libpq's: NAME=VALUE, or NULL. */
static const struct {
    const char *dsn, *variable, *what;
} FAULTS[] = {
    {"postgresql://u@10.0.0.1/d", "PGSSLMODE=bogus",
        "PGSSLMODE: bogus is none of disable, allow, prefer, require, verify-ca, verify-full"},
    {"postgresql://u@10.0.0.1/d?sslmode=Require", NULL,
        "sslmode: Require is none of disable, allow, prefer, require, verify-ca, verify-full"},
    {"postgresql://u@10.0.0.1/d?sslmode=requires", NULL,
        "sslmode: requires is none of disable, allow, prefer, require, verify-ca, verify-full"},
    {"postgresql://u@10.0.0.1/d?sslmode=require", "PGSSLMODE=bogus", NULL},
    {"postgresql://u@10.0.0.1/d", "PGSSLMODE=verify-full", NULL},
    {"postgresql://u@10.0.0.1/d", "PGSSLMODE=", NULL},
    {"postgresql://u@10.0.0.1/d", "PGGSSENCMODE=bogus", NULL}, /* never used */
    {"postgresql://u@10.0.0.1/d", "PGCHANNELBINDING=no",
        "PGCHANNELBINDING: no is none of disable, prefer, require"},
    {"postgresql://u@10.0.0.1/d", "PGTARGETSESSIONATTRS=master",
        "PGTARGETSESSIONATTRS: master is none of any, read-write, read-only, primary, standby, "
        "prefer-standby"},
    {"postgresql://u@10.0.0.1/d", "PGSSLMINPROTOCOLVERSION=1.2",
        "PGSSLMINPROTOCOLVERSION: 1.2 is none of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"},
    {"postgresql://u@10.0.0.1/d", "PGHOSTADDR=db", "PGHOSTADDR: db is not an IP address"},
    {"postgresql://u@10.0.0.1/d", "PGHOSTADDR=10.0.0.2", NULL},
};

START_TEST(what_libpq_would_refuse_is_the_configurations_fault) {
    struct dsn dsn;
    struct error err = {.text = ""};
    struct postgres_target target;
    char variable[64] = "";
    strncpy(variable, FAULTS[_i].variable ? FAULTS[_i].variable : "", sizeof variable - 1);
    char *value = strchr(variable, '=');
    if (value)
        *value++ = '\0';
    if (value)
        setenv(variable, value, 1);
    ck_assert_msg(dsn_parse(FAULTS[_i].dsn, &dsn, &err) == 0, "%s", err.text);
    int result = postgres_target_init(&target, &dsn, &err);
    ck_assert_int_eq(result, FAULTS[_i].what ? -1 : 0);
    if (FAULTS[_i].what)
        ck_assert_str_eq(err.text, FAULTS[_i].what);
    unsetenv(variable);
    postgres_target_release(&target);
    dsn_release(&dsn);
}
END_TEST

Suite *postgres_target_suite(void) {
    Suite *suite = suite_create("postgres_target");
    TCase *tcase = tcase_create("postgres_target");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, names_become_addresses_and_stay_names, 0, sizeof ROWS / sizeof ROWS[0]);
    tcase_add_loop_test(
        tcase, what_libpq_would_refuse_is_the_configurations_fault, 0, sizeof FAULTS / sizeof FAULTS[0]);
    tcase_add_test(tcase, what_the_dsn_says_goes_before_what_we_would_say);
    return suite;
}
