/* A real PostgreSQL server, started by the suite: on a private port of 127.0.0.1 and ::1, and on a private
 * Unix socket. As root it runs as the user postgres. It ends with the process that started it.
 *
 * A new cluster holds the roles bugsink (password POSTGRES_PASSWORD) and reader (the same; may connect, and
 * read no table), the databases bugsink (owned by bugsink; Bugsink's tables, as far as we ask for them,
 * migrated), blank (no tables), and template_bugsink (as bugsink; nobody connects to it), from which a test
 * makes its own. The superuser postgres is trusted on the Unix socket. */
#ifndef BH_TESTS_POSTGRES_H
#define BH_TESTS_POSTGRES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define POSTGRES_PASSWORD         "p@ss:w/rd%41 ?#1"
#define POSTGRES_PASSWORD_ENCODED "p%40ss%3Aw%2Frd%2541%20%3F%231"

struct postgres_server {
    char *root; /* a scratch directory, of the server's user: data, log, and the socket */
    char *data;
    char *log;
    int port;
    pid_t pid; /* 0: not running */
    bool is_paused;
};

/* Whether PostgreSQL is installed; where it is not, path says what was looked for. */
bool postgres_is_installed(void);

/* Makes a new cluster and starts it. settings ("name=value", NULL-terminated; may be NULL) are added to the
 * command line, at this start and at each restart. Ends the test on failure, showing the server's log. */
struct postgres_server *postgres_start(const char *const *settings);

/* The same, as a standby in recovery, from a copy of a server that is stopped at the moment. */
struct postgres_server *postgres_start_standby(const struct postgres_server *stopped);

/* Starts it again, on the same port, after stop or crash. */
void postgres_restart(struct postgres_server *server, const char *const *settings);

void postgres_stop(struct postgres_server *server);  /* SIGINT: fast shutdown; waits */
void postgres_crash(struct postgres_server *server); /* SIGQUIT: at once, recovery at the next start; waits */
void postgres_pause(
    struct postgres_server *server); /* SIGSTOP to the postmaster: accepts and never answers */
void postgres_continue(struct postgres_server *server);

/* Stops it where it runs, and frees. The files go with the test's root. */
void postgres_free(struct postgres_server *server);

/* Runs SQL as superuser, over the Unix socket. Returns the first field of the last result (the caller frees),
 * or NULL where there is none. Ends the test on an error. */
char *postgres_exec(const struct postgres_server *server, const char *database, const char *sql);

/* The same, for what only has an effect. */
void postgres_do(const struct postgres_server *server, const char *database, const char *sql);

/* A DSN over TCP: postgresql://user:password@127.0.0.1:port/database, with query ("?sslmode=require", or "")
 * behind. user and password (NULL: none) must be percent-encoded. The caller frees. */
char *postgres_dsn(const struct postgres_server *server, const char *user, const char *password,
    const char *database, const char *query);

/* What the server has logged so far, each line with "DATABASE| " in front; the caller frees. */
char *postgres_log(const struct postgres_server *server);

#endif
