/* Takes Python source apart into tokens. */
#include "kinds/settings/python_token.h"

#include <ctype.h>
#include <string.h>

void tokenizer_init(struct tokenizer *tokenizer, const char *text, struct settings_fault *fault) {
    memset(tokenizer, 0, sizeof *tokenizer);
    tokenizer->text = tokenizer->at = text;
    tokenizer->fault = fault;
}

static int refuse(struct tokenizer *tokenizer, const char *at, const char *what) {
    return settings_fault_at(tokenizer->fault, tokenizer->text, at, what);
}

static size_t line_end_length(const char *at) {
    if (at[0] == '\r')
        return at[1] == '\n' ? 2 : 1;
    return at[0] == '\n' ? 1 : 0;
}

/* The column of `at` on its line, tabs going to the next multiple of 8 as in CPython. */
static size_t indent_of(const char *text, const char *at) {
    const char *begin = at;
    while (begin > text && begin[-1] != '\n' && begin[-1] != '\r')
        begin--;
    size_t column = 0;
    for (; begin < at; begin++)
        column = *begin == '\t' ? (column / 8 + 1) * 8 : *begin == '\f' ? 0 : column + 1;
    return column;
}

/* Skips white space, comments, joined lines and, within brackets and before a line's first token, line ends.
 */
static int skip_space(struct tokenizer *tokenizer) {
    for (;;) {
        const char *at = tokenizer->at;
        if (*at == ' ' || *at == '\t' || *at == '\f') {
            tokenizer->at++;
        } else if (*at == '#') {
            tokenizer->at += strcspn(at, "\n\r");
        } else if (line_end_length(at) > 0 && (tokenizer->depth > 0 || !tokenizer->is_in_line)) {
            tokenizer->at += line_end_length(at);
        } else if (*at == '\\') {
            size_t length = line_end_length(at + 1);
            if (length == 0 || at[1 + length] == '\0')
                return refuse(tokenizer, at, "nothing but a line's end may follow this backslash");
            tokenizer->at += 1 + length;
        } else {
            return 0;
        }
    }
}

static int open_bracket(struct tokenizer *tokenizer) {
    if (tokenizer->depth == PYTHON_MAX_BRACKETS)
        return refuse(tokenizer, tokenizer->at, "nested too deeply");
    tokenizer->brackets[tokenizer->depth++] = tokenizer->at++;
    return 0;
}

static int close_bracket(struct tokenizer *tokenizer) {
    if (tokenizer->depth == 0)
        return refuse(tokenizer, tokenizer->at, "this bracket was never opened");
    char opener = *tokenizer->brackets[--tokenizer->depth];
    char wanted = opener == '(' ? ')' : opener == '[' ? ']' : '}';
    if (*tokenizer->at != wanted)
        return refuse(tokenizer, tokenizer->at, "this bracket closes one of another kind");
    tokenizer->at++;
    return 0;
}

/* Typographic quotes and spaces, which come with text copied from a page: General Punctuation up to U+203E
 * (behind it are characters that names may have) and the no-break space. Python refuses them outside of
 * strings. */
static bool is_typographic(const char *at) {
    const unsigned char *c = (const unsigned char *)at;
    return (c[0] == 0xc2 && c[1] == 0xa0) || (c[0] == 0xe2 && c[1] == 0x80 && c[2] <= 0xbe);
}

static bool is_name_start(char c) {
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static int read_name(struct tokenizer *tokenizer, struct token *token) {
    token->kind = TOKEN_NAME;
    while (is_name_start(*tokenizer->at) || isdigit((unsigned char)*tokenizer->at)) {
        if (is_typographic(tokenizer->at))
            return refuse(tokenizer, tokenizer->at, "this character may not stand outside of a string");
        tokenizer->at++;
    }
    return 0;
}

/* A number, with whatever clings to it: nothing here needs its value. */
static int read_number(struct tokenizer *tokenizer, struct token *token) {
    token->kind = TOKEN_NUMBER;
    for (;;) {
        char c = *tokenizer->at;
        bool is_exponent = (c == 'e' || c == 'E') && (tokenizer->at[1] == '-' || tokenizer->at[1] == '+');
        if (!isalnum((unsigned char)c) && c != '_' && c != '.')
            return 0;
        tokenizer->at += is_exponent ? 2 : 1;
    }
}

static int read_operator(struct tokenizer *tokenizer, struct token *token) {
    const char *at = tokenizer->at;
    token->kind = TOKEN_OTHER;
    if (strchr("$?`", *at) || (*at == '!' && at[1] != '=') || iscntrl((unsigned char)*at))
        return refuse(tokenizer, at, "this character may not stand outside of a string");
    if (*at == '=' && at[1] != '=')
        token->kind = TOKEN_ASSIGN;
    else if (*at == ':' && at[1] == '=')
        token->kind = TOKEN_WALRUS;
    else if (strchr("+-*/%@&|^", *at) && at[1] == '=')
        token->kind = TOKEN_AUGMENT;
    else if ((*at == '<' || *at == '>') && at[1] == *at && at[2] == '=')
        token->kind = TOKEN_AUGMENT;
    tokenizer->at += token->kind == TOKEN_AUGMENT && at[1] != '='    ? 3
                     : strchr("=!<>+-*/%@&|^:", *at) && at[1] == '=' ? 2
                                                                     : 1;
    return 0;
}

static int read_token(struct tokenizer *tokenizer, struct token *token) {
    const char *at = tokenizer->at;
    bool is_raw, has_fields;
    int prefix = python_string_prefix(at, &is_raw, &has_fields);
    if (prefix >= 0) {
        token->kind = TOKEN_STRING;
        at = python_skip_string(tokenizer->text, at + prefix, is_raw, has_fields, 0, tokenizer->fault);
        tokenizer->at = at ? at : tokenizer->at;
        return at ? 0 : -1;
    }
    if (is_name_start(*at))
        return read_name(tokenizer, token);
    if (isdigit((unsigned char)*at) || (*at == '.' && isdigit((unsigned char)at[1])))
        return read_number(tokenizer, token);
    if (strchr("([{", *at)) {
        token->kind = TOKEN_OPEN;
        return open_bracket(tokenizer);
    }
    if (strchr(")]}", *at)) {
        token->kind = TOKEN_CLOSE;
        return close_bracket(tokenizer);
    }
    return read_operator(tokenizer, token);
}

/* The end of a logical line, or of all. */
static int read_end(struct tokenizer *tokenizer, struct token *token) {
    if (*tokenizer->at == '\0' && tokenizer->depth > 0)
        return refuse(tokenizer, tokenizer->brackets[tokenizer->depth - 1], "this bracket is never closed");
    token->kind = tokenizer->is_in_line ? TOKEN_NEWLINE : TOKEN_END;
    tokenizer->is_in_line = false;
    tokenizer->at += line_end_length(tokenizer->at);
    return 0;
}

int tokenizer_next(struct tokenizer *tokenizer, struct token *token) {
    if (skip_space(tokenizer) < 0)
        return -1;
    token->text = tokenizer->at;
    token->length = 0;
    if (*tokenizer->at == '\0' || line_end_length(tokenizer->at) > 0)
        return read_end(tokenizer, token);
    if (!tokenizer->is_in_line)
        tokenizer->indent = indent_of(tokenizer->text, tokenizer->at);
    tokenizer->is_in_line = true;
    if (read_token(tokenizer, token) < 0)
        return -1;
    token->length = (size_t)(tokenizer->at - token->text);
    return 0;
}
