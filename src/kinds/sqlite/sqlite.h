/* The SQLite kind: one look at a database file, and at what Bugsink keeps in it. */
#ifndef BH_KINDS_SQLITE_SQLITE_H
#define BH_KINDS_SQLITE_SQLITE_H

#include "run/run.h"

#include <stdbool.h>
#include <stdint.h>

/* What of the file system this process is confined to, once a look has confined it. */
struct sqlite_bounds {
    bool are_set;
    bool
        are_left; /* the database stands elsewhere now: another process must look, and outcome says nothing */
    uint64_t device, inode; /* of the directory */
};

/* Looks at config->database.dsn.path as config->database.role asks, and fills *outcome; outcome->reason is
 * REASON_OK, the first error, or else the gravest degraded reason. phase(arg, ...) hears of each phase as it
 * begins. Blocks: for at most a third of config->timeout_ms on a lock, and without limit on a volume that
 * hangs; to be run in a worker. Leaves no file behind that was not there, changes no owner, and
 * checkpoints no log. A process that has this same database open through SQLite must not call it: closing a
 * file drops the process's POSIX locks on it. */
void sqlite_examine(const struct check_config *config, int64_t now_wall_ms, struct phase_report *phases,
    struct sqlite_bounds *bounds, struct outcome *outcome);

#endif
