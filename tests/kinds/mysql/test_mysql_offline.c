/* Tests of MySQL's offline_mode, which MariaDB does not have, on a scripted server: it lets us in, answers
 * what a kept connection asks, and is taken offline meanwhile.
 *
 *  offline_mode is switched on, and                    the next run
 *  the connection serves on (an administrator's does)  a fresh login in the same run: db_starting 3032
 *  the server ends it (as it does all others)          the same */
#include "kinds/mysql/mysql_bench.h"

#include "base/io.h"
#include "base/process.h"
#include "base/str.h"
#include "harness/fork.h"

#include <arpa/inet.h>
#include <check.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIMEOUT_MS = 5000, INTERVAL_MS = 5000, RECONNECT_MS = 3600 * 1000 };

struct mode {
    _Atomic bool is_offline, ends_sessions;
    _Atomic int logins;
};

/* -- what it says: packets of length, number and content -- */

static void put_packet(struct strbuf *reply, unsigned char *number, const char *content, size_t size) {
    const char head[] = {(char)(size & 0xff), (char)(size >> 8), 0, (char)(*number)++};
    strbuf_append_n(reply, head, sizeof head);
    strbuf_append_n(reply, content, size);
}

#define PUT(reply, number, text) put_packet(reply, number, text, sizeof(text) - 1)

static void put_greeting(struct strbuf *reply, unsigned char *number) {
    PUT(reply, number,
        "\x0a"
        "8.0.36\0"
        "\1\0\0\0abcdefgh\0\xfe\xf7\x2d\2\0\xff\x81\x15\0\0\0\0\0\0\7\0\0\0ijklmnopqrst\0"
        "mysql_native_password\0");
}

static void put_done(struct strbuf *reply, unsigned char *number) {
    PUT(reply, number, "\0\0\0\2\0\0\0");
}

/* ER_SERVER_OFFLINE_MODE, 3032. */
static void put_offline(struct strbuf *reply, unsigned char *number, bool is_logged_in) {
    if (is_logged_in)
        PUT(reply, number, "\xff\xd8\x0b#HY000The server is currently in offline mode");
    else
        PUT(reply, number, "\xff\xd8\x0bThe server is currently in offline mode");
}

static void put_row(struct strbuf *reply, unsigned char *number, const char *name, const char *value) {
    char content[64];
    int size =
        snprintf(content, sizeof content, "%c%s%c%s", (char)strlen(name), name, (char)strlen(value), value);
    put_packet(reply, number, content, (size_t)size);
}

static void put_end(struct strbuf *reply, unsigned char *number, bool has_more) {
    if (has_more)
        PUT(reply, number, "\xfe\0\0\x0a\0");
    else
        PUT(reply, number, "\xfe\0\0\2\0");
}

/* A result of two columns; rows: names and values, by turns, ended by NULL. */
static void put_result(struct strbuf *reply, unsigned char *number, const char *const *rows, bool has_more) {
    PUT(reply, number, "\2");
    for (int i = 0; i < 2; i++)
        PUT(reply, number, "\3def\0\0\0\1n\0\x0c\x2d\0\x80\0\0\0\xfd\0\0\0\0\0");
    put_end(reply, number, has_more);
    for (; *rows; rows += 2)
        put_row(reply, number, rows[0], rows[1]);
    put_end(reply, number, has_more);
}

/* To what is asked in one message of what only a login shows: what is not asked for is not told. */
static void put_login(struct strbuf *reply, unsigned char *number, const char *question, bool is_offline) {
    const char *const account[] = {"bugsink", "CREATE USER", NULL}, *const rights[] = {"GRANT", "ALL", NULL};
    const char *settings[] = {"max_connections", "151", "offline_mode", is_offline ? "ON" : "OFF", NULL};
    settings[2] = strstr(question, "'offline_mode'") ? settings[2] : NULL;
    const char *const connected[] = {"Threads_connected", "1", NULL}, *const own[] = {"0", "1", NULL};
    put_result(reply, number, account, true);
    put_result(reply, number, rights, true);
    put_result(reply, number, settings, true);
    put_result(reply, number, connected, true);
    put_result(reply, number, own, false);
}

/* -- the server -- */

static bool send_reply(int fd, struct strbuf *reply) {
    bool is_sent = io_write_all(fd, reply->data, reply->length) == 0;
    strbuf_release(reply);
    return is_sent;
}

/* One packet's content, ended by NUL. Returns its size; -1: the client is gone. */
static ssize_t read_packet(int fd, char text[4096], unsigned char *number) {
    unsigned char head[4];
    if (recv(fd, head, sizeof head, MSG_WAITALL) != (ssize_t)sizeof head)
        return -1;
    size_t size = head[0] | (size_t)head[1] << 8;
    if (size >= 4096 || recv(fd, text, size, MSG_WAITALL) != (ssize_t)size)
        return -1;
    text[size] = '\0';
    *number = (unsigned char)(head[3] + 1);
    return (ssize_t)size;
}

/* Returns false where that was the end of the session. */
static bool serve_command(int fd, const char *command, unsigned char number, const struct mode *mode) {
    enum { QUIT = 1, QUERY = 3 };
    const char *const one[] = {"1", "1", NULL};
    bool is_end = mode->is_offline && mode->ends_sessions;
    struct strbuf reply = {0};
    if (command[0] == QUIT)
        return false;
    if (is_end)
        put_offline(&reply, &number, true);
    else if (command[0] != QUERY || strncmp(command + 1, "SET ", 4) == 0)
        put_done(&reply, &number);
    else if (strncmp(command + 1, "SHOW CREATE USER", 16) == 0)
        put_login(&reply, &number, command + 1, mode->is_offline);
    else
        put_result(&reply, &number, one, false);
    return send_reply(fd, &reply) && !is_end;
}

static void converse(int fd, struct mode *mode) {
    unsigned char number = 0;
    char text[4096];
    struct strbuf greeting = {0}, welcome = {0};
    put_greeting(&greeting, &number);
    mode->logins++;
    if (!send_reply(fd, &greeting) || read_packet(fd, text, &number) < 0)
        return;
    bool is_refused = mode->is_offline;
    if (is_refused)
        put_offline(&welcome, &number, false);
    else
        put_done(&welcome, &number);
    if (!send_reply(fd, &welcome) || is_refused)
        return;
    while (read_packet(fd, text, &number) > 0 && serve_command(fd, text, number, mode))
        continue;
}

static _Noreturn void serve(int listener, struct mode *mode, pid_t parent) {
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    while (process_die_with_parent(parent)) {
        int fd = accept(listener, NULL, NULL);
        pid_t self = getpid();
        if (fd >= 0 && test_fork() == 0) {
            if (process_die_with_parent(self))
                converse(fd, mode);
            _exit(0);
        }
        close(fd);
    }
    _exit(0);
}

struct scene {
    struct bench bench;
    struct mode *mode; /* shared with the server */
    pid_t pid;
};

/* Logged in, and well on the connection that is kept. */
static void scene_open(struct scene *scene) {
    char dsn[128];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    void *shared = mmap(NULL, sizeof *scene->mode, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(shared != MAP_FAILED);
    scene->mode = shared;
    pid_t parent = getpid();
    scene->pid = test_fork();
    if (scene->pid == 0)
        serve(listener, scene->mode, parent);
    close(listener);
    snprintf(dsn, sizeof dsn, "mysql://bugsink:secret@127.0.0.1:%d/bugsink?ssl-mode=disabled",
        ntohs(address.sin_port));
    bench_open_keeping(&scene->bench, dsn, ROLE_PLAIN, TIMEOUT_MS, INTERVAL_MS, RECONNECT_MS);
    for (int i = 0; i < 3; i++)
        bench_expect(&scene->bench, REASON_OK, "", PHASE_NONE);
    ck_assert_int_eq(scene->mode->logins, 1);
}

static void scene_close(struct scene *scene) {
    bench_close(&scene->bench);
    kill(scene->pid, SIGKILL);
    waitpid(scene->pid, NULL, 0);
    munmap(scene->mode, sizeof *scene->mode);
}

START_TEST(a_server_that_goes_offline_is_found_by_a_fresh_login_in_the_next_run) {
    struct scene scene;
    scene_open(&scene);
    scene.mode->ends_sessions = _i;
    scene.mode->is_offline = true;
    for (int i = 0; i < 2; i++) {
        bench_expect(&scene.bench, REASON_DB_STARTING, "3032", PHASE_AUTH);
        ck_assert_int_eq(scene.mode->logins, 2 + i);
    }
    scene.mode->is_offline = false;
    for (int i = 0; i < 2; i++)
        bench_expect(&scene.bench, REASON_OK, "", PHASE_NONE);
    ck_assert_int_eq(scene.mode->logins, 4); /* and kept again */
    scene_close(&scene);
}
END_TEST

Suite *mysql_offline_suite(void) {
    Suite *suite = suite_create("mysql_offline");
    TCase *tcase = tcase_create("mysql_offline");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_server_that_goes_offline_is_found_by_a_fresh_login_in_the_next_run, 0, 2);
    return suite;
}
