/* What the checks know of each other, and how what was observed has the rest looked at again: the stronger
 * evidence decides, and the weaker one that it contradicts is gathered anew. */
#ifndef BH_CHECKER_EVIDENCE_H
#define BH_CHECKER_EVIDENCE_H

#include "checker/watch.h"

#include <stdbool.h>
#include <stddef.h>

/* The check of Bugsink itself; NULL where it is not asked. */
struct watch *evidence_find_app(struct watch *const *watches, size_t count);

/* Bugsink answers its questions from a database. Where that is a file which is missing, it would make an
 * empty one: while it is, or while nobody has looked yet, no question is asked. */
void evidence_withhold(struct watch *const *watches, size_t count);

/* Whether it is known of each such file whether it is there. */
bool evidence_has_seen_files(struct watch *const *watches, size_t count);

/* Has each such file looked at, unless it was just now. Returns whether all were. */
bool evidence_prepare(struct watch *const *watches, size_t count);

/* What they know now. */
struct surroundings evidence_surroundings(struct watch *const *watches, size_t count);

/* The settings are looked at now. */
void evidence_hurry_settings(struct watch *const *watches, size_t count);

/* A run has ended and was judged: those that it casts doubt on look again, Bugsink is asked after what has
 * changed in its databases, and its settings are judged by whether it works, which *is_working_now remembers.
 */
void evidence_follow(struct watch *const *watches, size_t count, bool *is_working_now);

#endif
