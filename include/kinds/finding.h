/* How the kinds that look at files put what they found into an outcome: an error, which ends the look, or
 * else the gravest of what is merely worth knowing. */
#ifndef BH_KINDS_FINDING_H
#define BH_KINDS_FINDING_H

#include "run/outcome.h"

/* Sets reason and detail, whatever stood there. Returns -1, so that a failing function can return it. */
int finding_fail(struct outcome *outcome, enum reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* finding_fail with the reason that errno gives for a file, and "what: strerror" as detail. */
int finding_fail_errno(struct outcome *outcome, int error, const char *what);

/* Notes a degraded reason, unless an error or a graver one is there already. A reason that is an error
 * elsewhere is mild here. */
void finding_note(struct outcome *outcome, enum reason reason);

/* What this errno of stat, open, read or access says about a file; whatever is not a cause of its own is
 * io_error. */
enum reason finding_of_errno(int error);

#endif
