/* Takes Python source apart into tokens. */
#include "kinds/settings/python_token.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

void tokenizer_init(struct tokenizer *tokenizer, const char *text, python_string_skipper *skip_string,
    struct settings_fault *fault) {
    memset(tokenizer, 0, sizeof *tokenizer);
    tokenizer->text = tokenizer->at = text;
    tokenizer->skip_string = skip_string;
    tokenizer->fault = fault;
}

static int refuse(struct tokenizer *tokenizer, const char *at, const char *what) {
    return settings_fault_at(tokenizer->fault, tokenizer->text, at, what);
}

/* -- tokens -- */

bool token_is_word(const struct token *token, const char *word) {
    return token->kind == TOKEN_NAME && token->length == strlen(word) &&
           memcmp(token->text, word, token->length) == 0;
}

bool token_is_one_of(const struct token *token, const char *const *words) {
    for (; *words; words++)
        if (token_is_word(token, *words))
            return true;
    return false;
}

bool token_is_sign(const struct token *token, const char *sign) {
    return token->kind == TOKEN_OTHER && token->length == strlen(sign) &&
           memcmp(token->text, sign, token->length) == 0;
}

bool token_is_keyword(const struct token *token) {
    static const char *const WORDS[] = {"False", "None", "True", "and", "as", "assert", "async", "await",
        "break", "class", "continue", "def", "del", "elif", "else", "except", "finally", "for", "from",
        "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return",
        "try", "while", "with", "yield", NULL};
    return token_is_one_of(token, WORDS);
}

/* -- white space -- */

static size_t line_end_length(const char *at) {
    if (at[0] == '\r')
        return at[1] == '\n' ? 2 : 1;
    return at[0] == '\n' ? 1 : 0;
}

/* The indentation of a line that may go over several by backslashes: then the first counts that has any. */
struct indentation {
    size_t column, alt, joined;
};

static void indent(struct indentation *indentation, char c) {
    indentation->column = c == '\t'   ? (indentation->column / 8 + 1) * 8
                          : c == '\f' ? 0
                                      : indentation->column + 1;
    indentation->alt = c == '\f' ? 0 : indentation->alt + 1;
}

static int skip_joint(struct tokenizer *tokenizer, struct indentation *indentation) {
    size_t length = line_end_length(tokenizer->at + 1);
    if (length == 0 || tokenizer->at[1 + length] == '\0')
        return refuse(tokenizer, tokenizer->at, "nothing but a line's end may follow this backslash");
    tokenizer->at += 1 + length;
    if (indentation->joined == 0)
        indentation->joined = indentation->column;
    return 0;
}

static bool skips_line_end(const struct tokenizer *tokenizer) {
    return tokenizer->depth > 0 || tokenizer->level > 0 || !tokenizer->is_in_line;
}

int tokenizer_skip_space(struct tokenizer *tokenizer) {
    struct indentation indentation = {0};
    for (;;) {
        const char *at = tokenizer->at;
        if (*at == ' ' || *at == '\t' || *at == '\f') {
            indent(&indentation, *at);
            tokenizer->at++;
        } else if (*at == '#') {
            tokenizer->at += strcspn(at, "\n\r");
        } else if (line_end_length(at) > 0 && skips_line_end(tokenizer)) {
            tokenizer->at += line_end_length(at);
            indentation = (struct indentation){0};
        } else if (*at != '\\') {
            break;
        } else if (skip_joint(tokenizer, &indentation) < 0) {
            return -1;
        }
    }
    if (!tokenizer->is_in_line) {
        tokenizer->indent = indentation.joined > 0 ? indentation.joined : indentation.column;
        tokenizer->alt_indent = indentation.joined > 0 ? indentation.joined : indentation.alt;
    }
    return 0;
}

/* -- brackets -- */

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

/* -- names -- */

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
        size_t length = str_utf8_length(tokenizer->at);
        if (is_typographic(tokenizer->at))
            return refuse(tokenizer, tokenizer->at, "this character may not stand outside of a string");
        if (length == 0)
            return settings_fault_encoding(tokenizer->fault, tokenizer->text, tokenizer->at);
        tokenizer->at += length;
    }
    return 0;
}

/* -- strings -- */

bool python_string_begins(const char *at, struct string_prefix *prefix) {
    static const char *const PREFIXES[] = {"", "r", "u", "b", "f", "t", "br", "rb", "fr", "rf", "tr", "rt"};
    char letters[3] = "";
    size_t length = 0;
    for (; length < 2 && isalpha((unsigned char)at[length]); length++)
        letters[length] = (char)tolower((unsigned char)at[length]);
    if (at[length] != '"' && at[length] != '\'')
        return false;
    *prefix = (struct string_prefix){.length = length,
        .is_raw = strchr(letters, 'r'),
        .is_bytes = strchr(letters, 'b'),
        .has_fields = strchr(letters, 'f') || strchr(letters, 't')};
    for (size_t i = 0; i < sizeof PREFIXES / sizeof PREFIXES[0]; i++)
        if (strcmp(PREFIXES[i], letters) == 0)
            return true;
    return false;
}

/* -- operators -- */

static size_t operator_length(const char *at) {
    static const char *const LONG[] = {"**=", "//=", ">>=", "<<=", "...", "**", "//", ">>", "<<",
        "<=", ">=", "==", "!=", "->", "+=", "-=", "*=", "/=", "%=", "@=", "&=", "|=", "^=", ":="};
    for (size_t i = 0; i < sizeof LONG / sizeof LONG[0]; i++)
        if (strncmp(at, LONG[i], strlen(LONG[i])) == 0)
            return strlen(LONG[i]);
    return 1;
}

static int read_operator(struct tokenizer *tokenizer, struct token *token) {
    const char *at = tokenizer->at;
    size_t length = operator_length(at);
    if (strchr("$?`", *at) || (*at == '!' && length == 1) || iscntrl((unsigned char)*at))
        return refuse(tokenizer, at, "this character may not stand outside of a string");
    bool ends_in_equals = length > 1 && at[length - 1] == '=';
    token->kind = TOKEN_OTHER;
    if (*at == '=' && length == 1)
        token->kind = TOKEN_ASSIGN;
    else if (*at == ':' && length == 2)
        token->kind = TOKEN_WALRUS;
    else if (ends_in_equals && (length == 3 || !strchr("<>=!", *at)))
        token->kind = TOKEN_AUGMENT;
    tokenizer->at += length;
    return 0;
}

/* -- all -- */

static int go_to(struct tokenizer *tokenizer, const char *at) {
    tokenizer->at = at ? at : tokenizer->at;
    return at ? 0 : -1;
}

/* NOLINTBEGIN(misc-no-recursion): a string's fields have tokens; no more than PYTHON_MAX_NESTING deep */

static int read_token(struct tokenizer *tokenizer, struct token *token) {
    const char *at = tokenizer->at;
    struct string_prefix prefix;
    if (python_string_begins(at, &prefix)) {
        token->kind = TOKEN_STRING;
        return go_to(tokenizer,
            tokenizer->skip_string(tokenizer->text, at, &prefix, tokenizer->level, tokenizer->fault));
    }
    if (is_name_start(*at))
        return read_name(tokenizer, token);
    if (isdigit((unsigned char)*at) || (*at == '.' && isdigit((unsigned char)at[1]))) {
        token->kind = TOKEN_NUMBER;
        return go_to(tokenizer, python_skip_number(tokenizer->text, at, tokenizer->fault));
    }
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
    if (tokenizer_skip_space(tokenizer) < 0)
        return -1;
    token->text = tokenizer->at;
    token->length = 0;
    if (*tokenizer->at == '\0' || line_end_length(tokenizer->at) > 0)
        return read_end(tokenizer, token);
    tokenizer->is_in_line = true;
    if (read_token(tokenizer, token) < 0)
        return -1;
    token->length = (size_t)(tokenizer->at - token->text);
    return 0;
}

/* NOLINTEND(misc-no-recursion) */
