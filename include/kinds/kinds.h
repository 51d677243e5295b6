/* The kinds of checks that are built in, each in the file of its name. */
#ifndef BH_KINDS_KINDS_H
#define BH_KINDS_KINDS_H

#include "run/check.h"

extern const struct check_kind POSTGRES_KIND, SQLITE_KIND, SETTINGS_KIND, HTTP_KIND, DIRECTORY_KIND;
extern const struct check_kind MYSQL_KIND; /* WITH_MYSQL */

#endif
