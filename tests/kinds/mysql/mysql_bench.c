/* One check of the MySQL kind, run by hand. */
#include "kinds/mysql/mysql_bench.h"

#include "run/check.h"
#include "harness/mariadb.h"
#include "kinds/kinds.h"

#include <check.h>
#include <string.h>

enum { TIMEOUT_MS = 5000, SHORT_MS = 400 };

void bench_open(struct bench *bench, const char *dsn, enum role role, int64_t timeout_ms) {
    bench_open_keeping(bench, dsn, role, timeout_ms, 0, 0);
}

void bench_open_keeping(struct bench *bench, const char *dsn, enum role role, int64_t timeout_ms,
    int64_t interval_ms, int64_t reconnect_ms) {
    struct error err;
    rig_init(&bench->rig);
    bench->own = (struct rig_check){.config = {.kind = KIND_MYSQL,
                                        .database.role = role,
                                        .timeout_ms = timeout_ms,
                                        .interval_ms = interval_ms,
                                        .database.reconnect_ms = reconnect_ms}};
    ck_assert_msg(dsn_parse(dsn, &bench->own.config.database.dsn, &err) == 0, "%s", err.text);
    ck_assert_msg(check_init(&bench->own.check, &MYSQL_KIND, &bench->rig.env, &bench->own.config,
                      rig_finished, &bench->own, &err) == 0,
        "%s", err.text);
}

void bench_close(struct bench *bench) {
    check_release(&bench->own.check);
    dsn_release(&bench->own.config.database.dsn);
    rig_release(&bench->rig);
}

void bench_expect(struct bench *bench, enum reason reason, const char *code, enum phase phase) {
    rig_run(&bench->rig, &bench->own);
    const struct outcome *outcome = &bench->own.outcome;
    const char *phase_text = phase_name(outcome->phase);
    ck_assert_msg(
        outcome->reason == reason && (!code || strcmp(outcome->code, code) == 0) && outcome->phase == phase,
        "%s %s in phase %s: %s (%s)", reason_info(outcome->reason)->slug, outcome->code,
        phase_text ? phase_text : "none", outcome->detail, bench->own.config.database.dsn.safe);
    ck_assert_ptr_null(strstr(outcome->detail, MARIADB_PASSWORD));
    ck_assert_ptr_null(strstr(outcome->detail, MARIADB_PASSWORD_ENCODED));
}

void bench_once(const char *dsn, enum role role, enum reason reason, const char *code, enum phase phase) {
    struct bench bench;
    bench_open(&bench, dsn, role, reason == REASON_TIMEOUT ? SHORT_MS : TIMEOUT_MS);
    bench_expect(&bench, reason, code, phase);
    bench_close(&bench);
}
