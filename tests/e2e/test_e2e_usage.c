/* End to end: the command line as a new user types it: help, mistakes, short flags, and what `check` says. */
#include "e2e/commandline.h"
#include "harness/sqlite_files.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { COMMAND_MS = 5000 };

/* Whichever way somebody asks. */
static const struct {
    const char *words[3], *answer;
} QUESTIONS[] = {{{"help"}, "Commands:"}, {{"--help"}, "Commands:"}, {{"-h"}, "Commands:"},
    {{"help", "options"}, "--interval        BUGSINK_HEALTH_INTERVAL"},
    {{"help", "check"}, "usage: bugsink-health check"}, {{"check", "--help"}, "usage: bugsink-health check"},
    {{"check", "-q", "-h"}, "usage: bugsink-health check"},
    {{"check", "--interval", "-h"}, "usage: bugsink-health check"},
    {{"help", "check", "-h"}, "usage: bugsink-health check"},
    {{"explain", "locked", "-h"}, "usage: bugsink-health explain"},
    {{"probe", "live", "--help"}, "usage: bugsink-health probe"},
    {{"--listen", "[::]:8000", "-h"}, "Commands:"}, {{"wait", "-h"}, "usage: bugsink-health wait"},
    {{"version"}, "bugsink-health " BH_VERSION " ("}, {{"--version"}, "bugsink-health " BH_VERSION " ("},
    {{"-V"}, "bugsink-health " BH_VERSION " ("}, {{"-v"}, "bugsink-health " BH_VERSION " ("},
    {{"check", "--version"}, "bugsink-health " BH_VERSION " ("}};

START_TEST(help_and_version_are_given_however_they_are_asked_for) {
    struct world *world = world_new();
    const char *const *words = QUESTIONS[_i].words;
    ck_assert_int_eq(commandline_run(world, words[0], words[1], words[2]), 0);
    assert_output_has(QUESTIONS[_i].answer);
    ck_assert_str_eq(commandline_result->errors, "");
    world_end(world);
}
END_TEST

/* What was typed is named, and the nearest that there is. */
static const struct {
    const char *words[3], *error;
} MISTAKES[] = {{{"chekc"}, "unknown command \"chekc\"; did you mean check?"},
    {{"help", "wiat"}, "unknown command \"wiat\"; did you mean wait?"},
    {{"chek", "-h"}, "unknown command \"chek\"; did you mean check?"},
    {{"chek", "--json", "--help"}, "unknown command \"chek\"; did you mean check?"},
    {{"help", "chek"}, "unknown command \"chek\"; did you mean check?"},
    {{"help", "chek", "-h"}, "unknown command \"chek\"; did you mean check?"},
    {{"locked"}, "\"locked\" is a code, not a command: bugsink-health explain locked"},
    {{"explain", "lokced", "-h"}, "there is no code \"lokced\"; did you mean locked?"},
    {{"probe", "redy", "-h"}, "probe redy: did you mean ready?"},
    {{"probe", "redy"}, "probe redy: did you mean ready?"},
    {{"check", "--jsno", "-h"}, "unknown flag --jsno; did you mean --json?"},
    {{"--lissten", "[::]:8000", "-h"}, "unknown flag --lissten; did you mean --listen?"},
    {{"check", "now", "-h"}, "check takes no word (\"now\"), only flags"},
    {{"frobnicate"}, "unknown command \"frobnicate\"; bugsink-health help lists them"},
    {{"check", "--whatch"}, "unknown flag --whatch; did you mean --watch?"},
    {{"check", "--intervall", "5s"}, "unknown flag --intervall; did you mean --interval?"},
    {{"wait", "--fro", "start"}, "unknown flag --fro; did you mean --for?"},
    {{"explain", "--markdwon"}, "unknown flag --markdwon; did you mean --markdown?"},
    {{"check", "-z"}, "unknown flag -z; see --help"}, {{"check", "-w", "1ms"}, "--watch: must be from 100ms"},
    {{"check", "--watch=soon"}, "--watch: "}, {{"check", "-c", "/nosuch/file"}, "-c: "},
    {{"check", "-o", "yaml"}, "--output yaml: write json or table"},
    {{"check", "-o"}, "flag -o needs a value"},
    {{"check", "now"}, "check takes no word (\"now\"), only flags"}};

START_TEST(a_mistake_is_named_as_it_was_typed) {
    struct world *world = world_new();
    const char *const *words = MISTAKES[_i].words;
    ck_assert_int_eq(commandline_run(world, words[0], words[1], words[2]), 2);
    assert_errors_have(MISTAKES[_i].error);
    world_end(world);
}
END_TEST

START_TEST(short_flags_are_what_people_expect) {
    struct world *world = world_new();
    sqlite_files_remove(world->queue_db);
    ck_assert_int_eq(commandline_run(world, "check", "-q", NULL), 1);
    ck_assert_str_eq(commandline_result->output, "");
    ck_assert_str_eq(commandline_result->errors, "");
    ck_assert_int_eq(commandline_run(world, "check", "-o", "json"), 1);
    json_t *json = json_loads(commandline_result->output, 0, NULL);
    ck_assert_msg(json, "no JSON: %s", commandline_result->output);
    const json_t *queue = json_object_get(json_object_get(json, "checks"), "snappea");
    ck_assert_str_eq(json_string_value(json_object_get(queue, "where")), world->queue_db);
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(queue, "cause")), "No such file"));
    json_decref(json);
    ck_assert_int_eq(commandline_run(world, "wait", "-q", "--timeout=300ms"), 1);
    ck_assert_str_eq(commandline_result->output, "");
    ck_assert_int_eq(commandline_run(world, "probe", "-q", NULL), 1);
    ck_assert_str_eq(commandline_result->output, "");
    world_end(world);
}
END_TEST

/* Below the row stands all that is known, and the log is for who asks for it. */
START_TEST(check_says_where_and_what_and_logs_on_demand_alone) {
    struct world *world = world_new();
    char where[512];
    sqlite_files_remove(world->queue_db);
    ck_assert_int_eq(commandline_run(world, "check", NULL, NULL), 1);
    snprintf(where, sizeof where, "    where: %s\n", world->queue_db);
    assert_output_has(where);
    assert_output_has("    cause: ");
    assert_output_has("    try:   ");
    ck_assert_str_eq(commandline_result->errors, "");
    ck_assert_int_eq(commandline_run(world, "check", "-v", NULL), 1);
    assert_output_has(where);
    assert_errors_have("event=\"check changed\"");
    envlist_set(
        &world->environment, "DATABASE_URL=postgresql://bugsink:hunter22@127.0.0.1:1/sink?sslmode=require");
    ck_assert_int_eq(commandline_run(world, "check", NULL, NULL), 1);
    assert_output_has("    where: postgresql://127.0.0.1:1/sink as user bugsink\n");
    assert_output_has("psql \"$DATABASE_URL\"");
    assert_errors_have("bugsink-health: warning: ");
    ck_assert_ptr_null(strstr(commandline_result->errors, "level="));
    ck_assert_ptr_null(strstr(commandline_result->output, "hunter22"));
    envlist_set(&world->environment, "DATABASE_URL=postgresql://bugsink:hunter@22@127.0.0.1:1/sink");
    ck_assert_int_eq(commandline_run(world, "check", NULL, NULL), 1);
    assert_output_has("    where: the postgresql URL in DATABASE_URL (not shown: ");
    ck_assert_ptr_null(strstr(commandline_result->output, "hunter"));
    world_end(world);
}
END_TEST

/* The sidecar judges by what it has seen; where it says another thing, both are told. */
START_TEST(check_tells_what_the_running_sidecar_says_where_they_differ) {
    struct world *world = world_new();
    world_start(world);
    world_await(world, "/health/ready/", 200, "", COMMAND_MS);
    envlist_set(&world->environment, "BUGSINK_HEALTH_LISTEN=127.0.0.1:%d", world->daemon.port);
    ck_assert_int_eq(commandline_run(world, "check", NULL, NULL), 0);
    ck_assert_ptr_null(strstr(commandline_result->output, "running sidecar"));
    envlist_set(&world->environment, "BUGSINK_HEALTH_QUEUE=/nosuch/queue.sqlite3");
    ck_assert_int_eq(commandline_run(world, "check", NULL, NULL), 1);
    assert_output_has("The running sidecar says ready.");
    assert_output_has("a fresh look, without the history");
    world_end(world);
}
END_TEST

Suite *e2e_usage_suite(void) {
    Suite *suite = suite_create("e2e_usage");
    TCase *tcase = tcase_create("e2e_usage");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, commandline_set_up, commandline_tear_down);
    tcase_add_loop_test(tcase, help_and_version_are_given_however_they_are_asked_for, 0,
        sizeof QUESTIONS / sizeof QUESTIONS[0]);
    tcase_add_loop_test(tcase, a_mistake_is_named_as_it_was_typed, 0, sizeof MISTAKES / sizeof MISTAKES[0]);
    tcase_add_test(tcase, short_flags_are_what_people_expect);
    tcase_add_test(tcase, check_says_where_and_what_and_logs_on_demand_alone);
    tcase_add_test(tcase, check_tells_what_the_running_sidecar_says_where_they_differ);
    return suite;
}
