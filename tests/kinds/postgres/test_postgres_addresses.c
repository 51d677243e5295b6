/* Tests of several addresses in one DSN of PostgreSQL's, some of which hang.
 *
 *  addresses, connect_timeout                         the run
 *  silent, well; 2 s, or 1 s                          ok, after 2 s
 *  silent, refused, well; 2 s                         ok, after 2 s
 *  refused, well; 2 s                                 ok at once
 *  silent, well; none, 0, or more than the run has    timeout
 *  silent alone, silent twice; 2 s                    timeout */
#include "kinds/postgres/postgres_bench.h"

#include "harness/peer.h"
#include "harness/postgres.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TIMEOUT_MS = 5000, LEAST_MS = 2000 };

static struct postgres_server *server;

static void start_server(void) {
    postgres_bench_forget_environment();
    unsetenv("PGCONNECT_TIMEOUT");
    server = postgres_start(NULL);
}

static void stop_server(void) {
    postgres_free(server);
}

/* The kernel accepts there, and nobody answers. */
static int listen_silently(int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* The addresses by letter: silent, refused, well. */
static const struct {
    const char *addresses, *query;
    enum reason reason;
    enum phase phase;
    int64_t least_ms;
} CASES[] = {
    {"sw", "?connect_timeout=2", REASON_OK, PHASE_NONE, LEAST_MS},
    {"sw", "?connect_timeout=1", REASON_OK, PHASE_NONE, LEAST_MS},
    {"srw", "?connect_timeout=2", REASON_OK, PHASE_NONE, LEAST_MS},
    {"rsw", "?connect_timeout=2", REASON_OK, PHASE_NONE, LEAST_MS},
    {"rw", "?connect_timeout=2", REASON_OK, PHASE_NONE, 0},
    {"ws", "?connect_timeout=2", REASON_OK, PHASE_NONE, 0},
    {"sw", "", REASON_TIMEOUT, PHASE_TLS, 0},
    {"sw", "?connect_timeout=0", REASON_TIMEOUT, PHASE_TLS, 0},
    {"sw", "?connect_timeout=30", REASON_TIMEOUT, PHASE_TLS, 0},
    {"s", "?connect_timeout=2", REASON_TIMEOUT, PHASE_TLS, TIMEOUT_MS / 2},
    {"ss", "?connect_timeout=2", REASON_TIMEOUT, PHASE_TLS, TIMEOUT_MS / 2},
    {"sr", "?connect_timeout=2", REASON_REFUSED, PHASE_CONNECT, LEAST_MS},
};

START_TEST(one_that_hangs_leaves_time_for_the_next_as_connect_timeout_says) {
    struct postgres_bench bench;
    char dsn[512];
    int silent_port, refused_port = peer_free_port(), silent = listen_silently(&silent_port);
    int used = snprintf(dsn, sizeof dsn, "postgresql://bugsink:%s@", POSTGRES_PASSWORD_ENCODED);
    for (const char *at = CASES[_i].addresses; *at; at++) {
        int port = *at == 's' ? silent_port : *at == 'r' ? refused_port : server->port;
        used += snprintf(dsn + used, sizeof dsn - (size_t)used, "%s127.0.0.1:%d",
            at == CASES[_i].addresses ? "" : ",", port);
    }
    snprintf(dsn + used, sizeof dsn - (size_t)used, "/bugsink%s", CASES[_i].query);
    postgres_bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    postgres_bench_expect(&bench, CASES[_i].reason, "", CASES[_i].phase);
    ck_assert_int_ge(bench.own.duration_ms, CASES[_i].least_ms);
    if (CASES[_i].reason == REASON_OK && CASES[_i].least_ms == 0)
        ck_assert_int_lt(bench.own.duration_ms, LEAST_MS);
    postgres_bench_close(&bench);
    close(silent);
}
END_TEST

Suite *postgres_addresses_suite(void) {
    Suite *suite = suite_create("postgres_addresses");
    TCase *tcase = tcase_create("addresses");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, start_server, stop_server);
    tcase_add_loop_test(tcase, one_that_hangs_leaves_time_for_the_next_as_connect_timeout_says, 0,
        sizeof CASES / sizeof CASES[0]);
    return suite;
}
