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

/* A line of NAME=VALUE, as far as it has a name. */
struct entry {
    const char *name, *end; /* of the name */
    const char *equals;     /* NULL: NAME alone */
    bool is_exported;
};

/* Whether the line has a name, alone or with a value. Lines that have none, or something between name and =,
 * are ignored by systemd. */
static bool find_entry(const char *line, struct entry *entry) {
    const char *name = skip_export(line), *end = name;
    while (is_name_character(*end))
        end++;
    const char *equals = skip_blanks(end);
    *entry = (struct entry){
        .name = name, .end = end, .equals = *equals == '=' ? equals : NULL, .is_exported = name > line};
    return end > name && !isdigit((unsigned char)*name) && (entry->equals || is_line_end(*equals));
}

static struct settings_name *add(
    const char *text, const struct entry *entry, struct settings_names *names, bool has_value) {
    struct settings_name *added =
        settings_names_add(names, entry->name, (size_t)(entry->end - entry->name), has_value);
    if (added)
        added->offset = (size_t)(entry->name - text);
    return added;
}

static bool ends_in_backslash(const char *begin, const char *end) {
    size_t count = 0;
    while (end > begin && end[-1] == '\\') {
        end--;
        count++;
    }
    return count % 2 == 1;
}

/* What comes behind a line that ends in a backslash: systemd joins it to that line, others read it by itself.
 * So there may be names in it, and nothing is known of their values. */
static const char *read_continued(const char *text, const char *at, struct settings_names *names) {
    for (;;) {
        struct entry entry;
        const char *line = skip_blanks(at), *end = skip_line(at);
        if (find_entry(line, &entry))
            add(text, &entry, names, true);
        if (!ends_in_backslash(at, end) || *end == '\0')
            return end;
        at = end + (end[0] == '\r' && end[1] == '\n' ? 2 : 1);
    }
}

/* Docker takes all that is behind the = for the value, quotes and comments too; systemd keeps comments. */
static void set_literal(
    struct settings_names *names, struct settings_name *added, const struct entry *entry) {
    const char *begin = entry->equals + 1, *end = skip_line(begin);
    if (!entry->is_exported)
        settings_names_set_literal(names, added, begin, (size_t)(end - begin));
}

/* Reads one NAME=VALUE and returns what is behind it, or NULL with *fault. */
static const char *read_value(
    const char *text, const struct entry *entry, struct settings_names *names, struct settings_fault *fault) {
    struct value value;
    const char *start = skip_blanks(entry->equals + 1);
    bool is_quoted = *start == '"' || *start == '\'';
    const char *rest = is_quoted ? skip_quoted(start, &value) : skip_plain(start, entry->equals, &value);
    if (!rest) {
        settings_fault_at(fault, text, start, "this quote is never closed");
        return NULL;
    }
    const char *end = skip_line(rest);
    bool is_continued = !is_quoted && ends_in_backslash(start, end);
    struct settings_name *added = add(text, entry, names, value.text.length > 0);
    if (added && value.is_known && !is_continued) {
        settings_names_set(names, added, VALUE_TEXT, value.text.at, value.text.length);
        set_literal(names, added, entry);
    }
    if (!is_continued || *end == '\0')
        return end;
    return read_continued(text, end + (end[0] == '\r' && end[1] == '\n' ? 2 : 1), names);
}

int settings_env_parse(const char *text, struct settings_names *names, struct settings_fault *fault) {
    for (const char *at = text; *at;) {
        struct entry entry;
        at = skip_blanks(at);
        if (is_line_end(*at)) {
            at += *at != '\0';
            continue;
        }
        bool is_entry = *at != '#' && *at != ';' && find_entry(at, &entry);
        if (is_entry && !entry.equals)
            add(text, &entry, names, true); /* Docker passes on its own, if it has one */
        at = is_entry && entry.equals ? read_value(text, &entry, names, fault) : skip_line(at);
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
