/* One check's life on the engine: run, judged, remembered, logged, run again. */
#include "checker/watch.h"

#include "base/log.h"
#include "base/str.h"
#include "checker/schedule.h"
#include "kinds/kinds.h"

#include <stdlib.h>

/* -- the log -- */

/* What a first start looks like is no error: that Bugsink is not there yet, all the less. */
static enum log_level level_of(const struct watch *watch) {
    switch (watch->memory.status) {
    case STATUS_OK:
    case STATUS_STARTING: return LOG_INFO;
    case STATUS_DEGRADED: return LOG_WARNING;
    case STATUS_ERROR: break;
    }
    bool is_app = watch_traits(watch)->is_app;
    if (watch->is_patient)
        return is_app || watch->is_expected || !watch->check.config->is_critical ? LOG_INFO : LOG_WARNING;
    if (watch->is_expected)
        return is_app ? LOG_INFO : LOG_WARNING;
    return LOG_ERROR;
}

struct verdict {
    enum status status;
    enum reason reason;
};

static void log_transition(const struct watch *watch, const struct verdict *old,
    const struct outcome *outcome, int64_t duration_ms) {
    const struct check_memory *memory = &watch->memory;
    struct log_line line;
    log_begin(&line, level_of(watch), "check changed");
    log_str(&line, "check", watch->check.config->name);
    log_str(&line, "kind", check_kind_id_name(watch->check.config->kind));
    if (memory->status != STATUS_OK)
        check_config_log(watch->check.config, &line);
    log_str(&line, "old", status_name(old->status));
    log_str(&line, "new", status_name(memory->status));
    log_str(&line, "old_code", reason_info(old->reason)->slug);
    log_str(&line, "code", reason_info(memory->reason)->slug);
    log_str(&line, "phase", phase_name(memory->phase));
    log_int(&line, "duration_ms", duration_ms);
    log_str(&line, "message", memory->status == STATUS_OK ? NULL : reason_info(memory->reason)->sentence);
    log_str(&line, "note", reason_addition(memory->reason, memory->is_prediction));
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

/* Once for all checks, and not with every run. */
static void log_overload(const struct watch *watch, int64_t delay_ms) {
    struct log_line line;
    log_begin(&line, LOG_WARNING, "overloaded");
    log_str(&line, "check", watch->check.config->name);
    log_int(&line, "delayed_ms", delay_ms);
    log_str(&line, "message",
        "the processor does not serve the checks it was given, so that they run late; raise its limit, "
        "lengthen the interval, or check less");
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

/* Once, for it is no verdict. */
static void log_answer(const struct watch *watch, const struct outcome *outcome) {
    struct log_line line;
    log_begin(&line, LOG_INFO, "Bugsink's answer says nothing about its database");
    log_str(&line, "check", watch->check.config->name);
    log_str(&line, "question", question_name(outcome->asked));
    log_str(&line, "driver_code", outcome->code[0] ? outcome->code : NULL);
    log_str(&line, "detail", outcome->detail[0] ? outcome->detail : NULL);
    log_end(&line);
}

/* Whether a change is worth a line: that a file was replaced is told once, and not again when the next look
 * finds nothing new. */
static bool is_worth_telling(const struct check_memory *memory, const struct verdict *old) {
    return memory->status != old->status || old->reason != REASON_REPLACED || memory->reason != REASON_OK;
}

static void log_run(const struct watch *watch, const struct verdict *old, bool is_change, bool is_overdue,
    const struct outcome *outcome, int64_t duration_ms) {
    if (watch->memory.is_answer_news)
        log_answer(watch, outcome);
    if (is_overdue || (is_change && is_worth_telling(&watch->memory, old)))
        log_transition(watch, old, outcome, duration_ms);
    else if (!is_change)
        log_repetition(watch, duration_ms);
}

/* -- runs -- */

static uint32_t random_number(void) {
    return (uint32_t)random(); /* spreads load; guards nothing */
}

/* A question waits for those that must look before it, though not for long: it is a look at Bugsink, too. */
static bool waits_for_others(struct watch *watch, int64_t now_ms) {
    bool (*prepare)(void *arg) = watch->events->prepare;
    bool is_prepared = watch->check.question == QUESTION_NONE || !prepare || prepare(watch->arg);
    int64_t since_ms = watch->waiting_ms >= 0 ? watch->waiting_ms : now_ms;
    int64_t left_ms = since_ms + watch->check.config->retry_interval_ms - now_ms;
    watch->waiting_ms = is_prepared || left_ms <= 0 ? -1 : since_ms;
    if (watch->waiting_ms < 0)
        return false;
    timer_arm(&watch->loop->timers, &watch->next, left_ms);
    return true;
}

/* The turn of a run has come, delay_ms late. */
static void begin(struct watch *watch, int64_t delay_ms) {
    watch->delayed_ms = delay_ms;
    if (watch->loop->env.begins_no_login && watch_traits(watch)->breaks_login)
        return;
    int64_t now_ms = clock_now_ms(watch->loop->timers.clock);
    if (watch_traits(watch)->is_app)
        watch->check.question = asking_next(&watch->memory.asking, watch->check.config, now_ms);
    if (waits_for_others(watch, now_ms))
        return;
    asking_begin(&watch->memory.asking, watch->check.question, now_ms);
    watch->check.wants_fresh = watch->is_doubted;
    watch->is_hurried = false;
    check_start(&watch->check);
}

static void on_turn(void *arg) {
    struct watch *watch = arg;
    int64_t delay_ms = clock_now_ms(watch->loop->timers.clock) - watch->turn.since_ms;
    if (gate_note(&watch->loop->gate, delay_ms) && !watch->is_quiet)
        log_overload(watch, delay_ms);
    begin(watch, delay_ms);
}

static void run(void *arg) {
    struct watch *watch = arg;
    if (!watch->check.kind->work || gate_enter(&watch->loop->gate, &watch->turn))
        begin(watch, 0);
}

/* Of a check where looking itself does harm, how long until the next look is worth telling. */
static void note_pause(struct watch *watch, int64_t delay_ms) {
    bool is_pausing = watch->memory.retry >= RETRY_SLOWER && delay_ms > watch->check.config->interval_ms;
    if (is_pausing)
        observed_set(&watch->memory.observed, OBSERVED_PAUSE_S, delay_ms / 1000);
    if (is_pausing && delay_ms > watch->pause_ms && !watch->is_quiet)
        log_slow_down(watch, delay_ms);
    watch->pause_ms = is_pausing ? delay_ms : 0;
}

static bool is_urgent(const struct watch *watch) {
    return watch_traits(watch)->is_app && asking_is_urgent(&watch->memory.asking, watch->check.config,
                                              clock_now_ms(watch->loop->timers.clock));
}

static bool is_unfinished(const struct watch *watch) {
    return watch_traits(watch)->is_app && asking_is_unfinished(&watch->memory.asking, watch->check.config,
                                              clock_now_ms(watch->loop->timers.clock));
}

static void schedule(struct watch *watch, int64_t duration_ms) {
    int64_t delay_ms = schedule_delay_ms(watch->check.config, &watch->memory, duration_ms, random_number());
    note_pause(watch, delay_ms);
    int64_t soon_ms = watch->check.config->retry_interval_ms;
    if (watch->is_hurried || is_urgent(watch))
        delay_ms = 0;
    else if (is_unfinished(watch) && delay_ms > soon_ms)
        delay_ms = soon_ms;
    timer_arm(&watch->loop->timers, &watch->next, delay_ms);
}

/* A server has closed the connection that was kept: what became of it is looked at now, unless it does so all
 * the time. */
static void on_stirred(struct check *check) {
    struct watch *watch = check->arg;
    int64_t now_ms = clock_now_ms(watch->loop->timers.clock);
    bool is_often = watch->stirred_ms > 0 && now_ms - watch->stirred_ms < check->config->retry_interval_ms;
    watch->stirred_ms = now_ms;
    if (!is_often && watch->memory.retry <= RETRY_FAST)
        watch_hurry(watch);
}

/* Returns whether the error that stands was told as expected and is so no longer: Bugsink has started without
 * mending it, or should have started by now. */
static bool note_expected(
    struct watch *watch, const struct policy_subject *subject, const struct surroundings *around) {
    bool was_expected = watch->is_expected;
    watch->is_expected = policy_is_expected(subject, &watch->memory, around);
    return was_expected && !watch->is_expected && watch->memory.status == STATUS_ERROR;
}

static void note_delay(struct watch *watch) {
    if (watch->delayed_ms >= GATE_DELAY_MS)
        observed_set(&watch->memory.observed, OBSERVED_DELAYED_MS, watch->delayed_ms);
}

static void note_words(struct watch *watch, const struct outcome *outcome) {
    str_copy(watch->code, sizeof watch->code, outcome->code);
    str_copy(watch->detail, sizeof watch->detail, outcome->detail);
}

/* That one is ok from the start is no change. */
static void tell_change(const struct watch *watch, const struct verdict *old, bool is_change) {
    bool is_start = old->status == STATUS_STARTING && watch->memory.status == STATUS_OK;
    if (is_change && !is_start && watch->events->changed && is_worth_telling(&watch->memory, old))
        watch->events->changed(watch->arg, watch);
}

/* The login was counted as broken when its time was up, and that is how it has ended now. One that met nobody
 * ends the first pause and no more: a server that hangs behind a proxy may find all of them in its backlog.
 */
static bool is_counted(
    const struct policy_subject *subject, const struct check_memory *memory, const struct outcome *outcome) {
    return policy_retry(subject, outcome) == RETRY_SLOWER || outcome->reason == REASON_CRASHED ||
           outcome->reason == REASON_INTERNAL ||
           (outcome->phase == PHASE_CONNECT && memory->broken_logins > 1);
}

static void on_finished(struct check *check, const struct outcome *outcome, int64_t duration_ms) {
    struct watch *watch = check->arg;
    const struct clock *clock = watch->loop->timers.clock;
    const struct policy_subject subject = {check->config, watch_traits(watch)};
    const struct verdict old = {watch->memory.status, watch->memory.reason};
    watch->ended_ms = clock_now_ms(clock);
    const struct surroundings around = watch->events->surroundings(watch->arg);
    if (check->is_late && is_counted(&subject, &watch->memory, outcome))
        return;
    bool is_change = policy_judge(
        &subject, &watch->memory, outcome, duration_ms, &around, clock_now_ms(clock), clock_wall_ms(clock));
    history_note(
        &watch->history, clock_now_ms(clock), watch->memory.status, watch->memory.reason, duration_ms);
    counters_note(&watch->counters, watch->memory.status, watch->memory.reason, duration_ms);
    note_words(watch, outcome);
    tell_change(watch, &old, is_change);
    note_delay(watch);
    bool is_overdue = note_expected(watch, &subject, &around);
    if (!watch->is_quiet)
        log_run(watch, &old, is_change, is_overdue, outcome, duration_ms);
    if (!watch->is_once || is_urgent(watch))
        schedule(watch, duration_ms);
    watch->events->finished(watch->arg, is_change);
}

/* -- from start to end -- */

struct watch *watch_new(struct loop *loop, const struct check_config *config,
    const struct watch_events *events, void *arg, struct error *err) {
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch) {
        error_set(err, "check \"%s\": out of memory", config->name);
        return NULL;
    }
    watch->loop = loop;
    watch->events = events;
    watch->arg = arg;
    timer_init(&watch->next, run, watch);
    turn_init(&watch->turn, on_turn, watch);
    watch->seen_status = STATUS_STARTING;
    watch->waiting_ms = watch->ended_ms = -1;
    memory_init(&watch->memory, clock_wall_ms(loop->timers.clock));
    history_init(&watch->history);
    const struct check_kind *kind = check_kind_require(config->kind, err);
    if (!kind || check_init(&watch->check, kind, &loop->env, config, on_finished, watch, err) < 0) {
        error_prefix(err, "check \"%s\"", config->name);
        free(watch);
        return NULL;
    }
    watch->check.stirred = on_stirred;
    struct strbuf where = {0};
    check_config_where(config, &where);
    watch->where = where.data; /* what memory does not suffice for is not shown */
    return watch;
}

void watch_free(struct watch *watch) {
    if (!watch)
        return;
    timer_disarm(&watch->next);
    gate_leave(&watch->loop->gate, &watch->turn);
    check_release(&watch->check);
    free(watch->where);
    free(watch);
}

void watch_start(struct watch *watch, bool is_once, int64_t delay_ms) {
    watch->is_once = is_once;
    timer_arm(&watch->loop->timers, &watch->next, delay_ms);
}

void watch_hurry(struct watch *watch) {
    if (timer_is_armed(&watch->next))
        timer_arm(&watch->loop->timers, &watch->next, 0);
}

/* A look that is under way may have asked before there was a doubt. */
void watch_doubt(struct watch *watch, bool is_doubted) {
    bool is_new = is_doubted && !watch->is_doubted;
    watch->is_doubted = is_doubted;
    if (!is_new || watch->memory.retry >= RETRY_SLOW)
        return;
    watch->is_hurried = watch->check.is_running && !watch->is_once;
    watch_hurry(watch);
}

void watch_ask(struct watch *watch, enum app_question question) {
    asking_want(&watch->memory.asking, question);
    if (is_urgent(watch))
        watch_hurry(watch);
}

void watch_ask_twice(struct watch *watch) {
    asking_want_twice(&watch->memory.asking);
    if (is_urgent(watch))
        watch_hurry(watch);
}

/* Also of a watch that was to look once, and has. */
void watch_withhold(struct watch *watch, bool is_withheld) {
    bool was_urgent = is_urgent(watch);
    asking_withhold(&watch->memory.asking, is_withheld);
    if (!was_urgent && is_urgent(watch) && !watch->check.is_running)
        timer_arm(&watch->loop->timers, &watch->next, 0);
}

void watch_resume(struct watch *watch) {
    if (watch->waiting_ms >= 0)
        watch_hurry(watch);
}

bool watch_is_asking(const struct watch *watch) {
    return is_urgent(watch) || (watch->check.is_running && watch->check.question != QUESTION_NONE);
}

/* How long the pause of the old one goes on. A look of its that is under way is broken off now, and counts as
 * the others did. */
static int64_t remaining_ms(struct watch *watch, const struct watch *old) {
    if (watch->memory.retry < RETRY_SLOWER)
        return 0;
    if (timer_is_armed(&old->next)) {
        int64_t left_ms = old->next.due_ms - clock_now_ms(watch->loop->timers.clock);
        return left_ms > 0 ? left_ms : 0;
    }
    if (!old->check.is_running)
        return 0;
    watch->memory.broken_logins++;
    return schedule_delay_ms(watch->check.config, &watch->memory, 0, random_number());
}

void watch_succeed(struct watch *watch, const struct watch *old) {
    watch->memory = old->memory;
    watch->history = old->history;
    watch->counters = old->counters;
    watch->is_once = old->is_once;
    watch->is_expected = old->is_expected;
    watch->pause_ms = old->pause_ms;
    watch->seen_status = old->seen_status;
    watch->has_seen_migrations = old->has_seen_migrations;
    watch->seen_migrations = old->seen_migrations;
    timer_arm(&watch->loop->timers, &watch->next, remaining_ms(watch, old));
}

/* -- what is known -- */

const struct check_traits *watch_traits(const struct watch *watch) {
    return &watch->check.kind->traits;
}

struct check_view watch_view(struct watch *watch) {
    history_advance(&watch->history, clock_now_ms(watch->loop->timers.clock));
    const struct check_memory *memory = &watch->memory;
    const struct check_config *config = watch->check.config;
    return (struct check_view){
        .name = config->name,
        .kind = check_kind_id_name(watch->check.config->kind),
        .role = check_config_role(config),
        .set_by = check_config_set_by(config),
        .is_database = watch_traits(watch)->is_database,
        .is_critical = config->is_critical,
        .is_app = watch_traits(watch)->is_app,
        .status = memory->status,
        .reason = memory->reason,
        .is_prediction = memory->is_prediction,
        .phase = memory->phase,
        .has_run = memory->has_run,
        .has_started = memory->has_run && (!watch_traits(watch)->is_app || memory->life.has_answered),
        .latency_ms = memory->latency_ms,
        .checked_at_ms = memory->checked_wall_ms,
        .since_ms = memory->since_wall_ms,
        .last_ok_at_ms = memory->last_ok_wall_ms,
        .consecutive_failures = memory->consecutive_failures,
        .observed = memory->observed,
        .history = &watch->history,
        .counters = &watch->counters,
        .limits = check_config_limits(config),
        .where = watch->where,
        .driver_code = watch->code,
        .detail = watch->detail,
    };
}
