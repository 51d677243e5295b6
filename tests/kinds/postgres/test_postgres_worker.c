/* Tests of the PostgreSQL connection that a worker keeps between runs.
 *
 *  the connection                                     the run
 *  well                                               on the same backend and worker, until `reconnect`
 *  ended by the server                                is told within 50 ms; ok, on a fresh login
 *  password changed                                   ok until `reconnect`, then auth_failed
 *  tables gone, no permission, ...                    the code of a fresh login
 *
 * The server's own restarts and settings, and TLS: test_postgres_restart.c. A server that turns hostile:
 * test_postgres_liar.c. */
#include "kinds/postgres/postgres_bench.h"
#include "harness/postgres.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER  "bugsink"
#define RIGHT POSTGRES_PASSWORD_ENCODED

enum { TIMEOUT_MS = 5000, INTERVAL_MS = 5000, RECONNECT_MS = 60000, SILENCE_MS = 200, PATIENCE_MS = 3000 };

/* -- the kind, on a real server -- */

static struct postgres_server *server;

static void start_server(void) {
    postgres_bench_forget_environment();
    server = postgres_start(NULL);
}

static void stop_server(void) {
    postgres_free(server);
}

static void open_keeping(struct postgres_bench *bench, const char *dsn, enum role role) {
    postgres_bench_open_keeping(bench, dsn, role, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
}

static char *dsn_of(const char *database) {
    return postgres_dsn(server, USER, RIGHT, database, "");
}

START_TEST(the_next_runs_ask_on_the_same_backend) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    open_keeping(&bench, dsn, _i == 0 ? ROLE_MAIN : ROLE_PLAIN);
    postgres_bench_expect_well(&bench);
    char *first = postgres_bench_backends(server);
    ck_assert_str_ne(first, "");
    ck_assert_ptr_null(strchr(first, ' '));
    pid_t worker = child_pid(bench.own.check.child);
    for (int i = 0; i < 20; i++) {
        int64_t version = 0, installations = -1;
        postgres_bench_expect_well(&bench);
        ck_assert(observed_get(&bench.own.outcome.observed, OBSERVED_SERVER_VERSION, &version));
        ck_assert_int_ge(version, 90600);
        ck_assert_int_eq(
            observed_get(&bench.own.outcome.observed, OBSERVED_INSTALLATIONS, &installations), _i == 0);
        char *backends = postgres_bench_backends(server);
        ck_assert_str_eq(backends, first);
        free(backends);
        ck_assert_int_eq(child_pid(bench.own.check.child), worker); /* and no other worker is forked */
    }
    char *state = postgres_exec(server, "postgres", "SELECT state " POSTGRES_BENCH_SESSIONS);
    ck_assert_str_eq(state, "idle");
    free(state);
    free(first);
    postgres_bench_close(&bench);
    ck_assert(wait_until(postgres_bench_is_nobody_there, server, PATIENCE_MS));
    free(dsn);
}
END_TEST

START_TEST(a_login_serves_no_longer_than_reconnect) {
    enum { SHORT_MS = 1000, OFTEN_MS = 10, WHILE_MS = 6 * SHORT_MS };
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink"), *last = str_dup("");
    int64_t end_ms = wait_now_ms() + WHILE_MS, login_ms = 0;
    int logins = 0;
    postgres_bench_open_keeping(&bench, dsn, ROLE_MAIN, TIMEOUT_MS, OFTEN_MS, SHORT_MS);
    while (wait_now_ms() < end_ms) {
        int64_t now_ms = wait_now_ms();
        postgres_bench_expect_well(&bench);
        char *now = postgres_bench_backends(server); /* nobody: it was closed after this run */
        if (now[0] == '\0' || strcmp(now, last) == 0) {
            ck_assert_int_le(now[0] == '\0' ? 0 : now_ms - login_ms, SHORT_MS);
            free(now);
            continue;
        }
        login_ms = now_ms;
        logins++;
        free(last);
        last = now;
    }
    ck_assert_int_ge(logins, WHILE_MS / SHORT_MS - 1);
    free(last);
    free(dsn);
    postgres_bench_close(&bench);
}
END_TEST

/* The session that a worker has closed stays in the server's list until the server has run. */
static bool is_session_over(void *arg) {
    char *now = postgres_bench_backends(server);
    bool is_over = strcmp(now, arg) != 0;
    free(now);
    return is_over;
}

/* At the standard settings `reconnect` is three intervals: each second look logs in. */
START_TEST(a_login_serves_until_an_interval_before_reconnect) {
    enum { OFTEN_MS = 500, TIMES = 8 };
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    postgres_bench_open_keeping(&bench, dsn, ROLE_MAIN, TIMEOUT_MS, OFTEN_MS, 3 * OFTEN_MS);
    for (int kept = 0; kept < TIMES;) {
        postgres_bench_expect_well(&bench);
        char *first = postgres_bench_backends(server);
        rig_turn_for(&bench.rig, OFTEN_MS);
        postgres_bench_expect_well(&bench);
        kept += first[0] != '\0'; /* else the login itself took too long here */
        ck_assert(first[0] == '\0' || wait_until(is_session_over, first, PATIENCE_MS));
        free(first);
    }
    free(dsn);
    postgres_bench_close(&bench);
}
END_TEST

/* One whose next use would come too late is closed at once, so that the fresh login finds its place free. */
START_TEST(what_would_be_too_old_next_time_is_not_kept) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    postgres_bench_open_keeping(&bench, dsn, ROLE_MAIN, TIMEOUT_MS, INTERVAL_MS, _i == 0 ? 0 : INTERVAL_MS);
    for (int i = 0; i < 2; i++) {
        postgres_bench_expect_well(&bench);
        ck_assert(wait_until(postgres_bench_is_nobody_there, server, PATIENCE_MS));
    }
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

START_TEST(a_backend_ended_between_runs_is_replaced_in_the_run) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    open_keeping(&bench, dsn, ROLE_MAIN);
    postgres_bench_expect_well(&bench);
    for (int i = 0; i < 5; i++) {
        char *first = postgres_bench_backends(server);
        postgres_do(server, "postgres", "SELECT pg_terminate_backend(pid) " POSTGRES_BENCH_SESSIONS);
        ck_assert(wait_until(postgres_bench_is_nobody_there, server, PATIENCE_MS));
        postgres_bench_expect_well(&bench);
        char *second = postgres_bench_backends(server);
        ck_assert_str_ne(second, "");
        ck_assert_str_ne(second, first);
        free(first);
        free(second);
    }
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

static char *own_database(const char *name) {
    char create[256];
    snprintf(create, sizeof create, "CREATE DATABASE %s TEMPLATE template_bugsink OWNER bugsink", name);
    postgres_do(server, "postgres", create);
    return dsn_of(name);
}

/* What befalls the database between two runs, and is seen in a session that was there before. */
static const struct {
    const char *name, *sql;
    enum reason reason;
    const char *code;
    bool is_kept; /* the connection serves on */
} CHANGES[] = {
    {"kept_empty", "DELETE FROM django_migrations", REASON_UNMIGRATED, "", false},
    {"kept_gone", "DROP TABLE django_migrations", REASON_UNMIGRATED, "42P01", false},
    {"kept_half", "DROP TABLE phonehome_installation", REASON_UNMIGRATED, "42P01", false},
    {"kept_none", "DELETE FROM phonehome_installation", REASON_APP_DATA_INVALID, "", false},
    {"kept_two", "INSERT INTO phonehome_installation (id) VALUES (gen_random_uuid())",
        REASON_APP_DATA_INVALID, "", false},
    {"kept_denied",
        "ALTER TABLE django_migrations OWNER TO postgres; REVOKE ALL ON django_migrations FROM bugsink",
        REASON_UNMIGRATED, "42501", false},
    {"kept_paused", "UPDATE phonehome_installation SET quota_exceeded_until = now() + interval '1 hour'",
        REASON_INGESTION_PAUSED, "", true},
    {"kept_older", "ALTER TABLE phonehome_installation DROP quota_exceeded_until", REASON_OK, "", true},
};

START_TEST(what_changes_has_the_code_of_a_fresh_login) {
    struct postgres_bench kept, fresh;
    char *dsn = own_database(CHANGES[_i].name);
    enum reason reason = CHANGES[_i].reason;
    enum phase phase = reason == REASON_OK ? PHASE_NONE : PHASE_QUERY;
    open_keeping(&kept, dsn, ROLE_MAIN);
    postgres_bench_expect_well(&kept);
    ck_assert(rig_turn_until_childless(&kept.rig));
    char *first = postgres_bench_backends(server);
    postgres_do(server, CHANGES[_i].name, CHANGES[_i].sql);
    for (int i = 0; i < 2; i++)
        postgres_bench_expect(&kept, reason, CHANGES[_i].code, phase);
    char *last = postgres_bench_backends(server);
    ck_assert_int_eq(strcmp(first, last) == 0, CHANGES[_i].is_kept);
    postgres_bench_close(&kept);
    postgres_bench_open(&fresh, dsn, ROLE_MAIN, TIMEOUT_MS);
    postgres_bench_expect(&fresh, reason, CHANGES[_i].code, phase);
    postgres_bench_close(&fresh);
    ck_assert(wait_until(postgres_bench_is_nobody_there, server, PATIENCE_MS));
    free(first);
    free(last);
    free(dsn);
}
END_TEST

/* A kept session takes a new setting of the server, but none of its database or role, nor a new password:
 * those show with the next login. */
static bool is_refused(void *arg) {
    struct postgres_bench *bench = arg;
    rig_run(&bench->rig, &bench->own);
    return bench->own.outcome.reason == REASON_AUTH_FAILED;
}

START_TEST(what_only_a_login_learns_shows_by_reconnect) {
    enum { SHORT_MS = 3000, OFTEN_MS = 10 };
    struct postgres_bench bench;
    char *dsn = own_database("kept_login");
    postgres_bench_open_keeping(&bench, dsn, ROLE_MAIN, TIMEOUT_MS, OFTEN_MS, SHORT_MS);
    postgres_bench_expect_well(&bench);
    char *first = postgres_bench_backends(server);
    postgres_do(server, "postgres", "ALTER ROLE bugsink PASSWORD 'another'");
    char *second = postgres_bench_backends(server);
    ck_assert_str_eq(first, second);
    ck_assert(wait_until(is_refused, &bench, SHORT_MS + PATIENCE_MS));
    postgres_do(server, "postgres", "ALTER ROLE bugsink PASSWORD '" POSTGRES_PASSWORD "'");
    postgres_bench_expect_well(&bench);
    postgres_bench_close(&bench);
    free(first);
    free(second);
    free(dsn);
}
END_TEST

START_TEST(in_maintenance_nothing_is_kept) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    open_keeping(&bench, dsn, ROLE_MAIN);
    postgres_bench_expect_well(&bench);
    bench.rig.env.lets_go = true;
    check_let_go(&bench.own.check);
    ck_assert(wait_until(postgres_bench_is_nobody_there, server, PATIENCE_MS));
    for (int i = 0; i < 2; i++) {
        postgres_bench_expect_well(&bench);
        ck_assert(wait_until(postgres_bench_is_nobody_there, server, PATIENCE_MS));
    }
    bench.rig.env.lets_go = false;
    postgres_bench_expect_well(&bench);
    char *first = postgres_bench_backends(server);
    postgres_bench_expect_well(&bench);
    char *second = postgres_bench_backends(server);
    ck_assert_str_eq(first, second); /* kept again */
    int finished = bench.own.finished;
    ck_assert(rig_turn_until_childless(&bench.rig));
    ck_assert(check_start(&bench.own.check));
    bench.rig.env.lets_go = true; /* while a run is under way: at its end */
    check_let_go(&bench.own.check);
    ck_assert(rig_turn_until(&bench.rig, postgres_bench_is_nobody_there, server, PATIENCE_MS));
    ck_assert_int_eq(bench.own.finished, finished + 1);
    ck_assert_int_eq(bench.own.outcome.reason, REASON_OK);
    free(first);
    free(second);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

START_TEST(a_run_given_up_takes_its_connection_along) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    open_keeping(&bench, dsn, ROLE_MAIN);
    postgres_bench_expect_well(&bench);
    ck_assert(rig_turn_until_childless(&bench.rig)); /* else the run waits for that, and has not begun */
    ck_assert(check_start(&bench.own.check));
    check_cancel(&bench.own.check);
    ck_assert(wait_until(postgres_bench_is_nobody_there, server, PATIENCE_MS));
    postgres_bench_expect_well(&bench);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

/* The lock is found on the kept connection, and told by a fresh login with what remains of the run: with the
 * server's own code, unless the machine is so busy that the time is up before that. */
START_TEST(a_blocked_query_is_a_timeout_as_ever) {
    struct postgres_bench bench;
    char *dsn = own_database("kept_blocked");
    postgres_bench_open_keeping(&bench, dsn, ROLE_MAIN, 2000, INTERVAL_MS, RECONNECT_MS);
    postgres_bench_expect_well(&bench);
    PGconn *lock = postgres_bench_lock(server, "kept_blocked");
    rig_run(&bench.rig, &bench.own);
    ck_assert_int_eq(bench.own.outcome.reason, REASON_TIMEOUT);
    ck_assert_int_lt(bench.own.duration_ms, 2500);
    PQfinish(lock);
    postgres_bench_expect_well(&bench);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

/* The best of some: on a busy machine the scheduler's share is none of ours. */
START_TEST(the_servers_end_of_it_is_told_at_once) {
    enum { SOON_MS = 50, TRIES = 20 };
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    int64_t best_ms = PATIENCE_MS;
    int tries = 0;
    open_keeping(&bench, dsn, ROLE_MAIN);
    postgres_bench_watch_stirred(&bench);
    postgres_bench_expect_well(&bench);
    while (best_ms > SOON_MS && tries++ < TRIES) {
        bench.own.stirred = 0;
        postgres_do(server, "postgres", "SELECT pg_terminate_backend(pid) " POSTGRES_BENCH_SESSIONS);
        int64_t ended_ms = wait_now_ms();
        ck_assert(rig_turn_until(&bench.rig, postgres_bench_is_stirred, &bench.own, PATIENCE_MS));
        int64_t told_ms = wait_now_ms() - ended_ms;
        best_ms = told_ms < best_ms ? told_ms : best_ms;
        postgres_bench_expect_well(&bench);
        ck_assert_int_eq(bench.own.stirred, 1);
    }
    ck_assert_int_le(best_ms, SOON_MS);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

START_TEST(a_worker_killed_between_runs_is_replaced_in_the_run) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    open_keeping(&bench, dsn, ROLE_MAIN);
    for (int i = 0; i < 3; i++) {
        postgres_bench_expect_well(&bench);
        pid_t worker = child_pid(bench.own.check.child);
        ck_assert_int_eq(kill(worker, SIGKILL), 0);
        ck_assert(wait_until(postgres_bench_is_nobody_there, server, PATIENCE_MS));
        postgres_bench_expect_well(&bench);
        ck_assert_int_ne(child_pid(bench.own.check.child), worker);
    }
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

START_TEST(a_stopped_worker_is_a_timeout_and_replaced) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    postgres_bench_open_keeping(&bench, dsn, ROLE_MAIN, 1000, INTERVAL_MS, RECONNECT_MS);
    postgres_bench_expect_well(&bench);
    ck_assert_int_eq(kill(child_pid(bench.own.check.child), SIGSTOP), 0);
    rig_run(&bench.rig, &bench.own);
    ck_assert_int_eq(bench.own.outcome.reason, REASON_TIMEOUT);
    ck_assert(rig_turn_until_childless(&bench.rig));
    postgres_bench_expect_well(&bench);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

START_TEST(many_runs_leave_no_descriptor) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    open_keeping(&bench, dsn, ROLE_MAIN);
    postgres_bench_expect_well(&bench);
    ck_assert(rig_turn_until_childless(&bench.rig));
    int before = postgres_bench_count_descriptors();
    for (int i = 0; i < 1000; i++) {
        postgres_bench_expect_well(&bench);
        if (i % 20 == 0)
            check_let_go(&bench.own.check); /* the next logs in */
    }
    postgres_bench_expect_well(&bench);
    ck_assert(rig_turn_until_childless(&bench.rig));
    ck_assert_int_eq(postgres_bench_count_descriptors(), before);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

Suite *postgres_worker_suite(void) {
    Suite *suite = suite_create("postgres_worker");
    TCase *shared = tcase_create("shared");
    suite_add_tcase(suite, shared);
    tcase_set_timeout(shared, 60);
    tcase_add_unchecked_fixture(shared, start_server, stop_server);
    tcase_add_loop_test(shared, the_next_runs_ask_on_the_same_backend, 0, 2);
    tcase_add_test(shared, a_login_serves_no_longer_than_reconnect);
    tcase_add_test(shared, a_login_serves_until_an_interval_before_reconnect);
    tcase_add_loop_test(shared, what_would_be_too_old_next_time_is_not_kept, 0, 2);
    tcase_add_test(shared, a_backend_ended_between_runs_is_replaced_in_the_run);
    tcase_add_loop_test(
        shared, what_changes_has_the_code_of_a_fresh_login, 0, sizeof CHANGES / sizeof CHANGES[0]);
    tcase_add_test(shared, what_only_a_login_learns_shows_by_reconnect);
    tcase_add_test(shared, in_maintenance_nothing_is_kept);
    tcase_add_test(shared, a_run_given_up_takes_its_connection_along);
    tcase_add_test(shared, a_blocked_query_is_a_timeout_as_ever);
    tcase_add_test(shared, many_runs_leave_no_descriptor);
    tcase_add_test(shared, the_servers_end_of_it_is_told_at_once);
    tcase_add_test(shared, a_worker_killed_between_runs_is_replaced_in_the_run);
    tcase_add_test(shared, a_stopped_worker_is_a_timeout_and_replaced);
    return suite;
}
