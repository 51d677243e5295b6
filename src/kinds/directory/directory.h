/* The directory kind: whether Bugsink can write where it spools events and wakes its worker. */
#ifndef BH_KINDS_DIRECTORY_DIRECTORY_H
#define BH_KINDS_DIRECTORY_DIRECTORY_H

#include "run/run.h"

/* Looks at config->directory.path as config->directory.role asks, and fills *outcome: REASON_OK, the first
 * error, or else the gravest degraded reason. A directory that is not there is an error where nobody makes
 * it: of role plain, or where its place cannot be written; else the outcome is that of its place, without an
 * identity. Makes and writes nothing. Blocks where the
 * volume hangs; to be run in a worker. */
void directory_examine(const struct check_config *config, int64_t now_wall_ms, struct phase_report *phases,
    struct outcome *outcome);

/* Walks from the directory at path, or from what there is of it, up to the first ancestor that root owns, as
 * Bugsink does before it uses the directory: all on the way must belong to its own user, and no symbolic link
 * of it. That user is ours; of root, which may be anybody's sidecar, it is whoever owns the first of them.
 * Returns 0, or -1 with the outcome filled. */
int directory_walk(const char *path, struct outcome *outcome);

#endif
