/* Tests of whether Bugsink could write, on a real MariaDB server.
 *
 *  the user, the server                               the run
 *  has all rights; each one on each table             ok
 *  may SELECT alone; lacks one right on one table     privileges
 *  has a right on some columns; on each of them       privileges; ok
 *  has its rights from a role                         ok
 *  FLUSH TABLES WITH READ LOCK; LOCK TABLES ... READ  blocked, until it ends
 *  a session of the user's in one statement for 5 s   blocked, and counted
 *  another user's; one of another address             ok
 *  commits held up by BACKUP STAGE BLOCK_COMMIT       blocked, by the session that waits, however briefly */
#include "kinds/mysql/mysql_bench.h"

#include "base/str.h"
#include "harness/mariadb.h"
#include "harness/wait.h"

#include <check.h>
#include <mysql.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RIGHT MARIADB_PASSWORD_ENCODED

enum { TIMEOUT_MS = 5000, PATIENCE_MS = 20000 };

static struct mariadb_server *server;

static void start_server(void) {
    server = mariadb_start(NULL);
}

static void stop_server(void) {
    mariadb_free(server);
}

/* -- rights -- */

#define LEAST                                                                                                \
    "GRANT SELECT ON NAME.django_migrations TO NAME@'%';\n"                                                  \
    "GRANT SELECT, INSERT, UPDATE, DELETE ON NAME.phonehome_installation TO NAME@'%';\n"                     \
    "GRANT SELECT, INSERT, UPDATE, DELETE ON NAME.events_event TO NAME@'%';\n"

static const struct {
    const char *name, *sql; /* the user and the database */
    enum reason reason;
    const char *code, *text; /* in the log */
} CASES[] = {
    {"r_all", "GRANT ALL ON NAME.* TO NAME@'%';\n", REASON_OK, "", ""},
    {"r_least", LEAST, REASON_OK, "", ""},
    {"r_select", "GRANT SELECT ON NAME.* TO NAME@'%';\n", REASON_PRIVILEGES, "", "INSERT on "},
    {"r_insert", LEAST "REVOKE INSERT ON NAME.events_event FROM NAME@'%';\n", REASON_PRIVILEGES, "",
        "INSERT on events_event"},
    {"r_update", LEAST "REVOKE UPDATE ON NAME.phonehome_installation FROM NAME@'%';\n", REASON_PRIVILEGES, "",
        "UPDATE on phonehome_installation"},
    {"r_delete", LEAST "REVOKE DELETE ON NAME.events_event FROM NAME@'%';\n", REASON_PRIVILEGES, "1142",
        "DELETE"},
    {"r_some",
        LEAST "REVOKE UPDATE ON NAME.events_event FROM NAME@'%';\n"
              "GRANT UPDATE (id) ON NAME.events_event TO NAME@'%';\n",
        REASON_PRIVILEGES, "", "UPDATE on events_event"},
    {"r_each",
        LEAST "REVOKE UPDATE ON NAME.events_event FROM NAME@'%';\n"
              "GRANT UPDATE (id, data) ON NAME.events_event TO NAME@'%';\n",
        REASON_OK, "", ""},
    {"r_role",
        "CREATE ROLE writers;\nGRANT SELECT, INSERT, UPDATE, DELETE ON NAME.* TO writers;\n"
        "GRANT writers TO NAME@'%';\nSET DEFAULT ROLE writers FOR NAME@'%';\n",
        REASON_OK, "", ""},
};

/* Puts the name in the place of NAME. */
static void do_for(const char *name, const char *sql) {
    struct strbuf text = {0};
    const char *at = sql;
    for (const char *next; (next = strstr(at, "NAME")) != NULL; at = next + strlen("NAME")) {
        strbuf_append_n(&text, at, (size_t)(next - at));
        strbuf_append(&text, name);
    }
    strbuf_append(&text, at);
    mariadb_do(server, NULL, text.data);
    strbuf_release(&text);
}

static const char CONTENT[] =
    "CREATE DATABASE NAME;\nCREATE TABLE NAME.django_migrations SELECT * FROM bugsink.django_migrations;\n"
    "CREATE TABLE NAME.phonehome_installation SELECT * FROM bugsink.phonehome_installation;\n"
    "CREATE TABLE NAME.events_event (id int PRIMARY KEY, data text);\n"
    "CREATE TABLE NAME.other_thing (id int);\n"
    "CREATE USER NAME@'%' IDENTIFIED BY '" MARIADB_PASSWORD "';\n";

START_TEST(who_may_not_write_to_each_table_lacks_privileges) {
    struct bench bench;
    const char *name = CASES[_i].name;
    do_for(name, CONTENT);
    do_for(name, CASES[_i].sql);
    char *dsn = mariadb_dsn(server, name, RIGHT, name, "");
    bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    bench_expect(
        &bench, CASES[_i].reason, CASES[_i].code, CASES[_i].reason == REASON_OK ? PHASE_NONE : PHASE_QUERY);
    ck_assert_ptr_nonnull(strstr(bench.own.outcome.detail, CASES[_i].text));
    bench_close(&bench);
    free(dsn);
}
END_TEST

/* -- locks -- */

static MYSQL *connect_as(const char *user, const char *database) {
    MYSQL *mysql = mysql_init(NULL);
    bool is_root = strcmp(user, "root") == 0;
    ck_assert_msg(mysql_real_connect(mysql, is_root ? "localhost" : "127.0.0.1", user,
                      is_root ? NULL : MARIADB_PASSWORD, database, is_root ? 0 : (unsigned)server->port,
                      is_root ? server->socket : NULL, 0) != NULL,
        "%s", mysql_error(mysql));
    return mysql;
}

static void say(MYSQL *mysql, const char *sql) {
    ck_assert_msg(mysql_query(mysql, sql) == 0, "%s: %s", sql, mysql_error(mysql));
    MYSQL_RES *result = mysql_store_result(mysql);
    mysql_free_result(result);
}

static const struct {
    const char *take, *free;
} LOCKS[] = {
    {"FLUSH TABLES WITH READ LOCK", "UNLOCK TABLES"},
    {"LOCK TABLES phonehome_installation READ", "UNLOCK TABLES"},
};

START_TEST(a_lock_that_every_write_waits_for_is_blocked_until_it_ends) {
    struct bench bench;
    char *dsn = mariadb_dsn(server, "bugsink", RIGHT, "bugsink", "");
    MYSQL *root = connect_as("root", "bugsink");
    bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    say(root, LOCKS[_i].take);
    for (int i = 0; i < 2; i++)
        bench_expect(&bench, REASON_BLOCKED, "1205", PHASE_QUERY);
    say(root, LOCKS[_i].free);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    mysql_close(root);
    bench_close(&bench);
    free(dsn);
}
END_TEST

/* A statement of its own session that is sent, and not waited for. */
static void send_only(MYSQL *mysql, const char *sql) {
    ck_assert_int_eq(mysql_send_query(mysql, sql, strlen(sql)), 0);
}

static bool is_blocked(void *arg) {
    struct bench *bench = arg;
    int64_t count = 0;
    rig_run(&bench->rig, &bench->own);
    return bench->own.outcome.reason == REASON_BLOCKED &&
           observed_get(&bench->own.outcome.observed, OBSERVED_BLOCKED_SESSIONS, &count) && count == 1;
}

START_TEST(a_session_that_waits_is_counted) {
    struct bench bench;
    char *dsn = mariadb_dsn(server, "bugsink", RIGHT, "bugsink", "");
    MYSQL *other = connect_as("bugsink", "bugsink"), *idle = connect_as("bugsink", "bugsink");
    bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    send_only(other, "SELECT SLEEP(60)");
    ck_assert(wait_until(is_blocked, &bench, PATIENCE_MS));
    ck_assert_str_eq(bench.own.outcome.code, "");
    mysql_close(idle);
    mariadb_do(server, NULL, "KILL USER bugsink");
    mysql_close(other);
    bench_close(&bench);
    free(dsn);
}
END_TEST

#define WRITE "UPDATE phonehome_installation SET next_quota_check = next_quota_check + 1"

static void hold_commits_up(MYSQL *root) {
    say(root, "BACKUP STAGE START");
    say(root, "BACKUP STAGE FLUSH");
    say(root, "BACKUP STAGE BLOCK_DDL");
    say(root, "BACKUP STAGE BLOCK_COMMIT");
}

/* Whoever waits is Bugsink's session; no question of ours would. */
START_TEST(commits_that_are_held_up_show_in_the_session_that_waits) {
    struct bench bench;
    char *dsn = mariadb_dsn(server, "bugsink", RIGHT, "bugsink", "");
    MYSQL *root = connect_as("root", NULL), *other = connect_as("bugsink", "bugsink");
    bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    hold_commits_up(root);
    send_only(other, WRITE);
    ck_assert(wait_until(is_blocked, &bench, PATIENCE_MS));
    say(root, "BACKUP STAGE END");
    ck_assert_int_eq(mysql_read_query_result(other), 0);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    mysql_close(other);
    mysql_close(root);
    bench_close(&bench);
    free(dsn);
}
END_TEST

struct impatient {
    struct bench bench;
    MYSQL *writer;
};

/* Gives up, and tries again, as an application with a limit of its own does. */
static bool is_blocked_for_the_impatient(void *arg) {
    struct impatient *impatient = arg;
    struct pollfd answer = {.fd = mysql_get_socket(impatient->writer), .events = POLLIN};
    if (poll(&answer, 1, 0) > 0) {
        ck_assert_int_ne(mysql_read_query_result(impatient->writer), 0);
        send_only(impatient->writer, WRITE);
    }
    return is_blocked(&impatient->bench);
}

START_TEST(commits_that_are_held_up_show_though_nobody_waits_for_long) {
    struct impatient impatient = {.writer = connect_as("bugsink", "bugsink")};
    char *dsn = mariadb_dsn(server, "bugsink", RIGHT, "bugsink", "");
    MYSQL *root = connect_as("root", NULL);
    bench_open(&impatient.bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    hold_commits_up(root);
    say(impatient.writer, "SET SESSION lock_wait_timeout = 2");
    send_only(impatient.writer, WRITE);
    ck_assert(wait_until(is_blocked_for_the_impatient, &impatient, PATIENCE_MS));
    say(root, "BACKUP STAGE END");
    mysql_read_query_result(impatient.writer);
    bench_expect(&impatient.bench, REASON_OK, "", PHASE_NONE);
    mysql_close(impatient.writer);
    mysql_close(root);
    bench_close(&impatient.bench);
    free(dsn);
}
END_TEST

static bool has_slept(void *arg) {
    char *seconds = mariadb_exec(server, NULL,
        "SELECT COALESCE(MIN(TIME), 0) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP%'");
    bool has = strtol(seconds, NULL, 10) >= 6;
    (void)arg;
    free(seconds);
    return has;
}

/* Another user's, and one from another address. */
START_TEST(sessions_of_others_are_not_counted) {
    struct bench bench;
    char *dsn = mariadb_dsn(server, "bugsink", RIGHT, "bugsink", "");
    MYSQL *reader = connect_as("reader", "bugsink"), *remote = mysql_init(NULL);
    mysql_options(remote, MYSQL_OPT_BIND, "127.0.0.2");
    ck_assert_ptr_nonnull(mysql_real_connect(
        remote, "127.0.0.1", "bugsink", MARIADB_PASSWORD, "bugsink", (unsigned)server->port, NULL, 0));
    send_only(reader, "SELECT SLEEP(60)");
    send_only(remote, "SELECT SLEEP(60)");
    ck_assert(wait_until(has_slept, NULL, PATIENCE_MS));
    bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    bench_close(&bench);
    mariadb_do(server, NULL, "KILL USER bugsink;\nKILL USER reader");
    mysql_close(reader);
    mysql_close(remote);
    free(dsn);
}
END_TEST

Suite *mysql_rights_suite(void) {
    Suite *suite = suite_create("mysql_rights");
    TCase *tcase = tcase_create("rights");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, start_server, stop_server);
    tcase_add_loop_test(
        tcase, who_may_not_write_to_each_table_lacks_privileges, 0, sizeof CASES / sizeof CASES[0]);
    tcase_add_loop_test(
        tcase, a_lock_that_every_write_waits_for_is_blocked_until_it_ends, 0, sizeof LOCKS / sizeof LOCKS[0]);
    tcase_add_test(tcase, a_session_that_waits_is_counted);
    tcase_add_test(tcase, commits_that_are_held_up_show_in_the_session_that_waits);
    tcase_add_test(tcase, commits_that_are_held_up_show_though_nobody_waits_for_long);
    tcase_add_test(tcase, sessions_of_others_are_not_counted);
    return suite;
}
