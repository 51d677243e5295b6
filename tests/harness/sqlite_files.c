/* Makes Bugsink-like databases for tests. */
#include "harness/sqlite_files.h"

#include "harness/program.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUSY_MS = 10 * 1000 }; /* another process of the test may be at it */

static void execute(const char *path, int flags, const char *sql) {
    sqlite3 *db;
    char *message = NULL;
    int code = sqlite3_open_v2(path, &db, flags, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(db, BUSY_MS);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db, sql, NULL, NULL, &message);
    ck_assert_msg(code == SQLITE_OK, "%s: %s", path, message ? message : sqlite3_errstr(code));
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static void make(const char *path, const char *schema) {
    enum { SQL_SIZE = 65536 };
    char *sql = malloc(SQL_SIZE);
    ck_assert_ptr_nonnull(sql);
    size_t length = program_read_file(schema, sql, SQL_SIZE);
    ck_assert_msg(length > 0, "%s is missing: the tests run in the repository's root", schema);
    execute(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, sql);
    free(sql);
}

void sqlite_files_make_main(const char *path) {
    make(path, "config/demo/default.sql");
}

void sqlite_files_make_queue(const char *path) {
    make(path, "config/demo/snappea.sql");
}

void sqlite_files_execute(const char *path, const char *sql) {
    execute(path, SQLITE_OPEN_READWRITE, sql);
}

void sqlite_files_remove(const char *path) {
    static const char *const SUFFIXES[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof SUFFIXES[0]; i++) {
        char file[512];
        snprintf(file, sizeof file, "%s%s", path, SUFFIXES[i]);
        unlink(file);
    }
}
