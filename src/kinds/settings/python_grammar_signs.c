/* What Python's signs may do in an expression. */
#include "kinds/settings/python_grammar_parts.h"

/* What is behind it is an operand of its own: *x, **x. */
static bool begins_item(const struct python_grammar *grammar) {
    const struct token *last = &grammar->last;
    bool is_word = last->kind == TOKEN_NAME && !token_is_word(last, "not") && !token_is_word(last, "await");
    return last->kind == TOKEN_OPEN || last->kind == TOKEN_ASSIGN || last->kind == TOKEN_AUGMENT ||
           last->kind == TOKEN_NEWLINE || is_word || token_is_sign(last, ",") || token_is_sign(last, ":");
}

static int take_comma(struct python_grammar *grammar, const struct token *token) {
    const struct grammar_context *context = grammar_context(grammar);
    bool is_alone = grammar_is_in_parameters(grammar) &&
                    (grammar_is_last_sign(grammar, "*") || grammar_is_last_sign(grammar, "/"));
    bool is_slice = context->opener == '[' && context->is_trailer && grammar_is_last_sign(grammar, ":");
    if (grammar->state != GRAMMAR_HAVE && !is_alone && !is_slice)
        return grammar_refuse(
            grammar, token, grammar->state == GRAMMAR_ENDED ? GRAMMAR_MISPLACED : GRAMMAR_NO_OPERAND);
    /* for x, in y */
    if (context->fors == 0 &&
        (grammar_end_item(grammar, token) < 0 || grammar_end_argument(grammar, token) < 0))
        return -1;
    if (grammar->statement == STATEMENT_FROM)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    bool must_go_on =
        grammar->depth == 0 &&
        (grammar->statement == STATEMENT_IMPORT || grammar->statement == STATEMENT_FROM_IMPORT ||
            grammar->statement == STATEMENT_GLOBAL || grammar->statement == STATEMENT_ASSERT);
    grammar->state = must_go_on ? GRAMMAR_NEED : GRAMMAR_MAY;
    return 0;
}

/* The colon of a statement: that of a block, or of an annotation. */
static int take_statement_colon(struct python_grammar *grammar, const struct token *token) {
    bool may_annotate = grammar->statement == STATEMENT_EXPRESSION && !grammar->has_colon &&
                        !grammar->has_assign && !grammar->has_augment && !grammar->is_field;
    if (python_grammar_has_block(grammar->statement)) {
        if (grammar_end_item(grammar, token) < 0)
            return -1;
        grammar_end_statement(grammar, true);
        return 0;
    }
    if (!may_annotate)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    grammar->has_colon = true;
    return grammar_take_binary(grammar, token);
}

static int take_colon(struct python_grammar *grammar, const struct token *token) {
    struct grammar_context *context = grammar_context(grammar);
    if (context->lambdas > 0) {
        if (grammar->state == GRAMMAR_NEED)
            return grammar_refuse(grammar, token, GRAMMAR_NO_OPERAND);
        context->lambdas--;
        grammar->state = GRAMMAR_NEED;
        return 0;
    }
    if (grammar->depth == 0)
        return take_statement_colon(grammar, token);
    if (context->opener == '[' && context->is_trailer) {
        if (grammar_end_item(grammar, token) < 0)
            return -1;
        grammar->state = GRAMMAR_MAY;
        return 0;
    }
    if (context->opener != '{' && !grammar_is_in_parameters(grammar))
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    return grammar_take_binary(grammar, token);
}

/* Whether what stands before this can be assigned to: no result of an operator, or of a call. */
static bool is_target(const struct python_grammar *grammar) {
    return grammar->has_colon ||
           (!grammar->has_operator && !(grammar->is_call && grammar->last.kind == TOKEN_CLOSE));
}

int grammar_take_assign(struct python_grammar *grammar, const struct token *token) {
    struct grammar_context *context = grammar_context(grammar);
    bool is_statement = grammar->depth == 0 && context->lambdas == 0;
    bool may_assign = grammar->statement == STATEMENT_EXPRESSION || grammar->statement == STATEMENT_TYPE;
    bool is_definition = grammar->statement == STATEMENT_DEF || grammar->statement == STATEMENT_CLASS ||
                         grammar->statement == STATEMENT_TYPE;
    if (is_statement && (!may_assign || grammar->has_augment || (grammar->has_colon && grammar->has_assign)))
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    if (!is_statement && context->lambdas == 0 && !context->is_trailer)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    if (!is_statement && context->lambdas == 0 && context->opener == '[' && !is_definition)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    if (is_statement && !is_target(grammar))
        return grammar_refuse(grammar, token, "nothing can be assigned to what stands before this");
    if (!is_statement && context->lambdas == 0)
        context->has_keyword = context->is_marked = true;
    if (is_statement) {
        if (grammar_end_item(grammar, token) < 0)
            return -1;
        grammar->has_assign = true;
        grammar->state = grammar->state == GRAMMAR_MAY ? GRAMMAR_HAVE : grammar->state; /* a, = b */
    }
    bool has_operator = grammar->has_operator && !is_statement;
    int result = grammar_take_binary(grammar, token);
    grammar->has_operator = has_operator;
    return result;
}

int grammar_take_augment(struct python_grammar *grammar, const struct token *token) {
    bool may_be = grammar->depth == 0 && grammar_context(grammar)->lambdas == 0 &&
                  grammar->statement == STATEMENT_EXPRESSION && !grammar->has_assign &&
                  !grammar->has_augment && !grammar->has_colon && !grammar->is_field && is_target(grammar);
    grammar->has_augment = true;
    return may_be ? grammar_take_binary(grammar, token) : grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
}

int grammar_take_walrus(struct python_grammar *grammar, const struct token *token) {
    bool is_bare = grammar->depth == 0 && grammar->statement < STATEMENT_DECORATOR;
    if (is_bare || grammar->last.kind != TOKEN_NAME || token_is_keyword(&grammar->last))
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    return grammar_take_binary(grammar, token);
}

/* * and **: between two operands, in front of one, or alone among parameters. */
static int take_star(struct python_grammar *grammar, const struct token *token) {
    if (grammar->state == GRAMMAR_HAVE)
        return grammar_take_binary(grammar, token);
    if (grammar->statement == STATEMENT_FROM_IMPORT && token_is_word(&grammar->last, "import") &&
        token->length == 1) {
        grammar->state = GRAMMAR_ENDED;
        return 0;
    }
    if (!begins_item(grammar))
        return grammar_refuse(grammar, token, GRAMMAR_NO_OPERAND);
    struct grammar_context *context = grammar_context(grammar);
    if (!grammar_is_in_parameters(grammar)) {
        context->is_marked = true;
        context->has_keyword = context->has_keyword || token->length == 2;
    }
    return grammar_take_prefix(
        grammar, token, token->length == 1 && grammar_is_in_parameters(grammar) ? GRAMMAR_MAY : GRAMMAR_NEED);
}

static int take_slash(struct python_grammar *grammar, const struct token *token) {
    bool is_alone = grammar->state == GRAMMAR_MAY && grammar_is_last_sign(grammar, ",") &&
                    grammar_is_in_parameters(grammar);
    return is_alone ? 0 : grammar_take_binary(grammar, token);
}

static int take_sign_or_binary(struct python_grammar *grammar, const struct token *token) {
    return grammar->state == GRAMMAR_HAVE ? grammar_take_binary(grammar, token)
                                          : grammar_take_prefix(grammar, token, GRAMMAR_NEED);
}

static int take_dot(struct python_grammar *grammar, const struct token *token) {
    bool is_relative = grammar->statement == STATEMENT_FROM && grammar->state == GRAMMAR_NEED;
    if (is_relative)
        return 0;
    if (token->length == 3)
        return grammar_take_operand(grammar, token);
    if (grammar->state != GRAMMAR_HAVE)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    bool is_named = grammar->statement == STATEMENT_CLASS || grammar->statement == STATEMENT_DEF;
    if (is_named && grammar->depth == 0 && !grammar->has_arrow)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    grammar->state = GRAMMAR_ATTRIBUTE;
    return 0;
}

static int take_arrow(struct python_grammar *grammar, const struct token *token) {
    bool may_be =
        grammar->statement == STATEMENT_DEF && grammar->depth == 0 && grammar->last.kind == TOKEN_CLOSE;
    grammar->has_arrow = true;
    return may_be ? grammar_take_binary(grammar, token) : grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
}

static bool is_one_of_signs(const struct token *token, const char *const *signs) {
    for (; *signs; signs++)
        if (token_is_sign(token, *signs))
            return true;
    return false;
}

/* Import and global statements have names, dots and commas alone. */
static bool is_only_names(const struct python_grammar *grammar) {
    return grammar->statement == STATEMENT_IMPORT || grammar->statement == STATEMENT_FROM ||
           grammar->statement == STATEMENT_FROM_IMPORT || grammar->statement == STATEMENT_GLOBAL;
}

int grammar_take_sign(struct python_grammar *grammar, const struct token *token) {
    static const char *const SIGNS[] = {"+", "-", NULL}, *const STARS[] = {"*", "**", NULL},
                             *const DOTS[] = {".", "...", NULL},
                             *const NAMES[] = {",", ".", "...", "*", ";", NULL};
    if (is_only_names(grammar) && !is_one_of_signs(token, NAMES))
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    if (is_one_of_signs(token, SIGNS))
        return take_sign_or_binary(grammar, token);
    if (is_one_of_signs(token, STARS))
        return take_star(grammar, token);
    if (is_one_of_signs(token, DOTS))
        return take_dot(grammar, token);
    if (token_is_sign(token, ","))
        return take_comma(grammar, token);
    if (token_is_sign(token, ":"))
        return take_colon(grammar, token);
    if (token_is_sign(token, "~"))
        return grammar_take_prefix(grammar, token, GRAMMAR_NEED);
    if (token_is_sign(token, "/"))
        return take_slash(grammar, token);
    if (token_is_sign(token, "->"))
        return take_arrow(grammar, token);
    if (token_is_sign(token, ";"))
        return grammar->depth > 0 ? grammar_refuse(grammar, token, GRAMMAR_MISPLACED)
                                  : grammar_take_end(grammar, token);
    return grammar_take_binary(grammar, token);
}
