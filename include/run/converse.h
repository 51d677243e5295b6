/* Lets a kind that works on an event loop do its work in a one-shot child, on a loop of the child's own: a
 * driver that blocks, crashes, computes or takes memory without end harms its own run and nothing else. */
#ifndef BH_RUN_CONVERSE_H
#define BH_RUN_CONVERSE_H

#include "run/check.h"

/* In the child: one run of kind with check's configuration, whose outcome is left in *outcome; the phases go
 * out on fd. Its deadline is a little shorter than the check's, so that the kind can still hang up politely;
 * the check's own deadline ends a child that cannot even do that. What of it the run has used up before, in
 * the checker, is gone. A descriptor that the kind leaves goes out on fd as well. */
void check_converse(
    const struct check *check, const struct check_kind *kind, struct outcome *outcome, int fd);

#endif
