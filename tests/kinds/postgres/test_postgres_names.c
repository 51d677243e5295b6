/* Tests of names in a PostgreSQL DSN that change, vanish or resolve slowly, in a mount namespace.
 *
 *  the name, while a connection is kept               the next run
 *  leads to the same, in another order                ok, on the same connection
 *  leads to another address                           what is found there
 *  is gone                                            unresolved
 *  its name server falls silent                       slow, on what it was last; timeout where it never was
 */
#include "kinds/postgres/postgres_bench.h"

#include "harness/namespace.h"
#include "harness/postgres.h"
#include "harness/skip.h"
#include "harness/tempdir.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 4000, INTERVAL_MS = 5000, RECONNECT_MS = 60000 };

/* Returns the path that is laid over /etc/hosts, or NULL where that cannot be done here. */
static char *cover_hosts(const char *dir, const char *name) {
    const char *why = geteuid() == 0 ? namespace_enter() : "only root may run the server in a namespace";
    if (why) {
        skip_test(name, why);
        return NULL;
    }
    char *hosts = tempdir_path(dir, "hosts"), *nsswitch = tempdir_path(dir, "nsswitch");
    tempdir_write(hosts, "127.0.0.1 db.test\n");
    tempdir_write(nsswitch, "hosts: files dns\n");
    namespace_cover("/etc/hosts", hosts);
    namespace_cover("/etc/nsswitch.conf", nsswitch);
    free(nsswitch);
    return hosts;
}

static void open_keeping(struct postgres_bench *bench, const struct postgres_server *server) {
    char dsn[256];
    snprintf(dsn, sizeof dsn, "postgresql://bugsink:%s@db.test:%d/bugsink", POSTGRES_PASSWORD_ENCODED,
        server->port);
    postgres_bench_open_keeping(bench, dsn, ROLE_MAIN, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
    postgres_bench_expect(bench, REASON_OK, "", PHASE_NONE);
}

static char *our_backends(const struct postgres_server *server) {
    return postgres_exec(server, "postgres",
        "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE application_name = 'bugsink-health'");
}

START_TEST(a_name_that_moves_is_followed_in_the_next_run) {
    struct postgres_bench bench;
    char *dir = tempdir_new(), *hosts = cover_hosts(dir, "a_name_that_moves_is_followed_in_the_next_run");
    if (!hosts)
        return;
    postgres_bench_forget_environment();
    struct postgres_server *server = postgres_start(NULL);
    tempdir_write(hosts, "127.0.0.1 db.test\n::1 db.test\n");
    open_keeping(&bench, server);
    char *first = our_backends(server);
    tempdir_write(hosts, "::1 db.test\n127.0.0.1 db.test\n");
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    char *second = our_backends(server);
    ck_assert_str_eq(first, second);
    tempdir_write(hosts, "127.0.0.9 db.test\n");
    postgres_bench_expect(&bench, REASON_REFUSED, "", PHASE_CONNECT); /* the server is not there */
    tempdir_write(hosts, "127.0.0.1 db.test\n");
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    postgres_bench_close(&bench);
    postgres_free(server);
    free(first);
    free(second);
    free(hosts);
    free(dir);
}
END_TEST

START_TEST(a_name_server_that_falls_silent_is_slow_while_the_last_address_serves) {
    struct postgres_bench bench, fresh;
    char dsn[256];
    char *dir = tempdir_new(),
         *hosts = cover_hosts(dir, "a_name_server_that_falls_silent_is_slow_while_the_last_address_serves");
    if (!hosts)
        return;
    postgres_bench_forget_environment();
    struct postgres_server *server = postgres_start(NULL);
    open_keeping(&bench, server);
    int dns = namespace_silent_dns(dir);
    postgres_bench_expect(&bench, REASON_SLOW, "", PHASE_RESOLVE); /* on the connection that was kept */
    postgres_do(server, "postgres",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bugsink-health'");
    rig_run(&bench.rig, &bench.own); /* on a fresh one */
    ck_assert_int_eq(bench.own.outcome.reason, REASON_SLOW);
    postgres_bench_close(&bench);
    snprintf(dsn, sizeof dsn, "postgresql://bugsink:%s@db.test:%d/bugsink", POSTGRES_PASSWORD_ENCODED,
        server->port);
    postgres_bench_open(&fresh, dsn, ROLE_MAIN, TIMEOUT_MS);
    postgres_bench_expect(&fresh, REASON_TIMEOUT, "", PHASE_RESOLVE);
    postgres_bench_close(&fresh);
    postgres_free(server);
    close(dns);
    free(hosts);
    free(dir);
}
END_TEST

Suite *postgres_names_suite(void) {
    Suite *suite = suite_create("postgres_names");
    TCase *tcase = tcase_create("names");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_name_that_moves_is_followed_in_the_next_run);
    tcase_add_test(tcase, a_name_server_that_falls_silent_is_slow_while_the_last_address_serves);
    return suite;
}
