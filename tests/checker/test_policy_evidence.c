/* Tests of policy, in virtual time: what one check's evidence means for another. Predictions take nobody out
 * who works, and silence that the database explains is no death. */
#include "checker/judged.h"

#include <check.h>

/* -- predictions -- */

static struct judged settings_new(void) {
    struct judged world = judged_new();
    world.config.kind = KIND_SETTINGS;
    world.config.settings.format = SETTINGS_ENVIRONMENT;
    return world;
}

static void find_beside(struct judged *world, enum reason reason, const struct surroundings *around) {
    const struct outcome outcome = {.reason = reason};
    judged_judge(world, &outcome, 10, around);
    world->now_ms += 5000;
}

static const struct surroundings WORKING = {
    .has_app = true, .is_app_up = true, .is_app_working = true, .app_arrivals = 1};
static const struct surroundings UP = {.has_app = true, .is_app_up = true, .app_arrivals = 1};
static const struct surroundings UNANSWERED = {.has_app = true};
static const struct surroundings NO_APP = {.has_app = false};

static const enum reason FAULTS[] = {REASON_FILE_MISSING, REASON_PERMISSION, REASON_NOT_A_FILE, REASON_EMPTY,
    REASON_TOO_LARGE, REASON_ENCODING, REASON_PARSE_ERROR, REASON_MISSING_SETTING, REASON_INVALID_SETTING};

START_TEST(settings_are_degraded_while_bugsink_answers_with_its_database_and_an_error_otherwise) {
    struct judged world = settings_new();
    find_beside(&world, FAULTS[_i], &UNANSWERED);
    judged_expect(&world, STATUS_ERROR, FAULTS[_i]);
    ck_assert(!world.memory.is_prediction);
    find_beside(&world, FAULTS[_i], &UP); /* it answers, but was not seen to have its database */
    judged_expect(&world, STATUS_ERROR, FAULTS[_i]);
    find_beside(&world, FAULTS[_i], &WORKING);
    judged_expect(&world, STATUS_DEGRADED, FAULTS[_i]);
    ck_assert(world.memory.is_prediction);
    ck_assert_int_eq(world.memory.retry, RETRY_NORMAL);
    ck_assert_int_eq(world.memory.consecutive_failures, 0);
    find_beside(&world, FAULTS[_i], &UP);
    judged_expect(&world, STATUS_ERROR, FAULTS[_i]);
    ck_assert_int_eq(world.memory.retry, RETRY_FAST);
    find_beside(&world, REASON_OK, &WORKING);
    judged_expect(&world, STATUS_OK, REASON_OK);
    ck_assert(!world.memory.is_prediction);
    world = settings_new();
    find_beside(&world, FAULTS[_i], &NO_APP);
    judged_expect(&world, STATUS_ERROR, FAULTS[_i]);
}
END_TEST

/* A prediction is of settings alone: what is measured counts, whatever Bugsink answers. */
START_TEST(no_other_check_is_degraded_because_bugsink_works) {
    struct judged world = judged_new();
    find_beside(&world, REASON_FILE_MISSING, &WORKING);
    judged_expect(&world, STATUS_ERROR, REASON_FILE_MISSING);
    find_beside(&world, REASON_AUTH_FAILED, &WORKING);
    judged_expect(&world, STATUS_ERROR, REASON_AUTH_FAILED);
    ck_assert(!world.memory.is_prediction);
}
END_TEST

START_TEST(a_prediction_says_so_and_our_own_trouble_predicts_nothing) {
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++) {
        ck_assert_ptr_null(reason_addition(FAULTS[i], false));
        ck_assert_str_eq(reason_addition(FAULTS[i], true),
            "Bugsink works with what it has read; its next start will fail.");
    }
    static const enum reason OWN[] = {REASON_TIMEOUT, REASON_STUCK, REASON_CRASHED, REASON_INTERNAL};
    for (size_t i = 0; i < sizeof OWN / sizeof OWN[0]; i++)
        ck_assert_ptr_null(reason_addition(OWN[i], true));
}
END_TEST

/* -- sessions that wait -- */

START_TEST(sessions_that_wait_are_degraded_and_an_error_after_ten_seconds_of_silence) {
    const struct surroundings silent = {.has_app = true, .is_app_silent = true}, answers = {.has_app = true};
    struct judged world = judged_new();
    for (int i = 0; i < 12; i++) { /* while Bugsink answers, for as long as they like */
        find_beside(&world, REASON_BLOCKED, &answers);
        judged_expect(&world, STATUS_DEGRADED, REASON_BLOCKED);
    }
    find_beside(&world, REASON_BLOCKED, &silent);
    judged_expect(&world, STATUS_ERROR, REASON_BLOCKED);
    find_beside(&world, REASON_OK, &answers);
    judged_expect(&world, STATUS_OK, REASON_OK);
    for (int i = 0; i < 3; i++) { /* at 0, 5 and 10 s */
        find_beside(&world, REASON_BLOCKED, &silent);
        judged_expect(&world, STATUS_DEGRADED, REASON_BLOCKED);
    }
    find_beside(&world, REASON_BLOCKED, &silent);
    judged_expect(&world, STATUS_ERROR, REASON_BLOCKED);
}
END_TEST

START_TEST(the_number_of_waiting_sessions_is_enough_and_an_error_of_its_own_counts_for_more) {
    struct judged world = judged_new();
    struct observed observed = {0};
    observed_set(&observed, OBSERVED_BLOCKED_SESSIONS, 2);
    judged_find_observed(&world, REASON_OK, &observed, 10);
    judged_expect(&world, STATUS_DEGRADED, REASON_BLOCKED);
    ck_assert(world.memory.is_blocked);
    judged_find_observed(&world, REASON_TIMEOUT, &observed, 10);
    judged_expect(&world, STATUS_ERROR, REASON_TIMEOUT);
    ck_assert(world.memory.is_blocked);
    observed_set(&observed, OBSERVED_BLOCKED_SESSIONS, 0);
    judged_find_observed(&world, REASON_OK, &observed, 10);
    judged_expect(&world, STATUS_OK, REASON_OK);
    ck_assert(!world.memory.is_blocked);
}
END_TEST

/* -- and Bugsink's silence meanwhile -- */

enum { FALL = 3, GRACE_MS = 300000 };

static struct judged app_new(void) {
    struct judged world = judged_new();
    world.config.kind = KIND_HTTP;
    world.config.app = (struct app_config){.fall = FALL, .start_grace_ms = GRACE_MS};
    const struct outcome well = {.reason = REASON_OK};
    judged_judge(&world, &well, 10, NULL);
    world.now_ms += 5000;
    return world;
}

/* A run that ends so, and the pause behind it. */
static void find_silence(struct judged *world, enum reason reason, enum phase phase, bool is_blocked) {
    const struct outcome outcome = {.reason = reason, .phase = phase};
    const struct surroundings around = {.is_blocked = is_blocked};
    judged_judge(world, &outcome, 3000, &around);
    world->now_ms += 4000;
}

static bool is_dead(const struct judged *world) {
    return liveness_is_dead(&world->memory.life, FALL, GRACE_MS, world->now_ms);
}

START_TEST(silence_while_sessions_wait_is_no_death_for_as_long_as_a_start_may_take) {
    struct judged world = app_new();
    int64_t start_ms = world.now_ms;
    while (world.now_ms - start_ms <= GRACE_MS) {
        find_silence(&world, _i ? REASON_RESET : REASON_TIMEOUT, PHASE_READ, true);
        ck_assert(!is_dead(&world));
        ck_assert(!status_is_ready(world.memory.status)); /* not ready all the while */
    }
    for (int i = 1; i <= FALL; i++) {
        find_silence(&world, REASON_TIMEOUT, PHASE_READ, true);
        ck_assert_int_eq(is_dead(&world), i == FALL);
    }
    find_silence(&world, REASON_OK, PHASE_NONE, true); /* life: the grace begins anew */
    for (int i = 0; i < 10 * FALL; i++) {
        find_silence(&world, REASON_TIMEOUT, PHASE_READ, true);
        ck_assert(!is_dead(&world));
    }
}
END_TEST

START_TEST(where_none_wait_silence_counts_from_then_on) {
    struct judged world = app_new();
    for (int i = 0; i < 10; i++)
        find_silence(&world, REASON_TIMEOUT, PHASE_READ, true);
    for (int i = 1; i <= FALL; i++) {
        find_silence(&world, REASON_TIMEOUT, PHASE_READ, false);
        ck_assert_int_eq(is_dead(&world), i == FALL);
    }
    world = app_new();
    for (int i = 1; i <= FALL; i++) {
        find_silence(&world, REASON_TIMEOUT, PHASE_READ, false);
        ck_assert_int_eq(is_dead(&world), i == FALL);
    }
}
END_TEST

/* Sessions that wait explain no Bugsink that is gone. */
START_TEST(sessions_that_wait_excuse_no_refusal) {
    static const enum reason GONE[] = {REASON_REFUSED, REASON_UNREACHABLE, REASON_PROTOCOL};
    struct judged world = app_new();
    for (int i = 1; i <= FALL; i++) {
        find_silence(&world, GONE[_i], PHASE_CONNECT, true);
        ck_assert_int_eq(is_dead(&world), i == FALL);
    }
}
END_TEST

Suite *policy_evidence_suite(void) {
    Suite *suite = suite_create("policy_evidence");
    TCase *tcase = tcase_create("policy_evidence");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase,
        settings_are_degraded_while_bugsink_answers_with_its_database_and_an_error_otherwise, 0,
        sizeof FAULTS / sizeof FAULTS[0]);
    tcase_add_test(tcase, no_other_check_is_degraded_because_bugsink_works);
    tcase_add_test(tcase, a_prediction_says_so_and_our_own_trouble_predicts_nothing);
    tcase_add_test(tcase, sessions_that_wait_are_degraded_and_an_error_after_ten_seconds_of_silence);
    tcase_add_test(tcase, the_number_of_waiting_sessions_is_enough_and_an_error_of_its_own_counts_for_more);
    tcase_add_loop_test(tcase, silence_while_sessions_wait_is_no_death_for_as_long_as_a_start_may_take, 0, 2);
    tcase_add_test(tcase, where_none_wait_silence_counts_from_then_on);
    tcase_add_loop_test(tcase, sessions_that_wait_excuse_no_refusal, 0, 3);
    return suite;
}
