/* End to end: a worker that hangs and ignores SIGTERM, or crashes, harms its own check and nothing
 * else. The database's child is held by a lock, which it waits for, so that it can be found and hurt. */
#include "e2e/world.h"
#include "harness/log_line.h"
#include "harness/proc.h"
#include "harness/sqlite_files.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum {
    SOON_MS = 3000,
    PROBES = 200,
    INTERVAL_MS = 1000,
    FLUSH_MS = 100,
    CHILDREN_MAX = 16,
    LONG_LIVED_MS = 100,
    WAITING_LOOKS = 4
};

/* A child that is stopped sees no SIGTERM: it is one that ignores it, and dies of SIGKILL alone. */
static const struct {
    const char *name;
    int signal;
    const char *code, *driver_code;
} INJURIES[] = {
    {"hangs, and ignores SIGTERM", SIGSTOP, "timeout", NULL},
    {"is killed", SIGKILL, "crashed", "SIGKILL"},
    {"crashes", SIGSEGV, "crashed", "SIGSEGV"},
};

/* -- the lock -- */

static sqlite3 *lock(const char *path) {
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, SOON_MS);
    int code = sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL);
    ck_assert_msg(code == SQLITE_OK, "%s", sqlite3_errmsg(db));
    return db;
}

static void unlock(sqlite3 *db) {
    ck_assert_int_eq(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* -- the child -- */

struct search {
    const struct daemon *daemon;
    const char *locked;
    pid_t pid;        /* whose looks these are */
    int64_t since_ms; /* since when it is seen to wait; or when it was last seen to */
    int64_t switches; /* of the processor, up to then: it asks for the lock again and again */
    int looks;        /* so often they had grown, in one run */
};

/* Where only root may look into the workers: of those that live the first is the database's, and what it does
 * beside waiting for the lock is nothing. */
static bool is_first_and_waits(struct search *search, pid_t first) {
    int64_t switches = proc_status_number(first, "voluntary_ctxt_switches");
    if (search->pid != first)
        *search = (struct search){
            .daemon = search->daemon, .locked = search->locked, .pid = first, .switches = switches};
    if (switches > search->switches) {
        bool is_another_run = wait_now_ms() - search->since_ms > INTERVAL_MS / 4;
        search->looks = is_another_run ? 1 : search->looks + 1;
        search->since_ms = wait_now_ms();
    }
    search->switches = switches;
    return search->looks >= WAITING_LOOKS;
}

/* The one that has the locked file open, for a while: a worker has it for as long as a run takes. */
static bool has_found_a_waiting_child(void *arg) {
    struct search *search = arg;
    pid_t children[CHILDREN_MAX];
    int count = proc_family(search->daemon->checker, children, CHILDREN_MAX);
    if (count > 1 && proc_has_open(children[1], search->locked) < 0)
        return is_first_and_waits(search, children[1]);
    for (int i = 1; i < count; i++) /* the eldest is the responder */
        if (proc_has_open(children[i], search->locked) > 0) {
            if (search->pid != children[i])
                search->since_ms = wait_now_ms();
            search->pid = children[i];
            return wait_now_ms() - search->since_ms >= LONG_LIVED_MS;
        }
    search->pid = 0;
    return false;
}

static pid_t find_waiting_child(const struct daemon *daemon, const char *locked) {
    struct search search = {.daemon = daemon, .locked = locked};
    ck_assert_msg(wait_until(has_found_a_waiting_child, &search, SOON_MS), "no child waits for the lock");
    ck_assert_int_ne(search.pid, daemon->responder);
    return search.pid;
}

static bool is_gone(void *arg) {
    return !proc_is_alive(*(pid_t *)arg);
}

/* -- the others -- */

/* Whether another check goes on being checked. */
struct watch {
    const char *name;
    char last[32];      /* checked_at */
    int64_t last_ms;    /* of the day */
    int64_t longest_ms; /* between two runs, without what the machine kept from us meanwhile */
    struct stopwatch since;
    int runs;
};

static int64_t milliseconds_of_day(const char *text) {
    int hour = 0, minute = 0, second = 0, milliseconds = 0;
    ck_assert_msg(
        sscanf(text, "%*d-%*d-%*dT%2d:%2d:%2d.%3d", &hour, &minute, &second, &milliseconds) == 4, "%s", text);
    return ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + milliseconds;
}

static void look_after(struct watch *watch, const json_t *health) {
    const json_t *check = json_object_get(json_object_get(health, "checks"), watch->name);
    const char *text = json_string_value(json_object_get(check, "checked_at"));
    ck_assert_str_eq(json_string_value(json_object_get(check, "status")), "ok");
    if (strcmp(text, watch->last) == 0)
        return;
    int64_t now_ms = milliseconds_of_day(text);
    int64_t gap_ms = (now_ms - watch->last_ms + 86400000) % 86400000;
    gap_ms -= stopwatch_ms(&watch->since) - stopwatch_free_ms(&watch->since);
    if (watch->runs++ > 0 && gap_ms > watch->longest_ms)
        watch->longest_ms = gap_ms;
    watch->last_ms = now_ms;
    watch->since = stopwatch_start();
    snprintf(watch->last, sizeof watch->last, "%s", text);
}

struct incident {
    struct world *world;
    struct watch others[2];
    const char *code; /* of default, that is waited for, */
    int runs;         /* and of the others so many runs */
    char phase[32];
    int64_t flushed_ms;
};

/* A newer time alone waits for up to a second until it is published; what is known at a reload is not. */
static void flush_times(struct incident *incident) {
    if (wait_now_ms() - incident->flushed_ms < FLUSH_MS)
        return;
    kill(incident->world->daemon.checker, SIGHUP);
    incident->flushed_ms = wait_now_ms();
}

static bool has_code(void *arg) {
    struct incident *incident = arg;
    flush_times(incident);
    ck_assert_int_ne(world_get(incident->world, "/health/"), 0);
    json_t *json = http_json(&incident->world->response);
    for (int i = 0; i < 2; i++)
        look_after(&incident->others[i], json);
    const json_t *check = json_object_get(json_object_get(json, "checks"), "default");
    bool has_come = strcmp(json_string_value(json_object_get(check, "code")), incident->code) == 0;
    const char *phase = json_string_value(json_object_get(check, "phase"));
    snprintf(incident->phase, sizeof incident->phase, "%s", phase ? phase : "");
    json_decref(json);
    return has_come && incident->others[0].runs >= incident->runs &&
           incident->others[1].runs >= incident->runs;
}

static void await_code(struct incident *incident, const char *code, int runs) {
    incident->code = code;
    incident->runs = runs;
    if (wait_until(has_code, incident, SOON_MS))
        return;
    char *log = daemon_log(&incident->world->daemon);
    ck_abort_msg("default is not %s, or the others did not run %d times:\n%s", code, runs, log);
}

static void assert_no_probe_waits(struct world *world) {
    int answered = 0;
    for (int i = 0; i < PROBES; i++)
        answered += world_get(world, i % 2 ? "/health/live/" : "/health/ready/snappea/") == 200 &&
                    world->response.free_ms < 400;
    ck_assert_int_eq(answered, PROBES);
}

static void assert_others_were_on_time(const struct incident *incident) {
    int slack_ms = world_is_sanitized() ? 1000 : 400;
    for (int i = 0; i < 2; i++) {
        const struct watch *watch = &incident->others[i];
        ck_assert_msg(watch->longest_ms < INTERVAL_MS + slack_ms, "%s was not run for %d ms", watch->name,
            (int)watch->longest_ms);
    }
    ck_assert_int_eq(daemon_log_lines(&incident->world->daemon, "check changed", "check=snappea"), 1);
    ck_assert_int_eq(daemon_log_lines(&incident->world->daemon, "check changed", "check=app_settings"), 1);
}

/* -- the tests -- */

static void assert_logged(const struct world *world, const char *code, const char *driver_code) {
    json_t *lines = log_lines_find(&world->daemon, "check changed", "code", code);
    ck_assert_uint_eq(json_array_size(lines), 1);
    log_line_assert(json_array_get(lines, 0), "check", "default");
    log_line_assert(json_array_get(lines, 0), "phase", "lock");
    log_line_assert(json_array_get(lines, 0), "driver_code", driver_code);
    json_decref(lines);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "code=stuck", ""), 0);
}

START_TEST(a_child_that_hangs_or_dies_harms_its_own_check_alone) {
    struct world *world = world_new();
    sqlite_files_execute(
        world->main_db, "PRAGMA journal_mode = DELETE"); /* in WAL mode nobody locks readers out */
    struct incident incident = {
        .world = world, .others = {{.name = "snappea"}, {.name = "app_settings"}}, .code = "ok"};
    world_start(world);
    sqlite3 *holder = lock(world->main_db);
    pid_t child = find_waiting_child(&world->daemon, world->main_db);
    ck_assert_int_eq(kill(child, INJURIES[_i].signal), 0);
    if (INJURIES[_i].signal ==
        SIGSTOP) /* a crash shows only until the next run, which the probes may outlast */
        assert_no_probe_waits(world);
    await_code(&incident, INJURIES[_i].code, 0);
    ck_assert_str_eq(incident.phase, "lock");
    ck_assert_int_eq(world_get(world, "/health/ready/"), 503);
    assert_no_probe_waits(world);
    ck_assert_msg(wait_until(is_gone, &child, SOON_MS), "%s: it is not gone", INJURIES[_i].name);
    await_code(&incident, "locked", 0); /* the next run, by a child of its own */
    unlock(holder);
    await_code(&incident, "ok", 3);
    world_await(world, "/health/ready/", 200, "\"status\": \"ok\"", SOON_MS);
    assert_logged(world, INJURIES[_i].code, INJURIES[_i].driver_code);
    assert_others_were_on_time(&incident);
    world_end(world);
}
END_TEST

Suite *e2e_children_suite(void) {
    Suite *suite = suite_create("e2e_children");
    TCase *tcase = tcase_create("e2e_children");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(
        tcase, a_child_that_hangs_or_dies_harms_its_own_check_alone, 0, sizeof INJURIES / sizeof INJURIES[0]);
    return suite;
}
