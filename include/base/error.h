/* One error message for a human, filled by the function that failed and owned by its caller. */
#ifndef BH_BASE_ERROR_H
#define BH_BASE_ERROR_H

enum { ERROR_TEXT_SIZE = 512, ERROR_EXCERPT_SIZE = 256 };

struct error {
    char text[ERROR_TEXT_SIZE];
    char excerpt[ERROR_EXCERPT_SIZE]; /* of a file: the line, and below it a caret; "": none. For a terminal,
                                         not for the log, which has one line for each event */
};

/* Formats the message (cut to fit), without an excerpt. Never put a secret in it. err may be NULL.
 * Returns -1, so that a failing function can say `return error_set(err, ...)`. */
int error_set(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts the formatted text in front of the message that stands, with ": " between them. Returns -1. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
