/* Tests of the PostgreSQL kind on a real server that all of them share.
 *
 *  the server, the database, the DSN                  the run
 *  well: plain; main; by name, ::1, socket, list      ok
 *  wrong password, no password, no such role          auth_failed 28P01 (no code without a password)
 *  no right to connect                                auth_failed 42501
 *  no such database                                   db_missing 3D000
 *  default_transaction_read_only                      read_only for main, ok for plain
 *  backend ended in mid-query                         db_starting 57P01
 *  no tables, no permission, django_migrations empty  unmigrated 42P01, 42501
 *  phonehome_installation with 0 or 2 rows            app_data_invalid
 *  quota_exceeded_until ahead; past; no such column   ingestion_paused; ok; ok
 *  a table locked by a migration                      timeout 55P03 in phase query; no backend is left
 *  sslmode=require without TLS; wrong CA, name        tls
 *
 * Every run is looked through for the password. */
#include "kinds/postgres/postgres_bench.h"

#include "kinds/kinds.h"

#include "base/str.h"
#include "harness/certificates.h"
#include "harness/peer.h"
#include "harness/postgres.h"
#include "harness/rig.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USER  "bugsink"
#define RIGHT POSTGRES_PASSWORD_ENCODED

enum { TIMEOUT_MS = 5000 };

/* -- the server all tests share that do not touch its life -- */

static struct postgres_server *server;

static void start_server(void) {
    postgres_bench_forget_environment();
    server = postgres_start(NULL);
}

static void stop_server(void) {
    postgres_free(server);
}

static char *own_database(const char *name, const char *sql) {
    char create[256];
    snprintf(create, sizeof create, "CREATE DATABASE %s TEMPLATE template_bugsink OWNER bugsink", name);
    postgres_do(server, "postgres", create);
    postgres_do(server, name, sql);
    return postgres_dsn(server, USER, RIGHT, name, "");
}

struct row {
    const char *user, *password, *database, *query;
    enum role role;
    enum reason reason;
    const char *code;
    enum phase phase;
};

static const struct row ROWS[] = {
    {USER, RIGHT, "bugsink", "", ROLE_PLAIN, REASON_OK, "", PHASE_NONE},
    {USER, RIGHT, "bugsink", "", ROLE_MAIN, REASON_OK, "", PHASE_NONE},
    {USER, RIGHT, "bugsink", "?sslmode=disable", ROLE_MAIN, REASON_OK, "", PHASE_NONE},
    {USER, RIGHT, "bugsink", "?target_session_attrs=read-write", ROLE_MAIN, REASON_OK, "", PHASE_NONE},
    {USER, RIGHT, "bugsink", "?application_name=x&connect_timeout=1", ROLE_MAIN, REASON_OK, "", PHASE_NONE},
    {USER, RIGHT, "blank", "", ROLE_PLAIN, REASON_OK, "", PHASE_NONE},
    {USER, "wrong", "bugsink", "", ROLE_MAIN, REASON_AUTH_FAILED, "28P01", PHASE_AUTH},
    {USER, NULL, "bugsink", "", ROLE_MAIN, REASON_AUTH_FAILED, "", PHASE_AUTH},
    {"nobody", "wrong", "bugsink", "", ROLE_MAIN, REASON_AUTH_FAILED, "28P01", PHASE_AUTH},
    {"postgres", "wrong", "bugsink", "", ROLE_MAIN, REASON_AUTH_FAILED, "28000",
        PHASE_AUTH}, /* pg_hba: reject */
    {USER, RIGHT, "absent", "", ROLE_MAIN, REASON_DB_MISSING, "3D000", PHASE_AUTH},
    {USER, RIGHT, "blank", "", ROLE_MAIN, REASON_UNMIGRATED, "42P01", PHASE_QUERY},
    {"reader", RIGHT, "bugsink", "", ROLE_MAIN, REASON_UNMIGRATED, "42501", PHASE_QUERY},
    {"reader", RIGHT, "bugsink", "", ROLE_PLAIN, REASON_OK, "", PHASE_NONE},
    {USER, RIGHT, "bugsink", "?sslmode=require", ROLE_PLAIN, REASON_TLS, "", PHASE_TLS},
    {USER, RIGHT, "bugsink", "?ssl=true", ROLE_PLAIN, REASON_TLS, "", PHASE_TLS},
    {USER, RIGHT, "bugsink", "?sslmode=verify-full", ROLE_PLAIN, REASON_TLS, "", PHASE_TLS},
    {USER, RIGHT, "bugsink", "?target_session_attrs=standby", ROLE_PLAIN, REASON_QUERY_FAILED, "",
        PHASE_AUTH},
};

START_TEST(what_a_dsn_finds) {
    const struct row *row = &ROWS[_i];
    char *dsn = postgres_dsn(server, row->user, row->password, row->database, row->query);
    postgres_bench_run_once(dsn, row->role, row->reason, row->code, row->phase);
    free(dsn);
}
END_TEST

START_TEST(the_server_is_found_by_every_kind_of_address) {
    char dsn[512];
    int dead = peer_free_port(), port = server->port;
    const struct {
        const char *host;
        int port;
    } ways[] = {{"localhost", port}, {"[::1]", port}, {"127.1", port}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        snprintf(
            dsn, sizeof dsn, "postgresql://%s:%s@%s:%d/bugsink", USER, RIGHT, ways[i].host, ways[i].port);
        postgres_bench_run_once(dsn, ROLE_MAIN, REASON_OK, "", PHASE_NONE);
    }
    snprintf(
        dsn, sizeof dsn, "postgresql://%s:%s@127.0.0.1:%d,localhost:%d/bugsink", USER, RIGHT, dead, port);
    postgres_bench_run_once(dsn, ROLE_MAIN, REASON_OK, "", PHASE_NONE);
    snprintf(dsn, sizeof dsn, "postgresql://%s:%s@/bugsink?host=%s,localhost&port=%d,%d", USER, RIGHT,
        server->root, dead, port);
    postgres_bench_run_once(dsn, ROLE_MAIN, REASON_OK, "", PHASE_NONE);
    snprintf(dsn, sizeof dsn, "postgresql://%s:%s@/bugsink?host=%s&port=%d", USER, RIGHT, server->root, port);
    postgres_bench_run_once(dsn, ROLE_MAIN, REASON_OK, "", PHASE_NONE);
    snprintf(dsn, sizeof dsn, "postgresql://%s:%s@no.name.invalid:%d/bugsink?hostaddr=127.0.0.1", USER, RIGHT,
        port);
    postgres_bench_run_once(dsn, ROLE_MAIN, REASON_OK, "", PHASE_NONE);
    snprintf(dsn, sizeof dsn, "postgresql://%s:wrong@/bugsink?host=%s&port=%d", USER, server->root, port);
    postgres_bench_run_once(dsn, ROLE_MAIN, REASON_AUTH_FAILED, "28P01", PHASE_AUTH);
    snprintf(dsn, sizeof dsn, "postgresql://%s@/bugsink?host=%s&port=%d", USER, server->root, dead);
    postgres_bench_run_once(dsn, ROLE_MAIN, REASON_REFUSED, "", PHASE_CONNECT);
    snprintf(dsn, sizeof dsn, "postgresql://%s@localhost:%d,127.0.0.1:%d/bugsink", USER, dead, dead);
    postgres_bench_run_once(dsn, ROLE_MAIN, REASON_REFUSED, "", PHASE_CONNECT);
}
END_TEST

START_TEST(pghost_is_heeded_as_libpq_does) {
    char port[16];
    snprintf(port, sizeof port, "%d", server->port);
    setenv("PGHOST", "localhost", 1);
    setenv("PGPORT", port, 1);
    postgres_bench_run_once("postgresql://" USER ":" RIGHT "@/bugsink", ROLE_MAIN, REASON_OK, "", PHASE_NONE);
}
END_TEST

START_TEST(what_was_seen_is_observed) {
    struct postgres_bench bench;
    int64_t version = 0, installations = 0;
    char *dsn = postgres_dsn(server, USER, RIGHT, "bugsink", "");
    postgres_bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    ck_assert(observed_get(&bench.own.outcome.observed, OBSERVED_SERVER_VERSION, &version));
    ck_assert_int_ge(version, 90600);
    ck_assert(observed_get(&bench.own.outcome.observed, OBSERVED_INSTALLATIONS, &installations));
    ck_assert_int_eq(installations, 1);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

static const struct {
    const char *name, *sql;
    enum reason reason;
    const char *code;
} DATA[] = {
    {"empty_migrations", "DELETE FROM django_migrations", REASON_UNMIGRATED, ""},
    {"no_installation", "DELETE FROM phonehome_installation", REASON_APP_DATA_INVALID, ""},
    {"two_installations", "INSERT INTO phonehome_installation (id) VALUES (gen_random_uuid())",
        REASON_APP_DATA_INVALID, ""},
    {"half_migrated", "DROP TABLE phonehome_installation", REASON_UNMIGRATED, "42P01"},
    {"paused", "UPDATE phonehome_installation SET quota_exceeded_until = now() + interval '1 hour'",
        REASON_INGESTION_PAUSED, ""},
    {"not_paused", "UPDATE phonehome_installation SET quota_exceeded_until = now() - interval '1 second'",
        REASON_OK, ""},
    {"forever_paused", "UPDATE phonehome_installation SET quota_exceeded_until = 'infinity'",
        REASON_INGESTION_PAUSED, ""},
    {"older_bugsink", "ALTER TABLE phonehome_installation DROP quota_exceeded_until", REASON_OK, ""},
    {"odd_date_style", "ALTER DATABASE odd_date_style SET datestyle = 'SQL, DMY'", REASON_OK, ""},
    {"read_only", "ALTER DATABASE read_only SET default_transaction_read_only = on", REASON_READ_ONLY, ""},
    {"read_only_blank",
        "DROP TABLE django_migrations; ALTER DATABASE read_only_blank SET default_transaction_read_only = on",
        REASON_READ_ONLY, ""}, /* judged before the tables */
    {"private", "REVOKE CONNECT ON DATABASE private FROM PUBLIC, bugsink", REASON_AUTH_FAILED, "42501"},
    {"serializable",
        "ALTER DATABASE serializable SET default_transaction_isolation = serializable;"
        "ALTER DATABASE serializable SET default_transaction_deferrable = on",
        REASON_OK, ""},
    {"elsewhere",
        "CREATE SCHEMA app; ALTER TABLE django_migrations SET SCHEMA app; ALTER TABLE phonehome_installation "
        "SET"
        " SCHEMA app; GRANT USAGE ON SCHEMA app TO bugsink; ALTER DATABASE elsewhere SET search_path = app",
        REASON_OK, ""},
};

START_TEST(what_bugsinks_data_say) {
    enum reason reason = DATA[_i].reason;
    enum phase phase = reason == REASON_OK            ? PHASE_NONE
                       : reason == REASON_AUTH_FAILED ? PHASE_AUTH
                                                      : PHASE_QUERY;
    char *dsn = own_database(DATA[_i].name, DATA[_i].sql);
    postgres_bench_run_once(dsn, ROLE_MAIN, reason, DATA[_i].code, phase);
    if (reason != REASON_AUTH_FAILED)
        postgres_bench_run_once(dsn, ROLE_PLAIN, REASON_OK, "", PHASE_NONE);
    free(dsn);
}
END_TEST

/* -- no trace -- */

static int count(const char *text, const char *what) {
    int found = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        found++;
    return found;
}

/* The log lines of the database "clean" from `from` on, but the superuser's, and "authenticated",
 * which is new in PostgreSQL 14; the caller frees. */
static char *clean_log(size_t from) {
    struct strbuf own = {0};
    char *log = postgres_log(server);
    for (char *line = log + from, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (strncmp(line, "clean| ", 7) == 0 && !strstr(line, "user=postgres") &&
            !strstr(line, "authenticated"))
            strbuf_format(&own, "%s\n", line);
    }
    free(log);
    strbuf_append(&own, "");
    return own.data;
}

struct log_watch {
    size_t from;
    int authorized, disconnected;
};

static bool is_balanced(void *arg) {
    struct log_watch *watch = arg;
    char *log = clean_log(watch->from);
    watch->authorized = count(log, "connection authorized");
    watch->disconnected = count(log, "disconnection: ");
    free(log);
    return watch->authorized == watch->disconnected;
}

static void run_and_read_log(const char *dsn, enum role role, int runs) {
    char *log = postgres_log(server);
    struct log_watch watch = {.from = strlen(log)};
    free(log);
    struct postgres_bench bench;
    postgres_bench_open(&bench, dsn, role, TIMEOUT_MS);
    for (int i = 0; i < runs; i++)
        postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    postgres_bench_close(&bench);
    ck_assert(wait_until(is_balanced, &watch, 5000));
    ck_assert_int_eq(watch.authorized, runs);
    log = clean_log(watch.from);
    ck_assert_msg(count(log, "\n") == 2 * runs, "more than logins and logouts:\n%s", log);
    free(log);
}

START_TEST(a_healthy_check_leaves_the_servers_log_clean) {
    char *dsn = own_database("clean", "SELECT 1");
    run_and_read_log(dsn, ROLE_MAIN, 5);
    run_and_read_log(dsn, ROLE_PLAIN, 5);
    postgres_do(server, "clean", "ALTER TABLE phonehome_installation DROP quota_exceeded_until");
    run_and_read_log(dsn, ROLE_MAIN, 2);
    free(dsn);
}
END_TEST

START_TEST(many_runs_leave_nothing_behind) {
    struct postgres_bench bench;
    char dsn[256];
    snprintf(dsn, sizeof dsn, "postgresql://%s:%s@localhost:%d/bugsink", USER, RIGHT, server->port);
    postgres_bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    ck_assert(rig_turn_until_childless(&bench.rig));
    int before = postgres_bench_count_descriptors();
    for (int i = 0; i < 100; i++)
        postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    ck_assert(rig_turn_until_childless(&bench.rig));
    ck_assert_int_eq(postgres_bench_count_descriptors(), before);
    postgres_bench_close(&bench);
}
END_TEST

/* -- a hanging query -- */

static bool is_nobody_waiting(void *arg) {
    (void)arg;
    char *waiting = postgres_exec(server, "postgres",
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bugsink-health'");
    bool is_nobody = strcmp(waiting, "0") == 0;
    free(waiting);
    return is_nobody;
}

START_TEST(a_blocked_query_ends_in_the_server_too) {
    enum { BLOCKED_MS = 1500 };
    struct postgres_bench bench;
    char *dsn = own_database("blocked", "SELECT 1");
    PGconn *locker = postgres_bench_lock(server, "blocked");
    postgres_bench_open(&bench, dsn, ROLE_MAIN, BLOCKED_MS);
    for (int i = 0; i < 3; i++)
        postgres_bench_expect(&bench, REASON_TIMEOUT, "55P03", PHASE_QUERY);
    ck_assert(wait_until(is_nobody_waiting, NULL, 2000)); /* and the lock is still held */
    PQfinish(locker);
    bench.own.config.timeout_ms = TIMEOUT_MS;
    postgres_bench_expect(&bench, REASON_OK, "", PHASE_NONE);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

static bool is_asking(void *arg) {
    (void)arg;
    char *waiting = postgres_exec(server, "postgres",
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bugsink-health' AND wait_event_type "
        "= 'Lock'");
    bool is_one = strcmp(waiting, "1") == 0;
    free(waiting);
    return is_one;
}

static bool is_idle(void *arg) {
    const struct check *check = arg;
    return !check->is_running;
}

START_TEST(a_backend_ended_in_mid_query_is_a_server_going_down) {
    struct postgres_bench bench;
    char *dsn = own_database("ended", "SELECT 1");
    PGconn *locker = postgres_bench_lock(server, "ended");
    postgres_bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    ck_assert(check_start(&bench.own.check));
    ck_assert(rig_turn_until(&bench.rig, is_asking, NULL, 3000));
    postgres_do(server, "postgres",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bugsink-health'");
    ck_assert(rig_turn_until(&bench.rig, is_idle, &bench.own.check, 3000));
    ck_assert_int_eq(bench.own.outcome.reason, REASON_DB_STARTING);
    ck_assert_str_eq(bench.own.outcome.code, "57P01");
    PQfinish(locker);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

START_TEST(a_run_given_up_in_mid_query_leaves_nothing) {
    struct postgres_bench bench;
    char *dsn = own_database("given_up", "SELECT 1");
    PGconn *locker = postgres_bench_lock(server, "given_up");
    postgres_bench_open(&bench, dsn, ROLE_MAIN, TIMEOUT_MS);
    ck_assert(check_start(&bench.own.check));
    ck_assert(rig_turn_until(&bench.rig, is_asking, NULL, 3000));
    postgres_bench_close(&bench);
    ck_assert_int_eq(bench.own.finished, 0);
    ck_assert(wait_until(is_nobody_waiting, NULL, 3000));
    PQfinish(locker);
    free(dsn);
}
END_TEST

/* -- what is refused before anything runs -- */

static const struct {
    const char *dsn;
    enum role role;
    const char *error;
} REFUSED[] = {
    {"postgresql://u@h/d?sslmod=require", ROLE_PLAIN, "libpq knows no parameter \"sslmod\""},
    {"postgresql://u@h/d?service=x", ROLE_PLAIN, "\"service\" is not supported here"},
    {"postgresql://u@h/d?host=a,b,c&port=1,2", ROLE_PLAIN, "2 ports for 3 hosts"},
    {"postgresql://u@h/d?host=a,b,c,d,e,f,g,h,i", ROLE_PLAIN, "more than 8 hosts"},
    {"postgresql://u@h/d", ROLE_QUEUE, "queue is always SQLite"},
};

START_TEST(a_dsn_that_cannot_be_served_is_refused) {
    struct check_config config = {
        .kind = KIND_POSTGRES, .database.role = REFUSED[_i].role, .timeout_ms = 100};
    struct check_env env = {0};
    struct check check;
    struct error err = {.text = ""};
    ck_assert_msg(dsn_parse(REFUSED[_i].dsn, &config.database.dsn, &err) == 0, "%s", err.text);
    ck_assert_int_eq(check_init(&check, &POSTGRES_KIND, &env, &config, NULL, NULL, &err), -1);
    ck_assert_msg(strstr(err.text, REFUSED[_i].error) != NULL, "%s", err.text);
    dsn_release(&config.database.dsn);
}
END_TEST

/* As DATABASE_URL without one is read; libpq would take the user's name for it, and Django refuses. */
START_TEST(the_empty_name_of_a_database_is_a_missing_one) {
    struct postgres_bench bench;
    char *dsn = postgres_dsn(server, USER, RIGHT, USER, "");
    postgres_bench_open(&bench, dsn, ROLE_MAIN, 5000);
    bench.own.config.database.dsn.database[0] = '\0';
    postgres_bench_expect(&bench, REASON_DB_MISSING, "", PHASE_NONE);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

Suite *postgres_suite(void) {
    Suite *suite = suite_create("postgres");
    TCase *shared = tcase_create("shared");
    suite_add_tcase(suite, shared);
    tcase_set_timeout(shared, 60);
    tcase_add_unchecked_fixture(shared, start_server, stop_server);
    tcase_add_loop_test(shared, what_a_dsn_finds, 0, sizeof ROWS / sizeof ROWS[0]);
    tcase_add_test(shared, the_empty_name_of_a_database_is_a_missing_one);
    tcase_add_test(shared, the_server_is_found_by_every_kind_of_address);
    tcase_add_test(shared, pghost_is_heeded_as_libpq_does);
    tcase_add_test(shared, what_was_seen_is_observed);
    tcase_add_loop_test(shared, what_bugsinks_data_say, 0, sizeof DATA / sizeof DATA[0]);
    tcase_add_test(shared, a_healthy_check_leaves_the_servers_log_clean);
    tcase_add_test(shared, many_runs_leave_nothing_behind);
    tcase_add_test(shared, a_blocked_query_ends_in_the_server_too);
    tcase_add_test(shared, a_backend_ended_in_mid_query_is_a_server_going_down);
    tcase_add_test(shared, a_run_given_up_in_mid_query_leaves_nothing);
    TCase *scripted = tcase_create("scripted");
    suite_add_tcase(suite, scripted);
    tcase_set_timeout(scripted, 30);
    tcase_add_loop_test(
        scripted, a_dsn_that_cannot_be_served_is_refused, 0, sizeof REFUSED / sizeof REFUSED[0]);
    return suite;
}
