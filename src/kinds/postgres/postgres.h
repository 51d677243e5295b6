/* One run of the PostgreSQL kind, from login to farewell, in a one-shot child. */
#ifndef BH_KINDS_POSTGRES_POSTGRES_H
#define BH_KINDS_POSTGRES_POSTGRES_H

#include "run/run.h"

/* Refuses a configuration that no run could serve. The library is loaded. */
int postgres_check_config(const struct check_config *config, struct error *err);

/* In the child. Where the run went well and the configuration has connections kept, the socket is left to the
 * checker, unless its state is libpq's (TLS, GSS encryption). */
void postgres_examine(struct run *run);

#endif
