/* End to end: a real MariaDB that is well, slow, stopped, hung, restarted, or refuses the password; a child
 * that dies while it waits for it. */
#include "e2e/world.h"
#include "harness/mariadb.h"
#include "harness/proc.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWS_MS = 6000, RECOVERS_MS = 2000, THAWS_MS = 15000 };

#define MARKER "Zq7xMariadbMarker"

/* A server for each test. */
static struct mariadb_server *server;

static void set_up(void) {
    server = mariadb_start(NULL);
}

static void tear_down(void) {
    mariadb_free(server);
}

/* slow NULL: as world_new has it; else a run has time to be slow. */
static struct world *start_slow_world(
    const char *user, const char *password, const char *query, const char *slow) {
    struct world *world = world_new();
    if (slow) {
        envlist_set(&world->environment, "BUGSINK_HEALTH_SLOW=%s", slow);
        envlist_set(&world->environment, "BUGSINK_HEALTH_INTERVAL=4s");
        envlist_set(&world->environment, "BUGSINK_HEALTH_TIMEOUT=3s");
    }
    char *dsn = mariadb_dsn(server, user, password, "bugsink", query);
    envlist_unset(&world->environment, "DATABASE_PATH");
    envlist_set(&world->environment, "DATABASE_URL=%s", dsn);
    free(dsn);
    world_start_with(world, NULL, 0);
    return world;
}

static struct world *start_world(const char *user, const char *password, const char *query) {
    return start_slow_world(user, password, query, NULL);
}

START_TEST(bugsinks_own_url_is_read_as_bugsink_reads_it) {
    struct world *world = start_world("bugsink", MARIADB_PASSWORD_ENCODED, "?ssl-mode=verify-identity");
    world_await_check(world, "default", "ok", SHOWS_MS); /* the query string is dropped: no TLS is demanded */
    world_await(world, "/health/ready/", 200, "", SHOWS_MS);
    ck_assert_int_ge(daemon_log_lines(&world->daemon, "level=warning", "query"), 1);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "started", "MariaDB Connector/C"), 1);
    ck_assert_int_eq(world_get(world, "/health/"), 200);
    ck_assert_ptr_nonnull(strstr(world->response.body, "\"kind\": \"mysql\""));
    world_end(world);
}
END_TEST

START_TEST(a_stopped_server_is_refused_and_recovery_shows_at_once) {
    struct world *world = start_world("bugsink", MARIADB_PASSWORD_ENCODED, "");
    world_await_check(world, "default", "ok", SHOWS_MS);
    mariadb_stop(server);
    world_await_check(world, "default", "error: refused", SHOWS_MS);
    ck_assert_int_eq(world_get(world, "/health/ready/"), 503);
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    mariadb_restart(server, NULL);
    world_await(world, "/health/ready/", 200, "\"default\": \"ok\"", RECOVERS_MS);
    world_end(world);
}
END_TEST

static bool is_slowed_down(void *arg) {
    const struct daemon *daemon = arg;
    return daemon_log_lines(daemon, "check slows down", "next_ms=") > 0;
}

START_TEST(a_hung_server_is_looked_at_ever_more_rarely_which_is_said_and_seen_at_once_when_it_wakes) {
    struct world *world = start_world("bugsink", MARIADB_PASSWORD_ENCODED, "");
    world_await_check(world, "default", "ok", SHOWS_MS);
    mariadb_pause(server);
    world_await_check(world, "default", "error: timeout", SHOWS_MS);
    ck_assert(wait_until(is_slowed_down, &world->daemon, SHOWS_MS));
    world_await(world, "/health/", 503, "\"pause_s\": 10", SHOWS_MS);
    ck_assert_ptr_nonnull(strstr(world->response.body, "\"phase\": \"auth\""));
    mariadb_continue(server);
    world_await(world, "/health/ready/", 200, "\"default\": \"ok\"", RECOVERS_MS);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "check changed", "new=ok"), 4); /* one of them twice */
    world_end(world);
}
END_TEST

/* Each question about django_migrations takes 0.45 s, and a run has several. */
START_TEST(a_slow_server_is_degraded_and_stays_ready) {
    enum { SLOWLY_MS = 12000 };
    struct world *world = start_slow_world("bugsink", MARIADB_PASSWORD_ENCODED, "", "400ms");
    world_await_check(world, "default", "ok", SLOWLY_MS);
    mariadb_do(server, "bugsink",
        "RENAME TABLE django_migrations TO kept;\n"
        "CREATE VIEW django_migrations AS SELECT kept.* FROM kept WHERE SLEEP(0.45) = 0;\n");
    world_await_check(world, "default", "degraded: slow", SLOWLY_MS);
    ck_assert_int_eq(world->response.status, 200);
    mariadb_do(server, "bugsink", "DROP VIEW django_migrations;\nRENAME TABLE kept TO django_migrations;\n");
    world_await(world, "/health/ready/", 200, "\"default\": \"ok\"", SLOWLY_MS);
    world_end(world);
}
END_TEST

struct search {
    struct world *world;
    pid_t child, before;
};

static bool has_found_a_child(void *arg) {
    struct search *search = arg;
    pid_t children[8];
    int count = proc_family(search->world->daemon.checker, children, 8);
    search->child = count > 1 ? children[count - 1] : 0; /* the eldest is the responder */
    return search->child != 0 && search->child != search->before;
}

static bool has_crashed(struct world *world) {
    return daemon_log_lines(&world->daemon, "code=crashed", "driver_code=SIGSEGV") > 0;
}

static bool has_found_or_crashed(void *arg) {
    struct search *search = arg;
    return has_found_a_child(search) || has_crashed(search->world);
}

/* The server hangs, so that the child waits for it, and is killed meanwhile. It is the only check. One that
 * is killed before it has read what it was asked gives way to another, once: so two are killed, where it
 * comes to a second. */
START_TEST(a_child_that_dies_of_a_signal_is_crashed_and_named) {
    struct world *world = world_new();
    char *dsn = mariadb_dsn(server, "bugsink", MARIADB_PASSWORD_ENCODED, "bugsink", "");
    world_write_config(world,
        "{\"databases\": {\"default\": {\"dsn\": \"%s\"}}, \"timeout\": \"4s\","
        " \"interval\": \"5s\"}",
        dsn);
    free(dsn);
    envlist_unset(&world->environment, "BUGSINK_HEALTH_INTERVAL");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_TIMEOUT");
    mariadb_pause(server);
    world_start_with(world, NULL, 0);
    struct search search = {.world = world};
    for (int i = 0; i < 2; i++) {
        ck_assert(wait_until(has_found_or_crashed, &search, SHOWS_MS));
        if (has_crashed(world))
            break;
        ck_assert_int_eq(kill(search.child, SIGSEGV), 0);
        search.before = search.child;
    }
    world_await_check(world, "default", "error: crashed", SHOWS_MS);
    ck_assert(daemon_wait_log(&world->daemon, "code=crashed", "driver_code=SIGSEGV", SHOWS_MS));
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    mariadb_continue(server);
    world_await(world, "/health/ready/", 200, "\"default\": \"ok\"", THAWS_MS);
    world_end(world);
}
END_TEST

START_TEST(a_wrong_password_is_told_and_shown_nowhere) {
    struct world *world = start_world("bugsink", MARKER, "");
    world_await_check(world, "default", "error: auth_failed", SHOWS_MS);
    ck_assert_int_eq(world_get(world, "/health/"), 503);
    ck_assert_ptr_null(strstr(world->response.body, MARKER));
    ck_assert_ptr_null(strstr(world->response.body, "bugsink'@"));
    char *log = daemon_log(&world->daemon);
    ck_assert_ptr_nonnull(strstr(log, "driver_code=1045"));
    ck_assert_ptr_null(strstr(log, MARKER));
    free(log);
    world_end(world);
}
END_TEST

/* In which the deadline of a login is far away, however slow the machine. */
static struct world *start_patient_world(void) {
    struct world *world = world_new();
    envlist_set(&world->environment, "BUGSINK_HEALTH_INTERVAL=60s");
    envlist_set(&world->environment, "BUGSINK_HEALTH_TIMEOUT=30s");
    char *dsn = mariadb_dsn(server, "bugsink", MARIADB_PASSWORD_ENCODED, "bugsink", "");
    envlist_unset(&world->environment, "DATABASE_PATH");
    envlist_set(&world->environment, "DATABASE_URL=%s", dsn);
    free(dsn);
    world_start_with(world, NULL, 0);
    return world;
}

static bool is_connected(void *arg) {
    const struct mariadb_server *hung = arg;
    return proc_connections(0, hung->port) > 0;
}

/* Signals that end at once: of SIGTERM the second. */
static const int ENDS[] = {SIGINT, SIGTERM};

START_TEST(a_login_that_is_under_way_when_the_program_ends_is_not_broken_off) {
    long broken = mariadb_status(server, "Aborted_connects"), made = mariadb_status(server, "Connections");
    mariadb_pause(server);
    struct world *world = start_patient_world();
    ck_assert(wait_until(is_connected, server, SHOWS_MS));
    pid_t responder = world->daemon.responder;
    if (ENDS[_i] == SIGTERM)
        ck_assert_int_eq(kill(world->daemon.checker, SIGTERM), 0);
    if (ENDS[_i] == SIGTERM)
        ck_assert(daemon_wait_log(&world->daemon, "draining", "", SHOWS_MS));
    ck_assert_int_eq(kill(world->daemon.checker, ENDS[_i]), 0);
    ck_assert(daemon_wait_log(&world->daemon, "ending", "", SHOWS_MS));
    mariadb_continue(server);
    ck_assert_int_eq(daemon_wait_exit(&world->daemon, SHOWS_MS), 0);
    ck_assert_int_ne(kill(responder, 0), 0);
    ck_assert_int_gt(mariadb_status(server, "Connections"), made + 1);
    ck_assert_int_eq(mariadb_status(server, "Aborted_connects"), broken);
    world_end(world);
}
END_TEST

Suite *e2e_mysql_suite(void) {
    Suite *suite = suite_create("e2e_mysql");
    TCase *tcase = tcase_create("e2e_mysql");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 90);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, bugsinks_own_url_is_read_as_bugsink_reads_it);
    tcase_add_test(tcase, a_stopped_server_is_refused_and_recovery_shows_at_once);
    tcase_add_test(
        tcase, a_hung_server_is_looked_at_ever_more_rarely_which_is_said_and_seen_at_once_when_it_wakes);
    tcase_add_test(tcase, a_slow_server_is_degraded_and_stays_ready);
    tcase_add_test(tcase, a_child_that_dies_of_a_signal_is_crashed_and_named);
    tcase_add_test(tcase, a_wrong_password_is_told_and_shown_nowhere);
    tcase_add_loop_test(tcase, a_login_that_is_under_way_when_the_program_ends_is_not_broken_off, 0,
        (int)(sizeof ENDS / sizeof ENDS[0]));
    return suite;
}
