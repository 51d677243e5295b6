/* End to end: the commands, their output and their exit statuses. */
#include "base/io.h"
#include "e2e/commandline.h"
#include "harness/peer.h"
#include "harness/sqlite_files.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMMAND_MS = 5000 };

START_TEST(check_prints_a_table_and_ends_with_0_when_all_is_well) {
    struct world *world = world_new();
    ck_assert_int_eq(commandline_run(world, "check", NULL, NULL), 0);
    assert_output_has("default");
    assert_output_has("snappea");
    assert_output_has("app_settings");
    assert_output_has("ready");
    ck_assert_msg(!strchr(commandline_result->output, '\033'), "colour in a file");
    ck_assert_str_eq(commandline_result->errors, "");
    world_end(world);
}
END_TEST

START_TEST(check_ends_with_1_when_not_ready) {
    struct world *world = world_new();
    sqlite_files_remove(world->main_db);
    ck_assert_int_eq(commandline_run(world, "check", NULL, NULL), 1);
    assert_output_has("file_missing");
    assert_output_has("not ready");
    world_end(world);
}
END_TEST

START_TEST(check_ends_with_0_when_degraded) {
    struct world *world = world_new();
    sqlite_files_execute(
        world->main_db, "UPDATE phonehome_installation SET quota_exceeded_until = '2999-01-01 00:00:00'");
    ck_assert_int_eq(commandline_run(world, "check", NULL, NULL), 0);
    assert_output_has("ingestion_paused");
    world_end(world);
}
END_TEST

START_TEST(check_json_is_the_health_document) {
    struct world *world = world_new();
    for (int missing = 0; missing < 2; missing++) {
        if (missing)
            sqlite_files_remove(world->queue_db);
        ck_assert_int_eq(commandline_run(world, "check", "--json", NULL), missing);
        json_t *json = json_loads(commandline_result->output, 0, NULL);
        ck_assert_msg(json, "no JSON: %s", commandline_result->output);
        ck_assert_str_eq(json_string_value(json_object_get(json, "status")), missing ? "error" : "ok");
        json_t *check = json_object_get(json_object_get(json, "checks"), "snappea");
        ck_assert_str_eq(json_string_value(json_object_get(check, "code")), missing ? "file_missing" : "ok");
        json_decref(json);
    }
    world_end(world);
}
END_TEST

START_TEST(explain_tells_a_code_and_suggests_the_nearest) {
    struct world *world = world_new();
    ck_assert_int_eq(commandline_run(world, "explain", "locked", "empty"), 0);
    assert_output_has("locked (error)\n  The database stays locked by another process.\n");
    assert_output_has("fuser -v PATH");
    assert_output_has("Only degraded for a database of role plain.");
    ck_assert_int_eq(commandline_run(world, "explain", "lokced", NULL), 2);
    assert_errors_have("did you mean locked?");
    ck_assert_str_eq(commandline_result->output, "");
    ck_assert_int_eq(commandline_run(world, "explain", NULL, NULL), 0);
    assert_output_has("maintenance");
    world_end(world);
}
END_TEST

START_TEST(explain_says_of_no_state_of_the_sidecar_what_holds_for_checks) {
    static const char *const STATES[] = {"stale", "draining", "maintenance"};
    struct world *world = world_new();
    for (size_t i = 0; i < sizeof STATES / sizeof STATES[0]; i++) {
        ck_assert_int_eq(commandline_run(world, "explain", STATES[i], NULL), 0);
        assert_output_has("This is about the sidecar as a whole. Readiness fails as long as it lasts.");
        ck_assert_msg(
            !strstr(commandline_result->output, "critical check"), "%s", commandline_result->output);
        ck_assert_msg(!strstr(commandline_result->output, "looks again"), "%s", commandline_result->output);
    }
    world_end(world);
}
END_TEST

/* So that `make docs` changes nothing, and the page is what the program says. */
START_TEST(the_page_on_troubleshooting_holds_what_explain_prints) {
    struct world *world = world_new();
    char *page;
    size_t length;
    struct error err;
    ck_assert_int_eq(commandline_run(world, "explain", "--markdown", NULL), 0);
    ck_assert_msg(
        io_read_file("docs/troubleshooting.md", 1 << 20, &page, &length, &err) == 0, "%s", err.text);
    ck_assert_msg(strstr(page, commandline_result->output), "run make docs");
    free(page);
    world_end(world);
}
END_TEST

static const char *const BAD_USAGE[][3] = {{"check", "--nosuch", NULL}, {"check", "word", NULL},
    {"check", "--interval", NULL}, {"check", "--interval", "soon"}, {"serve", "word", NULL},
    {"serve", "--nosuch=1", NULL}, {"config", "word", NULL}, {"probe", "nosuch", NULL},
    {"probe", "https://localhost/", NULL}, {"probe", "--timeout", "x"}, {"probe", "--timeout", "0s"},
    {"explain", "nosuch", NULL}, {"explain", "locked", "--markdown"}, {"explain", "--interval", "5s"},
    {"wait", "--timeout", "-1s"}, {"wait", "word", NULL}, {"wait", "--for", "ever"},
    {"check", "--watch=", NULL}, {"check", "--watch=soon", NULL}, {"check", "-w", "1ms"},
    {"check", "--watch", "soon"}, {"check", "-o", "yaml"}, {"check", "--output", NULL}, {"check", "-x", NULL},
    {"help", "nosuch", NULL}, {"check", "--watch=1ms", NULL}, {"check", "--json=1", NULL},
    {"config", "--json", NULL}, {"nosuch", NULL, NULL}, {"--nosuch", NULL, NULL}, {"", NULL, NULL},
    {"probe", "live", "ready"}, {"explain", "--nosuch", NULL}, {"wait", "--nosuch", NULL},
    {"check", "--a-flag-that-is-longer-than-any-that-there-will-ever-be-in-this-program", NULL}};

START_TEST(bad_usage_is_2_and_says_what_is_wrong) {
    struct world *world = world_new();
    const char *const *words = BAD_USAGE[_i];
    int status = commandline_run(world, words[0], words[1], words[2]);
    ck_assert_msg(status == 2, "%s %s: status %d\n%s%s", words[0], words[1] ? words[1] : "", status,
        commandline_result->output, commandline_result->errors);
    ck_assert_str_ne(commandline_result->errors, "");
    ck_assert_str_eq(commandline_result->output, "");
    world_end(world);
}
END_TEST

/* Not in probe: a sidecar that runs may have refused the same configuration at a reload, and is to be asked
 * all the same. */
START_TEST(a_bad_configuration_is_2_in_every_command_but_probe) {
    static const char *const COMMANDS[] = {"serve", "check", "wait", "config"};
    struct world *world = world_new();
    world_write_config(world, "{\"nosuch\": 1}");
    envlist_set(&world->environment, "BUGSINK_HEALTH_LISTEN=127.0.0.1:%d", daemon_free_port());
    for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++) {
        ck_assert_msg(commandline_run(world, COMMANDS[i], NULL, NULL) == 2, "%s: %d", COMMANDS[i],
            commandline_result->exit_status);
        assert_errors_have("nosuch");
        assert_errors_have("config.json");
    }
    ck_assert_int_eq(commandline_run(world, "probe", "live", NULL), 1);
    world_end(world);
}
END_TEST

START_TEST(a_flag_wins_over_the_environment_and_that_over_the_file) {
    struct world *world = world_new();
    world_write_config(world,
        "{\"interval\": \"44s\", \"drain\": \"4s\", \"timeout\": \"3s\", \"databases\": {\"default\": "
        "{\"dsn\": \"%s\"}}}",
        world->main_db);
    envlist_unset(&world->environment, "BUGSINK_HEALTH_TIMEOUT");
    envlist_set(&world->environment, "BUGSINK_HEALTH_INTERVAL=55s");
    envlist_set(&world->environment, "BUGSINK_HEALTH_DRAIN=6s");
    ck_assert_int_eq(commandline_run(world, "config", "--interval", "66s"), 0);
    assert_output_has("66s");
    assert_output_has("6s");
    ck_assert_ptr_null(strstr(commandline_result->output, "55s"));
    ck_assert_ptr_null(strstr(commandline_result->output, "44s"));
    assert_output_has("BUGSINK_HEALTH_DRAIN");
    assert_output_has("--interval");
    assert_output_has("config.json");
    world_end(world);
}
END_TEST

/* A path may hold anything, an escape sequence too: CSI of seven bits, and of eight in UTF-8. */
START_TEST(config_is_aligned_and_nothing_in_it_acts_on_a_terminal) {
    struct world *world = world_new();
    envlist_set(&world->environment, "BUGSINK_HEALTH_MAINTENANCE=/tmp/\033[31mred\xc2\x9b"
                                     "31m\n\177end");
    envlist_set(&world->environment,
        "DATABASE_URL=postgresql://bugsink:%s@127.0.0.1:1/bugsink?sslmode=require", "hunter22");
    ck_assert_int_eq(commandline_run(world, "config", NULL, NULL), 0);
    assert_output_has("maintenance");
    assert_output_has(" = /tmp/?[31mred??31m??end");
    assert_output_has("(environment BUGSINK_HEALTH_MAINTENANCE)\n");
    ck_assert_ptr_null(strstr(commandline_result->output, "hunter22"));
    size_t column = 0;
    bool is_warning = false;
    for (char *rest = commandline_result->output, *line; (line = strsep(&rest, "\n")) != NULL && *line;) {
        for (const char *c = line; *c; c++)
            ck_assert_msg((unsigned char)*c >= 0x20 && *c != 0x7f, "%s", line);
        is_warning = is_warning || strncmp(line, "warning: ", 9) == 0;
        ck_assert_msg(!is_warning || strncmp(line, "warning: ", 9) == 0, "behind a warning: %s", line);
        const char *equals = strstr(line, " = ");
        if (is_warning)
            continue;
        ck_assert_msg(equals && strchr(equals, '(') && line[strlen(line) - 1] == ')', "%s", line);
        column = column > 0 ? column : (size_t)(equals - line);
        ck_assert_msg((size_t)(equals - line) == column, "%s", line);
    }
    ck_assert_msg(is_warning, "the dropped query string is not told");
    world_end(world);
}
END_TEST

static const char *const TARGETS[] = {"live", "ready", "started", "self", NULL};

START_TEST(probe_is_0_while_all_is_well) {
    struct world *world = world_new();
    world_start(world);
    world_await(world, "/health/started/", 200, "", COMMAND_MS);
    envlist_set(&world->environment, "BUGSINK_HEALTH_LISTEN=127.0.0.1:%d", world->daemon.port);
    for (size_t i = 0; i < sizeof TARGETS / sizeof TARGETS[0]; i++)
        ck_assert_msg(commandline_run(world, "probe", TARGETS[i], NULL) == 0, "%s:\n%s%s", TARGETS[i],
            commandline_result->output, commandline_result->errors);
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/health/live/", world->daemon.port);
    ck_assert_int_eq(commandline_run(world, "probe", url, NULL), 0);
    world_end(world);
}
END_TEST

START_TEST(probe_is_1_and_gives_the_reason_when_not_ready) {
    struct world *world = world_new();
    sqlite_files_remove(world->queue_db);
    world_start_with(world, NULL, 0);
    world_await_check(world, "snappea", "error: file_missing", COMMAND_MS);
    envlist_set(&world->environment, "BUGSINK_HEALTH_LISTEN=127.0.0.1:%d", world->daemon.port);
    ck_assert_int_eq(commandline_run(world, "probe", "ready", NULL), 1);
    assert_output_has("snappea");
    assert_output_has("file_missing");
    ck_assert_ptr_null(strstr(commandline_result->output, "default: ok"));
    ck_assert_int_eq(commandline_run(world, "probe", "live", NULL), 0);
    world_end(world);
}
END_TEST

START_TEST(probe_is_1_when_nobody_answers_in_time) {
    struct world *world = world_new();
    envlist_set(&world->environment, "BUGSINK_HEALTH_LISTEN=127.0.0.1:%d", daemon_free_port());
    ck_assert_int_eq(commandline_run(world, "probe", "live", NULL), 1);
    assert_output_has("refused");
    world_start(world);
    kill(world->daemon.responder, SIGSTOP);
    envlist_set(&world->environment, "BUGSINK_HEALTH_LISTEN=127.0.0.1:%d", world->daemon.port);
    ck_assert_int_eq(commandline_run(world, "probe", "--timeout", "300ms"), 1);
    ck_assert_int_lt(commandline_result->free_ms, 2000);
    kill(world->daemon.responder, SIGCONT);
    world_end(world);
}
END_TEST

START_TEST(wait_ends_with_0_once_all_is_ready) {
    struct world *world = world_new();
    char output_path[256], text[4096];
    sqlite_files_remove(world->queue_db);
    const char *const arguments[] = {"wait", "--timeout", "20s", NULL};
    const struct program_setup setup = {&world->environment, arguments, 0};
    int output = program_output_file(output_path, sizeof output_path);
    pid_t pid = program_spawn(&setup, output, output);
    const struct daemon waiting = {.checker = pid};
    struct daemon log = waiting;
    snprintf(log.log_path, sizeof log.log_path, "%s", output_path);
    ck_assert_msg(daemon_wait_log(&log, "snappea", "file_missing", COMMAND_MS), "no progress is shown");
    sqlite_files_make_queue(world->queue_db);
    int status = -1;
    ck_assert(program_wait(pid, COMMAND_MS, &status));
    ck_assert_int_eq(status, 0);
    program_read_file(output_path, text, sizeof text);
    ck_assert_msg(strstr(text, "ready"), "%s", text);
    close(output);
    world_end(world);
}
END_TEST

/* -- wait --for start -- */

START_TEST(a_start_waits_for_no_database_that_it_makes_or_migrates) {
    struct world *world = world_new();
    sqlite_files_remove(world->main_db);
    ck_assert_int_eq(commandline_run(world, "wait", "--for=start", "--timeout=60s"), 0);
    ck_assert_int_eq(commandline_run(world, "wait", "--timeout=300ms", NULL), 1);
    FILE *empty = fopen(world->main_db, "w"); /* a database without tables */
    ck_assert_ptr_nonnull(empty);
    fclose(empty);
    ck_assert_int_eq(commandline_run(world, "wait", "--for=start", "--timeout=60s"), 0);
    ck_assert_int_eq(commandline_run(world, "wait", "--timeout=300ms", NULL), 1);
    world_end(world);
}
END_TEST

START_TEST(a_start_waits_for_the_directory_of_a_database_and_for_one_that_is_broken) {
    struct world *world = world_new();
    char path[512];
    snprintf(path, sizeof path, "%s.d/db.sqlite3", world->main_db);
    world_write_config(world, "{\"databases\": {\"default\": {\"dsn\": \"sqlite:///%s\"}}}", path);
    ck_assert_int_eq(commandline_run(world, "wait", "--for=start", "--timeout=2s"), 1);
    assert_errors_have("default");
    world_write_config(world, "{\"databases\": {\"default\": {\"dsn\": \"sqlite:///%s\"}}}", world->main_db);
    FILE *broken = fopen(world->main_db, "w");
    ck_assert_ptr_nonnull(broken);
    for (int i = 0; i < 1024; i++)
        fputs("no database", broken);
    fclose(broken);
    ck_assert_int_eq(commandline_run(world, "wait", "--for=start", "--timeout=2s"), 1);
    world_end(world);
}
END_TEST

/* Whatever answers on the port: nothing of it may reach a terminal, or end the program. */
#define ANSWER(body) "HTTP/1.1 503 No\r\nConnection: close\r\n\r\n" body
static const struct {
    const char *reply, *prints;
} LIARS[] = {
    {ANSWER("\033[31mred\007 and \302\233 end"), "HTTP 503\n?[31mred? and ?? end\n"},
    {ANSWER("two\nlines\n"), "HTTP 503\ntwo\nlines\n"},
    {ANSWER(""), "HTTP 503\n"},
    {ANSWER("{\"failed\":[1,null],\"codes\":{\"a\":\"x\"}}"), "HTTP 503\na: degraded: x\n"},
    {ANSWER("{\"codes\":{},\"message\":\"m\"}"), "HTTP 503\n"},
    {ANSWER(
         "{\"codes\":{\"\\u001b]0;t\":\"\\u001b[2J\",\"n\":7},\"code\":\"\\u0007\",\"message\":\"\\u009b\"}"),
        "HTTP 503\n?: ??\n?]0;t: degraded: ?[2J\nn: degraded: no code\n"},
};

START_TEST(probe_prints_nothing_foreign_as_it_came) {
    const struct peer_script script = {
        .reads = 1, .reply = LIARS[_i].reply, .reply_size = strlen(LIARS[_i].reply), .closes = PEER_CLOSES};
    struct world *world = world_new();
    struct peer peer = peer_start(&script);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", peer.port);
    ck_assert_int_eq(commandline_run(world, "probe", url, NULL), 1);
    ck_assert_str_eq(commandline_result->output, LIARS[_i].prints);
    peer_stop(&peer);
    world_end(world);
}
END_TEST

START_TEST(wait_fails_at_its_timeout) {
    struct world *world = world_new();
    sqlite_files_remove(world->queue_db);
    int status = commandline_run(world, "wait", "--timeout", "2s");
    ck_assert_msg(status == 1, "status %d", status);
    ck_assert_int_ge(commandline_result->took_ms, 1950);
    ck_assert_int_lt(commandline_result->free_ms, 4500);
    assert_output_has("file_missing");
    world_end(world);
}
END_TEST

Suite *e2e_cli_suite(void) {
    Suite *suite = suite_create("e2e_cli");
    TCase *tcase = tcase_create("e2e_cli");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, commandline_set_up, commandline_tear_down);
    tcase_add_test(tcase, check_prints_a_table_and_ends_with_0_when_all_is_well);
    tcase_add_test(tcase, check_ends_with_1_when_not_ready);
    tcase_add_test(tcase, check_ends_with_0_when_degraded);
    tcase_add_test(tcase, explain_tells_a_code_and_suggests_the_nearest);
    tcase_add_test(tcase, explain_says_of_no_state_of_the_sidecar_what_holds_for_checks);
    tcase_add_test(tcase, the_page_on_troubleshooting_holds_what_explain_prints);
    tcase_add_test(tcase, check_json_is_the_health_document);
    tcase_add_loop_test(
        tcase, bad_usage_is_2_and_says_what_is_wrong, 0, sizeof BAD_USAGE / sizeof BAD_USAGE[0]);
    tcase_add_test(tcase, a_bad_configuration_is_2_in_every_command_but_probe);
    tcase_add_test(tcase, a_flag_wins_over_the_environment_and_that_over_the_file);
    tcase_add_test(tcase, config_is_aligned_and_nothing_in_it_acts_on_a_terminal);
    tcase_add_test(tcase, probe_is_0_while_all_is_well);
    tcase_add_test(tcase, probe_is_1_and_gives_the_reason_when_not_ready);
    tcase_add_test(tcase, probe_is_1_when_nobody_answers_in_time);
    tcase_add_test(tcase, wait_ends_with_0_once_all_is_ready);
    tcase_add_test(tcase, wait_fails_at_its_timeout);
    tcase_add_test(tcase, a_start_waits_for_no_database_that_it_makes_or_migrates);
    tcase_add_test(tcase, a_start_waits_for_the_directory_of_a_database_and_for_one_that_is_broken);
    tcase_add_loop_test(tcase, probe_prints_nothing_foreign_as_it_came, 0, sizeof LIARS / sizeof LIARS[0]);
    return suite;
}
