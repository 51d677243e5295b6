/* End to end: `check` shows colour on a terminal that wants it, and nowhere else. */
#include "e2e/world.h"
#include "harness/skip.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { COMMAND_MS = 5000 };

static const struct {
    const char *name;
    bool is_terminal;
    const char *variables[2]; /* NAME=VALUE */
    bool has_colour;
} OUTPUTS[] = {
    {"a terminal", true, {"TERM=xterm-256color"}, true},
    {"a terminal that has no name", true, {NULL}, true},
    {"a terminal, NO_COLOR set", true, {"TERM=xterm-256color", "NO_COLOR=1"}, false},
    /* no-color.org: "when present and not an empty string" */
    {"a terminal, NO_COLOR empty", true, {"TERM=xterm-256color", "NO_COLOR="}, true},
    {"a dumb terminal", true, {"TERM=dumb"}, false},
    {"a pipe", false, {"TERM=xterm-256color"}, false},
};

/* Opens a pseudo-terminal or a pipe: ends[0] to read, ends[1] to write. Returns false where there are no
 * pseudo-terminals: in a bare chroot, say. */
static bool open_output(bool is_terminal, int ends[2]) {
    if (!is_terminal) {
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        return true;
    }
    ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends[0] < 0)
        return false;
    ck_assert_msg(grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0, "no pseudo-terminal");
    ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(ends[1], 0);
    return true;
}

/* Runs `check` with its output there, and leaves what it said in text: far less than either of them holds, so
 * it can be read afterwards. */
static void run_check(const struct world *world, int ends[2], char *text, size_t size) {
    const struct program_setup setup = {&world->environment, (const char *const[]){"check", NULL}, 0};
    int status = -1;
    pid_t pid = program_spawn(&setup, ends[1], ends[1]);
    ck_assert(program_wait(pid, COMMAND_MS, &status));
    ck_assert_int_eq(status, 0);
    size_t length = 0;
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    for (ssize_t got; (got = read(ends[0], text + length, size - 1 - length)) > 0;)
        length += (size_t)got;
    text[length] = '\0';
}

START_TEST(colour_is_for_terminals_that_want_it) {
    struct world *world = world_new();
    char text[16384];
    int ends[2];
    for (size_t i = 0; i < 2 && OUTPUTS[_i].variables[i]; i++)
        envlist_set(&world->environment, "%s", OUTPUTS[_i].variables[i]);
    if (!open_output(OUTPUTS[_i].is_terminal, ends)) {
        skip_test("colour_is_for_terminals_that_want_it", "there are no pseudo-terminals here");
        world_end(world);
        return;
    }
    ck_assert_int_eq(isatty(ends[1]), OUTPUTS[_i].is_terminal);
    run_check(world, ends, text, sizeof text);
    ck_assert_msg(
        strstr(text, "default") && strstr(text, "ready"), "%s: no table:\n%s", OUTPUTS[_i].name, text);
    if (OUTPUTS[_i].has_colour)
        ck_assert_msg(strstr(text, "\033[32m") && strstr(text, "\033[0m"), "%s: no colour:\n%s",
            OUTPUTS[_i].name, text);
    else
        ck_assert_msg(!strchr(text, '\033'), "%s: colour:\n%s", OUTPUTS[_i].name, text);
    close(ends[0]);
    close(ends[1]);
    world_end(world);
}
END_TEST

Suite *e2e_colour_suite(void) {
    Suite *suite = suite_create("e2e_colour");
    TCase *tcase = tcase_create("e2e_colour");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, colour_is_for_terminals_that_want_it, 0, sizeof OUTPUTS / sizeof OUTPUTS[0]);
    return suite;
}
