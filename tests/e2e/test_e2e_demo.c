/* End to end: the endpoints, their JSON, and what deleting, breaking and repairing Bugsink's files shows
 * there. */
#include "e2e/world.h"
#include "harness/sqlite_files.h"
#include "harness/wait.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWS_MS = 3000, RECOVERS_MS = 2000 };

static void assert_text(json_t *json, const char *key, const char *expected) {
    ck_assert_msg(json_is_string(json_object_get(json, key)), "%s is no string", key);
    if (expected)
        ck_assert_str_eq(json_string_value(json_object_get(json, key)), expected);
}

static void assert_time(json_t *json, const char *key) {
    const char *text = json_string_value(json_object_get(json, key));
    int year, month, day, hour, minute, second, milliseconds, end = 0;
    ck_assert_msg(text &&
                      sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour, &minute,
                          &second, &milliseconds, &end) == 7 &&
                      end == 24 && text[24] == '\0',
        "%s is no time: %s", key, text ? text : "(none)");
}

START_TEST(ready_has_the_keys_of_the_contract) {
    struct world *world = world_new();
    envlist_set(&world->environment, "BUGSINK_VERSION=2.3.0");
    world_start(world);
    world_await(world, "/health/ready", 200, "\"status\": \"ok\"", SHOWS_MS);
    json_t *json = http_json(&world->response);
    json_t *databases = json_object_get(json, "databases");
    ck_assert_uint_eq(json_object_size(databases), 2);
    assert_text(json, "status", "ok");
    assert_text(databases, "default", "ok");
    assert_text(databases, "snappea", "ok");
    assert_text(json, "app_settings", "ok");
    assert_text(json, "version", "2.3.0");
    assert_time(json, "checked_at");
    ck_assert_uint_eq(json_array_size(json_object_get(json, "failed")), 0);
    ck_assert(json_is_array(json_object_get(json, "failed")));
    ck_assert_uint_eq(json_array_size(json_object_get(json, "degraded")), 0);
    ck_assert(json_is_array(json_object_get(json, "degraded")));
    json_decref(json);
    world_end(world);
}
END_TEST

static void assert_check_detail(json_t *check, const char *kind) {
    assert_text(check, "kind", kind);
    assert_text(check, "status", "ok");
    assert_text(check, "code", "ok");
    assert_text(check, "message", NULL);
    ck_assert(json_object_get(check, "hint") && json_object_get(check, "phase"));
    ck_assert(json_is_true(json_object_get(check, "critical")));
    ck_assert(json_is_integer(json_object_get(check, "latency_ms")));
    assert_time(check, "checked_at");
    assert_time(check, "since");
    assert_time(check, "last_ok_at");
    ck_assert_int_eq(json_integer_value(json_object_get(check, "consecutive_failures")), 0);
    ck_assert(json_is_object(json_object_get(check, "observed")));
}

START_TEST(health_has_all_detail) {
    struct world *world = world_new();
    world_start(world);
    world_await(world, "/health/", 200, "\"status\": \"ok\"", SHOWS_MS);
    json_t *json = http_json(&world->response);
    ck_assert(json_is_true(json_object_get(json, "live")));
    ck_assert(json_is_true(json_object_get(json, "ready")));
    ck_assert(json_is_true(json_object_get(json, "started")));
    ck_assert(json_is_false(json_object_get(json, "draining")));
    json_t *checks = json_object_get(json, "checks"), *sidecar = json_object_get(json, "sidecar");
    ck_assert_uint_eq(json_object_size(checks), 3);
    assert_check_detail(json_object_get(checks, "default"), "sqlite");
    assert_check_detail(json_object_get(checks, "snappea"), "sqlite");
    assert_check_detail(json_object_get(checks, "app_settings"), "settings");
    assert_text(sidecar, "version", BH_VERSION);
    assert_time(sidecar, "started_at");
    ck_assert_int_eq(json_integer_value(json_object_get(sidecar, "pid")), world->daemon.checker);
    assert_text(sidecar, "config", "ok");
    json_decref(json);
    world_end(world);
}
END_TEST

START_TEST(the_small_endpoints_answer) {
    struct world *world = world_new();
    world_start(world);
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    ck_assert_int_eq(strncmp(world->response.body, "OK", 2), 0);
    ck_assert_int_eq(world_get(world, "/health/self/"), 200);
    world_await(world, "/health/started/", 200, "", SHOWS_MS);
    ck_assert_int_eq(world_get(world, "/health/ready/snappea/"), 200);
    json_t *json = http_json(&world->response);
    assert_text(json, "status", "ok");
    json_decref(json);
    ck_assert_int_eq(world_get(world, "/health/ready/nosuch/"), 404);
    world_end(world);
}
END_TEST

START_TEST(with_the_default_settings_a_deleted_database_shows_within_the_interval) {
    struct world *world = world_new();
    envlist_unset(&world->environment, "BUGSINK_HEALTH_INTERVAL");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_TIMEOUT");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_RETRY_INTERVAL");
    world_start(world);
    sqlite_files_remove(world->main_db);
    world_await(world, "/health/ready/", 503, "\"default\": \"error: file_missing\"", 5500);
    json_t *json = http_json(&world->response);
    assert_text(json, "status", "error");
    json_t *failed = json_object_get(json, "failed");
    ck_assert_uint_eq(json_array_size(failed), 1);
    ck_assert_str_eq(json_string_value(json_array_get(failed, 0)), "default");
    json_decref(json);
    ck_assert_int_eq(world_get(world, "/health/"), 503);
    ck_assert_int_eq(world_get(world, "/health/ready/default/"), 503);
    ck_assert_int_eq(world_get(world, "/health/ready/snappea/"), 200);
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    ck_assert_msg(access(world->main_db, F_OK) < 0, "the check made the missing database");
    sqlite_files_make_main(world->main_db);
    world_await(world, "/health/ready/", 200, "\"status\": \"ok\"", RECOVERS_MS);
    world_end(world);
}
END_TEST

START_TEST(a_missing_queue_shows_and_recovers) {
    struct world *world = world_new();
    world_start(world);
    sqlite_files_remove(world->queue_db);
    world_await_check(world, "snappea", "error: file_missing", SHOWS_MS);
    ck_assert_int_eq(world->response.status, 503);
    sqlite_files_make_queue(world->queue_db);
    world_await(world, "/health/ready/", 200, "\"status\": \"ok\"", RECOVERS_MS);
    world_end(world);
}
END_TEST

START_TEST(an_unclosed_bracket_in_the_settings_shows_and_recovers) {
    struct world *world = world_new();
    world_start(world);
    world_write_settings(world, "SECRET_KEY = 'x'\nBUGSINK = {\n    'BASE_URL': 'http://localhost:9000',\n");
    world_await_check(world, "app_settings", "error: parse_error", SHOWS_MS);
    ck_assert_int_eq(world->response.status, 503);
    ck_assert_int_ge(daemon_log_lines(&world->daemon, "parse_error", "line="), 1);
    world_restore_settings(world);
    world_await(world, "/health/ready/", 200, "\"app_settings\": \"ok\"", RECOVERS_MS);
    world_end(world);
}
END_TEST

static const char GARBAGE[] =
    "This has never been a database, and it is long enough to be read as a header.\n"
    "SQLite wants 100 bytes before it looks at anything else.\n";

static void make_empty(const char *path) {
    sqlite_files_remove(path);
    FILE *file = fopen(path, "w");
    ck_assert(file && fclose(file) == 0);
}

static void make_garbage(const char *path) {
    sqlite_files_remove(path);
    FILE *file = fopen(path, "w");
    ck_assert(file && fputs(GARBAGE, file) >= 0 && fclose(file) == 0);
}

static void make_directory(const char *path) {
    sqlite_files_remove(path);
    ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void forget_installation(const char *path) {
    sqlite_files_execute(path, "DELETE FROM phonehome_installation");
}

static void drop_migrations(const char *path) {
    sqlite_files_execute(path, "DROP TABLE django_migrations");
}

static void pause_ingestion(const char *path) {
    sqlite_files_execute(
        path, "UPDATE phonehome_installation SET quota_exceeded_until = '2999-01-01 00:00:00'");
}

static const struct {
    void (*spoil)(const char *path);
    int status;
    const char *text;
} SPOILED[] = {
    {make_empty, 503, "error: empty"},
    {make_garbage, 503, "error: not_a_database"},
    {make_directory, 503, "error: not_a_file"},
    {forget_installation, 503, "error: app_data_invalid"},
    {drop_migrations, 503, "error: unmigrated"},
    {pause_ingestion, 200, "degraded: ingestion_paused"},
};

START_TEST(each_fault_of_the_main_database_has_its_code) {
    struct world *world = world_new();
    world_start(world);
    SPOILED[_i].spoil(world->main_db);
    world_await_check(world, "default", SPOILED[_i].text, SHOWS_MS);
    ck_assert_int_eq(world->response.status, SPOILED[_i].status);
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    world_end(world);
}
END_TEST

static const struct {
    const char *sql, *text;
} QUEUES[] = {
    {"INSERT INTO snappea_task (task_name, args, kwargs, created_at) VALUES ('digest', '[]', '{}', "
     "'2020-01-01 00:00:00')",
        "degraded: backlog"},
    {"INSERT INTO snappea_stat (timestamp, task_name, done, errors, wall_time, wait_time, write_time, "
     "max_wall_time, "
     "max_wait_time, max_write_time) VALUES (strftime('%Y-%m-%d %H:%M:00', 'now'), 'digest', 1, 1, 0, 0, 0, "
     "0, 0, 0)",
        "degraded: task_errors"},
};

START_TEST(trouble_in_the_queue_is_degraded_and_still_ready) {
    struct world *world = world_new();
    sqlite_files_execute(world->queue_db, QUEUES[_i].sql);
    world_start(world);
    world_await_check(world, "snappea", QUEUES[_i].text, SHOWS_MS);
    ck_assert_int_eq(world->response.status, 200);
    json_t *json = http_json(&world->response);
    assert_text(json, "status", "degraded");
    ck_assert_uint_eq(json_array_size(json_object_get(json, "degraded")), 1);
    json_decref(json);
    world_end(world);
}
END_TEST

Suite *e2e_demo_suite(void) {
    Suite *suite = suite_create("e2e_demo");
    TCase *tcase = tcase_create("e2e_demo");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, ready_has_the_keys_of_the_contract);
    tcase_add_test(tcase, health_has_all_detail);
    tcase_add_test(tcase, the_small_endpoints_answer);
    tcase_add_test(tcase, with_the_default_settings_a_deleted_database_shows_within_the_interval);
    tcase_add_test(tcase, a_missing_queue_shows_and_recovers);
    tcase_add_test(tcase, an_unclosed_bracket_in_the_settings_shows_and_recovers);
    tcase_add_loop_test(
        tcase, each_fault_of_the_main_database_has_its_code, 0, sizeof SPOILED / sizeof SPOILED[0]);
    tcase_add_loop_test(
        tcase, trouble_in_the_queue_is_degraded_and_still_ready, 0, sizeof QUEUES / sizeof QUEUES[0]);
    return suite;
}
