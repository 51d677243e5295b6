/* The list of commands, from which the command line, --help and the tests of the completion and of the manual
 * all come. Each command declares itself on top of its file. */
#ifndef BH_CMD_COMMANDS_H
#define BH_CMD_COMMANDS_H

#include "cmd/args.h"

#include <stdbool.h>
#include <stddef.h>

struct command {
    const char *name;
    const char *words;            /* what it takes besides flags: "[live|ready|URL]"; NULL: nothing */
    const struct own_flag *flags; /* of its own; NULL: none */
    bool takes_options;           /* and the flags of the configuration besides */
    const char *help;             /* in one line */
    const char *about; /* for the command's own help: lines of at most 80 columns, each with its end */
    int (*refuse_word)(const char *word); /* -1: it takes that word; NULL: it takes any, or none */
    int (*run)(struct args *args);        /* returns the process's exit status */
};

/* The n-th of them, NULL past the last. */
const struct command *command_at(size_t n);

/* The command of that name, or NULL. */
const struct command *command_find(const char *name);

/* Reads the command's arguments and runs it. argv holds what follows the command's name; environment is
 * NAME=VALUE; both NULL-terminated. Returns the process's exit status. */
int command_run(const struct command *command, char **argv, const char *const *environment);

/* Refuses a flag or word, among those from argv up to end, that the command does not have, and names the
 * nearest; returns the exit status. -1: it has them all; a value that is missing or wrong does not matter. */
int command_doubt(const struct command *command, char **argv, char **end);

#endif
