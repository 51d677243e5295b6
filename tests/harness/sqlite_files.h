/* Databases as Bugsink leaves them: the demo's schema (config/demo), in WAL mode, made through libsqlite3. */
#ifndef BH_TESTS_SQLITE_FILES_H
#define BH_TESTS_SQLITE_FILES_H

/* Bugsink's main database, migrated, with its one installation. */
void sqlite_files_make_main(const char *path);

/* The snappea queue, migrated and idle. */
void sqlite_files_make_queue(const char *path);

/* Runs statements on a database that exists. */
void sqlite_files_execute(const char *path, const char *sql);

/* Removes it, and its -wal and -shm. */
void sqlite_files_remove(const char *path);

#endif
