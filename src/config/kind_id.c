/* What the kinds are called, and which of them are of databases. */
#include "config/config.h"

static const struct {
    const char *name;
    bool is_database;
} KINDS[KIND_COUNT] = {
    [KIND_POSTGRES] = {"postgres", true},
    [KIND_MYSQL] = {"mysql", true},
    [KIND_SQLITE] = {"sqlite", true},
    [KIND_SETTINGS] = {"settings", false},
    [KIND_HTTP] = {"http", false},
    [KIND_DIRECTORY] = {"directory", false},
};

const char *check_kind_id_name(enum check_kind_id kind) {
    return kind < KIND_COUNT ? KINDS[kind].name : "?";
}

bool check_kind_id_is_database(enum check_kind_id kind) {
    return kind < KIND_COUNT && KINDS[kind].is_database;
}
