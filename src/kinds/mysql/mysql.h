/* One run of the MySQL kind, from login to farewell, in a one-shot child. */
#ifndef BH_KINDS_MYSQL_MYSQL_H
#define BH_KINDS_MYSQL_MYSQL_H

#include "run/run.h"

/* Refuses a configuration that no run could serve. The library is loaded. */
int mysql_check_config(const struct check_config *config, struct error *err);

/* In the child. */
void mysql_examine(struct run *run);

#endif
