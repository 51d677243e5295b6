/* Hints that speak of one kind of check alone: what to type there. The others are in the reason table. */
#include "report/reason.h"

#include <string.h>

/* The kinds by name, as config/config.h has them. */
static const struct {
    enum reason reason;
    const char *kind, *hint;
} HINTS[] = {
    {REASON_TIMEOUT, "postgres",
        "Phase resolve: check DNS. connect: check network, firewall and NetworkPolicy. tls, auth, query: the "
        "server "
        "hangs or is overloaded. Try: psql \"$DATABASE_URL\" -c 'SELECT 1'"},
    {REASON_TIMEOUT, "mysql",
        "Phase resolve: check DNS. connect: check network, firewall and NetworkPolicy. tls, auth, query: the "
        "server "
        "hangs or is overloaded. Try: mysql -h HOST -u USER -p -e 'SELECT 1'"},
    {REASON_TIMEOUT, "http",
        "Bugsink hangs or is overloaded: read its log, and check its CPU limit and its workers."},
    {REASON_TIMEOUT, "sqlite", "The disk or volume hangs: check the node's storage (dmesg on the node)."},
    {REASON_TIMEOUT, "settings", "The disk or volume hangs: check the node's storage (dmesg on the node)."},
    {REASON_TIMEOUT, "directory", "The disk or volume hangs: check the node's storage (dmesg on the node)."},
    {REASON_UNRESOLVED, "postgres",
        "Check the host name in DATABASE_URL: getent hosts NAME in the pod. In a password write @ as %40, or "
        "what "
        "follows counts as the host."},
    {REASON_UNRESOLVED, "mysql",
        "Check the host name in DATABASE_URL: getent hosts NAME in the pod. In a password write @ as %40, or "
        "what "
        "follows counts as the host."},
    {REASON_REFUSED, "postgres",
        "Start PostgreSQL, or correct host and port in DATABASE_URL. Try: psql \"$DATABASE_URL\" -c 'SELECT "
        "1'"},
    {REASON_REFUSED, "mysql",
        "Start the database server, or correct host and port in DATABASE_URL. Try: mysql -h HOST -P PORT -u "
        "USER -p"},
    {REASON_REFUSED, "http",
        "Start Bugsink: its log says why it ended. If it listens elsewhere, correct app.url."},
    {REASON_RESET, "http", "Read Bugsink's log: a worker crashed or was restarted."},
    {REASON_PROTOCOL, "http", "Correct app.url: something that is not HTTP listens there."},
    {REASON_PROTOCOL, "postgres", "Correct host or port in DATABASE_URL: another service listens there."},
    {REASON_PROTOCOL, "mysql", "Correct host or port in DATABASE_URL: another service listens there."},
    {REASON_TOO_MANY_CLIENTS, "postgres",
        "Find who holds them: SELECT usename, client_addr, count(*) FROM pg_stat_activity GROUP BY 1, 2. Or "
        "raise "
        "max_connections: Bugsink opens a connection for each request."},
    {REASON_TOO_MANY_CLIENTS, "mysql",
        "Find who holds them: SHOW PROCESSLIST. Or raise max_connections: Bugsink opens a connection for "
        "each "
        "request."},
    {REASON_AUTH_FAILED, "postgres",
        "Try the same login: psql \"$DATABASE_URL\". Percent-encode special characters in its password (@ is "
        "%40). "
        "After changing a password file: kill -HUP 1 in the sidecar's container."},
    {REASON_AUTH_FAILED, "mysql",
        "Try the same login: mysql -h HOST -u USER -p. Percent-encode special characters in a DSN's password "
        "(@ is "
        "%40). After changing a password file: kill -HUP 1 in the sidecar's container."},
    {REASON_DB_MISSING, "postgres",
        "Create it (createdb NAME), or correct the name in DATABASE_URL. psql -l lists what there is."},
    {REASON_DB_MISSING, "mysql",
        "Create it (CREATE DATABASE NAME), or correct the name. SHOW DATABASES lists them."},
    {REASON_READ_ONLY, "postgres",
        "Point DATABASE_URL at the primary: SELECT pg_is_in_recovery() is true on a standby. Or end the "
        "read-only "
        "mode (default_transaction_read_only). Until then Bugsink accepts events and loses them."},
    {REASON_READ_ONLY, "mysql",
        "Point DATABASE_URL at the primary, or SET GLOBAL read_only = 0. Until then Bugsink accepts events "
        "and loses "
        "them."},
    {REASON_PRIVILEGES, "postgres",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO the user, and USAGE on "
        "schema and "
        "sequences. bugsink-health check names the first that it lacks."},
    {REASON_BLOCKED, "postgres",
        "Find who holds the lock: SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity. End it: "
        "SELECT "
        "pg_terminate_backend(PID). Restarting Bugsink does not help."},
    {REASON_BLOCKED, "mysql",
        "Find who holds the lock: SHOW PROCESSLIST, sys.innodb_lock_waits. End it: KILL ID. Restarting "
        "Bugsink does "
        "not help."},
    {REASON_FILE_MISSING, "settings",
        "Check the path and the volume that Bugsink's settings are mounted from."},
    {REASON_FILE_MISSING, "directory", "Check the path and the volume: is it mounted into this container?"},
    {REASON_EMPTY, "settings", "Restore the settings file. Until then Bugsink cannot be restarted."},
};

const char *reason_hint(enum reason reason, const char *kind) {
    for (size_t i = 0; kind && i < sizeof HINTS / sizeof HINTS[0]; i++)
        if (HINTS[i].reason == reason && strcmp(HINTS[i].kind, kind) == 0)
            return HINTS[i].hint;
    return reason_info(reason)->hint;
}
