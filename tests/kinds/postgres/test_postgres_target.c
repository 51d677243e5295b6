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

Suite *postgres_target_suite(void) {
    Suite *suite = suite_create("postgres_target");
    TCase *tcase = tcase_create("postgres_target");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, names_become_addresses_and_stay_names, 0, sizeof ROWS / sizeof ROWS[0]);
    tcase_add_test(tcase, what_the_dsn_says_goes_before_what_we_would_say);
    return suite;
}
