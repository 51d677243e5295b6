/* Python's strings, with the expressions in the braces of f-strings. Pure. */
#ifndef BH_KINDS_SETTINGS_PYTHON_STRING_H
#define BH_KINDS_SETTINGS_PYTHON_STRING_H

#include "kinds/settings/python_token.h"

/* A python_string_skipper. */
const char *python_skip_string(const char *text, const char *at, const struct string_prefix *prefix,
    int level, struct settings_fault *fault);

#endif
