/* The sending end of sd_notify(3)'s protocol, without its library. */
#include "base/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Where systemd reads it, a path is absolute, and '@' stands for the NUL of an abstract name. */
static int set_address(struct notify *notify, const char *name, struct error *err) {
    size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length < 2)
        return error_set(err, "NOTIFY_SOCKET: neither an absolute path nor an abstract name");
    if (length >= sizeof notify->address.sun_path)
        return error_set(err, "NOTIFY_SOCKET: longer than a socket's address may be (%zu characters)",
            sizeof notify->address.sun_path - 1);
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, name, length);
    if (name[0] == '@')
        notify->address.sun_path[0] = '\0';
    notify->address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return 0;
}

/* A number of decimal digits above 0; else -1. */
static int64_t positive(const char *text) {
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return -1;
    errno = 0;
    intmax_t value = strtoimax(text, &end, 10);
    return errno != 0 || *end || value <= 0 ? -1 : (int64_t)value;
}

static int set_watchdog(struct notify *notify, const char *usec, const char *pid, struct error *err) {
    if (!usec)
        return 0;
    int64_t value = positive(usec);
    if (value < 0)
        return error_set(err, "WATCHDOG_USEC: not a number of microseconds");
    if (pid && positive(pid) < 0)
        return error_set(err, "WATCHDOG_PID: not a process's number");
    if (!pid || positive(pid) == (int64_t)getpid())
        notify->watchdog_ms = value < 1000 ? 1 : value / 1000;
    return 0;
}

int notify_open(struct notify *notify, struct error *err) {
    const char *name = getenv("NOTIFY_SOCKET");
    *notify = (struct notify){.fd = -1};
    int result = 0;
    if (name)
        result = set_address(notify, name, err);
    if (name && result == 0) {
        result = set_watchdog(notify, getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), err);
        notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (notify->fd < 0)
            result = error_set(err, "no socket to notify the service manager: %s", strerror(errno));
    }
    if (notify->fd < 0)
        notify->watchdog_ms = 0;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return result;
}

void notify_close(struct notify *notify) {
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}

int notify_send(const struct notify *notify, const char *message) {
    if (notify->fd < 0)
        return 0;
    ssize_t sent;
    do
        sent = sendto(notify->fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
            (const struct sockaddr *)&notify->address, notify->address_length);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

int64_t notify_now_usec(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
