/* Bugsink's walk over the owners of its spool directories (since 2.0: b108_makedirs in bsmain/utils.py).
 * Where it fails each event is answered with an error, and the worker does not start. */
#include "kinds/directory/directory.h"

#include "kinds/finding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct walk {
    const char *target;
    bool is_user_known;
    uid_t user; /* the app's */
};

/* Cuts the last name off an absolute path, as os.path.dirname does. */
static void cut_name(char *path) {
    char *slash = strrchr(path, '/');
    while (slash > path && slash[-1] == '/')
        slash--;
    slash[slash == path ? 1 : 0] = '\0';
}

static bool is_top(const char *path) {
    return strspn(path, "/") == strlen(path);
}

static int refuse_owner(const struct walk *walk, const char *at, uid_t owner, struct outcome *outcome) {
    if (strcmp(at, walk->target) == 0)
        return finding_fail(outcome, REASON_UID_MISMATCH,
            "%s belongs to uid %lld, not to uid %lld: Bugsink uses only a directory of its own user's", at,
            (long long)owner, (long long)walk->user);
    return finding_fail(outcome, REASON_UID_MISMATCH,
        "%s, above %s, belongs to uid %lld, not to uid %lld or root: Bugsink does not use what is below it",
        at, walk->target, (long long)owner, (long long)walk->user);
}

/* Returns 1 where the walk ends: root's own ground is trusted. But the directory itself must be Bugsink's
 * even so. */
static int look_at_step(struct walk *walk, const char *at, const struct stat *st, struct outcome *outcome) {
    bool is_target = strcmp(at, walk->target) == 0;
    if (st->st_uid == 0)
        return is_target && walk->is_user_known && walk->user != 0
                   ? refuse_owner(walk, at, st->st_uid, outcome)
                   : 1;
    if (S_ISLNK(st->st_mode))
        return finding_fail(outcome, REASON_UID_MISMATCH,
            "%s is a symbolic link of uid %lld: on the way to its directories Bugsink takes only root's", at,
            (long long)st->st_uid);
    if (!walk->is_user_known)
        *walk = (struct walk){walk->target, true, st->st_uid};
    return st->st_uid == walk->user ? 0 : refuse_owner(walk, at, st->st_uid, outcome);
}

/* Of what is missing nothing follows: Bugsink makes it, as its own. */
static int walk_up(struct walk *walk, char *at, struct outcome *outcome) {
    for (;; cut_name(at)) {
        struct stat st;
        int result = 0;
        if (lstat(at, &st) == 0)
            result = look_at_step(walk, at, &st, outcome);
        else if (errno != ENOENT)
            return finding_fail_errno(outcome, errno, at);
        if (result != 0 || is_top(at))
            return result < 0 ? -1 : 0;
    }
}

int directory_walk(const char *path, struct outcome *outcome) {
    struct walk walk = {path, geteuid() != 0, geteuid()};
    char *at = strdup(path);
    if (!at)
        return finding_fail_errno(outcome, ENOMEM, path);
    int result = walk_up(&walk, at, outcome);
    free(at);
    return result;
}
