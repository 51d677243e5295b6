/* Runs another program and prints what it cost: until its first answer over HTTP, or in a number of runs. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { PATIENCE_S = 30, ANSWER_MAX = 4096 };

static pid_t child; /* 0: none */

static _Noreturn void die(const char *what) {
    fprintf(stderr, "bench-run: %s: %s\n", what, strerror(errno));
    if (child > 0)
        kill(child, SIGKILL);
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void on_end(int number) {
    if (child > 0)
        kill(child, SIGKILL);
    _exit(128 + number);
}

/* What it says to standard output goes to standard error: ours is for the figures. */
static void start(char **command) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    errno = posix_spawnp(&child, command[0], &actions, NULL, command, environ);
    if (errno != 0)
        die(command[0]);
    posix_spawn_file_actions_destroy(&actions);
}

/* Its end, with the cost of it and of all its children that it has waited for. */
static int await_end(struct rusage *usage) {
    int status;
    while (wait4(child, &status, 0, usage) < 0)
        if (errno != EINTR)
            die("wait4");
    child = 0;
    return status;
}

static int64_t in_us(const struct timeval *time) {
    return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

static void print_usage(const struct rusage *usage, int64_t runs, int64_t wall_ns, int64_t failures) {
    double each = (double)runs;
    printf("{\"runs\": %" PRId64 ", \"failures\": %" PRId64 ", \"wall_us\": %.1f, \"user_us\": %.1f, "
           "\"system_us\": %.1f, \"wakeups\": %.1f}\n",
        runs, failures, (double)wall_ns / 1e3 / each, (double)in_us(&usage->ru_utime) / each,
        (double)in_us(&usage->ru_stime) / each, (double)usage->ru_nvcsw / each);
}

/* -- first: how long until the first 200 -- */

static bool answers(const struct sockaddr_in *address, const char *request) {
    char answer[ANSWER_MAX] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 &&
        send(fd, request, strlen(request), MSG_NOSIGNAL) > 0 && recv(fd, answer, sizeof answer - 1, 0) < 0)
        answer[0] = '\0';
    close(fd);
    return strncmp(answer, "HTTP/1.", 7) == 0 && strncmp(answer + sizeof "HTTP/1.1", "200", 3) == 0;
}

static int64_t time_first(const struct sockaddr_in *address, const char *request, char **command) {
    int64_t begun_ns = now_ns();
    start(command);
    while (!answers(address, request))
        if (now_ns() - begun_ns > PATIENCE_S * INT64_C(1000000000))
            die("no answer");
    return now_ns() - begun_ns;
}

static int first(char **arguments) {
    const struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(arguments[0], NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    long tries = strtol(arguments[2], NULL, 10);
    char request[256];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n",
        arguments[1], arguments[0]);
    printf("[");
    for (long i = 0; i < tries; i++) {
        struct rusage usage;
        printf("%s%.1f", i ? ", " : "", (double)time_first(&address, request, arguments + 3) / 1e3);
        kill(child, SIGINT);
        await_end(&usage);
    }
    printf("]\n");
    return 0;
}

/* -- times: one after the other -- */

static int times(char **arguments) {
    int64_t count = strtoll(arguments[0], NULL, 10), failures = 0, begun_ns = now_ns();
    for (int64_t i = 0; i < count; i++) {
        struct rusage usage;
        start(arguments + 1);
        failures += await_end(&usage) != 0;
    }
    struct rusage all;
    getrusage(RUSAGE_CHILDREN, &all);
    print_usage(&all, count, now_ns() - begun_ns, failures);
    return failures > 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGTERM, on_end);
    signal(SIGINT, on_end);
    if (strcmp(what, "first") == 0 && argc > 5)
        return first(argv + 2);
    if (strcmp(what, "times") == 0 && argc > 3)
        return times(argv + 2);
    fprintf(stderr,
        "usage: bench-run first PORT PATH TRIES COMMAND... | times COUNT COMMAND...\n"
        "first: microseconds from exec to the first 200, of each try. times: the mean cost of COUNT runs.\n"
        "Prints one line of JSON.\n");
    return 2;
}
