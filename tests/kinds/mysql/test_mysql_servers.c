/* Tests of the MySQL kind on MariaDB servers of their own, which are stopped, filled, and set up otherwise.
 *
 *  the server                                         the run
 *  full                                               too_many_clients 1040
 *  no user for this host                              host_denied 1130
 *  read_only, tx_read_only; innodb_read_only          read_only 1290, no code; for plain ok
 *  read_only for a user who is exempt                 ok
 *  stopped, crashed, no socket                        refused
 *  SIGSTOPped                                         timeout in phase auth
 *  TLS wanted where there is none; wrong CA, name     tls
 *  a Galera node outside its cluster, serving reads   db_starting
 *
 * Every run is looked through for the password. */
#include "kinds/mysql/mysql_bench.h"

#include "harness/certificates.h"
#include "harness/mariadb.h"
#include "harness/peer.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USER         "bugsink"
#define RIGHT        MARIADB_PASSWORD_ENCODED
#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

enum { TIMEOUT_MS = 5000, SHORT_MS = 600 };

/* -- servers of one test -- */

START_TEST(stopped_started_paused_and_crashed) {
    enum { PAUSED_MS = 1000 };
    struct bench bench;
    struct mariadb_server *own = mariadb_start(NULL);
    char *dsn = mariadb_dsn(own, USER, RIGHT, "bugsink", "");
    bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    mariadb_stop(own);
    bench_expect(&bench, REASON_REFUSED, "2002", PHASE_CONNECT);
    mariadb_restart(own, NULL);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    mariadb_pause(own);
    bench.own.config.timeout_ms = PAUSED_MS;
    bench_expect(&bench, REASON_TIMEOUT, "", PHASE_AUTH);
    mariadb_continue(own);
    bench.own.config.timeout_ms = TIMEOUT_MS;
    ck_assert(rig_turn_until_childless(&bench.rig));
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    mariadb_crash(own);
    bench_expect(&bench, REASON_REFUSED, "2002", PHASE_CONNECT);
    mariadb_restart(own, NULL);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    bench_close(&bench);
    free(dsn);
    mariadb_free(own);
}
END_TEST

START_TEST(a_full_server) {
    struct bench bench;
    struct mariadb_server *own = mariadb_start(NULL);
    char *dsn = mariadb_dsn(own, USER, RIGHT, "bugsink", "");
    bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    mariadb_fill(own);
    bench_expect(&bench, REASON_TOO_MANY_CLIENTS, "1040", PHASE_AUTH);
    mariadb_empty(own);
    mariadb_await_empty(own);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    bench_close(&bench);
    free(dsn);
    mariadb_free(own);
}
END_TEST

START_TEST(read_only_is_an_error_for_main_and_for_whom_it_binds) {
    const char *const bound[] = {"read-only", NULL}, *const engine[] = {"innodb-read-only", NULL},
                      *const session[] = {"transaction-read-only", NULL};
    struct mariadb_server *own = mariadb_start(NULL);
    char *dsn = mariadb_dsn(own, USER, RIGHT, "bugsink", ""),
         *blank = mariadb_dsn(own, USER, RIGHT, "blank", ""),
         *exempt = mariadb_dsn(own, "exempt", "p", "bugsink", "");
    mariadb_do(own, NULL,
        "CREATE USER exempt@'%' IDENTIFIED BY 'p';\nGRANT ALL ON bugsink.* TO exempt@'%';\n"
        "GRANT READ_ONLY ADMIN ON *.* TO exempt@'%';\n");
    bench_once(dsn, ROLE_MAIN, REASON_OK, "", PHASE_NONE);
    mariadb_stop(own);
    mariadb_restart(own, bound);
    bench_once(dsn, ROLE_MAIN, REASON_READ_ONLY, "1290", PHASE_QUERY);
    bench_once(blank, ROLE_MAIN, REASON_READ_ONLY, "1290", PHASE_QUERY); /* judged before the tables */
    bench_once(dsn, ROLE_PLAIN, REASON_OK, "", PHASE_NONE);
    bench_once(exempt, ROLE_MAIN, REASON_OK, "", PHASE_NONE);
    mariadb_stop(own);
    mariadb_restart(own, session);
    bench_once(dsn, ROLE_MAIN, REASON_READ_ONLY, "", PHASE_QUERY);
    mariadb_stop(own);
    mariadb_restart(own, engine);
    bench_once(exempt, ROLE_MAIN, REASON_READ_ONLY, "", PHASE_QUERY);
    free(dsn);
    free(blank);
    free(exempt);
    mariadb_free(own);
}
END_TEST

START_TEST(a_host_without_a_user_is_denied) {
    struct mariadb_server *own = mariadb_start(NULL);
    char *dsn = mariadb_dsn(own, USER, RIGHT, "bugsink", "");
    mariadb_do(own, NULL, /* as seen from 127.0.0.1, none of them fits */
        "DELETE FROM mysql.global_priv WHERE User <> 'root' OR Host <> 'localhost';\n"
        "UPDATE mysql.global_priv SET Host = '10.1.2.3' WHERE User <> 'root';\n");
    mariadb_stop(own);
    const char *const settings[] = {"skip-name-resolve", NULL}; /* else 127.0.0.1 is localhost */
    mariadb_restart(own, settings);
    bench_once(dsn, ROLE_MAIN, REASON_HOST_DENIED, "1130", PHASE_AUTH);
    free(dsn);
    mariadb_free(own);
}
END_TEST

/* -- Galera -- */

#define GALERA "/usr/lib/galera/libgalera_smm.so" /* Debian's galera-4 */

struct node {
    struct mariadb_server *server;
    struct bench bench;
    MYSQL *root;
};

static void node_start(struct node *node) {
    char options[160], address[64];
    int port = peer_free_port();
    snprintf(address, sizeof address, "wsrep-node-address=127.0.0.1:%d", port);
    snprintf(options, sizeof options,
        "wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:%d;gcache.size=1M;gcache.page_size=1M",
        port);
    const char *const settings[] = {"wsrep-on=ON", "wsrep-provider=" GALERA, "wsrep-cluster-address=gcomm://",
        "wsrep-new-cluster", "wsrep-sst-method=skip", "wsrep-dirty-reads=1", "binlog-format=ROW", address,
        options, NULL};
    node->server = mariadb_start(settings);
    node->root = mysql_init(NULL);
    ck_assert_msg(
        mysql_real_connect(node->root, "localhost", "root", "", NULL, 0, node->server->socket, 0) != NULL,
        "%s", mysql_error(node->root));
}

static bool is_in_cluster(void *arg) {
    struct node *node = arg;
    rig_run(&node->bench.rig, &node->bench.own);
    return node->bench.own.outcome.reason == REASON_OK;
}

static bool is_alone(void *arg) {
    struct node *node = arg;
    rig_run(&node->bench.rig, &node->bench.own);
    return node->bench.own.outcome.reason == REASON_DB_STARTING; /* one that is on its way may hang up, too */
}

/* With wsrep_dirty_reads it answers all that reads, on a connection that was made before as on a new one. */
START_TEST(a_galera_node_that_serves_reads_alone_is_not_ready) {
    enum { RUNS_MOST = 10 };
    static const char LEAVE[] = "SET GLOBAL wsrep_cluster_address='gcomm://127.0.0.1:9'";
    struct node node;
    if (access(GALERA, R_OK) != 0) {
        skip_test("a_galera_node_that_serves_reads_alone_is_not_ready", "galera-4 is not installed");
        return;
    }
    node_start(&node);
    char *dsn = mariadb_dsn(node.server, USER, RIGHT, "bugsink", "");
    bench_open_keeping(&node.bench, dsn, ROLE_MAIN, TIMEOUT_MS, TIMEOUT_MS, 60000);
    ck_assert(wait_until(is_in_cluster, &node, 20000)); /* a new one takes its time, too */
    bench_expect(&node.bench, REASON_OK, "", PHASE_NONE);
    /* It seeks the other for half a minute, and is alone from the first moment on. */
    ck_assert_int_eq(mysql_send_query(node.root, LEAVE, sizeof LEAVE - 1), 0);
    ck_assert(wait_until(is_alone, &node, 20000));
    enum reason first = REASON_RESET; /* it may be throwing its sessions out still */
    for (int i = 0; i < RUNS_MOST && first == REASON_RESET; i++) {
        rig_run(&node.bench.rig, &node.bench.own);
        first = node.bench.own.outcome.reason;
    }
    ck_assert_msg(first == REASON_DB_STARTING, "%s", reason_info(first)->slug);
    for (int i = 0; i < 3; i++)
        bench_expect(&node.bench, REASON_DB_STARTING, "", PHASE_QUERY);
    char *reads = mariadb_exec(node.server, "bugsink", "SELECT count(*) FROM phonehome_installation");
    ck_assert_str_eq(reads, "1");
    free(reads);
    bench_close(&node.bench);
    mariadb_crash(node.server);
    mysql_close(node.root);
    mariadb_free(node.server);
    free(dsn);
}
END_TEST

/* -- TLS -- */

static const struct {
    const char *host, *query, *authority;
    enum reason reason;
} TLS[] = {
    {"127.0.0.1", "ssl-mode=verify-identity&ssl-ca=", "right", REASON_OK},
    {"127.0.0.1", "ssl-mode=verify-identity&ssl-ca=", "wrong", REASON_TLS},
    {"[::1]", "ssl-mode=VERIFY_IDENTITY&ssl-ca=", "right", REASON_TLS}, /* not named in the certificate */
    {"[::1]", "ssl-mode=VERIFY_CA&ssl-ca=", "right", REASON_OK},
    {"[::1]", "ssl_ca=", "right", REASON_OK},
    {"[::1]", "ssl_ca=", "wrong", REASON_TLS},
};

START_TEST(tls_is_made_and_verified_as_the_dsn_says) {
    char *certificates = certificates_make("IP:127.0.0.1");
    if (!certificates) {
        skip_test("tls_is_made_and_verified_as_the_dsn_says", "no command openssl here");
        return;
    }
    char dsn[1024], certificate[300], key[300];
    snprintf(certificate, sizeof certificate, "ssl-cert=%s/right.crt", certificates);
    snprintf(key, sizeof key, "ssl-key=%s/right.key", certificates);
    const char *const settings[] = {certificate, key, NULL};
    struct mariadb_server *own = mariadb_start(settings);
    for (int i = 0; i < COUNT(TLS); i++) {
        snprintf(dsn, sizeof dsn, "mysql://%s:%s@%s:%d/bugsink?%s%s/%s-ca.crt", USER, RIGHT, TLS[i].host,
            own->port, TLS[i].query, certificates, TLS[i].authority);
        bench_once(dsn, ROLE_MAIN, TLS[i].reason, TLS[i].reason == REASON_OK ? "" : "2026",
            TLS[i].reason == REASON_OK ? PHASE_NONE : PHASE_TLS);
    }
    mariadb_do(own, NULL, "ALTER USER bugsink@'%' REQUIRE SSL;\n");
    const struct {
        const char *query;
        enum reason reason;
    } modes[] = {{"", REASON_OK}, {"?ssl-mode=required", REASON_OK},
        {"?ssl-mode=disabled", REASON_AUTH_FAILED}, {"?ssl-mode=verify-identity", REASON_TLS}};
    for (int i = 0; i < COUNT(modes); i++) {
        char *simple = mariadb_dsn(own, USER, RIGHT, "bugsink", modes[i].query);
        bench_once(simple, ROLE_MAIN, modes[i].reason, NULL,
            modes[i].reason == REASON_OK    ? PHASE_NONE
            : modes[i].reason == REASON_TLS ? PHASE_TLS
                                            : PHASE_AUTH);
        free(simple);
    }
    free(certificates);
    mariadb_free(own);
}
END_TEST

static bool is_logging_in(void *arg) {
    return check_is_logging_in(arg);
}

/* As a reload does that changes a check, or takes it out. */
START_TEST(a_check_that_goes_lets_its_login_finish) {
    struct bench bench;
    struct mariadb_server *own = mariadb_start(NULL);
    char *dsn = mariadb_dsn(own, USER, RIGHT, "bugsink", "");
    bench_open(&bench, dsn, ROLE_MAIN, 5000);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    long broken = mariadb_status(own, "Aborted_connects"), made = mariadb_status(own, "Connections");
    mariadb_pause(own);
    ck_assert(check_start(&bench.own.check));
    ck_assert(rig_turn_until(&bench.rig, is_logging_in, &bench.own.check, 5000));
    check_release(&bench.own.check);
    mariadb_continue(own);
    ck_assert(rig_turn_until_childless(&bench.rig));
    ck_assert_int_gt(mariadb_status(own, "Connections"), made + 1);
    ck_assert_int_eq(mariadb_status(own, "Aborted_connects"), broken);
    ck_assert_int_eq(bench.own.finished, 1);
    dsn_release(&bench.own.config.database.dsn);
    rig_release(&bench.rig);
    free(dsn);
    mariadb_free(own);
}
END_TEST

START_TEST(a_login_that_is_let_finish_has_until_its_deadline) {
    enum { DEADLINE_MS = 1000 };
    struct bench bench;
    struct mariadb_server *own = mariadb_start(NULL);
    char *dsn = mariadb_dsn(own, USER, RIGHT, "bugsink", "");
    bench_open(&bench, dsn, ROLE_MAIN, DEADLINE_MS);
    mariadb_pause(own);
    ck_assert(check_start(&bench.own.check));
    ck_assert(rig_turn_until(&bench.rig, is_logging_in, &bench.own.check, DEADLINE_MS));
    check_release(&bench.own.check);
    ck_assert_uint_eq(children_busy(&bench.rig.children), 1);
    ck_assert(rig_turn_until_childless(&bench.rig));
    dsn_release(&bench.own.config.database.dsn);
    rig_release(&bench.rig);
    free(dsn);
    mariadb_free(own);
}
END_TEST

Suite *mysql_servers_suite(void) {
    Suite *suite = suite_create("mysql_servers");
    TCase *own = tcase_create("own");
    suite_add_tcase(suite, own);
    tcase_set_timeout(own, 90);
    tcase_add_test(own, stopped_started_paused_and_crashed);
    tcase_add_test(own, a_full_server);
    tcase_add_test(own, read_only_is_an_error_for_main_and_for_whom_it_binds);
    tcase_add_test(own, a_host_without_a_user_is_denied);
    tcase_add_test(own, a_galera_node_that_serves_reads_alone_is_not_ready);
    tcase_add_test(own, tls_is_made_and_verified_as_the_dsn_says);
    tcase_add_test(own, a_check_that_goes_lets_its_login_finish);
    tcase_add_test(own, a_login_that_is_let_finish_has_until_its_deadline);
    return suite;
}
