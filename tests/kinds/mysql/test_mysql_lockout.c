/* Tests that checking never makes a MariaDB server block this host (error 1129), and of packets that are lost
 * on the way to it. They need an address that the server does not take for its own machine's, and a name for
 * it (without one it counts nothing): a network namespace with a MariaDB in it. */
#include "kinds/mysql/mysql_bench.h"

#include "checker/policy.h"
#include "checker/judged.h"
#include "checker/schedule.h"
#include "harness/mariadb.h"
#include "harness/namespace.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <arpa/inet.h>
#include <check.h>
#include <mysql.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS "10.77.0.1"
#define DSN     "mysql://%s:%s@" ADDRESS ":%d/%s"

enum { TIMEOUT_MS = 5000, SHORT_MS = 300 /* of a run that gets no answer */ };

/* Returns false where it cannot be done here. */
static bool enter(const char *test) {
    const char *why = geteuid() == 0 ? namespace_enter() : "only root may run the server in a namespace";
    if (why) {
        skip_test(test, why);
        return false;
    }
    char *directory = tempdir_new(), *hosts = tempdir_path(directory, "hosts");
    tempdir_write(hosts, "127.0.0.1 localhost\n" ADDRESS " pod.example\n");
    namespace_cover("/etc/hosts", hosts);
    namespace_add_address(ADDRESS);
    free(hosts);
    free(directory);
    return true;
}

static struct mariadb_server *start(const char *setting) {
    const char *const settings[] = {"bind-address=" ADDRESS, "performance-schema=ON", setting, NULL};
    return mariadb_start(settings);
}

static void open_for(struct bench *bench, const struct mariadb_server *server, const char *user,
    const char *password, const char *database, int64_t timeout_ms) {
    char dsn[256];
    snprintf(dsn, sizeof dsn, DSN, user, password, server->port, database);
    bench_open(bench, dsn, ROLE_MAIN, timeout_ms);
}

/* What the server holds against us. */
static long count_errors(const struct mariadb_server *server) {
    char *text = mariadb_exec(server, "performance_schema",
        "SELECT COALESCE(SUM(SUM_CONNECT_ERRORS), 0) FROM host_cache WHERE IP = '" ADDRESS "'");
    long count = strtol(text, NULL, 10);
    free(text);
    return count;
}

struct awaited {
    const struct mariadb_server *server;
    long errors;
};

static bool has_counted(void *arg) {
    const struct awaited *awaited = arg;
    return count_errors(awaited->server) == awaited->errors;
}

static void await_errors(const struct mariadb_server *server, long errors) {
    struct awaited awaited = {server, errors};
    ck_assert_msg(
        wait_until(has_counted, &awaited, 5000), "%ld errors, not %ld", count_errors(server), errors);
}

/* What a bare TCP check does. */
static void knock(const struct mariadb_server *server) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port)};
    inet_pton(AF_INET, ADDRESS, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

START_TEST(bare_connects_lead_to_a_block_which_is_told) {
    struct bench bench;
    if (!enter("bare_connects_lead_to_a_block_which_is_told"))
        return;
    struct mariadb_server *server = start("max-connect-errors=5");
    open_for(&bench, server, "bugsink", MARIADB_PASSWORD_ENCODED, "bugsink", TIMEOUT_MS);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    for (int i = 1; i <= 5; i++) {
        knock(server);
        await_errors(server, i);
    }
    for (int i = 0; i < 10; i++) {
        bench_expect(&bench, REASON_HOST_BLOCKED, "1129", PHASE_AUTH);
        ck_assert_int_eq(count_errors(server), 5); /* to ask a blocked server is counted no more */
    }
    mariadb_do(server, NULL, "FLUSH HOSTS");
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    bench_close(&bench);
    mariadb_free(server);
}
END_TEST

static void parse(
    struct dsn *dsn, const struct mariadb_server *server, const char *password, const char *database) {
    char text[256];
    struct error err;
    snprintf(text, sizeof text, DSN, "bugsink", password, server->port, database);
    ck_assert_msg(dsn_parse(text, dsn, &err) == 0, "%s", err.text);
}

/* Wrong and right in turn: two wrong ones for two right ones, so that a good login wipes nothing out at
 * times. */
static void run_in_turn(const struct mariadb_server *server, int times) {
    struct bench bench;
    open_for(&bench, server, "bugsink", MARIADB_PASSWORD_ENCODED, "bugsink", TIMEOUT_MS);
    const struct dsn right = bench.own.config.database.dsn;
    struct dsn wrong, absent;
    parse(&wrong, server, "wrong", "bugsink");
    parse(&absent, server, MARIADB_PASSWORD_ENCODED, "absent");
    for (int i = 0; i < times; i++) {
        check_let_go(&bench.own.check); /* a worker is told its check once */
        bench.own.config.database.dsn = i % 25 == 0 ? absent : i % 4 < 2 ? wrong : right;
        enum reason reason = i % 25 != 0 && i % 4 >= 2 ? REASON_OK : REASON_AUTH_FAILED;
        bench_expect(&bench, reason,
            reason == REASON_OK ? ""
            : i % 25 == 0       ? "1044"
                                : "1045",
            reason == REASON_OK ? PHASE_NONE : PHASE_AUTH);
    }
    bench.own.config.database.dsn = right;
    bench_close(&bench);
    dsn_release(&wrong);
    dsn_release(&absent);
    ck_assert_int_eq(count_errors(server), 0);
}

START_TEST(a_thousand_checks_with_right_and_wrong_passwords_do_not) {
    if (!enter("a_thousand_checks_with_right_and_wrong_passwords_do_not"))
        return;
    struct mariadb_server *server = start("max-connect-errors=5");
    run_in_turn(server, 980);
    struct bench bench;
    open_for(&bench, server, "bugsink", MARIADB_PASSWORD_ENCODED, "bugsink", TIMEOUT_MS);
    mariadb_fill(server);
    for (int i = 0; i < 20; i++)
        bench_expect(&bench, REASON_TOO_MANY_CLIENTS, "1040", PHASE_AUTH);
    mariadb_empty(server);
    mariadb_await_empty(server);
    ck_assert_int_eq(count_errors(server), 0);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    bench_close(&bench);
    mariadb_free(server);
}
END_TEST

/* Connects as Bugsink does, from this address. Returns the error's number, 0: all is well. */
static unsigned log_in_as_bugsink(const struct mariadb_server *server) {
    MYSQL *mysql = mysql_init(NULL);
    unsigned error = 0;
    if (!mysql_real_connect(
            mysql, ADDRESS, "bugsink", MARIADB_PASSWORD, "bugsink", (unsigned)server->port, NULL, 0))
        error = mysql_errno(mysql);
    mysql_close(mysql);
    return error;
}

/* One attempt at a server that hangs. Its child lingers until the next one. */
static void attempt(struct bench *bench) {
    bench_expect(bench, REASON_TIMEOUT, "", PHASE_AUTH);
    ck_assert_uint_eq(bench->rig.children.count, 1);
}

/* The attempts that a sidecar at default settings makes in an hour: made for real, but for the waiting
 * between them, which policy and schedule reckon as they do in the sidecar. */
static int attempt_for_an_hour(struct bench *bench) {
    static const char *const ENVIRONMENT[] = {"DATABASE_URL=mysql://bugsink@db.example/bugsink", NULL};
    struct error err;
    struct config *config = config_load(&(const struct config_source){.environment = ENVIRONMENT}, &err);
    ck_assert_msg(config && config->checks[0].kind == KIND_MYSQL, "%s", err.text);
    struct check_memory memory;
    memory_init(&memory, 0);
    int attempts = 0;
    for (int64_t now_ms = 0; now_ms < 3600 * 1000; attempts++) {
        attempt(bench);
        int64_t duration_ms = config->checks[0].timeout_ms;
        now_ms += duration_ms;
        judge(&config->checks[0], &memory, &bench->own.outcome, duration_ms, NULL, now_ms);
        now_ms += schedule_delay_ms(&config->checks[0], &memory, duration_ms, 0);
    }
    config_free(config);
    return attempts;
}

/* Each attempt that was given up is counted once the server wakes, before anything that comes after it. Here
 * the last one is, too, as where the sidecar ends meanwhile. One more (_i) than an hour holds, and Bugsink is
 * locked out. */
START_TEST(neither_does_a_server_that_hangs_for_an_hour) {
    struct bench bench;
    if (!enter("neither_does_a_server_that_hangs_for_an_hour"))
        return;
    struct mariadb_server *server = start("max-connect-errors=5");
    open_for(&bench, server, "bugsink", MARIADB_PASSWORD_ENCODED, "bugsink", TIMEOUT_MS);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    bench.own.config.timeout_ms = SHORT_MS;
    mariadb_pause(server);
    int attempts = attempt_for_an_hour(&bench);
    for (int i = 0; i < _i; i++)
        attempt(&bench);
    bench_close(&bench);
    mariadb_continue(server);
    await_errors(server, attempts + _i);
    unsigned error = log_in_as_bugsink(server);
    printf("max_connect_errors=5, hung for an hour: %d attempts, and %d more: Bugsink's login: %s\n",
        attempts, _i,
        error == 0      ? "well"
        : error == 1129 ? "blocked (1129)"
                        : "failed");
    ck_assert_msg(attempts < 5, "%d attempts in an hour", attempts);
    ck_assert_msg(
        error == (_i == 0 ? 0 : 1129), "error %u after %d attempts and %d more", error, attempts, _i);
    ck_assert_int_eq(count_errors(server), _i == 0 ? 0 : attempts + _i); /* a good login wipes the count */
    mariadb_free(server);
}
END_TEST

static bool has_answered_late(void *arg) {
    const struct bench *bench = arg;
    return bench->own.check.is_late;
}

/* The last attempt lingers: nobody need wait for the next one, and its login wipes the count of the others.
 */
START_TEST(a_server_that_wakes_completes_the_login_that_waits_for_it) {
    struct bench bench;
    if (!enter("a_server_that_wakes_completes_the_login_that_waits_for_it"))
        return;
    struct mariadb_server *server = start("max-connect-errors=5");
    open_for(&bench, server, "bugsink", MARIADB_PASSWORD_ENCODED, "bugsink", TIMEOUT_MS / 3);
    mariadb_pause(server);
    for (int i = 0; i < 3; i++)
        attempt(&bench);
    pid_t child = child_pid(bench.rig.children.head);
    int64_t begin_ms = wait_now_ms();
    mariadb_continue(server);
    ck_assert(rig_turn_until(&bench.rig, has_answered_late, &bench, 2000));
    printf("hung MariaDB: well %d ms after it wakes\n", (int)(wait_now_ms() - begin_ms));
    ck_assert_int_eq(bench.own.outcome.reason, REASON_OK);
    ck_assert_int_eq(bench.own.finished, 4);
    ck_assert(!bench.own.check.is_running);
    ck_assert(rig_turn_until_childless(&bench.rig));
    ck_assert(child_is_idle(bench.rig.children.head)); /* it stays, and so does its connection */
    ck_assert_int_eq(child_pid(bench.rig.children.head), child);
    ck_assert_uint_eq(log_in_as_bugsink(server), 0);
    await_errors(server, 0);
    bench_close(&bench);
    mariadb_free(server);
}
END_TEST

/* Packets dropped, not refused: first all of them, then all but those that open a connection. */
START_TEST(lost_packets_are_a_timeout_by_the_deadline) {
    struct bench bench;
    char rules[128];
    if (!enter("lost_packets_are_a_timeout_by_the_deadline"))
        return;
    struct mariadb_server *server = start("max-connect-errors=5");
    open_for(&bench, server, "bugsink", MARIADB_PASSWORD_ENCODED, "bugsink", TIMEOUT_MS);
    bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    bench.own.config.timeout_ms = SHORT_MS;
    snprintf(rules, sizeof rules, "tcp dport %d drop", server->port);
    const char *why = namespace_filter(rules);
    if (why)
        skip_test("lost_packets_are_a_timeout_by_the_deadline", why);
    for (int i = 0; !why && i < 10; i++) {
        struct stopwatch watch = stopwatch_start();
        bench_expect(&bench, REASON_TIMEOUT, "", PHASE_CONNECT);
        ck_assert_int_lt(stopwatch_free_ms(&watch), SHORT_MS + 200);
        ck_assert(rig_turn_until_childless(&bench.rig));
    }
    if (!why) {
        snprintf(rules, sizeof rules, "tcp dport %d tcp flags & syn == 0 drop", server->port);
        ck_assert_ptr_null(namespace_filter(rules));
        bench_expect(&bench, REASON_TIMEOUT, "", PHASE_AUTH);
        ck_assert_ptr_null(namespace_filter(""));
        ck_assert_int_eq(count_errors(server), 0); /* none of the ten has reached the server */
        bench.own.config.timeout_ms = TIMEOUT_MS;
        bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    }
    bench_close(&bench);
    mariadb_free(server);
}
END_TEST

Suite *mysql_lockout_suite(void) {
    Suite *suite = suite_create("mysql_lockout");
    TCase *tcase = tcase_create("mysql_lockout");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, bare_connects_lead_to_a_block_which_is_told);
    tcase_add_test(tcase, a_thousand_checks_with_right_and_wrong_passwords_do_not);
    tcase_add_test(tcase, a_server_that_wakes_completes_the_login_that_waits_for_it);
    tcase_add_loop_test(tcase, neither_does_a_server_that_hangs_for_an_hour, 0, 2);
    tcase_add_test(tcase, lost_packets_are_a_timeout_by_the_deadline);
    return suite;
}
