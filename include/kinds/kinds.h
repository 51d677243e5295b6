/* The table of kinds of checks: from a kind's id to its row, which stands in the kind's own folder. */
#ifndef BH_KINDS_KINDS_H
#define BH_KINDS_KINDS_H

#include "base/error.h"
#include "config/config.h"
#include "run/check.h"

extern const struct check_kind POSTGRES_KIND, SQLITE_KIND, SETTINGS_KIND, HTTP_KIND, DIRECTORY_KIND;
extern const struct check_kind MYSQL_KIND; /* WITH_MYSQL */

/* The kind of that id, or NULL where it is not built in. */
const struct check_kind *check_kind_find(enum check_kind_id id);

/* As check_kind_find; where it is not built in, the error says so. */
const struct check_kind *check_kind_require(enum check_kind_id id, struct error *err);

#endif
