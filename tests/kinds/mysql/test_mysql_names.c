/* Tests of names in a MySQL DSN that change, vanish or resolve slowly, in a mount namespace.
 *
 *  the name                                           the run
 *  leads to the same, in another order                ok, on the same connection
 *  leads to another address, or is gone               what is found there; unresolved
 *  leads to two, of which the first is not there      ok, at the second
 *  its name server falls silent                       slow, on what it was last; timeout where it never was
 *  moves while a login hangs, beyond its deadline     a run of its own, where it leads now */
#include "kinds/mysql/mysql_bench.h"

#include "harness/mariadb.h"
#include "harness/namespace.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 4000, INTERVAL_MS = 5000, RECONNECT_MS = 60000, PATIENCE_MS = 20000 };

static struct {
    char *dir, *hosts;
    struct mariadb_server *server;
} scene;

/* Returns false where that cannot be done here. */
static bool enter(const char *name) {
    const char *why = geteuid() == 0 ? namespace_enter() : "only root may run the server in a namespace";
    if (why) {
        skip_test(name, why);
        return false;
    }
    scene.dir = tempdir_new();
    scene.hosts = tempdir_path(scene.dir, "hosts");
    char *nsswitch = tempdir_path(scene.dir, "nsswitch");
    tempdir_write(scene.hosts, "127.0.0.1 db.test localhost\n"); /* the server is set up as localhost */
    tempdir_write(nsswitch, "hosts: files dns\n");
    namespace_cover("/etc/hosts", scene.hosts);
    namespace_cover("/etc/nsswitch.conf", nsswitch);
    free(nsswitch);
    scene.server = mariadb_start(NULL);
    return true;
}

static void leave(void) {
    mariadb_free(scene.server);
    free(scene.hosts);
    free(scene.dir);
}

static void open_for(struct bench *bench, int64_t timeout_ms, int64_t interval_ms, int64_t reconnect_ms) {
    char dsn[256];
    snprintf(dsn, sizeof dsn, "mysql://bugsink:%s@db.test:%d/bugsink", MARIADB_PASSWORD_ENCODED,
        scene.server->port);
    bench_open_keeping(bench, dsn, ROLE_MAIN, timeout_ms, interval_ms, reconnect_ms);
}

static char *our_sessions(void) {
    return mariadb_exec(scene.server, NULL,
        "SELECT GROUP_CONCAT(ID) FROM information_schema.PROCESSLIST WHERE USER = 'bugsink'");
}

START_TEST(a_name_that_moves_is_followed_in_the_next_run) {
    struct bench bench;
    if (!enter("a_name_that_moves_is_followed_in_the_next_run"))
        return;
    tempdir_write(scene.hosts, "127.0.0.1 db.test\n::1 db.test\n");
    open_for(&bench, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    char *first = our_sessions();
    tempdir_write(scene.hosts, "::1 db.test\n127.0.0.1 db.test\n");
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    char *second = our_sessions();
    ck_assert_str_eq(first, second);
    tempdir_write(scene.hosts, "127.0.0.9 db.test\n");
    bench_expect(&bench, REASON_REFUSED, "2002", PHASE_CONNECT); /* the server is not there */
    tempdir_write(scene.hosts, "127.0.0.1 db.test\n");
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    tempdir_write(scene.hosts, "127.0.0.1 elsewhere.test\n");
    bench_expect(&bench, REASON_UNRESOLVED, "", PHASE_RESOLVE);
    bench_close(&bench);
    free(first);
    free(second);
    leave();
}
END_TEST

START_TEST(each_address_of_a_name_has_its_turn) {
    struct bench bench;
    if (!enter("each_address_of_a_name_has_its_turn"))
        return;
    tempdir_write(scene.hosts, "127.0.0.8 db.test\n127.0.0.9 db.test\n127.0.0.1 db.test\n");
    open_for(&bench, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    bench_close(&bench);
    leave();
}
END_TEST

START_TEST(a_name_server_that_falls_silent_is_slow_while_the_last_address_serves) {
    struct bench bench, fresh;
    if (!enter("a_name_server_that_falls_silent_is_slow_while_the_last_address_serves"))
        return;
    open_for(&bench, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    int dns = namespace_silent_dns(scene.dir);
    bench_expect(&bench, REASON_SLOW, "", PHASE_RESOLVE); /* on the connection that was kept */
    mariadb_do(scene.server, NULL, "KILL USER bugsink");
    bench_expect(&bench, REASON_SLOW, "", PHASE_RESOLVE); /* on a fresh one */
    bench_close(&bench);
    open_for(&fresh, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
    bench_expect(&fresh, REASON_TIMEOUT, "", PHASE_RESOLVE);
    bench_close(&fresh);
    close(dns);
    leave();
}
END_TEST

static bool has_answered_late(void *arg) {
    const struct bench *bench = arg;
    return bench->own.check.is_late;
}

/* As where a server freezes, a replica of it is promoted, and the name is moved to that. The pause that a
 * hung login is followed by is minutes long. */
START_TEST(a_login_that_hangs_turns_to_where_the_name_has_moved) {
    enum { SHORT_MS = 1500, BETWEEN_MS = 500 };
    struct bench bench;
    char port[32];
    if (!enter("a_login_that_hangs_turns_to_where_the_name_has_moved"))
        return;
    snprintf(port, sizeof port, "port=%d", scene.server->port);
    const char *const settings[] = {"bind-address=127.0.0.2", port, NULL};
    struct mariadb_server *promoted = mariadb_start(settings);
    open_for(&bench, SHORT_MS, BETWEEN_MS, 0);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    mariadb_pause(scene.server);
    bench_expect(&bench, REASON_TIMEOUT, "", PHASE_AUTH);
    rig_turn_for(&bench.rig, 2 * BETWEEN_MS); /* it has looked, and nothing has moved */
    ck_assert(!bench.own.check.is_late);
    tempdir_write(scene.hosts, _i == 0 ? "127.0.0.2 db.test\n" : "127.0.0.9 db.test\n");
    ck_assert(rig_turn_until(&bench.rig, has_answered_late, &bench, PATIENCE_MS));
    ck_assert_msg(bench.own.outcome.reason == (_i == 0 ? REASON_OK : REASON_REFUSED), "%s: %s",
        reason_info(bench.own.outcome.reason)->slug, bench.own.outcome.detail);
    if (_i == 0)
        bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    bench_close(&bench);
    mariadb_continue(scene.server);
    mariadb_free(promoted);
    leave();
}
END_TEST

/* The look that finds the move, and the login that follows it, fit into one interval. */
START_TEST(a_name_that_has_moved_from_a_login_that_hangs_is_found_within_an_interval) {
    enum { SHORT_MS = 1500, BETWEEN_MS = 16000 };
    struct bench bench;
    if (!enter("a_name_that_has_moved_from_a_login_that_hangs_is_found_within_an_interval"))
        return;
    open_for(&bench, SHORT_MS, BETWEEN_MS, 0);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    mariadb_pause(scene.server);
    bench_expect(&bench, REASON_TIMEOUT, "", PHASE_AUTH);
    rig_turn_for(&bench.rig, 1000); /* it has looked at its deadline */
    tempdir_write(scene.hosts, "127.0.0.9 db.test\n");
    int64_t moved_ms = wait_now_ms();
    ck_assert(rig_turn_until(&bench.rig, has_answered_late, &bench, PATIENCE_MS));
    ck_assert_int_lt(wait_now_ms() - moved_ms, BETWEEN_MS * 3 / 4);
    ck_assert_int_eq(bench.own.outcome.reason, REASON_REFUSED);
    bench_close(&bench);
    mariadb_continue(scene.server);
    leave();
}
END_TEST

Suite *mysql_names_suite(void) {
    Suite *suite = suite_create("mysql_names");
    TCase *tcase = tcase_create("names");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_name_that_moves_is_followed_in_the_next_run);
    tcase_add_test(tcase, each_address_of_a_name_has_its_turn);
    tcase_add_test(tcase, a_name_server_that_falls_silent_is_slow_while_the_last_address_serves);
    tcase_add_loop_test(tcase, a_login_that_hangs_turns_to_where_the_name_has_moved, 0, 2);
    tcase_add_test(tcase, a_name_that_has_moved_from_a_login_that_hangs_is_found_within_an_interval);
    return suite;
}
