/* Tests of the questions to Bugsink in virtual time: when which is asked. */
#include "checker/asker.h"

#include <check.h>
#include <string.h>

START_TEST(an_arrival_is_asked_both_at_once_and_then_every_third_look_is_the_token_question) {
    static const uint32_t RANDOM[] = {0, 512, 1023};
    struct asker asker = asker_new();
    asker.random = RANDOM[_i];
    int64_t start_ms = asker.now_ms;
    asker_look_times(&asker, 3);
    ck_assert_int_lt(asker.now_ms - start_ms, 5000 + 10);
    asker_look_times(&asker, 60);
    ck_assert_str_eq(asker.asked, "LTPLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLT");
    asker_expect(&asker, STATUS_OK, REASON_OK);
}
END_TEST

/* The promise is of no request more than before: an hour's looks are the same number, asked or not. */
START_TEST(an_hour_costs_no_look_more_and_the_project_question_is_asked_hourly) {
    int looks[2];
    for (int asks = 0; asks < 2; asks++) {
        struct asker asker = asker_new();
        asker.config.app.asks = asks;
        asker.random = 300;
        asker_look_times(&asker, 3); /* an arrival costs two */
        int64_t start_ms = asker.now_ms;
        asker.asked[0] = '\0';
        while (asker.now_ms - start_ms < 3600 * 1000 + 30000)
            asker_look(&asker);
        looks[asks] = (int)strlen(asker.asked);
        ck_assert_int_eq(asker_count(asker.asked, 'P'), asks);
        ck_assert_int_le(asker_count(asker.asked, 'T'), asks * (looks[asks] / 3 + 1));
        ck_assert_int_ge(asker_count(asker.asked, 'T'), asks * (looks[asks] / 3 - 1));
    }
    ck_assert_int_eq(looks[0], looks[1]);
}
END_TEST

START_TEST(where_the_interval_is_longer_every_other_look_is_one_at_the_endpoint) {
    struct asker asker = asker_arrived();
    asker.config.interval_ms = 60000;
    asker_look_times(&asker, 8);
    ck_assert_str_eq(asker.asked, "LTLTLTLT");
}
END_TEST

START_TEST(turned_off_nothing_is_asked) {
    struct asker asker = asker_new();
    asker.config.app.asks = false;
    asking_want(&asker.memory.asking, QUESTION_TOKEN);
    asker_look_times(&asker, 30);
    ck_assert_int_eq(asker_count(asker.asked, 'L'), 30);
    ck_assert(!asking_is_well(&asker.memory.asking, &asker.config, asker.now_ms));
}
END_TEST

/* The file of Bugsink's database is missing: a question would have it make an empty one. */
START_TEST(what_would_be_made_by_a_question_is_not_asked_for_and_what_was_wanted_is_asked_afterwards) {
    struct asker asker = _i ? asker_new() : asker_arrived();
    asker.around.is_file_missing = true;
    asker_look(&asker);
    asking_want(&asker.memory.asking, QUESTION_TOKEN);
    asking_want(&asker.memory.asking, QUESTION_PROJECT);
    ck_assert(!asking_is_urgent(&asker.memory.asking, &asker.config, asker.now_ms));
    asker_look_times(&asker, 9);
    ck_assert_str_eq(asker.asked, "LLLLLLLLLL");
    asker_expect(&asker, STATUS_OK, REASON_OK);
    asking_withhold(&asker.memory.asking, false); /* as soon as the file was seen */
    asker.around.is_file_missing = false;
    ck_assert(asking_is_urgent(&asker.memory.asking, &asker.config, asker.now_ms));
    asker_look_times(&asker, 3);
    ck_assert_str_eq(asker.asked, "LLLLLLLLLLTPL");
}
END_TEST

/* Bugsink restarts meanwhile: an arrival has both asked, and none where that would do harm. */
START_TEST(an_arrival_does_not_make_what_is_missing_either) {
    struct asker asker = asker_arrived();
    asker.around.is_file_missing = true;
    asker.ready.reason = REASON_REFUSED;
    asker_look_times(&asker, 3);
    asker.ready.reason = REASON_OK;
    asker_look_times(&asker, 6);
    ck_assert_str_eq(asker.asked, "LLLLLLLLL");
    asker.around.is_file_missing = false;
    asker_look_times(&asker, 3);
    ck_assert_str_eq(asker.asked, "LLLLLLLLLLTP");
}
END_TEST

START_TEST(a_change_of_the_database_is_asked_after_at_the_next_look) {
    struct asker asker = asker_arrived();
    asker_look(&asker);
    asking_want(&asker.memory.asking, QUESTION_TOKEN);
    asking_want(&asker.memory.asking, QUESTION_PROJECT);
    ck_assert(asking_is_urgent(&asker.memory.asking, &asker.config, asker.now_ms));
    asker_look_times(&asker, 3);
    ck_assert_str_eq(asker.asked, "LTPL");
}
END_TEST

/* Of a full server: the first answer may have had a place that was free for a moment. */
START_TEST(what_is_wanted_twice_is_asked_again_soon_and_then_as_ever) {
    struct asker asker = asker_arrived();
    asker_look(&asker);
    asking_want_twice(&asker.memory.asking);
    ck_assert(asking_is_urgent(&asker.memory.asking, &asker.config, asker.now_ms));
    asker_look(&asker);
    ck_assert(!asking_is_urgent(&asker.memory.asking, &asker.config, asker.now_ms));
    ck_assert(asking_is_unfinished(&asker.memory.asking, &asker.config, asker.now_ms));
    asker_look(&asker);
    ck_assert(!asking_is_unfinished(&asker.memory.asking, &asker.config, asker.now_ms));
    asker_look_times(&asker, 3);
    ck_assert_str_eq(asker.asked, "LTTLLT");
}
END_TEST

/* As while a server stays full, and each look at it wants the question twice. */
START_TEST(however_much_is_wanted_the_endpoint_has_its_turn) {
    struct asker asker = asker_arrived();
    for (int i = 0; i < 11; i++) {
        asking_want_twice(&asker.memory.asking);
        asker_look(&asker);
    }
    ck_assert_str_eq(asker.asked, "TTLTTTTLTTT"); /* after the two questions of its arrival */
}
END_TEST

START_TEST(what_an_older_bugsink_is_asked_instead_is_asked_once) {
    struct asker asker = asker_new();
    asker.answers[QUESTION_TOKEN] = asker_answer(ANSWER_ABSENT);
    asker_look_times(&asker, 6);
    int asked = asker_count(asker.asked, 'P');
    asking_want_twice(&asker.memory.asking);
    asker_look_times(&asker, 6);
    ck_assert_int_eq(asker_count(asker.asked, 'P'), asked + 1); /* it leaves a traceback */
}
END_TEST

/* Nothing is asked of a Bugsink whose endpoint fails, and nothing hurries it. */
START_TEST(what_fails_without_its_database_is_not_asked) {
    static const enum reason FAULTS[] = {REASON_APP_ERROR, REASON_HOST_REJECTED, REASON_NOT_FOUND,
        REASON_REDIRECTED, REASON_IDENTITY, REASON_THROTTLED, REASON_REFUSED, REASON_TIMEOUT};
    struct asker asker = asker_new();
    asker.ready.reason = FAULTS[_i];
    asker.ready.phase = PHASE_READ;
    asker_look_times(&asker, 10);
    ck_assert_str_eq(asker.asked, "LLLLLLLLLL");
    ck_assert(!asking_is_urgent(&asker.memory.asking, &asker.config, asker.now_ms));
    asker.ready.reason = REASON_OK;
    asker_look_times(&asker, 3);
    ck_assert_str_eq(asker.asked, "LLLLLLLLLLLTP");
}
END_TEST

START_TEST(an_older_bugsink_is_not_asked_again_until_it_arrives_anew) {
    struct asker asker = asker_new();
    asker.answers[QUESTION_TOKEN] = asker_answer(ANSWER_ABSENT);
    asker.answers[QUESTION_PROJECT] = asker_answer(ANSWER_ABSENT);
    asker_look_times(&asker, 50);
    ck_assert_int_eq(asker_count(asker.asked, 'T'), 1);
    ck_assert_int_eq(asker_count(asker.asked, 'P'), 1);
    asker_expect(&asker, STATUS_OK, REASON_OK);
    asking_want(&asker.memory.asking, QUESTION_TOKEN);
    asker_look_times(&asker, 3);
    ck_assert_int_eq(asker_count(asker.asked, 'T'), 1);
    asker.ready.reason = REASON_REFUSED; /* restarted, and newer */
    asker_look(&asker);
    asker.ready.reason = REASON_OK;
    asker.answers[QUESTION_TOKEN] = asker_answer(ANSWER_FAILS);
    asker.asked[0] = '\0';
    asker_look_times(&asker, 2);
    ck_assert_str_eq(asker.asked, "LT");
    asker_expect(&asker, STATUS_ERROR, REASON_APP_DATABASE);
}
END_TEST

START_TEST(an_older_bugsink_is_asked_of_events_when_its_databases_change) {
    struct asker asker = asker_new();
    asker.answers[QUESTION_TOKEN] = asker_answer(ANSWER_ABSENT);
    asker_look_times(&asker, 50);
    ck_assert_int_eq(asker_count(asker.asked, 'T'), 1);
    ck_assert_int_eq(asker_count(asker.asked, 'P'), 1);
    asker.answers[QUESTION_PROJECT] = asker_answer(ANSWER_FAILS);
    asking_want(&asker.memory.asking, QUESTION_TOKEN);
    ck_assert(asking_is_urgent(&asker.memory.asking, &asker.config, asker.now_ms));
    asker_look(&asker);
    asker_expect(&asker, STATUS_ERROR, REASON_APP_DATABASE);
    ck_assert_int_eq(asker_count(asker.asked, 'T'), 1);
    asker.answers[QUESTION_PROJECT] = asker_answer(ANSWER_WELL);
    asker_look_times(&asker, 2);
    asker_expect(&asker, STATUS_OK, REASON_OK);
    int asked = asker_count(asker.asked, 'P');
    asker_look_times(&asker, 50);
    ck_assert_int_eq(asker_count(asker.asked, 'P'), asked);
}
END_TEST

Suite *asking_suite(void) {
    Suite *suite = suite_create("asking");
    TCase *tcase = tcase_create("asking");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(
        tcase, an_arrival_is_asked_both_at_once_and_then_every_third_look_is_the_token_question, 0, 3);
    tcase_add_test(tcase, an_hour_costs_no_look_more_and_the_project_question_is_asked_hourly);
    tcase_add_test(tcase, where_the_interval_is_longer_every_other_look_is_one_at_the_endpoint);
    tcase_add_test(tcase, turned_off_nothing_is_asked);
    tcase_add_loop_test(tcase,
        what_would_be_made_by_a_question_is_not_asked_for_and_what_was_wanted_is_asked_afterwards, 0, 2);
    tcase_add_test(tcase, an_arrival_does_not_make_what_is_missing_either);
    tcase_add_test(tcase, a_change_of_the_database_is_asked_after_at_the_next_look);
    tcase_add_test(tcase, what_is_wanted_twice_is_asked_again_soon_and_then_as_ever);
    tcase_add_test(tcase, however_much_is_wanted_the_endpoint_has_its_turn);
    tcase_add_test(tcase, what_an_older_bugsink_is_asked_instead_is_asked_once);
    tcase_add_loop_test(tcase, what_fails_without_its_database_is_not_asked, 0, 8);
    tcase_add_test(tcase, an_older_bugsink_is_asked_of_events_when_its_databases_change);
    tcase_add_test(tcase, an_older_bugsink_is_not_asked_again_until_it_arrives_anew);
    return suite;
}
