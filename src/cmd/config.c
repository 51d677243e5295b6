/* config: validates and prints the configuration in force, each value with where it came from. */
#include "cmd/cmd.h"

#include "checks/check.h"
#include "cmd/args.h"

#include <stdio.h>
#include <string.h>

/* Refuses kinds that this build lacks, as serve would. */
static int refuse_unsupported(const struct config *config, struct error *err) {
    for (size_t i = 0; i < config->check_count; i++)
        if (check_kind_require(config->checks[i].kind, err) == NULL)
            return error_prefix(err, "check \"%s\"", config->checks[i].name);
    return 0;
}

static void print(const struct config *config) {
    int width = 0;
    for (size_t i = 0; i < config->item_count; i++)
        if ((int)strlen(config->items[i].key) > width)
            width = (int)strlen(config->items[i].key);
    for (size_t i = 0; i < config->item_count; i++)
        printf("%-*s = %s  (%s)\n", width, config->items[i].key, config->items[i].value,
            config->items[i].origin);
    for (size_t i = 0; i < config->warning_count; i++)
        printf("warning: %s\n", config->warnings[i]);
}

int cmd_config(char **argv, const char *const *environment) {
    struct args args;
    struct error err;
    if (args_parse(&args, argv, NULL, environment, &err) < 0)
        return cmd_refuse(err.text);
    if (args.word_count > 0)
        return cmd_refuse("config takes flags only");
    struct config *config = config_load(&args.source, &err);
    if (!config)
        return cmd_refuse(err.text);
    int result = refuse_unsupported(config, &err);
    if (result == 0)
        print(config);
    config_free(config);
    return result < 0 ? cmd_refuse(err.text) : EXIT_READY;
}
