/* End to end: check and wait ask Bugsink what only its database can answer, as the sidecar does. */
#include "e2e/commandline.h"
#include "harness/bugsink.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void name_app(struct world *world, const struct bugsink *bugsink) {
    envlist_set(&world->environment, "BUGSINK_HEALTH_APP_URL=http://127.0.0.1:%d", bugsink->port);
}

/* What it says when it is asked the questions of an arrival, and what a look makes of that. */
static const struct {
    enum bugsink_answer endpoint, token, project;
    int status;
    const char *text;
    int questions;
} ASKED[] = {
    {BUGSINK_WELL, BUGSINK_WELL, BUGSINK_WELL, 0, "ready", 2},
    {BUGSINK_WELL, BUGSINK_FAILS, BUGSINK_FAILS, 1, "app_database", 1},
    {BUGSINK_WELL, BUGSINK_SILENT, BUGSINK_WELL, 1, "app_database", 1},
    {BUGSINK_WELL, BUGSINK_WELL, BUGSINK_FAILS, 1, "app_schema", 2},
    {BUGSINK_WELL, BUGSINK_ABSENT, BUGSINK_WELL, 0, "ready", 2},
    {BUGSINK_WELL, BUGSINK_ABSENT, BUGSINK_FAILS, 1, "app_database", 2},
    {BUGSINK_FAILS, BUGSINK_WELL, BUGSINK_WELL, 1, "app_error", 0},
};

START_TEST(check_asks_bugsink_what_only_its_database_can_answer) {
    struct world *world = world_new();
    struct bugsink bugsink = bugsink_start(0);
    name_app(world, &bugsink);
    bugsink_set(&bugsink, QUESTION_NONE, ASKED[_i].endpoint);
    bugsink_set(&bugsink, QUESTION_TOKEN, ASKED[_i].token);
    bugsink_set(&bugsink, QUESTION_PROJECT, ASKED[_i].project);
    ck_assert_msg(
        commandline_run(world, "check", NULL, NULL) == ASKED[_i].status, "%s", commandline_result->output);
    assert_output_has(ASKED[_i].text);
    ck_assert_int_eq(bugsink_count(&bugsink, QUESTION_TOKEN) + bugsink_count(&bugsink, QUESTION_PROJECT),
        ASKED[_i].questions);
    ck_assert_int_eq(bugsink_count(&bugsink, QUESTION_NONE), 1);
    world_end(world);
    bugsink_stop(&bugsink);
}
END_TEST

START_TEST(check_judges_settings_by_whether_bugsink_works) {
    struct world *world = world_new();
    struct bugsink bugsink = bugsink_start(0);
    name_app(world, &bugsink);
    world_write_settings(world, "SECRET_KEY = 'short'\nBUGSINK = {}\n");
    ck_assert_msg(commandline_run(world, "check", NULL, NULL) == 0, "%s", commandline_result->output);
    assert_output_has("its next start will fail");
    bugsink_set(&bugsink, QUESTION_TOKEN, BUGSINK_FAILS);
    ck_assert_int_eq(commandline_run(world, "check", NULL, NULL), 1);
    world_end(world);
    bugsink_stop(&bugsink);
}
END_TEST

/* A Bugsink that is asked for what is in its SQLite file makes an empty one where there is none. */
START_TEST(check_has_bugsink_make_no_database_file) {
    struct world *world = world_new();
    struct bugsink bugsink = bugsink_start(0);
    name_app(world, &bugsink);
    bugsink_keep_file(&bugsink, world->main_db);
    ck_assert_int_eq(unlink(world->main_db), 0);
    ck_assert_int_eq(commandline_run(world, "check", NULL, NULL), 1);
    assert_output_has("file_missing");
    ck_assert_int_eq(access(world->main_db, F_OK), -1);
    ck_assert_int_eq(bugsink_count(&bugsink, QUESTION_NONE), 1);
    ck_assert_int_eq(commandline_run(world, "wait", "--timeout", "2s"), 1);
    ck_assert_int_eq(access(world->main_db, F_OK), -1);
    world_end(world);
    bugsink_stop(&bugsink);
}
END_TEST

static const char UNASKED[] = "Bugsink itself was not asked.";

START_TEST(check_says_where_bugsink_itself_was_not_asked) {
    struct world *world = world_new();
    struct bugsink bugsink = bugsink_start(0);
    ck_assert_int_eq(commandline_run(world, "check", NULL, NULL), 0);
    assert_output_has(UNASKED);
    assert_output_has("--app-url");
    ck_assert_int_eq(commandline_run(world, "check", "--json", NULL), 0);
    ck_assert_ptr_null(strstr(commandline_result->output, UNASKED));
    ck_assert_int_eq(commandline_run(world, "check", "--quiet", NULL), 0);
    ck_assert_str_eq(commandline_result->output, "");
    name_app(world, &bugsink);
    ck_assert_int_eq(commandline_run(world, "check", NULL, NULL), 0);
    ck_assert_ptr_null(strstr(commandline_result->output, UNASKED));
    world_end(world);
    bugsink_stop(&bugsink);
}
END_TEST

/* That its endpoint is well does not end it. */
START_TEST(wait_is_over_when_bugsink_answers_with_its_database) {
    struct world *world = world_new();
    struct bugsink bugsink = bugsink_start(0);
    name_app(world, &bugsink);
    bugsink_set(&bugsink, QUESTION_TOKEN, BUGSINK_FAILS);
    ck_assert_int_eq(commandline_run(world, "wait", "--timeout", "2s"), 1);
    assert_output_has("app_database");
    bugsink_set(&bugsink, QUESTION_TOKEN, BUGSINK_WELL);
    ck_assert_int_eq(commandline_run(world, "wait", "--timeout", "4s"), 0);
    world_end(world);
    bugsink_stop(&bugsink);
}
END_TEST

Suite *e2e_cli_ask_suite(void) {
    Suite *suite = suite_create("e2e_cli_ask");
    TCase *tcase = tcase_create("e2e_cli_ask");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, commandline_set_up, commandline_tear_down);
    tcase_add_loop_test(
        tcase, check_asks_bugsink_what_only_its_database_can_answer, 0, sizeof ASKED / sizeof ASKED[0]);
    tcase_add_test(tcase, check_judges_settings_by_whether_bugsink_works);
    tcase_add_test(tcase, check_has_bugsink_make_no_database_file);
    tcase_add_test(tcase, check_says_where_bugsink_itself_was_not_asked);
    tcase_add_test(tcase, wait_is_over_when_bugsink_answers_with_its_database);
    return suite;
}
