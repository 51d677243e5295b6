/* Packs and unpacks the configuration of one check. */
#include "config/pack.h"

#include "config/kind.h"
#include "config/walk.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 16 * 1024 * 1024, TEXTS_MAX = 1024 * 1024 };

#define NO_TEXT UINT32_MAX

void walk_bytes(struct walk *walk, void *field, size_t size) {
    if (walk->out) {
        strbuf_append_n(walk->out, field, size);
    } else if (walk->is_broken || (size_t)(walk->end - walk->at) < size) {
        walk->is_broken = true;
        memset(field, 0, size);
    } else {
        memcpy(field, walk->at, size);
        walk->at += size;
    }
}

static char *take_text(struct walk *walk, uint32_t length) {
    char *text = NULL;
    if (!walk->is_broken && length <= TEXT_MAX && (size_t)(walk->end - walk->at) >= length)
        text = strndup(walk->at, length);
    walk->is_broken = !text;
    walk->at += text ? length : 0;
    return text;
}

void walk_text(struct walk *walk, char **text) {
    uint32_t length = walk->out && *text ? (uint32_t)strlen(*text) : NO_TEXT;
    WALK_FIELD(walk, length);
    if (walk->out && *text)
        strbuf_append_n(walk->out, *text, length);
    if (!walk->out)
        *text = walk->is_broken || length == NO_TEXT ? NULL : take_text(walk, length);
}

static size_t count_texts(char **texts) {
    size_t count = 0;
    while (texts && texts[count])
        count++;
    return count;
}

void walk_texts(struct walk *walk, char ***texts, size_t *count, bool is_ended) {
    uint32_t number = 0;
    if (walk->out)
        number = (uint32_t)(is_ended ? count_texts(*texts) : *count);
    WALK_FIELD(walk, number);
    if (!walk->out) {
        walk->is_broken = walk->is_broken || number > TEXTS_MAX;
        number = walk->is_broken ? 0 : number;
        *texts = calloc((size_t)number + 1, sizeof **texts);
        walk->is_broken = walk->is_broken || !*texts;
        *count = walk->is_broken ? 0 : number;
    }
    for (uint32_t i = 0; i < number && !walk->is_broken; i++)
        walk_text(walk, &(*texts)[i]);
}

static void walk_check(struct walk *walk, struct check_config *check) {
    walk_text(walk, &check->name);
    WALK_FIELD(walk, check->kind);
    WALK_FIELD(walk, check->is_critical);
    WALK_FIELD(walk, check->is_sandboxed);
    WALK_FIELD(walk, check->interval_ms);
    WALK_FIELD(walk, check->timeout_ms);
    WALK_FIELD(walk, check->retry_interval_ms);
    WALK_FIELD(walk, check->slow_ms);
    walk->is_broken = walk->is_broken || (unsigned)check->kind >= KIND_COUNT;
    if (!walk->is_broken)
        config_kind_of(check->kind)->walk(walk, check);
}

void check_config_pack(const struct check_config *check, struct strbuf *bytes) {
    struct check_config copy = *check; /* whose texts are only read */
    walk_check(&(struct walk){.out = bytes}, &copy);
}

int check_config_unpack(const char **at, const char *end, struct check_config *check) {
    struct walk walk = {.at = *at, .end = end};
    *check = (struct check_config){.name = NULL};
    walk_check(&walk, check);
    *at = walk.at;
    if (!walk.is_broken)
        return 0;
    if ((unsigned)check->kind >= KIND_COUNT)
        free(check->name);
    else
        check_config_release(check);
    *check = (struct check_config){.name = NULL};
    return -1;
}

void text_pack(const char *text, struct strbuf *bytes) {
    char *copy = (char *)(uintptr_t)text; /* which is only read */
    walk_text(&(struct walk){.out = bytes}, &copy);
}

int text_unpack(const char **at, const char *end, char **text) {
    struct walk walk = {.at = *at, .end = end};
    walk_text(&walk, text);
    *at = walk.at;
    return walk.is_broken ? -1 : 0;
}
