/* The reason table: every outcome of a check, and every state of the sidecar, with its code, verdict,
 * sentence and hint. Each page, log line and exit code reads this table, so they cannot disagree. The texts
 * are fixed: no part of a DSN, no driver text and no value ever stands in one. */
#ifndef BH_REPORT_REASON_H
#define BH_REPORT_REASON_H

#include "report/status.h"

#include <stdbool.h>
#include <stddef.h>

enum reason {
    REASON_OK,
    REASON_STARTING,
    REASON_TIMEOUT,
    REASON_STUCK,
    REASON_CRASHED,
    REASON_INTERNAL,
    REASON_SLOW,
    /* the network */
    REASON_UNRESOLVED,
    REASON_UNREACHABLE,
    REASON_REFUSED,
    REASON_RESET,
    REASON_PROTOCOL,
    /* a database server */
    REASON_DB_STARTING,
    REASON_TOO_MANY_CLIENTS,
    REASON_AUTH_FAILED,
    REASON_AUTH_UNSUPPORTED,
    REASON_HOST_DENIED,
    REASON_HOST_BLOCKED,
    REASON_DB_MISSING,
    REASON_TLS,
    REASON_READ_ONLY,
    REASON_PRIVILEGES,
    REASON_OUT_OF_MEMORY,
    REASON_QUERY_FAILED,
    REASON_BLOCKED,
    /* Bugsink's schema and data */
    REASON_UNMIGRATED,
    REASON_APP_DATA_INVALID,
    REASON_INGESTION_PAUSED,
    REASON_BACKLOG,
    REASON_TASK_ERRORS,
    REASON_STALE_WAKEUP,
    /* Bugsink over HTTP */
    REASON_APP_STARTING,
    REASON_HOST_REJECTED,
    REASON_REDIRECTED,
    REASON_NOT_FOUND,
    REASON_APP_ERROR,
    REASON_APP_DATABASE,
    REASON_APP_SCHEMA,
    REASON_IDENTITY,
    REASON_THROTTLED,
    /* files and directories */
    REASON_FILE_MISSING,
    REASON_NOT_A_FILE,
    REASON_NOT_A_DIRECTORY,
    REASON_UID_MISMATCH,
    REASON_PERMISSION,
    REASON_IO_ERROR,
    REASON_EMPTY,
    REASON_NOT_A_DATABASE,
    REASON_CORRUPT,
    REASON_READ_ONLY_FILE,
    REASON_READ_ONLY_DIR,
    REASON_READ_ONLY_MOUNT,
    REASON_LOCKED,
    REASON_DISK_FULL,
    REASON_DISK_LOW,
    REASON_WAL_LARGE,
    REASON_NETWORK_FS,
    REASON_REPLACED,
    /* settings */
    REASON_TOO_LARGE,
    REASON_ENCODING,
    REASON_PARSE_ERROR,
    REASON_MISSING_SETTING,
    REASON_INVALID_SETTING,
    REASON_CHANGED,
    /* the sidecar itself; never the outcome of a check that is configured */
    REASON_STALE,
    REASON_DRAINING,
    REASON_MAINTENANCE,
    REASON_COUNT,
};

/* When to look again after this outcome. */
enum retry {
    RETRY_NORMAL, /* at the usual interval */
    RETRY_FAST,   /* at the retry interval: recovery must show at once */
    RETRY_SLOW,   /* with pauses that grow to half a minute: probing itself does harm */
    RETRY_SLOWER, /* with pauses that soon grow to ten minutes or half an hour: probing itself brings a
                     lock-out nearer */
    RETRY_PAUSE,  /* after minutes: locked out, and looking is of no use until that is repaired */
};

struct reason_info {
    const char *slug;
    enum status verdict;
    enum retry retry;
    /* Fine for a check of role plain, which asks only whether the database can be reached: degraded there. */
    bool is_mild_when_plain;
    /* In a database: what Bugsink's own start-up repairs, by making the file or running the migrations. */
    bool is_mended_by_start;
    const char *sentence; /* what is the matter; starts with a capital, ends with a full stop */
    const char *hint;     /* what to do; NULL where there is nothing to do */
};

/* The row of a reason. Never NULL for a value of the enumeration. */
const struct reason_info *reason_info(enum reason reason);

/* What to do about it in a check of that kind ("postgres") and role ("main"), so that the hint speaks only of
 * what is concerned; where there is nothing special, and for NULL: the row's hint. It takes for granted that
 * the reader sees the cause, as bugsink-health check prints it. */
const char *reason_hint(enum reason reason, const char *kind, const char *role);

/* What tells the cause to a reader who does not see it, because HTTP answers never hold it:
 * "bugsink-health check names the line." NULL: the reason says it all. */
const char *reason_teller(enum reason reason);

/* Whether a file may give this reason merely because it is just being replaced: by a ConfigMap's swap of
 * symbolic links, where the kubelet takes the old directory away, or by an editor or a script that writes in
 * place, or recreates the file and then sets its mode. */
bool reason_may_pass(enum reason reason);

/* What is to be added to the sentence where the reason predicts how Bugsink's next start will go, while it
 * works; NULL: nothing. */
const char *reason_addition(enum reason reason, bool is_prediction);

/* The row with that slug, or NULL. */
const struct reason_info *reason_find(const char *slug);

#endif
