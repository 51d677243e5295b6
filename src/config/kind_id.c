/* What the kinds are called. */
#include "config/config.h"

static const char *const NAMES[KIND_COUNT] = {
    [KIND_POSTGRES] = "postgres",
    [KIND_MYSQL] = "mysql",
    [KIND_SQLITE] = "sqlite",
    [KIND_SETTINGS] = "settings",
    [KIND_HTTP] = "http",
    [KIND_DIRECTORY] = "directory",
};

const char *check_kind_id_name(enum check_kind_id kind) {
    return kind < KIND_COUNT ? NAMES[kind] : "?";
}
