/* What a worker is told first, as bytes. */
#ifndef BH_RUN_WORKER_HELLO_H
#define BH_RUN_WORKER_HELLO_H

#include "run/kind.h"

struct worker_order {
    const struct check_kind *kind;
    struct check_config config;
    int64_t life_ms;
};

/* Reads it from fd, which may block, and sets environment and log accordingly. Returns -1 where nothing of
 * use came: the checker is gone, or memory is out. */
int worker_order_read(int fd, struct worker_order *order);

#endif
