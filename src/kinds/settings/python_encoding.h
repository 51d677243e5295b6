/* The encoding of a Python module: UTF-8, or what its first two lines declare (PEP 263). Pure. */
#ifndef BH_KINDS_SETTINGS_PYTHON_ENCODING_H
#define BH_KINDS_SETTINGS_PYTHON_ENCODING_H

#include "kinds/settings/names.h"

enum python_encoding {
    ENCODING_REFUSED, /* there is a fault */
    ENCODING_UTF_8,
    ENCODING_SINGLE,  /* ASCII, and each byte above it a character */
    ENCODING_LATIN_1, /* the same, and the byte is the character's number */
    ENCODING_OPAQUE,  /* one that is not read here: a byte that looks like a quote need not be one */
};

/* The encoding of text, without its byte order mark. */
enum python_encoding python_encoding_of(const char *text, bool has_mark, struct settings_fault *fault);

/* A text of single bytes in UTF-8, to be freed; NULL when memory is out. In ENCODING_SINGLE each character
 * above ASCII becomes some letter: which one it is does not matter. */
char *python_encoding_convert(const char *text, enum python_encoding encoding);

#endif
