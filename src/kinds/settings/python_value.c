/* Reads the literals that Python assignments assign. */
#include "kinds/settings/python_value.h"

#include <ctype.h>
#include <string.h>

/* -- one literal -- */

static void literal_release(struct python_literal *literal) {
    if (literal->text.data)
        explicit_bzero(literal->text.data, literal->text.capacity);
    strbuf_release(&literal->text);
    *literal = (struct python_literal){.kind = VALUE_UNKNOWN};
}

static void append(struct python_literal *literal, const char *at, size_t length) {
    strbuf_append_n(&literal->text, at, length);
    if (literal->text.is_broken)
        literal->is_unknown = true;
}

/* The text of one string token, as it stands between its quotes. */
static void feed_string(struct python_literal *literal, const struct token *token) {
    struct string_prefix prefix;
    python_string_begins(token->text, &prefix);
    const char *at = token->text + prefix.length, *end = token->text + token->length;
    bool is_triple = end - at >= 6 && at[1] == at[0] && at[2] == at[0];
    int quotes = is_triple ? 3 : 1;
    size_t length = (size_t)(end - at - 2 * quotes);
    if (prefix.has_fields || prefix.is_bytes || (literal->has_begun && literal->kind != VALUE_TEXT) ||
        (!prefix.is_raw && memchr(at, '\\', length + (size_t)quotes)) ||
        (is_triple && memchr(at, '\r', length + (size_t)quotes)))
        literal->is_unknown = true; /* a line's end becomes \n, whatever it was */
    literal->kind = VALUE_TEXT;
    append(literal, at + quotes, length);
}

static void feed_number(struct python_literal *literal, const struct token *token) {
    bool has_sign = literal->has_begun && literal->kind == VALUE_INTEGER && literal->text.length == 1 &&
                    !isdigit((unsigned char)literal->text.data[0]);
    if (literal->has_begun && !has_sign)
        literal->is_unknown = true;
    for (size_t i = 0; i < token->length; i++)
        if (!isdigit((unsigned char)token->text[i]) && token->text[i] != '_')
            literal->is_unknown = true;
    literal->kind = VALUE_INTEGER;
    append(literal, token->text, token->length);
}

static void feed_word(struct python_literal *literal, const struct token *token) {
    static const struct {
        const char *word, *text;
        enum settings_value kind;
    } WORDS[] = {
        {"True", "true", VALUE_BOOLEAN}, {"False", "false", VALUE_BOOLEAN}, {"None", "", VALUE_NONE}};
    bool is_unknown = true;
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0] && !literal->has_begun; i++)
        if (token->length == strlen(WORDS[i].word) &&
            memcmp(token->text, WORDS[i].word, token->length) == 0) {
            is_unknown = false;
            literal->kind = WORDS[i].kind;
            append(literal, WORDS[i].text, strlen(WORDS[i].text));
        }
    literal->is_unknown = literal->is_unknown || is_unknown;
}

static void literal_feed(struct python_literal *literal, const struct token *token) {
    bool is_sign = token->kind == TOKEN_OTHER && token->length == 1 && strchr("+-", *token->text);
    if (!literal->has_begun)
        literal->at = token->text;
    if (token->kind == TOKEN_STRING) {
        feed_string(literal, token);
    } else if (token->kind == TOKEN_NUMBER) {
        feed_number(literal, token);
    } else if (token->kind == TOKEN_NAME) {
        feed_word(literal, token);
    } else if (is_sign && !literal->has_begun) {
        literal->kind = VALUE_INTEGER;
        append(literal, token->text, 1);
    } else {
        literal->is_unknown = true;
    }
    literal->has_begun = true;
}

static bool is_bare_sign(const struct python_literal *literal) {
    return literal->kind == VALUE_INTEGER && literal->text.length == 1 &&
           !isdigit((unsigned char)literal->text.data[0]);
}

static void literal_give(
    const struct python_literal *literal, struct settings_names *names, struct settings_name *name) {
    if (literal->is_unknown || !literal->has_begun || is_bare_sign(literal))
        return;
    settings_names_set(
        names, name, literal->kind, literal->text.data ? literal->text.data : "", literal->text.length);
}

/* -- the dictionary -- */

static void dict_end_pair(struct python_value *value) {
    const struct python_literal *key = &value->key;
    bool is_key_known = key->kind == VALUE_TEXT && !key->is_unknown && key->text.length > 0;
    if (value->dict == DICT_VALUE && is_key_known) {
        struct settings_name *name =
            settings_names_add_nested(value->names, key->text.data, key->text.length);
        if (name) {
            name->offset = (size_t)(key->at - value->source);
            literal_give(&value->literal, value->names, name);
        }
    } else if (value->dict == DICT_VALUE || value->literal.has_begun) {
        settings_names_doubt_nested(value->names); /* a computed key, or **another: it may be any */
    }
    literal_release(&value->key);
    literal_release(&value->literal);
}

static void dict_feed(struct python_value *value, const struct token *token, size_t depth) {
    bool is_sign = token->kind == TOKEN_OTHER && token->length == 1 && depth == 1;
    if (value->dict == DICT_CLOSED) {
        settings_names_doubt_nested(value->names); /* {...} | x, {...}.copy() */
    } else if (depth == 0) {
        dict_end_pair(value);
        value->dict = DICT_CLOSED;
    } else if (is_sign && *token->text == ',') {
        dict_end_pair(value);
        value->dict = DICT_KEY;
    } else if (is_sign && *token->text == ':' && value->dict == DICT_KEY) {
        literal_release(&value->key);
        value->key = value->literal;
        value->literal = (struct python_literal){.kind = VALUE_UNKNOWN};
        value->dict = DICT_VALUE;
    } else {
        literal_feed(&value->literal, token);
    }
}

/* -- the assignment -- */

void python_value_add_target(struct python_value *value, struct settings_names *names) {
    if (names->is_broken || names->count == 0)
        return;
    value->names = names;
    value->is_of_bugsink =
        value->is_of_bugsink || strcmp(names->items[names->count - 1].text, "BUGSINK") == 0;
    if (value->target_count < PYTHON_TARGETS_MAX)
        value->targets[value->target_count++] = names->count - 1;
}

void python_value_restart(struct python_value *value) {
    if (value->dict != DICT_NONE)
        settings_names_doubt_nested(value->names);
    value->dict = DICT_NONE;
    literal_release(&value->key);
    literal_release(&value->literal);
}

void python_value_feed(struct python_value *value, const struct token *token, size_t depth) {
    if (value->target_count == 0)
        return;
    if (value->dict != DICT_NONE) {
        dict_feed(value, token, depth);
    } else if (value->is_of_bugsink && !value->literal.has_begun && token->kind == TOKEN_OPEN &&
               *token->text == '{') {
        value->dict = DICT_KEY;
    } else {
        literal_feed(&value->literal, token);
    }
}

void python_value_end(struct python_value *value) {
    for (size_t i = 0; i < value->target_count && value->dict == DICT_NONE; i++)
        literal_give(&value->literal, value->names, &value->names->items[value->targets[i]]);
    literal_release(&value->key);
    literal_release(&value->literal);
    *value = (struct python_value){.names = NULL};
}
