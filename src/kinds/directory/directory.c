/* A look at a directory that Bugsink writes to. */
#include "kinds/directory/directory.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/sandbox.h"
#include "base/str.h"
#include "kinds/finding.h"
#include "kinds/kinds.h"
#include "kinds/volume.h"
#include "run/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bugsink keeps one file for each thread that wakes the worker, however often it does (snappea/__init__.py).
 */
enum { WAKEUPS_MAX = 4096 };

static int fail_errno(struct outcome *outcome, int error, const char *path) {
    if (error == ENOTDIR || error == ELOOP)
        return finding_fail(outcome, REASON_NOT_A_DIRECTORY, "%s: %s", path, strerror(error));
    return finding_fail_errno(outcome, error, path);
}

static int look_at_volume(const struct check_config *config, const char *path, struct outcome *outcome) {
    struct volume volume;
    if (volume_look(path, &volume) < 0)
        return fail_errno(outcome, errno, path);
    observed_set(&outcome->observed, OBSERVED_FREE_BYTES, volume.free_bytes);
    observed_set(&outcome->observed, OBSERVED_TOTAL_BYTES, volume.total_bytes);
    if (volume.free_inodes >= 0)
        observed_set(&outcome->observed, OBSERVED_FREE_INODES, volume.free_inodes);
    if (volume.is_read_only)
        return finding_fail(outcome, REASON_READ_ONLY_MOUNT, "%s is on a read-only mount", path);
    if (volume.is_full)
        return finding_fail(outcome, REASON_DISK_FULL, "%s: no free %s on its volume", path,
            volume.free_bytes == 0 ? "block" : "inode");
    if (volume_is_low(&volume, config->directory.min_free_bytes))
        finding_note(outcome, REASON_DISK_LOW);
    if (volume.is_network)
        finding_note(outcome, REASON_NETWORK_FS);
    return 0;
}

static int look_at_owners(const struct check_config *config, struct outcome *outcome) {
    return config->directory.role == DIRECTORY_PLAIN ? 0 : directory_walk(config->directory.path, outcome);
}

static int may_write_in(const char *path) {
    return io_access(path, W_OK | X_OK);
}

/* -- one that is there -- */

static int look_at_access(const struct check_config *config, const struct stat *st, struct outcome *outcome) {
    int error = may_write_in(config->directory.path);
    if (error == EACCES)
        return finding_fail(outcome, REASON_PERMISSION,
            "%s (of uid %lld, mode %03o) may not be written by uid %lld", config->directory.path,
            (long long)st->st_uid, (unsigned)st->st_mode & 07777, (long long)geteuid());
    return error == 0 ? 0 : fail_errno(outcome, error, config->directory.path);
}

static int64_t age_ms(const struct stat *st, int64_t now_wall_ms) {
    int64_t written_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
    return now_wall_ms > written_ms ? now_wall_ms - written_ms : 0;
}

/* A call that was there and is gone was heard. Returns 0, or the errno of what could not be read. */
static int find_oldest(DIR *dir, int64_t now_wall_ms, int64_t *oldest_ms) {
    for (int i = 0; i < WAKEUPS_MAX; i++) {
        struct stat st;
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry)
            return errno;
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno != ENOENT)
                return errno;
        } else if (S_ISREG(st.st_mode) && age_ms(&st, now_wall_ms) > *oldest_ms) {
            *oldest_ms = age_ms(&st, now_wall_ms);
        }
    }
    return 0;
}

/* Foreman removes each wake-up call as it hears of it, by inotify (snappea/foreman.py): one that stays was
 * not heard. Whether that matters is known only together with the queue. */
static int look_at_wakeups(const struct check_config *config, int64_t now_wall_ms, struct outcome *outcome) {
    DIR *dir = opendir(config->directory.path);
    if (!dir)
        return fail_errno(outcome, errno, config->directory.path);
    int64_t oldest_ms = -1;
    int error = find_oldest(dir, now_wall_ms, &oldest_ms);
    closedir(dir);
    if (error != 0)
        return fail_errno(outcome, error, config->directory.path);
    if (oldest_ms >= 0)
        observed_set(&outcome->observed, OBSERVED_WAKEUP_AGE_S, oldest_ms / 1000);
    return 0;
}

static int look_at_directory(
    const struct check_config *config, const struct stat *st, struct outcome *outcome) {
    if (!S_ISDIR(st->st_mode))
        return finding_fail(outcome, REASON_NOT_A_DIRECTORY, "%s is not a directory", config->directory.path);
    outcome->identity = (struct identity){.device = (uint64_t)st->st_dev, .inode = (uint64_t)st->st_ino};
    if (look_at_volume(config, config->directory.path, outcome) < 0 ||
        look_at_access(config, st, outcome) < 0)
        return -1;
    return look_at_owners(config, outcome);
}

/* -- one that is not there -- */

/* Cuts path back to what exists of it: a string of the caller's, absolute. Returns 0, or errno. */
static int cut_to_existing(char *path, struct stat *st) {
    while (stat(path, st) < 0) {
        if (errno != ENOENT || strcmp(path, "/") == 0)
            return errno;
        char *slash = strrchr(path, '/');
        slash[slash == path ? 1 : 0] = '\0';
    }
    return 0;
}

static int look_at_place(const struct check_config *config, char *place, struct outcome *outcome) {
    struct stat st;
    int error = cut_to_existing(place, &st);
    if (error != 0)
        return fail_errno(outcome, error, place);
    if (!S_ISDIR(st.st_mode))
        return finding_fail(outcome, REASON_NOT_A_DIRECTORY, "%s is not a directory", place);
    if (look_at_volume(config, place, outcome) < 0)
        return -1;
    error = may_write_in(place);
    if (error != 0)
        return finding_fail(outcome, error == EROFS ? REASON_READ_ONLY_MOUNT : REASON_FILE_MISSING,
            "%s does not exist and cannot be made: %s: %s", config->directory.path, place, strerror(error));
    return look_at_owners(config, outcome);
}

/* Bugsink makes the ingestion directory before it writes an event there, and the wake-up directory when its
 * worker starts, or before it wakes it (snappea/models.py): until then both are rightly missing, and to call
 * that an error would keep the first event away. */
static int look_at_missing(const struct check_config *config, struct outcome *outcome) {
    struct stat st;
    if (lstat(config->directory.path, &st) == 0)
        return finding_fail(outcome, REASON_NOT_A_DIRECTORY, "%s is a symbolic link that leads nowhere",
            config->directory.path);
    if (errno != ENOENT)
        return fail_errno(outcome, errno, config->directory.path);
    if (config->directory.role == DIRECTORY_PLAIN)
        return finding_fail_errno(outcome, ENOENT, config->directory.path);
    char *place = strdup(config->directory.path);
    if (!place)
        return finding_fail_errno(outcome, ENOMEM, config->directory.path);
    int result = look_at_place(config, place, outcome);
    free(place);
    return result;
}

/* -- the look -- */

void directory_examine(const struct check_config *config, int64_t now_wall_ms, struct phase_report *phases,
    struct outcome *outcome) {
    struct stat st;
    memset(outcome, 0, sizeof *outcome);
    phase_report_enter(phases, PHASE_STAT);
    if (stat(config->directory.path, &st) < 0) {
        if (errno == ENOENT)
            look_at_missing(config, outcome);
        else
            fail_errno(outcome, errno, config->directory.path);
    } else if (look_at_directory(config, &st, outcome) == 0 && config->directory.role == DIRECTORY_WAKEUP) {
        phase_report_enter(phases, PHASE_READ);
        look_at_wakeups(config, now_wall_ms, outcome);
    }
    if (outcome->reason != REASON_OK)
        outcome->phase = phases->phase;
}

/* -- the kind -- */

static void work(struct run *run) {
    if (run->is_first && run->config->is_sandboxed)
        sandbox_forbid_all_but_reading();
    directory_examine(run->config, clock_wall_ms(clock_system()), &run->phases, &run->outcome);
}

const struct check_kind DIRECTORY_KIND = {
    .traits = {.measures_latency = true, .tracks_inode = true, .may_be_remade = true},
    .start = check_run_in_child,
    .work = work,
    .cancel = check_cancel_child,
};
