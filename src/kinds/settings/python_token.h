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

/* What stands in front of a string's quotes. */
struct string_prefix {
    size_t length;
    bool is_raw;
    bool is_bytes;
    bool has_fields; /* an f-string or t-string, whose {} hold expressions */
};

/* Skips the string whose prefix begins at `at`: returns what is behind it, or NULL with the fault. level: of
 * the f-strings around it. */
typedef const char *python_string_skipper(const char *text, const char *at,
    const struct string_prefix *prefix, int level, struct settings_fault *fault);

/* As in CPython (Parser/lexer/state.h, MAXLEVEL and MAXFSTRINGLEVEL). */
enum { PYTHON_MAX_BRACKETS = 200, PYTHON_MAX_NESTING = 150 };

struct tokenizer {
    const char *text;
    const char *at;
    const char *brackets[PYTHON_MAX_BRACKETS]; /* where each open one stands */
    size_t depth;
    size_t indent;     /* of the logical line that the last token is on, tabs going to multiples of 8 */
    size_t alt_indent; /* the same, with tabs that are as wide as a space */
    bool is_in_line;   /* a logical line has begun */
    int level; /* of nesting in f-strings; above 0 the text is one field's, and line ends are white space */
    python_string_skipper *skip_string;
    struct settings_fault *fault; /* filled on failure */
};

/* skip_string: what is within an f-string's braces has tokens and a grammar of its own, so the strings stand
 * above both (python_string.h). */
void tokenizer_init(struct tokenizer *tokenizer, const char *text, python_string_skipper *skip_string,
    struct settings_fault *fault);

/* The next token. Returns 0, or -1 with the fault. Behind TOKEN_END there is nothing. */
int tokenizer_next(struct tokenizer *tokenizer, struct token *token);

/* Skips white space, comments, joined lines and, where they mean nothing, line ends. Returns as above. */
int tokenizer_skip_space(struct tokenizer *tokenizer);

bool token_is_word(const struct token *token, const char *word);
bool token_is_one_of(const struct token *token, const char *const *words); /* NULL behind the last */
bool token_is_sign(const struct token *token, const char *sign);
bool token_is_keyword(const struct token *token); /* not the soft ones: match, case, type */

/* Whether a string begins here. */
bool python_string_begins(const char *at, struct string_prefix *prefix);

/* Skips the number at `at` and returns what is behind it, or NULL with the fault. */
const char *python_skip_number(const char *text, const char *at, struct settings_fault *fault);

#endif
