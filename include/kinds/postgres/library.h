/* libpq, loaded when the first PostgreSQL database is configured. Its functions are called by their own
 * names. */
#ifndef BH_KINDS_POSTGRES_LIBRARY_H
#define BH_KINDS_POSTGRES_LIBRARY_H

#include "base/error.h"

/* Loads it, once. Before any function of libpq is called. Returns -1 where it is not installed. */
int postgres_library_load(struct error *err);

/* "15.8", or NULL where it is not loaded. In *version. */
const char *postgres_library_version(char version[16]);

#endif
