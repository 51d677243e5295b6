/* What Bugsink needs of its databases: migrated tables, one installation, a queue that moves. Table and
 * column names are those of Bugsink's models (phonehome/models.py, snappea/models.py). */
#include "kinds/sqlite/parts.h"

#include "kinds/finding.h"

#include <stdio.h>
#include <time.h>

static int fail_unmigrated(struct outcome *outcome, const char *table, const char *what) {
    finding_fail(outcome, REASON_UNMIGRATED, "%s %s", table, what);
    return SQLITE_OK;
}

/* quota_exceeded_until came with a migration of its own; an older Bugsink does not have it. */
static int ask_paused(sqlite3 *db, int64_t now_wall_ms, struct outcome *outcome) {
    int code = sqlite_ask_column(db, "phonehome_installation", "quota_exceeded_until");
    char text[64];
    if (code == SQLITE_ROW)
        code = sqlite_ask_text(
            db, "SELECT quota_exceeded_until FROM phonehome_installation LIMIT 1", text, sizeof text);
    int64_t until_ms;
    if (code == SQLITE_ROW && sqlite_parse_time(text, &until_ms) == 0 && until_ms > now_wall_ms)
        finding_note(outcome, REASON_INGESTION_PAUSED);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static int ask_installations(sqlite3 *db, struct outcome *outcome) {
    int code = sqlite_ask_column(db, "phonehome_installation", NULL);
    if (code == SQLITE_DONE)
        return fail_unmigrated(outcome, "phonehome_installation", "is not there");
    int64_t count = 0;
    if (code == SQLITE_ROW)
        code =
            sqlite_ask_int(db, "SELECT count(*) FROM (SELECT 1 FROM phonehome_installation LIMIT 2)", &count);
    if (code != SQLITE_ROW)
        return code;
    observed_set(&outcome->observed, OBSERVED_INSTALLATIONS, count);
    if (count != 1)
        finding_fail(outcome, REASON_APP_DATA_INVALID, "phonehome_installation holds %s",
            count == 0 ? "no row" : "more than one row");
    return SQLITE_OK;
}

/* The sum of the ids is another as soon as a migration was applied or taken back, for ids are not used again;
 * it costs a few hundred rows. */
static int ask_migrations(sqlite3 *db, struct outcome *outcome) {
    int64_t sum = 0;
    int code = sqlite_ask_column(db, "django_migrations", "id");
    if (code == SQLITE_ROW)
        code = sqlite_ask_int(db, "SELECT CAST(total(id) AS INTEGER) FROM django_migrations", &sum);
    if (code == SQLITE_ROW)
        observed_set(&outcome->observed, OBSERVED_MIGRATIONS_ID, sum);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int sqlite_ask_main(sqlite3 *db, int64_t now_wall_ms, struct outcome *outcome) {
    int code = sqlite_ask_column(db, "django_migrations", NULL);
    if (code == SQLITE_DONE)
        return fail_unmigrated(outcome, "django_migrations", "is not there");
    int64_t one;
    if (code == SQLITE_ROW)
        code = sqlite_ask_int(db, "SELECT 1 FROM django_migrations LIMIT 1", &one);
    if (code == SQLITE_DONE)
        return fail_unmigrated(outcome, "django_migrations", "is empty");
    if (code == SQLITE_ROW)
        code = ask_migrations(db, outcome);
    if (code == SQLITE_OK)
        code = ask_installations(db, outcome);
    if (code != SQLITE_OK || outcome->reason != REASON_OK)
        return code;
    return ask_paused(db, now_wall_ms, outcome);
}

/* The oldest task is the first by primary key: the ids only grow, whatever the clock did. Its args and
 * kwargs, which hold events, are never asked for. */
static int ask_oldest(
    sqlite3 *db, const struct check_config *config, int64_t now_wall_ms, struct outcome *outcome) {
    int code = sqlite_ask_column(db, "snappea_task", "created_at");
    char text[64];
    int64_t id = 0;
    if (code == SQLITE_ROW)
        code = sqlite_ask_int(db, "SELECT id FROM snappea_task ORDER BY id LIMIT 1", &id);
    outcome->identity.task = (uint64_t)id;
    if (code == SQLITE_ROW)
        code =
            sqlite_ask_text(db, "SELECT created_at FROM snappea_task ORDER BY id LIMIT 1", text, sizeof text);
    int64_t created_ms;
    if (code == SQLITE_ROW && sqlite_parse_time(text, &created_ms) == 0) {
        int64_t age_ms = now_wall_ms > created_ms ? now_wall_ms - created_ms : 0;
        observed_set(&outcome->observed, OBSERVED_OLDEST_TASK_AGE_S, age_ms / 1000);
        if (age_ms > config->database.backlog_ms)
            finding_note(outcome, REASON_BACKLOG);
    }
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static int ask_tasks(sqlite3 *db, const struct check_config *config, struct outcome *outcome) {
    /* Counting is bounded, for a queue may hold millions; the bound is above the limit, so that progress
     * shows. */
    enum { COUNT_AT_LEAST = 10000 };
    int64_t bound =
        config->database.backlog_tasks < COUNT_AT_LEAST ? COUNT_AT_LEAST : config->database.backlog_tasks;
    char sql[96];
    sqlite3_snprintf(sizeof sql, sql, "SELECT count(*) FROM (SELECT 1 FROM snappea_task LIMIT %lld)",
        (long long)bound + 1);
    int64_t count = 0;
    int code = sqlite_ask_int(db, sql, &count);
    if (code != SQLITE_ROW)
        return code;
    observed_set(&outcome->observed, OBSERVED_TASKS, count);
    if (count > config->database.backlog_tasks)
        finding_note(outcome, REASON_BACKLOG);
    return SQLITE_OK;
}

/* Writes a time as Django does, without the fraction. */
static void format_time(int64_t wall_ms, char text[32]) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || strftime(text, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        text[0] = '\0';
}

/* snappea_stat has one row per task name and minute, written when a later task ends (snappea/stats.py): what
 * counts is the newest row of each name, and only for ten minutes, for on an idle system no newer one comes
 * to replace it. Beside max(), the other columns are those of the row it is from
 * (sqlite.org/lang_select.html, bare columns).
 *
 * All tasks count whose failing someone misses: an event is lost, mail does not go out, a cleaning is not
 * done. Not so phonehome.tasks.send_if_due, which tells Bugsink's makers of this installation, once an hour,
 * and fails for ever where the cluster lets nothing out (phonehome/tasks.py). */
#define NEWEST_STATS                                                                                         \
    "(SELECT max(timestamp), task_name AS name, errors FROM (SELECT timestamp, task_name, errors FROM "      \
    "snappea_stat WHERE timestamp BETWEEN %Q AND %Q AND task_name NOT GLOB 'phonehome.*' ORDER BY "          \
    "timestamp DESC LIMIT 256) GROUP BY task_name)"

/* Puts the name of a task that fails into the detail: that which loses events, else the one that fails most.
 * A name is that of a Python function; what looks otherwise is not shown. */
static int name_failing_task(sqlite3 *db, const char *from, const char *to, struct outcome *outcome) {
    char sql[640], name[128];
    sqlite3_snprintf(sizeof sql, sql,
        "SELECT name FROM " NEWEST_STATS
        " WHERE errors > 0 AND length(name) BETWEEN 1 AND 100 AND name NOT GLOB '*[^a-zA-Z0-9_.]*'"
        " ORDER BY name <> 'ingest.tasks.digest', errors DESC, name LIMIT 1",
        from, to);
    int code = sqlite_ask_text(db, sql, name, sizeof name);
    if (code == SQLITE_ROW)
        snprintf(outcome->detail, sizeof outcome->detail, "%s fails", name);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static int ask_errors(sqlite3 *db, int64_t now_wall_ms, struct outcome *outcome) {
    int code = sqlite_ask_column(db, "snappea_stat", "errors");
    if (code != SQLITE_ROW)
        return code == SQLITE_DONE ? SQLITE_OK : code;
    char from[32], to[32], sql[512];
    format_time(now_wall_ms - 10 * 60 * 1000, from);
    format_time(now_wall_ms + 60 * 1000, to);
    /* total, not sum: sum fails on an overflow. */
    sqlite3_snprintf(sizeof sql, sql, "SELECT CAST(total(errors) AS INTEGER) FROM " NEWEST_STATS, from, to);
    int64_t errors = 0;
    code = sqlite_ask_int(db, sql, &errors);
    if (code != SQLITE_ROW)
        return code;
    observed_set(&outcome->observed, OBSERVED_TASK_ERRORS, errors);
    if (errors > 0)
        finding_note(outcome, REASON_TASK_ERRORS);
    return outcome->reason == REASON_TASK_ERRORS ? name_failing_task(db, from, to, outcome) : SQLITE_OK;
}

int sqlite_ask_queue(
    sqlite3 *db, const struct check_config *config, int64_t now_wall_ms, struct outcome *outcome) {
    int code = sqlite_ask_column(db, "snappea_task", NULL);
    if (code == SQLITE_DONE)
        return fail_unmigrated(outcome, "snappea_task", "is not there");
    if (code == SQLITE_ROW)
        code = ask_tasks(db, config, outcome);
    if (code == SQLITE_OK)
        code = ask_oldest(db, config, now_wall_ms, outcome);
    if (code == SQLITE_OK)
        code = ask_errors(db, now_wall_ms, outcome);
    return code;
}
