/* Looks into pieces of texts. */
#include "base/span.h"

#include "base/str.h"

#include <string.h>

struct span span_of(const char *text) {
    return (struct span){text, strlen(text)};
}

struct span span_from(struct span span, size_t start) {
    return start < span.length ? (struct span){span.at + start, span.length - start}
                               : (struct span){span.at + span.length, 0};
}

char *span_dup(struct span span) {
    return str_dup_n(span.at, span.length);
}

size_t span_find(struct span span, char c) {
    const char *at = span.length > 0 ? memchr(span.at, c, span.length) : NULL;
    return at ? (size_t)(at - span.at) : span.length;
}

size_t span_find_last(struct span span, char c) {
    for (size_t i = span.length; i > 0; i--)
        if (span.at[i - 1] == c)
            return i - 1;
    return span.length;
}

size_t span_find_any(struct span span, const char *characters) {
    for (size_t i = 0; i < span.length; i++)
        if (span.at[i] != '\0' && strchr(characters, span.at[i]))
            return i;
    return span.length;
}

size_t span_count(struct span span, char c) {
    size_t count = 0;
    for (size_t i = 0; i < span.length; i++)
        count += span.at[i] == c;
    return count;
}
