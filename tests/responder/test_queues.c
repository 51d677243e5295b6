/* Tests of the connections' queues. */
#include "responder/queues.h"

#include <check.h>

START_TEST(free_places_are_used_last_in_first_out) {
    struct queues queues;
    struct place places[3];
    queues_init(&queues);
    ck_assert_ptr_null(queues_free_place(&queues));
    ck_assert_ptr_null(queues_oldest(&queues));
    for (int i = 0; i < 3; i++)
        queues_add(&queues, &places[i]);
    ck_assert_ptr_eq(queues_free_place(&queues), &places[2]);
    queues_move(&queues, &places[2], CONNECTION_READING, 10);
    ck_assert_ptr_eq(queues_free_place(&queues), &places[1]);
    queues_move(&queues, &places[2], CONNECTION_FREE, 0);
    ck_assert_ptr_eq(queues_free_place(&queues), &places[2]);
}
END_TEST

START_TEST(the_oldest_lingers_else_is_idle_else_reads_else_writes) {
    struct queues queues;
    struct place places[5];
    queues_init(&queues);
    for (int i = 0; i < 5; i++)
        queues_add(&queues, &places[i]);
    queues_move(&queues, &places[0], CONNECTION_WRITING, 1);
    ck_assert_ptr_eq(queues_oldest(&queues), &places[0]);
    queues_move(&queues, &places[1], CONNECTION_READING, 2);
    queues_move(&queues, &places[2], CONNECTION_READING, 3);
    ck_assert_ptr_eq(queues_oldest(&queues), &places[1]);
    queues_move(
        &queues, &places[1], CONNECTION_READING, 4); /* it has got an answer: now the other is older */
    ck_assert_ptr_eq(queues_oldest(&queues), &places[2]);
    queues_move(&queues, &places[4], CONNECTION_IDLE, 60);
    ck_assert_ptr_eq(queues_oldest(&queues), &places[4]);
    queues_move(&queues, &places[3], CONNECTION_LINGERING, 9);
    ck_assert_ptr_eq(queues_oldest(&queues), &places[3]);
}
END_TEST

START_TEST(the_earliest_deadline_is_found_across_states) {
    struct queues queues;
    struct place places[3];
    queues_init(&queues);
    ck_assert(queues_next_deadline_ms(&queues) == INT64_MAX);
    for (int i = 0; i < 3; i++)
        queues_add(&queues, &places[i]);
    queues_move(&queues, &places[0], CONNECTION_READING, 50);
    queues_move(&queues, &places[1], CONNECTION_READING, 60);
    queues_move(&queues, &places[2], CONNECTION_LINGERING, 40);
    ck_assert_int_eq(queues_next_deadline_ms(&queues), 40);
    ck_assert_ptr_null(queues_expired(&queues, 39));
    ck_assert_ptr_eq(queues_expired(&queues, 40), &places[2]);
    queues_move(&queues, &places[2], CONNECTION_FREE, 0);
    ck_assert_ptr_eq(queues_expired(&queues, 55), &places[0]);
    queues_move(&queues, &places[0], CONNECTION_FREE, 0);
    ck_assert_ptr_null(queues_expired(&queues, 55));
    ck_assert_int_eq(queues_next_deadline_ms(&queues), 60);
}
END_TEST

START_TEST(those_in_use_are_counted) {
    struct queues queues;
    struct place places[4];
    queues_init(&queues);
    for (int i = 0; i < 4; i++)
        queues_add(&queues, &places[i]);
    ck_assert_uint_eq(queues_in_use(&queues), 0);
    queues_move(&queues, &places[0], CONNECTION_READING, 1);
    queues_move(&queues, &places[1], CONNECTION_WRITING, 1);
    queues_move(&queues, &places[2], CONNECTION_LINGERING, 1);
    queues_move(&queues, &places[3], CONNECTION_LINGERING, 1);
    ck_assert_uint_eq(queues_in_use(&queues), 4);
    queues_move(&queues, &places[2], CONNECTION_FREE, 0);
    ck_assert_uint_eq(queues_in_use(&queues), 3);
}
END_TEST

Suite *queues_suite(void) {
    Suite *suite = suite_create("queues");
    TCase *tcase = tcase_create("queues");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, free_places_are_used_last_in_first_out);
    tcase_add_test(tcase, the_oldest_lingers_else_is_idle_else_reads_else_writes);
    tcase_add_test(tcase, the_earliest_deadline_is_found_across_states);
    tcase_add_test(tcase, those_in_use_are_counted);
    return suite;
}
