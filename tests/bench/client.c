/* Asks an HTTP server again and again, as fast as it answers, and prints how long it took. */
#include "harness/probes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, ANSWER_MAX = 256 * 1024, REQUEST_MAX = 512, COUNT_MAX = 4000000 };

struct visit {
    int fd; /* -1: none */
    int64_t begun_ns;
    size_t length, wanted; /* of the answer; wanted 0: its head is not whole */
    char *answer;
};

struct client {
    struct sockaddr_in address;
    const char *port, *path;
    int64_t count, connections;
    double seconds;
    bool is_kept; /* keep-alive; else each request has a connection of its own, as the kubelet's probes */
    char request[REQUEST_MAX];
    size_t request_length;
    struct visit visits[CONNECTIONS_MAX];
    int epoll_fd;
    int64_t begun, under_way, ok, failed;
    int64_t start_ns, end_ns;
    struct durations took;
};

static _Noreturn void die(const char *what) {
    fprintf(stderr, "bench-client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* -- one request -- */

static void connect_visit(struct client *client, struct visit *visit) {
    const int on = 1;
    visit->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (visit->fd < 0 ||
        connect(visit->fd, (const struct sockaddr *)&client->address, sizeof client->address))
        die("connect");
    setsockopt(visit->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = visit};
    epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, visit->fd, &event);
}

static void begin(struct client *client, struct visit *visit) {
    visit->begun_ns = now_ns();
    visit->length = visit->wanted = 0;
    client->begun++;
    client->under_way++;
    if (visit->fd < 0)
        connect_visit(client, visit); /* to this machine: it does not wait */
    if (send(visit->fd, client->request, client->request_length, MSG_NOSIGNAL) !=
        (ssize_t)client->request_length)
        die("send");
}

static void finish(struct client *client, struct visit *visit, bool is_whole) {
    int64_t took_us = (now_ns() - visit->begun_ns + 500) / 1000;
    bool is_ok = is_whole && strncmp(visit->answer + sizeof "HTTP/1.1", "200", 3) == 0;
    client->ok += is_ok;
    client->failed += !is_ok;
    client->under_way--;
    durations_add(&client->took, took_us);
    if (client->is_kept && is_whole)
        return;
    close(visit->fd);
    visit->fd = -1;
}

/* The length of the answer that begins here, 0 while its head is not whole. Every server here tells it. */
static size_t answer_length(const char *text) {
    static const char FIELD[] = "\r\nContent-Length:";
    const char *end = strstr(text, "\r\n\r\n"), *field = end ? strcasestr(text, FIELD) : NULL;
    return field && field < end ? (size_t)(end + 4 - text) + strtoul(field + sizeof FIELD - 1, NULL, 10) : 0;
}

static void read_answer(struct client *client, struct visit *visit) {
    ssize_t got = recv(visit->fd, visit->answer + visit->length, ANSWER_MAX - 1 - visit->length, 0);
    if (got > 0)
        visit->length += (size_t)got;
    visit->answer[visit->length] = '\0';
    if (visit->wanted == 0)
        visit->wanted = answer_length(visit->answer);
    bool is_whole = visit->wanted > 0 && visit->length >= visit->wanted;
    if (is_whole || got <= 0)
        finish(client, visit, is_whole);
}

/* -- all of them -- */

static bool is_more(const struct client *client) {
    return client->begun < client->count &&
           (client->seconds <= 0 || now_ns() < client->start_ns + (int64_t)(client->seconds * 1e9));
}

static void begin_on_those_free(struct client *client) {
    for (int64_t i = 0; i < client->connections && is_more(client); i++) {
        struct visit *visit = &client->visits[i];
        bool is_free = visit->fd < 0 || (visit->wanted > 0 && visit->length >= visit->wanted);
        if (is_free)
            begin(client, visit);
    }
}

static void wait_and_read(struct client *client) {
    struct epoll_event events[CONNECTIONS_MAX];
    int count = epoll_wait(client->epoll_fd, events, CONNECTIONS_MAX, -1);
    for (int i = 0; i < count; i++)
        read_answer(client, events[i].data.ptr);
}

static void report(struct client *client) {
    double seconds = (double)(client->end_ns - client->start_ns) / 1e9;
    printf("{\"count\": %zu, \"ok\": %" PRId64 ", \"failed\": %" PRId64
           ", \"rate\": %.1f, \"p50_us\": %" PRId64 ", \"p99_us\": %" PRId64 ", \"p999_us\": %" PRId64 "}\n",
        client->took.count, client->ok, client->failed, (double)client->took.count / seconds,
        durations_quantile(&client->took, 5000), durations_quantile(&client->took, 9900),
        durations_quantile(&client->took, 9990));
}

/* -- the command line -- */

static _Noreturn void usage(void) {
    fprintf(stderr,
        "usage: bench-client [-k] [-c CONNECTIONS] [-n COUNT] [-s SECONDS] ADDRESS:PORT PATH\n"
        "GETs PATH until COUNT (1000) requests have been made or SECONDS have passed, CONNECTIONS (1) at a\n"
        "time, as fast as they are answered. -k keeps connections; else each request has its own. Prints "
        "one\n"
        "line of JSON. For probes at a rate there is probe-client.\n");
    exit(2);
}

static int64_t read_number(const char *text, int64_t max) {
    char *end;
    int64_t number = strtoll(text, &end, 10);
    if (*end || number < 1 || number > max)
        usage();
    return number;
}

static void read_options(struct client *client, int argc, char **argv) {
    for (int option; (option = getopt(argc, argv, "kc:n:s:")) != -1;)
        switch (option) {
        case 'k': client->is_kept = true; break;
        case 'c': client->connections = read_number(optarg, CONNECTIONS_MAX); break;
        case 'n': client->count = read_number(optarg, COUNT_MAX); break;
        case 's': client->seconds = strtod(optarg, NULL); break;
        default: usage();
        }
    char *colon = argc - optind == 2 ? strrchr(argv[optind], ':') : NULL;
    if (!colon)
        usage();
    *colon = '\0';
    client->port = colon + 1;
    client->path = argv[optind + 1];
    client->address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)read_number(client->port, 65535))};
    if (inet_pton(AF_INET, argv[optind], &client->address.sin_addr) != 1)
        usage();
}

static void prepare(struct client *client) {
    client->request_length = (size_t)snprintf(client->request, REQUEST_MAX,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nUser-Agent: kube-probe/1.33\r\nAccept: */*\r\n%s\r\n",
        client->path, client->port, client->is_kept ? "" : "Connection: close\r\n");
    client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    client->took.capacity = (size_t)client->count;
    client->took.us = calloc(client->took.capacity, sizeof *client->took.us);
    char *answers = malloc((size_t)CONNECTIONS_MAX * ANSWER_MAX); /* what no answer fills costs nothing */
    if (client->epoll_fd < 0 || !client->took.us || !answers || client->request_length >= REQUEST_MAX)
        die("start");
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        client->visits[i] = (struct visit){.fd = -1, .answer = answers + i * ANSWER_MAX};
}

int main(int argc, char **argv) {
    static struct client client = {.count = 1000, .connections = 1};
    read_options(&client, argc, argv);
    prepare(&client);
    client.start_ns = now_ns();
    while (is_more(&client) || client.under_way > 0) {
        begin_on_those_free(&client);
        wait_and_read(&client);
    }
    client.end_ns = now_ns();
    report(&client);
    return client.failed > 0;
}
