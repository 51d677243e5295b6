/* Tests of both ends of the link over a real socket pair, with peers that keep to the rules and others. */
#include "base/io.h"
#include "link/link.h"
#include "link/pair.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(the_listener_goes_over_as_an_open_descriptor_that_closes_on_exec) {
    struct pair pair;
    pair_init(&pair, true);
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(link_send_listener(pair.sender, ends[1]), 0);
    close(ends[1]); /* it was duplicated at once */
    pair_run_until(&pair, &pair.listeners, 1);
    ck_assert_int_eq(fcntl(pair.listener_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ck_assert_int_eq(io_write_all(pair.listener_fd, "x", 1), 0);
    char c;
    ck_assert_int_eq(read(ends[0], &c, 1), 1);
    close(pair.listener_fd);
    pair.listener_fd = -1;
    ck_assert_int_eq(read(ends[0], &c, 1), 0); /* nobody kept a copy */
    close(ends[0]);
    ck_assert_int_eq(link_send_listening(pair.fds[1]), 0);
    pair_run_until(&pair, &pair.listenings, 1);
    pair_release(&pair);
}
END_TEST

START_TEST(how_to_log_goes_over_and_only_known_ways_are_taken) {
    struct pair pair;
    pair_init(&pair, true);
    ck_assert_int_eq(link_send_log(pair.sender, LOG_WARNING, LOG_JSON), 0);
    pair_run_until(&pair, &pair.logs, 1);
    ck_assert_int_eq(pair.level, LOG_WARNING);
    ck_assert_int_eq(pair.format, LOG_JSON);
    ck_assert_int_eq(link_send_log(pair.sender, LOG_WARNING, (enum log_format)(LOG_JSON + 1)), 0);
    pair_run_until(&pair, &pair.receiver_failures, 1);
    ck_assert_int_eq(pair.logs, 1);
    pair_release(&pair);
}
END_TEST

START_TEST(frames_come_in_order_and_whole) {
    struct pair pair;
    pair_init(&pair, true);
    struct page_set set = sample_set();
    ck_assert_int_eq(link_send_pages(pair.sender, &set, 1000), 0);
    pair_run_until(&pair, &pair.sets, 1);
    ck_assert_int_eq(pair.until_ms, 1000);
    ck_assert_uint_eq(pair.page_count, set.count);
    ck_assert_int_eq(link_send_lease(pair.sender, 2000), 0);
    pair_run_until(&pair, &pair.leases, 1);
    ck_assert_int_eq(pair.until_ms, 2000);
    ck_assert_int_eq(link_send_stop(pair.sender), 0);
    pair_run_until(&pair, &pair.stops, 1);
    ck_assert_int_eq(pair.receiver_failures, 0);
    pair_release(&pair);
}
END_TEST

START_TEST(a_set_larger_than_the_socket_goes_over_whole) {
    struct pair pair;
    pair_init(&pair, true);
    size_t size = 4 * 1024 * 1024;
    char *body = malloc(size);
    ck_assert_ptr_nonnull(body);
    memset(body, 'b', size);
    struct page page = {"/big", 200, PAGE_TRUST_LEASE, "text/plain", body, size};
    struct page_set set = {1, 1, &page};
    ck_assert_int_eq(link_send_pages(pair.sender, &set, 5), 0);
    free(body);
    pair_run_until(&pair, &pair.sets, 1);
    ck_assert_uint_eq(pair.page_count, 1);
    pair_release(&pair);
}
END_TEST

START_TEST(a_responder_that_does_not_read_costs_one_set_and_gets_the_newest) {
    struct pair pair;
    pair_init(&pair, false);
    size_t size = 2 * 1024 * 1024; /* more than the socket takes */
    char *body = calloc(1, size);
    ck_assert_ptr_nonnull(body);
    struct page page = {"/big", 200, PAGE_TRUST_LEASE, "text/plain", body, size};
    struct page_set set = {0, 1, &page};
    ck_assert_int_eq(link_send_pages(pair.sender, &set, 1), 0);
    pair_run_dry(&pair); /* begun, and stuck */
    for (int i = 1; i <= 20; i++) {
        set.made_at_ms = i;
        ck_assert_int_eq(link_send_lease(pair.sender, 100 + i), 0);
        ck_assert_int_eq(link_send_pages(pair.sender, &set, 200 + i), 0);
        pair_run_dry(&pair);
    }
    ck_assert_int_eq(link_send_lease(pair.sender, 300), 0); /* goes into the set that waits */
    ck_assert_int_eq(link_send_stop(pair.sender), 0);
    free(body);
    pair_add_receiver(&pair);
    pair_run_until(&pair, &pair.stops, 1);
    ck_assert_int_eq(pair.sets, 2);
    ck_assert_int_eq(pair.leases, 0);
    ck_assert_int_eq(pair.made_at_ms, 20);
    ck_assert_int_eq(pair.until_ms, 300);
    pair_release(&pair);
}
END_TEST

START_TEST(leases_that_wait_become_one) {
    struct pair pair;
    pair_init(&pair, true);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(link_send_lease(pair.sender, 10 + i), 0);
    pair_run_until(&pair, &pair.leases, 1);
    pair_run_dry(&pair);
    ck_assert_int_eq(pair.leases, 1);
    ck_assert_int_eq(pair.until_ms, 14);
    pair_release(&pair);
}
END_TEST

START_TEST(a_ping_is_answered_and_until_then_the_only_one) {
    struct pair pair;
    pair_init(&pair, true);
    for (int round = 1; round <= 2; round++) {
        ck_assert_int_eq(link_send_ping(pair.sender), 0);
        pair_run_until(&pair, &pair.pings, round);
        ck_assert_int_eq(link_send_ping(pair.sender), 0);
        pair_run_dry(&pair);
        ck_assert_int_eq(pair.pings, round);
        ck_assert_int_eq(link_send_pong(pair.fds[1]), 0);
        pair_run_until(&pair, &pair.pongs, round);
        pair_run_dry(&pair);
        ck_assert_int_eq(pair.pings, round);
    }
    ck_assert_int_eq(pair.sender_failures + pair.receiver_failures, 0);
    pair_release(&pair);
}
END_TEST

START_TEST(an_answer_to_no_ping_ends_the_senders_side) {
    struct pair pair;
    pair_init(&pair, true);
    ck_assert_int_eq(link_send_ping(pair.sender), 0);
    pair_run_until(&pair, &pair.pings, 1);
    ck_assert_int_eq(link_send_pong(pair.fds[1]), 0);
    ck_assert_int_eq(link_send_pong(pair.fds[1]), 0);
    pair_run_until(&pair, &pair.sender_failures, 1);
    ck_assert_int_eq(pair.pongs, 1);
    ck_assert_int_lt(link_send_ping(pair.sender), 0);
    pair_release(&pair);
}
END_TEST

START_TEST(each_end_notices_once_that_the_other_is_gone) {
    struct pair pair;
    pair_init(&pair, false);
    close(pair.fds[1]);
    pair.fds[1] = -1;
    pair_run_until(&pair, &pair.sender_failures, 1);
    ck_assert_int_lt(link_send_stop(pair.sender), 0);
    pair_run_dry(&pair);
    ck_assert_int_eq(pair.sender_failures, 1);
    pair_release(&pair);

    pair_init(&pair, true);
    link_sender_free(pair.sender);
    pair.sender = NULL;
    close(pair.fds[0]);
    pair.fds[0] = -1;
    pair_run_until(&pair, &pair.receiver_failures, 1);
    ck_assert_str_eq(pair.why, "closed");
    pair_release(&pair);
}
END_TEST

/* Writes raw bytes to the responder's end, some with descriptors, in place of a checker. */
static void send_raw(int fd, const void *bytes, size_t length, const int *passed, size_t count) {
    struct iovec part = {(void *)(uintptr_t)bytes, length};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(head), passed, count * sizeof(int));
    }
    ck_assert_int_eq(sendmsg(fd, &message, 0), (ssize_t)length);
}

/* Whether the pipe's only writers are gone. */
static bool is_hung_up(int read_fd) {
    char c;
    ck_assert_int_eq(io_set_nonblocking(read_fd), 0);
    return read(read_fd, &c, 1) == 0;
}

/* Sends one frame with count copies of a pipe's writing end; returns the reading end. */
static int send_with_pipes(struct pair *pair, enum frame_type type, size_t count) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    int passed[8];
    for (size_t i = 0; i < count; i++)
        passed[i] = ends[1];
    unsigned char bytes[FRAME_HEADER_SIZE + FRAME_LEASE_SIZE] = {0};
    uint32_t length = type == FRAME_LEASE ? FRAME_LEASE_SIZE : 0;
    frame_header_encode(&(struct frame_header){type, length}, bytes);
    send_raw(pair->fds[0], bytes, FRAME_HEADER_SIZE + length, passed, count);
    close(ends[1]);
    return ends[0];
}

START_TEST(descriptors_where_none_belong_are_closed_and_end_the_link) {
    const struct {
        enum frame_type type;
        size_t count;
    } rows[] = {{FRAME_LEASE, 1}, {FRAME_STOP, 1}, {FRAME_LISTENER, 2}, {FRAME_LISTENER, 4},
        {FRAME_LISTENER, 8}, {FRAME_LISTENER, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair pair;
        pair_init(&pair, true);
        int read_fd = send_with_pipes(&pair, rows[i].type, rows[i].count);
        pair_run_until(&pair, &pair.receiver_failures, 1);
        ck_assert_int_eq(pair.listeners + pair.leases + pair.stops, 0);
        link_receiver_free(pair.receiver);
        pair.receiver = NULL;
        ck_assert_msg(is_hung_up(read_fd), "row %zu: a descriptor was kept", i);
        close(read_fd);
        pair_release(&pair);
    }
}
END_TEST

START_TEST(garbage_on_the_link_ends_it) {
    static const char *const GARBAGE[] = {
        "GET / HTTP/1.1\r\n\r\n", "BHL1\0\0\0\1\0\0\0\1x", "BHL1\0\0\0\5\0\0\0\0"};
    static const size_t LENGTHS[] = {18, 13, 12};
    for (size_t i = 0; i < 3; i++) {
        struct pair pair;
        pair_init(&pair, true);
        send_raw(pair.fds[0], GARBAGE[i], LENGTHS[i], NULL, 0);
        pair_run_until(&pair, &pair.receiver_failures, 1);
        pair_release(&pair);
    }
}
END_TEST

/* The frame is what it should be; what stands in it is not. */
START_TEST(a_set_or_a_lease_that_cannot_be_ends_the_link) {
    static const struct frame_header HEADERS[] = {{FRAME_PAGES, 64}, {FRAME_LEASE, FRAME_LEASE_SIZE}};
    unsigned char payload[64], header[FRAME_HEADER_SIZE];
    memset(payload, 0xff, sizeof payload);
    for (size_t i = 0; i < sizeof HEADERS / sizeof HEADERS[0]; i++) {
        struct pair pair;
        pair_init(&pair, true);
        frame_header_encode(&HEADERS[i], header);
        send_raw(pair.fds[0], header, sizeof header, NULL, 0);
        send_raw(pair.fds[0], payload, HEADERS[i].length, NULL, 0);
        pair_run_until(&pair, &pair.receiver_failures, 1);
        ck_assert_int_eq(pair.sets, 0);
        pair_release(&pair);
    }
}
END_TEST

START_TEST(a_frame_may_come_byte_by_byte) {
    struct pair pair;
    pair_init(&pair, true);
    size_t length;
    unsigned char *payload = sample_payload(&length);
    unsigned char header[FRAME_HEADER_SIZE];
    frame_header_encode(&(struct frame_header){FRAME_PAGES, (uint32_t)length}, header);
    for (size_t i = 0; i < sizeof header + length; i++) {
        ck_assert_int_eq(pair.sets, 0);
        send_raw(pair.fds[0], i < sizeof header ? header + i : payload + i - sizeof header, 1, NULL, 0);
        pair_run_dry(&pair);
    }
    ck_assert_int_eq(pair.sets, 1);
    free(payload);
    pair_release(&pair);
}
END_TEST

START_TEST(a_reading_is_told_once_at_most_for_each_set_or_lease) {
    struct pair pair;
    pair_init(&pair, true);
    struct page_set set = sample_set();
    ck_assert_int_eq(link_send_pages(pair.sender, &set, 1000), 0);
    pair_run_until(&pair, &pair.sets, 1);
    ck_assert_int_eq(link_send_lease(pair.sender, 2000), 0);
    pair_run_until(&pair, &pair.leases, 1);
    for (int i = 1; i <= 2; i++) {
        ck_assert_int_eq(link_send_read(pair.fds[1]), 0);
        pair_run_until(&pair, &pair.reads, i);
    }
    ck_assert_int_eq(pair.sender_failures, 0);
    ck_assert_int_eq(link_send_read(pair.fds[1]), 0);
    pair_run_until(&pair, &pair.sender_failures, 1);
    ck_assert_int_eq(pair.reads, 2);
    pair_release(&pair);
}
END_TEST

START_TEST(what_is_held_back_goes_with_the_flush) {
    struct pair pair;
    pair_init(&pair, true);
    link_sender_hold(pair.sender);
    ck_assert_int_eq(link_send_lease(pair.sender, 2000), 0);
    pair_run_dry(&pair);
    ck_assert_int_eq(pair.leases, 0);
    link_sender_flush(pair.sender);
    pair_run_until(&pair, &pair.leases, 1);
    ck_assert_int_eq(link_send_lease(pair.sender, 3000), 0); /* and from then on the loop sends again */
    pair_run_until(&pair, &pair.leases, 2);
    pair_release(&pair);
}
END_TEST

START_TEST(what_a_responder_may_not_say_ends_the_senders_side) {
    unsigned char listening[FRAME_HEADER_SIZE], stop[FRAME_HEADER_SIZE];
    frame_header_encode(&(struct frame_header){FRAME_LISTENING, 0}, listening);
    frame_header_encode(&(struct frame_header){FRAME_STOP, 0}, stop);
    struct pair pair;
    pair_init(&pair, false);
    send_raw(pair.fds[1], stop, sizeof stop, NULL, 0);
    pair_run_until(&pair, &pair.sender_failures, 1);
    pair_release(&pair);

    pair_init(&pair, false);
    int passed = STDERR_FILENO;
    send_raw(pair.fds[1], listening, sizeof listening, &passed, 1);
    pair_run_until(&pair, &pair.listenings, 1);
    send_raw(pair.fds[1], listening, sizeof listening, NULL, 0);
    pair_run_until(&pair, &pair.sender_failures, 1);
    ck_assert_int_eq(pair.listenings, 1);
    pair_release(&pair);
}
END_TEST

Suite *link_suite(void) {
    Suite *suite = suite_create("link");
    TCase *ends = tcase_create("ends");
    suite_add_tcase(suite, ends);
    tcase_set_timeout(ends, 60);
    tcase_add_test(ends, the_listener_goes_over_as_an_open_descriptor_that_closes_on_exec);
    tcase_add_test(ends, how_to_log_goes_over_and_only_known_ways_are_taken);
    tcase_add_test(ends, frames_come_in_order_and_whole);
    tcase_add_test(ends, a_set_larger_than_the_socket_goes_over_whole);
    tcase_add_test(ends, a_responder_that_does_not_read_costs_one_set_and_gets_the_newest);
    tcase_add_test(ends, leases_that_wait_become_one);
    tcase_add_test(ends, a_ping_is_answered_and_until_then_the_only_one);
    tcase_add_test(ends, an_answer_to_no_ping_ends_the_senders_side);
    tcase_add_test(ends, each_end_notices_once_that_the_other_is_gone);
    tcase_add_test(ends, descriptors_where_none_belong_are_closed_and_end_the_link);
    tcase_add_test(ends, garbage_on_the_link_ends_it);
    tcase_add_test(ends, a_set_or_a_lease_that_cannot_be_ends_the_link);
    tcase_add_test(ends, a_frame_may_come_byte_by_byte);
    tcase_add_test(ends, a_reading_is_told_once_at_most_for_each_set_or_lease);
    tcase_add_test(ends, what_is_held_back_goes_with_the_flush);
    tcase_add_test(ends, what_a_responder_may_not_say_ends_the_senders_side);
    return suite;
}
