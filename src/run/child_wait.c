/* A one-shot child that is waited for: for a start, where nothing else is to be done meanwhile. */
#include "run/child.h"

#include "run/child_work.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Reads what comes within that time. Returns whether it was all that was asked for. */
static bool read_result(int fd, char *result, size_t size, int64_t patience_ms) {
    size_t have = 0;
    while (have < size) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int count = poll(&ready, 1, (int)patience_ms);
        ssize_t got = count > 0 ? read(fd, result + have, size - have) : count;
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

int child_await(void (*work)(void *arg, int fd), void *arg, void *result, size_t size, int64_t patience_ms,
    struct error *err) {
    int ends[2];
    if (pipe(ends) < 0)
        return error_set(err, "pipe: %s", strerror(errno));
    pid_t pid = child_fork(ends[1], patience_ms, work, arg, err);
    close(ends[1]);
    bool is_whole = pid > 0 && read_result(ends[0], result, size, patience_ms);
    close(ends[0]);
    if (pid <= 0)
        return -1;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return is_whole ? 0
                    : error_set(err, "a process that was to look at the configuration has died, or hangs");
}
