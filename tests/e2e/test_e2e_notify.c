/* End to end: what a service manager is told by the real program, and what it is not told when a process
 * hangs. */
#include "e2e/world.h"
#include "harness/manager.h"
#include "harness/proc.h"
#include "harness/skip.h"
#include "harness/wait.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOON_MS = 5000, WATCHDOG_MS = 400, UNDER_WAY_MAX = 2 };

static struct world *world_of(struct manager *manager) {
    struct world *world = world_new();
    manager_open(manager, world->dir);
    envlist_set(&world->environment, "NOTIFY_SOCKET=%s", manager->path);
    return world;
}

static void assert_hears(struct manager *manager, const char *text) {
    ck_assert_msg(manager_await(manager, text, SOON_MS), "no %s in:\n%s", text, manager->all);
}

START_TEST(ready_is_told_once_it_answers_and_the_verdict_follows) {
    static struct manager manager;
    struct world *world = world_of(&manager);
    world->daemon.port = daemon_free_port();
    daemon_spawn(&world->daemon, &(struct daemon_setup){.environment = &world->environment});
    assert_hears(&manager, "READY=1");
    ck_assert_int_eq(http_probe(world->daemon.port, "/health/self/", &world->response), 200);
    ck_assert_int_eq(manager.speaker, world->daemon.checker);
    assert_hears(&manager, "STATUS=Ready.");
    ck_assert_ptr_nonnull(strstr(manager.all, "STATUS=Not ready: "));
    ck_assert_ptr_null(strstr(manager.all, "WATCHDOG"));
    world_end(world);
    manager_close(&manager);
}
END_TEST

START_TEST(the_status_names_what_is_wrong_and_no_secret) {
    static struct manager manager;
    struct world *world = world_of(&manager);
    envlist_unset(&world->environment, "DATABASE_PATH");
    envlist_set(&world->environment, "DATABASE_URL=postgresql://somebody:hunter2@127.0.0.1:1/place");
    world_start_with(world, NULL, 0);
    assert_hears(&manager, "STATUS=Not ready: default: refused.");
    static const char *const SECRETS[] = {"hunter2", "somebody", "127.0.0.1", "place"};
    for (size_t i = 0; i < sizeof SECRETS / sizeof SECRETS[0]; i++)
        ck_assert_msg(!strstr(manager.all, SECRETS[i]), "%s", manager.all);
    world_end(world);
    manager_close(&manager);
}
END_TEST

START_TEST(a_reload_is_told_with_its_moment_also_when_it_fails) {
    static struct manager manager;
    struct world *world = world_of(&manager);
    world_write_config(world, "{\"databases\": {\"default\": {\"dsn\": \"%s\"}}}", world->main_db);
    world_start_with(world, NULL, 0);
    assert_hears(&manager, "READY=1");
    for (int round = 0; round < 2; round++) {
        int64_t usec = 0, before_ms = wait_now_ms();
        if (round == 1)
            world_write_config(world, "{");
        kill(world->daemon.checker, SIGHUP);
        assert_hears(&manager, "RELOADING=1\nMONOTONIC_USEC=");
        ck_assert_int_eq(sscanf(strstr(manager.last, "USEC="), "USEC=%" SCNd64, &usec), 1);
        ck_assert_int_ge(usec, before_ms * 1000);
        assert_hears(&manager, "READY=1");
        ck_assert(daemon_wait_log(&world->daemon, round == 0 ? "reloaded" : "reload failed", "", SOON_MS));
    }
    world_end(world);
    manager_close(&manager);
}
END_TEST

START_TEST(the_end_is_told_when_the_drain_begins) {
    static struct manager manager;
    struct world *world = world_of(&manager);
    envlist_set(&world->environment, "BUGSINK_HEALTH_DRAIN=3s");
    world_start_with(world, NULL, 0);
    assert_hears(&manager, "READY=1");
    kill(world->daemon.checker, SIGTERM);
    assert_hears(&manager, "STOPPING=1");
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    assert_hears(&manager, "STATUS=Not ready: draining.");
    ck_assert_int_eq(daemon_wait_exit(&world->daemon, SOON_MS), 0);
    manager_drain(&manager);
    ck_assert_ptr_null(strstr(strstr(manager.all, "STOPPING=1"), "READY=1"));
    free(world);
    manager_close(&manager);
}
END_TEST

/* Stops one of the processes: no sign of life comes until it goes on. Those that were under way are let by:
 * on a busy machine they may be some time under way, but there is an end to them. */
static void assert_watched(struct manager *manager, pid_t pid) {
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    for (int let_by = 0; manager_hears_within(manager, "WATCHDOG=1", 3 * WATCHDOG_MS); let_by++)
        ck_assert_msg(let_by < UNDER_WAY_MAX, "%s", manager->all);
    ck_assert_int_eq(kill(pid, SIGCONT), 0);
    assert_hears(manager, "WATCHDOG=1");
    assert_hears(manager, "WATCHDOG=1");
}

START_TEST(signs_of_life_come_while_both_processes_live_and_stop_when_either_hangs) {
    static struct manager manager;
    struct world *world = world_of(&manager);
    envlist_set(&world->environment, "WATCHDOG_USEC=%d", WATCHDOG_MS * 1000);
    world_start_with(world, NULL, 0);
    assert_hears(&manager, "WATCHDOG=1");
    manager_drain(&manager); /* those that came while we were held up */
    int64_t start_ms = wait_now_ms();
    for (int i = 0; i < 6; i++)
        assert_hears(&manager, "WATCHDOG=1");
    ck_assert_int_ge(wait_now_ms() - start_ms, 4 * (WATCHDOG_MS / 2)); /* and no more often than asked for */
    ck_assert_int_eq(manager.speaker, world->daemon.checker);
    assert_watched(&manager, world->daemon.responder);
    assert_watched(&manager, world->daemon.checker);
    world_end(world);
    manager_close(&manager);
}
END_TEST

START_TEST(a_watchdog_for_another_process_is_none_of_ours) {
    static struct manager manager;
    struct world *world = world_of(&manager);
    envlist_set(&world->environment, "WATCHDOG_USEC=100000");
    envlist_set(&world->environment, "WATCHDOG_PID=1");
    world_start(world);
    assert_hears(&manager, "STATUS=Ready.");
    ck_assert_msg(!manager_hears_within(&manager, "WATCHDOG", 500), "%s", manager.all);
    world_end(world);
    manager_close(&manager);
}
END_TEST

START_TEST(a_manager_that_does_not_read_holds_nothing_up_and_hears_it_later) {
    static struct manager manager;
    struct world *world = world_of(&manager);
    manager_fill(&manager);
    world_start(world);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "the service manager is not told", ""), 1);
    ck_assert_int_gt(manager_drain(&manager), 0);
    ck_assert_ptr_null(strstr(manager.all, "READY=1"));
    assert_hears(&manager, "READY=1\nSTATUS=Ready.");
    world_end(world);
    manager_close(&manager);
}
END_TEST

START_TEST(a_manager_that_cannot_be_reached_is_one_line_in_the_log) {
    static const char *const NAMES[] = {"/nonexistent/notify", "not a path"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        struct world *world = world_new();
        envlist_set(&world->environment, "NOTIFY_SOCKET=%s", NAMES[i]);
        envlist_set(&world->environment, "WATCHDOG_USEC=100000");
        world_start(world);
        ck_assert_int_eq(daemon_log_lines(&world->daemon, "the service manager is not told", ""), 1);
        world_end(world);
    }
}
END_TEST

START_TEST(the_responder_knows_no_manager) {
    static struct manager manager;
    struct world *world = world_of(&manager);
    world_start(world);
    int holds = proc_file_holds(world->daemon.responder, "environ", "NOTIFY_SOCKET");
    if (holds < 0)
        skip_test("the_responder_knows_no_manager", "only root may look");
    ck_assert_int_le(holds, 0);
    world_end(world);
    manager_close(&manager);
}
END_TEST

Suite *e2e_notify_suite(void) {
    Suite *suite = suite_create("e2e_notify");
    TCase *tcase = tcase_create("e2e_notify");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, ready_is_told_once_it_answers_and_the_verdict_follows);
    tcase_add_test(tcase, the_status_names_what_is_wrong_and_no_secret);
    tcase_add_test(tcase, a_reload_is_told_with_its_moment_also_when_it_fails);
    tcase_add_test(tcase, the_end_is_told_when_the_drain_begins);
    tcase_add_test(tcase, signs_of_life_come_while_both_processes_live_and_stop_when_either_hangs);
    tcase_add_test(tcase, a_watchdog_for_another_process_is_none_of_ours);
    tcase_add_test(tcase, a_manager_that_does_not_read_holds_nothing_up_and_hears_it_later);
    tcase_add_test(tcase, a_manager_that_cannot_be_reached_is_one_line_in_the_log);
    tcase_add_test(tcase, the_responder_knows_no_manager);
    return suite;
}
