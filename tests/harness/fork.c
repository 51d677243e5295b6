/* fork() for tests. */
#include "harness/fork.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

pid_t test_fork(void) {
    pid_t pid = fork();
    if (pid < 0)
        ck_abort_msg("fork: %s", strerror(errno));
    return pid;
}
