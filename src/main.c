/* The command line: which command, and what it is given. */
#include "cmd/cmd.h"
#include "cmd/commands.h"

#include "base/log.h"
#include "base/process.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

extern char **environ;

static int print_and_end(void (*print)(void)) {
    print();
    return fflush(stdout) == 0 ? EXIT_READY : EXIT_USAGE;
}

/* What libevent has to say: a system call that failed, as a rule. */
static void log_event_loop(int severity, const char *text) {
    if (severity == EVENT_LOG_ERR)
        log_error("event loop", text);
    else if (severity != EVENT_LOG_DEBUG)
        log_warning("event loop", text);
}

static bool is_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* -v alone is the version; behind a command it is that command's. */
static bool is_version(const char *word, bool is_first) {
    return strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0 || (is_first && strcmp(word, "-v") == 0);
}

/* help, help COMMAND, help options. */
static int print_help(const char *word) {
    const struct command *command = word ? command_find(word) : NULL;
    if (!word || is_help(word))
        return print_and_end(cmd_print_help);
    if (strcmp(word, "options") == 0)
        return print_and_end(cmd_print_options);
    if (!command)
        return cmd_refuse_command(word);
    cmd_print_command_help(command);
    return fflush(stdout) == 0 ? EXIT_READY : EXIT_USAGE;
}

/* Help with what stands before the flag that asks for it. */
static int help_behind(char **argv, char **flag) {
    bool has_command = **argv != '-';
    if (flag == argv || strcmp(*argv, "version") == 0)
        return print_help(NULL);
    if (strcmp(*argv, "help") == 0)
        return print_help(argv + 1 < flag ? argv[1] : NULL);
    const struct command *command = command_find(has_command ? *argv : "serve");
    if (!command)
        return cmd_refuse_command(*argv);
    int status = command_doubt(command, argv + has_command, flag);
    return status >= 0 ? status : print_help(has_command ? *argv : NULL);
}

/* What is answered before any command runs; -1: nothing. */
static int answer(char **argv) {
    for (char **argument = argv; *argument; argument++) {
        if (is_help(*argument))
            return help_behind(argv, argument);
        if (is_version(*argument, argument == argv))
            return print_and_end(cmd_print_version);
    }
    if (*argv && strcmp(*argv, "help") == 0)
        return print_help(argv[1]);
    if (*argv && strcmp(*argv, "version") == 0)
        return print_and_end(cmd_print_version);
    return -1;
}

int main(int argc, char **argv) {
    (void)argc;
    event_set_log_callback(log_event_loop);
    const char *const *environment = (const char *const *)environ;
    process_open_standard_descriptors();
    process_settle_signals();
    if (argv[0])
        argv++;
    int status = answer(argv);
    if (status >= 0)
        return status;
    if (!*argv || (*argv)[0] == '-')
        return command_run(command_find("serve"), argv, environment);
    const struct command *command = command_find(*argv);
    return command ? command_run(command, argv + 1, environment) : cmd_refuse_command(*argv);
}
