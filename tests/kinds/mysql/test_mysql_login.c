/* Tests of what only a login shows, on a connection to a real MariaDB that is kept.
 *
 *  what changes while the connection is kept          the next run
 *  the account locked, gone, renamed, held to TLS     auth_failed
 *  its password changed, or expired                   auth_failed
 *  its rights taken away                              auth_failed
 *  read_only; read-only transactions by default       read_only
 *  a limit of account or of all; a full server        too_many_clients, and our place is free
 *  another setting of new sessions; another account   ok; the same connection where it is none of ours
 *  the account dropped                                auth_failed
 *  the server ends it                                 is told within 50 ms; ok, on a fresh login */
#include "kinds/mysql/mysql_bench.h"

#include "harness/mariadb.h"
#include "harness/wait.h"

#include <check.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RIGHT MARIADB_PASSWORD_ENCODED

enum { TIMEOUT_MS = 5000, INTERVAL_MS = 5000, RECONNECT_MS = 3600 * 1000, PATIENCE_MS = 20000 };

static struct mariadb_server *server;

/* A limit that is 0 at the start cannot be changed. */
static void start_server(void) {
    const char *const settings[] = {"max-user-connections=200", NULL};
    server = mariadb_start(settings);
}

static void stop_server(void) {
    mariadb_free(server);
}

static void open_keeping(struct bench *bench, enum role role) {
    char *dsn = mariadb_dsn(server, "bugsink", RIGHT, "bugsink", "");
    bench_open_keeping(bench, dsn, role, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
    free(dsn);
    bench_expect(bench, REASON_OK, "", PHASE_NONE);
}

static char *our_sessions(void) {
    return mariadb_exec(server, NULL,
        "SELECT COALESCE(GROUP_CONCAT(ID), '') FROM information_schema.PROCESSLIST WHERE USER = 'bugsink'");
}

static bool is_nobody_there(void *arg) {
    char *sessions = our_sessions();
    bool is_nobody = sessions[0] == '\0';
    (void)arg;
    free(sessions);
    return is_nobody;
}

/* What is done between two runs, and undone. */
static const struct {
    const char *sql, *undo;
    enum reason reason;
    const char *code;
    enum phase phase;
} CHANGES[] = {
    {"ALTER USER bugsink@'%' ACCOUNT LOCK;\n", "ALTER USER bugsink@'%' ACCOUNT UNLOCK;\n", REASON_AUTH_FAILED,
        "4151", PHASE_AUTH},
    {"ALTER USER bugsink@'%' PASSWORD EXPIRE;\n",
        "ALTER USER bugsink@'%' IDENTIFIED BY '" MARIADB_PASSWORD "';\n", REASON_AUTH_FAILED, "1820",
        PHASE_QUERY},
    {"SET GLOBAL disconnect_on_expired_password=1;\nALTER USER bugsink@'%' PASSWORD EXPIRE;\n",
        "ALTER USER bugsink@'%' IDENTIFIED BY '" MARIADB_PASSWORD "';\n"
        "SET GLOBAL disconnect_on_expired_password=0;\n",
        REASON_AUTH_FAILED, "1862", PHASE_AUTH},
    {"ALTER USER bugsink@'%' IDENTIFIED BY 'another';\n",
        "ALTER USER bugsink@'%' IDENTIFIED BY '" MARIADB_PASSWORD "';\n", REASON_AUTH_FAILED, "1045",
        PHASE_AUTH},
    {"ALTER USER bugsink@'%' REQUIRE SSL;\n", "ALTER USER bugsink@'%' REQUIRE NONE;\n", REASON_AUTH_FAILED,
        "1045", PHASE_AUTH},
    {"RENAME USER bugsink@'%' TO aside@'%';\n", "RENAME USER aside@'%' TO bugsink@'%';\n", REASON_AUTH_FAILED,
        "1045", PHASE_AUTH},
    {"REVOKE ALL ON bugsink.* FROM bugsink@'%';\n", "GRANT ALL ON bugsink.* TO bugsink@'%';\n",
        REASON_AUTH_FAILED, "1044", PHASE_AUTH},
    {"SET GLOBAL read_only=1;\n", "SET GLOBAL read_only=0;\n", REASON_READ_ONLY, "1290", PHASE_QUERY},
    {"SET GLOBAL tx_read_only=1;\n", "SET GLOBAL tx_read_only=0;\n", REASON_READ_ONLY, "", PHASE_QUERY},
};

START_TEST(what_the_next_login_would_meet_is_met_in_the_next_run) {
    struct bench bench;
    open_keeping(&bench, ROLE_MAIN);
    mariadb_do(server, NULL, CHANGES[_i].sql);
    for (int i = 0; i < 2; i++)
        bench_expect(&bench, CHANGES[_i].reason, CHANGES[_i].code, CHANGES[_i].phase);
    mariadb_do(server, NULL, CHANGES[_i].undo);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    bench_close(&bench);
}
END_TEST

START_TEST(so_it_is_where_only_a_round_trip_is_asked_for) {
    struct bench bench;
    open_keeping(&bench, ROLE_PLAIN);
    mariadb_do(server, NULL, CHANGES[0].sql);
    bench_expect(&bench, CHANGES[0].reason, CHANGES[0].code, CHANGES[0].phase);
    mariadb_do(server, NULL, CHANGES[0].undo);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    bench_close(&bench);
}
END_TEST

static const struct {
    const char *sql, *undo;
    bool is_kept; /* the connection serves on */
} SETTINGS[] = {
    {"SELECT 1;\n", "SELECT 1;\n", true},
    {"ALTER USER reader@'%' ACCOUNT LOCK;\n", "ALTER USER reader@'%' ACCOUNT UNLOCK;\n", true},
    {"GRANT SELECT ON blank.* TO reader@'%';\n", "REVOKE SELECT ON blank.* FROM reader@'%';\n", true},
    {"SET GLOBAL key_buffer_size=131072;\n", "SET GLOBAL key_buffer_size=65536;\n", true},
    {"SET GLOBAL sql_mode='ANSI';\n", "SET GLOBAL sql_mode=DEFAULT;\n", false},
    {"ALTER USER bugsink@'%' WITH MAX_USER_CONNECTIONS 9;\n",
        "ALTER USER bugsink@'%' WITH MAX_USER_CONNECTIONS 0;\n", false},
    {"CREATE ROLE some;\nGRANT some TO bugsink@'%';\n", "DROP ROLE some;\n", false},
};

START_TEST(only_what_concerns_us_costs_a_login) {
    struct bench bench;
    open_keeping(&bench, ROLE_MAIN);
    char *first = our_sessions();
    mariadb_do(server, NULL, SETTINGS[_i].sql);
    for (int i = 0; i < 2; i++)
        bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    char *last = our_sessions();
    ck_assert_str_ne(last, "");
    ck_assert_msg((strcmp(first, last) == 0) == SETTINGS[_i].is_kept, "%s, then %s", first, last);
    free(first);
    free(last);
    mariadb_do(server, NULL, SETTINGS[_i].undo);
    bench_close(&bench);
}
END_TEST

START_TEST(a_wish_for_a_fresh_login_is_heeded) {
    struct bench bench;
    open_keeping(&bench, ROLE_MAIN);
    char *first = our_sessions();
    bench.own.check.wants_fresh = true;
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    char *second = our_sessions();
    ck_assert_ptr_null(strstr(second, first));
    free(first);
    free(second);
    bench_close(&bench);
}
END_TEST

/* -- places -- */

enum { MOST = 40 };

static MYSQL *log_in(const char *user) {
    bool is_root = strcmp(user, "root") == 0;
    MYSQL *mysql = mysql_init(NULL);
    if (mysql_real_connect(mysql, is_root ? "localhost" : "127.0.0.1", user,
            is_root ? NULL : MARIADB_PASSWORD, NULL, is_root ? 0 : (unsigned)server->port,
            is_root ? server->socket : NULL, 0))
        return mysql;
    mysql_close(mysql);
    return NULL;
}

/* Logs in as that user until nobody more is let in. */
static int fill(MYSQL *sessions[MOST], const char *user) {
    int count = 0;
    while (count < MOST && (sessions[count] = log_in(user)) != NULL)
        count++;
    ck_assert_int_lt(count, MOST);
    return count;
}

static void end_all(MYSQL *sessions[MOST], int count) {
    while (count > 0)
        mysql_close(sessions[--count]);
}

struct filling {
    MYSQL **sessions;
    const char *user;
    int count;
};

/* A session's place is free a moment after it has said goodbye. */
static bool has_let_one_in(void *arg) {
    struct filling *filling = arg;
    filling->count = fill(filling->sessions, filling->user);
    return filling->count > 0;
}

static const struct {
    const char *limit, *undo, *user, *code;
} FULL[] = {
    {"SELECT 1;\n", "SELECT 1;\n", "reader", "1040"},
    {"ALTER USER bugsink@'%' WITH MAX_USER_CONNECTIONS 4;\n",
        "ALTER USER bugsink@'%' WITH MAX_USER_CONNECTIONS 0;\n", "bugsink", "1226"},
    {"SET GLOBAL max_user_connections=4;\n", "SET GLOBAL max_user_connections=200;\n", "bugsink", "1203"},
};

static bool is_well_and_kept(void *arg) {
    struct bench *bench = arg;
    rig_run(&bench->rig, &bench->own);
    return bench->own.outcome.reason == REASON_OK && !is_nobody_there(NULL);
}

/* We sit in one of the places ourselves while they fill up: it is then given up for Bugsink. */
START_TEST(a_full_server_is_full_also_for_who_is_in_it) {
    struct bench bench;
    MYSQL *sessions[MOST], *last[MOST];
    mariadb_do(server, NULL, FULL[_i].limit);
    open_keeping(&bench, ROLE_MAIN);
    int count = fill(sessions, FULL[_i].user);
    ck_assert_int_gt(count, 0);
    bench_expect(&bench, REASON_TOO_MANY_CLIENTS, FULL[_i].code, PHASE_AUTH);
    struct filling filling = {.sessions = last, .user = FULL[_i].user};
    ck_assert(wait_until(has_let_one_in, &filling, PATIENCE_MS));
    bench_expect(&bench, REASON_TOO_MANY_CLIENTS, FULL[_i].code, PHASE_AUTH);
    end_all(last, filling.count);
    end_all(sessions, count);
    ck_assert(wait_until(is_well_and_kept, &bench, PATIENCE_MS));
    mariadb_do(server, NULL, FULL[_i].undo);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    bench_close(&bench);
}
END_TEST

/* The server then has no answer to what it is asked of the account. */
START_TEST(an_account_that_is_dropped_is_refused_in_the_next_run) {
    struct bench bench;
    mariadb_do(
        server, NULL, "CREATE USER passing@'%' IDENTIFIED BY 'p';\nGRANT ALL ON bugsink.* TO passing@'%';\n");
    char *dsn = mariadb_dsn(server, "passing", "p", "bugsink", "");
    bench_open_keeping(&bench, dsn, ROLE_MAIN, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    mariadb_do(server, NULL, "DROP USER passing@'%';\n");
    bench_expect(&bench, REASON_AUTH_FAILED, "1045", PHASE_AUTH);
    bench_close(&bench);
    free(dsn);
}
END_TEST

static void on_stirred(struct check *check) {
    struct rig_check *own = check->arg;
    own->stirred++;
}

static bool is_stirred(void *arg) {
    const struct bench *bench = arg;
    return bench->own.stirred > 0;
}

/* The best of some: on a busy machine the scheduler's share is none of ours. */
START_TEST(the_servers_end_of_it_is_told_at_once) {
    enum { SOON_MS = 50, TRIES = 20 };
    struct bench bench;
    int64_t best_ms = PATIENCE_MS;
    int tries = 0;
    open_keeping(&bench, ROLE_MAIN);
    bench.own.check.stirred = on_stirred;
    while (best_ms > SOON_MS && tries++ < TRIES) {
        char sql[64], *session = our_sessions();
        snprintf(sql, sizeof sql, "KILL %.40s;\n", session);
        bench.own.stirred = 0;
        mariadb_do(server, NULL, sql);
        int64_t ended_ms = wait_now_ms();
        ck_assert(rig_turn_until(&bench.rig, is_stirred, &bench, PATIENCE_MS));
        int64_t told_ms = wait_now_ms() - ended_ms;
        best_ms = told_ms < best_ms ? told_ms : best_ms;
        bench_expect(&bench, REASON_OK, "", PHASE_NONE);
        ck_assert_int_eq(bench.own.stirred, 1);
        free(session);
    }
    ck_assert_int_le(best_ms, SOON_MS);
    bench_close(&bench);
}
END_TEST

Suite *mysql_login_suite(void) {
    Suite *suite = suite_create("mysql_login");
    TCase *tcase = tcase_create("login");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, start_server, stop_server);
    tcase_add_loop_test(
        tcase, what_the_next_login_would_meet_is_met_in_the_next_run, 0, sizeof CHANGES / sizeof CHANGES[0]);
    tcase_add_test(tcase, so_it_is_where_only_a_round_trip_is_asked_for);
    tcase_add_loop_test(tcase, only_what_concerns_us_costs_a_login, 0, sizeof SETTINGS / sizeof SETTINGS[0]);
    tcase_add_test(tcase, a_wish_for_a_fresh_login_is_heeded);
    tcase_add_loop_test(tcase, a_full_server_is_full_also_for_who_is_in_it, 0, sizeof FULL / sizeof FULL[0]);
    tcase_add_test(tcase, an_account_that_is_dropped_is_refused_in_the_next_run);
    tcase_add_test(tcase, the_servers_end_of_it_is_told_at_once);
    return suite;
}
