/* The values of Python assignments, as far as they can be known without executing anything: plain literals.
 * Pure. */
#ifndef BH_KINDS_SETTINGS_PYTHON_VALUE_H
#define BH_KINDS_SETTINGS_PYTHON_VALUE_H

#include "base/str.h"
#include "kinds/settings/python_token.h"

/* One literal, token by token: strings (several become one), a decimal integer with or without a sign, True,
 * False, None. Not f-strings, bytes, and strings with a backslash that is not raw. */
struct python_literal {
    enum settings_value kind;
    bool has_begun;
    bool is_unknown;
    const char *at;     /* its first token */
    struct strbuf text; /* a secret */
};

enum { PYTHON_TARGETS_MAX = 8 };

/* The assignment that is being read: which names it gives which value, and the keys of the dictionary when
 * BUGSINK is one of the names. {0} is one that has not begun. */
struct python_value {
    const char *source; /* the whole text */
    struct settings_names *names;
    size_t targets[PYTHON_TARGETS_MAX]; /* in names */
    size_t target_count;
    bool is_of_bugsink;
    struct python_literal literal;
    enum { DICT_NONE, DICT_KEY, DICT_VALUE, DICT_CLOSED } dict;
    struct python_literal key;
};

/* The name added last becomes a target: the value that follows is its own. */
void python_value_add_target(struct python_value *value, struct settings_names *names);

/* Another = has come: what has been read since the last was no value. */
void python_value_restart(struct python_value *value);

/* One token of the value; depth: the number of open brackets behind it. */
void python_value_feed(struct python_value *value, const struct token *token, size_t depth);

/* The statement is over: gives its names their value, and overwrites what was read. */
void python_value_end(struct python_value *value);

#endif
