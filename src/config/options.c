/* The one table of options. */
#include "config/options.h"

#include <ctype.h>
#include <string.h>

#define FIELD(name)    offsetof(struct config, name)
#define OURS(name)     "BUGSINK_HEALTH_" name
#define DATABASE(key)  "databases.NAME." key
#define DIRECTORY(key) "directories.NAME." key

enum { SECOND = 1000, HOUR = 3600 * SECOND, TASKS_MAX = 1000 * 1000 * 1000 };

#define DURATION(from, to) .type = OPTION_DURATION, .least = (from), .most = (to)
#define BYTES_MAX          (INT64_C(1) << 60)

static const struct option OPTIONS[OPTION_COUNT] = {
    [OPTION_CONFIG] = {.doc = {NULL, "--config", OURS("CONFIG"), NULL, "the configuration file, in JSON"},
        .type = OPTION_PATH,
        .offset = OPTION_NO_FIELD},
    [OPTION_LISTEN] = {.doc = {"listen", "--listen", OURS("LISTEN"), "[::]:8000",
                           "where to answer probes: a numeric address, or none for all, and a port"},
        .type = OPTION_ADDRESS,
        .offset = OPTION_NO_FIELD,
        .initial = "[::]:8000",
        .has_file_variant = true},
    [OPTION_APP_URL] =
        {.doc = {"app.url", "--app-url", OURS("APP_URL"), NULL,
             "Bugsink's own address, such as http://127.0.0.1:9000, to ask whether it answers"},
            .type = OPTION_TEXT,
            .offset = OPTION_NO_FIELD,
            .has_file_variant = true},
    [OPTION_SETTINGS] = {.doc = {"settings.path", "--settings", OURS("SETTINGS"),
                             "env where SECRET_KEY is in the environment",
                             "Bugsink's settings file, or env for the environment shared with Bugsink"},
        .type = OPTION_PATH,
        .offset = OPTION_NO_FIELD},
    [OPTION_INTERVAL] = {.doc = {"interval", "--interval", OURS("INTERVAL"), "5s",
                             "time between two runs of a check"},
        DURATION(100, HOUR),
        .offset = FIELD(interval_ms),
        .initial = "5s",
        .has_file_variant = true},
    [OPTION_TIMEOUT] = {.doc = {"timeout", "--timeout", OURS("TIMEOUT"), "3s, at most 3/5 of the interval",
                            "the longest a run may take; below the interval"},
        DURATION(50, HOUR),
        .offset = FIELD(timeout_ms),
        .has_file_variant = true},
    [OPTION_RETRY_INTERVAL] = {.doc = {"retry_interval", "--retry-interval", OURS("RETRY_INTERVAL"),
                                   "1s, at most the interval", "time between two runs of a check that fails"},
        DURATION(50, HOUR),
        .offset = FIELD(retry_interval_ms),
        .has_file_variant = true},
    [OPTION_SLOW] = {.doc = {"slow", "--slow", OURS("SLOW"), "half the timeout",
                         "a check that takes longer is degraded: slow"},
        DURATION(1, HOUR),
        .offset = FIELD(slow_ms),
        .has_file_variant = true},
    [OPTION_RECONNECT] = {.doc = {"reconnect", "--reconnect", OURS("RECONNECT"), "15s",
                              "the longest a database connection is kept between runs; 0s: log in at each"},
        DURATION(0, HOUR),
        .offset = FIELD(reconnect_ms),
        .initial = "15s",
        .has_file_variant = true},
    [OPTION_FALL] = {.doc = {"fall", "--fall", OURS("FALL"), "3",
                         "failures in a row of the app itself before liveness fails"},
        .type = OPTION_NUMBER,
        .offset = FIELD(fall),
        .least = 1,
        .most = 100,
        .initial = "3",
        .has_file_variant = true},
    [OPTION_START_GRACE] = {.doc = {"start_grace", "--start-grace", OURS("START_GRACE"), "5m",
                                "time for Bugsink's first answer before liveness may fail"},
        DURATION(0, 24 * HOUR),
        .offset = FIELD(start_grace_ms),
        .initial = "5m",
        .has_file_variant = true},
    [OPTION_DRAIN] =
        {.doc = {"drain", "--drain", OURS("DRAIN"), "5s", "time to go on answering after SIGTERM"},
            DURATION(0, HOUR),
            .offset = FIELD(drain_ms),
            .initial = "5s",
            .has_file_variant = true},
    [OPTION_LOG_LEVEL] =
        {.doc = {"log_level", "--log-level", OURS("LOG_LEVEL"), "info", "debug, info, warning or error"},
            .type = OPTION_LOG_LEVEL_NAME,
            .offset = FIELD(log_level),
            .initial = "info",
            .has_file_variant = true},
    [OPTION_LOG_FORMAT] = {.doc = {"log_format", "--log-format", OURS("LOG_FORMAT"), "text", "text or json"},
        .type = OPTION_LOG_FORMAT_NAME,
        .offset = FIELD(log_format),
        .initial = "text",
        .has_file_variant = true},
    [OPTION_MAINTENANCE] = {.doc = {"maintenance", "--maintenance", OURS("MAINTENANCE"), NULL,
                                "not ready, on purpose, while this file exists"},
        .type = OPTION_PATH,
        .offset = FIELD(maintenance)},
    [OPTION_SANDBOX] = {.doc = {NULL, "--sandbox", OURS("SANDBOX"), "on",
                            "on, or off for debugging: no process gives up any rights"},
        .type = OPTION_TEXT,
        .offset = OPTION_NO_FIELD,
        .initial = "on"},
    [OPTION_VERSION] = {.doc = {"version", NULL, "BUGSINK_VERSION", "unknown", "Bugsink's version, to show"},
        .type = OPTION_TEXT,
        .offset = FIELD(app_version),
        .initial = "unknown",
        .has_file_variant = true},
    [OPTION_APP_HOST] =
        {.doc = {"app.host", NULL, NULL, "BASE_URL's, else the URL's own", "the Host header for the app"},
            .type = OPTION_TEXT,
            .offset = OPTION_NO_FIELD},
    [OPTION_APP_EXPECT] = {.doc = {"app.expect", NULL, NULL, "OK", "the body of the app's healthy answer"},
        .type = OPTION_TEXT,
        .offset = OPTION_NO_FIELD,
        .initial = "OK"},
    [OPTION_APP_ASK] =
        {.doc = {"app.ask", NULL, NULL, "true", "whether Bugsink is asked what only its database can answer"},
            .type = OPTION_BOOLEAN,
            .offset = OPTION_NO_FIELD,
            .initial = "true"},
    [OPTION_APP_ASK_INTERVAL] =
        {.doc = {"app.ask_interval", NULL, NULL, "15s", "time between two such questions"},
            DURATION(100, HOUR),
            .offset = OPTION_NO_FIELD,
            .initial = "15s"},
    [OPTION_SETTINGS_FORMAT] = {.doc = {"settings.format", NULL, NULL, "by the path: .py, .json, .env",
                                    "python, json, env, or environment for the shared environment"},
        .type = OPTION_TEXT,
        .offset = OPTION_NO_FIELD},
    [OPTION_SETTINGS_REQUIRE] =
        {.doc = {"settings.require", NULL, NULL, "SECRET_KEY", "names that must be assigned there"},
            .type = OPTION_NAMES,
            .offset = OPTION_NO_FIELD},
    [OPTION_BASE_URL] =
        {.doc = {NULL, NULL, "BASE_URL", NULL, "Bugsink's own: its host is the Host header for the app"},
            .type = OPTION_TEXT,
            .offset = OPTION_NO_FIELD,
            .has_file_variant = true},
    [OPTION_DATABASE_URL] = {.doc = {NULL, NULL, "DATABASE_URL", NULL,
                                 "Bugsink's own: the database default, read as Bugsink reads it"},
        .type = OPTION_TEXT,
        .offset = OPTION_NO_FIELD,
        .has_file_variant = true},
    [OPTION_DATABASE_PATH] = {.doc = {NULL, NULL, "DATABASE_PATH", "/data/db.sqlite3",
                                  "Bugsink's own: the SQLite file of default where there is no DATABASE_URL"},
        .type = OPTION_PATH,
        .offset = OPTION_NO_FIELD,
        .initial = "/data/db.sqlite3",
        .counts_when_empty = true},
    [OPTION_QUEUE] =
        {.doc = {NULL, NULL, OURS("QUEUE"), "/tmp/snappea.sqlite3", "the SQLite file of the queue, snappea"},
            .type = OPTION_PATH,
            .offset = OPTION_NO_FIELD,
            .initial = "/tmp/snappea.sqlite3"},
    [OPTION_SNAPPEA_DATABASE_PATH] = {.doc = {NULL, NULL, "SNAPPEA_DATABASE_PATH", NULL,
                                          "the old name of BUGSINK_HEALTH_QUEUE, for one more release"},
        .type = OPTION_PATH,
        .offset = OPTION_NO_FIELD},
    [OPTION_DATABASE_DSN] =
        {.doc = {DATABASE("dsn"), NULL, NULL, NULL,
             "postgresql://, mysql://, sqlite:/// or a path; a variable of Bugsink's wins"},
            .type = OPTION_TEXT,
            .offset = OPTION_NO_FIELD},
    [OPTION_DATABASE_DSN_FILE] =
        {.doc = {DATABASE("dsn_file"), NULL, NULL, NULL, "a file that holds the DSN"},
            .type = OPTION_PATH,
            .offset = OPTION_NO_FIELD},
    [OPTION_DATABASE_PASSWORD_FILE] =
        {.doc = {DATABASE("password_file"), NULL, NULL, NULL, "a file that holds the password, not encoded"},
            .type = OPTION_PATH,
            .offset = OPTION_NO_FIELD},
    [OPTION_DATABASE_ROLE] =
        {.doc = {DATABASE("role"), NULL, NULL, "main of default, queue of snappea, else plain",
             "main, queue or plain: what is asked of it"},
            .type = OPTION_TEXT,
            .offset = OPTION_NO_FIELD},
    [OPTION_DATABASE_CRITICAL] =
        {.doc = {DATABASE("critical"), NULL, NULL, "true", "whether its failure makes the whole not ready"},
            .type = OPTION_BOOLEAN,
            .offset = OPTION_NO_FIELD},
    [OPTION_DATABASE_MIN_FREE] =
        {.doc = {DATABASE("min_free"), NULL, NULL, "256MiB or 5 % of the volume, the smaller",
             "SQLite: less free space is degraded: disk_low"},
            .type = OPTION_SIZE,
            .offset = OPTION_NO_FIELD,
            .least = 0,
            .most = BYTES_MAX},
    [OPTION_DATABASE_MAX_WAL] =
        {.doc = {DATABASE("max_wal"), NULL, NULL, "1GiB", "SQLite: a larger -wal is degraded: wal_large"},
            .type = OPTION_SIZE,
            .offset = OPTION_NO_FIELD,
            .least = 0,
            .most = BYTES_MAX,
            .initial = "1GiB"},
    [OPTION_DATABASE_BACKLOG_DEGRADED] = {.doc = {DATABASE("backlog.degraded"), NULL, NULL, "60s",
                                              "queue: degraded when the oldest task is older"},
        DURATION(SECOND, 24 * HOUR),
        .offset = OPTION_NO_FIELD,
        .initial = "60s"},
    [OPTION_DATABASE_BACKLOG_ERROR] = {.doc = {DATABASE("backlog.error"), NULL, NULL, "null: never",
                                           "queue: error when the oldest task is older, and nothing moves"},
        DURATION(SECOND, 24 * HOUR),
        .offset = OPTION_NO_FIELD,
        .is_nullable = true},
    [OPTION_DATABASE_BACKLOG_TASKS] =
        {.doc = {DATABASE("backlog.tasks"), NULL, NULL, "300", "queue: degraded above this number of tasks"},
            .type = OPTION_NUMBER,
            .offset = OPTION_NO_FIELD,
            .least = 1,
            .most = TASKS_MAX,
            .initial = "300"},
    [OPTION_DIRECTORY_PATH] =
        {.doc = {DIRECTORY("path"), NULL, NULL, "/tmp/bugsink/ingestion, /tmp/snappea.wakeup",
             "a directory that Bugsink writes to; without directories, where the queue is at its standard "
             "path: ingestion and wakeup"},
            .type = OPTION_PATH,
            .offset = OPTION_NO_FIELD},
    [OPTION_DIRECTORY_ROLE] =
        {.doc = {DIRECTORY("role"), NULL, NULL, "spool of ingestion, wakeup of wakeup, else plain",
             "spool or wakeup: Bugsink makes it when it needs it; wakeup: its worker reads it; plain: must "
             "be there"},
            .type = OPTION_TEXT,
            .offset = OPTION_NO_FIELD},
    [OPTION_DIRECTORY_CRITICAL] =
        {.doc = {DIRECTORY("critical"), NULL, NULL, "true", "whether its failure makes the whole not ready"},
            .type = OPTION_BOOLEAN,
            .offset = OPTION_NO_FIELD},
    [OPTION_DIRECTORY_MIN_FREE] =
        {.doc = {DIRECTORY("min_free"), NULL, NULL, "256MiB or 5 % of the volume, the smaller",
             "less free space is degraded: disk_low"},
            .type = OPTION_SIZE,
            .offset = OPTION_NO_FIELD,
            .least = 0,
            .most = BYTES_MAX},
};

const struct option *option_get(enum option_id id) {
    return &OPTIONS[id];
}

const struct config_option_doc *config_option_doc(size_t n) {
    return n < OPTION_COUNT ? &OPTIONS[n].doc : NULL;
}

const struct option *option_find_flag(const char *flag) {
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (OPTIONS[i].doc.flag && strcmp(OPTIONS[i].doc.flag, flag) == 0)
            return &OPTIONS[i];
    return NULL;
}

bool config_is_flag(const char *name) {
    return option_find_flag(name) != NULL;
}

bool option_is_variable(const char *name) {
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *variable = OPTIONS[i].doc.variable;
        size_t length = variable ? strlen(variable) : 0;
        if (length == 0 || strncmp(variable, name, length) != 0)
            continue;
        if (name[length] == '\0' || (OPTIONS[i].has_file_variant && strcmp(name + length, "_FILE") == 0))
            return true;
    }
    return false;
}

int option_find_word(const char *text, const char *const *words, int count) {
    int i = 0;
    while (i < count && strcmp(text, words[i]) != 0)
        i++;
    return i < count ? i : -1;
}

const char *option_quotable(const char *text) {
    return str_quotable(text, "");
}

const char *option_type_right(enum option_type type) {
    switch (type) {
    case OPTION_DURATION: return "a duration in quotes, such as \"5s\"";
    case OPTION_SIZE: return "a size in quotes, such as \"256MiB\"";
    case OPTION_NUMBER: return "a whole number, without quotes";
    case OPTION_BOOLEAN: return "true or false, without quotes";
    case OPTION_NAMES: return "a list of names: [\"SECRET_KEY\"]";
    case OPTION_ADDRESS: return "an address and port in quotes, such as \"[::]:8000\"";
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_LOG_LEVEL_NAME:
    case OPTION_LOG_FORMAT_NAME: break;
    }
    return "a text in quotes";
}
