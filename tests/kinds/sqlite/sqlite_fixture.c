/* Databases, processes and looks for the tests of the SQLite kind. No test process opens a database itself:
 * SQLite and POSIX locks want that done in processes of their own. */
#include "kinds/sqlite/sqlite_fixture.h"

#include "harness/fork.h"
#include "harness/tempdir.h"

#include "base/sandbox.h"
#include "base/str.h"
#include "kinds/sqlite/sqlite.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const char SCHEMA_MAIN[] =
    "CREATE TABLE django_migrations (id integer PRIMARY KEY, app text, name text, applied datetime);"
    "INSERT INTO django_migrations (app, name) VALUES ('phonehome', '0001_b_squashed_initial');"
    "CREATE TABLE phonehome_installation (id char(32) PRIMARY KEY, quota_exceeded_until datetime);"
    "INSERT INTO phonehome_installation (id) VALUES ('0123456789abcdef0123456789abcdef');"
    "CREATE TABLE events_event (id integer PRIMARY KEY, data text);";

const char SCHEMA_QUEUE[] =
    "CREATE TABLE django_migrations (id integer PRIMARY KEY, app text, name text, applied datetime);"
    "INSERT INTO django_migrations (app, name) VALUES ('snappea', '0005_stat');"
    "CREATE TABLE snappea_task (id integer PRIMARY KEY AUTOINCREMENT, created_at datetime NOT NULL,"
    " task_name varchar(255), args text NOT NULL DEFAULT '[]', kwargs text NOT NULL DEFAULT '{}');"
    "CREATE INDEX snappea_tas_created_eb0824_idx ON snappea_task (created_at);"
    "CREATE TABLE snappea_stat (id integer PRIMARY KEY AUTOINCREMENT, timestamp datetime NOT NULL,"
    " task_name varchar(255) NOT NULL, done integer, errors integer NOT NULL, UNIQUE (timestamp, "
    "task_name));";

static void give_up(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    _exit(99);
}

static sqlite3 *open_and_run(const char *path, const char *sql) {
    sqlite3 *db;
    char *message = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_busy_timeout(db, 5000) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        give_up(path, message ? message : sqlite3_errmsg(db));
    return db;
}

static void wait_for(pid_t pid, bool dies) {
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(
        dies ? WIFSIGNALED(status) : WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
}

void sql_run(const char *path, const char *sql) {
    pid_t pid = test_fork();
    if (pid == 0) {
        sqlite3_close(open_and_run(path, sql));
        _exit(0);
    }
    wait_for(pid, false);
}

void sql_run_and_die(const char *path, const char *sql) {
    pid_t pid = test_fork();
    if (pid == 0) {
        open_and_run(path, sql);
        raise(SIGKILL);
    }
    wait_for(pid, true);
}

void sql_make(const char *path, const char *journal_mode, const char *schema) {
    char pragma[64];
    snprintf(pragma, sizeof pragma, "PRAGMA journal_mode=%s", journal_mode);
    sql_run(path, pragma);
    sql_run(path, schema);
}

struct holder holder_begin(const char *path, const char *sql) {
    int ends[2], ready[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(pipe(ready), 0);
    struct holder holder = {test_fork(), ends[1]};
    if (holder.pid == 0) {
        close(ends[1]);
        sqlite3 *db = open_and_run(path, sql);
        char byte = 'r';
        if (write(ready[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 0)
            _exit(1);
        sqlite3_close(db);
        _exit(0);
    }
    close(ends[0]);
    close(ready[1]);
    char byte;
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return holder;
}

void holder_end(struct holder *holder) {
    close(holder->fd);
    wait_for(holder->pid, false);
}

/* Runs body in a child as uid and hands back what it wrote. */
static void in_child(void (*body)(void *arg, int fd), void *arg, uid_t uid, void *result, size_t size) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = test_fork();
    if (pid == 0) {
        if (uid != (uid_t)-1 && (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
            give_up("setresuid", strerror(errno));
        sandbox_forbid_privileges(); /* without which only root may give up more */
        body(arg, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], result, size), (ssize_t)size);
    close(ends[0]);
    wait_for(pid, false);
}

static void hand_back(int fd, const void *data, size_t size) {
    if (write(fd, data, size) != (ssize_t)size)
        give_up("write", strerror(errno));
}

struct question {
    const char *path, *sql;
};

static void ask_value(void *arg, int fd) {
    const struct question *question = arg;
    sqlite3 *db = open_and_run(question->path, "");
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, question->sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        give_up(question->sql, sqlite3_errmsg(db));
    long long value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    hand_back(fd, &value, sizeof value);
}

long long sql_value(const char *path, const char *sql) {
    struct question question = {path, sql};
    long long value;
    in_child(ask_value, &question, (uid_t)-1, &value, sizeof value);
    return value;
}

struct check_config sqlite_config(const char *path, enum role role) {
    static char name[] = "test";
    static char text[4096];
    str_copy(text, sizeof text, path);
    return (struct check_config){
        .name = name,
        .kind = KIND_SQLITE,
        .database.role = role,
        .is_sandboxed = true,
        .timeout_ms = 600,
        .database.dsn = {.scheme = DSN_SQLITE, .path = text},
        .database.min_free_bytes = 0,
        .database.max_wal_bytes = INT64_C(1) << 30,
        .database.backlog_ms = 60000,
        .database.backlog_tasks = 300,
        .database.backlog_error_ms = -1,
    };
}

static void examine(void *arg, int fd) {
    struct outcome outcome;
    sqlite_examine(arg, TEST_NOW_MS, &(struct phase_report){0}, &(struct sqlite_bounds){0}, &outcome);
    hand_back(fd, &outcome, sizeof outcome);
}

struct outcome look_with(const struct check_config *config, uid_t uid) {
    struct check_config copy = *config;
    struct outcome outcome;
    in_child(examine, &copy, uid, &outcome, sizeof outcome);
    return outcome;
}

struct outcome look(const char *path, enum role role) {
    struct check_config config = sqlite_config(path, role);
    return look_with(&config, (uid_t)-1);
}

struct series {
    struct check_config config;
    int times;
};

static void examine_often(void *arg, int fd) {
    const struct series *series = arg;
    int bad = 0;
    for (int i = 0; i < series->times; i++) {
        struct outcome outcome;
        struct check_config config = series->config;
        config.is_sandboxed = i == 0; /* what is given up is not given up again */
        sqlite_examine(&config, TEST_NOW_MS, &(struct phase_report){0}, &(struct sqlite_bounds){0}, &outcome);
        if (outcome.reason != REASON_OK && bad++ == 0)
            fprintf(stderr, "look %d: %s %s %s\n", i, reason_info(outcome.reason)->slug, outcome.code,
                outcome.detail);
    }
    hand_back(fd, &bad, sizeof bad);
}

int look_often(const char *path, enum role role, int times) {
    struct series series = {sqlite_config(path, role), times};
    int bad;
    in_child(examine_often, &series, (uid_t)-1, &bad, sizeof bad);
    return bad;
}

static uint64_t checksum(const char *path) {
    uint64_t sum = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    for (int c; (c = getc(file)) != EOF;)
        sum = (sum ^ (uint64_t)c) * UINT64_C(0x100000001b3);
    fclose(file);
    return sum;
}

static void add_to_picture(struct strbuf *picture, const char *dir, const char *name) {
    char path[4096];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_int_eq(lstat(path, &st), 0);
    const char *dash = strrchr(name, '-');
    bool is_shm = dash && strcmp(dash, "-shm") == 0;
    strbuf_format(picture, "%s %o %d:%d %lld %016llx\n", name, (unsigned)st.st_mode, (int)st.st_uid,
        (int)st.st_gid, (long long)st.st_size,
        is_shm || !S_ISREG(st.st_mode) ? 0ULL : (unsigned long long)checksum(path));
}

char *directory_picture(const char *dir) {
    struct dirent **names;
    struct strbuf picture = {0};
    int count = scandir(dir, &names, NULL, alphasort);
    ck_assert_int_ge(count, 2);
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0)
            add_to_picture(&picture, dir, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return picture.data ? picture.data : str_dup("");
}

bool with_tmpfs(const char *dir, const char *options, void (*body)(const char *dir)) {
    enum { NOT_ALLOWED = 77 };
    pid_t pid = test_fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", dir, "tmpfs", 0, options) < 0)
            _exit(NOT_ALLOWED);
        body(dir);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_ALLOWED)
        return false;
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
    return true;
}

void sqlite_assert_reason(const struct outcome *outcome, enum reason reason) {
    ck_assert_msg(outcome->reason == reason, "%s %s: %s", reason_info(outcome->reason)->slug, outcome->code,
        outcome->detail);
}

void sqlite_assert_look(const char *path, enum role role, enum reason reason) {
    struct outcome outcome = look(path, role);
    sqlite_assert_reason(&outcome, reason);
}

char *sqlite_make_main(const char *mode, char **dir) {
    *dir = tempdir_new();
    char *path = tempdir_path(*dir, "db.sqlite3");
    sql_make(path, mode, SCHEMA_MAIN);
    return path;
}
