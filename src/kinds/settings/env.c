/* Settings in an environment file, or in an environment. */
#include "kinds/settings/env.h"

#include "base/span.h"

#include <ctype.h>
#include <string.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static bool is_line_end(char c) {
    return c == '\0' || c == '\n' || c == '\r';
}

static const char *skip_blanks(const char *at) {
    while (is_blank(*at))
        at++;
    return at;
}

static const char *skip_line(const char *at) {
    while (!is_line_end(*at))
        at++;
    return at;
}

static bool is_name_character(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

/* A value in the text, and whether it is known what a program will see of it. */
struct value {
    struct span text;
    bool is_known;
};

/* Skips a quoted value, which may go over several lines; a backslash hides a quote only within double ones.
 * Returns what is behind it, or NULL. What a backslash or a dollar sign within double quotes, or text behind
 * the quotes, become differs between the programs that read such files. */
static const char *skip_quoted(const char *at, struct value *value) {
    char quote = *at++;
    *value = (struct value){.text.at = at, .is_known = true};
    for (; *at && *at != quote; at++) {
        if (quote == '"' && (*at == '\\' || *at == '$'))
            value->is_known = false;
        if (quote == '"' && *at == '\\' && at[1])
            at++;
    }
    if (!*at)
        return NULL;
    value->text.length = (size_t)(at++ - value->text.at);
    const char *rest = skip_blanks(at);
    if (!is_line_end(*rest) && !(*rest == '#' && rest > at))
        value->is_known = false;
    return at;
}

/* Skips a plain value to the line's end, or to a comment. Only a comment, or nothing, is no value. */
static const char *skip_plain(const char *at, const char *equals, struct value *value) {
    const char *end = at;
    *value = (struct value){.text.at = at, .is_known = true};
    for (const char *c = at; !is_line_end(*c); c++) {
        if (*c == '#' && (c > at ? is_blank(c[-1]) : at > equals + 1))
            break;
        if (*c == '$')
            value->is_known = false;
        if (!is_blank(*c))
            end = c + 1;
    }
    value->text.length = (size_t)(end - at);
    return skip_line(at);
}

static const char *skip_export(const char *at) {
    return strncmp(at, "export", 6) == 0 && is_blank(at[6]) ? skip_blanks(at + 6) : at;
}

/* Reads one NAME=VALUE at `at` and returns what is behind it, or NULL with *fault. */
static const char *read_entry(
    const char *text, const char *at, struct settings_names *names, struct settings_fault *fault) {
    const char *name = skip_export(at), *end = name;
    while (is_name_character(*end))
        end++;
    const char *equals = skip_blanks(end);
    if (end == name || isdigit((unsigned char)*name)) {
        settings_fault_at(fault, text, name, "a name was expected here");
        return NULL;
    }
    if (*equals != '=') {
        settings_fault_at(fault, text, equals, "\"=\" was expected here");
        return NULL;
    }
    struct value value;
    const char *start = skip_blanks(equals + 1);
    bool is_quoted = *start == '"' || *start == '\'';
    const char *rest = is_quoted ? skip_quoted(start, &value) : skip_plain(start, equals, &value);
    if (!rest) {
        settings_fault_at(fault, text, start, "this quote is never closed");
        return NULL;
    }
    struct settings_name *added =
        settings_names_add(names, name, (size_t)(end - name), value.text.length > 0);
    if (added) {
        added->offset = (size_t)(name - text);
        settings_names_set(
            names, added, value.is_known ? VALUE_TEXT : VALUE_UNKNOWN, value.text.at, value.text.length);
    }
    return skip_line(rest);
}

int settings_env_parse(const char *text, struct settings_names *names, struct settings_fault *fault) {
    for (const char *at = text; *at;) {
        at = skip_blanks(at);
        if (*at == '#')
            at = skip_line(at);
        if (is_line_end(*at)) {
            at += *at != '\0';
            continue;
        }
        at = read_entry(text, at, names, fault);
        if (!at)
            return -1;
    }
    return 0;
}

void settings_environment_parse(char *const *entries, struct settings_names *names) {
    size_t count = 0;
    while (entries && entries[count])
        count++;
    /* Backwards, for the last that is added counts. */
    while (count-- > 0) {
        const char *equals = strchr(entries[count], '=');
        if (!equals || equals == entries[count])
            continue;
        struct settings_name *added =
            settings_names_add(names, entries[count], (size_t)(equals - entries[count]), equals[1] != '\0');
        if (added)
            settings_names_set(names, added, VALUE_TEXT, equals + 1, strlen(equals + 1));
    }
}
