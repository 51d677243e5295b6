/* Runs commands, and keeps what the last one said. */
#include "e2e/commandline.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { COMMAND_MS = 5000 };

struct program_result *commandline_result;

void commandline_set_up(void) {
    commandline_result = malloc(sizeof *commandline_result);
}

void commandline_tear_down(void) {
    free(commandline_result);
}

int commandline_run(const struct world *world, const char *one, const char *two, const char *three) {
    const char *const arguments[] = {one, two, three, NULL};
    const struct program_setup setup = {&world->environment, arguments, 0};
    program_run(&setup, COMMAND_MS, commandline_result);
    return commandline_result->exit_status;
}

void assert_output_has(const char *text) {
    ck_assert_msg(strstr(commandline_result->output, text), "no \"%s\" in:\n%s%s", text,
        commandline_result->output, commandline_result->errors);
}

void assert_errors_have(const char *text) {
    ck_assert_msg(strstr(commandline_result->errors, text), "no \"%s\" in:\n%s%s", text,
        commandline_result->errors, commandline_result->output);
}
