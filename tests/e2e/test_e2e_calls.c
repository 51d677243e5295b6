/* End to end: the system calls that the checker makes while nothing happens, by name and by number; and that
 * it makes none on a database's socket.
 *
 *  what comes                          what it may cost the checker
 *  a run in a worker                   the request, the answer, and two wake-ups
 *  a look at Bugsink's endpoint        a connection, a request, an answer, and three wake-ups
 *  two seconds                         a renewal of the lease, with a wake-up of its own at most
 *  five seconds                        a set of pages
 *  the first idle moment               what the start needed is given back, once: we may be there already
 *  anything else                       is an error of this test: docs/design.md lists each call with its
 * reason */
#include "e2e/world.h"
#include "harness/peer.h"
#include "harness/postgres.h"
#include "harness/proc.h"
#include "harness/skip.h"
#include "harness/trace.h"
#include "harness/wait.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 24, SETS = 3, SHOWS_MS = 10000, PATIENCE_MS = 60000 };

#define TO_WORKER "UNIX-STREAM"

static bool has_seen_runs(void *arg) {
    return trace_count(arg, "sendto", TO_WORKER) >= RUNS;
}

static bool has_seen_all(void *arg) {
    return has_seen_runs(arg) && trace_count(arg, "pread64", "") >= SETS;
}

static int count(struct trace *trace, const char *name) {
    return trace_count(trace, name, "");
}

/* -- the table of docs/design.md -- */

enum cause { BY_RUN, BY_LOOK, BY_LEASE, BY_PAGES, BY_ALL, CAUSES };

static const struct {
    const char *name;
    int most[CAUSES]; /* for each run, look, lease, set of pages, and in all */
} CALLS[] = {
    {"epoll_wait",
        {3, 4, 2, 0, 4}}, /* one more each: the coarse clock lags, and the timer is waited for twice */
    {"sendto", {1, 1, 0, 0, 0}},
    {"read", {1, 0, 0, 0, 1}},
    {"socket", {0, 1, 0, 0, 0}},
    {"connect", {0, 1, 0, 0, 0}},
    {"getsockopt", {0, 2, 0, 0, 0}},
    {"getpeername", {0, 2, 0, 0, 0}},
    {"getsockname", {0, 1, 0, 0, 0}},
    {"recvfrom", {0, 3, 0, 0, 1}},
    {"close", {0, 1, 0, 0, 1}},
    {"epoll_ctl", {0, 4, 0, 0, 2}},
    {"sendmsg", {0, 0, 1, 0, 0}},
    {"pread64", {0, 0, 0, 1, 0}},
    {"poll", {0, 0, 0, 2, 0}},
    {"getrusage", {0, 0, 0, 2, 0}},
    {"getpid", {0, 0, 0, 1, 0}},
    {"brk", {0, 0, 0, 8, 8}},
    {"mmap", {0, 0, 0, 8, 0}},
    {"munmap", {0, 0, 0, 8, 0}},
    {"madvise", {0, 0, 0, 0, 1}}, /* counted by turns: one for each part of each library */
    {"restart_syscall", {0, 0, 0, 0, 1}},
};
enum { CALL_COUNT = sizeof CALLS / sizeof CALLS[0] };

static bool is_listed(const char *name) {
    for (int i = 0; i < CALL_COUNT; i++)
        if (strcmp(CALLS[i].name, name) == 0)
            return true;
    return false;
}

static void expect_known(struct trace *trace, const struct world *world) {
    char name[64];
    for (int n = 0; trace_name(trace, n, name, sizeof name); n++)
        ck_assert_msg(
            is_listed(name), "%s: nobody has said why; the log:\n%s", name, daemon_log(&world->daemon));
}

static int times_made(struct trace *trace, const char *name) {
    return strcmp(name, "madvise") == 0 ? trace_turns(trace, name) : count(trace, name);
}

static void expect_few(struct trace *trace) {
    const int times[CAUSES] = {[BY_RUN] = trace_count(trace, "sendto", TO_WORKER),
        [BY_LOOK] = count(trace, "connect"),
        [BY_LEASE] = count(trace, "sendmsg"),
        [BY_PAGES] = count(trace, "pread64"),
        [BY_ALL] = 1};
    ck_assert_int_ge(times[BY_LOOK], 1);
    ck_assert_int_ge(times[BY_LEASE], 1);
    ck_assert_msg(times[BY_PAGES] <= 1 + times[BY_LEASE] / 2, "%d sets of pages with %d leases",
        times[BY_PAGES], times[BY_LEASE]);
    ck_assert_msg(times[BY_LEASE] <= times[BY_RUN], "%d leases with %d runs: they do not go along",
        times[BY_LEASE], times[BY_RUN]);
    for (int i = 0; i < CALL_COUNT; i++) {
        int most = 0, made = times_made(trace, CALLS[i].name);
        for (int cause = 0; cause < CAUSES; cause++)
            most += CALLS[i].most[cause] * times[cause];
        ck_assert_msg(made <= most,
            "%s: %d calls, not %d, for %d runs, %d looks, %d leases, %d sets of pages", CALLS[i].name, made,
            most, times[BY_RUN], times[BY_LOOK], times[BY_LEASE], times[BY_PAGES]);
    }
}

/* Returns whether it runs; else the test is skipped. */
static bool watch(struct trace *trace, const char *test, const pid_t *pids, size_t pid_count) {
    const char *why;
    if (sizeof(void *) < 8) {
        skip_test(test, "the calls that are listed are those of 64-bit machines");
        return false;
    }
    if (world_is_sanitized()) {
        skip_test(test, "a sanitizer makes system calls of its own");
        return false;
    }
    if (trace_start(trace, pids, pid_count, &why))
        return true;
    skip_test(test, why);
    return false;
}

START_TEST(an_idle_checker_makes_no_call_without_a_reason) {
    static const char REPLY[] =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nOK\n";
    const struct peer_script script = {
        .reads = 1, .reply = REPLY, .reply_size = sizeof REPLY - 1, .closes = PEER_CLOSES};
    struct peer app = peer_start(&script);
    struct world *world = world_new();
    struct trace trace;
    envlist_set(&world->environment, "BUGSINK_HEALTH_APP_URL=http://127.0.0.1:%d", app.port);
    envlist_set(
        &world->environment, "BUGSINK_HEALTH_INTERVAL=2s"); /* traced, on a busy machine, it takes time */
    envlist_set(&world->environment, "BUGSINK_HEALTH_TIMEOUT=1900ms");
    envlist_set(&world->environment, "BUGSINK_HEALTH_SLOW=1900ms");
    world_start(world);
    ck_assert(
        daemon_wait_log(&world->daemon, "says nothing about its database", "question=project", SHOWS_MS));
    if (watch(&trace, "an_idle_checker_makes_no_call_without_a_reason", &world->daemon.checker, 1)) {
        ck_assert(wait_until(has_seen_all, &trace, PATIENCE_MS));
        expect_known(&trace, world);
        expect_few(&trace);
        trace_end(&trace);
    }
    world_end(world);
    peer_stop(&app);
}
END_TEST

/* -- databases -- */

static bool has_heard_a_server(void *arg) {
    return trace_count(arg, "recvfrom", "<TCP") >= 3;
}

START_TEST(the_checker_never_touches_a_databases_socket) {
    if (!postgres_is_installed()) {
        skip_test("the_checker_never_touches_a_databases_socket", "PostgreSQL is not installed");
        return;
    }
    struct postgres_server *server = postgres_start(NULL);
    struct world *world = world_new();
    struct trace trace;
    pid_t pids[TRACE_PIDS_MAX] = {0};
    char *dsn = postgres_dsn(server, "bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink", "");
    world_write_config(world,
        "{\"databases\": {\"default\": {\"dsn\": \"%s\", \"role\": \"main\"}, "
        "\"snappea\": {\"dsn\": \"%s\", \"role\": \"queue\"}}}",
        dsn, world->queue_db);
    world_start_with(world, NULL, 0);
    world_await_check(world, "default", "ok", SHOWS_MS);
    if (watch(&trace, "the_checker_never_touches_a_databases_socket", &world->daemon.checker, 1)) {
        ck_assert(wait_until(has_seen_runs, &trace, PATIENCE_MS));
        ck_assert_int_eq(trace_count(&trace, NULL, "<TCP"), 0);
        trace_end(&trace);
        /* Its workers do, so that it would have been seen; and if one is replaced, its successor. */
        pids[0] = proc_nursery(world->daemon.checker);
        int count = 1 + proc_family(world->daemon.checker, pids + 1, TRACE_PIDS_MAX - 1);
        ck_assert(watch(&trace, "", pids, (size_t)count));
        ck_assert(wait_until(has_heard_a_server, &trace, PATIENCE_MS));
        trace_end(&trace);
    }
    world_end(world);
    free(dsn);
    postgres_free(server);
}
END_TEST

Suite *e2e_calls_suite(void) {
    Suite *suite = suite_create("e2e_calls");
    TCase *tcase = tcase_create("e2e_calls");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 180);
    tcase_add_test(tcase, an_idle_checker_makes_no_call_without_a_reason);
    tcase_add_test(tcase, the_checker_never_touches_a_databases_socket);
    return suite;
}
