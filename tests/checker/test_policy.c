/* Tests of policy, in virtual time: what outcomes become. */
#include "checker/judged.h"

#include <check.h>

START_TEST(a_check_is_starting_until_its_first_run_ends) {
    struct judged world = judged_new();
    judged_expect(&world, STATUS_STARTING, REASON_STARTING);
    ck_assert(judged_find(&world, REASON_OK));
    judged_expect(&world, STATUS_OK, REASON_OK);
    ck_assert(!judged_find(&world, REASON_OK));
}
END_TEST

START_TEST(every_reason_is_judged_as_its_row_says) {
    for (int i = 0; i < REASON_COUNT; i++) {
        enum reason reason = (enum reason)i;
        if (reason == REASON_LOCKED || reason == REASON_SLOW)
            continue; /* softened, or made by latency: tests of their own */
        struct judged world = judged_new();
        judged_find(&world, reason);
        judged_expect(&world, reason_info(reason)->verdict, reason);
    }
}
END_TEST

START_TEST(since_last_ok_and_failures_tell_the_story) {
    struct judged world = judged_new();
    judged_find(&world, REASON_OK);
    int64_t ok_ms = world.now_ms;
    for (int i = 1; i <= 3; i++) {
        world.now_ms += 1000;
        judged_find(&world, REASON_REFUSED);
        ck_assert_int_eq(world.memory.consecutive_failures, i);
    }
    ck_assert_int_eq(world.memory.last_ok_wall_ms, ok_ms);
    ck_assert_int_eq(world.memory.since_wall_ms, ok_ms + 1000);
    world.now_ms += 1000;
    judged_find(&world, REASON_TIMEOUT); /* another reason: a new since */
    ck_assert_int_eq(world.memory.since_wall_ms, world.now_ms);
    judged_find(&world, REASON_OK);
    ck_assert_int_eq(world.memory.consecutive_failures, 0);
}
END_TEST

START_TEST(a_slow_answer_is_degraded_and_a_slow_failure_stays_a_failure) {
    struct judged world = judged_new();
    const struct observed nothing = {0};
    judged_find_observed(&world, REASON_OK, &nothing, 1500);
    judged_expect(&world, STATUS_OK, REASON_OK);
    judged_find_observed(&world, REASON_OK, &nothing, 1501);
    judged_expect(&world, STATUS_DEGRADED, REASON_SLOW);
    judged_find_observed(&world, REASON_DISK_LOW, &nothing, 2000);
    judged_expect(&world, STATUS_DEGRADED, REASON_DISK_LOW);
    judged_find_observed(&world, REASON_REFUSED, &nothing, 2000);
    judged_expect(&world, STATUS_ERROR, REASON_REFUSED);
}
END_TEST

START_TEST(locked_is_degraded_for_two_intervals_then_an_error) {
    struct judged world = judged_new();
    judged_find(&world, REASON_OK);
    world.now_ms += 5000;
    int64_t first_ms = world.now_ms;
    while (world.now_ms - first_ms < 10000) {
        judged_find(&world, REASON_LOCKED);
        judged_expect(&world, STATUS_DEGRADED, REASON_LOCKED);
        world.now_ms += 1000;
    }
    ck_assert(judged_find(&world, REASON_LOCKED));
    judged_expect(&world, STATUS_ERROR, REASON_LOCKED);
    judged_find(&world, REASON_OK);
    world.now_ms += 5000;
    judged_find(&world, REASON_LOCKED);
    judged_expect(&world, STATUS_DEGRADED, REASON_LOCKED);
}
END_TEST

START_TEST(a_full_server_is_degraded_for_half_a_minute_after_a_good_run) {
    struct judged world = judged_new();
    judged_find(&world, REASON_TOO_MANY_CLIENTS);
    judged_expect(&world, STATUS_ERROR, REASON_TOO_MANY_CLIENTS); /* never was well */
    judged_find(&world, REASON_OK);
    world.now_ms += 30000;
    judged_find(&world, REASON_TOO_MANY_CLIENTS);
    judged_expect(&world, STATUS_DEGRADED, REASON_TOO_MANY_CLIENTS);
    world.now_ms += 1;
    judged_find(&world, REASON_TOO_MANY_CLIENTS);
    judged_expect(&world, STATUS_ERROR, REASON_TOO_MANY_CLIENTS);
}
END_TEST

/* What history softens to degraded is ready, and so no failure. */
START_TEST(softened_outcomes_are_no_failures) {
    struct judged world = judged_new();
    judged_find(&world, REASON_OK);
    for (int i = 0; i < 3; i++) {
        world.now_ms += 1000;
        judged_find(&world, REASON_TOO_MANY_CLIENTS);
        judged_expect(&world, STATUS_DEGRADED, REASON_TOO_MANY_CLIENTS);
        ck_assert_int_eq(world.memory.consecutive_failures, 0);
    }
    world.now_ms += POLICY_FULL_GRACE_MS;
    judged_find(&world, REASON_TOO_MANY_CLIENTS); /* nor does a softened one prolong the grace */
    judged_expect(&world, STATUS_ERROR, REASON_TOO_MANY_CLIENTS);
    ck_assert_int_eq(world.memory.consecutive_failures, 1);
    judged_find(&world, REASON_LOCKED);
    judged_expect(&world, STATUS_DEGRADED, REASON_LOCKED);
    ck_assert_int_eq(world.memory.consecutive_failures, 0);
}
END_TEST

START_TEST(questions_about_bugsink_are_mild_for_a_plain_database) {
    struct judged world = judged_new();
    world.config.database.role = ROLE_PLAIN;
    judged_find(&world, REASON_EMPTY);
    judged_expect(&world, STATUS_DEGRADED, REASON_EMPTY);
    judged_find(&world, REASON_CORRUPT);
    judged_expect(&world, STATUS_ERROR, REASON_CORRUPT);
}
END_TEST

static void find_backlog(struct judged *world, int64_t age_s) {
    struct observed observed = {0};
    observed_set(&observed, OBSERVED_OLDEST_TASK_AGE_S, age_s);
    judged_find_observed(world, REASON_BACKLOG, &observed, 10);
}

START_TEST(a_backlog_is_an_error_only_where_configured_and_only_without_progress) {
    struct judged world = judged_new();
    world.config.database.role = ROLE_QUEUE;
    for (int64_t age_s = 61; age_s < 1000; age_s += 5, world.now_ms += 5000)
        find_backlog(&world, age_s);
    judged_expect(&world, STATUS_DEGRADED, REASON_BACKLOG); /* not configured */

    world = judged_new();
    world.config.database.backlog_error_ms = 300000;
    for (int64_t age_s = 295; age_s <= 340; age_s += 5, world.now_ms += 5000)
        find_backlog(&world, age_s);
    judged_expect(&world, STATUS_DEGRADED, REASON_BACKLOG); /* old enough, but not yet watched for a minute */
    for (int64_t age_s = 345; age_s <= 360; age_s += 5, world.now_ms += 5000)
        find_backlog(&world, age_s);
    judged_expect(&world, STATUS_ERROR, REASON_BACKLOG);

    find_backlog(&world, 310); /* the oldest is gone: the worker works */
    judged_expect(&world, STATUS_DEGRADED, REASON_BACKLOG);
}
END_TEST

/* Looks that do not see the queue, each other one. */
static const enum reason BLIND[] = {REASON_TIMEOUT, REASON_LOCKED, REASON_INTERNAL};

START_TEST(a_look_that_does_not_see_the_queue_is_no_sign_of_progress) {
    struct judged world = judged_new();
    world.config.database.role = ROLE_QUEUE;
    world.config.database.backlog_error_ms = 300000;
    int64_t age_s = 295;
    for (; age_s <= 365; age_s += 5, world.now_ms += 5000)
        if (age_s % 10 == 0)
            judged_find(&world, BLIND[_i]);
        else
            find_backlog(&world, age_s);
    ck_assert_int_eq(world.memory.reason, REASON_BACKLOG);
    judged_expect(&world, STATUS_ERROR, REASON_BACKLOG);

    judged_find(&world, BLIND[_i]);
    world.now_ms += 60000;
    find_backlog(&world, age_s + 30); /* half as much older as time has passed: it moves */
    judged_expect(&world, STATUS_DEGRADED, REASON_BACKLOG);
}
END_TEST

START_TEST(an_empty_queue_is_progress) {
    struct judged world = judged_new();
    world.config.database.role = ROLE_QUEUE;
    world.config.database.backlog_error_ms = 300000;
    find_backlog(&world, 400);
    world.now_ms += 40000;
    struct observed empty = {0};
    observed_set(&empty, OBSERVED_TASKS, 0);
    judged_find_observed(&world, REASON_OK, &empty, 10);
    world.now_ms += 40000;
    find_backlog(&world, 480); /* as old as if nothing had moved, by a clock that was set */
    judged_expect(&world, STATUS_DEGRADED, REASON_BACKLOG);
    world.now_ms += 40000;
    find_backlog(&world, 520);
    judged_expect(&world, STATUS_DEGRADED, REASON_BACKLOG); /* not for a minute yet */
    world.now_ms += 40000;
    find_backlog(&world, 560);
    judged_expect(&world, STATUS_ERROR, REASON_BACKLOG);
}
END_TEST

/* -- files and directories -- */

static bool find_identity(struct judged *world, enum reason reason, uint64_t inode) {
    const struct outcome outcome = {.reason = reason, .identity = {.device = 1, .inode = inode}};
    return judged_judge(world, &outcome, 0, NULL);
}

START_TEST(a_replaced_file_is_noted_once_and_is_well) {
    struct judged world = judged_new();
    world.config.kind = KIND_SQLITE;
    find_identity(&world, REASON_OK, 7);
    judged_expect(&world, STATUS_OK, REASON_OK);
    ck_assert(find_identity(&world, REASON_OK, 8));
    judged_expect(&world, STATUS_OK, REASON_REPLACED);
    ck_assert_int_eq(world.memory.consecutive_failures, 0);
    ck_assert_int_eq(world.memory.last_ok_wall_ms, world.now_ms);
    find_identity(&world, REASON_OK, 8);
    judged_expect(&world, STATUS_OK, REASON_OK);
    /* gone, then back: the same file is the same, another is another */
    find_identity(&world, REASON_FILE_MISSING, 0);
    judged_expect(&world, STATUS_ERROR, REASON_FILE_MISSING);
    find_identity(&world, REASON_OK, 8);
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_identity(&world, REASON_FILE_MISSING, 0);
    find_identity(&world, REASON_UNMIGRATED, 9);
    judged_expect(&world, STATUS_ERROR, REASON_UNMIGRATED);
    find_identity(&world, REASON_OK, 9);
    judged_expect(&world, STATUS_OK, REASON_REPLACED);
}
END_TEST

START_TEST(a_directory_that_vanished_is_degraded_and_one_never_seen_is_well) {
    struct judged world = judged_new();
    world.config.kind = KIND_DIRECTORY;
    world.config.directory.role = DIRECTORY_SPOOL;
    find_identity(&world, REASON_OK, 0); /* Bugsink has not made it yet */
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_identity(&world, REASON_OK, 7);
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_identity(&world, REASON_OK, 0);
    judged_expect(&world, STATUS_DEGRADED, REASON_FILE_MISSING);
    find_identity(&world, REASON_DISK_LOW, 0);
    judged_expect(&world, STATUS_DEGRADED, REASON_FILE_MISSING);
    find_identity(&world, REASON_FILE_MISSING, 0); /* and now it cannot be made either */
    judged_expect(&world, STATUS_ERROR, REASON_FILE_MISSING);
    find_identity(&world, REASON_OK, 8);
    judged_expect(&world, STATUS_OK, REASON_REPLACED);
}
END_TEST

START_TEST(what_is_mild_for_a_plain_database_is_not_for_a_directory_or_settings) {
    struct judged world = judged_new();
    world.config.database.role = ROLE_PLAIN;
    world.config.kind = KIND_DIRECTORY;
    judged_find(&world, REASON_READ_ONLY_MOUNT);
    judged_expect(&world, STATUS_ERROR, REASON_READ_ONLY_MOUNT);
    world.config.kind = KIND_SETTINGS;
    judged_find(&world, REASON_EMPTY);
    judged_expect(&world, STATUS_ERROR, REASON_EMPTY);
}
END_TEST

static void find_call(struct judged *world, enum reason reason, int64_t age_s, int64_t oldest_task_s) {
    struct outcome outcome = {.reason = reason};
    if (age_s >= 0)
        observed_set(&outcome.observed, OBSERVED_WAKEUP_AGE_S, age_s);
    judged_judge(world, &outcome, 0,
        &(struct surroundings){.oldest_task_s = oldest_task_s, .no_progress_s = POLICY_WAKEUP_S + 1});
}

/* A burst leaves calls for a minute while the worker takes one task after the other. */
START_TEST(a_wakeup_call_is_not_stale_while_the_queue_makes_progress) {
    struct judged world = judged_new();
    struct outcome outcome = {.reason = REASON_OK};
    world.config.kind = KIND_DIRECTORY;
    observed_set(&outcome.observed, OBSERVED_WAKEUP_AGE_S, 60);
    for (int64_t still_s = 0; still_s <= POLICY_WAKEUP_S; still_s++) {
        judged_judge(
            &world, &outcome, 0, &(struct surroundings){.oldest_task_s = 60, .no_progress_s = still_s});
        judged_expect(&world, STATUS_OK, REASON_OK);
    }
}
END_TEST

START_TEST(a_wakeup_call_is_stale_after_ten_seconds_and_only_while_a_task_waits_as_long) {
    struct judged world = judged_new();
    world.config.kind = KIND_DIRECTORY;
    find_call(&world, REASON_OK, -1, 60);
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_call(&world, REASON_OK, 10, 60);
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_call(&world, REASON_OK, 3600, 0);
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_call(&world, REASON_OK, 3600, 10); /* a call of long ago, and a task that has just come */
    judged_expect(&world, STATUS_OK, REASON_OK);
    find_call(&world, REASON_OK, 11, 11);
    judged_expect(&world, STATUS_DEGRADED, REASON_STALE_WAKEUP);
    find_call(&world, REASON_DISK_LOW, 11, 11);
    judged_expect(&world, STATUS_DEGRADED, REASON_STALE_WAKEUP);
    find_call(&world, REASON_DISK_FULL, 11, 11);
    judged_expect(&world, STATUS_ERROR, REASON_DISK_FULL);
    find_call(&world, REASON_OK, 0, 11);
    judged_expect(&world, STATUS_OK, REASON_OK);
}
END_TEST

Suite *policy_suite(void) {
    Suite *suite = suite_create("policy");
    TCase *tcase = tcase_create("policy");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_check_is_starting_until_its_first_run_ends);
    tcase_add_test(tcase, every_reason_is_judged_as_its_row_says);
    tcase_add_test(tcase, since_last_ok_and_failures_tell_the_story);
    tcase_add_test(tcase, a_slow_answer_is_degraded_and_a_slow_failure_stays_a_failure);
    tcase_add_test(tcase, locked_is_degraded_for_two_intervals_then_an_error);
    tcase_add_test(tcase, a_full_server_is_degraded_for_half_a_minute_after_a_good_run);
    tcase_add_test(tcase, questions_about_bugsink_are_mild_for_a_plain_database);
    tcase_add_test(tcase, a_backlog_is_an_error_only_where_configured_and_only_without_progress);
    tcase_add_test(tcase, a_replaced_file_is_noted_once_and_is_well);
    tcase_add_test(tcase, a_directory_that_vanished_is_degraded_and_one_never_seen_is_well);
    tcase_add_test(tcase, what_is_mild_for_a_plain_database_is_not_for_a_directory_or_settings);
    tcase_add_test(tcase, a_wakeup_call_is_stale_after_ten_seconds_and_only_while_a_task_waits_as_long);
    tcase_add_test(tcase, a_wakeup_call_is_not_stale_while_the_queue_makes_progress);
    tcase_add_test(tcase, softened_outcomes_are_no_failures);
    tcase_add_loop_test(
        tcase, a_look_that_does_not_see_the_queue_is_no_sign_of_progress, 0, sizeof BLIND / sizeof BLIND[0]);
    tcase_add_test(tcase, an_empty_queue_is_progress);
    return suite;
}
