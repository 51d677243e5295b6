/* The configuration: built once from flags, environment, file and defaults, then read-only. */
#ifndef BH_CONFIG_CONFIG_H
#define BH_CONFIG_CONFIG_H

#include "base/error.h"
#include "base/log.h"
#include "base/str.h"
#include "config/dsn.h"
#include "report/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kinds of checks, a line each: the id (KIND_POSTGRES; its row is POSTGRES_KIND, in src/kinds/postgres),
 * the name, and the family whose options it has (CONFIG_DATABASE, see src/config/kind.h). */
#define CHECK_KINDS(LINE)                                                                                    \
    LINE(POSTGRES, "postgres", DATABASE)                                                                     \
    LINE(MYSQL, "mysql", DATABASE)                                                                           \
    LINE(SQLITE, "sqlite", DATABASE)                                                                         \
    LINE(SETTINGS, "settings", SETTINGS)                                                                     \
    LINE(HTTP, "http", APP)                                                                                  \
    LINE(DIRECTORY, "directory", DIRECTORY)

#define CHECK_KIND_ID(id, name, family) KIND_##id,
enum check_kind_id { CHECK_KINDS(CHECK_KIND_ID) KIND_COUNT };
#undef CHECK_KIND_ID

enum role {
    ROLE_PLAIN, /* connect and one round trip */
    ROLE_MAIN,  /* Bugsink's own tables are expected, and it must be writable */
    ROLE_QUEUE, /* Bugsink's snappea queue */
};

enum directory_role {
    DIRECTORY_PLAIN,  /* it must be there, and be writable */
    DIRECTORY_SPOOL,  /* Bugsink makes it when it needs it */
    DIRECTORY_WAKEUP, /* the same, and its background worker reads it */
};

enum settings_format { SETTINGS_PYTHON, SETTINGS_JSON, SETTINGS_ENV, SETTINGS_ENVIRONMENT };

/* A page each, in one set: more would not go over the link. */
enum { CONFIG_CHECKS_MAX = 4000 };

/* The names of checks of our own, which no database may bear. */
#define CHECK_NAME_SETTINGS  "app_settings"
#define CHECK_NAME_APP       "app"
#define CHECK_NAME_INGESTION "ingestion"
#define CHECK_NAME_WAKEUP    "wakeup"

/* What is asked of a database. */
struct database_config {
    enum role role;
    char *set_by; /* the variable or key that names it: "DATABASE_URL", "databases.archive.dsn" */
    struct dsn dsn;
    /* SQLite, role main: what Bugsink itself makes, and whose owner tells which user it is; NULL: not known.
     */
    char *queue_path, *wakeup_path;
    int64_t reconnect_ms;     /* servers: the longest a connection is kept between runs; 0: not at all */
    int64_t min_free_bytes;   /* SQLite: disk_low below this; -1: 256 MiB or 5 % of the volume, the smaller */
    int64_t max_wal_bytes;    /* SQLite: wal_large above this */
    int64_t backlog_ms;       /* queue: degraded when the oldest task is older */
    int64_t backlog_tasks;    /* queue: degraded above this number */
    int64_t backlog_error_ms; /* queue: error when older, without progress; -1: never */
};

/* What is asked of a directory. */
struct directory_config {
    char *path;
    enum directory_role role;
    int64_t min_free_bytes; /* disk_low below this; -1: 256 MiB or 5 % of the volume, the smaller */
};

/* What is asked of Bugsink's settings. */
struct settings_config {
    char *path; /* NULL for the shared environment */
    enum settings_format format;
    char **require; /* names that must be assigned */
    size_t require_count;
    char **environment; /* SETTINGS_ENVIRONMENT: the NAME=VALUE entries, copied; NULL-terminated */
};

/* What is asked of Bugsink itself, over HTTP. */
struct app_config {
    char *url;     /* http://ADDRESS:PORT/PATH, the address numeric, an IPv6 one in brackets */
    char *host;    /* the Host header; NULL: the URL's own */
    bool is_https; /* Bugsink's users come by https, which its proxy ends */
    char *expect;  /* what the body must be, but for white space at its end */
    char *root;    /* what stands before Bugsink's own paths: "" or "/bugsink" */
    bool asks;     /* it is asked what only its database can answer */
    int64_t ask_interval_ms;
    int64_t fall; /* silences in a row until Bugsink counts as gone */
    int64_t start_grace_ms;
};

/* One thing to check: what all checks have, and what its kind has. Durations in ms. */
struct check_config {
    char *name;
    enum check_kind_id kind;
    bool is_critical;
    bool is_sandboxed; /* its worker gives up what the check does not need */
    int64_t interval_ms;
    int64_t timeout_ms; /* of one run as a whole; below interval_ms */
    int64_t retry_interval_ms;
    int64_t slow_ms; /* latency budget */
    union {
        struct database_config database; /* KIND_POSTGRES, KIND_MYSQL, KIND_SQLITE */
        struct directory_config directory;
        struct settings_config settings;
        struct app_config app; /* KIND_HTTP */
    };
};

/* A value as `bugsink-health config` prints it: secrets are blanked already. */
struct config_item {
    char *key; /* "interval", "databases.default.dsn" */
    char *value;
    char *origin; /* "default", "environment DATABASE_URL", "file PATH", "flag --interval" */
};

struct config {
    char *file; /* NULL: none was read */
    bool is_sandboxed;
    char *listen; /* "[::]:8000": a numeric address, an IPv6 one in brackets, and a port, for address_parse */
    int64_t interval_ms, timeout_ms, retry_interval_ms, slow_ms, reconnect_ms;
    int64_t fall;
    int64_t start_grace_ms;
    int64_t drain_ms;
    enum log_level log_level;
    enum log_format log_format;
    char *maintenance; /* path, or NULL */
    char *app_version; /* Bugsink's; "unknown" */
    struct check_config *checks;
    size_t check_count;
    struct config_item *items;
    size_t item_count;
    char **warnings; /* worth a log line, not a refusal: e.g. a dropped query string */
    size_t warning_count;
};

/* A flag as the command line gave it: "--interval" "5s". */
struct config_flag {
    const char *name;
    const char *value;
    const char
        *typed; /* what stands in its place on the command line, for errors: "--watch"; NULL: the name */
};

/* Where the configuration comes from. Nothing else is read but the files these name. */
struct config_source {
    const char *const *environment; /* NAME=VALUE, NULL-terminated */
    const struct config_flag *flags;
    size_t flag_count;
};

/* Builds the configuration: flags over environment over file over defaults. On failure returns NULL, and the
 * error names file, line, key, variable or flag, and what would be right; it never contains a secret. The
 * caller frees. */
struct config *config_load(const struct config_source *source, struct error *err);

/* The address that a running sidecar of this configuration listens on ("[::]:8000"), as far as it can be
 * told: faults elsewhere in the configuration do not matter, for a sidecar that runs may have refused them at
 * a reload. Never NULL; the caller frees. */
char *config_listen(const struct config_source *source);

/* Whether the processes are to be sandboxed (--sandbox), by flags and environment alone. A
 * value that makes no sense, which config_load will refuse, counts as yes. */
bool config_is_sandboxed(const struct config_source *source);

/* Frees it, overwriting every secret. NULL is nothing. */
void config_free(struct config *config);

/* For how long a file may look wrong because it is just being replaced: 2 s for a settings file (a
 * ConfigMap's swap), 0 for all other checks. */
int64_t check_config_patience_ms(const struct check_config *check);

/* Whether two checks are configured alike in every respect: such a check keeps its history through a reload.
 */
bool check_config_equal(const struct check_config *a, const struct check_config *b);

/* Whether two checks ask the same of the same target: they may differ in times, limits and weight, and what
 * is known of one holds for the other. */
bool check_config_asks_the_same(const struct check_config *a, const struct check_config *b);

/* Adds to a log line what the check is of: a database's role and target, a path, a URL. Never a secret. */
void check_config_log(const struct check_config *check, struct log_line *line);

/* A database's role and what names it, for check_view; NULL for all other checks. */
const char *check_config_role(const struct check_config *check);
const char *check_config_set_by(const struct check_config *check);

/* Appends the same for people: "postgresql://db:5432/bugsink as user bugsink", a path, or "URL (Host: NAME)".
 * Never a secret. */
void check_config_where(const struct check_config *check, struct strbuf *where);

/* The limits that its results are judged by. */
struct check_limits check_config_limits(const struct check_config *check);
/* Keeps its secrets out of swap space and core files, as far as the system allows. (config_load and
 * check_config_unpack have done so.) */
void check_config_guard(const struct check_config *check);

/* Blanks in text, in place, the secrets that a driver may have repeated in it; a text that cannot be told
 * safe is emptied (dsn_blank). */
void check_config_blank(const struct check_config *check, char *text);

/* Whether the app check would ask whoever listens at that address ("[::]:8000"), as far as the addresses
 * tell: the sidecar must not check itself. */
bool config_asks(const struct config *config, const char *listen);

/* Whether name (with its dashes) is a flag that config_load understands; all of them take a value. */
bool config_is_flag(const char *name);

/* An option's documentation, for --help and the tests of the documentation. */
struct config_option_doc {
    const char *key;      /* its place in the file, NAME standing for any database's; NULL: not in the file */
    const char *flag;     /* NULL: none */
    const char *variable; /* NULL: none */
    const char *standard; /* what holds when nobody sets it; NULL: nothing */
    const char *help;
};

/* The n-th of them, NULL past the last. */
const struct config_option_doc *config_option_doc(size_t n);

const char *role_name(enum role role);
const char *directory_role_name(enum directory_role role);     /* "plain", "spool", "wakeup" */
const char *settings_format_name(enum settings_format format); /* "python", "json", "env", "environment" */
const char *check_kind_id_name(enum check_kind_id kind);       /* "postgres"; "?" for what is no kind */

#endif
