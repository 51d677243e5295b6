/* What a parser of settings hands back: the names that are assigned, or the place where it gave up. */
#ifndef BH_CHECKS_SETTINGS_NAMES_H
#define BH_CHECKS_SETTINGS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settings_name {
    char *text;
    size_t order;   /* of its assignment: 0, 1, ... */
    bool has_value; /* false: known to be assigned nothing (NAME= in an environment file) */
};

/* {0} is the empty list; release frees. */
struct settings_names {
    struct settings_name *items;
    size_t count;
    size_t capacity;
    bool is_broken; /* memory was out: the list is not whole */
};

/* Where a text cannot be parsed, and why, in fixed words: never a part of the text itself. Lines and columns
 * count from 1, columns in characters. */
struct settings_fault {
    int64_t line;
    int64_t column;
    const char *what;
};

void settings_names_add(struct settings_names *names, const char *text, size_t length, bool has_value);

/* Sorts the list and leaves the last assignment of each name. */
void settings_names_settle(struct settings_names *names);

/* Whether a settled list holds the name, with a value. */
bool settings_names_has(const struct settings_names *names, const char *name);
void settings_names_release(struct settings_names *names);

/* The fault at that byte of text (which is UTF-8, with line ends of any kind). Returns -1. */
int settings_fault_at(struct settings_fault *fault, const char *text, const char *at, const char *what);

#endif
