/* What tests of the PostgreSQL kind run a check on. */
#ifndef BH_TESTS_KINDS_POSTGRES_POSTGRES_BENCH_H
#define BH_TESTS_KINDS_POSTGRES_POSTGRES_BENCH_H

#include "harness/postgres.h"
#include "harness/rig.h"

#include <libpq-fe.h>

struct postgres_bench {
    struct rig rig;
    struct rig_check own;
};

/* Forgets what of the environment libpq would heed. */
void postgres_bench_forget_environment(void);

/* A check that keeps no connection. */
void postgres_bench_open(struct postgres_bench *bench, const char *dsn, enum role role, int64_t timeout_ms);

/* One that keeps them for reconnect_ms, and is run every interval_ms. */
void postgres_bench_open_keeping(struct postgres_bench *bench, const char *dsn, enum role role,
    int64_t timeout_ms, int64_t interval_ms, int64_t reconnect_ms);

void postgres_bench_close(struct postgres_bench *bench);

/* Runs it once; what was found must be this, in time, and without the password. */
void postgres_bench_expect(
    struct postgres_bench *bench, enum reason reason, const char *code, enum phase phase);

/* postgres_bench_expect of a run that finds all well. */
void postgres_bench_expect_well(struct postgres_bench *bench);

#define POSTGRES_BENCH_SESSIONS "FROM pg_stat_activity WHERE application_name = 'bugsink-health'"

/* The backends that serve us, and how many they are; the caller frees. */
char *postgres_bench_backends(const struct postgres_server *server);

/* Of a struct postgres_server, for wait_until. */
bool postgres_bench_is_nobody_there(void *server);

/* From now on own.stirred counts; whether it does, for rig_turn_until, of own. */
void postgres_bench_watch_stirred(struct postgres_bench *bench);
bool postgres_bench_is_stirred(void *own);

/* The same as postgres_bench_expect from nothing, as a bench of its own. */
void postgres_bench_run_once(
    const char *dsn, enum role role, enum reason reason, const char *code, enum phase phase);

int postgres_bench_count_descriptors(void);

/* A session that holds what a migration holds; PQfinish lets go. */
PGconn *postgres_bench_lock(const struct postgres_server *server, const char *database);

/* A server with TLS, and certificates_make's right certificate. */
struct postgres_server *postgres_bench_start_tls(const char *certificates);

#endif
