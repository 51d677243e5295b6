/* Tests of what the service manager is told, on real datagram sockets. */
#include "base/notify.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A manager: a socket by a name as NOTIFY_SOCKET has it. */
static int listen_as(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(
        bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
        0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static void assert_heard(int fd, const char *message) {
    char text[NOTIFY_MESSAGE_SIZE] = "";
    ssize_t got = recv(fd, text, sizeof text - 1, 0);
    ck_assert_int_ge(got, 0);
    ck_assert_str_eq(text, message);
}

static void forget_variables(void) {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

static void assert_told(const char *name) {
    struct notify notify;
    struct error err = {.text = ""};
    int manager = listen_as(name);
    ck_assert_msg(notify_open(&notify, &err) == 0, "%s", err.text);
    ck_assert_int_eq(fcntl(notify.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ck_assert_int_eq(notify_send(&notify, "READY=1\nSTATUS=Ready."), 0);
    assert_heard(manager, "READY=1\nSTATUS=Ready.");
    notify_close(&notify);
    ck_assert_int_eq(notify_send(&notify, "READY=1"), 0);
    char c;
    ck_assert_int_lt(recv(manager, &c, 1, 0), 0);
    close(manager);
}

START_TEST(a_message_comes_whole_at_a_path) {
    char *dir = tempdir_new(), *path = tempdir_path(dir, "notify");
    assert_told(path);
    free(path);
    free(dir);
}
END_TEST

START_TEST(a_message_comes_whole_at_an_abstract_name) {
    char name[64];
    snprintf(name, sizeof name, "@bugsink-health/test/%d", (int)getpid());
    assert_told(name);
}
END_TEST

START_TEST(without_a_manager_nothing_is_told_and_nothing_is_wrong) {
    struct notify notify;
    struct error err;
    forget_variables();
    setenv("WATCHDOG_USEC", "1000000", 1);
    ck_assert_int_eq(notify_open(&notify, &err), 0);
    ck_assert_int_eq(notify.fd, -1);
    ck_assert_int_eq(notify.watchdog_ms, 0);
    ck_assert_int_eq(notify_send(&notify, "READY=1"), 0);
}
END_TEST

START_TEST(no_child_inherits_the_variables) {
    struct notify notify;
    struct error err;
    setenv("NOTIFY_SOCKET", "/nonexistent", 1);
    setenv("WATCHDOG_USEC", "1000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    ck_assert_int_eq(notify_open(&notify, &err), 0);
    notify_close(&notify);
    setenv("NOTIFY_SOCKET", "no path", 1);
    setenv("WATCHDOG_USEC", "1000000", 1);
    ck_assert_int_lt(notify_open(&notify, &err), 0);
    ck_assert_int_eq(system("env | grep -E '^(NOTIFY_SOCKET|WATCHDOG_)'") == 0, 0);
}
END_TEST

static const struct {
    const char *usec, *pid; /* "": our own; NULL: not set */
    int64_t watchdog_ms;    /* -1: refused */
} WATCHDOGS[] = {
    {NULL, NULL, 0},
    {"30000000", NULL, 30000},
    {"30000000", "", 30000},
    {"30000000", "1", 0}, /* somebody else's */
    {"1", "", 1},
    {"0", "", -1},
    {"-5", "", -1},
    {"30s", "", -1},
    {" 30", "", -1},
    {"", "", -1},
    {"99999999999999999999", "", -1},
    {"30000000", "me", -1},
};

START_TEST(the_watchdog_is_ours_or_none) {
    struct notify notify;
    struct error err = {.text = ""};
    char pid[16];
    forget_variables();
    setenv("NOTIFY_SOCKET", "/nonexistent", 1);
    if (WATCHDOGS[_i].usec)
        setenv("WATCHDOG_USEC", WATCHDOGS[_i].usec, 1);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    if (WATCHDOGS[_i].pid)
        setenv("WATCHDOG_PID", WATCHDOGS[_i].pid[0] ? WATCHDOGS[_i].pid : pid, 1);
    int result = notify_open(&notify, &err);
    ck_assert_int_eq(result, WATCHDOGS[_i].watchdog_ms < 0 ? -1 : 0);
    ck_assert_int_eq(notify.watchdog_ms, result < 0 ? 0 : WATCHDOGS[_i].watchdog_ms);
    ck_assert_msg(result == 0 || strncmp(err.text, "WATCHDOG_", 9) == 0, "%s", err.text);
    ck_assert_int_ge(notify.fd, 0); /* whatever is wrong with the watchdog, the rest is told */
    notify_close(&notify);
}
END_TEST

START_TEST(a_socket_that_no_address_can_name_is_refused) {
    struct sockaddr_un address;
    char longest[sizeof address.sun_path + 1];
    const char *const refused[] = {"", "/", "@", "relative", "vsock:2:1234", longest};
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct notify notify;
        struct error err = {.text = ""};
        setenv("NOTIFY_SOCKET", refused[i], 1);
        ck_assert_msg(notify_open(&notify, &err) < 0, "%s", refused[i]);
        ck_assert_msg(strncmp(err.text, "NOTIFY_SOCKET: ", 15) == 0, "%s", err.text);
        ck_assert_int_eq(notify.fd, -1);
        ck_assert_int_eq(notify_send(&notify, "READY=1"), 0);
    }
    struct notify notify;
    struct error err;
    longest[sizeof address.sun_path - 1] = '\0';
    setenv("NOTIFY_SOCKET", longest, 1);
    ck_assert_int_eq(notify_open(&notify, &err), 0);
    notify_close(&notify);
}
END_TEST

START_TEST(a_manager_that_is_gone_is_an_error) {
    char *dir = tempdir_new(), *path = tempdir_path(dir, "notify");
    struct notify notify;
    struct error err;
    int manager = listen_as(path);
    ck_assert_int_eq(notify_open(&notify, &err), 0);
    close(manager);
    ck_assert_int_lt(notify_send(&notify, "READY=1"), 0);
    ck_assert_int_eq(errno, ECONNREFUSED);
    unlink(path);
    ck_assert_int_lt(notify_send(&notify, "READY=1"), 0);
    ck_assert_int_eq(errno, ENOENT);
    notify_close(&notify);
    free(path);
    free(dir);
}
END_TEST

START_TEST(a_manager_that_does_not_read_never_blocks_us) {
    char *dir = tempdir_new(), *path = tempdir_path(dir, "notify");
    struct notify notify;
    struct error err;
    int manager = listen_as(path), sent = 0;
    ck_assert_int_eq(notify_open(&notify, &err), 0);
    alarm(10); /* a send that blocks ends the test */
    while (sent < 100000 && notify_send(&notify, "WATCHDOG=1") == 0)
        sent++;
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_gt(sent, 0);
    assert_heard(manager, "WATCHDOG=1");
    ck_assert_int_eq(notify_send(&notify, "READY=1"), 0); /* there is room again */
    alarm(0);
    notify_close(&notify);
    close(manager);
    free(path);
    free(dir);
}
END_TEST

START_TEST(the_moment_is_the_monotonic_clocks_in_microseconds) {
    int64_t before_ms = wait_now_ms(), usec = notify_now_usec();
    ck_assert_int_ge(usec, before_ms * 1000);
    ck_assert_int_lt(usec, (wait_now_ms() + 1) * 1000);
}
END_TEST

Suite *notify_suite(void) {
    Suite *suite = suite_create("notify");
    TCase *tcase = tcase_create("notify");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_message_comes_whole_at_a_path);
    tcase_add_test(tcase, a_message_comes_whole_at_an_abstract_name);
    tcase_add_test(tcase, without_a_manager_nothing_is_told_and_nothing_is_wrong);
    tcase_add_test(tcase, no_child_inherits_the_variables);
    tcase_add_loop_test(
        tcase, the_watchdog_is_ours_or_none, 0, (int)(sizeof WATCHDOGS / sizeof WATCHDOGS[0]));
    tcase_add_test(tcase, a_socket_that_no_address_can_name_is_refused);
    tcase_add_test(tcase, a_manager_that_is_gone_is_an_error);
    tcase_add_test(tcase, a_manager_that_does_not_read_never_blocks_us);
    tcase_add_test(tcase, the_moment_is_the_monotonic_clocks_in_microseconds);
    return suite;
}
