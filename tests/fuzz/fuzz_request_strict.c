/* The request reader beside another one, which was made of the same rules in another way: it has all bytes at
 * once, and looks at a line with the functions for texts. Any request must come out of both alike.
 * Sources: src/responder/request.c */
#include "fuzz/fuzz.h"
#include "responder/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MORE = 0, WELL = 200 };

struct strict {
    int verdict; /* MORE, WELL, 400, 405, 431 */
    size_t length;
    char *path; /* "": none */
    bool is_head, keeps_alive;
};

/* What the fields say. */
struct fields {
    int hosts;
    bool has_body, says_close, says_keep_alive;
};

/* The length of the line at `at`; -1: it has not ended, -2: it holds what no line may. */
static long line_length(const char *at, size_t left) {
    for (size_t i = 0; i < left; i++) {
        unsigned char c = (unsigned char)at[i];
        if (c == '\r' && i + 1 == left)
            return -1;
        if (c == '\r')
            return at[i + 1] == '\n' ? (long)i : -2;
        if (c != '\t' && (c < ' ' || c == 0x7f))
            return -2;
    }
    return -1;
}

static bool is_name(const char *text) {
    static const char NAME[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return text[0] != '\0' && text[strspn(text, NAME)] == '\0';
}

static bool is_visible(const char *text) {
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~' || *c == '#')
            return false;
    return text[0] != '\0';
}

/* The path of what GET may name; NULL: it may not. */
static char *path_of(const char *target) {
    const char *path = target;
    if (target[0] != '/') {
        size_t scheme = strncasecmp(target, "http://", 7) == 0    ? 7
                        : strncasecmp(target, "https://", 8) == 0 ? 8
                                                                  : 0;
        if (scheme == 0 || strcspn(target + scheme, "/?") == 0)
            return NULL;
        path = target + scheme + strcspn(target + scheme, "/?");
    }
    return strndup(path, strcspn(path, "?"));
}

/* Returns false where it is none. The text is taken apart. */
static bool read_request_line(char *text, struct strict *strict, bool *is_1_1, bool *is_get) {
    char *target = strchr(text, ' '), *version = target ? strchr(target + 1, ' ') : NULL;
    if (!version)
        return false;
    *target++ = *version++ = '\0';
    *is_1_1 = strcmp(version, "HTTP/1.1") == 0;
    *is_get = strcmp(text, "GET") == 0;
    strict->is_head = strcmp(text, "HEAD") == 0;
    if (!is_name(text) || !is_visible(target) || (!*is_1_1 && strcmp(version, "HTTP/1.0") != 0))
        return false;
    bool is_pathless = strcmp(target, "*") == 0 ? strcmp(text, "OPTIONS") == 0 : strcmp(text, "CONNECT") == 0;
    strict->path = is_pathless ? strdup("") : strcmp(target, "*") == 0 ? NULL : path_of(target);
    return strict->path != NULL;
}

/* Without the blanks around it. */
static char *trimmed(char *text) {
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t", text[length - 1]))
        text[--length] = '\0';
    return text;
}

static void read_options(char *value, struct fields *fields) {
    for (char *option; (option = strsep(&value, ",")) != NULL;) {
        option = trimmed(option);
        fields->says_close = fields->says_close || strcasecmp(option, "close") == 0;
        fields->says_keep_alive = fields->says_keep_alive || strcasecmp(option, "keep-alive") == 0;
    }
}

static bool read_field(char *text, struct fields *fields) {
    char *value = strchr(text, ':');
    if (!value)
        return false;
    *value++ = '\0';
    value = trimmed(value);
    bool is_nothing = value[0] != '\0' && value[strspn(value, "0")] == '\0';
    fields->hosts += strcasecmp(text, "Host") == 0;
    fields->has_body = fields->has_body || strcasecmp(text, "Transfer-Encoding") == 0 ||
                       (strcasecmp(text, "Content-Length") == 0 && !is_nothing);
    if (strcasecmp(text, "Connection") == 0)
        read_options(value, fields);
    return is_name(text);
}

static int conclude(struct strict *strict, const struct fields *fields, bool is_1_1, bool is_get) {
    if (fields->hosts > 1 || (fields->hosts == 0 && is_1_1))
        return 400;
    strict->keeps_alive = !fields->has_body && !fields->says_close && (is_1_1 || fields->says_keep_alive);
    return !is_get ? 405 : fields->has_body ? 400 : WELL;
}

/* All lines from the first to the empty one. Returns the verdict. */
static int read_lines(const char *bytes, size_t size, struct strict *strict) {
    size_t most = size < REQUEST_HEAD_MAX ? size : REQUEST_HEAD_MAX, at = 0;
    struct fields fields = {0};
    bool is_1_1 = false, is_get = false, is_sound = true;
    if (most >= 2 && memcmp(bytes, "\r\n", 2) == 0)
        at = 2;
    for (bool is_first = true; is_sound; is_first = false) {
        long length = line_length(bytes + at, most - at);
        if (length < 0)
            return length == -2 ? 400 : size >= REQUEST_HEAD_MAX ? 431 : MORE;
        char *text = fuzz_text(bytes + at, (size_t)length), *rest = text;
        at += (size_t)length + 2;
        strict->length = at;
        if (!is_first && length == 0) {
            free(text);
            return conclude(strict, &fields, is_1_1, is_get);
        }
        is_sound = is_first ? read_request_line(rest, strict, &is_1_1, &is_get) : read_field(rest, &fields);
        free(text);
    }
    return 400;
}

static void compare(
    const struct strict *strict, const struct request *ours, bool is_done, const char *bytes) {
    fuzz_assert(is_done == (strict->verdict != MORE));
    if (!is_done)
        return;
    fuzz_assert((strict->verdict == WELL ? 0 : strict->verdict) == ours->refusal);
    if (strict->verdict != WELL && strict->verdict != 405)
        return;
    fuzz_assert(strict->length == ours->length);
    fuzz_assert(strict->keeps_alive == ours->keeps_alive && strict->is_head == ours->is_head);
    fuzz_assert(strlen(strict->path) == ours->path_length &&
                memcmp(strict->path, bytes + ours->path_offset, ours->path_length) == 0);
}

FUZZ_TARGET(request_strict) {
    struct strict strict = {0};
    struct request ours;
    char *bytes = fuzz_copy(data, size);
    request_init(&ours);
    bool is_done = request_read(&ours, bytes, size);
    strict.verdict = read_lines(bytes, size, &strict);
    compare(&strict, &ours, is_done, bytes);
    free(strict.path);
    free(bytes);
    return 0;
}
