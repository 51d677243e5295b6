/* End to end: the main database, a directory, the settings file and the maintenance file stand on a file
 * system that stops answering, or answers late (the queue does not). Two ways to hang:
 *
 *  the server is deaf       a child that waits for it can be killed: timeout, again and again
 *  the server holds on      a child that waits is caught in the kernel (state D), and outlives SIGKILL:
 *                           timeout, then stuck until it is let go; no second one beside it
 * and meanwhile: all probes answered, at most one child for each check, the queue checked on its schedule. */
#include "e2e/world.h"
#include "harness/hungfs.h"
#include "harness/proc.h"
#include "harness/sandbox.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SHOWS_MS = 5000,
    RECOVERS_MS = 2000,
    PROBE_MS = 500, /* half of what the kubelet allows */
    WATCH_MS = 3000,
    ON_VOLUME = 4, /* the checks and the maintenance file */
    DELAY_MS = 25,
    CHILDREN_MAX = 16,
};

struct scene {
    struct world *world;
    struct hungfs fs;
};

#define CONFIG                                                                                               \
    "{\"databases\": {\"default\": {\"dsn\": \"sqlite:///%s/db.sqlite3\", \"role\": \"%s\"},\n"              \
    "  \"snappea\": {\"dsn\": \"sqlite:///%s\", \"role\": \"queue\"}},\n"                                    \
    " \"directories\": {\"spool\": {\"path\": \"%s\"}},\n"                                                   \
    " \"settings\": {\"path\": \"%s/bugsink_conf.py\", \"format\": \"python\", \"require\": [%s]},\n"        \
    " \"maintenance\": \"%s/maintenance\", \"drain\": \"3s\",\n"                                             \
    " \"interval\": \"%s\", \"timeout\": \"%s\", \"slow\": \"%s\", \"retry_interval\": \"200ms\"}\n"

/* What a reload may change. */
struct change {
    const char *role, *required, *interval, *timeout, *slow;
};

static const struct change AT_FIRST = {"main", "\"SECRET_KEY\"", "1s", "800ms", "400ms"};

static void write_config(struct scene *scene, const struct change *change) {
    const char *volume = scene->fs.path;
    world_write_config(scene->world, CONFIG, volume, change->role, scene->world->queue_db, volume, volume,
        change->required, volume, change->interval, change->timeout, change->slow);
    envlist_unset(&scene->world->environment, "BUGSINK_HEALTH_INTERVAL");
    envlist_unset(&scene->world->environment, "BUGSINK_HEALTH_TIMEOUT");
    envlist_unset(&scene->world->environment, "BUGSINK_HEALTH_RETRY_INTERVAL");
}

/* Returns false where it cannot be done here. */
static bool scene_start(struct scene *scene, const struct change *settings, const char *test) {
    scene->world = world_new();
    const char *why = hungfs_start(&scene->fs, scene->world->dir);
    if (why) {
        skip_test(test, why);
        free(scene->world);
        return false;
    }
    write_config(scene, settings);
    world_start(scene->world);
    world_await(scene->world, "/health/ready/", 200, "\"status\": \"ok\"", SHOWS_MS);
    return true;
}

static bool are_all_asleep(void *arg) {
    pid_t children[CHILDREN_MAX];
    int count = proc_family(((struct daemon *)arg)->checker, children, CHILDREN_MAX), asleep = 0;
    for (int i = 0; i < count; i++)
        asleep += proc_state(children[i]) == 'S';
    return asleep == count;
}

/* Hangs it while no child is at work in it: all will be caught at the same place. */
static void hang(struct scene *scene, enum hungfs_way way) {
    ck_assert(wait_until(are_all_asleep, &scene->world->daemon, SHOWS_MS));
    hungfs_hang(&scene->fs, way);
}

static void scene_end(struct scene *scene) {
    hungfs_end(&scene->fs);
    world_end(scene->world);
}

/* In state D is also who waits for a disk, or for a page of a library, and that is no child that a volume has
 * caught: where the kernel tells what it waits for, that is the answer of a FUSE server. */
static bool is_caught(pid_t pid) {
    char place[64];
    if (proc_state(pid) != 'D')
        return false;
    proc_wchan(pid, place, sizeof place);
    return !place[0] || strcmp(place, "0") == 0 || strstr(place, "fuse") ||
           strstr(place, "request_wait_answer");
}

/* The checker's workers that wait for the volume. */
static int waiting_children(const struct scene *scene, pid_t *children) {
    pid_t all[CHILDREN_MAX];
    int count = proc_family(scene->world->daemon.checker, all, CHILDREN_MAX), waiting = 0;
    for (int i = 0; i < count; i++)
        if (all[i] != scene->world->daemon.responder && is_caught(all[i]))
            children[waiting++] = all[i];
    return waiting;
}

static bool are_all_caught(void *arg) {
    pid_t children[CHILDREN_MAX];
    return waiting_children(arg, children) == ON_VOLUME;
}

/* Those that were caught before, and no other. */
static void assert_same_are_caught(const struct scene *scene, const pid_t *before) {
    pid_t after[CHILDREN_MAX] = {0};
    int count = waiting_children(scene, after);
    ck_assert_msg(count == ON_VOLUME && memcmp(before, after, ON_VOLUME * sizeof *before) == 0,
        "%d children are caught, not %d: %d %d %d %d %d; before: %d %d %d %d", count, ON_VOLUME, after[0],
        after[1], after[2], after[3], after[4], before[0], before[1], before[2], before[3]);
}

static void assert_probes_are_answered(struct scene *scene) {
    static const char *const PATHS[] = {"/health/live/", "/health/ready/", "/health/self/"};
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        int status = world_get(scene->world, PATHS[i]);
        ck_assert_msg(status == (i == 1 ? 503 : 200), "%s: %d", PATHS[i], status);
        ck_assert_int_lt(scene->world->response.free_ms, PROBE_MS);
    }
}

/* A member of a check in /health/, as text; borrowed until the next call. */
static const char *check_member(struct scene *scene, const char *check, const char *member) {
    static char text[128];
    world_get(scene->world, "/health/");
    json_t *json = http_json(&scene->world->response);
    json_t *value = json_object_get(json_object_get(json_object_get(json, "checks"), check), member);
    ck_assert_msg(json_is_string(value), "%s of %s", member, check);
    snprintf(text, sizeof text, "%s", json_string_value(value));
    json_decref(json);
    return text;
}

/* Probes for a while. The queue's check must go on, and there may never be more children than the responder,
 * one of each check, and one that reads the configuration. */
static void watch(struct scene *scene, int intervals) {
    char last[128] = "";
    pid_t children[CHILDREN_MAX];
    struct deadline deadline = deadline_in(2 * WATCH_MS);
    for (int runs = 0; runs < 1 + intervals;) { /* the first sight, and so many intervals of a second */
        assert_probes_are_answered(scene);
        const char *checked_at = check_member(scene, "snappea", "checked_at");
        if (strcmp(checked_at, last) != 0)
            runs++;
        snprintf(last, sizeof last, "%s", checked_at);
        ck_assert_ptr_nonnull(strstr("ok slow", check_member(scene, "snappea", "code"))); /* busy: slow */
        int count = proc_family(scene->world->daemon.checker, children, CHILDREN_MAX);
        ck_assert_msg(count <= 1 + ON_VOLUME + 2, "%d children", count);
        ck_assert(!deadline_is_over(&deadline));
    }
}

static void await_recovery(struct scene *scene) {
    int64_t took_ms = world_await(scene->world, "/health/ready/", 200, "\"status\": \"ok\"", RECOVERS_MS);
    printf("hung volume: all is well again %d ms after it answers\n", (int)took_ms);
}

/* They have what the checker has given up, and those of the settings, of the directory and of SQLite have no
 * network either, since their first run. */
static void assert_children_are_shut_in(const pid_t *children) {
    int confined = 0, all = (int)proc_status_number(getpid(), "Seccomp_filters"); /* a container's own */
    if (!sandbox_lack())
        all += 2; /* the checker's and their own */
    else if (world_is_sanitized())
        all += 1; /* the checker's is left out */
    for (int i = 0; i < ON_VOLUME; i++) {
        ck_assert_int_eq(proc_status_number(children[i], "NoNewPrivs"), 1);
        confined += proc_status_number(children[i], "Seccomp_filters") == all;
    }
    if (proc_status_number(children[0], "Seccomp_filters") >= 0) /* Linux 5.9 */
        ck_assert_int_eq(confined, sandbox_lack() && !world_is_sanitized() ? ON_VOLUME : 3);
}

START_TEST(a_volume_that_holds_on_catches_one_child_for_each_check_and_no_more) {
    struct scene scene;
    if (!scene_start(
            &scene, &AT_FIRST, "a_volume_that_holds_on_catches_one_child_for_each_check_and_no_more"))
        return;
    hang(&scene, HUNGFS_HOLDS);
    world_await_check(scene.world, "default", "error: timeout", SHOWS_MS);
    world_await_check(scene.world, "default", "error: stuck", SHOWS_MS);
    world_await_check(scene.world, "app_settings", "error: stuck", SHOWS_MS);
    world_await(scene.world, "/health/ready/spool/", 503, "\"stuck\"", SHOWS_MS);
    pid_t before[CHILDREN_MAX];
    ck_assert(wait_until(are_all_caught, &scene, SHOWS_MS));
    waiting_children(&scene, before);
    assert_children_are_shut_in(before);
    watch(&scene, 3);
    assert_same_are_caught(&scene, before);
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "check=app_settings", " code=timeout"), 1);
    hungfs_go_on(&scene.fs);
    await_recovery(&scene);
    for (int i = 0; i < ON_VOLUME; i++)
        ck_assert_int_eq(proc_state(before[i]), '\0');
    scene_end(&scene);
}
END_TEST

START_TEST(a_deaf_volume_is_a_timeout_and_leaves_no_child) {
    struct scene scene;
    if (!scene_start(&scene, &AT_FIRST, "a_deaf_volume_is_a_timeout_and_leaves_no_child"))
        return;
    hang(&scene, HUNGFS_IS_DEAF);
    world_await_check(scene.world, "default", "error: timeout", SHOWS_MS);
    world_await_check(scene.world, "app_settings", "error: timeout", SHOWS_MS);
    world_await(scene.world, "/health/ready/spool/", 503, "\"timeout\"", SHOWS_MS);
    watch(&scene, 2);
    hungfs_go_on(&scene.fs);
    await_recovery(&scene);
    scene_end(&scene);
}
END_TEST

START_TEST(a_volume_that_answers_late_is_slow_and_all_stays_ready) {
    static const struct change PATIENT = {"main", "\"SECRET_KEY\"", "4100ms", "4s", "40ms"};
    struct scene scene;
    if (!scene_start(&scene, &PATIENT, "a_volume_that_answers_late_is_slow_and_all_stays_ready"))
        return;
    hungfs_delay(&scene.fs, DELAY_MS);
    world_await_check(scene.world, "default", "degraded: slow", 2 * SHOWS_MS);
    world_await(scene.world, "/health/ready/spool/", 200, "\"slow\"", 2 * SHOWS_MS);
    ck_assert_str_eq(check_member(&scene, "spool", "status"), "degraded");
    ck_assert_str_eq(
        check_member(&scene, "app_settings", "status"), "ok"); /* never slow: they wait for swaps */
    ck_assert_int_eq(world_get(scene.world, "/health/ready/"), 200);
    hungfs_delay(&scene.fs, 0);
    world_await(scene.world, "/health/ready/", 200, "\"status\": \"ok\"", 2 * SHOWS_MS);
    scene_end(&scene);
}
END_TEST

static void reload(struct scene *scene, int times) {
    ck_assert_int_eq(kill(scene->world->daemon.checker, SIGHUP), 0);
    for (struct deadline deadline = deadline_in(SHOWS_MS);
         daemon_log_lines(&scene->world->daemon, "reloaded", "") < times;)
        ck_assert(!deadline_is_over(&deadline));
}

START_TEST(no_reload_starts_a_second_child_beside_one_that_is_caught) {
    static const struct change CHANGES[] = {
        {"main", "\"SECRET_KEY\"", "1s", "800ms", "400ms"}, /* none */
        {"main", "\"SECRET_KEY\"", "1100ms", "800ms", "400ms"},
        {"main", "\"SECRET_KEY\", \"BUGSINK\"", "1100ms", "800ms", "400ms"},
        {"plain", "\"SECRET_KEY\"", "1100ms", "800ms", "400ms"},
        {"main", "\"SECRET_KEY\"", "1s", "800ms", "400ms"},
    };
    enum { COUNT = sizeof CHANGES / sizeof CHANGES[0] };
    struct scene scene;
    if (!scene_start(&scene, &AT_FIRST, "no_reload_starts_a_second_child_beside_one_that_is_caught"))
        return;
    hang(&scene, HUNGFS_HOLDS);
    pid_t before[CHILDREN_MAX];
    ck_assert(wait_until(are_all_caught, &scene, SHOWS_MS));
    waiting_children(&scene, before);
    for (int i = 0; i < COUNT; i++) {
        write_config(&scene, &CHANGES[i]);
        reload(&scene, i + 1);
        world_await_check(scene.world, "default", "error: stuck", SHOWS_MS);
        world_await_check(scene.world, "app_settings", "error: stuck", SHOWS_MS);
        assert_same_are_caught(&scene, before);
    }
    hungfs_go_on(&scene.fs);
    await_recovery(&scene);
    scene_end(&scene);
}
END_TEST

/* Checks of none of these: another maintenance file, and the queue alone. */
static void write_config_without(struct scene *scene) {
    world_write_config(scene->world,
        "{\"databases\": {\"snappea\": {\"dsn\": \"sqlite:///%s\", \"role\": \"queue\"}}, \"drain\": "
        "\"1s\",\n"
        " \"maintenance\": \"%s/elsewhere\", \"interval\": \"1s\", \"timeout\": \"800ms\"}\n",
        scene->world->queue_db, scene->world->dir);
}

START_TEST(checks_that_are_taken_out_and_put_back_start_no_second_child) {
    struct scene scene;
    if (!scene_start(&scene, &AT_FIRST, "checks_that_are_taken_out_and_put_back_start_no_second_child"))
        return;
    hang(&scene, HUNGFS_HOLDS);
    pid_t before[CHILDREN_MAX];
    ck_assert(wait_until(are_all_caught, &scene, SHOWS_MS));
    waiting_children(&scene, before);
    for (int i = 0; i < 2; i++) {
        write_config_without(&scene);
        reload(&scene, 2 * i + 1);
        world_await(scene.world, "/health/ready/", 200, "\"status\": \"ok\"", SHOWS_MS);
        write_config(&scene, &AT_FIRST);
        reload(&scene, 2 * i + 2);
        world_await_check(scene.world, "default", "error: stuck", SHOWS_MS);
        world_await_check(scene.world, "app_settings", "error: stuck", SHOWS_MS);
        watch(&scene, 1);
        assert_same_are_caught(&scene, before);
    }
    hungfs_go_on(&scene.fs);
    await_recovery(&scene);
    scene_end(&scene);
}
END_TEST

static bool is_reload_caught(void *arg) {
    pid_t children[CHILDREN_MAX];
    return waiting_children(arg, children) == ON_VOLUME + 1;
}

START_TEST(a_configuration_on_the_volume_is_read_by_one_child_and_when_it_answers_again) {
    struct scene scene;
    if (!scene_start(&scene, &AT_FIRST,
            "a_configuration_on_the_volume_is_read_by_one_child_and_when_it_answers_again"))
        return;
    ck_assert_int_eq(daemon_stop(&scene.world->daemon, SIGINT, SHOWS_MS), 0);
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_CONFIG=%s/config.json", scene.fs.path);
    world_start(scene.world);
    world_await(scene.world, "/health/ready/", 200, "\"status\": \"ok\"", SHOWS_MS);
    hang(&scene, HUNGFS_HOLDS);
    ck_assert(wait_until(are_all_caught, &scene, SHOWS_MS));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(kill(scene.world->daemon.checker, SIGHUP), 0);
        ck_assert(daemon_wait_log(&scene.world->daemon, "reload failed", "within 5 s", 2 * SHOWS_MS));
        ck_assert(wait_until(is_reload_caught, &scene, SHOWS_MS));
        watch(&scene, 1);
    }
    ck_assert(is_reload_caught(&scene));
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "reloaded", ""), 0);
    hungfs_go_on(&scene.fs);
    ck_assert(daemon_wait_log(&scene.world->daemon, "reloaded", "", RECOVERS_MS)); /* the second */
    await_recovery(&scene);
    scene_end(&scene);
}
END_TEST

START_TEST(the_maintenance_file_is_seen_when_its_volume_answers_again) {
    struct scene scene;
    if (!scene_start(&scene, &AT_FIRST, "the_maintenance_file_is_seen_when_its_volume_answers_again"))
        return;
    hang(&scene, HUNGFS_HOLDS);
    ck_assert(wait_until(are_all_caught, &scene, SHOWS_MS));
    char *file = tempdir_path(scene.world->dir, "maintenance"); /* not through the volume */
    tempdir_write(file, "");
    world_await_check(scene.world, "default", "error: stuck", SHOWS_MS);
    world_get(scene.world, "/health/ready/");
    ck_assert_ptr_null(strstr(scene.world->response.body, "maintenance")); /* the last answer stands */
    hungfs_go_on(&scene.fs);
    world_await(scene.world, "/health/ready/", 503, "maintenance", RECOVERS_MS);

    hang(&scene, HUNGFS_HOLDS);
    ck_assert(wait_until(are_all_caught, &scene, SHOWS_MS));
    ck_assert_int_eq(unlink(file), 0);
    world_await(scene.world, "/health/ready/", 503, "maintenance", SHOWS_MS);
    hungfs_go_on(&scene.fs);
    await_recovery(&scene);
    free(file);
    scene_end(&scene);
}
END_TEST

START_TEST(maintenance_stays_while_a_new_path_of_its_file_gives_no_answer) {
    enum { LOOK_AND_MORE_MS = 2000 };
    struct scene scene;
    if (!scene_start(&scene, &AT_FIRST, "maintenance_stays_while_a_new_path_of_its_file_gives_no_answer"))
        return;
    char *file = tempdir_path(scene.world->dir, "elsewhere");
    tempdir_write(file, "");
    write_config_without(&scene);
    reload(&scene, 1);
    world_await(scene.world, "/health/ready/", 503, "maintenance", SHOWS_MS);
    hang(&scene, HUNGFS_HOLDS);
    write_config(&scene, &AT_FIRST);
    reload(&scene, 2);
    for (int64_t end_ms = wait_now_ms() + LOOK_AND_MORE_MS; wait_now_ms() < end_ms;) {
        ck_assert_int_eq(world_get(scene.world, "/health/ready/"), 503);
        ck_assert_ptr_nonnull(strstr(scene.world->response.body, "\"code\": \"maintenance\""));
    }
    ck_assert(wait_until(are_all_caught, &scene, SHOWS_MS));
    hungfs_go_on(&scene.fs);
    await_recovery(&scene); /* there is no file at the new path */
    free(file);
    scene_end(&scene);
}
END_TEST

static bool have_ended(void *arg) {
    const pid_t *children = arg;
    for (int i = 0; i < ON_VOLUME; i++)
        if (proc_is_alive(children[i]))
            return false;
    return true;
}

START_TEST(sigterm_ends_the_daemon_although_its_children_are_caught) {
    struct scene scene;
    if (!scene_start(&scene, &AT_FIRST, "sigterm_ends_the_daemon_although_its_children_are_caught"))
        return;
    hang(&scene, HUNGFS_HOLDS);
    world_await_check(scene.world, "default", "error: stuck", SHOWS_MS);
    ck_assert(wait_until(are_all_caught, &scene, SHOWS_MS));
    pid_t children[CHILDREN_MAX] = {0}, responder = scene.world->daemon.responder;
    waiting_children(&scene, children);
    struct stopwatch watch = stopwatch_start();
    ck_assert_int_eq(kill(scene.world->daemon.checker, SIGTERM), 0);
    world_await(scene.world, "/health/ready/", 503, "draining", 500);
    ck_assert_int_eq(daemon_wait_exit(&scene.world->daemon, 5000), 0);
    int64_t took_ms = stopwatch_ms(&watch), free_ms = stopwatch_free_ms(&watch);
    printf("hung volume: the daemon ends %d ms after SIGTERM, with a drain of 3000 ms\n", (int)took_ms);
    ck_assert_int_ge(took_ms, 2950);
    ck_assert_int_lt(free_ms, 3900);
    ck_assert(!proc_is_alive(responder));
    for (int i = 0; i < ON_VOLUME; i++)
        ck_assert_int_eq(proc_state(children[i]), 'D'); /* the kernel's now, and nobody's who waits */
    hungfs_go_on(&scene.fs);
    ck_assert(wait_until(have_ended, children, RECOVERS_MS));
    scene_end(&scene);
}
END_TEST

Suite *e2e_hung_suite(void) {
    Suite *suite = suite_create("e2e_hung");
    TCase *tcase = tcase_create("e2e_hung");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_volume_that_holds_on_catches_one_child_for_each_check_and_no_more);
    tcase_add_test(tcase, a_deaf_volume_is_a_timeout_and_leaves_no_child);
    tcase_add_test(tcase, a_volume_that_answers_late_is_slow_and_all_stays_ready);
    tcase_add_test(tcase, no_reload_starts_a_second_child_beside_one_that_is_caught);
    tcase_add_test(tcase, a_configuration_on_the_volume_is_read_by_one_child_and_when_it_answers_again);
    tcase_add_test(tcase, checks_that_are_taken_out_and_put_back_start_no_second_child);
    tcase_add_test(tcase, maintenance_stays_while_a_new_path_of_its_file_gives_no_answer);
    tcase_add_test(tcase, the_maintenance_file_is_seen_when_its_volume_answers_again);
    tcase_add_test(tcase, sigterm_ends_the_daemon_although_its_children_are_caught);
    return suite;
}
