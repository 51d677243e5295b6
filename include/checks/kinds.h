/* The kinds that are built in; check_kind_find knows them by their id. */
#ifndef BH_CHECKS_KINDS_H
#define BH_CHECKS_KINDS_H

#include "checks/check.h"

extern const struct check_kind POSTGRES_KIND;
extern const struct check_kind SQLITE_KIND;
extern const struct check_kind SETTINGS_KIND;

#endif
