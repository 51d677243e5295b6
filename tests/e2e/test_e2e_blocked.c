/* End to end: sessions of Bugsink's that wait in a real PostgreSQL or MariaDB for a lock on any table. While
 * there are any, Bugsink's silence is no death; without them, it is one after `fall`. */
#include "e2e/world.h"
#include "harness/bugsink.h"
#include "harness/mariadb.h"
#include "harness/postgres.h"
#include "harness/skip.h"

#include <check.h>
#include <libpq-fe.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OF_POSTGRES, OF_MARIADB, SERVERS };
enum { SESSIONS = 2, SHOWS_MS = 20000, SILENCE_MS = 20000, SOON_MS = 4000 };

#define TABLE "projects_project"

/* Bugsink's database, who holds the lock in it, and Bugsink's sessions. */
struct database {
    struct postgres_server *postgres;
    struct mariadb_server *mariadb;
    PGconn *postgres_holder, *postgres_waiting[SESSIONS];
    MYSQL *mariadb_holder, *mariadb_waiting[SESSIONS];
};

static void open_postgres(struct database *database) {
    char conninfo[256];
    database->postgres = postgres_start(NULL);
    postgres_do(database->postgres, "bugsink",
        "CREATE TABLE " TABLE " (id int); ALTER TABLE " TABLE " OWNER TO bugsink");
    snprintf(conninfo, sizeof conninfo, "host=%s port=%d user=postgres dbname=bugsink",
        database->postgres->root, database->postgres->port);
    database->postgres_holder = PQconnectdb(conninfo);
    PQclear(PQexec(database->postgres_holder, "BEGIN"));
    PGresult *result = PQexec(database->postgres_holder, "LOCK TABLE " TABLE " IN ACCESS EXCLUSIVE MODE");
    ck_assert_msg(
        PQresultStatus(result) == PGRES_COMMAND_OK, "%s", PQerrorMessage(database->postgres_holder));
    PQclear(result);
}

static char *dsn_of(const struct database *database) {
    return database->postgres
               ? postgres_dsn(database->postgres, "bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink", "")
               : mariadb_dsn(database->mariadb, "bugsink", MARIADB_PASSWORD_ENCODED, "bugsink", "");
}

static void wait_in_postgres(struct database *database) {
    char *dsn = dsn_of(database);
    for (int i = 0; i < SESSIONS; i++) {
        database->postgres_waiting[i] = PQconnectdb(dsn);
        ck_assert_int_eq(PQsendQuery(database->postgres_waiting[i], "SELECT * FROM " TABLE), 1);
    }
    free(dsn);
}

static MYSQL *connect_to(const struct mariadb_server *server, bool is_root) {
    MYSQL *mysql = mysql_init(NULL);
    ck_assert_msg(mysql_real_connect(mysql, is_root ? "localhost" : "127.0.0.1", is_root ? "root" : "bugsink",
                      is_root ? NULL : MARIADB_PASSWORD, "bugsink", is_root ? 0 : (unsigned)server->port,
                      is_root ? server->socket : NULL, 0) != NULL,
        "%s", mysql_error(mysql));
    return mysql;
}

static void open_mariadb(struct database *database) {
    database->mariadb = mariadb_start(NULL);
    mariadb_do(database->mariadb, "bugsink", "CREATE TABLE " TABLE " (id int);\n");
    database->mariadb_holder = connect_to(database->mariadb, true);
    ck_assert_int_eq(mysql_query(database->mariadb_holder, "LOCK TABLES " TABLE " WRITE"), 0);
}

static void wait_in_mariadb(struct database *database) {
    static const char SQL[] = "SELECT * FROM " TABLE;
    for (int i = 0; i < SESSIONS; i++) {
        database->mariadb_waiting[i] = connect_to(database->mariadb, false);
        ck_assert_int_eq(mysql_send_query(database->mariadb_waiting[i], SQL, sizeof SQL - 1), 0);
    }
}

static void wait_in(struct database *database) {
    if (database->postgres)
        wait_in_postgres(database);
    else
        wait_in_mariadb(database);
}

/* Who held the lock is gone, and the sessions have what they waited for. */
static void release(struct database *database) {
    PQfinish(database->postgres_holder);
    mysql_close(database->mariadb_holder);
}

static void close_database(struct database *database) {
    for (int i = 0; i < SESSIONS; i++) {
        PQfinish(database->postgres_waiting[i]);
        mysql_close(database->mariadb_waiting[i]);
    }
    if (database->postgres)
        postgres_free(database->postgres);
    else
        mariadb_free(database->mariadb);
}

static void say(const struct bugsink *bugsink, enum bugsink_answer answer) {
    for (int question = QUESTION_NONE; question < QUESTION_COUNT; question++)
        bugsink_set(bugsink, (enum app_question)question, answer);
}

static struct world *start_world(const struct database *database, const struct bugsink *bugsink) {
    struct world *world = world_new();
    char *dsn = dsn_of(database);
    world_write_config(world,
        "{\"databases\": {\"default\": {\"dsn\": \"%s\", \"role\": \"main\"}}, \"directories\": {},\n"
        " \"app\": {\"url\": \"http://127.0.0.1:%d\", \"ask_interval\": \"1500ms\"}}\n",
        dsn, bugsink->port);
    free(dsn);
    world_start(world);
    return world;
}

START_TEST(sessions_that_wait_excuse_a_silence_that_is_a_death_without_them) {
    struct database database = {NULL};
    if (_i == OF_POSTGRES && !postgres_is_installed()) {
        skip_test("sessions_that_wait_excuse_a_silence_that_is_a_death_without_them",
            "PostgreSQL is not installed");
        return;
    }
    if (_i == OF_POSTGRES)
        open_postgres(&database);
    else
        open_mariadb(&database);
    struct bugsink bugsink = bugsink_start(0);
    struct world *world = start_world(&database, &bugsink);
    wait_in(&database);
    world_await(world, "/health/ready/default/", 200, "\"blocked_sessions\": 2", SHOWS_MS);
    /* At standard settings they show (5 s) before the third silence; here it is held back until they do. Five
     * times as many silences as are a death otherwise. */
    say(&bugsink, BUGSINK_SILENT);
    world_await(world, "/health/ready/app/", 503, "\"consecutive_failures\": 15", SILENCE_MS);
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "liveness fails", ""), 0);
    world_await(world, "/health/ready/default/", 503, "\"code\": \"blocked\"", SHOWS_MS);
    release(&database);
    world_await(world, "/health/ready/default/", 200, "\"code\": \"ok\"", SHOWS_MS);
    world_await(world, "/health/live/", 503, "app: timeout: ", SILENCE_MS);
    say(&bugsink, BUGSINK_WELL);
    world_await(world, "/health/live/", 200, "OK", SOON_MS);
    world_end(world);
    bugsink_stop(&bugsink);
    close_database(&database);
}
END_TEST

START_TEST(silence_without_sessions_that_wait_is_a_death_after_fall) {
    struct database database = {NULL};
    if (_i == OF_POSTGRES && !postgres_is_installed()) {
        skip_test("silence_without_sessions_that_wait_is_a_death_after_fall", "PostgreSQL is not installed");
        return;
    }
    if (_i == OF_POSTGRES)
        open_postgres(&database);
    else
        open_mariadb(&database);
    struct bugsink bugsink = bugsink_start(0);
    struct world *world = start_world(&database, &bugsink); /* a lock that none of its sessions waits for */
    say(&bugsink, BUGSINK_SILENT);
    world_await(world, "/health/live/", 503, "app: timeout: ", SILENCE_MS);
    world_await(world, "/health/ready/app/", 503, "\"consecutive_failures\": 3", SILENCE_MS);
    ck_assert_int_eq(world_get(world, "/health/ready/default/"), 200);
    say(&bugsink, BUGSINK_WELL);
    world_await(world, "/health/live/", 200, "OK", SOON_MS);
    world_end(world);
    bugsink_stop(&bugsink);
    release(&database);
    close_database(&database);
}
END_TEST

Suite *e2e_blocked_suite(void) {
    Suite *suite = suite_create("e2e_blocked");
    TCase *tcase = tcase_create("e2e_blocked");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, sessions_that_wait_excuse_a_silence_that_is_a_death_without_them, 0, SERVERS);
    tcase_add_loop_test(tcase, silence_without_sessions_that_wait_is_a_death_after_fall, 0, SERVERS);
    return suite;
}
