/* Whose a SQLite database is. */
#ifndef BH_KINDS_SQLITE_OWNER_H
#define BH_KINDS_SQLITE_OWNER_H

#include "config/config.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Whether the database at path, whose stat is *st, may be opened by this process without harm to the app: it
 * is our own; or we are root, who gives what SQLite makes to the owner (robustFchown, os_unix.c); or what
 * Bugsink itself has made says that we are its user, and may write the file as it does. */
bool sqlite_owner_lets_open(const struct check_config *config, const char *path, const struct stat *st,
    const char *wal, const char *shm);

#endif
