/* A data source name, taken apart. Pure: no database library is asked. */
#ifndef BH_CONFIG_DSN_H
#define BH_CONFIG_DSN_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum dsn_scheme { DSN_SQLITE, DSN_POSTGRES, DSN_MYSQL };

struct dsn_param {
    char *key;
    char *value; /* decoded */
};

/* Every string is decoded and owned; absent parts are NULL. */
struct dsn {
    enum dsn_scheme scheme;
    char *path; /* SQLite: the file */
    char *host; /* without brackets; a directory (starting with '/') is a Unix socket; PostgreSQL: may be a
                   list, by commas */
    char *port; /* digits; with a host list: a list */
    char *user;
    char *password;
    char *database;
    struct dsn_param *params; /* PostgreSQL: libpq keywords of the query string; MySQL: ours */
    size_t param_count;
    bool has_dropped_query; /* Bugsink's reading: there was a query string, and Bugsink ignores it */

    /* What may be shown of it in a log or on the command line: scheme, host, port, database. Where characters
     * stand in it that suggest a password that is not percent-encoded, it shows the scheme alone. Never NULL.
     */
    char *safe;

    /* Every text that must be blanked in a driver's message: the password as written and as decoded, secret
     * parameters and, where the DSN looks wrongly encoded, every piece that may be a part of a password. */
    char **secrets;
    size_t secret_count;
};

/* Parses a DSN of our own configuration: postgresql: and postgres: (libpq's URI syntax, query parameters
 * kept), mysql:, sqlite: (three slashes: relative, four: absolute) or a bare path. The error never quotes the
 * DSN's password part. On success the caller releases it with dsn_release. */
int dsn_parse(const char *text, struct dsn *dsn, struct error *err);

/* Parses a DATABASE_URL as Bugsink's Docker settings do (Python's urllib.parse.urlparse): mysql, postgres and
 * postgresql only; user, password percent-decoded; host lower-cased; default ports 3306 and 5432; the
 * database is the path without its leading slashes; query and fragment dropped (has_dropped_query). */
int dsn_parse_bugsink(const char *text, struct dsn *dsn, struct error *err);

/* Puts password (a copy) in the place of the DSN's own and adds it to the secrets. */
void dsn_set_password(struct dsn *dsn, const char *password);

/* Blanks every secret of the DSN in text, in place. */
void dsn_blank(const struct dsn *dsn, char *text);

const char *dsn_param(const struct dsn *dsn, const char *key); /* NULL: not given */
bool dsn_equal(const struct dsn *a, const struct dsn *b);
void dsn_release(struct dsn *dsn); /* overwrites the secrets first */

#endif
