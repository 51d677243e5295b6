/* The PostgreSQL kind: a run asks on the connection that was kept, or else logs in freshly in a child. */
#include "base/log.h"
#include "kinds/kinds.h"
#include "kinds/postgres/kept.h"
#include "kinds/postgres/library.h"
#include "kinds/postgres/postgres.h"

#include <stdlib.h>
#include <unistd.h>

/* How long a kept connection may give no sign of life before a fresh login is tried with what remains of the
 * run: a router may have forgotten it, or another server have taken over. */
enum { SILENCE_MAX_MS = 1000, SILENCE_SHARE = 3 };

struct state {
    struct postgres_kept *kept; /* NULL: none */
    int64_t expires_ms;
    int64_t server_version; /* as the login has learnt it */
};

static void let_go(struct check *check) {
    struct state *state = check->state;
    postgres_kept_free(state->kept);
    state->kept = NULL;
}

/* Whether it will be too old when it is wanted next. Then it is closed at once, so that its place at the
 * server is free when the fresh login asks for one. */
static bool is_worth_keeping(const struct check *check, int64_t expires_ms) {
    int64_t now_ms = clock_now_ms(check->env->timers->clock);
    return !check->env->lets_go && now_ms + check->config->interval_ms < expires_ms;
}

/* A login is old when `reconnect` has passed since its run began, by chance up to a half sooner: what began
 * together, in this program or in thousands of pods, does not log in together again. With a half, the logins
 * that follow are at no moment more than twice as many as they are in the mean; with a quarter, 3.5 times. */
static void take(struct check *check, const struct outcome *outcome, int fd) {
    struct state *state = check->state;
    int64_t life_ms = check->config->database.reconnect_ms;
    int64_t jitter_ms = (int64_t)(random() % 1024) * (life_ms / 2) / 1024; /* spreads load; guards nothing */
    let_go(check);
    if (!observed_get(&outcome->observed, OBSERVED_SERVER_VERSION, &state->server_version))
        state->server_version = 0;
    state->expires_ms = check->started_ms + life_ms - jitter_ms;
    state->kept = postgres_kept_new(check->env, fd);
    if (reason_info(outcome->reason)->verdict == STATUS_ERROR || !is_worth_keeping(check, state->expires_ms))
        let_go(check);
}

static void log_in(struct check *check) {
    check_set_phase(check, PHASE_NONE);
    check_run_in_child(check);
}

static void log_loss(const struct check *check, const char *cause) {
    struct log_line line;
    log_begin(&line, LOG_DEBUG, "kept connection given up");
    log_str(&line, "check", check->config->name);
    log_str(&line, "cause", cause);
    log_end(&line);
}

/* What a kept connection says counts where it is good. All else is found, and named, by a fresh login within
 * the same run: there is one place where errors are told apart. */
static void on_answered(
    void *arg, enum reason reason, const char *detail, const struct observed *observed, const char *cause) {
    struct check *check = arg;
    const struct state *state = check->state;
    if (!cause && reason_info(reason)->verdict == STATUS_ERROR)
        cause = detail;
    if (cause) {
        log_loss(check, cause);
        let_go(check);
        log_in(check);
        return;
    }
    struct outcome outcome = {.reason = reason, .observed = *observed};
    outcome_set_detail(&outcome, check->config, detail);
    if (state->server_version > 0)
        observed_set(&outcome.observed, OBSERVED_SERVER_VERSION, state->server_version);
    if (!is_worth_keeping(check, state->expires_ms))
        let_go(check);
    check_finish(check, check->run_id, &outcome);
}

static void start(struct check *check) {
    const struct state *state = check->state;
    int64_t now_ms = clock_now_ms(check->env->timers->clock);
    if (state->kept && (check->wants_fresh || check->env->lets_go || now_ms >= state->expires_ms))
        let_go(check);
    if (!state->kept) {
        log_in(check);
        return;
    }
    int64_t share_ms = check->config->timeout_ms / SILENCE_SHARE;
    const struct postgres_kept_question question = {
        .role = check->config->database.role,
        .remaining_ms = check->config->timeout_ms - (now_ms - check->started_ms),
        .silence_ms = share_ms < SILENCE_MAX_MS ? share_ms : SILENCE_MAX_MS,
        .answered = on_answered,
        .arg = check,
    };
    check_set_phase(check, PHASE_QUERY);
    postgres_kept_ask(state->kept, &question);
}

static int init(struct check *check, struct error *err) {
    return postgres_check_config(check->config, err);
}

const struct check_kind POSTGRES_KIND = {
    .traits = {.is_database = true, .measures_latency = true},
    .library = &postgres_library,
    .state_size = sizeof(struct state),
    .init = init,
    .start = start,
    .work = postgres_examine,
    .cancel = check_cancel_child,
    .take = take,
    .let_go = let_go,
};
