/* config: validates and prints the configuration in force, each value with where it came from. */
#include "cmd/all.h"

#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "cmd/terminal.h"
#include "render/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int run(struct args *args);

const struct command command_config = {
    .name = "config",
    .takes_options = true,
    .help = "validate and print the configuration in force, and where each value comes from",
    .about = "Validates the configuration and prints what is in force: each value with where\n"
             "it comes from, secrets blanked, warnings last. Nothing is connected to.\n"
             "Exit status 0, or 2 where the sidecar would refuse the configuration.\n",
    .run = run,
};

static void on_checked(void *arg, bool is_change) {
    (void)arg;
    (void)is_change;
}

/* A value may be as long as a path: from here on the origins are not aligned to it. */
enum { VALUE_WIDTH_MAX = 40 };

static int widen(int width, const char *text, size_t most) {
    size_t length = strlen(text);
    return length <= most && (int)length > width ? (int)length : width;
}

/* A copy in which nothing can act on a terminal: control characters (C1 in UTF-8 too) are question marks. The
 * caller frees. */
static char *make_harmless(const char *text) {
    char *copy = str_dup(text);
    for (unsigned char *c = (unsigned char *)copy; *c; c++)
        if (*c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)) {
            if (*c == 0xc2)
                *c++ = '?';
            *c = '?';
        }
    return copy;
}

static void print_item(const struct config_item *item, int key_width, int value_width, bool has_colour) {
    bool is_dim = has_colour && strcmp(item->origin, "default") == 0;
    char *value = make_harmless(item->value), *origin = make_harmless(item->origin);
    printf("%s%-*s = %-*s  (%s)%s\n", is_dim ? "\033[2m" : "", key_width, item->key, value_width, value,
        origin, is_dim ? "\033[0m" : "");
    free(value);
    free(origin);
}

static void print_warning(const char *warning, bool has_colour) {
    char *text = make_harmless(warning);
    printf("%swarning: %s%s\n", has_colour ? "\033[33m" : "", text, has_colour ? "\033[0m" : "");
    free(text);
}

/* What somebody has set stands out on a terminal: the defaults are dim. */
static void print(const struct config *config, bool has_colour) {
    int key_width = 0, value_width = 0;
    for (size_t i = 0; i < config->item_count; i++) {
        key_width = widen(key_width, config->items[i].key, SIZE_MAX);
        value_width = widen(value_width, config->items[i].value, VALUE_WIDTH_MAX);
    }
    for (size_t i = 0; i < config->item_count; i++)
        print_item(&config->items[i], key_width, value_width, has_colour);
    for (size_t i = 0; i < config->warning_count; i++)
        print_warning(config->warnings[i], has_colour);
}

static int run(struct args *args) {
    struct error err;
    /* Every check is prepared, and none is run: what serve would refuse is refused here. */
    struct session session = {0};
    const struct engine_events events = {.checked = on_checked};
    if (session_open(&session, args, &events, NULL, &err) < 0)
        return cmd_refuse_error(&err);
    print(
        engine_config(session.engine), terminal_style(args->source.environment, STDOUT_FILENO) & TEXT_COLOUR);
    session_close(&session);
    return fflush(stdout) == 0 ? EXIT_READY : cmd_refuse("cannot write to standard output");
}
