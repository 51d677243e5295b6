/* The one list of commands, and how one is run. */
#include "cmd/commands.h"

#include "cmd/all.h"
#include "base/str.h"
#include "cmd/cmd.h"

#include <string.h>

/* In the order of --help. */
static const struct command *const COMMANDS[] = {
    &command_serve,
    &command_check,
    &command_wait,
    &command_probe,
    &command_config,
    &command_explain,
};

const struct command *command_at(size_t n) {
    return n < sizeof COMMANDS / sizeof COMMANDS[0] ? COMMANDS[n] : NULL;
}

const struct command *command_find(const char *name) {
    for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++)
        if (strcmp(COMMANDS[i]->name, name) == 0)
            return COMMANDS[i];
    return NULL;
}

int command_run(const struct command *command, char **argv, const char *const *environment) {
    struct args args;
    struct error err;
    if (args_parse(&args, argv, command->flags, command->takes_options, environment, &err) < 0)
        return cmd_refuse(err.text);
    if (!command->words && args.word_count > 0) {
        error_set(&err, "%s takes no word (\"%s\"), only flags; see bugsink-health help %s", command->name,
            str_quotable(args.words[0], ""), command->name);
        return cmd_refuse(err.text);
    }
    return command->run(&args);
}
