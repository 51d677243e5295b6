/* The checker's side of the nursery. */
#include "run/nursery.h"

#include "base/io.h"
#include "base/pass.h"
#include "run/nursery_wire.h"
#include "run/phase_board.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_PATIENCE_MS = 100, STOP_PATIENCE_MS = 500 };

int nursery_start(struct nursery *nursery, bool is_sandboxed, struct error *err) {
    int ends[2];
    *nursery = (struct nursery){.fd = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
        return error_set(err, "cannot start the nursery: %s", strerror(errno));
    phase_board_open(&nursery->board);
    int parent_pid = getpid();
    io_set_cloexec(ends[0]);
    io_set_cloexec(ends[1]);
    nursery->pid = fork();
    if (nursery->pid == 0)
        nursery_serve(
            ends[1], &nursery->board, parent_pid, is_sandboxed); /* which closes ends[0] with all else */
    int cause = errno;
    close(ends[1]);
    if (nursery->pid < 0) {
        close(ends[0]);
        phase_board_close(&nursery->board);
        return error_set(err, "cannot start the nursery: %s", strerror(cause));
    }
    nursery->fd = ends[0];
    return 0;
}

void nursery_stop(struct nursery *nursery) {
    const struct timespec step = {.tv_nsec = 2 * 1000 * 1000};
    if (nursery->fd < 0)
        return;
    close(nursery->fd);
    nursery->fd = -1;
    phase_board_close(&nursery->board);
    for (int waited_ms = 0; waited_ms < STOP_PATIENCE_MS; waited_ms += 2) {
        if (waitpid(nursery->pid, NULL, WNOHANG) != 0)
            return;
        nanosleep(&step, NULL);
    }
    kill(nursery->pid, SIGKILL);
    waitpid(nursery->pid, NULL, 0);
}

/* The nursery only forks and reaps: one that takes no request for so long is none that works. */
static int send_request(const struct nursery *nursery, struct nursery_request *request, int fd) {
    struct iovec part = {request, sizeof *request};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    union pass_control control;
    if (fd >= 0)
        pass_attach(&message, &control, fd);
    for (;;) {
        if (sendmsg(nursery->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return 0;
        struct pollfd room = {.fd = nursery->fd, .events = POLLOUT};
        if (errno != EINTR && (errno != EAGAIN || poll(&room, 1, REQUEST_PATIENCE_MS) <= 0))
            return -1;
    }
}

uint64_t nursery_fork(struct nursery *nursery, int fd, int page, struct error *err) {
    struct nursery_request request = {.type = NURSERY_FORK, .number = page, .id = nursery->last_id + 1};
    if (send_request(nursery, &request, fd) < 0) {
        error_set(err, "nursery: %s", strerror(errno));
        return 0;
    }
    return ++nursery->last_id;
}

void nursery_signal(struct nursery *nursery, uint64_t id, int number) {
    struct nursery_request request = {.type = NURSERY_SIGNAL, .number = number, .id = id};
    send_request(nursery, &request, -1);
}

int nursery_read(struct nursery *nursery, struct nursery_news *news) {
    ssize_t got;
    if (nursery->fd < 0)
        return -1;
    do
        got = recv(nursery->fd, news, sizeof *news, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    return got == (ssize_t)sizeof *news ? 1 : -1;
}
