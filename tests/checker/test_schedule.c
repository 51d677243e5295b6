/* Tests of the schedule, in virtual time: when the next look is due. */
#include "checker/judged.h"
#include "checker/schedule.h"

#include <check.h>

START_TEST(while_well_runs_start_one_interval_apart_less_a_jitter) {
    struct judged world = judged_new();
    judged_find(&world, REASON_OK);
    judged_find(&world, REASON_OK);
    ck_assert_int_eq(judged_delay(&world, 20, 0), 4980);
    for (uint32_t random = 0; random < 5000; random++) {
        ck_assert_int_le(judged_delay(&world, 0, random), 5000);
        ck_assert_int_gt(judged_delay(&world, 0, random), 4500);
    }
    ck_assert_int_ne(judged_delay(&world, 0, 1), judged_delay(&world, 0, 1000));
    ck_assert_int_eq(judged_delay(&world, 9999, 0), 0);
}
END_TEST

START_TEST(the_first_pause_when_it_is_well_may_be_a_quarter_of_the_interval) {
    struct judged world = judged_new();
    judged_find(&world, REASON_OK);
    ck_assert_int_eq(judged_delay(&world, 0, 0), 5000);
    ck_assert_int_lt(judged_delay(&world, 0, 1023), 1300);
    ck_assert_int_ge(judged_delay(&world, 0, 1023), 1250);
    judged_find(&world, REASON_OK);
    ck_assert_int_gt(judged_delay(&world, 0, 1023), 4500);
    judged_find(&world, REASON_REFUSED);
    judged_find(&world, REASON_OK);
    ck_assert_int_lt(judged_delay(&world, 0, 1023), 1300);
}
END_TEST

START_TEST(settings_are_looked_at_so_early_that_a_fault_shows_within_the_interval) {
    struct judged world = judged_new();
    world.config.kind = KIND_SETTINGS;
    world.config.settings.format = SETTINGS_PYTHON;
    judged_find(&world, REASON_OK);
    ck_assert_int_eq(check_config_patience_ms(&world.config), 2000);
    ck_assert_int_eq(judged_delay(&world, 0, 0), 3000);
    world.config.timeout_ms = 500; /* what a look does not wait itself, policy does */
    ck_assert_int_eq(judged_delay(&world, 0, 0), 3000);
    world.config.settings.format = SETTINGS_ENVIRONMENT;
    ck_assert_int_eq(judged_delay(&world, 0, 0), 5000);
}
END_TEST

START_TEST(few_checks_begin_at_once_and_many_apart) {
    static const size_t counts[] = {1, 16, 17, 500, 4000};
    struct judged world = judged_new();
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        int64_t last_ms = 0;
        for (size_t index = 0; index < counts[i]; index++) {
            int64_t first_ms = schedule_first_ms(&world.config, index, counts[i]);
            ck_assert_int_ge(first_ms, last_ms);
            ck_assert_int_le(first_ms - last_ms, 8);
            ck_assert_int_lt(first_ms, world.config.interval_ms);
            last_ms = first_ms;
        }
        ck_assert_int_eq(last_ms > 0, counts[i] > 17);
    }
    ck_assert_int_gt(schedule_first_ms(&world.config, 499, 500), 3000);
}
END_TEST

START_TEST(while_failing_the_next_look_is_one_retry_interval_away_and_up_to_two_fifths_more) {
    struct judged world = judged_new();
    judged_find(&world, REASON_REFUSED);
    ck_assert_int_eq(judged_delay(&world, 3000, 0), 1000);
    for (uint32_t random = 0; random < 5000; random++) {
        ck_assert_int_ge(judged_delay(&world, 3000, random), 1000);
        ck_assert_int_lt(judged_delay(&world, 3000, random), 1400);
    }
    ck_assert_int_gt(judged_delay(&world, 3000, 1023), 1390);
    judged_find(&world, REASON_DISK_LOW); /* no outage: no hurry */
    ck_assert_int_gt(judged_delay(&world, 0, 0), 4000);
}
END_TEST

START_TEST(where_packets_are_lost_the_retry_interval_counts_from_start_to_start) {
    struct judged world = judged_new();
    judged_find_in_phase(&world, REASON_TIMEOUT, PHASE_CONNECT);
    ck_assert_int_eq(judged_delay(&world, 2850, 77), 0);
    ck_assert_int_eq(judged_delay(&world, 400, 77), 600);
    judged_find_in_phase(
        &world, REASON_TIMEOUT, PHASE_AUTH); /* it has reached the server, which may need the pause */
    ck_assert_int_eq(judged_delay(&world, 2850, 0), 1000);
}
END_TEST

START_TEST(refusals_slow_the_looking_down_to_half_a_minute) {
    struct judged world = judged_new();
    const int64_t expected[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        judged_find(&world, REASON_AUTH_FAILED);
        ck_assert_int_eq(judged_delay(&world, 10, 5), expected[i]);
    }
    judged_find(&world, REASON_OK);
    judged_find(&world, REASON_AUTH_FAILED);
    ck_assert_int_eq(judged_delay(&world, 10, 5), 1000);
    world.config.interval_ms = 60000;
    for (int i = 0; i < 10; i++)
        judged_find(&world, REASON_AUTH_FAILED);
    ck_assert_int_eq(judged_delay(&world, 10, 5), 60000);
}
END_TEST

Suite *schedule_suite(void) {
    Suite *suite = suite_create("schedule");
    TCase *tcase = tcase_create("schedule");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, while_well_runs_start_one_interval_apart_less_a_jitter);
    tcase_add_test(tcase, settings_are_looked_at_so_early_that_a_fault_shows_within_the_interval);
    tcase_add_test(tcase, few_checks_begin_at_once_and_many_apart);
    tcase_add_test(tcase, the_first_pause_when_it_is_well_may_be_a_quarter_of_the_interval);
    tcase_add_test(tcase, while_failing_the_next_look_is_one_retry_interval_away_and_up_to_two_fifths_more);
    tcase_add_test(tcase, where_packets_are_lost_the_retry_interval_counts_from_start_to_start);
    tcase_add_test(tcase, refusals_slow_the_looking_down_to_half_a_minute);
    return suite;
}
