/* The fork of a child, and its way into its work. */
#ifndef BH_RUN_CHILD_WORK_H
#define BH_RUN_CHILD_WORK_H

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

/* Forks: work(work_arg, fd) runs in the child as child_start says. Returns its pid, or -1 with an error. */
pid_t child_fork(
    int fd, int64_t deadline_ms, void (*work)(void *arg, int fd), void *work_arg, struct error *err);

#endif
