/* The reader of the check of Bugsink's settings: a file, or the environment shared with Bugsink. */
#include "config/environment.h"
#include "config/kind.h"
#include "config/walk.h"
#include "config/loader.h"
#include "config/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char SHARED[] = "env"; /* the word for the shared environment, in the place of a path */

static const char *const FORMATS[] = {[SETTINGS_PYTHON] = "python",
    [SETTINGS_JSON] = "json",
    [SETTINGS_ENV] = "env",
    [SETTINGS_ENVIRONMENT] = "environment"};

enum { FORMAT_COUNT = sizeof FORMATS / sizeof FORMATS[0], REQUIRE_MAX = 100, SWAP_MS = 2000 };

const char *settings_format_name(enum settings_format format) {
    return FORMATS[format];
}

/* Reads settings.format; *format is left alone where it is not set. */
static int parse_format(struct loader *loader, enum settings_format *format) {
    const struct option_value *value = &loader->values[OPTION_SETTINGS_FORMAT];
    int found = value->text ? option_find_word(value->text, FORMATS, FORMAT_COUNT) : (int)*format;
    if (found >= 0) {
        *format = (enum settings_format)found;
        return 0;
    }
    error_set(loader->err, "%s is not a format; write python, json, env or environment",
        option_quotable(value->text));
    return option_value_fail(loader, value);
}

static bool find_extension(const char *path, enum settings_format *format) {
    static const struct {
        const char *extension;
        enum settings_format format;
    } extensions[] = {{".py", SETTINGS_PYTHON}, {".json", SETTINGS_JSON}, {".env", SETTINGS_ENV}};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof extensions / sizeof extensions[0]; i++)
        if (strcmp(dot, extensions[i].extension) == 0) {
            *format = extensions[i].format;
            return true;
        }
    return false;
}

/* The format of a file: as the file says where it names the path too, else by the extension, else as the file
 * says. */
static int find_format(struct loader *loader, enum settings_format *format) {
    const struct option_value *path = &loader->values[OPTION_SETTINGS],
                              *named = &loader->values[OPTION_SETTINGS_FORMAT];
    enum settings_format by_extension = SETTINGS_ENV;
    bool has_extension = find_extension(path->text, &by_extension);
    if (has_extension && (!named->text || path->layer != LAYER_FILE)) {
        *format = by_extension;
    } else if (!named->text) {
        error_set(loader->err,
            "the path ends in none of .py, .json and .env; say which it is with settings.format in the "
            "configuration file: python, json or env");
        return option_value_fail(loader, path);
    } else if (*format == SETTINGS_ENVIRONMENT) {
        error_set(loader->err,
            "environment is the one that Bugsink shares, and has no path; of a file with NAME=VALUE "
            "lines the format is env");
        return option_value_fail(loader, named);
    }
    return 0;
}

static bool is_variable_name(const char *text) {
    if (!isalpha((unsigned char)*text) && *text != '_')
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && *text != '_')
            return false;
    return true;
}

static void set_require(struct settings_config *config, const char *const *names, size_t count) {
    config->require = memory_grow(NULL, count + 1, sizeof *config->require);
    for (size_t i = 0; i < count; i++)
        config->require[config->require_count++] = str_dup(names[i]);
}

/* The names required, from the file or the standard ones; *is_set says which. */
static int read_require(struct loader *loader, struct settings_config *config, bool *is_set) {
    static const char *const standard[] = {"SECRET_KEY"};
    const char *key = option_get(OPTION_SETTINGS_REQUIRE)->doc.key;
    const char *names[REQUIRE_MAX];
    const json_t *list = config_file_find(&loader->file, key);
    *is_set = list != NULL;
    if (!list) {
        set_require(config, standard, 1);
        return 0;
    }
    if (loader_check_type(loader, key, list, OPTION_NAMES) < 0)
        return -1;
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count && i < REQUIRE_MAX; i++) {
        names[i] = json_string_value(json_array_get(list, i));
        if (!names[i] || !is_variable_name(names[i])) {
            error_set(loader->err,
                "number %zu is not the name of a setting; write names such as \"SECRET_KEY\"", i + 1);
            return loader_fail_in_file(loader, key);
        }
    }
    if (count > REQUIRE_MAX) {
        error_set(loader->err, "at most %d names", REQUIRE_MAX);
        return loader_fail_in_file(loader, key);
    }
    set_require(config, names, count);
    return 0;
}

/* Copies the environment, but for our own variables. */
static void copy_environment(const struct loader *loader, struct settings_config *config) {
    const char *const *environment = loader->source->environment;
    size_t count = 0;
    while (environment && environment[count])
        count++;
    config->environment = memory_grow(NULL, count + 1, sizeof *config->environment);
    char **to = config->environment;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environment[i], "BUGSINK_HEALTH_", 15) != 0)
            *to++ = str_dup(environment[i]);
    *to = NULL;
}

static void add_items(
    struct loader *loader, const struct settings_config *config, const char *origin, bool has_require) {
    struct strbuf names = {.is_vital = true};
    for (size_t i = 0; i < config->require_count; i++)
        strbuf_format(&names, "%s%s", i > 0 ? ", " : "", config->require[i]);
    const struct option_value *format = &loader->values[OPTION_SETTINGS_FORMAT];
    bool is_named = format->text && strcmp(format->text, settings_format_name(config->format)) == 0;
    loader_add_item(loader, "settings.path", config->path ? config->path : SHARED, origin);
    loader_add_item(
        loader, "settings.format", settings_format_name(config->format), is_named ? format->origin : origin);
    loader_add_file_item(loader, "settings.require", names.data, has_require);
    strbuf_release(&names);
}

static int add_check(
    struct loader *loader, const char *path, enum settings_format format, const char *origin) {
    struct settings_config *config = &loader_add_check(loader, CHECK_NAME_SETTINGS, KIND_SETTINGS)->settings;
    bool has_require;
    config->path = str_dup(path);
    config->format = format;
    if (format == SETTINGS_ENVIRONMENT)
        copy_environment(loader, config);
    if (read_require(loader, config, &has_require) < 0)
        return -1;
    add_items(loader, config, origin, has_require);
    return 0;
}

/* Nobody names a path: the file may still ask for the shared environment, and where SECRET_KEY is in ours, it
 * is shared. */
static int add_without_path(struct loader *loader, enum settings_format format) {
    const json_t *group = loader->file.root ? json_object_get(loader->file.root, "settings") : NULL;
    const struct option_value *named = &loader->values[OPTION_SETTINGS_FORMAT];
    bool is_shared = environment_get(loader->source->environment, "SECRET_KEY") && !json_is_null(group);
    if (format == SETTINGS_ENVIRONMENT && (named->text || is_shared))
        return add_check(loader, NULL, format, named->text ? named->origin : "environment SECRET_KEY");
    if (json_is_object(group)) {
        error_set(loader->err, "missing: which file is to be checked? Or write \"format\": \"environment\"");
        return loader_fail_in_file(loader, "settings.path");
    }
    loader_add_item(loader, "settings.path", "not configured", NULL);
    return 0;
}

static int load(struct loader *loader) {
    const struct option_value *path = &loader->values[OPTION_SETTINGS];
    enum settings_format format = SETTINGS_ENVIRONMENT;
    if (parse_format(loader, &format) < 0)
        return -1;
    if (!path->text)
        return add_without_path(loader, format);
    if (strcmp(path->text, SHARED) != 0)
        return find_format(loader, &format) < 0 ? -1 : add_check(loader, path->text, format, path->origin);
    if (format != SETTINGS_ENVIRONMENT && path->layer == LAYER_FILE) {
        error_set(loader->err,
            "env is the word for the environment that Bugsink shares; a file of that name is ./env");
        return option_value_fail(loader, path);
    }
    return add_check(loader, NULL, SETTINGS_ENVIRONMENT, path->origin);
}

/* -- what a check of settings can do -- */

static bool names_equal(const struct settings_config *a, const struct settings_config *b) {
    if (a->require_count != b->require_count)
        return false;
    for (size_t i = 0; i < a->require_count; i++)
        if (strcmp(a->require[i], b->require[i]) != 0)
            return false;
    return true;
}

static bool environment_equal(char *const *a, char *const *b) {
    if (!a || !b)
        return a == b;
    while (*a && *b && strcmp(*a, *b) == 0) {
        a++;
        b++;
    }
    return !*a && !*b;
}

static bool asks_the_same(const struct check_config *a, const struct check_config *b) {
    const struct settings_config *one = &a->settings, *other = &b->settings;
    return str_equal(one->path, other->path) && one->format == other->format && names_equal(one, other) &&
           environment_equal(one->environment, other->environment);
}

static void log_what(const struct check_config *check, struct log_line *line) {
    log_str(line, "path", check->settings.path);
}

static void append_where(const struct check_config *check, struct strbuf *where) {
    strbuf_append(where, check->settings.path ? check->settings.path : "the environment of this container");
}

static int64_t patience_ms(const struct check_config *check) {
    return check->settings.format == SETTINGS_ENVIRONMENT ? 0 : SWAP_MS;
}

static void walk(struct walk *walk, struct check_config *check) {
    struct settings_config *config = &check->settings;
    size_t entries = 0;
    walk_text(walk, &config->path);
    WALK_FIELD(walk, config->format);
    walk_texts(walk, &config->require, &config->require_count, false);
    walk_texts(walk, &config->environment, &entries, true);
}

static void release(struct check_config *check) {
    struct settings_config *config = &check->settings;
    free(config->path);
    for (size_t i = 0; i < config->require_count; i++)
        free(config->require[i]);
    free(config->require);
    for (char **entry = config->environment; entry && *entry; entry++)
        str_free_secret(*entry);
    free(config->environment);
}

const struct config_kind CONFIG_SETTINGS = {
    .load = load,
    .asks_the_same = asks_the_same,
    .log = log_what,
    .where = append_where,
    .patience_ms = patience_ms,
    .walk = walk,
    .release = release,
};
