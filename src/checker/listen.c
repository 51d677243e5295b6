/* Binds the listening socket. */
#include "checker/listen.h"

#include "base/io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Longer than the cap on connections: the kernel keeps who could not be accepted yet. Cut to somaxconn by it.
 */
enum { BACKLOG = 4096 };

struct endpoint {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } u;
    socklen_t length;
    bool is_any6;
};

static bool is_any(const struct address *address) {
    return strcmp(address->host, "::") == 0 || strcmp(address->host, "0.0.0.0") == 0;
}

static struct endpoint endpoint_of(const struct address *address) {
    struct endpoint endpoint = {.is_any6 = address->is_ipv6 && is_any(address)};
    if (address->is_ipv6) {
        endpoint.u.in6.sin6_family = AF_INET6;
        endpoint.u.in6.sin6_port = htons(address->port);
        inet_pton(AF_INET6, address->host, &endpoint.u.in6.sin6_addr);
        endpoint.length = sizeof endpoint.u.in6;
    } else {
        endpoint.u.in.sin_family = AF_INET;
        endpoint.u.in.sin_port = htons(address->port);
        inet_pton(AF_INET, address->host, &endpoint.u.in.sin_addr);
        endpoint.length = sizeof endpoint.u.in;
    }
    return endpoint;
}

#ifdef TCP_DEFER_ACCEPT

/* Whether the kernel answers a flood with cookies, which net.ipv4.tcp_syncookies (ip-sysctl) turns off by 0.
 * Not known is taken for no. */
static bool has_cookies(void) {
    char value = '0';
    int fd = open("/proc/sys/net/ipv4/tcp_syncookies", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_read = read(fd, &value, 1) == 1;
    close(fd);
    return is_read && value != '0';
}

/* A connection is handed out once its request has come, or after a second without: it is read at once, where
 * it would else be waited for, and the loop wakes once for a probe and not twice (tcp(7)). Linux alone has
 * it. Those that wait for their request take places among the half-open ones: when none is left the kernel
 * goes on with cookies, or else drops the newcomers, and a probe behind 3000 silent clients waits for 2 s.
 */
static void defer_accept(int fd) {
    const int seconds = 1;
    if (has_cookies())
        setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
}

#else

static void defer_accept(int fd) {
    (void)fd;
}

#endif

static int open_socket(const struct endpoint *endpoint) {
    int fd = socket(endpoint->u.sa.sa_family, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    const int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (endpoint->is_any6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    defer_accept(fd);
    if (io_set_nonblocking(fd) < 0 || io_set_cloexec(fd) < 0 ||
        bind(fd, &endpoint->u.sa, endpoint->length) < 0 || listen(fd, BACKLOG) < 0) {
        int cause = errno;
        close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}

/* The address in force, as the system tells it. */
static void describe(int fd, char where[ADDRESS_TEXT_SIZE]) {
    struct endpoint endpoint = {.length = sizeof endpoint.u};
    struct address address = {.host = "?"};
    if (getsockname(fd, &endpoint.u.sa, &endpoint.length) == 0) {
        address.is_ipv6 = endpoint.u.sa.sa_family == AF_INET6;
        address.port = ntohs(address.is_ipv6 ? endpoint.u.in6.sin6_port : endpoint.u.in.sin_port);
        if (address.is_ipv6)
            inet_ntop(AF_INET6, &endpoint.u.in6.sin6_addr, address.host, sizeof address.host);
        else
            inet_ntop(AF_INET, &endpoint.u.in.sin_addr, address.host, sizeof address.host);
    }
    address_format(&address, where);
}

int listen_open(const char *text, char where[ADDRESS_TEXT_SIZE], struct error *err) {
    struct address address;
    if (address_parse(text, &address, err) < 0)
        return -1;
    struct endpoint endpoint = endpoint_of(&address);
    int fd = open_socket(&endpoint);
    if (fd < 0 && endpoint.is_any6 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        /* No IPv6 on this system: the unspecified address means "everywhere", so IPv4 it is. */
        address_set_host(&address, "0.0.0.0");
        endpoint = endpoint_of(&address);
        fd = open_socket(&endpoint);
    }
    if (fd < 0)
        return error_set(err, "cannot listen on %s: %s%s", text, strerror(errno),
            errno == EADDRINUSE ? " (is another bugsink-health, or Bugsink itself, on that port?)" : "");
    describe(fd, where);
    return fd;
}

int listen_local_url(const char *text, char *url, size_t size) {
    struct address address;
    char where[ADDRESS_TEXT_SIZE];
    if (address_parse(text, &address, NULL) < 0)
        return -1;
    if (is_any(&address))
        address_set_host(&address, "127.0.0.1");
    address_format(&address, where);
    int length = snprintf(url, size, "http://%s", where);
    return length > 0 && (size_t)length < size ? 0 : -1;
}
