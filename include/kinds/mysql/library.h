/* MariaDB Connector/C, loaded when the first MySQL database is configured. Its functions are called by their
 * own names. */
#ifndef BH_KINDS_MYSQL_LIBRARY_H
#define BH_KINDS_MYSQL_LIBRARY_H

#include "base/error.h"

/* Loads it, once. Before any function of it is called. Returns -1 where it is not installed. */
int mysql_library_load(struct error *err);

/* "3.3.8", or NULL where it is not loaded. */
const char *mysql_library_version(void);

#endif
