/* Reads the command line. */
#include "cmd/args.h"

#include "base/str.h"
#include "config/suggest.h"

#include <string.h>

enum { NAME_SIZE = 64 };

/* What the flags of one command are, while its arguments are read. */
struct reader {
    struct args *args;
    const struct own_flag *own;
    bool takes_options;
    struct error *err;
};

static bool is_named(const struct own_flag *flag, const char *name) {
    return strcmp(flag->name, name) == 0 || (flag->letter && strcmp(flag->letter, name) == 0);
}

static const struct own_flag *find_own(const struct reader *reader, const char *name) {
    for (const struct own_flag *flag = reader->own; flag && flag->name; flag++)
        if (is_named(flag, name))
            return flag;
    return NULL;
}

/* The configuration's own text of that flag, which outlives the command line; NULL: there is none. */
static const char *find_option(const struct reader *reader, const char *name) {
    const struct config_option_doc *doc;
    if (strcmp(name, ARGS_CONFIG_LETTER) == 0)
        name = "--config";
    for (size_t i = 0; reader->takes_options && (doc = config_option_doc(i)) != NULL; i++)
        if (doc->flag && strcmp(doc->flag, name) == 0)
            return doc->flag;
    return NULL;
}

static int refuse_unknown(const struct reader *reader, const char *name) {
    const struct config_option_doc *doc;
    struct suggestion suggestion;
    reader->args->has_unknown_flag = true;
    suggestion_init(&suggestion, name);
    for (const struct own_flag *flag = reader->own; flag && flag->name; flag++)
        suggestion_consider(&suggestion, flag->name);
    for (size_t i = 0; reader->takes_options && (doc = config_option_doc(i)) != NULL; i++)
        if (doc->flag)
            suggestion_consider(&suggestion, doc->flag);
    suggestion_consider(&suggestion, "--help");
    suggestion_consider(&suggestion, "--version");
    if (suggestion.best && name[1] == '-')
        return error_set(
            reader->err, "unknown flag %s; did you mean %s?", str_quotable(name, ""), suggestion.best);
    return error_set(reader->err, "unknown flag %s; see --help", str_quotable(name, ""));
}

/* Whether the next argument is the value of a flag that may have one: it begins as a duration does. */
static bool has_value_behind(const struct own_flag *flag, const char *next) {
    return flag->is_value_optional && next && *next >= '0' && *next <= '9';
}

/* A flag of the command's own; value is behind its =, or NULL. Returns how many arguments it took. */
static int take_own(const struct reader *reader, const struct own_flag *flag, const char *typed,
    const char *value, char **argv) {
    struct args *args = reader->args;
    int taken = 1;
    if (!flag->value && value)
        return error_set(reader->err, "flag %s takes no value", typed);
    if (flag->value && !value && (!flag->is_value_optional || has_value_behind(flag, argv[1]))) {
        value = argv[1];
        taken = 2;
    }
    if (flag->value && ((!value && !flag->is_value_optional) || (value && !*value)))
        return error_set(reader->err, "flag %s needs a value", typed);
    args->own[args->own_count++] = (struct config_flag){flag->name, value, NULL};
    return taken;
}

/* Reads the flag that begins at argv[0]; returns how many arguments it took, -1 on failure. */
static int parse_flag(const struct reader *reader, char **argv) {
    char name[NAME_SIZE];
    struct args *args = reader->args;
    const char *equals = strchr(argv[0], '=');
    size_t length = equals ? (size_t)(equals - argv[0]) : strlen(argv[0]);
    if (length >= sizeof name)
        return error_set(reader->err, "unknown flag (too long to show)");
    memcpy(name, argv[0], length);
    name[length] = '\0';
    const struct own_flag *mine = find_own(reader, name);
    if (mine)
        return take_own(reader, mine, name, equals ? equals + 1 : NULL, argv);
    const char *option = find_option(reader, name), *value = equals ? equals + 1 : argv[1];
    if (!option)
        return refuse_unknown(reader, name);
    if (!value)
        return error_set(reader->err, "flag %s needs a value", name);
    args->flags[args->flag_count++] =
        (struct config_flag){option, value, strcmp(name, option) == 0 ? NULL : ARGS_CONFIG_LETTER};
    return equals ? 1 : 2;
}

int args_parse(struct args *args, char **argv, const struct own_flag *own, bool takes_options,
    const char *const *environment, struct error *err) {
    const struct reader reader = {args, own, takes_options, err};
    *args = (struct args){0};
    int count = 0;
    while (*argv) {
        if (++count > ARGS_MAX)
            return error_set(err, "too many arguments");
        if ((*argv)[0] == '-') {
            int taken = parse_flag(&reader, argv);
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
