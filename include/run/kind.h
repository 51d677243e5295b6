/* One kind of check: a folder of src/kinds, and this row of traits and functions. */
#ifndef BH_RUN_KIND_H
#define BH_RUN_KIND_H

#include "base/error.h"
#include "base/library.h"
#include "run/run.h"
#include "run/traits.h"

#include <stdbool.h>
#include <stddef.h>

struct check;

/* `state` of the check is state_size zeroed bytes of the kind's own. */
struct check_kind {
    struct check_traits traits;
    /* What it asks through, loaded by check_init. NULL: nothing but what every process has. */
    struct library *library;
    size_t state_size;
    /* Refuses a configuration that this kind cannot serve. May be NULL. */
    int (*init)(struct check *check, struct error *err);
    /* Begins a run, which must end in check_finish, at once or later, unless cancelled. */
    void (*start)(struct check *check);
    /* Of a kind that may block: does a run's work, in a child (check_run_in_child). Else NULL. */
    void (*work)(struct run *run);
    /* Stops the run under way and forgets it; must not call check_finish. */
    void (*cancel)(struct check *check);
    /* Whether a run that its deadline ends now leaves its child at what it does, until the next run begins:
     * where to break off does harm, and the answer may yet come. For kinds that run in a child. May be NULL.
     */
    bool (*may_linger)(const struct check *check);
    /* A kind whose runs may leave something open (a connection) for later ones has both of these, others
     * none. In the checker, before the run ends in outcome: takes the descriptor, which is the kind's then.
     */
    void (*take)(struct check *check, const struct outcome *outcome, int fd);
    /* Closes what is kept from run to run, and forgets a question under way on it. Comes after `cancel`, and
     * before `release`. */
    void (*let_go)(struct check *check);
    /* Frees what the state holds; no run is under way. May be NULL. */
    void (*release)(struct check *check);
};

#endif
