/* What kinds of checks differ in, as far as others ask: policy, engine and watch judge by these and know no
 * kind by name. A kind does not have a trait that its row leaves out. */
#ifndef BH_RUN_TRAITS_H
#define BH_RUN_TRAITS_H

#include "report/reason.h"
#include "report/status.h"

#include <stdbool.h>

struct check_config;

struct check_traits {
    /* Of databases: who asks one that hangs waits, as Bugsink does; and one that is not Bugsink's own may be
     * merely degraded. */
    bool is_database;
    /* Of Bugsink itself: what its runs find is liveness. */
    bool is_app;
    /* Of such a kind: whether both ask the same Bugsink, however else they differ. */
    bool (*asks_same_app)(const struct check_config *a, const struct check_config *b);
    /* It looks at the settings that Bugsink reads at its start, and at them alone: another content than it
     * has read is worth telling. */
    bool holds_settings;
    /* How long a run takes is how long the thing takes: over `slow` it is degraded. */
    bool measures_latency;
    /* Another inode at the same place is another thing. */
    bool tracks_inode;
    /* Bugsink recreates what was there and is gone, when it needs it. */
    bool may_be_remade;
    /* Of databases: where it is missing, a Bugsink that is asked for anything in it makes an empty one. */
    bool is_made_by_asking;
    /* Whether the server counts the login of a run that ended so, in that phase, as broken off, and blocks
     * who has many of them. NULL: its servers count none. */
    bool (*breaks_login)(enum reason reason, enum phase phase);
};

#endif
