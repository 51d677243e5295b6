/* The engine: checks[] -> schedule -> run -> policy -> memory -> snapshot. */
#include "checker/engine.h"

#include "base/log.h"
#include "checker/policy.h"
#include "checker/schedule.h"
#include "checks/check.h"
#include "checks/maintenance.h"

#include <stdlib.h>
#include <string.h>

/* One check, its schedule and its memory. */
struct watch {
    struct engine *engine;
    struct check check;
    struct timer next;
    struct check_memory memory;
    int64_t pause_ms; /* until the next look, while looking itself does harm; else 0 */
};

struct engine {
    struct loop *loop;
    struct config *config;
    struct engine_events events;
    void *arg;
    bool is_started;
    bool is_once;
    bool has_started; /* every check has finished a run and Bugsink has answered, once */
    bool is_dead;     /* Bugsink counted as dead after the last run */
    int64_t arrivals; /* of Bugsink, after the last run */
    int64_t created_ms;
    struct watch **watches;
    size_t count;
    struct check_view *views;
    struct maintenance *maintenance; /* NULL: none configured */
    bool is_in_maintenance;          /* by the last answer; it stands until a new path has one */
};

/* -- the log -- */

static void log_transition(const struct watch *watch, enum status old_status, enum reason old_reason,
    const struct outcome *outcome, int64_t duration_ms) {
    const struct check_memory *memory = &watch->memory;
    struct log_line line;
    log_begin(&line,
        memory->status == STATUS_OK         ? LOG_INFO
        : memory->status == STATUS_DEGRADED ? LOG_WARNING
                                            : LOG_ERROR,
        "check changed");
    log_str(&line, "check", watch->check.config->name);
    log_str(&line, "kind", watch->check.kind->name);
    log_str(&line, "old", status_name(old_status));
    log_str(&line, "new", status_name(memory->status));
    log_str(&line, "old_code", reason_info(old_reason)->slug);
    log_str(&line, "code", reason_info(memory->reason)->slug);
    log_str(&line, "phase", phase_name(memory->phase));
    log_int(&line, "duration_ms", duration_ms);
    log_str(&line, "message", memory->status == STATUS_OK ? NULL : reason_info(memory->reason)->sentence);
    log_str(&line, "driver_code", outcome->code[0] ? outcome->code : NULL);
    log_str(&line, "detail", outcome->detail[0] ? outcome->detail : NULL);
    for (int key = 0; key < OBSERVED_KEY_COUNT; key++) {
        int64_t value;
        if (memory->status != STATUS_OK && observed_get(&memory->observed, (enum observed_key)key, &value))
            log_int(&line, observed_name((enum observed_key)key), value);
    }
    log_end(&line);
}

/* Once for each longer pause: whoever waits for a recovery to show must be able to learn why it does not. */
static void log_slow_down(const struct watch *watch, int64_t delay_ms) {
    struct log_line line;
    log_begin(&line, LOG_WARNING, "check slows down");
    log_str(&line, "check", watch->check.config->name);
    log_str(&line, "code", reason_info(watch->memory.reason)->slug);
    log_str(&line, "phase", phase_name(watch->memory.phase));
    log_int(&line, "next_ms", delay_ms);
    log_str(
        &line, "message", "connections that break off make the server block this host, and Bugsink with it");
    log_end(&line);
}

static void log_repetition(const struct watch *watch, int64_t duration_ms) {
    struct log_line line;
    log_begin(&line, LOG_DEBUG, "checked");
    log_str(&line, "check", watch->check.config->name);
    log_str(&line, "status", status_name(watch->memory.status));
    log_str(&line, "code", reason_info(watch->memory.reason)->slug);
    log_int(&line, "duration_ms", duration_ms);
    log_end(&line);
}

/* Whether a change is worth a line: that a file was replaced is told once, and not again when the next look
 * finds nothing new. */
static bool is_worth_telling(
    const struct check_memory *memory, enum status old_status, enum reason old_reason) {
    return memory->status != old_status || old_reason != REASON_REPLACED || memory->reason != REASON_OK;
}

/* -- Bugsink itself -- */

/* NULL where it is not asked. */
static const struct check_memory *app_memory(const struct engine *engine) {
    for (size_t i = 0; i < engine->count; i++)
        if (engine->watches[i]->check.config->kind == KIND_HTTP)
            return &engine->watches[i]->memory;
    return NULL;
}

static bool is_dead(const struct engine *engine, const struct check_memory *app) {
    return app && liveness_is_dead(&app->life, engine->config->fall, engine->config->start_grace_ms,
                      clock_now_ms(engine->loop->timers.clock) - engine->created_ms);
}

static void log_arrival(struct engine *engine, const struct check_memory *app) {
    int64_t before = engine->arrivals;
    engine->arrivals = app ? app->life.arrivals : 0;
    if (engine->arrivals <= before)
        return;
    struct log_line line;
    log_begin(&line, LOG_INFO, "Bugsink answers");
    log_int(&line, "arrivals", engine->arrivals);
    log_end(&line);
}

/* Returns whether liveness is another than before. */
static bool update_liveness(struct engine *engine) {
    const struct check_memory *app = app_memory(engine);
    bool was_dead = engine->is_dead;
    log_arrival(engine, app);
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

/* -- one watch -- */

static uint32_t random_number(void) {
    return (uint32_t)random(); /* spreads load; guards nothing */
}

static void run(void *arg) {
    struct watch *watch = arg;
    check_start(&watch->check);
}

static void schedule(struct watch *watch, int64_t duration_ms) {
    int64_t delay_ms = schedule_delay_ms(watch->check.config, &watch->memory, duration_ms, random_number());
    bool is_pausing = watch->memory.retry >= RETRY_SLOWER && delay_ms > watch->check.config->interval_ms;
    if (is_pausing)
        observed_set(&watch->memory.observed, OBSERVED_PAUSE_S, delay_ms / 1000);
    if (is_pausing && delay_ms > watch->pause_ms)
        log_slow_down(watch, delay_ms);
    watch->pause_ms = is_pausing ? delay_ms : 0;
    timer_arm(&watch->engine->loop->timers, &watch->next, delay_ms);
}

static struct surroundings surroundings_of(const struct engine *engine) {
    const struct check_memory *app = app_memory(engine);
    struct surroundings around = {.has_app = app != NULL};
    if (app) {
        around.is_app_up = app->life.has_answered && !app->life.is_away;
        around.app_arrivals = app->life.arrivals;
    }
    for (size_t i = 0; i < engine->count; i++) {
        int64_t tasks = 0;
        if (engine->watches[i]->check.config->role == ROLE_QUEUE &&
            observed_get(&engine->watches[i]->memory.observed, OBSERVED_TASKS, &tasks))
            around.waiting_tasks += tasks;
    }
    return around;
}

static void on_finished(struct check *check, const struct outcome *outcome, int64_t duration_ms) {
    struct watch *watch = check->arg;
    struct engine *engine = watch->engine;
    const struct clock *clock = engine->loop->timers.clock;
    enum status old_status = watch->memory.status;
    enum reason old_reason = watch->memory.reason;
    const struct finding finding = {.reason = outcome->reason,
        .phase = outcome->phase,
        .observed = &outcome->observed,
        .latency_ms = duration_ms,
        .identity = outcome->identity,
        .around = surroundings_of(engine)};
    bool is_change =
        policy_judge(check->config, &watch->memory, &finding, clock_now_ms(clock), clock_wall_ms(clock));
    if (is_change && is_worth_telling(&watch->memory, old_status, old_reason))
        log_transition(watch, old_status, old_reason, outcome, duration_ms);
    else if (!is_change)
        log_repetition(watch, duration_ms);
    is_change = update_liveness(engine) || is_change;
    if (!engine->is_once)
        schedule(watch, duration_ms);
    engine->events.checked(engine->arg, is_change);
}

static struct watch *watch_new(struct engine *engine, const struct check_config *config, struct error *err) {
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch) {
        error_set(err, "out of memory");
        return NULL;
    }
    watch->engine = engine;
    timer_init(&watch->next, run, watch);
    memory_init(&watch->memory, clock_wall_ms(engine->loop->timers.clock));
    if (check_init(&watch->check, &engine->loop->env, config, on_finished, watch, err) < 0) {
        error_prefix(err, "check \"%s\"", config->name);
        free(watch);
        return NULL;
    }
    return watch;
}

static void watch_free(struct watch *watch) {
    if (!watch)
        return;
    timer_disarm(&watch->next);
    check_release(&watch->check);
    free(watch);
}

/* -- all of them -- */

static void free_watches(struct watch **watches, size_t count) {
    for (size_t i = 0; i < count; i++)
        watch_free(watches[i]);
    free(watches);
}

/* Builds the watches of a configuration into *watches and *views. Nothing of the engine is changed. */
static int build(struct engine *engine, const struct config *config, struct watch ***watches,
    struct check_view **views, struct error *err) {
    *watches = calloc(config->check_count + 1, sizeof **watches);
    *views = calloc(config->check_count + 1, sizeof **views);
    size_t count = 0;
    if (!*watches || !*views)
        error_set(err, "out of memory");
    else
        while (count < config->check_count) {
            (*watches)[count] = watch_new(engine, &config->checks[count], err);
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

static void on_maintenance(void *arg) {
    struct engine *engine = arg;
    bool is_on = maintenance_is_on(engine->maintenance);
    if (is_on != engine->is_in_maintenance)
        log_event(LOG_WARNING, is_on ? "maintenance begins" : "maintenance ends");
    engine->is_in_maintenance = is_on;
    engine->events.checked(engine->arg, true);
}

/* Looks for the file the configuration names; one that was looked for before keeps its answer through a
 * reload. */
static void start_maintenance(struct engine *engine) {
    const char *path = engine->config->maintenance;
    if (engine->maintenance && path && strcmp(maintenance_path(engine->maintenance), path) == 0)
        return;
    maintenance_free(engine->maintenance);
    engine->maintenance = NULL;
    if (path && !engine->is_once) {
        engine->maintenance = maintenance_new(&engine->loop->env, path, on_maintenance, engine);
        if (!engine->maintenance)
            log_error("the maintenance file is not looked for", "out of memory");
    } else if (engine->is_in_maintenance) {
        log_event(LOG_WARNING, "maintenance ends");
        engine->is_in_maintenance = false;
    }
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
    for (size_t i = 0; i < engine->count; i++)
        timer_arm(&engine->loop->timers, &engine->watches[i]->next, 0);
    start_maintenance(engine);
}

/* -- reload: build, compare, swap -- */

static struct watch **find_same(struct engine *engine, const struct check_config *config) {
    for (size_t i = 0; i < engine->count; i++)
        if (engine->watches[i] && check_config_equal(engine->watches[i]->check.config, config))
            return &engine->watches[i];
    return NULL;
}

/* What is known stays known: of a check that asks the same at other times, all; of an app that is asked
 * otherwise than before, but is the same, whether it lives. A child that is caught in the kernel stays the
 * check's, too. */
static void inherit(const struct engine *engine, struct watch *watch) {
    for (size_t i = 0; i < engine->count; i++) {
        struct watch *old = engine->watches[i];
        if (!old)
            continue;
        if (check_config_asks_the_same(old->check.config, watch->check.config))
            watch->memory = old->memory;
        if (strcmp(old->check.config->name, watch->check.config->name) == 0)
            check_take_child(&watch->check, &old->check);
        if (old->check.config->kind == KIND_HTTP && watch->check.config->kind == KIND_HTTP &&
            strcmp(old->check.config->url, watch->check.config->url) == 0)
            watch->memory.life = old->memory.life;
    }
}

int engine_reload(struct engine *engine, struct config *config, struct error *err) {
    struct watch **watches;
    struct check_view *views;
    if (build(engine, config, &watches, &views, err) < 0) {
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
        inherit(engine, watches[i]);
        if (engine->is_started)
            timer_arm(&engine->loop->timers, &watches[i]->next, 0);
    }
    free_watches(engine->watches, engine->count);
    free(engine->views);
    config_free(engine->config);
    engine->watches = watches;
    engine->views = views;
    engine->count = config->check_count;
    engine->config = config;
    start_maintenance(engine);
    update_liveness(engine);
    engine->events.checked(engine->arg, true);
    return 0;
}

/* -- what is known -- */

static struct check_view view_of(const struct watch *watch) {
    const struct check_memory *memory = &watch->memory;
    const struct check_config *config = watch->check.config;
    return (struct check_view){
        .name = config->name,
        .kind = watch->check.kind->name,
        .is_database = check_kind_id_is_database(config->kind),
        .is_critical = config->is_critical,
        .status = memory->status,
        .reason = memory->reason,
        .phase = memory->phase,
        .has_run = memory->has_run,
        .has_started = memory->has_run && (config->kind != KIND_HTTP || memory->life.has_answered),
        .latency_ms = memory->latency_ms,
        .checked_at_ms = memory->checked_wall_ms,
        .since_ms = memory->since_wall_ms,
        .last_ok_at_ms = memory->last_ok_wall_ms,
        .consecutive_failures = memory->consecutive_failures,
        .observed = memory->observed,
    };
}

bool engine_has_finished_round(const struct engine *engine) {
    for (size_t i = 0; i < engine->count; i++)
        if (!engine->watches[i]->memory.has_run)
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
    if (!engine->is_started)
        return engine->config->maintenance != NULL;
    return engine->maintenance && !maintenance_has_looked(engine->maintenance);
}

void engine_snapshot(struct engine *engine, struct snapshot *snapshot) {
    for (size_t i = 0; i < engine->count; i++)
        engine->views[i] = view_of(engine->watches[i]);
    engine->has_started = engine->has_started || have_all_started(engine);
    const struct check_memory *app = app_memory(engine);
    bool has_died = is_dead(engine, app);
    *snapshot = (struct snapshot){
        .checks = engine->views,
        .check_count = engine->count,
        .is_dead = has_died, /* without an app, liveness says that the sidecar works */
        .live_reason = has_died ? liveness_reason(&app->life, app->life.silence) : REASON_OK,
        .live_check = has_died ? CHECK_NAME_APP : NULL,
        .has_started = engine->has_started,
        .is_in_maintenance = engine->is_in_maintenance || is_maintenance_unknown(engine),
        .app_version = engine->config->app_version,
        .now_ms = clock_wall_ms(engine->loop->timers.clock),
    };
}

const struct config *engine_config(const struct engine *engine) {
    return engine->config;
}
