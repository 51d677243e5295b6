/* Policy: what an outcome means. Pure functions over the memory of a check; every kind is judged here, by its
 * traits, and only here. */
#ifndef BH_CHECKER_POLICY_H
#define BH_CHECKER_POLICY_H

#include "checker/asking.h"
#include "checker/liveness.h"
#include "config/config.h"
#include "run/outcome.h"
#include "run/traits.h"

#include <stdbool.h>
#include <stdint.h>

/* How long a full database server is only degraded after a good run: connections free themselves. */
enum { POLICY_FULL_GRACE_MS = 30000 };

/* How long a queue may make no progress before an old task in it is an error (where that is configured). */
enum { POLICY_PROGRESS_MS = 60000 };

/* How long a wake-up call may lie unread while a task waits as long, and the queue makes no progress. */
enum { POLICY_WAKEUP_S = 10 };

/* How long sessions of Bugsink's may wait in the database, while Bugsink is silent, before that is an error:
 * Django's own patience is about as long. */
enum { POLICY_BLOCKED_MS = 10000 };

/* What is remembered of a check between its runs. Times ending in _ms alone are monotonic, -1 = never; those
 * ending in _wall_ms are for people, 0 = never. */
struct check_memory {
    bool has_run;
    enum status status;
    enum reason reason;
    enum phase phase;
    struct observed observed;
    int64_t latency_ms;
    int64_t consecutive_failures;
    enum retry retry;             /* when to look again */
    int64_t consecutive_refusals; /* outcomes in a row after which looking slows down */
    int64_t regular_runs;         /* outcomes in a row after which the interval counts */
    int64_t broken_logins;        /* since the last complete one, where the server counts them */
    int64_t swap_since_ms; /* of settings: the file may be just being replaced since then; -1: it is not */
    int64_t hold_ms;       /* for so much longer the last good result stands meanwhile; 0: it does not */
    int64_t last_good_ms;
    int64_t reason_since_ms; /* in a row with this reason */
    int64_t progress_ms;     /* of the queue: last sign of it */
    int64_t queue_age_s;     /* of its oldest task, when the queue was last seen; -1: none */
    uint64_t queue_task;     /* its oldest task, when the queue was last seen; 0: none, or not known */
    int64_t queue_seen_ms;
    uint64_t writer;          /* of a database: who held the write lock at the last look; 0: nobody */
    int64_t writer_looks;     /* in a row at which it did */
    int64_t writer_since_ms;  /* since about when */
    int64_t lock_seen_ms;     /* when the lock was last looked at */
    struct identity identity; /* of a file or directory: as last seen */
    bool is_there;            /* of a file: a look has found it, and none has missed it since */
    uint64_t read_content;    /* of settings: the content that Bugsink has read, as far as is known; 0: not */
    int64_t read_arrivals;    /* how often Bugsink had arrived when it read that; -1: it is not up */
    bool is_prediction; /* it tells what Bugsink will meet at its next start, and not what it meets now */
    bool is_blocked;    /* of a database: sessions of Bugsink's wait in it */
    int64_t blocked_ms; /* when that was seen last */
    int64_t excused_ms; /* of Bugsink: since when its silence is excused by that; -1: it is not */
    int64_t checked_wall_ms;
    int64_t since_wall_ms; /* in this status and reason */
    int64_t last_ok_wall_ms;
    struct liveness life; /* of Bugsink; of the check of it alone, as the next */
    struct asking asking;
    bool is_answer_news; /* the last answer to a question is worth a line in the log */
};

/* What the other checks know. {0} where there are none. */
struct surroundings {
    int64_t oldest_task_s; /* the age of the oldest task in Bugsink's queue; 0: none waits, or not known */
    int64_t no_progress_s; /* for how long that queue has made no progress */
    bool has_app;          /* Bugsink's own endpoint is checked */
    bool is_app_up;        /* it has answered, and was not away since */
    int64_t app_arrivals;  /* as in struct liveness */
    bool is_app_silent;    /* its last look met no answer */
    bool is_app_working;   /* it was seen, of late, to answer with its database */
    bool is_database_hung; /* one of Bugsink's own databases does not answer, or not let it in */
    bool is_blocked;       /* Bugsink's sessions wait in one of them, or did a round ago */
    bool is_start_awaited; /* Bugsink has not answered yet, and its first start may still be under way */
    /* Of a database that Bugsink, asked a question, would make anew: the file is not there, or nobody has
     * looked yet. */
    bool is_file_missing;
};

/* Whose outcome is judged. */
struct policy_subject {
    const struct check_config *config;
    const struct check_traits *traits; /* of its kind */
};

/* Whether an error is what a healthy first start looks like: Bugsink does not answer yet, or what only its
 * start mends was never well. It is an error all the same, but no news. */
bool policy_is_expected(const struct policy_subject *subject, const struct check_memory *memory,
    const struct surroundings *around);

void memory_init(struct check_memory *memory, int64_t wall_ms);

/* When to look again after this outcome: what its reason's row says; but after a login that broke off, where
 * the server counts those and blocks the address that has many, which Bugsink shares, with pauses that grow
 * fast. */
enum retry policy_retry(const struct policy_subject *subject, const struct outcome *outcome);

/* Judges the outcome of a run that took latency_ms, and remembers it. Returns whether status or reason are
 * others than before. A settings file that looks wrong, and may do so because it is just being replaced
 * (reason_may_pass), leaves the last good result standing, with all that belongs to it, until it has looked
 * wrong for check_config_patience_ms. */
bool policy_judge(const struct policy_subject *subject, struct check_memory *memory,
    const struct outcome *outcome, int64_t latency_ms, const struct surroundings *around, int64_t now_ms,
    int64_t wall_ms);

#endif
