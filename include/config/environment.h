/* The environment as a source of options: variables, their _FILE variants, and misspelt ones. */
#ifndef BH_CONFIG_ENVIRONMENT_H
#define BH_CONFIG_ENVIRONMENT_H

#include "base/error.h"

#include <stdbool.h>

/* The value of a variable, borrowed; NULL where it is absent or empty. environment may be NULL. */
const char *environment_get(const char *const *environment, const char *name);

/* Whether the variable is set, be it empty. */
bool environment_has(const char *const *environment, const char *name);

/* Refuses a BUGSINK_HEALTH_ variable that is no option, and names the one that may have been meant. Those
 * that Kubernetes injects for a Service called bugsink-health are ignored. */
int environment_check(const char *const *environment, struct error *err);

/* Reads a file that holds one secret: at most 64 KiB, without its newlines at the end, not empty. The caller
 * frees it with str_free_secret. The error shows the path only where it is absolute and plain: in its place
 * may stand the secret itself. */
int environment_read_secret(const char *path, char **secret, struct error *err);

#endif
