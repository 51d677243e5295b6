/* Reads log lines back. */
#include "harness/log_line.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The length of a quoted value, with its quotes; 0: it does not end. */
static size_t quoted_length(const char *text) {
    for (const char *c = text + 1; *c; c++) {
        if (*c == '"')
            return (size_t)(c - text) + 1;
        if (*c == '\\' && c[1])
            c++;
    }
    return 0;
}

/* Adds the field that text begins with. Returns what follows it, NULL where there is none. */
static const char *take_field(json_t *line, const char *text) {
    char key[64];
    size_t key_length = strcspn(text, "= \"");
    if (key_length == 0 || key_length >= sizeof key || text[key_length] != '=')
        return NULL;
    memcpy(key, text, key_length);
    key[key_length] = '\0';
    const char *value = text + key_length + 1;
    bool is_quoted = *value == '"';
    size_t length = is_quoted ? quoted_length(value) : strcspn(value, " \"");
    json_t *parsed =
        is_quoted ? json_loadb(value, length, JSON_DECODE_ANY, NULL) : json_stringn(value, length);
    if (length == 0 || !parsed || (value[length] != '\0' && value[length] != ' ') ||
        json_object_get(line, key)) {
        json_decref(parsed);
        return NULL;
    }
    json_object_set_new(line, key, parsed);
    return value + length + (value[length] == ' ');
}

json_t *log_line_parse(const char *line) {
    if (*line == '{')
        return json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    json_t *object = json_object();
    while (line && *line)
        line = take_field(object, line);
    if (line)
        return object;
    json_decref(object);
    return NULL;
}

const char *log_line_field(const json_t *line, const char *field) {
    static char digits[32];
    const json_t *value = json_object_get(line, field);
    if (!json_is_integer(value))
        return json_string_value(value);
    snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return digits;
}

static bool has(const json_t *line, const char *field, const char *expected) {
    const char *value = log_line_field(line, field);
    return value && expected ? strcmp(value, expected) == 0 : !value && !expected;
}

json_t *log_lines_find(const struct daemon *daemon, const char *event, const char *field, const char *value) {
    char *log = daemon_log(daemon), *rest = log;
    json_t *found = json_array();
    for (char *line; (line = strsep(&rest, "\n")) != NULL && rest;) {
        json_t *object = log_line_parse(line);
        ck_assert_msg(object != NULL, "not a line of the log: %s", line);
        if (has(object, "event", event) && (!field || has(object, field, value)))
            json_array_append(found, object);
        json_decref(object);
    }
    free(log);
    return found;
}

void log_line_assert(const json_t *line, const char *field, const char *expected) {
    if (has(line, field, expected))
        return;
    char *text = json_dumps(line, 0);
    ck_abort_msg("%s is not \"%s\" in %s", field, expected ? expected : "(absent)", text);
}
