/* Tests of a kept PostgreSQL connection whose server turns hostile: garbage, silence, half answers, answers
 * without an end. None of it is the run's result: a fresh login is, in the same run. */
#include "kinds/postgres/postgres_bench.h"
#include "kinds/postgres/questions.h"
#include "harness/fork.h"
#include "harness/peer.h"
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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INTERVAL_MS = 5000, RECONNECT_MS = 60000 };

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
    postgres_bench_expect_well(&bench);
    ck_assert(rig_turn_until_childless(&bench.rig));
    postgres_bench_expect_well(&bench);
    postgres_bench_expect_well(&bench); /* on the second connection, or a third */
    postgres_bench_close(&bench);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
END_TEST

Suite *postgres_liar_suite(void) {
    Suite *suite = suite_create("postgres_liar");
    TCase *tcase = tcase_create("postgres_liar");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(
        tcase, whoever_lies_later_is_asked_anew_in_the_same_run, 0, sizeof LIES / sizeof LIES[0]);
    return suite;
}
