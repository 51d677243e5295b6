/* Tests of policy, in virtual time: settings that change, and those that are just being replaced. */
#include "checker/judged.h"

#include <check.h>

/* -- settings that change -- */

enum { NO_APP = -1 };

/* arrivals: how often Bugsink has arrived; 0: it is not up. */
static void find_settings(struct judged *world, uint64_t content, int64_t arrivals) {
    enum { LATENCY_MS = 2000 }; /* the wait for a swap is no slowness */
    const struct outcome outcome = {
        .reason = content == 0 ? REASON_FILE_MISSING : REASON_OK, .identity = {.content = content}};
    const struct surroundings around = {
        .has_app = arrivals != NO_APP, .is_app_up = arrivals > 0, .app_arrivals = arrivals};
    judged_judge(world, &outcome, LATENCY_MS, &around);
    world->now_ms += 5000;
}

static struct judged settings_new(void) {
    struct judged world = judged_new();
    world.config.kind = KIND_SETTINGS;
    world.config.settings.format = SETTINGS_PYTHON;
    return world;
}

START_TEST(settings_that_change_after_our_own_first_look_are_degraded_where_nobody_asks_bugsink) {
    struct judged world = settings_new();
    find_settings(&world, 0, NO_APP);
    judged_expect(&world, STATUS_ERROR, REASON_FILE_MISSING);
    find_settings(&world, 7, NO_APP);
    find_settings(&world, 7, NO_APP);
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 8, NO_APP);
    judged_expect(&world, STATUS_DEGRADED, REASON_CHANGED);
    find_settings(&world, 0, NO_APP);
    find_settings(&world, 8, NO_APP);
    judged_expect(&world, STATUS_DEGRADED, REASON_CHANGED);
    find_settings(&world, 7, NO_APP); /* put back */
    judged_expect(&world, STATUS_OK, REASON_OK);
}
END_TEST

START_TEST(settings_may_change_until_bugsink_answers_first) {
    struct judged world = settings_new();
    find_settings(&world, 7, 0);
    find_settings(&world, 8, 0);
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 9, 1); /* edited, and then started, since the last look: Bugsink has read 9 */
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 8, 1);
    judged_expect(&world, STATUS_DEGRADED, REASON_CHANGED);
    world = settings_new();
    find_settings(&world, 7, 1); /* answered before our first look */
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 8, 1);
    judged_expect(&world, STATUS_DEGRADED, REASON_CHANGED);
}
END_TEST

START_TEST(a_restart_of_bugsink_makes_changed_settings_the_ones_it_has_read) {
    struct judged world = settings_new();
    find_settings(&world, 7, 1);
    find_settings(&world, 8, 1);
    judged_expect(&world, STATUS_DEGRADED, REASON_CHANGED);
    find_settings(&world, 8, 0); /* it is down */
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 8, 2);
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 9, 2);
    judged_expect(&world, STATUS_DEGRADED, REASON_CHANGED);
    find_settings(&world, 9, 3); /* so short a restart that no look fell into it */
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 9, 0);  /* down, */
    find_settings(&world, 10, 4); /* edited and started between two looks */
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 11, 5); /* edited and restarted between two looks */
    judged_expect(&world, STATUS_OK, REASON_OK);
}
END_TEST

/* -- settings that are just being replaced -- */

static const enum reason PASSING[] = {REASON_FILE_MISSING, REASON_NOT_A_FILE, REASON_PERMISSION, REASON_EMPTY,
    REASON_ENCODING, REASON_PARSE_ERROR, REASON_MISSING_SETTING, REASON_INVALID_SETTING};

static bool find_after(struct judged *world, enum reason reason, int64_t latency_ms) {
    const struct observed nothing = {0};
    world->now_ms += latency_ms;
    return judged_find_observed(world, reason, &nothing, latency_ms);
}

START_TEST(a_swap_of_the_settings_leaves_the_last_good_result_standing) {
    struct judged world = settings_new();
    world.config.timeout_ms = 300;
    for (int swap = 0; swap < 3; swap++) {
        find_after(&world, REASON_OK, 10);
        struct check_memory good = world.memory;
        int64_t begin_ms = world.now_ms;
        while (world.now_ms + 200 < begin_ms + 2000) {
            ck_assert(!find_after(&world, PASSING[_i], 200));
            judged_expect(&world, STATUS_OK, REASON_OK);
            ck_assert_int_eq(world.memory.checked_wall_ms, good.checked_wall_ms);
            ck_assert_int_eq(world.memory.consecutive_failures, 0);
            int64_t delay_ms = judged_delay(&world, 200, 77);
            ck_assert_int_le(delay_ms, world.config.retry_interval_ms);
            world.now_ms += delay_ms;
        }
    }
}
END_TEST

START_TEST(settings_that_look_wrong_for_two_seconds_are) {
    struct judged world = settings_new();
    world.config.timeout_ms = 300;
    world.config.retry_interval_ms = 5000; /* does not put it off */
    find_after(&world, REASON_OK, 10);
    int64_t begin_ms = world.now_ms;
    find_after(&world, PASSING[_i], 200);
    judged_expect(&world, STATUS_OK, REASON_OK);
    ck_assert_int_eq(judged_delay(&world, 200, 77), 1800);
    world.now_ms += 1800;
    find_after(&world, PASSING[_i], 200);
    judged_expect(&world, STATUS_ERROR, PASSING[_i]);
    ck_assert_int_le(world.now_ms - begin_ms, 2200);
    find_after(&world, REASON_OK, 10);
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_after(&world, PASSING[_i], 2000); /* a look that has waited long enough itself */
    judged_expect(&world, STATUS_ERROR, PASSING[_i]);
}
END_TEST

START_TEST(what_no_swap_makes_shows_at_once) {
    static const enum reason LASTING[] = {REASON_TIMEOUT, REASON_IO_ERROR, REASON_TOO_LARGE, REASON_STUCK};
    for (size_t i = 0; i < sizeof LASTING / sizeof LASTING[0]; i++) {
        struct judged world = settings_new();
        find_after(&world, REASON_OK, 10);
        find_after(&world, LASTING[i], 10);
        judged_expect(&world, STATUS_ERROR, LASTING[i]);
    }
    struct judged world = settings_new();
    find_after(&world, REASON_FILE_MISSING, 10); /* nothing good is known yet */
    judged_expect(&world, STATUS_ERROR, REASON_FILE_MISSING);
    find_after(&world, REASON_OK, 10);
    world.config.settings.format = SETTINGS_ENVIRONMENT; /* no file */
    find_after(&world, REASON_MISSING_SETTING, 10);
    judged_expect(&world, STATUS_ERROR, REASON_MISSING_SETTING);
    world = judged_new();
    world.config.kind = KIND_SQLITE;
    find_after(&world, REASON_OK, 10);
    find_after(&world, REASON_FILE_MISSING, 10);
    judged_expect(&world, STATUS_ERROR, REASON_FILE_MISSING);
}
END_TEST

Suite *policy_settings_suite(void) {
    Suite *suite = suite_create("policy_settings");
    TCase *tcase = tcase_create("policy_settings");
    suite_add_tcase(suite, tcase);
    tcase_add_test(
        tcase, settings_that_change_after_our_own_first_look_are_degraded_where_nobody_asks_bugsink);
    tcase_add_test(tcase, settings_may_change_until_bugsink_answers_first);
    tcase_add_test(tcase, a_restart_of_bugsink_makes_changed_settings_the_ones_it_has_read);
    tcase_add_loop_test(tcase, a_swap_of_the_settings_leaves_the_last_good_result_standing, 0,
        sizeof PASSING / sizeof PASSING[0]);
    tcase_add_loop_test(
        tcase, settings_that_look_wrong_for_two_seconds_are, 0, sizeof PASSING / sizeof PASSING[0]);
    tcase_add_test(tcase, what_no_swap_makes_shows_at_once);
    return suite;
}
