/* Skips Python's strings. What stands within an f-string's braces is read as Python 3.12 does it (PEP 701:
 * any quotes, nested strings, line ends); what older Pythons take is a part of that. */
#include "kinds/settings/python_string.h"

#include "base/str.h"
#include "kinds/settings/python_grammar.h"

#include <ctype.h>
#include <string.h>

/* A string that is being skipped. */
struct string {
    const char *text;  /* the whole source */
    const char *begin; /* the first quote */
    bool is_triple;
    struct string_prefix prefix;
    struct settings_fault *fault;
};

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

/* -- characters -- */

/* So many hexadecimal digits, which name a character there is. */
static const char *skip_digits(const struct string *string, const char *at, size_t count) {
    unsigned long code = 0;
    for (size_t i = 0; i < count; i++) {
        char c = at[2 + i];
        if (!isxdigit((unsigned char)c))
            return refuse(string, at, "this escape has too few digits; a path is best written r'...'");
        code = code * 16 +
               (unsigned long)(isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10);
    }
    return code <= 0x10ffff ? at + 2 + count : refuse(string, at, "this escape names no character");
}

/* \N{NAME}; whether there is a character of that name is not judged. */
static const char *skip_named(const struct string *string, const char *at) {
    size_t length = at[2] == '{' ? strcspn(at + 3, "}\n\r\"'") : 0;
    if (length == 0 || at[3 + length] != '}')
        return refuse(string, at, "this escape names no character");
    return at + 4 + length;
}

/* What is behind a backslash and what it hides: in a raw string, too, a quote behind it does not close. */
static const char *skip_escape(const struct string *string, const char *at) {
    const struct string_prefix *prefix = &string->prefix;
    if (at[1] == '\0')
        return at + 1;
    if (prefix->has_fields && (at[1] == '{' || at[1] == '}'))
        return at + 1;
    if (!prefix->is_raw && at[1] == 'x')
        return skip_digits(string, at, 2);
    if (!prefix->is_raw && !prefix->is_bytes && at[1] == 'N')
        return skip_named(string, at);
    if (!prefix->is_raw && !prefix->is_bytes && (at[1] == 'u' || at[1] == 'U'))
        return skip_digits(string, at, at[1] == 'u' ? 4 : 8);
    if ((unsigned char)at[1] >= 0x80)
        return at + 1;
    return at + (at[1] == '\r' && at[2] == '\n' ? 3 : 2);
}

static const char *skip_character(const struct string *string, const char *at) {
    size_t length = str_utf8_length(at);
    if (*at == '\\')
        return skip_escape(string, at);
    if (length == 0)
        return settings_fault_encoding(string->fault, string->text, at) < 0 ? NULL : at;
    if (length > 1 && string->prefix.is_bytes)
        return refuse(string, at, "bytes have ASCII characters only");
    return at + length;
}

/* -- fields -- */

/* NOLINTBEGIN(misc-no-recursion): skip_field refuses what is nested more than PYTHON_MAX_NESTING deep */

static const char *skip_field(const struct string *string, const char *at, int level);

const char *python_skip_string(const char *text, const char *at, const struct string_prefix *prefix,
    int level, struct settings_fault *fault) {
    at += prefix->length;
    struct string string = {text, at, at[1] == at[0] && at[2] == at[0], *prefix, fault};
    size_t quotes = string.is_triple ? 3 : 1;
    for (at += quotes; at && !closes(&string, at);) {
        bool is_brace = prefix->has_fields && (*at == '{' || *at == '}');
        if (ends_too_early(&string, at))
            return refuse(&string, string.begin, "this string is never closed");
        if (is_brace && at[1] == *at)
            at += 2;
        else if (is_brace)
            at = *at == '{' ? skip_field(&string, at, level)
                            : refuse(&string, at, "this brace was never opened");
        else
            at = skip_character(&string, at);
    }
    return at ? at + quotes : NULL;
}

/* Behind a line end the format of Python 3.12 is over, and only the closing brace may come. */
static const char *skip_format_end(const struct string *string, const char *at) {
    const char *brace = *at == '\0' ? at : at + strspn(at, " \t\f\r\n");
    return *brace == '}' ? brace : refuse(string, at, "a brace in this string is never closed");
}

/* The format behind a field's colon: text, with fields of its own; ends at the brace that closes the field.
 */
static const char *skip_format(const struct string *string, const char *at, int level) {
    while (at && *at != '}') {
        if (closes(string, at))
            return refuse(string, at, "a brace in this string is never closed");
        if (ends_too_early(string, at))
            return skip_format_end(string, at);
        at = *at == '{' ? skip_field(string, at, level + 1) : skip_character(string, at);
    }
    return at;
}

/* !r, !s or !a. */
static const char *skip_conversion(const struct string *string, const char *at) {
    if (!at[1] || !strchr("rsa", at[1]) || isalnum((unsigned char)at[2]))
        return refuse(string, at, "only !r, !s or !a may stand here");
    return at + 2 + strspn(at + 2, " \t\f\r\n");
}

/* Whether a field's expression is over: at a brace, a colon, an exclamation mark or an equals sign of its
 * own. */
static bool ends_expression(const struct tokenizer *tokenizer) {
    const char *at = tokenizer->at;
    return tokenizer->depth == 0 &&
           (*at == '}' || *at == ':' || ((*at == '!' || *at == '=') && at[1] != '='));
}

static const char *skip_expression(const struct string *string, const char *at, int level) {
    const char *begin = at;
    struct tokenizer tokenizer;
    struct python_grammar grammar;
    struct token token;
    tokenizer_init(&tokenizer, string->text, python_skip_string, string->fault);
    tokenizer.at = at;
    tokenizer.level = level + 1;
    tokenizer.is_in_line = true;
    python_grammar_init(&grammar, string->text, true, string->fault);
    for (;;) {
        if (tokenizer_skip_space(&tokenizer) < 0)
            return NULL;
        if (ends_expression(&tokenizer))
            return python_grammar_end_field(&grammar, tokenizer.at) < 0 ? NULL : tokenizer.at;
        if (*tokenizer.at == '\0')
            return refuse(string, begin - 1, "this brace is never closed");
        if (tokenizer_next(&tokenizer, &token) < 0)
            return NULL;
        if (python_grammar_take(&grammar, &token, STATEMENT_EXPRESSION) < 0)
            return NULL;
    }
}

/* Skips {expression=!r:format}; at is on the brace. Returns what is behind the closing one, or NULL. */
static const char *skip_field(const struct string *string, const char *at, int level) {
    if (level > PYTHON_MAX_NESTING)
        return refuse(string, at, "nested too deeply");
    const char *brace = at;
    at = skip_expression(string, at + 1, level);
    if (at && *at == '=')
        at += 1 + strspn(at + 1, " \t\f\r\n");
    if (at && *at == '!')
        at = skip_conversion(string, at);
    if (at && *at == ':')
        at = skip_format(string, at + 1, level);
    if (at && *at != '}')
        return refuse(string, brace, "this brace is never closed");
    return at ? at + 1 : NULL;
}

/* NOLINTEND(misc-no-recursion) */
