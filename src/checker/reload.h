/* The first reading of a configuration that is to replace the one in force: in a one-shot child, for the file
 * and the secret files it names may stand on a volume that hangs. What the child could read and found valid,
 * the checker reads then. */
#ifndef BH_CHECKER_RELOAD_H
#define BH_CHECKER_RELOAD_H

#include "base/timers.h"
#include "run/loop.h"
#include "config/config.h"

/* How long the reading may take. */
enum {
    RELOAD_TIMEOUT_MS = 5000,
    RELOAD_TRIES = 3, /* where it took longer, or died: the next one begins when the one before has ended */
};

/* Embedded in its owner. */
struct reload {
    struct loop *loop;
    const struct config_source *source;
    void (*begun)(void *arg);
    void (*ready)(void *arg);
    void (*failed)(void *arg, const char *why); /* why holds no secret */
    void *arg;
    struct child *child; /* until it is reaped */
    struct timer deadline;
    bool is_wanted_again; /* when the one under way has ended */
    int late;             /* readings without a result, since it was asked for */
};

/* `begun` is called when a reading begins, and then, once: `ready` when the configuration could be read and
 * is valid, `failed` when not. source is borrowed. */
void reload_init(struct reload *reload, struct loop *loop, const struct config_source *source,
    void (*begun)(void *arg), void (*ready)(void *arg), void (*failed)(void *arg, const char *why),
    void *arg);

/* Begins; one that is asked for while the child of another is there follows when that is gone. */
void reload_begin(struct reload *reload);

/* Gives up what is under way. */
void reload_release(struct reload *reload);

#endif
