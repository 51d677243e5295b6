/* The line of the configuration file that an error speaks of, with a caret below, for people. For this room
 * alone. */
#ifndef BH_CONFIG_EXCERPT_H
#define BH_CONFIG_EXCERPT_H

#include "base/error.h"

#include <stddef.h>

/* Puts the line of that number (from 1) into err->excerpt, with a caret below the word at that column (from
 * 1, in characters). What may be a secret is not shown: of all that stands in the line but JSON's own signs,
 * only words of our own table, and key, which the error has named (NULL: none). Returns the column in which
 * the word begins, or the one given where nothing can be shown. */
size_t excerpt_point(const char *text, size_t line, size_t column, const char *key, struct error *err);

/* The same for a key, as the error's text has it behind the file's path: "PATH: databases.default.rol: ...",
 * or "PATH: unknown key app.ur; ...". Nothing where it is not found. */
void excerpt_find(const char *text, const char *path, struct error *err);

#endif
