/* Reads the command line. */
#include "cmd/args.h"

#include "base/str.h"

#include <string.h>

static const struct own_flag *find_own(const struct own_flag *own, const char *name) {
    for (; own && own->name; own++)
        if (strcmp(own->name, name) == 0)
            return own;
    return NULL;
}

/* Reads the flag that begins at argv[0]; returns how many arguments it took, -1 on failure. */
static int parse_flag(struct args *args, char **argv, const struct own_flag *own, struct error *err) {
    char name[64];
    const char *equals = strchr(argv[0], '=');
    size_t length = equals ? (size_t)(equals - argv[0]) : strlen(argv[0]);
    if (length >= sizeof name)
        return error_set(err, "unknown flag (too long to show)");
    memcpy(name, argv[0], length);
    name[length] = '\0';

    const struct own_flag *mine = find_own(own, name);
    if (!mine && !config_is_flag(name))
        return error_set(err, "unknown flag %s; see --help", str_quotable(name, ""));
    if (mine && !mine->value && equals)
        return error_set(err, "flag %s takes no value", name);
    if (mine && !equals && (!mine->value || mine->is_value_optional)) {
        args->own[args->own_count++] = (struct config_flag){mine->name, NULL};
        return 1;
    }
    const char *value = equals ? equals + 1 : argv[1];
    if (!value || (mine && !*value))
        return error_set(err, "flag %s needs a value", name);
    if (mine) {
        args->own[args->own_count++] = (struct config_flag){mine->name, value};
    } else {
        /* The name must outlive this frame: the configuration's own copy of it does. */
        for (size_t i = 0; config_option_doc(i); i++)
            if (config_option_doc(i)->flag && strcmp(config_option_doc(i)->flag, name) == 0)
                args->flags[args->flag_count++] = (struct config_flag){config_option_doc(i)->flag, value};
    }
    return equals ? 1 : 2;
}

int args_parse(struct args *args, char **argv, const struct own_flag *own, const char *const *environment,
    struct error *err) {
    *args = (struct args){0};
    int count = 0;
    while (*argv) {
        if (++count > ARGS_MAX)
            return error_set(err, "too many arguments");
        if ((*argv)[0] == '-') {
            int taken = parse_flag(args, argv, own, err);
            if (taken < 0)
                return -1;
            argv += taken;
        } else {
            args->words[args->word_count++] = *argv++;
        }
    }
    args->source = (struct config_source){environment, args->flags, args->flag_count};
    return 0;
}

static const struct config_flag *find(const struct args *args, const char *name) {
    for (size_t i = args->own_count; i > 0; i--)
        if (strcmp(args->own[i - 1].name, name) == 0)
            return &args->own[i - 1];
    return NULL;
}

const char *args_value(const struct args *args, const char *name, const char *fallback) {
    const struct config_flag *flag = find(args, name);
    return flag ? flag->value : fallback;
}

bool args_has(const struct args *args, const char *name) {
    return find(args, name) != NULL;
}
