/* The table of kinds of checks: from a kind's id to its row, which stands in the kind's own folder. */
#ifndef BH_KINDS_KINDS_H
#define BH_KINDS_KINDS_H

#include "base/error.h"
#include "config/config.h"
#include "run/check.h"

/* Each kind's row, POSTGRES_KIND and so on; MYSQL_KIND only WITH_MYSQL. */
#define CHECK_KIND_ROW(id, name, family) extern const struct check_kind id##_KIND;
CHECK_KINDS(CHECK_KIND_ROW)
#undef CHECK_KIND_ROW

/* The kind of that id, or NULL where it is not built in. */
const struct check_kind *check_kind_find(enum check_kind_id id);

/* As check_kind_find; where it is not built in, the error says so. */
const struct check_kind *check_kind_require(enum check_kind_id id, struct error *err);

#endif
