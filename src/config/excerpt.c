/* Shows the line that an error speaks of, and nothing of it that may be a secret. */
#include "config/excerpt.h"

#include "base/str.h"
#include "config/config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 70, WORD_MAX = 64, LINE_MAX_BYTES = 4096 };

static const char MASK[] = "***";

/* -- what may be shown -- */

static bool is_in_key(const char *key, const char *word, size_t length) {
    for (const char *part = key; part; part = strchr(part, '.') ? strchr(part, '.') + 1 : NULL)
        if (strcspn(part, ".") == length && strncmp(part, word, length) == 0)
            return true;
    return false;
}

/* A word of the table of options, or one that Bugsink's databases are called by. */
static bool is_ours(const char *word, size_t length) {
    static const char *const NAMES[] = {"default", "snappea", CHECK_NAME_INGESTION, CHECK_NAME_WAKEUP};
    const struct config_option_doc *doc;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (strlen(NAMES[i]) == length && strncmp(NAMES[i], word, length) == 0)
            return true;
    for (size_t i = 0; (doc = config_option_doc(i)) != NULL; i++)
        if (doc->key && is_in_key(doc->key, word, length))
            return true;
    return false;
}

/* -- one line, masked -- */

struct masking {
    const char *line;
    size_t length, column; /* column: from 0, where the caret points */
    const char *key;
    struct strbuf shown;
    size_t caret; /* where that is in what is shown */
    size_t piece; /* where the piece that it points at begins in the line */
};

/* Whether what follows is a colon: then the string before it is a key. */
static bool is_before_colon(const struct masking *masking, size_t at) {
    while (at < masking->length && masking->line[at] == ' ')
        at++;
    return at < masking->length && masking->line[at] == ':';
}

/* The length of the string that begins with the quote at `at`, its closing quote included where there is one.
 */
static size_t string_length(const struct masking *masking, size_t at) {
    size_t length = 1;
    while (at + length < masking->length && masking->line[at + length] != '"')
        length += masking->line[at + length] == '\\' ? 2 : 1;
    return at + length < masking->length ? length + 1 : masking->length - at;
}

static size_t append_string(struct masking *masking, size_t at) {
    size_t length = string_length(masking, at), inner = length > 2 ? length - 2 : 0;
    const char *word = masking->line + at + 1;
    bool is_named = masking->key && is_in_key(masking->key, word, inner);
    if (is_before_colon(masking, at + length) && (is_ours(word, inner) || is_named))
        strbuf_append_n(&masking->shown, masking->line + at, length);
    else
        strbuf_format(&masking->shown, "\"%s\"", MASK);
    return length;
}

/* What stands outside of strings and is no sign of JSON's. */
static size_t append_bare(struct masking *masking, size_t at) {
    size_t length = 0;
    while (at + length < masking->length && !strchr("{}[]:,\" \t\r", masking->line[at + length]))
        length++;
    strbuf_append(&masking->shown, MASK);
    return length;
}

static size_t append_piece(struct masking *masking, size_t at) {
    char c = masking->line[at];
    if (c == '"')
        return append_string(masking, at);
    if (!c || !strchr("{}[]:, \t\r", c))
        return append_bare(masking, at);
    strbuf_append_n(&masking->shown, isspace((unsigned char)c) ? " " : &c, 1);
    return 1;
}

static void mask(struct masking *masking) {
    for (size_t at = 0; at < masking->length;) {
        size_t before = masking->shown.length, length = append_piece(masking, at);
        length = length > 0 ? length : 1;
        if (masking->column >= at && masking->column < at + length) {
            masking->caret = before;
            masking->piece = at;
        }
        at += length;
    }
    if (masking->column >= masking->length) {
        masking->caret = masking->shown.length;
        masking->piece = masking->length;
    }
}

/* -- the excerpt -- */

/* Behind the byte order mark, which is no part of the text. */
static const char *skip_mark(const char *text) {
    return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

/* Of UTF-8 the bytes that continue a character are none of their own. */
static bool begins_character(char c) {
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* Where the character of that column (from 1) begins, counted from 0. */
static size_t byte_of_column(const char *line, size_t length, size_t column) {
    size_t at = 0;
    while (at < length && (!begins_character(line[at]) || column-- > 1))
        at++;
    return at;
}

static size_t column_of_byte(const char *line, size_t at) {
    size_t column = 1;
    for (size_t i = 0; i < at; i++)
        column += begins_character(line[i]);
    return column;
}

static const char *find_line(const char *text, size_t line) {
    text = skip_mark(text);
    while (line-- > 1) {
        text = strchr(text, '\n');
        if (!text)
            return NULL;
        text++;
    }
    return text;
}

size_t excerpt_point(const char *text, size_t line, size_t column, const char *key, struct error *err) {
    const char *start = find_line(text, line);
    char memory[LINE_MAX_BYTES];
    if (!err || !start || strcspn(start, "\n") > LINE_MAX_BYTES / 4)
        return column;
    size_t length = strcspn(start, "\n");
    struct masking masking = {.line = start,
        .length = length,
        .column = byte_of_column(start, length, column > 0 ? column : 1),
        .key = key,
        .shown = strbuf_in(memory, sizeof memory)};
    strbuf_append(&masking.shown, "");
    mask(&masking);
    if (masking.shown.is_broken)
        return column;
    /* Of a long line the part around the caret. */
    size_t from = masking.caret > WIDTH / 2 && masking.shown.length > WIDTH ? masking.caret - WIDTH / 2 : 0;
    int number = snprintf(err->excerpt, sizeof err->excerpt, "  line %zu: ", line);
    snprintf(err->excerpt + number, sizeof err->excerpt - (size_t)number, "%.*s\n%*s^", WIDTH, memory + from,
        number + (int)(masking.caret - from), "");
    return column_of_byte(start, masking.piece);
}

/* Where the quoted word stands first at or behind `from`, as a key. */
static const char *find_quoted(const char *from, const char *word, size_t length) {
    for (const char *at = strchr(from, '"'); at; at = strchr(at + 1, '"'))
        if (strncmp(at + 1, word, length) == 0 && at[1 + length] == '"' &&
            at[2 + length + strspn(at + 2 + length, " ")] == ':')
            return at;
    return NULL;
}

static void point_at(const char *text, const char *at, const char *key, struct error *err) {
    size_t line = 1, column = 1;
    for (const char *c = skip_mark(text); c < at; c++) {
        column += begins_character(*c);
        if (*c == '\n') {
            line++;
            column = 1;
        }
    }
    excerpt_point(text, line, column, key, err);
}

void excerpt_find(const char *text, const char *path, struct error *err) {
    char key[WORD_MAX * 4];
    const char *place = err ? strstr(err->text, path) : NULL, *at = text;
    if (!place || strncmp(place + strlen(path), ": ", 2) != 0)
        return;
    place += strlen(path) + 2;
    if (strncmp(place, "unknown key ", 12) == 0)
        place += 12;
    size_t length = strcspn(place, ":; ");
    if (length == 0 || length >= sizeof key)
        return;
    memcpy(key, place, length);
    key[length] = '\0';
    for (const char *part = key; at && part; part = strchr(part, '.') ? strchr(part, '.') + 1 : NULL)
        at = find_quoted(at, part, strcspn(part, "."));
    if (at)
        point_at(text, at, key, err);
}
