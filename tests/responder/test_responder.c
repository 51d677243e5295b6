/* Tests of the responder process: it runs in a forked child, and the test is its checker and its clients. */
#include "responder/responder.h"

#include "base/io.h"
#include "base/log.h"
#include "harness/wait.h"
#include "link/link.h"
#include "responder/child.h"
#include "responder/client.h"

#include <check.h>
#include <stdbool.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The checker's end of everything. */
struct bench {
    int link_fds[2]; /* the checker's, the responder's */
    int log_fds[2];
    int port;
    int listen_fd;
    rlim_t descriptors; /* 0: as they are */
    pid_t pid;
};

static int run_responder(void *arg) {
    struct bench *bench = arg;
    close(bench->link_fds[0]);
    close(bench->log_fds[0]);
    dup2(bench->log_fds[1], STDERR_FILENO); /* the responder closes all others */
    log_configure(LOG_INFO, LOG_TEXT, "main", -1);
    if (bench->descriptors > 0) {
        const struct rlimit limit = {bench->descriptors, bench->descriptors};
        setrlimit(RLIMIT_NOFILE, &limit);
    }
#ifdef __SANITIZE_ADDRESS__
    bool is_sandboxed = false; /* who looks for leaks in the end reads files of proc(5) */
#else
    bool is_sandboxed = true;
#endif
    return responder_run(bench->link_fds[1], is_sandboxed);
}

static void bench_start(struct bench *bench, rlim_t descriptors) {
    const struct timeval patience = {.tv_sec = 10};
    *bench = (struct bench){.descriptors = descriptors};
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, bench->link_fds), 0);
    ck_assert_int_eq(setsockopt(bench->link_fds[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    ck_assert_int_eq(pipe(bench->log_fds), 0);
    ck_assert_int_eq(io_set_nonblocking(bench->log_fds[0]), 0);
    bench->pid = forked_start(run_responder, bench);
    close(bench->link_fds[1]);
    close(bench->log_fds[1]);
    bench->listen_fd = client_listen(&bench->port);
}

static void send_frame(struct bench *bench, enum frame_type type, const void *payload, size_t length) {
    unsigned char header[FRAME_HEADER_SIZE];
    frame_header_encode(&(struct frame_header){type, (uint32_t)length}, header);
    ck_assert_int_eq(io_write_all(bench->link_fds[0], header, sizeof header), 0);
    ck_assert_int_eq(io_write_all(bench->link_fds[0], payload, length), 0);
}

/* A real sender for the one frame that carries a descriptor. */
static void send_listener(struct bench *bench) {
    struct event_base *base = event_base_new();
    struct link_sender *sender = link_sender_new(base, bench->link_fds[0], NULL, NULL);
    ck_assert_int_eq(link_send_listener(sender, bench->listen_fd), 0);
    ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    link_sender_free(sender);
    event_base_free(base);
}

/* Sends the listener and waits until the responder says that it has it. */
static void give_listener(struct bench *bench) {
    send_listener(bench);
    unsigned char bytes[FRAME_HEADER_SIZE];
    struct frame_header header;
    ck_assert_int_eq(recv(bench->link_fds[0], bytes, sizeof bytes, MSG_WAITALL), sizeof bytes);
    ck_assert_int_eq(frame_header_decode(bytes, &header), 0);
    ck_assert_int_eq(header.type, FRAME_LISTENING);
}

/* Pages that say they are fresh for lease_ms from now. */
static void give_pages(struct bench *bench, int64_t lease_ms) {
    struct page pages[] = {
        {"/health/ready", 200, PAGE_TRUST_LEASE, "application/json", "{\"status\":\"ok\"}\n", 16},
        {"/health/live", 200, PAGE_TRUST_GRACE, "text/plain", "OK\n", 3},
    };
    struct page_set set = {wait_now_ms(), 2, pages};
    size_t length;
    unsigned char *payload = pages_encode(&set, wait_now_ms() + lease_ms, &length);
    ck_assert_ptr_nonnull(payload);
    send_frame(bench, FRAME_PAGES, payload, length);
    free(payload);
}

static void give_lease(struct bench *bench, int64_t lease_ms) {
    unsigned char payload[FRAME_LEASE_SIZE];
    lease_encode(wait_now_ms() + lease_ms, payload);
    send_frame(bench, FRAME_LEASE, payload, sizeof payload);
}

/* Asks until the page has that status: what goes over the link takes a moment. */
struct question {
    int port;
    const char *path;
    int status;
};

static bool is_answered_so(void *arg) {
    struct question *question = arg;
    return client_probe(question->port, question->path) == question->status;
}

static void await_status(struct bench *bench, const char *path, int status) {
    struct question question = {bench->port, path, status};
    ck_assert_msg(wait_until(is_answered_so, &question, 5000), "%s never is %d", path, status);
}

/* All that the responder has logged but for the state of its sandbox, which it tells with the listener; it
 * must have ended. */
static void read_log(struct bench *bench, char *text, size_t size) {
    ssize_t got = read(bench->log_fds[0], text, size - 1);
    text[got > 0 ? got : 0] = '\0';
    char *line = strstr(text, "event=sandbox "), *end = line ? strchr(line, '\n') : NULL;
    while (line > text && line[-1] != '\n')
        line--;
    if (end)
        memmove(line, end + 1, strlen(end + 1) + 1);
}

static void bench_release(struct bench *bench) {
    close(bench->link_fds[0]);
    close(bench->log_fds[0]);
    close(bench->listen_fd);
}

/* Tells it to stop; it must end well, without a word. */
static void bench_end(struct bench *bench) {
    char log[1024];
    send_frame(bench, FRAME_STOP, NULL, 0);
    ck_assert_int_eq(forked_await(bench->pid), 0);
    read_log(bench, log, sizeof log);
    ck_assert_str_eq(log, "");
    bench_release(bench);
}

START_TEST(it_answers_before_the_first_pages_and_then_serves_them) {
    struct bench bench;
    bench_start(&bench, 0);
    give_listener(&bench);
    ck_assert_int_eq(client_probe(bench.port, "/health/ready/"), 503);
    ck_assert_int_eq(client_probe(bench.port, "/health/live/"), 200);
    ck_assert_int_eq(client_probe(bench.port, "/nothing"), 404);
    give_pages(&bench, 5000);
    await_status(&bench, "/health/ready/", 200);
    ck_assert_int_eq(client_probe(bench.port, "/health/started"), 404); /* not in this set */
    bench_end(&bench);
}
END_TEST

START_TEST(a_probe_that_came_before_the_listener_was_handed_over_is_answered) {
    struct bench bench;
    bench_start(&bench, 0);
    int fd = client_connect(bench.port);
    client_send(fd, "GET /health/live HTTP/1.0\r\n\r\n");
    give_listener(&bench);
    struct reply reply = client_receive(fd, true);
    ck_assert_int_eq(reply.status, 200);
    reply_release(&reply);
    close(fd);
    bench_end(&bench);
}
END_TEST

START_TEST(past_the_lease_ready_is_stale_and_a_new_lease_brings_it_back) {
    struct bench bench;
    bench_start(&bench, 0);
    give_listener(&bench);
    give_pages(&bench, 60000);
    await_status(&bench, "/health/ready", 200);
    give_lease(&bench, 100);
    await_status(&bench, "/health/ready", 503); /* by itself: the checker has fallen silent */
    ck_assert_int_eq(client_probe(bench.port, "/health/live"), 200);
    int fd = client_connect(bench.port);
    client_send(fd, "GET /health/ready HTTP/1.1\r\nHost: h\r\n\r\n");
    struct reply reply = client_receive(fd, true);
    ck_assert_ptr_nonnull(strstr(reply.body, "\"code\":\"stale\""));
    ck_assert(reply_has(&reply, "Age: 0"));
    reply_release(&reply);
    close(fd);
    give_lease(&bench, 60000);
    await_status(&bench, "/health/ready", 200);
    give_lease(&bench, -30100);
    await_status(&bench, "/health/live", 503);
    bench_end(&bench);
}
END_TEST

/* The responder has failed: exit code 1 and one line, with that event and reason. */
static void assert_failed(struct bench *bench, const char *event, const char *why) {
    char log[1024];
    ck_assert_int_eq(forked_await(bench->pid), 1);
    read_log(bench, log, sizeof log);
    ck_assert_msg(
        strstr(log, "level=error process=responder ") && strstr(log, event) && strstr(log, why), "%s", log);
    ck_assert_ptr_eq(strchr(log, '\n'), log + strlen(log) - 1);
    bench_release(bench);
}

START_TEST(it_ends_when_the_checker_is_gone) {
    struct bench bench;
    bench_start(&bench, 0);
    give_listener(&bench);
    give_pages(&bench, 5000);
    await_status(&bench, "/health/ready", 200);
    shutdown(bench.link_fds[0], SHUT_RDWR);
    assert_failed(&bench, "event=\"checker gone\"", "end of file");
}
END_TEST

/* The checker has said itself why it could not start; a second line would only hide the first. */
START_TEST(it_ends_without_a_word_when_the_checker_is_gone_before_it_sent_anything) {
    struct bench bench;
    char log[1024];
    bench_start(&bench, 0);
    shutdown(bench.link_fds[0], SHUT_RDWR);
    ck_assert_int_eq(forked_await(bench.pid), 1);
    read_log(&bench, log, sizeof log);
    ck_assert_str_eq(log, "");
    bench_release(&bench);
}
END_TEST

START_TEST(it_ends_when_the_link_carries_garbage) {
    struct bench bench;
    bench_start(&bench, 0);
    ck_assert_int_eq(io_write_all(bench.link_fds[0], "GET / HTTP/1.1\r\n\r\n", 18), 0);
    assert_failed(&bench, "event=\"checker gone\"", "not well-formed");
}
END_TEST

START_TEST(a_second_listener_is_refused) {
    struct bench bench;
    bench_start(&bench, 0);
    give_listener(&bench);
    send_listener(&bench);
    assert_failed(&bench, "event=\"link failed\"", "a second listener");
}
END_TEST

START_TEST(signals_are_the_checkers_affair) {
    static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    struct bench bench;
    bench_start(&bench, 0);
    give_listener(&bench);
    for (size_t i = 0; i < sizeof SIGNALS / sizeof SIGNALS[0]; i++) {
        ck_assert_int_eq(kill(bench.pid, SIGNALS[i]), 0);
        ck_assert_int_eq(client_probe(bench.port, "/health/live"), 200);
    }
    bench_end(&bench);
}
END_TEST

START_TEST(it_stops_before_it_ever_listened) {
    struct bench bench;
    bench_start(&bench, 0);
    bench_end(&bench);
}
END_TEST

START_TEST(pages_and_leases_go_on_while_silent_connections_hold_every_descriptor) {
    enum { COUNT = 300 };
    struct bench bench;
    int fds[COUNT];
    bench_start(&bench, 64);
    give_listener(&bench);
    give_pages(&bench, 60000);
    for (int i = 0; i < COUNT; i++)
        fds[i] = client_connect(bench.port);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(client_probe(bench.port, "/health/live"), 200);
    await_status(&bench, "/health/ready", 200);
    int64_t before_us = forked_cpu_us(bench.pid);
    poll(NULL, 0, 500);
    int64_t cpu_us = forked_cpu_us(bench.pid) - before_us;
    ck_assert_msg(cpu_us < 25000, "%d us of processor time in half a second", (int)cpu_us);
    give_lease(&bench, -1);
    await_status(&bench, "/health/ready", 503);
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    bench_end(&bench);
}
END_TEST

Suite *responder_suite(void) {
    Suite *suite = suite_create("responder");
    TCase *tcase = tcase_create("responder");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, it_answers_before_the_first_pages_and_then_serves_them);
    tcase_add_test(tcase, a_probe_that_came_before_the_listener_was_handed_over_is_answered);
    tcase_add_test(tcase, past_the_lease_ready_is_stale_and_a_new_lease_brings_it_back);
    tcase_add_test(tcase, it_ends_when_the_checker_is_gone);
    tcase_add_test(tcase, it_ends_without_a_word_when_the_checker_is_gone_before_it_sent_anything);
    tcase_add_test(tcase, it_ends_when_the_link_carries_garbage);
    tcase_add_test(tcase, a_second_listener_is_refused);
    tcase_add_test(tcase, signals_are_the_checkers_affair);
    tcase_add_test(tcase, it_stops_before_it_ever_listened);
    tcase_add_test(tcase, pages_and_leases_go_on_while_silent_connections_hold_every_descriptor);
    return suite;
}
