/* Strings: bounded copies, growing buffers, blanked secrets. */
#include "base/str.h"

#include "base/process.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool str_copy(char *target, size_t size, const char *source) {
    size_t length = strlen(source);
    bool fits = length < size;
    if (!fits)
        length = size - 1;
    memcpy(target, source, length);
    target[length] = '\0';
    return fits;
}

char *str_dup_n(const char *source, size_t length) {
    char *copy = malloc(length + 1);
    if (copy) {
        memcpy(copy, source, length);
        copy[length] = '\0';
        return copy;
    }
    process_out_of_memory();
}

char *str_dup(const char *source) {
    return source ? str_dup_n(source, strlen(source)) : NULL;
}

bool str_equal(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool str_is_name(const char *text) {
    size_t length = strlen(text);
    if (length < 1 || length > 63 || !isalnum((unsigned char)text[0]))
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c > 126 || !(isalnum(c) || c == '_' || c == '.' || c == '-'))
            return false;
    }
    return true;
}

void str_blank(char *text, const char *secret) {
    size_t length = secret ? strlen(secret) : 0;
    if (length == 0)
        return;
    for (char *at = strstr(text, secret); at; at = strstr(at + length, secret))
        memset(at, '*', length);
}

void str_flatten(char *text) {
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = ' ';
    while (length > 0 && text[length - 1] == ' ')
        text[--length] = '\0';
}

size_t str_utf8_length(const char *text) {
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] == 0)
        return 0;
    if (c[0] < 0x80)
        return 1;
    size_t length = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    /* RFC 3629, section 4: only the second byte has a narrower range after some first bytes. */
    unsigned char low = c[0] == 0xe0 ? 0xa0 : c[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = c[0] == 0xed ? 0x9f : c[0] == 0xf4 ? 0x8f : 0xbf;
    if (c[0] < 0xc2 || c[0] > 0xf4 || c[1] < low || c[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

const char *str_quotable(const char *text, const char *extra) {
    size_t length = 0;
    for (; text[length]; length++)
        if (!isalnum((unsigned char)text[length]) && !strchr("-_.", text[length]) &&
            !strchr(extra, text[length]))
            return "(not shown)";
    return length <= 40 ? text : "(not shown)";
}

void str_free_secret(char *text) {
    if (!text)
        return;
    explicit_bzero(text, strlen(text));
    free(text);
}

struct strbuf strbuf_in(char *memory, size_t size) {
    memory[0] = '\0';
    return (struct strbuf){.data = memory, .capacity = size, .is_fixed = true};
}

static bool reserve(struct strbuf *buffer, size_t more) {
    if (buffer->is_broken)
        return false;
    size_t need = buffer->length + more + 1;
    if (need <= buffer->capacity)
        return true;
    size_t capacity = buffer->capacity ? buffer->capacity : 256;
    while (capacity < need)
        capacity *= 2;
    char *data = buffer->is_fixed ? NULL : realloc(buffer->data, capacity);
    if (!data && buffer->is_vital)
        process_out_of_memory();
    if (!data) {
        buffer->is_broken = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void strbuf_append_n(struct strbuf *buffer, const char *data, size_t length) {
    if (!reserve(buffer, length))
        return;
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void strbuf_append(struct strbuf *buffer, const char *text) {
    strbuf_append_n(buffer, text, strlen(text));
}

void strbuf_format(struct strbuf *buffer, const char *format, ...) {
    va_list args, again;
    /* Mostly it fits into what is there: then it is formatted once, and not twice. */
    bool has_room = reserve(buffer, 1);
    size_t room = has_room ? buffer->capacity - buffer->length : 0;
    va_start(args, format);
    va_copy(again, args);
    int length = has_room ? vsnprintf(buffer->data + buffer->length, room, format, args) : -1;
    va_end(args);
    if (length >= 0 && (size_t)length >= room && reserve(buffer, (size_t)length))
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
    if (length >= 0 && !buffer->is_broken)
        buffer->length += (size_t)length;
    va_end(again);
}

void strbuf_release(struct strbuf *buffer) {
    if (!buffer->is_fixed)
        free(buffer->data);
    *buffer = (struct strbuf){0};
}
