/* Where a mysql DSN leads, and its parameters: how the connection is to be secured. Pure: the client library
 * is not asked. */
#ifndef BH_KINDS_MYSQL_TARGET_H
#define BH_KINDS_MYSQL_TARGET_H

#include "base/error.h"
#include "config/dsn.h"

#include <stdbool.h>

enum mysql_tls {
    MYSQL_TLS_DISABLED,
    MYSQL_TLS_PREFERRED, /* where the server offers it; nobody's certificate is looked at */
    MYSQL_TLS_REQUIRED,
    MYSQL_TLS_VERIFY_CA,
    MYSQL_TLS_VERIFY_IDENTITY, /* and the certificate must name the host */
};

/* All borrowed from the DSN; NULL: not given. */
struct mysql_target {
    const char *host;
    const char *socket;
    unsigned port; /* 0: the library's own, 3306 */
    bool is_local; /* over a Unix socket: as the library has it, also for the host "localhost" */
    enum mysql_tls tls;
    const char *ca, *cert, *key; /* files */
    const char *charset;
};

/* Takes the DSN apart. Refuses a parameter or a value that is unknown, naming it, and parameters that do not
 * go together; the error holds no secret. */
int mysql_target_init(struct mysql_target *target, const struct dsn *dsn, struct error *err);

#endif
