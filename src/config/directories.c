/* Which directories are checked: the file's list, or Bugsink's own two where its /tmp is shared with us. */
#include "config/loader.h"

#include "config/duration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SIZE = 128 };

/* One directory on its way to become a check. */
struct directory {
    struct loader *loader;
    const char *name;
    json_t *object; /* its object in the file; NULL: Bugsink's own, at its standard path */
    struct check_config *check;
};

/* Bugsink's own: INGEST_STORE_BASE_DIR (bugsink/app_settings.py) and WAKEUP_CALLS_DIR (snappea/settings.py).
 */
static const struct own_directory {
    const char *name, *path;
    enum directory_role role;
} OWN[] = {
    {CHECK_NAME_INGESTION, "/tmp/bugsink/ingestion", DIRECTORY_SPOOL},
    {CHECK_NAME_WAKEUP, "/tmp/snappea.wakeup", DIRECTORY_WAKEUP},
};

static const struct own_directory *find_own(const char *name) {
    for (size_t i = 0; i < sizeof OWN / sizeof OWN[0]; i++)
        if (strcmp(OWN[i].name, name) == 0)
            return &OWN[i];
    return NULL;
}

/* -- keys in its object -- */

static const char *own_key(enum option_id id) {
    return option_get(id)->doc.key + strlen("directories.NAME.");
}

static int fail(const struct directory *directory, enum option_id id) {
    return error_prefix(directory->loader->err, "%.200s: directories.%s.%s", directory->loader->file.path,
        directory->name, own_key(id));
}

/* Finds a value: *value is NULL where there is none. */
static int find(const struct directory *directory, enum option_id id, const json_t **value) {
    char shown[KEY_SIZE];
    *value = json_object_get(directory->object, own_key(id));
    if (!*value)
        return 0;
    snprintf(shown, sizeof shown, "directories.%s.%s", directory->name, own_key(id));
    return loader_check_type(directory->loader, shown, *value, option_get(id)->type);
}

static void add_item(
    const struct directory *directory, enum option_id id, const char *value, bool is_from_file) {
    char shown[KEY_SIZE], origin[ERROR_TEXT_SIZE];
    snprintf(shown, sizeof shown, "directories.%s.%s", directory->name, own_key(id));
    if (is_from_file)
        snprintf(origin, sizeof origin, "file %s", directory->loader->file.path);
    loader_add_item(directory->loader, shown, value, is_from_file ? origin : NULL);
}

static int read_path(struct directory *directory) {
    const json_t *value;
    const struct own_directory *own = find_own(directory->name);
    if (find(directory, OPTION_DIRECTORY_PATH, &value) < 0)
        return -1;
    const char *path = value ? json_string_value(value) : own ? own->path : NULL;
    if (!path)
        error_set(directory->loader->err, "missing: which directory is to be checked?");
    else if (path[0] != '/')
        error_set(directory->loader->err, "must be an absolute path: one that begins with /");
    if (!path || path[0] != '/')
        return fail(directory, OPTION_DIRECTORY_PATH);
    directory->check->path = str_dup(path);
    add_item(directory, OPTION_DIRECTORY_PATH, path, value != NULL);
    return 0;
}

static int read_role(struct directory *directory) {
    const json_t *value;
    const struct own_directory *own = find_own(directory->name);
    if (find(directory, OPTION_DIRECTORY_ROLE, &value) < 0)
        return -1;
    int role = own ? (int)own->role : (int)DIRECTORY_PLAIN;
    if (value)
        for (role = DIRECTORY_PLAIN; role <= DIRECTORY_WAKEUP; role++)
            if (strcmp(json_string_value(value), directory_role_name((enum directory_role)role)) == 0)
                break;
    if (role > DIRECTORY_WAKEUP) {
        error_set(directory->loader->err, "%s is no role of a directory; write spool, wakeup or plain",
            option_quotable(json_string_value(value)));
        return fail(directory, OPTION_DIRECTORY_ROLE);
    }
    directory->check->directory_role = (enum directory_role)role;
    add_item(directory, OPTION_DIRECTORY_ROLE, directory_role_name((enum directory_role)role), value != NULL);
    return 0;
}

static int read_critical(struct directory *directory) {
    const json_t *value;
    if (find(directory, OPTION_DIRECTORY_CRITICAL, &value) < 0)
        return -1;
    directory->check->is_critical = !value || json_is_true(value);
    add_item(directory, OPTION_DIRECTORY_CRITICAL, directory->check->is_critical ? "true" : "false",
        value != NULL);
    return 0;
}

static int read_min_free(struct directory *directory) {
    const struct option *option = option_get(OPTION_DIRECTORY_MIN_FREE);
    int64_t *bytes = &directory->check->min_free_bytes;
    const json_t *value;
    char text[DURATION_TEXT_SIZE];
    if (find(directory, OPTION_DIRECTORY_MIN_FREE, &value) < 0)
        return -1;
    if (value && (size_parse(json_string_value(value), bytes, directory->loader->err) < 0 ||
                     loader_check_range(directory->loader, option, *bytes) < 0))
        return fail(directory, OPTION_DIRECTORY_MIN_FREE);
    if (value)
        size_format(*bytes, text);
    add_item(directory, OPTION_DIRECTORY_MIN_FREE, value ? text : option->doc.standard, value != NULL);
    return 0;
}

/* -- the list -- */

static bool is_taken(const struct config *config, const char *name) {
    for (size_t i = 0; i < config->check_count; i++)
        if (strcmp(config->checks[i].name, name) == 0)
            return true;
    return false;
}

static int add_directory(struct loader *loader, const char *name, json_t *object) {
    if (is_taken(loader->config, name))
        return error_set(loader->err,
            "%.200s: directories.%s: a database has that name; choose another, for each check is shown by "
            "its "
            "name",
            loader->file.path, name);
    struct directory directory = {loader, name, object, loader_add_check(loader, name, KIND_DIRECTORY)};
    if (read_path(&directory) < 0 || read_role(&directory) < 0 || read_critical(&directory) < 0)
        return -1;
    return read_min_free(&directory);
}

static int add_listed(struct loader *loader, json_t *list) {
    for (void *at = json_object_iter(list); at; at = json_object_iter_next(list, at)) {
        const char *name = json_object_iter_key(at);
        json_t *object = json_object_iter_value(at);
        if (!json_is_null(object) && add_directory(loader, name, object) < 0)
            return -1;
    }
    return 0;
}

/* The queue at its standard path is in Bugsink's /tmp, which must be shared for it to be seen; so its other
 * directories there are seen too. */
static bool is_tmp_shared(const struct loader *loader) {
    const char *standard = option_get(OPTION_QUEUE)->initial;
    for (size_t i = 0; i < loader->config->check_count; i++) {
        const struct check_config *check = &loader->config->checks[i];
        if (check->role == ROLE_QUEUE && check->dsn.path && strcmp(check->dsn.path, standard) == 0)
            return true;
    }
    return false;
}

int loader_load_directories(struct loader *loader) {
    json_t *list = loader->file.root ? json_object_get(loader->file.root, "directories") : NULL;
    if (list)
        return add_listed(loader, list);
    if (!is_tmp_shared(loader))
        return 0;
    for (size_t i = 0; i < sizeof OWN / sizeof OWN[0]; i++)
        if (add_directory(loader, OWN[i].name, NULL) < 0)
            return -1;
    return 0;
}
