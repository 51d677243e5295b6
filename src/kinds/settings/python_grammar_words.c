/* What Python's words may do in an expression. */
#include "kinds/settings/python_grammar_parts.h"

static int take_for(struct python_grammar *grammar, const struct token *token) {
    struct grammar_context *context = grammar_context(grammar);
    if (grammar->depth == 0 && !grammar->is_field)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    if (grammar->state == GRAMMAR_FOR)
        grammar->state = GRAMMAR_HAVE;
    else if (grammar_end_item(grammar, token) < 0)
        return -1;
    context->has_for = true;
    context->fors++;
    return grammar_take_binary(grammar, token);
}

static int take_if(struct python_grammar *grammar, const struct token *token) {
    struct grammar_context *context = grammar_context(grammar);
    bool needs_else = !context->has_for && !(grammar->statement == STATEMENT_CASE && grammar->depth == 0);
    context->ifs = (uint16_t)(context->ifs + needs_else);
    return grammar_take_binary(grammar, token);
}

static int take_else(struct python_grammar *grammar, const struct token *token) {
    struct grammar_context *context = grammar_context(grammar);
    bool is_guard = grammar->statement == STATEMENT_CASE && grammar->depth == 0;
    if (context->ifs == 0 && !context->has_for && !is_guard)
        return grammar_refuse(grammar, token, "this else has no if");
    context->ifs = (uint16_t)(context->ifs - (context->ifs > 0));
    return grammar_take_binary(grammar, token);
}

static int take_in(struct python_grammar *grammar, const struct token *token) {
    struct grammar_context *context = grammar_context(grammar);
    if (grammar->state == GRAMMAR_IN)
        grammar->state = GRAMMAR_HAVE;
    /* for x, in y */
    if (context->fors > 0 && grammar->state == GRAMMAR_MAY && grammar_is_last_sign(grammar, ","))
        grammar->state = GRAMMAR_HAVE;
    context->fors = (uint16_t)(context->fors - (context->fors > 0));
    return grammar_take_binary(grammar, token);
}

static int take_not(struct python_grammar *grammar, const struct token *token) {
    if (grammar->state != GRAMMAR_HAVE)
        return grammar_take_prefix(grammar, token, GRAMMAR_NEED);
    grammar->state = GRAMMAR_IN;
    return 0;
}

static int take_lambda(struct python_grammar *grammar, const struct token *token) {
    grammar_context(grammar)->lambdas++;
    return grammar_take_prefix(grammar, token, GRAMMAR_MAY);
}

static int take_from(struct python_grammar *grammar, const struct token *token) {
    if (token_is_word(&grammar->last, "yield"))
        return grammar_take_prefix(grammar, token, GRAMMAR_NEED);
    if (grammar->statement != STATEMENT_RAISE || grammar->depth > 0)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    return grammar_take_binary(grammar, token);
}

static int take_as(struct python_grammar *grammar, const struct token *token) {
    enum grammar_statement statement = grammar->statement;
    bool may_be = statement == STATEMENT_WITH || statement == STATEMENT_CASE ||
                  statement == STATEMENT_IMPORT || statement == STATEMENT_FROM_IMPORT ||
                  (statement == STATEMENT_EXCEPT && grammar->depth == 0);
    return may_be ? grammar_take_binary(grammar, token) : grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
}

static int take_import(struct python_grammar *grammar, const struct token *token) {
    bool has_module = grammar->state == GRAMMAR_HAVE || grammar_is_last_sign(grammar, ".") ||
                      grammar_is_last_sign(grammar, "...");
    if (grammar->statement != STATEMENT_FROM || !has_module)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    grammar->statement = STATEMENT_FROM_IMPORT;
    grammar->state = GRAMMAR_NEED;
    return 0;
}

static int take_async(struct python_grammar *grammar, const struct token *token) {
    if (grammar_end_item(grammar, token) < 0 || grammar->depth == 0)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    grammar->state = GRAMMAR_FOR;
    return 0;
}

static int take_await(struct python_grammar *grammar, const struct token *token) {
    return grammar_take_prefix(grammar, token, GRAMMAR_NEED);
}

static int take_yield(struct python_grammar *grammar, const struct token *token) {
    return grammar_take_prefix(grammar, token, GRAMMAR_MAY);
}

int grammar_take_word(struct python_grammar *grammar, const struct token *token) {
    static const struct {
        const char *word;
        int (*take)(struct python_grammar *grammar, const struct token *token);
    } WORDS[] = {{"True", grammar_take_operand}, {"False", grammar_take_operand},
        {"None", grammar_take_operand}, {"and", grammar_take_binary}, {"or", grammar_take_binary},
        {"is", grammar_take_binary}, {"in", take_in}, {"not", take_not}, {"if", take_if}, {"else", take_else},
        {"for", take_for}, {"async", take_async}, {"await", take_await}, {"yield", take_yield},
        {"lambda", take_lambda}, {"from", take_from}, {"as", take_as}, {"import", take_import}};
    if (grammar->state == GRAMMAR_ATTRIBUTE)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
        if (token_is_word(token, WORDS[i].word))
            return WORDS[i].take(grammar, token);
    return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
}
