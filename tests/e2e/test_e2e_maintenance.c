/* End to end: the maintenance file, from its appearing to its going, and through reloads. */
#include "e2e/world.h"
#include "harness/log_line.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHOWS_MS = 2000, SOON_MS = 3000, STAYS_MS = 100, LOOK_MS = 1300, ROUNDS = 4 };

/* A world whose configuration names a maintenance file in its directory; NULL: none. */
static void write_config(struct world *world, const char *file, const char *more_databases) {
    char entry[512] = "";
    if (file)
        snprintf(entry, sizeof entry, "\"maintenance\": \"%s/%s\",", world->dir, file);
    world_write_config(world,
        "{%s \"databases\": {\n"
        " \"default\": {\"dsn\": \"sqlite:///%s\", \"role\": \"main\"},\n"
        " \"snappea\": {\"dsn\": \"sqlite:///%s\", \"role\": \"queue\"}%s}}\n",
        entry, world->main_db, world->queue_db, more_databases);
}

#define EXTRA ", \"extra\": {\"dsn\": \"/nosuch/extra.sqlite3\", \"critical\": false}"

static void put_file(const struct world *world, const char *name) {
    char *path = tempdir_path(world->dir, "%s", name);
    tempdir_write(path, "");
    free(path);
}

static void remove_file(const struct world *world, const char *name) {
    char *path = tempdir_path(world->dir, "%s", name);
    ck_assert_int_eq(unlink(path), 0);
    free(path);
}

/* Asks as fast as it can until the other path has that status, and stays_ms longer; none of the answers may
 * be 200, not even once. */
static void assert_never_ready(
    struct world *world, const char *until_path, int until_status, int64_t stays_ms) {
    bool has_answered = false, has_come = false;
    struct deadline deadline = deadline_in(SOON_MS);
    for (int64_t stop_ms = 0; has_come ? wait_now_ms() < stop_ms : !deadline_is_over(&deadline);) {
        int status = world_get(world, "/health/ready/");
        has_answered = has_answered || status != 0; /* from the very first answer */
        ck_assert_msg(
            status == 503 || (status == 0 && !has_answered), "%d: %s", status, world->response.body);
        if (!has_come && world_get(world, until_path) == until_status) {
            has_come = true;
            stop_ms = wait_now_ms() + stays_ms;
        }
    }
    ck_assert_msg(has_come, "%s never became %d", until_path, until_status);
}

static void assert_logged(const struct world *world, const char *event, size_t count) {
    json_t *lines = log_lines_find(&world->daemon, event, "level", "warning");
    char *log = daemon_log(&world->daemon);
    ck_assert_msg(json_array_size(lines) == count, "%zu times \"%s\", not %zu:\n%s", json_array_size(lines),
        event, count, log);
    free(log);
    json_decref(lines);
}

static void assert_code_is_maintenance(const struct world *world) {
    json_t *json = http_json(&world->response);
    ck_assert_str_eq(json_string_value(json_object_get(json, "status")), "error");
    ck_assert_str_eq(json_string_value(json_object_get(json, "code")), "maintenance");
    json_decref(json);
}

START_TEST(while_the_file_is_there_ready_says_maintenance_and_live_is_well) {
    struct world *world = world_new();
    envlist_set(&world->environment, "BUGSINK_HEALTH_MAINTENANCE=%s/away", world->dir);
    world_start(world);
    for (int i = 1; i <= 2; i++) {
        put_file(world, "away");
        world_await(world, "/health/ready/", 503, "maintenance", SHOWS_MS);
        assert_code_is_maintenance(world);
        ck_assert_str_eq(world_check_text(world, "default"), "ok"); /* the checks go on */
        ck_assert_int_eq(world_get(world, "/health/"), 503);
        assert_code_is_maintenance(world);
        ck_assert_int_eq(world_get(world, "/health/live/"), 200);
        ck_assert_int_eq(world_get(world, "/health/self/"), 200);
        ck_assert_int_eq(world_get(world, "/health/started/"), 200);
        assert_logged(world, "maintenance begins", (size_t)i);
        remove_file(world, "away");
        world_await(world, "/health/ready/", 200, "", SHOWS_MS);
        ck_assert_ptr_null(strstr(world->response.body, "maintenance"));
        assert_logged(world, "maintenance ends", (size_t)i);
    }
    world_end(world);
}
END_TEST

/* What must not be seen may show for a few milliseconds: so each of these is tried a few times. */
START_TEST(a_file_that_is_there_at_the_start_counts_from_the_start) {
    for (int round = 0; round < ROUNDS; round++) {
        struct world *world = world_new();
        /* The quickest check there is, so that the look for the file is not done before it by chance. */
        world_write_config(world,
            "{\"maintenance\": \"%s/away\", \"databases\": {\"snappea\": null,\n"
            " \"default\": {\"dsn\": \"/nosuch/file\", \"critical\": false}}}\n",
            world->dir);
        put_file(world, "away");
        world->daemon.port = daemon_free_port();
        daemon_spawn(&world->daemon, &(const struct daemon_setup){.environment = &world->environment});
        assert_never_ready(world, "/health/started/", 200, STAYS_MS);
        world_await(world, "/health/ready/", 503, "maintenance", SHOWS_MS);
        world_end(world);
    }
}
END_TEST

/* Starts with the file there and a first configuration. */
static struct world *start_in_maintenance(void) {
    struct world *world = world_new();
    write_config(world, "away", "");
    put_file(world, "away");
    world_start_with(world, NULL, 0);
    world_await(world, "/health/started/", 200, "", SOON_MS);
    world_await(world, "/health/ready/", 503, "maintenance", SHOWS_MS);
    return world;
}

/* What the configuration names in turn; both files are there. */
static const char *const NAMED_IN_TURN[][2] = {{"away", "away"}, {"other", "away"}};

START_TEST(a_reload_never_shows_ready_while_the_file_is_there) {
    struct world *world = start_in_maintenance();
    put_file(world, "other");
    for (int round = 0; round < ROUNDS; round++) {
        bool has_extra = round % 2 == 0; /* it shows when the reload is in force */
        write_config(world, NAMED_IN_TURN[_i][round % 2], has_extra ? EXTRA : "");
        kill(world->daemon.checker, SIGHUP);
        assert_never_ready(world, "/health/ready/extra/", has_extra ? 503 : 404, STAYS_MS);
    }
    assert_logged(world, "maintenance begins", 1);
    if (_i == 1) {
        remove_file(world, "other"); /* nobody looks there any more */
        assert_never_ready(world, "/health/self/", 200, LOOK_MS);
    }
    assert_logged(world, "maintenance ends", 0);
    remove_file(world, "away");
    world_await(world, "/health/ready/", 200, "", SHOWS_MS);
    assert_logged(world, "maintenance ends", 1);
    world_end(world);
}
END_TEST

static const char *const NAMED_NEXT[] = {NULL, "nosuch"};

START_TEST(a_reload_that_names_no_file_or_one_that_is_not_there_ends_it) {
    struct world *world = start_in_maintenance();
    write_config(world, NAMED_NEXT[_i], "");
    kill(world->daemon.checker, SIGHUP);
    world_await(world, "/health/ready/", 200, "", SHOWS_MS);
    put_file(world, "nosuch");
    if (NAMED_NEXT[_i])
        world_await(world, "/health/ready/", 503, "maintenance", SHOWS_MS);
    world_end(world);
}
END_TEST

START_TEST(a_wait_that_ends_in_maintenance_says_what_it_waited_for) {
    struct world *world = start_in_maintenance();
    static const char *const ARGUMENTS[] = {"wait", "--timeout=2s", NULL};
    const struct program_setup setup = {&world->environment, ARGUMENTS, 0};
    struct program_result *result = malloc(sizeof *result);
    ck_assert_ptr_nonnull(result);
    program_run(&setup, SOON_MS, result);
    ck_assert_int_eq(result->exit_status, 1);
    ck_assert_msg(
        strstr(result->output, "the end of maintenance") || strstr(result->errors, "the end of maintenance"),
        "%s%s", result->output, result->errors);
    free(result);
    world_end(world);
}
END_TEST

static const char REFUSED[] = "the maintenance file cannot be looked for: the last answer stands";

static bool is_refusal_told(void *arg) {
    struct world *world = arg;
    json_t *lines = log_lines_find(&world->daemon, REFUSED, NULL, NULL);
    bool is_told = json_array_size(lines) > 0;
    json_decref(lines);
    return is_told;
}

static bool is_ready(void *arg) {
    return world_get(arg, "/health/ready/") == 200;
}

START_TEST(a_path_that_cannot_be_followed_is_told_once_and_maintenance_goes_on) {
    struct world *world = world_new();
    envlist_set(&world->environment, "BUGSINK_HEALTH_MAINTENANCE=%s/away", world->dir);
    world_start(world);
    put_file(world, "away");
    world_await(world, "/health/ready/", 503, "maintenance", SHOWS_MS);
    char *loop = tempdir_path(world->dir, "loop"), *path = tempdir_path(world->dir, "away");
    ck_assert_int_eq(symlink("away", loop), 0);
    ck_assert_int_eq(rename(loop, path), 0); /* at no moment is there no file */
    ck_assert(wait_until(is_refusal_told, world, SOON_MS));
    ck_assert(!wait_whether(is_ready, world, 2 * LOOK_MS));
    assert_logged(world, REFUSED, 1);
    remove_file(world, "away");
    world_await(world, "/health/ready/", 200, "", SHOWS_MS);
    free(path);
    free(loop);
    world_end(world);
}
END_TEST

/* Whether the file is there cannot be known, so that it may be. */
START_TEST(a_path_that_cannot_be_followed_at_the_start_is_maintenance_until_it_can) {
    struct world *world = world_new();
    char *path = tempdir_path(world->dir, "away");
    ck_assert_int_eq(symlink("away", path), 0);
    envlist_set(&world->environment, "BUGSINK_HEALTH_MAINTENANCE=%s", path);
    world_start_with(world, NULL, 0);
    world_await(world, "/health/started/", 200, "", SOON_MS);
    world_await(world, "/health/ready/", 503, "maintenance", SHOWS_MS);
    ck_assert(!wait_whether(is_ready, world, 2 * LOOK_MS));
    assert_logged(world, "the maintenance file cannot be looked for: not ready until it can", 1);
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    remove_file(world, "away");
    world_await(world, "/health/ready/", 200, "", SHOWS_MS);
    free(path);
    world_end(world);
}
END_TEST

Suite *e2e_maintenance_suite(void) {
    Suite *suite = suite_create("e2e_maintenance");
    TCase *tcase = tcase_create("e2e_maintenance");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, while_the_file_is_there_ready_says_maintenance_and_live_is_well);
    tcase_add_test(tcase, a_file_that_is_there_at_the_start_counts_from_the_start);
    tcase_add_loop_test(tcase, a_reload_never_shows_ready_while_the_file_is_there, 0, 2);
    tcase_add_loop_test(tcase, a_reload_that_names_no_file_or_one_that_is_not_there_ends_it, 0, 2);
    tcase_add_test(tcase, a_path_that_cannot_be_followed_is_told_once_and_maintenance_goes_on);
    tcase_add_test(tcase, a_path_that_cannot_be_followed_at_the_start_is_maintenance_until_it_can);
    tcase_add_test(tcase, a_wait_that_ends_in_maintenance_says_what_it_waited_for);
    return suite;
}
