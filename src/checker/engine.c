/* The engine: checks[] -> schedule -> run -> policy -> memory -> snapshot. */
#include "checker/engine.h"

#include "base/log.h"
#include "base/process.h"
#include "checker/evidence.h"
#include "checker/schedule.h"
#include "checker/trial.h"
#include "checker/watch.h"
#include "checker/maintenance.h"

#include <stdlib.h>
#include <string.h>

struct engine {
    struct loop *loop;
    struct config *config;
    struct engine_events events;
    void *arg;
    bool is_started;
    bool is_once;
    bool is_patient;  /* Bugsink's start is awaited for as long as it takes */
    bool has_started; /* every check has finished a run and Bugsink has answered, once */
    bool is_dead;     /* Bugsink counted as dead after the last run */
    int64_t arrivals; /* of Bugsink, after the last run */
    bool is_app_working;
    int64_t created_ms;
    char linked[VERSIONS_TEXT_SIZE];
    struct watch **watches;
    size_t count;
    struct check_view *views;
    struct changes changes;
    struct maintenance *maintenance; /* NULL: none configured */
    bool is_draining;
    bool is_in_maintenance; /* by the last answer; it stands until a new path has one */
    bool has_looked;        /* for any maintenance file, or there was none to look for */
};

/* -- Bugsink itself -- */

/* NULL where it is not asked. */
static const struct check_memory *app_memory(const struct engine *engine) {
    const struct watch *app = evidence_find_app(engine->watches, engine->count);
    return app ? &app->memory : NULL;
}

static bool is_dead(const struct engine *engine, const struct check_memory *app) {
    return app && liveness_is_dead(&app->life, engine->config->fall, engine->config->start_grace_ms,
                      clock_now_ms(engine->loop->timers.clock) - engine->created_ms);
}

/* When Bugsink arrives, the settings are looked at once: what stands there now is what it has read. */
static void note_arrival(struct engine *engine, const struct check_memory *app) {
    int64_t before = engine->arrivals;
    engine->arrivals = app ? app->life.arrivals : 0;
    if (engine->arrivals <= before)
        return;
    struct log_line line;
    log_begin(&line, LOG_INFO, "Bugsink answers");
    log_int(&line, "arrivals", engine->arrivals);
    log_end(&line);
    evidence_hurry_settings(engine->watches, engine->count);
}

/* Returns whether liveness is another than before. */
static bool update_liveness(struct engine *engine) {
    const struct check_memory *app = app_memory(engine);
    bool was_dead = engine->is_dead;
    note_arrival(engine, app);
    engine->is_dead = is_dead(engine, app);
    if (engine->is_dead == was_dead)
        return false;
    struct log_line line;
    log_begin(&line, engine->is_dead ? LOG_ERROR : LOG_INFO,
        engine->is_dead ? "Bugsink does not answer: liveness fails" : "liveness is well again");
    if (engine->is_dead) {
        log_int(&line, "failures", app->life.silences);
        log_str(&line, "code", reason_info(liveness_reason(&app->life, app->life.silence))->slug);
    }
    log_end(&line);
    return true;
}

/* -- what the checks know of each other -- */

static struct surroundings surroundings_of(void *arg) {
    const struct engine *engine = arg;
    struct surroundings around = evidence_surroundings(engine->watches, engine->count);
    int64_t running_ms = clock_now_ms(engine->loop->timers.clock) - engine->created_ms;
    bool may_be_starting = around.app_arrivals == 0 && running_ms < engine->config->start_grace_ms;
    around.is_start_awaited = engine->is_patient || (may_be_starting && !engine->is_once);
    return around;
}

/* Where each check has one run, the settings have theirs when it is known whether Bugsink works: what they
 * predict is judged by that. */
static bool is_left_for_later(const struct engine *engine, const struct watch *watch) {
    return engine->is_once && watch_traits(watch)->holds_settings && !watch->memory.has_run &&
           evidence_find_app(engine->watches, engine->count);
}

static void start_what_was_left(struct engine *engine) {
    const struct watch *app = evidence_find_app(engine->watches, engine->count);
    if (!app || !app->memory.has_run || watch_is_asking(app) ||
        !evidence_has_seen_files(engine->watches, engine->count))
        return;
    for (size_t i = 0; i < engine->count; i++)
        if (is_left_for_later(engine, engine->watches[i]) && !engine->watches[i]->check.is_running)
            watch_start(engine->watches[i], true, 0);
}

static void on_changed(void *arg, const struct watch *watch) {
    struct engine *engine = arg;
    changes_note(&engine->changes, clock_wall_ms(engine->loop->timers.clock), watch->check.config->name,
        watch->memory.status, watch->memory.reason);
}

/* Where each check has one run, that is the look before the question. */
static bool prepare(void *arg) {
    const struct engine *engine = arg;
    return engine->is_once || evidence_prepare(engine->watches, engine->count);
}

static void on_finished(void *arg, bool is_change) {
    struct engine *engine = arg;
    evidence_withhold(engine->watches, engine->count);
    is_change = update_liveness(engine) || is_change;
    if (engine->is_once)
        start_what_was_left(engine);
    else
        evidence_follow(engine->watches, engine->count, &engine->is_app_working);
    engine->events.checked(engine->arg, is_change);
}

static const struct watch_events WATCH_EVENTS = {
    .surroundings = surroundings_of, .prepare = prepare, .changed = on_changed, .finished = on_finished};

/* -- all of them -- */

static void free_watches(struct watch **watches, size_t count) {
    for (size_t i = 0; i < count; i++)
        watch_free(watches[i]);
    free(watches);
}

/* For each check one that it keeps, and two while a child of its runs; the rest is the program's own. */
static size_t descriptors_for(size_t checks) {
    enum { OWN = 64, EACH = 3 };
    return OWN + EACH * checks;
}

int engine_descriptors(const struct engine *engine) {
    return (int)descriptors_for(engine->count);
}

/* Builds the watches of a configuration into *watches and *views. Nothing of the engine is changed. */
static int build(struct engine *engine, const struct config *config, struct watch ***watches,
    struct check_view **views, struct error *err) {
    *watches = NULL;
    *views = NULL;
    if (trial_run(config, engine->linked, err) < 0)
        return -1;
    engine->loop->env.is_tried = true;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers it is */
    *watches = calloc(config->check_count + 1, sizeof **watches);
    *views = calloc(config->check_count + 1, sizeof **views);
    size_t count = 0;
    process_want_descriptors(descriptors_for(config->check_count));
    if (!*watches || !*views)
        error_set(err, "out of memory");
    else
        while (count < config->check_count) {
            (*watches)[count] = watch_new(engine->loop, &config->checks[count], &WATCH_EVENTS, engine, err);
            if (!(*watches)[count])
                break;
            count++;
        }
    if (*watches && *views && count == config->check_count)
        return 0;
    if (*watches)
        free_watches(*watches, count);
    free(*views);
    return -1;
}

/* An open session, however idle, is in the way of whoever renames, copies or upgrades a database, and of a
 * server that waits for its last client. */
static void let_go(struct engine *engine) {
    engine->loop->env.lets_go = engine->is_in_maintenance || engine->is_draining;
    for (size_t i = 0; engine->loop->env.lets_go && i < engine->count; i++)
        check_let_go(&engine->watches[i]->check);
}

void engine_set_quiet(struct engine *engine) {
    for (size_t i = 0; i < engine->count; i++)
        engine->watches[i]->is_quiet = true;
}

void engine_set_patient(struct engine *engine) {
    engine->is_patient = true;
    for (size_t i = 0; i < engine->count; i++)
        engine->watches[i]->is_patient = true;
}

void engine_drain(struct engine *engine) {
    engine->is_draining = true;
    let_go(engine);
}

int64_t engine_login_ms(const struct engine *engine) {
    int64_t longest_ms = 0;
    for (size_t i = 0; i < engine->count; i++) {
        const struct watch *watch = engine->watches[i];
        if (watch_traits(watch)->breaks_login && watch->check.config->timeout_ms > longest_ms)
            longest_ms = watch->check.config->timeout_ms;
    }
    return longest_ms;
}

void engine_begin_no_logins(struct engine *engine) {
    engine->loop->env.begins_no_login = true;
}

bool engine_is_logging_in(const struct engine *engine) {
    for (size_t i = 0; i < engine->count; i++)
        if (check_is_logging_in(&engine->watches[i]->check))
            return true;
    return false;
}

static void on_maintenance(void *arg) {
    struct engine *engine = arg;
    bool is_on = maintenance_is_on(engine->maintenance);
    if (is_on != engine->is_in_maintenance)
        log_event(LOG_WARNING, is_on ? "maintenance begins" : "maintenance ends");
    engine->is_in_maintenance = is_on;
    engine->has_looked = true;
    let_go(engine);
    engine->events.checked(engine->arg, true);
}

static bool is_looked_for(const struct engine *engine, const char *path) {
    return engine->maintenance && path && strcmp(maintenance_path(engine->maintenance), path) == 0;
}

/* Makes what looks for the file of that path into *maintenance: NULL where none is to be looked for, or this
 * one is already. Returns -1 when memory is out: not to look for it would call Bugsink ready in its midst. */
static int make_maintenance(
    struct engine *engine, const char *path, struct maintenance **maintenance, struct error *err) {
    *maintenance = NULL;
    if (!path || engine->is_once || is_looked_for(engine, path))
        return 0;
    *maintenance =
        maintenance_new(&engine->loop->env, path, engine->is_in_maintenance, on_maintenance, engine);
    return *maintenance ? 0 : error_set(err, "the maintenance file cannot be looked for: out of memory");
}

/* Takes it. Through a reload the last answer stands: for a file that was looked for before as for another
 * one, until a look for that has an answer. */
static void take_maintenance(struct engine *engine, struct maintenance *maintenance) {
    if (is_looked_for(engine, engine->config->maintenance))
        return;
    maintenance_free(engine->maintenance);
    engine->maintenance = maintenance;
    if (maintenance)
        return;
    if (engine->is_in_maintenance)
        log_event(LOG_WARNING, "maintenance ends");
    engine->is_in_maintenance = false;
    engine->has_looked = true;
    let_go(engine);
}

struct engine *engine_new(struct loop *loop, struct config *config, const struct engine_events *events,
    void *arg, struct error *err) {
    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine) {
        config_free(config);
        error_set(err, "out of memory");
        return NULL;
    }
    *engine = (struct engine){.loop = loop,
        .config = config,
        .events = *events,
        .arg = arg,
        .created_ms = clock_now_ms(loop->timers.clock)};
    if (build(engine, config, &engine->watches, &engine->views, err) < 0) {
        config_free(config);
        free(engine);
        return NULL;
    }
    engine->count = config->check_count;
    return engine;
}

void engine_free(struct engine *engine) {
    if (!engine)
        return;
    maintenance_free(engine->maintenance);
    free_watches(engine->watches, engine->count);
    free(engine->views);
    config_free(engine->config);
    free(engine);
}

void engine_start(struct engine *engine, bool is_once) {
    engine->is_started = true;
    engine->is_once = is_once;
    struct maintenance *maintenance;
    if (make_maintenance(engine, engine->config->maintenance, &maintenance, NULL) < 0)
        process_out_of_memory();
    for (size_t i = 0; i < engine->count; i++)
        if (!is_left_for_later(engine, engine->watches[i]))
            watch_start(engine->watches[i], is_once,
                schedule_first_ms(engine->watches[i]->check.config, i, engine->count));
    take_maintenance(engine, maintenance);
}

/* -- reload: build, compare, swap -- */

static struct watch **find_same(struct engine *engine, const struct check_config *config) {
    for (size_t i = 0; i < engine->count; i++)
        if (engine->watches[i] && check_config_equal(engine->watches[i]->check.config, config))
            return &engine->watches[i];
    return NULL;
}

static bool is_same_app(const struct watch *a, const struct watch *b) {
    const struct check_traits *traits = watch_traits(a);
    return traits->is_app && watch_traits(b)->is_app &&
           traits->asks_same_app(a->check.config, b->check.config);
}

/* What is known stays known: of a check that asks the same at other times, all; of an app that is asked
 * otherwise than before, but is the same, whether it lives. (A child that is caught in the kernel is found by
 * the next check of that name.) */
static void start_successor(const struct engine *engine, struct watch *watch, int64_t delay_ms) {
    const struct check_config *config = watch->check.config;
    const struct watch *same = NULL;
    for (size_t i = 0; i < engine->count; i++) {
        const struct watch *old = engine->watches[i];
        if (old && check_config_asks_the_same(old->check.config, config))
            same = old;
        if (old && is_same_app(old, watch))
            watch->memory.life = old->memory.life;
    }
    if (same)
        watch_succeed(watch, same);
    else
        watch_start(watch, engine->is_once, delay_ms);
}

int engine_reload(struct engine *engine, struct config *config, struct error *err) {
    struct watch **watches;
    struct check_view *views;
    struct maintenance *maintenance;
    if (make_maintenance(engine, config->maintenance, &maintenance, err) < 0 ||
        build(engine, config, &watches, &views, err) < 0) {
        maintenance_free(maintenance);
        config_free(config);
        return -1;
    }
    for (size_t i = 0; i < config->check_count; i++) {
        struct watch **old = find_same(engine, &config->checks[i]);
        if (old) {
            watch_free(watches[i]);
            watches[i] = *old;
            watches[i]->check.config = &config->checks[i];
            *old = NULL;
            continue;
        }
        if (engine->is_started)
            start_successor(
                engine, watches[i], schedule_first_ms(&config->checks[i], i, config->check_count));
    }
    free_watches(engine->watches, engine->count);
    free(engine->views);
    config_free(engine->config);
    engine->watches = watches;
    engine->views = views;
    engine->count = config->check_count;
    engine->config = config;
    take_maintenance(engine, maintenance);
    evidence_withhold(engine->watches, engine->count);
    update_liveness(engine);
    engine->events.checked(engine->arg, true);
    return 0;
}

/* -- what is known -- */

bool engine_has_finished_round(const struct engine *engine) {
    for (size_t i = 0; i < engine->count; i++)
        if (!engine->watches[i]->memory.has_run || watch_is_asking(engine->watches[i]))
            return false;
    return true;
}

static bool have_all_started(const struct engine *engine) {
    for (size_t i = 0; i < engine->count; i++)
        if (!engine->views[i].has_started)
            return false;
    return true;
}

/* Not looked yet is not ready: from the very first page on. */
static bool is_maintenance_unknown(const struct engine *engine) {
    return engine->config->maintenance && !engine->has_looked;
}

void engine_snapshot(struct engine *engine, struct snapshot *snapshot) {
    for (size_t i = 0; i < engine->count; i++)
        engine->views[i] = watch_view(engine->watches[i]);
    engine->has_started = engine->has_started || have_all_started(engine);
    const struct check_memory *app = app_memory(engine);
    bool has_died = is_dead(engine, app);
    *snapshot = (struct snapshot){
        .checks = engine->views,
        .check_count = engine->count,
        .changes = &engine->changes,
        .is_dead = has_died, /* without an app, liveness says that the sidecar works */
        .live_reason = has_died ? liveness_reason(&app->life, app->life.silence) : REASON_OK,
        .live_check = has_died ? CHECK_NAME_APP : NULL,
        .has_started = engine->has_started,
        .is_in_maintenance = engine->is_in_maintenance || is_maintenance_unknown(engine),
        .delayed_runs = engine->loop->gate.delayed,
        .app_version = engine->config->app_version,
        .now_ms = clock_wall_ms(engine->loop->timers.clock),
    };
}

const char *engine_linked(const struct engine *engine) {
    return engine->linked;
}

int64_t engine_workers_cpu_ms(const struct engine *engine) {
    return engine->loop->children.cpu_us / 1000;
}

const struct config *engine_config(const struct engine *engine) {
    return engine->config;
}
