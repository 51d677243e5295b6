/* How long the machine keeps a process waiting that is as modest as a worker of ours: five steps of nice, a
 * few milliseconds of work, ten times a second. What is late by less than that is not the program's fault. */
#ifndef HARNESS_GAUGE_H
#define HARNESS_GAUGE_H

#include <stdint.h>
#include <sys/types.h>

struct gauge_board;

struct gauge {
    pid_t pid;
    struct gauge_board *board; /* shared with it */
};

void gauge_start(struct gauge *gauge);

/* By how many milliseconds its slowest piece of work was late since the last call; one that is not done yet
 * counts as far as it is late by now. */
int64_t gauge_late_ms(struct gauge *gauge);

void gauge_stop(struct gauge *gauge);

#endif
