/* What a run saw besides its outcome: a few numbers with fixed names, shown as they are under "observed". */
#ifndef BH_REPORT_OBSERVED_H
#define BH_REPORT_OBSERVED_H

#include <stdbool.h>
#include <stdint.h>

enum observed_key {
    OBSERVED_SERVER_VERSION,    /* PostgreSQL: 150018; MariaDB: 101119 */
    OBSERVED_INSTALLATIONS,     /* rows of phonehome_installation, at most 2 */
    OBSERVED_TASKS,             /* rows in the queue */
    OBSERVED_OLDEST_TASK_AGE_S, /* seconds */
    OBSERVED_TASK_ERRORS,       /* errors in the newest statistics */
    OBSERVED_FILE_BYTES,
    OBSERVED_WAL_BYTES,
    OBSERVED_FREE_BYTES,
    OBSERVED_FREE_INODES,
    OBSERVED_LINE,          /* where settings cannot be parsed, or say what Bugsink would refuse; from 1 */
    OBSERVED_COLUMN,        /* where they cannot be parsed */
    OBSERVED_SETTINGS,      /* names assigned */
    OBSERVED_SIGNAL,        /* that ended the one-shot child, or its resolver */
    OBSERVED_PAUSE_S,       /* until the next look, where looking itself does harm */
    OBSERVED_WAKEUP_AGE_S,  /* seconds: of the oldest wake-up call */
    OBSERVED_MIGRATIONS_ID, /* tells one state of django_migrations from another; its value means nothing */
    OBSERVED_BLOCKED_SESSIONS, /* of our own user, from our own address, that wait for a lock or do not end */
    OBSERVED_WRITE_LOCK_S,     /* seconds: for so long one writer has held a SQLite database's write lock */
    OBSERVED_DELAYED_MS,       /* the run began so much late: the processor served no more at once */
    OBSERVED_KEY_COUNT,
};

/* A set of values; {0} is the empty one. Plain bytes: it may cross a pipe between our own processes. */
struct observed {
    uint32_t present; /* bit n: values[n] is set */
    int64_t values[OBSERVED_KEY_COUNT];
};

void observed_set(struct observed *observed, enum observed_key key, int64_t value);
bool observed_get(const struct observed *observed, enum observed_key key, int64_t *value);

/* "tasks", "oldest_task_age_s", ... */
const char *observed_name(enum observed_key key);

#endif
