/* A server in a forked child, on a real socket, for tests that are its clients. */
#ifndef BH_TESTS_SERVER_BENCH_H
#define BH_TESTS_SERVER_BENCH_H

#include "responder/server.h"

#include <stdbool.h>
#include <sys/types.h>

/* How large the pages /big and /metrics are, and /huge. */
enum { BIG = 1024 * 1024, HUGE = 16 * 1024 * 1024 };

#define CLOSING_GET "GET /health/live/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
#define STAYING_GET "GET /health/live/ HTTP/1.1\r\nHost: h\r\n\r\n"

struct server_bench {
    struct server_limits limits;
    int listen_fd;
    int port;
    int control[2];         /* closing the writing end stops the server */
    bool lacks_descriptors; /* the server has what it opened at its start, and none to spare */
    pid_t pid;
};

/* One with the usual limits, to be changed before it is started; started; both at once. */
struct server_bench server_bench_new(void);
void server_bench_start(struct server_bench *bench);
struct server_bench server_bench_started(void);

/* Whatever was done to it, the server must answer, end when told to, and have leaked nothing. */
void server_bench_end(struct server_bench *bench);

#endif
