/* The maintenance file: while it exists, the pod is out of service on purpose. Looked for in a one-shot
 * child, for it may stand on a volume that hangs; while no answer comes, the last one stands. */
#ifndef BH_CHECKER_MAINTENANCE_H
#define BH_CHECKER_MAINTENANCE_H

#include "run/check.h"

struct maintenance;

/* Looks at once and then every second. was_on: the answer until the first look has one. `changed` is called
 * at the first answer, and when the answer is another than before. A look that gives no answer (a volume that
 * hangs, a path that cannot be followed) leaves the last one standing. Where there was none yet, for this
 * path, one that is refused counts as maintenance: the file may well be there. path is copied. NULL when
 * memory is out. */
struct maintenance *maintenance_new(
    const struct check_env *env, const char *path, bool was_on, void (*changed)(void *arg), void *arg);
void maintenance_free(struct maintenance *maintenance);
const char *maintenance_path(const struct maintenance *maintenance);
bool maintenance_is_on(const struct maintenance *maintenance);

#endif
