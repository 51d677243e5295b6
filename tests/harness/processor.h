/* Limits the processor time of a daemon, as a container's limit does: by a control group where one can be
 * made, else by stopping all its processes for most of each 100 ms. */
#ifndef BH_TESTS_PROCESSOR_H
#define BH_TESTS_PROCESSOR_H

#include <sys/types.h>

struct processor_limit {
    char group[128];  /* the control group's directory; "": there is none */
    char before[256]; /* the file of the group that this process was in */
    int thousandths;  /* 0: as much as it likes */
    pid_t checker;    /* of the daemon; 0: not known yet */
    pid_t stopper;    /* 0: none */
};

/* No limit, but the greatest weight, as with a limit: for a server that must not be what is slow. Only
 * control groups can do that; where there are none, nothing is done. */
enum { PROCESSOR_ALL = -1 };

/* So many thousandths of one processor: for what this process starts from now on, and for itself, until
 * processor_limit_apply. 0: no limit and the usual weight, until processor_limit_set. */
void processor_limit_begin(struct processor_limit *limit, int thousandths);

/* The daemon is started: this process is free again. */
void processor_limit_apply(struct processor_limit *limit, pid_t checker);

/* Another limit for the daemon that runs; 0: none. */
void processor_limit_set(struct processor_limit *limit, int thousandths);

/* "cgroup v1", "cgroup v2" or "SIGSTOP". */
const char *processor_limit_name(const struct processor_limit *limit);

/* Once the daemon has ended. */
void processor_limit_end(struct processor_limit *limit);

#endif
