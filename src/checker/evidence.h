/* What the checks know of each other, and how what was observed has the rest looked at again: the stronger
 * evidence decides, and the weaker one that it contradicts is gathered anew. */
#ifndef BH_CHECKER_EVIDENCE_H
#define BH_CHECKER_EVIDENCE_H

#include "checker/watch.h"

#include <stdbool.h>
#include <stddef.h>

/* The check of Bugsink itself; NULL where it is not asked. */
struct watch *evidence_find_app(struct watch *const *watches, size_t count);

/* What they know now. */
struct surroundings evidence_surroundings(struct watch *const *watches, size_t count);

/* The settings are looked at now. */
void evidence_hurry_settings(struct watch *const *watches, size_t count);

/* A run has ended and was judged: those that it casts doubt on look again, Bugsink is asked after what has
 * changed in its databases, and its settings are judged by whether it works, which *is_working_now remembers.
 */
void evidence_follow(struct watch *const *watches, size_t count, bool *is_working_now);

#endif
