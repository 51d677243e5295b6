/* What an error code of SQLite means for an operator. */
#include "kinds/sqlite/parts.h"

#include "kinds/finding.h"
#include "base/io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The code for the log: the primary one by name, an extended one by number behind it. */
static void write_code(struct outcome *outcome, int code) {
    static const char *const NAMES[] = {[SQLITE_ERROR] = "ERROR",
        [SQLITE_INTERNAL] = "INTERNAL",
        [SQLITE_PERM] = "PERM",
        [SQLITE_ABORT] = "ABORT",
        [SQLITE_BUSY] = "BUSY",
        [SQLITE_LOCKED] = "LOCKED",
        [SQLITE_NOMEM] = "NOMEM",
        [SQLITE_READONLY] = "READONLY",
        [SQLITE_INTERRUPT] = "INTERRUPT",
        [SQLITE_IOERR] = "IOERR",
        [SQLITE_CORRUPT] = "CORRUPT",
        [SQLITE_NOTFOUND] = "NOTFOUND",
        [SQLITE_FULL] = "FULL",
        [SQLITE_CANTOPEN] = "CANTOPEN",
        [SQLITE_PROTOCOL] = "PROTOCOL",
        [SQLITE_SCHEMA] = "SCHEMA",
        [SQLITE_TOOBIG] = "TOOBIG",
        [SQLITE_MISMATCH] = "MISMATCH",
        [SQLITE_MISUSE] = "MISUSE",
        [SQLITE_NOLFS] = "NOLFS",
        [SQLITE_AUTH] = "AUTH",
        [SQLITE_NOTADB] = "NOTADB"};
    unsigned primary = (unsigned)code & 0xff;
    const char *name = primary < sizeof NAMES / sizeof NAMES[0] ? NAMES[primary] : NULL;
    if (!name)
        snprintf(outcome->code, sizeof outcome->code, "SQLITE/%d", code);
    else if (code > 0xff)
        snprintf(outcome->code, sizeof outcome->code, "SQLITE_%s/%d", name, code);
    else
        snprintf(outcome->code, sizeof outcome->code, "SQLITE_%s", name);
}

/* Which step of opening failed is told by the system's error, and where there is none, by looking again: an
 * idle WAL database in a directory or on a mount that cannot be written is SQLITE_CANTOPEN, with no more
 * said. */
static enum reason reason_of_cantopen(int system_error, const struct sqlite_file *file) {
    int missing = io_access(file->path, F_OK);
    if (missing != 0)
        return finding_of_errno(missing);
    switch (system_error) {
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return finding_of_errno(system_error);
    default: break;
    }
    int error = sqlite_file_may_write(file->directory);
    if (error == EROFS || file->volume.is_read_only)
        return REASON_READ_ONLY_MOUNT;
    if (error != 0)
        return REASON_READ_ONLY_DIR;
    return system_error == EACCES || system_error == EPERM ? REASON_PERMISSION : REASON_QUERY_FAILED;
}

static enum reason reason_of_ioerr(int code, int system_error) {
    switch (code) {
    case SQLITE_IOERR_SHMSIZE: /* the -shm could not be given its size: where the volume is full, even reading
                                  fails */
        return REASON_DISK_FULL;
    case SQLITE_IOERR_NOMEM: return REASON_INTERNAL;
    case SQLITE_IOERR_CORRUPTFS:
    case SQLITE_IOERR_DATA:
    case SQLITE_IOERR_SHORT_READ: return REASON_CORRUPT;
    default: break;
    }
    if (system_error == ENOMEM || system_error == EMFILE || system_error == ENFILE)
        return REASON_INTERNAL;
    if (system_error == ENOENT) /* unlinked while it was read */
        return REASON_FILE_MISSING;
    if (system_error == ENOSPC || system_error == EDQUOT)
        return REASON_DISK_FULL;
    return system_error == EROFS ? REASON_READ_ONLY_MOUNT : REASON_IO_ERROR;
}

static enum reason reason_of_readonly(int code) {
    switch (code) {
    case SQLITE_READONLY_DIRECTORY: return REASON_READ_ONLY_DIR;
    case SQLITE_READONLY_DBMOVED: return REASON_FILE_MISSING;
    case SQLITE_READONLY_ROLLBACK: /* a hot journal that is left to the app: open.c, flags_for */
        return REASON_QUERY_FAILED;
    default: return REASON_READ_ONLY_FILE;
    }
}

static enum reason reason_of(int code, int system_error, const struct sqlite_file *file) {
    switch (code & 0xff) {
    case SQLITE_NOTADB: return REASON_NOT_A_DATABASE;
    case SQLITE_CORRUPT: return REASON_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: /* too long a race for the WAL's locks */ return REASON_LOCKED;
    case SQLITE_FULL: return REASON_DISK_FULL;
    case SQLITE_READONLY: return reason_of_readonly(code);
    case SQLITE_CANTOPEN: return reason_of_cantopen(system_error, file);
    case SQLITE_IOERR: return reason_of_ioerr(code, system_error);
    case SQLITE_PERM:
    case SQLITE_AUTH: return REASON_PERMISSION;
    case SQLITE_NOMEM: return REASON_INTERNAL;
    default: return REASON_QUERY_FAILED;
    }
}

void sqlite_fail(struct outcome *outcome, sqlite3 *db, int code, const struct sqlite_file *file) {
    int system_error = db ? sqlite3_system_errno(db) : 0;
    bool has_cause = system_error != 0 && ((code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_IOERR);
    write_code(outcome, code);
    finding_fail(outcome, reason_of(code, system_error, file), "%s: %s%s%s", file->path,
        db ? sqlite3_errmsg(db) : sqlite3_errstr(code), has_cause ? ": " : "",
        has_cause ? strerror(system_error) : "");
}
