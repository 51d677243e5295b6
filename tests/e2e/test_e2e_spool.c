/* End to end: Bugsink's directories, settings that it would refuse or has not read, a database that is
 * replaced. */
#include "e2e/world.h"
#include "harness/peer.h"
#include "harness/sqlite_files.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SHOWS_MS = 10000, RECOVERS_MS = 2000, STALLED_MS = 11000 };

#define MARKER "pa55-marker-of-a-secret"

/* A world with the two directories configured in its own, where they need not be yet. */
struct spool {
    struct world *world;
    char *ingestion, *wakeup;
};

static struct spool spool_new(void) {
    struct spool spool = {.world = world_new()};
    struct world *world = spool.world;
    spool.ingestion = tempdir_path(world->dir, "bugsink/ingestion");
    spool.wakeup = tempdir_path(world->dir, "snappea.wakeup");
    world_write_config(world,
        "{\"databases\": {\"default\": {\"dsn\": \"%s\"}, \"snappea\": {\"dsn\": \"%s\"}},\n"
        " \"directories\": {\"ingestion\": {\"path\": \"%s\"}, \"wakeup\": {\"path\": \"%s\"}},\n"
        " \"settings\": {\"path\": \"%s\"}}\n",
        world->main_db, world->queue_db, spool.ingestion, spool.wakeup, world->settings);
    return spool;
}

static void spool_end(struct spool *spool) {
    world_end(spool->world);
    free(spool->ingestion);
    free(spool->wakeup);
}

struct look {
    struct world *world;
    char before[40];
};

static void read_moment(struct world *world, char moment[40]) {
    ck_assert_int_eq(world_get(world, "/health/ready/ingestion/"), 200);
    const char *checked = strstr(world->response.body, "\"checked_at\"");
    snprintf(moment, 40, "%s", checked ? checked : "");
}

static bool has_looked_again(void *arg) {
    struct look *look = arg;
    char now[40];
    read_moment(look->world, now);
    return strcmp(now, look->before) != 0;
}

/* Waits for the end of a run that has ended after now. */
static void await_next_look(struct world *world) {
    struct look look = {.world = world};
    read_moment(world, look.before);
    ck_assert(wait_until(has_looked_again, &look, SHOWS_MS));
}

START_TEST(a_directory_is_not_missed_until_it_was_there_and_may_come_back) {
    struct spool spool = spool_new();
    struct world *world = spool.world;
    world_start(world);
    world_await(world, "/health/ready/", 200, "\"status\": \"ok\"", SHOWS_MS);
    ck_assert_int_ne(access(spool.ingestion, F_OK), 0); /* neither made by us, nor missed */
    char *parent = tempdir_path(world->dir, "bugsink");
    ck_assert_int_eq(mkdir(parent, 0755), 0);
    ck_assert_int_eq(mkdir(spool.ingestion, 0700), 0);
    await_next_look(world);
    await_next_look(world);
    ck_assert_int_eq(rmdir(spool.ingestion), 0);
    world_await(world, "/health/ready/ingestion/", 200, "\"file_missing\"", SHOWS_MS);
    world_await(world, "/health/ready/", 200, "\"degraded\": [\"ingestion\"]", SHOWS_MS);
    ck_assert_int_ge(daemon_log_lines(&world->daemon, "code=file_missing", "check=ingestion"), 1);
    ck_assert_int_eq(mkdir(spool.ingestion, 0700), 0);
    world_await(world, "/health/ready/", 200, "\"status\": \"ok\"", RECOVERS_MS);
    free(parent);
    spool_end(&spool);
}
END_TEST

START_TEST(a_file_in_the_place_of_a_directory_makes_bugsink_not_ready) {
    struct spool spool = spool_new();
    struct world *world = spool.world;
    world_start(world);
    tempdir_write(spool.wakeup, "");
    world_await(world, "/health/ready/wakeup/", 503, "\"not_a_directory\"", SHOWS_MS);
    world_await(world, "/health/ready/", 503, "\"failed\": [\"wakeup\"]", SHOWS_MS);
    ck_assert_ptr_null(strstr(world->response.body, world->dir)); /* no path in a body */
    ck_assert_int_eq(unlink(spool.wakeup), 0);
    world_await(world, "/health/ready/", 200, "\"status\": \"ok\"", RECOVERS_MS);
    spool_end(&spool);
}
END_TEST

START_TEST(an_unheard_wakeup_call_is_degraded_while_tasks_wait) {
    struct spool spool = spool_new();
    struct world *world = spool.world;
    ck_assert_int_eq(mkdir(spool.wakeup, 0700), 0);
    char *call = tempdir_path(spool.wakeup, "call");
    tempdir_write(call, "");
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) - 60}};
    ck_assert_int_eq(utimensat(AT_FDCWD, call, times, 0), 0);
    world_start(world);
    world_await(world, "/health/ready/wakeup/", 200, "\"oldest_wakeup_age_s\": 6", SHOWS_MS);
    world_await(world, "/health/ready/wakeup/", 200, "\"status\": \"ok\"", SHOWS_MS); /* nothing waits */
    sqlite_files_execute(world->queue_db,
        "INSERT INTO snappea_task (created_at, task_name, args, kwargs) "
        "VALUES (strftime('%Y-%m-%d %H:%M:%f', 'now', '-20 seconds'), 't', '[]', '{}')");
    world_await(world, "/health/ready/wakeup/", 200, "\"degraded\", \"code\": \"stale_wakeup\"",
        STALLED_MS + SHOWS_MS);
    ck_assert_int_eq(unlink(call), 0);
    world_await(world, "/health/ready/wakeup/", 200, "\"status\": \"ok\"", RECOVERS_MS);
    free(call);
    spool_end(&spool);
}
END_TEST

/* -- settings -- */

START_TEST(a_setting_that_bugsink_refuses_is_named_and_its_value_is_not) {
    struct world *world = world_new();
    world_start(world);
    world_write_settings(world, "SECRET_KEY = '" MARKER "'\nBUGSINK = {}\n");
    world_await_check(world, "app_settings", "error: invalid_setting", SHOWS_MS);
    ck_assert_int_eq(world->response.status, 503);
    ck_assert(daemon_wait_log(
        &world->daemon, "invalid_setting", "SECRET_KEY is shorter than 50 characters", SHOWS_MS));
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "invalid_setting", "line=1"), 1);
    world_get(world, "/health/");
    ck_assert_ptr_nonnull(strstr(world->response.body, "\"line\": 1"));
    ck_assert_ptr_null(strstr(world->response.body, "pa55"));
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "pa55", ""), 0);
    world_restore_settings(world);
    world_await(world, "/health/ready/", 200, "\"app_settings\": \"ok\"", RECOVERS_MS);
    world_end(world);
}
END_TEST

START_TEST(settings_that_change_are_degraded_until_they_are_put_back) {
    struct world *world = world_new();
    world_start(world);
    FILE *file = fopen(world->settings, "a");
    ck_assert(file && fputs("# " MARKER "\n", file) >= 0 && fclose(file) == 0);
    world_await_check(world, "app_settings", "degraded: changed", SHOWS_MS);
    ck_assert_int_eq(world->response.status, 200);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "pa55", ""), 0);
    world_restore_settings(world);
    world_await_check(world, "app_settings", "ok", SHOWS_MS);
    world_end(world);
}
END_TEST

static struct peer start_app(int port) {
    static const char REPLY[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";
    const struct peer_script script = {
        .reads = 1, .reply = REPLY, .reply_size = sizeof REPLY - 1, .closes = PEER_CLOSES};
    return peer_start_on(&script, port);
}

START_TEST(settings_that_changed_are_well_again_when_bugsink_was_restarted) {
    struct world *world = world_new();
    int port = daemon_free_port();
    envlist_set(&world->environment, "BUGSINK_HEALTH_APP_URL=http://127.0.0.1:%d", port);
    struct peer app = start_app(port);
    world_start(world);
    world_await_check(world, "app_settings", "ok", SHOWS_MS); /* or there is nothing that they differ from */
    FILE *file = fopen(world->settings, "a");
    ck_assert(file && fputs("# changed\n", file) >= 0 && fclose(file) == 0);
    world_await_check(world, "app_settings", "degraded: changed", SHOWS_MS);
    peer_stop(&app);
    world_await(world, "/health/ready/app/", 503, "\"refused\"", SHOWS_MS);
    app = start_app(port);
    world_await(world, "/health/ready/", 200, "\"status\": \"ok\"", SHOWS_MS);
    peer_stop(&app);
    world_end(world);
}
END_TEST

/* -- replaced -- */

START_TEST(a_replaced_database_is_noted_once_and_stays_ready) {
    struct world *world = world_new();
    world_start(world);
    char *fresh = tempdir_path(world->dir, "fresh.sqlite3");
    sqlite_files_make_main(fresh);
    ck_assert_int_eq(rename(fresh, world->main_db), 0);
    world_await(world, "/health/ready/default/", 200, "\"status\": \"ok\", \"code\": \"replaced\"", SHOWS_MS);
    world_await(world, "/health/ready/default/", 200, "\"status\": \"ok\", \"code\": \"ok\"", SHOWS_MS);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "check=default", "code=replaced"), 1);
    ck_assert_int_eq(
        daemon_log_lines(&world->daemon, "check=default", "check changed"), 2); /* and its start */
    free(fresh);
    world_end(world);
}
END_TEST

Suite *e2e_spool_suite(void) {
    Suite *suite = suite_create("e2e_spool");
    TCase *tcase = tcase_create("e2e_spool");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_directory_is_not_missed_until_it_was_there_and_may_come_back);
    tcase_add_test(tcase, a_file_in_the_place_of_a_directory_makes_bugsink_not_ready);
    tcase_add_test(tcase, an_unheard_wakeup_call_is_degraded_while_tasks_wait);
    tcase_add_test(tcase, a_setting_that_bugsink_refuses_is_named_and_its_value_is_not);
    tcase_add_test(tcase, settings_that_change_are_degraded_until_they_are_put_back);
    tcase_add_test(tcase, settings_that_changed_are_well_again_when_bugsink_was_restarted);
    tcase_add_test(tcase, a_replaced_database_is_noted_once_and_stays_ready);
    return suite;
}
