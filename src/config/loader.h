/* The loading of a configuration: what its parts share while it is built. For this room alone. */
#ifndef BH_CONFIG_LOADER_H
#define BH_CONFIG_LOADER_H

#include "config/config.h"
#include "config/file.h"
#include "config/options.h"

/* Who has set a value; the later wins. */
enum layer { LAYER_NONE, LAYER_STANDARD, LAYER_FILE, LAYER_ENVIRONMENT, LAYER_FLAG };

/* The value of an option as it was written, and where. */
struct option_value {
    enum layer layer; /* LAYER_NONE: nobody has set it, and text is NULL */
    char *text;
    char *place; /* for errors: "--interval", "DATABASE_URL", "/etc/x.json: interval" */
    char
        *origin; /* for items: "flag --interval", "environment DATABASE_URL", "file /etc/x.json", "default" */
};

struct loader {
    const struct config_source *source;
    struct config *config;
    struct config_file file; /* root is NULL where no file is read */
    struct option_value
        values[OPTION_COUNT]; /* of the options that have one value: not those of each database */
    struct error *err;
};

/* Looks an option up in flags, environment and file, and falls back on its initial text. Fills *value,
 * which the caller releases. */
int option_value_load(struct loader *loader, enum option_id id, struct option_value *value);
void option_value_release(struct option_value *value); /* overwrites the text */

/* Puts the place of a value in front of the error. Returns -1. */
int option_value_fail(struct loader *loader, const struct option_value *value);

/* Puts the place of a key in the file in front of the error. Returns -1. */
int loader_fail_in_file(struct loader *loader, const char *key);

/* A value of the file checked for its type; returns -1, with key in the error, where it has another. */
int loader_check_type(struct loader *loader, const char *key, const json_t *value, enum option_type type);

/* The range of a number, duration or size, as its option has it. */
int loader_check_range(struct loader *loader, const struct option *option, int64_t value);

/* Adds a check with the times of the whole; its name is copied, its strings are the config's, and what its
 * kind has is zero. The pointer holds until the next is added. */
struct check_config *loader_add_check(struct loader *loader, const char *name, enum check_kind_id kind);

/* Adds a line for people: value NULL is "none", origin NULL "default". Never with a secret. */
void loader_add_item(struct loader *loader, const char *key, const char *value, const char *origin);

/* The same for a value that stands in the file, or is the default. */
void loader_add_file_item(struct loader *loader, const char *key, const char *value, bool is_from_file);
void loader_add_warning(struct loader *loader, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
