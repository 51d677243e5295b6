/* A look at a SQLite database: at the file first, then it is opened, read, asked what its role asks, and
 * closed.
 *
 * The process that looks stays, and looks again: nothing of a look may outlive it. POSIX locks belong to a
 * process (fcntl(2)): to close any descriptor of a file drops all locks that the process has on that file,
 * whichever descriptor they were taken by. So no descriptor of the database, its -wal or its -shm is opened
 * besides SQLite's while SQLite has them open: the header is read and the lock looked at before it opens, and
 * the lock again after it has closed. Seen (3.40.1, Linux 6.18, /proc/locks and /proc/PID/fd after each of
 * fifty looks of one worker, in WAL and in rollback mode, the database idle, open in the app, with a log that
 * has content, locked, and no database at all): no lock of the worker's and no descriptor is left, the files
 * beside are as they were, and the app's own locks stand, for they are another process's. SQLite itself keeps
 * a descriptor open where another connection of the same process still holds a lock on that file (os_unix.c,
 * setPendingFd); with one connection at a time that never comes about. */
#include "kinds/sqlite/sqlite.h"

#include "base/sandbox.h"
#include "kinds/finding.h"
#include "kinds/sqlite/parts.h"

#include <string.h>
#include <sys/stat.h>

/* One look under way. */
struct look {
    const struct check_config *config;
    int64_t now_wall_ms;
    struct phase_report *phases;
    struct sqlite_bounds *bounds;
    struct sqlite_file file;
    struct outcome *outcome;
};

static void enter(struct look *look, enum phase phase) {
    phase_report_enter(look->phases, phase);
}

/* The schema and a row: a `SELECT 1` would succeed on garbage and on an empty file. */
static int read_something(sqlite3 *db) {
    int64_t count;
    int code = sqlite_ask_int(db, "SELECT count(*) FROM sqlite_schema", &count);
    return code == SQLITE_ROW ? sqlite_read_any_row(db) : code;
}

static int open_and_read(struct look *look, bool is_immutable, sqlite3 **db) {
    enter(look, PHASE_OPEN);
    int code = sqlite_open(&look->file, is_immutable, (int)(look->config->timeout_ms / 3), db);
    if (code != SQLITE_OK)
        return code;
    enter(look, PHASE_LOCK);
    return read_something(*db);
}

/* An idle WAL database cannot be read where nothing may be written beside it (measured, 3.40.1:
 * SQLITE_CANTOPEN on a read-only mount, SQLITE_READONLY_DIRECTORY in a read-only directory). Nobody of this
 * uid can write it there either, and role plain does not ask for that: so it is read as it stands. */
static bool is_for_reading_only(const struct look *look, int code) {
    return ((code & 0xff) == SQLITE_CANTOPEN || code == SQLITE_READONLY_DIRECTORY) &&
           look->config->database.role == ROLE_PLAIN && !look->file.had_wal &&
           sqlite_file_may_write(look->file.directory) != 0;
}

static int open_for_reading(struct look *look, sqlite3 **db) {
    int code = open_and_read(look, look->file.is_frozen, db);
    if (!is_for_reading_only(look, code))
        return code;
    sqlite3_close(*db);
    return open_and_read(look, true, db);
}

static int ask_role(const struct look *look, sqlite3 *db) {
    switch (look->config->database.role) {
    case ROLE_PLAIN: return SQLITE_OK;
    case ROLE_MAIN: return sqlite_ask_main(db, look->now_wall_ms, look->outcome);
    case ROLE_QUEUE: return sqlite_ask_queue(db, look->config, look->now_wall_ms, look->outcome);
    }
    return SQLITE_INTERNAL;
}

/* Returns SQLITE_OK, with what was found in the outcome, or an error code. */
static int examine_open(struct look *look, sqlite3 *db) {
    /* chattr +i and the like: what may be written is learnt for certain only from opening. */
    if (look->config->database.role != ROLE_PLAIN && sqlite_is_refused_for_writing(db, &look->file)) {
        finding_fail(
            look->outcome, REASON_READ_ONLY_FILE, "%s cannot be opened for writing", look->file.path);
        return SQLITE_OK;
    }
    enter(look, PHASE_READ);
    return ask_role(look, db);
}

static void note_files(const struct look *look) {
    if (look->file.is_dir_shut)
        finding_note(look->outcome, REASON_READ_ONLY_DIR);
    if (volume_is_low(&look->file.volume, look->config->database.min_free_bytes))
        finding_note(look->outcome, REASON_DISK_LOW);
    if (look->file.wal_bytes > look->config->database.max_wal_bytes)
        finding_note(look->outcome, REASON_WAL_LARGE);
    if (look->file.volume.is_network)
        finding_note(look->outcome, REASON_NETWORK_FS);
}

/* The look so far has opened nothing. From here on the driver reads what may be hostile bytes: it gets the
 * directory in which the database stands, with the files beside it. */
static void confine(struct look *look) {
    struct sqlite_bounds *bounds = look->bounds;
    struct stat st;
    if (!look->config->is_sandboxed || stat(look->file.directory, &st) < 0)
        return;
    if (!bounds->are_set)
        sandbox_confine_to(look->file.directory);
    else
        bounds->are_left = bounds->device != st.st_dev || bounds->inode != st.st_ino;
    *bounds = (struct sqlite_bounds){
        .are_set = true, .are_left = bounds->are_left, .device = st.st_dev, .inode = st.st_ino};
}

static void examine_file(struct look *look) {
    sqlite3 *db;
    struct sqlite_lock lock = {0};
    bool must_write = look->config->database.role != ROLE_PLAIN;
    confine(look);
    if (look->bounds->are_left)
        return;
    if (sqlite_file_read(&look->file, look->config, look->outcome) < 0) {
        look->outcome->phase = PHASE_STAT;
        return;
    }
    if (must_write)
        sqlite_lock_begin(&lock, &look->file);
    int code = open_for_reading(look, &db);
    if (code == SQLITE_OK)
        code = examine_open(look, db);
    if (code != SQLITE_OK)
        sqlite_fail(look->outcome, db, code, &look->file);
    note_files(look);
    enum phase last = look->phases->phase;
    enter(look, PHASE_CLOSE);
    sqlite_close_traceless(db, &look->file);
    look->outcome->identity.writer = sqlite_lock_end(&lock, &look->file, look->config->timeout_ms);
    if (look->outcome->reason != REASON_OK)
        look->outcome->phase = last;
}

void sqlite_examine(const struct check_config *config, int64_t now_wall_ms, struct phase_report *phases,
    struct sqlite_bounds *bounds, struct outcome *outcome) {
    struct look look = {
        .config = config, .now_wall_ms = now_wall_ms, .phases = phases, .bounds = bounds, .outcome = outcome};
    memset(outcome, 0, sizeof *outcome);
    enter(&look, PHASE_STAT);
    if (sqlite_file_look(&look.file, config, outcome) == 0)
        examine_file(&look);
    else
        outcome->phase = PHASE_STAT;
    sqlite_file_release(&look.file);
}
