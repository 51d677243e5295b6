/* The command line: which command, and what it is given. */
#include "cmd/cmd.h"

#include "base/process.h"
#include "base/str.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

extern char **environ;

static const struct command {
    const char *name;
    int (*run)(char **argv, const char *const *environment);
} COMMANDS[] = {
    {"serve", cmd_serve},
    {"check", cmd_check},
    {"wait", cmd_wait},
    {"probe", cmd_probe},
    {"config", cmd_config},
    {"explain", cmd_explain},
};

static int print_and_end(void (*print)(void)) {
    print();
    return fflush(stdout) == 0 ? EXIT_READY : EXIT_USAGE;
}

int main(int argc, char **argv) {
    (void)argc;
    const char *const *environment = (const char *const *)environ;
    process_open_standard_descriptors();
    signal(SIGPIPE, SIG_IGN);
    if (argv[0])
        argv++;
    for (char **argument = argv; *argument; argument++) {
        if (strcmp(*argument, "--help") == 0 || strcmp(*argument, "-h") == 0)
            return print_and_end(cmd_print_help);
        if (strcmp(*argument, "--version") == 0 || strcmp(*argument, "-V") == 0)
            return print_and_end(cmd_print_version);
    }
    if (!*argv || (*argv)[0] == '-')
        return cmd_serve(argv, environment);
    for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++)
        if (strcmp(*argv, COMMANDS[i].name) == 0)
            return COMMANDS[i].run(argv + 1, environment);
    char text[128];
    snprintf(text, sizeof text, "unknown command \"%s\"; see --help", str_quotable(*argv, ""));
    return cmd_refuse(text);
}
