/* Tests of the PostgreSQL connection that a worker keeps between runs.
 *
 *  the connection                                     the run
 *  well, in clear and with TLS                        on the same backend and worker, until `reconnect`
 *  ended by the server                                is told within 50 ms; ok, on a fresh login
 *  server restarted; server stopped                   ok; refused
 *  password changed                                   ok until `reconnect`, then auth_failed
 *  standby setting, tables gone, no permission, ...   the code of a fresh login
 *  garbage, silence, half answers, no end             a fresh login in the same run */
#include "kinds/postgres/postgres_bench.h"
#include "kinds/postgres/questions.h"
#include "harness/certificates.h"
#include "harness/fork.h"
#include "harness/peer.h"
#include "harness/postgres.h"
#include "harness/skip.h"
#include "harness/wait.h"
#include "harness/wire.h"

#include "base/io.h"
#include "base/process.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define USER  "bugsink"
#define RIGHT POSTGRES_PASSWORD_ENCODED

enum { TIMEOUT_MS = 5000, INTERVAL_MS = 5000, RECONNECT_MS = 60000, SILENCE_MS = 200, PATIENCE_MS = 3000 };

/* -- the kind, on a real server -- */

static struct postgres_server *server;

static void start_server(void) {
    postgres_bench_forget_environment();
    server = postgres_start(NULL);
}

static void stop_server(void) {
    postgres_free(server);
}

static void open_keeping(struct postgres_bench *bench, const char *dsn, enum role role) {
    postgres_bench_open_keeping(bench, dsn, role, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
}

#define OUR_SESSIONS "FROM pg_stat_activity WHERE application_name = 'bugsink-health'"

/* The backends that serve us, and how many they are; the caller frees. */
static char *our_backends(const struct postgres_server *of) {
    return postgres_exec(of, "postgres", "SELECT coalesce(string_agg(pid::text, ' '), '') " OUR_SESSIONS);
}

static bool is_nobody_there(void *arg) {
    char *backends = our_backends(arg);
    bool is_nobody = backends[0] == '\0';
    free(backends);
    return is_nobody;
}

static void expect_well(struct postgres_bench *bench) {
    postgres_bench_expect(bench, REASON_OK, "", PHASE_NONE);
}

static char *dsn_of(const char *database) {
    return postgres_dsn(server, USER, RIGHT, database, "");
}

START_TEST(the_next_runs_ask_on_the_same_backend) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    open_keeping(&bench, dsn, _i == 0 ? ROLE_MAIN : ROLE_PLAIN);
    expect_well(&bench);
    char *first = our_backends(server);
    ck_assert_str_ne(first, "");
    ck_assert_ptr_null(strchr(first, ' '));
    pid_t worker = child_pid(bench.own.check.child);
    for (int i = 0; i < 20; i++) {
        int64_t version = 0, installations = -1;
        expect_well(&bench);
        ck_assert(observed_get(&bench.own.outcome.observed, OBSERVED_SERVER_VERSION, &version));
        ck_assert_int_ge(version, 90600);
        ck_assert_int_eq(
            observed_get(&bench.own.outcome.observed, OBSERVED_INSTALLATIONS, &installations), _i == 0);
        char *backends = our_backends(server);
        ck_assert_str_eq(backends, first);
        free(backends);
        ck_assert_int_eq(child_pid(bench.own.check.child), worker); /* and no other worker is forked */
    }
    char *state = postgres_exec(server, "postgres", "SELECT state " OUR_SESSIONS);
    ck_assert_str_eq(state, "idle");
    free(state);
    free(first);
    postgres_bench_close(&bench);
    ck_assert(wait_until(is_nobody_there, server, PATIENCE_MS));
    free(dsn);
}
END_TEST

START_TEST(a_login_serves_no_longer_than_reconnect) {
    enum { SHORT_MS = 1000, OFTEN_MS = 10, WHILE_MS = 6 * SHORT_MS };
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink"), *last = str_dup("");
    int64_t end_ms = wait_now_ms() + WHILE_MS, login_ms = 0;
    int logins = 0;
    postgres_bench_open_keeping(&bench, dsn, ROLE_MAIN, TIMEOUT_MS, OFTEN_MS, SHORT_MS);
    while (wait_now_ms() < end_ms) {
        int64_t now_ms = wait_now_ms();
        expect_well(&bench);
        char *now = our_backends(server); /* nobody: it was closed after this run */
        if (now[0] == '\0' || strcmp(now, last) == 0) {
            ck_assert_int_le(now[0] == '\0' ? 0 : now_ms - login_ms, SHORT_MS);
            free(now);
            continue;
        }
        login_ms = now_ms;
        logins++;
        free(last);
        last = now;
    }
    ck_assert_int_ge(logins, WHILE_MS / SHORT_MS - 1);
    free(last);
    free(dsn);
    postgres_bench_close(&bench);
}
END_TEST

/* One whose next use would come too late is closed at once, so that the fresh login finds its place free. */
START_TEST(what_would_be_too_old_next_time_is_not_kept) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    postgres_bench_open_keeping(&bench, dsn, ROLE_MAIN, TIMEOUT_MS, INTERVAL_MS, _i == 0 ? 0 : INTERVAL_MS);
    for (int i = 0; i < 2; i++) {
        expect_well(&bench);
        ck_assert(wait_until(is_nobody_there, server, PATIENCE_MS));
    }
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

START_TEST(a_backend_ended_between_runs_is_replaced_in_the_run) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    open_keeping(&bench, dsn, ROLE_MAIN);
    expect_well(&bench);
    for (int i = 0; i < 5; i++) {
        char *first = our_backends(server);
        postgres_do(server, "postgres", "SELECT pg_terminate_backend(pid) " OUR_SESSIONS);
        ck_assert(wait_until(is_nobody_there, server, PATIENCE_MS));
        expect_well(&bench);
        char *second = our_backends(server);
        ck_assert_str_ne(second, "");
        ck_assert_str_ne(second, first);
        free(first);
        free(second);
    }
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

static char *own_database(const char *name) {
    char create[256];
    snprintf(create, sizeof create, "CREATE DATABASE %s TEMPLATE template_bugsink OWNER bugsink", name);
    postgres_do(server, "postgres", create);
    return dsn_of(name);
}

/* What befalls the database between two runs, and is seen in a session that was there before. */
static const struct {
    const char *name, *sql;
    enum reason reason;
    const char *code;
    bool is_kept; /* the connection serves on */
} CHANGES[] = {
    {"kept_empty", "DELETE FROM django_migrations", REASON_UNMIGRATED, "", false},
    {"kept_gone", "DROP TABLE django_migrations", REASON_UNMIGRATED, "42P01", false},
    {"kept_half", "DROP TABLE phonehome_installation", REASON_UNMIGRATED, "42P01", false},
    {"kept_none", "DELETE FROM phonehome_installation", REASON_APP_DATA_INVALID, "", false},
    {"kept_two", "INSERT INTO phonehome_installation (id) VALUES (gen_random_uuid())",
        REASON_APP_DATA_INVALID, "", false},
    {"kept_denied",
        "ALTER TABLE django_migrations OWNER TO postgres; REVOKE ALL ON django_migrations FROM bugsink",
        REASON_UNMIGRATED, "42501", false},
    {"kept_paused", "UPDATE phonehome_installation SET quota_exceeded_until = now() + interval '1 hour'",
        REASON_INGESTION_PAUSED, "", true},
    {"kept_older", "ALTER TABLE phonehome_installation DROP quota_exceeded_until", REASON_OK, "", true},
};

START_TEST(what_changes_has_the_code_of_a_fresh_login) {
    struct postgres_bench kept, fresh;
    char *dsn = own_database(CHANGES[_i].name);
    enum reason reason = CHANGES[_i].reason;
    enum phase phase = reason == REASON_OK ? PHASE_NONE : PHASE_QUERY;
    open_keeping(&kept, dsn, ROLE_MAIN);
    expect_well(&kept);
    ck_assert(rig_turn_until_childless(&kept.rig));
    char *first = our_backends(server);
    postgres_do(server, CHANGES[_i].name, CHANGES[_i].sql);
    for (int i = 0; i < 2; i++)
        postgres_bench_expect(&kept, reason, CHANGES[_i].code, phase);
    char *last = our_backends(server);
    ck_assert_int_eq(strcmp(first, last) == 0, CHANGES[_i].is_kept);
    postgres_bench_close(&kept);
    postgres_bench_open(&fresh, dsn, ROLE_MAIN, TIMEOUT_MS);
    postgres_bench_expect(&fresh, reason, CHANGES[_i].code, phase);
    postgres_bench_close(&fresh);
    ck_assert(wait_until(is_nobody_there, server, PATIENCE_MS));
    free(first);
    free(last);
    free(dsn);
}
END_TEST

/* A kept session takes a new setting of the server, but none of its database or role, nor a new password:
 * those show with the next login. */
static bool is_refused(void *arg) {
    struct postgres_bench *bench = arg;
    rig_run(&bench->rig, &bench->own);
    return bench->own.outcome.reason == REASON_AUTH_FAILED;
}

START_TEST(what_only_a_login_learns_shows_by_reconnect) {
    enum { SHORT_MS = 3000, OFTEN_MS = 10 };
    struct postgres_bench bench;
    char *dsn = own_database("kept_login");
    postgres_bench_open_keeping(&bench, dsn, ROLE_MAIN, TIMEOUT_MS, OFTEN_MS, SHORT_MS);
    expect_well(&bench);
    char *first = our_backends(server);
    postgres_do(server, "postgres", "ALTER ROLE bugsink PASSWORD 'another'");
    char *second = our_backends(server);
    ck_assert_str_eq(first, second);
    ck_assert(wait_until(is_refused, &bench, SHORT_MS + PATIENCE_MS));
    postgres_do(server, "postgres", "ALTER ROLE bugsink PASSWORD '" POSTGRES_PASSWORD "'");
    expect_well(&bench);
    postgres_bench_close(&bench);
    free(first);
    free(second);
    free(dsn);
}
END_TEST

START_TEST(in_maintenance_nothing_is_kept) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    open_keeping(&bench, dsn, ROLE_MAIN);
    expect_well(&bench);
    bench.rig.env.lets_go = true;
    check_let_go(&bench.own.check);
    ck_assert(wait_until(is_nobody_there, server, PATIENCE_MS));
    for (int i = 0; i < 2; i++) {
        expect_well(&bench);
        ck_assert(wait_until(is_nobody_there, server, PATIENCE_MS));
    }
    bench.rig.env.lets_go = false;
    expect_well(&bench);
    char *first = our_backends(server);
    expect_well(&bench);
    char *second = our_backends(server);
    ck_assert_str_eq(first, second); /* kept again */
    int finished = bench.own.finished;
    ck_assert(rig_turn_until_childless(&bench.rig));
    ck_assert(check_start(&bench.own.check));
    bench.rig.env.lets_go = true; /* while a run is under way: at its end */
    check_let_go(&bench.own.check);
    ck_assert(rig_turn_until(&bench.rig, is_nobody_there, server, PATIENCE_MS));
    ck_assert_int_eq(bench.own.finished, finished + 1);
    ck_assert_int_eq(bench.own.outcome.reason, REASON_OK);
    free(first);
    free(second);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

START_TEST(a_run_given_up_takes_its_connection_along) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    open_keeping(&bench, dsn, ROLE_MAIN);
    expect_well(&bench);
    ck_assert(rig_turn_until_childless(&bench.rig)); /* else the run waits for that, and has not begun */
    ck_assert(check_start(&bench.own.check));
    check_cancel(&bench.own.check);
    ck_assert(wait_until(is_nobody_there, server, PATIENCE_MS));
    expect_well(&bench);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

/* The lock is found on the kept connection, and told by a fresh login with what remains of the run: with the
 * server's own code, unless the machine is so busy that the time is up before that. */
START_TEST(a_blocked_query_is_a_timeout_as_ever) {
    struct postgres_bench bench;
    char *dsn = own_database("kept_blocked");
    postgres_bench_open_keeping(&bench, dsn, ROLE_MAIN, 2000, INTERVAL_MS, RECONNECT_MS);
    expect_well(&bench);
    PGconn *lock = postgres_bench_lock(server, "kept_blocked");
    rig_run(&bench.rig, &bench.own);
    ck_assert_int_eq(bench.own.outcome.reason, REASON_TIMEOUT);
    ck_assert_int_lt(bench.own.duration_ms, 2500);
    PQfinish(lock);
    expect_well(&bench);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

static void on_stirred(struct check *check) {
    struct rig_check *own = check->arg;
    own->stirred++;
}

static bool is_stirred(void *arg) {
    const struct rig_check *own = arg;
    return own->stirred > 0;
}

START_TEST(the_servers_end_of_it_is_told_at_once) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    open_keeping(&bench, dsn, ROLE_MAIN);
    bench.own.check.stirred = on_stirred;
    expect_well(&bench);
    int64_t begin_ms = wait_now_ms();
    postgres_do(server, "postgres", "SELECT pg_terminate_backend(pid) " OUR_SESSIONS);
    int64_t ended_ms = wait_now_ms();
    ck_assert(rig_turn_until(&bench.rig, is_stirred, &bench.own, PATIENCE_MS));
    int64_t told_ms = wait_now_ms();
    fprintf(stderr, "the server's end of a kept connection: told %d to %d ms after it\n",
        (int)(told_ms - ended_ms), (int)(told_ms - begin_ms));
    expect_well(&bench);
    ck_assert_int_eq(bench.own.stirred, 1);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

START_TEST(a_worker_killed_between_runs_is_replaced_in_the_run) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    open_keeping(&bench, dsn, ROLE_MAIN);
    for (int i = 0; i < 3; i++) {
        expect_well(&bench);
        pid_t worker = child_pid(bench.own.check.child);
        ck_assert_int_eq(kill(worker, SIGKILL), 0);
        ck_assert(wait_until(is_nobody_there, server, PATIENCE_MS));
        expect_well(&bench);
        ck_assert_int_ne(child_pid(bench.own.check.child), worker);
    }
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

START_TEST(a_stopped_worker_is_a_timeout_and_replaced) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    postgres_bench_open_keeping(&bench, dsn, ROLE_MAIN, 1000, INTERVAL_MS, RECONNECT_MS);
    expect_well(&bench);
    ck_assert_int_eq(kill(child_pid(bench.own.check.child), SIGSTOP), 0);
    rig_run(&bench.rig, &bench.own);
    ck_assert_int_eq(bench.own.outcome.reason, REASON_TIMEOUT);
    ck_assert(rig_turn_until_childless(&bench.rig));
    expect_well(&bench);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

START_TEST(many_runs_leave_no_descriptor) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    open_keeping(&bench, dsn, ROLE_MAIN);
    expect_well(&bench);
    ck_assert(rig_turn_until_childless(&bench.rig));
    int before = postgres_bench_count_descriptors();
    for (int i = 0; i < 1000; i++) {
        expect_well(&bench);
        if (i % 20 == 0)
            check_let_go(&bench.own.check); /* the next logs in */
    }
    expect_well(&bench);
    ck_assert(rig_turn_until_childless(&bench.rig));
    ck_assert_int_eq(postgres_bench_count_descriptors(), before);
    postgres_bench_close(&bench);
    free(dsn);
}
END_TEST

/* -- servers of one test -- */

/* A reload reaches a server's processes one after the other. */
static bool has_run_ill(void *arg) {
    struct postgres_bench *bench = arg;
    rig_run(&bench->rig, &bench->own);
    return bench->own.outcome.reason != REASON_OK;
}

START_TEST(a_server_that_goes_and_comes_is_told_as_by_a_fresh_login) {
    struct postgres_bench bench;
    postgres_bench_forget_environment();
    struct postgres_server *own = postgres_start(NULL);
    char *dsn = postgres_dsn(own, USER, RIGHT, "bugsink", "");
    open_keeping(&bench, dsn, ROLE_MAIN);
    expect_well(&bench);
    postgres_stop(own);
    postgres_restart(own, NULL);
    expect_well(&bench); /* it was away between the runs: nobody needs to know */
    postgres_crash(own);
    postgres_bench_expect(&bench, REASON_REFUSED, "", PHASE_CONNECT);
    postgres_restart(own, NULL);
    expect_well(&bench);
    postgres_do(own, "postgres", "ALTER SYSTEM SET default_transaction_read_only = on");
    postgres_do(own, "postgres", "SELECT pg_reload_conf()");
    ck_assert(wait_until(has_run_ill, &bench, PATIENCE_MS));
    postgres_bench_expect(&bench, REASON_READ_ONLY, "", PHASE_QUERY);
    postgres_bench_close(&bench);
    free(dsn);
    postgres_free(own);
}
END_TEST

START_TEST(with_tls_it_is_kept_as_well) {
    struct postgres_bench bench;
    postgres_bench_forget_environment();
    char *certificates = certificates_make("DNS:localhost");
    if (!certificates) {
        skip_test("with_tls_it_is_kept_as_well", "no command openssl here");
        return;
    }
    struct postgres_server *own = postgres_bench_start_tls(certificates);
    char *dsn = postgres_dsn(own, USER, RIGHT, "bugsink", "?sslmode=require");
    open_keeping(&bench, dsn, ROLE_MAIN);
    expect_well(&bench);
    char *first = our_backends(own),
         *tls = postgres_exec(own, "postgres",
             "SELECT string_agg(ssl::text, ' ') FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE "
             "application_name = 'bugsink-health'");
    ck_assert_str_ne(first, "");
    ck_assert_str_eq(tls, "true");
    for (int i = 0; i < 20; i++)
        expect_well(&bench);
    char *last = our_backends(own);
    ck_assert_str_eq(first, last);
    bench.own.check.stirred = on_stirred;
    postgres_do(own, "postgres", "SELECT pg_terminate_backend(pid) " OUR_SESSIONS);
    ck_assert(rig_turn_until(&bench.rig, is_stirred, &bench.own, PATIENCE_MS));
    expect_well(&bench);
    postgres_bench_close(&bench);
    free(tls);
    free(first);
    free(last);
    free(dsn);
    free(certificates);
    postgres_free(own);
}
END_TEST

/* -- a server that turns hostile -- */

/* Each writes what the server says instead of a good answer. */
static void say_garbage(struct strbuf *stream) {
    strbuf_append(stream, "garbage, garbage, garbage");
}
static void say_shutdown(struct strbuf *stream) {
    wire_put_error(stream, "FATAL", "57P01");
}
static void say_denied(struct strbuf *stream) {
    wire_put_opening(stream);
    wire_put_error(stream, "ERROR", "42501");
    wire_put_ready(stream, 'E');
}
static void say_huge(struct strbuf *stream) {
    strbuf_append_n(stream, "C\x7f\xff\xff\xff", 5);
}
static void say_rows_for_ever(struct strbuf *stream) {
    wire_put_opening(stream);
    wire_put_columns(stream, (const char *const[]){"in_recovery", NULL});
    while (stream->length < 100 * 1000)
        wire_put_row(stream, (const char *const[]){"f", NULL});
}
static void say_no_rows(struct strbuf *stream) {
    wire_put_opening(stream);
    wire_put_ready(stream, 'I');
}
static void say_one_row(struct strbuf *stream) {
    wire_put_opening(stream);
    wire_put_columns(stream, (const char *const[]){"in_recovery", "read_only", NULL});
    wire_put_row(stream, (const char *const[]){"f", "off", NULL});
    wire_put_complete(stream, "SELECT 1");
    wire_put_ready(stream, 'I');
}
static void say_no_transaction(struct strbuf *stream) {
    wire_put_complete(stream, "BEGIN");
    wire_put_ready(stream, 'I');
}
static void say_no_rollback(struct strbuf *stream) {
    wire_put_opening(stream);
    wire_put_answers(stream, "f", "1");
    stream->data[stream->length - 1] = 'T';
}
static void say_twice(struct strbuf *stream) {
    wire_put_opening(stream);
    wire_put_answers(stream, "f", "1");
    wire_put_opening(stream);
}
static void say_copy(struct strbuf *stream) {
    wire_put_opening(stream);
    wire_put(stream, 'G', "\0\0\0", 3);
}
static void say_half(struct strbuf *stream) {
    wire_put_opening(stream);
    stream->length -= 3;
}
static void say_nothing(struct strbuf *stream) {
    strbuf_append(stream, "");
}

static const struct lie {
    void (*say)(struct strbuf *stream);
    bool hangs_up;
} LIES[] = {
    {say_garbage, false},
    {say_shutdown, true},
    {say_denied, false},
    {say_huge, false},
    {say_rows_for_ever, false},
    {say_no_rows, false},
    {say_one_row, false},
    {say_no_transaction, false},
    {say_no_rollback, false},
    {say_twice, false},
    {say_copy, false},
    {say_half, false},
    {say_half, true},
    {say_nothing, false},
    {say_nothing, true},
};

/* Logs everybody in and answers the questions well; on a first connection the second run is answered with a
 * lie. */
static void play(int fd, const struct lie *lie) {
    char input[8192];
    struct strbuf welcome = {0}, answer = {0}, second = {0};
    wire_put(&welcome, 'R', "\0\0\0\0", 4);
    wire_put(&welcome, 'S', "server_version\000150000", 22);
    wire_put_ready(&welcome, 'I');
    wire_put_complete(&answer, "BEGIN");
    wire_put_complete(&answer, "SET");
    wire_put_complete(&answer, "SET");
    wire_put_answers(&answer, "f", "1");
    if (lie)
        lie->say(&second);
    const struct strbuf *const steps[] = {&welcome, &answer, &second};
    for (size_t i = 0; i < (lie ? 3 : 2); i++)
        if (read(fd, input, sizeof input) <= 0 || io_write_all(fd, steps[i]->data, steps[i]->length) < 0)
            return;
    while ((!lie || !lie->hangs_up) && read(fd, input, sizeof input) > 0)
        ;
}

static _Noreturn void serve(int listener, const struct lie *lie, pid_t parent) {
    signal(SIGPIPE, SIG_IGN);
    while (process_die_with_parent(parent)) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            break;
        play(fd, lie);
        close(fd);
        lie = NULL;
    }
    _exit(0);
}

static int listen_somewhere(int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* The time includes a second of silence and then a login, with which a busy machine may dawdle. */
START_TEST(whoever_lies_later_is_asked_anew_in_the_same_run) {
    enum { PATIENT_MS = 12000 };
    struct postgres_bench bench;
    char dsn[256];
    int port;
    postgres_bench_forget_environment();
    int listener = listen_somewhere(&port);
    pid_t parent = getpid(), pid = test_fork();
    if (pid == 0)
        serve(listener, &LIES[_i], parent);
    close(listener);
    snprintf(dsn, sizeof dsn, "postgresql://u:secret@127.0.0.1:%d/d?sslmode=disable", port);
    postgres_bench_open_keeping(&bench, dsn, ROLE_MAIN, PATIENT_MS, INTERVAL_MS, RECONNECT_MS);
    expect_well(&bench);
    ck_assert(rig_turn_until_childless(&bench.rig));
    expect_well(&bench);
    expect_well(&bench); /* on the second connection, or a third */
    postgres_bench_close(&bench);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
END_TEST

Suite *postgres_worker_suite(void) {
    Suite *suite = suite_create("postgres_worker");
    TCase *alone = tcase_create("alone");
    suite_add_tcase(suite, alone);
    tcase_set_timeout(alone, 30);
    tcase_add_loop_test(
        alone, whoever_lies_later_is_asked_anew_in_the_same_run, 0, sizeof LIES / sizeof LIES[0]);
    TCase *shared = tcase_create("shared");
    suite_add_tcase(suite, shared);
    tcase_set_timeout(shared, 60);
    tcase_add_unchecked_fixture(shared, start_server, stop_server);
    tcase_add_loop_test(shared, the_next_runs_ask_on_the_same_backend, 0, 2);
    tcase_add_test(shared, a_login_serves_no_longer_than_reconnect);
    tcase_add_loop_test(shared, what_would_be_too_old_next_time_is_not_kept, 0, 2);
    tcase_add_test(shared, a_backend_ended_between_runs_is_replaced_in_the_run);
    tcase_add_loop_test(
        shared, what_changes_has_the_code_of_a_fresh_login, 0, sizeof CHANGES / sizeof CHANGES[0]);
    tcase_add_test(shared, what_only_a_login_learns_shows_by_reconnect);
    tcase_add_test(shared, in_maintenance_nothing_is_kept);
    tcase_add_test(shared, a_run_given_up_takes_its_connection_along);
    tcase_add_test(shared, a_blocked_query_is_a_timeout_as_ever);
    tcase_add_test(shared, many_runs_leave_no_descriptor);
    tcase_add_test(shared, the_servers_end_of_it_is_told_at_once);
    tcase_add_test(shared, a_worker_killed_between_runs_is_replaced_in_the_run);
    tcase_add_test(shared, a_stopped_worker_is_a_timeout_and_replaced);
    TCase *own = tcase_create("own");
    suite_add_tcase(suite, own);
    tcase_set_timeout(own, 60);
    tcase_add_test(own, a_server_that_goes_and_comes_is_told_as_by_a_fresh_login);
    tcase_add_test(own, with_tls_it_is_kept_as_well);
    return suite;
}
