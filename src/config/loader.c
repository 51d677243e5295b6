/* What the readers ask of the loading: checks, items and warnings to add, values to check, faults to place.
 */
#include "config/loader.h"

#include "config/duration.h"
#include "config/memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

int loader_fail_in_file(struct loader *loader, const char *key) {
    return error_prefix(loader->err, "%.200s: %s", loader->file.path, key);
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

int loader_check_range(struct loader *loader, const struct option *option, int64_t value) {
    char least[DURATION_TEXT_SIZE], most[DURATION_TEXT_SIZE];
    if (value >= option->least && value <= option->most)
        return 0;
    if (option->type == OPTION_DURATION) {
        duration_format(option->least, least);
        duration_format(option->most, most);
    } else {
        snprintf(least, sizeof least, "%" PRId64, option->least);
        snprintf(most, sizeof most, "%" PRId64, option->most);
    }
    return error_set(loader->err, "must be from %s to %s", least, most);
}

void loader_add_item(struct loader *loader, const char *key, const char *value, const char *origin) {
    struct config *config = loader->config;
    config->items = memory_grow(config->items, config->item_count + 1, sizeof *config->items);
    config->items[config->item_count++] = (struct config_item){
        str_dup(key), str_dup(value ? value : "none"), str_dup(origin ? origin : "default")};
}

void loader_add_file_item(struct loader *loader, const char *key, const char *value, bool is_from_file) {
    char origin[ERROR_TEXT_SIZE];
    if (is_from_file)
        snprintf(origin, sizeof origin, "file %s", loader->file.path);
    loader_add_item(loader, key, value, is_from_file ? origin : NULL);
}

void loader_add_warning(struct loader *loader, const char *format, ...) {
    struct config *config = loader->config;
    char text[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    config->warnings = memory_grow(config->warnings, config->warning_count + 1, sizeof *config->warnings);
    config->warnings[config->warning_count++] = str_dup(text);
}

struct check_config *loader_add_check(struct loader *loader, const char *name, enum check_kind_id kind) {
    struct config *config = loader->config;
    config->checks = memory_grow(config->checks, config->check_count + 1, sizeof *config->checks);
    struct check_config *check = &config->checks[config->check_count++];
    *check = (struct check_config){
        .name = str_dup(name),
        .kind = kind,
        .is_sandboxed = config->is_sandboxed,
        .is_critical = true,
        .interval_ms = config->interval_ms,
        .timeout_ms = config->timeout_ms,
        .retry_interval_ms = config->retry_interval_ms,
        .slow_ms = config->slow_ms,
    };
    return check;
}
