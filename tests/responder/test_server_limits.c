/* Tests of the server on real sockets: deadlines, crowds, and a want of descriptors. */
#include "harness/stopwatch.h"
#include "harness/wait.h"
#include "responder/child.h"
#include "responder/client.h"
#include "responder/server_bench.h"

#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- deadlines -- */

START_TEST(bytes_that_drip_get_408_once_the_deadline_has_come) {
    struct server_bench bench = server_bench_new();
    bench.limits.request_ms = 300;
    server_bench_start(&bench);
    struct stopwatch watch = stopwatch_start();
    struct deadline deadline = deadline_in(10000);
    int fd = client_connect(bench.port);
    client_send(fd, "GET /health/live HTTP/1.1\r\nHost: h\r\nX: ");
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (poll(&wait, 1, 20) == 0) { /* the drip goes on until something comes back */
        ck_assert(!deadline_is_over(&deadline));
        client_send(fd, "y");
    }
    ck_assert_int_ge(stopwatch_ms(&watch), 250);
    struct reply reply = client_receive(fd, true);
    ck_assert_int_eq(reply.status, 408);
    ck_assert(reply_has(&reply, "Connection: close"));
    reply_release(&reply);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(a_connection_that_says_nothing_is_closed_without_a_word) {
    struct server_bench bench = server_bench_new();
    bench.limits.request_ms = bench.limits.idle_ms = 200;
    server_bench_start(&bench);
    int silent = client_connect(bench.port), idle = client_connect(bench.port);
    client_send(idle, STAYING_GET);
    client_expect(idle, 200);
    size_t length = 0;
    ck_assert_int_eq(client_await_end(silent, &length), CLIENT_EOF);
    ck_assert_int_eq(client_await_end(idle, &length), CLIENT_EOF);
    ck_assert_uint_eq(length, 0);
    close(silent);
    close(idle);
    server_bench_end(&bench);
}
END_TEST

START_TEST(after_an_answer_a_client_may_pause_for_longer_than_a_request_may_take) {
    struct server_bench bench = server_bench_new();
    bench.limits.request_ms = 200;
    bench.limits.idle_ms = 2000;
    server_bench_start(&bench);
    int fd = client_connect(bench.port), silent = client_connect(bench.port);
    for (int i = 0; i < 2; i++) {
        client_send(fd, STAYING_GET);
        struct reply reply = client_receive(fd, true);
        ck_assert_int_eq(reply.status, 200);
        ck_assert_msg(reply_has(&reply, "Keep-Alive: timeout=2"), "%s", reply.head);
        reply_release(&reply);
        /* This one's deadline is over when that one's has come, which began no earlier. */
        ck_assert_int_eq(client_await_end(silent, NULL), CLIENT_EOF);
        close(silent);
        silent = client_connect(bench.port);
    }
    struct stopwatch watch = stopwatch_start();
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    ck_assert_int_ge(stopwatch_ms(&watch), 1000);
    close(silent);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(a_request_that_begins_after_a_pause_has_no_longer_than_any_other) {
    struct server_bench bench = server_bench_new();
    bench.limits.request_ms = 200;
    bench.limits.idle_ms = 60000;
    server_bench_start(&bench);
    int fd = client_connect(bench.port);
    client_send(fd, STAYING_GET);
    client_expect(fd, 200);
    client_send(fd, "GET /health/live");
    client_expect(fd, 408);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(the_usual_pause_is_65_s_and_announced) {
    struct server_bench bench = server_bench_started();
    ck_assert_int_eq(bench.limits.idle_ms, 65000);
    int fd = client_connect(bench.port);
    client_send(fd, STAYING_GET);
    struct reply reply = client_receive(fd, true);
    ck_assert_msg(reply_has(&reply, "Keep-Alive: timeout=65"), "%s", reply.head);
    reply_release(&reply);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(an_idle_connection_makes_room_before_one_that_is_asking) {
    struct server_bench bench = server_bench_new();
    bench.limits.connections = 2;
    server_bench_start(&bench);
    int asking = client_connect(bench.port), idle = client_connect(bench.port);
    client_send(asking, "GET /health/live/ HTTP/1.1\r\nHost: a\r\n");
    client_send(idle, STAYING_GET);
    client_expect(idle, 200);
    ck_assert_int_eq(client_probe(bench.port, "/health/live"), 200);
    ck_assert_int_eq(client_await_end(idle, NULL), CLIENT_EOF);
    client_send(asking, "\r\n");
    client_expect(asking, 200);
    close(asking);
    close(idle);
    server_bench_end(&bench);
}
END_TEST

START_TEST(a_client_that_does_not_close_is_closed_after_lingering) {
    struct server_bench bench = server_bench_new();
    bench.limits.linger_ms = 200;
    bench.limits.request_ms = 60000; /* the timer is armed for that; lingering must bring it forward */
    server_bench_start(&bench);
    int silent = client_connect(bench.port), fd = client_connect(bench.port);
    client_send(fd, "nonsense\r\n");
    client_expect(fd, 400);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF); /* our half; the other stays open */
    /* A socket that is closed answers what still comes with a reset. */
    char c = 'x';
    struct deadline deadline = deadline_in(10000);
    while (send(fd, &c, 1, MSG_NOSIGNAL) == 1) {
        ck_assert(!deadline_is_over(&deadline));
        struct pollfd wait = {.fd = fd, .events = 0};
        poll(&wait, 1, 10);
    }
    close(fd);
    close(silent);
    server_bench_end(&bench);
}
END_TEST

/* -- crowds -- */

START_TEST(the_oldest_unfinished_connection_makes_room) {
    enum { LIMIT = 8, COUNT = 20 };
    struct server_bench bench = server_bench_new();
    bench.limits.connections = LIMIT;
    server_bench_start(&bench);
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++) {
        fds[i] = client_connect(bench.port);
        client_send(fds[i], "GET /health/live HT");
    }
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(client_probe(bench.port, "/health/live"), 200);
    for (int i = 0; i <= COUNT - LIMIT; i++)
        ck_assert_int_ne(client_await_end(fds[i], NULL), CLIENT_STILL_OPEN);
    for (int i = COUNT - LIMIT + 1; i < COUNT; i++) { /* one made room for the probes */
        client_send(fds[i], "TP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        client_expect(fds[i], 200);
    }
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    server_bench_end(&bench);
}
END_TEST

static bool keeps_clients(void *arg) {
    const struct server_bench *bench = arg;
    int fd = client_connect(bench->port);
    client_send(fd, STAYING_GET);
    struct reply reply = client_receive(fd, true);
    bool keeps = reply.status == 200 && !reply_has(&reply, "Connection: close");
    reply_release(&reply);
    close(fd);
    return keeps;
}

/* However much it has asked for at once: others wait. When they no longer do, all is as before. */
START_TEST(who_comes_when_all_places_are_taken_gets_one_answer_and_makes_room) {
    enum { LIMIT = 4 };
    struct server_bench bench = server_bench_new();
    bench.limits.connections = LIMIT;
    server_bench_start(&bench);
    int fds[LIMIT];
    for (int i = 0; i < LIMIT; i++) {
        fds[i] = client_connect(bench.port);
        client_send(fds[i], "GET /health/live HT");
    }
    forked_freeze(bench.pid); /* so that its requests are there when it is seen */
    int greedy = client_connect(bench.port);
    client_send(greedy, STAYING_GET STAYING_GET STAYING_GET);
    forked_thaw(bench.pid);
    struct reply reply = client_receive(greedy, true);
    ck_assert_int_eq(reply.status, 200);
    ck_assert(reply_has(&reply, "Connection: close"));
    reply_release(&reply);
    ck_assert_int_eq(client_await_end(greedy, NULL), CLIENT_EOF);
    for (int i = 0; i < LIMIT; i++)
        close(fds[i]);
    ck_assert(wait_until(keeps_clients, &bench, 5000)); /* as soon as it has seen those go */
    close(greedy);
    server_bench_end(&bench);
}
END_TEST

START_TEST(lingering_connections_make_room_first) {
    struct server_bench bench = server_bench_new();
    bench.limits.connections = 3;
    bench.limits.linger_ms = 60000;
    server_bench_start(&bench);
    int reading = client_connect(bench.port);
    client_send(reading, "GET /health/live HT");
    for (int i = 0; i < 10; i++) {
        int fd = client_connect(bench.port);
        client_send(fd, "nonsense\r\n");
        client_expect(fd, 400);
        /* left to linger: the server waits for our close, which comes with the end of the test */
    }
    client_send(reading, "TP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    client_expect(reading, 200);
    close(reading);
    server_bench_end(&bench);
}
END_TEST

START_TEST(a_request_that_has_come_is_answered_before_its_connection_makes_room) {
    struct server_bench bench = server_bench_new();
    bench.limits.connections = 1;
    server_bench_start(&bench);
    int fd = client_connect(bench.port);
    client_send(fd, STAYING_GET);
    client_expect(fd, 200); /* so it has been accepted */
    forked_freeze(bench.pid);
    int others[3];
    for (int i = 0; i < 3; i++)
        others[i] = client_connect(bench.port); /* before the request, so that they are seen to first */
    client_send(fd, STAYING_GET);
    forked_thaw(bench.pid);
    client_expect(fd, 200);
    ck_assert_int_eq(client_await_end(fd, NULL), CLIENT_EOF);
    for (int i = 0; i < 3; i++)
        close(others[i]);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

/* Sets how many descriptors the server may have open from now on. */
static void limit_descriptors(const struct server_bench *bench, rlim_t most) {
    struct rlimit limit;
    ck_assert_int_eq(prlimit(bench->pid, RLIMIT_NOFILE, NULL, &limit), 0);
    limit.rlim_cur = most;
    ck_assert_int_eq(prlimit(bench->pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* Processor time that the server uses while half a second passes. */
static int64_t cpu_us_of_half_a_second(const struct server_bench *bench) {
    int64_t before_us = forked_cpu_us(bench->pid);
    poll(NULL, 0, 500);
    return forked_cpu_us(bench->pid) - before_us;
}

START_TEST(silent_connections_beyond_every_limit_cost_nothing_and_silence_nobody) {
    enum { COUNT = 300 };
    struct server_bench bench = server_bench_new();
    bench.limits.request_ms = 60000; /* none of them goes away by itself */
    server_bench_start(&bench);
    limit_descriptors(&bench, 64);
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++) {
        fds[i] = client_connect(bench.port);
        client_send(fds[i], "G");
    }
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(client_probe(bench.port, "/health/live"), 200);
    int64_t cpu_us = cpu_us_of_half_a_second(&bench);
    ck_assert_msg(cpu_us < 25000, "%d us of processor time in half a second", (int)cpu_us);
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    server_bench_end(&bench);
}
END_TEST

START_TEST(without_a_single_free_descriptor_a_probe_is_still_answered) {
    struct server_bench bench = server_bench_new();
    bench.limits.request_ms = 60000;
    bench.lacks_descriptors = true;
    server_bench_start(&bench);
    int fds[5];
    for (int i = 0; i < 5; i++) { /* there is room for one at a time: each ends the one before */
        fds[i] = client_connect(bench.port);
        ck_assert(i == 0 || client_await_end(fds[i - 1], NULL) != CLIENT_STILL_OPEN);
        struct pollfd end = {.fd = fds[i], .events = POLLIN};
        ck_assert_int_eq(poll(&end, 1, 50), 0); /* it is not given up for a connection that never comes */
        client_send(fds[i], STAYING_GET);
        client_expect(fds[i], 200);
    }
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(client_probe(bench.port, "/health/live"), 200);
    limit_descriptors(&bench, 1024);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    server_bench_end(&bench);
}
END_TEST

START_TEST(where_not_even_the_reserve_helps_the_server_waits_without_spinning) {
    struct server_bench bench = server_bench_started();
    limit_descriptors(&bench, 3);
    int fd = client_connect(bench.port); /* the kernel's queue takes it */
    client_send(fd, CLOSING_GET);
    int64_t cpu_us = cpu_us_of_half_a_second(&bench);
    ck_assert_msg(cpu_us < 25000, "%d us of processor time in half a second", (int)cpu_us);
    limit_descriptors(&bench, 1024);
    client_expect(fd, 200);
    close(fd);
    fd = client_connect(bench.port);
    client_send(fd, "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
    struct reply reply = client_receive(fd, true);
    const char *pauses = strstr(reply.body, "\nbugsink_health_http_accept_pauses_total ");
    ck_assert(pauses && strtol(strchr(pauses, ' '), NULL, 10) > 0);
    reply_release(&reply);
    close(fd);
    server_bench_end(&bench);
}
END_TEST

START_TEST(what_has_come_by_the_time_of_the_stop_is_answered) {
    struct server_bench bench = server_bench_started();
    int known = client_connect(bench.port);
    client_send(known, STAYING_GET);
    client_expect(known, 200);
    forked_freeze(bench.pid);
    int fresh = client_connect(bench.port);
    client_send(fresh, STAYING_GET);
    client_send(known, STAYING_GET);
    close(bench.control[1]);
    forked_thaw(bench.pid);
    client_expect(known, 200);
    client_expect(fresh, 200);
    ck_assert_int_eq(client_await_end(known, NULL), CLIENT_EOF);
    ck_assert_int_eq(client_await_end(fresh, NULL), CLIENT_EOF);
    ck_assert_int_eq(forked_await(bench.pid), 0);
    close(known);
    close(fresh);
}
END_TEST

Suite *server_limits_suite(void) {
    Suite *suite = suite_create("server_limits");
    TCase *limits = tcase_create("limits");
    suite_add_tcase(suite, limits);
    tcase_set_timeout(limits, 60);
    tcase_add_test(limits, bytes_that_drip_get_408_once_the_deadline_has_come);
    tcase_add_test(limits, a_connection_that_says_nothing_is_closed_without_a_word);
    tcase_add_test(limits, after_an_answer_a_client_may_pause_for_longer_than_a_request_may_take);
    tcase_add_test(limits, a_request_that_begins_after_a_pause_has_no_longer_than_any_other);
    tcase_add_test(limits, the_usual_pause_is_65_s_and_announced);
    tcase_add_test(limits, an_idle_connection_makes_room_before_one_that_is_asking);
    tcase_add_test(limits, a_client_that_does_not_close_is_closed_after_lingering);
    tcase_add_test(limits, the_oldest_unfinished_connection_makes_room);
    tcase_add_test(limits, who_comes_when_all_places_are_taken_gets_one_answer_and_makes_room);
    tcase_add_test(limits, lingering_connections_make_room_first);
    tcase_add_test(limits, a_request_that_has_come_is_answered_before_its_connection_makes_room);
    tcase_add_test(limits, silent_connections_beyond_every_limit_cost_nothing_and_silence_nobody);
    tcase_add_test(limits, without_a_single_free_descriptor_a_probe_is_still_answered);
    tcase_add_test(limits, where_not_even_the_reserve_helps_the_server_waits_without_spinning);
    tcase_add_test(limits, what_has_come_by_the_time_of_the_stop_is_answered);
    return suite;
}
