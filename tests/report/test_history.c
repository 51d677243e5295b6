/* Tests of the ring of the last hour, with the time in hand. */
#include "report/history.h"

#include <check.h>
#include <string.h>

enum { MINUTE = HISTORY_SLOT_MS, NEWEST = HISTORY_SLOTS - 1, START = 1000 * MINUTE };

static const struct history_slot *newest(const struct history *history) {
    return history_slot(history, NEWEST);
}

static void assert_slot(
    const struct history *history, int index, enum status status, enum reason reason, int latency_ms) {
    const struct history_slot *slot = history_slot(history, index);
    ck_assert_msg(slot->status == status && slot->reason == reason && slot->latency_ms == latency_ms,
        "slot %d: %s %s %d", index, status_name((enum status)slot->status),
        reason_info((enum reason)slot->reason)->slug, slot->latency_ms);
}

static void assert_unknown(const struct history *history, int from, int to) {
    for (int i = from; i <= to; i++)
        assert_slot(history, i, STATUS_STARTING, REASON_STARTING, HISTORY_NO_RUN);
}

START_TEST(before_the_first_run_nothing_is_known) {
    struct history history;
    history_init(&history);
    assert_unknown(&history, 0, NEWEST);
    ck_assert_int_eq(history_age_ms(&history, 0), 0);
    history_advance(&history, START + 5);
    history_advance(&history, START + 3 * MINUTE);
    assert_unknown(&history, 0, NEWEST);
}
END_TEST

START_TEST(a_minute_remembers_its_worst_and_its_longest) {
    struct history history;
    history_init(&history);
    history_note(&history, START, STATUS_OK, REASON_OK, 5);
    assert_slot(&history, NEWEST, STATUS_OK, REASON_OK, 5);
    history_note(&history, START + 1, STATUS_DEGRADED, REASON_SLOW, 900);
    history_note(&history, START + 2, STATUS_ERROR, REASON_REFUSED, 1);
    history_note(&history, START + 3, STATUS_ERROR, REASON_TIMEOUT, 800); /* the first of the worst stays */
    history_note(&history, START + MINUTE - 1, STATUS_OK, REASON_OK, 4);
    assert_slot(&history, NEWEST, STATUS_ERROR, REASON_REFUSED, 900);
    assert_unknown(&history, 0, NEWEST - 1);
    history_note(&history, START + MINUTE, STATUS_OK, REASON_OK, 6);
    assert_slot(&history, NEWEST, STATUS_OK, REASON_OK, 6);
    assert_slot(&history, NEWEST - 1, STATUS_ERROR, REASON_REFUSED, 900);
}
END_TEST

START_TEST(a_minute_without_a_run_holds_what_was_known) {
    struct history history;
    history_init(&history);
    history_note(&history, START, STATUS_ERROR, REASON_REFUSED, 7);
    history_advance(&history, START + 3 * MINUTE + 2);
    for (int i = NEWEST - 2; i <= NEWEST; i++)
        assert_slot(&history, i, STATUS_ERROR, REASON_REFUSED, HISTORY_NO_RUN);
    assert_slot(&history, NEWEST - 3, STATUS_ERROR, REASON_REFUSED, 7);
    assert_unknown(&history, 0, NEWEST - 4);
    /* it was still so when this minute began */
    history_note(&history, START + 3 * MINUTE + 3, STATUS_OK, REASON_OK, 2);
    assert_slot(&history, NEWEST, STATUS_ERROR, REASON_REFUSED, 2);
    history_advance(&history, START + 4 * MINUTE);
    assert_slot(&history, NEWEST, STATUS_OK, REASON_OK, HISTORY_NO_RUN);
}
END_TEST

START_TEST(an_hour_is_all_that_is_kept) {
    struct history history;
    history_init(&history);
    for (int i = 0; i < 3 * HISTORY_SLOTS; i++)
        history_note(&history, START + i * (int64_t)MINUTE, STATUS_OK, REASON_OK, i);
    for (int i = 0; i < HISTORY_SLOTS; i++)
        assert_slot(&history, i, STATUS_OK, REASON_OK, 2 * HISTORY_SLOTS + i);
    /* a pause of hours */
    history_advance(&history, START + (int64_t)1000 * MINUTE);
    for (int i = 0; i < HISTORY_SLOTS; i++)
        assert_slot(&history, i, STATUS_OK, REASON_OK, HISTORY_NO_RUN);
    history_note(&history, START + (int64_t)1000 * MINUTE, STATUS_DEGRADED, REASON_DISK_LOW, 1);
    assert_slot(&history, NEWEST, STATUS_DEGRADED, REASON_DISK_LOW, 1);
    assert_slot(&history, 0, STATUS_OK, REASON_OK, HISTORY_NO_RUN);
}
END_TEST

START_TEST(slots_know_how_long_ago_they_began) {
    struct history history;
    history_init(&history);
    history_note(&history, START + 20000, STATUS_OK, REASON_OK, 1);
    ck_assert_int_eq(history_age_ms(&history, NEWEST), 20000);
    ck_assert_int_eq(history_age_ms(&history, NEWEST - 1), 20000 + MINUTE);
    ck_assert_int_eq(history_age_ms(&history, 0), 20000 + NEWEST * MINUTE);
    ck_assert_int_eq(history_age_ms(&history, HISTORY_SLOTS), 0);
}
END_TEST

START_TEST(the_first_minutes_of_a_machine_are_no_special_case) {
    struct history history;
    history_init(&history);
    history_note(&history, 0, STATUS_OK, REASON_OK, 1);
    history_note(&history, 2 * MINUTE, STATUS_ERROR, REASON_RESET, 2);
    assert_slot(&history, NEWEST, STATUS_ERROR, REASON_RESET, 2);
    assert_slot(&history, NEWEST - 1, STATUS_OK, REASON_OK, HISTORY_NO_RUN);
    assert_slot(&history, NEWEST - 2, STATUS_OK, REASON_OK, 1);
    assert_unknown(&history, 0, NEWEST - 3);
}
END_TEST

START_TEST(what_takes_very_long_is_cut_and_time_never_runs_back) {
    struct history history;
    history_init(&history);
    history_note(&history, START, STATUS_OK, REASON_OK, 10000000);
    ck_assert_int_eq(newest(&history)->latency_ms, HISTORY_LATENCY_MAX_MS);
    history_advance(&history, START - 5 * MINUTE);
    assert_slot(&history, NEWEST, STATUS_OK, REASON_OK, HISTORY_LATENCY_MAX_MS);
    ck_assert_int_eq(history_age_ms(&history, NEWEST), 0);
}
END_TEST

START_TEST(it_takes_some_hundred_bytes_a_check) {
    ck_assert_uint_eq(sizeof(struct history_slot), 4);
    ck_assert_uint_le(sizeof(struct history), 256);
}
END_TEST

Suite *history_suite(void) {
    Suite *suite = suite_create("history");
    TCase *tcase = tcase_create("history");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, before_the_first_run_nothing_is_known);
    tcase_add_test(tcase, a_minute_remembers_its_worst_and_its_longest);
    tcase_add_test(tcase, a_minute_without_a_run_holds_what_was_known);
    tcase_add_test(tcase, an_hour_is_all_that_is_kept);
    tcase_add_test(tcase, slots_know_how_long_ago_they_began);
    tcase_add_test(tcase, the_first_minutes_of_a_machine_are_no_special_case);
    tcase_add_test(tcase, what_takes_very_long_is_cut_and_time_never_runs_back);
    tcase_add_test(tcase, it_takes_some_hundred_bytes_a_check);
    return suite;
}
