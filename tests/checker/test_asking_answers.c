/* Tests of the questions to Bugsink in virtual time: what its answers amount to. */
#include "checker/asker.h"

#include <check.h>
#include <string.h>

START_TEST(a_server_error_is_app_database_within_ask_interval_and_its_recovery_shows_within_two_seconds) {
    static const uint32_t RANDOM[] = {0, 512, 1023};
    struct asker asker = asker_arrived();
    asker.random = RANDOM[_i];
    int64_t start_ms = asker.now_ms;
    asker.answers[QUESTION_TOKEN] = asker_answer(ANSWER_FAILS);
    while (asker.memory.reason == REASON_OK)
        asker_look(&asker);
    asker_expect(&asker, STATUS_ERROR, REASON_APP_DATABASE);
    ck_assert_int_le(asker.now_ms - start_ms, 15000 + 1500);
    ck_assert_int_gt(asker.memory.life.arrivals, 0);
    asker.asked[0] = '\0';
    asker_look_times(&asker, 9);
    ck_assert_str_eq(asker.asked, "TLTTLTTLT"); /* the endpoint itself is not forgotten */
    asker_expect(&asker, STATUS_ERROR, REASON_APP_DATABASE);
    for (int skip = 0; skip < 3; skip++) {
        struct asker other = asker;
        asker_look_times(&other, skip);
        other.answers[QUESTION_TOKEN] = asker_answer(ANSWER_WELL);
        start_ms = other.memory.checked_wall_ms; /* just after a look */
        while (other.memory.reason != REASON_OK)
            asker_look(&other);
        ck_assert_int_le(other.memory.checked_wall_ms - start_ms, 2010);
        asker_expect(&other, STATUS_OK, REASON_OK);
    }
}
END_TEST

START_TEST(silence_is_app_database_and_is_not_asked_into_again_until_it_has_ended) {
    static const enum reason SILENCES[] = {REASON_TIMEOUT, REASON_RESET, REASON_PROTOCOL};
    struct asker asker = asker_arrived();
    asker.answers[QUESTION_TOKEN] = asker_silence(SILENCES[_i]);
    asker.is_awaiting = true;
    asking_want(&asker.memory.asking, QUESTION_TOKEN);
    asker_look_times(&asker, 21);
    ck_assert_str_eq(asker.asked, "TLLLLLLLLLLLLLLLLLLLL");
    asker_expect(&asker, STATUS_ERROR, REASON_APP_DATABASE);
    ck_assert_int_eq(asker.memory.life.silences, 0); /* the endpoint answers */
    asker.is_awaiting = false;
    asker.late = ANSWER_WELL; /* it was late, and that is all */
    asker_look(&asker);
    asker_expect(&asker, STATUS_OK, REASON_OK);
    asker.asked[0] = '\0';
    asker.answers[QUESTION_TOKEN] = asker_answer(ANSWER_WELL);
    asker_look_times(&asker, 2);
    ck_assert_int_ge(asker_count(asker.asked, 'T'), 1);
}
END_TEST

/* As when the sidecar was stopped for a while: the question has left, and is a silence of Bugsink's only once
 * it is unanswered after a look that was not held up. */
START_TEST(a_question_in_which_the_sidecar_was_held_up_is_not_asked_into_either) {
    struct asker asker = asker_arrived();
    asker.answers[QUESTION_TOKEN] = asker_silence(REASON_INTERNAL);
    asker.is_awaiting = true;
    asking_want(&asker.memory.asking, QUESTION_TOKEN);
    asker_look(&asker);
    asking_want(&asker.memory.asking, QUESTION_TOKEN);
    asker_look(&asker);
    asker_expect(&asker, STATUS_ERROR, REASON_APP_DATABASE);
    asker_look_times(&asker, 4);
    ck_assert_str_eq(asker.asked, "TLLLLL");
    asker_expect(&asker, STATUS_ERROR, REASON_APP_DATABASE);
    asker.is_awaiting = false;
    asker.late = ANSWER_WELL;
    asker.answers[QUESTION_TOKEN] = asker_answer(ANSWER_WELL);
    asker_look_times(&asker, 2);
    ck_assert_str_eq(asker.asked, "TLLLLLLT"); /* it was wanted */
    asker_expect(&asker, STATUS_OK, REASON_OK);
}
END_TEST

START_TEST(a_question_in_which_the_sidecar_was_held_up_may_have_been_answered_meanwhile) {
    struct asker asker = asker_arrived();
    asker.answers[QUESTION_TOKEN] = asker_silence(REASON_INTERNAL);
    asking_want(&asker.memory.asking, QUESTION_TOKEN);
    asker_look(&asker);
    asker.late = ANSWER_WELL;
    asker.answers[QUESTION_TOKEN] = asker_answer(ANSWER_WELL);
    asker_look_times(&asker, 2);
    ck_assert_str_eq(asker.asked, "TLT");
    asker_expect(&asker, STATUS_OK, REASON_OK);
}
END_TEST

START_TEST(a_look_in_which_the_sidecar_was_held_up_ends_no_waiting) {
    struct asker asker = asker_arrived();
    const struct outcome ready = asker.ready;
    asker.answers[QUESTION_TOKEN] = asker_silence(REASON_TIMEOUT);
    asker.is_awaiting = true;
    asking_want(&asker.memory.asking, QUESTION_TOKEN);
    asker_look_times(&asker, 2);
    asker.ready = asker_silence(REASON_INTERNAL);
    asker.is_awaiting = false; /* it says nothing of that */
    asker_look_times(&asker, 3);
    asker.ready = ready;
    asker.is_awaiting = true;
    asker_look_times(&asker, 3);
    ck_assert_str_eq(asker.asked, "TLLLLLLL");
    asker_expect(&asker, STATUS_ERROR, REASON_APP_DATABASE);
}
END_TEST

START_TEST(a_question_that_was_never_answered_is_asked_again) {
    struct asker asker = asker_arrived();
    asker.answers[QUESTION_TOKEN] = asker_silence(REASON_TIMEOUT);
    asking_want(&asker.memory.asking, QUESTION_TOKEN);
    asker_look(&asker);
    asker.late = ANSWER_SILENCE; /* gunicorn has ended the worker, say */
    asker_look_times(&asker, 2);
    ck_assert_str_eq(asker.asked, "TLT");
    asker_expect(&asker, STATUS_ERROR, REASON_APP_DATABASE);
    asker.asked[0] = '\0';
    asker.late = ANSWER_NONE; /* after a reload: nobody waits for it any more */
    asker.answers[QUESTION_TOKEN] = asker_answer(ANSWER_WELL);
    asker_look_times(&asker, 2);
    ck_assert_str_eq(asker.asked, "LT");
    asker_expect(&asker, STATUS_OK, REASON_OK);
}
END_TEST

START_TEST(questions_never_make_bugsink_dead) {
    struct asker asker = asker_arrived();
    asker.config.app.fall = 1;
    for (int i = 0; i < 20; i++) {
        asker.answers[QUESTION_TOKEN] = asker_silence(i % 2 ? REASON_TIMEOUT : REASON_RESET);
        asker.late = ANSWER_SILENCE;
        asker_look(&asker);
        ck_assert(!liveness_is_dead(&asker.memory.life, 1, 0, asker.now_ms));
    }
    ck_assert_int_gt(asker_count(asker.asked, 'T'), 5);
    asker.answers[QUESTION_TOKEN] = (struct outcome){.reason = REASON_REFUSED, .phase = PHASE_CONNECT};
    while (asker_look(&asker) != QUESTION_TOKEN)
        ;
    asker_expect(
        &asker, STATUS_ERROR, REASON_REFUSED); /* nobody was there to be asked: that is no question's */
    ck_assert(liveness_is_dead(&asker.memory.life, 1, 0, asker.now_ms));
    ck_assert_int_eq(asker_look(&asker), QUESTION_NONE);
}
END_TEST

START_TEST(a_project_question_that_fails_alone_is_app_schema_until_it_is_well) {
    struct asker asker = asker_new();
    asker.answers[QUESTION_PROJECT] = asker_answer(ANSWER_FAILS);
    asker_look_times(&asker, 3);
    ck_assert_str_eq(asker.asked, "LTP");
    asker_expect(&asker, STATUS_ERROR, REASON_APP_SCHEMA);
    asker_look_times(&asker, 40);
    asker_expect(&asker, STATUS_ERROR, REASON_APP_SCHEMA);
    ck_assert_int_le(
        asker_count(asker.asked, 'P'), 15); /* each leaves a traceback: no more often than the other */
    ck_assert_int_ge(asker_count(asker.asked, 'L'), 15);
    asker.answers[QUESTION_PROJECT] = asker_answer(ANSWER_WELL);
    asking_want(&asker.memory.asking, QUESTION_PROJECT); /* migrated */
    while (asker_look(&asker) != QUESTION_PROJECT)
        ;
    asker_expect(&asker, STATUS_OK, REASON_OK);
}
END_TEST

START_TEST(a_project_question_that_fails_has_the_token_asked_which_tells_schema_from_database) {
    struct asker asker = asker_arrived();
    asker_look_times(&asker, 2);
    asker.answers[QUESTION_PROJECT] = asker_answer(ANSWER_FAILS);
    asker.answers[QUESTION_TOKEN] = asker_answer(_i ? ANSWER_FAILS : ANSWER_WELL);
    asker.now_ms += ASKING_PROJECT_MS;
    asking_begin(&asker.memory.asking, QUESTION_TOKEN, asker.now_ms - 5000);
    asker.asked[0] = '\0';
    asker_look_times(&asker, 2);
    ck_assert_str_eq(asker.asked, "PT");
    asker_expect(&asker, STATUS_ERROR, _i ? REASON_APP_DATABASE : REASON_APP_SCHEMA);
}
END_TEST

START_TEST(a_project_question_that_meets_silence_or_has_no_token_beside_it_is_app_database) {
    struct asker asker = asker_new();
    asker.answers[QUESTION_PROJECT] = asker_silence(REASON_TIMEOUT);
    asker_look_times(&asker, 3);
    asker_expect(&asker, STATUS_ERROR, REASON_APP_DATABASE);
    asker = asker_new();
    asker.answers[QUESTION_TOKEN] = asker_answer(ANSWER_ABSENT);
    asker.answers[QUESTION_PROJECT] = asker_answer(ANSWER_FAILS);
    asker.random = 1023;
    asker_look_times(&asker, 3);
    asker_expect(&asker, STATUS_ERROR, REASON_APP_DATABASE);
    int64_t start_ms = asker.memory.checked_wall_ms;
    asker.answers[QUESTION_PROJECT] = asker_answer(ANSWER_WELL);
    while (asker.memory.reason != REASON_OK)
        asker_look(&asker); /* it alone can tell of the recovery */
    ck_assert_int_le(asker.memory.checked_wall_ms - start_ms, 2010);
}
END_TEST

START_TEST(an_answer_that_says_nothing_changes_no_verdict_and_is_told_once) {
    struct asker asker = asker_new();
    int lines = 0;
    asker.answers[QUESTION_TOKEN] = asker_answer(ANSWER_MUTE);
    for (int i = 0; i < 40; i++) {
        asker_look(&asker);
        lines += asker.memory.is_answer_news;
        asker_expect(&asker, STATUS_OK, REASON_OK);
    }
    ck_assert_int_eq(lines, 1);
    ck_assert_int_ge(asker_count(asker.asked, 'T'), 10);
    asker.ready.reason = REASON_APP_ERROR; /* the endpoint counts as before */
    asker_look_times(&asker, 3);
    asker_expect(&asker, STATUS_ERROR, REASON_APP_ERROR);
}
END_TEST

/* Whoever answers now is no longer silent, whatever it says: a proxy, or another service. */
START_TEST(a_silence_ends_with_an_answer_that_says_nothing) {
    struct asker asker = asker_arrived();
    asker.answers[QUESTION_TOKEN] = asker_silence(REASON_RESET);
    asker.late = ANSWER_SILENCE;
    asking_want(&asker.memory.asking, QUESTION_TOKEN);
    asker_look(&asker);
    asker_expect(&asker, STATUS_ERROR, REASON_APP_DATABASE);
    asker.answers[QUESTION_TOKEN] = asker_answer(ANSWER_MUTE);
    asker_look_times(&asker, 3);
    asker_expect(&asker, STATUS_OK, REASON_OK);
}
END_TEST

START_TEST(a_failure_outlives_one_answer_that_says_nothing_but_not_many) {
    struct asker asker = asker_arrived();
    asker.answers[QUESTION_TOKEN] = asker_answer(ANSWER_FAILS);
    asking_want(&asker.memory.asking, QUESTION_TOKEN);
    asker_look(&asker);
    asker_expect(&asker, STATUS_ERROR, REASON_APP_DATABASE);
    asker.answers[QUESTION_TOKEN] = asker_answer(ANSWER_MUTE);
    asker_look_times(&asker, 3);
    asker_expect(&asker, STATUS_ERROR, REASON_APP_DATABASE);
    asker_look_times(&asker, 60);
    asker_expect(&asker, STATUS_OK, REASON_OK);
}
END_TEST

START_TEST(bugsink_works_while_it_was_seen_to_answer_with_its_database_of_late) {
    struct asker asker = asker_new();
    ck_assert(!asking_is_well(&asker.memory.asking, &asker.config, asker.now_ms));
    asker_look(&asker);
    ck_assert(!asking_is_well(&asker.memory.asking, &asker.config, asker.now_ms));
    for (int i = 0; i < 100; i++) {
        asker_look(&asker);
        ck_assert(asking_is_well(&asker.memory.asking, &asker.config, asker.now_ms));
    }
    ck_assert(!asking_is_well(&asker.memory.asking, &asker.config, asker.now_ms + 60000));
    asker.ready.reason = REASON_APP_ERROR;
    while (asker_look(&asker) != QUESTION_NONE)
        ;
    ck_assert(!asking_is_well(&asker.memory.asking, &asker.config, asker.now_ms));
}
END_TEST

Suite *asking_answers_suite(void) {
    Suite *suite = suite_create("asking_answers");
    TCase *tcase = tcase_create("asking_answers");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase,
        a_server_error_is_app_database_within_ask_interval_and_its_recovery_shows_within_two_seconds, 0, 3);
    tcase_add_loop_test(tcase, silence_is_app_database_and_is_not_asked_into_again_until_it_has_ended, 0, 3);
    tcase_add_test(tcase, a_question_in_which_the_sidecar_was_held_up_is_not_asked_into_either);
    tcase_add_test(tcase, a_question_in_which_the_sidecar_was_held_up_may_have_been_answered_meanwhile);
    tcase_add_test(tcase, a_look_in_which_the_sidecar_was_held_up_ends_no_waiting);
    tcase_add_test(tcase, a_question_that_was_never_answered_is_asked_again);
    tcase_add_test(tcase, questions_never_make_bugsink_dead);
    tcase_add_test(tcase, a_project_question_that_fails_alone_is_app_schema_until_it_is_well);
    tcase_add_loop_test(
        tcase, a_project_question_that_fails_has_the_token_asked_which_tells_schema_from_database, 0, 2);
    tcase_add_test(tcase, a_project_question_that_meets_silence_or_has_no_token_beside_it_is_app_database);
    tcase_add_test(tcase, an_answer_that_says_nothing_changes_no_verdict_and_is_told_once);
    tcase_add_test(tcase, a_silence_ends_with_an_answer_that_says_nothing);
    tcase_add_test(tcase, a_failure_outlives_one_answer_that_says_nothing_but_not_many);
    tcase_add_test(tcase, bugsink_works_while_it_was_seen_to_answer_with_its_database_of_late);
    return suite;
}
