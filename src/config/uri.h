/* Percent-encoding, and what else URIs have in common. Texts are given by length; what is returned is the
 * caller's, to be freed with str_free_secret where it may hold a secret. */
#ifndef BH_CONFIG_URI_H
#define BH_CONFIG_URI_H

#include "base/span.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* Decodes percent escapes strictly. Returns NULL for a % without two hex digits and for %00. */
char *uri_decode(struct span text);

/* Decodes as Python's urllib.parse.unquote does: a % without two hex digits stands for itself, and bytes that
 * are not UTF-8 become U+FFFD. Returns NULL for %00, which Python accepts and no database driver does. */
char *uri_unquote(struct span text);

/* Whether a % stands in it without two hex digits. */
bool uri_has_bad_escape(struct span text);

/* A copy in which A to Z are lower case; other characters stay as they are. */
char *uri_lower(struct span text);

/* Appends text for people to read: letters, digits, - . _ ~ and the characters in keep as they are, all
 * others as percent escapes. */
void uri_append_shown(struct strbuf *buffer, const char *text, const char *keep);

#endif
