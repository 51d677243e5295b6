/* One named object of a group in the file, "databases.NAME" or "directories.NAME", on its way to become a
 * check. For this room alone. */
#ifndef BH_CONFIG_ENTRY_H
#define BH_CONFIG_ENTRY_H

#include "config/loader.h"

struct entry {
    struct loader *loader;
    const char *group; /* "databases" */
    const char *name;
    json_t *object; /* NULL where the file has none: all is as when nobody sets it */
    struct check_config *check;
};

/* The key of an option behind "GROUP.NAME.". */
const char *entry_key(const struct entry *entry, enum option_id id);

/* Puts the key's place in front of the error. Returns -1. */
int entry_fail(const struct entry *entry, const char *key);

/* Finds a value of the right type: *value is NULL where there is none. Where the option may be null, a null
 * is found. */
int entry_find(const struct entry *entry, enum option_id id, const json_t **value);

/* Finds a text; NULL where there is none. */
int entry_find_text(const struct entry *entry, enum option_id id, const char **text);

/* Adds a line for people. */
void entry_add_item(const struct entry *entry, const char *key, const char *value, const char *origin);
void entry_add_file_item(const struct entry *entry, const char *key, const char *value, bool is_from_file);

/* The words that one option takes. */
struct entry_words {
    const char *const *words;
    int count;
    const char *what; /* for the error: "role; write main, queue or plain" */
};

/* Reads one of the words into *choice, its index, which is left alone where none is written; *is_set says
 * which. */
int entry_read_word(
    const struct entry *entry, enum option_id id, const struct entry_words *words, int *choice, bool *is_set);

/* Reads whether the check is critical, which is left alone where none is written, and adds the item. */
int entry_read_critical(const struct entry *entry, enum option_id id);

/* Reads a duration, size or number into *limit, which is left alone where none is written and the option has
 * no initial text. *is_set: it is in the file. */
int entry_read_limit(const struct entry *entry, enum option_id id, int64_t *limit, bool *is_set);
void entry_add_limit_item(const struct entry *entry, enum option_id id, int64_t limit, bool is_set);

#endif
