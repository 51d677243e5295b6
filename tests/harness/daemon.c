/* Starts, watches and stops the sidecar. */
#include "harness/daemon.h"

#include "base/str.h"
#include "harness/http.h"
#include "harness/proc.h"
#include "harness/wait.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_MS = 5000, LOG_SIZE = 1 << 20 };

/* A port that is taken stays so until the end of the test: the socket stays bound, and lets nobody but a
 * server listen there, which sets SO_REUSEADDR as this one does when it has the port for itself. */
static bool take(int port) {
    const int on = 1;
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in old_address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0); /* dual-stack: both families at once */
    bool can_bind = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (fd < 0) {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        can_bind = fd >= 0 && bind(fd, (const struct sockaddr *)&old_address, sizeof old_address) == 0;
    }
    if (can_bind)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    else if (fd >= 0)
        close(fd);
    return can_bind;
}

int daemon_free_port(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* two calls in one millisecond must not give one port twice */
    unsigned int seed = (unsigned int)getpid() * 2654435761u + (unsigned int)now.tv_nsec;
    for (int tries = 0; tries < 1000; tries++) {
        int port = 10000 + rand_r(&seed) % 20000;
        if (take(port))
            return port;
    }
    ck_abort_msg("no free port");
    return -1;
}

void daemon_spawn(struct daemon *daemon, const struct daemon_setup *setup) {
    struct envlist environment = *setup->environment;
    envlist_set(&environment, "BUGSINK_HEALTH_LISTEN=%s:%d",
        setup->listen_host ? setup->listen_host : "127.0.0.1", daemon->port);
    const char *arguments[32] = {"serve"};
    for (size_t i = 0; setup->flags && setup->flags[i]; i++) {
        ck_assert_uint_lt(i, 30);
        arguments[i + 1] = setup->flags[i];
    }
    const struct program_setup program = {&environment, arguments, setup->descriptor_limit};
    int log = program_output_file(daemon->log_path, sizeof daemon->log_path);
    daemon->checker = program_spawn(&program, log, log);
    daemon->responder = -1;
    close(log);
}

static bool answers_or_ended(void *arg) {
    struct daemon *daemon = arg;
    siginfo_t info = {.si_pid = 0};
    waitid(P_PID, (id_t)daemon->checker, &info, WEXITED | WNOHANG | WNOWAIT);
    struct http_response *response = malloc(sizeof *response);
    bool answers = info.si_pid == 0 && http_probe(daemon->port, "/health/self/", response) == 200;
    free(response);
    return answers || info.si_pid != 0;
}

void daemon_start(struct daemon *daemon, const struct daemon_setup *setup) {
    for (int tries = 0; tries < 5; tries++) {
        daemon->port = daemon_free_port();
        daemon_spawn(daemon, setup);
        bool is_up = wait_until(answers_or_ended, daemon, START_MS);
        if (is_up && proc_is_alive(daemon->checker) &&
            proc_children(daemon->checker, &daemon->responder, 1) == 1)
            return;
        daemon_stop(daemon, SIGKILL, START_MS);
        if (daemon_log_lines(daemon, "in use", "") == 0) /* else another process was faster: another port */
            break;
    }
    char *log = daemon_log(daemon);
    ck_abort_msg("the program did not start:\n%s", log);
}

int daemon_wait_exit(struct daemon *daemon, int64_t timeout_ms) {
    int status;
    if (daemon->checker < 0 || !program_wait(daemon->checker, timeout_ms, &status))
        return -2;
    daemon->checker = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int daemon_stop(struct daemon *daemon, int signal, int64_t timeout_ms) {
    if (daemon->checker < 0)
        return -2;
    kill(daemon->checker, signal);
    int status = daemon_wait_exit(daemon, timeout_ms);
    if (status == -2) {
        kill(daemon->checker, SIGKILL);
        daemon_wait_exit(daemon, START_MS);
    }
    return status;
}

char *daemon_log(const struct daemon *daemon) {
    char *text = malloc(LOG_SIZE);
    ck_assert_ptr_nonnull(text);
    program_read_file(daemon->log_path, text, LOG_SIZE);
    return text;
}

int daemon_log_lines(const struct daemon *daemon, const char *one, const char *two) {
    char *log = daemon_log(daemon), *rest = log;
    int count = 0;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        count += *line && strstr(line, one) && strstr(line, two);
    free(log);
    return count;
}

struct wanted_line {
    const struct daemon *daemon;
    const char *one, *two;
};

static bool has_line(void *arg) {
    const struct wanted_line *wanted = arg;
    return daemon_log_lines(wanted->daemon, wanted->one, wanted->two) > 0;
}

bool daemon_wait_log(const struct daemon *daemon, const char *one, const char *two, int64_t timeout_ms) {
    struct wanted_line wanted = {daemon, one, two};
    return wait_until(has_line, &wanted, timeout_ms);
}

int64_t daemon_cpu_ms(const struct daemon *daemon) {
    return proc_cpu_ms(daemon->checker) + proc_cpu_ms(daemon->responder);
}
