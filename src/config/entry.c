/* Reads what the named objects of the file have in common: keys, words, limits and their places. */
#include "config/entry.h"

#include "config/duration.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SIZE = 128 };

static void full_key(const struct entry *entry, const char *key, char text[KEY_SIZE]) {
    snprintf(text, KEY_SIZE, "%s.%s.%s", entry->group, entry->name, key);
}

const char *entry_key(const struct entry *entry, enum option_id id) {
    return option_get(id)->doc.key + strlen(entry->group) + strlen(".NAME.");
}

int entry_fail(const struct entry *entry, const char *key) {
    return error_prefix(
        entry->loader->err, "%.200s: %s.%s.%s", entry->loader->file.path, entry->group, entry->name, key);
}

/* The value at a key such as "role" or "backlog.error". */
static const json_t *find_value(const struct entry *entry, const char *key) {
    const char *dot = strchr(key, '.');
    char group[KEY_SIZE];
    if (!dot)
        return json_object_get(entry->object, key);
    snprintf(group, sizeof group, "%.*s", (int)(dot - key), key);
    return json_object_get(json_object_get(entry->object, group), dot + 1);
}

int entry_find(const struct entry *entry, enum option_id id, const json_t **value) {
    const struct option *option = option_get(id);
    char shown[KEY_SIZE];
    *value = find_value(entry, entry_key(entry, id));
    if (!*value || (option->is_nullable && json_is_null(*value)))
        return 0;
    full_key(entry, entry_key(entry, id), shown);
    return loader_check_type(entry->loader, shown, *value, option->type);
}

int entry_find_text(const struct entry *entry, enum option_id id, const char **text) {
    const json_t *value;
    *text = NULL;
    if (entry_find(entry, id, &value) < 0)
        return -1;
    *text = json_string_value(value);
    return 0;
}

void entry_add_item(const struct entry *entry, const char *key, const char *value, const char *origin) {
    char shown[KEY_SIZE];
    full_key(entry, key, shown);
    loader_add_item(entry->loader, shown, value, origin);
}

void entry_add_file_item(const struct entry *entry, const char *key, const char *value, bool is_from_file) {
    char shown[KEY_SIZE];
    full_key(entry, key, shown);
    loader_add_file_item(entry->loader, shown, value, is_from_file);
}

int entry_read_word(const struct entry *entry, enum option_id id, const struct entry_words *words,
    int *choice, bool *is_set) {
    const char *text;
    if (entry_find_text(entry, id, &text) < 0)
        return -1;
    *is_set = text != NULL;
    if (!text)
        return 0;
    *choice = option_find_word(text, words->words, words->count);
    if (*choice >= 0)
        return 0;
    error_set(entry->loader->err, "%s is not a %s", option_quotable(text), words->what);
    return entry_fail(entry, entry_key(entry, id));
}

int entry_read_critical(const struct entry *entry, enum option_id id) {
    const json_t *value;
    if (entry_find(entry, id, &value) < 0)
        return -1;
    if (value)
        entry->check->is_critical = json_is_true(value);
    entry_add_file_item(
        entry, entry_key(entry, id), entry->check->is_critical ? "true" : "false", value != NULL);
    return 0;
}

/* -- limits -- */

static int parse_limit(
    const struct entry *entry, const struct option *option, const char *text, int64_t *limit) {
    struct error *err = entry->loader->err;
    if (option->type == OPTION_NUMBER) {
        *limit = strtoll(text, NULL, 10);
        return 0;
    }
    return option->type == OPTION_DURATION ? duration_parse(text, limit, err) : size_parse(text, limit, err);
}

static void format_limit(const struct option *option, int64_t limit, char text[DURATION_TEXT_SIZE]) {
    if (option->type == OPTION_DURATION)
        duration_format(limit, text);
    else if (option->type == OPTION_SIZE)
        size_format(limit, text);
    else
        snprintf(text, DURATION_TEXT_SIZE, "%" PRId64, limit);
}

int entry_read_limit(const struct entry *entry, enum option_id id, int64_t *limit, bool *is_set) {
    const struct option *option = option_get(id);
    const json_t *value;
    if (entry_find(entry, id, &value) < 0)
        return -1;
    *is_set = value != NULL;
    const char *written = json_is_string(value) ? json_string_value(value) : value ? NULL : option->initial;
    if (json_is_integer(value))
        *limit = json_integer_value(value);
    else if (!written)
        return 0;
    else if (parse_limit(entry, option, written, limit) < 0)
        return entry_fail(entry, entry_key(entry, id));
    if (loader_check_range(entry->loader, option, *limit) < 0)
        return entry_fail(entry, entry_key(entry, id));
    return 0;
}

void entry_add_limit_item(const struct entry *entry, enum option_id id, int64_t limit, bool is_set) {
    const struct option *option = option_get(id);
    char text[DURATION_TEXT_SIZE];
    format_limit(option, limit, text); /* -1 is the standard that is no number */
    entry_add_file_item(entry, entry_key(entry, id), limit < 0 ? option->doc.standard : text, is_set);
}
