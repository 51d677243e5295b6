/* Tests of the life of a run: in virtual time, with a kind of our own.
 *
 *  what happens                               the run ends with
 *  the kind finishes, in start or later       its outcome, once
 *  start while running                        nothing: refused
 *  the deadline passes                        timeout, in the phase it was in
 *  it passes while we are held up             one more turn; then timeout, or internal
 *  a late answer of an earlier run            nothing: dropped
 *  cancelled, released                        nothing */
#include "run/check.h"

#include "base/str.h"
#include "harness/rig.h"
#include "kinds/kinds.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* -- a clock in the hand, and a kind that does as it is told -- */

static int64_t read_fake(void *arg) {
    return *(const int64_t *)arg;
}

struct fake_state {
    int cancelled;
};

struct stage {
    int64_t now_ms;
    struct clock clock;
    struct timers timers;
    struct check_env env;
    struct rig_check own;
    struct outcome at_start; /* finishes with it in start, unless its reason is STARTING */
};

static void fake_start(struct check *check) {
    const struct stage *stage = check->arg;
    if (stage->at_start.reason != REASON_STARTING)
        check_finish(check, check->run_id, &stage->at_start);
}

static void fake_cancel(struct check *check) {
    struct fake_state *state = check->state;
    state->cancelled++;
}

static const struct check_kind FAKE_KIND = {
    .state_size = sizeof(struct fake_state), .start = fake_start, .cancel = fake_cancel};

static void on_finished(struct check *check, const struct outcome *outcome, int64_t duration_ms) {
    struct stage *stage = check->arg;
    ck_assert(!check->is_running);
    stage->own.finished++;
    stage->own.outcome = *outcome;
    stage->own.duration_ms = duration_ms;
}

static void stage_init(struct stage *stage) {
    struct error err;
    *stage = (struct stage){.now_ms = 5000, .at_start = {.reason = REASON_STARTING}};
    stage->clock = (struct clock){read_fake, read_fake, &stage->now_ms};
    timers_init(&stage->timers, &stage->clock);
    stage->env.timers = &stage->timers;
    stage->own.config.timeout_ms = 300;
    ck_assert_int_eq(
        check_init(&stage->own.check, &FAKE_KIND, &stage->env, &stage->own.config, on_finished, stage, &err),
        0);
}

static void advance(struct stage *stage, int64_t ms) {
    stage->now_ms += ms;
    timers_run(&stage->timers);
}

static int cancelled(const struct stage *stage) {
    const struct fake_state *state = stage->own.check.state;
    return state->cancelled;
}

START_TEST(a_run_ends_once_with_what_the_kind_found) {
    struct stage stage;
    stage_init(&stage);
    struct check *check = &stage.own.check;
    ck_assert(check_start(check));
    check_set_phase(check, PHASE_QUERY);
    advance(&stage, 120);
    check_finish_reason(check, REASON_OK, NULL);
    ck_assert_int_eq(stage.own.finished, 1);
    ck_assert_int_eq(stage.own.outcome.reason, REASON_OK);
    ck_assert_int_eq(stage.own.outcome.phase, PHASE_NONE);
    ck_assert_int_eq(stage.own.duration_ms, 120);
    check_finish_reason(check, REASON_REFUSED, NULL);
    advance(&stage, 1000);
    ck_assert_int_eq(stage.own.finished, 1);
    ck_assert_int_eq(cancelled(&stage), 0);
    check_release(check);
}
END_TEST

START_TEST(a_failure_gets_the_phase_it_happened_in) {
    struct stage stage;
    stage_init(&stage);
    struct check *check = &stage.own.check;
    check_start(check);
    check_set_phase(check, PHASE_AUTH);
    check_finish_reason(check, REASON_AUTH_FAILED, "no\nentry");
    ck_assert_int_eq(stage.own.outcome.phase, PHASE_AUTH);
    ck_assert_str_eq(stage.own.outcome.detail, "no entry");
    check_start(check);
    check_set_phase(check, PHASE_AUTH);
    const struct outcome own_phase = {.reason = REASON_REFUSED, .phase = PHASE_CONNECT};
    check_finish(check, check->run_id, &own_phase);
    ck_assert_int_eq(stage.own.outcome.phase, PHASE_CONNECT);
    check_release(check);
}
END_TEST

START_TEST(a_kind_may_finish_within_start) {
    struct stage stage;
    stage_init(&stage);
    stage.at_start.reason = REASON_REFUSED;
    ck_assert(check_start(&stage.own.check));
    ck_assert_int_eq(stage.own.finished, 1);
    ck_assert_int_eq(stage.own.outcome.reason, REASON_REFUSED);
    ck_assert(!stage.own.check.is_running);
    advance(&stage, 1000);
    ck_assert_int_eq(stage.own.finished, 1);
    check_release(&stage.own.check);
}
END_TEST

START_TEST(an_overlap_is_refused) {
    struct stage stage;
    stage_init(&stage);
    struct check *check = &stage.own.check;
    ck_assert(check_start(check));
    uint64_t run_id = check->run_id;
    ck_assert(!check_start(check));
    ck_assert_uint_eq(check->run_id, run_id);
    advance(&stage, 299);
    ck_assert_int_eq(stage.own.finished, 0);
    advance(&stage, 1); /* the deadline is the first start's */
    ck_assert_int_eq(stage.own.finished, 1);
    check_release(check);
}
END_TEST

START_TEST(the_deadline_ends_a_run_in_the_phase_it_was_in) {
    struct stage stage;
    stage_init(&stage);
    struct check *check = &stage.own.check;
    check_start(check);
    check_set_phase(check, PHASE_CONNECT);
    advance(&stage, 200);
    check_set_phase(check, PHASE_TLS); /* does not renew it */
    advance(&stage, 100);
    ck_assert_int_eq(stage.own.finished, 1);
    ck_assert_int_eq(cancelled(&stage), 1);
    ck_assert_int_eq(stage.own.outcome.reason, REASON_TIMEOUT);
    ck_assert_int_eq(stage.own.outcome.phase, PHASE_TLS);
    ck_assert_int_eq(stage.own.duration_ms, 300);
    check_release(check);
}
END_TEST

/* The loop ran late: what it has not looked at yet may hold the answer. */
START_TEST(a_deadline_that_comes_late_gives_the_loop_one_more_turn) {
    struct stage stage;
    stage_init(&stage);
    struct check *check = &stage.own.check;
    check_start(check);
    advance(&stage, 301);
    ck_assert_int_eq(stage.own.finished, 0);
    check_finish_reason(check, REASON_OK, NULL); /* in that turn */
    advance(&stage, 0);
    ck_assert_int_eq(stage.own.finished, 1);
    ck_assert_int_eq(stage.own.outcome.reason, REASON_OK);
    ck_assert_int_eq(cancelled(&stage), 0);
    check_release(check);
}
END_TEST

static const struct {
    int late_ms;
    enum reason reason;
} DELAYS[] = {{0, REASON_TIMEOUT}, {1, REASON_TIMEOUT}, {CHECK_HELD_UP_MS, REASON_TIMEOUT},
    {CHECK_HELD_UP_MS + 1, REASON_INTERNAL}, {3600 * 1000, REASON_INTERNAL}};

START_TEST(a_run_whose_time_passed_while_we_were_held_up_is_our_own_fault) {
    struct stage stage;
    stage_init(&stage);
    struct check *check = &stage.own.check;
    for (int run = 1; run <= 2; run++) { /* what one run met does not count in the next */
        check_start(check);
        check_set_phase(check, PHASE_READ);
        advance(&stage, 300 + (run == 1 ? DELAYS[_i].late_ms : 0));
        advance(&stage, 0);
        ck_assert_int_eq(stage.own.finished, run);
        ck_assert_int_eq(cancelled(&stage), run);
        ck_assert_int_eq(stage.own.outcome.reason, run == 1 ? DELAYS[_i].reason : REASON_TIMEOUT);
        ck_assert_int_eq(stage.own.outcome.phase, PHASE_READ);
    }
    check_release(check);
}
END_TEST

START_TEST(a_late_answer_of_an_earlier_run_is_dropped) {
    struct stage stage;
    stage_init(&stage);
    struct check *check = &stage.own.check;
    check_start(check);
    uint64_t first = check->run_id;
    advance(&stage, 300);
    check_start(check);
    const struct outcome late = {.reason = REASON_OK};
    check_finish(check, first, &late);
    ck_assert(check->is_running);
    ck_assert_int_eq(stage.own.finished, 1);
    const struct outcome answer = {.reason = REASON_REFUSED};
    check_finish(check, check->run_id, &answer);
    ck_assert_int_eq(stage.own.finished, 2);
    ck_assert_int_eq(stage.own.outcome.reason, REASON_REFUSED);
    check_release(check);
}
END_TEST

START_TEST(cancelled_and_released_runs_say_nothing) {
    struct stage stage;
    stage_init(&stage);
    struct check *check = &stage.own.check;
    check_start(check);
    check_cancel(check);
    check_cancel(check);
    ck_assert_int_eq(cancelled(&stage), 1);
    advance(&stage, 1000);
    check_finish_reason(check, REASON_OK, NULL);
    ck_assert(check_start(check));
    check_release(check);
    advance(&stage, 1000);
    ck_assert_int_eq(stage.own.finished, 0);
    ck_assert_int_eq(timers_next_delay_ms(&stage.timers), -1);
}
END_TEST

/* "hunter2" whole, and as the text's last characters, where cutting before blanking would leave "hunt". */
START_TEST(secrets_are_blanked_before_the_text_is_cut) {
    struct stage stage;
    struct error err;
    stage_init(&stage);
    ck_assert_int_eq(dsn_parse("postgresql://u:hunter2@h/d", &stage.own.config.database.dsn, &err), 0);
    char text[OUTCOME_DETAIL_SIZE + 32];
    memset(text, 'x', sizeof text);
    memcpy(text, "hunter2\thunter2 ", 16);
    str_copy(text + OUTCOME_DETAIL_SIZE - 5, 16, "hunter2");
    check_start(&stage.own.check);
    check_finish_reason(&stage.own.check, REASON_QUERY_FAILED, text);
    ck_assert_ptr_null(strstr(stage.own.outcome.detail, "hunt"));
    ck_assert_int_eq(strncmp(stage.own.outcome.detail, "******* ******* x", 17), 0);
    struct outcome outcome = {.reason = REASON_QUERY_FAILED, .detail = "says hunter2"};
    check_start(&stage.own.check);
    check_finish(&stage.own.check, stage.own.check.run_id, &outcome);
    ck_assert_str_eq(stage.own.outcome.detail, "says *******");
    check_release(&stage.own.check);
    dsn_release(&stage.own.config.database.dsn);
}
END_TEST

START_TEST(a_kind_that_is_not_built_in_is_refused) {
    struct error err = {.text = ""};
    ck_assert_ptr_eq(check_kind_find(KIND_POSTGRES), &POSTGRES_KIND);
    ck_assert_ptr_null(check_kind_find(KIND_COUNT));
    ck_assert_ptr_null(check_kind_require(KIND_COUNT, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "not built into this program"));
}
END_TEST

Suite *check_suite(void) {
    Suite *suite = suite_create("check");
    TCase *run = tcase_create("run");
    suite_add_tcase(suite, run);
    tcase_add_test(run, a_run_ends_once_with_what_the_kind_found);
    tcase_add_test(run, a_failure_gets_the_phase_it_happened_in);
    tcase_add_test(run, a_kind_may_finish_within_start);
    tcase_add_test(run, an_overlap_is_refused);
    tcase_add_test(run, the_deadline_ends_a_run_in_the_phase_it_was_in);
    tcase_add_test(run, a_deadline_that_comes_late_gives_the_loop_one_more_turn);
    tcase_add_loop_test(run, a_run_whose_time_passed_while_we_were_held_up_is_our_own_fault, 0,
        sizeof DELAYS / sizeof DELAYS[0]);
    tcase_add_test(run, a_late_answer_of_an_earlier_run_is_dropped);
    tcase_add_test(run, cancelled_and_released_runs_say_nothing);
    tcase_add_test(run, secrets_are_blanked_before_the_text_is_cut);
    tcase_add_test(run, a_kind_that_is_not_built_in_is_refused);
    return suite;
}
