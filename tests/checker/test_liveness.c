/* Tests of liveness in virtual time: a Bugsink that answers, starts, dies and comes back, as policy sees it.
 */
#include "checker/liveness.h"
#include "checker/policy.h"
#include "checker/judged.h"
#include "checker/schedule.h"

#include <check.h>

enum { FALL = 3, GRACE_MS = 300000 };

struct world {
    struct check_config config;
    struct check_memory memory;
    int64_t now_ms; /* since the sidecar's start */
    bool is_database_hung;
    enum phase phase; /* in which a run ends */
};

static struct world world_new(void) {
    struct world world = {.config = {.kind = KIND_HTTP,
                              .is_critical = true,
                              .interval_ms = 5000,
                              .timeout_ms = 3000,
                              .retry_interval_ms = 1000,
                              .slow_ms = 1500,
                              .app.fall = FALL}};
    memory_init(&world.memory, 0);
    return world;
}

/* One run; the time of the next one comes. */
static void find(struct world *world, enum reason reason) {
    const struct outcome outcome = {.reason = reason, .phase = world->phase};
    const struct surroundings around = {.is_database_hung = world->is_database_hung};
    judge(&world->config, &world->memory, &outcome, 10, &around, world->now_ms);
    world->now_ms += schedule_delay_ms(&world->config, &world->memory, 10, 0);
}

static bool is_dead(const struct world *world) {
    return liveness_is_dead(&world->memory.life, FALL, GRACE_MS, world->now_ms);
}

static void expect(const struct world *world, enum status status, enum reason reason) {
    ck_assert_str_eq(status_name(world->memory.status), status_name(status));
    ck_assert_str_eq(reason_info(world->memory.reason)->slug, reason_info(reason)->slug);
}

static const enum reason SILENCES[] = {
    REASON_REFUSED, REASON_TIMEOUT, REASON_RESET, REASON_PROTOCOL, REASON_UNREACHABLE};
static const enum reason ANSWERS[] = {REASON_OK, REASON_SLOW, REASON_APP_ERROR, REASON_NOT_FOUND,
    REASON_HOST_REJECTED, REASON_REDIRECTED, REASON_IDENTITY, REASON_THROTTLED};
static const enum reason OWN_FAULTS[] = {REASON_INTERNAL, REASON_CRASHED, REASON_STUCK};

enum {
    SILENCE_COUNT = sizeof SILENCES / sizeof SILENCES[0],
    ANSWER_COUNT = sizeof ANSWERS / sizeof ANSWERS[0],
    FAULT_COUNT = sizeof OWN_FAULTS / sizeof OWN_FAULTS[0],
};

START_TEST(silence_is_death_after_fall_in_a_row_and_an_answer_is_life_at_once) {
    struct world world = world_new();
    find(&world, REASON_OK);
    for (int round = 0; round < 3; round++) {
        for (int i = 1; i <= 10; i++) {
            find(&world, SILENCES[_i]);
            expect(&world, STATUS_ERROR, SILENCES[_i]); /* not ready from the first one on */
            ck_assert_int_eq(is_dead(&world), i >= FALL);
        }
        find(&world, REASON_OK);
        ck_assert(!is_dead(&world));
    }
}
END_TEST

START_TEST(while_a_database_hangs_waiting_in_vain_for_an_answer_is_no_death) {
    struct world world = world_new();
    find(&world, REASON_OK);
    world.phase = PHASE_READ;
    find(&world, REASON_TIMEOUT); /* before the database's own check has seen it */
    find(&world, REASON_TIMEOUT);
    world.is_database_hung = true;
    for (int i = 0; i < 100; i++) {
        find(&world, REASON_TIMEOUT);
        expect(&world, STATUS_ERROR, REASON_TIMEOUT); /* not ready, but alive */
        ck_assert(!is_dead(&world));
    }
    world.is_database_hung = false; /* from now on Bugsink's silence is its own, and is counted anew */
    for (int i = 1; i <= FALL; i++) {
        find(&world, REASON_TIMEOUT);
        ck_assert_int_eq(is_dead(&world), i == FALL);
    }
}
END_TEST

/* A database that hangs explains no Bugsink that is gone. */
START_TEST(a_hung_database_excuses_neither_refusals_nor_lost_connections) {
    struct world world = world_new();
    find(&world, REASON_OK);
    world.is_database_hung = true;
    world.phase = _i == REASON_REFUSED || _i == REASON_TIMEOUT ? PHASE_CONNECT : PHASE_READ;
    for (int i = 1; i <= FALL; i++) {
        find(&world, (enum reason)_i);
        ck_assert_int_eq(is_dead(&world), i == FALL);
    }
}
END_TEST

START_TEST(different_silences_in_a_row_count_together) {
    struct world world = world_new();
    find(&world, REASON_OK);
    find(&world, REASON_TIMEOUT);
    find(&world, REASON_RESET);
    ck_assert(!is_dead(&world));
    find(&world, REASON_REFUSED);
    ck_assert(is_dead(&world));
    ck_assert_int_eq(world.memory.life.silence, REASON_REFUSED);
}
END_TEST

START_TEST(any_http_answer_is_life) {
    struct world world = world_new();
    world.now_ms = GRACE_MS;
    for (int i = 0; i < 100; i++) {
        find(&world, ANSWERS[_i]);
        ck_assert(!is_dead(&world));
        find(&world, REASON_TIMEOUT);
        find(&world, REASON_TIMEOUT); /* never three in a row */
        ck_assert(!is_dead(&world));
    }
}
END_TEST

START_TEST(our_own_faults_never_count) {
    struct world world = world_new();
    world.now_ms = 2 * (int64_t)GRACE_MS;
    for (int i = 0; i < 1000; i++)
        find(&world, OWN_FAULTS[_i]);
    expect(&world, STATUS_ERROR, OWN_FAULTS[_i]);
    ck_assert(!is_dead(&world));
    ck_assert(!world.memory.life.has_answered);
    find(&world, REASON_REFUSED);
    find(&world, OWN_FAULTS[_i]);
    find(&world, REASON_REFUSED);
    ck_assert(!is_dead(&world));
    find(&world, REASON_REFUSED); /* nor do they excuse anything */
    ck_assert(is_dead(&world));
}
END_TEST

START_TEST(before_the_first_answer_a_refusal_is_starting_and_the_grace_holds) {
    struct world world = world_new();
    while (world.now_ms < GRACE_MS) {
        ck_assert(!is_dead(&world));
        find(&world, REASON_REFUSED);
        expect(&world, STATUS_ERROR, REASON_APP_STARTING);
        ck_assert_int_le(schedule_delay_ms(&world.config, &world.memory, 10, 0), 1000);
    }
    ck_assert(is_dead(&world));
    expect(&world, STATUS_ERROR, REASON_APP_STARTING);
}
END_TEST

START_TEST(the_grace_covers_every_silence_and_ends_with_the_first_answer) {
    struct world world = world_new();
    for (int i = 0; i < 5; i++)
        find(&world, REASON_TIMEOUT);
    expect(&world, STATUS_ERROR, REASON_TIMEOUT);
    ck_assert(!is_dead(&world));
    find(&world, REASON_APP_ERROR);
    for (int i = 0; i < FALL; i++)
        find(&world, REASON_REFUSED);
    ck_assert_int_lt(world.now_ms, GRACE_MS);
    expect(&world, STATUS_ERROR, REASON_REFUSED); /* it has answered: it is not starting any more */
    ck_assert(is_dead(&world));
}
END_TEST

START_TEST(without_grace_the_first_silences_count) {
    struct world world = world_new();
    find(&world, REASON_REFUSED);
    find(&world, REASON_REFUSED);
    ck_assert(!liveness_is_dead(&world.memory.life, FALL, 0, world.now_ms));
    find(&world, REASON_REFUSED);
    ck_assert(liveness_is_dead(&world.memory.life, FALL, 0, world.now_ms));
}
END_TEST

START_TEST(arrivals_count_starts_of_bugsink_and_not_its_hiccups) {
    struct world world = world_new();
    const struct liveness *life = &world.memory.life;
    find(&world, REASON_REFUSED);
    ck_assert_int_eq(life->arrivals, 0);
    find(&world, REASON_OK);
    ck_assert_int_eq(life->arrivals, 1);
    find(&world, REASON_TIMEOUT);
    find(&world, REASON_RESET);
    find(&world, REASON_INTERNAL);
    find(&world, REASON_OK);
    ck_assert_int_eq(life->arrivals, 1);
    find(&world, REASON_REFUSED);
    find(&world, REASON_TIMEOUT); /* it listens again, and is not ready to answer */
    find(&world, REASON_OK);
    ck_assert_int_eq(life->arrivals, 2);
}
END_TEST

static const enum reason BROKEN_SILENCES[] = {
    REASON_TIMEOUT, REASON_RESET, REASON_PROTOCOL, REASON_UNREACHABLE};

/* Whoever asks for liveness restarts it then, and the restart itself may be too short to be seen. */
START_TEST(an_answer_after_fall_silences_is_an_arrival) {
    struct world world = world_new();
    const struct liveness *life = &world.memory.life;
    find(&world, REASON_OK);
    for (int i = 1; i < FALL; i++)
        find(&world, BROKEN_SILENCES[_i]);
    ck_assert(!life->is_away);
    find(&world, BROKEN_SILENCES[_i]);
    ck_assert(life->is_away);
    find(&world, REASON_INTERNAL);
    ck_assert(life->is_away);
    find(&world, REASON_OK);
    ck_assert(!life->is_away);
    ck_assert_int_eq(life->arrivals, 2);
}
END_TEST

START_TEST(of_other_checks_nothing_is_life) {
    struct world world = world_new();
    world.config.kind = KIND_POSTGRES;
    for (int i = 0; i < 5; i++)
        find(&world, REASON_REFUSED);
    expect(&world, STATUS_ERROR, REASON_REFUSED);
    ck_assert_int_eq(world.memory.life.silences, 0);
}
END_TEST

Suite *liveness_suite(void) {
    Suite *suite = suite_create("liveness");
    TCase *tcase = tcase_create("liveness");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(
        tcase, silence_is_death_after_fall_in_a_row_and_an_answer_is_life_at_once, 0, SILENCE_COUNT);
    tcase_add_test(tcase, different_silences_in_a_row_count_together);
    tcase_add_test(tcase, while_a_database_hangs_waiting_in_vain_for_an_answer_is_no_death);
    tcase_add_loop_test(tcase, a_hung_database_excuses_neither_refusals_nor_lost_connections, REASON_REFUSED,
        REASON_REFUSED + 1);
    tcase_add_loop_test(
        tcase, a_hung_database_excuses_neither_refusals_nor_lost_connections, REASON_RESET, REASON_RESET + 1);
    tcase_add_loop_test(tcase, a_hung_database_excuses_neither_refusals_nor_lost_connections, REASON_TIMEOUT,
        REASON_TIMEOUT + 1);
    tcase_add_loop_test(tcase, any_http_answer_is_life, 0, ANSWER_COUNT);
    tcase_add_loop_test(tcase, our_own_faults_never_count, 0, FAULT_COUNT);
    tcase_add_test(tcase, before_the_first_answer_a_refusal_is_starting_and_the_grace_holds);
    tcase_add_test(tcase, the_grace_covers_every_silence_and_ends_with_the_first_answer);
    tcase_add_test(tcase, without_grace_the_first_silences_count);
    tcase_add_test(tcase, arrivals_count_starts_of_bugsink_and_not_its_hiccups);
    tcase_add_loop_test(tcase, an_answer_after_fall_silences_is_an_arrival, 0,
        sizeof BROKEN_SILENCES / sizeof BROKEN_SILENCES[0]);
    tcase_add_test(tcase, of_other_checks_nothing_is_life);
    return suite;
}
