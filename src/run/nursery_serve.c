/* The nursery itself: forks, reaps, tells. It never waits for a worker, nor for the checker. */
#include "base/io.h"
#include "base/log.h"
#include "base/pass.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "run/nursery.h"
#include "run/nursery_wire.h"
#include "run/phase_board.h"
#include "run/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long its workers have, once the checker is gone, to take leave of their servers. */
enum { FAREWELL_MS = 300 };

/* A worker, until its end has been told. */
struct ward {
    uint64_t id;
    pid_t pid; /* 0: it has ended */
    struct nursery_news end;
};

struct house {
    int fd;
    const struct phase_board *board;
    pid_t pid;
    sigset_t waiting; /* the signals that are blocked while it waits: SIGCHLD is not */
    struct ward *wards;
    size_t count;
    size_t untold; /* have ended */
};

static void on_child(int number) {
    (void)number; /* it ends the wait */
}

/* -- the ends -- */

static int64_t cpu_us(const struct rusage *usage) {
    return (int64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 + usage->ru_utime.tv_usec +
           usage->ru_stime.tv_usec;
}

static void reap(struct house *house) {
    struct rusage usage;
    int status;
    for (pid_t pid; (pid = wait4(-1, &status, WNOHANG, &usage)) > 0;)
        for (size_t i = 0; i < house->count; i++)
            if (house->wards[i].pid == pid) {
                house->wards[i].pid = 0;
                house->wards[i].end = (struct nursery_news){.type = NURSERY_ENDED,
                    .number = status,
                    .id = house->wards[i].id,
                    .cpu_us = cpu_us(&usage)};
                house->untold++;
                break;
            }
}

/* Returns whether it went out. */
static bool tell(const struct house *house, const struct nursery_news *news) {
    ssize_t sent;
    do
        sent = send(house->fd, news, sizeof *news, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK); /* one that is gone is told nothing */
}

static void tell_ends(struct house *house) {
    for (size_t i = 0; house->untold > 0 && i < house->count;) {
        if (house->wards[i].pid != 0) {
            i++;
            continue;
        }
        if (!tell(house, &house->wards[i].end))
            return;
        house->wards[i] = house->wards[--house->count];
        house->untold--;
    }
}

/* -- the requests -- */

/* One that could not be forked has ended as it were: it is told when there is room. */
static void note_failure(struct house *house, struct ward *ward, int cause) {
    ward->pid = 0;
    ward->end = (struct nursery_news){.type = NURSERY_NOT_FORKED, .number = cause, .id = ward->id};
    house->untold++;
}

static void fork_worker(struct house *house, uint64_t id, int page, int fd) {
    struct ward *more = realloc(house->wards, (house->count + 1) * sizeof *more);
    if (!more) {
        tell(house, &(struct nursery_news){.type = NURSERY_NOT_FORKED, .number = ENOMEM, .id = id});
        return;
    }
    house->wards = more;
    struct ward *ward = &house->wards[house->count++];
    *ward = (struct ward){.id = id, .pid = fd < 0 ? -1 : fork()};
    if (ward->pid == 0) {
        /* Told from here, so that it stands before anything that the worker says or comes to. */
        tell(house, &(struct nursery_news){.type = NURSERY_FORKED, .number = getpid(), .id = id});
        worker_enter(fd, phase_board_keep(house->board, page), house->pid);
        _exit(EXIT_SUCCESS);
    }
    if (ward->pid < 0)
        note_failure(house, ward, fd < 0 ? EMFILE : errno);
}

static void signal_worker(const struct house *house, uint64_t id, int number) {
    for (size_t i = 0; i < house->count; i++)
        if (house->wards[i].id == id && house->wards[i].pid > 0)
            kill(house->wards[i].pid, number);
}

/* Returns false where the checker is gone. */
static bool take_request(struct house *house) {
    struct nursery_request request;
    struct iovec part = {&request, sizeof request};
    union pass_control control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    int fd = -1;
    pass_make_room(&message, &control);
    ssize_t got = recvmsg(house->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    pass_take(&message, &fd);
    if (got == (ssize_t)sizeof request && request.type == NURSERY_FORK)
        fork_worker(house, request.id, request.number, fd);
    else if (got == (ssize_t)sizeof request)
        signal_worker(house, request.id, request.number);
    if (fd >= 0)
        close(fd);
    return got > 0;
}

/* -- its life -- */

static void serve(struct house *house) {
    for (;;) {
        struct pollfd link = {
            .fd = house->fd, .events = (short)(house->untold > 0 ? POLLIN | POLLOUT : POLLIN)};
        int ready = ppoll(&link, 1, NULL, &house->waiting);
        reap(house);
        tell_ends(house);
        if (ready > 0 && (link.revents & ~POLLOUT) && !take_request(house))
            return;
    }
}

static bool is_empty(struct house *house) {
    reap(house);
    for (size_t i = 0; i < house->count; i++)
        if (house->wards[i].pid > 0)
            return false;
    return true;
}

/* The checker's end of their sockets is closed as well. */
static void see_off(struct house *house) {
    const struct timespec step = {.tv_nsec = 2 * 1000 * 1000};
    for (int waited_ms = 0; waited_ms < FAREWELL_MS && !is_empty(house); waited_ms += 2)
        nanosleep(&step, NULL);
    for (size_t i = 0; i < house->count; i++)
        if (house->wards[i].pid > 0)
            kill(house->wards[i].pid, SIGKILL);
}

/* The start of the process has the same steps as the responder's. */
static void enter(struct house *house, bool is_sandboxed) {
    log_set_process("nursery");
    process_set_name("bh-nursery");
    process_ignore_signals();
    process_forbid_core();
    process_wipe_environment();
    process_close_from(STDERR_FILENO + 1, &house->fd, 1);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    struct sigaction action = {.sa_handler = on_child};
    sigaction(SIGCHLD, &action, NULL);
    sigprocmask(SIG_BLOCK, &child, &house->waiting);
    if (is_sandboxed)
        sandbox_enter_checker();
    process_forget_start();
}

_Noreturn void nursery_serve(int fd, const struct phase_board *board, int parent_pid, bool is_sandboxed) {
    struct house house = {.fd = fd, .board = board, .pid = getpid()};
    bool has_parent = process_die_with_parent(parent_pid);
    enter(&house, is_sandboxed);
    if (has_parent)
        serve(&house);
    see_off(&house);
    _exit(EXIT_SUCCESS);
}
