/* End to end: the log. What a transition and a start tell, in both forms; that repetitions tell nothing; and
 * that a reload changes how both processes log. */
#include "e2e/world.h"
#include "harness/log_line.h"
#include "harness/proc.h"
#include "harness/sqlite_files.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <event2/event.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { SOON_MS = 3000, REPETITIONS = 4 };

/* The driver names the socket it tried, and with it the directory: a driver's text with the password in it.
 */
#define PASSWORD "Zq7xLogMarker"

static const char *const FORMATS[] = {"text", "json"};

static json_t *check_of_health(struct world *world, const char *name) {
    world_get(world, "/health/");
    json_t *json = http_json(&world->response);
    json_t *check = json_incref(json_object_get(json_object_get(json, "checks"), name));
    json_decref(json);
    return check;
}

static struct world *start_with_a_bad_database(const char *format) {
    struct world *world = world_new();
    world_write_config(world,
        "{\"databases\": {\n"
        " \"default\": {\"dsn\": \"postgresql://bugsink:" PASSWORD "@/bugsink?host=/nosuch/" PASSWORD
        "\", \"role\": \"main\"},\n"
        " \"snappea\": {\"dsn\": \"sqlite:///%s\", \"role\": \"queue\"}},\n"
        " \"settings\": {\"path\": \"%s\"}}\n",
        world->queue_db, world->settings);
    envlist_set(&world->environment, "BUGSINK_HEALTH_LOG_FORMAT=%s", format);
    world_start_with(world, NULL, 0);
    return world;
}

/* -- transitions -- */

struct repetition {
    struct world *world;
    const char *check;
};

static bool has_failed_often(void *arg) {
    const struct repetition *repetition = arg;
    json_t *check = check_of_health(repetition->world, repetition->check);
    json_int_t failures = json_integer_value(json_object_get(check, "consecutive_failures"));
    json_decref(check);
    return failures >= REPETITIONS;
}

static void await_repetitions(struct world *world, const char *check) {
    struct repetition repetition = {world, check};
    ck_assert_msg(wait_until(has_failed_often, &repetition, 8000), "%s", world->response.body);
}

/* What one line must hold; phase NULL: must not hold. */
struct transition {
    const char *old, *new, *old_code, *code, *phase, *level;
};

static void assert_transition(const json_t *line, const struct transition *expected, bool is_json) {
    log_line_assert(line, "old", expected->old);
    log_line_assert(line, "new", expected->new);
    log_line_assert(line, "old_code", expected->old_code);
    log_line_assert(line, "code", expected->code);
    log_line_assert(line, "phase", expected->phase);
    log_line_assert(line, "level", expected->level);
    log_line_assert(line, "process", "checker");
    const char *duration = log_line_field(line, "duration_ms");
    ck_assert_msg(duration && *duration && strspn(duration, "0123456789") == strlen(duration), "duration_ms");
    ck_assert(json_is_integer(json_object_get(line, "duration_ms")) == is_json);
}

/* All that the log has to say of that check. */
static json_t *assert_transitions(const struct world *world, const char *check,
    const struct transition *expected, size_t count, bool is_json) {
    json_t *lines = log_lines_find(&world->daemon, "check changed", "check", check);
    if (json_array_size(lines) != count) {
        char *log = daemon_log(&world->daemon);
        ck_abort_msg("%zu lines of %s, not %zu:\n%s", json_array_size(lines), check, count, log);
    }
    for (size_t i = 0; i < count; i++)
        assert_transition(json_array_get(lines, i), &expected[i], is_json);
    return lines;
}

START_TEST(a_transition_is_one_line_with_the_whole_story_and_a_repetition_none) {
    static const struct transition BAD[] = {{"starting", "error", "starting", "refused", "connect", "error"}};
    static const struct transition SETTINGS[] = {{"starting", "ok", "starting", "ok", NULL, "info"}};
    static const struct transition QUEUE[] = {
        {"starting", "ok", "starting", "ok", NULL, "info"},
        {"ok", "error", "ok", "file_missing", "stat", "error"},
        {"error", "ok", "file_missing", "ok", NULL, "info"},
    };
    struct world *world = start_with_a_bad_database(FORMATS[_i]);
    bool is_json = strcmp(FORMATS[_i], "json") == 0;
    world_await_check(world, "snappea", "ok", SOON_MS);
    char *away = tempdir_path(world->dir, "away");
    ck_assert_int_eq(rename(world->queue_db, away), 0);
    world_await_check(world, "snappea", "error: file_missing", SOON_MS);
    await_repetitions(world, "snappea");
    ck_assert_int_eq(rename(away, world->queue_db), 0); /* the same file: one that was replaced says so */
    free(away);
    world_await_check(world, "snappea", "ok", SOON_MS);
    await_repetitions(world, "default");

    json_t *lines = assert_transitions(world, "default", BAD, 1, is_json);
    const char *detail = log_line_field(json_array_get(lines, 0), "detail");
    ck_assert_msg(detail && strstr(detail, "No such file or directory"), "no driver's text");
    ck_assert_msg(strstr(detail, "/nosuch/***") && !strstr(detail, PASSWORD), "not redacted: %s", detail);
    json_decref(lines);
    lines = assert_transitions(world, "snappea", QUEUE, 3, is_json);
    detail = log_line_field(json_array_get(lines, 1), "detail");
    ck_assert_msg(detail && strstr(detail, world->queue_db), "%s", detail ? detail : "no detail");
    json_decref(lines);
    json_decref(assert_transitions(world, "app_settings", SETTINGS, 1, is_json));
    world_end(world);
}
END_TEST

/* -- the start -- */

static void assert_versions(const json_t *line) {
    char pq[32];
    int version = PQlibVersion();
    snprintf(pq, sizeof pq, "libpq %d.%d", version / 10000, version % 10000);
    const char *const parts[] = {event_get_version(), pq, sqlite3_libversion(), jansson_version_str(),
        "libevent", "SQLite", "jansson"};
    const char *linked = log_line_field(line, "linked");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        ck_assert_msg(
            linked && strstr(linked, parts[i]), "no %s in %s", parts[i], linked ? linked : "(none)");
}

static void assert_checking(
    const struct world *world, const char *check, const char *kind, const char *field, const char *target) {
    json_t *lines = log_lines_find(&world->daemon, "checking", "check", check);
    ck_assert_msg(json_array_size(lines) == 1, "%zu lines for %s", json_array_size(lines), check);
    log_line_assert(json_array_get(lines, 0), "kind", kind);
    const char *value = log_line_field(json_array_get(lines, 0), field);
    ck_assert_msg(value && strstr(value, target), "%s of %s: %s", field, check, value ? value : "(none)");
    json_decref(lines);
}

START_TEST(a_start_tells_where_it_listens_what_it_checks_and_what_is_linked) {
    struct world *world = world_new();
    world_write_config(world,
        "{\"databases\": {\n"
        " \"default\": {\"dsn\": \"postgresql://bugsink:" PASSWORD "@127.0.0.1:%d/bugs?password=" PASSWORD
        "\", \"role\": \"main\"},\n"
        " \"snappea\": {\"dsn\": \"sqlite:///%s\", \"role\": \"queue\"}},\n"
        " \"settings\": {\"path\": \"%s\"}}\n",
        daemon_free_port(), world->queue_db, world->settings);
    envlist_set(&world->environment, "BUGSINK_HEALTH_LOG_FORMAT=%s", FORMATS[_i]);
    world_start_with(world, NULL, 0);
    ck_assert(daemon_wait_log(&world->daemon, "checking", "app_settings", SOON_MS));

    json_t *lines = log_lines_find(&world->daemon, "started", NULL, NULL);
    ck_assert_uint_eq(json_array_size(lines), 1);
    const json_t *line = json_array_get(lines, 0);
    char listen[64];
    snprintf(listen, sizeof listen, "127.0.0.1:%d", world->daemon.port);
    log_line_assert(line, "listen", listen);
    log_line_assert(line, "checks", "3");
    log_line_assert(line, "version", BH_VERSION);
    assert_versions(line);
    json_decref(lines);

    lines = log_lines_find(&world->daemon, "checking", NULL, NULL);
    ck_assert_uint_eq(json_array_size(lines), 3);
    json_decref(lines);
    assert_checking(world, "default", "postgres", "target", "127.0.0.1");
    assert_checking(world, "snappea", "sqlite", "target", world->queue_db);
    assert_checking(world, "app_settings", "settings", "path", world->settings);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, PASSWORD, ""), 0);
    world_end(world);
}
END_TEST

/* -- reload -- */

/* A configuration whose number of databases shows that it is in force. */
static void write_log_config(struct world *world, const char *key, const char *value, const char *more) {
    world_write_config(world,
        "{\"%s\": \"%s\", \"databases\": {\n"
        " \"default\": {\"dsn\": \"sqlite:///%s\", \"role\": \"main\"},\n"
        " \"snappea\": {\"dsn\": \"sqlite:///%s\", \"role\": \"queue\"}%s}}\n",
        key, value, world->main_db, world->queue_db, more);
}

#define EXTRA ", \"extra\": {\"dsn\": \"/nosuch/extra.sqlite3\", \"critical\": false}"

static void reload_and_await_extra(struct world *world) {
    ck_assert_int_eq(kill(world->daemon.checker, SIGHUP), 0);
    world_await_check(world, "extra", "error: file_missing", SOON_MS);
}

static bool is_gone(void *arg) {
    return !proc_is_alive(*(pid_t *)arg);
}

START_TEST(a_reload_changes_the_form_of_both_processes_lines) {
    struct world *world = world_new();
    write_log_config(world, "log_format", FORMATS[_i], "");
    world_start(world);
    json_t *lines = log_lines_find(&world->daemon, "started", NULL, NULL);
    ck_assert(json_is_integer(json_object_get(json_array_get(lines, 0), "checks")) == (_i == 1));
    json_decref(lines);
    write_log_config(world, "log_format", FORMATS[1 - _i], EXTRA);
    reload_and_await_extra(world);
    kill(world->daemon.checker, SIGKILL); /* so that the responder has something to say */
    ck_assert_int_eq(daemon_wait_exit(&world->daemon, SOON_MS), -1);
    ck_assert(wait_until(is_gone, &world->daemon.responder, SOON_MS));

    static const char *const PROCESSES[] = {"checker", "responder"};
    static const char *const EVENTS[] = {"reloaded", "checker gone"};
    for (int i = 0; i < 2; i++) {
        char form[64];
        snprintf(form, sizeof form, _i == 0 ? "\"process\":\"%s\"" : "process=%s ", PROCESSES[i]);
        char *log = daemon_log(&world->daemon);
        ck_assert_msg(daemon_log_lines(&world->daemon, form, EVENTS[i]) == 1, "no %s in:\n%s", form, log);
        free(log);
    }
    world_end(world);
}
END_TEST

START_TEST(a_reload_changes_the_level) {
    struct world *world = world_new();
    write_log_config(world, "log_level", "error", "");
    world_start(world);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "", ""), 0);
    write_log_config(world, "log_level", "info", EXTRA);
    reload_and_await_extra(world);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "level=info", "reloaded"), 1);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "level=info", "event=checking"), 3);
    int before = daemon_log_lines(&world->daemon, "level=info", "");
    write_log_config(world, "log_level", "error", "");
    kill(world->daemon.checker, SIGHUP);
    world_await(world, "/health/ready/extra/", 404, "", SOON_MS);
    sqlite_files_remove(world->queue_db);
    world_await_check(world, "snappea", "error: file_missing", SOON_MS);
    sqlite_files_make_queue(world->queue_db);
    world_await_check(world, "snappea", "ok", SOON_MS);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "level=error", "check=snappea"), 1);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "level=info", ""), before);
    world_end(world);
}
END_TEST

Suite *e2e_log_suite(void) {
    Suite *suite = suite_create("e2e_log");
    TCase *tcase = tcase_create("e2e_log");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_transition_is_one_line_with_the_whole_story_and_a_repetition_none, 0, 2);
    tcase_add_loop_test(tcase, a_start_tells_where_it_listens_what_it_checks_and_what_is_linked, 0, 2);
    tcase_add_loop_test(tcase, a_reload_changes_the_form_of_both_processes_lines, 0, 2);
    tcase_add_test(tcase, a_reload_changes_the_level);
    return suite;
}
