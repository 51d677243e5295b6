/* Settings in JSON, by way of jansson. */
#include "checks/settings_json.h"

#include "config/memory.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Fixed words for jansson's causes: its own texts quote the source, which may be a secret. */
static const char *what_of(enum json_error_code code) {
    static const struct {
        enum json_error_code code;
        const char *what;
    } FAULTS[] = {
        {json_error_premature_end_of_input, "the text ends too early"},
        {json_error_end_of_input_expected, "something follows the object"},
        {json_error_duplicate_key, "a key is there twice"},
        {json_error_numeric_overflow, "a number is too large"},
        {json_error_stack_overflow, "nested too deeply"},
        {json_error_null_character, "a NUL character"},
        {json_error_null_byte_in_key, "a NUL character"},
    };
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++)
        if (FAULTS[i].code == code)
            return FAULTS[i].what;
    return "not valid JSON";
}

static void set_value(struct settings_names *names, struct settings_name *name, const json_t *value) {
    char number[24];
    if (!name)
        return;
    switch (json_typeof(value)) {
    case JSON_STRING:
        settings_names_set(names, name, VALUE_TEXT, json_string_value(value), json_string_length(value));
        return;
    case JSON_INTEGER:
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        settings_names_set(names, name, VALUE_INTEGER, number, strlen(number));
        explicit_bzero(number, sizeof number);
        return;
    case JSON_TRUE: settings_names_set(names, name, VALUE_BOOLEAN, "true", 4); return;
    case JSON_FALSE: settings_names_set(names, name, VALUE_BOOLEAN, "false", 5); return;
    case JSON_NULL: settings_names_set(names, name, VALUE_NONE, NULL, 0); return;
    case JSON_OBJECT:
    case JSON_ARRAY:
    case JSON_REAL: return;
    }
}

static void add_nested(struct settings_names *names, json_t *object) {
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        set_value(names, settings_names_add_nested(names, key, strlen(key)), json_object_iter_value(at));
    }
}

static int parse(
    const char *text, size_t length, struct settings_names *names, struct settings_fault *fault) {
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!root) {
        *fault = (struct settings_fault){.line = error.line > 0 ? error.line : 1,
            .column = error.column > 0 ? error.column : 1,
            .what = what_of(json_error_code(&error))};
        return -1;
    }
    int status = 0;
    if (!json_is_object(root))
        status = settings_fault_at(fault, text, text, "not a JSON object");
    for (void *at = json_object_iter(root); at; at = json_object_iter_next(root, at)) {
        const char *key = json_object_iter_key(at);
        json_t *value = json_object_iter_value(at);
        set_value(names, settings_names_add(names, key, strlen(key), !json_is_null(value)), value);
        if (strcmp(key, "BUGSINK") == 0 && json_is_object(value))
            add_nested(names, value);
    }
    json_decref(root);
    return status;
}

int settings_json_parse(
    const char *text, size_t length, struct settings_names *names, struct settings_fault *fault) {
    json_malloc_t malloc_before;
    json_free_t free_before;
    json_get_alloc_funcs(&malloc_before, &free_before);
    json_set_alloc_funcs(memory_wiping_malloc, memory_wiping_free);
    int status = parse(text, length, names, fault);
    json_set_alloc_funcs(malloc_before, free_before);
    return status;
}
