/* The one table of commands and of their own flags. */
#include "cmd/commands.h"

#include "cmd/cmd.h"

#include <string.h>

static const struct own_flag CHECK_FLAGS[] = {
    {"--json", NULL, false, "the health document instead of the table; with --watch one a line"},
    {"--watch", "INTERVAL", true,
        "go on until Ctrl-C: in place on a terminal, else one line a round; INTERVAL as --interval"},
    {0},
};

static const struct own_flag WAIT_FLAGS[] = {
    {"--timeout", "60s", false, "for the whole wait; 0s: no limit"},
    {"--for", "ready|start", false,
        "start: until Bugsink may be started; what its start mends, such as missing migrations, does not "
        "count"},
    {0},
};

static const struct own_flag PROBE_FLAGS[] = {
    {"--timeout", "3s", false, "for the answer"},
    {0},
};

static const struct own_flag EXPLAIN_FLAGS[] = {
    {"--markdown", NULL, false, "all of them, as the README's table"},
    {0},
};

static const struct command COMMANDS[] = {
    {"serve", cmd_serve, NULL, NULL, true, "run the sidecar; also without a command"},
    {"check", cmd_check, NULL, CHECK_FLAGS, true,
        "one round of all checks, now; exit 0 ready, 1 not ready, 2 bad usage"},
    {"wait", cmd_wait, NULL, WAIT_FLAGS, true, "wait until ready, saying what is missing"},
    {"probe", cmd_probe, "[live|ready|started|self|URL]", PROBE_FLAGS, true,
        "ask a running sidecar (ready, where nothing is named); print the reason when it fails"},
    {"config", cmd_config, NULL, NULL, true,
        "validate and print the configuration in force, secrets blanked, with where each value comes from"},
    {"explain", cmd_explain, "[CODE...]", EXPLAIN_FLAGS, false,
        "what a code means and what to do about it; without a code, all of them"},
};

const struct command *command_at(size_t n) {
    return n < sizeof COMMANDS / sizeof COMMANDS[0] ? &COMMANDS[n] : NULL;
}

const struct command *command_find(const char *name) {
    for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++)
        if (strcmp(COMMANDS[i].name, name) == 0)
            return &COMMANDS[i];
    return NULL;
}
