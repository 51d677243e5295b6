/* The table from a kind's id to its row. */
#include "kinds/kinds.h"

#include <stddef.h>

static const struct check_kind *const KINDS[KIND_COUNT] = {
    [KIND_POSTGRES] = &POSTGRES_KIND,
#ifdef WITH_MYSQL
    [KIND_MYSQL] = &MYSQL_KIND,
#endif
    [KIND_SQLITE] = &SQLITE_KIND,
    [KIND_SETTINGS] = &SETTINGS_KIND,
    [KIND_HTTP] = &HTTP_KIND,
    [KIND_DIRECTORY] = &DIRECTORY_KIND,
};

const struct check_kind *check_kind_find(enum check_kind_id id) {
    return (unsigned)id < KIND_COUNT ? KINDS[id] : NULL;
}

const struct check_kind *check_kind_require(enum check_kind_id id, struct error *err) {
    const struct check_kind *kind = check_kind_find(id);
    if (!kind)
        error_set(err, "unsupported: checks of kind %s are not built into this program%s",
            check_kind_id_name(id), id == KIND_MYSQL ? " (it was made with WITH_MYSQL=0)" : "");
    return kind;
}
