/* Name resolution that can be given up. */
#include "kinds/lookup.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void work(int fd, pid_t parent, const char *const *names, int count) {
    struct resolve_answer answer;
    memset(&answer, 0, sizeof answer);
    if (process_die_with_parent(parent)) {
        resolve_now(names, count, &answer);
        io_write_all(fd, (const char *)&answer, sizeof answer);
    }
    _exit(0);
}

int lookup_start(struct lookup *lookup, const char *const *names, int count) {
    int ends[2];
    if (pipe(ends) < 0)
        return -1;
    io_set_cloexec(ends[0]);
    pid_t parent = getpid();
    lookup->pid = fork();
    if (lookup->pid == 0)
        work(ends[1], parent, names, count);
    close(ends[1]);
    lookup->fd = ends[0];
    if (lookup->pid > 0)
        return 0;
    int cause = errno;
    close(ends[0]);
    errno = cause;
    return -1;
}

bool lookup_await(struct lookup *lookup, int64_t patience_ms, struct resolve_answer *answer) {
    int64_t end_ms = clock_now_ms(clock_system()) + patience_ms;
    struct pollfd ready = {.fd = lookup->fd, .events = POLLIN};
    size_t got = 0;
    while (got < sizeof *answer) {
        int64_t left_ms = end_ms - clock_now_ms(clock_system());
        int count = poll(&ready, 1, left_ms > 0 ? (int)left_ms : 0);
        if (count == 0)
            return false;
        ssize_t more = count > 0 ? read(lookup->fd, (char *)answer + got, sizeof *answer - got) : count;
        if (more < 0 && errno == EINTR)
            continue;
        if (more <= 0)
            return false; /* it died */
        got += (size_t)more;
    }
    return true;
}

void lookup_end(struct lookup *lookup) {
    kill(lookup->pid, SIGKILL);
    while (waitpid(lookup->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close(lookup->fd);
}

bool lookup_now(const char *const *names, int count, int64_t patience_ms, struct resolve_answer *answer) {
    struct lookup lookup;
    if (lookup_start(&lookup, names, count) < 0) {
        *answer = (struct resolve_answer){.reason = REASON_INTERNAL};
        snprintf(answer->detail, sizeof answer->detail, "fork: %s", strerror(errno));
        return true;
    }
    bool has_come = lookup_await(&lookup, patience_ms, answer);
    lookup_end(&lookup);
    return has_come;
}

static bool has(const struct resolve_answer *answer, const struct resolve_address *address) {
    for (int i = 0; i < answer->count; i++)
        if (answer->addresses[i].host == address->host &&
            strcmp(answer->addresses[i].text, address->text) == 0)
            return true;
    return false;
}

bool lookup_is_same(const struct resolve_answer *a, const struct resolve_answer *b) {
    for (int i = 0; i < a->count; i++)
        if (!has(b, &a->addresses[i]))
            return false;
    return a->count == b->count && a->reason == b->reason;
}
