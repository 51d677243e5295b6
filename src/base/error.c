/* Error messages: set once where the failure is, given their place by the callers above. */
#include "base/error.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, const char *format, ...) {
    if (!err)
        return -1;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    err->excerpt[0] = '\0';
    va_end(args);
    return -1;
}

int error_prefix(struct error *err, const char *format, ...) {
    if (!err)
        return -1;
    char front[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(front, sizeof front, format, args);
    va_end(args);
    struct error whole = {.text = ""};
    size_t length = strlen(front);
    str_copy(whole.text, sizeof whole.text, front);
    str_copy(whole.text + length, sizeof whole.text - length, ": ");
    length = strlen(whole.text);
    str_copy(whole.text + length, sizeof whole.text - length, err->text);
    str_copy(err->text, sizeof err->text, whole.text);
    return -1;
}
