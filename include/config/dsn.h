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
    char *port; /* digits; with a host list: a list, in which an empty place is the default port */
    char *user;
    char *password;
    char *database;
    struct dsn_param *params; /* PostgreSQL: libpq keywords of the query string; MySQL: ours */
    size_t param_count;
    bool has_dropped_query; /* Bugsink's reading: there was a query string, and Bugsink ignores it */
    bool is_doubtful; /* Bugsink's reading: it looks as if the password were not percent-encoded, so any part
                       * of this DSN may be a piece of the password */

    /* What may be shown of it in a log or on the command line: scheme, host, port, database; of a doubtful
     * one the scheme alone. Never NULL. */
    char *safe;

    /* Every text that must be blanked in a driver's message: the password as written and as decoded, secret
     * parameters and, of a doubtful DSN, every piece that may be a part of a password. The longest first. */
    char **secrets;
    size_t secret_count;
};

/* Parses a DSN of our own configuration: postgresql: and postgres: (libpq's URI syntax: host lists, query
 * parameters, which win over the parts before them), mysql: (one host), sqlite: (three slashes: relative,
 * four: absolute; the path is percent-decoded) or a bare path. One that looks as if its password were not
 * percent-encoded is refused. The error says what would be right, and quotes nothing of the DSN but its
 * scheme. On success the caller releases it with dsn_release; on failure *dsn holds nothing. */
int dsn_parse(const char *text, struct dsn *dsn, struct error *err);

/* Parses a DATABASE_URL as Bugsink's Docker settings do, with urlparse of Python 3.12: mysql, postgres and
 * postgresql only; user, password and database percent-decoded; host lower-cased (ASCII alone); default ports
 * 3306 and 5432; the database is the path without its leading slashes; query and fragment dropped. What
 * Bugsink accepts is accepted, and may be doubtful; what Python refuses is refused, and so is %00, which no
 * driver takes. Errors and ownership as with dsn_parse. */
int dsn_parse_bugsink(const char *text, struct dsn *dsn, struct error *err);

/* The DSN of a SQLite file whose path is given as it stands, as DATABASE_PATH does. */
void dsn_from_path(const char *path, struct dsn *dsn);

/* Puts password (a copy) in the place of the DSN's own and adds it to the secrets. */
void dsn_set_password(struct dsn *dsn, const char *password);

/* Keeps its secrets out of swap space and core files, as far as the system allows. */
void dsn_guard(const struct dsn *dsn);

/* Makes a text that may quote the DSN fit to be shown, in place: a secret that cannot be there by chance is
 * blanked wherever it is. Asterisks would give any other away (a short one, a word, a number, the user's
 * name): a text that says such a one is emptied, and false is returned. */
bool dsn_blank(const struct dsn *dsn, char *text);

/* The same for a secret that the DSN does not hold, but its driver has. NULL or "" is nothing. */
bool dsn_blank_secret(const struct dsn *dsn, const char *secret, char *text);

const char *dsn_param(const struct dsn *dsn, const char *key); /* NULL: not given */
bool dsn_equal(const struct dsn *a, const struct dsn *b);
void dsn_release(struct dsn *dsn); /* overwrites the secrets first */

#endif
