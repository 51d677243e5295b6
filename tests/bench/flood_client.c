/* Floods an HTTP server: thousands of clients, each of which pipelines requests, reads what it gets, and
 * comes back on a new connection, until the time is up. Prints what became of them. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 512, READ_SIZE = 64 * 1024, SOURCES = 16 /* addresses that the clients come from */ };

struct visitor {
    int fd; /* -1: to be connected anew */
    bool is_connected;
    size_t index;
};

struct flood {
    struct sockaddr_in address;
    const char *port, *path;
    long clients, pipelined, seconds;
    char *requests;
    size_t requests_length;
    struct visitor *visitors;
    int epoll_fd;
    int64_t end_ms;
    int64_t begun, connected, bytes, closed, reset;
};

static _Noreturn void die(const char *what) {
    fprintf(stderr, "flood-client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Of a source address of their own the ports do not run out; a reset leaves none in TIME_WAIT. */
static int open_socket(size_t index) {
    const struct linger reset = {.l_onoff = 1};
    const int yes = 1;
    struct sockaddr_in source = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(index % SOURCES))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    if (bind(fd, (const struct sockaddr *)&source, sizeof source) < 0)
        die("bind");
    return fd;
}

static void come(struct flood *flood, struct visitor *visitor) {
    visitor->fd = open_socket(visitor->index);
    visitor->is_connected = false;
    flood->begun++;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = visitor};
    if (epoll_ctl(flood->epoll_fd, EPOLL_CTL_ADD, visitor->fd, &event) < 0)
        die("epoll_ctl");
    if (connect(visitor->fd, (const struct sockaddr *)&flood->address, sizeof flood->address) < 0 &&
        errno != EINPROGRESS)
        die("connect");
}

static void come_back(struct flood *flood, struct visitor *visitor) {
    close(visitor->fd);
    come(flood, visitor);
}

static void ask(struct flood *flood, struct visitor *visitor) {
    visitor->is_connected = true;
    flood->connected++;
    /* What the server does not take, or has closed before, is no matter. */
    ssize_t sent = send(visitor->fd, flood->requests, flood->requests_length, MSG_NOSIGNAL);
    (void)sent;
}

/* Reads all there is. Returns false at the end. */
static bool hear(struct flood *flood, const struct visitor *visitor) {
    static char bytes[READ_SIZE];
    ssize_t got;
    while ((got = recv(visitor->fd, bytes, sizeof bytes, 0)) > 0)
        flood->bytes += got;
    if (got < 0 && errno == EAGAIN)
        return true;
    flood->closed += got == 0;
    flood->reset += got < 0;
    return false;
}

static void serve(struct flood *flood, struct visitor *visitor, uint32_t events) {
    if (!visitor->is_connected && (events & EPOLLOUT) && !(events & (EPOLLERR | EPOLLHUP)))
        ask(flood, visitor);
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) && !hear(flood, visitor))
        come_back(flood, visitor);
}

static void run(struct flood *flood) {
    struct epoll_event events[EVENTS];
    for (int64_t left_ms; (left_ms = flood->end_ms - now_ms()) > 0;) {
        int count = epoll_wait(flood->epoll_fd, events, EVENTS, (int)left_ms);
        for (int i = 0; i < count; i++)
            serve(flood, events[i].data.ptr, events[i].events);
    }
}

/* -- what is asked -- */

static _Noreturn void usage(void) {
    fprintf(stderr,
        "usage: flood-client [-c CLIENTS] [-p PIPELINED] [-d SECONDS] ADDRESS:PORT PATH\n"
        "CLIENTS (10000) that send PIPELINED (8) requests at once and come back for SECONDS (10).\n");
    exit(2);
}

static long read_number(const char *text) {
    char *end;
    long number = strtol(text, &end, 10);
    if (*end || number < 1 || number > 1000000)
        usage();
    return number;
}

/* The last one ends the connection. */
static void write_requests(struct flood *flood) {
    enum { SIZE = 512 };
    flood->requests = malloc((size_t)flood->pipelined * SIZE);
    if (!flood->requests)
        die("memory");
    for (long i = 1; i <= flood->pipelined; i++)
        flood->requests_length += (size_t)snprintf(flood->requests + flood->requests_length, SIZE,
            "GET %.200s HTTP/1.1\r\nHost: flood\r\n%s\r\n", flood->path,
            i == flood->pipelined ? "Connection: close\r\n" : "");
}

static void read_arguments(struct flood *flood, int argc, char **argv) {
    for (int option; (option = getopt(argc, argv, "c:p:d:")) != -1;)
        if (option == 'c')
            flood->clients = read_number(optarg);
        else if (option == 'p')
            flood->pipelined = read_number(optarg);
        else if (option == 'd')
            flood->seconds = read_number(optarg);
        else
            usage();
    char *colon = optind + 2 == argc ? strrchr(argv[optind], ':') : NULL;
    if (!colon)
        usage();
    *colon = '\0';
    flood->path = argv[optind + 1];
    flood->address.sin_family = AF_INET;
    flood->address.sin_port = htons((uint16_t)read_number(colon + 1));
    if (inet_pton(AF_INET, argv[optind], &flood->address.sin_addr) != 1)
        usage();
}

int main(int argc, char **argv) {
    static struct flood flood = {.clients = 10000, .pipelined = 8, .seconds = 10};
    read_arguments(&flood, argc, argv);
    write_requests(&flood);
    flood.visitors = calloc((size_t)flood.clients, sizeof *flood.visitors);
    flood.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!flood.visitors || flood.epoll_fd < 0)
        die("memory");
    flood.end_ms = now_ms() + flood.seconds * 1000;
    for (long i = 0; i < flood.clients; i++) {
        flood.visitors[i].index = (size_t)i;
        come(&flood, &flood.visitors[i]);
    }
    run(&flood);
    printf("begun=%" PRId64 " connected=%" PRId64 " closed=%" PRId64 " reset=%" PRId64 " bytes=%" PRId64 "\n",
        flood.begun, flood.connected, flood.closed, flood.reset, flood.bytes);
    return 0;
}
