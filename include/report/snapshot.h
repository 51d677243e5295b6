/* The state of everything at one moment: what the checker knows and the renderers show. */
#ifndef BH_REPORT_SNAPSHOT_H
#define BH_REPORT_SNAPSHOT_H

#include "base/process.h"
#include "report/changes.h"
#include "report/counters.h"
#include "report/history.h"
#include "report/limits.h"
#include "report/observed.h"
#include "report/reason.h"
#include "report/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One check. Strings are borrowed. Wall-clock times are in ms since 1970; 0 = never. */
struct check_view {
    const char *name;
    const char *kind;
    const char *role;   /* of a database: "main"; NULL: it has none */
    const char *set_by; /* of a database: what names it, "DATABASE_URL"; NULL: not known */
    bool is_database;   /* listed under "databases"; the others have a key of their own */
    bool is_critical;
    bool is_app; /* Bugsink itself is asked */
    enum status status;
    enum reason reason;
    bool is_prediction; /* of Bugsink's next start: it works now */
    enum phase phase;
    bool has_run;
    bool has_started; /* has run; and of Bugsink itself: has answered, once */
    int64_t latency_ms;
    int64_t checked_at_ms;
    int64_t since_ms; /* in this status and reason */
    int64_t last_ok_at_ms;
    int64_t consecutive_failures;
    struct observed observed;
    const struct history *history;   /* brought up to now; NULL: none is kept */
    const struct counters *counters; /* NULL: nothing is counted */
    struct check_limits limits;
    /* For the command line alone; NULL or empty: none. */
    const char *where;                /* path, or host, database and user, or URL and Host */
    const char *driver_code, *detail; /* of the last run */
};

/* Whether Bugsink's own start repairs that, so that every first start meets it: a database without its file
 * or tables. A missing file is made by Bugsink, a missing directory (a volume that is not mounted) is not:
 * where the directory is there, its free space was observed. */
bool reason_awaits_start(bool is_database, enum reason reason, const struct observed *observed);

enum { CHECK_MESSAGE_SIZE = 512 };

/* The sentence of a check's reason, and what is to be added to it. Returns text. */
const char *check_view_message(const struct check_view *check, char text[CHECK_MESSAGE_SIZE]);

enum { CHECK_HINT_SIZE = 512 };

/* What to do about that check, as reason_hint has it, with the name of the setting that is concerned here;
 * and where the reader does not see the cause, what tells it. Returns text, or NULL: there is nothing to do.
 */
const char *check_view_hint(const struct check_view *check, bool shows_cause, char text[CHECK_HINT_SIZE]);

struct snapshot {
    const struct check_view *checks;
    size_t check_count;
    const struct changes *changes; /* the last ones; NULL: none are kept */
    bool is_dead;                  /* Bugsink counts as dead */
    enum reason live_reason;       /* why; REASON_OK while it does not */
    const char *live_check;        /* the check that says so; NULL while it does not */
    bool has_started;
    bool is_draining;
    bool is_in_maintenance;
    const char *app_version; /* Bugsink's, or "unknown" */
    const char *sidecar_version;
    const char *sidecar_config;        /* "ok", or what became of the last reload */
    bool has_reload_failed;            /* the last one */
    int64_t config_read_at_ms;         /* the one in force */
    const struct process_usage *usage; /* of the checker; NULL: not asked for */
    int64_t delayed_runs;              /* that the processor could not serve in time, so far */
    int sidecar_pid;
    bool shows_causes; /* for the command line alone: what drivers said may be shown */
    int64_t started_at_ms;
    int64_t now_ms; /* wall clock */
};

/* Why the whole is not ready: draining, maintenance, or REASON_OK when only the checks decide. */
enum reason snapshot_override(const struct snapshot *snapshot);

/* Live: Bugsink does not count as dead, or nothing must be restarted now, for we are draining or in
 * maintenance. */
bool snapshot_is_live(const struct snapshot *snapshot);

/* Ready: every critical check is ok or degraded, and nothing overrides it. */
bool snapshot_is_ready(const struct snapshot *snapshot);

/* The worst status of all: error when not ready, degraded when any check is not ok, else ok. */
enum status snapshot_status(const struct snapshot *snapshot);

/* What makes the whole fail: a critical check in error. */
bool check_view_fails(const struct check_view *check);

/* What lowers the whole without making it fail: a degraded check, or one in error that is not critical. */
bool check_view_lowers(const struct check_view *check);

/* The time of the oldest result; 0 while a check has not run. */
int64_t snapshot_known_until_ms(const struct snapshot *snapshot);

/* That Bugsink itself was not asked, and how to have it asked; NULL where it was. */
const char *snapshot_unasked(const struct snapshot *snapshot);

/* The check of that name, or NULL. */
const struct check_view *snapshot_find(const struct snapshot *snapshot, const char *name);

#endif
