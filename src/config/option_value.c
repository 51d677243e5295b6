/* Finds the value of one option in its layers: flag, variable, file, standard value. */
#include "config/loader.h"

#include "config/environment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void option_value_release(struct option_value *value) {
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): all are NULL after the first time */
    str_free_secret(value->text);
    free(value->place);
    free(value->origin);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    *value = (struct option_value){.layer = LAYER_NONE};
}

/* Takes text: the value frees it. NOLINTNEXTLINE(readability-non-const-parameter) */
static void set(struct option_value *value, enum layer layer, char *text, const char *place,
    const char *origin_word, const char *origin_name) {
    struct strbuf origin = {.is_vital = true};
    strbuf_format(&origin, "%s%s%s", origin_word, *origin_name ? " " : "", origin_name);
    option_value_release(value);
    *value = (struct option_value){layer, text, str_dup(place), str_dup(origin.data)};
    strbuf_release(&origin);
}

int option_value_fail(struct loader *loader, const struct option_value *value) {
    return error_prefix(loader->err, "%.250s", value->place);
}

static bool set_from_flag(struct loader *loader, const struct option *option, struct option_value *value) {
    const struct config_source *source = loader->source;
    for (size_t i = source->flag_count; option->doc.flag && i > 0; i--) /* the last one wins */
        if (strcmp(source->flags[i - 1].name, option->doc.flag) == 0) {
            const char *typed = source->flags[i - 1].typed ? source->flags[i - 1].typed : option->doc.flag;
            set(value, LAYER_FLAG, str_dup(source->flags[i - 1].value), typed, "flag", typed);
            return true;
        }
    return false;
}

/* Returns 1 where the variable, or its _FILE variant, is set; 0 where none is; -1 on failure. */
static int set_from_environment(
    struct loader *loader, const struct option *option, struct option_value *value) {
    const char *name = option->doc.variable;
    char file_name[64];
    if (!name)
        return 0;
    snprintf(file_name, sizeof file_name, "%s_FILE", name);
    const char *text = environment_get(loader->source->environment, name);
    const char *path =
        option->has_file_variant ? environment_get(loader->source->environment, file_name) : NULL;
    if (text && path)
        return error_set(loader->err, "%s and %s are both set; keep one of them", name, file_name);
    if (!text && !path && option->counts_when_empty && environment_has(loader->source->environment, name))
        text = "";
    if (text) {
        set(value, LAYER_ENVIRONMENT, str_dup(text), name, "environment", name);
        return 1;
    }
    if (!path)
        return 0;
    char *secret;
    if (environment_read_secret(path, &secret, loader->err) < 0)
        return error_prefix(loader->err, "%s", file_name);
    set(value, LAYER_ENVIRONMENT, secret, file_name, "environment", file_name);
    return 1;
}

/* Fills *value (text is copied) as it stands at that key in the file. */
static void set_file_text(
    struct loader *loader, struct option_value *value, const char *key, const char *text) {
    struct strbuf place = {.is_vital = true};
    strbuf_format(&place, "%.200s: %s", loader->file.path, key);
    set(value, LAYER_FILE, str_dup(text), place.data, "file", loader->file.path);
    strbuf_release(&place);
}

static int set_from_file(struct loader *loader, const struct option *option, struct option_value *value) {
    const char *key = option->doc.key;
    const json_t *found = key ? config_file_find(&loader->file, key) : NULL;
    char number[24];
    if (!found)
        return 0;
    if (loader_check_type(loader, key, found, option->type) < 0)
        return -1;
    if (json_is_boolean(found))
        snprintf(number, sizeof number, "%s", json_is_true(found) ? "true" : "false");
    else
        snprintf(number, sizeof number, "%" PRId64, (int64_t)json_integer_value(found));
    set_file_text(loader, value, key, json_is_string(found) ? json_string_value(found) : number);
    return 1;
}

int option_value_load(struct loader *loader, enum option_id id, struct option_value *value) {
    const struct option *option = option_get(id);
    option_value_release(value);
    if (set_from_flag(loader, option, value))
        return 0;
    int found = set_from_environment(loader, option, value);
    if (found == 0)
        found = set_from_file(loader, option, value);
    if (found == 0 && option->initial)
        set(value, LAYER_STANDARD, str_dup(option->initial), "default", "default", "");
    return found < 0 ? -1 : 0;
}
