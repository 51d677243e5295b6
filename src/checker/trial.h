/* The first look at what the checks of a configuration need: their libraries, and what these say of the
 * configuration. In a process of its own, so that the checker has none of them in its memory. */
#ifndef BH_CHECKER_TRIAL_H
#define BH_CHECKER_TRIAL_H

#include "base/error.h"
#include "checker/versions.h"
#include "config/config.h"

/* Returns -1 with an error that names the check where one of them cannot be served. linked receives the
 * versions of all libraries that are in use. Waits 5 s at most. */
int trial_run(const struct config *config, char linked[VERSIONS_TEXT_SIZE], struct error *err);

#endif
