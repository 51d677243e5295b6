/* End to end: Bugsink asked over HTTP, and what its answers and silences mean for the pages. Bugsink is
 * played by a scripted peer on a port that is its own throughout a test. */
#include "e2e/world.h"
#include "harness/namespace.h"
#include "harness/peer.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOON_MS = 2000, RUNS_MS = 6000 };

#define HEAD(status) "HTTP/1.1 " status "\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n"

struct scene {
    struct world *world;
    int port;
    struct peer app; /* pid 0: not running */
};

static void start_app(struct scene *scene, const char *reply) {
    const struct peer_script script = {
        .reads = 1, .reply = reply, .reply_size = strlen(reply), .closes = PEER_CLOSES};
    scene->app = peer_start_on(&script, scene->port);
}

static void stop_app(struct scene *scene) {
    if (scene->app.pid != 0)
        peer_stop(&scene->app);
}

static struct scene scene_new(void) {
    struct scene scene = {.world = world_new(), .port = daemon_free_port()};
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_APP_URL=http://127.0.0.1:%d", scene.port);
    return scene;
}

/* With Bugsink well, and everything else. */
static struct scene scene_start(void) {
    struct scene scene = scene_new();
    start_app(&scene, HEAD("200 OK") "OK");
    world_start(scene.world);
    return scene;
}

static void scene_end(struct scene *scene) {
    world_end(scene->world);
    stop_app(scene);
}

/* A member of the app's check; "" where it is null. Borrowed until the next call. */
static const char *app_member(struct world *world, const char *member) {
    static char text[256];
    world_get(world, "/health/ready/app/");
    json_t *json = http_json(&world->response);
    const char *value = json_string_value(json_object_get(json, member));
    snprintf(text, sizeof text, "%s", value ? value : "");
    json_decref(json);
    return text;
}

static int64_t await_code(struct world *world, const char *code) {
    char text[64];
    snprintf(text, sizeof text, "\"code\": \"%s\"", code);
    return world_await(world, "/health/ready/app/", 0, text, RUNS_MS);
}

START_TEST(while_bugsink_answers_all_is_well_and_the_app_is_shown) {
    struct scene scene = scene_start();
    ck_assert_int_eq(world_get(scene.world, "/health/live/"), 200);
    ck_assert_str_eq(scene.world->response.body, "OK\n");
    ck_assert_int_eq(world_get(scene.world, "/health/started/"), 200);
    ck_assert_int_eq(world_get(scene.world, "/health/ready/app/"), 200);
    ck_assert_int_eq(world_get(scene.world, "/health/"), 200);
    json_t *json = http_json(&scene.world->response);
    ck_assert_ptr_null(json_object_get(json_object_get(json, "databases"), "app"));
    json_t *app = json_object_get(json_object_get(json, "checks"), "app");
    ck_assert_str_eq(json_string_value(json_object_get(app, "kind")), "http");
    ck_assert_str_eq(json_string_value(json_object_get(app, "code")), "ok");
    ck_assert(json_is_true(json_object_get(app, "critical")));
    json_decref(json);
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "Bugsink answers", "arrivals=1"), 1);
    scene_end(&scene);
}
END_TEST

START_TEST(a_dead_bugsink_is_not_ready_at_once_not_live_after_fall_and_back_within_two_seconds) {
    struct scene scene = scene_start();
    stop_app(&scene);
    world_await(scene.world, "/health/ready/", 503, "\"failed\": [\"app\"]", SOON_MS);
    await_code(scene.world, "refused");
    ck_assert_str_eq(app_member(scene.world, "phase"), "connect");
    world_await(scene.world, "/health/live/", 503,
        "app: refused: Nothing accepts connections at that address.\n", SOON_MS);
    ck_assert_int_eq(world_get(scene.world, "/health/self/"), 200);
    ck_assert_int_eq(world_get(scene.world, "/health/started/"), 200); /* it has started, once */
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "liveness fails", "code=refused"), 1);
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "liveness fails", "failures=3"), 1);

    start_app(&scene, HEAD("200 OK") "OK");
    struct stopwatch watch = stopwatch_start();
    world_await(scene.world, "/health/live/", 200, "OK", SOON_MS);
    world_await(scene.world, "/health/ready/", 200, "\"failed\": []", SOON_MS);
    ck_assert_int_le(stopwatch_free_ms(&watch), SOON_MS);
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "Bugsink answers", "arrivals=2"), 1);
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "liveness is well again", ""), 1);
    scene_end(&scene);
}
END_TEST

START_TEST(a_hanging_bugsink_is_a_timeout_and_not_live_after_fall) {
    struct scene scene = scene_start();
    ck_assert_int_eq(kill(scene.app.pid, SIGSTOP), 0);
    await_code(scene.world, "timeout");
    ck_assert_str_eq(app_member(scene.world, "phase"), "read");
    world_await(scene.world, "/health/live/", 503, "app: timeout: ", RUNS_MS);
    ck_assert_int_eq(kill(scene.app.pid, SIGCONT), 0);
    world_await(scene.world, "/health/live/", 200, "OK", SOON_MS);
    world_await(scene.world, "/health/ready/", 200, "", SOON_MS);
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "Bugsink answers", "arrivals=2"),
        1); /* after fall silences it may have been restarted */
    scene_end(&scene);
}
END_TEST

/* What a hung database does to Bugsink: its workers wait, and nobody answers. */
START_TEST(a_database_that_hangs_restarts_no_bugsink) {
    const struct peer_script silence = {.reads = 0};
    struct peer database = peer_start(&silence);
    struct scene scene = scene_new();
    envlist_set(&scene.world->environment, "DATABASE_URL=postgresql://u:p@127.0.0.1:%d/d", database.port);
    start_app(&scene, HEAD("200 OK") "OK");
    world_start_with(scene.world, NULL, 0);
    world_await_check(scene.world, "default", "error: timeout", RUNS_MS);
    ck_assert_int_eq(kill(scene.app.pid, SIGSTOP), 0);
    world_await(scene.world, "/health/ready/app/", 503, "\"consecutive_failures\": 6", 2 * RUNS_MS);
    ck_assert_str_eq(app_member(scene.world, "code"), "timeout");
    ck_assert_int_eq(world_get(scene.world, "/health/live/"), 200);
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "liveness fails", ""), 0);

    peer_stop(&database); /* refused at once: Bugsink has an answer, and its own silence counts from now on */
    world_await(scene.world, "/health/live/", 503, "app: timeout: ", 2 * RUNS_MS);
    ck_assert_int_eq(kill(scene.app.pid, SIGCONT), 0);
    world_await(scene.world, "/health/live/", 200, "OK", SOON_MS);
    scene_end(&scene);
}
END_TEST

START_TEST(a_bugsink_that_answers_late_is_slow_and_stays_ready) {
    static const char REPLY[] = HEAD("200 OK") "OK";
    const struct peer_script late = {
        .reads = 1, .reply = REPLY, .reply_size = sizeof REPLY - 1, .drip_ms = 5, .closes = PEER_CLOSES};
    struct scene scene = scene_new();
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_INTERVAL=3s");
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_TIMEOUT=2500ms");
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_SLOW=300ms");
    scene.app = peer_start_on(&late, scene.port);
    world_start(scene.world);
    await_code(scene.world, "slow");
    ck_assert_str_eq(app_member(scene.world, "status"), "degraded");
    ck_assert_int_eq(world_get(scene.world, "/health/ready/"), 200);
    ck_assert_int_eq(world_get(scene.world, "/health/live/"), 200);
    stop_app(&scene);
    start_app(&scene, REPLY);
    await_code(scene.world, "ok");
    scene_end(&scene);
}
END_TEST

static const struct {
    const char *reply, *code;
    int ready;
} ANSWERS[] = {
    {HEAD("500 Internal Server Error") "no", "app_error", 503},
    {HEAD("400 Bad Request") "no", "host_rejected", 503},
    {HEAD("404 Not Found") "no", "not_found", 503},
    {HEAD("302 Found") "no", "redirected", 503},
    {HEAD("200 OK") "no", "identity", 503},
    {HEAD("429 Too Many Requests") "no", "throttled", 200},
};

static int64_t failures(struct world *world) {
    world_get(world, "/health/ready/app/");
    json_t *json = http_json(&world->response);
    int64_t value = json_integer_value(json_object_get(json, "consecutive_failures"));
    json_decref(json);
    return value;
}

static bool has_failed_often(void *arg) {
    return failures(arg) > 3;
}

START_TEST(any_answer_is_life_and_the_code_tells_which) {
    struct scene scene = scene_new();
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_FALL=1");
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_START_GRACE=0s");
    start_app(&scene, ANSWERS[_i].reply);
    world_start_with(scene.world, NULL, 0);
    await_code(scene.world, ANSWERS[_i].code);
    world_await(scene.world, "/health/started/", 200, "OK", RUNS_MS); /* the other checks too */
    ck_assert_int_eq(world_get(scene.world, "/health/ready/"), ANSWERS[_i].ready);
    if (ANSWERS[_i].ready == 503)
        ck_assert(wait_until(has_failed_often, scene.world, RUNS_MS));
    ck_assert_int_eq(world_get(scene.world, "/health/live/"), 200);
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "liveness fails", ""), 0);
    scene_end(&scene);
}
END_TEST

START_TEST(until_its_first_answer_bugsink_is_starting) {
    struct scene scene = scene_new();
    world_start_with(scene.world, NULL, 0);
    await_code(scene.world, "app_starting");
    ck_assert(wait_until(has_failed_often, scene.world, RUNS_MS));
    ck_assert_int_eq(world_get(scene.world, "/health/live/"), 200);
    ck_assert_int_eq(world_get(scene.world, "/health/ready/"), 503);
    ck_assert_int_eq(world_get(scene.world, "/health/started/"), 503);
    ck_assert_str_eq(scene.world->response.body, "starting: app\n");
    start_app(&scene, HEAD("500 Internal Server Error") "no"); /* an answer */
    world_await(scene.world, "/health/started/", 200, "OK", SOON_MS);
    scene_end(&scene);
}
END_TEST

START_TEST(the_grace_of_the_start_ends) {
    struct scene scene = scene_new();
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_START_GRACE=2s");
    int64_t start_ms = wait_now_ms();
    world_start_with(scene.world, NULL, 0);
    await_code(scene.world, "app_starting");
    ck_assert_int_eq(world_get(scene.world, "/health/live/"), 200);
    world_await(scene.world, "/health/live/", 503, "app: app_starting: ", RUNS_MS);
    ck_assert_int_ge(wait_now_ms() - start_ms, 1900);
    start_app(&scene, HEAD("200 OK") "OK");
    world_await(scene.world, "/health/live/", 200, "OK", SOON_MS);
    world_await(scene.world, "/health/ready/", 200, "", SOON_MS);
    scene_end(&scene);
}
END_TEST

START_TEST(a_checker_that_was_stopped_does_not_call_bugsink_dead) {
    struct scene scene = scene_new();
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_FALL=1");
    start_app(&scene, HEAD("200 OK") "OK");
    world_start(scene.world);
    ck_assert_int_eq(kill(scene.world->daemon.checker, SIGSTOP), 0);
    world_await(scene.world, "/health/ready/", 503, "stale", 8000);
    ck_assert_int_eq(kill(scene.world->daemon.checker, SIGCONT), 0);
    world_await(scene.world, "/health/ready/", 200, "", SOON_MS);
    ck_assert_int_eq(world_get(scene.world, "/health/live/"), 200);
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "liveness fails", ""), 0);
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "check=app", "code=timeout"), 0);
    scene_end(&scene);
}
END_TEST

START_TEST(a_reload_forgets_nothing_of_bugsink) {
    static const char CONFIG[] = "{\"databases\": {\"default\": {\"dsn\": \"%s\", \"role\": \"main\"}},\n"
                                 " \"slow\": \"%s\"}\n";
    struct scene scene = scene_new();
    world_write_config(scene.world, CONFIG, scene.world->main_db, "400ms");
    start_app(&scene, HEAD("200 OK") "OK");
    world_start(scene.world);
    stop_app(&scene);
    world_await(scene.world, "/health/live/", 503, "app: refused: ", RUNS_MS);
    for (int i = 1; i <= 2; i++) {
        if (i == 2) /* the app, too, is asked otherwise now, but is the same */
            world_write_config(scene.world, CONFIG, scene.world->main_db, "300ms");
        ck_assert_int_eq(kill(scene.world->daemon.checker, SIGHUP), 0);
        while (daemon_log_lines(&scene.world->daemon, "reloaded", "") < i)
            ck_assert_int_eq(world_get(scene.world, "/health/live/"), 503);
        await_code(scene.world, "refused");
        ck_assert_int_eq(world_get(scene.world, "/health/live/"), 503);
    }
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "liveness is well again", ""), 0);
    ck_assert_int_eq(daemon_log_lines(&scene.world->daemon, "check=app", "app_starting"), 0);
    scene_end(&scene);
}
END_TEST

START_TEST(a_bugsink_stopped_for_maintenance_or_at_the_end_is_not_restarted) {
    struct scene scene = scene_new();
    char *file = tempdir_path(scene.world->dir, "maintenance");
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_MAINTENANCE=%s", file);
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_DRAIN=60s");
    start_app(&scene, HEAD("200 OK") "OK");
    world_start(scene.world);
    tempdir_write(file, "");
    world_await(scene.world, "/health/ready/", 503, "\"code\": \"maintenance\"", RUNS_MS);
    stop_app(&scene);
    ck_assert(daemon_wait_log(&scene.world->daemon, "liveness fails", "", RUNS_MS));
    ck_assert_int_eq(world_get(scene.world, "/health/live/"), 200);
    ck_assert_int_eq(remove(file), 0);
    world_await(scene.world, "/health/live/", 503, "app: refused: ", RUNS_MS);
    ck_assert_int_eq(kill(scene.world->daemon.checker, SIGTERM), 0);
    world_await(scene.world, "/health/ready/", 503, "draining", SOON_MS);
    ck_assert_int_eq(world_get(scene.world, "/health/live/"), 200);
    free(file);
    scene_end(&scene);
}
END_TEST

/* -- the commands -- */

static void run(struct scene *scene, const char *const *arguments, struct program_result *result) {
    const struct program_setup setup = {.environment = &scene->world->environment, .arguments = arguments};
    program_run(&setup, 10000, result);
}

START_TEST(the_commands_know_the_app) {
    struct scene scene = scene_new();
    struct program_result *result = malloc(sizeof *result);
    run(&scene, (const char *const[]){"check", NULL}, result);
    ck_assert_int_eq(result->exit_status, 1);
    ck_assert_ptr_nonnull(strstr(result->output, "app_starting"));
    run(&scene, (const char *const[]){"wait", "--for", "start", "--timeout", "60s", NULL}, result);
    ck_assert_int_eq(result->exit_status, 0); /* Bugsink is what waits for this */
    run(&scene, (const char *const[]){"wait", "--timeout", "3s", NULL}, result);
    ck_assert_int_eq(result->exit_status, 1);
    ck_assert_ptr_nonnull(strstr(result->output, "app: error: app_starting"));

    start_app(&scene, HEAD("500 Internal Server Error") "no");
    world_start_with(scene.world, NULL, 0);
    await_code(scene.world, "app_error");
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/health/ready", scene.world->daemon.port);
    run(&scene, (const char *const[]){"probe", url, NULL}, result);
    ck_assert_int_eq(result->exit_status, 1);
    ck_assert_msg(
        strstr(result->output, "app: error: app_error. Bugsink answers with a server error.") != NULL, "%s",
        result->output);
    free(result);
    scene_end(&scene);
}
END_TEST

/* The system's only free port is the one where the app is to be. */
START_TEST(the_sidecar_does_not_ask_itself) {
    const char *why = namespace_enter();
    FILE *range = why ? NULL : fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");
    if (!range) {
        skip_test("the_sidecar_does_not_ask_itself", why ? why : "no range of ports");
        return;
    }
    fprintf(range, "40001 40001");
    ck_assert_int_eq(fclose(range), 0);
    struct scene scene = {.world = world_new()};
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_APP_URL=http://127.0.0.1:40001");
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_LISTEN=127.0.0.1:0");
    struct program_result *result = malloc(sizeof *result);
    run(&scene, (const char *const[]){"serve", NULL}, result);
    ck_assert_int_eq(result->exit_status, 2);
    ck_assert_msg(strstr(result->errors, "app.url is where this sidecar listens (127.0.0.1:40001)") != NULL,
        "%s", result->errors);
    free(result);
    free(scene.world);
}
END_TEST

Suite *e2e_app_suite(void) {
    Suite *suite = suite_create("e2e_app");
    TCase *tcase = tcase_create("e2e_app");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, while_bugsink_answers_all_is_well_and_the_app_is_shown);
    tcase_add_test(
        tcase, a_dead_bugsink_is_not_ready_at_once_not_live_after_fall_and_back_within_two_seconds);
    tcase_add_test(tcase, a_bugsink_that_answers_late_is_slow_and_stays_ready);
    tcase_add_test(tcase, a_hanging_bugsink_is_a_timeout_and_not_live_after_fall);
    tcase_add_test(tcase, a_database_that_hangs_restarts_no_bugsink);
    tcase_add_loop_test(
        tcase, any_answer_is_life_and_the_code_tells_which, 0, sizeof ANSWERS / sizeof ANSWERS[0]);
    tcase_add_test(tcase, until_its_first_answer_bugsink_is_starting);
    tcase_add_test(tcase, the_grace_of_the_start_ends);
    tcase_add_test(tcase, a_checker_that_was_stopped_does_not_call_bugsink_dead);
    tcase_add_test(tcase, a_reload_forgets_nothing_of_bugsink);
    tcase_add_test(tcase, a_bugsink_stopped_for_maintenance_or_at_the_end_is_not_restarted);
    tcase_add_test(tcase, the_commands_know_the_app);
    tcase_add_test(tcase, the_sidecar_does_not_ask_itself);
    return suite;
}
