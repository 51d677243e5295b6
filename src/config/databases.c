/* Which databases are checked, and how: the file's list, Bugsink's variables over it, and Bugsink's standard
 * paths. */
#include "config/loader.h"

#include "config/duration.h"
#include "config/environment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SIZE = 128 };

/* One database on its way to become a check. */
struct database {
    struct loader *loader;
    const char *name;
    json_t *object; /* its object in the file; NULL where it has none */
    /* The variable or standard path that names it; NULL: the file's dsn does. */
    const struct setting *setting;
    bool is_url; /* setting is a DATABASE_URL, not a path */
    struct check_config *check;
};

/* -- keys in its object -- */

/* The name of one of its settings after "databases.NAME.". */
static const char *own_key(enum option_id id) {
    return option_get(id)->doc.key + strlen("databases.NAME.");
}

static void full_key(const struct database *database, const char *key, char text[KEY_SIZE]) {
    snprintf(text, KEY_SIZE, "databases.%s.%s", database->name, key);
}

/* Puts the key's place in front of the error. */
static int fail(const struct database *database, const char *key) {
    return error_prefix(
        database->loader->err, "%.200s: databases.%s.%s", database->loader->file.path, database->name, key);
}

/* Finds a value: *value is NULL where there is none. A backlog.error of null is found. */
static int find(const struct database *database, enum option_id id, const json_t **value) {
    const char *key = own_key(id), *dot = strchr(key, '.');
    char shown[KEY_SIZE];
    json_t *object = dot ? json_object_get(database->object, "backlog") : database->object;
    *value = json_object_get(object, dot ? dot + 1 : key);
    if (!*value || (id == OPTION_DATABASE_BACKLOG_ERROR && json_is_null(*value)))
        return 0;
    full_key(database, key, shown);
    return loader_check_type(database->loader, shown, *value, option_get(id)->type);
}

/* Reads a text; NULL where there is none. */
static int find_text(const struct database *database, enum option_id id, const char **text) {
    const json_t *value;
    *text = NULL;
    if (find(database, id, &value) < 0)
        return -1;
    *text = json_string_value(value);
    return 0;
}

static void add_item(
    const struct database *database, const char *key, const char *value, const char *origin) {
    char shown[KEY_SIZE];
    full_key(database, key, shown);
    loader_add_item(database->loader, shown, value, origin);
}

/* "file PATH" where the value stands in the file, else NULL: the standard. */
static const char *file_origin(const struct database *database, bool is_set, char origin[ERROR_TEXT_SIZE]) {
    if (!is_set)
        return NULL;
    snprintf(origin, ERROR_TEXT_SIZE, "file %s", database->loader->file.path);
    return origin;
}

/* -- the DSN -- */

static void warn_of_url(const struct database *database) {
    const struct dsn *dsn = &database->check->dsn;
    if (dsn->has_dropped_query)
        loader_add_warning(database->loader,
            "%s: Bugsink ignores the query string behind the ?, and so does this check",
            database->setting->place);
    if (dsn->is_doubtful)
        loader_add_warning(database->loader,
            "%s: looks as if the password were not percent-encoded (/ is %%2F, ? is %%3F, # is %%23, "
            "@ is %%40, %% is %%25); it is read as Bugsink reads it, and none of it is shown",
            database->setting->place);
}

/* From a variable of Bugsink's, or its standard path. */
static int read_setting(struct database *database) {
    struct dsn *dsn = &database->check->dsn;
    if (!database->is_url && strstr(database->setting->text, "://")) {
        error_set(database->loader->err, "is a URL (not shown), where the path of a SQLite file is wanted; a "
                                         "server's URL belongs in DATABASE_URL");
        return setting_fail(database->loader, database->setting);
    }
    if (!database->is_url) {
        if (database->setting->text[0] == '\0')
            loader_add_warning(database->loader,
                "%s is empty: Bugsink takes the empty name, and does not start; unset it, or name the file",
                database->setting->place);
        dsn_from_path(database->setting->text, dsn);
        return 0;
    }
    if (dsn_parse_bugsink(database->setting->text, dsn, database->loader->err) < 0)
        return setting_fail(database->loader, database->setting);
    warn_of_url(database);
    if (!dsn->database) {
        error_set(database->loader->err,
            "names no database, and Bugsink does not work without one; it stands behind the host: "
            "postgresql://USER@HOST/DATABASE");
        return setting_fail(database->loader, database->setting);
    }
    return 0;
}

static int parse_file_dsn(struct database *database, const char *key, const char *text) {
    struct dsn *dsn = &database->check->dsn;
    if (dsn_parse(text, dsn, database->loader->err) < 0)
        return fail(database, key);
    if (dsn->scheme == DSN_SQLITE && dsn->path[0] != '/')
        loader_add_warning(database->loader,
            "databases.%s: the path is relative to the working directory; an absolute one has four slashes: "
            "sqlite:////data/db.sqlite3",
            database->name);
    return 0;
}

/* From the file: dsn, or dsn_file. */
static int read_file_dsn(struct database *database) {
    const char *text, *path;
    char *secret;
    if (find_text(database, OPTION_DATABASE_DSN, &text) < 0 ||
        find_text(database, OPTION_DATABASE_DSN_FILE, &path) < 0)
        return -1;
    if (text && path) {
        error_set(database->loader->err, "stands beside dsn; keep one of them");
        return fail(database, "dsn_file");
    }
    if (text)
        return parse_file_dsn(database, "dsn", text);
    if (!path) {
        error_set(database->loader->err,
            "missing: what is to be checked? Write postgresql://, mysql://, sqlite:/// or a path");
        return fail(database, "dsn");
    }
    if (environment_read_secret(path, &secret, database->loader->err) < 0)
        return fail(database, "dsn_file");
    int result = parse_file_dsn(database, "dsn_file", secret);
    str_free_secret(secret);
    return result;
}

/* Sets the password from password_file, and then *origin, which the caller frees. */
static int read_password(struct database *database, char **origin) {
    struct dsn *dsn = &database->check->dsn;
    struct strbuf text = {.is_vital = true};
    const char *path;
    char *password;
    if (find_text(database, OPTION_DATABASE_PASSWORD_FILE, &path) < 0)
        return -1;
    if (!path)
        return 0;
    if (dsn->password && database->setting) { /* environment over file, and as Bugsink sees it */
        loader_add_warning(database->loader, "databases.%s.password_file is not used: %s holds a password",
            database->name, database->setting->place);
        return 0;
    }
    if (dsn->password || dsn->scheme == DSN_SQLITE) {
        error_set(database->loader->err, dsn->password ? "the DSN holds a password too; keep one of them"
                                                       : "a SQLite database has no password");
        return fail(database, "password_file");
    }
    if (environment_read_secret(path, &password, database->loader->err) < 0)
        return fail(database, "password_file");
    dsn_set_password(dsn, password);
    str_free_secret(password);
    strbuf_format(&text, "file %s", path);
    *origin = text.data;
    return 0;
}

/* Query parameters that are worth seeing and hold no secret. */
static void add_param_items(const struct database *database, const char *origin) {
    static const char *const shown[] = {"sslmode", "sslrootcert", "channel_binding", "gssencmode", "hostaddr",
        "target_session_attrs", "options", "application_name", "ssl-mode", "ssl-ca", "ssl-cert", "charset",
        "unix-socket"};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        const char *value = dsn_param(&database->check->dsn, shown[i]);
        char key[40];
        snprintf(key, sizeof key, "dsn.%s", shown[i]);
        if (value)
            add_item(database, key, value, origin);
    }
}

static void add_dsn_items(const struct database *database, const char *origin, const char *password_origin) {
    const struct dsn *dsn = &database->check->dsn;
    add_item(database, "dsn", dsn->safe, origin);
    if (dsn->user && !dsn->is_doubtful)
        add_item(database, "dsn.user", dsn->user, origin);
    if (dsn->password)
        add_item(database, "dsn.password", "(set)", password_origin ? password_origin : origin);
    if (!database->setting)
        add_param_items(database, origin);
}

static int read_dsn(struct database *database) {
    static const enum check_kind_id kinds[] = {
        [DSN_SQLITE] = KIND_SQLITE, [DSN_POSTGRES] = KIND_POSTGRES, [DSN_MYSQL] = KIND_MYSQL};
    char from_file[ERROR_TEXT_SIZE];
    char *password_origin = NULL;
    if ((database->setting ? read_setting(database) : read_file_dsn(database)) < 0 ||
        read_password(database, &password_origin) < 0)
        return -1;
    database->check->kind = kinds[database->check->dsn.scheme];
    add_dsn_items(database,
        database->setting ? database->setting->origin : file_origin(database, true, from_file),
        password_origin);
    free(password_origin);
    return 0;
}

/* -- role and limits -- */

static int read_role(struct database *database) {
    struct check_config *check = database->check;
    const char *text;
    char origin[ERROR_TEXT_SIZE];
    check->role = strcmp(database->name, "default") == 0   ? ROLE_MAIN
                  : strcmp(database->name, "snappea") == 0 ? ROLE_QUEUE
                                                           : ROLE_PLAIN;
    if (find_text(database, OPTION_DATABASE_ROLE, &text) < 0)
        return -1;
    enum role role = ROLE_PLAIN;
    while (text && role <= ROLE_QUEUE && strcmp(text, role_name(role)) != 0)
        role++;
    if (role > ROLE_QUEUE) {
        error_set(database->loader->err, "%s is no role; write main, queue or plain", option_quotable(text));
        return fail(database, "role");
    }
    if (text)
        check->role = role;
    if (check->role == ROLE_QUEUE && check->kind != KIND_SQLITE) {
        error_set(database->loader->err,
            "the role queue is for SQLite, where Bugsink keeps its queue; this is a %s database: give it the "
            "role plain",
            check_kind_id_name(check->kind));
        return fail(database, "role");
    }
    add_item(database, "role", role_name(check->role), file_origin(database, text != NULL, origin));
    return 0;
}

/* Bugsink does not read SNAPPEA_DATABASE_PATH: where its queue is not there, it may be well all the same. */
static bool is_by_old_name(const struct database *database) {
    const struct setting *old = &database->loader->settings[OPTION_SNAPPEA_DATABASE_PATH];
    return database->setting == old;
}

static int read_critical(struct database *database) {
    const json_t *value;
    char origin[ERROR_TEXT_SIZE];
    if (find(database, OPTION_DATABASE_CRITICAL, &value) < 0)
        return -1;
    if (is_by_old_name(database))
        database->check->is_critical = false;
    if (value)
        database->check->is_critical = json_is_true(value);
    add_item(database, "critical", database->check->is_critical ? "true" : "false",
        file_origin(database, value != NULL, origin));
    return 0;
}

static int parse_limit(
    const struct database *database, const struct option *option, const char *text, int64_t *limit) {
    struct error *err = database->loader->err;
    return option->type == OPTION_DURATION ? duration_parse(text, limit, err) : size_parse(text, limit, err);
}

/* How a limit is shown: -1 is the standard that is no number. */
static void format_limit(const struct option *option, int64_t limit, char text[DURATION_TEXT_SIZE]) {
    if (option->type == OPTION_DURATION)
        duration_format(limit, text);
    else if (option->type == OPTION_SIZE)
        size_format(limit, text);
    else
        snprintf(text, DURATION_TEXT_SIZE, "%" PRId64, limit);
}

/* Reads a limit that concerns this database, or only says that it does not. */
static int read_limit(struct database *database, enum option_id id, int64_t *limit, bool is_concerned) {
    const struct option *option = option_get(id);
    const json_t *value;
    if (find(database, id, &value) < 0)
        return -1;
    const char *written = json_is_string(value) ? json_string_value(value) : value ? NULL : option->initial;
    if (json_is_integer(value))
        *limit = json_integer_value(value);
    else if (written && option->type == OPTION_NUMBER)
        *limit = strtoll(written, NULL, 10);
    else if (written && parse_limit(database, option, written, limit) < 0)
        return fail(database, own_key(id));
    if ((written || json_is_integer(value)) && loader_check_range(database->loader, option, *limit) < 0)
        return fail(database, own_key(id));
    if (is_concerned) {
        char text[DURATION_TEXT_SIZE], origin[ERROR_TEXT_SIZE];
        format_limit(option, *limit, text);
        add_item(database, own_key(id), *limit < 0 ? option->doc.standard : text,
            file_origin(database, value != NULL, origin));
    } else if (value) {
        loader_add_warning(database->loader, "databases.%s.%s is not used: this is a %s database of role %s",
            database->name, own_key(id), check_kind_id_name(database->check->kind),
            role_name(database->check->role));
    }
    return 0;
}

static int read_limits(struct database *database) {
    struct check_config *check = database->check;
    bool is_sqlite = check->kind == KIND_SQLITE, is_queue = check->role == ROLE_QUEUE;
    if (read_limit(database, OPTION_DATABASE_MIN_FREE, &check->min_free_bytes, is_sqlite) < 0 ||
        read_limit(database, OPTION_DATABASE_MAX_WAL, &check->max_wal_bytes, is_sqlite) < 0 ||
        read_limit(database, OPTION_DATABASE_BACKLOG_DEGRADED, &check->backlog_ms, is_queue) < 0 ||
        read_limit(database, OPTION_DATABASE_BACKLOG_ERROR, &check->backlog_error_ms, is_queue) < 0 ||
        read_limit(database, OPTION_DATABASE_BACKLOG_TASKS, &check->backlog_tasks, is_queue) < 0)
        return -1;
    if (check->backlog_error_ms >= 0 && check->backlog_error_ms < check->backlog_ms) {
        error_set(database->loader->err, "must not be below backlog.degraded");
        return fail(database, "backlog.error");
    }
    return 0;
}

/* -- the list -- */

static int add_database(
    struct loader *loader, const char *name, json_t *object, const struct setting *setting, bool is_url) {
    struct database database = {
        loader, name, object, setting, is_url, loader_add_check(loader, name, KIND_SQLITE)};
    if (read_dsn(&database) < 0 || read_role(&database) < 0 || read_critical(&database) < 0)
        return -1;
    return read_limits(&database);
}

/* Bugsink's two databases, and what the variables say of them. */
struct own_database {
    const char *name;
    const struct setting *setting;
    bool is_url;
    bool is_forced; /* a variable names it: it is checked though the file's list leaves it out */
};

static const struct own_database *find_own(const struct own_database own[2], const char *name) {
    for (size_t i = 0; i < 2; i++)
        if (strcmp(own[i].name, name) == 0)
            return &own[i];
    return NULL;
}

static int add_listed(struct loader *loader, json_t *list, const struct own_database own[2]) {
    const char *name;
    json_t *object;
    json_object_foreach(list, name, object) {
        const struct own_database *mine = find_own(own, name);
        bool is_forced = mine && mine->is_forced;
        if (json_is_null(object)) {
            char key[KEY_SIZE], origin[ERROR_TEXT_SIZE];
            snprintf(key, sizeof key, "databases.%s", name);
            snprintf(origin, sizeof origin, "file %s", loader->file.path);
            loader_add_item(loader, key, "not checked", origin);
        } else if (add_database(loader, name, object, is_forced ? mine->setting : NULL,
                       is_forced && mine->is_url) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Where the queue is. */
static const struct setting *find_queue(struct loader *loader) {
    const struct setting *queue = &loader->settings[OPTION_QUEUE];
    const struct setting *old = &loader->settings[OPTION_SNAPPEA_DATABASE_PATH];
    if (!old->text)
        return queue;
    bool is_used = queue->layer != LAYER_ENVIRONMENT;
    loader_add_warning(loader,
        "SNAPPEA_DATABASE_PATH is not Bugsink's, whose queue is /tmp/snappea.sqlite3 in its image; %s. Write "
        "BUGSINK_HEALTH_QUEUE where yours is elsewhere",
        is_used ? "the queue is looked for there for one more release, and its failure makes nothing unready"
                : "it is not used");
    return is_used ? old : queue;
}

int loader_load_databases(struct loader *loader) {
    const struct setting *url = &loader->settings[OPTION_DATABASE_URL];
    const struct setting *path = &loader->settings[OPTION_DATABASE_PATH];
    const struct setting *queue = find_queue(loader);
    const struct own_database own[2] = {
        {"default", url->text ? url : path, url->text != NULL, url->text || path->layer == LAYER_ENVIRONMENT},
        {"snappea", queue, false, queue->layer == LAYER_ENVIRONMENT},
    };
    json_t *list = loader->file.root ? json_object_get(loader->file.root, "databases") : NULL;
    for (size_t i = 0; i < 2; i++) {
        if (list && i == 1 && add_listed(loader, list, own) < 0)
            return -1;
        bool is_wanted = list ? own[i].is_forced && !json_object_get(list, own[i].name) : true;
        if (is_wanted && add_database(loader, own[i].name, NULL, own[i].setting, own[i].is_url) < 0)
            return -1;
    }
    return 0;
}
