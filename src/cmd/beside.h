/* The sidecar that runs beside a command: what it says, where that is another thing than the command's own
 * look. */
#ifndef BH_CMD_BESIDE_H
#define BH_CMD_BESIDE_H

#include "config/config.h"
#include "report/snapshot.h"

/* Asks the sidecar of that configuration for /health/. Returns its answer, which the caller frees, or NULL
 * where none answers at once. To be called before the process gives up its rights. */
char *beside_ask(const struct config_source *source);

/* What that answer says, in one line for people, where it says another thing than the snapshot: another
 * readiness, or other codes. NULL where both say the same, or the answer is no sidecar's. The caller frees.
 */
char *beside_differing(const char *answer, const struct snapshot *snapshot);

#endif
