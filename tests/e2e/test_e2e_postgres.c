/* End to end: a real PostgreSQL in every state that the page has a code for.
 *
 *  the server                                   the page                       until
 *  well                                         ok
 *  another password than ours                   error: auth_failed             it is ours again
 *  no such role                                 error: auth_failed             there is
 *  no such database                             error: db_missing              there is
 *  full, from our start on                      error: too_many_clients        its clients leave
 *  full, after it was well                      degraded: too_many_clients     its clients leave
 *  a standby                                    error: read_only               it is promoted
 *  default_transaction_read_only                error: read_only               that is reset
 *  stopped                                      error: refused                 it is started
 *  SIGSTOPped, before our start; after          error: timeout                 it is continued
 *  restarted: waits for its last client; gone   error: db_starting; refused    it is up again
 *
 * In each state probes are answered at once, and its end shows within 2 s. */
#include "e2e/world.h"
#include "harness/postgres.h"
#include "harness/proc.h"
#include "harness/skip.h"
#include "harness/wait.h"

#include <check.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBES = 200, QUICK_MS = 50, SHOWS_MS = 4000, RECOVERS_MS = 2000, SCHEDULING_MS = 500 };

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

/* Not started yet. NULL: the test is to be skipped. */
static struct world *make_world(const char *user, const char *password, const char *database) {
    if (!server) {
        skip_test(SKIP_ALL, "PostgreSQL is not installed");
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
    return world;
}

START_TEST(bugsinks_own_url_is_read_as_bugsink_reads_it) {
    if (!server) {
        skip_test("bugsinks_own_url_is_read_as_bugsink_reads_it", "PostgreSQL is not installed");
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

/* -- faults, and their ends -- */

static void change_password(void) {
    postgres_do(server, "postgres", "ALTER ROLE bugsink PASSWORD 'another'");
}

static void change_password_back(void) {
    postgres_do(server, "postgres", "ALTER ROLE bugsink PASSWORD '" POSTGRES_PASSWORD "'");
}

static void make_role(void) {
    postgres_do(
        server, "postgres", "CREATE ROLE latecomer LOGIN PASSWORD '" POSTGRES_PASSWORD "' IN ROLE bugsink");
}

static void make_database(void) {
    postgres_do(server, "postgres", "CREATE DATABASE later TEMPLATE template_bugsink OWNER bugsink");
}

static PGconn *sessions[64];
static size_t session_count;

/* Our own check may have the last place at the moment. */
static bool open_session(void *arg) {
    PGconn *session = PQconnectdb(arg);
    if (PQstatus(session) != CONNECTION_OK) {
        PQfinish(session);
        return false;
    }
    sessions[session_count++] = session;
    return true;
}

static void open_sessions(long count) {
    char *dsn = postgres_dsn(server, "bugsink", POSTGRES_PASSWORD_ENCODED, "blank", "");
    ck_assert_int_le(count, (long)(sizeof sessions / sizeof sessions[0]));
    while ((long)session_count < count)
        ck_assert(wait_until(open_session, dsn, SHOWS_MS));
    free(dsn);
}

static void close_sessions(void) {
    while (session_count > 0)
        PQfinish(sessions[--session_count]);
}

static void fill(void) {
    char *room = postgres_exec(server, "postgres",
        "SELECT current_setting('max_connections')::int - "
        "current_setting('superuser_reserved_connections')::int");
    open_sessions(strtol(room, NULL, 10));
    free(room);
}

static void become_standby(void) {
    struct postgres_server *primary = server;
    postgres_stop(primary);
    server = postgres_start_standby(primary);
    postgres_free(primary);
}

static void promote(void) {
    char *is_promoted = postgres_exec(server, "postgres", "SELECT pg_promote()");
    ck_assert_str_eq(is_promoted, "t");
    free(is_promoted);
}

static void forbid_writing(void) {
    postgres_do(server, "postgres", "ALTER DATABASE bugsink SET default_transaction_read_only = on");
}

static void allow_writing(void) {
    postgres_do(server, "postgres", "ALTER DATABASE bugsink RESET default_transaction_read_only");
}

static void stop(void) {
    postgres_stop(server);
}

static void start(void) {
    postgres_restart(server, NULL);
}

static void pause_server(void) {
    postgres_pause(server);
}

static void continue_server(void) {
    postgres_continue(server);
}

/* A smart shutdown waits for the last client. */
static void begin_restart(void) {
    open_sessions(1);
    ck_assert_int_eq(kill(server->pid, SIGTERM), 0);
}

static void end_restart(void) {
    close_sessions();
    postgres_stop(server);
    start();
}

static const struct fault {
    const char *name;
    const char *user, *database; /* NULL: "bugsink" */
    void (*begin)(void);         /* NULL: nothing is to be done for it */
    void (*end)(void);           /* NULL: it is none */
    bool is_well_before;
    int http;
    const char *status, *code; /* of the check */
} FAULTS[] = {
    {"none", NULL, NULL, NULL, NULL, false, 200, "ok", "ok"},
    {"wrong password", NULL, NULL, change_password, change_password_back, false, 503, "error", "auth_failed"},
    {"no such role", "latecomer", NULL, NULL, make_role, false, 503, "error", "auth_failed"},
    {"no such database", NULL, "later", NULL, make_database, false, 503, "error", "db_missing"},
    {"full at the start", NULL, NULL, fill, close_sessions, false, 503, "error", "too_many_clients"},
    {"full", NULL, NULL, fill, close_sessions, true, 200, "degraded", "too_many_clients"},
    {"a standby", NULL, NULL, become_standby, promote, false, 503, "error", "read_only"},
    {"read-only", NULL, NULL, forbid_writing, allow_writing, true, 503, "error", "read_only"},
    {"stopped", NULL, NULL, stop, start, true, 503, "error", "refused"},
    {"hung at the start", NULL, NULL, pause_server, continue_server, false, 503, "error", "timeout"},
    {"hung", NULL, NULL, pause_server, continue_server, true, 503, "error", "timeout"},
    {"restarted", NULL, NULL, begin_restart, end_restart, true, 503, "error", "db_starting"},
};

/* The retry interval is the product's own, 1 s. A run that a hung server held up ends well when it goes on,
 * whatever that took. Most of these faults are met by who logs in, and so each run does. */
static void set_intervals(struct world *world) {
    envlist_set(&world->environment, "BUGSINK_HEALTH_INTERVAL=2s");
    envlist_set(&world->environment, "BUGSINK_HEALTH_TIMEOUT=1s");
    envlist_set(&world->environment, "BUGSINK_HEALTH_SLOW=999ms");
    envlist_set(&world->environment, "BUGSINK_HEALTH_RECONNECT=0s");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_RETRY_INTERVAL");
}

static struct world *start_fault_world(const struct fault *fault) {
    if (server && fault->begin && !fault->is_well_before)
        fault->begin();
    struct world *world = make_world(fault->user ? fault->user : "bugsink", POSTGRES_PASSWORD_ENCODED,
        fault->database ? fault->database : "bugsink");
    if (!world)
        return NULL;
    set_intervals(world);
    world_start_with(world, NULL, 0);
    if (fault->is_well_before) {
        world_await_check(world, "default", "ok", SHOWS_MS);
        fault->begin();
    }
    return world;
}

/* What each page must say while the fault lasts: all of the texts. */
struct expected_page {
    const char *path;
    int http;
    char one[64], two[64];
};

static void expect_pages(const struct fault *fault, struct expected_page pages[3]) {
    pages[0] = (struct expected_page){.path = "/health/ready/", .http = fault->http};
    pages[1] = (struct expected_page){.path = "/health/ready/default/", .http = fault->http};
    pages[2] = (struct expected_page){.path = "/health/live/", .http = 200};
    if (fault->end)
        snprintf(pages[0].one, sizeof pages[0].one, "\"default\": \"%s: %s\"", fault->status, fault->code);
    else
        snprintf(pages[0].one, sizeof pages[0].one, "\"default\": \"ok\"");
    snprintf(pages[1].one, sizeof pages[1].one, "\"status\": \"%s\"", fault->status);
    snprintf(pages[1].two, sizeof pages[1].two, "\"code\": \"%s\"", fault->code);
}

static bool is_answered(struct world *world, const struct expected_page *page) {
    return world_get(world, page->path) == page->http && world->response.is_whole &&
           strstr(world->response.body, page->one) && strstr(world->response.body, page->two);
}

/* So many probes in a row, of which none may wait for the database: its timeout is 1 s. A few may be
 * slower than QUICK_MS on a busy machine. */
static void assert_no_probe_waits(struct world *world, const struct fault *fault) {
    struct expected_page pages[3];
    int answered = 0, slow = 0;
    int64_t slowest_ms = 0;
    expect_pages(fault, pages);
    for (int i = 0; i < PROBES; i++) {
        answered += is_answered(world, &pages[i % 3]);
        slow += world->response.free_ms >= QUICK_MS;
        if (world->response.free_ms > slowest_ms)
            slowest_ms = world->response.free_ms;
    }
    ck_assert_msg(answered == PROBES && slow <= PROBES / 20 && slowest_ms < 500,
        "%s: %d of %d answered, %d not within %d ms, the slowest in %d ms; the last: status %d, %s",
        fault->name, answered, PROBES, slow, QUICK_MS, (int)slowest_ms, world->response.status,
        world->response.body);
}

START_TEST(each_fault_has_its_code_delays_no_probe_and_its_end_shows_at_once) {
    const struct fault *fault = &FAULTS[_i];
    struct world *world = start_fault_world(fault);
    if (!world)
        return;
    char text[64];
    snprintf(text, sizeof text, "%s: %s", fault->status, fault->code);
    world_await_check(world, "default", fault->end ? text : "ok", SHOWS_MS);
    ck_assert_msg(world->response.status == fault->http, "%s: %d", fault->name, world->response.status);
    assert_no_probe_waits(world, fault);
    if (fault->end) {
        fault->end();
        world_await(world, "/health/ready/", 200, "\"default\": \"ok\"", RECOVERS_MS + SCHEDULING_MS);
        ck_assert_int_eq(world_get(world, "/health/ready/default/"), 200);
    }
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
    struct world *world = make_world(REFUSED[_i].user, REFUSED[_i].password, REFUSED[_i].database);
    if (!world)
        return;
    world_start_with(world, NULL, 0);
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

Suite *e2e_postgres_suite(void) {
    Suite *suite = suite_create("e2e_postgres");
    TCase *tcase = tcase_create("e2e_postgres");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, each_fault_has_its_code_delays_no_probe_and_its_end_shows_at_once, 0,
        sizeof FAULTS / sizeof FAULTS[0]);
    tcase_add_test(tcase, bugsinks_own_url_is_read_as_bugsink_reads_it);
    tcase_add_loop_test(
        tcase, each_refusal_has_its_code_and_keeps_the_password, 0, sizeof REFUSED / sizeof REFUSED[0]);
    return suite;
}
