/* What a parser of settings hands back: the names that are assigned, with the values that it knows, or the
 * place where it gave up. */
#ifndef BH_KINDS_SETTINGS_NAMES_H
#define BH_KINDS_SETTINGS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum settings_value {
    VALUE_UNKNOWN, /* computed, or of a kind that is not judged */
    VALUE_NONE,    /* null, None */
    VALUE_BOOLEAN, /* text is "true" or "false" */
    VALUE_INTEGER, /* text is as it was written, with its sign */
    VALUE_TEXT,
};

struct settings_name {
    char *text;
    size_t order;    /* of its assignment: 0, 1, ... */
    bool has_value;  /* false: known to be assigned nothing (NAME= in an environment file) */
    bool is_nested;  /* a key of the dictionary BUGSINK: text is "BUGSINK.KEY" */
    bool is_doubt;   /* no assignment, but what makes an earlier one uncertain: NAME += x, del NAME */
    bool is_certain; /* assigned in any case, not within an if or the like */
    enum settings_value kind;
    char *value;   /* a secret; NULL where kind is UNKNOWN or NONE */
    char *literal; /* a secret: what another reader of the same text sees in place of value; NULL: the same */
    size_t offset; /* of the name in the text; SIZE_MAX: not known */
};

/* {0} is the empty list; release frees. */
struct settings_names {
    struct settings_name *items;
    size_t count;
    size_t capacity;
    bool is_broken; /* memory was out: the list is not whole */
    bool is_open;   /* there may be more names: a star import, or what computes names */
    /* What has an order below these is of unknown value: something came behind it that may have changed
     * anything. */
    size_t doubt_order;
    size_t nested_doubt_order;
};

/* Where a text cannot be parsed, and why, in fixed words: never a part of the text itself. Lines and columns
 * count from 1, columns in characters. */
struct settings_fault {
    int64_t line;
    int64_t column;
    const char *what;
    bool is_encoding; /* the text cannot be decoded there */
};

/* Adds a name, certain, of unknown value. Returns it, to be completed before the next is added, or NULL when
 * memory is out. */
struct settings_name *settings_names_add(
    struct settings_names *names, const char *text, size_t length, bool has_value);

/* Adds the key of the dictionary BUGSINK as a nested name. */
struct settings_name *settings_names_add_nested(struct settings_names *names, const char *key, size_t length);

/* Gives a name of the list its value: text is copied, and ignored for UNKNOWN and NONE. */
void settings_names_set(struct settings_names *names, struct settings_name *name, enum settings_value kind,
    const char *text, size_t length);

/* What else the value, which is a known one, may be. */
void settings_names_set_literal(
    struct settings_names *names, struct settings_name *name, const char *text, size_t length);

/* From here on the value that a name has, or all have, or the keys of BUGSINK have, is unknown. Where all
 * have, there may be names, too, of which nothing is known: the list is open. */
void settings_names_doubt(struct settings_names *names, const char *text, size_t length);
void settings_names_doubt_all(struct settings_names *names);
void settings_names_doubt_nested(struct settings_names *names);

/* Sorts the list and leaves the last assignment of each name. */
void settings_names_settle(struct settings_names *names);

/* Of a settled list: the name, or NULL; whether it is there with a value; how many there are, not counting
 * the nested ones. */
const struct settings_name *settings_names_find(const struct settings_names *names, const char *name);
bool settings_names_has(const struct settings_names *names, const char *name);
size_t settings_names_count(const struct settings_names *names);

/* Overwrites the values and frees all. */
void settings_names_release(struct settings_names *names);

/* The fault at that byte of text (which is UTF-8, with line ends of any kind). Returns -1. */
int settings_fault_at(struct settings_fault *fault, const char *text, const char *at, const char *what);

/* The same where the text is not in its encoding. */
int settings_fault_encoding(struct settings_fault *fault, const char *text, const char *at);

#endif
