/* End to end: a real PostgreSQL that is well, stopped, hung, restarted, or refuses the password. */
#include "e2e/world.h"
#include "harness/postgres.h"
#include "harness/proc.h"
#include "harness/wait.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { PROBES = 200, QUICK_MS = 50, SHOWS_MS = 4000, RECOVERS_MS = 2000 };

#define MARKER "Zq7xPostgresMarker"

/* A server for each test. */
static struct postgres_server *server;

static void set_up(void) {
    if (postgres_is_installed())
        server = postgres_start(NULL);
}

static void tear_down(void) {
    if (server)
        postgres_free(server);
    server = NULL;
}

/* NULL: the test is to be skipped. */
static struct world *start_world(const char *user, const char *password, const char *database) {
    if (!server) {
        world_skip("a test with PostgreSQL", "it is not installed");
        return NULL;
    }
    struct world *world = world_new();
    char *dsn = postgres_dsn(server, user, password, database, "");
    world_write_config(world,
        "{\"databases\": {\"default\": {\"dsn\": \"%s\", \"role\": \"main\"}, \"snappea\": {\"dsn\": \"%s\", "
        "\"role\": "
        "\"queue\"}}}",
        dsn, world->queue_db);
    free(dsn);
    world_start_with(world, NULL, 0);
    return world;
}

/* So many probes in a row, of which none may wait for the database: its timeout is 800 ms. A few may be
 * slower than QUICK_MS on a busy machine. */
static void assert_no_probe_waits(struct world *world, int status) {
    int answered = 0, slow = 0;
    int64_t slowest_ms = 0;
    for (int i = 0; i < PROBES; i++) {
        answered += world_get(world, i % 2 ? "/health/ready/" : "/health/live/") == (i % 2 ? status : 200);
        slow += world->response.took_ms >= QUICK_MS;
        if (world->response.took_ms > slowest_ms)
            slowest_ms = world->response.took_ms;
    }
    ck_assert_msg(answered == PROBES && slow <= PROBES / 20 && slowest_ms < 500,
        "%d of %d answered, %d not within %d ms, the slowest in %d ms", answered, PROBES, slow, QUICK_MS,
        (int)slowest_ms);
}

START_TEST(a_database_that_is_well_is_ok) {
    struct world *world = start_world("bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink");
    if (!world)
        return;
    world_await_check(world, "default", "ok", SHOWS_MS);
    ck_assert_int_eq(world->response.status, 200);
    assert_no_probe_waits(world, 200);
    world_end(world);
}
END_TEST

START_TEST(bugsinks_own_url_is_read_as_bugsink_reads_it) {
    if (!server) {
        world_skip("bugsinks_own_url_is_read_as_bugsink_reads_it", "PostgreSQL is not installed");
        return;
    }
    struct world *world = world_new();
    char *dsn = postgres_dsn(server, "bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink", "?sslmode=verify-full");
    envlist_unset(&world->environment, "DATABASE_PATH");
    envlist_set(&world->environment, "DATABASE_URL=%s", dsn);
    free(dsn);
    world_start_with(world, NULL, 0);
    world_await_check(
        world, "default", "ok", SHOWS_MS); /* the query string is dropped: no TLS is asked for */
    ck_assert_int_ge(daemon_log_lines(&world->daemon, "level=warning", "query"), 1);
    world_end(world);
}
END_TEST

START_TEST(a_hung_server_delays_no_probe_and_recovery_shows_at_once) {
    struct world *world = start_world("bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink");
    if (!world)
        return;
    world_await_check(world, "default", "ok", SHOWS_MS);
    postgres_pause(server);
    world_await_check(world, "default", "error: timeout", SHOWS_MS);
    ck_assert_int_eq(world->response.status, 503);
    assert_no_probe_waits(world, 503);
    postgres_continue(server);
    world_await(world, "/health/ready/", 200, "\"default\": \"ok\"", RECOVERS_MS);
    world_end(world);
}
END_TEST

START_TEST(a_stopped_server_is_refused_and_recovery_shows_at_once) {
    struct world *world = start_world("bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink");
    if (!world)
        return;
    world_await_check(world, "default", "ok", SHOWS_MS);
    postgres_stop(server);
    world_await_check(world, "default", "error: refused", SHOWS_MS);
    assert_no_probe_waits(world, 503);
    postgres_restart(server, NULL);
    world_await(world, "/health/ready/", 200, "\"default\": \"ok\"", RECOVERS_MS);
    world_end(world);
}
END_TEST

static const struct {
    const char *user, *password, *database, *text;
} REFUSED[] = {
    {"bugsink", MARKER, "bugsink", "error: auth_failed"},
    {"nobody", MARKER, "bugsink", "error: auth_failed"},
    {"bugsink", POSTGRES_PASSWORD_ENCODED, "nosuch", "error: db_missing"},
    {"bugsink", POSTGRES_PASSWORD_ENCODED, "blank", "error: unmigrated"},
};

START_TEST(each_refusal_has_its_code_and_keeps_the_password) {
    struct world *world = start_world(REFUSED[_i].user, REFUSED[_i].password, REFUSED[_i].database);
    if (!world)
        return;
    world_await_check(world, "default", REFUSED[_i].text, SHOWS_MS);
    ck_assert_int_eq(world->response.status, 503);
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    ck_assert_int_eq(world_get(world, "/health/"), 503);
    ck_assert_ptr_null(strstr(world->response.body, MARKER));
    ck_assert_int_eq(daemon_log_lines(&world->daemon, MARKER, ""), 0);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, POSTGRES_PASSWORD, ""), 0);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, POSTGRES_PASSWORD_ENCODED, ""), 0);
    ck_assert_int_le(proc_memory_holds(world->daemon.responder, MARKER), 0);
    ck_assert_int_le(proc_memory_holds(world->daemon.responder, POSTGRES_PASSWORD), 0);
    world_end(world);
}
END_TEST

START_TEST(a_read_only_database_is_an_error_until_it_is_not) {
    struct world *world = start_world("bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink");
    if (!world)
        return;
    world_await_check(world, "default", "ok", SHOWS_MS);
    postgres_do(server, "postgres", "ALTER DATABASE bugsink SET default_transaction_read_only = on");
    world_await_check(world, "default", "error: read_only", SHOWS_MS);
    postgres_do(server, "postgres", "ALTER DATABASE bugsink RESET default_transaction_read_only");
    world_await(world, "/health/ready/", 200, "\"default\": \"ok\"", RECOVERS_MS);
    world_end(world);
}
END_TEST

Suite *e2e_postgres_suite(void) {
    Suite *suite = suite_create("e2e_postgres");
    TCase *tcase = tcase_create("e2e_postgres");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_database_that_is_well_is_ok);
    tcase_add_test(tcase, bugsinks_own_url_is_read_as_bugsink_reads_it);
    tcase_add_test(tcase, a_hung_server_delays_no_probe_and_recovery_shows_at_once);
    tcase_add_test(tcase, a_stopped_server_is_refused_and_recovery_shows_at_once);
    tcase_add_loop_test(
        tcase, each_refusal_has_its_code_and_keeps_the_password, 0, sizeof REFUSED / sizeof REFUSED[0]);
    tcase_add_test(tcase, a_read_only_database_is_an_error_until_it_is_not);
    return suite;
}
