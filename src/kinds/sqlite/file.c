/* What stat, statvfs and access say about a SQLite database, before anything is opened. */
#include "kinds/sqlite/file.h"

#include "base/str.h"
#include "kinds/finding.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/capability.h>
#include <sys/syscall.h>
#endif

/* Root gives the -wal and -shm it makes to the database's owner (SQLite's robustFchown, os_unix.c), and so
 * harms nobody; unless its container has dropped CAP_CHOWN: then the files stay root's, and the app cannot
 * write any more. */
static bool may_give_files_away(void) {
    if (geteuid() != 0)
        return false;
#ifdef __linux__
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    memset(data, 0, sizeof data);
    if (syscall(SYS_capget, &header, data) == 0)
        return (data[0].effective & (UINT32_C(1) << CAP_CHOWN)) != 0;
#endif
    return true;
}

int sqlite_file_may_write(const char *path) {
    return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 ? 0 : errno;
}

int64_t sqlite_file_size(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

static char *beside(const char *path, const char *suffix) {
    struct strbuf text = {0};
    strbuf_append(&text, path);
    strbuf_append(&text, suffix);
    if (text.is_broken) {
        strbuf_release(&text);
        return NULL;
    }
    return text.data;
}

/* A file that is missing in a directory that is there may yet be made by the app; the free space tells the
 * two apart. */
static int fail_missing(const char *path, int error, struct outcome *outcome) {
    struct volume volume;
    char *directory = beside(path, "");
    char *slash = directory ? strrchr(directory, '/') : NULL;
    if (slash)
        slash[slash == directory ? 1 : 0] = '\0';
    if (directory && volume_look(slash ? directory : ".", &volume) == 0)
        observed_set(&outcome->observed, OBSERVED_FREE_BYTES, volume.free_bytes);
    free(directory);
    return finding_fail_errno(outcome, error, path);
}

static int name_files(struct sqlite_file *file, const char *path, struct outcome *outcome) {
    file->path = realpath(path, NULL);
    if (!file->path)
        return fail_missing(path, errno, outcome);
    file->wal = beside(file->path, "-wal");
    file->shm = beside(file->path, "-shm");
    file->journal = beside(file->path, "-journal");
    file->directory = beside(file->path, "");
    if (!file->wal || !file->shm || !file->journal || !file->directory)
        return finding_fail_errno(outcome, ENOMEM, path);
    char *slash = strrchr(file->directory, '/');
    slash[slash == file->directory ? 1 : 0] = '\0';
    return 0;
}

static int refuse_owner(struct outcome *outcome, const char *path, uid_t owner, uid_t wanted) {
    return finding_fail(outcome, REASON_UID_MISMATCH, "%s belongs to uid %lld, not to uid %lld", path,
        (long long)owner, (long long)wanted);
}

static int look_at_main(const struct sqlite_file *file, struct stat *st, struct outcome *outcome) {
    if (stat(file->path, st) < 0)
        return finding_fail_errno(outcome, errno, file->path);
    if (!S_ISREG(st->st_mode))
        return finding_fail(outcome, REASON_NOT_A_FILE, "%s is not a regular file", file->path);
    outcome->identity = (struct identity){.device = (uint64_t)st->st_dev, .inode = (uint64_t)st->st_ino};
    observed_set(&outcome->observed, OBSERVED_FILE_BYTES, (int64_t)st->st_size);
    if (st->st_uid != geteuid() && !may_give_files_away())
        return refuse_owner(outcome, file->path, st->st_uid, geteuid());
    if (faccessat(AT_FDCWD, file->path, R_OK, AT_EACCESS) < 0)
        return finding_fail_errno(outcome, errno, file->path);
    return 0;
}

/* A -wal or -shm of a third user is the trap already sprung: somebody else's look has left it, the owner of
 * the database cannot write to it, and SQLite says no more than "attempt to write a readonly database"
 * (Bugsink's issue 39). */
static int look_beside(
    const char *path, const struct stat *main_file, bool *is_there, int64_t *bytes, struct outcome *outcome) {
    struct stat st;
    *is_there = lstat(path, &st) == 0;
    *bytes = *is_there ? (int64_t)st.st_size : 0;
    if (!*is_there && errno != ENOENT)
        return finding_fail_errno(outcome, errno, path);
    if (*is_there && st.st_uid != main_file->st_uid && main_file->st_uid != 0)
        return refuse_owner(outcome, path, st.st_uid, main_file->st_uid);
    return 0;
}

static int look_at_volume(struct sqlite_file *file, bool must_write, struct outcome *outcome) {
    if (volume_look(file->path, &file->volume) < 0)
        return finding_fail_errno(outcome, errno, file->path);
    observed_set(&outcome->observed, OBSERVED_FREE_BYTES, file->volume.free_bytes);
    if (file->volume.free_inodes >= 0)
        observed_set(&outcome->observed, OBSERVED_FREE_INODES, file->volume.free_inodes);
    if (must_write && file->volume.is_read_only)
        return finding_fail(outcome, REASON_READ_ONLY_MOUNT, "%s is on a read-only mount", file->path);
    if (file->volume.is_full && !file->volume.is_read_only)
        return finding_fail(outcome, REASON_DISK_FULL, "%s: no free %s on its volume", file->path,
            file->volume.free_bytes == 0 ? "block" : "inode");
    return 0;
}

static int look_for_writing(const struct sqlite_file *file, struct outcome *outcome) {
    const struct {
        const char *path;
        enum reason reason;
    } places[] = {{file->directory, REASON_READ_ONLY_DIR}, {file->path, REASON_READ_ONLY_FILE}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int error = sqlite_file_may_write(places[i].path);
        if (error != 0)
            return finding_fail(outcome, error == EROFS ? REASON_READ_ONLY_MOUNT : places[i].reason, "%s: %s",
                places[i].path, strerror(error));
    }
    return 0;
}

int sqlite_file_look(struct sqlite_file *file, const struct check_config *config, struct outcome *outcome) {
    bool must_write = config->database.role != ROLE_PLAIN;
    struct stat st;
    int64_t shm_bytes;
    memset(file, 0, sizeof *file);
    if (name_files(file, config->database.dsn.path, outcome) < 0 || look_at_main(file, &st, outcome) < 0 ||
        look_beside(file->wal, &st, &file->had_wal, &file->wal_bytes, outcome) < 0 ||
        look_beside(file->shm, &st, &file->had_shm, &shm_bytes, outcome) < 0)
        return -1;
    if (file->had_wal)
        observed_set(&outcome->observed, OBSERVED_WAL_BYTES, file->wal_bytes);
    file->journal_bytes = sqlite_file_size(file->journal);
    if (look_at_volume(file, must_write, outcome) < 0)
        return -1;
    if (st.st_size == 0)
        return finding_fail(outcome, REASON_EMPTY, "%s has 0 bytes", file->path);
    file->is_frozen = !file->had_wal && file->journal_bytes <= 0 && sqlite_file_may_write(file->path) != 0 &&
                      sqlite_file_may_write(file->directory) == 0;
    return must_write ? look_for_writing(file, outcome) : 0;
}

void sqlite_file_release(struct sqlite_file *file) {
    free(file->path);
    free(file->directory);
    free(file->wal);
    free(file->shm);
    free(file->journal);
    memset(file, 0, sizeof *file);
}
