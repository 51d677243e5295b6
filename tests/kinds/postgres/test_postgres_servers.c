/* Tests of the PostgreSQL kind on servers of their own, which are stopped, filled, and set up otherwise; and
 * on scripted ones for what a real one will not do on demand.
 *
 *  the server                                         the run
 *  full                                               too_many_clients 53300
 *  a standby                                          read_only for main, ok for plain
 *  shutting down                                      db_starting 57P03
 *  stopped, crashed, no socket                        refused
 *  SIGSTOPped                                         timeout in phase tls, auth
 *  sslmode=require without TLS; wrong CA, name        tls
 *  garbage, HTTP, endless greeting                    protocol
 *  accepts and is silent, drips                       timeout in phase tls, auth
 *  asks for SCRAM, and is silent then                 timeout in phase auth
 *  asks for a mechanism that libpq does not know      auth_failed
 *  accepts and closes                                 reset
 *  asks for the password in clear, and quotes it      what it says is not told
 *
 * Every run is looked through for the password. */
#include "kinds/postgres/postgres_bench.h"

#include "harness/certificates.h"
#include "harness/peer.h"
#include "harness/postgres.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define USER  "bugsink"
#define RIGHT POSTGRES_PASSWORD_ENCODED

enum { TIMEOUT_MS = 5000 };

START_TEST(stopped_started_paused_and_crashed) {
    enum { PAUSED_MS = 1000 };
    struct postgres_bench bench;
    postgres_bench_forget_environment();
    struct postgres_server *own = postgres_start(NULL);
    char *dsn = postgres_dsn(own, USER, RIGHT, "bugsink", ""),
         *unencrypted = postgres_dsn(own, USER, RIGHT, "bugsink", "?sslmode=disable");
    postgres_bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    postgres_stop(own);
    postgres_bench_expect(&bench, REASON_REFUSED, "", PHASE_CONNECT);
    postgres_restart(own, NULL);
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    postgres_pause(own);
    bench.own.config.timeout_ms = PAUSED_MS;
    postgres_bench_expect(&bench, REASON_TIMEOUT, "", PHASE_TLS);
    postgres_continue(own);
    bench.own.config.timeout_ms = TIMEOUT_MS;
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    postgres_crash(own);
    postgres_bench_expect(&bench, REASON_REFUSED, "", PHASE_CONNECT);
    postgres_restart(own, NULL);
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    postgres_bench_close(&bench);
    postgres_pause(own);
    postgres_bench_run_once(unencrypted, ROLE_MAIN, REASON_TIMEOUT, "", PHASE_AUTH);
    free(dsn);
    free(unencrypted);
    postgres_free(own);
}
END_TEST

static bool is_shutting_down(void *arg) {
    char *log = postgres_log(arg);
    bool is_seen = strstr(log, "received smart shutdown request") != NULL;
    free(log);
    return is_seen;
}

START_TEST(a_full_server_and_one_that_shuts_down) {
    enum { SESSIONS = 4 };
    struct postgres_bench bench;
    PGconn *sessions[SESSIONS];
    const char *const settings[] = {"max_connections=6", "superuser_reserved_connections=2", NULL};
    postgres_bench_forget_environment();
    struct postgres_server *own = postgres_start(settings);
    char *dsn = postgres_dsn(own, USER, RIGHT, "bugsink", "");
    postgres_bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    for (int i = 0; i < SESSIONS; i++) {
        sessions[i] = PQconnectdb(dsn);
        ck_assert_msg(PQstatus(sessions[i]) == CONNECTION_OK, "%s", PQerrorMessage(sessions[i]));
    }
    postgres_bench_expect(&bench, REASON_TOO_MANY_CLIENTS, "53300", PHASE_AUTH);
    ck_assert_int_eq(kill(own->pid, SIGTERM), 0); /* waits for its clients to leave */
    ck_assert(wait_until(is_shutting_down, own, 5000));
    postgres_bench_expect(&bench, REASON_DB_STARTING, "57P03", PHASE_AUTH);
    for (int i = 0; i < SESSIONS; i++)
        PQfinish(sessions[i]);
    postgres_stop(own);
    postgres_bench_close(&bench);
    free(dsn);
    postgres_free(own);
}
END_TEST

START_TEST(a_standby_is_read_only) {
    postgres_bench_forget_environment();
    struct postgres_server *primary = postgres_start(NULL);
    postgres_stop(primary);
    struct postgres_server *standby = postgres_start_standby(primary);
    char *dsn = postgres_dsn(standby, USER, RIGHT, "bugsink", ""),
         *blank = postgres_dsn(standby, USER, RIGHT, "blank", ""),
         *picky = postgres_dsn(standby, USER, RIGHT, "bugsink", "?target_session_attrs=read-write");
    postgres_bench_run_once(dsn, ROLE_MAIN, REASON_READ_ONLY, "", PHASE_QUERY);
    postgres_bench_run_once(blank, ROLE_MAIN, REASON_READ_ONLY, "", PHASE_QUERY);
    postgres_bench_run_once(dsn, ROLE_PLAIN, REASON_OK, "", PHASE_NONE);
    postgres_bench_run_once(
        picky, ROLE_PLAIN, REASON_READ_ONLY, "", PHASE_AUTH); /* libpq's own question, in the login */
    free(dsn);
    free(blank);
    free(picky);
    postgres_free(standby);
    postgres_free(primary);
}
END_TEST

/* -- TLS -- */

START_TEST(tls_is_verified_by_the_name_though_the_address_was_resolved_before) {
    postgres_bench_forget_environment();
    char *certificates = certificates_make("DNS:localhost");
    if (!certificates) {
        skip_test(
            "tls_is_verified_by_the_name_though_the_address_was_resolved_before", "no command openssl here");
        return;
    }
    struct postgres_server *own = postgres_bench_start_tls(certificates);
    const struct {
        const char *host, *mode, *authority;
        enum reason reason;
    } rows[] = {
        {"localhost", "verify-full", "right", REASON_OK}, {"localhost", "verify-full", "wrong", REASON_TLS},
        {"127.0.0.1", "verify-full", "right", REASON_TLS}, /* the certificate does not name it */
        {"127.0.0.1", "verify-ca", "right", REASON_OK}, {"127.0.0.1", "verify-ca", "absent", REASON_TLS},
        {"127.0.0.1", "require", "absent", REASON_OK}, /* no root certificate there: none is asked for */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char dsn[1024];
        snprintf(dsn, sizeof dsn, "postgresql://%s:%s@%s:%d/bugsink?sslmode=%s&sslrootcert=%s/%s-ca.crt",
            USER, RIGHT, rows[i].host, own->port, rows[i].mode, certificates, rows[i].authority);
        postgres_bench_run_once(
            dsn, ROLE_MAIN, rows[i].reason, "", rows[i].reason == REASON_OK ? PHASE_NONE : PHASE_TLS);
    }
    char *log = postgres_log(own);
    ck_assert_ptr_nonnull(strstr(log, "SSL enabled"));
    free(log);
    free(certificates);
    postgres_free(own);
}
END_TEST

/* -- scripted servers -- */

#define BYTES(text) text, sizeof text - 1

/* ErrorResponse: length, severity, SQLSTATE, message in the server's language. */
#define STARTING                                                                                             \
    "E\0\0\0\x2d"                                                                                            \
    "S\xd0\xa4\xd0\x90\xd0\xa2\0"                                                                            \
    "VFATAL\0"                                                                                               \
    "C57P03\0"                                                                                               \
    "Mstarting up, secret\0"                                                                                 \
    "\0"
/* AuthenticationOk, ReadyForQuery, and then what was not asked for. */
#define WELCOME                                                                                              \
    "R\0\0\0\x08\0\0\0\0"                                                                                    \
    "Z\0\0\0\5I"
/* AuthenticationSASL: the mechanisms to choose from. */
#define SASL(length, mechanism) "R\0\0\0" length "\0\0\0\x0a" mechanism "\0\0"

static const struct {
    struct peer_script script;
    const char *query;
    enum reason reason;
    const char *code;
    enum phase phase;
} PEERS[] = {
    {{.reads = 0}, "", REASON_TIMEOUT, "", PHASE_TLS},
    {{.reads = 0}, "?sslmode=disable", REASON_TIMEOUT, "", PHASE_AUTH},
    {{1, BYTES("S"), 0, false}, "?sslmode=require", REASON_TIMEOUT, "", PHASE_TLS},
    {{1, BYTES("N"), 0, false}, "", REASON_TIMEOUT, "", PHASE_AUTH},
    {{1, BYTES(WELCOME), 0, false}, "?sslmode=disable", REASON_TIMEOUT, "", PHASE_QUERY},
    {{1, BYTES(SASL("\x17", "SCRAM-SHA-256")), 0, false}, "?sslmode=disable", REASON_TIMEOUT, "",
        PHASE_AUTH}, /* silent after our first message */
    {{1, BYTES(SASL("\x17", "SCRAM-SHA-256")), 0, true}, "?sslmode=disable", REASON_RESET, "", PHASE_AUTH},
    {{2, BYTES(SASL("\x17", "SCRAM-SHA-256")), 0, false}, "?sslmode=disable", REASON_AUTH_FAILED, "",
        PHASE_AUTH}, /* asks twice */
    {{1, BYTES(SASL("\x17", "SCRAM-SHA-999")), 0, false}, "?sslmode=disable", REASON_AUTH_FAILED, "",
        PHASE_AUTH}, /* none that libpq knows */
    {{1, BYTES("R\0\0\0\x09\0\0\0\x0a\0"), 0, false}, "?sslmode=disable", REASON_AUTH_FAILED, "",
        PHASE_AUTH}, /* none at all */
    {{1, BYTES("R\0\0\0\x08\0\0\0\0 and so on"), 150, false}, "?sslmode=disable", REASON_TIMEOUT, "",
        PHASE_AUTH},
    {{.reads = 1, .closes = true}, "", REASON_RESET, "", PHASE_TLS},
    {{.reads = 1, .closes = true}, "?sslmode=disable", REASON_RESET, "", PHASE_AUTH},
    {{.reads = 0, .closes = true}, "?sslmode=disable", REASON_RESET, "", PHASE_AUTH},
    {{1, BYTES(WELCOME), 0, true}, "?sslmode=disable", REASON_RESET, "", PHASE_QUERY},
    {{1, BYTES("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), 0, true}, "", REASON_PROTOCOL, "",
        PHASE_TLS},
    {{1, BYTES("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), 0, true}, "?sslmode=disable",
        REASON_PROTOCOL, "", PHASE_AUTH},
    {{0, BYTES("SSH-2.0-OpenSSH_9.2\r\n"), 0, false}, "?sslmode=disable", REASON_PROTOCOL, "", PHASE_AUTH},
    {{0, BYTES("220 mail ESMTP\r\n"), 0, false}, "", REASON_PROTOCOL, "", PHASE_TLS},
    {{1, BYTES("\xff\xfe\xfd garbage garbage garbage"), 0, false}, "?sslmode=disable", REASON_PROTOCOL, "",
        PHASE_AUTH},
    {{1, BYTES("E\xff\xff\xff\xffgarbage\n\0"), 0, true}, "?sslmode=disable", REASON_PROTOCOL, "",
        PHASE_AUTH},
    {{1, BYTES(STARTING), 0, true}, "?sslmode=disable", REASON_DB_STARTING, "57P03", PHASE_AUTH},
    {{2,
         BYTES(WELCOME "C\0\0\0\x0dSELECT 1\0"
                       "Z\0\0\0\5I"),
         0, false},
        "?sslmode=disable", REASON_PROTOCOL, "", PHASE_QUERY}, /* an answer without a row */
    {{1, BYTES(WELCOME "G\0\0\0\7\0\0\0"), 0, false}, "?sslmode=disable", REASON_TIMEOUT, "", PHASE_QUERY},
    {{2, BYTES(WELCOME "G\0\0\0\7\0\0\0"), 0, false}, "?sslmode=disable", REASON_PROTOCOL, "",
        PHASE_QUERY}, /* to copy */
};

START_TEST(what_is_no_server_or_a_sick_one) {
    char dsn[256];
    postgres_bench_forget_environment();
    struct peer peer = peer_start(&PEERS[_i].script);
    snprintf(
        dsn, sizeof dsn, "postgresql://%s:secret@127.0.0.1:%d/bugsink%s", USER, peer.port, PEERS[_i].query);
    postgres_bench_run_once(dsn, ROLE_PLAIN, PEERS[_i].reason, PEERS[_i].code, PEERS[_i].phase);
    peer_stop(&peer);
}
END_TEST

/* Two dots: no name server is asked for such a name. */
START_TEST(a_secret_in_the_host_name_is_blanked) {
    struct postgres_bench bench;
    postgres_bench_forget_environment();
    postgres_bench_open(&bench, "postgresql://u:hunter2@hunter2..invalid/d", ROLE_PLAIN, TIMEOUT_MS);
    postgres_bench_expect(&bench, REASON_UNRESOLVED, "", PHASE_RESOLVE);
    ck_assert_int_eq(strncmp(bench.own.outcome.detail, "*******..invalid: EAI_", 22), 0);
    postgres_bench_close(&bench);
}
END_TEST

/* -- a server that asks for the password in clear, and quotes it -- */

#define FETCHED "Zq7hunter2"

static const struct {
    const char *error; /* of the ErrorResponse, its fields; "|" is NUL */
    const char *code;
} LIARS[] = {
    {"SFATAL|VFATAL|MYou said " FETCHED "||", ""},
    {"S" FETCHED "|VFATAL|MYou said it||", ""},
    {"SFATAL|VFATAL|C" FETCHED "|MYou said it||", ""},
    {"S" FETCHED "|VFATAL|C28P01|MYou said it||", "28P01"},
    {"SFATAL|VFATAL|C28P01|MYou said " FETCHED "||", "28P01"},
    {"SFATAL|VFATAL|C08P01|Mauth failed: " FETCHED "||", "08P01"},
    {"SFATAL|VFATAL|MYou said\nconnection to server at " FETCHED " failed: FATAL:  28P01||", "28P01"},
};
enum { LIAR_COUNT = sizeof LIARS / sizeof LIARS[0], WAYS = 3 };

/* Where libpq finds the password: its variable, a file that the DSN names, the file of the home. */
static void offer_password(int way, const char *dir, char *dsn, size_t size, int port) {
    char *file = tempdir_path(dir, ".pgpass");
    tempdir_write(file, "*:*:*:*:" FETCHED "\n");
    ck_assert_int_eq(chmod(file, 0600), 0);
    snprintf(dsn, size, "postgresql://u@127.0.0.1:%d/d?sslmode=disable%s%s", port,
        way == 1 ? "&passfile=" : "", way == 1 ? file : "");
    if (way == 0)
        setenv("PGPASSWORD", FETCHED, 1);
    if (way == 2)
        setenv("HOME", dir, 1);
    free(file);
}

static size_t put_lie(char *reply, const char *error) {
    static const char ASKS[] = "R\0\0\0\x08\0\0\0\3E\0\0\0";
    size_t length = strlen(error);
    memcpy(reply, ASKS, sizeof ASKS - 1);
    reply[sizeof ASKS - 1] = (char)(length + 4);
    for (size_t i = 0; i < length; i++)
        reply[sizeof ASKS + i] = error[i] == '|' ? '\0' : error[i];
    return sizeof ASKS + length;
}

START_TEST(a_password_that_libpq_found_itself_is_not_told_by_a_server) {
    char reply[256], dsn[512];
    int lie = _i / WAYS;
    struct postgres_bench bench;
    postgres_bench_forget_environment();
    char *dir = tempdir_new();
    const struct peer_script script = {1, reply, put_lie(reply, LIARS[lie].error), 0, PEER_CLOSES};
    struct peer peer = peer_start(&script);
    offer_password(_i % WAYS, dir, dsn, sizeof dsn, peer.port);
    postgres_bench_open(&bench, dsn, ROLE_PLAIN, TIMEOUT_MS);
    rig_run(&bench.rig, &bench.own);
    const struct outcome *outcome = &bench.own.outcome;
    ck_assert_int_eq(reason_info(outcome->reason)->verdict, STATUS_ERROR);
    ck_assert_int_eq(outcome->phase, PHASE_AUTH);
    ck_assert_str_eq(outcome->code, LIARS[lie].code);
    ck_assert_msg(!strstr(outcome->detail, FETCHED), "%d: %s", _i, outcome->detail);
    ck_assert_ptr_null(strstr(outcome->detail, "You said"));
    postgres_bench_close(&bench);
    peer_stop(&peer);
    free(dir);
}
END_TEST

Suite *postgres_servers_suite(void) {
    Suite *suite = suite_create("postgres_servers");
    TCase *own = tcase_create("own");
    suite_add_tcase(suite, own);
    tcase_set_timeout(own, 60);
    tcase_add_test(own, stopped_started_paused_and_crashed);
    tcase_add_test(own, a_full_server_and_one_that_shuts_down);
    tcase_add_test(own, a_standby_is_read_only);
    tcase_add_test(own, tls_is_verified_by_the_name_though_the_address_was_resolved_before);
    TCase *scripted = tcase_create("scripted");
    suite_add_tcase(suite, scripted);
    tcase_set_timeout(scripted, 30);
    tcase_add_loop_test(scripted, what_is_no_server_or_a_sick_one, 0, sizeof PEERS / sizeof PEERS[0]);
    tcase_add_test(scripted, a_secret_in_the_host_name_is_blanked);
    tcase_add_loop_test(
        scripted, a_password_that_libpq_found_itself_is_not_told_by_a_server, 0, LIAR_COUNT * WAYS);
    return suite;
}
