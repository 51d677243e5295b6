/* The command line, taken apart: the configuration's flags, the command's own, and words. */
#ifndef BH_CMD_ARGS_H
#define BH_CMD_ARGS_H

#include "base/error.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

enum { ARGS_MAX = 64 };

/* A flag of one command's own. */
struct own_flag {
    const char *name;  /* "--json"; NULL ends a list */
    const char *value; /* what its value is or may be, for --help: "60s", "ready|start"; NULL: it has none */
    bool is_value_optional; /* then it stands behind a =, or begins with a digit */
    const char *help;
    const char *letter; /* "-w", which means the same; NULL: none */
};

struct args {
    struct config_flag flags[ARGS_MAX]; /* of the configuration */
    size_t flag_count;
    struct config_flag own[ARGS_MAX]; /* of the command; value NULL where none was given */
    size_t own_count;
    const char *words[ARGS_MAX];
    size_t word_count;
    bool has_unknown_flag;       /* what has failed */
    struct config_source source; /* of the environment and the flags above */
};

/* The letter for the configuration's --config, in every command that takes options. */
#define ARGS_CONFIG_LETTER "-c"

/* Reads "--flag value", "--flag=value", "-f value" and words. own is the command's own flags, which win over
 * flags of the configuration with the same name; without takes_options there are no others. Strings are
 * borrowed. An error names what was typed, and the nearest flag there is. */
int args_parse(struct args *args, char **argv, const struct own_flag *own, bool takes_options,
    const char *const *environment, struct error *err);

/* The value of an own flag; fallback where the flag was not given. For one that may have no value, use
 * args_has besides. */
const char *args_value(const struct args *args, const char *name, const char *fallback);
bool args_has(const struct args *args, const char *name);

#endif
