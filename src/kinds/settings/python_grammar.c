/* Judges Python's grammar token by token. */
#include "kinds/settings/python_grammar.h"

#include "kinds/settings/python_grammar_parts.h"

#include <ctype.h>
#include <string.h>

void python_grammar_init(
    struct python_grammar *grammar, const char *text, bool is_field, struct settings_fault *fault) {
    memset(grammar, 0, sizeof *grammar);
    grammar->text = text;
    grammar->fault = fault;
    grammar->is_field = is_field;
    grammar->state = GRAMMAR_NEED;
    grammar->last = (struct token){.kind = TOKEN_NEWLINE};
}

int python_grammar_end_field(struct python_grammar *grammar, const char *at) {
    const struct token end = {.kind = TOKEN_END, .text = at};
    if (grammar->last.kind == TOKEN_NEWLINE)
        return grammar_refuse(grammar, &end, "nothing stands between these braces");
    if (grammar_context(grammar)->lambdas > 0)
        return grammar_refuse(grammar, &end, "a lambda within braces needs parentheses");
    return grammar_end_item(grammar, &end);
}

/* -- brackets -- */

static int take_open(struct python_grammar *grammar, const struct token *token) {
    bool is_behind = grammar->state == GRAMMAR_HAVE;
    bool is_import = grammar->statement == STATEMENT_FROM_IMPORT && token_is_word(&grammar->last, "import");
    if ((is_behind && *token->text == '{') ||
        (grammar->state != GRAMMAR_NEED && grammar->state != GRAMMAR_MAY && grammar->state != GRAMMAR_HAVE))
        return grammar_refuse(grammar, token, GRAMMAR_TWO_OPERANDS);
    if ((grammar->statement == STATEMENT_IMPORT || grammar->statement == STATEMENT_FROM ||
            grammar->statement == STATEMENT_FROM_IMPORT || grammar->statement == STATEMENT_GLOBAL) &&
        !is_import)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    grammar->depth++;
    *grammar_context(grammar) = (struct grammar_context){.opener = *token->text, .is_trailer = is_behind};
    grammar->state = is_import ? GRAMMAR_NEED : GRAMMAR_MAY;
    return 0;
}

static int take_close(struct python_grammar *grammar, const struct token *token) {
    const struct grammar_context *context = grammar_context(grammar);
    if (grammar_end_item(grammar, token) < 0 || grammar_end_argument(grammar, token) < 0)
        return -1;
    if (context->lambdas > 0)
        return grammar_refuse(grammar, token, "this lambda has no colon");
    if (context->opener == '[' && context->is_trailer && grammar->last.kind == TOKEN_OPEN)
        return grammar_refuse(grammar, token, GRAMMAR_NO_OPERAND);
    grammar->is_call = context->opener == '(' && context->is_trailer;
    grammar->depth--;
    grammar->state = GRAMMAR_HAVE;
    return 0;
}

/* -- all -- */

static int take(struct python_grammar *grammar, const struct token *token) {
    switch (token->kind) {
    case TOKEN_OPEN: return take_open(grammar, token);
    case TOKEN_CLOSE: return take_close(grammar, token);
    case TOKEN_NAME:
        return (token_is_keyword(token) ? grammar_take_word : grammar_take_operand)(grammar, token);
    case TOKEN_NUMBER:
    case TOKEN_STRING: return grammar_take_operand(grammar, token);
    case TOKEN_ASSIGN: return grammar_take_assign(grammar, token);
    case TOKEN_WALRUS: return grammar_take_walrus(grammar, token);
    case TOKEN_AUGMENT: return grammar_take_augment(grammar, token);
    case TOKEN_OTHER: return grammar_take_sign(grammar, token);
    case TOKEN_NEWLINE:
    case TOKEN_END: break;
    }
    return grammar_take_end(grammar, token);
}

enum grammar_statement python_grammar_begun(const struct token *token) {
    static const struct {
        const char *word;
        enum grammar_statement statement;
    } WORDS[] = {{"assert", STATEMENT_ASSERT}, {"async", STATEMENT_ASYNC}, {"break", STATEMENT_BREAK},
        {"class", STATEMENT_CLASS}, {"continue", STATEMENT_BREAK}, {"def", STATEMENT_DEF},
        {"del", STATEMENT_DEL}, {"elif", STATEMENT_ELIF}, {"else", STATEMENT_ELSE},
        {"except", STATEMENT_EXCEPT}, {"finally", STATEMENT_FINALLY}, {"for", STATEMENT_FOR},
        {"from", STATEMENT_FROM}, {"global", STATEMENT_GLOBAL}, {"if", STATEMENT_IF},
        {"import", STATEMENT_IMPORT}, {"nonlocal", STATEMENT_GLOBAL}, {"pass", STATEMENT_PASS},
        {"raise", STATEMENT_RAISE}, {"return", STATEMENT_RETURN}, {"try", STATEMENT_TRY},
        {"while", STATEMENT_WHILE}, {"with", STATEMENT_WITH}};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
        if (token_is_word(token, WORDS[i].word))
            return WORDS[i].statement;
    return token_is_sign(token, "@") ? STATEMENT_DECORATOR : STATEMENT_EXPRESSION;
}

static enum grammar_state state_behind(enum grammar_statement statement) {
    if (statement == STATEMENT_ELSE || statement == STATEMENT_TRY || statement == STATEMENT_FINALLY ||
        statement == STATEMENT_PASS || statement == STATEMENT_BREAK)
        return GRAMMAR_ENDED;
    if (statement == STATEMENT_RETURN || statement == STATEMENT_RAISE || statement == STATEMENT_EXCEPT)
        return GRAMMAR_MAY;
    return GRAMMAR_NEED;
}

/* The word that begins a statement. */
static int begin(
    struct python_grammar *grammar, const struct token *token, enum grammar_statement statement) {
    if (grammar->is_inline && statement >= STATEMENT_DECORATOR)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    grammar->statement = statement;
    grammar->state = state_behind(statement);
    grammar->contexts[0].fors = statement == STATEMENT_FOR;
    return 0;
}

/* async def, async with, async for */
static int begin_async(struct python_grammar *grammar, const struct token *token) {
    enum grammar_statement statement = python_grammar_begun(token);
    if (statement != STATEMENT_DEF && statement != STATEMENT_WITH && statement != STATEMENT_FOR)
        return grammar_refuse(grammar, token, GRAMMAR_MISPLACED);
    return begin(grammar, token, statement);
}

static bool is_end(const struct token *token) {
    return token->kind == TOKEN_NEWLINE || token->kind == TOKEN_END || token_is_sign(token, ";");
}

int python_grammar_take(
    struct python_grammar *grammar, const struct token *token, enum grammar_statement begun) {
    int result;
    bool is_word = begun != STATEMENT_EXPRESSION;
    if (grammar->statement == STATEMENT_ASYNC)
        result = begin_async(grammar, token);
    else if (grammar->statement != STATEMENT_NONE || is_end(token))
        result = take(grammar, token);
    else if (begin(grammar, token, begun) < 0)
        result = -1;
    else
        result = is_word ? 0 : take(grammar, token);
    if (grammar->statement != STATEMENT_NONE)
        grammar->last = *token;
    return result;
}
