/* Tests of a kept PostgreSQL connection whose server changes as a whole: each test has a server of its own.
 *
 *  the server                       the run
 *  restarted between two runs       ok
 *  stopped                          refused
 *  becomes read-only                read_only
 *  with TLS                         on the same backend, whose end is told at once */
#include "kinds/postgres/postgres_bench.h"
#include "harness/certificates.h"
#include "harness/postgres.h"
#include "harness/skip.h"
#include "harness/wait.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define USER  "bugsink"
#define RIGHT POSTGRES_PASSWORD_ENCODED

enum { TIMEOUT_MS = 5000, INTERVAL_MS = 5000, RECONNECT_MS = 60000, PATIENCE_MS = 3000 };

static void open_keeping(struct postgres_bench *bench, const char *dsn, enum role role) {
    postgres_bench_open_keeping(bench, dsn, role, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
}

/* A reload reaches a server's processes one after the other. */
static bool has_run_ill(void *arg) {
    struct postgres_bench *bench = arg;
    rig_run(&bench->rig, &bench->own);
    return bench->own.outcome.reason != REASON_OK;
}

START_TEST(a_server_that_goes_and_comes_is_told_as_by_a_fresh_login) {
    struct postgres_bench bench;
    postgres_bench_forget_environment();
    struct postgres_server *own = postgres_start(NULL);
    char *dsn = postgres_dsn(own, USER, RIGHT, "bugsink", "");
    open_keeping(&bench, dsn, ROLE_MAIN);
    postgres_bench_expect_well(&bench);
    postgres_stop(own);
    postgres_restart(own, NULL);
    postgres_bench_expect_well(&bench); /* it was away between the runs: nobody needs to know */
    postgres_crash(own);
    postgres_bench_expect(&bench, REASON_REFUSED, "", PHASE_CONNECT);
    postgres_restart(own, NULL);
    postgres_bench_expect_well(&bench);
    postgres_do(own, "postgres", "ALTER SYSTEM SET default_transaction_read_only = on");
    postgres_do(own, "postgres", "SELECT pg_reload_conf()");
    ck_assert(wait_until(has_run_ill, &bench, PATIENCE_MS));
    postgres_bench_expect(&bench, REASON_READ_ONLY, "", PHASE_QUERY);
    postgres_bench_close(&bench);
    free(dsn);
    postgres_free(own);
}
END_TEST

START_TEST(with_tls_it_is_kept_as_well) {
    struct postgres_bench bench;
    postgres_bench_forget_environment();
    char *certificates = certificates_make("DNS:localhost");
    if (!certificates) {
        skip_test("with_tls_it_is_kept_as_well", "no command openssl here");
        return;
    }
    struct postgres_server *own = postgres_bench_start_tls(certificates);
    char *dsn = postgres_dsn(own, USER, RIGHT, "bugsink", "?sslmode=require");
    open_keeping(&bench, dsn, ROLE_MAIN);
    postgres_bench_expect_well(&bench);
    char *first = postgres_bench_backends(own),
         *tls = postgres_exec(own, "postgres",
             "SELECT string_agg(ssl::text, ' ') FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE "
             "application_name = 'bugsink-health'");
    ck_assert_str_ne(first, "");
    ck_assert_str_eq(tls, "true");
    for (int i = 0; i < 20; i++)
        postgres_bench_expect_well(&bench);
    char *last = postgres_bench_backends(own);
    ck_assert_str_eq(first, last);
    postgres_bench_watch_stirred(&bench);
    postgres_do(own, "postgres", "SELECT pg_terminate_backend(pid) " POSTGRES_BENCH_SESSIONS);
    ck_assert(rig_turn_until(&bench.rig, postgres_bench_is_stirred, &bench.own, PATIENCE_MS));
    postgres_bench_expect_well(&bench);
    postgres_bench_close(&bench);
    free(tls);
    free(first);
    free(last);
    free(dsn);
    free(certificates);
    postgres_free(own);
}
END_TEST

Suite *postgres_restart_suite(void) {
    Suite *suite = suite_create("postgres_restart");
    TCase *tcase = tcase_create("postgres_restart");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_server_that_goes_and_comes_is_told_as_by_a_fresh_login);
    tcase_add_test(tcase, with_tls_it_is_kept_as_well);
    return suite;
}
