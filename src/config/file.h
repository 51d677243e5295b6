/* The configuration file: JSON, opened once and closed when everything is taken from it. For this room alone.
 */
#ifndef BH_CONFIG_FILE_H
#define BH_CONFIG_FILE_H

#include "base/error.h"

#include <jansson.h>

struct config_file {
    char *path;
    char *text; /* as it was read, for excerpts */
    size_t length;
    json_t *root; /* an object */
    json_malloc_t malloc_before;
    json_free_t free_before;
};

/* Reads and parses the file: at most 1 MiB, an object, and no key twice. The error names
 * file, line and column, or file and key, quotes nothing of the values, and has an excerpt. Until it is
 * closed, jansson's memory is overwritten as it is freed: the file may hold passwords. */
int config_file_open(struct config_file *file, const char *path, struct error *err);

/* Refuses a key that is no option, by its name and place. */
int config_file_check(const struct config_file *file, struct error *err);

/* Shows in the error the line that it speaks of, where it names a key of this file. */
void config_file_show(const struct config_file *file, struct error *err);

/* Overwrites and frees it all. */
void config_file_close(struct config_file *file);

/* The value at a key such as "interval" or "app.url", borrowed; NULL where there is none. */
json_t *config_file_find(const struct config_file *file, const char *key);

#endif
