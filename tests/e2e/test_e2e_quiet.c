/* End to end: a healthy first start is no error in the log; what is waited for is no error either; and the
 * log stays out of the table. */
#include "e2e/world.h"
#include "harness/peer.h"
#include "harness/pty.h"
#include "harness/skip.h"
#include "harness/sqlite_files.h"
#include "harness/wait.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SOON_MS = 5000, COMMAND_MS = 8000 };

/* -- the log of a start -- */

/* A world before Bugsink's first start: no database has been made, and nobody listens on the port. */
static struct world *world_before_the_start(int *port) {
    struct world *world = world_new();
    *port = daemon_free_port();
    envlist_set(&world->environment, "BUGSINK_HEALTH_APP_URL=http://127.0.0.1:%d", *port);
    sqlite_files_remove(world->main_db);
    sqlite_files_remove(world->queue_db);
    return world;
}

static void expect_errors(const struct world *world, const char *text, int count) {
    char *log = daemon_log(&world->daemon);
    ck_assert_msg(daemon_log_lines(&world->daemon, "level=error", text) == count, "not %d:\n%s", count, log);
    free(log);
}

static void break_database(const char *path) {
    FILE *broken = fopen(path, "w");
    ck_assert_ptr_nonnull(broken);
    for (int i = 0; i < 1024; i++)
        fputs("no database", broken);
    fclose(broken);
}

START_TEST(a_healthy_first_start_logs_no_error) {
    static const char REPLY[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK";
    const struct peer_script script = {
        .reads = 1, .reply = REPLY, .reply_size = sizeof REPLY - 1, .closes = PEER_CLOSES};
    int port;
    struct world *world = world_before_the_start(&port);
    world_start_with(world, NULL, 0);
    world_await_check(world, "default", "error: file_missing", SOON_MS);
    world_await_check(world, "snappea", "error: file_missing", SOON_MS);
    world_await(world, "/health/", 503, "app_starting", SOON_MS);
    FILE *empty = fopen(world->main_db, "w"); /* its first migration is under way */
    ck_assert_ptr_nonnull(empty);
    fclose(empty);
    world_await(world, "/health/ready/default/", 503, "\"status\": \"error\"", SOON_MS);
    sqlite_files_make_main(world->main_db);
    sqlite_files_make_queue(world->queue_db);
    struct peer app = peer_start_on(&script, port);
    world_await(world, "/health/ready/", 200, "", SOON_MS);
    expect_errors(world, "", 0);
    ck_assert_int_ge(daemon_log_lines(&world->daemon, "level=info", "code=app_starting"), 1);
    ck_assert_int_ge(daemon_log_lines(&world->daemon, "level=warning", "code=file_missing"), 2);
    world_end(world);
    peer_stop(&app);
}
END_TEST

START_TEST(what_stands_when_the_grace_of_the_start_is_over_is_an_error_once) {
    int port;
    struct world *world = world_before_the_start(&port);
    envlist_set(&world->environment, "BUGSINK_HEALTH_START_GRACE=2s");
    world_start_with(world, NULL, 0);
    world_await_check(world, "default", "error: file_missing", SOON_MS);
    expect_errors(world, "", 0);
    world_await(world, "/health/live/", 503, "app_starting", SOON_MS);
    static const char *const CHECKS[] = {"check=app ", "check=default ", "check=snappea "};
    for (size_t i = 0; i < sizeof CHECKS / sizeof CHECKS[0]; i++) {
        struct deadline deadline = deadline_in(SOON_MS);
        while (daemon_log_lines(&world->daemon, "level=error", CHECKS[i]) == 0)
            ck_assert_msg(!deadline_is_over(&deadline), "no error of %s", CHECKS[i]);
        expect_errors(world, CHECKS[i], 1);
    }
    world_end(world);
}
END_TEST

/* It was well, or it is not what a start mends. */
START_TEST(any_other_error_is_one_even_while_bugsink_starts) {
    int port;
    struct world *world = world_before_the_start(&port);
    sqlite_files_make_queue(world->queue_db);
    break_database(world->main_db);
    world_start_with(world, NULL, 0);
    world_await_check(world, "default", "error: not_a_database", SOON_MS);
    world_await_check(world, "snappea", "ok", SOON_MS);
    expect_errors(world, "code=not_a_database", 1);
    sqlite_files_remove(world->queue_db);
    world_await_check(world, "snappea", "error: file_missing", SOON_MS);
    expect_errors(world, "code=file_missing", 1);
    world_end(world);
}
END_TEST

/* -- the commands -- */

START_TEST(a_wait_for_the_start_tells_what_it_waits_for_and_calls_it_no_error) {
    struct world *world = world_new();
    struct program_result *result = malloc(sizeof *result);
    const struct program_setup setup = {
        &world->environment, (const char *const[]){"wait", "--for=start", "--timeout=2s", NULL}, 0};
    sqlite_files_remove(world->queue_db);
    ck_assert_int_eq(truncate(world->main_db, 0), 0);
    program_run(&setup, COMMAND_MS, result);
    ck_assert_int_eq(result->exit_status, 0);
    ck_assert_msg(
        strncmp(result->output, "ready for Bugsink to start after ", 33) == 0, "%s", result->output);
    ck_assert_str_eq(result->errors, "");

    break_database(world->main_db);
    program_run(&setup, COMMAND_MS, result);
    ck_assert_int_eq(result->exit_status, 1);
    ck_assert_msg(strncmp(result->output, "waiting for default: ", 21) == 0, "%s", result->output);
    ck_assert_ptr_nonnull(strstr(result->output, "gave up after 2s; missing: default\n"));
    ck_assert_msg(
        !strstr(result->output, "snappea") && !strstr(result->output, "error:"), "%s", result->output);
    ck_assert_msg(strstr(result->errors, "level=warning") && strstr(result->errors, "check=default"), "%s",
        result->errors);
    ck_assert_msg(
        !strstr(result->errors, "level=error") && !strstr(result->errors, "snappea"), "%s", result->errors);
    free(result);
    world_end(world);
}
END_TEST

/* Runs a command on a terminal and returns what it said, which pty_close frees; NULL: there are none. */
static struct pty *run_on_terminal(const struct world *world, const char *const *arguments) {
    struct pty *pty = pty_open();
    int status = -1;
    if (!pty)
        return NULL;
    const struct program_setup setup = {&world->environment, arguments, 0};
    pid_t pid = program_spawn(&setup, pty->slave, pty->slave);
    ck_assert(program_wait(pid, COMMAND_MS, &status));
    pty_read(pty);
    return pty;
}

START_TEST(on_a_terminal_the_drivers_words_stand_below_their_row_and_not_in_the_log) {
    struct world *world = world_new();
    sqlite_files_remove(world->queue_db);
    struct pty *pty = run_on_terminal(world, (const char *const[]){"check", NULL});
    if (!pty) {
        skip_test("on_a_terminal_the_drivers_words_stand_below_their_row_and_not_in_the_log",
            "there are no pseudo-terminals here");
        world_end(world);
        return;
    }
    ck_assert_msg(!strstr(pty->text, "level="), "%s", pty->text);
    const char *row = strstr(pty->text, "snappea"), *words = row ? strstr(row, "cause: ") : NULL;
    ck_assert_msg(words && strstr(words, "No such"), "%s", pty->text);
    pty_close(pty);
    pty = run_on_terminal(world, (const char *const[]){"check", "--log-level=info", NULL});
    ck_assert_ptr_nonnull(pty);
    ck_assert_msg(strstr(pty->text, "level=error") != NULL, "who asks for the log has it: %s", pty->text);
    pty_close(pty);
    world_end(world);
}
END_TEST

START_TEST(the_view_of_a_wait_for_the_start_has_only_what_is_waited_for) {
    struct world *world = world_new();
    sqlite_files_remove(world->queue_db);
    break_database(world->main_db);
    envlist_set(&world->environment, "TERM=xterm");
    struct pty *pty =
        run_on_terminal(world, (const char *const[]){"wait", "--for=start", "--timeout=2s", NULL});
    if (!pty) {
        skip_test("the_view_of_a_wait_for_the_start_has_only_what_is_waited_for",
            "there are no pseudo-terminals here");
        world_end(world);
        return;
    }
    const char *last = strstr(pty->text, "waiting for default\033");
    ck_assert_msg(last != NULL, "%s", pty->text);
    ck_assert_msg(strstr(last, "waiting  ") && !strstr(last, "snappea"), "%s", last);
    ck_assert_msg(!strstr(pty->text, "level=") && !strstr(last, "  error "), "%s", pty->text);
    pty_close(pty);
    world_end(world);
}
END_TEST

/* One who watches the view has seen it all: a log below it would say it again. */
START_TEST(a_wait_on_a_terminal_is_not_followed_by_its_log) {
    static const char NAME[] = "a_wait_on_a_terminal_is_not_followed_by_its_log";
    struct world *world = world_new();
    break_database(world->main_db);
    envlist_set(&world->environment, "TERM=xterm");
    struct pty *pty = run_on_terminal(world, (const char *const[]){"wait", "--timeout=1s", NULL});
    if (!pty) {
        skip_test(NAME, "there are no pseudo-terminals here");
        world_end(world);
        return;
    }
    ck_assert_msg(strstr(pty->text, "gave up after") && !strstr(pty->text, "level="), "%s", pty->text);
    pty_close(pty);
    pty = run_on_terminal(world, (const char *const[]){"wait", "--timeout=1s", "-v", NULL});
    ck_assert_ptr_nonnull(pty);
    ck_assert_msg(strstr(pty->text, "level=error") != NULL, "who asks for the log has it: %s", pty->text);
    pty_close(pty);
    world_end(world);
}
END_TEST

Suite *e2e_quiet_suite(void) {
    Suite *suite = suite_create("e2e_quiet");
    TCase *tcase = tcase_create("e2e_quiet");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_wait_on_a_terminal_is_not_followed_by_its_log);
    tcase_add_test(tcase, a_healthy_first_start_logs_no_error);
    tcase_add_test(tcase, what_stands_when_the_grace_of_the_start_is_over_is_an_error_once);
    tcase_add_test(tcase, any_other_error_is_one_even_while_bugsink_starts);
    tcase_add_test(tcase, a_wait_for_the_start_tells_what_it_waits_for_and_calls_it_no_error);
    tcase_add_test(tcase, on_a_terminal_the_drivers_words_stand_below_their_row_and_not_in_the_log);
    tcase_add_test(tcase, the_view_of_a_wait_for_the_start_has_only_what_is_waited_for);
    return suite;
}
