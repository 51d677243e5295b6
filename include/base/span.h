/* A piece of a longer text, which somebody else owns. */
#ifndef BH_BASE_SPAN_H
#define BH_BASE_SPAN_H

#include <stddef.h>

struct span {
    const char *at;
    size_t length;
};

struct span span_of(const char *text);
struct span span_from(struct span span, size_t start); /* without its first `start` characters */

/* A copy; memory out ends the process, as with str_dup. The caller frees. */
char *span_dup(struct span span);

/* Where c stands first (or last) in it, or its length. */
size_t span_find(struct span span, char c);
size_t span_find_last(struct span span, char c);
size_t span_find_any(struct span span, const char *characters);
size_t span_count(struct span span, char c);

#endif
