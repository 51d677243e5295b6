/* One run of a check, as the process sees it that does its work. */
#ifndef BH_RUN_RUN_H
#define BH_RUN_RUN_H

#include "run/outcome.h"

#include <stdbool.h>
#include <stdint.h>

struct phase_page;

/* Tells how far the work has come. Made where the process begins; embedded in a run. */
struct phase_report {
    void (*tell)(struct phase_report *report, enum phase phase); /* NULL: nobody wants to know */
    int fd;                                                      /* for `tell`, as the next */
    struct phase_page *page;
    enum phase phase; /* the last one */
};

struct run {
    uint64_t id;
    const struct check_config *config;
    void *kept;       /* the kind's, from run to run of this process */
    bool wants_fresh; /* what was kept is not to be used */
    bool is_first;    /* of this process: the time to give up what no run needs */
    bool is_last;     /* nothing need be kept */
    bool is_spent;    /* set by the work: this process cannot be asked again */
    bool is_undone;   /* set by the work: a process that has given up less must do it */
    struct phase_report phases;
    int64_t deadline_ms;    /* on the system's monotonic clock */
    struct outcome outcome; /* zero when the work begins: REASON_OK */
};

/* The work enters this phase; of one that it is in already nothing is told. */
void phase_report_enter(struct phase_report *report, enum phase phase);

/* How much time the run has left; 0: none. */
int64_t run_remaining_ms(const struct run *run);

/* Logs, at level debug, that what was kept is of no use any more. */
void run_log_loss(const struct check_config *config);

#endif
