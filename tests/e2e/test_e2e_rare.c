/* End to end: reasons that the other tests meet only by their parts, each provoked by its cause: a server's
 * rare errors, a child that is killed, no descriptors, no route, lost packets. */
#include "e2e/world.h"
#include "harness/namespace.h"
#include "harness/peer.h"
#include "harness/postgres.h"
#include "harness/proc.h"
#include "harness/skip.h"
#include "harness/sqlite_files.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SHOWS_MS = 4000, RECOVERS_MS = 2000 };

/* A world whose main database is the DSN, and whose queue stays the file. */
/* more: of the configuration. The variables, which win over it, leave its times alone. */
static struct world *start_world(const char *dsn, const char *more) {
    struct world *world = world_new();
    if (strstr(more, "\"timeout\"")) {
        envlist_unset(&world->environment, "BUGSINK_HEALTH_INTERVAL");
        envlist_unset(&world->environment, "BUGSINK_HEALTH_TIMEOUT");
    }
    world_write_config(world,
        "{\"databases\": {\"default\": {\"dsn\": \"%s\", \"role\": \"main\"},"
        " \"snappea\": {\"dsn\": \"%s\", \"role\": \"queue\"}}%s}",
        dsn, world->queue_db, more);
    world_start_with(world, NULL, 0);
    return world;
}

static void assert_phase(struct world *world, const char *expected) {
    world_get(world, "/health/");
    json_t *json = http_json(&world->response);
    json_t *value = json_object_get(json_object_get(json_object_get(json, "checks"), "default"), "phase");
    ck_assert_msg(
        json_is_string(value) && strcmp(json_string_value(value), expected) == 0, "%s", world->response.body);
    json_decref(json);
}

/* -- scripted: what a real server will not do on demand -- */

#define BYTES(text) text, sizeof text - 1

/* ErrorResponse: length, severity, SQLSTATE, message. */
#define ERROR_OF(sqlstate)                                                                                   \
    "E\0\0\0\x25"                                                                                            \
    "SFATAL\0VFATAL\0"                                                                                       \
    "C" sqlstate "\0"                                                                                        \
    "Msome text\0\0"

/* MariaDB's error packet, in the place of its greeting: length, number, 0xff, the error's number. */
#define MYSQL_ERROR_OF(number) "\x0c\0\0\0\xff" number "some text"

static const struct {
    const char *scheme;
    struct peer_script script;
    const char *text;
} ERRORS[] = {
    {"postgresql", {1, BYTES(ERROR_OF("53100")), 0, PEER_CLOSES}, "error: disk_full"},
    {"postgresql", {1, BYTES(ERROR_OF("53200")), 0, PEER_CLOSES}, "error: out_of_memory"},
    {"postgresql", {1, BYTES(ERROR_OF("57P03")), 0, PEER_CLOSES}, "error: db_starting"},
    {"postgresql", {1, BYTES(ERROR_OF("XX000")), 0, PEER_CLOSES}, "error: query_failed"},
#ifdef WITH_MYSQL
    {"mysql", {0, BYTES(MYSQL_ERROR_OF("\x1d\x04")), 0, PEER_CLOSES}, "error: db_starting"},   /* 1053 */
    {"mysql", {0, BYTES(MYSQL_ERROR_OF("\xfd\x03")), 0, PEER_CLOSES}, "error: disk_full"},     /* 1021 */
    {"mysql", {0, BYTES(MYSQL_ERROR_OF("\x0d\x04")), 0, PEER_CLOSES}, "error: out_of_memory"}, /* 1037 */
    {"mysql", {0, BYTES(MYSQL_ERROR_OF("\x28\x04")), 0, PEER_CLOSES}, "error: query_failed"},  /* 1064 */
    {"mysql", {0, BYTES(MYSQL_ERROR_OF("\x6a\x04")), 0, PEER_CLOSES}, "error: host_denied"},   /* 1130 */
    {"mysql", {0, BYTES(MYSQL_ERROR_OF("\x69\x04")), 0, PEER_CLOSES}, "error: host_blocked"},  /* 1129 */
#endif
};

START_TEST(a_rare_error_of_a_server_has_its_code) {
    char dsn[128];
    struct peer peer = peer_start(&ERRORS[_i].script);
    snprintf(dsn, sizeof dsn, "%s://u:secret@127.0.0.1:%d/bugsink%s", ERRORS[_i].scheme, peer.port,
        ERRORS[_i].scheme[0] == 'p' ? "?sslmode=disable" : "");
    struct world *world = start_world(dsn, "");
    world_await_check(world, "default", ERRORS[_i].text, SHOWS_MS);
    ck_assert_int_eq(world->response.status, 503);
    ck_assert_ptr_null(strstr(world->response.body, "some text"));
    world_end(world);
    peer_stop(&peer);
}
END_TEST

START_TEST(until_its_first_run_ends_a_check_is_starting) {
    char dsn[128];
    const struct peer_script silent = {.reads = 0};
    struct peer peer = peer_start(&silent);
    snprintf(dsn, sizeof dsn, "postgresql://u:secret@127.0.0.1:%d/bugsink?sslmode=disable", peer.port);
    struct world *world = start_world(dsn, ", \"interval\": \"60s\", \"timeout\": \"2s\"");
    world_await_check(world, "default", "starting", 1000);
    ck_assert_int_eq(world->response.status, 503);
    ck_assert_int_eq(world_get(world, "/health/started/"), 503);
    world_await_check(world, "default", "error: timeout", SHOWS_MS);
    ck_assert_int_eq(world_get(world, "/health/started/"), 200);
    world_end(world);
    peer_stop(&peer);
}
END_TEST

/* -- a real server -- */

static struct world *start_postgres_world(
    struct postgres_server **server, const char *more, const char *test) {
    if (!postgres_is_installed()) {
        skip_test(test, "PostgreSQL is not installed");
        return NULL;
    }
    *server = postgres_start(NULL);
    char *dsn = postgres_dsn(*server, "bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink", "");
    struct world *world = start_world(dsn, more);
    free(dsn);
    return world;
}

START_TEST(an_error_in_a_query_is_query_failed_with_its_sqlstate_in_the_log) {
    struct postgres_server *server;
    struct world *world =
        start_postgres_world(&server, "", "an_error_in_a_query_is_query_failed_with_its_sqlstate_in_the_log");
    if (!world)
        return;
    world_await_check(world, "default", "ok", SHOWS_MS);
    postgres_do(server, "bugsink",
        "ALTER TABLE phonehome_installation RENAME TO kept;"
        "CREATE VIEW phonehome_installation AS SELECT kept.*, 1 / (random() * 0)::int AS n FROM kept;"
        "ALTER VIEW phonehome_installation OWNER TO bugsink");
    world_await_check(world, "default", "error: query_failed", SHOWS_MS);
    ck_assert(daemon_wait_log(&world->daemon, "new=error", "22012", 1000)); /* division_by_zero */
    postgres_do(server, "bugsink",
        "DROP VIEW phonehome_installation; ALTER TABLE kept RENAME TO phonehome_installation");
    world_await(world, "/health/ready/", 200, "\"default\": \"ok\"", RECOVERS_MS);
    world_end(world);
    postgres_free(server);
}
END_TEST

/* Each question about django_migrations takes 0.4 s, and a run has several. */
START_TEST(a_slow_server_is_degraded_and_stays_ready) {
    enum { SLOWLY_MS = 12000 };
    struct postgres_server *server;
    struct world *world =
        start_postgres_world(&server, ", \"slow\": \"300ms\", \"interval\": \"4s\", \"timeout\": \"3s\"",
            "a_slow_server_is_degraded_and_stays_ready");
    if (!world)
        return;
    world_await_check(world, "default", "ok", SLOWLY_MS);
    postgres_do(server, "bugsink",
        "ALTER TABLE django_migrations RENAME TO kept;"
        "CREATE VIEW django_migrations AS SELECT kept.* FROM kept, pg_sleep(0.4);"
        "ALTER VIEW django_migrations OWNER TO bugsink");
    world_await_check(world, "default", "degraded: slow", SLOWLY_MS);
    ck_assert_int_eq(world->response.status, 200);
    postgres_do(
        server, "bugsink", "DROP VIEW django_migrations; ALTER TABLE kept RENAME TO django_migrations");
    world_await(world, "/health/ready/", 200, "\"default\": \"ok\"", SLOWLY_MS);
    world_end(world);
    postgres_free(server);
}
END_TEST

/* -- our own processes -- */

static bool has_child(void *arg) {
    pid_t *child = arg; /* in: the checker, and the responder; out: the worker */
    pid_t children[8];
    int count = proc_family(child[0], children, 8);
    for (int i = 0; i < count; i++)
        if (children[i] != child[1])
            child[2] = children[i];
    return child[2] > 0;
}

/* The child waits for the lock, and is killed meanwhile. */
START_TEST(a_child_that_dies_of_a_signal_is_crashed_and_named) {
    struct world *world = world_new();
    sqlite_files_execute(world->main_db, "PRAGMA journal_mode=DELETE");
    world_start(world);
    sqlite3 *locker;
    ck_assert_int_eq(sqlite3_open(world->main_db, &locker), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(locker, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    world_await_check(world, "default", "degraded: locked", SHOWS_MS);
    struct deadline deadline = deadline_in(SHOWS_MS);
    while (daemon_log_lines(&world->daemon, "code=crashed", "SEGV") == 0) {
        pid_t child[3] = {world->daemon.checker, world->daemon.responder, 0};
        ck_assert(!deadline_is_over(&deadline) && wait_until(has_child, child, SHOWS_MS));
        kill(child[2], SIGSEGV);
    }
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    ck_assert_int_eq(sqlite3_close(locker), SQLITE_OK);
    world_await(world, "/health/ready/", 200, "\"default\": \"ok\"", SHOWS_MS);
    world_end(world);
}
END_TEST

static void kill_workers(const struct world *world) {
    pid_t workers[16];
    int count = proc_children(proc_nursery(world->daemon.checker), workers, 16);
    ck_assert_int_gt(count, 0);
    for (int i = 0; i < count; i++)
        kill(workers[i], SIGKILL);
}

/* What stays needs none: so all that stays is killed, and nothing can take its place. */
START_TEST(without_descriptors_checks_are_internal_and_probes_are_answered) {
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = 4096}, enough = {1024, 4096};
    struct world *world = world_new();
    world_start(world);
    if (prlimit(world->daemon.checker, RLIMIT_NOFILE, &none, NULL) < 0) {
        skip_test("without_descriptors_checks_are_internal_and_probes_are_answered",
            "only root may limit a process that is not dumpable");
        world_end(world);
        return;
    }
    kill_workers(world);
    world_await_check(world, "default", "error: internal", SHOWS_MS);
    world_await_check(world, "snappea", "error: internal", SHOWS_MS);
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    ck_assert_int_eq(world_get(world, "/health/self/"), 200);
    ck_assert_int_eq(prlimit(world->daemon.checker, RLIMIT_NOFILE, &enough, NULL), 0);
    world_await(world, "/health/ready/", 200, "\"status\": \"ok\"", SHOWS_MS);
    world_end(world);
}
END_TEST

/* -- the network -- */

static const char *const FAR[] = {
    "postgresql://u:secret@192.0.2.1/bugsink", /* TEST-NET-1 */
    "postgresql://u:secret@[2001:db8::1]/bugsink",
#ifdef WITH_MYSQL
    "mysql://u:secret@192.0.2.1/bugsink",
#endif
};

START_TEST(without_a_route_a_database_is_unreachable) {
    const char *why = namespace_enter();
    if (why) {
        skip_test("without_a_route_a_database_is_unreachable", why);
        return;
    }
    struct world *world = start_world(FAR[_i], "");
    world_await_check(world, "default", "error: unreachable", SHOWS_MS);
    ck_assert_int_eq(world->response.status, 503);
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    world_end(world);
}
END_TEST

/* The packets vanish: nobody refuses, nobody answers. */
START_TEST(lost_packets_are_a_timeout_in_phase_connect) {
    char dsn[128];
    const struct peer_script silent = {.reads = 0};
    const char *why = namespace_enter();
    struct peer peer = peer_start(&silent);
    char rules[64];
    snprintf(rules, sizeof rules, "tcp dport %d drop", peer.port);
    if (!why)
        why = namespace_filter(rules);
    if (why) {
        skip_test("lost_packets_are_a_timeout_in_phase_connect", why);
        peer_stop(&peer);
        return;
    }
    snprintf(
        dsn, sizeof dsn, "%s://u:secret@127.0.0.1:%d/bugsink", _i == 0 ? "postgresql" : "mysql", peer.port);
    struct world *world = start_world(dsn, "");
    world_await_check(world, "default", "error: timeout", SHOWS_MS);
    assert_phase(world, "connect");
    world_end(world);
    peer_stop(&peer);
}
END_TEST

Suite *e2e_rare_suite(void) {
    Suite *suite = suite_create("e2e_rare");
    TCase *tcase = tcase_create("e2e_rare");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_rare_error_of_a_server_has_its_code, 0, sizeof ERRORS / sizeof ERRORS[0]);
    tcase_add_test(tcase, until_its_first_run_ends_a_check_is_starting);
    tcase_add_test(tcase, an_error_in_a_query_is_query_failed_with_its_sqlstate_in_the_log);
    tcase_add_test(tcase, a_slow_server_is_degraded_and_stays_ready);
    tcase_add_test(tcase, a_child_that_dies_of_a_signal_is_crashed_and_named);
    tcase_add_test(tcase, without_descriptors_checks_are_internal_and_probes_are_answered);
    tcase_add_loop_test(tcase, without_a_route_a_database_is_unreachable, 0, sizeof FAR / sizeof FAR[0]);
#ifdef WITH_MYSQL
    tcase_add_loop_test(tcase, lost_packets_are_a_timeout_in_phase_connect, 0, 2);
#else
    tcase_add_loop_test(tcase, lost_packets_are_a_timeout_in_phase_connect, 0, 1);
#endif
    return suite;
}
