/* What a finished configuration can do: be compared, be freed, give its names. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

const char *role_name(enum role role) {
    switch (role) {
    case ROLE_PLAIN: return "plain";
    case ROLE_MAIN: return "main";
    case ROLE_QUEUE: return "queue";
    }
    return "?";
}

const char *check_kind_id_name(enum check_kind_id kind) {
    switch (kind) {
    case KIND_POSTGRES: return "postgres";
    case KIND_MYSQL: return "mysql";
    case KIND_SQLITE: return "sqlite";
    case KIND_SETTINGS: return "settings";
    case KIND_HTTP: return "http";
    case KIND_DIRECTORY: return "directory";
    case KIND_COUNT: break;
    }
    return "?";
}

const char *directory_role_name(enum directory_role role) {
    switch (role) {
    case DIRECTORY_PLAIN: return "plain";
    case DIRECTORY_SPOOL: return "spool";
    case DIRECTORY_WAKEUP: return "wakeup";
    }
    return "?";
}

const char *settings_format_name(enum settings_format format) {
    switch (format) {
    case SETTINGS_PYTHON: return "python";
    case SETTINGS_JSON: return "json";
    case SETTINGS_ENV: return "env";
    case SETTINGS_ENVIRONMENT: return "environment";
    }
    return "?";
}

static bool text_equal(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool names_equal(const struct check_config *a, const struct check_config *b) {
    if (a->require_count != b->require_count)
        return false;
    for (size_t i = 0; i < a->require_count; i++)
        if (!text_equal(a->require[i], b->require[i]))
            return false;
    return true;
}

static bool environment_equal(char *const *a, char *const *b) {
    if (!a || !b)
        return a == b;
    while (*a && *b && strcmp(*a, *b) == 0) {
        a++;
        b++;
    }
    return !*a && !*b;
}

int64_t check_config_patience_ms(const struct check_config *check) {
    enum { SWAP_MS = 2000 };
    return check->kind == KIND_SETTINGS && check->format != SETTINGS_ENVIRONMENT ? SWAP_MS : 0;
}

bool check_config_asks_the_same(const struct check_config *a, const struct check_config *b) {
    return text_equal(a->name, b->name) && a->kind == b->kind && a->role == b->role &&
           dsn_equal(&a->dsn, &b->dsn) && text_equal(a->path, b->path) &&
           a->directory_role == b->directory_role && a->format == b->format && names_equal(a, b) &&
           environment_equal(a->environment, b->environment) && text_equal(a->url, b->url) &&
           text_equal(a->host, b->host) && a->is_https == b->is_https && text_equal(a->expect, b->expect);
}

bool check_config_equal(const struct check_config *a, const struct check_config *b) {
    return check_config_asks_the_same(a, b) && a->is_critical == b->is_critical &&
           a->interval_ms == b->interval_ms && a->timeout_ms == b->timeout_ms &&
           a->retry_interval_ms == b->retry_interval_ms && a->slow_ms == b->slow_ms &&
           a->reconnect_ms == b->reconnect_ms && a->fall == b->fall &&
           a->min_free_bytes == b->min_free_bytes && a->max_wal_bytes == b->max_wal_bytes &&
           a->backlog_ms == b->backlog_ms && a->backlog_tasks == b->backlog_tasks &&
           a->backlog_error_ms == b->backlog_error_ms;
}

static void release_check(struct check_config *check) {
    free(check->name);
    dsn_release(&check->dsn);
    free(check->path);
    for (size_t i = 0; i < check->require_count; i++)
        free(check->require[i]);
    free(check->require);
    for (char **entry = check->environment; entry && *entry; entry++)
        str_free_secret(*entry);
    free(check->environment);
    free(check->url);
    free(check->host);
    free(check->expect);
}

void config_free(struct config *config) {
    if (!config)
        return;
    for (size_t i = 0; i < config->check_count; i++)
        release_check(&config->checks[i]);
    for (size_t i = 0; i < config->item_count; i++) {
        free(config->items[i].key);
        free(config->items[i].value);
        free(config->items[i].origin);
    }
    for (size_t i = 0; i < config->warning_count; i++)
        free(config->warnings[i]);
    free(config->checks);
    free(config->items);
    free(config->warnings);
    free(config->file);
    free(config->listen);
    free(config->maintenance);
    free(config->app_version);
    free(config);
}
