/* The least that a server on libevent can do: accepts, reads once, writes a fixed answer, closes. */
#include <event2/event.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 4096, BACKLOG = 1024 };

/* As Bugsink answers its health endpoint and the two questions that need its database, so that this can stand
 * in for it, too. */
static const struct answer {
    const char *begins, *text;
} ANSWERS[] = {
    {"GET /api/canonical/",
        "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 34\r\n"
        "Connection: close\r\n\r\n{\"detail\":\"Invalid Bearer token.\"}"},
    {"POST ", "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 35\r\n"
              "Connection: close\r\n\r\nProject not found or key incorrect\n"},
    {"", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
         "Connection: close\r\n\r\nOK\n"},
};

struct visit {
    struct event *event;
    int fd;
};

static const char *find_answer(const char *request) {
    const struct answer *answer = ANSWERS;
    while (strncmp(request, answer->begins, strlen(answer->begins)) != 0)
        answer++;
    return answer->text;
}

static void on_request(evutil_socket_t fd, short what, void *arg) {
    struct visit *visit = arg;
    char request[REQUEST_MAX];
    (void)what;
    ssize_t got = read(fd, request, sizeof request - 1);
    request[got > 0 ? got : 0] = '\0';
    const char *answer = find_answer(request);
    if (got > 0 && send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
        fprintf(stderr, "raw-server: an answer was lost\n");
    event_free(visit->event);
    close(fd);
    free(visit);
}

static void on_connection(evutil_socket_t listener, short what, void *arg) {
    (void)what;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct visit *visit = fd >= 0 ? calloc(1, sizeof *visit) : NULL;
    if (!visit) {
        if (fd >= 0)
            close(fd);
        return;
    }
    visit->fd = fd;
    visit->event = event_new(arg, fd, EV_READ, on_request, visit);
    event_add(visit->event, NULL);
}

static int listen_at(const char *port) {
    const struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
        listen(fd, BACKLOG) < 0) {
        perror("raw-server");
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: raw-server PORT\n");
        return 2;
    }
    struct event_base *base = event_base_new();
    struct event *event = event_new(base, listen_at(argv[1]), EV_READ | EV_PERSIST, on_connection, base);
    event_add(event, NULL);
    return event_base_dispatch(base) < 0;
}
