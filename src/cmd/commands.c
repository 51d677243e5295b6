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

static int refuse_first_word(const struct command *command, const struct args *args) {
    struct error err;
    error_set(&err, "%s takes no word (\"%s\"), only flags; see bugsink-health help %s", command->name,
        str_quotable(args->words[0], ""), command->name);
    return cmd_refuse(err.text);
}

int command_doubt(const struct command *command, char **argv, char **end) {
    struct args args;
    struct error err;
    char *typed[ARGS_MAX + 1] = {NULL};
    for (size_t i = 0; i < ARGS_MAX && argv + i < end; i++)
        typed[i] = argv[i];
    int result = args_parse(&args, typed, command->flags, command->takes_options, NULL, &err), status = -1;
    if (result < 0)
        return args.has_unknown_flag ? cmd_refuse(err.text) : -1;
    if (!command->words && args.word_count > 0)
        return refuse_first_word(command, &args);
    for (size_t i = 0; i < args.word_count && status < 0 && command->refuse_word; i++)
        status = command->refuse_word(args.words[i]);
    return status;
}

int command_run(const struct command *command, char **argv, const char *const *environment) {
    struct args args;
    struct error err;
    if (args_parse(&args, argv, command->flags, command->takes_options, environment, &err) < 0)
        return cmd_refuse(err.text);
    if (!command->words && args.word_count > 0)
        return refuse_first_word(command, &args);
    return command->run(&args);
}
