/* One GET over plain HTTP, blocking, with a deadline. */
#include "cmd/http_get.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/str.h"
#include "kinds/http/reply.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 4 * 1024 * 1024 };

struct target {
    char authority[256]; /* as written, for the Host header */
    char host[256];
    char port[8];
    const char *path;
};

static int parse_url(const char *url, struct target *target, struct error *err) {
    static const char SCHEME[] = "http://";
    if (strncmp(url, SCHEME, sizeof SCHEME - 1) != 0)
        return error_set(err, "write http://HOST:PORT/PATH");
    const char *start = url + sizeof SCHEME - 1;
    size_t length = strcspn(start, "/?#");
    if (memchr(start, '@', length))
        return error_set(err, "the URL holds a user or password; the sidecar knows none");
    if (length == 0 || length >= sizeof target->authority)
        return error_set(err, "the URL has no host, or one too long");
    memcpy(target->authority, start, length);
    target->authority[length] = '\0';
    target->path = start[length] ? start + length : "/";
    if (*target->path != '/')
        return error_set(err, "the URL has no path: write http://HOST:PORT/PATH");
    for (const char *c = start; *c; c++) /* of the host as well: it goes into the request's head */
        if ((unsigned char)*c <= 0x20 || *c == 0x7f)
            return error_set(err, "the URL has a space or control character");

    str_copy(target->host, sizeof target->host, target->authority);
    str_copy(target->port, sizeof target->port, "80");
    char *colon = strrchr(target->host, ':');
    if (colon && !strchr(colon, ']')) {
        if (!str_copy(target->port, sizeof target->port, colon + 1))
            return error_set(err, "the URL's port is too long");
        *colon = '\0';
    }
    size_t host_length = strlen(target->host);
    if (target->host[0] == '[' && host_length > 2 && target->host[host_length - 1] == ']') {
        target->host[host_length - 1] = '\0';
        memmove(target->host, target->host + 1, host_length - 1);
    }
    return 0;
}

/* Waits until fd is ready or the deadline has come. Returns -1 with errno. */
static int wait_for(int fd, short events, int64_t deadline_ms) {
    for (;;) {
        int64_t left_ms = deadline_ms - clock_now_ms(clock_system());
        struct pollfd pollfd = {.fd = fd, .events = events};
        int count = poll(&pollfd, 1, left_ms > 0 ? (int)left_ms : 0);
        if (count > 0)
            return 0;
        if (count < 0 && errno == EINTR)
            continue;
        if (count == 0)
            errno = ETIMEDOUT;
        return -1;
    }
}

static int connect_one(const struct addrinfo *address, int64_t deadline_ms) {
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int cause = 0;
    socklen_t size = sizeof cause;
    if (io_set_nonblocking(fd) == 0 &&
        (connect(fd, address->ai_addr, address->ai_addrlen) == 0 ||
            (errno == EINPROGRESS && wait_for(fd, POLLOUT, deadline_ms) == 0)) &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &cause, &size) == 0 && cause == 0)
        return fd;
    cause = cause ? cause : errno;
    close(fd);
    errno = cause;
    return -1;
}

static int connect_to(const struct target *target, int64_t deadline_ms, struct error *err) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *addresses;
    int result = getaddrinfo(target->host, target->port, &hints, &addresses);
    if (result != 0)
        return error_set(err, "%s: %s", target->authority, gai_strerror(result));
    int fd = -1;
    for (const struct addrinfo *address = addresses; address && fd < 0; address = address->ai_next)
        fd = connect_one(address, deadline_ms);
    int cause = errno;
    freeaddrinfo(addresses);
    return fd < 0 ? error_set(err, "no answer from %s: %s", target->authority, strerror(cause)) : fd;
}

static int send_all(int fd, const char *data, size_t length, int64_t deadline_ms) {
    while (length > 0) {
        ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (wait_for(fd, POLLOUT, deadline_ms) < 0)
                return -1;
            continue;
        }
        if (sent < 0)
            return -1;
        data += sent;
        length -= (size_t)sent;
    }
    return 0;
}

/* Reads until the reply is complete, or nothing more of it will come. */
static int receive(int fd, struct http_reply *reply, int64_t deadline_ms) {
    char piece[8192];
    while (reply->state == HTTP_REPLY_MORE) {
        ssize_t got = recv(fd, piece, sizeof piece, 0);
        if (got > 0)
            http_reply_feed(reply, piece, (size_t)got);
        else if (got == 0)
            http_reply_end(reply);
        else if (errno != EAGAIN && errno != EINTR)
            return -1;
        else if (wait_for(fd, POLLIN, deadline_ms) < 0)
            return -1;
    }
    return 0;
}

static int refuse(const struct http_reply *reply, struct error *err) {
    switch (reply->state) {
    case HTTP_REPLY_MORE:
    case HTTP_REPLY_WHOLE: break;
    case HTTP_REPLY_CUT:
        return error_set(err, "the answer was cut after %zu bytes of its body", reply->body.length);
    case HTTP_REPLY_TOO_LARGE: return error_set(err, "the answer is larger than %d bytes", ANSWER_MAX);
    case HTTP_REPLY_INVALID: return error_set(err, "the answer is not HTTP");
    case HTTP_REPLY_NO_MEMORY: return error_set(err, "out of memory");
    }
    return 0;
}

/* Takes the body out of the reply. */
static void take_answer(struct http_reply *reply, struct http_answer *answer) {
    char *body = reply->body.data ? reply->body.data : str_dup("");
    *answer = (struct http_answer){reply->status, body, reply->body.length};
    reply->body = (struct strbuf){0};
}

static int exchange(
    int fd, const struct target *target, int64_t deadline_ms, struct http_reply *reply, struct error *err) {
    struct strbuf request = {0};
    /* The target is set, for error_set always returns -1. NOLINTNEXTLINE(clang-analyzer-core.*) */
    strbuf_format(&request,
        "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bugsink-health/%s\r\nAccept: */*\r\nConnection: "
        "close\r\n\r\n",
        target->path, target->authority, BH_VERSION);
    int result = 0;
    if (request.is_broken)
        result = error_set(err, "out of memory");
    else if (send_all(fd, request.data, request.length, deadline_ms) < 0 ||
             receive(fd, reply, deadline_ms) < 0)
        result = error_set(err, "no whole answer from %s: %s", target->authority, strerror(errno));
    strbuf_release(&request);
    return result < 0 ? -1 : refuse(reply, err);
}

int http_get(const char *url, int64_t timeout_ms, struct http_answer *answer, struct error *err) {
    struct target target;
    struct http_reply reply;
    if (parse_url(url, &target, err) < 0)
        return -1;
    int64_t deadline_ms = clock_now_ms(clock_system()) + timeout_ms;
    int fd = connect_to(&target, deadline_ms, err);
    if (fd < 0)
        return -1;
    http_reply_init(&reply, ANSWER_MAX);
    int result = exchange(fd, &target, deadline_ms, &reply, err);
    if (result == 0)
        take_answer(&reply, answer);
    http_reply_release(&reply);
    close(fd);
    return result;
}
