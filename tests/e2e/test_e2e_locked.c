/* End to end: a writer that keeps SQLite's write lock is an outage, however well everything reads; writers
 * that take turns are none. */
#include "e2e/world.h"
#include "harness/fork.h"
#include "harness/wait.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHOWS_MS = 15000, RECOVERS_MS = 2500, MINUTE_MS = 60000, TURN_MS = 700, WRITERS = 3 };

/* -- one that stays -- */

/* Holds the write lock until it is killed; a byte tells that it does. */
static void hold(const char *path, int ready) {
    sqlite3 *db;
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_busy_timeout(db, 5000) != SQLITE_OK ||
        sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK || write(ready, "", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static pid_t start_holder(const char *path) {
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = test_fork();
    if (pid == 0)
        hold(path, ends[1]);
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    return pid;
}

static void end_child(pid_t pid) {
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* At standard settings. */
START_TEST(a_writer_that_stays_is_an_error_within_fifteen_seconds) {
    struct world *world = world_new();
    const char *name = _i == 0 ? "default" : "snappea";
    envlist_unset(&world->environment, "BUGSINK_HEALTH_INTERVAL");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_TIMEOUT");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_RETRY_INTERVAL");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_SLOW");
    world_start(world);
    pid_t pid = start_holder(_i == 0 ? world->main_db : world->queue_db);
    world_await_check(world, name, "error: locked", SHOWS_MS);
    ck_assert_int_eq(world_get(world, "/health/ready/"), 503);
    world_await(world, _i == 0 ? "/health/ready/default/" : "/health/ready/snappea/", 503,
        "\"write_lock_s\": 1", SHOWS_MS);
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    end_child(pid);
    world_await(world, "/health/ready/", 200, "\"status\": \"ok\"", RECOVERS_MS);
    world_end(world);
}
END_TEST

/* -- those that take turns -- */

/* Takes the lock, keeps it for a while, and hands on the turn: from one pipe to the next. */
static void take_turns(const char *path, int from, int to) {
    sqlite3 *db;
    char byte;
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_busy_timeout(db, 5000) != SQLITE_OK)
        _exit(1);
    /* A busy disk could keep a COMMIT waiting for seconds, and that would be a writer that stays. */
    if (sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL) != SQLITE_OK)
        _exit(1);
    while (read(from, &byte, 1) == 1) {
        if (sqlite3_exec(db,
                "BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS turns (n); INSERT INTO turns VALUES (1)", NULL,
                NULL, NULL) != SQLITE_OK)
            _exit(1);
        poll(NULL, 0, TURN_MS);
        if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK || write(to, &byte, 1) != 1)
            _exit(1);
    }
    _exit(0);
}

static void start_turns(const char *path, pid_t *writers) {
    int ends[WRITERS][2];
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pipe(ends[i]), 0);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = test_fork();
        if (writers[i] == 0)
            take_turns(path, ends[i][0], ends[(i + 1) % WRITERS][1]);
    }
    ck_assert_int_eq(write(ends[0][1], "", 1), 1);
    for (int i = 0; i < WRITERS; i++) {
        close(ends[i][0]);
        close(ends[i][1]);
    }
}

static bool is_locked(void *arg) {
    struct world *world = arg;
    int status = world_get(world, "/health/ready/");
    return status != 200 || strstr(world->response.body, "locked");
}

START_TEST(three_writers_that_take_turns_for_a_minute_are_no_fault) {
    struct world *world = world_new();
    pid_t writers[2 * WRITERS];
    envlist_set(&world->environment, "BUGSINK_HEALTH_INTERVAL=2s"); /* a busy machine is no lock */
    envlist_set(&world->environment, "BUGSINK_HEALTH_TIMEOUT=1900ms");
    envlist_set(&world->environment, "BUGSINK_HEALTH_SLOW=1900ms");
    world_start(world);
    start_turns(world->main_db, writers);
    start_turns(world->queue_db, writers + WRITERS);
    ck_assert_msg(!wait_whether(is_locked, world, MINUTE_MS), "%s", world->response.body);
    for (int i = 0; i < 2 * WRITERS; i++) {
        ck_assert_int_eq(waitpid(writers[i], NULL, WNOHANG), 0); /* it still takes its turns */
        end_child(writers[i]);
    }
    world_end(world);
}
END_TEST

Suite *e2e_locked_suite(void) {
    Suite *suite = suite_create("e2e_locked");
    TCase *tcase = tcase_create("e2e_locked");
    tcase_set_timeout(tcase, 240);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, a_writer_that_stays_is_an_error_within_fifteen_seconds, 0, 2);
    tcase_add_test(tcase, three_writers_that_take_turns_for_a_minute_are_no_fault);
    return suite;
}
