/* Ten thousand real runs, back to back in one process, of the kinds as they are: no descriptor, child, timer,
 * session or memory is left.
 *
 *  ten at a time                                                      end as
 *  SQLite main, queue, plain                                          ok
 *  SQLite, no such file; no database                                  file_missing; not_a_database
 *  SQLite, a run that is given up                                     nothing
 *  settings: python, the environment; a directory                     ok; not_a_file
 *  PostgreSQL plain, main; no such database; given up while it runs;  ok; db_missing; nothing;
 *  a name, and nobody there; a server that is silent (in turn)        refused; timeout */
#include "kinds/kinds.h"

#include "harness/peer.h"
#include "harness/postgres.h"
#include "harness/proc.h"
#include "harness/rig.h"
#include "harness/sqlite_files.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
enum { RUNS = 1000, IS_MEMORY_COUNTED = 0 }; /* its own leak detector counts, at the end of the test */
#else
enum { RUNS = 10000, IS_MEMORY_COUNTED = 1 };
#endif

enum {
    TIMEOUT_MS = 5000,
    SILENCE_MS = 5,
    DATABASE_EVERY = 10, /* so many runs, of which one is of PostgreSQL */
    WARM_UP = 200,       /* runs, in which the libraries fetch what they keep */
    RUNS_PER_SECOND =
        20, /* at least: each run has its own deadline, and this is the sum of what they may take */
    GROWTH_MAX_KB = 256 /* seen: 0 */
};

/* One check, and how its runs end. */
struct subject {
    struct rig_check own;
    enum reason reason;
    bool is_given_up;
};

enum { FILE_SUBJECTS = DATABASE_EVERY - 1, DATABASE_SUBJECTS = 6 };

struct bench {
    struct rig rig;
    struct subject files[FILE_SUBJECTS];
    struct subject databases[DATABASE_SUBJECTS];
    int started;
};

/* In the process that runs the tests, so that they are no children of the one that counts its children. */
static struct postgres_server *server;
static struct peer silent;

static void start_servers(void) {
    const struct peer_script script = {.reads = 0};
    server = postgres_start(NULL);
    silent = peer_start(&script);
}

static void stop_servers(void) {
    peer_stop(&silent);
    postgres_free(server);
}

/* -- the subjects -- */

static void add(struct bench *bench, struct subject *subject, enum reason reason, bool is_given_up,
    const struct check_config *config) {
    struct error err;
    *subject = (struct subject){.own = {.config = *config}, .reason = reason, .is_given_up = is_given_up};
    ck_assert_msg(check_init(&subject->own.check, check_kind_find(config->kind), &bench->rig.env,
                      &subject->own.config, rig_finished, &subject->own, &err) == 0,
        "%s", err.text);
}

static void add_sqlite(struct bench *bench, struct subject *subject, enum reason reason, bool is_given_up,
    enum role role, const char *path) {
    struct error err;
    struct check_config config = {.kind = KIND_SQLITE,
        .database.role = role,
        .timeout_ms = TIMEOUT_MS,
        .database.max_wal_bytes = INT64_MAX,
        .database.backlog_ms = TIMEOUT_MS,
        .database.backlog_tasks = 300,
        .database.backlog_error_ms = -1};
    ck_assert_msg(dsn_parse(path, &config.database.dsn, &err) == 0, "%s", err.text);
    add(bench, subject, reason, is_given_up, &config);
}

static void add_settings(struct bench *bench, struct subject *subject, enum reason reason,
    enum settings_format format, char *path, char **require, char **environment) {
    const struct check_config config = {.kind = KIND_SETTINGS,
        .timeout_ms = TIMEOUT_MS,
        .settings.path = path,
        .settings.format = format,
        .settings.require = require,
        .settings.require_count = 1,
        .settings.environment = environment};
    add(bench, subject, reason, false, &config);
}

static void add_postgres(struct bench *bench, struct subject *subject, enum reason reason, bool is_given_up,
    enum role role, const char *dsn) {
    struct error err;
    struct check_config config = {.kind = KIND_POSTGRES,
        .database.role = role,
        .timeout_ms = reason == REASON_TIMEOUT ? SILENCE_MS : TIMEOUT_MS};
    ck_assert_msg(dsn_parse(dsn, &config.database.dsn, &err) == 0, "%s", err.text);
    add(bench, subject, reason, is_given_up, &config);
}

static char name_secret_key[] = "SECRET_KEY",
            entry_secret_key[] = "SECRET_KEY=a-key-of-fifty-characters-and-more-0123456789-abcdefghij";
static char *required[] = {name_secret_key, NULL}, *environment[] = {entry_secret_key, NULL};
static char settings_path[] = "config/demo/bugsink_conf.py", directory_path[] = "config/demo";

static void add_files(struct bench *bench) {
    struct subject *next = bench->files;
    char *dir = tempdir_new(), *main_db = tempdir_path(dir, "main"), *queue = tempdir_path(dir, "queue"),
         *missing = tempdir_path(dir, "missing"), *garbage = tempdir_path(dir, "garbage");
    sqlite_files_make_main(main_db);
    sqlite_files_make_queue(queue);
    tempdir_write(garbage, "This is not a database, though it is long enough to have the header of one, and"
                           " then some: a header is one hundred bytes.");
    add_sqlite(bench, next++, REASON_OK, false, ROLE_MAIN, main_db);
    add_sqlite(bench, next++, REASON_OK, false, ROLE_QUEUE, queue);
    add_sqlite(bench, next++, REASON_OK, false, ROLE_PLAIN, main_db);
    add_sqlite(bench, next++, REASON_FILE_MISSING, false, ROLE_MAIN, missing);
    add_sqlite(bench, next++, REASON_NOT_A_DATABASE, false, ROLE_MAIN, garbage);
    add_sqlite(bench, next++, REASON_OK, true, ROLE_PLAIN, missing);
    add_settings(bench, next++, REASON_OK, SETTINGS_PYTHON, settings_path, required, NULL);
    add_settings(bench, next++, REASON_OK, SETTINGS_ENVIRONMENT, NULL, required, environment);
    add_settings(bench, next++, REASON_NOT_A_FILE, SETTINGS_PYTHON, directory_path, required, NULL);
    ck_assert_ptr_eq(next, bench->files + FILE_SUBJECTS);
    free(garbage);
    free(missing);
    free(queue);
    free(main_db);
    free(dir);
}

static void add_databases(struct bench *bench) {
    struct subject *next = bench->databases;
    char known[512], unknown[512], dead[128], hung[128];
    snprintf(
        known, sizeof known, "postgresql://postgres@/bugsink?host=%s&port=%d", server->root, server->port);
    snprintf(
        unknown, sizeof unknown, "postgresql://postgres@/no?host=%s&port=%d", server->root, server->port);
    snprintf(dead, sizeof dead, "postgresql://u@localhost:%d/d", peer_free_port());
    snprintf(hung, sizeof hung, "postgresql://u@127.0.0.1:%d/d", silent.port);
    add_postgres(bench, next++, REASON_OK, false, ROLE_PLAIN, known);
    add_postgres(bench, next++, REASON_OK, false, ROLE_MAIN, known);
    add_postgres(bench, next++, REASON_DB_MISSING, false, ROLE_PLAIN, unknown);
    add_postgres(bench, next++, REASON_OK, true, ROLE_MAIN, known);
    add_postgres(bench, next++, REASON_REFUSED, false, ROLE_PLAIN, dead);
    add_postgres(bench, next++, REASON_TIMEOUT, false, ROLE_PLAIN, hung);
    ck_assert_ptr_eq(next, bench->databases + DATABASE_SUBJECTS);
}

static void release(struct subject *subjects, int count) {
    for (int i = 0; i < count; i++) {
        check_release(&subjects[i].own.check);
        if (subjects[i].own.config.kind != KIND_SETTINGS)
            dsn_release(&subjects[i].own.config.database.dsn);
    }
}

/* -- runs -- */

/* Given up as soon as it has begun, like that of a check that a reload takes away. */
static void give_up(struct bench *bench, struct subject *subject) {
    int finished = subject->own.finished;
    ck_assert(check_start(&subject->own.check));
    check_cancel(&subject->own.check);
    ck_assert(rig_turn_until_childless(&bench->rig));
    ck_assert_int_eq(subject->own.finished, finished);
}

static void run_one(struct bench *bench, struct subject *subject) {
    bench->started++;
    if (subject->is_given_up) {
        give_up(bench, subject);
        return;
    }
    rig_run(&bench->rig, &subject->own);
    const struct outcome *outcome = &subject->own.outcome;
    ck_assert_msg(outcome->reason == subject->reason, "%s and not %s: %s, %s",
        reason_info(outcome->reason)->slug, reason_info(subject->reason)->slug, outcome->code,
        outcome->detail);
    ck_assert(rig_turn_until_childless(&bench->rig));
}

static void run_many(struct bench *bench, int runs) {
    for (int i = 0; i < runs; i++) {
        int place = i % DATABASE_EVERY, turn = i / DATABASE_EVERY;
        run_one(bench,
            place < FILE_SUBJECTS ? &bench->files[place] : &bench->databases[turn % DATABASE_SUBJECTS]);
    }
}

/* -- what is left -- */

static long resident_kb(void) {
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%ld %ld", &total, &resident), 2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* The workers that stay have one each, and how many of them are there between two runs is theirs to say. */
static int descriptors_but_workers(const struct bench *bench) {
    ck_assert_uint_eq(children_busy(&bench->rig.children), 0);
    return proc_descriptor_count(getpid()) - (int)bench->rig.children.count;
}

static bool is_session_gone(void *arg) {
    (void)arg;
    char *count = postgres_exec(server, "postgres",
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bugsink-health'");
    bool is_gone = strcmp(count, "0") == 0;
    free(count);
    return is_gone;
}

START_TEST(ten_thousand_runs_leave_nothing) {
    struct bench *bench = calloc(1, sizeof *bench);
    ck_assert_ptr_nonnull(bench);
    rig_init(&bench->rig);
    add_files(bench);
    add_databases(bench);
    run_many(bench, WARM_UP);
    int descriptors = descriptors_but_workers(bench);
    long memory_kb = resident_kb();
    bench->started = 0;
    run_many(bench, RUNS);
    ck_assert_int_eq(bench->started, RUNS);
    ck_assert_int_eq(descriptors_but_workers(bench), descriptors);
    ck_assert_int_eq(timers_next_delay_ms(&bench->rig.timers), -1);
    long growth_kb = resident_kb() - memory_kb;

    ck_assert_msg(!IS_MEMORY_COUNTED || growth_kb <= GROWTH_MAX_KB, "%d runs took %ld KiB", RUNS, growth_kb);
    release(bench->files, FILE_SUBJECTS);
    release(bench->databases, DATABASE_SUBJECTS);
    rig_release(&bench->rig);
    ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    ck_assert(wait_until(is_session_gone, NULL, TIMEOUT_MS));
    free(bench);
}
END_TEST

Suite *runs_suite(void) {
    Suite *suite = suite_create("runs");
    TCase *tcase = tcase_create("runs");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, (double)(WARM_UP + RUNS) / RUNS_PER_SECOND);
    tcase_add_unchecked_fixture(tcase, start_servers, stop_servers);
    tcase_add_test(tcase, ten_thousand_runs_leave_nothing);
    return suite;
}
