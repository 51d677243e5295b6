/* The reader of directories: the file's list, or Bugsink's own two where its /tmp is shared with us. */
#include "config/entry.h"
#include "config/kind.h"
#include "config/walk.h"

#include <stdlib.h>
#include <string.h>

static const char *const ROLES[] = {
    [DIRECTORY_PLAIN] = "plain", [DIRECTORY_SPOOL] = "spool", [DIRECTORY_WAKEUP] = "wakeup"};

const char *directory_role_name(enum directory_role role) {
    return ROLES[role];
}

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

static int read_path(const struct entry *entry) {
    const char *text;
    const struct own_directory *own = find_own(entry->name);
    if (entry_find_text(entry, OPTION_DIRECTORY_PATH, &text) < 0)
        return -1;
    const char *path = text ? text : own ? own->path : NULL;
    if (!path)
        error_set(entry->loader->err, "missing: which directory is to be checked?");
    else if (path[0] != '/')
        error_set(entry->loader->err, "must be an absolute path: one that begins with /");
    if (!path || path[0] != '/')
        return entry_fail(entry, "path");
    entry->check->directory.path = str_dup(path);
    entry_add_file_item(entry, "path", path, text != NULL);
    return 0;
}

static int read_role(const struct entry *entry) {
    static const struct entry_words WORDS = {
        ROLES, sizeof ROLES / sizeof ROLES[0], "role of a directory; write spool, wakeup or plain"};
    const struct own_directory *own = find_own(entry->name);
    int role = own ? (int)own->role : (int)DIRECTORY_PLAIN;
    bool is_set;
    if (entry_read_word(entry, OPTION_DIRECTORY_ROLE, &WORDS, &role, &is_set) < 0)
        return -1;
    entry->check->directory.role = (enum directory_role)role;
    entry_add_file_item(entry, "role", ROLES[role], is_set);
    return 0;
}

static int read_min_free(const struct entry *entry) {
    int64_t *bytes = &entry->check->directory.min_free_bytes;
    bool is_set;
    *bytes = -1;
    if (entry_read_limit(entry, OPTION_DIRECTORY_MIN_FREE, bytes, &is_set) < 0)
        return -1;
    entry_add_limit_item(entry, OPTION_DIRECTORY_MIN_FREE, *bytes, is_set);
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
            "its name",
            loader->file.path, name);
    const struct entry entry = {
        loader, "directories", name, object, loader_add_check(loader, name, KIND_DIRECTORY)};
    if (read_path(&entry) < 0 || read_role(&entry) < 0 ||
        entry_read_critical(&entry, OPTION_DIRECTORY_CRITICAL) < 0)
        return -1;
    return read_min_free(&entry);
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
        if (check->kind == KIND_SQLITE && check->database.role == ROLE_QUEUE &&
            strcmp(check->database.dsn.path, standard) == 0)
            return true;
    }
    return false;
}

static int load(struct loader *loader) {
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

/* -- what a directory check can do -- */

static bool asks_the_same(const struct check_config *a, const struct check_config *b) {
    return a->directory.role == b->directory.role && strcmp(a->directory.path, b->directory.path) == 0;
}

static bool has_same_limits(const struct check_config *a, const struct check_config *b) {
    return a->directory.min_free_bytes == b->directory.min_free_bytes;
}

static void log_what(const struct check_config *check, struct log_line *line) {
    log_str(line, "path", check->directory.path);
}

static void append_where(const struct check_config *check, struct strbuf *where) {
    strbuf_append(where, check->directory.path);
}

static void fill_limits(const struct check_config *check, struct check_limits *limits) {
    limits->min_free_bytes = check->directory.min_free_bytes;
}

static void walk(struct walk *walk, struct check_config *check) {
    struct directory_config *config = &check->directory;
    walk_text(walk, &config->path);
    WALK_FIELD(walk, config->role);
    WALK_FIELD(walk, config->min_free_bytes);
}

static void release(struct check_config *check) {
    free(check->directory.path);
}

const struct config_kind CONFIG_DIRECTORY = {
    .load = load,
    .asks_the_same = asks_the_same,
    .has_same_limits = has_same_limits,
    .log = log_what,
    .where = append_where,
    .limits = fill_limits,
    .walk = walk,
    .release = release,
};
