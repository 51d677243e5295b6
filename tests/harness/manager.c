/* Hears what a service says to its manager. */
#include "harness/manager.h"

#include "harness/wait.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un address_of(const struct manager *manager) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", manager->path);
    return address;
}

void manager_open(struct manager *manager, const char *dir) {
    const int yes = 1;
    *manager = (struct manager){.speaker = -1};
    int length = snprintf(manager->path, sizeof manager->path, "%s/notify", dir);
    ck_assert_int_lt(length, (int)sizeof manager->path);
    struct sockaddr_un address = address_of(manager);
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(manager->fd, 0);
    ck_assert_int_eq(setsockopt(manager->fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes), 0);
    ck_assert_int_eq(bind(manager->fd, (struct sockaddr *)&address, sizeof address), 0);
}

void manager_close(struct manager *manager) {
    close(manager->fd);
    unlink(manager->path);
}

static void note_speaker(struct manager *manager, struct msghdr *message) {
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
        struct ucred credentials;
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_CREDENTIALS)
            continue;
        memcpy(&credentials, CMSG_DATA(head), sizeof credentials);
        manager->speaker = credentials.pid;
    }
}

/* Reads one message, if there is one. */
static bool hear(struct manager *manager) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec part = {manager->last, sizeof manager->last - 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(manager->fd, &message, 0);
    if (got < 0)
        return false;
    manager->last[got] = '\0';
    note_speaker(manager, &message);
    size_t length = strlen(manager->all);
    snprintf(manager->all + length, sizeof manager->all - length, "%s\n", manager->last);
    return true;
}

struct wanted {
    struct manager *manager;
    const char *text;
};

static bool has_heard(void *arg) {
    struct wanted *wanted = arg;
    while (hear(wanted->manager))
        if (strstr(wanted->manager->last, wanted->text))
            return true;
    return false;
}

bool manager_await(struct manager *manager, const char *text, int64_t timeout_ms) {
    struct wanted wanted = {manager, text};
    return wait_until(has_heard, &wanted, timeout_ms);
}

bool manager_hears_within(struct manager *manager, const char *text, int64_t duration_ms) {
    struct wanted wanted = {manager, text};
    return wait_whether(has_heard, &wanted, duration_ms);
}

/* What one sender gets in, until it is told to try later: the queue is full, or its own buffer. */
static int fill_from_one(const struct sockaddr_un *address) {
    int sent = 0, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(fd, 0);
    while (sendto(fd, "FILL=1", 6, 0, (const struct sockaddr *)address, sizeof *address) == 6)
        sent++;
    ck_assert_int_eq(errno, EAGAIN);
    close(fd);
    return sent;
}

void manager_fill(const struct manager *manager) {
    struct sockaddr_un address = address_of(manager);
    ck_assert_int_gt(fill_from_one(&address), 0);
    while (fill_from_one(&address) > 0)
        ;
}

int manager_drain(struct manager *manager) {
    int count = 0;
    while (hear(manager))
        count++;
    return count;
}
