/* The fork of a child, and its way into its work. */
#ifndef BH_RUN_CHILD_WORK_H
#define BH_RUN_CHILD_WORK_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* In a process just forked: makes it a child, of which nothing but fd is kept. deadline_ms 0: it has none.
 * Returns false where its parent is gone already. */
bool child_enter(int fd, int parent_pid, int64_t deadline_ms);

/* Forks: work(work_arg, fd) runs in the child as child_start says. Returns its pid, or -1 with an error. */
pid_t child_fork(
    int fd, int64_t deadline_ms, void (*work)(void *arg, int fd), void *work_arg, struct error *err);

#endif
