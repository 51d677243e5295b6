/* End to end: a standard error that takes nothing more, because nobody reads it or its reader is gone, stops
 * neither process. */
#include "e2e/world.h"
#include "harness/proc.h"
#include "harness/sqlite_files.h"
#include "harness/wait.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SOON_MS = 3000, PROBES = 200 };

/* Fills a pipe to its last byte, through an open file of its own: O_NONBLOCK belongs to the open file, and
 * the program's must stay as it is. */
static void fill(int pipe_fd) {
    char path[64], bytes[4096];
    memset(bytes, 'x', sizeof bytes);
    snprintf(path, sizeof path, "/proc/self/fd/%d", pipe_fd);
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    for (size_t size = sizeof bytes; size > 0; size /= 2)
        while (write(fd, bytes, size) > 0)
            ;
    close(fd);
}

/* What stands in the pipe, without waiting for more. */
static void drain(int pipe_fd, char *text, size_t size) {
    size_t length = 0;
    ck_assert_int_eq(fcntl(pipe_fd, F_SETFL, O_NONBLOCK), 0);
    for (ssize_t got; (got = read(pipe_fd, text + length, size - 1 - length)) > 0;)
        length += (size_t)got;
    text[length] = '\0';
}

/* Starts the daemon with the pipe as its standard error. */
static struct world *start(int pipe_fd) {
    struct world *world = world_new();
    world->daemon.port = daemon_free_port();
    envlist_set(&world->environment, "BUGSINK_HEALTH_LISTEN=127.0.0.1:%d", world->daemon.port);
    envlist_set(&world->environment, "BUGSINK_HEALTH_DRAIN=3s");
    const struct program_setup setup = {&world->environment, (const char *const[]){"serve", NULL}, 0};
    program_output_file(world->daemon.log_path, sizeof world->daemon.log_path); /* stays empty */
    world->daemon.checker = program_spawn(&setup, pipe_fd, pipe_fd);
    world_await(world, "/health/ready/", 200, "", 5000);
    ck_assert_int_eq(proc_children(world->daemon.checker, &world->daemon.responder, 1), 1);
    return world;
}

static void assert_probes_are_answered(struct world *world) {
    int answered = 0;
    for (int i = 0; i < PROBES; i++)
        answered += world_get(world, i % 2 ? "/health/live/" : "/health/ready/") == 200 &&
                    world->response.free_ms < 1000;
    ck_assert_int_eq(answered, PROBES);
}

/* Each change is a line, and so is each reload: whoever waits for the log to take them shows nothing more. */
static void assert_checks_go_on(struct world *world) {
    for (int i = 0; i < 3; i++)
        kill(world->daemon.checker, SIGHUP);
    sqlite_files_remove(world->queue_db);
    world_await_check(world, "snappea", "error: file_missing", SOON_MS);
    sqlite_files_make_queue(world->queue_db);
    world_await(world, "/health/ready/", 200, "\"snappea\": \"ok\"", SOON_MS);
    assert_probes_are_answered(world);
}

static bool has_told_of_lost_lines(void *arg) {
    char text[16384];
    drain(*(const int *)arg, text, sizeof text);
    return strstr(text, " lost_lines=") != NULL;
}

START_TEST(a_full_pipe_stops_nothing_and_what_was_lost_is_counted) {
    int ends[2];
    static char text[1 << 17];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    struct world *world = start(ends[1]);
    fill(ends[1]);
    assert_checks_go_on(world);
    drain(ends[0], text, sizeof text);
    ck_assert_ptr_null(strstr(text, "file_missing"));
    kill(world->daemon.checker, SIGHUP);
    ck_assert_msg(wait_until(has_told_of_lost_lines, &ends[0], SOON_MS), "no line was counted");

    fill(ends[1]);
    kill(world->daemon.checker, SIGTERM);
    world_await(world, "/health/ready/", 503, "draining", SOON_MS);
    ck_assert_int_eq(daemon_wait_exit(&world->daemon, 2 * SOON_MS), 0);
    close(ends[0]);
    close(ends[1]);
    world_end(world);
}
END_TEST

START_TEST(a_pipe_without_a_reader_stops_nothing) {
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    struct world *world = start(ends[1]);
    close(ends[0]);
    close(ends[1]);
    assert_checks_go_on(world);
    world_end(world);
}
END_TEST

static bool is_gone(void *arg) {
    return !proc_is_alive(*(pid_t *)arg);
}

START_TEST(a_full_pipe_keeps_neither_process_from_ending_when_the_other_dies) {
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    struct world *world = start(ends[1]);
    fill(ends[1]);
    kill(_i == 0 ? world->daemon.checker : world->daemon.responder, SIGKILL);
    int status = daemon_wait_exit(&world->daemon, SOON_MS);
    ck_assert_msg(_i == 0 ? status == -1 : status > 0, "status %d", status);
    ck_assert(wait_until(is_gone, &world->daemon.responder, SOON_MS));
    close(ends[0]);
    close(ends[1]);
    world_end(world);
}
END_TEST

Suite *e2e_stderr_suite(void) {
    Suite *suite = suite_create("e2e_stderr");
    TCase *tcase = tcase_create("e2e_stderr");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_full_pipe_stops_nothing_and_what_was_lost_is_counted);
    tcase_add_test(tcase, a_pipe_without_a_reader_stops_nothing);
    tcase_add_loop_test(tcase, a_full_pipe_keeps_neither_process_from_ending_when_the_other_dies, 0, 2);
    return suite;
}
