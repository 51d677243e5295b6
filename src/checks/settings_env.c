/* Settings in an environment file, or in an environment. */
#include "checks/settings_env.h"

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

/* Skips a quoted value, which may go over several lines; a backslash hides a quote only within double ones.
 * Returns what is behind it, or NULL. */
static const char *skip_quoted(const char *at, bool *has_value) {
    char quote = *at++;
    *has_value = *at != quote;
    for (; *at && *at != quote; at++)
        if (quote == '"' && *at == '\\' && at[1])
            at++;
    return *at ? at + 1 : NULL;
}

/* Skips a plain value to the line's end. Only a comment, or nothing, is no value. */
static const char *skip_plain(const char *at, const char *equals, bool *has_value) {
    bool is_comment = *at == '#' && at > equals + 1;
    *has_value = !is_line_end(*at) && !is_comment;
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
    bool has_value;
    const char *value = skip_blanks(equals + 1);
    bool is_quoted = *value == '"' || *value == '\'';
    const char *rest = is_quoted ? skip_quoted(value, &has_value) : skip_plain(value, equals, &has_value);
    if (!rest) {
        settings_fault_at(fault, text, value, "this quote is never closed");
        return NULL;
    }
    settings_names_add(names, name, (size_t)(end - name), has_value);
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
        if (equals && equals > entries[count])
            settings_names_add(names, entries[count], (size_t)(equals - entries[count]), equals[1] != '\0');
    }
}
