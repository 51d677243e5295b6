/* A preloaded library that lets calls of the program fail, be interrupted, or take less than they were given:
 * what, and whose, stands in memory that the test shares (faults.h). */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PARTS_MAX = 8, PACKET_FDS_MAX = 256 };

static struct fault_control nothing;
static struct fault_control *control = &nothing;
static int role = FAULT_CHECKER;
static int forks;
static unsigned chance = 1;
static bool is_packets[PACKET_FDS_MAX]; /* of SOCK_SEQPACKET */

static void in_parent(void) {
    forks++;
}

static void in_child(void) {
    role = role == FAULT_CHECKER && forks == 0 ? FAULT_RESPONDER : FAULT_CHILD;
    chance += (unsigned)getpid();
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("BH_FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *memory = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED)
        abort();
    pthread_atfork(NULL, in_parent, in_child);
    control = memory;
}

/* -- what is to happen -- */

static bool must_fail(enum fault_call call) {
    for (struct fault *fault = control->faults; fault < control->faults + FAULTS_MAX; fault++) {
        if (fault->error == 0 || (int)call != fault->call || !(control->roles & role) ||
            ++fault->count != fault->nth)
            continue;
        fault->hits++;
        errno = fault->error;
        return true;
    }
    return false;
}

/* By chance, and not in turn: a loop of two calls, one of which is always the one, would never end. Seeded
 * the same in every run, but for the process ids of children. */
static unsigned next_chance(void) {
    chance = chance * 1103515245u + 12345u;
    return chance >> 16;
}

/* Of a call that may be interrupted. */
static bool must_stop(enum fault_call call) {
    if (must_fail(call))
        return true;
    if (control->storm == 0 || !(control->roles & role) || next_chance() % (unsigned)control->storm != 0)
        return false;
    control->hits++;
    errno = EINTR;
    return true;
}

static bool has_packets(int fd) {
    return fd >= 0 && fd < PACKET_FDS_MAX && is_packets[fd];
}

static void mark_packets(int fd, bool has) {
    if (fd >= 0 && fd < PACKET_FDS_MAX)
        is_packets[fd] = has;
}

/* All but the log, and but sockets whose packets the kernel passes whole or not at all (unix(7),
 * SOCK_SEQPACKET): to give it less room would lose the rest, which no kernel does. No system call is made to
 * learn more: the sandbox would end the process for it. */
static bool is_cut(int fd) {
    if (control->cut == 0 || !(control->roles & role) || fd == STDERR_FILENO || has_packets(fd))
        return false;
    control->hits++;
    return true;
}

static size_t cut(int fd, size_t size) {
    if (size == 0 || !is_cut(fd))
        return size;
    size_t most = 1 + next_chance() % (unsigned)control->cut;
    return size < most ? size : most;
}

/* The same for a message in parts, a copy of which is cut. */
static const struct msghdr *cut_message(
    int fd, const struct msghdr *message, struct msghdr *copy, struct iovec parts[PARTS_MAX]) {
    size_t size = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++)
        size += message->msg_iov[i].iov_len;
    size_t left = cut(fd, size);
    if (left == size || message->msg_iovlen > PARTS_MAX)
        return message;
    *copy = *message;
    copy->msg_iov = parts;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        parts[i] = message->msg_iov[i];
        if (parts[i].iov_len > left)
            parts[i].iov_len = left;
        left -= parts[i].iov_len;
    }
    return copy;
}

/* -- the calls -- */

#define REAL(name)                                                                                           \
    static __typeof__(name) *real;                                                                           \
    if (!real)                                                                                               \
    real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

int epoll_wait(int fd, struct epoll_event *events, int size, int timeout_ms) {
    REAL(epoll_wait);
    return must_stop(FAULT_EPOLL_WAIT) ? -1 : real(fd, events, size, timeout_ms);
}

int epoll_ctl(int fd, int what, int of, struct epoll_event *event) {
    REAL(epoll_ctl);
    return must_fail(FAULT_EPOLL_CTL) ? -1 : real(fd, what, of, event);
}

int epoll_create1(int flags) {
    REAL(epoll_create1);
    return must_fail(FAULT_EPOLL_CREATE) ? -1 : real(flags);
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    REAL(accept4);
    return must_stop(FAULT_ACCEPT) ? -1 : real(fd, address, length, flags);
}

ssize_t read(int fd, void *data, size_t size) {
    REAL(read);
    return must_stop(FAULT_READ) ? -1 : real(fd, data, cut(fd, size));
}

/* What _FORTIFY_SOURCE makes of them. */
ssize_t __read_chk(int fd, void *data, size_t size, size_t room);
ssize_t __read_chk(int fd, void *data, size_t size, size_t room) {
    return size > room ? (abort(), -1) : read(fd, data, size);
}

ssize_t recv(int fd, void *data, size_t size, int flags) {
    REAL(recv);
    return must_stop(FAULT_RECV) ? -1 : real(fd, data, cut(fd, size), flags);
}

ssize_t __recv_chk(int fd, void *data, size_t size, size_t room, int flags);
ssize_t __recv_chk(int fd, void *data, size_t size, size_t room, int flags) {
    return size > room ? (abort(), -1) : recv(fd, data, size, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    REAL(recvmsg);
    if (must_stop(FAULT_RECVMSG))
        return -1;
    struct iovec *parts = message->msg_iov, first = parts[0];
    size_t count = message->msg_iovlen;
    parts[0].iov_len = cut(fd, parts[0].iov_len);
    message->msg_iovlen = parts[0].iov_len < first.iov_len ? 1 : count;
    ssize_t got = real(fd, message, flags);
    message->msg_iovlen = count;
    parts[0] = first;
    return got;
}

/* One that does not wait is not interrupted, and libevent's handler of signals, in the checker, relies on
 * that. */
static bool can_wait(int fd) {
    return role != FAULT_CHECKER || fd <= STDERR_FILENO;
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    bool fails = control->storm != 0 && can_wait(fd) ? must_stop(FAULT_WRITE) : must_fail(FAULT_WRITE);
    return fails ? -1 : real(fd, data, cut(fd, size));
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    REAL(send);
    return must_stop(FAULT_SEND) ? -1 : real(fd, data, cut(fd, size), flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    REAL(sendmsg);
    struct msghdr copy;
    struct iovec parts[PARTS_MAX];
    return must_stop(FAULT_SENDMSG) ? -1 : real(fd, cut_message(fd, message, &copy, parts), flags);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
    REAL(setsockopt);
    return must_fail(FAULT_SETSOCKOPT) ? -1 : real(fd, level, name, value, size);
}

static int control_file(int (*real)(int, int, ...), int fd, int what, long argument) {
    return must_fail(FAULT_FCNTL) ? -1 : real(fd, what, argument);
}

int fcntl(int fd, int what, ...) {
    REAL(fcntl);
    va_list args;
    va_start(args, what);
    long argument = va_arg(args, long);
    va_end(args);
    return control_file(real, fd, what, argument);
}

int fcntl64(int fd, int what, ...) {
    REAL(fcntl64);
    va_list args;
    va_start(args, what);
    long argument = va_arg(args, long);
    va_end(args);
    return control_file(real, fd, what, argument);
}

int socketpair(int domain, int type, int protocol, int ends[2]) {
    REAL(socketpair);
    int result = real(domain, type, protocol, ends);
    for (int i = 0; result == 0 && i < 2; i++)
        mark_packets(ends[i], (type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) == SOCK_SEQPACKET);
    return result;
}

int close_range(unsigned first, unsigned last, int flags) {
    REAL(close_range);
    for (unsigned fd = first; fd <= last && fd < PACKET_FDS_MAX; fd++)
        is_packets[fd] = false;
    return real(first, last, flags);
}

/* Linux has closed it all the same (close(2)). */
int close(int fd) {
    REAL(close);
    int result = real(fd);
    mark_packets(fd, false);
    return must_fail(FAULT_CLOSE) ? -1 : result;
}

int shutdown(int fd, int how) {
    REAL(shutdown);
    return must_fail(FAULT_SHUTDOWN) ? -1 : real(fd, how);
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms) {
    REAL(poll);
    return must_stop(FAULT_POLL) ? -1 : real(fds, count, timeout_ms);
}

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms, size_t room);
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms, size_t room) {
    return count > room / sizeof *fds ? (abort(), -1) : poll(fds, count, timeout_ms);
}

int getrusage(__rusage_who_t who, struct rusage *usage) {
    REAL(getrusage);
    return must_fail(FAULT_GETRUSAGE) ? -1 : real(who, usage);
}

/* -- memory: by the C library's other names, for dlsym itself allocates -- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size) {
    return must_fail(FAULT_MALLOC) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return must_fail(FAULT_MALLOC) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    return must_fail(FAULT_MALLOC) ? NULL : __libc_realloc(memory, size);
}
