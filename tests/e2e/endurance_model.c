/* The model of the endurance test: from the faults in force, what the pages must say, and by when. It knows
 * the documented bounds and nothing of how the program keeps them. */
#include "e2e/endurance_model.h"

#include "harness/wait.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For the way from the check to the page, and from the page to us; on a machine that does other things. */
int64_t model_allowance_ms(const struct model *model) {
    bool is_limited = model->scene->is_limited || wait_now_ms() < model->limited_until_ms;
    return (world_is_sanitized() ? 2500 : 700) + (is_limited ? LIMITED_MS : 0);
}

void model_init(struct model *model, const struct scene *scene) {
    *model = (struct model){.scene = scene,
        .started_ms = wait_now_ms(),
        .counts = calloc(FAULT_COUNT, sizeof *model->counts),
        .is_tracing = getenv("BH_ENDURANCE_TRACE") != NULL};
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

void model_trace(const struct model *model, enum target_id target, const char *what) {
    const struct standing *standing = &model->standings[target];
    const struct fault *fault = standing->fault ? standing->fault : standing->last;
    if (model->is_tracing)
        fprintf(stderr, "endurance: after %.1f s: %s: %s, due in %" PRId64 " ms\n",
            (double)(wait_now_ms() - model->started_ms) / 1000, fault ? fault->name : "", what,
            standing->due_ms - wait_now_ms());
}

/* -- bounds -- */

int64_t model_show_bound_ms(const struct fault *fault) {
    if (fault->target == TARGET_MAINTENANCE)
        return MAINTENANCE_MS + fault->more_ms;
    if (fault->target == TARGET_CONFIG)
        return RELOAD_MS;
    if (fault->target == TARGET_SIDECAR)
        return LEASE_MS + fault->more_ms;
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
    case RECOVERS_LOGIN:
    case RECOVERS_WAITING:
    case RECOVERS_FAST: break;
    }
    /* What passes is told by the interval where no run noticed it, and by the retry interval where one did.
     */
    return RECOVERS_MS;
}

bool model_judges_by_check(const struct model *model, enum target_id target) {
    return target_check(target) != NULL && !target_is_absent(model->scene, target);
}

/* -- changes -- */

struct fault_count *model_count(const struct model *model, const struct fault *fault) {
    return &model->counts[fault - FAULTS];
}

static void unsettle(
    const struct model *model, struct standing *standing, int64_t bound_ms, bool settles_late) {
    standing->changed_ms = wait_now_ms();
    standing->bound_ms = bound_ms;
    standing->due_ms = standing->changed_ms + bound_ms + model_allowance_ms(model);
    standing->is_settled = false;
    standing->proves_ms = settles_late ? standing->due_ms : 0;
}

/* Whatever a check was doing is lost, or late: it begins anew. */
void model_begin_anew(const struct model *model, struct standing *standing) {
    int64_t bound_ms = SHOWS_MS + (standing->fault ? standing->fault->more_ms : 0) + RETRY_MS;
    if (standing->fault && standing->fault->recovery == RECOVERS_REFUSED)
        bound_ms += RECOVERS_MS;
    /* What was to recover slowly still does. */
    int64_t left_ms = standing->is_settled ? 0 : standing->due_ms - wait_now_ms();
    unsettle(model, standing, bound_ms > left_ms ? bound_ms : left_ms, true);
}

static void begin_all_anew(struct model *model) {
    int64_t live_due_ms = wait_now_ms() + LIVE_SHOWS_MS + TIMEOUT_MS + model_allowance_ms(model);
    for (int target = 0; target < TARGET_CHILD; target++)
        model_begin_anew(model, &model->standings[target]);
    model->standings[TARGET_APP].is_live_settled = false;
    model->standings[TARGET_APP].live_due_ms = live_due_ms;
}

void model_begin_liveness(const struct model *model, struct standing *app, int64_t bound_ms) {
    app->is_live_settled = false;
    app->live_due_ms = wait_now_ms() + bound_ms + model_allowance_ms(model);
}

void model_put_off(struct model *model, enum target_id target) {
    struct standing *standing = &model->standings[target];
    int64_t more_ms = standing->fault ? standing->fault->more_ms : 0;
    int64_t due_ms = wait_now_ms() + SHOWS_MS + more_ms + model_allowance_ms(model);
    standing->is_settled = false;
    if (standing->due_ms < due_ms)
        standing->due_ms = due_ms;
}

static void put_off_all(struct model *model, int64_t late_ms) {
    for (int target = 0; target < TARGET_COUNT; target++) {
        model->standings[target].due_ms += late_ms;
        model->standings[target].proves_ms += late_ms;
    }
    model->standings[TARGET_APP].live_due_ms += late_ms;
}

/* A login that was broken off, or waits no longer, is made again after the first of the long pauses. */
void model_note_broken_login(struct standing *standing) {
    if (standing->has_broken_login)
        return;
    standing->has_broken_login = true;
    standing->due_ms += BROKEN_MS;
}

static void begin_sidecar_fault(struct model *model) {
    if (model->scene->is_checker_stopped)
        model->stopped_ms = wait_now_ms();
    if (model->scene->is_limited)
        put_off_all(model, LIMITED_MS);
}

/* The child of whichever check it is. */
static void begin_child_fault(struct model *model) {
    struct standing *mariadb = &model->standings[TARGET_MARIADB];
    model->crashes_allowed = 1;
    model->crashes_until_ms = wait_now_ms() + CRASHED_MS + model_allowance_ms(model);
    model_begin_anew(
        model, &model->standings[TARGET_MAINTENANCE]); /* it may have been the one that looked for it */
    const struct fault *fault = mariadb->fault || mariadb->is_settled ? mariadb->fault : mariadb->last;
    if (fault && fault->recovery == RECOVERS_WAITING)
        model_note_broken_login(mariadb);
}

bool fault_must_show(const struct fault *fault) {
    return fault->effect != EFFECT_NONE && fault->effect != EFFECT_PASSES;
}

void model_begin(struct model *model, const struct fault *fault, bool will_show) {
    struct standing *standing = &model->standings[fault->target];
    bool shows = will_show && fault_must_show(fault);
    int64_t bound_ms = model_show_bound_ms(fault);
    standing->fault = fault;
    standing->began_ms = wait_now_ms();
    standing->has_shown = false;
    model_count(model, fault)->begun++;
    if (fault->target == TARGET_SIDECAR)
        begin_sidecar_fault(model);
    else if (fault->effect != EFFECT_NONE)
        unsettle(model, standing, shows ? bound_ms : INT64_MAX / 4, !shows);
    if (fault->target == TARGET_APP)
        model_begin_liveness(model, standing, LIVE_SHOWS_MS + (shows ? 0 : INT64_MAX / 4));
    if (fault->target == TARGET_CHILD)
        begin_child_fault(model);
    model_trace(model, fault->target, shows ? "begins, to be shown" : "begins");
}

static void end_sidecar_fault(struct model *model, const struct fault *fault) {
    if (fault->effect == EFFECT_NONE) {
        model->limited_until_ms = wait_now_ms() + SHOWS_MS;
        return;
    }
    model->resumed_ms = wait_now_ms();
    begin_all_anew(model);
}

void model_end(struct model *model, enum target_id target) {
    struct standing *standing = &model->standings[target];
    const struct fault *fault = standing->fault;
    int64_t bound_ms = recovery_bound_ms(fault, wait_now_ms() - standing->began_ms);
    standing->fault = NULL;
    standing->last = fault;
    if (target == TARGET_SIDECAR)
        end_sidecar_fault(model, fault);
    if (!model_judges_by_check(model, target) && target != TARGET_MAINTENANCE && target != TARGET_CONFIG)
        return;
    if (model_count(model, fault)->recovery_bound_ms < bound_ms)
        model_count(model, fault)->recovery_bound_ms = bound_ms;
    if (standing->has_broken_login)
        bound_ms += BROKEN_MS;
    if (target == TARGET_APP && model->standings[TARGET_FILE].fault)
        bound_ms += RETRY_MS; /* the question waits for a look at the file */
    /* Where nothing had shown yet, it may still: a run that has begun meanwhile may end so. */
    bool had_shown = standing->is_settled || fault->effect == EFFECT_NONE;
    if (fault->effect != EFFECT_NONE)
        unsettle(model, standing, had_shown ? bound_ms : bound_ms + TIMEOUT_MS + fault->more_ms, !had_shown);
    model_trace(model, target, "ends");
    if (target != TARGET_APP)
        return;
    model_begin_liveness(model, standing, bound_ms);
    model->working_unknown_ms = wait_now_ms() + ASK_MS + TIMEOUT_MS + model_allowance_ms(model);
}

void model_starve(struct model *model, int64_t late_ms, int64_t passed_ms) {
    if (late_ms < STARVED_MS)
        return;
    /* Who is still late in the next turn has lost no more than that turn's time. */
    int64_t lost_ms = model->was_starved_at == model->observations ? passed_ms : late_ms;
    model->was_starved_at = model->observations + 1;
    model->starvations++;
    model->starved_until_ms = wait_now_ms() + SHOWS_MS + late_ms;
    put_off_all(model, lost_ms);
}
