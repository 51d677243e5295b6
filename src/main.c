/* The command line: which command, and what it is given. */
#include "cmd/cmd.h"
#include "cmd/commands.h"

#include "base/log.h"
#include "base/process.h"
#include "base/str.h"

#include <event2/event.h>
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

int main(int argc, char **argv) {
    (void)argc;
    event_set_log_callback(log_event_loop);
    const char *const *environment = (const char *const *)environ;
    process_open_standard_descriptors();
    process_settle_signals();
    if (argv[0])
        argv++;
    for (char **argument = argv; *argument; argument++) {
        if (strcmp(*argument, "--help") == 0 || strcmp(*argument, "-h") == 0)
            return print_and_end(cmd_print_help);
        if (strcmp(*argument, "--version") == 0 || strcmp(*argument, "-V") == 0)
            return print_and_end(cmd_print_version);
    }
    if (!*argv || (*argv)[0] == '-')
        return command_run(command_find("serve"), argv, environment);
    const struct command *command = command_find(*argv);
    if (command)
        return command_run(command, argv + 1, environment);
    char text[128];
    snprintf(text, sizeof text, "unknown command \"%s\"; see --help", str_quotable(*argv, ""));
    return cmd_refuse(text);
}
