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
    /* Of a kind that may block: does a run's work, in a worker (check_run_in_child). Else NULL. */
    void (*work)(struct run *run);
    /* Stops the run under way and forgets it; must not call check_finish. */
    void (*cancel)(struct check *check);
    /* Whether a run that its deadline ends now leaves its worker at what it does, until the next run begins:
     * where to break off does harm, and the answer may yet come. For kinds that run in a worker. May be
     * NULL. */
    bool (*may_linger)(const struct check *check);
    /* Variables of the environment that its library heeds, NULL-terminated; one that ends in '*' stands for
     * all that begin so. NULL: none. Its worker is told these and no others. */
    const char *const *environment;
    /* What a worker of this kind keeps from run to run (a connection, say): so many zeroed bytes of its own.
     */
    size_t kept_size;
    /* The descriptor to watch between runs, -1: none; and whether what was kept is gone, where that
     * descriptor has something to say. Both or none. */
    int (*watched)(const void *kept);
    bool (*is_gone)(void *kept);
    /* Takes leave of whoever it is connected to. May be NULL. */
    void (*hang_up)(void *kept);
    /* Frees what the state holds; no run is under way. May be NULL. */
    void (*release)(struct check *check);
};

#endif
