/* Skips Python's strings. What stands within an f-string's braces is scanned as Python 3.12 does it (PEP 701:
 * any quotes, nested strings, line ends); what older Pythons accept is a part of that. */
#include "kinds/settings/python_token.h"

#include <ctype.h>
#include <string.h>

enum { MAX_NESTING = 150 }; /* of f-strings, as in CPython (Parser/lexer/state.h, MAXFSTRINGLEVEL) */

/* A string that is being skipped. */
struct string {
    const char *text;  /* the whole source */
    const char *begin; /* the first quote */
    bool is_triple;
    bool is_raw;
    bool has_fields;
    struct settings_fault *fault;
};

/* NOLINTBEGIN(misc-no-recursion): skip_field refuses what is nested more than MAX_NESTING deep */

static const char *skip_field(const struct string *string, const char *at, int level);

int python_string_prefix(const char *at, bool *is_raw, bool *has_fields) {
    int length = 0;
    *is_raw = *has_fields = false;
    for (; length < 2 && isalpha((unsigned char)at[length]); length++) {
        int c = tolower((unsigned char)at[length]);
        if (!strchr("rbuft", c))
            return -1;
        *is_raw = *is_raw || c == 'r';
        *has_fields = *has_fields || c == 'f' || c == 't';
    }
    return at[length] == '"' || at[length] == '\'' ? length : -1;
}

static const char *refuse(const struct string *string, const char *at, const char *what) {
    settings_fault_at(string->fault, string->text, at, what);
    return NULL;
}

static bool closes(const struct string *string, const char *at) {
    char quote = *string->begin;
    return at[0] == quote && (!string->is_triple || (at[1] == quote && at[2] == quote));
}

static bool ends_too_early(const struct string *string, const char *at) {
    return *at == '\0' || (!string->is_triple && (*at == '\n' || *at == '\r'));
}

/* What is behind a backslash and what it hides: in a raw string, too, a quote behind it does not close. */
static const char *skip_escape(const struct string *string, const char *at) {
    if (at[1] == '\0')
        return at + 1;
    if (string->has_fields && (at[1] == '{' || at[1] == '}'))
        return at + 1;
    if (string->has_fields && !string->is_raw && at[1] == 'N' && at[2] == '{') {
        size_t length = strcspn(at, "}\n\r\"'");
        return at + length + (at[length] == '}');
    }
    return at + (at[1] == '\r' && at[2] == '\n' ? 3 : 2);
}

const char *python_skip_string(
    const char *text, const char *at, bool is_raw, bool has_fields, int level, struct settings_fault *fault) {
    struct string string = {text, at, at[1] == at[0] && at[2] == at[0], is_raw, has_fields, fault};
    int quotes = string.is_triple ? 3 : 1;
    for (at += quotes; at && !closes(&string, at);) {
        if (ends_too_early(&string, at))
            return refuse(&string, string.begin, "this string is never closed");
        if (*at == '\\')
            at = skip_escape(&string, at);
        else if (has_fields && at[0] == '{' && at[1] == '{')
            at += 2;
        else if (has_fields && at[0] == '{')
            at = skip_field(&string, at, level);
        else
            at++;
    }
    return at ? at + quotes : NULL;
}

static bool is_name_start(char c) {
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* The format behind a field's colon: text, with fields of its own; ends at the brace that closes the field.
 */
static const char *skip_format(const struct string *string, const char *at, int level) {
    while (at && *at != '}') {
        if (ends_too_early(string, at) || closes(string, at))
            return refuse(string, at, "a brace in this string is never closed");
        at = *at == '{' ? skip_field(string, at, level + 1) : at + 1;
    }
    return at;
}

/* A string, a name, a comment or one character of an expression. */
static const char *skip_piece(const struct string *string, const char *at, int level) {
    bool is_raw, has_fields;
    int prefix =
        is_name_start(*at) || *at == '"' || *at == '\'' ? python_string_prefix(at, &is_raw, &has_fields) : -1;
    if (prefix >= 0)
        return python_skip_string(string->text, at + prefix, is_raw, has_fields, level + 1, string->fault);
    if (*at == '#')
        return at + strcspn(at, "\n\r");
    if (!is_name_start(*at))
        return at + 1;
    while (is_name_start(*at) || isdigit((unsigned char)*at))
        at++;
    return at;
}

/* Skips {expression!r:format}; at is on the brace. Returns what is behind the closing one, or NULL. */
static const char *skip_field(const struct string *string, const char *at, int level) {
    const char *brace = at++;
    if (level > MAX_NESTING)
        return refuse(string, brace, "nested too deeply");
    size_t depth = 0;
    while (at && *at && !(depth == 0 && (*at == '}' || *at == ':'))) {
        if (strchr("([{", *at))
            depth++;
        else if (strchr(")]}", *at) && depth > 0)
            depth--;
        at = skip_piece(string, at, level);
    }
    if (at && *at == ':')
        at = skip_format(string, at + 1, level);
    if (at && *at == '\0')
        return refuse(string, brace, "this brace is never closed");
    return at ? at + 1 : NULL;
}

/* NOLINTEND(misc-no-recursion) */
