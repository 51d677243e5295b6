/* Tests of which workers stay: over reloads, in maintenance, while draining. Time is the test's own, and
 * passes only where it lets it.
 *
 *  what happens                                  whose worker stays
 *  eighteen checks                               that of sixteen; the others have one for each run
 *  some go, some come                            the same process of each that is as it was; free places are
 *                                                taken by others
 *  few are left                                  theirs, and no other process is
 *  a check is asked otherwise                    another process
 *  maintenance begins                            nobody's, until it ends
 *  the end is announced                          nobody's */
#include "checker/engine.h"

#include "harness/sqlite_files.h"
#include "harness/tempdir.h"
#include "harness/wait.h"
#include "run/child_parts.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, STEP_MS = 200, NAMES = 26 };

/* The checks are called a, b, c, ... One that is asked otherwise is written in capitals. */
struct stage {
    struct loop loop;
    struct nursery nursery;
    struct clock clock;
    int64_t now_ms;
    struct engine *engine;
    char *file, *database, *maintenance;
    bool has_maintenance; /* it is looked for: which takes a worker */
};

static int64_t read_clock(void *arg) {
    return *(const int64_t *)arg;
}

static void on_checked(void *arg, bool is_change) {
    (void)arg;
    (void)is_change;
}

static void write_config(const struct stage *stage, const char *names) {
    struct strbuf text = {0};
    strbuf_format(&text, "{\"interval\": \"5s\", \"timeout\": \"4s\", \"directories\": {}, ");
    if (stage->has_maintenance)
        strbuf_format(&text, "\"maintenance\": \"%s\", ", stage->maintenance);
    strbuf_format(&text, "\"databases\": {");
    for (const char *name = names; *name; name++) {
        bool is_other = *name >= 'A' && *name <= 'Z';
        strbuf_format(&text, "%s\"%c\": {\"dsn\": \"%s\", \"role\": \"plain\"%s}", name > names ? ", " : "",
            is_other ? *name - 'A' + 'a' : *name, stage->database, is_other ? ", \"max_wal\": \"9MiB\"" : "");
    }
    strbuf_format(&text, "}}");
    ck_assert(!text.is_broken);
    tempdir_write(stage->file, text.data);
    strbuf_release(&text);
}

static struct config *load(const struct stage *stage, const char *names) {
    struct error err;
    char entry[512];
    write_config(stage, names);
    snprintf(entry, sizeof entry, "BUGSINK_HEALTH_CONFIG=%s", stage->file);
    const char *const environment[] = {entry, NULL};
    struct config *config = config_load(&(const struct config_source){.environment = environment}, &err);
    ck_assert_msg(config != NULL, "%s", err.text);
    return config;
}

static void stage_init(struct stage *stage, const char *names, bool has_maintenance) {
    static const struct engine_events EVENTS = {.checked = on_checked};
    struct error err;
    *stage = (struct stage){.now_ms = 1000000, .has_maintenance = has_maintenance};
    stage->clock = (struct clock){read_clock, read_clock, &stage->now_ms};
    char *dir = tempdir_new();
    stage->file = tempdir_path(dir, "config.json");
    stage->database = tempdir_path(dir, "db.sqlite3");
    stage->maintenance = tempdir_path(dir, "maintenance");
    free(dir);
    sqlite_files_make_main(stage->database);
    ck_assert_msg(nursery_start(&stage->nursery, false, &err) == 0, "%s", err.text);
    ck_assert_int_eq(loop_init(&stage->loop, &stage->nursery, &err), 0);
    stage->loop.timers.clock = &stage->clock;
    stage->engine = engine_new(&stage->loop, load(stage, names), &EVENTS, stage, &err);
    ck_assert_msg(stage->engine != NULL, "%s", err.text);
    engine_start(stage->engine, false);
}

static void stage_release(struct stage *stage) {
    engine_free(stage->engine);
    loop_release(&stage->loop);
    nursery_stop(&stage->nursery);
    free(stage->file);
    free(stage->database);
    free(stage->maintenance);
}

static void turn(struct stage *stage) {
    const struct timeval tv = {.tv_usec = 5000};
    event_add(stage->loop.tick, &tv);
    event_base_loop(stage->loop.base, EVLOOP_ONCE);
    timers_run(&stage->loop.timers);
}

/* Turns the loop until nobody is at work. */
static void settle(struct stage *stage) {
    struct deadline deadline = deadline_in(PATIENCE_MS);
    do {
        ck_assert_msg(!deadline_is_over(&deadline), "%zu are busy", children_busy(&stage->loop.children));
        turn(stage);
    } while (children_busy(&stage->loop.children) > 0);
}

/* Turns it until so many children are left; no run begins meanwhile. */
static void await_count(struct stage *stage, size_t count) {
    struct deadline deadline = deadline_in(PATIENCE_MS);
    while (stage->loop.children.count != count) {
        ck_assert_msg(!deadline_is_over(&deadline), "%zu children", stage->loop.children.count);
        turn(stage);
    }
}

struct rounds {
    uint64_t fewest, most; /* runs that a check has had */
};

static struct rounds rounds_of(struct stage *stage) {
    struct snapshot snapshot;
    struct rounds rounds = {UINT64_MAX, 0};
    engine_snapshot(stage->engine, &snapshot);
    for (size_t i = 0; i < snapshot.check_count; i++) {
        uint64_t runs = snapshot.checks[i].counters->runs;
        rounds.fewest = runs < rounds.fewest ? runs : rounds.fewest;
        rounds.most = runs > rounds.most ? runs : rounds.most;
    }
    return rounds;
}

/* Lets every check run so many times more, at least, each when its time has come. */
static void run_rounds(struct stage *stage, uint64_t more) {
    struct deadline deadline = deadline_in(PATIENCE_MS);
    for (uint64_t wanted = rounds_of(stage).most + more; rounds_of(stage).fewest < wanted; settle(stage)) {
        ck_assert(!deadline_is_over(&deadline));
        stage->now_ms += STEP_MS;
    }
}

/* The workers of the databases that stay, by the first letter of their names. */
struct stayers {
    pid_t pids[NAMES];
    int count;
};

static struct stayers stayers_of(const struct stage *stage) {
    struct stayers stayers = {.count = 0};
    for (const struct child *child = stage->loop.children.head; child; child = child->next) {
        const struct check *check = child->arg;
        if (!child->stays || check->config->name[0] == '/') /* the look for the maintenance file */
            continue;
        stayers.pids[check->config->name[0] - 'a'] = child->pid;
        stayers.count++;
    }
    return stayers;
}

/* Whether the check of that name has the same worker as before. */
static bool is_same(const struct stayers *before, const struct stayers *now, char name) {
    return now->pids[name - 'a'] != 0 && now->pids[name - 'a'] == before->pids[name - 'a'];
}

static void reload(struct stage *stage, const char *names) {
    struct error err;
    ck_assert_msg(engine_reload(stage->engine, load(stage, names), &err) == 0, "%s", err.text);
}

#define EIGHTEEN "abcdefghijklmnopqr"

START_TEST(a_reload_keeps_the_workers_of_checks_that_are_as_they_were) {
    struct stage stage;
    stage_init(&stage, EIGHTEEN, false);
    run_rounds(&stage, 2);
    struct stayers before = stayers_of(&stage);
    ck_assert_int_eq(before.count, CHILDREN_STAY_MAX);
    run_rounds(&stage, 2);
    struct stayers now = stayers_of(&stage);
    ck_assert_mem_eq(&now, &before, sizeof now);
    reload(&stage, "stuvabcdefghijklmnop");
    run_rounds(&stage, 2);
    now = stayers_of(&stage);
    ck_assert_int_eq(now.count, CHILDREN_STAY_MAX);
    for (int name = 'a'; name <= 'p'; name++)
        ck_assert_msg(before.pids[name - 'a'] == 0 || is_same(&before, &now, (char)name), "%c", name);
    stage_release(&stage);
}
END_TEST

START_TEST(places_that_a_reload_frees_are_taken_by_others) {
    struct stage stage;
    stage_init(&stage, EIGHTEEN, false);
    run_rounds(&stage, 2);
    struct stayers before = stayers_of(&stage);
    char rest[NAMES + 1], gone[3] = {0};
    int kept = 0, left = 0;
    for (int name = 'a'; name <= 'r'; name++) /* three of those that stay go, the others are left */
        if (before.pids[name - 'a'] != 0 && left < (int)sizeof gone)
            gone[left++] = (char)name;
        else
            rest[kept++] = (char)name;
    rest[kept++] = 'z'; /* and one comes */
    rest[kept] = '\0';
    reload(&stage, rest);
    run_rounds(&stage, 2);
    struct stayers now = stayers_of(&stage);
    ck_assert_int_eq(now.count, CHILDREN_STAY_MAX); /* of sixteen checks */
    for (int i = 0; i < left; i++)
        ck_assert_int_eq(now.pids[gone[i] - 'a'], 0);
    for (int i = 0; i < kept; i++)
        ck_assert(now.pids[rest[i] - 'a'] != 0 &&
                  (before.pids[rest[i] - 'a'] == 0 || is_same(&before, &now, rest[i])));
    stage_release(&stage);
}
END_TEST

START_TEST(no_worker_is_left_of_checks_that_a_reload_has_taken_out) {
    struct stage stage;
    stage_init(&stage, EIGHTEEN, false);
    run_rounds(&stage, 2);
    reload(&stage, "cd");
    run_rounds(&stage, 2);
    await_count(&stage, 2);
    ck_assert_int_eq(stayers_of(&stage).count, 2);
    stage_release(&stage);
}
END_TEST

START_TEST(a_check_that_is_asked_otherwise_gets_another_worker) {
    struct stage stage;
    stage_init(&stage, "ab", false);
    run_rounds(&stage, 2);
    struct stayers before = stayers_of(&stage);
    reload(&stage, "aB");
    run_rounds(&stage, 2);
    struct stayers now = stayers_of(&stage);
    ck_assert_int_eq(now.count, 2);
    ck_assert(is_same(&before, &now, 'a'));
    ck_assert(!is_same(&before, &now, 'b'));
    await_count(&stage, 2);
    stage_release(&stage);
}
END_TEST

START_TEST(in_maintenance_none_stays_and_afterwards_they_do) {
    struct stage stage;
    stage_init(&stage, "abc", true);
    run_rounds(&stage, 2);
    ck_assert_int_eq(stayers_of(&stage).count, 3);
    tempdir_write(stage.maintenance, "");
    run_rounds(&stage, 2);
    ck_assert_int_eq(stayers_of(&stage).count, 0);
    await_count(&stage, 0);
    ck_assert_int_eq(unlink(stage.maintenance), 0);
    run_rounds(&stage, 2);
    ck_assert_int_eq(stayers_of(&stage).count, 3);
    stage_release(&stage);
}
END_TEST

START_TEST(while_draining_none_stays) {
    struct stage stage;
    stage_init(&stage, "abc", false);
    run_rounds(&stage, 2);
    ck_assert_int_eq(stayers_of(&stage).count, 3);
    engine_drain(stage.engine);
    await_count(&stage, 0);
    run_rounds(&stage, 2);
    ck_assert_int_eq(stayers_of(&stage).count, 0);
    await_count(&stage, 0);
    stage_release(&stage);
}
END_TEST

Suite *stayers_suite(void) {
    Suite *suite = suite_create("stayers");
    TCase *tcase = tcase_create("stayers");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_reload_keeps_the_workers_of_checks_that_are_as_they_were);
    tcase_add_test(tcase, places_that_a_reload_frees_are_taken_by_others);
    tcase_add_test(tcase, no_worker_is_left_of_checks_that_a_reload_has_taken_out);
    tcase_add_test(tcase, a_check_that_is_asked_otherwise_gets_another_worker);
    tcase_add_test(tcase, in_maintenance_none_stays_and_afterwards_they_do);
    tcase_add_test(tcase, while_draining_none_stays);
    return suite;
}
