/* The tokens of Python, as far as settings need them. Pure. */
#ifndef BH_KINDS_SETTINGS_PYTHON_TOKEN_H
#define BH_KINDS_SETTINGS_PYTHON_TOKEN_H

#include "kinds/settings/names.h"

#include <stddef.h>

enum token_kind {
    TOKEN_END,
    TOKEN_NEWLINE, /* of a logical line */
    TOKEN_NAME,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_OPEN,    /* ( [ { */
    TOKEN_CLOSE,   /* ) ] } */
    TOKEN_ASSIGN,  /* = alone */
    TOKEN_WALRUS,  /* := */
    TOKEN_AUGMENT, /* += and the like */
    TOKEN_OTHER,
};

struct token {
    enum token_kind kind;
    const char *text; /* into the source */
    size_t length;
};

enum { PYTHON_MAX_BRACKETS = 200 }; /* as in CPython (Parser/lexer/state.h, MAXLEVEL) */

struct tokenizer {
    const char *text;
    const char *at;
    const char *brackets[PYTHON_MAX_BRACKETS]; /* where each open one stands */
    size_t depth;
    size_t indent;                /* of the logical line that the last token is on */
    bool is_in_line;              /* a logical line has begun */
    struct settings_fault *fault; /* filled on failure */
};

void tokenizer_init(struct tokenizer *tokenizer, const char *text, struct settings_fault *fault);

/* The next token. Returns 0, or -1 with the fault. Behind TOKEN_END there is nothing. */
int tokenizer_next(struct tokenizer *tokenizer, struct token *token);

/* Skips a string whose quotes begin at `at` (its prefix is before them): returns what is behind it, or NULL
 * with the fault. has_fields: an f-string or t-string, whose {} hold expressions. */
const char *python_skip_string(
    const char *text, const char *at, bool is_raw, bool has_fields, int level, struct settings_fault *fault);

/* The length of a string prefix (r, b, u, f, t and their pairs, in any case) that is followed by a quote, 0
 * for a quote without one, -1 where no string begins. */
int python_string_prefix(const char *at, bool *is_raw, bool *has_fields);

#endif
