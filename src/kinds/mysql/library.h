/* MariaDB Connector/C, loaded when the first MySQL database is configured. Its functions are called by their
 * own names. */
#ifndef BH_KINDS_MYSQL_LIBRARY_H
#define BH_KINDS_MYSQL_LIBRARY_H

#include "base/library.h"

extern struct library mysql_library;

#endif
