/* A client for the tests of the server. */
#include "responder/client.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 60 };

static struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){.sin_family = AF_INET,
        .sin_port = htons((unsigned short)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int client_listen(int *port) {
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 1024), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

int client_connect(int port) {
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void client_send_n(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        ck_assert_msg(sent > 0, "send: %s", strerror(errno));
        bytes += sent;
        length -= (size_t)sent;
    }
}

void client_send(int fd, const char *text) {
    client_send_n(fd, text, strlen(text));
}

/* Reads exactly length bytes. Returns false if the connection ends before the first. */
static bool receive_n(int fd, char *bytes, size_t length) {
    for (size_t have = 0; have < length;) {
        ssize_t got = recv(fd, bytes + have, length - have, 0);
        ck_assert_msg(got >= 0 || errno == ECONNRESET, "recv: %s", strerror(errno));
        if (got <= 0) {
            ck_assert_msg(have == 0, "the answer was cut");
            return false;
        }
        have += (size_t)got;
    }
    return true;
}

struct reply client_receive(int fd, bool has_body) {
    struct reply reply = {0};
    size_t length = 0;
    while (length < 4 || memcmp(reply.head + length - 4, "\r\n\r\n", 4) != 0) {
        ck_assert_uint_lt(length, sizeof reply.head - 1);
        if (!receive_n(fd, reply.head + length, 1)) {
            ck_assert_uint_eq(length, 0);
            return reply;
        }
        length++;
    }
    ck_assert_int_eq(strncmp(reply.head, "HTTP/1.1 ", 9), 0);
    reply.status = (int)strtol(reply.head + 9, NULL, 10);
    const char *field = strstr(reply.head, "\r\nContent-Length: ");
    ck_assert_ptr_nonnull(field);
    reply.body_length = has_body ? strtoul(field + 18, NULL, 10) : 0;
    reply.body = calloc(1, reply.body_length + 1);
    ck_assert_ptr_nonnull(reply.body);
    ck_assert(receive_n(fd, reply.body, reply.body_length));
    return reply;
}

void reply_release(struct reply *reply) {
    free(reply->body);
    reply->body = NULL;
}

bool reply_has(const struct reply *reply, const char *line) {
    char text[256];
    snprintf(text, sizeof text, "\r\n%s\r\n", line);
    return strstr(reply->head, text) != NULL;
}

enum client_end client_await_end(int fd, size_t *length) {
    char bytes[65536];
    for (;;) {
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got == 0)
            return CLIENT_EOF;
        if (got < 0)
            return errno == ECONNRESET ? CLIENT_RESET : CLIENT_STILL_OPEN;
        if (length)
            *length += (size_t)got;
    }
}

int client_probe(int port, const char *path) {
    char request[512];
    snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 10.1.2.3:%d\r\nUser-Agent: kube-probe/1.29\r\nAccept: */*\r\nConnection: "
        "close\r\n\r\n",
        path, port);
    int fd = client_connect(port);
    client_send(fd, request);
    struct reply reply = client_receive(fd, true);
    size_t more = 0;
    ck_assert_int_eq(client_await_end(fd, &more), CLIENT_EOF);
    ck_assert_uint_eq(more, 0);
    ck_assert(reply.status == 0 || reply_has(&reply, "Connection: close"));
    reply_release(&reply);
    close(fd);
    return reply.status;
}

void client_expect(int fd, int status) {
    struct reply reply = client_receive(fd, true);
    ck_assert_int_eq(reply.status, status);
    reply_release(&reply);
}
