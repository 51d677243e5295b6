/* Closing a SQLite database without a trace.
 *
 * What SQLite does, seen by experiment (3.40.1, each in a process that is the only one to have the file open,
 * which reads and closes):
 *
 *   before                          plain close                          with NO_CKPT_ON_CLOSE
 *   WAL mode, no -wal, no -shm      both made, both removed              empty -wal and a -shm stay
 *   -wal with content, -shm         checkpointed into the database,      nothing changes
 *                                   both removed
 *   -wal with content, no -shm      the same                             a -shm stays; the -wal is as it was
 *   empty -wal, no -shm             the -wal is removed                  a -shm stays
 *   -shm alone                      removed                              an empty -wal stays
 *   garbage in the -wal             removed                              a -shm stays; the -wal is as it was
 *   rollback mode, no journal       nothing changes                      nothing changes
 *   rollback mode, hot journal      rolled back at the first read, and removed, either way
 *
 * With another process in the file, neither close changes anything. So: a plain close where both files are of
 * our own making and empty; in all other cases no checkpoint, and then the removal of that which is ours
 * alone. */
#include "kinds/sqlite/parts.h"

#include <fcntl.h>
#include <unistd.h>

/* Takes SQLite's exclusive lock: the PENDING, RESERVED and SHARED bytes, at 1 GiB
 * (sqlite.org/fileformat.html, The Lock-Byte Page; os_unix.c). In WAL mode every connection that has read
 * holds its SHARED lock until it closes, and opens -wal and -shm after taking it: under the exclusive lock
 * nobody has them open, which is how SQLite itself comes to remove them. */
static bool lock_exclusively(int fd) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000000, .l_len = 512};
    return fcntl(fd, F_SETLK, &lock) == 0;
}

static void remove_what_is_ours(const struct sqlite_file *file) {
    int fd = open(file->path, O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return;
    if (lock_exclusively(fd)) {
        int64_t wal_bytes = sqlite_file_size(file->wal);
        if (!file->had_wal && wal_bytes == 0 && unlink(file->wal) == 0)
            wal_bytes = -1;
        /* Where the app has written meanwhile, the two belong together. */
        if (!file->had_shm && (file->had_wal || wal_bytes == -1))
            unlink(file->shm);
    }
    close(fd);
}

void sqlite_close_traceless(sqlite3 *db, const struct sqlite_file *file) {
    if (!db)
        return;
    int64_t wal_bytes = sqlite_file_size(file->wal);
    bool is_ours = !file->had_wal && !file->had_shm && (wal_bytes == 0 || wal_bytes == -1);
    if (!is_ours)
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
    sqlite3_close(db);
    if (!is_ours && (!file->had_wal || !file->had_shm))
        remove_what_is_ours(file);
}
