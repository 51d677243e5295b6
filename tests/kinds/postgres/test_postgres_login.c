/* Tests of what only a login shows, on a connection that is kept.
 *
 *  what changes while the connection is kept          the next run
 *  read-only: by database, role, both, for all        read_only
 *  NOLOGIN; no right to connect                       auth_failed 28000, 42501
 *  the password's time is over, at once or later      auth_failed 28P01
 *  no connections allowed                             query_failed 55000
 *  a limit of role, database; a full server           too_many_clients 53300
 *  another setting, another role's or database's      ok; the same connection where it is none of ours
 *  the catalogs hidden                                ok, and nothing is kept */
#include "kinds/postgres/postgres_bench.h"

#include "harness/postgres.h"
#include "harness/wait.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER  "bugsink"
#define RIGHT POSTGRES_PASSWORD_ENCODED

enum { TIMEOUT_MS = 5000, INTERVAL_MS = 5000, RECONNECT_MS = 3600 * 1000, PATIENCE_MS = 10000 };

static struct postgres_server *server;

static void start_server(void) {
    postgres_bench_forget_environment();
    server = postgres_start(NULL);
}

static void stop_server(void) {
    postgres_free(server);
}

static void open_keeping(struct postgres_bench *bench, const char *database) {
    char *dsn = postgres_dsn(server, USER, RIGHT, database, "");
    postgres_bench_open_keeping(bench, dsn, ROLE_MAIN, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
    free(dsn);
    postgres_bench_expect(bench, REASON_OK, "", PHASE_NONE);
}

#define OURS "FROM pg_stat_activity WHERE application_name = 'bugsink-health'"

static char *our_backends(void) {
    return postgres_exec(server, "postgres", "SELECT coalesce(string_agg(pid::text, ' '), '') " OURS);
}

static bool is_nobody_there(void *arg) {
    char *backends = our_backends();
    bool is_nobody = backends[0] == '\0';
    (void)arg;
    free(backends);
    return is_nobody;
}

/* What is done to role and database between two runs, and undone. */
static const struct {
    const char *sql, *undo;
    enum reason reason;
    const char *code;
} CHANGES[] = {
    {"ALTER DATABASE bugsink SET default_transaction_read_only = on",
        "ALTER DATABASE bugsink RESET default_transaction_read_only", REASON_READ_ONLY, ""},
    {"ALTER ROLE bugsink SET default_transaction_read_only = on",
        "ALTER ROLE bugsink RESET default_transaction_read_only", REASON_READ_ONLY, ""},
    {"ALTER ROLE bugsink IN DATABASE bugsink SET default_transaction_read_only = on",
        "ALTER ROLE bugsink IN DATABASE bugsink RESET default_transaction_read_only", REASON_READ_ONLY, ""},
    {"ALTER ROLE ALL SET default_transaction_read_only = on",
        "BEGIN READ WRITE; ALTER ROLE ALL RESET default_transaction_read_only; COMMIT", REASON_READ_ONLY, ""},
    {"ALTER ROLE bugsink NOLOGIN", "ALTER ROLE bugsink LOGIN", REASON_AUTH_FAILED, "28000"},
    {"ALTER ROLE bugsink VALID UNTIL '2001-01-01'", "ALTER ROLE bugsink VALID UNTIL 'infinity'",
        REASON_AUTH_FAILED, "28P01"},
    {"ALTER DATABASE bugsink ALLOW_CONNECTIONS false", "ALTER DATABASE bugsink ALLOW_CONNECTIONS true",
        REASON_QUERY_FAILED, "55000"},
    {"ALTER DATABASE bugsink CONNECTION LIMIT 0", "ALTER DATABASE bugsink CONNECTION LIMIT -1",
        REASON_TOO_MANY_CLIENTS, "53300"},
    {"ALTER ROLE bugsink CONNECTION LIMIT 0", "ALTER ROLE bugsink CONNECTION LIMIT -1",
        REASON_TOO_MANY_CLIENTS, "53300"},
    {"ALTER DATABASE bugsink OWNER TO postgres; REVOKE CONNECT ON DATABASE bugsink FROM PUBLIC",
        "ALTER DATABASE bugsink OWNER TO bugsink; GRANT CONNECT ON DATABASE bugsink TO PUBLIC",
        REASON_AUTH_FAILED, "42501"},
};

START_TEST(what_the_next_login_would_meet_is_met_in_the_next_run) {
    struct postgres_bench bench;
    enum phase phase = CHANGES[_i].reason == REASON_READ_ONLY ? PHASE_QUERY : PHASE_AUTH;
    open_keeping(&bench, "bugsink");
    postgres_do(server, "postgres", CHANGES[_i].sql);
    for (int i = 0; i < 2; i++)
        postgres_bench_expect(&bench, CHANGES[_i].reason, CHANGES[_i].code, phase);
    postgres_do(server, "postgres", CHANGES[_i].undo);
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    postgres_bench_close(&bench);
}
END_TEST

/* Nothing is altered at that moment: time passes. */
START_TEST(a_role_whose_time_runs_out_is_refused_from_then_on) {
    struct postgres_bench bench;
    char *until = postgres_exec(server, "postgres", "SELECT (now() + interval '3 s')::text"), sql[160];
    snprintf(sql, sizeof sql, "ALTER ROLE bugsink VALID UNTIL '%s'", until);
    free(until);
    postgres_do(server, "postgres", sql);
    open_keeping(&bench, "bugsink");
    postgres_do(server, "postgres",
        "SELECT pg_sleep(extract(epoch FROM rolvaliduntil - clock_timestamp())) FROM pg_roles"
        " WHERE rolname = 'bugsink'");
    postgres_bench_expect(&bench, REASON_AUTH_FAILED, "28P01", PHASE_AUTH);
    postgres_do(server, "postgres", "ALTER ROLE bugsink VALID UNTIL 'infinity'");
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    postgres_bench_close(&bench);
}
END_TEST

static const struct {
    const char *sql;
    bool is_kept; /* the connection serves on */
} SETTINGS[] = {
    {"ALTER ROLE reader SET work_mem = '5MB'", true},
    {"ALTER DATABASE blank SET work_mem = '5MB'", true},
    {"ALTER ROLE bugsink IN DATABASE blank SET work_mem = '5MB'", true},
    {"ALTER ROLE bugsink SET work_mem = '5MB'", false},
    {"ALTER DATABASE bugsink SET work_mem = '5MB'", false},
    {"ALTER ROLE bugsink CONNECTION LIMIT 9", false},
    {"CREATE ROLE somebody LOGIN VALID UNTIL 'yesterday'", true},
};

START_TEST(only_what_concerns_us_costs_a_login) {
    struct postgres_bench bench;
    open_keeping(&bench, "bugsink");
    char *first = our_backends();
    postgres_do(server, "postgres", SETTINGS[_i].sql);
    for (int i = 0; i < 2; i++)
        postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    char *last = our_backends();
    ck_assert_str_ne(last, "");
    ck_assert_int_eq(strcmp(first, last) == 0, SETTINGS[_i].is_kept);
    free(first);
    free(last);
    postgres_bench_close(&bench);
}
END_TEST

START_TEST(a_wish_for_a_fresh_login_is_heeded) {
    struct postgres_bench bench;
    open_keeping(&bench, "bugsink");
    char *first = our_backends();
    bench.own.check.wants_fresh = true;
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    char *second = our_backends();
    ck_assert_str_ne(first, second);
    free(first);
    free(second);
    postgres_bench_close(&bench);
}
END_TEST

/* -- places -- */

enum { MOST = 40 };

/* Logs in as that user until nobody more is let in. */
static int fill(PGconn *sessions[MOST], const char *user) {
    int count = 0;
    char *dsn = postgres_dsn(server, user, RIGHT, "bugsink", "");
    for (; count < MOST; count++) {
        sessions[count] = PQconnectdb(dsn);
        if (PQstatus(sessions[count]) != CONNECTION_OK)
            break;
    }
    ck_assert_int_lt(count, MOST);
    PQfinish(sessions[count]);
    free(dsn);
    return count;
}

struct filling {
    PGconn **sessions;
    const char *user;
    int count;
};

/* A backend is out of the view a moment before its place is free. */
static bool has_let_one_in(void *arg) {
    struct filling *filling = arg;
    filling->count = fill(filling->sessions, filling->user);
    return filling->count > 0;
}

static void end_all(PGconn *sessions[MOST], int count) {
    while (count > 0)
        PQfinish(sessions[--count]);
}

static const struct {
    const char *limit, *undo, *user;
} FULL[] = {
    {"SELECT 1", "SELECT 1", "reader"},
    {"ALTER ROLE bugsink CONNECTION LIMIT 4", "ALTER ROLE bugsink CONNECTION LIMIT -1", "bugsink"},
    {"ALTER DATABASE bugsink CONNECTION LIMIT 4", "ALTER DATABASE bugsink CONNECTION LIMIT -1", "reader"},
};

static bool is_well_and_kept(void *arg) {
    postgres_bench_expect(arg, REASON_OK, "", PHASE_NONE);
    return !is_nobody_there(NULL);
}

/* We sit in one of the places ourselves while they fill up: it is then given up for Bugsink, and not taken
 * for longer than a look while it is the last. */
START_TEST(a_full_server_is_full_also_for_who_is_in_it) {
    struct postgres_bench bench;
    PGconn *sessions[MOST], *last[MOST];
    postgres_do(server, "postgres", FULL[_i].limit);
    open_keeping(&bench, "bugsink");
    int count = fill(sessions, FULL[_i].user);
    postgres_bench_expect(&bench, REASON_TOO_MANY_CLIENTS, "53300", PHASE_AUTH);
    ck_assert(wait_until(is_nobody_there, NULL, PATIENCE_MS));
    struct filling filling = {.sessions = last, .user = FULL[_i].user};
    ck_assert(wait_until(has_let_one_in, &filling, PATIENCE_MS));
    int more = filling.count;
    ck_assert_int_eq(more, 1);
    postgres_bench_expect(&bench, REASON_TOO_MANY_CLIENTS, "53300", PHASE_AUTH);
    end_all(last, more);
    ck_assert(wait_until(is_nobody_there, NULL, PATIENCE_MS));
    end_all(sessions, count);
    ck_assert(wait_until(is_well_and_kept, &bench, PATIENCE_MS));
    postgres_do(server, "postgres", FULL[_i].undo);
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    postgres_bench_close(&bench);
}
END_TEST

/* -- a server that hides its catalogs -- */

static bool is_nobody_at(void *arg) {
    char *backends = postgres_exec(arg, "postgres", "SELECT count(*) " OURS);
    bool is_nobody = strcmp(backends, "0") == 0;
    free(backends);
    return is_nobody;
}

START_TEST(where_the_catalogs_are_hidden_nothing_is_kept_and_one_line_is_logged) {
    struct postgres_bench bench;
    struct postgres_server *own = postgres_start(NULL);
    postgres_do(own, "bugsink", "REVOKE SELECT ON pg_roles FROM PUBLIC");
    char *dsn = postgres_dsn(own, USER, RIGHT, "bugsink", "");
    postgres_bench_open_keeping(
        &bench, dsn, _i == 0 ? ROLE_MAIN : ROLE_PLAIN, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
    for (int i = 0; i < 3; i++)
        postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    ck_assert(wait_until(is_nobody_at, own, PATIENCE_MS)); /* the server takes a moment to see us gone */
    postgres_bench_close(&bench);
    char *log = postgres_log(own), *first = strstr(log, "permission denied");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, "permission denied"));
    free(log);
    free(dsn);
    postgres_free(own);
}
END_TEST

Suite *postgres_login_suite(void) {
    Suite *suite = suite_create("postgres_login");
    TCase *shared = tcase_create("shared");
    suite_add_tcase(suite, shared);
    tcase_set_timeout(shared, 60);
    tcase_add_unchecked_fixture(shared, start_server, stop_server);
    tcase_add_loop_test(
        shared, what_the_next_login_would_meet_is_met_in_the_next_run, 0, sizeof CHANGES / sizeof CHANGES[0]);
    tcase_add_test(shared, a_role_whose_time_runs_out_is_refused_from_then_on);
    tcase_add_loop_test(shared, only_what_concerns_us_costs_a_login, 0, sizeof SETTINGS / sizeof SETTINGS[0]);
    tcase_add_test(shared, a_wish_for_a_fresh_login_is_heeded);
    tcase_add_loop_test(shared, a_full_server_is_full_also_for_who_is_in_it, 0, sizeof FULL / sizeof FULL[0]);
    TCase *own = tcase_create("own");
    suite_add_tcase(suite, own);
    tcase_set_timeout(own, 60);
    tcase_add_unchecked_fixture(own, postgres_bench_forget_environment, NULL);
    tcase_add_loop_test(own, where_the_catalogs_are_hidden_nothing_is_kept_and_one_line_is_logged, 0, 2);
    return suite;
}
