/* A real PgBouncer in front of a PostgreSQL server, in transaction pooling, started by the test: on a private
 * port of 127.0.0.1, for the users of postgres.h. It ends with the process that started it. */
#ifndef BH_TESTS_PGBOUNCER_H
#define BH_TESTS_PGBOUNCER_H

#include "harness/postgres.h"

#include <stdbool.h>
#include <sys/types.h>

struct pgbouncer {
    char *root; /* a scratch directory, of the server's user */
    char *log;
    int port;
    pid_t pid;
};

bool pgbouncer_is_installed(void);

/* Starts it, and waits until it accepts. Its databases: bugsink and blank (as the server's), badpass
 * (bugsink, with a password that the server refuses), absent (which the server has not), dead (on a port
 * where nobody listens). settings: more lines for its section [pgbouncer]; may be "". Ends the test on
 * failure. */
struct pgbouncer *pgbouncer_start(const struct postgres_server *server, const char *settings);

/* A DSN through it, as postgres_dsn. The caller frees. */
char *pgbouncer_dsn(
    const struct pgbouncer *bouncer, const char *user, const char *password, const char *database);

/* Ends it, and frees. */
void pgbouncer_free(struct pgbouncer *bouncer);

#endif
