/* Tests of the PostgreSQL connection that is kept between runs.
 *
 *  the connection                                     the run
 *  well                                               on the same backend, until `reconnect`
 *  ended by the server; server restarted              ok, on a fresh login in the same run
 *  server stopped                                     refused
 *  password changed                                   ok until `reconnect`, then auth_failed
 *  standby setting, tables gone, no permission, ...   the code of a fresh login
 *  TLS                                                never kept
 *  garbage, silence, drips, half answers, no end      a fresh login in the same run
 *
 * First the socket alone, against a server that the test plays itself; then the kind. */
#include "kinds/postgres/kept.h"

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

/* -- the socket alone -- */

struct talk {
    struct rig rig;
    struct postgres_kept *kept;
    int server; /* our end of the connection */
    int answered;
    enum reason reason;
    char cause[80]; /* "": an answer came */
    struct observed observed;
};

static void on_answered(
    void *arg, enum reason reason, const char *detail, const struct observed *observed, const char *cause) {
    struct talk *talk = arg;
    (void)detail;
    talk->answered++;
    talk->reason = reason;
    talk->observed = *observed;
    str_copy(talk->cause, sizeof talk->cause, cause ? cause : "");
}

static void open_talk(struct talk *talk) {
    int ends[2];
    *talk = (struct talk){.server = -1};
    rig_init(&talk->rig);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    talk->server = ends[1];
    talk->kept = postgres_kept_new(&talk->rig.env, ends[0]);
    ck_assert_ptr_nonnull(talk->kept);
}

static void hang_up(struct talk *talk) {
    if (talk->server >= 0)
        close(talk->server);
    talk->server = -1;
}

static void close_talk(struct talk *talk) {
    postgres_kept_free(talk->kept);
    hang_up(talk);
    rig_release(&talk->rig);
}

static void ask(struct talk *talk, enum role role) {
    const struct postgres_kept_question question = {.role = role,
        .remaining_ms = TIMEOUT_MS,
        .silence_ms = SILENCE_MS,
        .answered = on_answered,
        .arg = talk};
    talk->answered = 0;
    postgres_kept_ask(talk->kept, &question);
}

static void say(const struct talk *talk, const struct strbuf *bytes) {
    ck_assert_int_eq(io_write_all(talk->server, bytes->data, bytes->length), 0);
}

static bool has_answered(void *arg) {
    return ((struct talk *)arg)->answered > 0;
}

static void expect_end(struct talk *talk, const char *cause) {
    ck_assert(rig_turn_until(&talk->rig, has_answered, talk, PATIENCE_MS));
    ck_assert_int_eq(talk->answered, 1);
    ck_assert_str_eq(talk->cause, cause);
}

/* What came to the server so far; the caller frees. */
static struct strbuf hear(const struct talk *talk) {
    char bytes[8192];
    struct strbuf heard = {0};
    ssize_t got = recv(talk->server, bytes, sizeof bytes, MSG_DONTWAIT);
    strbuf_append_n(&heard, bytes, got > 0 ? (size_t)got : 0);
    return heard;
}

START_TEST(the_questions_are_those_of_a_login_and_their_opening_goes_before) {
    struct talk talk;
    char opening[POSTGRES_SQL_SIZE];
    open_talk(&talk);
    ask(&talk, ROLE_MAIN);
    struct strbuf heard = hear(&talk);
    postgres_opening(opening, ROLE_MAIN, TIMEOUT_MS);
    size_t first = 5 + strlen(opening) + 1;
    ck_assert_uint_eq(heard.length, first + 5 + strlen(postgres_questions(ROLE_MAIN)) + 1);
    ck_assert_int_eq(heard.data[0], 'Q');
    ck_assert_str_eq(heard.data + 5, opening);
    ck_assert_int_eq(heard.data[first], 'Q');
    ck_assert_str_eq(heard.data + first + 5, postgres_questions(ROLE_MAIN));
    strbuf_release(&heard);
    close_talk(&talk);
}
END_TEST

START_TEST(a_good_answer_is_one_whatever_its_portions) {
    struct talk talk;
    struct strbuf answer = {0};
    int64_t installations = 0;
    wire_put_opening(&answer);
    size_t opening = answer.length;
    wire_put_answers(&answer, "f", "1");
    open_talk(&talk);
    for (int i = 0; i < 3; i++) {
        ask(&talk, ROLE_MAIN);
        struct strbuf heard = hear(&talk), part = answer;
        strbuf_release(&heard);
        part.length = i == 1 ? opening : answer.length;
        say(&talk, &part);
        if (i == 1)
            rig_turn_for(&talk.rig, 2 * SILENCE_MS);
        else
            rig_turn_until(&talk.rig, has_answered, &talk, PATIENCE_MS);
        ck_assert_int_eq(
            has_answered(&talk), i != 1); /* once the opening is answered nothing is silence any more */
        part = (struct strbuf){.data = answer.data + opening, .length = answer.length - opening};
        if (i == 1)
            say(&talk, &part);
        expect_end(&talk, "");
        ck_assert_int_eq(talk.reason, REASON_OK);
        ck_assert(observed_get(&talk.observed, OBSERVED_INSTALLATIONS, &installations) && installations == 1);
    }
    strbuf_release(&answer);
    close_talk(&talk);
}
END_TEST

START_TEST(values_are_judged_as_those_of_a_login) {
    static const struct {
        const char *in_recovery, *installations;
        enum reason reason;
    } rows[] = {{"t", "1", REASON_READ_ONLY}, {"t", "2", REASON_READ_ONLY},
        {"f", "0", REASON_APP_DATA_INVALID}, {"f", "2", REASON_APP_DATA_INVALID}};
    struct talk talk;
    open_talk(&talk);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct strbuf answer = {0};
        wire_put_opening(&answer);
        wire_put_answers(&answer, rows[i].in_recovery, rows[i].installations);
        ask(&talk, ROLE_MAIN);
        say(&talk, &answer);
        expect_end(&talk, "");
        ck_assert_int_eq(talk.reason, rows[i].reason);
        strbuf_release(&answer);
    }
    close_talk(&talk);
}
END_TEST

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
    const char *cause;
} LIES[] = {
    {say_garbage, false, "not what was asked for"},
    {say_shutdown, true, "the server reports an error"},
    {say_denied, false, "the server reports an error"},
    {say_huge, false, "not what was asked for"},
    {say_rows_for_ever, false, "not what was asked for"},
    {say_no_rows, false, "not the rows that were asked for"},
    {say_one_row, false, "not the rows that were asked for"},
    {say_no_transaction, false, "no transaction"},
    {say_no_rollback, false, "a transaction that does not end"},
    {say_twice, false, "not what was asked for"},
    {say_copy, false, "not what was asked for"},
    {say_half, false, "silence"},
    {say_half, true, "the server closed it"},
    {say_nothing, false, "silence"},
    {say_nothing, true, "the server closed it"},
};

START_TEST(whatever_else_is_said_is_no_answer) {
    struct talk talk;
    struct strbuf stream = {0};
    open_talk(&talk);
    LIES[_i].say(&stream);
    ask(&talk, ROLE_MAIN);
    struct strbuf heard = hear(&talk);
    strbuf_release(&heard);
    say(&talk, &stream);
    if (LIES[_i].hangs_up)
        hang_up(&talk);
    expect_end(&talk, LIES[_i].cause);
    strbuf_release(&stream);
    close_talk(&talk);
}
END_TEST

/* Before anything is asked, and without a word of the question going out. */
START_TEST(whatever_came_between_runs_is_no_answer) {
    struct talk talk;
    struct strbuf stream = {0};
    open_talk(&talk);
    LIES[_i].say(&stream);
    say(&talk, &stream);
    if (LIES[_i].hangs_up)
        hang_up(&talk);
    ask(&talk, ROLE_MAIN);
    if (stream.length > 0 || LIES[_i].hangs_up)
        ck_assert_int_eq(talk.answered, 1);
    ck_assert(rig_turn_until(&talk.rig, has_answered, &talk, PATIENCE_MS));
    ck_assert_str_ne(talk.cause, "");
    strbuf_release(&stream);
    close_talk(&talk);
}
END_TEST

struct dripping {
    struct talk *talk;
    const struct strbuf *stream;
    size_t at;
};

static bool drip(void *arg) {
    struct dripping *dripping = arg;
    const struct strbuf byte = {.data = dripping->stream->data + dripping->at++, .length = 1};
    if (dripping->talk->answered == 0 && dripping->at <= dripping->stream->length)
        say(dripping->talk, &byte);
    return dripping->talk->answered > 0;
}

/* A byte in each turn of the loop, of a message that is long enough for the time. */
START_TEST(drops_are_no_sign_of_life) {
    struct talk talk;
    struct strbuf stream = {0};
    char parameter[4000] = "";
    wire_put(&stream, 'S', parameter, sizeof parameter);
    open_talk(&talk);
    ask(&talk, ROLE_MAIN);
    struct dripping dripping = {&talk, &stream, 0};
    ck_assert(rig_turn_until(&talk.rig, drip, &dripping, PATIENCE_MS));
    ck_assert_str_eq(talk.cause, "silence");
    strbuf_release(&stream);
    close_talk(&talk);
}
END_TEST

START_TEST(it_takes_its_leave) {
    struct talk talk;
    char rest[8];
    open_talk(&talk);
    postgres_kept_free(talk.kept);
    talk.kept = NULL;
    ck_assert_int_eq(read(talk.server, rest, sizeof rest), 5);
    ck_assert_int_eq(memcmp(rest, "X\0\0\0\4", 5), 0);
    ck_assert_int_eq(read(talk.server, rest, sizeof rest), 0);
    close_talk(&talk);
}
END_TEST

START_TEST(what_is_no_connection_is_not_kept) {
    struct rig rig;
    int ends[2];
    rig_init(&rig);
    int before = postgres_bench_count_descriptors();
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_ptr_null(postgres_kept_new(&rig.env, ends[0]));
    close(ends[1]);
    ck_assert_ptr_null(postgres_kept_new(&rig.env, socket(AF_INET, SOCK_STREAM, 0)));
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    ck_assert_ptr_null(postgres_kept_new(&rig.env, ends[0]));
    close(ends[1]);
    ck_assert_int_eq(postgres_bench_count_descriptors(), before);
    rig_release(&rig);
}
END_TEST

/* -- the kind, on a real server -- */

static struct postgres_server *server;

static void start_server(void) {
    postgres_bench_forget_environment();
    server = postgres_start(NULL);
}

static void stop_server(void) {
    postgres_free(server);
}

/* A bench whose time passes only when a test says so. */
struct timeless {
    struct postgres_bench bench;
    struct clock clock;
    int64_t now_ms;
};

static int64_t read_now(void *arg) {
    return *(int64_t *)arg;
}

static void open_timeless(struct timeless *timeless, const char *dsn, enum role role) {
    timeless->now_ms = 1000000;
    timeless->clock = (struct clock){read_now, read_now, &timeless->now_ms};
    postgres_bench_open_keeping(&timeless->bench, dsn, role, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
    timeless->bench.rig.timers.clock = &timeless->clock;
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
        ck_assert_ptr_null(bench.own.check.child); /* and no child is forked */
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
    enum { RUNS = 60, MOST = RUNS * INTERVAL_MS / RECONNECT_MS };
    struct timeless timeless;
    char *dsn = dsn_of("bugsink"), *last = str_dup("");
    int64_t login_ms = 0;
    int logins = 0;
    open_timeless(&timeless, dsn, ROLE_MAIN);
    for (int i = 0; i < RUNS; i++, timeless.now_ms += INTERVAL_MS) {
        expect_well(&timeless.bench);
        ck_assert(rig_turn_until_childless(&timeless.bench.rig));
        char *now = our_backends(server); /* nobody: it was closed after this run */
        if (now[0] == '\0' || strcmp(now, last) == 0) {
            free(now);
            continue;
        }
        ck_assert_int_le(logins == 0 ? 0 : timeless.now_ms - login_ms, RECONNECT_MS);
        ck_assert_int_ge(logins == 0 ? RECONNECT_MS : timeless.now_ms - login_ms, RECONNECT_MS / 2);
        login_ms = timeless.now_ms;
        logins++;
        free(last);
        last = now;
    }
    ck_assert_int_ge(logins, MOST);
    ck_assert_int_le(logins, 2 * MOST + 1);
    free(last);
    free(dsn);
    postgres_bench_close(&timeless.bench);
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
START_TEST(what_only_a_login_learns_shows_by_reconnect) {
    struct timeless timeless;
    char *dsn = own_database("kept_login");
    open_timeless(&timeless, dsn, ROLE_MAIN);
    expect_well(&timeless.bench);
    postgres_do(server, "postgres", "ALTER ROLE bugsink PASSWORD 'another'");
    timeless.now_ms += INTERVAL_MS;
    expect_well(&timeless.bench);
    timeless.now_ms += RECONNECT_MS - INTERVAL_MS;
    postgres_bench_expect(&timeless.bench, REASON_AUTH_FAILED, "28P01", PHASE_AUTH);
    postgres_do(server, "postgres", "ALTER ROLE bugsink PASSWORD '" POSTGRES_PASSWORD "'");
    expect_well(&timeless.bench);
    postgres_bench_close(&timeless.bench);
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

/* The child has descriptors, but we have none to take the connection with. */
START_TEST(without_a_descriptor_to_spare_it_is_not_kept) {
    struct postgres_bench bench;
    char *dsn = dsn_of("bugsink");
    struct rlimit before, none;
    open_keeping(&bench, dsn, ROLE_MAIN);
    expect_well(&bench);
    check_let_go(&bench.own.check);
    ck_assert(rig_turn_until_childless(&bench.rig));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert(check_start(&bench.own.check)); /* the child is forked */
    none = (struct rlimit){3, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool is_over = rig_turn_until_childless(&bench.rig);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert(is_over);
    ck_assert_int_eq(bench.own.outcome.reason, REASON_OK);
    ck_assert(wait_until(is_nobody_there, server, PATIENCE_MS));
    expect_well(&bench);
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

START_TEST(with_tls_nothing_is_kept) {
    struct postgres_bench bench;
    postgres_bench_forget_environment();
    char *certificates = certificates_make("DNS:localhost");
    if (!certificates) {
        skip_test("with_tls_nothing_is_kept", "no command openssl here");
        return;
    }
    struct postgres_server *own = postgres_bench_start_tls(certificates);
    char *dsn = postgres_dsn(own, USER, RIGHT, "bugsink", "?sslmode=require"),
         *plain = postgres_dsn(own, USER, RIGHT, "bugsink", "?sslmode=disable");
    open_keeping(&bench, dsn, ROLE_MAIN);
    for (int i = 0; i < 2; i++) {
        expect_well(&bench);
        ck_assert(wait_until(is_nobody_there, own, PATIENCE_MS));
    }
    postgres_bench_close(&bench);
    open_keeping(&bench, plain, ROLE_MAIN);
    expect_well(&bench);
    ck_assert(!is_nobody_there(own));
    postgres_bench_close(&bench);
    free(dsn);
    free(plain);
    free(certificates);
    postgres_free(own);
}
END_TEST

/* -- a server that turns hostile -- */

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

START_TEST(whoever_lies_later_is_asked_anew_in_the_same_run) {
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
    postgres_bench_open_keeping(&bench, dsn, ROLE_MAIN, 3000, INTERVAL_MS, RECONNECT_MS);
    expect_well(&bench);
    ck_assert(rig_turn_until_childless(&bench.rig));
    expect_well(&bench);
    expect_well(&bench); /* on the second connection, or a third */
    postgres_bench_close(&bench);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
END_TEST

Suite *postgres_kept_suite(void) {
    Suite *suite = suite_create("postgres_kept");
    TCase *alone = tcase_create("alone");
    suite_add_tcase(suite, alone);
    tcase_set_timeout(alone, 30);
    tcase_add_test(alone, the_questions_are_those_of_a_login_and_their_opening_goes_before);
    tcase_add_test(alone, a_good_answer_is_one_whatever_its_portions);
    tcase_add_test(alone, values_are_judged_as_those_of_a_login);
    tcase_add_loop_test(alone, whatever_else_is_said_is_no_answer, 0, sizeof LIES / sizeof LIES[0]);
    tcase_add_loop_test(alone, whatever_came_between_runs_is_no_answer, 0, sizeof LIES / sizeof LIES[0]);
    tcase_add_test(alone, drops_are_no_sign_of_life);
    tcase_add_test(alone, it_takes_its_leave);
    tcase_add_test(alone, what_is_no_connection_is_not_kept);
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
    tcase_add_test(shared, without_a_descriptor_to_spare_it_is_not_kept);
    TCase *own = tcase_create("own");
    suite_add_tcase(suite, own);
    tcase_set_timeout(own, 60);
    tcase_add_test(own, a_server_that_goes_and_comes_is_told_as_by_a_fresh_login);
    tcase_add_test(own, with_tls_nothing_is_kept);
    return suite;
}
