/* Tests of the MySQL kind on scripted servers, for what a real one will not do on demand. */
#include "kinds/mysql/mysql_bench.h"

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
    {{.reads = 0, .closes = true}, "", REASON_RESET, "2013", PHASE_CONNECT}, /* a proxy without a server */
    {{.reads = 0, .closes = true}, "?ssl-mode=disabled", REASON_RESET, "2013", PHASE_CONNECT},
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

/* What the other side says, one step for each packet of ours but the first, which comes unasked. */
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

/* A server without TLS that would like the password: by the plugin of its greeting, or by a switch to it, and
 * then "full authentication", upon which a client on a safe channel sends the password as it is. */
#define SHA2_GREETING                                                                                        \
    "\x4a\0\0\0\x0a"                                                                                         \
    "8.0.30\0"                                                                                               \
    "\7\0\0\0"                                                                                               \
    "12345678\0\xff\xf7\x2d\2\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0"                                             \
    "abcdefghijkl\0"                                                                                         \
    "caching_sha2_password\0"
#define SHA2_SWITCH                                                                                          \
    "\x2c\0\0\2\xfe"                                                                                         \
    "caching_sha2_password\0"                                                                                \
    "abcdefghijklmnopqrst\0"
#define FULL       "\2\0\0\2\1\4"
#define FULL_LATER "\2\0\0\4\1\4"

static const struct {
    struct step steps[STEPS_MAX];
    const char *query;
    enum reason reason; /* REASON_COUNT: any */
} THIEVES[] = {
    {{{BYTES(SHA2_GREETING)}, {BYTES(FULL)}, {"", 0}}, "", REASON_COUNT},
    {{{BYTES(SHA2_GREETING)}, {BYTES(FULL)}, {"", 0}}, "?ssl-mode=disabled", REASON_COUNT},
    {{{BYTES(SHA2_GREETING)}, {BYTES(FULL)}, {"", 0}}, "?ssl-mode=required", REASON_TLS},
    {{{BYTES(SHA2_GREETING)}, {BYTES(FULL)}, {"", 0}}, "?ssl-mode=verify-ca&ssl-ca=/etc/passwd", REASON_TLS},
    {{{BYTES(SHA2_GREETING)}, {BYTES(FULL)}, {"", 0}}, "?ssl-mode=verify-identity&ssl-ca=/etc/passwd",
        REASON_TLS},
    {{{BYTES(GREETING)}, {BYTES(SHA2_SWITCH)}, {BYTES(FULL_LATER)}, {"", 0}}, "", REASON_COUNT},
    {{{BYTES(GREETING)}, {BYTES(SHA2_SWITCH)}, {BYTES(FULL_LATER)}, {"", 0}}, "?ssl-mode=required",
        REASON_TLS},
};

/* All that is heard is written into a file, with dots for NULs. Hangs up on who says nothing more. */
static _Noreturn void act(int listener, const struct step *steps, const char *heard, pid_t parent) {
    char text[4096];
    size_t used = 0;
    ssize_t got = 1;
    const struct timeval patience = {.tv_sec = 1};
    signal(SIGPIPE, SIG_IGN);
    int fd = process_die_with_parent(parent) ? accept(listener, NULL, NULL) : -1;
    for (int i = 0; got > 0 && fd >= 0; i++) {
        if (i < STEPS_MAX && steps[i].size > 0)
            io_write_all(fd, steps[i].bytes, steps[i].size);
        else
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        got = read(fd, text + used, sizeof text - 1 - used);
        used += got > 0 ? (size_t)got : 0;
    }
    for (size_t i = 0; i < used; i++)
        text[i] = text[i] == '\0' ? '.' : text[i];
    text[used] = '\0';
    close(fd);
    tempdir_write(heard, text);
    while (pause() < 0)
        continue;
    _exit(0);
}

static bool is_written(void *arg) {
    return access(arg, F_OK) == 0;
}

struct conversation {
    struct bench bench;
    char *directory, *path; /* of what the other side has heard */
    pid_t pid;
};

static void conversation_open(struct conversation *conversation, const struct step *steps, const char *query,
    enum role role, int64_t timeout_ms) {
    char dsn[256];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    conversation->directory = tempdir_new();
    conversation->path = tempdir_path(conversation->directory, "heard");
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    pid_t parent = getpid();
    conversation->pid = test_fork();
    if (conversation->pid == 0)
        act(listener, steps, conversation->path, parent);
    close(listener);
    snprintf(
        dsn, sizeof dsn, "mysql://bugsink:TopSecret@127.0.0.1:%d/bugsink%s", ntohs(address.sin_port), query);
    bench_open(&conversation->bench, dsn, role, timeout_ms);
}

/* Ends it, and says that the other side has not heard this. */
static void conversation_close(struct conversation *conversation, const char *unheard) {
    char heard[4096] = "";
    ck_assert(rig_turn_until_childless(&conversation->bench.rig));
    ck_assert(wait_until(is_written, conversation->path, 3000));
    program_read_file(conversation->path, heard, sizeof heard);
    ck_assert_msg(!strstr(heard, unheard), "%s", heard);
    bench_close(&conversation->bench);
    kill(conversation->pid, SIGKILL);
    waitpid(conversation->pid, NULL, 0);
    free(conversation->path);
    free(conversation->directory);
}

START_TEST(who_logs_us_in_and_misbehaves) {
    struct conversation conversation;
    conversation_open(&conversation, CONVERSATIONS[_i].steps, "", CONVERSATIONS[_i].role,
        CONVERSATIONS[_i].reason == REASON_TIMEOUT ? 400 : TIMEOUT_MS);
    if (CONVERSATIONS[_i].reason == REASON_COUNT) /* the reason does not matter, but the file stays here */
        rig_run(&conversation.bench.rig, &conversation.bench.own);
    else
        bench_expect(
            &conversation.bench, CONVERSATIONS[_i].reason, CONVERSATIONS[_i].code, CONVERSATIONS[_i].phase);
    conversation_close(&conversation, "root:");
}
END_TEST

START_TEST(without_tls_nobody_gets_the_password_in_clear) {
    struct conversation conversation;
    conversation_open(&conversation, THIEVES[_i].steps, THIEVES[_i].query, ROLE_PLAIN, 400);
    rig_run(&conversation.bench.rig, &conversation.bench.own);
    const struct outcome *outcome = &conversation.bench.own.outcome;
    ck_assert_msg(THIEVES[_i].reason == REASON_COUNT || outcome->reason == THIEVES[_i].reason, "%s: %s",
        reason_info(outcome->reason)->slug, outcome->detail);
    ck_assert_int_ne(outcome->reason, REASON_OK);
    conversation_close(&conversation, "TopSecret");
}
END_TEST

Suite *mysql_peers_suite(void) {
    Suite *suite = suite_create("mysql_peers");
    TCase *tcase = tcase_create("mysql_peers");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, what_is_no_server_or_a_sick_one, 0, COUNT(PEERS));
    tcase_add_loop_test(tcase, who_logs_us_in_and_misbehaves, 0, COUNT(CONVERSATIONS));
    tcase_add_loop_test(tcase, without_tls_nobody_gets_the_password_in_clear, 0, COUNT(THIEVES));
    return suite;
}
