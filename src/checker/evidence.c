/* Who has to look again because of what another check saw. */
#include "checker/evidence.h"

struct watch *evidence_find_app(struct watch *const *watches, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (watch_traits(watches[i])->is_app)
            return watches[i];
    return NULL;
}

static int64_t now_of(const struct watch *watch) {
    return clock_now_ms(watch->loop->timers.clock);
}

/* A database of Bugsink's own, and not one that is merely to be reached. */
static bool is_own_database(const struct watch *watch) {
    return watch_traits(watch)->is_database && watch->check.config->database.role != ROLE_PLAIN;
}

static bool is_queue(const struct watch *watch) {
    return watch_traits(watch)->is_database && watch->check.config->database.role == ROLE_QUEUE;
}

/* -- files that a question would make -- */

/* Neither question needs the queue's. (Bugsink: snappea/dbrouters.py; its answers to both are text, for which
 * the queue is not counted, as it is for a page: bugsink/context_processors.py.) */
static bool is_asked_for(const struct watch *watch) {
    return is_own_database(watch) && !is_queue(watch) && watch_traits(watch)->is_made_by_asking;
}

static bool is_file_missing(struct watch *const *watches, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (is_asked_for(watches[i]) && !watches[i]->memory.is_there)
            return true;
    return false;
}

void evidence_withhold(struct watch *const *watches, size_t count) {
    struct watch *app = evidence_find_app(watches, count);
    if (app)
        watch_withhold(app, is_file_missing(watches, count));
}

bool evidence_has_seen_files(struct watch *const *watches, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (is_asked_for(watches[i]) && !watches[i]->memory.has_run)
            return false;
    return true;
}

static bool is_fresh(const struct watch *watch) {
    enum { SHARE = 5 };
    const struct check_config *config = watch->check.config;
    int64_t fresh_ms = config->interval_ms / SHARE;
    if (fresh_ms > config->retry_interval_ms)
        fresh_ms = config->retry_interval_ms;
    return watch->ended_ms >= 0 && now_of(watch) - watch->ended_ms <= fresh_ms;
}

bool evidence_prepare(struct watch *const *watches, size_t count) {
    bool are_fresh = true;
    for (size_t i = 0; i < count; i++)
        if (is_asked_for(watches[i]) && !is_fresh(watches[i])) {
            watch_hurry(watches[i]);
            are_fresh = false;
        }
    return are_fresh;
}

/* -- what the checks know of each other -- */

/* Whether Bugsink was seen, of late, to answer with its database. */
static bool is_working(const struct watch *app) {
    return app && !app->memory.life.is_silent && app->memory.status != STATUS_ERROR &&
           asking_is_well(&app->memory.asking, app->check.config, now_of(app));
}

/* Whether whoever asks this database now waits, as Bugsink's workers do. */
static bool is_hung(const struct watch *watch) {
    enum reason reason = watch->memory.reason;
    return reason == REASON_TIMEOUT || reason == REASON_STUCK || reason == REASON_LOCKED;
}

/* Whether Bugsink's sessions wait in it, or did one round ago: Bugsink may not have answered yet since. */
static bool is_blocking(const struct watch *watch) {
    const struct check_memory *memory = &watch->memory;
    int64_t round_ms =
        2 * watch->check.config->interval_ms; /* up to the look that saw none, and from there */
    return memory->is_blocked || (memory->blocked_ms >= 0 && now_of(watch) - memory->blocked_ms <= round_ms);
}

static void add_database(struct surroundings *around, const struct watch *watch) {
    int64_t age_s = 0;
    around->is_database_hung = around->is_database_hung || is_hung(watch);
    around->is_blocked = around->is_blocked || is_blocking(watch);
    if (is_queue(watch) && observed_get(&watch->memory.observed, OBSERVED_OLDEST_TASK_AGE_S, &age_s) &&
        age_s > around->oldest_task_s) {
        around->oldest_task_s = age_s;
        around->no_progress_s = (now_of(watch) - watch->memory.progress_ms) / 1000;
    }
}

struct surroundings evidence_surroundings(struct watch *const *watches, size_t count) {
    const struct watch *app = evidence_find_app(watches, count);
    struct surroundings around = {.has_app = app != NULL,
        .is_app_working = is_working(app),
        .is_file_missing = is_file_missing(watches, count)};
    if (app) {
        const struct liveness *life = &app->memory.life;
        around.is_app_up = life->has_answered && !life->is_away;
        around.is_app_silent = life->is_silent;
        around.app_arrivals = life->arrivals;
    }
    for (size_t i = 0; i < count; i++)
        if (is_own_database(watches[i]))
            add_database(&around, watches[i]);
    return around;
}

/* -- databases that are doubted -- */

/* Whether this check, stronger than what is kept from run to run, was seen to fail. */
static bool is_observed_to_fail(const struct watch *watch) {
    const struct check_memory *memory = &watch->memory;
    if (is_queue(watch))
        return memory->status == STATUS_ERROR;
    return watch_traits(watch)->is_app && memory->life.has_answered &&
           (memory->life.is_silent || memory->reason == REASON_APP_DATABASE ||
               memory->reason == REASON_APP_ERROR);
}

/* While an observation fails, every database is logged into anew at each look, and at once when it begins to
 * fail: so that the page names the cause as well. */
static void doubt_databases(struct watch *const *watches, size_t count) {
    size_t failing = 0;
    for (size_t i = 0; i < count; i++)
        failing += is_observed_to_fail(watches[i]);
    for (size_t i = 0; i < count; i++)
        if (watch_traits(watches[i])->is_database)
            watch_doubt(watches[i], failing > (size_t)is_observed_to_fail(watches[i]));
}

/* -- what Bugsink is asked after -- */

/* The status alone: one that is slow and then is not, say, is no reason to hurry anybody. */
static bool has_changed(struct watch *watch) {
    enum status before = watch->seen_status;
    watch->seen_status = watch->memory.status;
    return before != STATUS_STARTING && before != watch->seen_status;
}

static bool has_migrated(struct watch *watch) {
    int64_t migrations = 0, before = watch->seen_migrations;
    if (!observed_get(&watch->memory.observed, OBSERVED_MIGRATIONS_ID, &migrations))
        return false;
    bool was_seen = watch->has_seen_migrations;
    watch->has_seen_migrations = true;
    watch->seen_migrations = migrations;
    return was_seen && migrations != before;
}

/* Whether another look found no place. Bugsink has one or not at each moment anew, and its answer to one
 * question may have had the place that a login of ours had just given up: so it is asked twice. */
static bool is_full_again(struct watch *watch) {
    bool is_full = watch->memory.reason == REASON_TOO_MANY_CLIENTS;
    bool is_new = watch->memory.checked_wall_ms != watch->seen_full_ms;
    watch->seen_full_ms = watch->memory.checked_wall_ms;
    return is_full && is_new;
}

static void ask_after(struct watch *database, struct watch *app) {
    bool is_full = is_full_again(database), is_other = has_changed(database) || is_full;
    if (has_migrated(database)) {
        watch_ask(app, QUESTION_TOKEN);
        watch_ask(app, QUESTION_PROJECT);
    } else if (is_full) {
        watch_ask_twice(app);
    } else if (is_other) {
        watch_ask(app, QUESTION_TOKEN);
    }
}

/* -- settings -- */

void evidence_hurry_settings(struct watch *const *watches, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (watch_traits(watches[i])->holds_settings)
            watch_hurry(watches[i]);
}

/* A Bugsink that works again, with its database, is news of the database: no pause after refused logins need
 * be waited for, but that of a server which may block this host. */
static void hurry_refused(struct watch *const *watches, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (is_own_database(watches[i]) && watches[i]->memory.status == STATUS_ERROR &&
            watches[i]->memory.retry == RETRY_SLOW)
            watch_hurry(watches[i]);
}

void evidence_follow(struct watch *const *watches, size_t count, bool *is_working_now) {
    struct watch *app = evidence_find_app(watches, count);
    bool was_working = *is_working_now;
    doubt_databases(watches, count);
    *is_working_now = is_working(app);
    if (*is_working_now != was_working)
        evidence_hurry_settings(watches, count);
    if (*is_working_now && !was_working)
        hurry_refused(watches, count);
    for (size_t i = 0; app && i < count; i++)
        if (is_own_database(watches[i]))
            ask_after(watches[i], app);
    if (app && app->waiting_ms >= 0 && evidence_prepare(watches, count))
        watch_resume(app);
}
