/* A crowd of clients that connect and then say nothing, or too little: held open by a helper process. */
#ifndef BH_TESTS_CROWD_H
#define BH_TESTS_CROWD_H

#include <stdbool.h>
#include <sys/types.h>

struct crowd {
    pid_t pid;
    int control_fd; /* closing it ends the helper */
    int count;      /* connections that were made */
};

/* Whether RLIMIT_NOFILE, raised as far as we may, lets one process hold so many connections. */
bool crowd_is_allowed(int count);

/* Opens count connections to 127.0.0.1:port, each of which sends greeting (may be ""), and holds them,
 * whatever the server does. Returns when all have been tried; fewer are made where RLIMIT_NOFILE does not
 * allow as many. */
void crowd_open(struct crowd *crowd, int port, int count, const char *greeting);
void crowd_close(struct crowd *crowd);

#endif
