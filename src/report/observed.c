/* Observed values and their names. */
#include "report/observed.h"

void observed_set(struct observed *observed, enum observed_key key, int64_t value) {
    observed->present |= UINT32_C(1) << key;
    observed->values[key] = value;
}

bool observed_get(const struct observed *observed, enum observed_key key, int64_t *value) {
    if (!(observed->present & UINT32_C(1) << key))
        return false;
    *value = observed->values[key];
    return true;
}

const char *observed_name(enum observed_key key) {
    static const char *const NAMES[OBSERVED_KEY_COUNT] = {
        [OBSERVED_SERVER_VERSION] = "server_version",
        [OBSERVED_INSTALLATIONS] = "installations",
        [OBSERVED_TASKS] = "tasks",
        [OBSERVED_OLDEST_TASK_AGE_S] = "oldest_task_age_s",
        [OBSERVED_TASK_ERRORS] = "task_errors",
        [OBSERVED_FILE_BYTES] = "file_bytes",
        [OBSERVED_WAL_BYTES] = "wal_bytes",
        [OBSERVED_FREE_BYTES] = "free_bytes",
        [OBSERVED_FREE_INODES] = "free_inodes",
        [OBSERVED_LINE] = "line",
        [OBSERVED_COLUMN] = "column",
        [OBSERVED_SETTINGS] = "settings",
        [OBSERVED_SIGNAL] = "signal",
        [OBSERVED_PAUSE_S] = "pause_s",
        [OBSERVED_WAKEUP_AGE_S] = "oldest_wakeup_age_s",
        [OBSERVED_WRITE_LOCK_S] = "write_lock_s",
        [OBSERVED_MIGRATIONS_ID] = "migrations_id",
        [OBSERVED_DELAYED_MS] = "delayed_ms",
        [OBSERVED_BLOCKED_SESSIONS] = "blocked_sessions",
    };
    return NAMES[key];
}
