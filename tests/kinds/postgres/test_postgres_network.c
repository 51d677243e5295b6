/* Tests of packets that are lost on the way to a real PostgreSQL server, in a network namespace. */
#include "kinds/kinds.h"
#include "kinds/postgres/postgres_bench.h"

#include "harness/namespace.h"
#include "harness/postgres.h"
#include "harness/rig.h"
#include "harness/skip.h"
#include "harness/stopwatch.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TIMEOUT_MS = 1000 }; /* enough for a login beside other work, too */

static void expect(struct rig *rig, struct rig_check *own, enum reason reason, enum phase phase) {
    struct stopwatch watch = stopwatch_start();
    rig_run(rig, own);
    int64_t free_ms = stopwatch_free_ms(&watch);
    ck_assert_msg(own->outcome.reason == reason && own->outcome.phase == phase, "%s in phase %s: %s",
        reason_info(own->outcome.reason)->slug, phase == PHASE_NONE ? "none" : phase_name(own->outcome.phase),
        own->outcome.detail);
    ck_assert_int_lt(free_ms, TIMEOUT_MS + 200);
    ck_assert(rig_turn_until_childless(rig));
}

static const char *enter(void) {
    const char *why = geteuid() == 0 ? namespace_enter() : "only root may run the server in a namespace";
    return why ? why : namespace_filter("");
}

/* Packets dropped, not refused: first all of them, then all but those that open a connection. */
START_TEST(lost_packets_are_a_timeout_by_the_deadline) {
    struct rig rig;
    struct error err;
    char rules[128];
    const char *why = enter();
    if (why) {
        skip_test("lost_packets_are_a_timeout_by_the_deadline", why);
        return;
    }
    struct postgres_server *server = postgres_start(NULL);
    char *dsn = postgres_dsn(server, "bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink", "");
    struct rig_check own = {
        .config = {.kind = KIND_POSTGRES, .database.role = ROLE_MAIN, .timeout_ms = TIMEOUT_MS}};
    rig_init(&rig);
    ck_assert_msg(dsn_parse(dsn, &own.config.database.dsn, &err) == 0, "%s", err.text);
    ck_assert_int_eq(
        check_init(&own.check, &POSTGRES_KIND, &rig.env, &own.config, rig_finished, &own, &err), 0);
    expect(&rig, &own, REASON_OK, PHASE_NONE);
    snprintf(rules, sizeof rules, "tcp dport %d drop", server->port);
    ck_assert_ptr_null(namespace_filter(rules));
    expect(&rig, &own, REASON_TIMEOUT, PHASE_CONNECT);
    snprintf(rules, sizeof rules, "tcp dport %d tcp flags & syn == 0 drop", server->port);
    ck_assert_ptr_null(namespace_filter(rules));
    expect(&rig, &own, REASON_TIMEOUT, PHASE_TLS);
    ck_assert_ptr_null(namespace_filter(""));
    expect(&rig, &own, REASON_OK, PHASE_NONE);
    check_release(&own.check);
    dsn_release(&own.config.database.dsn);
    rig_release(&rig);
    postgres_free(server);
    free(dsn);
}
END_TEST

/* A router, or a pod's NAT, has forgotten the flow of the kept connection, and drops its packets; a new one
 * goes through. */
START_TEST(a_connection_that_the_network_has_forgotten_is_replaced_in_the_run) {
    enum { LONG_MS = 3000, SHARE_MS = LONG_MS / 3 };
    struct postgres_bench bench;
    char rules[128];
    const char *why = enter();
    if (why) {
        skip_test("a_connection_that_the_network_has_forgotten_is_replaced_in_the_run", why);
        return;
    }
    struct postgres_server *server = postgres_start(NULL);
    char *dsn = postgres_dsn(server, "bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink", "");
    postgres_bench_open_keeping(&bench, dsn, ROLE_MAIN, LONG_MS, 5000, 60000);
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    char *port = postgres_exec(server, "postgres",
        "SELECT client_port FROM pg_stat_activity WHERE application_name = 'bugsink-health'");
    snprintf(rules, sizeof rules, "tcp sport %s drop", port);
    ck_assert_ptr_null(namespace_filter(rules));
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    ck_assert_int_ge(bench.own.duration_ms, SHARE_MS);
    snprintf(rules, sizeof rules, "tcp dport %d drop", server->port);
    ck_assert_ptr_null(namespace_filter(rules)); /* and where nothing goes through, that is the verdict */
    postgres_bench_expect(&bench, REASON_TIMEOUT, "", PHASE_CONNECT);
    ck_assert_ptr_null(namespace_filter(""));
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    postgres_bench_close(&bench);
    postgres_free(server);
    free(port);
    free(dsn);
}
END_TEST

Suite *postgres_network_suite(void) {
    Suite *suite = suite_create("postgres_network");
    TCase *tcase = tcase_create("postgres_network");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, lost_packets_are_a_timeout_by_the_deadline);
    tcase_add_test(tcase, a_connection_that_the_network_has_forgotten_is_replaced_in_the_run);
    return suite;
}
