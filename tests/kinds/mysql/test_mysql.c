/* Tests of the MySQL kind on a real MariaDB server that all of them share.
 *
 *  the server, the database, the DSN                  the run
 *  well: plain; main; by name, ::1, socket            ok
 *  wrong password, no password, no such user          auth_failed 1045
 *  no right to the database, or none of that name     auth_failed 1044
 *  no such database, for a user with all rights       db_missing 1049
 *  the account's own limit                            too_many_clients 1226
 *  a client plugin that is not there                  auth_unsupported
 *  no tables, no permission, django_migrations empty  unmigrated 1146, 1142
 *  phonehome_installation with 0 or 2 rows            app_data_invalid
 *  quota_exceeded_until ahead; past; no such column   ingestion_paused; ok; ok
 *  a table locked by a migration                      timeout 1969 in phase query; no query is left waiting
 *  a connection killed in mid-query                   reset 1927
 *
 * Every run is looked through for the password. */
#include "kinds/mysql/mysql_bench.h"

#include "base/str.h"
#include "harness/certificates.h"
#include "harness/mariadb.h"
#include "harness/peer.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"
#include "kinds/kinds.h"

#include <check.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USER           "bugsink"
#define RIGHT          MARIADB_PASSWORD_ENCODED
#define COUNT(array)   ((int)(sizeof(array) / sizeof(array)[0]))
#define WRONG_PASSWORD "1045"

enum { TIMEOUT_MS = 5000, SHORT_MS = 600 };

/* -- the server all tests share that do not touch its life -- */

static struct mariadb_server *server;

static void start_server(void) {
    server = mariadb_start(NULL);
}

static void stop_server(void) {
    mariadb_free(server);
}

/* A database of the test's own (name starts with "own_"), as bugsink is, and then changed. */
static char *own_database(const char *name, const char *sql) {
    char text[1024];
    snprintf(text, sizeof text,
        "CREATE DATABASE %s;\nCREATE TABLE %s.django_migrations SELECT * FROM bugsink.django_migrations;\n"
        "CREATE TABLE %s.phonehome_installation SELECT * FROM bugsink.phonehome_installation;\n",
        name, name, name);
    mariadb_do(server, NULL, text);
    mariadb_do(server, name, sql);
    return mariadb_dsn(server, USER, RIGHT, name, "");
}

struct row {
    const char *user, *password, *database, *query;
    enum role role;
    enum reason reason;
    const char *code;
    enum phase phase;
};

static const struct row ROWS[] = {
    {USER, RIGHT, "bugsink", "", ROLE_PLAIN, REASON_OK, "", PHASE_NONE},
    {USER, RIGHT, "bugsink", "", ROLE_MAIN, REASON_OK, "", PHASE_NONE},
    {USER, RIGHT, "", "", ROLE_PLAIN, REASON_OK, "", PHASE_NONE},
    {USER, RIGHT, "bugsink", "?ssl-mode=disabled", ROLE_MAIN, REASON_OK, "", PHASE_NONE},
    {USER, RIGHT, "bugsink", "?charset=latin1", ROLE_MAIN, REASON_OK, "", PHASE_NONE},
    {USER, RIGHT, "blank", "", ROLE_PLAIN, REASON_OK, "", PHASE_NONE},
    {USER, "wrong", "bugsink", "", ROLE_MAIN, REASON_AUTH_FAILED, WRONG_PASSWORD, PHASE_AUTH},
    {USER, NULL, "bugsink", "", ROLE_MAIN, REASON_AUTH_FAILED, WRONG_PASSWORD, PHASE_AUTH},
    {"nobody", "wrong", "bugsink", "", ROLE_MAIN, REASON_AUTH_FAILED, WRONG_PASSWORD, PHASE_AUTH},
    {USER, RIGHT, "absent", "", ROLE_MAIN, REASON_AUTH_FAILED, "1044", PHASE_AUTH},
    {USER, RIGHT, "mysql", "", ROLE_PLAIN, REASON_AUTH_FAILED, "1044", PHASE_AUTH},
    {USER, RIGHT, "blank", "", ROLE_MAIN, REASON_UNMIGRATED, "1146", PHASE_QUERY},
    {"reader", RIGHT, "bugsink", "", ROLE_MAIN, REASON_UNMIGRATED, "1142", PHASE_QUERY},
    {"reader", RIGHT, "bugsink", "", ROLE_PLAIN, REASON_OK, "", PHASE_NONE},
    {USER, RIGHT, "bugsink", "?ssl-mode=required", ROLE_PLAIN, REASON_TLS, "", PHASE_TLS},
    {USER, RIGHT, "bugsink", "?ssl=true", ROLE_PLAIN, REASON_TLS, "", PHASE_TLS},
    {USER, RIGHT, "bugsink", "?ssl-mode=verify-identity", ROLE_PLAIN, REASON_TLS, "", PHASE_TLS},
    {USER, RIGHT, "bugsink", "?ssl-ca=/nonexistent", ROLE_PLAIN, REASON_TLS, "", PHASE_OPEN},
};

START_TEST(what_a_dsn_finds) {
    const struct row *row = &ROWS[_i];
    char *dsn = mariadb_dsn(server, row->user, row->password, row->database, row->query);
    bench_once(dsn, row->role, row->reason, row->code, row->phase);
    free(dsn);
}
END_TEST

START_TEST(the_server_is_found_by_every_kind_of_address) {
    char dsn[512];
    const struct {
        const char *host;
        int port;
        enum reason reason;
        enum phase phase;
    } ways[] = {{"[::1]", server->port, REASON_OK, PHASE_NONE},
        {"127.1", server->port, REASON_OK, PHASE_NONE},
        {"127.0.0.1", peer_free_port(), REASON_REFUSED, PHASE_CONNECT},
        {"no.such.name.invalid", server->port, REASON_UNRESOLVED, PHASE_RESOLVE}};
    for (int i = 0; i < COUNT(ways); i++) {
        snprintf(dsn, sizeof dsn, "mysql://%s:%s@%s:%d/bugsink", USER, RIGHT, ways[i].host, ways[i].port);
        bench_once(dsn, ROLE_MAIN, ways[i].reason, ways[i].reason == REASON_OK ? "" : NULL, ways[i].phase);
    }
    snprintf(dsn, sizeof dsn, "mysql://%s:%s@/bugsink?unix_socket=%s", USER, RIGHT, server->socket);
    bench_once(dsn, ROLE_MAIN, REASON_OK, "", PHASE_NONE);
    snprintf(dsn, sizeof dsn, "mysql://%s:wrong@/bugsink?unix-socket=%s", USER, server->socket);
    bench_once(dsn, ROLE_MAIN, REASON_AUTH_FAILED, WRONG_PASSWORD, PHASE_AUTH);
    snprintf(dsn, sizeof dsn, "mysql://%s:%s@localhost/bugsink?unix-socket=/nonexistent", USER, RIGHT);
    bench_once(dsn, ROLE_MAIN, REASON_REFUSED, "2002", PHASE_CONNECT);
}
END_TEST

START_TEST(what_was_seen_is_observed) {
    struct bench bench;
    int64_t version = 0, installations = 0;
    char *dsn = mariadb_dsn(server, USER, RIGHT, "bugsink", "");
    bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    ck_assert(observed_get(&bench.own.outcome.observed, OBSERVED_SERVER_VERSION, &version));
    ck_assert_int_ge(version, 100000);
    ck_assert(observed_get(&bench.own.outcome.observed, OBSERVED_INSTALLATIONS, &installations));
    ck_assert_int_eq(installations, 1);
    bench_close(&bench);
    free(dsn);
}
END_TEST

static const struct {
    const char *name, *sql;
    enum reason reason;
    const char *code;
} DATA[] = {
    {"own_empty_migrations", "DELETE FROM django_migrations", REASON_UNMIGRATED, ""},
    {"own_no_installation", "DELETE FROM phonehome_installation", REASON_APP_DATA_INVALID, ""},
    {"own_two_installations", "INSERT INTO phonehome_installation (id) VALUES ('second')",
        REASON_APP_DATA_INVALID, ""},
    {"own_half_migrated", "DROP TABLE phonehome_installation", REASON_UNMIGRATED, "1146"},
    {"own_paused",
        "UPDATE phonehome_installation SET quota_exceeded_until = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR",
        REASON_INGESTION_PAUSED, ""},
    {"own_not_paused",
        "UPDATE phonehome_installation SET quota_exceeded_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND",
        REASON_OK, ""},
    {"own_older_bugsink", "ALTER TABLE phonehome_installation DROP quota_exceeded_until", REASON_OK, ""},
};

START_TEST(what_bugsinks_data_say) {
    enum reason reason = DATA[_i].reason;
    char *dsn = own_database(DATA[_i].name, DATA[_i].sql);
    bench_once(dsn, ROLE_MAIN, reason, DATA[_i].code, reason == REASON_OK ? PHASE_NONE : PHASE_QUERY);
    bench_once(dsn, ROLE_PLAIN, REASON_OK, "", PHASE_NONE);
    free(dsn);
}
END_TEST

START_TEST(a_missing_database_is_told_to_whom_may_know) {
    mariadb_do(
        server, NULL, "CREATE USER powerful@'%' IDENTIFIED BY 'p';\nGRANT SELECT ON *.* TO powerful@'%';\n");
    char *dsn = mariadb_dsn(server, "powerful", "p", "absent", "");
    bench_once(dsn, ROLE_PLAIN, REASON_DB_MISSING, "1049", PHASE_AUTH);
    free(dsn);
}
END_TEST

START_TEST(an_account_has_limits_of_its_own) {
    mariadb_do(server, NULL, "CREATE USER thrifty@'%' IDENTIFIED BY 'p' WITH MAX_CONNECTIONS_PER_HOUR 1;\n");
    char *dsn = mariadb_dsn(server, "thrifty", "p", "", "");
    bench_once(dsn, ROLE_PLAIN, REASON_OK, "", PHASE_NONE);
    bench_once(dsn, ROLE_PLAIN, REASON_TOO_MANY_CLIENTS, "1226", PHASE_AUTH);
    free(dsn);
    mariadb_do(server, NULL, "CREATE USER locked@'%' IDENTIFIED BY 'p' ACCOUNT LOCK;\n");
    dsn = mariadb_dsn(server, "locked", "p", "", "");
    bench_once(dsn, ROLE_PLAIN, REASON_AUTH_FAILED, "4151", PHASE_AUTH);
    free(dsn);
}
END_TEST

START_TEST(a_plugin_that_is_not_there_is_named) {
    struct bench bench;
    mariadb_do(server, NULL,
        "INSTALL SONAME 'auth_ed25519';\nCREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('p');\n");
    char *dsn = mariadb_dsn(server, "ed", "p", "", "");
    bench_once(dsn, ROLE_PLAIN, REASON_OK, "", PHASE_NONE);
    setenv("MARIADB_PLUGIN_DIR", "/nonexistent", 1);
    bench_open(&bench, dsn, ROLE_PLAIN, TIMEOUT_MS);
    bench_expect(&bench, REASON_AUTH_UNSUPPORTED, NULL, PHASE_AUTH);
    ck_assert_ptr_nonnull(strstr(bench.own.outcome.detail, "client_ed25519"));
    bench_close(&bench);
    free(dsn);
}
END_TEST

/* -- no trace -- */

START_TEST(a_healthy_check_leaves_no_trace) {
    struct bench bench;
    char *dsn = mariadb_dsn(server, USER, RIGHT, "bugsink", ""), *before = mariadb_log(server);
    long clients = mariadb_status(server, "Aborted_clients"),
         connects = mariadb_status(server, "Aborted_connects");
    for (int role = ROLE_PLAIN; role <= ROLE_MAIN; role++) {
        bench_open(&bench, dsn, (enum role)role, TIMEOUT_MS);
        for (int i = 0; i < 5; i++)
            bench_expect(&bench, REASON_OK, "", PHASE_NONE);
        bench_close(&bench);
    }
    ck_assert_int_eq(mariadb_status(server, "Aborted_clients"), clients);
    ck_assert_int_eq(mariadb_status(server, "Aborted_connects"), connects);
    char *after = mariadb_log(server);
    ck_assert_str_eq(after, before);
    free(before);
    free(after);
    free(dsn);
}
END_TEST

/* -- a hanging query -- */

/* A session that holds what a migration holds. */
static MYSQL *hold_lock(const char *database) {
    MYSQL *mysql = mysql_init(NULL);
    ck_assert_ptr_nonnull(mysql_real_connect(mysql, NULL, "root", "", database, 0, server->socket, 0));
    ck_assert_int_eq(mysql_query(mysql, "LOCK TABLES django_migrations WRITE"), 0);
    return mysql;
}

static long count_waiting(void) {
    char *text = mariadb_exec(server, NULL,
        "SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER = 'bugsink' AND COMMAND = 'Query'");
    long count = strtol(text, NULL, 10);
    free(text);
    return count;
}

static bool is_nobody_waiting(void *arg) {
    (void)arg;
    return count_waiting() == 0;
}

static bool is_somebody_waiting(void *arg) {
    (void)arg;
    return count_waiting() > 0;
}

START_TEST(a_blocked_query_ends_in_the_server_too) {
    enum { BLOCKED_MS = 1200 }; /* the server's own limit comes a fifth of it before ours */
    struct bench bench;
    char *dsn = own_database("own_blocked", "");
    MYSQL *locker = hold_lock("own_blocked");
    bench_open(&bench, dsn, ROLE_MAIN, BLOCKED_MS);
    for (int i = 0; i < 3; i++) {
        bench_expect(&bench, REASON_TIMEOUT, NULL, PHASE_QUERY);
        const char *code = bench.own.outcome.code; /* of the limit of the statement, or of the lock: 1 s */
        ck_assert_msg(strcmp(code, "1969") == 0 || strcmp(code, "1205") == 0, "%s", code);
    }
    ck_assert(wait_until(is_nobody_waiting, NULL, 2000)); /* and the lock is still held */
    mysql_close(locker);
    bench.own.config.timeout_ms = TIMEOUT_MS;
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    bench_close(&bench);
    free(dsn);
}
END_TEST

static bool is_idle(void *arg) {
    const struct check *check = arg;
    return !check->is_running;
}

START_TEST(a_connection_killed_in_mid_query_is_a_reset) {
    struct bench bench;
    char *dsn = own_database("own_killed", "");
    MYSQL *locker = hold_lock("own_killed");
    bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    ck_assert(check_start(&bench.own.check));
    ck_assert(rig_turn_until(&bench.rig, is_somebody_waiting, NULL, 3000));
    mariadb_do(server, NULL, "KILL USER bugsink");
    ck_assert(rig_turn_until(&bench.rig, is_idle, &bench.own.check, 3000));
    ck_assert_int_eq(bench.own.outcome.reason, REASON_RESET);
    ck_assert_int_eq(bench.own.outcome.phase, PHASE_QUERY);
    mysql_close(locker);
    bench_close(&bench);
    free(dsn);
}
END_TEST

START_TEST(a_run_given_up_in_mid_query_leaves_nothing) {
    struct bench bench;
    char *dsn = own_database("own_given_up", "");
    MYSQL *locker = hold_lock("own_given_up");
    bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    ck_assert(check_start(&bench.own.check));
    ck_assert(rig_turn_until(&bench.rig, is_somebody_waiting, NULL, 3000));
    bench_close(&bench);
    ck_assert_int_eq(bench.own.finished, 0);
    ck_assert(wait_until(is_nobody_waiting, NULL, 3000));
    mysql_close(locker);
    free(dsn);
}
END_TEST

/* As DATABASE_URL without one is read; Django logs in all the same. */
START_TEST(the_empty_name_of_a_database_is_a_missing_one) {
    struct bench bench;
    char *dsn = mariadb_dsn(server, USER, RIGHT, "bugsink", "");
    bench_open(&bench, dsn, ROLE_MAIN, 5000);
    bench.own.config.database.dsn.database[0] = '\0';
    bench_expect(&bench, REASON_DB_MISSING, "1046", PHASE_QUERY);
    bench_close(&bench);
    free(dsn);
}
END_TEST

/* -- what is refused before anything runs -- */

static const struct {
    const char *dsn;
    enum role role;
    const char *error;
} REFUSED[] = {
    {"mysql://u@h/d?sslmod=required", ROLE_PLAIN, "no parameter \"sslmod\""},
    {"mysql://u@h/d?charset=klingon", ROLE_PLAIN, "no charset of that name"},
    {"mysql://u@h", ROLE_MAIN, "names no database"},
    {"mysql://u@h/d", ROLE_QUEUE, "queue is always SQLite"},
};

START_TEST(a_dsn_that_cannot_be_served_is_refused) {
    struct check_config config = {.kind = KIND_MYSQL, .database.role = REFUSED[_i].role, .timeout_ms = 100};
    struct check_env env = {0};
    struct check check;
    struct error err = {.text = ""};
    ck_assert_msg(dsn_parse(REFUSED[_i].dsn, &config.database.dsn, &err) == 0, "%s", err.text);
    ck_assert_int_eq(check_init(&check, &MYSQL_KIND, &env, &config, NULL, NULL, &err), -1);
    ck_assert_msg(strstr(err.text, REFUSED[_i].error) != NULL, "%s", err.text);
    dsn_release(&config.database.dsn);
}
END_TEST

Suite *mysql_suite(void) {
    Suite *suite = suite_create("mysql");
    TCase *shared = tcase_create("shared");
    suite_add_tcase(suite, shared);
    tcase_set_timeout(shared, 60);
    tcase_add_unchecked_fixture(shared, start_server, stop_server);
    tcase_add_loop_test(shared, what_a_dsn_finds, 0, COUNT(ROWS));
    tcase_add_test(shared, the_server_is_found_by_every_kind_of_address);
    tcase_add_test(shared, what_was_seen_is_observed);
    tcase_add_loop_test(shared, what_bugsinks_data_say, 0, COUNT(DATA));
    tcase_add_test(shared, a_missing_database_is_told_to_whom_may_know);
    tcase_add_test(shared, the_empty_name_of_a_database_is_a_missing_one);
    tcase_add_test(shared, an_account_has_limits_of_its_own);
    tcase_add_test(shared, a_plugin_that_is_not_there_is_named);
    tcase_add_test(shared, a_healthy_check_leaves_no_trace);
    tcase_add_test(shared, a_blocked_query_ends_in_the_server_too);
    tcase_add_test(shared, a_connection_killed_in_mid_query_is_a_reset);
    tcase_add_test(shared, a_run_given_up_in_mid_query_leaves_nothing);
    TCase *own = tcase_create("own");
    suite_add_tcase(suite, own);
    tcase_set_timeout(own, 90);
    tcase_add_loop_test(own, a_dsn_that_cannot_be_served_is_refused, 0, COUNT(REFUSED));
    return suite;
}
