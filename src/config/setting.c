/* Finds one setting in its layers: flag, variable, file, standard value. */
#include "config/loader.h"

#include "config/environment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void setting_release(struct setting *setting) {
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): all are NULL after the first time */
    str_free_secret(setting->text);
    free(setting->place);
    free(setting->origin);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    *setting = (struct setting){.layer = LAYER_NONE};
}

/* Takes text: the setting frees it. NOLINTNEXTLINE(readability-non-const-parameter) */
static void set(struct setting *setting, enum layer layer, char *text, const char *place,
    const char *origin_word, const char *origin_name) {
    struct strbuf origin = {.is_vital = true};
    strbuf_format(&origin, "%s%s%s", origin_word, *origin_name ? " " : "", origin_name);
    setting_release(setting);
    *setting = (struct setting){layer, text, str_dup(place), str_dup(origin.data)};
    strbuf_release(&origin);
}

int setting_fail(struct loader *loader, const struct setting *setting) {
    return error_prefix(loader->err, "%.250s", setting->place);
}

static bool set_from_flag(struct loader *loader, const struct option *option, struct setting *setting) {
    const struct config_source *source = loader->source;
    for (size_t i = source->flag_count; option->doc.flag && i > 0; i--) /* the last one wins */
        if (strcmp(source->flags[i - 1].name, option->doc.flag) == 0) {
            set(setting, LAYER_FLAG, str_dup(source->flags[i - 1].value), option->doc.flag, "flag",
                option->doc.flag);
            return true;
        }
    return false;
}

/* Returns 1 where the variable, or its _FILE variant, is set; 0 where none is; -1 on failure. */
static int set_from_environment(struct loader *loader, const struct option *option, struct setting *setting) {
    const char *name = option->doc.variable;
    char file_name[64];
    if (!name)
        return 0;
    snprintf(file_name, sizeof file_name, "%s_FILE", name);
    const char *value = environment_get(loader->source->environment, name);
    const char *path =
        option->has_file_variant ? environment_get(loader->source->environment, file_name) : NULL;
    if (value && path)
        return error_set(loader->err, "%s and %s are both set; keep one of them", name, file_name);
    if (!value && !path && option->counts_when_empty && environment_has(loader->source->environment, name))
        value = "";
    if (value) {
        set(setting, LAYER_ENVIRONMENT, str_dup(value), name, "environment", name);
        return 1;
    }
    if (!path)
        return 0;
    char *secret;
    if (environment_read_secret(path, &secret, loader->err) < 0)
        return error_prefix(loader->err, "%s", file_name);
    set(setting, LAYER_ENVIRONMENT, secret, file_name, "environment", file_name);
    return 1;
}

void setting_set_file(struct loader *loader, struct setting *setting, const char *key, const char *text) {
    struct strbuf place = {.is_vital = true};
    strbuf_format(&place, "%.200s: %s", loader->file.path, key);
    set(setting, LAYER_FILE, str_dup(text), place.data, "file", loader->file.path);
    strbuf_release(&place);
}

int loader_check_type(struct loader *loader, const char *key, const json_t *value, enum option_type type) {
    bool is_right = type == OPTION_NUMBER    ? json_is_integer(value)
                    : type == OPTION_BOOLEAN ? json_is_boolean(value)
                    : type == OPTION_NAMES   ? json_is_array(value)
                                             : json_is_string(value);
    if (!is_right)
        return error_set(
            loader->err, "%.200s: %s: must be %s", loader->file.path, key, option_type_right(type));
    if (json_is_string(value) && json_string_length(value) == 0)
        return error_set(loader->err, "%.200s: %s: must not be empty", loader->file.path, key);
    return 0;
}

static int set_from_file(struct loader *loader, const struct option *option, struct setting *setting) {
    const char *key = option->doc.key;
    const json_t *value = key ? config_file_find(&loader->file, key) : NULL;
    char number[24];
    if (!value)
        return 0;
    if (loader_check_type(loader, key, value, option->type) < 0)
        return -1;
    snprintf(number, sizeof number, "%" PRId64, (int64_t)json_integer_value(value));
    setting_set_file(loader, setting, key, json_is_integer(value) ? number : json_string_value(value));
    return 1;
}

int setting_load(struct loader *loader, enum option_id id, struct setting *setting) {
    const struct option *option = option_get(id);
    setting_release(setting);
    if (set_from_flag(loader, option, setting))
        return 0;
    int found = set_from_environment(loader, option, setting);
    if (found == 0)
        found = set_from_file(loader, option, setting);
    if (found == 0 && option->initial)
        set(setting, LAYER_STANDARD, str_dup(option->initial), "default", "default", "");
    return found < 0 ? -1 : 0;
}
