/* Tests that a worker that stays holds nothing of a SQLite database between its runs, and leaves nothing
 * there. POSIX locks belong to a process, so that a run which forgot one would keep the app out until the
 * worker goes; and to close any descriptor of a file drops the process's locks on it, so that a run must not
 * end with two.
 *
 *  the database                                      between runs, and after the worker has gone
 *  in WAL mode, idle                                 the same files, no lock, no descriptor
 *  in WAL mode, the app has it open                  the same; the app's locks stand
 *  in WAL mode, a log with content                   the same
 *  in rollback mode                                  the same
 *  locked by the app                                 the same; the run says locked
 *  no database                                       the same */
#include "harness/proc.h"
#include "harness/rig.h"
#include "harness/tempdir.h"
#include "kinds/kinds.h"
#include "kinds/sqlite/sqlite_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { RUNS = 50, TIMEOUT_MS = 3000, LOCKED_MS = 1500 };

struct bench {
    struct rig rig;
    struct nursery nursery;
    struct rig_check own;
    char *dir, *path, *picture;
};

static void bench_init(struct bench *bench, const char *mode, enum role role) {
    struct error err;
    memset(bench, 0, sizeof *bench);
    ck_assert_msg(nursery_start(&bench->nursery, false, &err) == 0, "%s", err.text);
    rig_init(&bench->rig);
    ck_assert_int_eq(children_use_nursery(&bench->rig.children, &bench->nursery, NULL, NULL), 0);
    bench->dir = tempdir_new();
    bench->path = tempdir_path(bench->dir, "db.sqlite3");
    sql_make(bench->path, mode, SCHEMA_MAIN);
    bench->own.config = sqlite_config(bench->path, role);
    bench->own.config.timeout_ms = TIMEOUT_MS;
    bench->own.config.is_sandboxed = true;
    ck_assert_int_eq(check_init(&bench->own.check, &SQLITE_KIND, &bench->rig.env, &bench->own.config,
                         rig_finished, &bench->own, &err),
        0);
}

static void bench_end(struct bench *bench) {
    check_release(&bench->own.check);
    rig_release(&bench->rig);
    nursery_stop(&bench->nursery);
    char *now = directory_picture(bench->dir);
    ck_assert_str_eq(now, bench->picture);
    free(now);
    free(bench->dir);
    free(bench->path);
    free(bench->picture);
}

/* proc(5): a line of /proc/locks is "1: POSIX ADVISORY WRITE PID MAJOR:MINOR:INODE FROM TO". */
static int locks_of(pid_t pid) {
    char line[256], number[32];
    int count = 0;
    FILE *locks = fopen("/proc/locks", "r");
    ck_assert_ptr_nonnull(locks);
    snprintf(number, sizeof number, " %d ", (int)pid);
    while (fgets(line, sizeof line, locks))
        count += strstr(line, number) != NULL;
    fclose(locks);
    return count;
}

/* The same worker, again and again; after each run it has nothing of the database. */
static void run_often(struct bench *bench, enum reason reason) {
    pid_t worker = 0;
    int descriptors = 0;
    free(bench->picture);
    bench->picture = directory_picture(bench->dir);
    for (int i = 0; i < RUNS; i++) {
        rig_run(&bench->rig, &bench->own);
        ck_assert_msg(bench->own.outcome.reason == reason, "%s: %s",
            reason_info(bench->own.outcome.reason)->slug, bench->own.outcome.detail);
        if (i == 0) {
            worker = child_pid(bench->own.check.child);
            descriptors = proc_descriptor_count(worker);
        }
        ck_assert_int_eq(child_pid(bench->own.check.child), worker);
        ck_assert_int_eq(locks_of(worker), 0);
        ck_assert_int_eq(proc_descriptor_count(worker), descriptors); /* -1 both where we may not look */
        ck_assert_int_le(proc_has_open(worker, bench->path), 0);
        char *now = directory_picture(bench->dir);
        ck_assert_str_eq(now, bench->picture);
        free(now);
    }
}

START_TEST(of_an_idle_database_nothing_is_held) {
    static const char *const MODES[] = {"wal", "delete"};
    for (enum role role = ROLE_PLAIN; role <= ROLE_MAIN; role++) {
        struct bench bench;
        bench_init(&bench, MODES[_i], role);
        run_often(&bench, REASON_OK);
        bench_end(&bench);
    }
}
END_TEST

START_TEST(of_a_database_that_the_app_has_open_nothing_is_held_and_the_apps_locks_stand) {
    static const char *const MODES[] = {"wal", "delete"};
    struct bench bench;
    bench_init(&bench, MODES[_i], ROLE_MAIN);
    struct holder app = holder_begin(bench.path, "BEGIN; SELECT * FROM django_migrations");
    int before = locks_of(app.pid);
    ck_assert_int_gt(before, 0);
    run_often(&bench, REASON_OK);
    ck_assert_int_eq(locks_of(app.pid), before);
    bench_end(&bench);
    holder_end(&app);
}
END_TEST

START_TEST(of_one_whose_log_has_content_nothing_is_held_or_written_back) {
    struct bench bench;
    bench_init(&bench, "wal", ROLE_MAIN);
    sql_run_and_die(bench.path, "INSERT INTO django_migrations (app, name, applied) VALUES ('a', 'b', 'c')");
    run_often(&bench, REASON_OK);
    bench_end(&bench);
}
END_TEST

START_TEST(of_one_that_is_locked_nothing_is_held) {
    struct bench bench;
    bench_init(&bench, "delete", ROLE_PLAIN);
    bench.own.config.timeout_ms = LOCKED_MS;
    struct holder app = holder_begin(bench.path, "BEGIN EXCLUSIVE");
    free(bench.picture);
    bench.picture = directory_picture(bench.dir);
    for (int i = 0; i < 3; i++) {
        rig_run(&bench.rig, &bench.own);
        ck_assert_int_eq(bench.own.outcome.reason, REASON_LOCKED);
        ck_assert_int_eq(locks_of(child_pid(bench.own.check.child)), 0);
    }
    bench_end(&bench);
    holder_end(&app);
}
END_TEST

START_TEST(of_what_is_no_database_nothing_is_held) {
    struct bench bench;
    bench_init(&bench, "wal", ROLE_MAIN);
    tempdir_write(bench.path, "no database, however long one reads in it, and longer than a header, too. "
                              "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz");
    run_often(&bench, REASON_NOT_A_DATABASE);
    bench_end(&bench);
}
END_TEST

Suite *sqlite_worker_suite(void) {
    Suite *suite = suite_create("sqlite_worker");
    TCase *tcase = tcase_create("sqlite_worker");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, of_an_idle_database_nothing_is_held, 0, 2);
    tcase_add_loop_test(
        tcase, of_a_database_that_the_app_has_open_nothing_is_held_and_the_apps_locks_stand, 0, 2);
    tcase_add_test(tcase, of_one_whose_log_has_content_nothing_is_held_or_written_back);
    tcase_add_test(tcase, of_one_that_is_locked_nothing_is_held);
    tcase_add_test(tcase, of_what_is_no_database_nothing_is_held);
    return suite;
}
