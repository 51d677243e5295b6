/* End to end: PostgreSQL servers that lie, and a certificate that is a FIFO. Whatever they make libpq do
 * (keep rows without end, read notices without end, compute for minutes, wait in open()), the verdict comes
 * by the deadline, probes are answered meanwhile, and the checker's own memory stays as it was. */
#include "e2e/world.h"
#include "harness/fork.h"
#include "harness/proc.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include "base/io.h"
#include "base/process.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BYTES(text) text, sizeof text - 1

/* AuthenticationOk, ReadyForQuery. */
#define WELCOME                                                                                              \
    "R\0\0\0\x08\0\0\0\0"                                                                                    \
    "Z\0\0\0\5I"
/* RowDescription: one column of text, named n. */
#define COLUMNS "T\0\0\0\x1a\0\1n\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"
#define ROW                                                                                                  \
    "D\0\0\0\x2a\0\1\0\0\0\x20"                                                                              \
    "12345678901234567890123456789012"
#define NOTICE "A\0\0\0\x12\0\0\0\1channel\0\0\0"
#define DEMAND "R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"

enum {
    SHOWS_MS = 6000,
    PROBE_MS = 500, /* half of what the kubelet allows */
    WATCH_MS = 2500,
    GROWTH_MAX_KIB = 2048,
    CHILDREN_MAX = 8,
    HEARD_SIZE = 4096,
};

struct text {
    const char *bytes;
    size_t size;
};

/* What the server says to the startup packet and to the query; then the last without end. */
static const struct lie {
    const char *sslmode;
    struct text greeting, answer, endless;
    const char *phase;
    int64_t child_kib, child_ms; /* what the child is made to use, at least: else the lie is none */
} LIES[] = {
    {"disable", {BYTES(WELCOME)}, {BYTES(COLUMNS)}, {BYTES(ROW)}, "query", 16 * 1024, 0},
    {"disable", {BYTES(WELCOME)}, {"", 0}, {BYTES(NOTICE)}, "query", 0, 100},
    {"disable", {BYTES(DEMAND)}, {NULL, 0}, {NULL, 0}, "auth", 0, 100},
    {"verify-ca", {BYTES("S")}, {NULL, 0}, {NULL, 0}, "tls", 0, 0},
};

/* -- the server -- */

/* AuthenticationSASLContinue, with the client's own nonce and as many rounds as can be said. */
static void demand_rounds(int fd, const char *heard, size_t size) {
    char message[256];
    const char *nonce = memmem(heard, size, ",r=", 3);
    if (!nonce)
        return;
    int length = snprintf(message + 9, sizeof message - 9, "r=%.*sserver,s=c2FsdHNhbHQ=,i=2147483647",
        (int)strnlen(nonce + 3, size - (size_t)(nonce + 3 - heard)), nonce + 3);
    const unsigned char head[9] = {'R', 0, 0, 0, (unsigned char)(length + 8), 0, 0, 0, 11};
    memcpy(message, head, sizeof head);
    io_write_all(fd, message, sizeof head + (size_t)length);
}

static void lie(int fd, const struct lie *lie) {
    char heard[HEARD_SIZE], many[64 * 1024];
    if (read(fd, heard, sizeof heard) <= 0 || io_write_all(fd, lie->greeting.bytes, lie->greeting.size) < 0)
        return;
    ssize_t got = read(fd, heard, sizeof heard);
    if (got > 0 && !lie->answer.bytes)
        demand_rounds(fd, heard, (size_t)got);
    if (got <= 0 || !lie->answer.bytes)
        return;
    size_t size = 0;
    for (; size + lie->endless.size <= sizeof many; size += lie->endless.size)
        memcpy(many + size, lie->endless.bytes, lie->endless.size);
    if (io_write_all(fd, lie->answer.bytes, lie->answer.size) < 0)
        return;
    while (io_write_all(fd, many, size) == 0)
        continue;
}

/* Each connection has a process of its own. */
static _Noreturn void serve(int listener, const struct lie *its, pid_t parent) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    while (process_die_with_parent(parent)) {
        int fd = accept(listener, NULL, NULL);
        pid_t self = getpid();
        if (fd >= 0 && test_fork() == 0) {
            if (process_die_with_parent(self))
                lie(fd, its);
            char byte;
            while (read(fd, &byte, 1) > 0)
                continue;
            _exit(0);
        }
        close(fd);
    }
    _exit(0);
}

static pid_t start_server(const struct lie *its, int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 16), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    pid_t parent = getpid(), pid = test_fork();
    if (pid == 0)
        serve(listener, its, parent);
    close(listener);
    return pid;
}

/* -- the test -- */

static struct world *start_world(const struct lie *its, int port) {
    struct world *world = world_new();
    char query[512], *fifo = tempdir_path(world->dir, "fifo");
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    snprintf(query, sizeof query, "?sslmode=%s&sslrootcert=%s", its->sslmode, fifo);
    world_write_config(world,
        "{\"databases\": {\"default\": {\"dsn\": \"postgresql://u:hunter2@127.0.0.1:%d/bugsink%s\"}}}", port,
        query);
    world_start_with(world, NULL, 0);
    free(fifo);
    return world;
}

/* The most that was seen. */
struct use {
    int64_t checker_kib, child_kib, child_ms;
};

static void note(int64_t *most, int64_t now) {
    *most = now > *most ? now : *most;
}

static void look(const struct daemon *daemon, struct use *use) {
    pid_t children[CHILDREN_MAX];
    int count = proc_family(daemon->checker, children, CHILDREN_MAX);
    note(&use->checker_kib, proc_resident_kib(daemon->checker));
    for (int i = 0; i < count; i++) {
        if (children[i] == daemon->responder)
            continue;
        note(&use->child_kib, proc_resident_kib(children[i]));
        note(&use->child_ms, proc_cpu_ms(children[i]));
    }
}

/* Probes as fast as they are answered, for some runs of the check, and until one has had the memory and the
 * processor time that the lie costs: beside other work it may take more of them. */
static struct use probe_for_a_while(struct world *world, const struct lie *its) {
    static const char *const PATHS[] = {"/health/live/", "/health/ready/", "/health/self/"};
    struct use use = {0, 0, 0};
    int64_t end_ms = wait_now_ms() + WATCH_MS;
    struct deadline deadline = deadline_in(2 * WATCH_MS);
    for (int i = 0;
         wait_now_ms() < end_ms ||
         ((use.child_kib < its->child_kib || use.child_ms < its->child_ms) && !deadline_is_over(&deadline));
         i++) {
        ck_assert_int_eq(world_get(world, PATHS[i % 3]), i % 3 == 1 ? 503 : 200);
        ck_assert_int_lt(world->response.free_ms, PROBE_MS);
        look(&world->daemon, &use);
    }
    return use;
}

START_TEST(a_lying_server_harms_its_own_check_alone) {
    int port;
    const struct lie *its = &LIES[_i];
    pid_t server = start_server(its, &port);
    struct world *world = start_world(its, port);
    int64_t before_kib = proc_resident_kib(world->daemon.checker);
    struct stopwatch watch = stopwatch_start();
    int64_t took_ms = world_await_check(world, "default", "error: timeout", SHOWS_MS);
    int64_t free_ms = stopwatch_free_ms(&watch);
    struct use use = probe_for_a_while(world, its);
    char phase[64];
    snprintf(phase, sizeof phase, "\"phase\": \"%s\"", its->phase);
    world_await(world, "/health/", 503, phase, SHOWS_MS);
    printf("lying server %d: verdict after %d ms, the checker's memory %d -> %d KiB, its child's %d KiB, %d "
           "ms\n",
        _i, (int)took_ms, (int)before_kib, (int)use.checker_kib, (int)use.child_kib, (int)use.child_ms);
    ck_assert_int_lt(free_ms, 800 + 1000);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "code=stuck", ""), 0);
    ck_assert_int_ge(use.child_kib, its->child_kib);
    ck_assert_int_ge(use.child_ms, its->child_ms);
    if (!world_is_sanitized())
        ck_assert_int_lt(use.checker_kib - before_kib, GROWTH_MAX_KIB);
    world_end(world);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}
END_TEST

Suite *e2e_liar_suite(void) {
    Suite *suite = suite_create("e2e_liar");
    TCase *tcase = tcase_create("e2e_liar");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_lying_server_harms_its_own_check_alone, 0, sizeof LIES / sizeof LIES[0]);
    return suite;
}
