/* config: validates and prints the configuration in force, each value with where it came from. */
#include "cmd/cmd.h"

#include "cmd/args.h"
#include "cmd/session.h"

#include <stdio.h>
#include <string.h>

static void on_checked(void *arg, bool is_change) {
    (void)arg;
    (void)is_change;
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
    /* Every check is prepared, and none is run: what serve would refuse is refused here. */
    struct session session = {0};
    const struct engine_events events = {.checked = on_checked};
    if (session_open(&session, &args, &events, NULL, &err) < 0)
        return cmd_refuse(err.text);
    print(engine_config(session.engine));
    session_close(&session);
    return fflush(stdout) == 0 ? EXIT_READY : cmd_refuse("cannot write to standard output");
}
