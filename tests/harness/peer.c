/* The scripted TCP server. */
#include "harness/peer.h"

#include "harness/fork.h"
#include "harness/wait.h"

#include "base/io.h"
#include "base/process.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* To *port, or to a free one where that is 0. */
static int bind_to(int *port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)*port)};
    const int on = 1;
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    /* A process of the last one may still be on its way out, with the port in its hands. */
    struct deadline deadline = deadline_in(2000);
    int bound = bind(fd, (struct sockaddr *)&address, size);
    while (bound < 0 && errno == EADDRINUSE && !deadline_is_over(&deadline)) {
        sched_yield();
        bound = bind(fd, (struct sockaddr *)&address, size);
    }
    ck_assert_int_eq(bound, 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static int listen_on(int *port) {
    int fd = bind_to(port);
    ck_assert_int_eq(listen(fd, 128), 0);
    return fd;
}

static void send_reply(int fd, const struct peer_script *script) {
    const struct timespec pause = {
        .tv_sec = script->drip_ms / 1000, .tv_nsec = script->drip_ms % 1000 * 1000000L};
    size_t step = script->drip_ms > 0 ? 1 : script->reply_size;
    for (size_t at = 0; script->reply && at < script->reply_size; at += step) {
        if (io_write_all(fd, script->reply + at, step) < 0)
            return;
        nanosleep(&pause, NULL);
    }
}

static void play(int fd, const struct peer_script *script) {
    char input[4096];
    if (script->reads == 0)
        send_reply(fd, script);
    for (int i = 0; i < script->reads; i++) {
        if (read(fd, input, sizeof input) <= 0)
            break;
        send_reply(fd, script);
    }
    const struct timespec stay = {.tv_sec = 1};
    if (script->closes == PEER_RESETS && script->reply)
        nanosleep(&stay, NULL); /* a reset takes from its reader what it has not read yet */
    const struct linger none = {.l_onoff = 1};
    if (script->closes == PEER_RESETS)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    if (script->closes)
        close(fd); /* else it stays open until we are ended */
}

/* Each connection has a process of its own, so that one that drips does not keep the next waiting. */
static _Noreturn void serve(int listener, const struct peer_script *script, pid_t parent) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    process_close_from(STDERR_FILENO + 1, &listener, 1);
    while (process_die_with_parent(parent)) {
        int fd = accept(listener, NULL, NULL);
        pid_t self = getpid();
        if (fd >= 0 && test_fork() == 0) {
            close(listener);
            if (process_die_with_parent(self))
                play(fd, script);
            while (!script->closes)
                pause();
            _exit(0);
        }
        close(fd);
    }
    _exit(0);
}

struct peer peer_start_on(const struct peer_script *script, int port) {
    struct peer peer = {.port = port};
    int listener = listen_on(&peer.port);
    struct peer_script copy = *script;
    pid_t parent = getpid();
    peer.pid = test_fork();
    if (peer.pid == 0)
        serve(listener, &copy, parent);
    close(listener);
    return peer;
}

struct peer peer_start(const struct peer_script *script) {
    return peer_start_on(script, 0);
}

void peer_stop(struct peer *peer) {
    kill(peer->pid, SIGKILL);
    waitpid(peer->pid, NULL, 0);
    peer->pid = 0;
}

/* The socket stays bound until the end of the test, and is not listened on: the kernel gives the port to
 * nobody else, neither to one that asks for any nor to a connection that goes out, and only who sets
 * SO_REUSEADDR, as servers do, may listen there. */
int peer_free_port(void) {
    int port = 0;
    bind_to(&port);
    return port;
}
