/* libpq, loaded when the first PostgreSQL database is configured. Its functions are called by their
 * own names. */
#ifndef BH_KINDS_POSTGRES_LIBRARY_H
#define BH_KINDS_POSTGRES_LIBRARY_H

#include "base/library.h"

extern struct library postgres_library;

#endif
