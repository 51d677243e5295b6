/* Tests of the gate: who may begin, who waits, in which order, and when the operator is told. */
#include "run/gate.h"

#include "run/phase_board.h"

#include "run/child_parts.h"

#include <check.h>
#include <string.h>

enum { SERVED = 4, CHILDREN = 8, WAITING = 6 };

/* Children that nobody forked, on a clock that the test turns. */
struct stage {
    struct clock clock;
    int64_t now_ms;
    struct timers timers;
    struct children children;
    struct gate gate;
    struct child workers[CHILDREN];
    struct turn turns[WAITING];
    int taken[WAITING], taken_count;
};

struct taking {
    struct stage *stage;
    int number;
} takings[WAITING];

static int64_t read_clock(void *arg) {
    return *(const int64_t *)arg;
}

/* As a run that begins: its worker is asked, and has said nothing. */
static void ask(struct stage *stage, int number) {
    stage->workers[number].is_done = stage->workers[number].is_heard = false;
    stage->workers[number].asked_ms = stage->now_ms;
}

static void on_taken(void *arg) {
    struct taking *taking = arg;
    struct stage *stage = taking->stage;
    stage->taken[stage->taken_count++] = taking->number;
    ask(stage, SERVED + stage->taken_count % SERVED);
}

static void stage_init(struct stage *stage) {
    memset(stage, 0, sizeof *stage);
    stage->now_ms = 1000000;
    stage->clock = (struct clock){read_clock, read_clock, &stage->now_ms};
    timers_init(&stage->timers, &stage->clock);
    children_init(&stage->children, NULL, &stage->timers);
    gate_init(&stage->gate, &stage->children, &stage->timers);
    for (int i = 0; i < CHILDREN; i++) {
        stage->workers[i].owner = &stage->children;
        stage->workers[i].page = PHASE_BOARD_NONE;
        stage->workers[i].is_worker = stage->workers[i].is_done = true;
        child_link(&stage->workers[i]);
    }
    for (int i = 0; i < WAITING; i++) {
        takings[i] = (struct taking){stage, i};
        turn_init(&stage->turns[i], on_taken, &takings[i]);
    }
}

static void turn_clock(struct stage *stage, int64_t ms) {
    for (int64_t i = 0; i < ms; i++) {
        stage->now_ms++;
        timers_run(&stage->timers);
    }
}

static void fill(struct stage *stage) {
    for (int i = 0; i < SERVED; i++) {
        ck_assert(gate_enter(&stage->gate, &stage->turns[0]));
        ask(stage, i);
    }
}

START_TEST(a_few_runs_begin_at_once_and_others_wait_until_those_are_heard_of) {
    struct stage stage;
    stage_init(&stage);
    fill(&stage);
    for (int i = 0; i < WAITING; i++)
        ck_assert(!gate_enter(&stage.gate, &stage.turns[i]));
    turn_clock(&stage, 500);
    ck_assert_int_eq(stage.taken_count, 0);
    stage.workers[1].is_heard = true; /* it says that it connects: it may do so for long */
    stage.workers[2].is_done = true;  /* it has answered */
    turn_clock(&stage, 10);
    ck_assert_int_eq(stage.taken_count, 2);
    ck_assert(stage.taken[0] == 0 && stage.taken[1] == 1);
}
END_TEST

START_TEST(who_comes_later_does_not_pass_who_waits) {
    struct stage stage;
    stage_init(&stage);
    fill(&stage);
    ck_assert(!gate_enter(&stage.gate, &stage.turns[0]));
    stage.workers[0].is_heard = stage.workers[1].is_heard = true;
    ck_assert(!gate_enter(&stage.gate, &stage.turns[1]));
    ck_assert(!gate_enter(&stage.gate, &stage.turns[1])); /* and waits once */
    turn_clock(&stage, 10);
    ck_assert_int_eq(stage.taken_count, 2);
    ck_assert(stage.taken[0] == 0 && stage.taken[1] == 1);
    ck_assert_int_eq(stage.turns[1].since_ms, 1000000);
}
END_TEST

START_TEST(workers_that_are_stopped_hold_nobody_up_for_long) {
    struct stage stage;
    stage_init(&stage);
    fill(&stage);
    ck_assert(!gate_enter(&stage.gate, &stage.turns[0]));
    turn_clock(&stage, CHILDREN_UNHEARD_MS + 10);
    ck_assert_int_eq(stage.taken_count, 1);
}
END_TEST

START_TEST(who_leaves_is_not_taken) {
    static const int LEAVERS[] = {0, 2, 5};
    struct stage stage;
    stage_init(&stage);
    gate_leave(&stage.gate, &stage.turns[0]); /* waits for nothing: nothing */
    fill(&stage);
    for (int i = 0; i < WAITING; i++)
        ck_assert(!gate_enter(&stage.gate, &stage.turns[i]));
    for (int i = 0; i < 3; i++)
        gate_leave(&stage.gate, &stage.turns[LEAVERS[i]]);
    ck_assert(!gate_enter(&stage.gate, &stage.turns[5]));
    for (int i = 0; i < SERVED; i++)
        stage.workers[i].is_done = true;
    turn_clock(&stage, 10);
    ck_assert_int_eq(stage.taken_count, 4);
    ck_assert(stage.taken[0] == 1 && stage.taken[1] == 3 && stage.taken[2] == 4 && stage.taken[3] == 5);
    ck_assert(!timer_is_armed(&stage.gate.look)); /* nobody waits: nothing wakes */
}
END_TEST

START_TEST(the_operator_is_told_once_and_only_of_what_lasts) {
    struct stage stage;
    stage_init(&stage);
    ck_assert(!gate_note(&stage.gate, GATE_DELAY_MS - 1));
    ck_assert_int_eq(stage.gate.delayed, 0);
    ck_assert(!gate_note(&stage.gate, GATE_LATE_MS - 1));
    ck_assert(!gate_note(&stage.gate, GATE_LATE_MS)); /* a start */
    ck_assert_int_eq(stage.gate.delayed, 2);
    stage.now_ms += GATE_SPELL_MS + 1;
    ck_assert(!gate_note(&stage.gate, GATE_LATE_MS)); /* another one */
    int told = 0;
    for (int64_t ms = 0; ms < GATE_SILENCE_MS; ms += 1000) {
        stage.now_ms += 1000;
        told += gate_note(&stage.gate, GATE_LATE_MS);
        ck_assert_int_eq(told, ms >= GATE_PATIENCE_MS - 1000);
    }
    stage.now_ms += GATE_PATIENCE_MS;
    ck_assert(gate_note(&stage.gate, GATE_LATE_MS)); /* an hour later, once more */
}
END_TEST

Suite *gate_suite(void) {
    Suite *suite = suite_create("gate");
    TCase *tcase = tcase_create("gate");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_few_runs_begin_at_once_and_others_wait_until_those_are_heard_of);
    tcase_add_test(tcase, who_comes_later_does_not_pass_who_waits);
    tcase_add_test(tcase, workers_that_are_stopped_hold_nobody_up_for_long);
    tcase_add_test(tcase, who_leaves_is_not_taken);
    tcase_add_test(tcase, the_operator_is_told_once_and_only_of_what_lasts);
    return suite;
}
