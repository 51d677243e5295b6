/* Tests of whole runs without memory, from start to finish, in the checker and in the worker: a run
 * ends in what it says with all memory, or in internal, and never in an ok that nobody has seen. */
#include "base/io.h"
#include "harness/allocations.h"
#include "harness/peer.h"
#include "harness/rig.h"
#include "harness/sqlite_files.h"
#include "harness/tempdir.h"
#include "kinds/kinds.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "zK9-secret"
#define ANSWER "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n"

enum { TIMEOUT_MS = 5000 };

/* @DIR@ and @PORT@ are put in their places. */
static const struct row {
    const char *name;
    enum check_kind_id kind;
    enum role role;
    const char *target;
    enum reason reason;
} ROWS[] = {
    {"main", KIND_SQLITE, ROLE_MAIN, "@DIR@/main.sqlite3", REASON_OK},
    {"queue", KIND_SQLITE, ROLE_QUEUE, "@DIR@/queue.sqlite3", REASON_OK},
    {"no database", KIND_SQLITE, ROLE_MAIN, "@DIR@/settings.py", REASON_NOT_A_DATABASE},
    {"no file", KIND_SQLITE, ROLE_PLAIN, "@DIR@/none.sqlite3", REASON_FILE_MISSING},
    {"directory", KIND_DIRECTORY, ROLE_PLAIN, "@DIR@", REASON_OK},
    {"spool", KIND_DIRECTORY, ROLE_PLAIN, "@DIR@/none/at/all", REASON_OK},
    {"settings", KIND_SETTINGS, ROLE_PLAIN, "@DIR@/settings.py", REASON_OK},
    {"app", KIND_HTTP, ROLE_PLAIN, "http://127.0.0.1:@PORT@/health", REASON_OK},
    {"app refuses", KIND_HTTP, ROLE_PLAIN, "http://127.0.0.1:1/health", REASON_REFUSED},
    {"postgres", KIND_POSTGRES, ROLE_MAIN, "postgresql://u:" SECRET "@127.0.0.1:1/db", REASON_REFUSED},
    {"postgres by name", KIND_POSTGRES, ROLE_MAIN, "postgresql://u:" SECRET "@localhost:1,127.0.0.1:1/db",
        REASON_REFUSED},
#ifdef WITH_MYSQL
    {"mysql", KIND_MYSQL, ROLE_MAIN, "mysql://u:" SECRET "@127.0.0.1:1/db", REASON_REFUSED},
#endif
};

struct bench {
    const struct row *row;
    struct rig rig;
    struct peer peer;
    char *dir, *target;
    struct rig_check check;
    struct outcome reference;
    struct error err;
};

static char *replaced(char *text, const char *from, const char *to) {
    char *at = strstr(text, from), *whole = NULL;
    if (!at)
        return text;
    *at = '\0';
    ck_assert_int_gt(asprintf(&whole, "%s%s%s", text, to, at + strlen(from)), 0);
    free(text);
    return whole;
}

static void make_files(const struct bench *bench) {
    char *main_db = tempdir_path(bench->dir, "main.sqlite3"),
         *queue_db = tempdir_path(bench->dir, "queue.sqlite3"),
         *settings = tempdir_path(bench->dir, "settings.py");
    sqlite_files_make_main(main_db);
    sqlite_files_make_queue(queue_db);
    tempdir_write(settings, "SECRET_KEY = '" SECRET "-abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGH'\n");
    free(main_db);
    free(queue_db);
    free(settings);
}

static void fill_config(struct bench *bench) {
    static char expected[] = "OK";
    struct check_config *config = &bench->check.config;
    *config = (struct check_config){.name = (char *)(uintptr_t)bench->row->name,
        .kind = bench->row->kind,
        .interval_ms = 2 * TIMEOUT_MS,
        .timeout_ms = TIMEOUT_MS,
        .slow_ms = TIMEOUT_MS};
    if (check_kind_find(config->kind)->traits.is_database) {
        config->database = (struct database_config){.role = bench->row->role,
            .max_wal_bytes = INT64_MAX,
            .backlog_ms = 3600000,
            .backlog_tasks = 1000,
            .backlog_error_ms = -1};
        ck_assert_int_eq(dsn_parse(bench->target, &config->database.dsn, &bench->err), 0);
    } else if (config->kind == KIND_HTTP) {
        config->app.url = bench->target;
        config->app.expect = expected;
    } else if (config->kind == KIND_SETTINGS) {
        config->settings.path = bench->target;
    } else {
        config->directory.path = bench->target;
        config->directory.role = strcmp(bench->row->name, "spool") == 0 ? DIRECTORY_SPOOL : DIRECTORY_PLAIN;
    }
}

static void bench_init(struct bench *bench, const struct row *row) {
    static const struct peer_script SCRIPT = {
        .reads = 1, .reply = ANSWER, .reply_size = sizeof ANSWER - 1, .closes = PEER_CLOSES};
    char port[16];
    allocations_hook_libraries();
    memset(bench, 0, sizeof *bench);
    bench->row = row;
    bench->dir = tempdir_new();
    bench->peer = peer_start(&SCRIPT);
    make_files(bench);
    snprintf(port, sizeof port, "%d", bench->peer.port);
    bench->target = replaced(replaced(strdup(row->target), "@DIR@", bench->dir), "@PORT@", port);
    fill_config(bench);
    rig_init(&bench->rig);
}

static void bench_release(struct bench *bench) {
    rig_release(&bench->rig);
    peer_stop(&bench->peer);
    if (check_kind_find(bench->row->kind)->traits.is_database)
        dsn_release(&bench->check.config.database.dsn);
    free(bench->target);
    free(bench->dir);
}

static bool is_over(void *arg) {
    const struct bench *bench = arg;
    return bench->check.finished > 0 && children_busy(&bench->rig.children) == 0;
}

/* One run. Returns -1 where the check could not be made, -2 where it did not end. */
static int run(void *arg) {
    struct bench *bench = arg;
    bench->check.finished = 0;
    if (check_init(&bench->check.check, check_kind_find(bench->check.config.kind), &bench->rig.env,
            &bench->check.config, rig_finished, &bench->check, &bench->err) < 0)
        return -1;
    check_start(&bench->check.check);
    bool has_ended = rig_turn_until(&bench->rig, is_over, bench, 2 * TIMEOUT_MS);
    check_release(&bench->check.check);
    has_ended = rig_turn_until_empty(&bench->rig) && has_ended;
    return has_ended ? 0 : -2;
}

/* What was seen: an ok is one only with all that belongs to it. */
static void assert_same_keys(const struct observed *one, const struct observed *other) {
    for (int key = 0; key < OBSERVED_KEY_COUNT; key++) {
        int64_t value;
        ck_assert_msg(observed_get(one, (enum observed_key)key, &value) ==
                          observed_get(other, (enum observed_key)key, &value),
            "%s", observed_name((enum observed_key)key));
    }
}

static void judge(void *arg, int result, bool has_failed) {
    const struct bench *bench = arg;
    const struct outcome *outcome = &bench->check.outcome;
    if (result == -1) {
        ck_assert_msg(has_failed && strstr(bench->err.text, "memory"), "%s", bench->err.text);
        return;
    }
    ck_assert_int_eq(result, 0);
    ck_assert_int_eq(bench->check.finished, 1);
    ck_assert_ptr_null(strstr(outcome->detail, SECRET));
    if (has_failed && outcome->reason == REASON_INTERNAL)
        return;
    ck_assert_msg(outcome->reason == bench->reference.reason, "%s: %s", reason_info(outcome->reason)->slug,
        outcome->detail);
    if (outcome->reason == REASON_OK)
        assert_same_keys(&outcome->observed, &bench->reference.observed);
}

static void take_reference(struct bench *bench) {
    ck_assert_msg(run(bench) == 0, "%s", bench->err.text);
    bench->reference = bench->check.outcome;
    ck_assert_msg(bench->reference.reason == bench->row->reason, "%s: %s",
        reason_info(bench->reference.reason)->slug, bench->reference.detail);
}

START_TEST(without_memory_in_the_checker_a_run_is_right_or_internal) {
    static struct bench bench;
    const struct allocation_scenario scenario = {.name = ROWS[_i].name, .run = run, .judge = judge};
    bench_init(&bench, &ROWS[_i]);
    take_reference(&bench);
    ck_assert_int_gt(allocations_fail_each(&scenario, &bench), 1);
    bench_release(&bench);
}
END_TEST

START_TEST(without_memory_in_the_child_a_run_is_right_or_internal) {
    static struct bench bench;
    const struct allocation_scenario scenario = {.name = ROWS[_i].name, .run = run, .judge = judge};
    bench_init(&bench, &ROWS[_i]);
    take_reference(&bench);
    int count = allocations_fail_each_in_children(&scenario, &bench);
    ck_assert_int_ge(count, ROWS[_i].kind == KIND_HTTP || ROWS[_i].kind == KIND_DIRECTORY ? 0 : 1);
    bench_release(&bench);
}
END_TEST

Suite *fault_checks_suite(void) {
    enum { ROW_COUNT = sizeof ROWS / sizeof ROWS[0] };
    Suite *suite = suite_create("fault_checks");
    TCase *tcase = tcase_create("fault_checks");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, without_memory_in_the_checker_a_run_is_right_or_internal, 0, ROW_COUNT);
    tcase_add_loop_test(tcase, without_memory_in_the_child_a_run_is_right_or_internal, 0, ROW_COUNT);
    return suite;
}
