/* The sidecar as a running daemon: `bugsink-health serve` on a free port, its log in a file, both its
 * processes known. It dies with the test that started it, however that ends. */
#ifndef BH_TESTS_DAEMON_H
#define BH_TESTS_DAEMON_H

#include "harness/program.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct daemon {
    pid_t checker;   /* the process that was started; -1 when it is reaped */
    pid_t responder; /* its eldest child */
    int port;
    char log_path[256];
};

struct daemon_setup {
    const struct envlist *environment; /* BUGSINK_HEALTH_LISTEN is added: 127.0.0.1 and a free port */
    const char *const *flags;          /* NULL-terminated; NULL: none */
    int descriptor_limit;              /* 0: as it is here */
    const char *listen_host;           /* NULL: "127.0.0.1" */
};

/* A port of 127.0.0.1 and ::1 that is free now, below the range from which the kernel takes ports for
 * clients. */
int daemon_free_port(void);

/* Starts the program on daemon->port, and waits for nothing. */
void daemon_spawn(struct daemon *daemon, const struct daemon_setup *setup);

/* Starts it on a free port and waits until /health/self/ answers. Ends the test, showing the log, where it
 * does not. */
void daemon_start(struct daemon *daemon, const struct daemon_setup *setup);

/* Waits for the end of the checker and reaps it: its exit status, -1 when a signal killed it, -2 when it
 * still runs. */
int daemon_wait_exit(struct daemon *daemon, int64_t timeout_ms);

/* Sends the signal and waits for the end as daemon_wait_exit; what still runs then is killed. */
int daemon_stop(struct daemon *daemon, int signal, int64_t timeout_ms);

/* What it has logged so far. The caller frees. */
char *daemon_log(const struct daemon *daemon);

/* How many lines of the log hold both texts; "" is in every line. */
int daemon_log_lines(const struct daemon *daemon, const char *one, const char *two);

/* Waits for such a line. */
bool daemon_wait_log(const struct daemon *daemon, const char *one, const char *two, int64_t timeout_ms);

/* Processor time of both processes. */
int64_t daemon_cpu_ms(const struct daemon *daemon);

#endif
