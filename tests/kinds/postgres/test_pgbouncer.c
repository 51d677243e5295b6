/* Tests of the PostgreSQL kind through a real PgBouncer in transaction pooling.
 *
 *  what is asked for                                  the run
 *  well: main, plain, again and again                 ok
 *  wrong password, no such user                       auth_failed 08P01
 *  a database that the pooler does not know           db_missing 08P01
 *  one that the server behind has not                 db_missing 08P01
 *  a password that the server behind refuses          auth_failed 08P01
 *  no tables                                          unmigrated 42P01
 *  no server behind                                   timeout in phase auth: the pooler waits
 *  a server that has gone                             refused 08P01, or timeout
 *  no more clients allowed                            too_many_clients 08P01
 *  the server behind is a standby by setting          read_only */
#include "kinds/kinds.h"

#include "kinds/postgres/postgres_bench.h"
#include "harness/pgbouncer.h"
#include "harness/rig.h"
#include "harness/skip.h"
#include "harness/wait.h"

#include <check.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER  "bugsink"
#define RIGHT POSTGRES_PASSWORD_ENCODED

enum { TIMEOUT_MS = 5000, SHORT_MS = 2000, PATIENCE_MS = 20000 };

static struct postgres_server *server;

static void start_server(void) {
    if (pgbouncer_is_installed())
        server = postgres_start(NULL);
    else
        skip_test(SKIP_ALL, "PgBouncer is not installed");
}

static void stop_server(void) {
    if (server)
        postgres_free(server);
}

/* One run from nothing. */
static void run(const char *dsn, enum role role, int64_t timeout_ms, struct outcome *outcome) {
    struct rig rig;
    struct rig_check own = {
        .config = {.kind = KIND_POSTGRES, .database.role = role, .timeout_ms = timeout_ms}};
    struct error err;
    rig_init(&rig);
    ck_assert_msg(dsn_parse(dsn, &own.config.database.dsn, &err) == 0, "%s", err.text);
    ck_assert_msg(
        check_init(&own.check, &POSTGRES_KIND, &rig.env, &own.config, rig_finished, &own, &err) == 0, "%s",
        err.text);
    rig_run(&rig, &own);
    *outcome = own.outcome;
    ck_assert_ptr_null(strstr(outcome->detail, POSTGRES_PASSWORD));
    check_release(&own.check);
    dsn_release(&own.config.database.dsn);
    rig_release(&rig);
}

/* The code, with that text; or the one that stands in its place with some versions of the pooler, if any. */
static void expect_either(const char *dsn, enum role role, enum reason reason, const char *code,
    enum phase phase, const char *text, const char *other_code) {
    struct outcome outcome;
    run(dsn, role, reason == REASON_TIMEOUT ? SHORT_MS : TIMEOUT_MS, &outcome);
    const char *seen = phase_name(outcome.phase);
    bool is_code = strcmp(outcome.code, code) == 0 && strstr(outcome.detail, text) != NULL;
    bool is_other = other_code && strcmp(outcome.code, other_code) == 0;
    ck_assert_msg(outcome.reason == reason && outcome.phase == phase && (is_code || is_other),
        "%s %s in phase %s: %s", reason_info(outcome.reason)->slug, outcome.code, seen ? seen : "none",
        outcome.detail);
}

static void expect_text(const char *dsn, enum role role, enum reason reason, const char *code,
    enum phase phase, const char *text) {
    expect_either(dsn, role, reason, code, phase, text, NULL);
}

static void expect(const char *dsn, enum role role, enum reason reason, const char *code, enum phase phase) {
    expect_text(dsn, role, reason, code, phase, "");
}

static const struct {
    const char *user, *password, *database;
    enum role role;
    enum reason reason;
    const char *code;
    enum phase phase;
    const char *text;      /* the pooler's own, by which 08P01 is told apart; "": it does not matter */
    const char *passed_on; /* the server's own code, which version 1.24 hands on in its place */
} ROWS[] = {
    {USER, RIGHT, "bugsink", ROLE_MAIN, REASON_OK, "", PHASE_NONE, "", NULL},
    {USER, RIGHT, "bugsink", ROLE_PLAIN, REASON_OK, "", PHASE_NONE, "", NULL},
    {USER, "wrong", "bugsink", ROLE_MAIN, REASON_AUTH_FAILED, "08P01", PHASE_AUTH,
        "SASL authentication failed", NULL},
    {"nobody", "wrong", "bugsink", ROLE_MAIN, REASON_AUTH_FAILED, "08P01", PHASE_AUTH,
        "SASL authentication failed", NULL},
    {USER, RIGHT, "badpass", ROLE_MAIN, REASON_AUTH_FAILED, "08P01", PHASE_AUTH,
        "password authentication failed", "28P01"},
    {USER, RIGHT, "unknown", ROLE_MAIN, REASON_DB_MISSING, "08P01", PHASE_AUTH, "no such database: unknown",
        NULL},
    {USER, RIGHT, "absent", ROLE_MAIN, REASON_DB_MISSING, "08P01", PHASE_AUTH,
        "database \"absent\" does not exist", "3D000"},
    {USER, RIGHT, "blank", ROLE_MAIN, REASON_UNMIGRATED, "42P01", PHASE_QUERY, "", NULL},
    {USER, RIGHT, "blank", ROLE_PLAIN, REASON_OK, "", PHASE_NONE, "", NULL},
    {"reader", RIGHT, "bugsink", ROLE_MAIN, REASON_UNMIGRATED, "42501", PHASE_QUERY, "", NULL},
    {USER, RIGHT, "dead", ROLE_MAIN, REASON_TIMEOUT, "", PHASE_AUTH, "",
        NULL}, /* the pooler waits and tries again */
};

START_TEST(behind_a_pooler_each_fault_has_its_code) {
    if (!server)
        return;
    struct pgbouncer *bouncer = pgbouncer_start(server, "");
    char *dsn = pgbouncer_dsn(bouncer, ROWS[_i].user, ROWS[_i].password, ROWS[_i].database);
    expect_either(dsn, ROWS[_i].role, ROWS[_i].reason, ROWS[_i].code, ROWS[_i].phase, ROWS[_i].text,
        ROWS[_i].passed_on);
    free(dsn);
    pgbouncer_free(bouncer);
}
END_TEST

/* A pool of one connection, which each transaction takes and must give back clean. */
START_TEST(many_runs_through_one_pooled_connection_are_well) {
    if (!server)
        return;
    struct pgbouncer *bouncer = pgbouncer_start(server, "default_pool_size = 1");
    char *dsn = pgbouncer_dsn(bouncer, USER, RIGHT, "bugsink");
    char *blank = pgbouncer_dsn(bouncer, USER, RIGHT, "blank");
    for (int i = 0; i < 20; i++) {
        expect(dsn, ROLE_MAIN, REASON_OK, "", PHASE_NONE);
        expect(blank, ROLE_MAIN, REASON_UNMIGRATED, "42P01", PHASE_QUERY);
    }
    char *backends = postgres_exec(server, "postgres",
        "SELECT count(DISTINCT pid) || ' ' || count(*) FILTER (WHERE state <> 'idle') FROM pg_stat_activity "
        "WHERE datname IN ('bugsink', 'blank')");
    ck_assert_str_eq(backends, "2 0"); /* one for each database, and in no transaction */
    free(backends);
    free(dsn);
    free(blank);
    pgbouncer_free(bouncer);
}
END_TEST

/* With session pooling, and one server in the pool, who holds a session holds everybody else up. */
START_TEST(behind_a_pooler_nothing_is_kept) {
    static const char *const MODES[] = {
        "default_pool_size = 1\npool_mode = session", "default_pool_size = 1\npool_mode = transaction"};
    if (!server)
        return;
    struct pgbouncer *bouncer = pgbouncer_start(server, MODES[_i]);
    struct postgres_bench bench;
    char *dsn = pgbouncer_dsn(bouncer, USER, RIGHT, "bugsink");
    postgres_bench_open_keeping(&bench, dsn, _i == 0 ? ROLE_MAIN : ROLE_PLAIN, TIMEOUT_MS, 5000, 60000);
    for (int i = 0; i < 3; i++) {
        postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
        PGconn *app = PQconnectdb(dsn); /* Bugsink's, which finds the one server free */
        PGresult *result = PQexec(app, "SELECT 1");
        ck_assert_msg(PQresultStatus(result) == PGRES_TUPLES_OK, "%s", PQerrorMessage(app));
        PQclear(result);
        PQfinish(app);
    }
    postgres_bench_close(&bench);
    free(dsn);
    pgbouncer_free(bouncer);
}
END_TEST

START_TEST(a_pooler_that_takes_no_more_clients_is_full) {
    if (!server)
        return;
    struct pgbouncer *bouncer = pgbouncer_start(server, "max_client_conn = 1");
    char *dsn = pgbouncer_dsn(bouncer, USER, RIGHT, "bugsink");
    PGconn *only = PQconnectdb(dsn);
    ck_assert_msg(PQstatus(only) == CONNECTION_OK, "%s", PQerrorMessage(only));
    expect_text(dsn, ROLE_MAIN, REASON_TOO_MANY_CLIENTS, "08P01", PHASE_AUTH, "no more connections allowed");
    PQfinish(only);
    free(dsn);
    pgbouncer_free(bouncer);
}
END_TEST

struct wanted {
    const char *dsn;
    enum reason reason;
    struct outcome outcome;
};

static bool has_come(void *arg) {
    struct wanted *wanted = arg;
    run(wanted->dsn, ROLE_MAIN, SHORT_MS, &wanted->outcome);
    return wanted->outcome.reason == wanted->reason;
}

static void await(const char *dsn, enum reason reason, enum reason meanwhile) {
    struct wanted wanted = {.dsn = dsn, .reason = reason};
    while (!has_come(&wanted))
        ck_assert_msg(wanted.outcome.reason == meanwhile, "%s %s: %s",
            reason_info(wanted.outcome.reason)->slug, wanted.outcome.code, wanted.outcome.detail);
}

/* Who comes through the pooler may write: PgBouncer 1.26 sets what it took over from the first session
 * (default_transaction_read_only is off) in all later ones, whatever the database's default has become since.
 * Before 1.26 nobody may, and that is read_only. */
static bool agrees_with_a_writer(void *arg) {
    struct wanted *wanted = arg;
    PGconn *app = PQconnectdb(wanted->dsn);
    PGresult *result = PQexec(app, "DELETE FROM django_migrations WHERE FALSE");
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool may_write = PQresultStatus(result) == PGRES_COMMAND_OK,
         is_read_only = code && strcmp(code, "25006") == 0;
    wanted->reason = may_write ? REASON_OK : REASON_READ_ONLY;
    PQclear(result);
    PQfinish(app);
    return has_come(wanted) && (may_write || is_read_only);
}

/* Clients are let in still, since the pooler remembers how the server greets; their queries wait, until the
 * pooler has tried once more. */
START_TEST(a_server_that_dies_behind_its_pooler_shows_and_so_does_its_recovery) {
    if (!server)
        return;
    struct postgres_server *own = postgres_start(NULL);
    struct pgbouncer *bouncer = pgbouncer_start(own, "server_login_retry = 1");
    char *dsn = pgbouncer_dsn(bouncer, USER, RIGHT, "bugsink");
    expect(dsn, ROLE_MAIN, REASON_OK, "", PHASE_NONE);
    postgres_stop(own);
    await(dsn, REASON_REFUSED, REASON_TIMEOUT);
    postgres_restart(own, NULL);
    await(dsn, REASON_OK, REASON_REFUSED);
    postgres_do(own, "postgres", "ALTER DATABASE bugsink SET default_transaction_read_only = on");
    postgres_do(own, "postgres",
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'bugsink'");
    struct wanted wanted = {.dsn = dsn};
    ck_assert_msg(wait_until(agrees_with_a_writer, &wanted, PATIENCE_MS), "%s: %s",
        reason_info(wanted.outcome.reason)->slug, wanted.outcome.detail);
    free(dsn);
    pgbouncer_free(bouncer);
    postgres_free(own);
}
END_TEST

Suite *pgbouncer_suite(void) {
    Suite *suite = suite_create("pgbouncer");
    TCase *tcase = tcase_create("pgbouncer");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, start_server, stop_server);
    tcase_add_loop_test(tcase, behind_a_pooler_each_fault_has_its_code, 0, sizeof ROWS / sizeof ROWS[0]);
    tcase_add_test(tcase, many_runs_through_one_pooled_connection_are_well);
    tcase_add_loop_test(tcase, behind_a_pooler_nothing_is_kept, 0, 2);
    tcase_add_test(tcase, a_pooler_that_takes_no_more_clients_is_full);
    tcase_add_test(tcase, a_server_that_dies_behind_its_pooler_shows_and_so_does_its_recovery);
    return suite;
}
