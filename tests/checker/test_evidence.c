/* Tests of the doubt that a failing observation casts on the databases: from there to their work. Time is the
 * test's own.
 *
 *  Bugsink                                        a database's next look
 *  fails the token question, answers 5xx, or      at once, and on nothing that was kept
 *  is silent
 *  (its queue fails)                              the same; the queue's own when it is due
 *  fails while a look is under way                the one after it, at once
 *  fails where looking itself does harm           when it is due
 *  has never answered, or answers                 when it is due, on what was kept
 *  works again                                    at once, where refused logins had made pauses longer
 *
 * And of what is asked of Bugsink for a database's sake: at each look at a server that is full; nothing while
 * the file that its answers come from is missing, and not before that was looked at. */
#include "checker/evidence.h"

#include "config/dsn.h"
#include "harness/wait.h"

#include <check.h>
#include <stdio.h>

enum { INTERVAL_MS = 60000, TIMEOUT_MS = 5000, PATIENCE_MS = 5000, TURN_MS = 5 };

struct stage {
    struct loop loop;
    struct clock clock;
    int64_t now_ms;
    struct check_config app_config, database_config;
    char names[2][16], url[64], expect[4];
    struct watch *watches[2], *app, *database;
    bool is_working;
    int finished;
};

static int64_t read_clock(void *arg) {
    return *(const int64_t *)arg;
}

static struct surroundings no_surroundings(void *arg) {
    (void)arg;
    return (struct surroundings){.has_app = true};
}

static void on_finished(void *arg, bool is_change) {
    struct stage *stage = arg;
    (void)is_change;
    stage->finished++;
}

/* Tells what it was asked for. */
static void work(struct run *run) {
    observed_set(&run->outcome.observed, OBSERVED_TASKS, run->wants_fresh);
}

static const struct check_kind SPY = {.traits = {.is_database = true, .is_made_by_asking = true},
    .start = check_run_in_child,
    .work = work,
    .cancel = check_cancel_child};

static struct watch *make(struct stage *stage, struct check_config *config) {
    static const struct watch_events EVENTS = {.surroundings = no_surroundings, .finished = on_finished};
    struct error err;
    config->interval_ms = INTERVAL_MS;
    config->retry_interval_ms = INTERVAL_MS;
    config->timeout_ms = TIMEOUT_MS;
    struct watch *watch = watch_new(&stage->loop, config, &EVENTS, stage, &err);
    ck_assert_msg(watch != NULL, "%s", err.text);
    return watch;
}

static void turn(struct stage *stage) {
    const struct timeval tv = {.tv_usec = TURN_MS * 1000};
    event_add(stage->loop.tick, &tv);
    event_base_loop(stage->loop.base, EVLOOP_ONCE);
    timers_run(&stage->loop.timers);
}

static void await_runs(struct stage *stage, int count) {
    for (struct deadline deadline = deadline_in(PATIENCE_MS); stage->finished < count; turn(stage))
        ck_assert_msg(!deadline_is_over(&deadline), "%d runs", stage->finished);
}

static void write_texts(struct stage *stage) {
    snprintf(stage->names[0], sizeof stage->names[0], "app");
    snprintf(stage->names[1], sizeof stage->names[1], "default");
    snprintf(stage->url, sizeof stage->url, "http://127.0.0.1:9/health/ready");
    snprintf(stage->expect, sizeof stage->expect, "OK");
}

/* Bugsink has answered, and a database was looked at once. */
static void stage_init(struct stage *stage) {
    struct error err;
    *stage = (struct stage){.now_ms = 1000000};
    stage->clock = (struct clock){read_clock, read_clock, &stage->now_ms};
    ck_assert_int_eq(loop_init(&stage->loop, NULL, &err), 0);
    stage->loop.timers.clock = &stage->clock;
    write_texts(stage);
    stage->app_config = (struct check_config){
        .kind = KIND_HTTP, .name = stage->names[0], .app.url = stage->url, .app.expect = stage->expect};
    stage->database_config =
        (struct check_config){.kind = KIND_SQLITE, .name = stage->names[1], .database.role = ROLE_MAIN};
    ck_assert_int_eq(dsn_parse("/nosuch/file", &stage->database_config.database.dsn, &err), 0);
    stage->app = stage->watches[0] = make(stage, &stage->app_config);
    stage->database = stage->watches[1] = make(stage, &stage->database_config);
    stage->database->check.kind = &SPY;
    stage->app->memory.life.has_answered = true;
    watch_start(stage->database, false, 0);
    await_runs(stage, 1);
}

static void stage_release(struct stage *stage) {
    for (int i = 0; i < 2; i++)
        watch_free(stage->watches[i]);
    loop_release(&stage->loop);
    dsn_release(&stage->database_config.database.dsn);
}

static bool has_wanted_fresh(const struct stage *stage) {
    int64_t wish = -1;
    ck_assert(observed_get(&stage->database->memory.observed, OBSERVED_TASKS, &wish));
    return wish == 1;
}

static void follow(struct stage *stage) {
    evidence_follow(stage->watches, 2, &stage->is_working);
}

/* -- who casts doubt -- */

static const struct {
    enum reason reason;
    bool is_silent, has_answered, is_doubt;
} SEEN[] = {
    {REASON_APP_DATABASE, false, true, true},
    {REASON_APP_ERROR, false, true, true},
    {REASON_TIMEOUT, true, true, true},
    {REASON_OK, false, true, false},
    {REASON_APP_SCHEMA, false, true, false}, /* which a login would not explain */
    {REASON_APP_STARTING, true, false, false},
};

static void see(struct stage *stage, int i) {
    stage->app->memory.reason = SEEN[i].reason;
    stage->app->memory.life.is_silent = SEEN[i].is_silent;
    stage->app->memory.life.has_answered = SEEN[i].has_answered;
    follow(stage);
}

START_TEST(a_failing_bugsink_has_the_next_look_at_once_on_nothing_that_was_kept) {
    struct stage stage;
    stage_init(&stage);
    ck_assert(!has_wanted_fresh(&stage));
    see(&stage, _i);
    if (SEEN[_i].is_doubt)
        await_runs(&stage, 2); /* no time has passed */
    stage.now_ms += INTERVAL_MS;
    await_runs(&stage, SEEN[_i].is_doubt ? 3 : 2);
    ck_assert(has_wanted_fresh(&stage) == SEEN[_i].is_doubt);
    see(&stage, 3); /* well again: what is kept is good enough */
    stage.now_ms += INTERVAL_MS;
    await_runs(&stage, SEEN[_i].is_doubt ? 4 : 3);
    ck_assert(!has_wanted_fresh(&stage));
    stage_release(&stage);
}
END_TEST

/* The queue in the place of Bugsink. */
START_TEST(a_failing_queue_has_every_other_database_looked_at_at_once) {
    struct stage stage;
    stage_init(&stage);
    struct check_config config = stage.database_config;
    char name[] = "snappea";
    config.name = name;
    config.database.role = ROLE_QUEUE;
    struct watch *queue = make(&stage, &config), *watches[] = {queue, stage.database};
    queue->check.kind = &SPY;
    watch_start(queue, false, INTERVAL_MS);
    queue->memory.status = STATUS_DEGRADED; /* which is no failure */
    evidence_follow(watches, 2, &stage.is_working);
    ck_assert_int_gt(stage.database->next.due_ms, stage.now_ms);
    queue->memory.status = STATUS_ERROR;
    evidence_follow(watches, 2, &stage.is_working);
    ck_assert_int_eq(queue->next.due_ms, stage.now_ms + INTERVAL_MS);
    await_runs(&stage, 2); /* no time has passed */
    ck_assert(has_wanted_fresh(&stage));
    watch_free(queue);
    stage_release(&stage);
}
END_TEST

START_TEST(a_look_under_way_is_followed_by_another_at_once) {
    struct stage stage;
    stage_init(&stage);
    stage.now_ms += INTERVAL_MS;
    timers_run(&stage.loop.timers);
    ck_assert(stage.database->check.is_running);
    see(&stage, 0);
    await_runs(&stage, 3);
    ck_assert(has_wanted_fresh(&stage));
    stage_release(&stage);
}
END_TEST

START_TEST(where_looking_does_harm_a_doubt_waits_for_its_turn) {
    struct stage stage;
    stage_init(&stage);
    stage.database->memory.retry = RETRY_SLOW;
    int64_t due_ms = stage.database->next.due_ms;
    see(&stage, 0);
    ck_assert_int_eq(stage.database->next.due_ms, due_ms);
    stage.now_ms += INTERVAL_MS;
    await_runs(&stage, 2);
    ck_assert(has_wanted_fresh(&stage));
    stage_release(&stage);
}
END_TEST

/* -- Bugsink works again -- */

static void let_bugsink_work(struct stage *stage) {
    struct asking *asking = &stage->app->memory.asking;
    stage->app_config.app.asks = true;
    stage->app_config.app.ask_interval_ms = INTERVAL_MS;
    stage->app->memory.status = STATUS_OK;
    asking->is_ready = true;
    asking->questions[QUESTION_TOKEN] =
        (struct asked){.answer = ANSWER_WELL, .asked_ms = stage->now_ms, .answered_ms = stage->now_ms};
    asking->questions[QUESTION_PROJECT] = asking->questions[QUESTION_TOKEN];
}

static const struct {
    enum status status;
    enum retry retry;
    bool is_hurried;
} REFUSED[] = {
    {STATUS_ERROR, RETRY_SLOW, true},
    {STATUS_ERROR, RETRY_SLOWER, false}, /* a server that may block this host */
    {STATUS_OK, RETRY_SLOW, false},
};

START_TEST(a_bugsink_that_works_again_ends_the_pause_after_refused_logins) {
    struct stage stage;
    stage_init(&stage);
    stage.database->memory.status = REFUSED[_i].status;
    stage.database->memory.retry = REFUSED[_i].retry;
    int64_t due_ms = stage.database->next.due_ms;
    follow(&stage);
    ck_assert_int_eq(stage.database->next.due_ms, due_ms);
    let_bugsink_work(&stage);
    follow(&stage);
    ck_assert(stage.is_working);
    ck_assert_int_eq(stage.database->next.due_ms, REFUSED[_i].is_hurried ? stage.now_ms : due_ms);
    timer_arm(&stage.loop.timers, &stage.database->next, INTERVAL_MS);
    follow(&stage); /* it is news once */
    ck_assert_int_eq(stage.database->next.due_ms, stage.now_ms + INTERVAL_MS);
    stage_release(&stage);
}
END_TEST

/* -- a full server -- */

static bool is_token_wanted(struct stage *stage) {
    struct asked *token = &stage->app->memory.asking.questions[QUESTION_TOKEN];
    bool is_wanted = token->is_wanted;
    token->is_wanted = false;
    return is_wanted;
}

START_TEST(each_look_at_a_full_server_asks_bugsink_and_asks_once) {
    struct stage stage;
    stage_init(&stage);
    let_bugsink_work(&stage);
    follow(&stage);
    is_token_wanted(&stage);
    stage.database->memory.status = STATUS_DEGRADED;
    for (int i = 1; i <= 3; i++) {
        stage.database->memory.reason = REASON_TOO_MANY_CLIENTS;
        stage.database->memory.checked_wall_ms += INTERVAL_MS;
        follow(&stage);
        ck_assert(is_token_wanted(&stage));
        ck_assert(stage.app->memory.asking.is_second_wanted);
        follow(&stage); /* after another check's look */
        ck_assert(!is_token_wanted(&stage));
    }
    stage.database->memory.reason = REASON_DISK_LOW; /* degraded as well, and no reason to ask */
    stage.database->memory.checked_wall_ms += INTERVAL_MS;
    follow(&stage);
    ck_assert(!is_token_wanted(&stage));
    stage_release(&stage);
}
END_TEST

/* -- sessions that wait -- */

/* One look sees that none wait any more, and from there Bugsink has a round to answer in. */
START_TEST(sessions_that_waited_excuse_bugsinks_silence_for_one_round_more) {
    struct stage stage;
    stage_init(&stage);
    ck_assert(!evidence_surroundings(stage.watches, 2).is_blocked);
    stage.database->memory.is_blocked = true;
    stage.database->memory.blocked_ms = stage.now_ms;
    ck_assert(evidence_surroundings(stage.watches, 2).is_blocked);
    stage.database->memory.is_blocked = false;
    stage.now_ms += 2 * INTERVAL_MS;
    ck_assert(evidence_surroundings(stage.watches, 2).is_blocked);
    stage.now_ms++;
    ck_assert(!evidence_surroundings(stage.watches, 2).is_blocked);
    stage_release(&stage);
}
END_TEST

/* -- a file that a question would make -- */

static void withhold(struct stage *stage) {
    evidence_withhold(stage->watches, 2);
}

static bool is_withheld(const struct stage *stage) {
    return stage->app->memory.asking.is_withheld;
}

/* What a look at the database found, one after the other, and whether a question is withheld then. */
static const struct {
    enum reason reason;
    bool is_withheld;
} LOOKS[] = {
    {REASON_TIMEOUT, true}, /* nothing was found so far */
    {REASON_OK, false},
    {REASON_TIMEOUT, false},
    {REASON_FILE_MISSING, true},
    {REASON_TIMEOUT, true}, /* which is no sight of it */
    {REASON_STUCK, true},
    {REASON_CRASHED, true},
    {REASON_INTERNAL, true},
    {REASON_EMPTY, false}, /* to open it does not write to it */
    {REASON_FILE_MISSING, true},
    {REASON_LOCKED, false},
};

START_TEST(no_question_is_asked_until_a_look_has_found_the_file) {
    struct stage stage;
    stage_init(&stage);
    memory_init(&stage.database->memory, 0);
    withhold(&stage);
    ck_assert(is_withheld(&stage));
    for (size_t i = 0; i < sizeof LOOKS / sizeof LOOKS[0]; i++) {
        const struct policy_subject subject = {&stage.database_config, &SPY.traits};
        const struct outcome outcome = {.reason = LOOKS[i].reason};
        policy_judge(
            &subject, &stage.database->memory, &outcome, 1, &(struct surroundings){0}, stage.now_ms, 1);
        withhold(&stage);
        ck_assert_msg(is_withheld(&stage) == LOOKS[i].is_withheld, "look %zu", i);
        ck_assert(evidence_surroundings(stage.watches, 2).is_file_missing == LOOKS[i].is_withheld);
    }
    stage_release(&stage);
}
END_TEST

/* Neither question needs the queue; another's database, or one of a server, is not made by asking. */
START_TEST(only_the_file_of_bugsinks_own_database_is_made_by_asking) {
    static const enum role ROLES[] = {ROLE_QUEUE, ROLE_PLAIN};
    static struct check_kind server;
    struct stage stage;
    stage_init(&stage);
    stage.database->memory.is_there = false;
    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0]; i++) {
        stage.database_config.database.role = ROLES[i];
        withhold(&stage);
        ck_assert(!is_withheld(&stage));
    }
    stage.database_config.database.role = ROLE_MAIN;
    withhold(&stage);
    ck_assert(is_withheld(&stage));
    server = SPY;
    server.traits.is_made_by_asking = false;
    stage.database->check.kind = &server;
    withhold(&stage);
    ck_assert(!is_withheld(&stage));
    stage_release(&stage);
}
END_TEST

START_TEST(a_wanted_question_is_asked_as_soon_as_the_file_is_found) {
    struct stage stage;
    stage_init(&stage);
    let_bugsink_work(&stage);
    stage.database->memory.is_there = false;
    withhold(&stage);
    watch_ask(stage.app, QUESTION_TOKEN);
    ck_assert(!timer_is_armed(&stage.app->next));
    ck_assert(!watch_is_asking(stage.app));
    stage.database->memory.is_there = true;
    withhold(&stage);
    ck_assert(timer_is_armed(&stage.app->next));
    ck_assert_int_eq(stage.app->next.due_ms, stage.now_ms);
    ck_assert(watch_is_asking(stage.app));
    stage_release(&stage);
}
END_TEST

START_TEST(the_file_is_looked_at_before_a_question_unless_it_was_just_now) {
    struct stage stage;
    stage_init(&stage);
    ck_assert(evidence_prepare(stage.watches, 2)); /* it has just been looked at */
    stage.now_ms += INTERVAL_MS / 2;
    ck_assert(!evidence_prepare(stage.watches, 2));
    ck_assert_int_eq(stage.database->next.due_ms, stage.now_ms);
    await_runs(&stage, 2);
    ck_assert(evidence_prepare(stage.watches, 2));
    stage_release(&stage);
}
END_TEST

Suite *evidence_suite(void) {
    Suite *suite = suite_create("evidence");
    TCase *tcase = tcase_create("evidence");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, a_failing_bugsink_has_the_next_look_at_once_on_nothing_that_was_kept, 0,
        sizeof SEEN / sizeof SEEN[0]);
    tcase_add_test(tcase, a_failing_queue_has_every_other_database_looked_at_at_once);
    tcase_add_test(tcase, a_look_under_way_is_followed_by_another_at_once);
    tcase_add_loop_test(tcase, a_bugsink_that_works_again_ends_the_pause_after_refused_logins, 0,
        sizeof REFUSED / sizeof REFUSED[0]);
    tcase_add_test(tcase, each_look_at_a_full_server_asks_bugsink_and_asks_once);
    tcase_add_test(tcase, where_looking_does_harm_a_doubt_waits_for_its_turn);
    tcase_add_test(tcase, sessions_that_waited_excuse_bugsinks_silence_for_one_round_more);
    tcase_add_test(tcase, no_question_is_asked_until_a_look_has_found_the_file);
    tcase_add_test(tcase, only_the_file_of_bugsinks_own_database_is_made_by_asking);
    tcase_add_test(tcase, a_wanted_question_is_asked_as_soon_as_the_file_is_found);
    tcase_add_test(tcase, the_file_is_looked_at_before_a_question_unless_it_was_just_now);
    return suite;
}
