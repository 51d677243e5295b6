/* The steps of a walk over fields: bytes, texts, lists of texts. */
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
