/* A PostgreSQL check on the rig. */
#include "kinds/postgres/postgres_bench.h"

#include "kinds/kinds.h"
#include "harness/stopwatch.h"

#include "harness/proc.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LATE_MS = 500, TIMEOUT_MS = 5000, SHORT_MS = 500 };

void postgres_bench_forget_environment(void) {
    static const char *const NAMES[] = {"PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGPASSWORD",
        "PGDATABASE", "PGSSLMODE", "PGSERVICE", "PGPASSFILE", "PGOPTIONS", "PGAPPNAME"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        unsetenv(NAMES[i]);
    setenv("HOME", "/nonexistent", 1); /* no ~/.pgpass, no ~/.postgresql/root.crt */
}

void postgres_bench_open(struct postgres_bench *bench, const char *dsn, enum role role, int64_t timeout_ms) {
    postgres_bench_open_keeping(bench, dsn, role, timeout_ms, 0, 0);
}

void postgres_bench_open_keeping(struct postgres_bench *bench, const char *dsn, enum role role,
    int64_t timeout_ms, int64_t interval_ms, int64_t reconnect_ms) {
    struct error err;
    rig_init(&bench->rig);
    bench->own = (struct rig_check){.config = {.kind = KIND_POSTGRES,
                                        .database.role = role,
                                        .timeout_ms = timeout_ms,
                                        .interval_ms = interval_ms,
                                        .database.reconnect_ms = reconnect_ms}};
    ck_assert_msg(dsn_parse(dsn, &bench->own.config.database.dsn, &err) == 0, "%s", err.text);
    ck_assert_msg(check_init(&bench->own.check, &POSTGRES_KIND, &bench->rig.env, &bench->own.config,
                      rig_finished, &bench->own, &err) == 0,
        "%s", err.text);
}

void postgres_bench_close(struct postgres_bench *bench) {
    check_release(&bench->own.check);
    dsn_release(&bench->own.config.database.dsn);
    rig_release(&bench->rig);
}

void postgres_bench_expect(
    struct postgres_bench *bench, enum reason reason, const char *code, enum phase phase) {
    struct stopwatch watch = stopwatch_start();
    rig_run(&bench->rig, &bench->own);
    int64_t free_ms = stopwatch_free_ms(&watch);
    const struct outcome *outcome = &bench->own.outcome;
    const char *phase_text = phase_name(outcome->phase);
    ck_assert_msg(outcome->reason == reason && strcmp(outcome->code, code) == 0 && outcome->phase == phase,
        "%s %s in phase %s: %s (%s)", reason_info(outcome->reason)->slug, outcome->code,
        phase_text ? phase_text : "none", outcome->detail, bench->own.config.database.dsn.safe);
    ck_assert_int_lt(free_ms, bench->own.config.timeout_ms + LATE_MS);
    ck_assert_ptr_null(strstr(outcome->detail, POSTGRES_PASSWORD));
    ck_assert_ptr_null(strstr(outcome->detail, POSTGRES_PASSWORD_ENCODED));
}

void postgres_bench_run_once(
    const char *dsn, enum role role, enum reason reason, const char *code, enum phase phase) {
    struct postgres_bench bench;
    postgres_bench_open(&bench, dsn, role, reason == REASON_TIMEOUT ? SHORT_MS : TIMEOUT_MS);
    postgres_bench_expect(&bench, reason, code, phase);
    postgres_bench_close(&bench);
}

int postgres_bench_count_descriptors(void) {
    return proc_descriptor_count(getpid());
}

PGconn *postgres_bench_lock(const struct postgres_server *server, const char *database) {
    char conninfo[512];
    snprintf(conninfo, sizeof conninfo, "host=%s port=%d user=postgres dbname=%s application_name=locker",
        server->root, server->port, database);
    PGconn *conn = PQconnectdb(conninfo);
    PQclear(PQexec(conn, "BEGIN"));
    PGresult *result = PQexec(conn, "LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE");
    ck_assert_msg(PQresultStatus(result) == PGRES_COMMAND_OK, "%s", PQerrorMessage(conn));
    PQclear(result);
    return conn;
}

/* The server insists that its key is its own, or root's with mode 0640 at most; it is given a copy. */
static void give_key(struct postgres_server *own, const char *directory) {
    char command[1024];
    snprintf(command, sizeof command,
        "cd '%s' && cp right.key right.crt '%s'/ && cd '%s' && chmod 0600 right.key && chown "
        "--reference=data right.*",
        directory, own->root, own->root);
    ck_assert_int_eq(system(command), 0);
}

struct postgres_server *postgres_bench_start_tls(const char *certificates) {
    static const char *const SETTINGS[] = {
        "ssl=on", "ssl_cert_file=../right.crt", "ssl_key_file=../right.key", NULL};
    struct postgres_server *own = postgres_start(NULL);
    postgres_stop(own);
    give_key(own, certificates);
    postgres_restart(own, SETTINGS);
    return own;
}

void postgres_bench_expect_well(struct postgres_bench *bench) {
    postgres_bench_expect(bench, REASON_OK, "", PHASE_NONE);
}

char *postgres_bench_backends(const struct postgres_server *server) {
    return postgres_exec(
        server, "postgres", "SELECT coalesce(string_agg(pid::text, ' '), '') " POSTGRES_BENCH_SESSIONS);
}

bool postgres_bench_is_nobody_there(void *server) {
    char *backends = postgres_bench_backends(server);
    bool is_nobody = backends[0] == '\0';
    free(backends);
    return is_nobody;
}

static void on_stirred(struct check *check) {
    struct rig_check *own = check->arg;
    own->stirred++;
}

void postgres_bench_watch_stirred(struct postgres_bench *bench) {
    bench->own.check.stirred = on_stirred;
}

bool postgres_bench_is_stirred(void *own) {
    const struct rig_check *check = own;
    return check->stirred > 0;
}
