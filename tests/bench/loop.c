/* The looks that the sidecar takes, in a loop in one process: the least that they can cost. With --bare no
 * look at all, but what stands behind it: the same statements to SQLite, the settings file read. */
#include "base/clock.h"
#include "config/config.h"
#include "kinds/http/target.h"
#include "kinds/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { APP_TURN = 3 }; /* every third look at Bugsink is the question that its database answers */

struct look {
    const struct check_config *config;
    const struct check_kind *kind;
    void *kept; /* as in a worker of its own */
    struct http_target target;
    uint64_t runs;
};

static _Noreturn void die(const char *what, const char *why) {
    fprintf(stderr, "bench-loop: %s: %s\n", what, why);
    exit(1);
}

/* -- the very look, by the kind's own code -- */

static void look_as_a_worker(struct look *look) {
    struct run run = {.id = ++look->runs,
        .config = look->config,
        .kept = look->kept,
        .is_first = look->runs == 1,
        .deadline_ms = clock_now_ms(clock_system()) + look->config->timeout_ms};
    look->kind->work(&run);
    alarm(0); /* which MySQL's sets for a worker */
    if (reason_info(run.outcome.reason)->verdict == STATUS_ERROR)
        die(look->config->name, reason_info(run.outcome.reason)->slug);
}

/* -- Bugsink, asked by plain blocking calls -- */

static void ask_app(struct look *look) {
    enum app_question question = look->runs++ % APP_TURN == APP_TURN - 1 ? QUESTION_TOKEN : QUESTION_NONE;
    const struct strbuf *request = &look->target.requests[question];
    const struct sockaddr *address = (const struct sockaddr *)&look->target.address;
    char answer[10 * 1024];
    ssize_t got = 1;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, address, look->target.address_size) < 0 ||
        send(fd, request->data, request->length, MSG_NOSIGNAL) != (ssize_t)request->length)
        die("Bugsink", strerror(errno));
    while (got > 0)
        got = recv(fd, answer, sizeof answer, 0);
    close(fd);
}

/* -- bare -- */

/* Those of src/kinds/sqlite/sqlite.c and app.c. */
static const char *const MAIN[] = {"SELECT count(*) FROM sqlite_schema",
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 LIMIT 1",
    "SELECT 1 FROM django_migrations LIMIT 1", "SELECT CAST(total(id) AS INTEGER) FROM django_migrations",
    "SELECT count(*) FROM (SELECT 1 FROM phonehome_installation LIMIT 2)",
    "SELECT quota_exceeded_until FROM phonehome_installation LIMIT 1", NULL};
static const char *const QUEUE[] = {"SELECT count(*) FROM sqlite_schema",
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 LIMIT 1",
    "SELECT 1 FROM django_migrations LIMIT 1",
    "SELECT count(*) FROM (SELECT 1 FROM snappea_task LIMIT 10001)",
    "SELECT id, created_at FROM snappea_task ORDER BY id LIMIT 1",
    "SELECT CAST(total(errors) AS INTEGER) FROM (SELECT max(timestamp), errors FROM (SELECT timestamp,"
    " task_name, errors FROM snappea_stat WHERE timestamp BETWEEN datetime('now', '-10 minutes') AND"
    " datetime('now') ORDER BY timestamp DESC LIMIT 256) GROUP BY task_name)",
    NULL};

static void read_sqlite(const struct check_config *config) {
    sqlite3 *db;
    if (sqlite3_open_v2(config->database.dsn.path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        die(config->name, sqlite3_errmsg(db));
    for (const char *const *sql = config->database.role == ROLE_QUEUE ? QUEUE : MAIN; *sql; sql++)
        if (sqlite3_exec(db, *sql, NULL, NULL, NULL) != SQLITE_OK)
            die(*sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void read_settings(const struct check_config *config) {
    char text[64 * 1024];
    int fd = open(config->settings.path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text) <= 0)
        die(config->settings.path, strerror(errno));
    close(fd);
}

/* -- the loop -- */

static void take(struct look *look, bool is_bare) {
    if (look->config->kind == KIND_HTTP)
        ask_app(look);
    else if (is_bare && look->config->kind == KIND_SQLITE)
        read_sqlite(look->config);
    else if (is_bare && look->config->kind == KIND_SETTINGS)
        read_settings(look->config);
    else
        look_as_a_worker(look);
}

static void open_look(struct look *look, const struct check_config *config) {
    struct error err;
    look->config = config;
    look->kind = check_kind_require(config->kind, &err);
    if (!look->kind || (look->kind->library && library_load(look->kind->library, &err) < 0))
        die(config->name, err.text);
    if (config->kind == KIND_HTTP && http_target_init(&look->target, config, &err) < 0)
        die(config->name, err.text);
    look->kept = calloc(1, look->kind->kept_size + 1);
    if (!look->kept)
        die(config->name, strerror(ENOMEM));
}

/* All looks in a row, so that the process wakes once in an interval. */
static _Noreturn void go_round(struct look *looks, const struct config *config, bool is_bare) {
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (;;) {
        for (size_t i = 0; i < config->check_count; i++)
            take(&looks[i], is_bare);
        next.tv_sec += config->interval_ms / 1000;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
}

int main(int argc, char **argv) {
    static const char *const NO_ENVIRONMENT[] = {NULL};
    bool is_bare = argc == 3 && strcmp(argv[2], "--bare") == 0;
    struct error err;
    if (argc != 2 && !is_bare) {
        fprintf(stderr, "usage: bench-loop CONFIGURATION [--bare]\n"
                        "Takes the looks of that configuration (an interval of whole seconds) until it is "
                        "ended, or one fails.\n");
        return 2;
    }
    /* Without the sandbox, which would shut this process in as it does the worker of one check. */
    const struct config_flag flags[] = {{"--config", argv[1]}, {"--sandbox", "off"}};
    struct config *config = config_load(&(struct config_source){NO_ENVIRONMENT, flags, 2}, &err);
    if (!config)
        die(argv[1], err.text);
    struct look *looks = calloc(config->check_count + 1, sizeof *looks);
    if (!looks)
        die(argv[1], strerror(ENOMEM));
    for (size_t i = 0; i < config->check_count; i++)
        open_look(&looks[i], &config->checks[i]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    go_round(looks, config, is_bare);
}
