/* The MySQL and MariaDB kind: what it refuses, its run in a worker, and what a server holds against
 * us. */
#include "kinds/kinds.h"
#include "kinds/mysql/library.h"
#include "kinds/mysql/mysql.h"
#include "run/check.h"

static int init(struct check *check, struct error *err) {
    return mysql_check_config(check->config, err);
}

/* Between the server's greeting and the client's login. */
static bool is_in_handshake(enum phase phase) {
    return phase == PHASE_TLS || phase == PHASE_AUTH;
}

static bool may_linger(const struct check *check) {
    return is_in_handshake(check->phase);
}

/* Measured on MariaDB 10.11 (performance_schema.host_cache): counted are connections that end between the
 * server's greeting and the client's login, which includes a certificate that the client refuses and a plugin
 * that it lacks. Not counted: what the server itself refuses (wrong password, full, no such database), and
 * queries broken off. A connect that times out never reaches the server. At max_connect_errors (100, without
 * a good one between) it blocks the address (error 1129), which Bugsink shares. */
static bool breaks_login(enum reason reason, enum phase phase) {
    static const enum reason BREAKING[] = {REASON_TIMEOUT, REASON_RESET, REASON_PROTOCOL, REASON_TLS,
        REASON_AUTH_UNSUPPORTED, REASON_CRASHED,
        REASON_INTERNAL /* given up late, or out of memory: broken off all the same */,
        REASON_QUERY_FAILED /* an error of the client's that no row knows */};
    if (!is_in_handshake(phase))
        return false;
    for (size_t i = 0; i < sizeof BREAKING / sizeof BREAKING[0]; i++)
        if (BREAKING[i] == reason)
            return true;
    return false;
}

/* Connector/C's own, Kerberos's and OpenSSL's. */
static const char *const ENVIRONMENT[] = {"MARIADB_*", "LIBMYSQL_*", "KRB5*", "OPENSSL_*", "USER", NULL};

const struct check_kind MYSQL_KIND = {
    .traits = {.is_database = true, .measures_latency = true, .breaks_login = breaks_login},
    .library = &mysql_library,
    .init = init,
    .start = check_run_in_child,
    .work = mysql_examine,
    .cancel = check_cancel_child,
    .may_linger = may_linger,
    .environment = ENVIRONMENT,
    .kept_size = sizeof(struct mysql_kept),
    .watched = mysql_watched,
    .is_gone = mysql_is_gone,
    .hang_up = mysql_hang_up,
};
