/* Tests of the MySQL kind on scripted servers, for what a real one will not do on demand. */
#include "checks/mysql_bench.h"

#include "base/io.h"
#include "base/process.h"
#include "harness/fork.h"
#include "harness/peer.h"
#include "harness/program.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <arpa/inet.h>
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))
#define BYTES(text)  text, sizeof text - 1

enum { TIMEOUT_MS = 2000, STEPS_MAX = 5 };

/* Packets: length, number, content. The first: protocol 10, version, thread, scramble, capabilities (without
 * TLS, or with it), charset, status, the rest of the scramble, plugin. */
#define GREETING_OF(capabilities)                                                                            \
    "\x59\0\0\0\x0a"                                                                                         \
    "5.5.5-10.11.0-MariaDB\0"                                                                                \
    "\1\0\0\0"                                                                                               \
    "abcdefgh\0" capabilities "\x2d\2\0\xff\x81\x15\0\0\0\0\0\0\7\0\0\0"                                     \
    "ijklmnopqrst\0"                                                                                         \
    "mysql_native_password\0"
#define GREETING     GREETING_OF("\xfe\xf7")
#define TLS_GREETING GREETING_OF("\xfe\xff")
#define TOO_MANY     "\x17\0\0\0\xff\x10\x04Too many connections"
#define BLOCKED      "\x15\0\0\0\xff\x69\x04Host 'h' is blocked"
#define WELCOME      "\7\0\0\2\0\0\0\2\0\0\0"
#define DONE         "\7\0\0\1\0\0\0\2\0\0\0"
/* Two columns, the end of their list, one row. */
#define VARIABLES                                                                                            \
    "\1\0\0\1\2"                                                                                             \
    "\x17\0\0\2\3def\0\0\0\1n\0\x0c\x2d\0\x80\0\0\0\xfd\0\0\0\0\0"                                           \
    "\x17\0\0\3\3def\0\0\0\1v\0\x0c\x2d\0\x80\0\0\0\xfd\0\0\0\0\0"                                           \
    "\5\0\0\4\xfe\0\0\2\0"                                                                                   \
    "\x11\0\0\5\x0ctx_read_only\3OFF"
#define NO_MORE_ROWS  "\5\0\0\6\xfe\0\0\2\0"
#define REFUSED       "\x0e\0\0\1\xff\x0a\x05#HY000none."
#define SHUTTING_DOWN "\x0e\0\0\6\xff\x1d\x04#08S01down."

static const struct {
    struct peer_script script;
    const char *query;
    enum reason reason;
    const char *code;
    enum phase phase;
} PEERS[] = {
    {{0, BYTES(TOO_MANY), 0, true}, "", REASON_TOO_MANY_CLIENTS, "1040", PHASE_AUTH},
    {{0, BYTES(TOO_MANY), 0, true}, "?ssl-mode=disabled", REASON_TOO_MANY_CLIENTS, "1040", PHASE_AUTH},
    {{0, BYTES(BLOCKED), 0, true}, "", REASON_HOST_BLOCKED, "1129", PHASE_AUTH},
    {{0, BYTES(TOO_MANY), 10, true}, "", REASON_TOO_MANY_CLIENTS, "1040", PHASE_AUTH}, /* byte by byte */
    {{.reads = 0}, "", REASON_TIMEOUT, "", PHASE_AUTH},
    {{0, "\x59\0\0\0\x0a", 2, 0, false}, "?ssl-mode=disabled", REASON_TIMEOUT, "", PHASE_AUTH},
    {{0, GREETING, 40, 0, false}, "?ssl-mode=disabled", REASON_TIMEOUT, "", PHASE_AUTH},
    {{0, BYTES(GREETING), 0, false}, "", REASON_TIMEOUT, "", PHASE_AUTH},
    {{0, BYTES(GREETING), 100, false}, "?ssl-mode=disabled", REASON_TIMEOUT, "", PHASE_AUTH},
    {{0, BYTES(TLS_GREETING), 0, false}, "", REASON_TIMEOUT, "", PHASE_TLS},
    {{1, BYTES("not a word of TLS"), 0, false}, "", REASON_TIMEOUT, "", PHASE_AUTH}, /* waits for us */
    {{.reads = 0, .closes = true}, "", REASON_RESET, "2013", PHASE_AUTH},
    {{0, GREETING, 40, 0, true}, "", REASON_RESET, "2013", PHASE_AUTH},
    {{0, BYTES(GREETING), 0, true}, "", REASON_RESET, "2013", PHASE_AUTH},
    {{0, BYTES(TLS_GREETING), 0, true}, "", REASON_RESET, NULL, PHASE_TLS},
    {{0, BYTES("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), 0, true}, "", REASON_PROTOCOL, NULL,
        PHASE_AUTH},
    {{0, BYTES("SSH-2.0-OpenSSH_9.2\r\n"), 0, false}, "", REASON_PROTOCOL, NULL, PHASE_AUTH},
    {{0, BYTES("220 mail ESMTP\r\n"), 20, false}, "", REASON_PROTOCOL, NULL, PHASE_AUTH},
    {{0, BYTES("\xff\xfe\xfd garbage"), 0, false}, "", REASON_PROTOCOL, NULL, PHASE_AUTH},
    {{0, BYTES("\x0a\0\0\0\x09oldserver"), 0, true}, "", REASON_PROTOCOL, NULL, PHASE_AUTH},
};

START_TEST(what_is_no_server_or_a_sick_one) {
    char dsn[256];
    struct peer peer = peer_start(&PEERS[_i].script);
    snprintf(dsn, sizeof dsn, "mysql://bugsink:secret@127.0.0.1:%d/bugsink%s", peer.port, PEERS[_i].query);
    bench_once(dsn, ROLE_PLAIN, PEERS[_i].reason, PEERS[_i].code, PEERS[_i].phase);
    peer_stop(&peer);
}
END_TEST

/* -- servers that log us in, and then do what they should not -- */

struct step {
    const char *bytes;
    size_t size;
};

/* What the other side says, one step for each packet of ours but the first, which comes unasked; what it
 * hears last is written into a file. */
static const struct {
    struct step steps[STEPS_MAX];
    enum role role;
    enum reason reason;
    const char *code;
    enum phase phase;
} CONVERSATIONS[] = {
    {{{BYTES(GREETING)}, {BYTES(WELCOME)}, {BYTES("\1\0\0\1\xff")}}, ROLE_PLAIN, REASON_PROTOCOL, "2000",
        PHASE_QUERY},
    {{{BYTES(GREETING)}, {BYTES(WELCOME)}, {BYTES(DONE)}}, ROLE_PLAIN, REASON_PROTOCOL, "",
        PHASE_QUERY}, /* an answer without a row */
    {{{BYTES(GREETING)}, {BYTES(WELCOME)}, {BYTES("\x0c\0\0\1\xfb/etc/passwd")}}, ROLE_PLAIN, REASON_COUNT,
        NULL, PHASE_QUERY}, /* asks for a file of ours */
    {{{BYTES(GREETING)}, {BYTES(WELCOME)}, {BYTES("\xff\xff\xff\1\3def")}}, ROLE_PLAIN, REASON_RESET, "2013",
        PHASE_QUERY}, /* announces 16 MiB: the library hangs up */
    {{{BYTES(GREETING)}, {BYTES(WELCOME)}, {"", 0}}, ROLE_PLAIN, REASON_TIMEOUT, "", PHASE_QUERY},
    {{{BYTES(GREETING)}, {BYTES("\x15\0\0\2\xfeno_such_plugin_xxx\0\0")}, {BYTES("\7\0\0\4\xff\x15\4no..")}},
        ROLE_PLAIN, REASON_AUTH_UNSUPPORTED, NULL, PHASE_AUTH},
    {{{BYTES(GREETING)}, {BYTES("\x17\0\0\2\xfemysql_clear_password\0\0")}, {"", 0}}, ROLE_PLAIN,
        REASON_AUTH_UNSUPPORTED, NULL, PHASE_AUTH}, /* asks for the password in clear */
    {{{BYTES(GREETING)}, {BYTES("\6\0\0\2\xff\x15\4no.")}, {"", 0}}, ROLE_PLAIN, REASON_AUTH_FAILED, "1045",
        PHASE_AUTH},
    {{{BYTES(GREETING)}, {BYTES(WELCOME)}, {BYTES(DONE)}, {BYTES(VARIABLES NO_MORE_ROWS)}, {BYTES(REFUSED)}},
        ROLE_MAIN, REASON_READ_ONLY, "1290", PHASE_QUERY}, /* the next question's answer */
    /* the same, but it breaks off behind its first row, which says "writable" */
    {{{BYTES(GREETING)}, {BYTES(WELCOME)}, {BYTES(DONE)}, {BYTES(VARIABLES SHUTTING_DOWN)}, {"", 0}},
        ROLE_MAIN, REASON_DB_STARTING, "1053", PHASE_QUERY},
    {{{BYTES(GREETING)}, {BYTES(WELCOME)}, {BYTES(DONE)}, {BYTES(VARIABLES "\xff\xff\xff\6")}, {"", 0}},
        ROLE_MAIN, REASON_RESET, "2013", PHASE_QUERY},
    {{{BYTES(GREETING)}, {BYTES(WELCOME)}, {BYTES(DONE)}, {BYTES(VARIABLES)}, {"", 0}}, ROLE_MAIN,
        REASON_TIMEOUT, "", PHASE_QUERY},
};

static _Noreturn void act(int listener, const struct step *steps, const char *heard, pid_t parent) {
    char text[4096];
    signal(SIGPIPE, SIG_IGN);
    int fd = process_die_with_parent(parent) ? accept(listener, NULL, NULL) : -1;
    for (int i = 0; i < STEPS_MAX && steps[i].bytes && fd >= 0; i++) {
        if (i > 0 && read(fd, text, sizeof text) <= 0)
            break;
        io_write_all(fd, steps[i].bytes, steps[i].size);
    }
    ssize_t got = read(fd, text, sizeof text - 1);
    text[got > 0 ? got : 0] = '\0';
    for (ssize_t i = 0; i < got; i++)
        text[i] = text[i] == '\0' ? '.' : text[i];
    tempdir_write(heard, text);
    while (pause() < 0)
        continue;
    _exit(0);
}

static bool is_written(void *arg) {
    return access(arg, F_OK) == 0;
}

START_TEST(who_logs_us_in_and_misbehaves) {
    char dsn[256], heard[4096] = "";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char *directory = tempdir_new(), *path = tempdir_path(directory, "heard");
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    pid_t parent = getpid(), pid = test_fork();
    if (pid == 0)
        act(listener, CONVERSATIONS[_i].steps, path, parent);
    close(listener);
    snprintf(dsn, sizeof dsn, "mysql://bugsink:secret@127.0.0.1:%d/bugsink", ntohs(address.sin_port));
    struct bench bench;
    bench_open(
        &bench, dsn, CONVERSATIONS[_i].role, CONVERSATIONS[_i].reason == REASON_TIMEOUT ? 400 : TIMEOUT_MS);
    if (CONVERSATIONS[_i].reason == REASON_COUNT) /* the reason does not matter, but the file stays here */
        rig_run(&bench.rig, &bench.own);
    else
        bench_expect(&bench, CONVERSATIONS[_i].reason, CONVERSATIONS[_i].code, CONVERSATIONS[_i].phase);
    ck_assert(rig_turn_until_childless(&bench.rig));
    ck_assert(wait_until(is_written, path, 3000));
    program_read_file(path, heard, sizeof heard);
    ck_assert_msg(!strstr(heard, "root:"), "%s", heard);
    bench_close(&bench);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    free(path);
    free(directory);
}
END_TEST

Suite *mysql_peers_suite(void) {
    Suite *suite = suite_create("mysql_peers");
    TCase *tcase = tcase_create("mysql_peers");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, what_is_no_server_or_a_sick_one, 0, COUNT(PEERS));
    tcase_add_loop_test(tcase, who_logs_us_in_and_misbehaves, 0, COUNT(CONVERSATIONS));
    return suite;
}
