/* The loading of a configuration: what its parts share while it is built. For this room alone. */
#ifndef BH_CONFIG_LOADER_H
#define BH_CONFIG_LOADER_H

#include "config/config.h"
#include "config/file.h"
#include "config/options.h"

/* Who has set a value; the later wins. */
enum layer { LAYER_NONE, LAYER_STANDARD, LAYER_FILE, LAYER_ENVIRONMENT, LAYER_FLAG };

/* A value as it was written, and where. */
struct setting {
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
    struct setting
        settings[OPTION_COUNT]; /* of the options that have one value: not those of each database */
    struct error *err;
};

/* Looks a setting up in flags, environment and file, and falls back on its initial text. Fills *setting,
 * which the caller releases. */
int setting_load(struct loader *loader, enum option_id id, struct setting *setting);
void setting_release(struct setting *setting); /* overwrites the text */

/* Fills *setting (text is copied) as if it stood at that key in the file. */
void setting_set_file(struct loader *loader, struct setting *setting, const char *key, const char *text);

/* Puts the place of a setting in front of the error. Returns -1. */
int setting_fail(struct loader *loader, const struct setting *setting);

/* A value of the file checked for its type; returns -1, with key in the error, where it has another. */
int loader_check_type(struct loader *loader, const char *key, const json_t *value, enum option_type type);

/* Adds a check with the times of the whole; its name is copied, its strings are the config's. The pointer
 * holds until the next is added. */
struct check_config *loader_add_check(struct loader *loader, const char *name, enum check_kind_id kind);

/* Adds a line for people: value NULL is "none", origin NULL "default". Never with a secret. */
void loader_add_item(struct loader *loader, const char *key, const char *value, const char *origin);
void loader_add_warning(struct loader *loader, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The parts: each adds its checks and items. */
int loader_load_databases(struct loader *loader);
int loader_load_directories(struct loader *loader); /* after the databases */
int loader_load_settings_check(struct loader *loader);
int loader_load_app(struct loader *loader);

/* The range of a number, duration or size, as its option has it. */
int loader_check_range(struct loader *loader, const struct option *option, int64_t value);

#endif
