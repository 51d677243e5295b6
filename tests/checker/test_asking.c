/* Tests of the questions to Bugsink in virtual time: when which is asked, and what its answers amount to. */
#include "checker/asking.h"
#include "checker/judged.h"
#include "checker/schedule.h"

#include <check.h>
#include <string.h>

/* Bugsink as its own check sees it. */
struct world {
    struct check_config config;
    struct check_memory memory;
    int64_t now_ms;
    struct outcome ready;                   /* what /health/ready says */
    struct outcome answers[QUESTION_COUNT]; /* what it answers to each question */
    bool is_awaiting;                       /* an unanswered question is still waited for, */
    enum answer late;                       /* and answered at the next look */
    char asked[4096];                       /* all looks so far: "L" for one at the endpoint, "T", "P" */
    uint32_t random;
};

static struct outcome answer(enum answer answer) {
    return (struct outcome){
        .reason = answer == ANSWER_FAILS ? REASON_APP_DATABASE : REASON_OK, .answer = answer};
}

static struct outcome silence(enum reason reason) {
    return (struct outcome){.reason = reason, .phase = PHASE_READ};
}

static struct world world_new(void) {
    struct world world = {
        .config = {.kind = KIND_HTTP,
            .is_critical = true,
            .interval_ms = 5000,
            .timeout_ms = 3000,
            .retry_interval_ms = 1000,
            .slow_ms = 1500,
            .app = {.asks = true, .ask_interval_ms = 15000, .fall = 3, .start_grace_ms = 300000}},
        .now_ms = 1000000};
    world.answers[QUESTION_TOKEN] = world.answers[QUESTION_PROJECT] = answer(ANSWER_WELL);
    memory_init(&world.memory, world.now_ms);
    return world;
}

/* One look; the time of the next one comes. Returns what it asked. */
static enum app_question look(struct world *world) {
    static const char LETTERS[QUESTION_COUNT + 1] = "LTP";
    struct asking *asking = &world->memory.asking;
    enum app_question question = asking_next(asking, &world->config, world->now_ms);
    struct outcome outcome = question == QUESTION_NONE ? world->ready : world->answers[question];
    asking_begin(asking, question, world->now_ms);
    outcome.asked = question;
    if (question == QUESTION_NONE) {
        outcome.is_awaiting = world->is_awaiting;
        outcome.answer = world->late;
        world->late = ANSWER_NONE;
    }
    int64_t took_ms = outcome.reason == REASON_TIMEOUT ? world->config.timeout_ms : 2;
    world->now_ms += took_ms;
    judge(&world->config, &world->memory, &outcome, took_ms, NULL, world->now_ms);
    size_t length = strlen(world->asked);
    ck_assert_uint_lt(length + 1, sizeof world->asked);
    world->asked[length] = LETTERS[question];
    world->asked[length + 1] = '\0';
    if (!asking_is_urgent(asking, &world->config, world->now_ms))
        world->now_ms += schedule_delay_ms(&world->config, &world->memory, took_ms, world->random);
    return question;
}

static void look_times(struct world *world, int times) {
    for (int i = 0; i < times; i++)
        look(world);
}

static void expect(const struct world *world, enum status status, enum reason reason) {
    ck_assert_msg(world->memory.status == status && world->memory.reason == reason, "%s: %s after %s",
        status_name(world->memory.status), reason_info(world->memory.reason)->slug, world->asked);
}

static struct world arrived(void) {
    struct world world = world_new();
    look_times(&world, 3);
    ck_assert_str_eq(world.asked, "LTP");
    expect(&world, STATUS_OK, REASON_OK);
    world.asked[0] = '\0';
    return world;
}

static int count(const char *text, char letter) {
    int found = 0;
    for (; *text; text++)
        found += *text == letter;
    return found;
}

/* -- which is asked -- */

START_TEST(an_arrival_is_asked_both_at_once_and_then_every_third_look_is_the_token_question) {
    static const uint32_t RANDOM[] = {0, 512, 1023};
    struct world world = world_new();
    world.random = RANDOM[_i];
    int64_t start_ms = world.now_ms;
    look_times(&world, 3);
    ck_assert_int_lt(world.now_ms - start_ms, 5000 + 10);
    look_times(&world, 60);
    ck_assert_str_eq(world.asked, "LTPLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLTLLT");
    expect(&world, STATUS_OK, REASON_OK);
}
END_TEST

/* The promise is of no request more than before: an hour's looks are the same number, asked or not. */
START_TEST(an_hour_costs_no_look_more_and_the_project_question_is_asked_hourly) {
    int looks[2];
    for (int asks = 0; asks < 2; asks++) {
        struct world world = world_new();
        world.config.app.asks = asks;
        world.random = 300;
        look_times(&world, 3); /* an arrival costs two */
        int64_t start_ms = world.now_ms;
        world.asked[0] = '\0';
        while (world.now_ms - start_ms < 3600 * 1000 + 30000)
            look(&world);
        looks[asks] = (int)strlen(world.asked);
        ck_assert_int_eq(count(world.asked, 'P'), asks);
        ck_assert_int_le(count(world.asked, 'T'), asks * (looks[asks] / 3 + 1));
        ck_assert_int_ge(count(world.asked, 'T'), asks * (looks[asks] / 3 - 1));
    }
    ck_assert_int_eq(looks[0], looks[1]);
}
END_TEST

START_TEST(where_the_interval_is_longer_every_other_look_is_one_at_the_endpoint) {
    struct world world = arrived();
    world.config.interval_ms = 60000;
    look_times(&world, 8);
    ck_assert_str_eq(world.asked, "LTLTLTLT");
}
END_TEST

START_TEST(turned_off_nothing_is_asked) {
    struct world world = world_new();
    world.config.app.asks = false;
    asking_want(&world.memory.asking, QUESTION_TOKEN);
    look_times(&world, 30);
    ck_assert_int_eq(count(world.asked, 'L'), 30);
    ck_assert(!asking_is_well(&world.memory.asking, &world.config, world.now_ms));
}
END_TEST

START_TEST(a_change_of_the_database_is_asked_after_at_the_next_look) {
    struct world world = arrived();
    look(&world);
    asking_want(&world.memory.asking, QUESTION_TOKEN);
    asking_want(&world.memory.asking, QUESTION_PROJECT);
    ck_assert(asking_is_urgent(&world.memory.asking, &world.config, world.now_ms));
    look_times(&world, 3);
    ck_assert_str_eq(world.asked, "LTPL");
}
END_TEST

/* Nothing is asked of a Bugsink whose endpoint fails, and nothing hurries it. */
START_TEST(what_fails_without_its_database_is_not_asked) {
    static const enum reason FAULTS[] = {REASON_APP_ERROR, REASON_HOST_REJECTED, REASON_NOT_FOUND,
        REASON_REDIRECTED, REASON_IDENTITY, REASON_THROTTLED, REASON_REFUSED, REASON_TIMEOUT};
    struct world world = world_new();
    world.ready.reason = FAULTS[_i];
    world.ready.phase = PHASE_READ;
    look_times(&world, 10);
    ck_assert_str_eq(world.asked, "LLLLLLLLLL");
    ck_assert(!asking_is_urgent(&world.memory.asking, &world.config, world.now_ms));
    world.ready.reason = REASON_OK;
    look_times(&world, 3);
    ck_assert_str_eq(world.asked, "LLLLLLLLLLLTP");
}
END_TEST

START_TEST(an_older_bugsink_is_not_asked_again_until_it_arrives_anew) {
    struct world world = world_new();
    world.answers[QUESTION_TOKEN] = answer(ANSWER_ABSENT);
    world.answers[QUESTION_PROJECT] = answer(ANSWER_ABSENT);
    look_times(&world, 50);
    ck_assert_int_eq(count(world.asked, 'T'), 1);
    ck_assert_int_eq(count(world.asked, 'P'), 1);
    expect(&world, STATUS_OK, REASON_OK);
    asking_want(&world.memory.asking, QUESTION_TOKEN);
    look_times(&world, 3);
    ck_assert_int_eq(count(world.asked, 'T'), 1);
    world.ready.reason = REASON_REFUSED; /* restarted, and newer */
    look(&world);
    world.ready.reason = REASON_OK;
    world.answers[QUESTION_TOKEN] = answer(ANSWER_FAILS);
    world.asked[0] = '\0';
    look_times(&world, 2);
    ck_assert_str_eq(world.asked, "LT");
    expect(&world, STATUS_ERROR, REASON_APP_DATABASE);
}
END_TEST

START_TEST(an_older_bugsink_is_asked_of_events_when_its_databases_change) {
    struct world world = world_new();
    world.answers[QUESTION_TOKEN] = answer(ANSWER_ABSENT);
    look_times(&world, 50);
    ck_assert_int_eq(count(world.asked, 'T'), 1);
    ck_assert_int_eq(count(world.asked, 'P'), 1);
    world.answers[QUESTION_PROJECT] = answer(ANSWER_FAILS);
    asking_want(&world.memory.asking, QUESTION_TOKEN);
    ck_assert(asking_is_urgent(&world.memory.asking, &world.config, world.now_ms));
    look(&world);
    expect(&world, STATUS_ERROR, REASON_APP_DATABASE);
    ck_assert_int_eq(count(world.asked, 'T'), 1);
    world.answers[QUESTION_PROJECT] = answer(ANSWER_WELL);
    look_times(&world, 2);
    expect(&world, STATUS_OK, REASON_OK);
    int asked = count(world.asked, 'P');
    look_times(&world, 50);
    ck_assert_int_eq(count(world.asked, 'P'), asked);
}
END_TEST

/* -- what answers amount to -- */

START_TEST(a_server_error_is_app_database_within_ask_interval_and_its_recovery_shows_within_two_seconds) {
    static const uint32_t RANDOM[] = {0, 512, 1023};
    struct world world = arrived();
    world.random = RANDOM[_i];
    int64_t start_ms = world.now_ms;
    world.answers[QUESTION_TOKEN] = answer(ANSWER_FAILS);
    while (world.memory.reason == REASON_OK)
        look(&world);
    expect(&world, STATUS_ERROR, REASON_APP_DATABASE);
    ck_assert_int_le(world.now_ms - start_ms, 15000 + 1500);
    ck_assert_int_gt(world.memory.life.arrivals, 0);
    world.asked[0] = '\0';
    look_times(&world, 9);
    ck_assert_str_eq(world.asked, "TLTTLTTLT"); /* the endpoint itself is not forgotten */
    expect(&world, STATUS_ERROR, REASON_APP_DATABASE);
    for (int skip = 0; skip < 3; skip++) {
        struct world other = world;
        look_times(&other, skip);
        other.answers[QUESTION_TOKEN] = answer(ANSWER_WELL);
        start_ms = other.memory.checked_wall_ms; /* just after a look */
        while (other.memory.reason != REASON_OK)
            look(&other);
        ck_assert_int_le(other.memory.checked_wall_ms - start_ms, 2010);
        expect(&other, STATUS_OK, REASON_OK);
    }
}
END_TEST

START_TEST(silence_is_app_database_and_is_not_asked_into_again_until_it_has_ended) {
    static const enum reason SILENCES[] = {REASON_TIMEOUT, REASON_RESET, REASON_PROTOCOL};
    struct world world = arrived();
    world.answers[QUESTION_TOKEN] = silence(SILENCES[_i]);
    world.is_awaiting = true;
    asking_want(&world.memory.asking, QUESTION_TOKEN);
    look_times(&world, 21);
    ck_assert_str_eq(world.asked, "TLLLLLLLLLLLLLLLLLLLL");
    expect(&world, STATUS_ERROR, REASON_APP_DATABASE);
    ck_assert_int_eq(world.memory.life.silences, 0); /* the endpoint answers */
    world.is_awaiting = false;
    world.late = ANSWER_WELL; /* it was late, and that is all */
    look(&world);
    expect(&world, STATUS_OK, REASON_OK);
    world.asked[0] = '\0';
    world.answers[QUESTION_TOKEN] = answer(ANSWER_WELL);
    look_times(&world, 2);
    ck_assert_int_ge(count(world.asked, 'T'), 1);
}
END_TEST

START_TEST(a_question_that_was_never_answered_is_asked_again) {
    struct world world = arrived();
    world.answers[QUESTION_TOKEN] = silence(REASON_TIMEOUT);
    asking_want(&world.memory.asking, QUESTION_TOKEN);
    look(&world);
    world.late = ANSWER_SILENCE; /* gunicorn has ended the worker, say */
    look_times(&world, 2);
    ck_assert_str_eq(world.asked, "TLT");
    expect(&world, STATUS_ERROR, REASON_APP_DATABASE);
    world.asked[0] = '\0';
    world.late = ANSWER_NONE; /* after a reload: nobody waits for it any more */
    world.answers[QUESTION_TOKEN] = answer(ANSWER_WELL);
    look_times(&world, 2);
    ck_assert_str_eq(world.asked, "LT");
    expect(&world, STATUS_OK, REASON_OK);
}
END_TEST

START_TEST(questions_never_make_bugsink_dead) {
    struct world world = arrived();
    world.config.app.fall = 1;
    for (int i = 0; i < 20; i++) {
        world.answers[QUESTION_TOKEN] = silence(i % 2 ? REASON_TIMEOUT : REASON_RESET);
        world.late = ANSWER_SILENCE;
        look(&world);
        ck_assert(!liveness_is_dead(&world.memory.life, 1, 0, world.now_ms));
    }
    ck_assert_int_gt(count(world.asked, 'T'), 5);
    world.answers[QUESTION_TOKEN] = (struct outcome){.reason = REASON_REFUSED, .phase = PHASE_CONNECT};
    while (look(&world) != QUESTION_TOKEN)
        ;
    expect(&world, STATUS_ERROR, REASON_REFUSED); /* nobody was there to be asked: that is no question's */
    ck_assert(liveness_is_dead(&world.memory.life, 1, 0, world.now_ms));
    ck_assert_int_eq(look(&world), QUESTION_NONE);
}
END_TEST

START_TEST(a_project_question_that_fails_alone_is_app_schema_until_it_is_well) {
    struct world world = world_new();
    world.answers[QUESTION_PROJECT] = answer(ANSWER_FAILS);
    look_times(&world, 3);
    ck_assert_str_eq(world.asked, "LTP");
    expect(&world, STATUS_ERROR, REASON_APP_SCHEMA);
    look_times(&world, 40);
    expect(&world, STATUS_ERROR, REASON_APP_SCHEMA);
    ck_assert_int_le(count(world.asked, 'P'), 15); /* each leaves a traceback: no more often than the other */
    ck_assert_int_ge(count(world.asked, 'L'), 15);
    world.answers[QUESTION_PROJECT] = answer(ANSWER_WELL);
    asking_want(&world.memory.asking, QUESTION_PROJECT); /* migrated */
    while (look(&world) != QUESTION_PROJECT)
        ;
    expect(&world, STATUS_OK, REASON_OK);
}
END_TEST

START_TEST(a_project_question_that_fails_has_the_token_asked_which_tells_schema_from_database) {
    struct world world = arrived();
    look_times(&world, 2);
    world.answers[QUESTION_PROJECT] = answer(ANSWER_FAILS);
    world.answers[QUESTION_TOKEN] = answer(_i ? ANSWER_FAILS : ANSWER_WELL);
    world.now_ms += ASKING_PROJECT_MS;
    asking_begin(&world.memory.asking, QUESTION_TOKEN, world.now_ms - 5000);
    world.asked[0] = '\0';
    look_times(&world, 2);
    ck_assert_str_eq(world.asked, "PT");
    expect(&world, STATUS_ERROR, _i ? REASON_APP_DATABASE : REASON_APP_SCHEMA);
}
END_TEST

START_TEST(a_project_question_that_meets_silence_or_has_no_token_beside_it_is_app_database) {
    struct world world = world_new();
    world.answers[QUESTION_PROJECT] = silence(REASON_TIMEOUT);
    look_times(&world, 3);
    expect(&world, STATUS_ERROR, REASON_APP_DATABASE);
    world = world_new();
    world.answers[QUESTION_TOKEN] = answer(ANSWER_ABSENT);
    world.answers[QUESTION_PROJECT] = answer(ANSWER_FAILS);
    world.random = 1023;
    look_times(&world, 3);
    expect(&world, STATUS_ERROR, REASON_APP_DATABASE);
    int64_t start_ms = world.memory.checked_wall_ms;
    world.answers[QUESTION_PROJECT] = answer(ANSWER_WELL);
    while (world.memory.reason != REASON_OK)
        look(&world); /* it alone can tell of the recovery */
    ck_assert_int_le(world.memory.checked_wall_ms - start_ms, 2010);
}
END_TEST

START_TEST(an_answer_that_says_nothing_changes_no_verdict_and_is_told_once) {
    struct world world = world_new();
    int lines = 0;
    world.answers[QUESTION_TOKEN] = answer(ANSWER_MUTE);
    for (int i = 0; i < 40; i++) {
        look(&world);
        lines += world.memory.is_answer_news;
        expect(&world, STATUS_OK, REASON_OK);
    }
    ck_assert_int_eq(lines, 1);
    ck_assert_int_ge(count(world.asked, 'T'), 10);
    world.ready.reason = REASON_APP_ERROR; /* the endpoint counts as before */
    look_times(&world, 3);
    expect(&world, STATUS_ERROR, REASON_APP_ERROR);
}
END_TEST

/* Whoever answers now is no longer silent, whatever it says: a proxy, or another service. */
START_TEST(a_silence_ends_with_an_answer_that_says_nothing) {
    struct world world = arrived();
    world.answers[QUESTION_TOKEN] = silence(REASON_RESET);
    world.late = ANSWER_SILENCE;
    asking_want(&world.memory.asking, QUESTION_TOKEN);
    look(&world);
    expect(&world, STATUS_ERROR, REASON_APP_DATABASE);
    world.answers[QUESTION_TOKEN] = answer(ANSWER_MUTE);
    look_times(&world, 3);
    expect(&world, STATUS_OK, REASON_OK);
}
END_TEST

START_TEST(a_failure_outlives_one_answer_that_says_nothing_but_not_many) {
    struct world world = arrived();
    world.answers[QUESTION_TOKEN] = answer(ANSWER_FAILS);
    asking_want(&world.memory.asking, QUESTION_TOKEN);
    look(&world);
    expect(&world, STATUS_ERROR, REASON_APP_DATABASE);
    world.answers[QUESTION_TOKEN] = answer(ANSWER_MUTE);
    look_times(&world, 3);
    expect(&world, STATUS_ERROR, REASON_APP_DATABASE);
    look_times(&world, 60);
    expect(&world, STATUS_OK, REASON_OK);
}
END_TEST

START_TEST(bugsink_works_while_it_was_seen_to_answer_with_its_database_of_late) {
    struct world world = world_new();
    ck_assert(!asking_is_well(&world.memory.asking, &world.config, world.now_ms));
    look(&world);
    ck_assert(!asking_is_well(&world.memory.asking, &world.config, world.now_ms));
    for (int i = 0; i < 100; i++) {
        look(&world);
        ck_assert(asking_is_well(&world.memory.asking, &world.config, world.now_ms));
    }
    ck_assert(!asking_is_well(&world.memory.asking, &world.config, world.now_ms + 60000));
    world.ready.reason = REASON_APP_ERROR;
    while (look(&world) != QUESTION_NONE)
        ;
    ck_assert(!asking_is_well(&world.memory.asking, &world.config, world.now_ms));
}
END_TEST

Suite *asking_suite(void) {
    Suite *suite = suite_create("asking");
    TCase *tcase = tcase_create("asking");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(
        tcase, an_arrival_is_asked_both_at_once_and_then_every_third_look_is_the_token_question, 0, 3);
    tcase_add_test(tcase, an_hour_costs_no_look_more_and_the_project_question_is_asked_hourly);
    tcase_add_test(tcase, where_the_interval_is_longer_every_other_look_is_one_at_the_endpoint);
    tcase_add_test(tcase, turned_off_nothing_is_asked);
    tcase_add_test(tcase, a_change_of_the_database_is_asked_after_at_the_next_look);
    tcase_add_loop_test(tcase, what_fails_without_its_database_is_not_asked, 0, 8);
    tcase_add_test(tcase, an_older_bugsink_is_asked_of_events_when_its_databases_change);
    tcase_add_test(tcase, an_older_bugsink_is_not_asked_again_until_it_arrives_anew);
    tcase_add_loop_test(tcase,
        a_server_error_is_app_database_within_ask_interval_and_its_recovery_shows_within_two_seconds, 0, 3);
    tcase_add_loop_test(tcase, silence_is_app_database_and_is_not_asked_into_again_until_it_has_ended, 0, 3);
    tcase_add_test(tcase, a_question_that_was_never_answered_is_asked_again);
    tcase_add_test(tcase, questions_never_make_bugsink_dead);
    tcase_add_test(tcase, a_project_question_that_fails_alone_is_app_schema_until_it_is_well);
    tcase_add_loop_test(
        tcase, a_project_question_that_fails_has_the_token_asked_which_tells_schema_from_database, 0, 2);
    tcase_add_test(tcase, a_project_question_that_meets_silence_or_has_no_token_beside_it_is_app_database);
    tcase_add_test(tcase, an_answer_that_says_nothing_changes_no_verdict_and_is_told_once);
    tcase_add_test(tcase, a_silence_ends_with_an_answer_that_says_nothing);
    tcase_add_test(tcase, a_failure_outlives_one_answer_that_says_nothing_but_not_many);
    tcase_add_test(tcase, bugsink_works_while_it_was_seen_to_answer_with_its_database_of_late);
    return suite;
}
