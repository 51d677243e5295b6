/* Tests of the look at the write lock: who holds it, and whether it is the same one as at the look before. */
#include "harness/fork.h"
#include "harness/skip.h"
#include "kinds/sqlite/sqlite_fixture.h"

#include <check.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const MODES[] = {"wal", "delete"};

enum { MODE_COUNT = sizeof MODES / sizeof MODES[0] };

#define WRITE "INSERT INTO events_event (data) VALUES ('x')"

/* A database in that mode, and a connection that has run sql and stands there. */
struct scene {
    char *dir, *path;
    struct holder holder;
};

static struct scene scene_begin(const char *mode, const char *sql) {
    struct scene scene = {.path = NULL};
    scene.path = sqlite_make_main(mode, &scene.dir);
    scene.holder = holder_begin(scene.path, sql);
    return scene;
}

static void scene_end(struct scene *scene) {
    holder_end(&scene->holder);
    free(scene->path);
    free(scene->dir);
}

static uint64_t find_writer(const char *path) {
    struct outcome outcome = look(path, ROLE_MAIN);
    sqlite_assert_reason(&outcome, REASON_OK);
    return outcome.identity.writer;
}

/* -- one that stays -- */

START_TEST(a_writer_that_stays_is_the_same_one_at_each_look) {
    struct scene scene = scene_begin(MODES[_i], "BEGIN IMMEDIATE; " WRITE);
    uint64_t writer = find_writer(scene.path);
    ck_assert_uint_ne(writer, 0);
    ck_assert_uint_eq(find_writer(scene.path), writer);
    holder_end(&scene.holder);
    ck_assert_uint_eq(find_writer(scene.path), 0);
    scene.holder = holder_begin(scene.path, "");
    scene_end(&scene);
}
END_TEST

START_TEST(a_writer_is_seen_before_it_has_written) {
    const char *const statements[] = {"BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"};
    for (size_t i = 0; i < 2; i++) {
        struct scene scene = scene_begin("wal", statements[i]);
        ck_assert_uint_ne(find_writer(scene.path), 0);
        scene_end(&scene);
    }
}
END_TEST

START_TEST(a_log_that_grows_without_a_commit_is_still_the_same_writers) {
    struct scene scene = scene_begin("wal", "PRAGMA cache_size=10; BEGIN IMMEDIATE; INSERT INTO events_event "
                                            "(data) VALUES (randomblob(2000000))");
    uint64_t writer = find_writer(scene.path);
    ck_assert_uint_ne(writer, 0);
    ck_assert_uint_eq(find_writer(scene.path), writer);
    scene_end(&scene);
}
END_TEST

START_TEST(whoever_locks_all_in_rollback_mode_is_found_though_nothing_can_be_read) {
    struct scene scene = scene_begin("delete", "BEGIN EXCLUSIVE");
    struct outcome outcome = look(scene.path, ROLE_MAIN), again = look(scene.path, ROLE_MAIN);
    sqlite_assert_reason(&outcome, REASON_LOCKED);
    ck_assert_uint_ne(outcome.identity.writer, 0);
    ck_assert_uint_eq(again.identity.writer, outcome.identity.writer);
    scene_end(&scene);
}
END_TEST

START_TEST(the_queue_is_looked_at_too_and_a_plain_database_is_not) {
    struct scene scene = scene_begin(
        "wal", "CREATE TABLE snappea_task (id integer PRIMARY KEY, created_at datetime); BEGIN IMMEDIATE");
    struct outcome outcome = look(scene.path, ROLE_QUEUE);
    ck_assert_uint_ne(outcome.identity.writer, 0);
    outcome = look(scene.path, ROLE_PLAIN);
    sqlite_assert_reason(&outcome, REASON_OK);
    ck_assert_uint_eq(outcome.identity.writer, 0);
    scene_end(&scene);
}
END_TEST

/* -- those that do not -- */

START_TEST(readers_and_idle_connections_hold_nothing) {
    static const char *const STATEMENTS[] = {"SELECT 1", "SELECT * FROM events_event",
        "BEGIN; SELECT * FROM events_event", WRITE, "BEGIN IMMEDIATE; " WRITE "; COMMIT",
        "BEGIN IMMEDIATE; " WRITE "; ROLLBACK"};
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof STATEMENTS[0]; i++) {
        struct scene scene = scene_begin(MODES[_i], STATEMENTS[i]);
        ck_assert_msg(find_writer(scene.path) == 0, "%s: %s", MODES[_i], STATEMENTS[i]);
        scene_end(&scene);
    }
}
END_TEST

/* Two writers of different processes, with that between them, as they are found. */
static void assert_apart(const char *mode, const char *between, uint64_t (*find)(const char *path)) {
    struct scene scene = scene_begin(mode, "BEGIN IMMEDIATE");
    uint64_t writer = find(scene.path);
    holder_end(&scene.holder);
    sql_run(scene.path, between);
    scene.holder = holder_begin(scene.path, "BEGIN IMMEDIATE");
    uint64_t other = find(scene.path);
    ck_assert_uint_ne(writer, 0);
    ck_assert_uint_ne(other, 0);
    ck_assert_uint_ne(other, writer);
    scene_end(&scene);
}

START_TEST(two_writers_are_told_apart_without_a_commit) {
    assert_apart(MODES[_i], "SELECT 1", find_writer);
}
END_TEST

/* From a process namespace of its own: to whoever looks from there all locks are those of process 0, as to a
 * sidecar are the locks of another container's processes. */
static uint64_t find_writer_from_afar(const char *path) {
    int ends[2];
    uint64_t writer = 0;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = test_fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWPID) < 0)
            _exit(1);
        writer = look(path, ROLE_MAIN).identity.writer;
        _exit(write(ends[1], &writer, sizeof writer) == (ssize_t)sizeof writer ? 0 : 1);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &writer, sizeof writer), sizeof writer);
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    return writer;
}

START_TEST(writers_whose_numbers_are_not_seen_are_told_apart_by_their_commits) {
    if (geteuid() != 0) {
        skip_test("writers_whose_numbers_are_not_seen_are_told_apart_by_their_commits",
            "only root can make a process namespace");
        return;
    }
    assert_apart(MODES[_i], WRITE, find_writer_from_afar);
    struct scene scene = scene_begin(MODES[_i], "BEGIN IMMEDIATE");
    uint64_t writer = find_writer_from_afar(scene.path);
    ck_assert_uint_ne(writer, 0);
    ck_assert_uint_eq(find_writer_from_afar(scene.path), writer);
    scene_end(&scene);
}
END_TEST

/* -- nobody meets us -- */

static volatile sig_atomic_t shall_end;

static void on_end(int number) {
    (void)number;
    shall_end = 1;
}

/* Writes without any patience until SIGTERM; exits with 1 where a lock was met that was not its own. */
static void write_impatiently(const char *path) {
    sqlite3 *db;
    signal(SIGTERM, on_end);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        _exit(2);
    while (!shall_end)
        if (sqlite3_exec(db, "BEGIN IMMEDIATE; " WRITE "; COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
            fprintf(stderr, "%s\n", sqlite3_errmsg(db));
            _exit(1);
        }
    sqlite3_close(db);
    _exit(0);
}

START_TEST(a_writer_without_patience_never_meets_a_lock_of_ours) {
    char *dir;
    char *path = sqlite_make_main("wal", &dir);
    pid_t pid = test_fork();
    if (pid == 0)
        write_impatiently(path);
    for (int i = 0; i < 50; i++)
        look(path, ROLE_MAIN);
    int status;
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    free(path);
    free(dir);
}
END_TEST

Suite *sqlite_lock_suite(void) {
    Suite *suite = suite_create("sqlite_lock");
    TCase *tcase = tcase_create("sqlite_lock");
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, a_writer_that_stays_is_the_same_one_at_each_look, 0, MODE_COUNT);
    tcase_add_test(tcase, a_writer_is_seen_before_it_has_written);
    tcase_add_test(tcase, a_log_that_grows_without_a_commit_is_still_the_same_writers);
    tcase_add_test(tcase, whoever_locks_all_in_rollback_mode_is_found_though_nothing_can_be_read);
    tcase_add_test(tcase, the_queue_is_looked_at_too_and_a_plain_database_is_not);
    tcase_add_loop_test(tcase, readers_and_idle_connections_hold_nothing, 0, MODE_COUNT);
    tcase_add_loop_test(tcase, two_writers_are_told_apart_without_a_commit, 0, MODE_COUNT);
    tcase_add_loop_test(
        tcase, writers_whose_numbers_are_not_seen_are_told_apart_by_their_commits, 0, MODE_COUNT);
    tcase_add_test(tcase, a_writer_without_patience_never_meets_a_lock_of_ours);
    return suite;
}
