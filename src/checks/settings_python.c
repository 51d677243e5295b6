/* Finds the names that a Python module binds, statement by statement. */
#include "checks/settings_python.h"

#include "checks/settings_python_token.h"

#include <string.h>

enum { MAX_TARGETS = 256 }; /* names on the left of one = */

struct parser {
    struct tokenizer tokenizer;
    struct token token; /* the one to be looked at */
    struct token last;  /* the one before, of the same statement; TOKEN_NEWLINE at its start */
    struct settings_names *names;
    bool is_in_body;    /* of a function or class: its names are its own */
    size_t body_indent; /* of the def or class whose body it is */
};

/* What may become the targets of an assignment. */
struct targets {
    struct token names[MAX_TARGETS];
    size_t count;
    bool may_hold_names[PYTHON_MAX_BRACKETS + 1]; /* by depth: (a, b) = 1 binds, f(a) and x[a] do not */
    bool has_last;                                /* the last token is the last of names */
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

static int advance(struct parser *parser) {
    parser->last = parser->token;
    return tokenizer_next(&parser->tokenizer, &parser->token);
}

static bool is_at_end(const struct parser *parser) {
    return parser->token.kind == TOKEN_NEWLINE || parser->token.kind == TOKEN_END ||
           (parser->tokenizer.depth == 0 && is_sign(&parser->token, ';'));
}

static void bind_name(struct parser *parser, const struct token *name) {
    if (!parser->is_in_body && name->kind == TOKEN_NAME)
        settings_names_add(parser->names, name->text, name->length, true);
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
    for (size_t i = 0; i < targets->count; i++)
        bind_name(parser, &targets->names[i]);
    targets->count = 0;
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

static int read_simple(struct parser *parser) {
    struct targets targets = {.may_hold_names = {true}};
    while (!is_at_end(parser)) {
        meet(parser, &targets);
        if (advance(parser) < 0)
            return -1;
    }
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
    return 0;
}
