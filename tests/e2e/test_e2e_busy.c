/* End to end: more checks than the processor serves. A checker that is busy is no stale one; runs that would
 * only queue wait, say so, and nobody is told what is not so. */
#include "base/str.h"
#include "e2e/world.h"
#include "harness/mariadb.h"
#include "harness/processor.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKS = 150, PROBES = 200, APART_MS = 50, PROBE_MS = 1000, SHOWS_MS = 60 * 1000 };

struct scene {
    struct world *world;
    struct mariadb_server *server;
    struct processor_limit limit, server_share;
};

struct tally {
    int answered, stale, late;
};

static void write_config(struct world *world, const char *dsn) {
    struct strbuf text = {.is_vital = true};
    strbuf_append(&text, "{\"databases\": {");
    for (int i = 0; i < CHECKS; i++)
        strbuf_format(&text, "%s\"db%d\": {\"dsn\": \"%s\", \"role\": \"plain\"}", i > 0 ? ", " : "", i, dsn);
    strbuf_append(&text, "}}");
    world_write_config(world, "%s", text.data);
    strbuf_release(&text);
}

/* With as much of one processor, and standard settings. */
static void begin(struct scene *scene, int thousandths) {
    static const char *const SETTINGS[] = {"max_connections=400", NULL};
    scene->world = world_new();
    processor_limit_begin(&scene->server_share, PROCESSOR_ALL); /* it is us who are short of it */
    scene->server = mariadb_start(SETTINGS);
    processor_limit_apply(&scene->server_share, 0);
    char *dsn = mariadb_dsn(scene->server, "bugsink", MARIADB_PASSWORD_ENCODED, "bugsink", "");
    write_config(scene->world, dsn);
    free(dsn);
    envlist_set(&scene->world->environment, "BUGSINK_HEALTH_INTERVAL=5s");
    envlist_set(&scene->world->environment, "BUGSINK_HEALTH_TIMEOUT=3s");
    envlist_unset(&scene->world->environment, "BUGSINK_HEALTH_RETRY_INTERVAL");
    envlist_unset(&scene->world->environment, "BUGSINK_HEALTH_SLOW");
    processor_limit_begin(&scene->limit, thousandths);
    world_start_with(scene->world, NULL, 0);
    processor_limit_apply(&scene->limit, scene->world->daemon.checker);
}

static void end(struct scene *scene) {
    world_end(scene->world);
    processor_limit_end(&scene->limit);
    mariadb_free(scene->server);
    processor_limit_end(&scene->server_share);
}

static struct tally probe(struct world *world) {
    struct tally tally = {0};
    for (int i = 0; i < PROBES; i++) {
        int status = world_get(world, i % 2 ? "/health/ready/" : "/health/live/");
        tally.answered += status != 0;
        tally.stale += strstr(world->response.body, "stale") != NULL;
        tally.late += world->response.free_ms >= PROBE_MS;
        poll(NULL, 0, APART_MS); /* the probes' rhythm */
    }
    return tally;
}

static void assert_none_is_stale(struct scene *scene) {
    struct tally tally = probe(scene->world);
    ck_assert_msg(tally.answered == PROBES && tally.stale == 0 && tally.late == 0,
        "of %d probes %d were answered, %d stale, %d late (%s)", PROBES, tally.answered, tally.stale,
        tally.late, processor_limit_name(&scene->limit));
}

/* The line of the log with such a word: what is short enough to be shown. */
static char *find_line(char *log, const char *word) {
    char *found = strstr(log, word);
    while (found && found > log && found[-1] != '\n')
        found--;
    if (found)
        found[strcspn(found, "\n")] = '\0';
    return found;
}

/* Each check is well: none that timed out, or was slow, for us being short of processor time. */
static void assert_nothing_false(struct world *world) {
    char *log = daemon_log(&world->daemon), *found = find_line(log, "new=error");
    ck_assert_msg(!found, "%s", found);
    found = find_line(log, "level=error");
    ck_assert_msg(!found, "%s", found);
    free(log);
}

static bool is_possible(const char *test) {
    if (!world_is_sanitized())
        return true;
    skip_test(test, "the sanitizers take more processor time than the limit leaves");
    return false;
}

START_TEST(a_quarter_of_a_processor_for_150_checks_makes_no_answer_stale) {
    struct scene scene;
    if (!is_possible("a_quarter_of_a_processor_for_150_checks_makes_no_answer_stale"))
        return;
    begin(&scene, 250);
    assert_none_is_stale(&scene);
    world_await(scene.world, "/health/ready/", 200, "\"status\"", SHOWS_MS);
    assert_nothing_false(scene.world);
    end(&scene);
}
END_TEST

static bool is_told(void *arg) {
    return daemon_log_lines(arg, "event=overloaded", "delayed_ms=") > 0;
}

START_TEST(a_processor_that_cannot_serve_the_checks_is_told_once) {
    struct scene scene;
    if (!is_possible("a_processor_that_cannot_serve_the_checks_is_told_once"))
        return;
    begin(&scene, 60);
    const struct daemon *daemon = &scene.world->daemon;
    ck_assert(wait_until(is_told, &scene.world->daemon, SHOWS_MS));
    assert_none_is_stale(&scene);
    world_await(scene.world, "/health/", 200, "\"delayed_ms\": ", SHOWS_MS);
    world_await(scene.world, "/metrics", 200, "\nbugsink_health_delayed_runs_total ", SHOWS_MS);
    ck_assert_ptr_null(strstr(scene.world->response.body, "\nbugsink_health_delayed_runs_total 0\n"));
    ck_assert_int_eq(daemon_log_lines(daemon, "event=overloaded", ""), 1);
    assert_nothing_false(scene.world);
    end(&scene);
}
END_TEST

Suite *e2e_busy_suite(void) {
    Suite *suite = suite_create("e2e_busy");
    TCase *tcase = tcase_create("e2e_busy");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, a_quarter_of_a_processor_for_150_checks_makes_no_answer_stale);
    tcase_add_test(tcase, a_processor_that_cannot_serve_the_checks_is_told_once);
    return suite;
}
