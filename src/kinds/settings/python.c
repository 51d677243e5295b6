/* Finds the names that a Python module binds, statement by statement, and the values that are plain to see.
 */
#include "kinds/settings/python.h"

#include "kinds/settings/python_token.h"
#include "kinds/settings/python_value.h"

#include <string.h>

enum { MAX_TARGETS = 256 }; /* names on the left of one = */

struct parser {
    struct tokenizer tokenizer;
    struct token token; /* the one to be looked at */
    struct token last;  /* the one before, of the same statement; TOKEN_NEWLINE at its start */
    struct settings_names *names;
    bool is_in_body;    /* of a function or class: its names are its own */
    size_t body_indent; /* of the def or class whose body it is */
    bool is_doubtful;   /* a function may assign to names of the module, whenever it is called */
    bool is_below_head; /* on the line of an if or the like, behind its colon */
};

/* What may become the targets of an assignment. */
struct targets {
    struct token names[MAX_TARGETS];
    size_t count;
    bool may_hold_names[PYTHON_MAX_BRACKETS + 1]; /* by depth: (a, b) = 1 binds, f(a) and x[a] do not */
    bool has_last;                                /* the last token is the last of names */
    size_t tokens;                                /* since the statement's beginning, or the last = */
    struct python_value value;                    /* behind the last = */
    bool is_annotated;
    bool is_over; /* nothing more can be a target */
};

static bool is_word(const struct token *token, const char *word) {
    return token->kind == TOKEN_NAME && token->length == strlen(word) &&
           memcmp(token->text, word, token->length) == 0;
}

static bool is_one_of(const struct token *token, const char *const *words) {
    for (; *words; words++)
        if (is_word(token, *words))
            return true;
    return false;
}

static bool is_keyword(const struct token *token) {
    static const char *const WORDS[] = {"False", "None", "True", "and", "as", "assert", "async", "await",
        "break", "class", "continue", "def", "del", "elif", "else", "except", "finally", "for", "from",
        "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return",
        "try", "while", "with", "yield", NULL};
    return is_one_of(token, WORDS);
}

static bool is_sign(const struct token *token, char sign) {
    return token->kind == TOKEN_OTHER && token->length == 1 && *token->text == sign;
}

/* What may change any name behind the reader's back, wherever it stands. */
static void meet_sorcery(struct parser *parser) {
    static const char *const SORCERY[] = {
        "eval", "exec", "execfile", "globals", "locals", "setattr", "vars", NULL};
    if (parser->token.kind == TOKEN_NAME && is_one_of(&parser->token, SORCERY))
        settings_names_doubt_all(parser->names);
    if (is_word(&parser->token, "global"))
        parser->is_doubtful = true;
    /* BUGSINK.update(...), f(BUGSINK), BUGSINK |= ...: only BUGSINK[...] is mere reading */
    if (is_word(&parser->last, "BUGSINK") && *parser->token.text != '[')
        settings_names_doubt_nested(parser->names);
}

static int advance(struct parser *parser) {
    parser->last = parser->token;
    if (tokenizer_next(&parser->tokenizer, &parser->token) < 0)
        return -1;
    meet_sorcery(parser);
    return 0;
}

static bool is_at_end(const struct parser *parser) {
    return parser->token.kind == TOKEN_NEWLINE || parser->token.kind == TOKEN_END ||
           (parser->tokenizer.depth == 0 && is_sign(&parser->token, ';'));
}

/* Whether this is executed in any case, as far as can be seen. */
static bool is_certain(const struct parser *parser) {
    return parser->tokenizer.indent == 0 && !parser->is_below_head;
}

static void bind_name(struct parser *parser, const struct token *name) {
    if (parser->is_in_body || name->kind != TOKEN_NAME)
        return;
    struct settings_name *added = settings_names_add(parser->names, name->text, name->length, true);
    if (!added)
        return;
    added->is_certain = is_certain(parser);
    added->offset = (size_t)(name->text - parser->tokenizer.text);
}

/* (name := value) binds in the module, wherever it stands. */
static void bind_walrus(struct parser *parser) {
    if (parser->token.kind == TOKEN_WALRUS && parser->last.kind == TOKEN_NAME)
        bind_name(parser, &parser->last);
}

/* Whether a bracket or a dot behind this token belongs to it: f(x), a[i], a.b. */
static bool can_be_followed_up(const struct token *token) {
    return (token->kind == TOKEN_NAME && !is_keyword(token)) || token->kind == TOKEN_STRING ||
           token->kind == TOKEN_NUMBER || token->kind == TOKEN_CLOSE;
}

static void drop_last(struct targets *targets) {
    if (targets->has_last)
        targets->count--;
    targets->has_last = false;
}

static void meet_name(struct parser *parser, struct targets *targets) {
    size_t depth = parser->tokenizer.depth;
    targets->has_last = false;
    if (is_word(&parser->token, "lambda") && depth == 0)
        targets->is_over = true;
    if (targets->is_over || targets->is_annotated || !targets->may_hold_names[depth] ||
        is_keyword(&parser->token) || is_sign(&parser->last, '.') || targets->count == MAX_TARGETS)
        return;
    targets->names[targets->count++] = parser->token;
    targets->has_last = true;
}

static void meet_bracket(struct parser *parser, struct targets *targets) {
    bool is_behind = can_be_followed_up(&parser->last);
    size_t depth = parser->tokenizer.depth; /* this bracket is open already */
    if (is_behind)
        drop_last(targets);
    targets->has_last = false;
    targets->may_hold_names[depth] =
        targets->may_hold_names[depth - 1] && !is_behind && *parser->token.text != '{';
}

static void meet_assign(struct parser *parser, struct targets *targets) {
    targets->has_last = false;
    if (parser->tokenizer.depth > 0 || targets->is_over)
        return;
    bool is_single = targets->count == 1 && (targets->tokens == 1 || targets->is_annotated);
    for (size_t i = 0; i < targets->count; i++)
        bind_name(parser, &targets->names[i]);
    python_value_restart(&targets->value);
    if (is_single && is_certain(parser) && !parser->is_in_body)
        python_value_add_target(&targets->value, parser->names);
    targets->count = targets->tokens = 0;
    targets->is_over = targets->is_annotated;
}

static void meet_sign(struct parser *parser, struct targets *targets) {
    if (is_sign(&parser->token, '.'))
        drop_last(targets);
    targets->has_last = false;
    if (parser->tokenizer.depth == 0 && is_sign(&parser->token, ':'))
        targets->is_annotated = true;
}

static void meet(struct parser *parser, struct targets *targets) {
    switch (parser->token.kind) {
    case TOKEN_NAME: meet_name(parser, targets); return;
    case TOKEN_OPEN: meet_bracket(parser, targets); return;
    case TOKEN_ASSIGN: meet_assign(parser, targets); return;
    case TOKEN_OTHER: meet_sign(parser, targets); return;
    case TOKEN_AUGMENT: targets->is_over = true; break;
    case TOKEN_WALRUS: bind_walrus(parser); break;
    case TOKEN_NUMBER:
    case TOKEN_STRING:
    case TOKEN_CLOSE:
    case TOKEN_NEWLINE:
    case TOKEN_END: break;
    }
    targets->has_last = false;
}

/* NAME += x changes what NAME is, and del NAME[, NAME] takes it away; BUGSINK[...] = x and del BUGSINK[...]
 * change the dictionary. */
static void doubt_changed(struct parser *parser, const struct token *first, bool is_del) {
    if (parser->is_in_body)
        return;
    bool is_changed = parser->token.kind == TOKEN_AUGMENT && parser->tokenizer.depth == 0 &&
                      parser->last.text == first->text && first->kind == TOKEN_NAME;
    if (is_changed)
        settings_names_doubt(parser->names, first->text, first->length);
    else if (is_del && parser->token.kind == TOKEN_NAME)
        settings_names_doubt(parser->names, parser->token.text, parser->token.length);
    if (is_word(&parser->token, "BUGSINK") && (is_del || parser->token.text == first->text))
        settings_names_doubt_nested(parser->names);
}

static int read_tokens(struct parser *parser, struct targets *targets) {
    struct token first = parser->token;
    bool is_del = is_word(&first, "del");
    while (!is_at_end(parser)) {
        bool is_assign = parser->token.kind == TOKEN_ASSIGN && parser->tokenizer.depth == 0;
        doubt_changed(parser, &first, is_del);
        meet(parser, targets);
        if (!is_assign) {
            targets->tokens++;
            python_value_feed(&targets->value, &parser->token, parser->tokenizer.depth);
        }
        if (advance(parser) < 0)
            return -1;
    }
    return 0;
}

static int read_simple(struct parser *parser) {
    struct targets targets = {.may_hold_names = {true}, .value = {.source = parser->tokenizer.text}};
    int result = read_tokens(parser, &targets);
    python_value_end(&targets.value);
    if (result < 0)
        return -1;
    if (parser->last.kind == TOKEN_ASSIGN)
        return settings_fault_at(
            parser->tokenizer.fault, parser->tokenizer.text, parser->last.text, "nothing is assigned here");
    return 0;
}

/* import a.b, c as d / from x import (y, z as w): binds a, d, y and w. */
static int read_import(struct parser *parser) {
    struct token bound = {.kind = TOKEN_END};
    bool is_alias = false, is_listing = is_word(&parser->token, "import");
    if (advance(parser) < 0)
        return -1;
    while (!is_at_end(parser)) {
        if (!is_listing) {
            is_listing = is_word(&parser->token, "import");
        } else if (is_word(&parser->token, "as")) {
            is_alias = true;
        } else if (parser->token.kind == TOKEN_NAME && (is_alias || bound.kind != TOKEN_NAME)) {
            bound = parser->token;
            is_alias = false;
        } else if (is_sign(&parser->token, '*')) {
            settings_names_doubt_all(parser->names); /* it may bring any name */
        } else if (is_sign(&parser->token, ',')) {
            bind_name(parser, &bound);
            bound = (struct token){.kind = TOKEN_END};
        }
        if (advance(parser) < 0)
            return -1;
    }
    bind_name(parser, &bound);
    return 0;
}

/* Reads the head of a compound statement, with its colon. */
static int read_head(struct parser *parser) {
    size_t lambdas = 0;
    parser->is_below_head = true;
    while (!is_at_end(parser)) {
        bool is_colon = parser->tokenizer.depth == 0 && is_sign(&parser->token, ':');
        bool is_last = is_colon && lambdas == 0;
        if (is_colon && lambdas > 0)
            lambdas--;
        if (parser->tokenizer.depth == 0 && is_word(&parser->token, "lambda"))
            lambdas++;
        bind_walrus(parser);
        if (advance(parser) < 0)
            return -1;
        if (is_last)
            break;
    }
    return 0;
}

/* def f(...): and class C: bind their own name; what their bodies bind is not the module's. */
static int read_definition(struct parser *parser) {
    if (advance(parser) < 0)
        return -1;
    bind_name(parser, &parser->token);
    if (!parser->is_in_body) {
        parser->is_in_body = true;
        parser->body_indent = parser->tokenizer.indent;
    }
    return read_head(parser);
}

/* match and case are keywords only where an expression follows. */
static bool is_match(const struct parser *parser) {
    static const char *const OPERATORS[] = {"and", "as", "else", "for", "if", "in", "is", "not", "or", NULL};
    struct tokenizer ahead = parser->tokenizer;
    struct settings_fault ignored;
    struct token next;
    ahead.fault = &ignored;
    if ((!is_word(&parser->token, "match") && !is_word(&parser->token, "case")) ||
        tokenizer_next(&ahead, &next) < 0)
        return false;
    return next.kind == TOKEN_STRING || next.kind == TOKEN_NUMBER ||
           (next.kind == TOKEN_NAME && !is_one_of(&next, OPERATORS));
}

static int read_statement(struct parser *parser) {
    static const char *const HEADS[] = {
        "if", "elif", "else", "try", "except", "finally", "with", "while", "for", NULL};
    parser->last = (struct token){.kind = TOKEN_NEWLINE};
    if (is_word(&parser->token, "async") && advance(parser) < 0)
        return -1;
    if (is_word(&parser->token, "import") || is_word(&parser->token, "from"))
        return read_import(parser);
    if (is_word(&parser->token, "def") || is_word(&parser->token, "class"))
        return read_definition(parser);
    if (is_one_of(&parser->token, HEADS) || is_match(parser))
        return read_head(parser);
    return read_simple(parser);
}

/* Reads one logical line, which may hold several statements. */
static int read_line(struct parser *parser) {
    parser->is_below_head = false;
    if (parser->is_in_body && parser->tokenizer.indent <= parser->body_indent)
        parser->is_in_body = false;
    while (parser->token.kind != TOKEN_NEWLINE && parser->token.kind != TOKEN_END) {
        if (is_sign(&parser->token, ';') ? advance(parser) < 0 : read_statement(parser) < 0)
            return -1;
    }
    return 0;
}

int settings_python_parse(const char *text, struct settings_names *names, struct settings_fault *fault) {
    struct parser parser = {.names = names};
    tokenizer_init(&parser.tokenizer, text, fault);
    do {
        if (advance(&parser) < 0 || read_line(&parser) < 0)
            return -1;
    } while (parser.token.kind != TOKEN_END);
    if (parser.is_doubtful)
        settings_names_doubt_all(names);
    return 0;
}
