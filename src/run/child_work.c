/* The child's side: from the fork to its reports. */
#include "run/child_work.h"

#include "base/io.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "run/child.h"
#include "run/records.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a child may take: far more than any driver needs for our questions; a server that answers without end,
 * or a file that is none, then fails one run instead of filling the pod's memory. */
enum { MEMORY_MAX = 96 * 1024 * 1024 };

enum { LAST_RESORT_S = 5, PROCESSOR_SPARE_S = 2 };

/* -- the start -- */

static void reset_signals(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &action, NULL); /* SIGKILL, SIGSTOP and the C library's own refuse, rightly */
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL); /* SQLite takes it for a full disk */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The start of the process has the same steps as the checker's and the responder's: its signals, its secrets,
 * what it keeps, and in the end what it gives up: more memory and processor time than the run can use (a
 * worker says that anew for each run). Whoever is kept busy after its time (a login that lingers) ends by the
 * latter. */
bool child_enter(int fd, int parent_pid, int64_t deadline_ms) {
    if (deadline_ms > 0)
        alarm((unsigned)((deadline_ms + 999) / 1000) + LAST_RESORT_S);
    reset_signals();
    sandbox_watch_violations();
    bool has_parent = process_die_with_parent(parent_pid);
    process_forbid_core();
    process_close_from(STDERR_FILENO + 1, &fd, 1);
    process_limit_memory(MEMORY_MAX);
    if (deadline_ms > 0)
        process_limit_processor((unsigned long)(deadline_ms + 999) / 1000 + PROCESSOR_SPARE_S);
    return has_parent;
}

pid_t child_fork(
    int fd, int64_t deadline_ms, void (*work)(void *arg, int fd), void *work_arg, struct error *err) {
    /* All signals wait until the child has its own dispositions: libevent's handlers would write into the
     * socket pair it shares with the parent's, and the parent would see signals that were not for it. */
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        if (child_enter(fd, parent, deadline_ms))
            work(work_arg, fd);
        _exit(EXIT_SUCCESS);
    }
    int cause = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0)
        error_set(err, "fork: %s", strerror(cause));
    return pid;
}

/* -- its reports -- */

static void report(int fd, enum record_type type, const void *payload, size_t size) {
    char bytes[sizeof(struct record_head) + CHILD_RESULT_MAX];
    assert(size <= CHILD_RESULT_MAX);
    struct record_head head = {.type = type, .size = (uint32_t)size};
    memcpy(bytes, &head, sizeof head);
    memcpy(bytes + sizeof head, payload, size);
    io_write_all(fd, bytes, sizeof head + size); /* where the reader is gone there is nobody to tell */
}

void child_report_phase(int fd, enum phase phase) {
    uint32_t value = (uint32_t)phase;
    report(fd, RECORD_PHASE, &value, sizeof value);
}

void child_report_result(int fd, const void *result, size_t size) {
    report(fd, RECORD_RESULT, result, size);
}

void child_report_gone(int fd) {
    report(fd, RECORD_GONE, "", 0);
}
