/* Three days at the default interval are 51,840 runs of each check. They are run here one after the other, as
 * fast as they go: the engine, the kinds, the pages, the link and a responder, all real, against a
 * PostgreSQL, a MariaDB (where it is built in), two SQLite databases, a directory, a settings file and an
 * app; with probes in between. Afterwards everything must be as it was after the first few hundred: memory,
 * descriptors, children, the server's connections.
 *
 * `make soak` runs all of them ($BH_SOAK_RUNS of each check); without it, as many as a quarter of a minute
 * allows. */
#include "base/io.h"
#include "base/process.h"
#include "checker/checker.h"
#include "checker/engine.h"
#include "checker/listen.h"
#include "run/loop.h"
#include "e2e/world.h"
#include "harness/fork.h"
#include "harness/mariadb.h"
#include "harness/peer.h"
#include "harness/postgres.h"
#include "harness/proc.h"
#include "harness/skip.h"
#include "harness/wait.h"
#include "link/link.h"
#include "render/pages.h"
#include "responder/responder.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef WITH_MYSQL
#define HAS_MYSQL 1
#else
#define HAS_MYSQL 0
#endif

enum {
    CHECKS = 6 + HAS_MYSQL,
    KEPT = 1 + HAS_MYSQL, /* connections, one to each server */
    WARM_UP_RUNS = 200,
    WARM_UP_MS = 60000, /* at most */
    DEFAULT_MS = 15000,
    HOUR_MS = 3600 * 1000,
    BUSY_INTERVAL_MS = 2,
    QUIET_MS = 500, /* without news: nothing is under way */
    PROBE_EVERY = 10,
    GROWTH_MAX_KIB = 256,
};

struct soak {
    struct world *world;
    struct postgres_server *server;
#if HAS_MYSQL
    struct mariadb_server *mariadb;
#endif
    struct peer app;
    struct loop loop;
    struct config *config; /* the engine's; its intervals are ours to change */
    struct engine *engine;
    struct link_sender *sender;
    pid_t responder;
    struct timer publish, quiet, limit;
    int64_t goal;         /* runs of each check */
    int64_t runs[CHECKS]; /* that were seen: two of one check in one millisecond count once */
    int64_t checked_at_ms[CHECKS];
    int64_t errors, published, probes;
};

/* What must not grow. */
struct figures {
    int64_t resident_kib, responder_resident_kib;
    int descriptors, responder_descriptors, children;
    long connections, aborts;
};

/* -- the parts of a checker, but for its intervals -- */

static void publish(void *arg) {
    struct soak *soak = arg;
    struct snapshot snapshot;
    struct page_set set;
    engine_snapshot(soak->engine, &snapshot);
    snapshot.sidecar_version = "soak"; /* what the engine does not know */
    snapshot.sidecar_config = "ok";
    int64_t now_ms = clock_now_ms(clock_system());
    ck_assert_int_eq(pages_render(&snapshot, now_ms, &set), 0);
    ck_assert_int_eq(link_send_pages(soak->sender, &set, now_ms + LEASE_MS), 0);
    pages_release(&set);
    if (++soak->published % PROBE_EVERY == 0 && soak->published > PROBE_EVERY) {
        ck_assert_int_ne(world_get(soak->world, "/health/ready/"), 0);
        soak->probes++;
    }
}

static void count_runs(struct soak *soak) {
    struct snapshot snapshot;
    engine_snapshot(soak->engine, &snapshot);
    for (size_t i = 0; i < CHECKS; i++) {
        const struct check_view *view = &snapshot.checks[i];
        if (view->checked_at_ms == soak->checked_at_ms[i])
            continue;
        soak->checked_at_ms[i] = view->checked_at_ms;
        soak->errors += view->status == STATUS_ERROR;
        if (++soak->runs[i] >= soak->goal)
            soak->config->checks[i].interval_ms = HOUR_MS; /* one more follows, which is scheduled already */
    }
}

static void on_checked(void *arg, bool is_change) {
    struct soak *soak = arg;
    (void)is_change;
    count_runs(soak);
    timer_arm(&soak->loop.timers, &soak->publish, 0);
    timer_arm(&soak->loop.timers, &soak->quiet, QUIET_MS);
}

static void set_intervals(struct soak *soak, int64_t interval_ms) {
    for (size_t i = 0; i < CHECKS; i++)
        soak->config->checks[i].interval_ms = interval_ms;
}

static void on_limit(void *arg) {
    set_intervals(arg, HOUR_MS);
}

static void on_quiet(void *arg) {
    struct soak *soak = arg;
    bool is_over = true;
    for (size_t i = 0; i < CHECKS; i++)
        is_over = is_over && soak->config->checks[i].interval_ms == HOUR_MS;
    if (is_over)
        loop_end(&soak->loop);
    else
        timer_arm(&soak->loop.timers, &soak->quiet, QUIET_MS);
}

/* So many runs of each check, or as many as limit_ms allows; then all is at rest. */
static void run(struct soak *soak, int64_t goal, int64_t limit_ms) {
    soak->goal = goal;
    memset(soak->runs, 0, sizeof soak->runs);
    set_intervals(soak, BUSY_INTERVAL_MS);
    timer_arm(&soak->loop.timers, &soak->limit, limit_ms);
    timer_arm(&soak->loop.timers, &soak->quiet, QUIET_MS);
    soak->loop.is_done = false;
    engine_start(soak->engine, false); /* of checks that rest for an hour: at once */
    loop_run(&soak->loop);
    timer_disarm(&soak->limit);
}

/* -- start and end -- */

static void on_link_failed(void *arg) {
    (void)arg;
    ck_abort_msg("the responder is gone");
}

static void start_responder(struct soak *soak) {
    int ends[2];
    char where[ADDRESS_TEXT_SIZE];
    struct error err;
    pid_t parent = getpid();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    soak->responder = test_fork();
    if (soak->responder == 0)
        _exit(process_die_with_parent(parent) ? responder_run(ends[1], true) : 1);
    close(ends[1]);
    soak->sender = link_sender_new(soak->loop.base, ends[0], on_link_failed, soak);
    int listener = listen_open("127.0.0.1:0", where, &err);
    ck_assert_msg(listener >= 0, "%s", err.text);
    ck_assert_int_eq(link_send_log(soak->sender, LOG_ERROR, LOG_TEXT), 0);
    ck_assert_int_eq(link_send_listener(soak->sender, listener), 0);
    close(listener);
    soak->world->daemon.port = (int)strtol(strrchr(where, ':') + 1, NULL, 10);
}

/* -- the MariaDB, where it is built in -- */

#if HAS_MYSQL
static void start_mariadb(struct soak *soak, char entry[512]) {
    soak->mariadb = mariadb_start(NULL);
    char *dsn = mariadb_dsn(soak->mariadb, "bugsink", MARIADB_PASSWORD_ENCODED, "bugsink", "");
    snprintf(entry, 512, ", \"mariadb\": {\"dsn\": \"%s\", \"role\": \"main\"}", dsn);
    free(dsn);
}

static void end_mariadb(struct soak *soak) {
    mariadb_free(soak->mariadb);
}

static long count_mariadb_sessions(const struct soak *soak) {
    char *text = mariadb_exec(
        soak->mariadb, NULL, "SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER = 'bugsink'");
    long count = strtol(text, NULL, 10);
    free(text);
    return count;
}

/* Connections that ended in mid-login or without a farewell. */
static long count_mariadb_aborts(const struct soak *soak) {
    return mariadb_status(soak->mariadb, "Aborted_clients") +
           mariadb_status(soak->mariadb, "Aborted_connects");
}
#else
static void start_mariadb(struct soak *soak, char entry[512]) {
    (void)soak;
    skip_test("three_days_leave_nothing_behind", "its MariaDB: built with WITH_MYSQL=0");
    entry[0] = '\0';
}

static void end_mariadb(struct soak *soak) {
    (void)soak;
}

static long count_mariadb_sessions(const struct soak *soak) {
    (void)soak;
    return 0;
}

static long count_mariadb_aborts(const struct soak *soak) {
    (void)soak;
    return 0;
}
#endif

static void load_config(struct soak *soak) {
    char mariadb[512];
    start_mariadb(soak, mariadb);
    world_write_config(soak->world,
        "{\"databases\": {\"default\": {\"dsn\": \"%s\", \"role\": \"main\"},\n"
        "  \"snappea\": {\"dsn\": \"%s\", \"role\": \"queue\"},\n"
        "  \"archive\": {\"dsn\": \"postgresql://bugsink:%s@localhost:%d/bugsink\", \"role\": "
        "\"plain\"}%s},\n"
        " \"directories\": {\"spool\": {\"path\": \"%s\"}}, \"settings\": {\"path\": \"%s\"}, \"app\": "
        "{\"url\": \"http://127.0.0.1:%d/\"},\n"
        " \"interval\": \"1h\", \"timeout\": \"10s\", \"slow\": \"9s\"}\n",
        soak->world->main_db, soak->world->queue_db, POSTGRES_PASSWORD_ENCODED, soak->server->port, mariadb,
        soak->world->dir, soak->world->settings, soak->app.port);
    char variable[320];
    snprintf(variable, sizeof variable, "BUGSINK_HEALTH_CONFIG=%s", soak->world->config);
    const char *const environment[] = {variable, NULL};
    struct error err;
    soak->config = config_load(&(const struct config_source){.environment = environment}, &err);
    ck_assert_msg(soak->config != NULL, "%s", err.text);
    ck_assert_uint_eq(soak->config->check_count, CHECKS);
}

static void start(struct soak *soak) {
    static const char REPLY[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";
    const struct peer_script script = {
        .reads = 1, .reply = REPLY, .reply_size = sizeof REPLY - 1, .closes = PEER_CLOSES};
    const struct engine_events events = {.checked = on_checked};
    struct error err;
    log_configure(LOG_ERROR, LOG_TEXT, "soak", -1);
    soak->world = world_new();
    soak->server = postgres_start(NULL);
    soak->app = peer_start(&script);
    ck_assert_int_eq(loop_init(&soak->loop, NULL, &err), 0);
    timer_init(&soak->publish, publish, soak);
    timer_init(&soak->quiet, on_quiet, soak);
    timer_init(&soak->limit, on_limit, soak);
    start_responder(soak);
    load_config(soak);
    soak->engine = engine_new(&soak->loop, soak->config, &events, soak, &err);
    ck_assert_msg(soak->engine != NULL, "%s", err.text);
}

static void end(struct soak *soak) {
    link_sender_free(soak->sender);
    engine_free(soak->engine);
    loop_release(&soak->loop);
    kill(soak->responder, SIGKILL);
    waitpid(soak->responder, NULL, 0);
    peer_stop(&soak->app);
    postgres_free(soak->server);
    end_mariadb(soak);
    free(soak->world);
}

/* -- figures -- */

static long count_connections(const struct soak *soak) {
    char *text = postgres_exec(
        soak->server, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE usename = 'bugsink'");
    long count = strtol(text, NULL, 10);
    free(text);
    return count + count_mariadb_sessions(soak);
}

static bool has_kept_alone(void *arg) {
    return count_connections(arg) == KEPT;
}

static struct figures measure(struct soak *soak) {
    pid_t children[64];
    wait_until(has_kept_alone, soak, 20000); /* a backend ends a moment after its client */
    return (struct figures){
        .resident_kib = proc_resident_kib(getpid()),
        .responder_resident_kib = proc_resident_kib(soak->responder),
        .descriptors = proc_descriptor_count(getpid()),
        .responder_descriptors = proc_descriptor_count(soak->responder),
        .children = proc_children(getpid(), children, 64),
        .connections = count_connections(soak),
        .aborts = count_mariadb_aborts(soak),
    };
}

static void report(const struct soak *soak, const struct figures *before, const struct figures *after) {
    printf("soak:");
    for (size_t i = 0; i < CHECKS; i++)
        printf(" %s %" PRId64 " runs,", soak->config->checks[i].name, soak->runs[i]);
    printf(" %" PRId64 " sets of pages, %" PRId64 " probes\n", soak->published, soak->probes);
    printf("soak: resident %" PRId64 " -> %" PRId64 " KiB, responder %" PRId64 " -> %" PRId64
           " KiB; descriptors %d -> %d, responder %d -> %d; children %d -> %d; connections %ld -> %ld; "
           "aborted at MariaDB %ld -> %ld\n",
        before->resident_kib, after->resident_kib, before->responder_resident_kib,
        after->responder_resident_kib, before->descriptors, after->descriptors, before->responder_descriptors,
        after->responder_descriptors, before->children, after->children, before->connections,
        after->connections, before->aborts, after->aborts);
    fflush(stdout);
}

static void assert_no_growth(const struct figures *before, const struct figures *after) {
    ck_assert_int_eq(after->descriptors, before->descriptors);
    ck_assert_int_eq(after->responder_descriptors, before->responder_descriptors);
    ck_assert_int_eq(after->children, before->children);
    ck_assert_int_eq(after->connections, before->connections);
    ck_assert_int_eq(after->aborts, before->aborts);
    if (world_is_sanitized())
        return; /* its allocator keeps what was freed */
    ck_assert_int_lt(after->resident_kib - before->resident_kib, GROWTH_MAX_KIB);
    ck_assert_int_lt(after->responder_resident_kib - before->responder_resident_kib, GROWTH_MAX_KIB);
}

static int64_t wanted_runs(void) {
    const char *text = getenv("BH_SOAK_RUNS");
    return text ? strtoll(text, NULL, 10) : 0;
}

START_TEST(three_days_leave_nothing_behind) {
    if (!postgres_is_installed()) {
        skip_test("three_days_leave_nothing_behind", "PostgreSQL is not installed");
        return;
    }
    static struct soak soak;
    start(&soak);
    run(&soak, WARM_UP_RUNS, WARM_UP_MS);
    struct figures before = measure(&soak);
    ck_assert_int_eq(before.connections, KEPT);
    int64_t goal = wanted_runs();
    if (goal > 0)
        run(&soak, goal, 24 * HOUR_MS);
    else
        run(&soak, INT64_MAX, DEFAULT_MS);
    struct figures after = measure(&soak);
    report(&soak, &before, &after);
    ck_assert_int_eq(soak.errors, 0);
    for (size_t i = 0; i < CHECKS; i++)
        ck_assert_int_ge(soak.runs[i], goal > 0 ? goal : 1);
    assert_no_growth(&before, &after);
    end(&soak);
}
END_TEST

Suite *e2e_soak_suite(void) {
    Suite *suite = suite_create("e2e_soak");
    TCase *tcase = tcase_create("e2e_soak");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, wanted_runs() > 0 ? 4 * 3600 : 240);
    tcase_add_test(tcase, three_days_leave_nothing_behind);
    return suite;
}
