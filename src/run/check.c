/* The life of a run: starts it, watches its one deadline, and lets it end exactly once. */
#include "run/check.h"

#include "base/sandbox.h"
#include "base/str.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- the end of a child -- */

/* What the end of a child that left no outcome means. */
static void set_end(struct outcome *outcome, const struct child_end *end) {
    if (end->signal != 0) {
        outcome->reason = REASON_CRASHED;
        child_signal_name(end->signal, outcome->code, sizeof outcome->code);
        snprintf(outcome->detail, sizeof outcome->detail, "the child was ended by %s", outcome->code);
        observed_set(&outcome->observed, OBSERVED_SIGNAL, end->signal);
    } else if (end->is_garbled) {
        outcome_set_garbled(outcome);
    } else if (end->status == SANDBOX_EXIT_VIOLATION) {
        outcome->reason = REASON_CRASHED;
        str_copy(outcome->code, sizeof outcome->code, "SIGSYS");
        str_copy(outcome->detail, sizeof outcome->detail,
            "the child was ended by its sandbox, whose own line says why");
        observed_set(&outcome->observed, OBSERVED_SIGNAL, SIGSYS);
    } else {
        outcome->reason = REASON_INTERNAL;
        snprintf(outcome->code, sizeof outcome->code, "exit %d", end->status);
        str_copy(outcome->detail, sizeof outcome->detail, "the child ended without a report");
    }
}

/* -- a check -- */

enum { LEAVING_POLL_MS = 5 };

static void let_go(struct check *check) {
    if (check->kind->let_go)
        check->kind->let_go(check);
}

/* Breaks off the run under way, with what it does on anything that is kept. */
static void break_off(struct check *check) {
    check->kind->cancel(check);
    let_go(check);
}

/* Only children of check_run_in_child know their check by the callbacks' argument. */
static bool runs_in_child(const struct check *check) {
    return check->kind->cancel == check_cancel_child;
}

static void finish_stuck(struct check *check) {
    struct outcome outcome = {.reason = REASON_STUCK};
    snprintf(
        outcome.detail, sizeof outcome.detail, "process %d of an earlier run", (int)child_pid(check->child));
    check_finish(check, check->run_id, &outcome);
}

/* Starts the kind's work, once no child of an earlier run is there: nor one of a check of this name that was
 * taken out of the configuration, or changed, while its child was caught in the kernel. */
static void begin(void *arg) {
    struct check *check = arg;
    if (check->child && check->is_lingering)
        child_abandon(check->child);
    check->is_lingering = false;
    if (!check->child && check->config->name && runs_in_child(check))
        check->child = children_adopt(check->env->children, check->config->name, check);
    if (check->child)
        child_poll(check->child); /* ended, but its SIGCHLD not yet seen, is not stuck */
    if (!check->child)
        check->kind->start(check);
    else if (child_is_leaving(check->child))
        timer_arm(check->env->timers, &check->leaving, LEAVING_POLL_MS);
    else
        finish_stuck(check);
}

static bool has_begun(const struct check *check) {
    return !timer_is_armed(&check->leaving);
}

/* Whether the deadline came so late that the loop, which has not turned meanwhile, has to turn once more. */
static bool is_put_off(struct check *check) {
    int64_t late_ms = clock_now_ms(check->env->timers->clock) - check->deadline.due_ms;
    if (late_ms <= 0 || check->is_overdue)
        return false;
    check->is_overdue = true;
    check->held_up_ms = late_ms;
    timer_arm(check->env->timers, &check->deadline, 0); /* fires after the loop's next turn */
    return true;
}

static void give_up(struct check *check) {
    char detail[80];
    check->is_lingering = check->child && check->kind->may_linger && check->kind->may_linger(check);
    if (!check->is_lingering)
        break_off(check);
    snprintf(
        detail, sizeof detail, "the sidecar itself was held up for %lld ms", (long long)check->held_up_ms);
    if (check->held_up_ms > CHECK_HELD_UP_MS)
        check_finish_reason(check, REASON_INTERNAL, detail);
    else
        check_finish_reason(check, REASON_TIMEOUT, NULL);
}

static void on_deadline(void *arg) {
    struct check *check = arg;
    uint64_t run_id = check->run_id;
    if (check->child && has_begun(check))
        child_poll(check->child); /* where we were held up ourselves, the answer may be there */
    if (!check->is_running || check->run_id != run_id)
        return;
    if (!has_begun(check))
        finish_stuck(check);
    else if (!is_put_off(check))
        give_up(check);
}

int check_init(struct check *check, const struct check_kind *kind, const struct check_env *env,
    const struct check_config *config,
    void (*finished)(struct check *, const struct outcome *, int64_t duration_ms), void *arg,
    struct error *err) {
    *check = (struct check){.config = config, .kind = kind, .env = env, .finished = finished, .arg = arg};
    if (kind->library && library_load(kind->library, err) < 0)
        return -1;
    timer_init(&check->deadline, on_deadline, check);
    timer_init(&check->leaving, begin, check);
    check->state = calloc(1, kind->state_size > 0 ? kind->state_size : 1);
    if (!check->state)
        return error_set(err, "out of memory");
    if (kind->init && kind->init(check, err) < 0) {
        free(check->state);
        check->state = NULL;
        return -1;
    }
    return 0;
}

void check_release(struct check *check) {
    check_cancel(check);
    if (check->child)
        child_disown(check->child, runs_in_child(check) ? check->config->name : NULL);
    check->child = NULL;
    if (check->state)
        let_go(check);
    if (check->state && check->kind->release)
        check->kind->release(check);
    free(check->state);
    check->state = NULL;
}

bool check_start(struct check *check) {
    if (check->is_running)
        return false;
    check->is_running = true;
    check->is_overdue = false;
    check->is_late = false;
    check->held_up_ms = 0;
    check->run_id++;
    check->phase = PHASE_NONE;
    check->started_ms = clock_now_ms(check->env->timers->clock);
    timer_arm(check->env->timers, &check->deadline, check->config->timeout_ms);
    begin(check);
    return true;
}

void check_cancel(struct check *check) {
    if (!check->is_running)
        return;
    timer_disarm(&check->deadline);
    if (has_begun(check))
        break_off(check);
    timer_disarm(&check->leaving);
    check->is_running = false;
}

void check_let_go(struct check *check) {
    if (!check->is_running)
        let_go(check);
}

int64_t check_remaining_ms(const struct check *check) {
    return check->config->timeout_ms - (clock_now_ms(check->env->timers->clock) - check->started_ms);
}

void check_set_phase(struct check *check, enum phase phase) {
    check->phase = phase;
}

void check_finish(struct check *check, uint64_t run_id, const struct outcome *outcome) {
    if (!check->is_running || check->run_id != run_id)
        return;
    timer_disarm(&check->deadline);
    timer_disarm(&check->leaving);
    check->is_running = false;
    struct outcome final = outcome_checked(outcome);
    if (final.reason != REASON_OK && final.phase == PHASE_NONE)
        final.phase = check->phase;
    final.asked = check->question;
    check_config_blank(check->config, final.detail);
    str_flatten(final.detail);
    check->finished(check, &final, clock_now_ms(check->env->timers->clock) - check->started_ms);
}

void check_finish_reason(struct check *check, enum reason reason, const char *detail) {
    struct outcome outcome = {.reason = reason};
    if (detail)
        outcome_set_detail(&outcome, check->config, detail);
    check_finish(check, check->run_id, &outcome);
}

/* -- the run in a child -- */

static void tell_parent(struct phase_report *report, enum phase phase) {
    child_report_phase(report->fd, phase);
}

static void work(void *arg, int fd) {
    const struct check *check = arg; /* the child has its own copy, by the fork */
    struct run run = {.config = check->config,
        .wants_fresh = check->wants_fresh,
        .phases = {.tell = tell_parent, .fd = fd},
        .deadline_ms = clock_now_ms(clock_system()) + check_remaining_ms(check)};
    check->kind->work(&run);
    child_report_result(fd, &run.outcome, sizeof run.outcome);
}

static void on_child_phase(void *arg, enum phase phase) {
    check_set_phase(arg, phase);
}

/* The answer of a run that was over comes after all: a run of its own. */
static void take_up(struct check *check) {
    check->is_lingering = false;
    check->is_running = true;
    check->is_late = true;
    check->run_id++;
    check->started_ms = clock_now_ms(check->env->timers->clock);
}

/* What the child leaves is of use only with a sound outcome. */
static void take_descriptor(struct check *check, const struct outcome *outcome, int fd) {
    if (fd >= 0 && check->kind->take && outcome->reason != REASON_CRASHED)
        check->kind->take(check, outcome, fd);
    else if (fd >= 0)
        close(fd);
}

static void on_child_done(void *arg, const struct child_end *end) {
    struct check *check = arg;
    struct outcome outcome = {.reason = REASON_OK};
    if (end->result && end->result_size == sizeof outcome)
        memcpy(&outcome, end->result, sizeof outcome);
    else
        set_end(&outcome, end);
    outcome = outcome_checked(&outcome);
    if (check->is_lingering)
        take_up(check);
    take_descriptor(check, &outcome, end->fd);
    check_finish(check, check->run_id, &outcome);
}

static void on_child_reaped(void *arg) {
    struct check *check = arg;
    check->child = NULL;
}

void check_run_in_child(struct check *check) {
    const struct child_callbacks callbacks = {.phase = on_child_phase,
        .done = on_child_done,
        .reaped = on_child_reaped,
        .takes_descriptor = check->kind->take != NULL};
    _Static_assert(sizeof(struct outcome) <= CHILD_RESULT_MAX, "an outcome is one report");
    struct error err;
    check->child =
        child_start(check->env->children, work, check, &callbacks, check, check->config->timeout_ms, &err);
    if (!check->child)
        check_finish_reason(check, REASON_INTERNAL, err.text);
}

void check_cancel_child(struct check *check) {
    if (check->child)
        child_abandon(check->child);
}
