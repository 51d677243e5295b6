/* The table from a kind's id to its functions. */
#include "kinds/kinds.h"

#include "run/check.h"

#include <stddef.h>

const struct check_kind *check_kind_find(enum check_kind_id id) {
    switch (id) {
    case KIND_POSTGRES: return &POSTGRES_KIND;
    case KIND_SQLITE: return &SQLITE_KIND;
    case KIND_SETTINGS: return &SETTINGS_KIND;
    case KIND_DIRECTORY: return &DIRECTORY_KIND;
    case KIND_HTTP: return &HTTP_KIND;
#ifdef WITH_MYSQL
    case KIND_MYSQL: return &MYSQL_KIND;
#else
    case KIND_MYSQL:
#endif
    case KIND_COUNT: break;
    }
    return NULL;
}

const struct check_kind *check_kind_require(enum check_kind_id id, struct error *err) {
    const struct check_kind *kind = check_kind_find(id);
    if (!kind)
        error_set(err, "unsupported: checks of kind %s are not built into this program%s",
            check_kind_id_name(id), id == KIND_MYSQL ? " (it was made with WITH_MYSQL=0)" : "");
    return kind;
}
