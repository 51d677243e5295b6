/* End to end: `check` shows colour and symbols on a terminal that wants them, and nowhere else. */
#include "base/str.h"
#include "e2e/world.h"
#include "harness/pty.h"
#include "harness/skip.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMMAND_MS = 5000 };

static const struct {
    const char *name;
    bool is_terminal;
    const char *variables[3]; /* NAME=VALUE */
    bool has_colour, has_symbols;
} OUTPUTS[] = {
    {"a terminal", true, {"TERM=xterm-256color"}, true, false},
    {"a terminal that has no name", true, {NULL}, true, false},
    {"a terminal, NO_COLOR set", true, {"TERM=xterm-256color", "NO_COLOR=1"}, false, false},
    /* no-color.org: "when present and not an empty string" */
    {"a terminal, NO_COLOR empty", true, {"TERM=xterm-256color", "NO_COLOR="}, true, false},
    {"a dumb terminal", true, {"TERM=dumb", "LANG=C.UTF-8"}, false, false},
    {"a pipe", false, {"TERM=xterm-256color", "LANG=C.UTF-8"}, false, false},
    {"a terminal, UTF-8", true, {"TERM=xterm", "LANG=de_DE.UTF-8"}, true, true},
    {"a terminal, UTF-8, NO_COLOR set", true, {"TERM=xterm", "LANG=C.utf8", "NO_COLOR=1"}, false, true},
    /* POSIX: LC_ALL wins over LC_CTYPE, that over LANG, where they are not empty. */
    {"a terminal, LC_ALL=C", true, {"LC_ALL=C", "LC_CTYPE=C.UTF-8", "LANG=C.UTF-8"}, true, false},
    {"a terminal, LC_CTYPE=C", true, {"LC_ALL=", "LC_CTYPE=C", "LANG=C.UTF-8"}, true, false},
    {"a terminal, LC_CTYPE=C.UTF-8", true, {"LC_CTYPE=C.UTF-8", "LANG=C"}, true, true},
};

/* Runs `check` with its output on a pseudo-terminal or a pipe, and leaves what it said in text: far less than
 * either of them holds, so it can be read afterwards. Returns false where there are no pseudo-terminals. */
static bool run_check(const struct world *world, bool is_terminal, char *text, size_t size) {
    const struct program_setup setup = {&world->environment, (const char *const[]){"check", NULL}, 0};
    struct pty *pty = is_terminal ? pty_open() : NULL;
    int status = -1, ends[2] = {-1, -1};
    if (is_terminal && !pty)
        return false;
    if (!is_terminal)
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    int output = pty ? pty->slave : ends[1];
    ck_assert_int_eq(isatty(output), is_terminal);
    pid_t pid = program_spawn(&setup, output, output);
    ck_assert(program_wait(pid, COMMAND_MS, &status));
    ck_assert_int_eq(status, 0);
    if (pty) {
        pty_read(pty);
        str_copy(text, size, pty->text);
        pty_close(pty);
        return true;
    }
    ssize_t length = read(ends[0], text, size - 1);
    text[length > 0 ? length : 0] = '\0';
    close(ends[0]);
    close(ends[1]);
    return true;
}

START_TEST(colour_and_symbols_are_for_terminals_that_want_them) {
    struct world *world = world_new();
    char text[16384];
    for (size_t i = 0; i < 3 && OUTPUTS[_i].variables[i]; i++)
        envlist_set(&world->environment, "%s", OUTPUTS[_i].variables[i]);
    if (!run_check(world, OUTPUTS[_i].is_terminal, text, sizeof text)) {
        skip_test(
            "colour_and_symbols_are_for_terminals_that_want_them", "there are no pseudo-terminals here");
        world_end(world);
        return;
    }
    ck_assert_msg(
        strstr(text, "default") && strstr(text, "ready"), "%s: no table:\n%s", OUTPUTS[_i].name, text);
    if (OUTPUTS[_i].has_colour)
        ck_assert_msg(strstr(text, "\033[32m") && strstr(text, "\033[0m"), "%s: no colour:\n%s",
            OUTPUTS[_i].name, text);
    else
        ck_assert_msg(!strchr(text, '\033'), "%s: colour:\n%s", OUTPUTS[_i].name, text);
    bool has_symbols = strstr(text, "\u2713") != NULL, is_ascii = true;
    for (const char *c = text; *c; c++)
        is_ascii = is_ascii && (unsigned char)*c < 0x80;
    ck_assert_msg(has_symbols == OUTPUTS[_i].has_symbols && is_ascii != has_symbols, "%s: symbols:\n%s",
        OUTPUTS[_i].name, text);
    world_end(world);
}
END_TEST

/* A refusal is one line for a pipe, and whole words within the width of a terminal. */
START_TEST(a_refusal_is_broken_at_the_terminals_width) {
    struct world *world = world_new();
    const struct program_setup setup = {
        &world->environment, (const char *const[]){"check", "--nosuchflag", NULL}, 0};
    struct pty *pty = pty_open();
    int status = -1;
    if (!pty) {
        skip_test("a_refusal_is_broken_at_the_terminals_width", "there are no pseudo-terminals here");
        world_end(world);
        return;
    }
    pty_resize(pty, 30, 24);
    ck_assert(program_wait(program_spawn(&setup, pty->slave, pty->slave), COMMAND_MS, &status));
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    pty_read(pty);
    ck_assert_str_eq(pty->text, "bugsink-health: unknown flag\r\n--nosuchflag; see --help\r\n");
    pty_close(pty);
    world_end(world);
}
END_TEST

Suite *e2e_colour_suite(void) {
    Suite *suite = suite_create("e2e_colour");
    TCase *tcase = tcase_create("e2e_colour");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(
        tcase, colour_and_symbols_are_for_terminals_that_want_them, 0, sizeof OUTPUTS / sizeof OUTPUTS[0]);
    tcase_add_test(tcase, a_refusal_is_broken_at_the_terminals_width);
    return suite;
}
