/* What goes between the checker and its nursery: one request or one piece of news a packet. */
#ifndef BH_RUN_NURSERY_WIRE_H
#define BH_RUN_NURSERY_WIRE_H

#include "run/nursery.h"

#include <stdint.h>

enum nursery_request_type { NURSERY_FORK /* and a descriptor comes with it */, NURSERY_SIGNAL };

struct nursery_request {
    uint32_t type;
    int32_t number; /* of the signal; of the page of the board */
    uint64_t id;
};

/* The nursery's own life: serves fd, and never returns. */
_Noreturn void nursery_serve(int fd, const struct phase_board *board, int parent_pid, bool is_sandboxed);

#endif
