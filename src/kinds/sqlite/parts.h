/* The parts of the SQLite kind that look into an open database: queries, Bugsink's tables, error codes, the
 * close. */
#ifndef BH_KINDS_SQLITE_PARTS_H
#define BH_KINDS_SQLITE_PARTS_H

#include "run/outcome.h"
#include "kinds/sqlite/file.h"

#include <sqlite3.h>
#include <stddef.h>

/* Opens file without creating it, waiting at most busy_ms for a lock; is_immutable: without locks, and
 * without -wal and -shm. Returns SQLITE_OK or an error code; *db is to be closed in either case (it may be
 * NULL). */
int sqlite_open(const struct sqlite_file *file, bool is_immutable, int busy_ms, sqlite3 **db);

/* Whether db, opened by sqlite_open to be written, was opened read-only nevertheless. */
bool sqlite_is_refused_for_writing(sqlite3 *db, const struct sqlite_file *file);

/* Asks for one value. Returns SQLITE_ROW with *value, SQLITE_DONE where there is no row or the value is NULL,
 * else an extended error code. No read transaction is left open. */
int sqlite_ask_int(sqlite3 *db, const char *sql, int64_t *value);
int sqlite_ask_text(sqlite3 *db, const char *sql, char *text, size_t size);

/* Whether there is such a table (column NULL), or such a column in it: SQLITE_ROW, SQLITE_DONE, else an error
 * code. */
int sqlite_ask_column(sqlite3 *db, const char *table, const char *column);

/* Reads a row of the first table there is. Returns SQLITE_OK, or an error code. */
int sqlite_read_any_row(sqlite3 *db);

/* The questions of roles main and queue. Return SQLITE_OK, with what they found in *outcome, or an error
 * code. */
int sqlite_ask_main(sqlite3 *db, int64_t now_wall_ms, struct outcome *outcome);
int sqlite_ask_queue(
    sqlite3 *db, const struct check_config *config, int64_t now_wall_ms, struct outcome *outcome);

/* Reads a UTC time as Django writes it: "2026-07-01 12:00:00.123456". Returns 0 with ms since 1970, or -1. */
int sqlite_parse_time(const char *text, int64_t *ms);

/* What is seen of the write lock in the course of a look. */
struct sqlite_lock {
    int64_t began_ms;
    uint64_t writer; /* as struct identity has it */
};

/* The first look at the lock, before SQLite has the file open in this process, and the last, after it has
 * closed it: to close any descriptor of a file drops all of the process's locks on it. The last one goes on
 * for a sixth of timeout_ms, at most half a second, where the lock was held. Returns who held it from first
 * to last; 0: nobody, or not the same one. */
void sqlite_lock_begin(struct sqlite_lock *lock, const struct sqlite_file *file);
uint64_t sqlite_lock_end(struct sqlite_lock *lock, const struct sqlite_file *file, int64_t timeout_ms);

/* Fills *outcome from an error code of db, which may be NULL. */
void sqlite_fail(struct outcome *outcome, sqlite3 *db, int code, const struct sqlite_file *file);

/* Closes db and takes away what opening it has made, and nothing else. */
void sqlite_close_traceless(sqlite3 *db, const struct sqlite_file *file);

#endif
