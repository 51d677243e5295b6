/* The worker's own side: a process that is told one check, and runs it whenever it is asked to. */
#ifndef BH_RUN_WORKER_H
#define BH_RUN_WORKER_H

#include "base/str.h"
#include "run/kind.h"

#include <stdint.h>

/* What a worker is asked to do: one run. */
struct worker_request {
    uint64_t run_id;
    int64_t remaining_ms;
    uint32_t is_last;     /* it is to end after this one */
    uint32_t wants_fresh; /* nothing that was kept is to be used */
};

/* What it answers, once a run. Plain bytes. */
struct worker_answer {
    uint64_t run_id;
    int64_t cpu_us;     /* of its life so far */
    uint32_t is_last;   /* it ends now */
    uint32_t is_undone; /* the run is to be done by a fresh worker: this one has given up too much */
    struct outcome outcome;
};

/* Writes what a worker is told first: its check, the variables of the environment that its kind heeds, how to
 * log, how long it lives (0: one run). kind is a constant of this program, whose processes are all one image:
 * its address is the same in each. The bytes hold secrets. */
void worker_hello(
    struct strbuf *bytes, const struct check_kind *kind, const struct check_config *config, int64_t life_ms);

struct phase_page;

/* Becomes a worker: nothing but fd is kept of what is open. Its phases are noted on that page; NULL: they are
 * reported over fd. Returns when it is to end. */
void worker_enter(int fd, struct phase_page *page, int parent_pid);

/* Serves fd in a process that has been prepared (child_start). */
void worker_serve(int fd, struct phase_page *page);

#endif
