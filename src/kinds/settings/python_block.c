/* Follows the blocks of a Python module. */
#include "kinds/settings/python_block.h"

static const char NO_BLOCK[] = "an indented block was expected here";
static const char NO_HANDLER[] = "the try before this has neither except nor finally";

static struct python_block *innermost(struct python_blocks *blocks) {
    return &blocks->stack[blocks->depth];
}

/* -- indentation, as CPython's tokenizer compares it -- */

static const char *open_block(struct python_blocks *blocks, size_t indent, size_t alt_indent) {
    const struct python_block *around = innermost(blocks);
    if (indent <= around->indent)
        return NO_BLOCK;
    if (alt_indent <= around->alt_indent)
        return "tabs and spaces are mixed here so that Python cannot tell the indentation";
    if (blocks->depth + 1 >= PYTHON_MAX_INDENTS)
        return "nested too deeply";
    blocks->stack[++blocks->depth] =
        (struct python_block){.indent = indent, .alt_indent = alt_indent, .kind = blocks->opened};
    blocks->opened = BLOCK_NONE;
    return NULL;
}

static const char *close_blocks(struct python_blocks *blocks, size_t indent) {
    while (blocks->depth > 0 && indent < innermost(blocks)->indent) {
        if (innermost(blocks)->last == STATEMENT_TRY)
            return NO_HANDLER;
        blocks->depth--;
    }
    return NULL;
}

const char *python_blocks_begin_line(struct python_blocks *blocks, size_t indent, size_t alt_indent) {
    blocks->inlined = BLOCK_NONE;
    if (blocks->opened != BLOCK_NONE)
        return open_block(blocks, indent, alt_indent);
    if (indent > innermost(blocks)->indent)
        return "this line is indented, and nothing before it asks for that";
    const char *what = close_blocks(blocks, indent);
    if (what)
        return what;
    if (indent != innermost(blocks)->indent)
        return "this line is indented like none of the blocks before it";
    return alt_indent == innermost(blocks)->alt_indent
               ? NULL
               : "tabs and spaces are mixed here so that Python cannot tell the indentation";
}

/* -- which statement may stand where -- */

static bool is_handler_of(enum grammar_statement statement, enum grammar_statement last) {
    if (statement == STATEMENT_ELIF)
        return last == STATEMENT_IF;
    if (statement == STATEMENT_ELSE)
        return last == STATEMENT_IF || last == STATEMENT_FOR || last == STATEMENT_EXCEPT;
    if (statement == STATEMENT_EXCEPT)
        return last == STATEMENT_TRY || last == STATEMENT_EXCEPT;
    return last == STATEMENT_TRY || last == STATEMENT_EXCEPT || last == STATEMENT_ELSE;
}

/* What a statement may be gone on with, as the statement that stands for its like: FOR for all loops; ELSE
 * for that of a try. */
static enum grammar_statement last_of(enum grammar_statement statement, enum grammar_statement last) {
    if (statement == STATEMENT_IF || statement == STATEMENT_ELIF)
        return STATEMENT_IF;
    if (statement == STATEMENT_FOR || statement == STATEMENT_WHILE)
        return STATEMENT_FOR;
    if (statement == STATEMENT_TRY || statement == STATEMENT_EXCEPT)
        return statement;
    return statement == STATEMENT_ELSE && last == STATEMENT_EXCEPT ? STATEMENT_ELSE : STATEMENT_NONE;
}

static const char *chain(struct python_block *block, enum grammar_statement statement) {
    bool goes_on = statement == STATEMENT_ELIF || statement == STATEMENT_ELSE ||
                   statement == STATEMENT_EXCEPT || statement == STATEMENT_FINALLY;
    if (goes_on && !is_handler_of(statement, block->last))
        return "there is nothing before this that it could belong to";
    if (!goes_on && block->last == STATEMENT_TRY)
        return NO_HANDLER;
    block->last = last_of(statement, block->last);
    return NULL;
}

/* Whether one of these kinds is around this, with no other function or class between. */
static bool is_within(const struct python_blocks *blocks, enum block_kind kind) {
    enum block_kind at = blocks->inlined;
    for (size_t i = blocks->depth + 1; i > 0; at = blocks->stack[--i].kind) {
        if (at == kind)
            return true;
        if (at == BLOCK_FUNCTION || at == BLOCK_CLASS)
            return false;
    }
    return at == kind;
}

static const char *decorate(struct python_blocks *blocks, enum grammar_statement statement) {
    bool may_be_decorated =
        statement == STATEMENT_DEF || statement == STATEMENT_CLASS || statement == STATEMENT_DECORATOR;
    if (blocks->is_decorated && !may_be_decorated)
        return "a decorator needs a function or class behind it";
    blocks->is_decorated = statement == STATEMENT_DECORATOR;
    return NULL;
}

const char *python_blocks_begin(
    struct python_blocks *blocks, enum grammar_statement statement, bool is_first) {
    if (blocks->opened != BLOCK_NONE) {
        blocks->inlined = blocks->opened;
        blocks->opened = BLOCK_NONE;
    }
    if (statement == STATEMENT_RETURN && !is_within(blocks, BLOCK_FUNCTION))
        return "return stands outside of a function";
    if (statement == STATEMENT_BREAK && !is_within(blocks, BLOCK_LOOP))
        return "break and continue stand in loops alone";
    if (!is_first)
        return NULL;
    if (innermost(blocks)->kind == BLOCK_MATCH && statement != STATEMENT_CASE)
        return "case was expected here";
    const char *what = decorate(blocks, statement);
    return what ? what : chain(innermost(blocks), statement);
}

void python_blocks_open(struct python_blocks *blocks, enum grammar_statement statement) {
    bool is_loop = statement == STATEMENT_FOR || statement == STATEMENT_WHILE;
    blocks->opened = statement == STATEMENT_DEF     ? BLOCK_FUNCTION
                     : statement == STATEMENT_CLASS ? BLOCK_CLASS
                     : statement == STATEMENT_MATCH ? BLOCK_MATCH
                     : is_loop                      ? BLOCK_LOOP
                                                    : BLOCK_OTHER;
}

const char *python_blocks_end(struct python_blocks *blocks) {
    if (blocks->opened != BLOCK_NONE)
        return NO_BLOCK;
    if (blocks->is_decorated)
        return "a decorator needs a function or class behind it";
    const char *what = close_blocks(blocks, 0);
    return !what && innermost(blocks)->last == STATEMENT_TRY ? NO_HANDLER : what;
}

bool python_blocks_are_in(const struct python_blocks *blocks, enum block_kind kind) {
    return blocks->stack[blocks->depth].kind == kind;
}

bool python_blocks_are_in_body(const struct python_blocks *blocks) {
    bool is_in_body = blocks->inlined == BLOCK_FUNCTION || blocks->inlined == BLOCK_CLASS;
    for (size_t i = 0; i <= blocks->depth; i++)
        is_in_body =
            is_in_body || blocks->stack[i].kind == BLOCK_FUNCTION || blocks->stack[i].kind == BLOCK_CLASS;
    return is_in_body;
}
