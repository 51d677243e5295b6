/* Databases, processes and looks for the tests of the SQLite kind. */
#ifndef BH_TESTS_KINDS_SQLITE_SQLITE_FIXTURE_H
#define BH_TESTS_KINDS_SQLITE_SQLITE_FIXTURE_H

#include "run/check.h"

#include <stdbool.h>
#include <sys/types.h>

#define TEST_APP_UID 14237

/* The moment at which the tests look: 2026-07-01 12:00:00 UTC. */
#define TEST_NOW_MS INT64_C(1782907200000)

extern const char SCHEMA_MAIN[];  /* Bugsink's default database: migrated, one installation */
extern const char SCHEMA_QUEUE[]; /* the queue: migrated, idle */

/* Runs SQL on the database at path, making it where it is missing, in a process of its own that ends at once:
 * by exit, or by SIGKILL with its connection open. */
void sql_run(const char *path, const char *sql);
void sql_run_and_die(const char *path, const char *sql);

/* "journal_mode=wal" or "=delete", then the schema. */
void sql_make(const char *path, const char *journal_mode, const char *schema);

/* A process that has run sql and keeps its connection open until holder_end, which closes it properly. */
struct holder {
    pid_t pid;
    int fd;
};
struct holder holder_begin(const char *path, const char *sql);
void holder_end(struct holder *holder);

/* The first value that sql gives, asked by a process of its own. */
long long sql_value(const char *path, const char *sql);

/* A configuration for path with the usual limits; borrowed, to be changed at will. */
struct check_config sqlite_config(const char *path, enum role role);

/* One look, in a process of its own. uid: who looks (-1: we ourselves). */
struct outcome look_with(const struct check_config *config, uid_t uid);
struct outcome look(const char *path, enum role role);

/* Fail the test where the reason is another. */
void sqlite_assert_reason(const struct outcome *outcome, enum reason reason);
void sqlite_assert_look(const char *path, enum role role, enum reason reason);

/* A database of Bugsink's in a directory of its own; the caller frees both. */
char *sqlite_make_main(const char *mode, char **dir);

/* times looks in one process; returns how many were not REASON_OK. */
int look_often(const char *path, enum role role, int times);

/* The names in dir with owner, mode, size and a checksum of the content (but that of a -shm: it holds
 * SQLite's read marks), as text; the caller frees. */
char *directory_picture(const char *dir);

/* Runs body in a child, in a private mount namespace where the system allows it (root), with a new tmpfs of
 * these mount options at dir. Returns false where it is not allowed; body's failures fail the test. */
bool with_tmpfs(const char *dir, const char *options, void (*body)(const char *dir));

#endif
