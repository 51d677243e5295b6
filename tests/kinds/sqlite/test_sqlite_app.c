/* Tests of the SQLite kind on what Bugsink keeps in its databases, and on locks. */
#include "kinds/sqlite/sqlite_fixture.h"
#include "kinds/sqlite/parts.h"
#include "harness/tempdir.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench {
    char *dir, *path;
};

static struct bench bench_new(const char *mode, const char *schema) {
    struct bench bench = {.dir = tempdir_new()};
    bench.path = tempdir_path(bench.dir, "db.sqlite3");
    sql_make(bench.path, mode, schema);
    return bench;
}

static void bench_free(struct bench *bench) {
    free(bench->path);
    free(bench->dir);
}

static struct outcome assert_look(const struct bench *bench, enum role role, enum reason reason) {
    struct outcome outcome = look(bench->path, role);
    ck_assert_msg(outcome.reason == reason, "%s %s: %s", reason_info(outcome.reason)->slug, outcome.code,
        outcome.detail);
    return outcome;
}

static int64_t observed(const struct outcome *outcome, enum observed_key key) {
    int64_t value = -1;
    ck_assert_msg(observed_get(&outcome->observed, key, &value), "%s", observed_name(key));
    return value;
}

START_TEST(a_healthy_database_in_use_is_well) {
    struct bench bench = bench_new("wal", SCHEMA_MAIN);
    struct holder holder = holder_begin(bench.path, "INSERT INTO events_event (data) VALUES ('x')");
    struct outcome outcome = assert_look(&bench, ROLE_MAIN, REASON_OK);
    ck_assert_int_eq(observed(&outcome, OBSERVED_INSTALLATIONS), 1);
    ck_assert_int_gt(observed(&outcome, OBSERVED_FILE_BYTES), 0);
    ck_assert_int_gt(observed(&outcome, OBSERVED_WAL_BYTES), 0);
    ck_assert_int_gt(observed(&outcome, OBSERVED_FREE_BYTES), 0);
    ck_assert_str_eq(outcome.detail, "");
    ck_assert_int_eq(outcome.phase, PHASE_NONE);
    holder_end(&holder);
    assert_look(&bench, ROLE_MAIN, REASON_OK);
    bench_free(&bench);
}
END_TEST

/* That would not fit into a worker's memory, which is no fault of the sidecar's. */
START_TEST(a_value_that_is_far_too_large_is_the_databases_fault) {
    static const char *const VALUES[] = {"zeroblob(100000000)", "hex(zeroblob(60000000))"};
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        char sql[256];
        struct bench bench = bench_new("wal", SCHEMA_MAIN);
        snprintf(sql, sizeof sql,
            "ALTER TABLE phonehome_installation DROP COLUMN quota_exceeded_until;"
            "ALTER TABLE phonehome_installation ADD COLUMN quota_exceeded_until AS (%s)",
            VALUES[i]);
        sql_run(bench.path, sql);
        struct outcome outcome = assert_look(&bench, ROLE_MAIN, REASON_QUERY_FAILED);
        ck_assert_str_eq(outcome.code, "SQLITE_TOOBIG");
        bench_free(&bench);
    }
}
END_TEST

START_TEST(a_database_without_bugsinks_tables_is_unmigrated) {
    struct bench bench = bench_new("wal", "CREATE TABLE t (a)");
    assert_look(&bench, ROLE_MAIN, REASON_UNMIGRATED);
    assert_look(&bench, ROLE_QUEUE, REASON_UNMIGRATED);
    assert_look(&bench, ROLE_PLAIN, REASON_OK);
    sql_run(bench.path, "CREATE TABLE django_migrations (id integer PRIMARY KEY, app text)");
    struct outcome outcome = assert_look(&bench, ROLE_MAIN, REASON_UNMIGRATED);
    ck_assert_str_eq(outcome.detail, "django_migrations is empty");
    sql_run(bench.path, "INSERT INTO django_migrations VALUES (1, 'x')");
    outcome = assert_look(&bench, ROLE_MAIN, REASON_UNMIGRATED);
    ck_assert_str_eq(outcome.detail, "phonehome_installation is not there");
    bench_free(&bench);
}
END_TEST

START_TEST(a_database_without_any_table_is_readable_and_unmigrated) {
    struct bench bench = bench_new("wal", "PRAGMA user_version=1");
    assert_look(&bench, ROLE_PLAIN, REASON_OK);
    assert_look(&bench, ROLE_MAIN, REASON_UNMIGRATED);
    bench_free(&bench);
}
END_TEST

START_TEST(odd_table_names_are_read_too) {
    struct bench bench = bench_new("delete", "CREATE TABLE \"a \"\" b; '\" (a PRIMARY KEY) WITHOUT ROWID");
    assert_look(&bench, ROLE_PLAIN, REASON_OK);
    bench_free(&bench);
}
END_TEST

START_TEST(odd_file_names_are_opened_as_they_are) {
    char *dir = tempdir_new();
    const char *const names[] = {"file:x?mode=memory", "a%20b#c?d", ":memory:", "\xc3\xa4 \"'"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct bench bench = {dir, tempdir_path(dir, "%s", names[i])};
        sql_make(bench.path, "wal", SCHEMA_MAIN);
        assert_look(&bench, ROLE_MAIN, REASON_OK);
        free(bench.path);
    }
    free(dir);
}
END_TEST

START_TEST(there_must_be_exactly_one_installation) {
    struct bench bench = bench_new("wal", SCHEMA_MAIN);
    sql_run(bench.path, "INSERT INTO phonehome_installation (id) VALUES ('2'), ('3')");
    struct outcome outcome = assert_look(&bench, ROLE_MAIN, REASON_APP_DATA_INVALID);
    ck_assert_int_eq(observed(&outcome, OBSERVED_INSTALLATIONS), 2);
    assert_look(&bench, ROLE_PLAIN, REASON_OK);
    sql_run(bench.path, "DELETE FROM phonehome_installation");
    outcome = assert_look(&bench, ROLE_MAIN, REASON_APP_DATA_INVALID);
    ck_assert_int_eq(observed(&outcome, OBSERVED_INSTALLATIONS), 0);
    bench_free(&bench);
}
END_TEST

START_TEST(a_quota_that_is_used_up_is_told_until_it_ends) {
    struct bench bench = bench_new("wal", SCHEMA_MAIN);
    sql_run(bench.path, "UPDATE phonehome_installation SET quota_exceeded_until = '2026-07-01 12:00:01'");
    assert_look(&bench, ROLE_MAIN, REASON_INGESTION_PAUSED);
    sql_run(
        bench.path, "UPDATE phonehome_installation SET quota_exceeded_until = '2026-07-01 11:59:59.999999'");
    assert_look(&bench, ROLE_MAIN, REASON_OK);
    sql_run(bench.path, "UPDATE phonehome_installation SET quota_exceeded_until = 'garbage'");
    assert_look(&bench, ROLE_MAIN, REASON_OK);
    bench_free(&bench);
}
END_TEST

START_TEST(an_older_bugsink_has_no_quota_column) {
    struct bench bench = bench_new("wal", "CREATE TABLE django_migrations (id integer PRIMARY KEY);"
                                          "INSERT INTO django_migrations VALUES (1);"
                                          "CREATE TABLE phonehome_installation (id char(32) PRIMARY KEY);"
                                          "INSERT INTO phonehome_installation VALUES ('x')");
    assert_look(&bench, ROLE_MAIN, REASON_OK);
    bench_free(&bench);
}
END_TEST

/* -- the queue -- */

START_TEST(an_idle_queue_is_well) {
    struct bench bench = bench_new("wal", SCHEMA_QUEUE);
    struct outcome outcome = assert_look(&bench, ROLE_QUEUE, REASON_OK);
    ck_assert_int_eq(observed(&outcome, OBSERVED_TASKS), 0);
    ck_assert_int_eq(observed(&outcome, OBSERVED_TASK_ERRORS), 0);
    ck_assert(!observed_get(&outcome.observed, OBSERVED_OLDEST_TASK_AGE_S, &(int64_t){0}));
    bench_free(&bench);
}
END_TEST

START_TEST(an_old_task_is_a_backlog) {
    struct bench bench = bench_new("wal", SCHEMA_QUEUE);
    sql_run(bench.path, "INSERT INTO snappea_task (created_at) VALUES ('2026-07-01 11:59:00.000000'),"
                        " ('2026-07-01 11:59:59.123456')");
    struct outcome outcome = assert_look(&bench, ROLE_QUEUE, REASON_OK);
    ck_assert_int_eq(observed(&outcome, OBSERVED_OLDEST_TASK_AGE_S), 60);
    ck_assert_int_eq(observed(&outcome, OBSERVED_TASKS), 2);
    sql_run(bench.path, "UPDATE snappea_task SET created_at = '2026-07-01 11:58:59.900000' WHERE id = 1");
    outcome = assert_look(&bench, ROLE_QUEUE, REASON_BACKLOG);
    ck_assert_int_eq(observed(&outcome, OBSERVED_OLDEST_TASK_AGE_S), 61);
    bench_free(&bench);
}
END_TEST

START_TEST(many_tasks_are_a_backlog_and_are_counted_within_bounds) {
    struct bench bench = bench_new("wal", SCHEMA_QUEUE);
    sql_run(bench.path, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
                        " INSERT INTO snappea_task (created_at) SELECT '2026-07-01 12:00:00' FROM n");
    struct outcome outcome = assert_look(&bench, ROLE_QUEUE, REASON_OK);
    ck_assert_int_eq(observed(&outcome, OBSERVED_TASKS), 300);
    sql_run(bench.path, "INSERT INTO snappea_task (created_at) VALUES ('2026-07-01 12:00:00')");
    outcome = assert_look(&bench, ROLE_QUEUE, REASON_BACKLOG);
    ck_assert_int_eq(observed(&outcome, OBSERVED_TASKS), 301);
    sql_run(bench.path, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)"
                        " INSERT INTO snappea_task (created_at) SELECT '2026-07-01 12:00:00' FROM n");
    outcome = assert_look(&bench, ROLE_QUEUE, REASON_BACKLOG);
    ck_assert_int_eq(observed(&outcome, OBSERVED_TASKS), 10001);
    bench_free(&bench);
}
END_TEST

START_TEST(a_task_from_the_future_or_with_a_garbled_time_is_harmless) {
    const char *const times[] = {"'2026-07-02 12:00:00'", "'garbage'", "''", "x'ff00fe'",
        "'9999999999999999999999-01-01 00:00:00'", "-5", "1e300", "'2026-99-99 99:99:99'",
        "'0000-00-00 00:00:00'"};
    struct bench bench = bench_new("wal", SCHEMA_QUEUE);
    sql_run(bench.path, "INSERT INTO snappea_task (created_at) VALUES ('x')");
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char sql[128];
        sqlite3_snprintf(sizeof sql, sql, "UPDATE snappea_task SET created_at = %s", times[i]);
        sql_run(bench.path, sql);
        struct outcome outcome = assert_look(&bench, ROLE_QUEUE, REASON_OK);
        ck_assert_int_eq(observed(&outcome, OBSERVED_TASKS), 1);
        if (i == 0)
            ck_assert_int_eq(observed(&outcome, OBSERVED_OLDEST_TASK_AGE_S), 0);
    }
    bench_free(&bench);
}
END_TEST

START_TEST(errors_of_the_newest_row_of_each_task_count_for_ten_minutes) {
    struct bench bench = bench_new("wal", SCHEMA_QUEUE);
    sql_run(bench.path, "INSERT INTO snappea_stat (timestamp, task_name, errors) VALUES"
                        " ('2026-07-01 11:49:00', 'digest', 5), ('2026-07-01 13:00:00', 'digest', 6)");
    struct outcome outcome = assert_look(&bench, ROLE_QUEUE, REASON_OK);
    ck_assert_int_eq(observed(&outcome, OBSERVED_TASK_ERRORS), 0);
    sql_run(bench.path, "INSERT INTO snappea_stat (timestamp, task_name, errors) VALUES"
                        " ('2026-07-01 11:55:00', 'digest', 7), ('2026-07-01 11:55:00', 'mail', 2)");
    outcome = assert_look(&bench, ROLE_QUEUE, REASON_TASK_ERRORS);
    ck_assert_int_eq(observed(&outcome, OBSERVED_TASK_ERRORS), 9);
    sql_run(bench.path, "INSERT INTO snappea_stat (timestamp, task_name, errors) VALUES ('2026-07-01 "
                        "11:56:00', 'digest', 0)");
    outcome = assert_look(&bench, ROLE_QUEUE, REASON_TASK_ERRORS);
    ck_assert_int_eq(observed(&outcome, OBSERVED_TASK_ERRORS), 2);
    sql_run(bench.path,
        "INSERT INTO snappea_stat (timestamp, task_name, errors) VALUES ('2026-07-01 11:57:00', 'mail', 0)");
    assert_look(&bench, ROLE_QUEUE, REASON_OK);
    bench_free(&bench);
}
END_TEST

/* Bugsink tells its makers of the installation once an hour, which fails wherever nothing gets out. */
START_TEST(bugsinks_call_home_is_no_task_whose_failing_matters) {
    struct bench bench = bench_new("wal", SCHEMA_QUEUE);
    sql_run(bench.path, "INSERT INTO snappea_stat (timestamp, task_name, errors) VALUES"
                        " ('2026-07-01 11:59:00', 'phonehome.tasks.send_if_due', 3),"
                        " ('2026-07-01 11:59:00', 'ingest.tasks.digest', 0)");
    struct outcome outcome = assert_look(&bench, ROLE_QUEUE, REASON_OK);
    ck_assert_int_eq(observed(&outcome, OBSERVED_TASK_ERRORS), 0);
    ck_assert_str_eq(outcome.detail, "");
    sql_run(bench.path, "UPDATE snappea_stat SET errors = 2 WHERE task_name = 'ingest.tasks.digest'");
    outcome = assert_look(&bench, ROLE_QUEUE, REASON_TASK_ERRORS);
    ck_assert_int_eq(observed(&outcome, OBSERVED_TASK_ERRORS), 2);
    bench_free(&bench);
}
END_TEST

/* Each with its errors, in the order in which they come in, and what is said when it has come. */
static const struct {
    const char *row, *detail;
} FAILING[] = {
    {"'<b>payload</b>', 9", ""}, /* no function's name */
    {"'users.tasks.send_reset_email', 1", "users.tasks.send_reset_email fails"},
    {"'alerts.tasks.send_new_issue_alert', 5", "alerts.tasks.send_new_issue_alert fails"},
    {"'ingest.tasks.digest', 1", "ingest.tasks.digest fails"}, /* events are lost */
};

START_TEST(the_task_that_fails_is_named_the_one_that_loses_events_first) {
    struct bench bench = bench_new("wal", SCHEMA_QUEUE);
    for (size_t i = 0; i < sizeof FAILING / sizeof FAILING[0]; i++) {
        char sql[256];
        snprintf(sql, sizeof sql,
            "INSERT INTO snappea_stat (timestamp, task_name, errors) VALUES ('2026-07-01 11:59:00', %s)",
            FAILING[i].row);
        sql_run(bench.path, sql);
        struct outcome outcome = assert_look(&bench, ROLE_QUEUE, REASON_TASK_ERRORS);
        ck_assert_str_eq(outcome.detail, FAILING[i].detail);
    }
    bench_free(&bench);
}
END_TEST

START_TEST(absurd_error_counts_do_not_overflow) {
    struct bench bench = bench_new("wal", SCHEMA_QUEUE);
    sql_run(bench.path, "INSERT INTO snappea_stat (timestamp, task_name, errors) VALUES"
                        " ('2026-07-01 11:59:00', 'a', 9223372036854775807), ('2026-07-01 11:59:00', 'b', "
                        "9223372036854775807),"
                        " ('2026-07-01 11:59:00', 'c', 'text')");
    assert_look(&bench, ROLE_QUEUE, REASON_TASK_ERRORS);
    bench_free(&bench);
}
END_TEST

START_TEST(a_backlog_is_graver_than_task_errors) {
    struct bench bench = bench_new("wal", SCHEMA_QUEUE);
    sql_run(bench.path,
        "INSERT INTO snappea_stat (timestamp, task_name, errors) VALUES ('2026-07-01 11:59:00', 'a', 1);"
        "INSERT INTO snappea_task (created_at) VALUES ('2026-07-01 10:00:00')");
    struct outcome outcome = assert_look(&bench, ROLE_QUEUE, REASON_BACKLOG);
    ck_assert_int_eq(observed(&outcome, OBSERVED_TASK_ERRORS), 1);
    bench_free(&bench);
}
END_TEST

/* -- locks -- */

START_TEST(an_exclusive_transaction_locks_a_rollback_database) {
    struct bench bench = bench_new("delete", SCHEMA_MAIN);
    struct holder holder = holder_begin(bench.path, "BEGIN EXCLUSIVE");
    struct outcome outcome = assert_look(&bench, ROLE_MAIN, REASON_LOCKED);
    ck_assert_str_eq(outcome.code, "SQLITE_BUSY");
    ck_assert_int_eq(outcome.phase, PHASE_LOCK);
    holder_end(&holder);
    assert_look(&bench, ROLE_MAIN, REASON_OK);
    bench_free(&bench);
}
END_TEST

START_TEST(exclusive_locking_mode_locks_a_wal_database) {
    struct bench bench = bench_new("wal", SCHEMA_MAIN);
    struct holder holder = holder_begin(
        bench.path, "PRAGMA locking_mode=EXCLUSIVE; INSERT INTO events_event (data) VALUES ('x')");
    assert_look(&bench, ROLE_MAIN, REASON_LOCKED);
    holder_end(&holder);
    assert_look(&bench, ROLE_MAIN, REASON_OK);
    bench_free(&bench);
}
END_TEST

START_TEST(a_writer_of_a_wal_database_does_not_lock_us_out) {
    struct bench bench = bench_new("wal", SCHEMA_MAIN);
    struct holder holder = holder_begin(
        bench.path, "BEGIN IMMEDIATE; INSERT INTO events_event (data) VALUES (randomblob(1000000))");
    assert_look(&bench, ROLE_MAIN, REASON_OK);
    holder_end(&holder);
    bench_free(&bench);
}
END_TEST

START_TEST(a_writer_that_has_not_committed_does_not_lock_us_out_of_a_rollback_database) {
    struct bench bench = bench_new("delete", SCHEMA_MAIN);
    struct holder holder =
        holder_begin(bench.path, "BEGIN IMMEDIATE; INSERT INTO events_event (data) VALUES ('x')");
    assert_look(&bench, ROLE_MAIN, REASON_OK);
    holder_end(&holder);
    bench_free(&bench);
}
END_TEST

/* -- errors that need not be provoked -- */

START_TEST(every_error_code_has_its_reason) {
    char *dir = tempdir_new();
    struct sqlite_file file = {.path = tempdir_path(dir, "db"), .directory = dir};
    tempdir_write(file.path, "x");
    const struct {
        int code;
        enum reason reason;
        const char *text;
    } rows[] = {
        {SQLITE_FULL, REASON_DISK_FULL, "SQLITE_FULL"},
        {SQLITE_IOERR_SHMSIZE, REASON_DISK_FULL, "SQLITE_IOERR/4874"},
        {SQLITE_IOERR_READ, REASON_IO_ERROR, "SQLITE_IOERR/266"},
        {SQLITE_IOERR_SHORT_READ, REASON_CORRUPT, "SQLITE_IOERR/522"},
        {SQLITE_READONLY_DBMOVED, REASON_FILE_MISSING, "SQLITE_READONLY/1032"},
        {SQLITE_PERM, REASON_PERMISSION, "SQLITE_PERM"},
        {SQLITE_AUTH, REASON_PERMISSION, "SQLITE_AUTH"},
        {SQLITE_IOERR_NOMEM, REASON_INTERNAL, "SQLITE_IOERR/3082"},
        {SQLITE_NOMEM, REASON_INTERNAL, "SQLITE_NOMEM"},
        {SQLITE_BUSY_RECOVERY, REASON_LOCKED, "SQLITE_BUSY/261"},
        {SQLITE_PROTOCOL, REASON_LOCKED, "SQLITE_PROTOCOL"},
        {SQLITE_READONLY, REASON_READ_ONLY_FILE, "SQLITE_READONLY"},
        {SQLITE_READONLY_DIRECTORY, REASON_READ_ONLY_DIR, "SQLITE_READONLY/1544"},
        {SQLITE_READONLY_ROLLBACK, REASON_QUERY_FAILED, "SQLITE_READONLY/776"},
        {SQLITE_CORRUPT_INDEX, REASON_CORRUPT, "SQLITE_CORRUPT/779"},
        {SQLITE_CANTOPEN, REASON_QUERY_FAILED, "SQLITE_CANTOPEN"},
        {SQLITE_ERROR, REASON_QUERY_FAILED, "SQLITE_ERROR"},
        {12345, REASON_QUERY_FAILED, "SQLITE/12345"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outcome outcome = {0};
        sqlite_fail(&outcome, NULL, rows[i].code, &file);
        ck_assert_msg(
            outcome.reason == rows[i].reason, "%d: %s", rows[i].code, reason_info(outcome.reason)->slug);
        ck_assert_str_eq(outcome.code, rows[i].text);
    }
    free(file.path);
    file.path = tempdir_path(dir, "gone");
    struct outcome outcome = {0};
    sqlite_fail(&outcome, NULL, SQLITE_CANTOPEN, &file);
    ck_assert_int_eq(outcome.reason, REASON_FILE_MISSING);
    free(file.path);
    free(dir);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name) {
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 30);
    suite_add_tcase(suite, tcase);
    return tcase;
}

Suite *sqlite_app_suite(void) {
    Suite *suite = suite_create("sqlite_app");
    TCase *tcase = add_case(suite, "main");
    tcase_add_test(tcase, a_healthy_database_in_use_is_well);
    tcase_add_test(tcase, a_value_that_is_far_too_large_is_the_databases_fault);
    tcase_add_test(tcase, a_database_without_bugsinks_tables_is_unmigrated);
    tcase_add_test(tcase, a_database_without_any_table_is_readable_and_unmigrated);
    tcase_add_test(tcase, odd_table_names_are_read_too);
    tcase_add_test(tcase, odd_file_names_are_opened_as_they_are);
    tcase_add_test(tcase, there_must_be_exactly_one_installation);
    tcase_add_test(tcase, a_quota_that_is_used_up_is_told_until_it_ends);
    tcase_add_test(tcase, an_older_bugsink_has_no_quota_column);
    tcase = add_case(suite, "queue");
    tcase_add_test(tcase, an_idle_queue_is_well);
    tcase_add_test(tcase, an_old_task_is_a_backlog);
    tcase_add_test(tcase, many_tasks_are_a_backlog_and_are_counted_within_bounds);
    tcase_add_test(tcase, a_task_from_the_future_or_with_a_garbled_time_is_harmless);
    tcase_add_test(tcase, errors_of_the_newest_row_of_each_task_count_for_ten_minutes);
    tcase_add_test(tcase, absurd_error_counts_do_not_overflow);
    tcase_add_test(tcase, bugsinks_call_home_is_no_task_whose_failing_matters);
    tcase_add_test(tcase, the_task_that_fails_is_named_the_one_that_loses_events_first);
    tcase_add_test(tcase, a_backlog_is_graver_than_task_errors);
    tcase = add_case(suite, "locks");
    tcase_add_test(tcase, an_exclusive_transaction_locks_a_rollback_database);
    tcase_add_test(tcase, exclusive_locking_mode_locks_a_wal_database);
    tcase_add_test(tcase, a_writer_of_a_wal_database_does_not_lock_us_out);
    tcase_add_test(tcase, a_writer_that_has_not_committed_does_not_lock_us_out_of_a_rollback_database);
    tcase = add_case(suite, "codes");
    tcase_add_test(tcase, every_error_code_has_its_reason);
    return suite;
}
