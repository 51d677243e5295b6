/* Tells the service manager how this service fares, by the plain protocol of sd_notify(3): datagrams of
 * NAME=VALUE lines to the socket that NOTIFY_SOCKET names. Where there is no such variable, nothing is told.
 */
#ifndef BH_BASE_NOTIFY_H
#define BH_BASE_NOTIFY_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { NOTIFY_MESSAGE_SIZE = 512 };

struct notify {
    int fd; /* -1: nobody is to be told */
    struct sockaddr_un address;
    socklen_t address_length;
    int64_t watchdog_ms; /* the manager kills us after so long without WATCHDOG=1; 0: no watchdog */
};

/* Reads NOTIFY_SOCKET (a path, or a name in the abstract namespace behind '@'), WATCHDOG_USEC and
 * WATCHDOG_PID from the environment, and removes all three: child processes are not to speak for this one. A
 * watchdog meant for another process is ignored. Returns -1, with an error, where a variable makes no sense
 * or no socket can be made; *notify is then usable: without a watchdog where only that is wrong, else it
 * tells nobody. */
int notify_open(struct notify *notify, struct error *err);
void notify_close(struct notify *notify);

/* Sends one message, and never blocks. Returns 0, also where nobody is to be told, or -1 with errno: EAGAIN
 * or ENOBUFS where the manager has not read yet what it was told before, and the message may be sent again.
 */
int notify_send(const struct notify *notify, const char *message);

/* The monotonic clock in microseconds: what RELOADING=1 is to be sent with (MONOTONIC_USEC=), and compared by
 * the manager with the moment at which it asked. */
int64_t notify_now_usec(void);

#endif
