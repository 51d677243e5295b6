/* Hints that speak of one kind of check alone: what to type there. The others are in the reason table. */
#include "report/reason.h"

#include <string.h>

static const char DISK_HANGS[] = "The disk or volume hangs: check the node's storage (dmesg on the node).";
static const char OTHER_SERVICE[] = "Correct host or port in DATABASE_URL: another service listens there.";
static const char HOST_NAME[] = "Check the host name in DATABASE_URL: getent hosts NAME in the pod. "
                                "In a password write @ as %40, or what follows counts as the host.";
static const char MIGRATE_QUEUE[] = "Run bugsink-manage migrate snappea --database=snappea in Bugsink's "
                                    "container, or restart Bugsink, which does so.";

/* Kinds and roles by name, as config/config.h has them; without a role: of all roles. */
static const struct {
    enum reason reason;
    const char *kind, *role, *hint;
} HINTS[] = {
    {REASON_TIMEOUT, "postgres", NULL,
        "Phase resolve: check DNS. connect: check network, firewall and NetworkPolicy. "
        "tls, auth, query: the server hangs or is overloaded. "
        "Try: psql \"$DATABASE_URL\" -c 'SELECT 1'"},
    {REASON_TIMEOUT, "mysql", NULL,
        "Phase resolve: check DNS. connect: check network, firewall and NetworkPolicy. "
        "tls, auth, query: the server hangs or is overloaded. "
        "Try: mysql -h HOST -u USER -p -e 'SELECT 1'"},
    {REASON_TIMEOUT, "http", NULL,
        "Bugsink hangs or is overloaded: read its log, and check its CPU limit and its workers."},
    {REASON_TIMEOUT, "sqlite", NULL, DISK_HANGS},
    {REASON_TIMEOUT, "settings", NULL, DISK_HANGS},
    {REASON_TIMEOUT, "directory", NULL, DISK_HANGS},
    {REASON_UNRESOLVED, "postgres", NULL, HOST_NAME},
    {REASON_UNRESOLVED, "mysql", NULL, HOST_NAME},
    {REASON_REFUSED, "postgres", NULL,
        "Start PostgreSQL, or correct host and port in DATABASE_URL. "
        "Try: psql \"$DATABASE_URL\" -c 'SELECT 1'"},
    {REASON_REFUSED, "mysql", NULL,
        "Start the database server, or correct host and port in DATABASE_URL. "
        "Try: mysql -h HOST -P PORT -u USER -p"},
    {REASON_REFUSED, "http", NULL,
        "Start Bugsink: its log says why it ended. If it listens elsewhere, correct app.url."},
    {REASON_RESET, "http", NULL, "Read Bugsink's log: a worker crashed or was restarted."},
    {REASON_PROTOCOL, "http", NULL, "Correct app.url: something that is not HTTP listens there."},
    {REASON_PROTOCOL, "postgres", NULL, OTHER_SERVICE},
    {REASON_PROTOCOL, "mysql", NULL, OTHER_SERVICE},
    {REASON_TOO_MANY_CLIENTS, "postgres", NULL,
        "Find who holds them: SELECT usename, client_addr, count(*) FROM pg_stat_activity GROUP BY 1, 2. "
        "Or raise max_connections: Bugsink opens a connection for each request."},
    {REASON_TOO_MANY_CLIENTS, "mysql", NULL,
        "Find who holds them: SHOW PROCESSLIST. "
        "Or raise max_connections: Bugsink opens a connection for each request."},
    {REASON_AUTH_FAILED, "postgres", NULL,
        "Try the same login: psql \"$DATABASE_URL\". "
        "Percent-encode special characters in its password (@ is %40). "
        "After changing a password file: kill -HUP 1 in the sidecar's container."},
    {REASON_AUTH_FAILED, "mysql", NULL,
        "Try the same login: mysql -h HOST -u USER -p. "
        "Percent-encode special characters in a DSN's password (@ is %40). "
        "After changing a password file: kill -HUP 1 in the sidecar's container."},
    {REASON_DB_MISSING, "postgres", NULL,
        "Create it (createdb NAME), or correct the name in DATABASE_URL. psql -l lists what there is."},
    {REASON_DB_MISSING, "mysql", NULL,
        "Create it (CREATE DATABASE NAME), or correct the name in DATABASE_URL. SHOW DATABASES lists them."},
    {REASON_READ_ONLY, "postgres", NULL,
        "Point DATABASE_URL at the primary: SELECT pg_is_in_recovery() is true on a standby. "
        "Or end the read-only mode (default_transaction_read_only). "
        "Until then Bugsink accepts events and loses them."},
    {REASON_READ_ONLY, "mysql", NULL,
        "Point DATABASE_URL at the primary, or SET GLOBAL read_only = 0. "
        "Until then Bugsink accepts events and loses them."},
    {REASON_PRIVILEGES, "postgres", NULL,
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO the user, "
        "and USAGE on schema and sequences."},
    {REASON_BLOCKED, "postgres", NULL,
        "Find who holds the lock: SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity. "
        "End it: SELECT pg_terminate_backend(PID). Restarting Bugsink does not help."},
    {REASON_BLOCKED, "mysql", NULL,
        "Find who holds the lock: SHOW PROCESSLIST, sys.innodb_lock_waits. "
        "End it: KILL ID. Restarting Bugsink does not help."},
    {REASON_UNMIGRATED, "sqlite", "queue", MIGRATE_QUEUE},
    {REASON_FILE_MISSING, "sqlite", "main",
        "Check the path in DATABASE_PATH: is Bugsink's volume mounted into this container? "
        "Bugsink's first start makes the file. "
        "If it is lost, stop Bugsink and restore it from a backup."},
    {REASON_FILE_MISSING, "sqlite", "queue",
        "Is Bugsink's /tmp mounted into this container? Bugsink makes the file there when it starts. "
        "If its queue is elsewhere, correct BUGSINK_HEALTH_QUEUE."},
    {REASON_FILE_MISSING, "settings", NULL,
        "Check the path and the volume that Bugsink's settings are mounted from."},
    {REASON_EMPTY, "sqlite", "queue", MIGRATE_QUEUE},
    {REASON_EMPTY, "sqlite", "plain", "Restore it from a backup."},
    {REASON_EMPTY, "settings", NULL, "Restore the settings file. Until then Bugsink cannot be restarted."},
};

const char *reason_hint(enum reason reason, const char *kind, const char *role) {
    for (size_t i = 0; kind && i < sizeof HINTS / sizeof HINTS[0]; i++)
        if (HINTS[i].reason == reason && strcmp(HINTS[i].kind, kind) == 0 &&
            (!HINTS[i].role || (role && strcmp(HINTS[i].role, role) == 0)))
            return HINTS[i].hint;
    return reason_info(reason)->hint;
}

/* -- who tells the rest -- */

static const struct {
    enum reason reason;
    const char *sentence;
} TELLERS[] = {
    {REASON_STARTING, "If it stays, read the sidecar's log."},
    {REASON_CRASHED, "The sidecar's log names the signal."},
    {REASON_INTERNAL, "The sidecar's log says which."},
    {REASON_PRIVILEGES, "bugsink-health check names the first that is missing."},
    {REASON_QUERY_FAILED, "bugsink-health check prints the cause."},
    {REASON_TASK_ERRORS, "bugsink-health check names the task."},
    {REASON_UID_MISMATCH, "bugsink-health check names the path."},
    {REASON_READ_ONLY_FILE, "bugsink-health check names the file."},
    {REASON_PARSE_ERROR, "bugsink-health check names the line."},
    {REASON_MISSING_SETTING, "bugsink-health check names it."},
    {REASON_INVALID_SETTING, "bugsink-health check names it."},
};

const char *reason_teller(enum reason reason) {
    for (size_t i = 0; i < sizeof TELLERS / sizeof TELLERS[0]; i++)
        if (TELLERS[i].reason == reason)
            return TELLERS[i].sentence;
    return NULL;
}
