/* Python's grammar, as far as it can be judged token by token: operands and operators in turn, brackets and
 * what may stand in them, words where they may stand, colons. What it refuses, every Python does. Pure. */
#ifndef BH_KINDS_SETTINGS_PYTHON_GRAMMAR_H
#define BH_KINDS_SETTINGS_PYTHON_GRAMMAR_H

#include "kinds/settings/python_token.h"

#include <stdbool.h>

enum grammar_state {
    GRAMMAR_NEED,      /* an operand must come */
    GRAMMAR_MAY,       /* an operand may come, or the end of what has begun */
    GRAMMAR_HAVE,      /* an operand is there: an operator or an end must come */
    GRAMMAR_ATTRIBUTE, /* a name must come, behind a dot */
    GRAMMAR_IN,        /* the word in must come, behind not */
    GRAMMAR_FOR,       /* the word for must come, behind async */
    GRAMMAR_ENDED,     /* nothing more may come in this statement */
};

enum grammar_statement {
    STATEMENT_NONE, /* its first token has not come yet */
    STATEMENT_EXPRESSION,
    STATEMENT_TYPE,
    STATEMENT_DEL,
    STATEMENT_ASSERT,
    STATEMENT_RETURN,
    STATEMENT_RAISE,
    STATEMENT_PASS,
    STATEMENT_BREAK, /* continue, too */
    STATEMENT_GLOBAL,
    STATEMENT_IMPORT,
    STATEMENT_FROM,
    STATEMENT_FROM_IMPORT,
    STATEMENT_DECORATOR,
    STATEMENT_ASYNC,
    /* those with a colon and a block */
    STATEMENT_IF,
    STATEMENT_ELIF,
    STATEMENT_ELSE,
    STATEMENT_WHILE,
    STATEMENT_FOR,
    STATEMENT_TRY,
    STATEMENT_EXCEPT,
    STATEMENT_FINALLY,
    STATEMENT_WITH,
    STATEMENT_DEF,
    STATEMENT_CLASS,
    STATEMENT_MATCH,
    STATEMENT_CASE,
};

/* A pair of brackets, or what is outside of all. */
struct grammar_context {
    char opener;      /* 0: outside */
    bool is_trailer;  /* behind an operand: of a call or a subscript */
    bool has_for;     /* a comprehension */
    bool has_keyword; /* a call that has been given NAME=x or **x */
    bool is_marked;   /* the argument that is being read is one of these, or *x */
    uint16_t lambdas; /* whose colon has not come */
    uint16_t ifs;     /* whose else has not come */
    uint16_t fors;    /* whose in has not come */
};

struct python_grammar {
    const char *text;
    struct settings_fault *fault;
    enum grammar_state state;
    enum grammar_statement statement;
    struct token last; /* the one before, of the same statement; TOKEN_NEWLINE at its start */
    bool is_inline;    /* behind a colon or a semicolon: no compound statement may begin */
    bool is_field;     /* one of an f-string */
    bool has_colon, has_assign, has_augment, has_arrow; /* outside of brackets, in this statement */
    bool has_operator; /* outside of brackets, since the statement began or the last = */
    bool is_call;      /* the last token closed the brackets of a call */
    size_t depth;      /* of brackets */
    struct grammar_context contexts[PYTHON_MAX_BRACKETS + 1];
};

void python_grammar_init(
    struct python_grammar *grammar, const char *text, bool is_field, struct settings_fault *fault);

/* Takes the next token; where grammar->statement is STATEMENT_NONE it begins a statement of that kind. Behind
 * it grammar->statement is STATEMENT_NONE again where the statement, or the head of a block, is over. Returns
 * 0, or -1 with the fault. */
int python_grammar_take(
    struct python_grammar *grammar, const struct token *token, enum grammar_statement begun);

/* The expression of a field is over. Returns as above. */
int python_grammar_end_field(struct python_grammar *grammar, const char *at);

/* The kind of statement that a token begins; match, case and type are given as expressions. */
enum grammar_statement python_grammar_begun(const struct token *token);

bool python_grammar_has_block(enum grammar_statement statement);

#endif
