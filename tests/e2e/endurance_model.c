/* The model of the endurance test: from the faults in force, what the pages must say, and by when. It knows
 * the documented bounds and nothing of how the program keeps them. */
#include "e2e/endurance.h"

#include "harness/wait.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* A run that began just before the fault may find nothing; the next begins an interval later, and may
       take its timeout to fail. Jitter is only ever taken off. */
    SHOWS_MS = INTERVAL_MS + TIMEOUT_MS,
    RECOVERS_MS = 2000,          /* docs/checks.md says so, at a retry interval of 1 s */
    MAINTENANCE_MS = 1000 + 900, /* from look to look, and for a look: src/checker/maintenance.c */
    RELOAD_MS = 2 * 2000,        /* for one that runs, and the one that comes after it: checker/reload.h */
    LEASE_MS = 5000,             /* checker/checker.h */
    LIVE_SHOWS_MS = INTERVAL_MS + (FALL - 1) * RETRY_MS,
    REFUSED_MAX_MS = 30000,
    CRASHED_MS = TIMEOUT_MS, /* until a killed child shows, at most */
    STARVED_MS = 250,        /* so late we or a gauge must be run for the machine to be to blame */
    PAGE_SIZE_MAX = 512,
};

/* For the way from the check to the page, and from the page to us; on a machine that does other things. */
static int64_t allowance_ms(void) {
    return world_is_sanitized() ? 2500 : 700;
}

void model_init(struct model *model, const struct scene *scene) {
    *model = (struct model){
        .scene = scene, .started_ms = wait_now_ms(), .counts = calloc(FAULT_COUNT, sizeof *model->counts)};
    for (int target = 0; target < TARGET_COUNT; target++)
        model->standings[target] = (struct standing){.is_settled = true, .is_live_settled = true};
}

void model_release(struct model *model) {
    free(model->counts);
    strbuf_release(&model->violations);
}

void model_violation(struct model *model, const char *format, ...) {
    char text[PAGE_SIZE_MAX];
    va_list args;
    if (++model->violation_count > MODEL_VIOLATIONS_MAX)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    double at_s = (double)(wait_now_ms() - model->started_ms) / 1000;
    strbuf_format(&model->violations, "- after %.1f s: %s\n", at_s, text);
    fprintf(stderr, "endurance: after %.1f s: %s\n", at_s, text);
}

/* -- bounds -- */

int64_t model_show_bound_ms(const struct fault *fault) {
    if (fault->target == TARGET_MAINTENANCE)
        return MAINTENANCE_MS + fault->more_ms;
    if (fault->target == TARGET_CONFIG)
        return RELOAD_MS;
    if (fault->target == TARGET_CHECKER)
        return LEASE_MS;
    return SHOWS_MS + fault->more_ms;
}

/* lasted_ms: how long the fault was in force. */
static int64_t recovery_bound_ms(const struct fault *fault, int64_t lasted_ms) {
    if (fault->target == TARGET_MAINTENANCE)
        return MAINTENANCE_MS;
    if (fault->target == TARGET_CONFIG)
        return RELOAD_MS;
    switch (fault->recovery) {
    case RECOVERS_INTERVAL: return SHOWS_MS;
    case RECOVERS_REFUSED: {
        /* The pauses are 1, 2, 4, ... s: one that has begun is no longer than all before it and one more. */
        int64_t pause_ms = lasted_ms + RETRY_MS;
        return (pause_ms < REFUSED_MAX_MS ? pause_ms : REFUSED_MAX_MS) + RECOVERS_MS - RETRY_MS;
    }
    case RECOVERS_FAST: break;
    }
    /* What passes is told by the interval where no run noticed it, and by the retry interval where one did.
     */
    return RECOVERS_MS;
}

static bool is_judged_by_check(enum target_id target) {
    return target_check(target) != NULL;
}

/* -- changes -- */

static struct fault_count *count_of(const struct model *model, const struct fault *fault) {
    return &model->counts[fault - FAULTS];
}

static void unsettle(struct standing *standing, int64_t bound_ms, bool settles_late) {
    standing->changed_ms = wait_now_ms();
    standing->bound_ms = bound_ms;
    standing->due_ms = standing->changed_ms + bound_ms + allowance_ms();
    standing->is_settled = false;
    standing->settles_late = settles_late;
}

/* Whatever a check was doing is lost, or late: it begins anew. */
static void begin_anew(struct standing *standing) {
    int64_t bound_ms = SHOWS_MS + (standing->fault ? standing->fault->more_ms : 0) + RETRY_MS;
    if (standing->fault && standing->fault->recovery == RECOVERS_REFUSED)
        bound_ms += RECOVERS_MS;
    /* What was to recover slowly still does. */
    int64_t left_ms = standing->is_settled ? 0 : standing->due_ms - wait_now_ms();
    unsettle(standing, bound_ms > left_ms ? bound_ms : left_ms, true);
}

static void begin_all_anew(struct model *model) {
    int64_t live_due_ms = wait_now_ms() + LIVE_SHOWS_MS + TIMEOUT_MS + allowance_ms();
    for (int target = 0; target < TARGET_CHILD; target++)
        begin_anew(&model->standings[target]);
    model->standings[TARGET_APP].is_live_settled = false;
    model->standings[TARGET_APP].live_due_ms = live_due_ms;
}

static void begin_liveness(struct standing *app, int64_t bound_ms) {
    app->is_live_settled = false;
    app->live_due_ms = wait_now_ms() + bound_ms + allowance_ms();
}

void model_begin(struct model *model, const struct fault *fault, bool will_show) {
    struct standing *standing = &model->standings[fault->target];
    bool must_show = will_show && (fault->effect == EFFECT_ERROR || fault->effect == EFFECT_DEGRADED);
    int64_t bound_ms = model_show_bound_ms(fault);
    standing->fault = fault;
    standing->began_ms = wait_now_ms();
    standing->has_shown = false;
    count_of(model, fault)->begun++;
    if (fault->effect != EFFECT_NONE)
        unsettle(standing, must_show ? bound_ms : INT64_MAX / 4, !must_show);
    if (fault->target == TARGET_APP)
        begin_liveness(standing, LIVE_SHOWS_MS + (must_show ? 0 : INT64_MAX / 4));
    if (fault->target == TARGET_CHECKER)
        model->stopped_ms = wait_now_ms();
    if (fault->target == TARGET_CHILD) {
        model->crashes_allowed = 1;
        model->crashes_until_ms = wait_now_ms() + CRASHED_MS + allowance_ms();
        begin_anew(&model->standings[TARGET_MAINTENANCE]); /* it may have been the one that looked for this */
    }
}

void model_end(struct model *model, enum target_id target) {
    struct standing *standing = &model->standings[target];
    const struct fault *fault = standing->fault;
    int64_t bound_ms = recovery_bound_ms(fault, wait_now_ms() - standing->began_ms);
    standing->fault = NULL;
    standing->last = fault;
    if (target == TARGET_CHECKER) {
        model->resumed_ms = wait_now_ms();
        begin_all_anew(model);
    }
    if (!is_judged_by_check(target) && target != TARGET_MAINTENANCE && target != TARGET_CONFIG)
        return;
    if (count_of(model, fault)->recovery_bound_ms < bound_ms)
        count_of(model, fault)->recovery_bound_ms = bound_ms;
    /* Where nothing had shown yet, it may still: a run that has begun meanwhile may end so. */
    bool had_shown = standing->is_settled || fault->effect == EFFECT_NONE;
    if (fault->effect != EFFECT_NONE)
        unsettle(standing, had_shown ? bound_ms : bound_ms + TIMEOUT_MS + fault->more_ms, !had_shown);
    if (target == TARGET_APP)
        begin_liveness(standing, bound_ms);
}

void model_starve(struct model *model, int64_t late_ms, int64_t passed_ms) {
    if (late_ms < STARVED_MS)
        return;
    /* Who is still late in the next turn has lost no more than that turn's time. */
    int64_t lost_ms = model->was_starved_at == model->observations ? passed_ms : late_ms;
    model->was_starved_at = model->observations + 1;
    model->starvations++;
    model->starved_until_ms = wait_now_ms() + SHOWS_MS + late_ms;
    for (int target = 0; target < TARGET_COUNT; target++)
        model->standings[target].due_ms += lost_ms;
    model->standings[TARGET_APP].live_due_ms += lost_ms;
}

/* -- judging -- */

/* What one look at the pages has seen. */
struct sight {
    json_t *page;
    int64_t at_ms; /* when it was asked for */
    int ready, live;
};

static const char *member(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static bool is_listed(const char *codes, const char *code) {
    char padded[64];
    snprintf(padded, sizeof padded, " %s ", code);
    return strstr(codes, padded) != NULL;
}

/* Where nothing is wrong. `slow` is the machine's affair: nothing of ours has made it so. */
static bool is_well(const char *status, const char *code) {
    return strcmp(status, "ok") == 0 || strcmp(code, "slow") == 0;
}

static bool is_as_expected(const struct fault *fault, const char *status, const char *code) {
    if (!fault || fault->effect == EFFECT_NONE)
        return is_well(status, code);
    if (fault->effect == EFFECT_PASSES)
        return true;
    return strcmp(status, fault->effect == EFFECT_ERROR ? "error" : "degraded") == 0 &&
           is_listed(fault->codes, code);
}

/* The verdict of a target that is not right, or not right yet. */
static void note_wrong(
    struct model *model, enum target_id target, const char *status, const char *code, int64_t now_ms) {
    struct standing *standing = &model->standings[target];
    const char *name = target_check(target) ? target_check(target) : target == TARGET_CONFIG ? "reload" : "";
    if (model->crashes_allowed > 0 && now_ms <= model->crashes_until_ms && strcmp(code, "crashed") == 0) {
        model->crashes_allowed--;
        begin_anew(standing);
    } else if (standing->is_settled && now_ms < model->starved_until_ms) {
        begin_anew(standing);
    } else if (standing->is_settled || now_ms >= standing->due_ms) {
        const struct fault *fault = standing->fault ? standing->fault : standing->last;
        model_violation(model, "%s%s: %s %s, %" PRId64 " ms after the %s of \"%s\" (bound %" PRId64 " ms)%s",
            name, standing->is_settled ? " was right and no longer is" : " is not right in time", status,
            code, now_ms - standing->changed_ms, standing->fault ? "begin" : "end",
            fault ? fault->name : "nothing", standing->bound_ms,
            now_ms < model->starved_until_ms ? " (starved)" : "");
        begin_anew(standing);
    }
}

static void note_right(struct model *model, struct standing *standing, int64_t now_ms) {
    if (standing->is_settled || (standing->settles_late && now_ms < standing->due_ms))
        return;
    standing->is_settled = true;
    const struct fault *fault = standing->fault ? standing->fault : standing->last;
    if (!fault || (standing->fault && fault->effect == EFFECT_PASSES))
        return;
    struct fault_count *count = count_of(model, fault);
    int64_t took_ms = now_ms - standing->changed_ms;
    int64_t *slowest_ms = standing->fault ? &count->slowest_show_ms : &count->slowest_recovery_ms;
    count->shown += standing->fault && !standing->has_shown;
    standing->has_shown = standing->fault != NULL;
    if (!standing->settles_late && took_ms > *slowest_ms)
        *slowest_ms = took_ms;
}

static void judge_target(
    struct model *model, enum target_id target, const char *status, const char *code, int64_t now_ms) {
    struct standing *standing = &model->standings[target];
    if (is_as_expected(standing->fault, status, code))
        note_right(model, standing, now_ms);
    else
        note_wrong(model, target, status, code, now_ms);
}

/* By its checks, what the page says of the reload, and its code while in maintenance. */
static void judge_targets(struct model *model, const struct sight *sight) {
    const json_t *checks = json_object_get(sight->page, "checks");
    for (int target = 0; target < TARGET_COUNT; target++) {
        const json_t *check = is_judged_by_check((enum target_id)target)
                                  ? json_object_get(checks, target_check((enum target_id)target))
                                  : NULL;
        if (check)
            judge_target(
                model, (enum target_id)target, member(check, "status"), member(check, "code"), sight->at_ms);
        else if (is_judged_by_check((enum target_id)target))
            model_violation(model, "the check %s is not on the page", target_check((enum target_id)target));
    }
    const char *code = member(sight->page, "code");
    bool is_on = strcmp(code, "maintenance") == 0;
    judge_target(model, TARGET_MAINTENANCE, is_on ? "error" : "ok", code, sight->at_ms);
    bool is_loaded = strcmp(member(json_object_get(sight->page, "sidecar"), "config"), "ok") == 0;
    judge_target(
        model, TARGET_CONFIG, is_loaded ? "ok" : "error", is_loaded ? "ok" : "not_loaded", sight->at_ms);
}

/* 200 or 503; 0: either may be right. A verdict follows from what is settled: one error is enough. */
static int expected_ready(const struct model *model, int64_t now_ms) {
    bool is_known = true, has_error = false;
    if (model->scene->is_checker_stopped)
        return now_ms - model->stopped_ms > LEASE_MS + allowance_ms() ? 503 : 0;
    for (int target = 0; target < TARGET_CONFIG; target++) {
        const struct standing *standing = &model->standings[target];
        is_known = is_known && standing->is_settled;
        has_error =
            has_error || (standing->is_settled && standing->fault && standing->fault->effect == EFFECT_ERROR);
    }
    return has_error ? 503 : is_known ? 200 : 0;
}

static void judge_ready(struct model *model, const struct sight *sight) {
    int expected = expected_ready(model, sight->at_ms);
    if (expected != 0 && sight->ready != expected)
        model_violation(model, "/health/ready/ answers %d and not %d%s", sight->ready, expected,
            model->scene->is_checker_stopped ? " (the checker is stopped)" : "");
}

/* Liveness fails for Bugsink alone, and only where it does not speak HTTP; never in maintenance. */
static void judge_live(struct model *model, const struct sight *sight) {
    struct standing *app = &model->standings[TARGET_APP];
    const struct standing *maintenance = &model->standings[TARGET_MAINTENANCE];
    if (maintenance->fault || !maintenance->is_settled) {
        if (maintenance->is_settled && sight->live != 200 && !model->scene->is_checker_stopped)
            model_violation(model, "/health/live/ answers %d in maintenance", sight->live);
        return;
    }
    bool is_dead = app->fault && !is_listed(app->fault->codes, "app_error");
    int expected = is_dead ? 503 : 200;
    if (sight->live == expected && (app->is_settled || model->scene->is_checker_stopped)) {
        app->is_live_settled = true;
    } else if (sight->live != expected && (app->is_live_settled || sight->at_ms >= app->live_due_ms) &&
               !model->scene->is_checker_stopped && sight->at_ms >= model->starved_until_ms) {
        const json_t *check = json_object_get(json_object_get(sight->page, "checks"), "app");
        model_violation(model,
            "/health/live/ answers %d and not %d: \"%s\", since %" PRId64
            " ms; it was%s right; the check says %s",
            sight->live, expected, app->fault ? app->fault->name : "no fault", sight->at_ms - app->changed_ms,
            app->is_live_settled ? "" : " not yet", member(check, "code"));
        begin_liveness(app, LIVE_SHOWS_MS);
    }
}

static bool look(struct model *model, const char *path, int *status) {
    struct world *world = model->scene->world;
    *status = world_get(world, path);
    for (size_t i = 0; SCENE_SECRETS[i]; i++)
        if (strstr(world->response.body, SCENE_SECRETS[i]))
            model_violation(model, "%s holds a secret", path);
    if (*status == 0)
        model_violation(model, "%s: no answer in %d ms", path, (int)world->response.took_ms);
    return *status != 0;
}

/* While the checker is stopped, and until it has had a turn afterwards. */
static bool may_be_stale(const struct model *model, int64_t now_ms) {
    return model->scene->is_checker_stopped || now_ms < model->resumed_ms + allowance_ms() ||
           now_ms < model->starved_until_ms;
}

void model_observe(struct model *model) {
    struct sight sight = {.at_ms = wait_now_ms()};
    int status;
    model->observations++;
    if (!look(model, "/health/", &status))
        return;
    sight.page = json_loads(model->scene->world->response.body, 0, NULL);
    bool is_stale = strcmp(member(sight.page, "code"), "stale") == 0;
    if (is_stale && !may_be_stale(model, sight.at_ms))
        model_violation(model, "the checker runs, and the page is stale");
    if (!is_stale && !model->scene->is_checker_stopped)
        judge_targets(model, &sight);
    if (look(model, "/health/ready/", &sight.ready))
        judge_ready(model, &sight);
    if (look(model, "/health/live/", &sight.live))
        judge_live(model, &sight);
    if (look(model, "/health/self/", &status) && status != 200)
        model_violation(model, "/health/self/ answers %d", status);
    json_decref(sight.page);
}
