/* The checker process: runs the checks, renders the pages, and hands them to the responder with a lease. */
#ifndef BH_CHECKER_CHECKER_H
#define BH_CHECKER_CHECKER_H

#include "config/config.h"

#include "run/nursery.h"

#include <sys/types.h>

/* How long the responder may trust its pages, and how often the checker renews that. */
enum { LEASE_MS = 5000, LEASE_RENEW_MS = 2000 };

/* Exit statuses of serve. */
enum { CHECKER_EXIT_OK = 0, CHECKER_EXIT_FAILURE = 1, CHECKER_EXIT_CONFIG = 2 };

/* Loads the configuration from source, binds the listener, hands it over link_fd to the responder (a child of
 * this process, of that pid), and checks with workers of the nursery until told to end. Returns the process's
 * exit status. Errors go to the log. */
int checker_run(
    const struct config_source *source, int link_fd, pid_t responder_pid, struct nursery *nursery);

#endif
