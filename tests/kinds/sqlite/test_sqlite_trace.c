/* Tests that looking at a SQLite database leaves no trace: no file, no change, no checkpoint, no lock. */
#include "kinds/sqlite/sqlite.h"
#include "kinds/sqlite/sqlite_fixture.h"
#include "harness/fork.h"
#include "harness/tempdir.h"

#include <check.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY_LOOKS = 1000 };

struct bench {
    char *dir, *path, *picture;
};

static struct bench bench_new(const char *mode, const char *schema) {
    struct bench bench = {.dir = tempdir_new()};
    bench.path = tempdir_path(bench.dir, "db.sqlite3");
    sql_make(bench.path, mode, schema);
    return bench;
}

static void remember(struct bench *bench) {
    free(bench->picture);
    bench->picture = directory_picture(bench->dir);
}

static void assert_unchanged(const struct bench *bench) {
    char *now = directory_picture(bench->dir);
    ck_assert_str_eq(now, bench->picture);
    free(now);
}

static void bench_free(struct bench *bench) {
    free(bench->dir);
    free(bench->path);
    free(bench->picture);
}

static void assert_file_count(const struct bench *bench, int count) {
    int lines = 0;
    for (const char *at = bench->picture; *at; at++)
        lines += *at == '\n';
    ck_assert_msg(lines == count, "%s", bench->picture);
}

START_TEST(a_thousand_looks_at_an_idle_wal_database) {
    struct bench bench = bench_new("wal", SCHEMA_MAIN);
    remember(&bench);
    assert_file_count(&bench, 1);
    ck_assert_int_eq(look_often(bench.path, ROLE_MAIN, MANY_LOOKS), 0);
    assert_unchanged(&bench);
    bench_free(&bench);
}
END_TEST

START_TEST(a_thousand_looks_at_a_wal_database_in_use) {
    struct bench bench = bench_new("wal", SCHEMA_MAIN);
    struct holder holder =
        holder_begin(bench.path, "INSERT INTO events_event (data) VALUES (randomblob(9999))");
    remember(&bench);
    assert_file_count(&bench, 3);
    ck_assert_int_eq(look_often(bench.path, ROLE_MAIN, MANY_LOOKS), 0);
    assert_unchanged(&bench);
    holder_end(&holder);
    remember(&bench);
    assert_file_count(&bench, 1);
    bench_free(&bench);
}
END_TEST

START_TEST(a_thousand_looks_at_a_rollback_journal_database) {
    struct bench bench = bench_new("delete", SCHEMA_QUEUE);
    remember(&bench);
    ck_assert_int_eq(look_often(bench.path, ROLE_QUEUE, MANY_LOOKS), 0);
    assert_unchanged(&bench);
    bench_free(&bench);
}
END_TEST

/* A database whose writer was killed and left a -wal of some MB. */
static struct bench bench_with_log(void) {
    struct bench bench = bench_new("wal", SCHEMA_MAIN);
    sql_run_and_die(bench.path, "PRAGMA wal_autocheckpoint=0;"
                                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)"
                                " INSERT INTO events_event (data) SELECT randomblob(100000) FROM n");
    return bench;
}

START_TEST(a_large_log_of_a_dead_writer_is_not_checkpointed) {
    struct bench bench = bench_with_log();
    remember(&bench);
    struct stat st;
    char *wal = tempdir_path(bench.dir, "db.sqlite3-wal");
    ck_assert_int_eq(stat(wal, &st), 0);
    ck_assert_int_gt(st.st_size, 4000000);
    ck_assert_int_eq(look_often(bench.path, ROLE_MAIN, 20), 0);
    assert_unchanged(&bench);
    ck_assert_int_eq(sql_value(bench.path, "SELECT count(*) FROM events_event"), 40);
    free(wal);
    bench_free(&bench);
}
END_TEST

START_TEST(a_log_whose_index_is_lost_stays_as_it_is) {
    struct bench bench = bench_with_log();
    char *shm = tempdir_path(bench.dir, "db.sqlite3-shm");
    ck_assert_int_eq(unlink(shm), 0);
    remember(&bench);
    assert_file_count(&bench, 2);
    ck_assert_int_eq(look_often(bench.path, ROLE_MAIN, 20), 0);
    assert_unchanged(&bench);
    ck_assert_int_eq(sql_value(bench.path, "SELECT count(*) FROM events_event"), 40);
    free(shm);
    bench_free(&bench);
}
END_TEST

START_TEST(an_empty_or_garbled_log_or_a_lone_index_stays_as_it_is) {
    const char *const names[] = {"db.sqlite3-wal", "db.sqlite3-wal", "db.sqlite3-shm"};
    const char *const contents[] = {
        "", "this is no write-ahead log at all, but it is long enough to hold a header", ""};
    for (size_t i = 0; i < 3; i++) {
        struct bench bench = bench_new("wal", SCHEMA_MAIN);
        char *path = tempdir_path(bench.dir, "%s", names[i]);
        tempdir_write(path, contents[i]);
        if (i == 2)
            ck_assert_int_eq(truncate(path, 32768), 0);
        remember(&bench);
        ck_assert_int_eq(look_often(bench.path, ROLE_MAIN, 5), 0);
        assert_unchanged(&bench);
        free(path);
        bench_free(&bench);
    }
}
END_TEST

START_TEST(a_lost_index_that_the_app_has_open_is_not_taken_from_it) {
    struct bench bench = bench_with_log();
    struct holder holder = holder_begin(bench.path, "SELECT count(*) FROM events_event");
    remember(&bench);
    assert_file_count(&bench, 3);
    ck_assert_int_eq(look_often(bench.path, ROLE_MAIN, 20), 0);
    assert_unchanged(&bench);
    holder_end(&holder);
    bench_free(&bench);
}
END_TEST

/* The app comes just after we have looked at the files, and before we open them. */
struct latecomer {
    struct phase_report phases; /* first: its functions are told of this alone */
    const char *path;
    struct holder holder;
};

static void let_app_in(struct phase_report *report, enum phase phase) {
    struct latecomer *latecomer = (struct latecomer *)report;
    if (phase == PHASE_OPEN)
        latecomer->holder = holder_begin(latecomer->path, "SELECT count(*) FROM events_event");
}

START_TEST(files_that_the_app_has_opened_meanwhile_are_not_taken_from_it) {
    const char *const gone[] = {"db.sqlite3-shm", "db.sqlite3-wal"};
    for (size_t i = 0; i < 2; i++) {
        struct bench bench = bench_with_log();
        char *path = tempdir_path(bench.dir, "%s", gone[i]);
        ck_assert_int_eq(unlink(path), 0);
        struct latecomer latecomer = {.phases = {.tell = let_app_in}, .path = bench.path};
        struct check_config config = sqlite_config(bench.path, ROLE_PLAIN);
        struct outcome outcome;
        config.is_sandboxed = false; /* this process has more to do */
        sqlite_examine(&config, TEST_NOW_MS, &latecomer.phases, &(struct sqlite_bounds){0}, &outcome);
        ck_assert_int_eq(outcome.reason, REASON_OK);
        ck_assert_int_eq(access(path, F_OK), 0);
        holder_end(&latecomer.holder);
        free(path);
        bench_free(&bench);
    }
}
END_TEST

static void leave_hot_journal(struct bench *bench, int megabytes) {
    char sql[256];
    snprintf(sql, sizeof sql,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO events_event (data) SELECT zeroblob(100000) FROM n",
        megabytes * 10);
    sql_run(bench->path, sql);
    sql_run_and_die(
        bench->path, "PRAGMA cache_size=10; BEGIN; UPDATE events_event SET data = randomblob(100000)");
    remember(bench);
    assert_file_count(bench, 2);
}

START_TEST(a_small_hot_journal_is_rolled_back_as_any_reader_does) {
    struct bench bench = bench_new("delete", SCHEMA_MAIN);
    leave_hot_journal(&bench, 1);
    struct outcome outcome = look(bench.path, ROLE_MAIN);
    ck_assert_int_eq(outcome.reason, REASON_OK);
    ck_assert_int_eq(
        sql_value(bench.path, "SELECT count(*) FROM events_event WHERE data = zeroblob(100000)"), 10);
    bench_free(&bench);
}
END_TEST

START_TEST(a_big_hot_journal_is_left_to_the_app) {
    struct bench bench = bench_new("delete", SCHEMA_MAIN);
    leave_hot_journal(&bench, 18);
    struct outcome outcome = look(bench.path, ROLE_MAIN);
    ck_assert_int_eq(outcome.reason, REASON_QUERY_FAILED);
    ck_assert_str_eq(outcome.code, "SQLITE_READONLY/776");
    assert_unchanged(&bench);
    bench_free(&bench);
}
END_TEST

/* What Bugsink does: a connection for each request, closed after it. Exits 0 if every one succeeded. */
static pid_t begin_app(const char *path, int requests) {
    pid_t pid = test_fork();
    if (pid != 0)
        return pid;
    for (int i = 0; i < requests; i++) {
        sqlite3 *db;
        if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
            _exit(1);
        sqlite3_busy_timeout(db, 5000);
        if (sqlite3_exec(db, "INSERT INTO events_event (data) VALUES (randomblob(2000))", NULL, NULL, NULL) !=
            SQLITE_OK) {
            fprintf(stderr, "request %d: %s\n", i, sqlite3_errmsg(db));
            _exit(2);
        }
        sqlite3_close(db);
    }
    _exit(0);
}

START_TEST(an_app_that_opens_writes_and_closes_all_the_while_is_not_disturbed) {
    enum { REQUESTS = 300 };
    struct bench bench = bench_new("wal", SCHEMA_MAIN);
    pid_t app = begin_app(bench.path, REQUESTS);
    int status, looks = 0;
    while (waitpid(app, &status, WNOHANG) == 0) {
        ck_assert_int_eq(look_often(bench.path, ROLE_MAIN, 10), 0);
        looks += 10;
    }
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
    ck_assert_int_gt(looks, 0);
    ck_assert_int_eq(sql_value(bench.path, "SELECT count(*) FROM events_event"), REQUESTS);
    ck_assert_int_eq(
        sql_value(bench.path, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
    remember(&bench);
    assert_file_count(&bench, 1);
    bench_free(&bench);
}
END_TEST

Suite *sqlite_trace_suite(void) {
    Suite *suite = suite_create("sqlite_trace");
    TCase *tcase = tcase_create("sqlite_trace");
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_thousand_looks_at_an_idle_wal_database);
    tcase_add_test(tcase, a_thousand_looks_at_a_wal_database_in_use);
    tcase_add_test(tcase, a_thousand_looks_at_a_rollback_journal_database);
    tcase_add_test(tcase, a_large_log_of_a_dead_writer_is_not_checkpointed);
    tcase_add_test(tcase, a_log_whose_index_is_lost_stays_as_it_is);
    tcase_add_test(tcase, an_empty_or_garbled_log_or_a_lone_index_stays_as_it_is);
    tcase_add_test(tcase, a_lost_index_that_the_app_has_open_is_not_taken_from_it);
    tcase_add_test(tcase, files_that_the_app_has_opened_meanwhile_are_not_taken_from_it);
    tcase_add_test(tcase, a_small_hot_journal_is_rolled_back_as_any_reader_does);
    tcase_add_test(tcase, a_big_hot_journal_is_left_to_the_app);
    tcase_add_test(tcase, an_app_that_opens_writes_and_closes_all_the_while_is_not_disturbed);
    return suite;
}
