/* What stat, statvfs and access say about a SQLite database, before anything is opened. */
#include "kinds/sqlite/file.h"

#include "base/io.h"
#include "base/str.h"
#include "kinds/finding.h"
#include "kinds/sqlite/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int sqlite_file_may_write(const char *path) {
    return io_access(path, W_OK);
}

int64_t sqlite_file_size(const char *path) {
    struct stat st;
    if (lstat(path, &st) == 0)
        return (int64_t)st.st_size;
    return errno == ENOENT ? -1 : -2;
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

static int look_at_main(const struct sqlite_file *file, const struct check_config *config, struct stat *st,
    struct outcome *outcome) {
    if (stat(file->path, st) < 0)
        return finding_fail_errno(outcome, errno, file->path);
    if (!S_ISREG(st->st_mode))
        return finding_fail(outcome, REASON_NOT_A_FILE, "%s is not a regular file", file->path);
    outcome->identity = (struct identity){.device = (uint64_t)st->st_dev, .inode = (uint64_t)st->st_ino};
    observed_set(&outcome->observed, OBSERVED_FILE_BYTES, (int64_t)st->st_size);
    if (!sqlite_owner_lets_open(config, file->path, st, file->wal, file->shm))
        return refuse_owner(outcome, file->path, st->st_uid, geteuid());
    int refused = io_access(file->path, R_OK);
    return refused == 0 ? 0 : finding_fail_errno(outcome, refused, file->path);
}

/* A -wal or -shm of a third user is the trap already sprung: somebody else's look has left it, the owner of
 * the database cannot write to it, and SQLite says no more than "attempt to write a readonly database"
 * (Bugsink's issue 39). Our own beside a file of another user is the app's, whose user we are then. */
static bool is_owner_right(const struct stat *st, const struct stat *main_file) {
    return st->st_uid == main_file->st_uid || main_file->st_uid == 0 ||
           (geteuid() != 0 && st->st_uid == geteuid());
}

/* Fills *bytes: -1 where it is not there. */
static int look_beside(
    const char *path, const struct stat *main_file, int64_t *bytes, bool *is_odd, struct outcome *outcome) {
    struct stat st;
    *bytes = -1;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : finding_fail_errno(outcome, errno, path);
    *bytes = (int64_t)st.st_size;
    *is_odd = !S_ISREG(st.st_mode);
    return is_owner_right(&st, main_file) ? 0 : refuse_owner(outcome, path, st.st_uid, main_file->st_uid);
}

static int refuse_odd(const char *path, struct outcome *outcome) {
    return finding_fail(outcome, REASON_NOT_A_FILE, "%s is not a regular file", path);
}

static int look_at_all_beside(struct sqlite_file *file, const struct stat *st, struct outcome *outcome) {
    int64_t shm_bytes = -1;
    bool is_wal_odd = false, is_journal_odd = false;
    if (look_beside(file->wal, st, &file->wal_bytes, &is_wal_odd, outcome) < 0 ||
        look_beside(file->shm, st, &shm_bytes, &file->is_shm_odd, outcome) < 0 ||
        look_beside(file->journal, st, &file->journal_bytes, &is_journal_odd, outcome) < 0)
        return -1;
    if (is_wal_odd || is_journal_odd)
        return refuse_odd(is_wal_odd ? file->wal : file->journal, outcome);
    file->had_wal = file->wal_bytes >= 0;
    file->had_shm = shm_bytes >= 0;
    if (file->had_wal)
        observed_set(&outcome->observed, OBSERVED_WAL_BYTES, file->wal_bytes);
    return 0;
}

static int look_at_volume(struct sqlite_file *file, bool must_write, struct outcome *outcome) {
    if (volume_look(file->path, &file->volume) < 0)
        return finding_fail_errno(outcome, errno, file->path);
    observed_set(&outcome->observed, OBSERVED_FREE_BYTES, file->volume.free_bytes);
    observed_set(&outcome->observed, OBSERVED_TOTAL_BYTES, file->volume.total_bytes);
    if (file->volume.free_inodes >= 0)
        observed_set(&outcome->observed, OBSERVED_FREE_INODES, file->volume.free_inodes);
    if (must_write && file->volume.is_read_only)
        return finding_fail(outcome, REASON_READ_ONLY_MOUNT, "%s is on a read-only mount", file->path);
    if (file->volume.is_full && !file->volume.is_read_only)
        return finding_fail(outcome, REASON_DISK_FULL, "%s: no free %s on its volume", file->path,
            file->volume.free_bytes == 0 ? "block" : "inode");
    return 0;
}

/* Reads up to size bytes from the start of a regular file. Returns how many, or -1 with errno. No lock is
 * lost by the close: SQLite has not been here yet. */
static ssize_t read_start(const char *path, unsigned char *bytes, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
    if (fd < 0)
        return -1;
    ssize_t got = pread(fd, bytes, size, 0);
    int cause = errno;
    close(fd);
    errno = cause;
    return got;
}

/* Byte 18 is the file format's version for writing: 2 is WAL (sqlite.org/fileformat.html). */
static int read_header(struct sqlite_file *file, struct outcome *outcome) {
    unsigned char header[20];
    ssize_t got = read_start(file->path, header, sizeof header);
    if (got < 0)
        return finding_fail_errno(outcome, errno, file->path);
    file->is_wal_mode = got == (ssize_t)sizeof header && header[18] == 2;
    return 0;
}

/* Whether a writer opens what is there of this name. Measured: a log in rollback mode is nobody's, and in WAL
 * mode a journal that is empty, or zeroed, stays where it is. */
static bool is_written(const struct sqlite_file *file, const char *path) {
    unsigned char first = 0;
    if (path != file->journal)
        return file->is_wal_mode && (path == file->wal ? file->had_wal : file->had_shm);
    if (file->journal_bytes < 0 || !file->is_wal_mode)
        return file->journal_bytes >= 0;
    ssize_t got = read_start(path, &first, 1);
    return got < 0 ? errno != ENOENT : got > 0 && first != 0;
}

static int refuse_writing(struct outcome *outcome, enum reason reason, const char *path, int error) {
    return finding_fail(
        outcome, error == EROFS ? REASON_READ_ONLY_MOUNT : reason, "%s: %s", path, strerror(error));
}

/* What stands beside comes and goes with the app's connections: what is gone by now is made anew. */
static int may_write_beside(const struct sqlite_file *file, const char *path) {
    int error = is_written(file, path) ? sqlite_file_may_write(path) : 0;
    return error == ENOENT ? 0 : error;
}

/* Measured: where nothing may be made in the directory, but -wal and -shm are there, writers work, also after
 * the last of them has closed. */
static int look_for_writing(struct sqlite_file *file, struct outcome *outcome) {
    const char *const files[] = {file->path, file->wal, file->shm, file->journal};
    int shut = sqlite_file_may_write(file->directory);
    file->is_dir_shut = shut == EACCES && file->is_wal_mode && file->had_wal && file->had_shm;
    if (shut != 0 && !file->is_dir_shut)
        return refuse_writing(outcome, REASON_READ_ONLY_DIR, file->directory, shut);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        int error = i == 0 ? sqlite_file_may_write(files[i]) : may_write_beside(file, files[i]);
        if (error != 0)
            return refuse_writing(outcome, REASON_READ_ONLY_FILE, files[i], error);
    }
    return 0;
}

/* A file of one byte is an empty one to SQLite (unixFileSize, os_unix.c). */
static int look_at_size(const struct sqlite_file *file, const struct stat *st, struct outcome *outcome) {
    return st->st_size > 1 ? 0
                           : finding_fail(outcome, REASON_EMPTY, "%s holds nothing: its size is %lld",
                                 file->path, (long long)st->st_size);
}

int sqlite_file_look(struct sqlite_file *file, const struct check_config *config, struct outcome *outcome) {
    struct stat st;
    memset(file, 0, sizeof *file);
    if (name_files(file, config->database.dsn.path, outcome) < 0 ||
        look_at_main(file, config, &st, outcome) < 0 || look_at_all_beside(file, &st, outcome) < 0 ||
        look_at_volume(file, config->database.role != ROLE_PLAIN, outcome) < 0)
        return -1;
    return look_at_size(file, &st, outcome);
}

/* Without a WAL nobody opens a -shm, whatever it is. */
int sqlite_file_read(struct sqlite_file *file, const struct check_config *config, struct outcome *outcome) {
    if (read_header(file, outcome) < 0)
        return -1;
    if (file->is_wal_mode && file->is_shm_odd)
        return refuse_odd(file->shm, outcome);
    file->is_frozen = !file->had_wal && file->journal_bytes <= 0 && sqlite_file_may_write(file->path) != 0 &&
                      sqlite_file_may_write(file->directory) == 0;
    return config->database.role == ROLE_PLAIN ? 0 : look_for_writing(file, outcome);
}

void sqlite_file_release(struct sqlite_file *file) {
    free(file->path);
    free(file->directory);
    free(file->wal);
    free(file->shm);
    free(file->journal);
    memset(file, 0, sizeof *file);
}
