/* A real MariaDB server, started by the suite: on a private port of 127.0.0.1 and ::1, and on a private Unix
 * socket. As root it runs as the user mysql. It ends with the process that started it.
 *
 * A new one holds the users bugsink (password MARIADB_PASSWORD; all rights on the databases below) and reader
 * (the same; may enter, and read no table), the databases bugsink (Bugsink's tables, as far as we ask for
 * them, migrated) and blank (no tables). root needs no password on the Unix socket. */
#ifndef BH_TESTS_MARIADB_H
#define BH_TESTS_MARIADB_H

#include <stdbool.h>
#include <sys/types.h>

#define MARIADB_PASSWORD         "p@ss:w/rd%41 ?#1"
#define MARIADB_PASSWORD_ENCODED "p%40ss%3Aw%2Frd%2541%20%3F%231"

enum { MARIADB_CONNECTIONS = 20 }; /* that it takes, and one for root */

struct mariadb_server {
    char *root; /* a scratch directory, of the server's user: data, log, and the socket */
    char *data;
    char *log;
    char *socket;
    int port;
    pid_t pid; /* 0: not running */
    bool is_paused;
    void *sessions[MARIADB_CONNECTIONS + 1]; /* of mariadb_fill */
};

/* Whether MariaDB is installed. */
bool mariadb_is_installed(void);

/* Makes new data and starts it. settings ("name=value" of mariadbd's options, NULL-terminated; may be NULL)
 * are added to the command line, where the last one counts. Ends the test on failure, showing the log. */
struct mariadb_server *mariadb_start(const char *const *settings);

/* Starts it again, on the same port, after stop or crash. */
void mariadb_restart(struct mariadb_server *server, const char *const *settings);

void mariadb_stop(struct mariadb_server *server);  /* SIGTERM; waits */
void mariadb_crash(struct mariadb_server *server); /* SIGKILL; waits */
void mariadb_pause(struct mariadb_server *server); /* SIGSTOP: the kernel accepts, and nobody answers */
void mariadb_continue(struct mariadb_server *server);

/* Stops it where it runs, and frees. The files go with the test's root. */
void mariadb_free(struct mariadb_server *server);

/* Runs one statement as root, over the Unix socket. Returns the first field of the first row (the caller
 * frees), or NULL where there is none. Ends the test on an error. */
char *mariadb_exec(const struct mariadb_server *server, const char *database, const char *sql);

/* The same, for what only has an effect: any number of statements, each ended by a semicolon and a newline.
 */
void mariadb_do(const struct mariadb_server *server, const char *database, const char *sql);

/* Takes all connections that there are, root's own too, until the server stops or mariadb_empty is called;
 * called again, also those that became free since. */
void mariadb_fill(struct mariadb_server *server);
void mariadb_empty(struct mariadb_server *server);

/* Waits until the server, too, knows that nobody is connected. */
void mariadb_await_empty(struct mariadb_server *server);

/* A session of root's that has run that statement and stays. */
void *mariadb_hold(const struct mariadb_server *server, const char *sql);
void mariadb_let_go(void *session);

/* The value of a global status variable, a number. */
long mariadb_status(const struct mariadb_server *server, const char *name);

/* A DSN over TCP: mysql://user:password@127.0.0.1:port/database, with query ("?ssl-mode=required", or "")
 * behind. user and password (NULL: none) must be percent-encoded. The caller frees. */
char *mariadb_dsn(const struct mariadb_server *server, const char *user, const char *password,
    const char *database, const char *query);

/* What the server has logged so far; the caller frees. */
char *mariadb_log(const struct mariadb_server *server);

#endif
