/* End to end: the PostgreSQL connection that is kept between runs, from the first login to the last farewell.
 */
#include "e2e/world.h"
#include "harness/postgres.h"
#include "harness/proc.h"
#include "harness/skip.h"
#include "harness/wait.h"

#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SOON_MS = 5000, END_MS = 5000 };

static struct postgres_server *server;

static void set_up(void) {
    if (postgres_is_installed())
        server = postgres_start(NULL);
    else
        skip_test(SKIP_ALL, "PostgreSQL is not installed");
}

static void tear_down(void) {
    if (server)
        postgres_free(server);
    server = NULL;
}

static void write_config(struct world *world, const char *more) {
    char *dsn = postgres_dsn(server, "bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink", "");
    world_write_config(world,
        "{\"databases\": {\"default\": {\"dsn\": \"%s\"}}, \"directories\": {}, \"log_level\": \"debug\"%s}",
        dsn, more);
    free(dsn);
}

/* NULL: there is no server. The database has been found well once, and looked at again. */
static struct world *start(const char *more) {
    if (!server)
        return NULL;
    struct world *world = world_new();
    write_config(world, more);
    envlist_set(&world->environment, "BUGSINK_HEALTH_INTERVAL=2s");
    envlist_set(&world->environment, "BUGSINK_HEALTH_TIMEOUT=1900ms");
    envlist_set(&world->environment, "BUGSINK_HEALTH_SLOW=1900ms");
    world_start_with(world, NULL, 0);
    world_await_check(world, "default", "ok", SOON_MS);
    return world;
}

/* What is asked of pg_stat_activity about our sessions; the caller frees. */
static char *ask_of_us(const char *what) {
    char sql[256];
    snprintf(
        sql, sizeof sql, "SELECT %s FROM pg_stat_activity WHERE application_name = 'bugsink-health'", what);
    return postgres_exec(server, "postgres", sql);
}

static bool is_nobody_there(void *arg) {
    (void)arg;
    char *count = ask_of_us("count(*)");
    bool is_nobody = strcmp(count, "0") == 0;
    free(count);
    return is_nobody;
}

static bool is_somebody_there(void *arg) {
    return !is_nobody_there(arg);
}

struct sessions {
    char last[32];
    int changes;
    int wanted;
};

static bool have_changed(void *arg) {
    struct sessions *sessions = arg;
    char *pid = ask_of_us("max(pid)");
    if (pid[0] != '\0' && strcmp(pid, sessions->last) != 0) {
        sessions->changes += sessions->last[0] != '\0';
        snprintf(sessions->last, sizeof sessions->last, "%s", pid);
    }
    free(pid);
    return sessions->changes >= sessions->wanted;
}

/* Of a session that has answered and waits: a login that is broken off midway is a fault of the server's. */
static bool was_kept_and_is_ended(void *arg) {
    (void)arg;
    char *ended =
        ask_of_us("bool_or(CASE WHEN state = 'idle' AND query <> '' THEN pg_terminate_backend(pid) END)");
    bool is_ended = strcmp(ended, "t") == 0;
    free(ended);
    return is_ended;
}

/* From starting to ok, and no further. That a machine is too busy for a login in time is not what is looked
 * for, and is told. */
static void expect_no_failure(struct world *world) {
    int late = daemon_log_lines(&world->daemon, "check=default", " code=timeout ");
    int changes = daemon_log_lines(&world->daemon, "check changed", "check=default");
    if (late > 0) {
        printf("e2e_kept: %d logins were too late\n", late);
        ck_assert_int_le(changes, 1 + 2 * late);
        ck_assert_int_eq(daemon_log_lines(&world->daemon, "check=default", "new=error"), late);
        return;
    }
    ck_assert_int_eq(changes, 1);
    ck_assert_int_eq(world_get(world, "/metrics"), 200);
    ck_assert_ptr_null(strstr(world->response.body, "bugsink_health_check_failures_total{check=\"default\""));
}

struct wanted_lines {
    const struct world *world;
    const char *text;
    int count;
};

static bool are_logged(void *arg) {
    const struct wanted_lines *wanted = arg;
    return daemon_log_lines(&wanted->world->daemon, wanted->text, "") >= wanted->count;
}

static int runs(const struct world *world) {
    return daemon_log_lines(&world->daemon, "event=checked check=default", "");
}

static void await_runs(const struct world *world, int more) {
    struct wanted_lines wanted = {world, "event=checked check=default", runs(world) + more};
    ck_assert(wait_until(are_logged, &wanted, SOON_MS));
}

START_TEST(a_login_serves_many_runs_and_is_renewed) {
    struct world *world = start(", \"reconnect\": \"12s\"");
    if (!world)
        return;
    struct sessions sessions = {.wanted = 2};
    ck_assert(wait_until(have_changed, &sessions, 8 * SOON_MS));
    int seen = runs(world);
    char *log = postgres_log(server);
    int logins = 0;
    for (const char *at = log; (at = strstr(at, "connection authorized: user=bugsink")) != NULL; at++)
        logins++;
    ck_assert_msg(logins >= 3 && logins <= seen * 2 / 3, "%d logins, %d runs", logins, seen);
    free(log);
    expect_no_failure(world);
    world_end(world);
}
END_TEST

/* The sockets that a process has open, by their inodes; -1: we may not look. */
static int sockets_of(pid_t pid, char list[][32], int max) {
    char path[64], name[400], target[64];
    int count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    if (!directory)
        return -1;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL && count < max;) {
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        ssize_t length = readlink(name, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        if (strncmp(target, "socket:", 7) == 0)
            snprintf(list[count++], 32, "%.31s", target);
    }
    closedir(directory);
    return count;
}

/* So it makes no system call that reads one. */
START_TEST(the_checker_has_no_socket_of_a_database) {
    enum { MAX = 64 };
    static char own[MAX][32], workers[MAX][32];
    struct world *world = start("");
    if (!world)
        return;
    pid_t pids[8];
    int count = proc_children(proc_nursery(world->daemon.checker), pids, 8), sockets = 0;
    int own_count = sockets_of(world->daemon.checker, own, MAX);
    ck_assert_int_gt(count, 0);
    for (int i = 0; own_count >= 0 && i < count; i++) {
        int worker_count = sockets_of(pids[i], workers, MAX);
        for (int j = 0; j < worker_count; j++, sockets++)
            for (int k = 0; k < own_count; k++)
                ck_assert_str_ne(workers[j], own[k]);
    }
    ck_assert_msg(own_count < 0 || sockets > count, "%d sockets of %d workers", sockets, count);
    world_end(world);
}
END_TEST

START_TEST(a_session_that_is_ended_leaves_no_failure_on_the_page) {
    struct world *world = start("");
    if (!world)
        return;
    for (int i = 0; i < 3; i++) {
        struct sessions sessions = {.wanted = 1};
        ck_assert(wait_until(is_somebody_there, NULL, SOON_MS));
        have_changed(&sessions);
        ck_assert(wait_until(was_kept_and_is_ended, NULL, SOON_MS));
        ck_assert(wait_until(have_changed, &sessions, SOON_MS));
    }
    await_runs(world, 2);
    ck_assert_int_ge(daemon_log_lines(&world->daemon, "kept connection given up", "check=default"), 1);
    expect_no_failure(world);
    world_end(world);
}
END_TEST

static void reload(const struct world *world, int reloads) {
    ck_assert_int_eq(kill(world->daemon.checker, SIGHUP), 0);
    struct wanted_lines wanted = {world, "event=reloaded", reloads};
    ck_assert(wait_until(are_logged, &wanted, SOON_MS));
}

START_TEST(a_reload_keeps_it_or_closes_it) {
    struct world *world = start("");
    if (!world)
        return;
    struct sessions sessions = {.wanted = 1};
    ck_assert(wait_until(is_somebody_there, NULL, SOON_MS));
    have_changed(&sessions);
    reload(world, 1); /* nothing has changed */
    await_runs(world, 2);
    ck_assert(!have_changed(&sessions));
    write_config(world, ", \"reconnect\": \"0s\"");
    reload(world, 2);
    await_runs(world, 1);
    ck_assert(wait_until(is_nobody_there, NULL, SOON_MS)); /* but for the moments of the runs */
    write_config(world, "");
    reload(world, 3);
    await_runs(world, 2);
    ck_assert(wait_until(is_somebody_there, NULL, SOON_MS));
    world_write_config(
        world, "{\"databases\": {\"snappea\": {\"dsn\": \"%s\"}}, \"directories\": {}}", world->queue_db);
    reload(world, 4);
    ck_assert(wait_until(is_nobody_there, NULL, SOON_MS));
    world_end(world);
}
END_TEST

static void create_maintenance(const struct world *world, char path[300]) {
    snprintf(path, 300, "%s/maintenance", world->dir);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
}

/* Renaming needs a database in which nobody is. */
START_TEST(in_maintenance_a_database_can_be_renamed) {
    if (!server)
        return;
    struct world *world = world_new();
    char path[300], more[400];
    snprintf(more, sizeof more,
        ", \"interval\": \"2s\", \"timeout\": \"1s\", \"maintenance\": \"%s/maintenance\"", world->dir);
    write_config(world, more);
    envlist_unset(&world->environment, "BUGSINK_HEALTH_INTERVAL");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_TIMEOUT");
    world_start_with(world, NULL, 0);
    world_await_check(world, "default", "ok", SOON_MS);
    await_runs(world, 1);
    ck_assert(wait_until(is_somebody_there, NULL, SOON_MS));
    create_maintenance(world, path);
    world_await(world, "/health/ready/", 503, "maintenance", SOON_MS);
    ck_assert(wait_until(is_nobody_there, NULL, SOON_MS));
    await_runs(world, 1);
    ck_assert(wait_until(is_nobody_there, NULL, SOON_MS));
    ck_assert_int_eq(unlink(path), 0);
    world_await_check(world, "default", "ok", SOON_MS);
    await_runs(world, 2);
    ck_assert(!is_nobody_there(NULL));
    world_end(world);
}
END_TEST

START_TEST(draining_and_ending_leave_no_session) {
    struct world *world = start(", \"drain\": \"30s\"");
    if (!world)
        return;
    ck_assert(wait_until(is_somebody_there, NULL, SOON_MS));
    ck_assert_int_eq(kill(world->daemon.checker, SIGTERM), 0);
    world_await(world, "/health/ready/", 503, "draining", SOON_MS);
    ck_assert(wait_until(is_nobody_there, NULL, SOON_MS));
    world_end(world);
    ck_assert(wait_until(is_nobody_there, NULL, SOON_MS));
    char *log = postgres_log(server);
    ck_assert_ptr_null(strstr(log, "unexpected EOF"));
    ck_assert_ptr_null(strstr(log, "could not receive data"));
    free(log);
}
END_TEST

START_TEST(a_killed_sidecar_leaves_no_session) {
    struct world *world = start("");
    if (!world)
        return;
    ck_assert(wait_until(is_somebody_there, NULL, SOON_MS));
    ck_assert_int_eq(kill(world->daemon.checker, SIGKILL), 0);
    ck_assert(wait_until(is_nobody_there, NULL, SOON_MS));
    daemon_wait_exit(&world->daemon, END_MS);
    free(world);
}
END_TEST

Suite *e2e_kept_suite(void) {
    Suite *suite = suite_create("e2e_kept");
    TCase *tcase = tcase_create("e2e_kept");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_login_serves_many_runs_and_is_renewed);
    tcase_add_test(tcase, the_checker_has_no_socket_of_a_database);
    tcase_add_test(tcase, a_session_that_is_ended_leaves_no_failure_on_the_page);
    tcase_add_test(tcase, a_reload_keeps_it_or_closes_it);
    tcase_add_test(tcase, in_maintenance_a_database_can_be_renamed);
    tcase_add_test(tcase, draining_and_ending_leave_no_session);
    tcase_add_test(tcase, a_killed_sidecar_leaves_no_session);
    return suite;
}
