/* The reader of databases: the file's list, Bugsink's variables over it, and Bugsink's standard paths. */
#include "config/dsn_parts.h"
#include "config/entry.h"
#include "config/environment.h"
#include "config/kind.h"
#include "config/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const ROLES[] = {[ROLE_PLAIN] = "plain", [ROLE_MAIN] = "main", [ROLE_QUEUE] = "queue"};

const char *role_name(enum role role) {
    return ROLES[role];
}

enum { KEY_SIZE = 128 };

/* One database on its way to become a check. */
struct database {
    struct entry entry;
    /* The variable or standard path that names it; NULL: the file's dsn does. */
    const struct option_value *variable;
    bool is_url;      /* variable is a DATABASE_URL, not a path */
    bool is_dsn_file; /* the file's dsn_file names it */
};

static struct dsn *dsn_of(const struct database *database) {
    return &database->entry.check->database.dsn;
}

/* -- the DSN -- */

static void warn_of_url(const struct database *database) {
    const struct dsn *dsn = dsn_of(database);
    if (dsn->has_dropped_query)
        loader_add_warning(database->entry.loader,
            "%s: Bugsink ignores the query string behind the ?, and so does this check",
            database->variable->place);
    if (!*dsn->database)
        loader_add_warning(database->entry.loader,
            "%s: names no database, and Bugsink does not work without one; it stands behind the host: "
            "%s://USER@HOST/DATABASE",
            database->variable->place, dsn->scheme == DSN_MYSQL ? "mysql" : "postgresql");
    if (dsn->is_doubtful)
        loader_add_warning(database->entry.loader,
            "%s: looks as if the password were not percent-encoded (/ is %%2F, ? is %%3F, # is %%23, "
            "@ is %%40, %% is %%25); it is read as Bugsink reads it, and none of it is shown",
            database->variable->place);
}

/* From a variable of Bugsink's, or its standard path. */
static int read_variable(struct database *database) {
    struct dsn *dsn = dsn_of(database);
    if (!database->is_url && strstr(database->variable->text, "://")) {
        error_set(database->entry.loader->err,
            "is a URL (not shown), where the path of a SQLite file is wanted; a "
            "server's URL belongs in DATABASE_URL");
        return option_value_fail(database->entry.loader, database->variable);
    }
    if (!database->is_url) {
        if (database->variable->text[0] == '\0')
            loader_add_warning(database->entry.loader,
                "%s is empty: Bugsink takes the empty name, and does not start; unset it, or name the file",
                database->variable->place);
        dsn_from_path(database->variable->text, dsn);
        return 0;
    }
    if (dsn_parse_bugsink(database->variable->text, dsn, database->entry.loader->err) < 0)
        return option_value_fail(database->entry.loader, database->variable);
    if (!dsn->database) /* as Bugsink has it, whose start-up check takes it: the empty name */
        dsn->database = str_dup("");
    warn_of_url(database);
    return 0;
}

static int parse_file_dsn(struct database *database, const char *key, const char *text) {
    struct dsn *dsn = dsn_of(database);
    if (dsn_parse(text, dsn, database->entry.loader->err) < 0)
        return entry_fail(&database->entry, key);
    if (dsn->scheme == DSN_SQLITE && dsn->path[0] != '/')
        loader_add_warning(database->entry.loader,
            "databases.%s: the path is relative to the working directory; an absolute one has four slashes: "
            "sqlite:////data/db.sqlite3",
            database->entry.name);
    return 0;
}

/* From the file: dsn, or dsn_file. */
static int read_file_dsn(struct database *database) {
    const char *text, *path;
    char *secret;
    if (entry_find_text(&database->entry, OPTION_DATABASE_DSN, &text) < 0 ||
        entry_find_text(&database->entry, OPTION_DATABASE_DSN_FILE, &path) < 0)
        return -1;
    if (text && path) {
        error_set(database->entry.loader->err, "stands beside dsn; keep one of them");
        return entry_fail(&database->entry, "dsn_file");
    }
    if (text)
        return parse_file_dsn(database, "dsn", text);
    if (!path) {
        error_set(database->entry.loader->err,
            "missing: what is to be checked? Write postgresql://, mysql://, sqlite:/// or a path");
        return entry_fail(&database->entry, "dsn");
    }
    if (environment_read_secret(path, &secret, database->entry.loader->err) < 0)
        return entry_fail(&database->entry, "dsn_file");
    database->is_dsn_file = true;
    int result = parse_file_dsn(database, "dsn_file", secret);
    str_free_secret(secret);
    return result;
}

/* Sets the password from password_file, and then *origin, which the caller frees. */
static int read_password(struct database *database, char **origin) {
    struct dsn *dsn = dsn_of(database);
    struct strbuf text = {.is_vital = true};
    const char *path;
    char *password;
    if (entry_find_text(&database->entry, OPTION_DATABASE_PASSWORD_FILE, &path) < 0)
        return -1;
    if (!path)
        return 0;
    if (dsn->password && database->variable) { /* environment over file, and as Bugsink sees it */
        loader_add_warning(database->entry.loader,
            "databases.%s.password_file is not used: %s holds a password", database->entry.name,
            database->variable->place);
        return 0;
    }
    if (dsn->password || dsn->scheme == DSN_SQLITE) {
        error_set(database->entry.loader->err, dsn->password
                                                   ? "the DSN holds a password too; keep one of them"
                                                   : "a SQLite database has no password");
        return entry_fail(&database->entry, "password_file");
    }
    if (environment_read_secret(path, &password, database->entry.loader->err) < 0)
        return entry_fail(&database->entry, "password_file");
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
        const char *value = dsn_param(dsn_of(database), shown[i]);
        char key[40];
        snprintf(key, sizeof key, "dsn.%s", shown[i]);
        if (value)
            entry_add_item(&database->entry, key, value, origin);
    }
}

static void add_dsn_items(const struct database *database, const char *origin, const char *password_origin) {
    const struct dsn *dsn = dsn_of(database);
    entry_add_item(&database->entry, "dsn", dsn->safe, origin);
    if (dsn->user && !dsn->is_doubtful)
        entry_add_item(&database->entry, "dsn.user", dsn->user, origin);
    if (dsn->password)
        entry_add_item(&database->entry, "dsn.password", "(set)", password_origin ? password_origin : origin);
    if (!database->variable)
        add_param_items(database, origin);
}

/* Where nobody has set it, the variable that would. */
static const char *setter_of(const struct database *database) {
    const struct option_value *values = database->entry.loader->values;
    if (database->variable->layer != LAYER_STANDARD)
        return database->variable->place;
    return option_get((enum option_id)(database->variable - values))->doc.variable;
}

static void note_setter(const struct database *database) {
    struct strbuf name = {.is_vital = true};
    if (database->variable)
        strbuf_append(&name, setter_of(database));
    else
        strbuf_format(
            &name, "databases.%s.%s", database->entry.name, database->is_dsn_file ? "dsn_file" : "dsn");
    database->entry.check->database.set_by = name.data;
}

static int read_dsn(struct database *database) {
    char from_file[ERROR_TEXT_SIZE];
    char *password_origin = NULL;
    if ((database->variable ? read_variable(database) : read_file_dsn(database)) < 0 ||
        read_password(database, &password_origin) < 0)
        return -1;
    database->entry.check->kind = dsn_kind(dsn_of(database)->scheme);
    note_setter(database);
    if (!database->variable)
        snprintf(from_file, sizeof from_file, "file %s", database->entry.loader->file.path);
    add_dsn_items(database, database->variable ? database->variable->origin : from_file, password_origin);
    free(password_origin);
    return 0;
}

/* -- role and limits -- */

static int read_role(struct database *database) {
    static const struct entry_words WORDS = {
        ROLES, sizeof ROLES / sizeof ROLES[0], "role; write main, queue or plain"};
    const struct entry *entry = &database->entry;
    int role = strcmp(entry->name, "default") == 0   ? ROLE_MAIN
               : strcmp(entry->name, "snappea") == 0 ? ROLE_QUEUE
                                                     : ROLE_PLAIN;
    bool is_set;
    if (entry_read_word(entry, OPTION_DATABASE_ROLE, &WORDS, &role, &is_set) < 0)
        return -1;
    if (role == ROLE_QUEUE && entry->check->kind != KIND_SQLITE) {
        error_set(entry->loader->err,
            "the role queue is for SQLite, where Bugsink keeps its queue; this is a %s database: give it the "
            "role plain",
            check_kind_id_name(entry->check->kind));
        return entry_fail(entry, "role");
    }
    entry->check->database.role = (enum role)role;
    entry_add_file_item(entry, "role", ROLES[role], is_set);
    return 0;
}

/* Bugsink does not read SNAPPEA_DATABASE_PATH: where its queue is not there, it may be well all the same. */
static bool is_by_old_name(const struct database *database) {
    return database->variable == &database->entry.loader->values[OPTION_SNAPPEA_DATABASE_PATH];
}

/* Reads a limit that concerns this database, or only says that it does not. */
static int read_limit(const struct database *database, enum option_id id, int64_t *limit, bool is_concerned) {
    const struct entry *entry = &database->entry;
    bool is_set;
    if (entry_read_limit(entry, id, limit, &is_set) < 0)
        return -1;
    if (is_concerned)
        entry_add_limit_item(entry, id, *limit, is_set);
    else if (is_set)
        loader_add_warning(entry->loader, "databases.%s.%s is not used: this is a %s database of role %s",
            entry->name, entry_key(entry, id), check_kind_id_name(entry->check->kind),
            role_name(entry->check->database.role));
    return 0;
}

static int read_limits(struct database *database) {
    struct database_config *config = &database->entry.check->database;
    bool is_sqlite = database->entry.check->kind == KIND_SQLITE, is_queue = config->role == ROLE_QUEUE;
    if (read_limit(database, OPTION_DATABASE_MIN_FREE, &config->min_free_bytes, is_sqlite) < 0 ||
        read_limit(database, OPTION_DATABASE_MAX_WAL, &config->max_wal_bytes, is_sqlite) < 0 ||
        read_limit(database, OPTION_DATABASE_BACKLOG_DEGRADED, &config->backlog_ms, is_queue) < 0 ||
        read_limit(database, OPTION_DATABASE_BACKLOG_ERROR, &config->backlog_error_ms, is_queue) < 0 ||
        read_limit(database, OPTION_DATABASE_BACKLOG_TASKS, &config->backlog_tasks, is_queue) < 0)
        return -1;
    if (config->backlog_error_ms >= 0 && config->backlog_error_ms < config->backlog_ms) {
        error_set(database->entry.loader->err, "must not be below backlog.degraded");
        return entry_fail(&database->entry, "backlog.error");
    }
    return 0;
}

/* -- the list -- */

static int add_database(struct loader *loader, const char *name, json_t *object,
    const struct option_value *variable, bool is_url) {
    struct check_config *check = loader_add_check(loader, name, KIND_SQLITE);
    struct database database = {{loader, "databases", name, object, check}, variable, is_url, false};
    check->database = (struct database_config){
        .reconnect_ms = loader->config->reconnect_ms, .min_free_bytes = -1, .backlog_error_ms = -1};
    check->is_critical = !is_by_old_name(&database);
    if (read_dsn(&database) < 0 || read_role(&database) < 0 ||
        entry_read_critical(&database.entry, OPTION_DATABASE_CRITICAL) < 0)
        return -1;
    return read_limits(&database);
}

/* Bugsink's two databases, and what the variables say of them. */
struct own_database {
    const char *name;
    const struct option_value *variable;
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
            char key[KEY_SIZE];
            snprintf(key, sizeof key, "databases.%s", name);
            loader_add_file_item(loader, key, "not checked", true);
        } else if (add_database(loader, name, object, is_forced ? mine->variable : NULL,
                       is_forced && mine->is_url) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Where the queue is. */
static const struct option_value *find_queue(struct loader *loader) {
    const struct option_value *queue = &loader->values[OPTION_QUEUE];
    const struct option_value *old = &loader->values[OPTION_SNAPPEA_DATABASE_PATH];
    if (!old->text)
        return queue;
    bool is_used = queue->layer != LAYER_ENVIRONMENT;
    loader_add_warning(loader,
        "SNAPPEA_DATABASE_PATH is not Bugsink's, whose queue is /tmp/snappea.sqlite3 in its image; %s. Write "
        "BUGSINK_HEALTH_QUEUE where yours is elsewhere",
        is_used ? "the queue is expected there for one more release, and its failure makes nothing unready"
                : "it is not used");
    return is_used ? old : queue;
}

static int load(struct loader *loader) {
    const struct option_value *url = &loader->values[OPTION_DATABASE_URL];
    const struct option_value *path = &loader->values[OPTION_DATABASE_PATH];
    const struct option_value *queue = find_queue(loader);
    const struct own_database own[2] = {
        {"default", url->text ? url : path, url->text != NULL, url->text || path->layer == LAYER_ENVIRONMENT},
        {"snappea", queue, false, queue->layer == LAYER_ENVIRONMENT},
    };
    json_t *list = loader->file.root ? json_object_get(loader->file.root, "databases") : NULL;
    for (size_t i = 0; i < 2; i++) {
        if (list && i == 1 && add_listed(loader, list, own) < 0)
            return -1;
        bool is_wanted = list ? own[i].is_forced && !json_object_get(list, own[i].name) : true;
        if (is_wanted && add_database(loader, own[i].name, NULL, own[i].variable, own[i].is_url) < 0)
            return -1;
    }
    return 0;
}

/* -- what a database check can do -- */

static bool asks_the_same(const struct check_config *a, const struct check_config *b) {
    return a->database.role == b->database.role && dsn_equal(&a->database.dsn, &b->database.dsn);
}

static bool is_same_path(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool has_same_limits(const struct check_config *a, const struct check_config *b) {
    const struct database_config *one = &a->database, *other = &b->database;
    return is_same_path(one->queue_path, other->queue_path) &&
           is_same_path(one->wakeup_path, other->wakeup_path) && one->reconnect_ms == other->reconnect_ms &&
           one->min_free_bytes == other->min_free_bytes && one->max_wal_bytes == other->max_wal_bytes &&
           one->backlog_ms == other->backlog_ms && one->backlog_tasks == other->backlog_tasks &&
           one->backlog_error_ms == other->backlog_error_ms;
}

/* The user's name, unless it may be a piece of the password, or repeats it. */
static const char *shown_user(const struct dsn *dsn) {
    bool is_secret = dsn->is_doubtful;
    for (size_t i = 0; i < dsn->secret_count && dsn->user; i++)
        is_secret = is_secret || strstr(dsn->user, dsn->secrets[i]);
    return is_secret ? NULL : dsn->user;
}

static void log_what(const struct check_config *check, struct log_line *line) {
    log_str(line, "role", role_name(check->database.role));
    log_str(line, "target", check->database.dsn.safe);
    log_str(line, "user", shown_user(&check->database.dsn));
}

static void append_where(const struct check_config *check, struct strbuf *where) {
    const struct dsn *dsn = &check->database.dsn;
    const char *user = shown_user(dsn);
    if (dsn->is_doubtful)
        strbuf_format(where, "the %s URL in %s (not shown: its password may not be percent-encoded)",
            dsn_scheme_name(dsn->scheme), check->database.set_by);
    else
        strbuf_append(where, dsn->scheme == DSN_SQLITE ? dsn->path : dsn->safe);
    if (user)
        strbuf_format(where, " as user %s", user);
}

static void fill_limits(const struct check_config *check, struct check_limits *limits) {
    const struct database_config *database = &check->database;
    if (check->kind == KIND_SQLITE) {
        limits->min_free_bytes = database->min_free_bytes;
        limits->max_wal_bytes = database->max_wal_bytes;
    }
    if (database->role == ROLE_QUEUE) {
        limits->backlog_ms = database->backlog_ms;
        limits->backlog_tasks = database->backlog_tasks;
    }
}

static void guard(const struct check_config *check) {
    dsn_guard(&check->database.dsn);
}

static void blank(const struct check_config *check, char *text) {
    dsn_blank(&check->database.dsn, text);
}

static void walk(struct walk *walk, struct check_config *check) {
    struct database_config *config = &check->database;
    WALK_FIELD(walk, config->role);
    walk_text(walk, &config->set_by);
    dsn_walk(walk, &config->dsn);
    walk_text(walk, &config->queue_path);
    walk_text(walk, &config->wakeup_path);
    WALK_FIELD(walk, config->reconnect_ms);
    WALK_FIELD(walk, config->min_free_bytes);
    WALK_FIELD(walk, config->max_wal_bytes);
    WALK_FIELD(walk, config->backlog_ms);
    WALK_FIELD(walk, config->backlog_tasks);
    WALK_FIELD(walk, config->backlog_error_ms);
}

static void release(struct check_config *check) {
    dsn_release(&check->database.dsn);
    free(check->database.set_by);
    free(check->database.queue_path);
    free(check->database.wakeup_path);
}

const struct config_kind CONFIG_DATABASE = {
    .load = load,
    .asks_the_same = asks_the_same,
    .has_same_limits = has_same_limits,
    .log = log_what,
    .where = append_where,
    .limits = fill_limits,
    .blank = blank,
    .guard = guard,
    .walk = walk,
    .release = release,
};
