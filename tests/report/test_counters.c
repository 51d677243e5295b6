/* Tests of the counters of a check. */
#include "report/counters.h"

#include <check.h>

static uint64_t sum_of_buckets(const struct counters *counters) {
    uint64_t sum = 0;
    for (int i = 0; i < COUNTERS_BUCKETS; i++)
        sum += counters->buckets[i];
    return sum;
}

START_TEST(a_run_falls_into_the_bucket_whose_bound_it_reaches) {
    static const struct {
        int64_t duration_ms;
        int bucket;
    } ROWS[] = {{-5, 0}, {0, 0}, {5, 0}, {6, 1}, {10, 1}, {11, 2}, {25, 2}, {50, 3}, {100, 4}, {250, 5},
        {251, 6}, {500, 6}, {501, 7}, {1500, 7}, {1501, 8}, {3500, 8}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct counters counters = {0};
        counters_note(&counters, STATUS_OK, REASON_OK, ROWS[i].duration_ms);
        ck_assert_msg(counters.buckets[ROWS[i].bucket] == 1, "row %zu", i);
        ck_assert_uint_eq(sum_of_buckets(&counters), 1);
        ck_assert_uint_eq(counters.runs, 1);
    }
}
END_TEST

START_TEST(what_takes_longer_than_all_bounds_counts_as_a_run) {
    struct counters counters = {0};
    counters_note(&counters, STATUS_OK, REASON_OK, 60501);
    counters_note(&counters, STATUS_OK, REASON_OK, 4);
    counters_note(&counters, STATUS_OK, REASON_OK, -1);
    ck_assert_uint_eq(counters.runs, 3);
    ck_assert_uint_eq(counters.duration_ms, 60505);
    ck_assert_uint_eq(sum_of_buckets(&counters), 2);
}
END_TEST

START_TEST(bounds_grow_and_none_is_a_whole_second) {
    for (int i = 0; i < COUNTERS_BUCKETS; i++) {
        ck_assert_int_ne(counters_bound_ms(i) % 1000, 0);
        ck_assert(i == 0 || counters_bound_ms(i) > counters_bound_ms(i - 1));
    }
}
END_TEST

START_TEST(a_change_of_status_is_a_transition_and_the_first_run_and_another_code_are_none) {
    struct counters counters = {0};
    counters_note(&counters, STATUS_ERROR, REASON_REFUSED, 1);
    counters_note(&counters, STATUS_ERROR, REASON_TIMEOUT, 1);
    ck_assert_uint_eq(counters.transitions, 0);
    counters_note(&counters, STATUS_OK, REASON_OK, 1);
    counters_note(&counters, STATUS_OK, REASON_REPLACED, 1);
    ck_assert_uint_eq(counters.transitions, 1);
    counters_note(&counters, STATUS_DEGRADED, REASON_SLOW, 1);
    counters_note(&counters, STATUS_ERROR, REASON_SLOW, 1);
    ck_assert_uint_eq(counters.transitions, 3);
}
END_TEST

START_TEST(what_is_not_ok_is_counted_by_its_code) {
    struct counters counters = {0};
    counters_note(&counters, STATUS_OK, REASON_REPLACED, 1);
    counters_note(&counters, STATUS_DEGRADED, REASON_LOCKED, 1);
    counters_note(&counters, STATUS_ERROR, REASON_LOCKED, 1);
    counters_note(&counters, STATUS_ERROR, REASON_COUNT - 1, 1);
    for (int reason = 0; reason < REASON_COUNT; reason++) {
        uint64_t expected = reason == REASON_LOCKED ? 2 : reason == REASON_COUNT - 1 ? 1 : 0;
        ck_assert_msg(counters.failures[reason] == expected, "%d", reason);
    }
}
END_TEST

START_TEST(it_takes_less_than_a_kilobyte_a_check) {
    ck_assert_uint_le(sizeof(struct counters), 1024);
}
END_TEST

Suite *counters_suite(void) {
    Suite *suite = suite_create("counters");
    TCase *tcase = tcase_create("counters");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_run_falls_into_the_bucket_whose_bound_it_reaches);
    tcase_add_test(tcase, what_takes_longer_than_all_bounds_counts_as_a_run);
    tcase_add_test(tcase, bounds_grow_and_none_is_a_whole_second);
    tcase_add_test(tcase, a_change_of_status_is_a_transition_and_the_first_run_and_another_code_are_none);
    tcase_add_test(tcase, what_is_not_ok_is_counted_by_its_code);
    tcase_add_test(tcase, it_takes_less_than_a_kilobyte_a_check);
    return suite;
}
