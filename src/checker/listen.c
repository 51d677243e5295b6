/* Binds the listening socket. */
#include "checker/listen.h"

#include "base/io.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Longer than the cap on connections: the kernel keeps who could not be accepted yet. Cut to somaxconn by it.
 */
enum { BACKLOG = 1024 };

struct endpoint {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } u;
    socklen_t length;
    bool is_any6;
};

/* Splits "HOST:PORT" at the last colon, taking brackets off. */
static int split(const char *address, char *host, size_t size, uint16_t *port, struct error *err) {
    const char *colon = strrchr(address, ':');
    char *end;
    unsigned long number = colon ? strtoul(colon + 1, &end, 10) : 0;
    if (!colon || colon[1] == '\0' || *end != '\0' || number > 65535)
        return error_set(err, "listen address \"%s\": no port; write ADDRESS:PORT, e.g. [::]:8000", address);
    size_t length = (size_t)(colon - address);
    const char *start = address;
    if (length >= 2 && start[0] == '[' && start[length - 1] == ']') {
        start++;
        length -= 2;
    }
    if (length >= size)
        return error_set(err, "listen address \"%s\": too long", address);
    memcpy(host, start, length);
    host[length] = '\0';
    *port = (uint16_t)number;
    return 0;
}

static int parse(const char *address, struct endpoint *endpoint, struct error *err) {
    char host[64];
    uint16_t port;
    if (split(address, host, sizeof host, &port, err) < 0)
        return -1;
    if (host[0] == '\0')
        str_copy(host, sizeof host, "::");
    else if (strcmp(host, "localhost") == 0)
        str_copy(host, sizeof host, "127.0.0.1");
    memset(endpoint, 0, sizeof *endpoint);
    if (inet_pton(AF_INET6, host, &endpoint->u.in6.sin6_addr) == 1) {
        endpoint->u.in6.sin6_family = AF_INET6;
        endpoint->u.in6.sin6_port = htons(port);
        endpoint->length = sizeof endpoint->u.in6;
        endpoint->is_any6 = IN6_IS_ADDR_UNSPECIFIED(&endpoint->u.in6.sin6_addr);
    } else if (inet_pton(AF_INET, host, &endpoint->u.in.sin_addr) == 1) {
        endpoint->u.in.sin_family = AF_INET;
        endpoint->u.in.sin_port = htons(port);
        endpoint->length = sizeof endpoint->u.in;
    } else {
        return error_set(err, "listen address \"%s\": not a numeric address; write e.g. [::]:8000", address);
    }
    return 0;
}

static int open_socket(const struct endpoint *endpoint) {
    int fd = socket(endpoint->u.sa.sa_family, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    const int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (endpoint->is_any6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (io_set_nonblocking(fd) < 0 || io_set_cloexec(fd) < 0 ||
        bind(fd, &endpoint->u.sa, endpoint->length) < 0 || listen(fd, BACKLOG) < 0) {
        int cause = errno;
        close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}

static void describe(int fd, char *where, size_t size) {
    struct endpoint endpoint = {.length = sizeof endpoint.u};
    char host[INET6_ADDRSTRLEN] = "?";
    if (getsockname(fd, &endpoint.u.sa, &endpoint.length) < 0)
        endpoint.u.sa.sa_family = AF_UNSPEC;
    if (endpoint.u.sa.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &endpoint.u.in6.sin6_addr, host, sizeof host);
        snprintf(where, size, "[%s]:%u", host, ntohs(endpoint.u.in6.sin6_port));
    } else {
        inet_ntop(AF_INET, &endpoint.u.in.sin_addr, host, sizeof host);
        snprintf(where, size, "%s:%u", host, ntohs(endpoint.u.in.sin_port));
    }
}

int listen_open(const char *address, char *where, size_t size, struct error *err) {
    struct endpoint endpoint;
    if (parse(address, &endpoint, err) < 0)
        return -1;
    int fd = open_socket(&endpoint);
    if (fd < 0 && endpoint.is_any6 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        /* No IPv6 on this system: the unspecified address means "everywhere", so IPv4 it is. */
        uint16_t port = endpoint.u.in6.sin6_port;
        endpoint = (struct endpoint){.length = sizeof endpoint.u.in};
        endpoint.u.in.sin_family = AF_INET;
        endpoint.u.in.sin_port = port;
        fd = open_socket(&endpoint);
    }
    if (fd < 0)
        return error_set(err, "cannot listen on %s: %s%s", address, strerror(errno),
            errno == EADDRINUSE ? " (is another bugsink-health, or Bugsink itself, on that port?)" : "");
    describe(fd, where, size);
    return fd;
}

int listen_local_url(const char *address, char *url, size_t size) {
    struct endpoint endpoint;
    if (parse(address, &endpoint, NULL) < 0)
        return -1;
    char host[INET6_ADDRSTRLEN] = "127.0.0.1";
    bool is_v6 = endpoint.u.sa.sa_family == AF_INET6;
    unsigned port = ntohs(is_v6 ? endpoint.u.in6.sin6_port : endpoint.u.in.sin_port);
    if (is_v6 && !endpoint.is_any6)
        inet_ntop(AF_INET6, &endpoint.u.in6.sin6_addr, host, sizeof host);
    else if (!is_v6 && endpoint.u.in.sin_addr.s_addr != htonl(INADDR_ANY))
        inet_ntop(AF_INET, &endpoint.u.in.sin_addr, host, sizeof host);
    int length =
        snprintf(url, size, is_v6 && !endpoint.is_any6 ? "http://[%s]:%u" : "http://%s:%u", host, port);
    return length > 0 && (size_t)length < size ? 0 : -1;
}
