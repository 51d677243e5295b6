/* End to end: SIGHUP with good, bad and unreadable configuration files. */
#include "e2e/world.h"
#include "harness/sqlite_files.h"
#include "harness/tempdir.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOON_MS = 2000 };

#define CONFIG                                                                                               \
    "{\"databases\": {\"default\": {\"dsn\": \"sqlite:///%s\", \"role\": \"main\"},\n"                       \
    "  \"snappea\": {\"dsn\": \"sqlite:///%s\", \"role\": \"queue\"}%s},\n"                                  \
    " \"settings\": {\"path\": \"%s\", \"format\": \"python\", \"require\": [\"SECRET_KEY\"%s]}}\n"

static void write_config(struct world *world, const char *more_databases, const char *more_names) {
    world_write_config(
        world, CONFIG, world->main_db, world->queue_db, more_databases, world->settings, more_names);
}

static struct world *start(void) {
    struct world *world = world_new();
    write_config(world, "", "");
    world_start(world);
    world_await(world, "/health/ready/", 200, "\"status\": \"ok\"", SOON_MS);
    return world;
}

/* A member of a check in /health/; the caller frees. */
static char *check_member(struct world *world, const char *check, const char *member) {
    world_get(world, "/health/");
    json_t *json = http_json(&world->response);
    json_t *value = json_object_get(json_object_get(json_object_get(json, "checks"), check), member);
    ck_assert_msg(json_is_string(value), "%s of %s", member, check);
    char *text = strdup(json_string_value(value));
    json_decref(json);
    return text;
}

static void reload(struct world *world) {
    ck_assert_int_eq(kill(world->daemon.checker, SIGHUP), 0);
}

START_TEST(a_good_file_takes_force_and_unchanged_checks_keep_their_history) {
    struct world *world = start();
    char *since = check_member(world, "default", "since");
    write_config(world,
        ", \"extra\": {\"dsn\": \"/nosuch/extra.sqlite3\", \"role\": \"plain\", \"critical\": false}", "");
    reload(world);
    ck_assert(daemon_wait_log(&world->daemon, "reloaded", "", SOON_MS));
    world_await_check(world, "extra", "error: file_missing", SOON_MS);
    ck_assert_int_eq(world->response.status, 200); /* it is not critical */
    char *since_now = check_member(world, "default", "since");
    ck_assert_str_eq(since_now, since);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "check changed", "check=default"), 1);
    ck_assert_int_eq(world_get(world, "/health/ready/extra/"), 503);

    write_config(world, "", "");
    reload(world);
    world_await(world, "/health/ready/extra/", 404, "", SOON_MS);
    world_await(world, "/health/ready/", 200, "\"status\": \"ok\"", SOON_MS);
    free(since);
    free(since_now);
    world_end(world);
}
END_TEST

/* A mask is inherited through exec; without SIGCHLD no child would be reaped, and the second reload wait for
 * the first one's for ever. */
START_TEST(signals_that_the_parent_has_blocked_are_heard_all_the_same) {
    sigset_t blocked, old;
    sigfillset(&blocked);
    sigprocmask(SIG_BLOCK, &blocked, &old);
    struct world *world = start();
    sigprocmask(SIG_SETMASK, &old, NULL);
    for (int i = 0; i < 3; i++) {
        write_config(
            world, i % 2 ? "" : ", \"extra\": {\"dsn\": \"/nosuch/extra.sqlite3\", \"critical\": false}", "");
        reload(world);
        world_await(world, "/health/ready/extra/", i % 2 ? 404 : 503, "", SOON_MS);
    }
    world_end(world);
}
END_TEST

START_TEST(a_changed_check_starts_anew_and_is_never_absent) {
    struct world *world = start();
    write_config(world, "", ", \"NO_SUCH_SETTING\"");
    reload(world);
    world_await_check(world, "app_settings", "error: missing_setting", SOON_MS);
    ck_assert_int_ge(daemon_log_lines(&world->daemon, "missing_setting", "NO_SUCH_SETTING"), 1);
    world_end(world);
}
END_TEST

static void spoil_with_unknown_key(const struct world *world) {
    tempdir_write(world->config, "{\"nosuch\": true}");
}

static void spoil_with_syntax(const struct world *world) {
    tempdir_write(world->config, "{\"interval\": ");
}

static void remove_file(const struct world *world) {
    ck_assert_int_eq(unlink(world->config), 0);
}

static void make_directory(const struct world *world) {
    remove_file(world);
    ck_assert_int_eq(mkdir(world->config, 0755), 0);
}

/* Root may read any file: there it is a test of nothing but the reload itself. */
static void forbid_reading(const struct world *world) {
    if (geteuid() == 0)
        remove_file(world);
    else
        ck_assert_int_eq(chmod(world->config, 0), 0);
}

static const struct {
    void (*spoil)(const struct world *world);
    const char *named;
} SPOILED[] = {
    {spoil_with_unknown_key, "nosuch"},
    {spoil_with_syntax, "config.json"},
    {remove_file, "No such file"},
    {make_directory, "config.json"},
    {forbid_reading, "config.json"},
};

START_TEST(after_a_bad_file_the_old_configuration_stays) {
    struct world *world = start();
    char *since = check_member(world, "default", "since");
    SPOILED[_i].spoil(world);
    reload(world);
    ck_assert(daemon_wait_log(&world->daemon, "reload failed", SPOILED[_i].named, SOON_MS));
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "level=error", ""), 1);
    world_await(world, "/health/", 200, "last reload failed", SOON_MS);
    ck_assert_int_eq(world_get(world, "/health/ready/"), 200);
    char *since_now = check_member(world, "default", "since");
    ck_assert_str_eq(since_now, since);

    sqlite_files_remove(world->main_db); /* and it is checked on */
    world_await_check(world, "default", "error: file_missing", 3000);
    sqlite_files_make_main(world->main_db);
    rmdir(world->config);
    unlink(world->config);
    write_config(world, "", "");
    reload(world);
    ck_assert(daemon_wait_log(&world->daemon, "reloaded", "", SOON_MS));
    world_await(world, "/health/ready/", 200, "\"status\": \"ok\"", SOON_MS);
    world_await(world, "/health/", 200, "\"config\": \"ok\"", SOON_MS);
    free(since);
    free(since_now);
    world_end(world);
}
END_TEST

START_TEST(a_changed_address_needs_a_restart_and_says_so) {
    struct world *world = world_new();
    world->daemon.port = daemon_free_port();
    world_write_config(world, "{\"listen\": \"127.0.0.1:%d\"}", world->daemon.port);
    envlist_set(&world->environment, "DATABASE_PATH=%s", world->main_db);
    envlist_set(&world->environment, "BUGSINK_HEALTH_QUEUE=%s", world->queue_db);
    /* Not by daemon_start, which names the address in the environment, where it could not change. */
    const struct program_setup setup = {&world->environment, (const char *const[]){"serve", NULL}, 0};
    int log = program_output_file(world->daemon.log_path, sizeof world->daemon.log_path);
    world->daemon.checker = program_spawn(&setup, log, log);
    close(log);
    world_await(world, "/health/ready/", 200, "", 5000);

    char changed[64];
    snprintf(changed, sizeof changed, "{\"listen\": \"127.0.0.1:%d\"}", world->daemon.port + 1);
    tempdir_write(world->config, changed);
    reload(world);
    ck_assert(daemon_wait_log(&world->daemon, "needs a restart", "", SOON_MS));
    ck_assert_int_eq(world_get(world, "/health/ready/"), 200);
    world_end(world);
}
END_TEST

Suite *e2e_reload_suite(void) {
    Suite *suite = suite_create("e2e_reload");
    TCase *tcase = tcase_create("e2e_reload");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_good_file_takes_force_and_unchanged_checks_keep_their_history);
    tcase_add_test(tcase, a_changed_check_starts_anew_and_is_never_absent);
    tcase_add_test(tcase, signals_that_the_parent_has_blocked_are_heard_all_the_same);
    tcase_add_loop_test(
        tcase, after_a_bad_file_the_old_configuration_stays, 0, sizeof SPOILED / sizeof SPOILED[0]);
    tcase_add_test(tcase, a_changed_address_needs_a_restart_and_says_so);
    return suite;
}
