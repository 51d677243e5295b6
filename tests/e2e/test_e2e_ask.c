/* End to end: Bugsink asked what only its database can answer. It is played by a scripted Bugsink that
 * answers as a real one was seen to do. */
#include "e2e/world.h"
#include "harness/bugsink.h"
#include "harness/postgres.h"
#include "harness/skip.h"
#include "harness/sqlite_files.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ASK_MS = 1500, SOON_MS = 2000, RUNS_MS = 6000 };

struct scene {
    struct world *world;
    struct bugsink bugsink;
};

/* The sidecar's configuration: with the databases of the world, and what the app's object says besides. */
static void configure(const struct scene *scene, const char *settings, const char *app) {
    world_write_config(scene->world,
        "{\"databases\": {\"default\": {\"dsn\": \"%s\", \"role\": \"main\"},\n"
        " \"snappea\": {\"dsn\": \"%s\", \"role\": \"queue\"}},\n"
        " \"settings\": {\"path\": \"%s\"},\n"
        " \"app\": {\"url\": \"http://127.0.0.1:%d\", \"ask_interval\": \"1500ms\"%s}}\n",
        scene->world->main_db, scene->world->queue_db, settings, scene->bugsink.port, app);
}

static struct scene scene_new(const char *app) {
    struct scene scene = {.world = world_new(), .bugsink = bugsink_start(daemon_free_port())};
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_INTERVAL=500ms");
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_TIMEOUT=450ms");
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_SLOW=450ms");
    configure(&scene, scene.world->settings, app);
    return scene;
}

/* Well, and asked both questions. */
static struct scene scene_start(const char *app) {
    struct scene scene = scene_new(app);
    world_start(scene.world);
    return scene;
}

static void scene_end(struct scene *scene) {
    ck_assert_int_eq(bugsink_foreign_count(&scene->bugsink), 0);
    ck_assert_int_le(bugsink_most_at_once(&scene->bugsink), 1); /* one question at a time */
    world_end(scene->world);
    bugsink_stop(&scene->bugsink);
}

static int64_t await_code(const struct scene *scene, const char *code, int64_t timeout_ms) {
    char text[64];
    snprintf(text, sizeof text, "\"code\": \"%s\"", code);
    return world_await(scene->world, "/health/ready/app/", 0, text, timeout_ms);
}

static int requests(const struct scene *scene) {
    int count = 0;
    for (int i = QUESTION_NONE; i < QUESTION_COUNT; i++)
        count += bugsink_count(&scene->bugsink, (enum app_question)i);
    return count;
}

/* -- what it says -- */

START_TEST(an_arrival_is_asked_both_questions_and_then_the_token_again_and_again) {
    struct scene scene = scene_start("");
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_TOKEN, 3, 3 * RUNS_MS));
    ck_assert_int_eq(bugsink_count(&scene.bugsink, QUESTION_PROJECT), 1);
    ck_assert_int_gt(
        bugsink_count(&scene.bugsink, QUESTION_NONE), bugsink_count(&scene.bugsink, QUESTION_TOKEN));
    world_await(scene.world, "/health/ready/", 200, "", SOON_MS);
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "tells nothing", ""), 0);
    scene_end(&scene);
}
END_TEST

/* The false green that asking is for: its endpoint is well, and all that needs its database is a 500. */
START_TEST(a_bugsink_without_its_database_is_app_database_within_ask_interval_and_alive) {
    static const enum bugsink_answer FAULTS[] = {BUGSINK_FAILS, BUGSINK_RESETS, BUGSINK_SILENT};
    struct scene scene = scene_start("");
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_TOKEN, 1, RUNS_MS));
    bugsink_set(&scene.bugsink, QUESTION_TOKEN, FAULTS[_i]);
    int64_t took_ms = await_code(&scene, "app_database", RUNS_MS);
    if (!world_is_sanitized())
        ck_assert_int_le(took_ms, ASK_MS + 500 + 450 + 500); /* a turn, a look's time, and some to spare */
    world_await(scene.world, "/health/ready/", 503, "\"failed\": [\"app\"]", SOON_MS);
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_NONE, 5, RUNS_MS)); /* fall is 3 */
    ck_assert_int_eq(world_get(scene.world, "/health/ready/"), 503);
    ck_assert_int_eq(world_get(scene.world, "/health/live/"), 200);
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "liveness fails", ""), 0);

    bugsink_set(&scene.bugsink, QUESTION_TOKEN, BUGSINK_WELL);
    took_ms = await_code(&scene, "ok", RUNS_MS);
    if (!world_is_sanitized())
        ck_assert_int_le(took_ms, SOON_MS);
    world_await(scene.world, "/health/ready/", 200, "\"failed\": []", SOON_MS);
    scene_end(&scene);
}
END_TEST

START_TEST(a_schema_behind_its_code_is_app_schema_and_well_as_soon_as_it_is_migrated) {
    struct scene scene = scene_new("");
    bugsink_set(&scene.bugsink, QUESTION_PROJECT, BUGSINK_FAILS);
    world_start_with(scene.world, NULL, 0);
    await_code(&scene, "app_schema", RUNS_MS);
    ck_assert_int_eq(world_get(scene.world, "/health/live/"), 200);
    world_await(scene.world, "/health/ready/", 503, "app_schema", SOON_MS);
    bugsink_set(&scene.bugsink, QUESTION_PROJECT, BUGSINK_WELL);
    sqlite_files_execute(
        scene.world->main_db, "INSERT INTO django_migrations (app, name, applied) VALUES ('x', 'y', 'z')");
    await_code(&scene, "ok", RUNS_MS);
    scene_end(&scene);
}
END_TEST

static const struct {
    enum bugsink_answer answer;
    bool is_asked_again;
} MUTE[] = {
    {BUGSINK_ABSENT, false},
    {BUGSINK_UNALLOWED, false},
    {BUGSINK_REJECTS, true},
    {BUGSINK_REDIRECTS, true},
    {BUGSINK_THROTTLES, true},
    {BUGSINK_PROXY, true},
    {BUGSINK_FORBIDS, true},
};

START_TEST(what_says_nothing_of_the_database_is_no_verdict_and_one_line_in_the_log) {
    struct scene scene = scene_new("");
    bugsink_set(&scene.bugsink, QUESTION_TOKEN, MUTE[_i].answer);
    bugsink_set(&scene.bugsink, QUESTION_PROJECT, MUTE[_i].answer);
    world_start(scene.world);
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_NONE, 5, 3 * RUNS_MS));
    ck_assert_int_eq(world_get(scene.world, "/health/ready/app/"), 200);
    ck_assert_int_eq(
        daemon_log_lines(&scene.world->daemon, "says nothing about its database", "question=token"), 1);
    ck_assert_int_eq(
        daemon_log_lines(&scene.world->daemon, "says nothing about its database", "question=project"), 1);
    ck_assert_int_eq(bugsink_count(&scene.bugsink, QUESTION_TOKEN) > 1, MUTE[_i].is_asked_again);
    ck_assert_int_eq(bugsink_count(&scene.bugsink, QUESTION_PROJECT), 1);
    bugsink_set(&scene.bugsink, QUESTION_NONE, BUGSINK_FAILS); /* its endpoint counts as before */
    await_code(&scene, "app_error", RUNS_MS);
    scene_end(&scene);
}
END_TEST

START_TEST(an_upgraded_bugsink_is_asked_when_it_comes_back) {
    struct scene scene = scene_new("");
    bugsink_set(&scene.bugsink, QUESTION_TOKEN, BUGSINK_ABSENT);
    world_start(scene.world);
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_NONE, 5, RUNS_MS));
    int port = scene.bugsink.port;
    bugsink_stop(&scene.bugsink);
    await_code(&scene, "refused", RUNS_MS);
    scene.bugsink = bugsink_start(port);
    bugsink_set(&scene.bugsink, QUESTION_TOKEN, BUGSINK_FAILS);
    await_code(&scene, "app_database", SOON_MS + 1000);
    scene_end(&scene);
}
END_TEST

START_TEST(a_silent_question_is_not_asked_into_until_it_is_answered) {
    struct scene scene = scene_start("");
    bugsink_set(&scene.bugsink, QUESTION_TOKEN, BUGSINK_SILENT);
    await_code(&scene, "app_database", RUNS_MS);
    int asked = bugsink_count(&scene.bugsink, QUESTION_TOKEN);
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_NONE, 8, RUNS_MS));
    ck_assert_int_eq(bugsink_count(&scene.bugsink, QUESTION_TOKEN), asked);
    ck_assert_int_eq(world_get(scene.world, "/health/ready/"), 503);
    bugsink_set(&scene.bugsink, QUESTION_TOKEN, BUGSINK_WELL); /* it was late */
    await_code(&scene, "ok", SOON_MS);
    scene_end(&scene);
}
END_TEST

/* -- what it costs -- */

/* So many looks in so long, asked or not: from the first after the arrival on. */
static int count_requests(const char *app, int64_t *took_ms, int tokens) {
    struct scene scene = scene_start(app);
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_NONE, 4, RUNS_MS));
    int before = requests(&scene), before_token = bugsink_count(&scene.bugsink, QUESTION_TOKEN);
    int64_t start_ms = wait_now_ms();
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_NONE, 16, 4 * RUNS_MS));
    *took_ms = wait_now_ms() - start_ms;
    int count = requests(&scene) - before;
    ck_assert_int_ge(bugsink_count(&scene.bugsink, QUESTION_TOKEN) - before_token, tokens);
    scene_end(&scene);
    return count;
}

START_TEST(questions_take_the_place_of_looks_and_add_none) {
    int64_t asked_ms, unasked_ms;
    int asked = count_requests("", &asked_ms, 5),
        unasked = count_requests(", \"ask\": false", &unasked_ms, 0);
    /* Intervals of 450 to 500 ms, in both cases: no look comes sooner for being a question. */
    ck_assert_int_ge(asked_ms / asked, 430);
    ck_assert_int_ge(unasked_ms / unasked, 430);
}
END_TEST

START_TEST(turned_off_bugsink_is_asked_nothing) {
    struct scene scene = scene_new(", \"ask\": false");
    bugsink_set(&scene.bugsink, QUESTION_TOKEN, BUGSINK_FAILS);
    bugsink_set(&scene.bugsink, QUESTION_PROJECT, BUGSINK_FAILS);
    world_start(scene.world);
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_NONE, 6, 2 * RUNS_MS));
    ck_assert_int_eq(bugsink_count(&scene.bugsink, QUESTION_TOKEN), 0);
    ck_assert_int_eq(bugsink_count(&scene.bugsink, QUESTION_PROJECT), 0);
    ck_assert_int_eq(world_get(scene.world, "/health/ready/"), 200);
    scene_end(&scene);
}
END_TEST

/* -- what follows for the others -- */

/* The connection that is kept sees nothing of a changed password for as long as it is kept, and no catalog
 * shows it: a failing Bugsink has the database looked at with a fresh login. */
START_TEST(a_failing_bugsink_has_a_fresh_login_name_the_cause_within_a_second) {
    if (!postgres_is_installed()) {
        skip_test("a_failing_bugsink_has_a_fresh_login_name_the_cause_within_a_second",
            "PostgreSQL is not installed");
        return;
    }
    struct postgres_server *server = postgres_start(NULL);
    struct scene scene = scene_new("");
    char *dsn = postgres_dsn(server, "bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink", "");
    world_write_config(scene.world,
        "{\"databases\": {\"default\": {\"dsn\": \"%s\", \"role\": \"main\"}}, \"directories\": {},\n"
        " \"reconnect\": \"10m\",\n"
        " \"app\": {\"url\": \"http://127.0.0.1:%d\", \"ask_interval\": \"1500ms\"}}\n",
        dsn, scene.bugsink.port);
    free(dsn);
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_INTERVAL=3s");
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_TIMEOUT=2s");
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_RECONNECT=600s");
    world_start(scene.world);
    postgres_do(server, "postgres", "ALTER ROLE bugsink PASSWORD 'another'");
    ck_assert(
        bugsink_await(&scene.bugsink, QUESTION_NONE, 2, 3 * RUNS_MS)); /* the kept one has looked, too */
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "check=default", "auth_failed"), 0);
    bugsink_set(&scene.bugsink, QUESTION_TOKEN, _i ? BUGSINK_WELL : BUGSINK_FAILS);
    bugsink_set(&scene.bugsink, QUESTION_NONE, _i ? BUGSINK_FAILS : BUGSINK_WELL);
    await_code(&scene, _i ? "app_error" : "app_database", 3 * RUNS_MS);
    world_await(scene.world, "/health/ready/default/", 503, "auth_failed", 1000);
    postgres_do(server, "postgres", "ALTER ROLE bugsink PASSWORD '" POSTGRES_PASSWORD "'");
    bugsink_set(&scene.bugsink, QUESTION_TOKEN, BUGSINK_WELL);
    bugsink_set(&scene.bugsink, QUESTION_NONE, BUGSINK_WELL);
    world_await(scene.world, "/health/ready/", 200, "\"failed\": []", 6 * RUNS_MS);
    scene_end(&scene);
    postgres_free(server);
}
END_TEST

/* Bugsink is asked as soon as a database's check has changed, and not when its turn comes. */
START_TEST(a_database_that_fails_or_recovers_has_bugsink_asked_at_once) {
    struct scene scene = scene_new("");
    configure(&scene, scene.world->settings, ", \"host\": \"bugsink.example.com\"");
    char config[8192];
    ck_assert_uint_gt(program_read_file(scene.world->config, config, sizeof config), 0);
    char *turn = strstr(config, "1500ms");
    memcpy(turn, "1500s\" ", 7); /* a turn that does not come */
    tempdir_write(scene.world->config, config);
    world_start(scene.world);
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_NONE, 2, RUNS_MS));
    int asked = bugsink_count(&scene.bugsink, QUESTION_TOKEN);
    char aside[320];
    snprintf(aside, sizeof aside, "%s.aside", scene.world->queue_db);
    ck_assert_int_eq(rename(scene.world->queue_db, aside), 0);
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_TOKEN, 1, SOON_MS));
    ck_assert_int_eq(rename(aside, scene.world->queue_db), 0);
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_TOKEN, 1, SOON_MS));
    ck_assert_int_eq(bugsink_count(&scene.bugsink, QUESTION_TOKEN), asked + 2);
    scene_end(&scene);
}
END_TEST

/* -- what a question would leave behind -- */

static void move_file(const char *from, const char *to) {
    ck_assert_int_eq(rename(from, to), 0);
}

/* The file is looked at before each question, for as long as a pause after a failed run lasts: on a busy
 * machine that must not be a moment. */
static void take_time(const struct scene *scene) {
    envlist_set(&scene->world->environment, "BUGSINK_HEALTH_INTERVAL=1s");
    envlist_set(&scene->world->environment, "BUGSINK_HEALTH_RETRY_INTERVAL=1s");
    envlist_set(&scene->world->environment, "BUGSINK_HEALTH_TIMEOUT=950ms");
    envlist_set(&scene->world->environment, "BUGSINK_HEALTH_SLOW=950ms");
}

/* Bugsink opens its SQLite file for a question, and so makes an empty one where there is none. The file goes
 * at another moment between two looks each time. */
START_TEST(a_missing_database_file_is_not_made_by_our_questions) {
    struct scene scene = scene_new("");
    char *file = scene.world->main_db, aside[320];
    snprintf(aside, sizeof aside, "%s.aside", file);
    bugsink_keep_file(&scene.bugsink, file);
    take_time(&scene);
    world_start(scene.world);
    for (int i = 0; i < 3; i++) {
        ck_assert(bugsink_await(&scene.bugsink, QUESTION_TOKEN, 1, 2 * RUNS_MS));
        ck_assert(bugsink_await(&scene.bugsink, QUESTION_NONE, 1 + i, (2 + i) * RUNS_MS)); /* and no other */
        move_file(file, aside);
        world_await(scene.world, "/health/ready/default/", 503, "\"code\": \"file_missing\"", 2 * RUNS_MS);
        int asked = bugsink_count(&scene.bugsink, QUESTION_TOKEN);
        ck_assert(bugsink_await(&scene.bugsink, QUESTION_NONE, 5, 4 * RUNS_MS)); /* two turns */
        ck_assert_int_eq(bugsink_count(&scene.bugsink, QUESTION_TOKEN), asked);
        ck_assert_int_eq(access(file, F_OK), -1);
        ck_assert_int_eq(world_get(scene.world, "/health/live/"), 200);
        move_file(aside, file);
        world_await(scene.world, "/health/ready/", 200, "\"failed\": []", 2 * RUNS_MS);
        ck_assert(bugsink_await(&scene.bugsink, QUESTION_TOKEN, 1, 2 * SOON_MS));
    }
    ck_assert_int_eq(bugsink_count(&scene.bugsink, QUESTION_PROJECT), 1);
    scene_end(&scene);
}
END_TEST

START_TEST(a_database_file_that_is_missing_at_the_start_is_not_made_by_our_questions_either) {
    struct scene scene = scene_new("");
    char *file = scene.world->main_db, aside[320];
    snprintf(aside, sizeof aside, "%s.aside", file);
    bugsink_keep_file(&scene.bugsink, file);
    move_file(file, aside);
    world_start_with(scene.world, NULL, 0);
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_NONE, 8, 2 * RUNS_MS));
    ck_assert_int_eq(
        bugsink_count(&scene.bugsink, QUESTION_TOKEN) + bugsink_count(&scene.bugsink, QUESTION_PROJECT), 0);
    ck_assert_int_eq(access(file, F_OK), -1);
    move_file(aside, file);
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_PROJECT, 1, RUNS_MS)); /* what its arrival wanted */
    world_await(scene.world, "/health/ready/", 200, "\"failed\": []", RUNS_MS);
    scene_end(&scene);
}
END_TEST

/* -- predictions -- */

START_TEST(
    settings_that_a_start_would_refuse_are_degraded_while_bugsink_works_and_an_error_when_it_does_not) {
    struct scene scene = scene_start("");
    ck_assert(bugsink_await(&scene.bugsink, QUESTION_TOKEN, 1, RUNS_MS));
    world_write_settings(scene.world, "SECRET_KEY = 'short'\nBUGSINK = {}\n");
    world_await_check(scene.world, "app_settings", "degraded: invalid_setting", RUNS_MS);
    ck_assert_int_eq(world_get(scene.world, "/health/ready/"), 200);
    ck_assert_int_eq(world_get(scene.world, "/health/ready/app_settings/"), 200);
    ck_assert_ptr_nonnull(strstr(scene.world->response.body, "its next start will fail"));
    bugsink_set(&scene.bugsink, QUESTION_TOKEN, BUGSINK_FAILS);
    world_await_check(scene.world, "app_settings", "error: invalid_setting", RUNS_MS);
    bugsink_set(&scene.bugsink, QUESTION_TOKEN, BUGSINK_WELL);
    world_await_check(scene.world, "app_settings", "degraded: invalid_setting", RUNS_MS);
    world_await(scene.world, "/health/ready/", 200, "", SOON_MS);
    bugsink_stop(&scene.bugsink);
    world_await_check(scene.world, "app_settings", "error: invalid_setting", RUNS_MS);
    scene.bugsink = bugsink_start(scene.bugsink.port);
    scene_end(&scene);
}
END_TEST

START_TEST(settings_are_an_error_before_bugsink_answers_and_where_it_is_not_asked) {
    struct scene scene = scene_new(_i ? ", \"ask\": false" : "");
    int port = scene.bugsink.port;
    bugsink_stop(&scene.bugsink);
    world_write_settings(scene.world, "SECRET_KEY = 'short'\nBUGSINK = {}\n");
    world_start_with(scene.world, NULL, 0);
    world_await_check(scene.world, "app_settings", "error: invalid_setting", RUNS_MS);
    scene.bugsink = bugsink_start(port);
    await_code(&scene, "ok", RUNS_MS);
    if (_i) {
        ck_assert(bugsink_await(&scene.bugsink, QUESTION_NONE, 4, RUNS_MS));
        ck_assert_int_eq(world_get(scene.world, "/health/ready/app_settings/"), 503);
    } else {
        world_await_check(scene.world, "app_settings", "degraded: invalid_setting", RUNS_MS);
    }
    scene_end(&scene);
}
END_TEST

Suite *e2e_ask_suite(void) {
    Suite *suite = suite_create("e2e_ask");
    TCase *tcase = tcase_create("e2e_ask");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 90);
    tcase_add_test(tcase, an_arrival_is_asked_both_questions_and_then_the_token_again_and_again);
    tcase_add_loop_test(
        tcase, a_bugsink_without_its_database_is_app_database_within_ask_interval_and_alive, 0, 3);
    tcase_add_test(tcase, a_schema_behind_its_code_is_app_schema_and_well_as_soon_as_it_is_migrated);
    tcase_add_loop_test(tcase, what_says_nothing_of_the_database_is_no_verdict_and_one_line_in_the_log, 0,
        sizeof MUTE / sizeof MUTE[0]);
    tcase_add_test(tcase, an_upgraded_bugsink_is_asked_when_it_comes_back);
    tcase_add_test(tcase, a_silent_question_is_not_asked_into_until_it_is_answered);
    tcase_add_test(tcase, questions_take_the_place_of_looks_and_add_none);
    tcase_add_test(tcase, turned_off_bugsink_is_asked_nothing);
    tcase_add_loop_test(tcase, a_failing_bugsink_has_a_fresh_login_name_the_cause_within_a_second, 0, 2);
    tcase_add_test(tcase, a_database_that_fails_or_recovers_has_bugsink_asked_at_once);
    tcase_add_test(tcase, a_missing_database_file_is_not_made_by_our_questions);
    tcase_add_test(tcase, a_database_file_that_is_missing_at_the_start_is_not_made_by_our_questions_either);
    tcase_add_test(tcase,
        settings_that_a_start_would_refuse_are_degraded_while_bugsink_works_and_an_error_when_it_does_not);
    tcase_add_loop_test(tcase, settings_are_an_error_before_bugsink_answers_and_where_it_is_not_asked, 0, 2);
    return suite;
}
