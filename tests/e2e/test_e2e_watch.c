/* End to end: `check --watch` and `wait`, in place on a real terminal and line by line in a pipe. */
#include "e2e/world.h"
#include "harness/pty.h"
#include "harness/skip.h"
#include "harness/sqlite_files.h"
#include "harness/wait.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { STEP_MS = 5000 };

static const char ENTER[] = "\033[?1049h", LEAVE[] = "\033[?1049l", SHOW_CURSOR[] = "\033[?25h",
                  HOME[] = "\033[H";

static const char *const CHECK[] = {"check", "--watch=1s", NULL};
static const char *const WAIT[] = {"wait", "--timeout", "30s", NULL};

/* -- on a terminal -- */

struct scene {
    struct world *world;
    struct pty *pty;
    struct termios before;
    pid_t pid;
};

/* Starts a command on a terminal. Returns false, having said that the test is skipped, where there are none.
 */
static bool begin(
    struct scene *scene, const char *test, const char *const *arguments, bool is_queue_missing) {
    *scene = (struct scene){.world = world_new(), .pty = pty_open()};
    if (!scene->pty) {
        skip_test(test, "there are no pseudo-terminals here");
        world_end(scene->world);
        return false;
    }
    if (is_queue_missing)
        sqlite_files_remove(scene->world->queue_db);
    envlist_set(&scene->world->environment, "TERM=xterm");
    ck_assert_int_eq(tcgetattr(scene->pty->slave, &scene->before), 0);
    const struct program_setup setup = {&scene->world->environment, arguments, 0};
    scene->pid = program_spawn(&setup, scene->pty->slave, scene->pty->slave);
    return true;
}

static void await(struct scene *scene, size_t from, const char *text) {
    ck_assert_msg(
        pty_await(scene->pty, from, text, STEP_MS), "no \"%s\" in:\n%s", text, scene->pty->text + from);
}

/* Waits for the end, and for the terminal to be as it was: on its first screen, with a cursor, its modes the
 * same. Returns the exit status; *last is what stands on the first screen then. */
static int end(struct scene *scene, const char **last) {
    int status = -1;
    struct termios after;
    ck_assert_msg(program_wait(scene->pid, STEP_MS, &status), "it still runs:\n%s", scene->pty->text);
    pty_read(scene->pty);
    const char *leave = strstr(scene->pty->text, LEAVE), *show = strstr(scene->pty->text, SHOW_CURSOR);
    for (const char *next; leave && (next = strstr(leave + 1, LEAVE)) != NULL;)
        leave = next;
    ck_assert_msg(leave && show && !strstr(leave, ENTER) && !strstr(leave, "\033[?25l"), "not restored:\n%s",
        scene->pty->text);
    ck_assert_int_eq(tcgetattr(scene->pty->slave, &after), 0);
    ck_assert(after.c_lflag == scene->before.c_lflag && after.c_oflag == scene->before.c_oflag);
    *last = leave + strlen(LEAVE);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void finish(struct scene *scene) {
    pty_close(scene->pty);
    world_end(scene->world);
}

/* How many rows a window of that width shows of a frame: lines are as long as what is printed of them. */
static size_t count_rows(const char *frame, size_t width) {
    size_t rows = 1, column = 0;
    for (const char *c = frame; *c && strncmp(c, "\033[J", 3) != 0; c++) {
        if (*c == '\033')
            c += 2 + strspn(c + 2, "0123456789;?"); /* ESC [ ... letter */
        else if (*c == '\n') {
            rows++;
            column = 0;
        } else if (*c != '\r' && ++column > width) {
            rows++;
            column = 1;
        }
    }
    return rows;
}

static const int END_SIGNALS[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

START_TEST(a_watch_changes_in_place_and_leaves_the_terminal_as_it_was) {
    struct scene scene;
    const char *last;
    if (!begin(&scene, "a_watch_changes_in_place_and_leaves_the_terminal_as_it_was", CHECK, false))
        return;
    await(&scene, 0, "until Ctrl-C");
    await(&scene, 0, "Ready.");
    ck_assert_ptr_nonnull(strstr(scene.pty->text, ENTER));
    size_t before = scene.pty->length;
    sqlite_files_remove(scene.world->queue_db);
    await(&scene, before, "file_missing");
    before = scene.pty->length;
    sqlite_files_make_queue(scene.world->queue_db);
    await(&scene, before, "Ready.");
    /* Each frame is drawn over the last: nothing but the frames is written, so nothing scrolls. */
    const char *frame = strstr(scene.pty->text, HOME);
    for (const char *next; frame && (next = strstr(frame + 1, HOME)) != NULL; frame = next) {
        char *one = strndup(frame, (size_t)(next - frame));
        ck_assert_msg(count_rows(one, 80) <= 24 && strstr(one, "\033[J"), "%s", one);
        free(one);
    }
    kill(scene.pid, END_SIGNALS[_i]);
    ck_assert_int_eq(end(&scene, &last), 0);
    ck_assert_msg(strstr(last, "snappea") && strstr(last, "ready"), "no last table:\n%s", last);
    /* The driver's words were held back, and are not lost. */
    ck_assert_msg(strstr(last, "check changed"), "%s", last);
    ck_assert_ptr_eq(strstr(scene.pty->text, "check changed"), strstr(last, "check changed"));
    finish(&scene);
}
END_TEST

START_TEST(a_watch_that_ends_not_ready_has_status_1) {
    struct scene scene;
    const char *last;
    if (!begin(&scene, "a_watch_that_ends_not_ready_has_status_1", CHECK, true))
        return;
    await(&scene, 0, "file_missing");
    kill(scene.pid, SIGINT);
    ck_assert_int_eq(end(&scene, &last), 1);
    ck_assert_ptr_nonnull(strstr(last, "not ready"));
    finish(&scene);
}
END_TEST

static const struct {
    unsigned columns, rows;
    bool is_cut;
} WINDOWS[] = {{200, 50, false}, {80, 24, false}, {40, 12, true}, {20, 5, true}, {1, 2, true}, {3, 1, true}};

START_TEST(a_window_of_any_size_is_filled_and_not_overrun) {
    struct scene scene;
    const char *last;
    if (!begin(&scene, "a_window_of_any_size_is_filled_and_not_overrun", CHECK, true))
        return;
    await(&scene, 0, "file_missing");
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof WINDOWS / sizeof WINDOWS[0]; i++) {
            pty_resize(scene.pty, WINDOWS[i].columns, WINDOWS[i].rows);
            pty_read(scene.pty);
            size_t before = scene.pty->length;
            kill(scene.pid, SIGWINCH);
            await(&scene, before, HOME);
            const char *frame = strstr(scene.pty->text + before, HOME);
            await(&scene, (size_t)(frame - scene.pty->text), "\033[J");
            char *one = strndup(frame, (size_t)(strstr(frame, "\033[J") + 3 - frame));
            size_t rows = count_rows(one, WINDOWS[i].columns);
            const char *cut = strstr(one, WINDOWS[i].columns > 4 ? "(more" : "(");
            ck_assert_msg(
                (cut != NULL) == WINDOWS[i].is_cut, "%ux%u:\n%s", WINDOWS[i].columns, WINDOWS[i].rows, one);
            ck_assert_msg(rows <= WINDOWS[i].rows, "%ux%u: %zu rows:\n%s", WINDOWS[i].columns,
                WINDOWS[i].rows, rows, one);
            free(one);
        }
    kill(scene.pid, SIGTERM);
    ck_assert_int_eq(end(&scene, &last), 1);
    finish(&scene);
}
END_TEST

static bool is_stopped(void *arg) {
    int status;
    return waitpid(*(pid_t *)arg, &status, WNOHANG | WUNTRACED) > 0 && WIFSTOPPED(status);
}

START_TEST(a_watch_that_is_stopped_gives_the_screen_back_meanwhile) {
    struct scene scene;
    const char *last;
    if (!begin(&scene, "a_watch_that_is_stopped_gives_the_screen_back_meanwhile", CHECK, false))
        return;
    await(&scene, 0, "Ready.");
    size_t before = scene.pty->length;
    kill(scene.pid, SIGTSTP);
    ck_assert(wait_until(is_stopped, &scene.pid, STEP_MS));
    await(&scene, before, LEAVE);
    before = scene.pty->length;
    kill(scene.pid, SIGCONT);
    await(&scene, before, ENTER);
    await(&scene, before, "until Ctrl-C");
    kill(scene.pid, SIGINT);
    ck_assert_int_eq(end(&scene, &last), 0);
    finish(&scene);
}
END_TEST

/* Whether the last frame tells that two seconds have passed; in all of them the two times make up the
 * timeout. */
static bool has_time_passed(void *arg) {
    struct pty *pty = arg;
    long so_far = 0, left = 0;
    pty_read(pty);
    for (const char *at = pty->text; (at = strstr(at, "--for ready: ")) != NULL && strstr(at, " left");
         at++) {
        ck_assert_int_eq(sscanf(at, "--for ready: %lds so far, %lds left", &so_far, &left), 2);
        ck_assert_int_eq(so_far + left, 30);
    }
    return so_far >= 2;
}

START_TEST(a_wait_shows_each_check_what_is_missing_and_the_time) {
    struct scene scene;
    const char *last;
    if (!begin(&scene, "a_wait_shows_each_check_what_is_missing_and_the_time", WAIT, true))
        return;
    await(&scene, 0, "file_missing");
    await(&scene, 0, "waiting for snappea\033");
    ck_assert_msg(wait_until(has_time_passed, scene.pty, STEP_MS), "%s", scene.pty->text);
    ck_assert_ptr_nonnull(strstr(scene.pty->text, "app_settings  settings"));
    ck_assert_ptr_nonnull(strstr(scene.pty->text, ENTER));
    sqlite_files_make_queue(scene.world->queue_db);
    ck_assert_int_eq(end(&scene, &last), 0);
    ck_assert_msg(strstr(last, "ready after "), "%s", last);
    finish(&scene);
}
END_TEST

START_TEST(a_wait_that_a_signal_ends_says_what_was_missing) {
    struct scene scene;
    const char *last;
    if (!begin(&scene, "a_wait_that_a_signal_ends_says_what_was_missing", WAIT, true))
        return;
    await(&scene, 0, "file_missing");
    await(&scene, 0, "waiting for snappea\033"); /* and for nothing else */
    kill(scene.pid, END_SIGNALS[_i]);
    ck_assert_int_eq(end(&scene, &last), 1);
    ck_assert_msg(strstr(last, "ended by a signal after ") && strstr(last, "missing: snappea") &&
                      strstr(last, "snappea: error: file_missing."),
        "%s", last);
    finish(&scene);
}
END_TEST

/* -- in a pipe -- */

/* A command that writes to a file, where its lines can be waited for. */
static void start_in_file(struct world *world, struct daemon *output, const char *const *arguments) {
    const struct program_setup setup = {&world->environment, arguments, 0};
    int fd = program_output_file(output->log_path, sizeof output->log_path);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    output->checker = program_spawn(&setup, fd, null);
    close(fd);
    close(null);
}

static void await_line(const struct daemon *output, const char *one, const char *two) {
    char *text = NULL;
    bool is_there = daemon_wait_log(output, one, two, STEP_MS);
    if (!is_there)
        text = daemon_log(output);
    ck_assert_msg(is_there, "no line with \"%s\" and \"%s\":\n%s", one, two, text ? text : "");
    free(text);
}

struct count {
    const struct daemon *output;
    const char *text;
    int least;
};

static bool are_lines(void *arg) {
    struct count *count = arg;
    return daemon_log_lines(count->output, count->text, "") >= count->least;
}

START_TEST(a_watch_in_a_pipe_is_a_line_a_round_and_a_line_a_change) {
    struct world *world = world_new();
    struct daemon output = {.checker = -1};
    start_in_file(world, &output, CHECK);
    struct count count = {&output, "Z ready", 3};
    ck_assert(wait_until(are_lines, &count, STEP_MS));
    sqlite_files_remove(world->queue_db);
    await_line(&output, "Z not ready: ", "snappea error file_missing");
    kill(output.checker, SIGTERM);
    ck_assert_int_eq(daemon_wait_exit(&output, STEP_MS), 1);
    char *text = daemon_log(&output);
    for (const char *c = text; *c; c++)
        ck_assert_msg(*c == '\n' || (*c >= ' ' && *c <= '~'), "not plain ASCII:\n%s", text);
    free(text);
    world_end(world);
}
END_TEST

START_TEST(a_watch_in_json_is_one_document_a_line) {
    struct world *world = world_new();
    struct daemon output = {.checker = -1};
    start_in_file(world, &output, (const char *const[]){"check", "--json", "--watch", NULL});
    struct count count = {&output, "\"snappea\"", 3};
    ck_assert(wait_until(are_lines, &count, STEP_MS));
    kill(output.checker, SIGINT);
    ck_assert_int_eq(daemon_wait_exit(&output, STEP_MS), 0);
    char *text = daemon_log(&output), *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line;) {
        json_t *json = json_loads(line, 0, NULL);
        ck_assert_msg(json, "no JSON: %s", line);
        ck_assert_str_eq(json_string_value(json_object_get(json, "status")), "ok");
        json_decref(json);
    }
    free(text);
    world_end(world);
}
END_TEST

/* --watch=INTERVAL is the interval: a wrong one is refused like it, and three rounds of 2 s take 4 s. */
START_TEST(the_interval_of_a_watch_is_that_of_the_checks) {
    struct world *world = world_new();
    struct daemon output = {.checker = -1};
    int64_t start_ms = wait_now_ms();
    start_in_file(world, &output, (const char *const[]){"check", "--watch=2s", NULL});
    struct count count = {&output, "Z ready", 3};
    ck_assert(wait_until(are_lines, &count, 2 * STEP_MS));
    ck_assert_int_ge(wait_now_ms() - start_ms, 3900);
    kill(output.checker, SIGINT);
    ck_assert_int_eq(daemon_wait_exit(&output, STEP_MS), 0);
    world_end(world);
}
END_TEST

START_TEST(a_watch_whose_reader_has_gone_ends) {
    static const char *const *const COMMANDS[] = {CHECK, WAIT};
    struct world *world = world_new();
    sqlite_files_remove(world->queue_db);
    int ends[2], status = -1, null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    const struct program_setup setup = {&world->environment, COMMANDS[_i], 0};
    pid_t pid = program_spawn(&setup, ends[1], null);
    ck_assert(program_wait(pid, STEP_MS, &status));
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 2);
    close(ends[1]);
    close(null);
    world_end(world);
}
END_TEST

START_TEST(a_wait_in_a_pipe_is_one_line_a_change_and_a_last_sentence) {
    struct world *world = world_new();
    struct daemon output = {.checker = -1};
    sqlite_files_remove(world->queue_db);
    start_in_file(world, &output, WAIT);
    await_line(&output, "waiting for snappea: error: file_missing.", "left)");
    await_line(&output, "default: ok (", "s left)");
    sqlite_files_make_queue(world->queue_db);
    ck_assert_int_eq(daemon_wait_exit(&output, STEP_MS), 0);
    ck_assert_int_eq(daemon_log_lines(&output, "file_missing", ""), 1);
    ck_assert_int_eq(daemon_log_lines(&output, "default", ""), 1);
    ck_assert_int_eq(daemon_log_lines(&output, "snappea: ok (", "left)"), 1);
    ck_assert_int_eq(daemon_log_lines(&output, "ready after ", "s"), 1);
    world_end(world);
}
END_TEST

START_TEST(a_wait_waits_for_the_end_of_maintenance_and_says_so) {
    struct world *world = world_new();
    struct daemon output = {.checker = -1};
    char path[512];
    snprintf(path, sizeof path, "%s/maintenance", world->dir);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    envlist_set(&world->environment, "BUGSINK_HEALTH_MAINTENANCE=%s", path);
    start_in_file(world, &output, (const char *const[]){"wait", "--timeout", "0s", NULL});
    await_line(&output, "waiting for the end of maintenance.", "no limit)");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(daemon_wait_exit(&output, STEP_MS), 0);
    ck_assert_int_eq(daemon_log_lines(&output, "maintenance has ended (", ""), 1);
    world_end(world);
}
END_TEST

/* The pod that has the maintenance file may be the one that waits: nobody could take it away. */
START_TEST(a_wait_for_the_start_does_not_wait_for_the_end_of_maintenance) {
    struct world *world = world_new();
    struct daemon output = {.checker = -1};
    char path[512];
    snprintf(path, sizeof path, "%s/maintenance", world->dir);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    envlist_set(&world->environment, "BUGSINK_HEALTH_MAINTENANCE=%s", path);
    start_in_file(world, &output, (const char *const[]){"wait", "--for", "start", "--timeout", "0s", NULL});
    ck_assert_int_eq(daemon_wait_exit(&output, STEP_MS), 0);
    ck_assert_int_eq(daemon_log_lines(&output, "ready for Bugsink to start", ""), 1);
    ck_assert_int_eq(daemon_log_lines(&output, "maintenance", ""), 0);
    world_end(world);
}
END_TEST

Suite *e2e_watch_suite(void) {
    enum { SIGNAL_COUNT = sizeof END_SIGNALS / sizeof END_SIGNALS[0] };
    Suite *suite = suite_create("e2e_watch");
    TCase *tcase = tcase_create("e2e_watch");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_watch_changes_in_place_and_leaves_the_terminal_as_it_was, 0, SIGNAL_COUNT);
    tcase_add_test(tcase, a_watch_that_ends_not_ready_has_status_1);
    tcase_add_test(tcase, a_window_of_any_size_is_filled_and_not_overrun);
    tcase_add_test(tcase, a_watch_that_is_stopped_gives_the_screen_back_meanwhile);
    tcase_add_test(tcase, a_wait_shows_each_check_what_is_missing_and_the_time);
    tcase_add_loop_test(tcase, a_wait_that_a_signal_ends_says_what_was_missing, 0, SIGNAL_COUNT);
    tcase_add_test(tcase, a_watch_in_a_pipe_is_a_line_a_round_and_a_line_a_change);
    tcase_add_test(tcase, a_watch_in_json_is_one_document_a_line);
    tcase_add_test(tcase, the_interval_of_a_watch_is_that_of_the_checks);
    tcase_add_loop_test(tcase, a_watch_whose_reader_has_gone_ends, 0, 2);
    tcase_add_test(tcase, a_wait_in_a_pipe_is_one_line_a_change_and_a_last_sentence);
    tcase_add_test(tcase, a_wait_waits_for_the_end_of_maintenance_and_says_so);
    tcase_add_test(tcase, a_wait_for_the_start_does_not_wait_for_the_end_of_maintenance);
    return suite;
}
