/* Tests of publishing on a processor that is busy, in virtual time: whatever the machine, the pages do not
 * become stale while the loop turns. */
#include "checker/publisher.h"

#include "checker/checker.h"
#include "harness/tempdir.h"
#include "link/pair.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 150, INTERVAL_MS = 5000, LASTS_MS = 120 * 1000 };

struct stage {
    struct loop loop;
    struct clock clock;
    int64_t now_ms;
    struct engine *engine;
    struct sidecar sidecar;
    struct announcer announcer;
    struct publisher publisher;
    struct pair pair;
    int64_t begin_ms; /* what it takes to begin a run */
    int begun;
};

/* A check, as far as the loop knows one: a timer that takes its time. */
struct busy {
    struct stage *stage;
    struct timer timer;
};

static int64_t read_clock(void *arg) {
    return *(const int64_t *)arg;
}

static struct config *load(void) {
    char *dir = tempdir_new(), *file = tempdir_path(dir, "config.json"), entry[512];
    struct error err;
    tempdir_write(file, "{\"databases\": {\"a\": {\"dsn\": \"/nosuch\", \"role\": \"plain\"}}}");
    snprintf(entry, sizeof entry, "BUGSINK_HEALTH_CONFIG=%s", file);
    const char *const environment[] = {entry, NULL};
    struct config *config = config_load(&(const struct config_source){.environment = environment}, &err);
    ck_assert_msg(config != NULL, "%s", err.text);
    free(file);
    free(dir);
    return config;
}

static void stage_init(struct stage *stage) {
    struct error err;
    *stage = (struct stage){.now_ms = 1000000, .sidecar = {.config = "ok"}};
    stage->clock = (struct clock){read_clock, read_clock, &stage->now_ms};
    pair_init(&stage->pair, true);
    ck_assert_int_eq(loop_init(&stage->loop, NULL, &err), 0);
    stage->loop.timers.clock = &stage->clock;
    announcer_open(&stage->announcer);
    publisher_init(&stage->publisher, &stage->sidecar, &stage->loop.timers, &stage->announcer);
    const struct engine_events events = {.checked = publisher_on_checked};
    stage->engine = engine_new(&stage->loop, load(), &events, &stage->publisher, &err);
    ck_assert_msg(stage->engine != NULL, "%s", err.text);
    publisher_start(&stage->publisher, stage->engine, stage->pair.sender);
    pair_run_until(&stage->pair, &stage->pair.sets, 1);
}

static void stage_release(struct stage *stage) {
    announcer_release(&stage->announcer);
    publisher_release(&stage->publisher);
    engine_free(stage->engine);
    loop_release(&stage->loop);
    pair_release(&stage->pair);
}

static void on_turn(void *arg) {
    struct stage *stage = arg;
    publisher_turn(&stage->publisher);
}

static void assert_fresh(struct stage *stage) {
    pair_run_dry(&stage->pair);
    ck_assert_msg(stage->pair.until_ms > stage->now_ms, "stale for %lld ms after %d runs",
        (long long)(stage->now_ms - stage->pair.until_ms), stage->begun);
}

static void begin(void *arg) {
    struct busy *busy = arg;
    struct stage *stage = busy->stage;
    stage->now_ms += stage->begin_ms;
    stage->begun++;
    publisher_on_checked(&stage->publisher, stage->begun % 10 == 0);
    timer_arm(&stage->loop.timers, &busy->timer, INTERVAL_MS);
}

static const struct {
    int64_t begin_ms, /* a run's beginning */
        stopped_ms;   /* between two turns: the process is not run */
} STARVED[] = {{30, 70}, {100, 0}, {1, 2900}, {30, 3900}, {5, 4900}, {900, 3900}};

START_TEST(pages_are_not_stale_however_many_runs_wait_for_their_turn) {
    struct stage stage;
    static struct busy busy[RUNS];
    stage_init(&stage);
    stage.loop.first = on_turn;
    stage.loop.arg = &stage;
    stage.begin_ms = STARVED[_i].begin_ms;
    for (int i = 0; i < RUNS; i++) {
        busy[i] = (struct busy){.stage = &stage};
        timer_init(&busy[i].timer, begin, &busy[i]);
        timer_arm(&stage.loop.timers, &busy[i].timer, 0);
    }
    for (int64_t end_ms = stage.now_ms + LASTS_MS; stage.now_ms < end_ms;) {
        assert_fresh(&stage);
        loop_run_due(&stage.loop);
        assert_fresh(&stage);
        stage.now_ms += STARVED[_i].stopped_ms;
    }
    ck_assert_int_gt(stage.begun, 0);
    for (int i = 0; i < RUNS; i++)
        timer_disarm(&busy[i].timer);
    stage_release(&stage);
}
END_TEST

/* -- what is rendered for whom -- */

/* So much time, in turns of a tenth of a second, with news in each. Returns how many sets went out. */
static int live(struct stage *stage, int64_t lasts_ms) {
    int before = stage->pair.sets;
    for (int64_t end_ms = stage->now_ms + lasts_ms; stage->now_ms < end_ms; stage->now_ms += 100) {
        publisher_on_checked(&stage->publisher, false);
        loop_run_due(&stage->loop);
        assert_fresh(stage);
    }
    return stage->pair.sets - before;
}

static void stage_turning(struct stage *stage) {
    stage_init(stage);
    stage->loop.first = on_turn;
    stage->loop.arg = stage;
}

START_TEST(without_readers_numbers_are_renewed_every_few_seconds_and_the_lease_alone_meanwhile) {
    struct stage stage;
    stage_turning(&stage);
    ck_assert_int_eq(live(&stage, PUBLISHER_QUIET_MS), 0);
    int sets = live(&stage, 10 * PUBLISHER_QUIET_MS);
    ck_assert_msg(sets <= 10 && sets >= 10 * PUBLISHER_QUIET_MS / (PUBLISHER_QUIET_MS + LEASE_RENEW_MS),
        "%d sets", sets);
    ck_assert_int_ge(stage.pair.leases, 11 * PUBLISHER_QUIET_MS / LEASE_MS);
    stage_release(&stage);
}
END_TEST

START_TEST(for_readers_they_are_renewed_with_the_lease) {
    struct stage stage;
    stage_turning(&stage);
    live(&stage, 5000);
    int before = stage.pair.sets;
    publisher_on_read(&stage.publisher);
    loop_run_due(&stage.loop);
    assert_fresh(&stage);
    ck_assert_int_eq(stage.pair.sets, before + 1); /* what waited is there for the second look */
    int sets = live(&stage, PUBLISHER_READERS_MS);
    ck_assert_msg(sets >= PUBLISHER_READERS_MS / (2 * LEASE_RENEW_MS), "%d sets", sets);
    ck_assert_msg(sets <= PUBLISHER_READERS_MS / LEASE_RENEW_MS, "%d sets", sets);
    ck_assert_int_le(live(&stage, 10 * PUBLISHER_QUIET_MS), 10); /* nobody reads any more */
    stage_release(&stage);
}
END_TEST

START_TEST(readers_bring_about_no_more_than_one_set_in_two_seconds) {
    struct stage stage;
    stage_turning(&stage);
    int before = stage.pair.sets;
    for (int i = 0; i < 600; i++) {
        publisher_on_read(&stage.publisher);
        live(&stage, 100);
    }
    ck_assert_int_le(stage.pair.sets - before, 60 * 1000 / LEASE_RENEW_MS);
    ck_assert_int_ge(stage.pair.sets - before, 60 * 1000 / LEASE_RENEW_MS / 2);
    stage_release(&stage);
}
END_TEST

START_TEST(without_news_nothing_is_rendered_however_many_read) {
    struct stage stage;
    stage_turning(&stage);
    for (int i = 0; i < 2000; i++) {
        publisher_on_read(&stage.publisher);
        loop_run_due(&stage.loop);
        assert_fresh(&stage);
        stage.now_ms += 100;
    }
    ck_assert_int_eq(stage.pair.sets, 1);
    stage_release(&stage);
}
END_TEST

/* What could not be replaced is not trusted longer than it was worth. */
START_TEST(pages_that_could_not_be_renewed_run_out) {
    struct stage stage;
    stage_init(&stage);
    int64_t until_ms = stage.pair.until_ms;
    timer_disarm(&stage.publisher.lease); /* as after an attempt that failed */
    stage.now_ms += LEASE_MS;
    publisher_turn(&stage.publisher);
    pair_run_dry(&stage.pair);
    ck_assert_int_eq(stage.pair.until_ms, until_ms);
    stage_release(&stage);
}
END_TEST

START_TEST(a_change_is_told_before_runs_that_are_due_begin) {
    struct stage stage;
    stage_init(&stage);
    struct busy busy = {.stage = &stage};
    timer_init(&busy.timer, begin, &busy);
    timer_arm(&stage.loop.timers, &busy.timer, 0);
    publisher_on_checked(&stage.publisher, true);
    publisher_turn(&stage.publisher);
    pair_run_dry(&stage.pair);
    ck_assert_int_eq(stage.pair.sets, 2);
    ck_assert_int_eq(stage.begun, 0);
    timer_disarm(&busy.timer);
    stage_release(&stage);
}
END_TEST

Suite *publisher_suite(void) {
    Suite *suite = suite_create("publisher");
    TCase *tcase = tcase_create("publisher");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, pages_are_not_stale_however_many_runs_wait_for_their_turn, 0,
        sizeof STARVED / sizeof STARVED[0]);
    tcase_add_test(
        tcase, without_readers_numbers_are_renewed_every_few_seconds_and_the_lease_alone_meanwhile);
    tcase_add_test(tcase, for_readers_they_are_renewed_with_the_lease);
    tcase_add_test(tcase, readers_bring_about_no_more_than_one_set_in_two_seconds);
    tcase_add_test(tcase, without_news_nothing_is_rendered_however_many_read);
    tcase_add_test(tcase, pages_that_could_not_be_renewed_run_out);
    tcase_add_test(tcase, a_change_is_told_before_runs_that_are_due_begin);
    return suite;
}
