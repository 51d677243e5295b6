/* End to end: the life of the two processes, from a refused start to the drain, and what each does when the
 * other dies. */
#include "e2e/world.h"
#include "harness/proc.h"
#include "harness/skip.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SOON_MS = 2000 };

static bool is_gone(void *arg) {
    return !proc_is_alive(*(pid_t *)arg);
}

START_TEST(a_dead_responder_ends_the_checker) {
    struct world *world = world_new();
    world_start(world);
    kill(world->daemon.responder, SIGKILL);
    ck_assert_int_gt(daemon_wait_exit(&world->daemon, SOON_MS), 0);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "level=error", "responder gone"), 1);
    world_end(world);
}
END_TEST

START_TEST(a_dead_checker_ends_the_responder) {
    struct world *world = world_new();
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* its orphan comes to us */
    world_start(world);
    kill(world->daemon.checker, SIGKILL);
    ck_assert_int_eq(daemon_wait_exit(&world->daemon, SOON_MS), -1);
    int status = 0;
    ck_assert(program_wait(world->daemon.responder, SOON_MS, &status));
    ck_assert_msg(!WIFEXITED(status) || WEXITSTATUS(status) != 0, "the responder ended well");
    ck_assert_int_eq(world_get(world, "/health/live/"), 0);
    world_end(world);
}
END_TEST

START_TEST(a_stopped_checker_is_stale_within_the_lease) {
    struct world *world = world_new();
    world_start(world);
    ck_assert_int_eq(kill(world->daemon.checker, SIGSTOP), 0);
    int64_t stale_ms = world_await(world, "/health/ready/", 503, "stale", 6000);
    ck_assert_int_ge(stale_ms, 2500); /* two leases' renewal apart: not at once */
    ck_assert_int_eq(world_get(world, "/health/"), 503);
    ck_assert_int_eq(world_get(world, "/health/ready/default/"), 503);
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    ck_assert_int_eq(world_get(world, "/health/self/"), 200);
    ck_assert_int_eq(kill(world->daemon.checker, SIGCONT), 0);
    world_await(world, "/health/ready/", 200, "", SOON_MS);
    world_end(world);
}
END_TEST

/* An end that was asked for is no error, in either process. */
static void assert_no_error_is_logged(const struct world *world) {
    char *log = daemon_log(&world->daemon);
    ck_assert_msg(daemon_log_lines(&world->daemon, "level=error", "") == 0, "%s", log);
    free(log);
}

START_TEST(sigterm_drains) {
    struct world *world = world_new();
    envlist_set(&world->environment, "BUGSINK_HEALTH_DRAIN=3s");
    world_start(world);
    int64_t start_ms = wait_now_ms();
    kill(world->daemon.checker, SIGTERM);
    world_await(world, "/health/ready/", 503, "draining", 300);
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    ck_assert_int_eq(world_get(world, "/health/"), 503);
    ck_assert_ptr_nonnull(strstr(world->response.body, "\"draining\": true"));
    ck_assert_int_eq(daemon_wait_exit(&world->daemon, 5000), 0);
    ck_assert_int_ge(wait_now_ms() - start_ms, 2950);
    ck_assert(wait_until(is_gone, &world->daemon.responder, SOON_MS));
    assert_no_error_is_logged(world);
    world_end(world);
}
END_TEST

START_TEST(all_probes_are_answered_until_the_end_of_the_drain) {
    struct world *world = world_new();
    envlist_set(&world->environment, "BUGSINK_HEALTH_DRAIN=1s");
    world_start(world);
    int64_t start_ms = wait_now_ms();
    kill(world->daemon.checker, SIGTERM);
    while (world_get(world, "/health/live/") == 200)
        ;
    ck_assert_int_eq(world->response.status, 0); /* nobody is there any more */
    ck_assert_int_ge(wait_now_ms() - start_ms, 950);
    ck_assert_int_eq(daemon_wait_exit(&world->daemon, 3000), 0);
    world_end(world);
}
END_TEST

/* News that come while the responder goes, or has gone, are no failure to publish. */
START_TEST(an_end_amid_the_first_news_is_no_error) {
    enum { TIMES = 64, MOMENTS = 16 };
    for (int i = 0; i < TIMES; i++) {
        struct world *world = world_new();
        world->daemon.port = daemon_free_port();
        const struct daemon_setup setup = {.environment = &world->environment};
        daemon_spawn(&world->daemon, &setup);
        ck_assert(daemon_wait_log(&world->daemon, "event=listening", "", SOON_MS));
        const struct timespec moment = {.tv_nsec = i % MOMENTS * 500000L};
        nanosleep(&moment, NULL); /* it is the moments that are tested */
        kill(world->daemon.checker, SIGINT);
        ck_assert_int_eq(daemon_wait_exit(&world->daemon, SOON_MS), 0);
        assert_no_error_is_logged(world);
        world_end(world);
    }
}
END_TEST

static const struct {
    const char *name;
    int first, second;
} ENDINGS[] = {
    {"a second SIGTERM", SIGTERM, SIGTERM}, {"SIGINT", 0, SIGINT}, {"SIGINT in the drain", SIGTERM, SIGINT}};

START_TEST(a_second_sigterm_or_sigint_ends_at_once) {
    struct world *world = world_new();
    envlist_set(&world->environment, "BUGSINK_HEALTH_DRAIN=60s");
    world_start(world);
    if (ENDINGS[_i].first) {
        kill(world->daemon.checker, ENDINGS[_i].first);
        world_await(world, "/health/ready/", 503, "draining", SOON_MS);
    }
    int status = daemon_stop(&world->daemon, ENDINGS[_i].second, SOON_MS);
    ck_assert_msg(status == 0, "%s: status %d", ENDINGS[_i].name, status);
    ck_assert(wait_until(is_gone, &world->daemon.responder, SOON_MS));
    assert_no_error_is_logged(world);
    world_end(world);
}
END_TEST

START_TEST(signals_to_the_whole_group_still_drain) {
    struct world *world = world_new();
    envlist_set(&world->environment, "BUGSINK_HEALTH_DRAIN=3s");
    world_start(world);
    kill(world->daemon.responder, SIGTERM);
    kill(world->daemon.checker, SIGTERM);
    world_await(world, "/health/ready/", 503, "draining", 500);
    ck_assert_int_eq(daemon_wait_exit(&world->daemon, 5000), 0);
    world_end(world);
}
END_TEST

START_TEST(an_address_in_use_is_one_clear_line) {
    struct world *world = world_new(), *other = world_new();
    world_start(world);
    other->daemon.port = world->daemon.port;
    const struct daemon_setup setup = {.environment = &other->environment};
    daemon_spawn(&other->daemon, &setup);
    ck_assert_int_gt(daemon_wait_exit(&other->daemon, SOON_MS), 0);
    char port[32];
    snprintf(port, sizeof port, ":%d", world->daemon.port);
    ck_assert_int_eq(daemon_log_lines(&other->daemon, "Address already in use", port), 1);
    char *log = daemon_log(&other->daemon);
    ck_assert_msg(daemon_log_lines(&other->daemon, "", "") == 1, "more than one line:\n%s", log);
    free(log);
    ck_assert_int_eq(world_get(world, "/health/self/"), 200);
    world_end(other);
    world_end(world);
}
END_TEST

/* Each with what the refusal must name. */
static const struct {
    const char *text, *one, *two;
} REFUSED[] = {
    {"{\"nosuch\": 1}", "config.json", "nosuch"},
    {"{\"interval\": 5}", "config.json", "interval"},
    {"{\"interval\": \"5 parsecs\"}", "interval", "5 parsecs"},
    {"{\"interval\": \"1s\", \"timeout\": \"1s\"}", "timeout", "interval"},
    {"{\"listen\": \n \"[::]:8000\",,}", "config.json", "2"},
    {"[]", "config.json", ""},
    {"{\"databases\": {\"default\": {\"dsn\": \"oracle://h/d\"}}}", "default", "oracle"},
    {"{\"databases\": {\"default\": {\"dsn\": \"mysql://u@h/d?sslmod=x\"}}}", "default", "mysql"},
    {"{\"databases\": {\"default\": {}}}", "default", "dsn"},
    {"{\"databases\": {\"a b\": {\"dsn\": \"/x\"}}}", "name", "databases"},
    {"{\"databases\": {\"default\": {\"dsn\": \"/x\", \"role\": \"king\"}}}", "role", "king"},
};

START_TEST(a_bad_configuration_is_refused_with_status_2) {
    struct world *world = world_new();
    envlist_unset(&world->environment, "BUGSINK_HEALTH_INTERVAL");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_TIMEOUT");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_RETRY_INTERVAL");
    world_write_config(world, "%s", REFUSED[_i].text);
    world->daemon.port = daemon_free_port();
    const struct daemon_setup setup = {.environment = &world->environment};
    daemon_spawn(&world->daemon, &setup);
    int status = daemon_wait_exit(&world->daemon, SOON_MS);
    char *log = daemon_log(&world->daemon);
    ck_assert_msg(status == 2, "%s: status %d, log:\n%s", REFUSED[_i].text, status, log);
    ck_assert_msg(daemon_log_lines(&world->daemon, REFUSED[_i].one, REFUSED[_i].two) == 1 &&
                      daemon_log_lines(&world->daemon, "", "") == 1,
        "%s:\n%s", REFUSED[_i].text, log);
    free(log);
    world_end(world);
}
END_TEST

START_TEST(in_json_every_line_of_the_log_is_json) {
    struct world *world = world_new();
    envlist_set(&world->environment, "BUGSINK_HEALTH_LOG_FORMAT=json");
    envlist_set(&world->environment, "BUGSINK_HEALTH_LOG_LEVEL=debug");
    world_start(world);
    kill(world->daemon.checker, SIGKILL); /* so that the responder has something to say */
    ck_assert_int_eq(daemon_wait_exit(&world->daemon, SOON_MS), -1);
    ck_assert(wait_until(is_gone, &world->daemon.responder, SOON_MS));
    ck_assert_int_ge(daemon_log_lines(&world->daemon, "responder", "checker gone"), 1);
    char *log = daemon_log(&world->daemon), *rest = log;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line;) {
        json_t *json = json_loads(line, 0, NULL);
        ck_assert_msg(
            json_is_string(json_object_get(json, "time")) && json_is_string(json_object_get(json, "event")),
            "%s", line);
        json_decref(json);
    }
    free(log);
    world_end(world);
}
END_TEST

static void assert_is_answered(struct world *world) {
    int status = world_get(world, "/health/ready/");
    const struct http_response *response = &world->response;
    char *log = daemon_log(&world->daemon);
    ck_assert_msg(status != 0, "no answer: was_reset %d, has_ended %d, head \"%s\", %d ms:\n%s",
        response->was_reset, response->has_ended, response->head, (int)response->took_ms, log);
    free(log);
}

START_TEST(many_runs_leave_no_descriptor_and_no_child) {
    struct world *world = world_new();
    envlist_set(&world->environment, "BUGSINK_HEALTH_INTERVAL=300ms");
    envlist_set(&world->environment, "BUGSINK_HEALTH_TIMEOUT=290ms");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_SLOW");
    envlist_set(&world->environment, "BUGSINK_HEALTH_RETRY_INTERVAL=90ms");
    world_start(world);
    int before = world_idle_descriptors(world);
    if (before < 0)
        skip_test("many_runs_leave_no_descriptor_and_no_child", "only root may count descriptors");
    for (int64_t start_ms = wait_now_ms(); wait_now_ms() - start_ms < 7500;)
        assert_is_answered(world);
    world_await_idle(world, before);
    world_end(world);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

Suite *e2e_lifecycle_suite(void) {
    Suite *suite = suite_create("e2e_lifecycle");
    TCase *tcase = tcase_create("e2e_lifecycle");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_dead_responder_ends_the_checker);
    tcase_add_test(tcase, a_dead_checker_ends_the_responder);
    tcase_add_test(tcase, a_stopped_checker_is_stale_within_the_lease);
    tcase_add_test(tcase, sigterm_drains);
    tcase_add_test(tcase, an_end_amid_the_first_news_is_no_error);
    tcase_add_test(tcase, all_probes_are_answered_until_the_end_of_the_drain);
    tcase_add_loop_test(tcase, a_second_sigterm_or_sigint_ends_at_once, 0, COUNT(ENDINGS));
    tcase_add_test(tcase, signals_to_the_whole_group_still_drain);
    tcase_add_test(tcase, an_address_in_use_is_one_clear_line);
    tcase_add_loop_test(tcase, a_bad_configuration_is_refused_with_status_2, 0, COUNT(REFUSED));
    tcase_add_test(tcase, in_json_every_line_of_the_log_is_json);
    tcase_add_test(tcase, many_runs_leave_no_descriptor_and_no_child);
    return suite;
}
