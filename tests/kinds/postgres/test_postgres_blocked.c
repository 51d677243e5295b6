/* Tests of the sessions of Bugsink's that wait in a PostgreSQL database.
 *
 *  who is at one statement for longer than 5 s        the run
 *  our user, waiting for a lock, on any table         blocked, and counted
 *  our user, in a long statement                      blocked, and counted
 *  the lock is one that our questions wait for, too   timeout, and counted
 *  idle in a transaction; not yet for so long         ok
 *  another user; our user from another address        ok
 *  our own sessions, whatever they are called         ok
 *  anybody of our user, behind the same pooler        blocked, and counted */
#include "kinds/postgres/postgres_bench.h"

#include "harness/pgbouncer.h"
#include "harness/postgres.h"
#include "harness/skip.h"
#include "harness/wait.h"

#include <check.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER  "bugsink"
#define RIGHT POSTGRES_PASSWORD_ENCODED

enum { TIMEOUT_MS = 4000, INTERVAL_MS = 5000, RECONNECT_MS = 60000, PATIENCE_MS = 30000 };

static struct postgres_server *server;

static void start_server(void) {
    postgres_bench_forget_environment();
    server = postgres_start(NULL);
    postgres_do(server, "bugsink",
        "CREATE TABLE projects_project (id int); ALTER TABLE projects_project OWNER TO bugsink");
}

static void stop_server(void) {
    postgres_free(server);
}

static void open_keeping(struct postgres_bench *bench, const char *dsn) {
    postgres_bench_open_keeping(bench, dsn, ROLE_MAIN, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
    postgres_bench_expect(bench, REASON_OK, "", PHASE_NONE);
}

static PGconn *connect_to(const char *dsn) {
    PGconn *conn = PQconnectdb(dsn);
    ck_assert_msg(PQstatus(conn) == CONNECTION_OK, "%s", PQerrorMessage(conn));
    return conn;
}

static PGconn *lock(const char *table) {
    char sql[128];
    char conninfo[256];
    snprintf(conninfo, sizeof conninfo, "host=%s port=%d user=postgres dbname=bugsink", server->root,
        server->port);
    PGconn *conn = connect_to(conninfo);
    snprintf(sql, sizeof sql, "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", table);
    PQclear(PQexec(conn, "BEGIN"));
    PGresult *result = PQexec(conn, sql);
    ck_assert_msg(PQresultStatus(result) == PGRES_COMMAND_OK, "%s", PQerrorMessage(conn));
    PQclear(result);
    return conn;
}

static void send_only(PGconn *conn, const char *sql) {
    ck_assert_msg(PQsendQuery(conn, sql), "%s", PQerrorMessage(conn));
}

/* Ends what the session waits for, so that its backend is gone with it. */
static void give_up(PGconn *conn) {
    char text[256];
    PGcancel *cancel = PQgetCancel(conn);
    PQcancel(cancel, text, sizeof text);
    PQfreeCancel(cancel);
    PQfinish(conn);
}

static int64_t blocked_count(const struct postgres_bench *bench) {
    int64_t count = 0;
    observed_get(&bench->own.outcome.observed, OBSERVED_BLOCKED_SESSIONS, &count);
    return count;
}

static bool are_two_blocked(void *arg) {
    struct postgres_bench *bench = arg;
    rig_run(&bench->rig, &bench->own);
    return blocked_count(bench) == 2;
}

/* A session that has gone is one until the server has run. */
static bool is_none_blocked(void *arg) {
    struct postgres_bench *bench = arg;
    rig_run(&bench->rig, &bench->own);
    return blocked_count(bench) == 0 && bench->own.outcome.reason == REASON_OK;
}

static const struct {
    const char *table, *statement;
    enum reason reason;
} WAITS[] = {
    {"projects_project", "SELECT * FROM projects_project", REASON_BLOCKED},
    {"projects_project", "SELECT pg_sleep(60)", REASON_BLOCKED},
    {"phonehome_installation", "SELECT * FROM phonehome_installation", REASON_TIMEOUT},
};

START_TEST(sessions_that_wait_are_counted_whatever_they_wait_for) {
    struct postgres_bench bench;
    char *dsn = postgres_dsn(server, USER, RIGHT, "bugsink", "");
    open_keeping(&bench, dsn);
    PGconn *locker = lock(WAITS[_i].table), *idle = connect_to(dsn);
    PGconn *waiting[] = {connect_to(dsn), connect_to(dsn)};
    PQclear(PQexec(idle, "BEGIN"));
    for (int i = 0; i < 2; i++)
        send_only(waiting[i], WAITS[_i].statement);
    ck_assert(wait_until(are_two_blocked, &bench, PATIENCE_MS));
    ck_assert_int_eq(bench.own.outcome.reason, WAITS[_i].reason);
    PQfinish(locker);
    PQfinish(idle);
    for (int i = 0; i < 2; i++)
        give_up(waiting[i]);
    ck_assert(wait_until(is_none_blocked, &bench, PATIENCE_MS));
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

static bool have_waited(void *arg) {
    char *count = postgres_exec(server, "postgres",
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query_start < clock_timestamp() -"
        " interval '6 s'");
    bool have = strtol(count, NULL, 10) == *(int *)arg;
    free(count);
    return have;
}

/* Others, and what is ours under Bugsink's own application_name. */
START_TEST(sessions_of_others_and_our_own_are_not_counted) {
    struct postgres_bench bench;
    int all = 4;
    char *dsn = postgres_dsn(server, USER, RIGHT, "bugsink", ""), conninfo[256], on_ipv6[256];
    char *reader = postgres_dsn(server, "reader", RIGHT, "bugsink", ""),
         *ours = postgres_dsn(server, USER, RIGHT, "bugsink", "?application_name=bugsink-health");
    snprintf(conninfo, sizeof conninfo, "host=%s port=%d user=postgres dbname=bugsink", server->root,
        server->port);
    snprintf(on_ipv6, sizeof on_ipv6, "postgresql://%s:%s@[::1]:%d/bugsink", USER, RIGHT, server->port);
    PGconn *sessions[] = {connect_to(reader), connect_to(ours), connect_to(on_ipv6), connect_to(dsn)};
    for (int i = 0; i < 3; i++)
        send_only(sessions[i], "SELECT pg_sleep(60)");
    send_only(sessions[3], "SELECT pg_sleep(60) AS in_recovery");
    ck_assert(wait_until(have_waited, &all, PATIENCE_MS));
    open_keeping(&bench, dsn);
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    postgres_bench_close(&bench);
    for (int i = 0; i < 4; i++)
        give_up(sessions[i]);
    free(dsn);
    free(reader);
    free(ours);
}
END_TEST

static bool is_one_blocked(void *arg) {
    struct postgres_bench *bench = arg;
    rig_run(&bench->rig, &bench->own);
    return blocked_count(bench) == 1;
}

/* All that comes through a pooler has the pooler's address: who waits may be another pod's Bugsink. */
START_TEST(behind_a_pooler_all_sessions_of_the_user_count) {
    struct postgres_bench bench;
    if (!pgbouncer_is_installed()) {
        skip_test("behind_a_pooler_all_sessions_of_the_user_count", "PgBouncer is not installed");
        return;
    }
    struct pgbouncer *bouncer = pgbouncer_start(server, "");
    char *dsn = pgbouncer_dsn(bouncer, USER, RIGHT, "bugsink");
    PGconn *other = connect_to(dsn);
    send_only(other, "SELECT pg_sleep(60)");
    open_keeping(&bench, dsn);
    ck_assert(wait_until(is_one_blocked, &bench, PATIENCE_MS));
    ck_assert_int_eq(bench.own.outcome.reason, REASON_BLOCKED);
    give_up(other);
    postgres_bench_close(&bench);
    pgbouncer_free(bouncer);
    free(dsn);
}
END_TEST

Suite *postgres_blocked_suite(void) {
    Suite *suite = suite_create("postgres_blocked");
    TCase *tcase = tcase_create("blocked");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 90);
    tcase_add_unchecked_fixture(tcase, start_server, stop_server);
    tcase_add_loop_test(
        tcase, sessions_that_wait_are_counted_whatever_they_wait_for, 0, sizeof WAITS / sizeof WAITS[0]);
    tcase_add_test(tcase, sessions_of_others_and_our_own_are_not_counted);
    tcase_add_test(tcase, behind_a_pooler_all_sessions_of_the_user_count);
    return suite;
}
