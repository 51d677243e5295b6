/* Tests of policy on the write lock of a SQLite database, in virtual time: who stays, and who merely passes.
 */
#include "checker/judged.h"

#include <check.h>

enum { INTERVAL_MS = 5000, LATENCY_MS = 500 };

/* A look that ends now, at which that writer held the lock from first to last. */
static void find_writer(struct judged *world, enum reason reason, uint64_t writer) {
    const struct outcome outcome = {.reason = reason, .identity.writer = writer};
    judged_judge(world, &outcome, LATENCY_MS, NULL);
}

static int64_t held_s(const struct judged *world) {
    int64_t held_s;
    return observed_get(&world->memory.observed, OBSERVED_WRITE_LOCK_S, &held_s) ? held_s : -1;
}

START_TEST(a_writer_that_stays_is_locked_at_the_second_look_and_an_error_within_fifteen_seconds) {
    struct judged world = judged_new();
    find_writer(&world, REASON_OK, 0);
    int64_t locked_ms = world.now_ms; /* right after that look */
    world.now_ms += INTERVAL_MS + LATENCY_MS;
    find_writer(&world, REASON_OK, 7);
    judged_expect(&world, STATUS_OK, REASON_OK);
    ck_assert_int_eq(held_s(&world), -1);
    world.now_ms += INTERVAL_MS;
    find_writer(&world, REASON_OK, 7);
    judged_expect(&world, STATUS_DEGRADED, REASON_LOCKED);
    ck_assert_int_eq(world.memory.phase, PHASE_LOCK);
    ck_assert_int_eq(held_s(&world), 8);
    while (world.memory.status != STATUS_ERROR) {
        world.now_ms += judged_delay(&world, LATENCY_MS, 1023) + LATENCY_MS;
        find_writer(&world, REASON_OK, 7);
        ck_assert_int_eq(world.memory.reason, REASON_LOCKED);
    }
    ck_assert_int_le(world.now_ms - locked_ms, 15000);
    ck_assert_int_ge(world.now_ms - locked_ms, 2 * INTERVAL_MS);
    find_writer(&world, REASON_OK, 0);
    judged_expect(&world, STATUS_OK, REASON_OK);
    ck_assert_int_eq(held_s(&world), -1);
}
END_TEST

/* The worst moment for whoever holds it: taken right before a look. */
START_TEST(it_is_no_error_before_django_gives_up) {
    struct judged world = judged_new();
    find_writer(&world, REASON_OK, 0);
    world.now_ms += INTERVAL_MS;
    int64_t locked_ms = world.now_ms - LATENCY_MS;
    for (; world.memory.status != STATUS_ERROR; world.now_ms += 100)
        find_writer(&world, REASON_OK, 7);
    ck_assert_int_ge(world.now_ms - locked_ms, 5000);
}
END_TEST

START_TEST(writers_that_take_turns_are_no_fault) {
    struct judged world = judged_new();
    for (uint64_t i = 0; i < 60; i++) {
        find_writer(&world, REASON_OK, 1 + i % 3);
        judged_expect(&world, STATUS_OK, REASON_OK);
        world.now_ms += 1000;
    }
}
END_TEST

START_TEST(one_that_was_away_between_two_looks_is_no_fault) {
    struct judged world = judged_new();
    for (int i = 0; i < 60; i++) {
        find_writer(&world, REASON_OK, i % 2 == 0 ? 7 : 0);
        judged_expect(&world, STATUS_OK, REASON_OK);
        world.now_ms += INTERVAL_MS;
    }
}
END_TEST

START_TEST(a_look_that_failed_before_it_saw_the_lock_says_nothing_of_it) {
    struct judged world = judged_new();
    find_writer(&world, REASON_OK, 7);
    world.now_ms += INTERVAL_MS;
    find_writer(&world, REASON_TIMEOUT, 0);
    judged_expect(&world, STATUS_ERROR, REASON_TIMEOUT);
    world.now_ms += INTERVAL_MS;
    find_writer(&world, REASON_OK, 7);
    judged_expect(&world, STATUS_ERROR, REASON_LOCKED);
}
END_TEST

START_TEST(an_error_outranks_the_lock_and_the_lock_what_is_merely_worth_knowing) {
    struct judged world = judged_new();
    find_writer(&world, REASON_OK, 7);
    find_writer(&world, REASON_BACKLOG, 7);
    judged_expect(&world, STATUS_DEGRADED, REASON_LOCKED);
    find_writer(&world, REASON_DISK_FULL, 7);
    judged_expect(&world, STATUS_ERROR, REASON_DISK_FULL);
}
END_TEST

/* Nothing can be read either: in rollback mode. */
START_TEST(one_that_keeps_readers_out_as_well_is_an_error_as_soon) {
    struct judged world = judged_new();
    find_writer(&world, REASON_OK, 0);
    int64_t locked_ms = world.now_ms;
    world.now_ms += INTERVAL_MS + LATENCY_MS;
    for (;;) {
        find_writer(&world, REASON_LOCKED, 7);
        if (world.memory.status == STATUS_ERROR)
            break;
        judged_expect(&world, STATUS_DEGRADED, REASON_LOCKED);
        world.now_ms += judged_delay(&world, LATENCY_MS, 1023) + LATENCY_MS;
    }
    ck_assert_int_le(world.now_ms - locked_ms, 15000);
}
END_TEST

START_TEST(what_is_mild_is_degraded_and_looked_at_at_the_usual_pace) {
    struct judged world = judged_new();
    struct outcome outcome = {.reason = REASON_READ_ONLY_DIR, .is_mild = true};
    judged_judge(&world, &outcome, 0, NULL);
    judged_expect(&world, STATUS_DEGRADED, REASON_READ_ONLY_DIR);
    ck_assert_int_eq(world.memory.retry, RETRY_NORMAL);
    outcome.is_mild = false;
    judged_judge(&world, &outcome, 0, NULL);
    judged_expect(&world, STATUS_ERROR, REASON_READ_ONLY_DIR);
}
END_TEST

/* A burst: each task is of the same second, and the worker takes one after the other. */
START_TEST(another_oldest_task_is_progress_however_old) {
    struct judged world = judged_new();
    for (uint64_t task = 1; task < 20; task++) {
        struct outcome outcome = {.reason = REASON_OK, .identity.task = task};
        observed_set(&outcome.observed, OBSERVED_OLDEST_TASK_AGE_S, (int64_t)task * 5);
        judged_judge(&world, &outcome, 0, NULL);
        ck_assert_int_eq(world.memory.progress_ms, world.now_ms);
        world.now_ms += INTERVAL_MS;
    }
}
END_TEST

Suite *policy_lock_suite(void) {
    Suite *suite = suite_create("policy_lock");
    TCase *tcase = tcase_create("policy_lock");
    suite_add_tcase(suite, tcase);
    tcase_add_test(
        tcase, a_writer_that_stays_is_locked_at_the_second_look_and_an_error_within_fifteen_seconds);
    tcase_add_test(tcase, it_is_no_error_before_django_gives_up);
    tcase_add_test(tcase, writers_that_take_turns_are_no_fault);
    tcase_add_test(tcase, one_that_was_away_between_two_looks_is_no_fault);
    tcase_add_test(tcase, a_look_that_failed_before_it_saw_the_lock_says_nothing_of_it);
    tcase_add_test(tcase, an_error_outranks_the_lock_and_the_lock_what_is_merely_worth_knowing);
    tcase_add_test(tcase, one_that_keeps_readers_out_as_well_is_an_error_as_soon);
    tcase_add_test(tcase, what_is_mild_is_degraded_and_looked_at_at_the_usual_pace);
    tcase_add_test(tcase, another_oldest_task_is_progress_however_old);
    return suite;
}
