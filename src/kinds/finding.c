/* Puts findings into outcomes, in the order of their gravity. */
#include "kinds/finding.h"

#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int finding_fail(struct outcome *outcome, enum reason reason, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(outcome->detail, sizeof outcome->detail, format, args);
    va_end(args);
    str_flatten(outcome->detail);
    outcome->reason = reason;
    outcome->is_mild = false;
    return -1;
}

enum reason finding_of_errno(int error) {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG: /* a name that long cannot exist */
    case ESTALE: /* NFS: replaced on the server while we looked */ return REASON_FILE_MISSING;
    case ELOOP:
    case EISDIR:
    case EINVAL: /* io_read_file: neither a file nor a directory */
    case ENXIO: return REASON_NOT_A_FILE;
    case ENOSPC:
    case EDQUOT: return REASON_DISK_FULL;
    case EROFS: return REASON_READ_ONLY_MOUNT;
    case EMFILE:
    case ENFILE:
    case ENOMEM: return REASON_INTERNAL;
    case EFBIG: return REASON_TOO_LARGE;
    case EACCES:
    case EPERM: return REASON_PERMISSION;
    default:
        return REASON_IO_ERROR; /* EIO, and what a dead network or FUSE volume says: ENOTCONN, ETIMEDOUT, ...
                                 */
    }
}

int finding_fail_errno(struct outcome *outcome, int error, const char *what) {
    return finding_fail(outcome, finding_of_errno(error), "%s: %s", what, strerror(error));
}

/* The place of a degraded reason, the gravest first. */
static int place(enum reason reason) {
    static const enum reason ORDER[] = {REASON_INGESTION_PAUSED, REASON_BACKLOG, REASON_TASK_ERRORS,
        REASON_DISK_LOW, REASON_WAL_LARGE, REASON_READ_ONLY_DIR, REASON_NETWORK_FS};
    for (int i = 0; i < (int)(sizeof ORDER / sizeof ORDER[0]); i++)
        if (ORDER[i] == reason)
            return i;
    return -1;
}

void finding_note(struct outcome *outcome, enum reason reason) {
    bool is_error = reason_info(outcome->reason)->verdict == STATUS_ERROR && !outcome->is_mild;
    if (is_error || (outcome->reason != REASON_OK && place(reason) >= place(outcome->reason)))
        return;
    outcome->reason = reason;
    outcome->is_mild = reason_info(reason)->verdict == STATUS_ERROR;
}
