/* What the tests of the MySQL kind share: one check on a rig, and what its run is expected to find. */
#ifndef BH_TESTS_KINDS_MYSQL_MYSQL_BENCH_H
#define BH_TESTS_KINDS_MYSQL_MYSQL_BENCH_H

#include "harness/rig.h"

struct bench {
    struct rig rig;
    struct rig_check own;
};

void bench_open(struct bench *bench, const char *dsn, enum role role, int64_t timeout_ms);

/* A check whose connection is kept, for that long. */
void bench_open_keeping(struct bench *bench, const char *dsn, enum role role, int64_t timeout_ms,
    int64_t interval_ms, int64_t reconnect_ms);
void bench_close(struct bench *bench);

/* Runs the check and expects this outcome. code NULL: any. Looks through its detail for MARIADB_PASSWORD. */
void bench_expect(struct bench *bench, enum reason reason, const char *code, enum phase phase);

/* One run from nothing; where a timeout is expected, with a short one. */
void bench_once(const char *dsn, enum role role, enum reason reason, const char *code, enum phase phase);

#endif
