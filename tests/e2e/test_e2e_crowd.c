/* End to end: probes are answered while thousands of clients connect and say nothing, and the crowd costs no
 * processor. */
#include "e2e/world.h"
#include "harness/crowd.h"
#include "harness/proc.h"
#include "harness/skip.h"
#include "harness/wait.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { PROBES = 20, PROBE_MS = 1000 /* the kubelet's default timeoutSeconds */, WATCH_MS = 2000 };

static const struct {
    int count;
    int descriptor_limit;
    const char *greeting;
} CROWDS[] = {
    {1500, 1024, ""}, {1500, 1024, "G"}, /* one byte each: what silenced a plain evhttp server for good */
    {10000, 1024, ""},
    {400, 64,
        ""}, /* fewer descriptors than connections that the program would hold: EMFILE, and no spinning */
};

static void assert_probes_are_answered(struct world *world) {
    int answered = 0;
    for (int i = 0; i < PROBES; i++) {
        int status = world_get(world, "/health/live/");
        answered += status == 200 && world->response.is_whole && world->response.free_ms < PROBE_MS;
    }
    ck_assert_msg(answered == PROBES, "%d of %d probes were answered; the last: status %d in %d ms", answered,
        PROBES, world->response.status, (int)world->response.took_ms);
}

/* Root has no excuse: a crowd that could not be made shows nothing, and must not pass for one that did. */
static bool is_crowd_possible(int count) {
    bool is_allowed = crowd_is_allowed(count);
    char text[128];
    snprintf(text, sizeof text, "RLIMIT_NOFILE (ulimit -Hn) does not allow %d connections", count);
    ck_assert_msg(is_allowed || geteuid() != 0, "%s, and root may not raise it here", text);
    if (!is_allowed)
        skip_test("probes_are_answered_in_a_crowd_that_costs_nothing", text);
    return is_allowed;
}

START_TEST(probes_are_answered_in_a_crowd_that_costs_nothing) {
    if (!is_crowd_possible(CROWDS[_i].count))
        return;
    struct world *world = world_new();
    /* The checks' own work must not count as the crowd's. */
    envlist_set(&world->environment, "BUGSINK_HEALTH_INTERVAL=30s");
    world_start_with(world, NULL, CROWDS[_i].descriptor_limit);
    world_await(world, "/health/started/", 200, "", 5000);
    struct crowd crowd;
    crowd_open(&crowd, world->daemon.port, CROWDS[_i].count, CROWDS[_i].greeting);
    ck_assert_int_eq(crowd.count, CROWDS[_i].count);
    assert_probes_are_answered(world);

    int64_t before_ms = daemon_cpu_ms(&world->daemon), start_ms = wait_now_ms();
    poll(NULL, 0, WATCH_MS); /* the time in which processor time is counted */
    int64_t used_ms = daemon_cpu_ms(&world->daemon) - before_ms, passed_ms = wait_now_ms() - start_ms;
    ck_assert_msg(used_ms * 20 < passed_ms, "%d ms of processor time in %d ms, with %d connections held",
        (int)used_ms, (int)passed_ms, crowd.count);

    assert_probes_are_answered(world);
    crowd_close(&crowd);
    world_await(world, "/health/ready/", 200, "", 2000);
    world_end(world);
}
END_TEST

Suite *e2e_crowd_suite(void) {
    Suite *suite = suite_create("e2e_crowd");
    TCase *tcase = tcase_create("e2e_crowd");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(
        tcase, probes_are_answered_in_a_crowd_that_costs_nothing, 0, sizeof CROWDS / sizeof CROWDS[0]);
    return suite;
}
