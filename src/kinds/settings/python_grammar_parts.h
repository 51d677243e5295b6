/* What the sources of python_grammar.h share. Each function that takes a token or judges one returns
 * 0, or -1 with the fault. Pure. */
#ifndef BH_KINDS_SETTINGS_PYTHON_GRAMMAR_PARTS_H
#define BH_KINDS_SETTINGS_PYTHON_GRAMMAR_PARTS_H

#include "kinds/settings/python_grammar.h"

#define GRAMMAR_TWO_OPERANDS "an operator or a comma is missing in front of this"
#define GRAMMAR_NO_OPERAND   "something is missing in front of this"
#define GRAMMAR_MISPLACED    "this may not stand here"

int grammar_refuse(const struct python_grammar *grammar, const struct token *token, const char *what);

/* The innermost brackets that are open. */
struct grammar_context *grammar_context(struct python_grammar *grammar);

/* Whether these are the parameters of a def or a lambda. */
bool grammar_is_in_parameters(const struct python_grammar *grammar);

bool grammar_is_last_sign(const struct python_grammar *grammar, const char *sign);

/* Whether something may end here: an item, a bracket, a statement. */
int grammar_end_item(struct python_grammar *grammar, const struct token *token);

/* The same of an argument: one without a name may not follow one with a name. */
int grammar_end_argument(struct python_grammar *grammar, const struct token *token);

void grammar_end_statement(struct python_grammar *grammar, bool is_inline);

/* The end of a line, or a semicolon. */
int grammar_take_end(struct python_grammar *grammar, const struct token *token);

int grammar_take_operand(struct python_grammar *grammar, const struct token *token);

/* What stands between two operands. */
int grammar_take_binary(struct python_grammar *grammar, const struct token *token);

/* What stands in front of an operand; then_state: MAY where none need follow. */
int grammar_take_prefix(
    struct python_grammar *grammar, const struct token *token, enum grammar_state then_state);

int grammar_take_word(struct python_grammar *grammar, const struct token *token);
int grammar_take_sign(struct python_grammar *grammar, const struct token *token);
int grammar_take_assign(struct python_grammar *grammar, const struct token *token);
int grammar_take_augment(struct python_grammar *grammar, const struct token *token);
int grammar_take_walrus(struct python_grammar *grammar, const struct token *token);

#endif
