/* What the judges of Python's signs and words have in common: where an operand, an operator or an end may
 * stand. */
#include "kinds/settings/python_grammar_parts.h"

int grammar_refuse(const struct python_grammar *grammar, const struct token *token, const char *what) {
    return settings_fault_at(grammar->fault, grammar->text, token->text, what);
}

struct grammar_context *grammar_context(struct python_grammar *grammar) {
    return &grammar->contexts[grammar->depth];
}

/* Whether names are given their defaults here, not values: the parameters of a def or a lambda. */
bool grammar_is_in_parameters(const struct python_grammar *grammar) {
    const struct grammar_context *context = &grammar->contexts[grammar->depth];
    return context->lambdas > 0 ||
           (grammar->statement == STATEMENT_DEF && grammar->depth == 1 && context->opener == '(');
}

bool grammar_is_last_sign(const struct python_grammar *grammar, const char *sign) {
    return token_is_sign(&grammar->last, sign);
}

/* -- the end of an item, a bracket or a statement -- */

/* Whether something may end here: an item, a bracket, a statement. */
int grammar_end_item(struct python_grammar *grammar, const struct token *token) {
    struct grammar_context *context = grammar_context(grammar);
    if (grammar->state != GRAMMAR_HAVE && grammar->state != GRAMMAR_MAY && grammar->state != GRAMMAR_ENDED)
        return grammar_refuse(grammar, token, GRAMMAR_NO_OPERAND);
    if (context->fors > 0)
        return grammar_refuse(grammar, token, "this for has no in");
    if (context->ifs > 0 && context->lambdas == 0)
        return grammar_refuse(grammar, token, "this if has no else");
    return 0;
}

int grammar_end_argument(struct python_grammar *grammar, const struct token *token) {
    struct grammar_context *context = grammar_context(grammar);
    bool is_call = context->opener == '(' && context->is_trailer && !grammar_is_in_parameters(grammar);
    bool is_bare = grammar->state == GRAMMAR_HAVE && !context->is_marked;
    if (!is_call)
        return 0;
    if (is_bare && context->has_keyword)
        return grammar_refuse(grammar, token, "the argument before this has no name, and one before it has");
    context->is_marked = false;
    return 0;
}

void grammar_end_statement(struct python_grammar *grammar, bool is_inline) {
    grammar->statement = STATEMENT_NONE;
    grammar->state = GRAMMAR_NEED;
    grammar->is_inline = is_inline;
    grammar->has_colon = grammar->has_assign = grammar->has_augment = grammar->has_arrow = false;
    grammar->has_operator = grammar->is_call = false;
    grammar->last = (struct token){.kind = TOKEN_NEWLINE};
    grammar->contexts[0] = (struct grammar_context){.opener = '\0'};
}

bool python_grammar_has_block(enum grammar_statement statement) {
    return statement >= STATEMENT_IF;
}

int grammar_take_end(struct python_grammar *grammar, const struct token *token) {
    bool is_newline = token->kind == TOKEN_NEWLINE || token->kind == TOKEN_END;
    if (grammar->statement == STATEMENT_NONE && !is_newline)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    if (grammar->statement != STATEMENT_NONE) {
        if (grammar->state == GRAMMAR_NEED && grammar->last.kind == TOKEN_ASSIGN)
            return grammar_refuse(grammar, &grammar->last, "nothing is assigned here");
        if (python_grammar_has_block(grammar->statement))
            return grammar_refuse(grammar, token, "a colon is missing here");
        if (grammar->statement == STATEMENT_FROM)
            return grammar_refuse(grammar, token, "import is missing here");
        if (grammar_end_item(grammar, token) < 0)
            return -1;
        if (grammar_context(grammar)->lambdas > 0)
            return grammar_refuse(grammar, token, "this lambda has no colon");
    }
    grammar_end_statement(grammar, !is_newline);
    return 0;
}

/* -- operands and words -- */

static bool is_bytes(const struct token *token) {
    struct string_prefix prefix;
    return python_string_begins(token->text, &prefix) && prefix.is_bytes;
}

int grammar_take_operand(struct python_grammar *grammar, const struct token *token) {
    bool is_joined = token->kind == TOKEN_STRING && grammar->last.kind == TOKEN_STRING;
    if (grammar->state == GRAMMAR_HAVE && is_joined && is_bytes(token) != is_bytes(&grammar->last))
        return grammar_refuse(grammar, token, "bytes and text cannot be one string");
    if (grammar->state == GRAMMAR_ATTRIBUTE && token->kind != TOKEN_NAME)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    if (grammar->state == GRAMMAR_ENDED || grammar->state == GRAMMAR_IN || grammar->state == GRAMMAR_FOR)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    if (grammar->state == GRAMMAR_HAVE && !is_joined)
        return grammar_refuse(grammar, token, GRAMMAR_TWO_OPERANDS);
    grammar->state = GRAMMAR_HAVE;
    return 0;
}

/* A word or sign between two operands. */
int grammar_take_binary(struct python_grammar *grammar, const struct token *token) {
    if (grammar->state != GRAMMAR_HAVE)
        return grammar_refuse(
            grammar, token, grammar->state == GRAMMAR_ENDED ? GRAMMAR_MISPLACED : GRAMMAR_NO_OPERAND);
    bool is_named = grammar->statement == STATEMENT_CLASS || grammar->statement == STATEMENT_DEF;
    if (is_named && grammar->depth == 0 && !grammar->has_arrow)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    grammar->has_operator = grammar->has_operator || grammar->depth == 0;
    grammar->state = GRAMMAR_NEED;
    return 0;
}

/* One in front of an operand; where nothing need follow: then_state. */
int grammar_take_prefix(
    struct python_grammar *grammar, const struct token *token, enum grammar_state then_state) {
    if (grammar->state != GRAMMAR_NEED && grammar->state != GRAMMAR_MAY)
        return grammar_refuse(
            grammar, token, grammar->state == GRAMMAR_HAVE ? GRAMMAR_TWO_OPERANDS : GRAMMAR_MISPLACED);
    grammar->has_operator = grammar->has_operator || (grammar->depth == 0 && *token->text != '*');
    grammar->state = then_state;
    return 0;
}
