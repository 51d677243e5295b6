/* A child of a test: the one way to fork here. */
#ifndef HARNESS_FORK_H
#define HARNESS_FORK_H

#include <sys/types.h>

/* fork(), after which only the parent has spoken to libcheck; the test ends where it fails. A passed
 * assertion too is written to a file whose position parent and child share: a child that asserts while the
 * runner reads that file back destroys what it reads ("Bad message type arg", and the run is over). So the
 * body of a child that may outlive the next step of its parent asserts nothing: it exits with a status
 * instead. */
pid_t test_fork(void);

#endif
