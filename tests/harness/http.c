/* A small HTTP client for tests. */
#include "harness/http.h"

#include "base/io.h"
#include "base/str.h"
#include "harness/wait.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EXCHANGE_MS = 10000, CONNECT_MS = 3000 };

static bool wait_for(int fd, short events, const struct deadline *deadline) {
    enum { LOOK_MS = 20 };
    struct pollfd poll_fd = {.fd = fd, .events = events};
    for (;;) {
        bool is_last = deadline_is_over(deadline);
        int ready = poll(&poll_fd, 1, is_last ? 0 : LOOK_MS);
        if (ready > 0 || (ready < 0 && errno != EINTR) || is_last)
            return ready > 0;
    }
}

static bool open_to(struct http_client *client, const struct sockaddr *address, socklen_t size) {
    client->length = 0;
    client->was_reset = client->has_ended = false;
    client->watch = stopwatch_start();
    struct deadline deadline = deadline_in(CONNECT_MS);
    client->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (client->fd < 0)
        return false;
    int failure = connect(client->fd, address, size) < 0 ? errno : 0;
    socklen_t length = sizeof failure;
    if (failure == EINPROGRESS && wait_for(client->fd, POLLOUT, &deadline))
        getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &failure, &length);
    if (failure != 0)
        http_close(client);
    return failure == 0;
}

bool http_open(struct http_client *client, int port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return open_to(client, (const struct sockaddr *)&address, sizeof address);
}

bool http_open_v6(struct http_client *client, int port) {
    struct sockaddr_in6 address = {
        .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    return open_to(client, (const struct sockaddr *)&address, sizeof address);
}

void http_close(struct http_client *client) {
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

void http_send(struct http_client *client, const void *bytes, size_t length) {
    const char *at = bytes;
    struct deadline deadline = deadline_in(EXCHANGE_MS);
    while (length > 0) {
        ssize_t sent = send(client->fd, at, length, MSG_NOSIGNAL);
        if (sent < 0 && (errno != EAGAIN || !wait_for(client->fd, POLLOUT, &deadline)))
            return;
        at += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
    }
}

void http_send_text(struct http_client *client, const char *text) {
    http_send(client, text, strlen(text));
}

/* Reads what there is. Returns false at the end of the connection, or of the time. */
static bool read_more(struct http_client *client, const struct deadline *deadline) {
    if (client->has_ended || client->length == sizeof client->buffer ||
        !wait_for(client->fd, POLLIN, deadline))
        return false;
    ssize_t got =
        recv(client->fd, client->buffer + client->length, sizeof client->buffer - client->length, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    client->has_ended = got <= 0;
    client->was_reset = got < 0;
    client->length += got > 0 ? (size_t)got : 0;
    return got > 0;
}

static size_t head_length(const struct http_client *client) {
    const char *end = memmem(client->buffer, client->length, "\r\n\r\n", 4);
    return end ? (size_t)(end - client->buffer) + 4 : 0;
}

static size_t content_length(const struct http_response *response) {
    char value[32];
    return http_header(response, "Content-Length", value, sizeof value) ? strtoul(value, NULL, 10) : 0;
}

static void take_body(
    struct http_client *client, struct http_response *response, size_t head, size_t wanted) {
    size_t there = client->length - head;
    response->body_length = there < wanted ? there : wanted;
    response->is_whole = response->body_length == wanted;
    if (response->body_length >= sizeof response->body)
        response->body_length = sizeof response->body - 1;
    memcpy(response->body, client->buffer + head, response->body_length);
    response->body[response->body_length] = '\0';
    size_t used = head + (there < wanted ? there : wanted);
    memmove(client->buffer, client->buffer + used, client->length - used);
    client->length -= used;
}

bool http_read(struct http_client *client, struct http_response *response, bool is_head, int64_t timeout_ms) {
    struct deadline deadline = deadline_in(timeout_ms);
    memset(response, 0, sizeof *response);
    size_t head;
    while ((head = head_length(client)) == 0 && read_more(client, &deadline))
        continue;
    response->was_reset = client->was_reset;
    response->has_ended = client->has_ended;
    if (head == 0 || head >= sizeof response->head)
        return false;
    memcpy(response->head, client->buffer, head);
    if (sscanf(response->head, "HTTP/1.1 %3d ", &response->status) != 1)
        return false;
    size_t wanted = is_head ? 0 : content_length(response);
    while (client->length < head + wanted && read_more(client, &deadline))
        continue;
    take_body(client, response, head, wanted);
    response->took_ms = stopwatch_ms(&client->watch);
    response->free_ms = stopwatch_free_ms(&client->watch);
    response->was_reset = client->was_reset;
    response->has_ended = client->has_ended;
    return response->is_whole;
}

bool http_read_end(struct http_client *client, struct http_response *response, int64_t timeout_ms) {
    struct deadline deadline = deadline_in(timeout_ms);
    while (read_more(client, &deadline))
        continue;
    response->extra_bytes = client->length;
    response->was_reset = client->was_reset;
    response->has_ended = client->has_ended;
    return client->has_ended;
}

void http_exchange(int port, const void *request, size_t length, struct http_response *response) {
    struct http_client client;
    memset(response, 0, sizeof *response);
    if (!http_open(&client, port))
        return;
    http_send(&client, request, length);
    bool is_head = length > 5 && memcmp(request, "HEAD ", 5) == 0;
    if (http_read(&client, response, is_head, EXCHANGE_MS))
        http_read_end(&client, response, EXCHANGE_MS);
    http_close(&client);
}

int http_request(
    int port, const char *method, const char *path, const char *headers, struct http_response *response) {
    char request[8192];
    /* In this order: net/http of Go, which the kubelet uses, writes Host and User-Agent first. */
    int length = snprintf(request, sizeof request,
        "%s %s HTTP/1.1\r\nHost: 10.244.1.17:%d\r\nUser-Agent: kube-probe/1.33\r\n%sConnection: "
        "close\r\n\r\n",
        method, path, port, headers);
    ck_assert_int_lt(length, (int)sizeof request);
    http_exchange(port, request, (size_t)length, response);
    return response->status;
}

int http_probe(int port, const char *path, struct http_response *response) {
    return http_request(port, "GET", path, "Accept: */*\r\n", response);
}

bool http_header(const struct http_response *response, const char *name, char *value, size_t size) {
    size_t length = strlen(name);
    int count = 0;
    for (const char *line = strstr(response->head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        const char *start = line + length + 1 + strspn(line + length + 1, " \t");
        size_t value_length = strcspn(start, "\r");
        snprintf(value, size, "%.*s", (int)value_length, start);
        count++;
    }
    return count == 1;
}

json_t *http_json(const struct http_response *response) {
    json_error_t failure;
    json_t *json = json_loadb(response->body, response->body_length, JSON_REJECT_DUPLICATES, &failure);
    ck_assert_msg(json, "no JSON (%s), status %d: %s", failure.text, response->status, response->body);
    return json;
}
