/* The blocks of a Python module: how lines are indented, and which statement may follow which. Pure. */
#ifndef BH_KINDS_SETTINGS_PYTHON_BLOCK_H
#define BH_KINDS_SETTINGS_PYTHON_BLOCK_H

#include "kinds/settings/python_grammar.h"

enum { PYTHON_MAX_INDENTS = 100 }; /* as in CPython (Parser/lexer/state.h, MAXINDENT) */

enum block_kind { BLOCK_NONE, BLOCK_FUNCTION, BLOCK_CLASS, BLOCK_LOOP, BLOCK_MATCH, BLOCK_OTHER };

struct python_block {
    size_t indent, alt_indent;
    enum block_kind kind;
    enum grammar_statement last; /* the compound statement that the next may go on; STATEMENT_NONE: none */
};

struct python_blocks {
    struct python_block stack[PYTHON_MAX_INDENTS + 1];
    size_t depth;            /* of the innermost block; 0: the module */
    enum block_kind opened;  /* a colon has come, and what follows it has not */
    enum block_kind inlined; /* its statements are on the line of its colon */
    bool is_decorated;       /* a decorator has come, and what it decorates has not */
};

/* The first token of a logical line. These return NULL, or what is wrong, in fixed words. */
const char *python_blocks_begin_line(struct python_blocks *blocks, size_t indent, size_t alt_indent);

/* The first token of a statement; is_first: of its line. Of async def and the like the second token. */
const char *python_blocks_begin(
    struct python_blocks *blocks, enum grammar_statement statement, bool is_first);

/* The colon behind the head of a statement. */
void python_blocks_open(struct python_blocks *blocks, enum grammar_statement statement);

/* The end of the text. */
const char *python_blocks_end(struct python_blocks *blocks);

/* Whether the innermost block is of that kind; whether this is within a function or class. */
bool python_blocks_are_in(const struct python_blocks *blocks, enum block_kind kind);
bool python_blocks_are_in_body(const struct python_blocks *blocks);

#endif
