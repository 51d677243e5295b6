/* The judge of the endurance test: whether a page says what the model knows to be true. */
#include "e2e/endurance_model.h"

#include "harness/wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

/* What a check may say, as bits. */
enum { MAY_BE_OK = 1, MAY_BE_DEGRADED = 2, MAY_BE_ERROR = 4, MAY_BE_ANY = 7 };

/* What settings predict counts for less while Bugsink is seen to work with its database. That is known where
 * its own check has stood for a while, and where it was asked. */
static int predicted(const struct model *model, int64_t now_ms) {
    const struct standing *app = &model->standings[TARGET_APP];
    if (!app->is_settled || now_ms < model->working_unknown_ms || now_ms < model->starved_until_ms)
        return MAY_BE_DEGRADED | MAY_BE_ERROR;
    if (app->fault && !fault_must_show(app->fault))
        return MAY_BE_DEGRADED | MAY_BE_ERROR;
    return app->fault ? MAY_BE_ERROR : MAY_BE_DEGRADED;
}

static int expected_of(const struct model *model, enum target_id target, int64_t now_ms) {
    const struct fault *fault = model->standings[target].fault;
    switch (fault ? fault->effect : EFFECT_NONE) {
    case EFFECT_NONE: return MAY_BE_OK;
    case EFFECT_PASSES: return MAY_BE_ANY;
    case EFFECT_ERROR: return MAY_BE_ERROR;
    case EFFECT_DEGRADED: return MAY_BE_DEGRADED;
    case EFFECT_PREDICTS: break;
    }
    return predicted(model, now_ms);
}

/* What a page says of one target. */
struct verdict {
    const char *status, *code, *phase;
};

/* Of a login that hung while the sidecar itself was held up nothing is known, until the pause after it is
 * over: the server counts those that break off. */
static bool is_unknown_login(
    const struct model *model, enum target_id target, const struct verdict *verdict) {
    const struct standing *standing = &model->standings[target];
    return standing->fault && standing->fault->recovery == RECOVERS_WAITING && standing->has_broken_login &&
           strcmp(verdict->code, "internal") == 0 && model->held_up_ms >= standing->began_ms;
}

static bool is_as_expected(
    const struct model *model, enum target_id target, const struct verdict *verdict, int64_t now_ms) {
    const struct fault *fault = model->standings[target].fault;
    int expected = expected_of(model, target, now_ms);
    if (expected == MAY_BE_ANY)
        return true;
    if (expected == MAY_BE_OK)
        return is_well(verdict->status, verdict->code);
    int status = strcmp(verdict->status, "error") == 0      ? MAY_BE_ERROR
                 : strcmp(verdict->status, "degraded") == 0 ? MAY_BE_DEGRADED
                                                            : MAY_BE_OK;
    return (expected & status) &&
           (is_listed(fault->codes, verdict->code) || is_unknown_login(model, target, verdict));
}

/* -- logins to a server that counts those which break off -- */

/* One that hangs goes on where the server does, unless that was ended. */
static void watch_logins(struct model *model, const struct verdict *verdict) {
    struct standing *standing = &model->standings[TARGET_MARIADB];
    const struct fault *fault = standing->fault ? standing->fault : standing->last;
    bool is_login = strcmp(verdict->phase, "auth") == 0 || strcmp(verdict->phase, "tls") == 0;
    bool is_waiting = strcmp(verdict->code, "timeout") == 0 && fault && fault->recovery == RECOVERS_WAITING;
    if (is_login && !is_waiting && is_listed(" timeout reset protocol crashed internal ", verdict->code))
        model_note_broken_login(standing);
}

/* -- questions -- */

/* None is asked while a file is missing that it would have Bugsink make; as the page says, which is judged by
 * itself. */
static void watch_file(struct model *model, const struct verdict *verdict, int64_t now_ms) {
    if (strcmp(verdict->code, "file_missing") != 0)
        return;
    model->withheld_until_ms = now_ms + FOLLOWS_MS + model_allowance_ms(model);
    int64_t asked_ms = now_ms + ASK_MS + RETRY_MS + TIMEOUT_MS + model_allowance_ms(model);
    if (model->working_unknown_ms < asked_ms)
        model->working_unknown_ms = asked_ms;
}

/* What Bugsink says without a question can be told all the same. */
static bool hangs_on_questions(const struct model *model, int64_t now_ms) {
    const struct standing *app = &model->standings[TARGET_APP];
    if (now_ms >= model->withheld_until_ms)
        return false;
    return app->fault ? is_listed(app->fault->codes, "app_database") : !app->is_settled;
}

/* -- one target -- */

/* The verdict of a target that is not right, or not right yet. */
static void note_wrong(
    struct model *model, enum target_id target, const struct verdict *verdict, int64_t now_ms) {
    struct standing *standing = &model->standings[target];
    const char *name = target_check(target) ? target_check(target) : target == TARGET_CONFIG ? "reload" : "";
    bool is_crash = strcmp(verdict->code, "crashed") == 0;
    if (model->crashes_allowed > 0 && now_ms <= model->crashes_until_ms && is_crash) {
        model->crashes_allowed--;
        model_begin_anew(model, standing);
    } else if (standing->is_settled && now_ms < model->starved_until_ms) {
        model_begin_anew(model, standing);
    } else if (standing->is_settled || now_ms >= standing->due_ms) {
        const struct fault *fault = standing->fault ? standing->fault : standing->last;
        model_violation(model,
            "%s%s: %s %s, %" PRId64 " ms after the %s of \"%s\" (bound %" PRId64 " ms)%s%s", name,
            standing->is_settled ? " was right and no longer is" : " is not right in time", verdict->status,
            verdict->code, now_ms - standing->changed_ms, standing->fault ? "begin" : "end",
            fault ? fault->name : "nothing", standing->bound_ms,
            now_ms < model->starved_until_ms ? " (starved)" : "",
            model->scene->is_limited ? " (limited)" : "");
        model_begin_anew(model, standing);
    }
}

static void note_right(struct model *model, enum target_id target, int64_t now_ms) {
    struct standing *standing = &model->standings[target];
    if (standing->is_settled || now_ms < standing->proves_ms)
        return;
    standing->is_settled = true;
    model_trace(model, target, standing->fault ? "shows" : "is over");
    standing->has_broken_login = standing->has_broken_login && standing->fault;
    if (target == TARGET_APP && now_ms + FOLLOWS_MS > model->working_unknown_ms)
        model->working_unknown_ms = now_ms + FOLLOWS_MS + model_allowance_ms(model);
    const struct fault *fault = standing->fault ? standing->fault : standing->last;
    if (!fault || (standing->fault && fault->effect == EFFECT_PASSES))
        return;
    struct fault_count *count = model_count(model, fault);
    int64_t took_ms = now_ms - standing->changed_ms;
    int64_t *slowest_ms = standing->fault ? &count->slowest_show_ms : &count->slowest_recovery_ms;
    count->shown += standing->fault && !standing->has_shown;
    standing->has_shown = standing->fault != NULL;
    if (standing->proves_ms <= standing->changed_ms && took_ms > *slowest_ms)
        *slowest_ms = took_ms;
}

static void judge_target(
    struct model *model, enum target_id target, const struct verdict *verdict, int64_t now_ms) {
    if (target == TARGET_MARIADB)
        watch_logins(model, verdict);
    if (target == TARGET_FILE)
        watch_file(model, verdict, now_ms);
    if (is_as_expected(model, target, verdict, now_ms))
        note_right(model, target, now_ms);
    else if (target == TARGET_APP && hangs_on_questions(model, now_ms))
        model_put_off(model, target);
    else
        note_wrong(model, target, verdict, now_ms);
}

static void judge_check(struct model *model, enum target_id target, const struct sight *sight) {
    const json_t *check = json_object_get(json_object_get(sight->page, "checks"), target_check(target));
    const struct verdict verdict = {member(check, "status"), member(check, "code"), member(check, "phase")};
    if (check)
        judge_target(model, target, &verdict, sight->at_ms);
    else
        model_violation(model, "the check %s is not on the page", target_check(target));
}

/* By its checks, what the page says of the reload, and its code while in maintenance. */
static void judge_targets(struct model *model, const struct sight *sight) {
    for (int target = 0; target < TARGET_COUNT; target++)
        if (model_judges_by_check(model, (enum target_id)target))
            judge_check(model, (enum target_id)target, sight);
    const char *code = member(sight->page, "code");
    bool is_on = strcmp(code, "maintenance") == 0;
    const struct verdict maintenance = {is_on ? "error" : "ok", code, ""};
    judge_target(model, TARGET_MAINTENANCE, &maintenance, sight->at_ms);
    bool is_loaded = strcmp(member(json_object_get(sight->page, "sidecar"), "config"), "ok") == 0;
    const struct verdict reload = {is_loaded ? "ok" : "error", is_loaded ? "ok" : "not_loaded", ""};
    judge_target(model, TARGET_CONFIG, &reload, sight->at_ms);
}

/* 200 or 503; 0: either may be right. A verdict follows from what is settled: one error is enough. */
static int expected_ready(const struct model *model, int64_t now_ms) {
    bool is_known = true, has_error = false;
    if (model->scene->is_checker_stopped)
        return now_ms - model->stopped_ms > LEASE_MS + model_allowance_ms(model) ? 503 : 0;
    for (int target = 0; target < TARGET_CONFIG; target++) {
        int expected = expected_of(model, (enum target_id)target, now_ms);
        bool is_settled = model->standings[target].is_settled;
        is_known = is_known && is_settled && (expected == MAY_BE_ERROR || !(expected & MAY_BE_ERROR));
        has_error = has_error || (is_settled && expected == MAY_BE_ERROR);
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
    bool is_dead =
        app->fault && (is_listed(app->fault->codes, "refused") || is_listed(app->fault->codes, "protocol"));
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
        model_begin_liveness(model, app, LIVE_SHOWS_MS);
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
    return model->scene->is_checker_stopped || now_ms < model->resumed_ms + model_allowance_ms(model) ||
           now_ms < model->starved_until_ms;
}

void model_observe(struct model *model) {
    struct sight sight = {.at_ms = wait_now_ms()};
    int status;
    const struct scene *scene = model->scene;
    if (scene->is_checker_stopped || scene->is_limited || sight.at_ms < model->starved_until_ms)
        model->held_up_ms = sight.at_ms;
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
