/* Tests of the schedule in thousands of pods that look at one database server, in virtual time. */
#include "checker/fleet.h"

#include <check.h>

enum {
    MINUTE_MS = 60 * 1000,
    DOWN_MS = 2 * MINUTE_MS,
    UP_MS = 7 * MINUTE_MS,
    PROMISE_MS = 2000, /* within which recovery shows */
    ALL_MS = 5000      /* an interval: by then all have looked who wait for the next regular look */
};

/* What all connect at in each second when all is well. */
static double usual_rate(const struct fleet_log *log) {
    return fleet_mean(log, FLEET_END_MS - 2 * MINUTE_MS, FLEET_END_MS);
}

static struct fleet_log *run(const struct fleet_plan *plan) {
    static struct fleet_log log;
    ck_assert(fleet_run(plan, &log));
    ck_assert_double_gt(usual_rate(&log), FLEET_PODS / 5.0);
    ck_assert_double_lt(usual_rate(&log), FLEET_PODS / 4.5);
    return &log;
}

START_TEST(a_rollout_has_no_peak) {
    const struct fleet_plan plan = {.start_over_ms = MINUTE_MS};
    struct fleet_log *log = run(&plan);
    ck_assert_double_lt((double)fleet_peak(log, 0, FLEET_END_MS), 2 * usual_rate(log));
}
END_TEST

START_TEST(pods_that_start_at_one_moment_look_at_once_and_then_no_more_in_step) {
    const struct fleet_plan plan = {.start_over_ms = 0};
    struct fleet_log *log = run(&plan);
    ck_assert_int_ge(fleet_peak(log, 0, 1000), FLEET_PODS);
    ck_assert_double_lt((double)fleet_peak(log, 1000, FLEET_END_MS), 2 * usual_rate(log));
}
END_TEST

/* In the 2 s that are promised all must connect once: half of them a second, if they were spread evenly. */
static void expect_recovery(const struct fleet_log *log) {
    ck_assert_double_lt((double)fleet_peak(log, UP_MS, UP_MS + PROMISE_MS), 2 * FLEET_PODS / 2.0);
    ck_assert_double_lt((double)fleet_peak(log, UP_MS + PROMISE_MS, FLEET_END_MS), 2 * usual_rate(log));
    ck_assert_int_lt(log->recovered_ms, PROMISE_MS);
}

START_TEST(recovery_from_an_outage_of_five_minutes_does_not_strike_together) {
    const struct fleet_plan plan = {MINUTE_MS, DOWN_MS, UP_MS, REASON_REFUSED};
    struct fleet_log *log = run(&plan);
    ck_assert_double_lt(
        (double)fleet_peak(log, DOWN_MS, UP_MS), 2 * fleet_mean(log, DOWN_MS + ALL_MS, UP_MS));
    expect_recovery(log);
}
END_TEST

START_TEST(pods_that_started_at_one_moment_before_their_server_do_not_meet_it_together) {
    const struct fleet_plan plan = {0, 0, UP_MS, REASON_REFUSED};
    expect_recovery(run(&plan));
}
END_TEST

START_TEST(after_a_server_that_hung_pods_are_not_in_step) {
    const struct fleet_plan plan = {MINUTE_MS, DOWN_MS, UP_MS, REASON_TIMEOUT};
    struct fleet_log *log = run(&plan);
    ck_assert_double_lt((double)fleet_peak(log, UP_MS + ALL_MS, FLEET_END_MS), 2 * usual_rate(log));
}
END_TEST

Suite *fleet_suite(void) {
    Suite *suite = suite_create("fleet");
    TCase *tcase = tcase_create("fleet");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_rollout_has_no_peak);
    tcase_add_test(tcase, pods_that_start_at_one_moment_look_at_once_and_then_no_more_in_step);
    tcase_add_test(tcase, recovery_from_an_outage_of_five_minutes_does_not_strike_together);
    tcase_add_test(tcase, pods_that_started_at_one_moment_before_their_server_do_not_meet_it_together);
    tcase_add_test(tcase, after_a_server_that_hung_pods_are_not_in_step);
    return suite;
}
