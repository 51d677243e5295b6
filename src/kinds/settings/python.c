/* Finds the names that a Python module binds, statement by statement, and the values that are plain to see.
 */
#include "kinds/settings/python.h"

#include "kinds/settings/python_block.h"
#include "kinds/settings/python_grammar.h"
#include "kinds/settings/python_string.h"
#include "kinds/settings/python_token.h"
#include "kinds/settings/python_value.h"

#include <string.h>

enum { MAX_TARGETS = 256 }; /* names on the left of one = */

struct parser {
    struct tokenizer tokenizer;
    struct token token; /* the one to be looked at */
    struct token last;  /* the one before, of the same statement; TOKEN_NEWLINE at its start */
    struct settings_names *names;
    struct python_grammar grammar;
    struct python_blocks blocks;
    enum grammar_statement statement; /* the kind of the last that has begun */
    bool is_doubtful;   /* a function may assign to names of the module, whenever it is called */
    bool is_line_begun; /* a statement has begun on this logical line */
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

/* What may bind or change any name behind the reader's back, wherever it stands. */
static void meet_sorcery(struct parser *parser) {
    static const char *const SORCERY[] = {"__dict__", "delattr", "eval", "exec", "execfile", "f_globals",
        "f_locals", "globals", "include", "locals", "modules", "run_path", "setattr", "vars", NULL};
    if (parser->token.kind == TOKEN_NAME && token_is_one_of(&parser->token, SORCERY))
        settings_names_doubt_all(parser->names);
    if (token_is_word(&parser->token, "global"))
        parser->is_doubtful = true;
    /* Who is given the module's name may find the module. */
    if (token_is_word(&parser->token, "__name__") || token_is_word(&parser->token, "__getattr__"))
        parser->names->is_open = true;
    /* BUGSINK.update(...), f(BUGSINK), BUGSINK |= ...: only BUGSINK[...] is mere reading */
    if (token_is_word(&parser->last, "BUGSINK") && *parser->token.text != '[')
        settings_names_doubt_nested(parser->names);
}

/* -- statements -- */

static int refuse(struct parser *parser, const char *what) {
    return settings_fault_at(parser->tokenizer.fault, parser->tokenizer.text, parser->token.text, what);
}

/* Whether the logical line that begins with this token ends in a colon. */
static bool ends_in_colon(const struct parser *parser) {
    struct tokenizer ahead = parser->tokenizer;
    struct settings_fault ignored;
    struct token next = parser->token, last = next;
    ahead.fault = &ignored;
    while (next.kind != TOKEN_NEWLINE && next.kind != TOKEN_END) {
        last = next;
        if (tokenizer_next(&ahead, &next) < 0)
            return false;
    }
    return token_is_sign(&last, ":");
}

static bool is_before_name(const struct parser *parser) {
    struct tokenizer ahead = parser->tokenizer;
    struct settings_fault ignored;
    struct token next;
    ahead.fault = &ignored;
    return tokenizer_next(&ahead, &next) == 0 && next.kind == TOKEN_NAME && !token_is_keyword(&next);
}

/* match, case and type are words of the language only where nothing else could be meant. */
static enum grammar_statement begun_by(const struct parser *parser, bool is_first) {
    const struct token *token = &parser->token;
    if (is_first && token_is_word(token, "case") && python_blocks_are_in(&parser->blocks, BLOCK_MATCH))
        return STATEMENT_CASE;
    if (is_first && token_is_word(token, "match") && ends_in_colon(parser))
        return STATEMENT_MATCH;
    if (token_is_word(token, "type") && is_before_name(parser))
        return STATEMENT_TYPE;
    return python_grammar_begun(token);
}

/* Takes note of a statement that begins with this token. */
static int begin_statement(struct parser *parser, bool is_first) {
    const struct tokenizer *tokenizer = &parser->tokenizer;
    bool is_behind_async = parser->grammar.statement == STATEMENT_ASYNC;
    const char *what = NULL;
    if (is_first && !is_behind_async)
        what = python_blocks_begin_line(&parser->blocks, tokenizer->indent, tokenizer->alt_indent);
    parser->statement = begun_by(parser, is_first);
    if (!what && parser->statement != STATEMENT_ASYNC)
        what = python_blocks_begin(&parser->blocks, parser->statement, is_first);
    return what ? refuse(parser, what) : 0;
}

/* Judges the token: where it is refused, by any Python. */
static int judge(struct parser *parser) {
    const struct token *token = &parser->token;
    bool is_behind_async = parser->grammar.statement == STATEMENT_ASYNC;
    bool is_end = token->kind == TOKEN_NEWLINE || token->kind == TOKEN_END || token_is_sign(token, ";");
    if ((parser->grammar.statement == STATEMENT_NONE && !is_end) || is_behind_async) {
        if (begin_statement(parser, !parser->is_line_begun || is_behind_async) < 0)
            return -1;
        parser->is_line_begun = true;
    }
    enum grammar_statement before = parser->grammar.statement;
    if (python_grammar_take(&parser->grammar, token, parser->statement) < 0)
        return -1;
    if (parser->grammar.statement == STATEMENT_NONE && token_is_sign(token, ":"))
        python_blocks_open(&parser->blocks, before);
    if (token->kind == TOKEN_NEWLINE)
        parser->is_line_begun = false;
    const char *what = token->kind == TOKEN_END ? python_blocks_end(&parser->blocks) : NULL;
    return what ? refuse(parser, what) : 0;
}

static int advance(struct parser *parser) {
    parser->last = parser->token;
    if (tokenizer_next(&parser->tokenizer, &parser->token) < 0 || judge(parser) < 0)
        return -1;
    meet_sorcery(parser);
    return 0;
}

static bool is_at_end(const struct parser *parser) {
    return parser->token.kind == TOKEN_NEWLINE || parser->token.kind == TOKEN_END ||
           (parser->tokenizer.depth == 0 && token_is_sign(&parser->token, ";"));
}

/* Whether this is executed in any case, as far as can be seen. */
static bool is_certain(const struct parser *parser) {
    return parser->tokenizer.indent == 0 && !parser->is_below_head;
}

static void bind_name(struct parser *parser, const struct token *name) {
    if (name->kind != TOKEN_NAME || python_blocks_are_in_body(&parser->blocks))
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
    return (token->kind == TOKEN_NAME && !token_is_keyword(token)) || token->kind == TOKEN_STRING ||
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
    if (token_is_word(&parser->token, "lambda") && depth == 0)
        targets->is_over = true;
    if (targets->is_over || targets->is_annotated || !targets->may_hold_names[depth] ||
        token_is_keyword(&parser->token) || token_is_sign(&parser->last, ".") ||
        targets->count == MAX_TARGETS)
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
    if (is_single && is_certain(parser) && !python_blocks_are_in_body(&parser->blocks))
        python_value_add_target(&targets->value, parser->names);
    targets->count = targets->tokens = 0;
    targets->is_over = targets->is_annotated;
}

static void meet_sign(struct parser *parser, struct targets *targets) {
    if (token_is_sign(&parser->token, "."))
        drop_last(targets);
    targets->has_last = false;
    if (parser->tokenizer.depth == 0 && token_is_sign(&parser->token, ":"))
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
    if (python_blocks_are_in_body(&parser->blocks))
        return;
    bool is_changed = parser->token.kind == TOKEN_AUGMENT && parser->tokenizer.depth == 0 &&
                      parser->last.text == first->text && first->kind == TOKEN_NAME;
    if (is_changed)
        settings_names_doubt(parser->names, first->text, first->length);
    else if (is_del && parser->token.kind == TOKEN_NAME)
        settings_names_doubt(parser->names, parser->token.text, parser->token.length);
    if (token_is_word(&parser->token, "BUGSINK") && (is_del || parser->token.text == first->text))
        settings_names_doubt_nested(parser->names);
}

static int read_tokens(struct parser *parser, struct targets *targets) {
    struct token first = parser->token;
    bool is_del = token_is_word(&first, "del");
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
    return result;
}

/* import a.b, c as d / from x import (y, z as w): binds a, d, y and w. */
static int read_import(struct parser *parser) {
    struct token bound = {.kind = TOKEN_END};
    bool is_alias = false, is_listing = token_is_word(&parser->token, "import");
    if (advance(parser) < 0)
        return -1;
    while (!is_at_end(parser)) {
        if (!is_listing) {
            is_listing = token_is_word(&parser->token, "import");
        } else if (token_is_word(&parser->token, "as")) {
            is_alias = true;
        } else if (parser->token.kind == TOKEN_NAME && (is_alias || bound.kind != TOKEN_NAME)) {
            bound = parser->token;
            is_alias = false;
        } else if (token_is_sign(&parser->token, "*")) {
            settings_names_doubt_all(parser->names); /* it may bring any name */
        } else if (token_is_sign(&parser->token, ",")) {
            bind_name(parser, &bound);
            bound = (struct token){.kind = TOKEN_END};
        }
        if (advance(parser) < 0)
            return -1;
    }
    bind_name(parser, &bound);
    return 0;
}

/* -- heads -- */

/* The names that the head of a statement binds: for NAME in, with ... as NAME, except ... as NAME, case NAME.
 */
struct head {
    enum grammar_statement statement;
    bool is_collecting;
    size_t depth;         /* of brackets where that began */
    size_t trailer_depth; /* within f(...) or a[...]: no names are bound there; 0: not within */
    struct token pending; /* a name, unless it turns out to be a part of f(x), a[i], a.b or, in a case, a=b */
};

static void settle_pending(struct parser *parser, struct head *head) {
    const struct token *token = &parser->token;
    bool is_trailer = token->kind == TOKEN_OPEN && can_be_followed_up(&parser->last);
    bool is_part = is_trailer || token_is_sign(token, ".") ||
                   (head->statement == STATEMENT_CASE && token->kind == TOKEN_ASSIGN);
    if (head->pending.kind == TOKEN_NAME && !is_part)
        bind_name(parser, &head->pending);
    head->pending = (struct token){.kind = TOKEN_END};
    if (is_trailer && head->statement != STATEMENT_CASE && head->trailer_depth == 0)
        head->trailer_depth = parser->tokenizer.depth;
    if (parser->tokenizer.depth < head->trailer_depth)
        head->trailer_depth = 0;
}

static void begin_collecting(struct parser *parser, struct head *head) {
    bool is_as = (head->statement == STATEMENT_WITH || head->statement == STATEMENT_EXCEPT) &&
                 token_is_word(&parser->token, "as");
    bool is_at_once = (head->statement == STATEMENT_FOR && token_is_word(&parser->token, "for")) ||
                      (head->statement == STATEMENT_CASE && token_is_word(&parser->token, "case"));
    if (head->is_collecting || (!is_as && !is_at_once))
        return;
    head->is_collecting = true;
    head->depth = parser->tokenizer.depth;
    head->trailer_depth = 0;
}

static void end_collecting(struct parser *parser, struct head *head) {
    const struct token *token = &parser->token;
    size_t depth = parser->tokenizer.depth;
    bool is_over = depth < head->depth;
    if (depth == head->depth && head->statement == STATEMENT_FOR)
        is_over = token_is_word(token, "in");
    else if (depth == head->depth && head->statement == STATEMENT_CASE)
        is_over = token_is_word(token, "if");
    else if (depth == head->depth)
        is_over = token_is_sign(token, ",");
    if (is_over)
        head->is_collecting = false;
}

static void collect(struct parser *parser, struct head *head) {
    const struct token *token = &parser->token;
    bool is_name =
        token->kind == TOKEN_NAME && !token_is_keyword(token) && !token_is_sign(&parser->last, ".");
    if (head->is_collecting) {
        settle_pending(parser, head);
        end_collecting(parser, head);
    }
    /* _ in a case is no name. */
    bool is_wildcard = head->statement == STATEMENT_CASE && token_is_word(token, "_");
    if (head->is_collecting && is_name && !is_wildcard && head->trailer_depth == 0)
        head->pending = *token;
    begin_collecting(parser, head);
}

/* Reads the head of a compound statement, with its colon. */
static int read_head(struct parser *parser) {
    struct head head = {.statement = parser->statement, .pending = {.kind = TOKEN_END}};
    parser->is_below_head = true;
    while (!is_at_end(parser)) {
        bool is_over = parser->grammar.statement == STATEMENT_NONE;
        collect(parser, &head);
        bind_walrus(parser);
        if (advance(parser) < 0)
            return -1;
        if (is_over)
            break;
    }
    return 0;
}

/* def f(...): and class C: bind their own name; what their bodies bind is not the module's. */
static int read_definition(struct parser *parser) {
    if (advance(parser) < 0)
        return -1;
    bind_name(parser, &parser->token);
    return read_head(parser);
}

static int read_statement(struct parser *parser) {
    parser->last = (struct token){.kind = TOKEN_NEWLINE};
    if (token_is_word(&parser->token, "async") && advance(parser) < 0)
        return -1;
    if (parser->statement == STATEMENT_IMPORT || parser->statement == STATEMENT_FROM)
        return read_import(parser);
    if (parser->statement == STATEMENT_DEF || parser->statement == STATEMENT_CLASS)
        return read_definition(parser);
    if (python_grammar_has_block(parser->statement))
        return read_head(parser);
    if (parser->statement == STATEMENT_TYPE && advance(parser) < 0)
        return -1;
    return read_simple(parser);
}

/* Reads one logical line, which may hold several statements. */
static int read_line(struct parser *parser) {
    parser->is_below_head = false;
    while (parser->token.kind != TOKEN_NEWLINE && parser->token.kind != TOKEN_END) {
        if (token_is_sign(&parser->token, ";") ? advance(parser) < 0 : read_statement(parser) < 0)
            return -1;
    }
    return 0;
}

int settings_python_parse(const char *text, struct settings_names *names, struct settings_fault *fault) {
    struct parser parser = {.names = names};
    tokenizer_init(&parser.tokenizer, text, python_skip_string, fault);
    python_grammar_init(&parser.grammar, text, false, fault);
    do {
        if (advance(&parser) < 0 || read_line(&parser) < 0)
            return -1;
    } while (parser.token.kind != TOKEN_END);
    if (parser.is_doubtful)
        settings_names_doubt_all(names);
    return 0;
}
