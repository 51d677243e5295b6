/* Whether one writer holds a database's write lock, found without taking a lock that anybody could meet.
 *
 * Seen by experiment (3.40.1), by F_GETLK from another process while a connection stands so:
 *
 *   journal_mode   the connection                       database, byte 1 GiB on    -shm, byte 120
 *   wal            reads, with BEGIN or without         free                       free
 *   wal            BEGIN IMMEDIATE or EXCLUSIVE,        free                       its write lock
 *                  with writes or without
 *   wal            has committed, and is idle           free                       free
 *   wal            writes, locking_mode=EXCLUSIVE       its write lock             there is no -shm
 *   delete         BEGIN IMMEDIATE, writes little       RESERVED: its write lock   there is no -shm
 *   delete         BEGIN EXCLUSIVE, or writes much      all 512 bytes: the same    there is no -shm
 *   delete         has committed, and is idle           free                       there is no -shm
 *
 * The header of the -shm (sqlite.org/walformat.html, "The WAL-Index File Format") and, without a WAL, the
 * change counter of the database (sqlite.org/fileformat.html) are others after each commit, and stay as they
 * are while a writer works: so one that stays is told from those that take turns. The process's number tells
 * them apart, too, where it can be seen: a lock of another container's process shows 0. */
#include "kinds/sqlite/parts.h"

#include "base/clock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    MAIN_LOCKS_AT = 0x40000000, /* PENDING, RESERVED and SHARED (os.h) */
    MAIN_LOCKS_LENGTH = 512,
    MAIN_COUNTER_AT = 24,
    MAIN_COUNTER_SIZE = 4,
    SHM_WRITE_LOCK_AT = 120, /* WAL_WRITE_LOCK */
    SHM_HEADER_SIZE = 48,
    SAMPLE_EVERY_MS = 10,
    SAMPLE_FOR_AT_MOST_MS = 500,
};

static uint64_t hash(uint64_t sum, const void *data, size_t size) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return sum;
}

/* Adds what is others after a commit: size bytes of the file. */
static bool add_bytes(int fd, off_t at, size_t size, uint64_t *sum) {
    unsigned char state[SHM_HEADER_SIZE];
    if (pread(fd, state, size, at) != (ssize_t)size)
        return false;
    *sum = hash(*sum, state, size);
    return true;
}

/* Adds which -shm it is, and when the database itself was written last: the last connection to go writes the
 * log back, and the next one begins with a -shm like the first. */
static bool add_files(int shm, int database, uint64_t *sum) {
    struct stat st;
    if (fstat(shm, &st) < 0)
        return false;
    *sum = hash(*sum, &st.st_ino, sizeof st.st_ino);
    if (fstat(database, &st) < 0)
        return false;
    *sum = hash(*sum, &st.st_mtim, sizeof st.st_mtim);
    return true;
}

/* Whether somebody holds a write lock there; then the process is added to *sum. To ask for a read lock meets
 * write locks alone. */
static bool is_locked(int fd, off_t at, off_t length, uint64_t *sum) {
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = length};
    if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return false;
    *sum = hash(*sum, &lock.l_pid, sizeof lock.l_pid);
    return true;
}

static int open_to_ask(const char *path) {
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
}

static bool is_held_in_log(const struct sqlite_file *file, int database, uint64_t *sum) {
    int shm = open_to_ask(file->shm);
    if (shm < 0)
        return false;
    bool is_held = is_locked(shm, SHM_WRITE_LOCK_AT, 1, sum) && add_bytes(shm, 0, SHM_HEADER_SIZE, sum) &&
                   add_files(shm, database, sum);
    close(shm);
    return is_held;
}

static bool is_held_in_database(int database, uint64_t *sum) {
    return is_locked(database, MAIN_LOCKS_AT, MAIN_LOCKS_LENGTH, sum) &&
           add_bytes(database, MAIN_COUNTER_AT, MAIN_COUNTER_SIZE, sum);
}

static uint64_t find_writer(const struct sqlite_file *file) {
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    int database = open_to_ask(file->path);
    if (database < 0)
        return 0;
    bool is_held = is_held_in_database(database, &sum) || is_held_in_log(file, database, &sum);
    close(database);
    return is_held ? sum | 1 : 0;
}

void sqlite_lock_begin(struct sqlite_lock *lock, const struct sqlite_file *file) {
    lock->began_ms = clock_now_ms(clock_system());
    lock->writer = find_writer(file);
}

/* Whoever waits for its turn sleeps for up to 100 ms between its tries (sqliteDefaultBusyCallback, main.c):
 * between writers that take turns the lock is often free. */
uint64_t sqlite_lock_end(struct sqlite_lock *lock, const struct sqlite_file *file, int64_t timeout_ms) {
    const struct timespec pause = {.tv_nsec = SAMPLE_EVERY_MS * 1000000};
    int64_t for_ms = timeout_ms / 6 < SAMPLE_FOR_AT_MOST_MS ? timeout_ms / 6 : SAMPLE_FOR_AT_MOST_MS;
    while (lock->writer != 0) {
        if (find_writer(file) != lock->writer)
            lock->writer = 0;
        else if (clock_now_ms(clock_system()) - lock->began_ms >= for_ms)
            break;
        else
            nanosleep(&pause, NULL);
    }
    return lock->writer;
}
