/* The hostile clients: a number of connections for each, and one step on each of them in every turn. */
#include "e2e/hostile.h"

#include "base/process.h"
#include "harness/dice.h"
#include "harness/fork.h"
#include "harness/wait.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 400, BURST_EVERY_MS = 8000, BURST_MS = 700 };

struct client {
    int fd; /* -1: none */
    int steps;
};

struct attacker {
    const struct attack *attack;
    struct sockaddr_in address;
    struct hostile_counts *counts;
    const char *const *secrets;
    struct dice dice;
    struct client clients[CLIENTS_MAX];
};

struct attack {
    const char *name;
    int clients;
    int pause_ms;                                                   /* between two turns */
    bool (*step)(struct attacker *attacker, struct client *client); /* false: the connection is to end */
    bool (*ends_in_reset)(struct attacker *attacker);
};

static const char *const PATHS[] = {"/health/live/", "/health/ready/", "/health/", "/health/self/",
    "/health/started/", "/health/ready/default/", "/metrics", "/no/such/page"};
static const char *const ACCEPTS[] = {
    "*/*", "text/html", "application/health+json", "application/openmetrics-text;version=1.0.0"};
enum { PATH_COUNT = sizeof PATHS / sizeof PATHS[0], ACCEPT_COUNT = sizeof ACCEPTS / sizeof ACCEPTS[0] };

/* -- what they send and read -- */

/* Returns false when the connection is gone; a full socket is none of our concern. */
static bool send_bytes(const struct client *client, const void *bytes, size_t length) {
    return send(client->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || errno == EAGAIN;
}

static bool send_request(struct attacker *attacker, const struct client *client) {
    char request[256];
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: flood\r\nAccept: %s\r\n\r\n",
        PATHS[dice_roll(&attacker->dice, PATH_COUNT)], ACCEPTS[dice_roll(&attacker->dice, ACCEPT_COUNT)]);
    return send_bytes(client, request, (size_t)length);
}

static void look_for_secrets(struct attacker *attacker, const char *bytes, size_t length) {
    for (size_t i = 0; attacker->secrets[i]; i++)
        if (memmem(bytes, length, attacker->secrets[i], strlen(attacker->secrets[i])))
            attacker->counts->leaks++;
}

/* All that has come. Returns false at the end of the connection. */
static bool read_all(struct attacker *attacker, const struct client *client) {
    static const char START[] = "HTTP/1.1 ";
    static char bytes[65536];
    for (;;) {
        ssize_t got = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got <= 0)
            return got < 0 && errno == EAGAIN;
        const char *at = bytes, *end = bytes + got;
        while ((at = memmem(at, (size_t)(end - at), START, sizeof START - 1)) != NULL) {
            attacker->counts->answers++;
            at++;
        }
        look_for_secrets(attacker, bytes, (size_t)got);
    }
}

/* -- one step of each kind -- */

static bool flood(struct attacker *attacker, struct client *client) {
    enum { PIPELINED = 4 };
    if (!read_all(attacker, client))
        return false;
    for (int i = 0; i < PIPELINED; i++)
        if (!send_request(attacker, client))
            return false;
    return true;
}

static bool drip(struct attacker *attacker, struct client *client) {
    static const char START[] = "GET /health/ready/ HTTP/1.1\r\nHost: drip\r\nX-Drip: ";
    bool is_head = client->steps < (int)sizeof START - 1;
    return read_all(attacker, client) && send_bytes(client, is_head ? START + client->steps : "x", 1);
}

/* It asks on for as long as its requests are taken. */
static bool sip(struct attacker *attacker, struct client *client) {
    enum { REQUESTS = 20, SMALLEST = 2048 };
    const int size = SMALLEST;
    char byte;
    if (client->steps == 0)
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    for (int i = 0; i < REQUESTS; i++)
        if (!send_request(attacker, client))
            return false;
    return recv(client->fd, &byte, 1, MSG_DONTWAIT) > 0 || errno == EAGAIN;
}

static bool send_garbage(struct attacker *attacker, struct client *client) {
    static const char *const STARTS[] = {"", "\x16\x03\x01\x02", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /",
        "GET /health/ready/ HTTP/1.1\r\nHost: h\r\n",
        "POST /health/ HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n",
        "GET /health/live/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        "\r\n\r\n\r\n"};
    static char bytes[12000];
    if (client->steps > 0)
        return read_all(attacker, client) && client->steps < 20;
    const char *start = STARTS[dice_roll(&attacker->dice, sizeof STARTS / sizeof STARTS[0])];
    size_t length = strlen(start), wanted = length + (size_t)dice_roll(&attacker->dice, 11000);
    memcpy(bytes, start, length);
    int one_byte = dice_roll(&attacker->dice, 3) == 0 ? 'a' : 0; /* or any */
    while (length < wanted)
        bytes[length++] = (char)(one_byte ? one_byte : dice_roll(&attacker->dice, 256));
    return send_bytes(client, bytes, length);
}

static bool reset(struct attacker *attacker, struct client *client) {
    static const char HALF[] = "GET /health/re";
    switch (dice_roll(&attacker->dice, 3)) {
    case 0: break;
    case 1: send_bytes(client, HALF, sizeof HALF - 1); break;
    default: send_request(attacker, client); break;
    }
    return false;
}

static bool stay(struct attacker *attacker, struct client *client) {
    static const char HALF[] = "GET /health/ready/ HTTP/1.1\r\nHost: half";
    if (client->steps == 0 && dice_roll(&attacker->dice, 2) == 0) {
        send_bytes(client, HALF, (size_t)dice_roll(&attacker->dice, sizeof HALF));
        shutdown(client->fd, SHUT_WR);
    }
    return read_all(attacker, client) || client->steps < 30;
}

static bool never(struct attacker *attacker) {
    (void)attacker;
    return false;
}

static bool always(struct attacker *attacker) {
    (void)attacker;
    return true;
}

static bool perhaps(struct attacker *attacker) {
    return dice_roll(&attacker->dice, 2) == 0;
}

static const struct attack ATTACKS[HOSTILE_KINDS] = {
    [HOSTILE_FLOOD] = {"flood", 24, 50, flood, never},
    [HOSTILE_DRIP] = {"drip", 400, 500, drip, perhaps},
    [HOSTILE_SIPS] = {"slow reader", 60, 200, sip, perhaps},
    [HOSTILE_GARBAGE] = {"garbage", 10, 100, send_garbage, perhaps},
    [HOSTILE_RESETS] = {"reset", 20, 100, reset, always},
    [HOSTILE_HALF] = {"half-open or silent", 200, 500, stay, perhaps},
};

const char *hostile_name(enum hostile_kind kind) {
    return ATTACKS[kind].name;
}

/* -- the process -- */

static void open_client(struct attacker *attacker, struct client *client) {
    const struct sockaddr *address = (const struct sockaddr *)&attacker->address;
    *client = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const struct timeval patience = {.tv_usec = 500000}; /* of connect(); nothing else waits */
    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (client->fd >= 0 && connect(client->fd, address, sizeof attacker->address) == 0) {
        attacker->counts->connections++;
        return;
    }
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

static void end_client(struct attacker *attacker, struct client *client) {
    const struct linger none = {.l_onoff = 1};
    if (attacker->attack->ends_in_reset(attacker))
        setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(client->fd);
    client->fd = -1;
}

static void turn(struct attacker *attacker) {
    for (int i = 0; i < attacker->attack->clients; i++) {
        struct client *client = &attacker->clients[i];
        if (client->fd < 0)
            open_client(attacker, client);
        if (client->fd >= 0 && !attacker->attack->step(attacker, client))
            end_client(attacker, client);
        client->steps++;
    }
}

static _Noreturn void attack(struct attacker *attacker) {
    const struct attack *attack = attacker->attack;
    const struct timespec pause = {
        .tv_sec = attack->pause_ms / 1000, .tv_nsec = attack->pause_ms % 1000 * 1000000L};
    bool is_polite = nice(19) >= 0; /* what they do to the server counts, not what to the machine */
    (void)is_polite;
    for (int i = 0; i < attack->clients; i++)
        attacker->clients[i].fd = -1;
    for (;;) {
        turn(attacker);
        if (attack->step != flood || wait_now_ms() % BURST_EVERY_MS >= BURST_MS)
            nanosleep(&pause, NULL);
    }
}

void hostile_start(struct hostile *hostile, int port, uint64_t seed, const char *const *secrets) {
    static struct attacker attacker; /* each process fills its own copy */
    pid_t parent = getpid();
    hostile->counts = mmap(NULL, sizeof *hostile->counts * HOSTILE_KINDS, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(hostile->counts, MAP_FAILED);
    for (int kind = 0; kind < HOSTILE_KINDS; kind++) {
        attacker = (struct attacker){.attack = &ATTACKS[kind],
            .address = {.sin_family = AF_INET,
                .sin_port = htons((uint16_t)port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
            .counts = &hostile->counts[kind],
            .secrets = secrets,
            .dice = dice_new(seed, 1000 + (uint64_t)kind)};
        hostile->pids[kind] = test_fork();
        if (hostile->pids[kind] == 0) {
            signal(SIGTERM, SIG_DFL); /* libcheck's own handler is the parent's affair */
            if (process_die_with_parent(parent))
                attack(&attacker);
            _exit(1);
        }
    }
}

void hostile_stop(struct hostile *hostile) {
    for (int kind = 0; kind < HOSTILE_KINDS; kind++) {
        kill(hostile->pids[kind], SIGKILL);
        waitpid(hostile->pids[kind], NULL, 0);
    }
}
