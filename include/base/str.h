/* Small string helpers: bounded copies, growing buffers, and the blanking of secrets. */
#ifndef BH_BASE_STR_H
#define BH_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

/* Copies as much of source as fits and ends it with NUL. Returns false if it was cut. size is above 0. */
bool str_copy(char *target, size_t size, const char *source);

/* strdup and strndup that end the process when memory is out: for start-up and configuration, where that is
 * the right answer. The caller frees. str_dup(NULL) is NULL. */
char *str_dup(const char *source);
char *str_dup_n(const char *source, size_t length);

/* Whether both are the same text, or both NULL. */
bool str_equal(const char *a, const char *b);

/* Whether text is 1 to 63 characters of A-Z a-z 0-9 _ . - and starts with a letter or digit: what a check may
 * be called, so that a name is harmless in a path, in JSON, in a log line and on a terminal. */
bool str_is_name(const char *text);

/* Overwrites every occurrence of secret in text with asterisks, in place. NULL or an empty secret is nothing.
 */
void str_blank(char *text, const char *secret);

/* Replaces control characters (and DEL) by spaces, in place, and cuts trailing white space: driver text for
 * one log line. */
void str_flatten(char *text);

/* The length (1 to 4) of the well-formed UTF-8 character that text starts with, 0 if it starts with none
 * (overlong forms, surrogates and NUL included). */
size_t str_utf8_length(const char *text);

/* text, where it is short and of letters, digits, - _ . and the characters of extra: else "(not shown)". For
 * quoting in an error what the user wrote: where a harmless value belongs, there may be a DSN with its
 * password. */
const char *str_quotable(const char *text, const char *extra);

/* Overwrites and frees a string that held a secret. NULL is nothing. */
void str_free_secret(char *text);

/* A growing buffer of text. {0} is a valid empty one; release frees. Ends with NUL after any append. */
struct strbuf {
    char *data;
    size_t length;
    size_t capacity;
    bool is_fixed;  /* data is somebody else's, and does not grow */
    bool is_vital;  /* where memory is out, the process ends, as str_dup ends it: for the configuration */
    bool is_broken; /* memory was out: the content is not whole; later appends do nothing */
};

/* A buffer of text in the caller's memory, size bytes of it: what does not fit breaks it. Needs no release.
 */
struct strbuf strbuf_in(char *memory, size_t size);

void strbuf_append(struct strbuf *buffer, const char *text);
void strbuf_append_n(struct strbuf *buffer, const char *data, size_t length);
void strbuf_format(struct strbuf *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void strbuf_release(struct strbuf *buffer);

#endif
