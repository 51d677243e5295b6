/* An application that logs in anew each half second and inserts a row, whatever became of the time before:
 * each attempt has a process of its own and a limit. One line for each, in milliseconds of the monotonic
 * clock: BEGIN END WHAT. */
#include "config/dsn.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/process.h"

#include <errno.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_MYSQL
#include <mysql.h>
#endif

#define INSERT "INSERT INTO writes VALUES (CURRENT_TIMESTAMP)"

enum { PERIOD_MS = 500, STEP_MS = 10, ATTEMPTS_MAX = 64 };

struct attempt {
    pid_t pid; /* 0: a free place */
    int64_t begun_ms;
};

struct writer {
    const char *text; /* the DSN as it was given, which libpq reads itself */
    struct dsn dsn;
    int64_t limit_ms;
    struct attempt attempts[ATTEMPTS_MAX];
};

/* -- one attempt, with the drivers' blocking calls, as Bugsink makes it -- */

static bool tell(bool is_done, const char *why) {
    if (!is_done)
        fprintf(stderr, "%s\n", why);
    return is_done;
}

static bool write_postgres(const struct writer *writer) {
    PGconn *conn = PQconnectdb(writer->text);
    bool is_in = tell(PQstatus(conn) == CONNECTION_OK, PQerrorMessage(conn));
    PGresult *result = is_in ? PQexec(conn, INSERT) : NULL;
    bool is_written = is_in && tell(PQresultStatus(result) == PGRES_COMMAND_OK, PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    return is_written;
}

#ifdef WITH_MYSQL
static bool write_mysql(const struct writer *writer) {
    const struct dsn *dsn = &writer->dsn;
    unsigned port = dsn->port ? (unsigned)strtoul(dsn->port, NULL, 10) : 0;
    MYSQL *mysql = mysql_init(NULL);
    bool is_written =
        mysql_real_connect(mysql, dsn->host, dsn->user, dsn->password, dsn->database, port, NULL, 0) &&
        mysql_query(mysql, INSERT) == 0;
    tell(is_written, mysql_error(mysql));
    mysql_close(mysql);
    return is_written;
}
#else
static bool write_mysql(const struct writer *writer) {
    (void)writer;
    return tell(false, "built without MySQL");
}
#endif

static bool write_sqlite(const struct writer *writer) {
    sqlite3 *db = NULL;
    bool is_written = sqlite3_open(writer->dsn.path, &db) == SQLITE_OK &&
                      sqlite3_busy_timeout(db, (int)writer->limit_ms) == SQLITE_OK &&
                      sqlite3_exec(db, INSERT, NULL, NULL, NULL) == SQLITE_OK;
    tell(is_written, sqlite3_errmsg(db));
    sqlite3_close(db);
    return is_written;
}

static bool write_once(const struct writer *writer) {
    switch (writer->dsn.scheme) {
    case DSN_POSTGRES: return write_postgres(writer);
    case DSN_MYSQL: return write_mysql(writer);
    case DSN_SQLITE: break;
    }
    return write_sqlite(writer);
}

/* -- all of them -- */

static int64_t now_ms(void) {
    return clock_now_ms(clock_system());
}

static void begin(struct writer *writer) {
    struct attempt *attempt = writer->attempts;
    while (attempt < writer->attempts + ATTEMPTS_MAX && attempt->pid != 0)
        attempt++;
    if (attempt == writer->attempts + ATTEMPTS_MAX)
        return; /* which shows as a gap */
    pid_t parent = getpid();
    attempt->begun_ms = now_ms();
    attempt->pid = fork();
    if (attempt->pid == 0)
        _exit(process_die_with_parent(parent) && write_once(writer) ? 0 : 1);
    if (attempt->pid < 0)
        attempt->pid = 0;
}

static void end(struct attempt *attempt, const char *what) {
    printf("%lld %lld %s\n", (long long)attempt->begun_ms, (long long)now_ms(), what);
    attempt->pid = 0;
}

/* An attempt over its limit is broken off, as an application gives up. */
static void look_after(struct writer *writer, struct attempt *attempt) {
    int status = 0;
    pid_t ended = waitpid(attempt->pid, &status, WNOHANG);
    if (ended == attempt->pid) {
        end(attempt, WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "written" : "failed");
    } else if (now_ms() - attempt->begun_ms >= writer->limit_ms) {
        kill(attempt->pid, SIGKILL);
        while (waitpid(attempt->pid, &status, 0) < 0 && errno == EINTR)
            ;
        end(attempt, "late");
    }
}

static void pause_for(int64_t ms) {
    const struct timespec length = {.tv_nsec = (long)ms * 1000000};
    nanosleep(&length, NULL);
}

static void write_for_ever(struct writer *writer) {
    for (int64_t due_ms = now_ms();;) {
        if (now_ms() >= due_ms) {
            begin(writer);
            due_ms += PERIOD_MS;
        }
        for (int i = 0; i < ATTEMPTS_MAX; i++)
            if (writer->attempts[i].pid > 0)
                look_after(writer, &writer->attempts[i]);
        fflush(stdout);
        pause_for(STEP_MS);
    }
}

int main(int argc, char **argv) {
    struct writer writer = {.text = getenv("WRITER_DSN")};
    struct error err;
    if (argc != 2 || !writer.text) {
        fprintf(stderr, "usage: WRITER_DSN=DSN failover-writer LIMIT_MS\n");
        return 2;
    }
    writer.limit_ms = strtoll(argv[1], NULL, 10);
    if (dsn_parse(writer.text, &writer.dsn, &err) < 0) {
        fprintf(stderr, "failover-writer: %s\n", err.text);
        return 2;
    }
    write_for_ever(&writer);
}
