/* Holds many silent connections. */
#include "harness/crowd.h"

#include "harness/fork.h"

#include "base/process.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OWN_DESCRIPTORS = 64 /* that a process of the tests has besides, at most */ };

/* As many descriptors as we may have: root may raise the hard limit too. Returns whether that is enough. */
static bool raise_descriptor_limit(int wanted) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t needed = (rlim_t)wanted + OWN_DESCRIPTORS;
    const struct rlimit higher = {needed, needed};
    if (limit.rlim_max < needed && setrlimit(RLIMIT_NOFILE, &higher) == 0)
        return true;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max >= needed;
}

bool crowd_is_allowed(int count) {
    pid_t pid = test_fork(); /* the limit of this process stays as it is */
    if (pid == 0)
        _exit(raise_descriptor_limit(count) ? 0 : 1);
    int status = -1;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status == 0;
}

static bool connect_one(int port, const char *greeting) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    /* Where the server's queue is full, the kernel tries again after a second (measured: a dropped SYN). */
    const struct timeval patience = {.tv_sec = 3};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return false;
    }
    /* Sent or not: a server may have closed already. */
    ssize_t sent = send(fd, greeting, strlen(greeting), MSG_NOSIGNAL);
    (void)sent;
    return true;
}

static void hold(int control_fd, int port, int count, const char *greeting) {
    raise_descriptor_limit(count);
    int made = 0, failed = 0;
    for (int i = 0; i < count && failed < 3; i++)
        if (connect_one(port, greeting))
            made++;
        else
            failed++;
    char byte;
    if (write(control_fd, &made, sizeof made) == (ssize_t)sizeof made && read(control_fd, &byte, 1) <= 0)
        _exit(0);
    _exit(1);
}

void crowd_open(struct crowd *crowd, int port, int count, const char *greeting) {
    int ends[2];
    pid_t parent = getpid();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    crowd->pid = test_fork();
    if (crowd->pid == 0) {
        close(ends[0]);
        if (process_die_with_parent(parent))
            hold(ends[1], port, count, greeting);
        _exit(1);
    }
    close(ends[1]);
    crowd->control_fd = ends[0];
    ck_assert_int_eq(read(crowd->control_fd, &crowd->count, sizeof crowd->count), sizeof crowd->count);
}

void crowd_close(struct crowd *crowd) {
    close(crowd->control_fd);
    waitpid(crowd->pid, NULL, 0);
}
