/* Tests of the link without memory: what is sent comes whole, or the sender is told, or the receiver fails.
 */
#include "base/io.h"
#include "harness/allocations.h"
#include "link/link.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURNS = 40, UNTIL_MS = 777, LATER_MS = 888 };

static struct page PAGES[] = {
    {"/health/live", 200, PAGE_TRUST_GRACE, "text/plain", "OK\n", 3},
    {"/health/ready", 503, PAGE_TRUST_LEASE, "application/json", "{\"status\":\"error\"}", 18},
};

struct bench {
    struct event_base *base;
    int ends[2], listener;
    bool has_listener, has_ping, has_stop, has_failed, is_sent;
    int pages;
    bool are_pages_right;
    int64_t until_ms;
};

/* -- pages as bytes -- */

struct payload_bench {
    unsigned char *payload;
    size_t length;
    struct page_set set;
    int64_t until_ms;
};

static int encode_and_decode(void *arg) {
    struct payload_bench *bench = arg;
    const struct page_set set = {1, 2, PAGES};
    *bench = (struct payload_bench){.payload = NULL};
    bench->payload = pages_encode(&set, UNTIL_MS, &bench->length);
    return bench->payload ? pages_decode(bench->payload, bench->length, &bench->set, &bench->until_ms) : -1;
}

static void judge_payload(void *arg, int result, bool has_failed) {
    const struct payload_bench *bench = arg;
    ck_assert(result == 0 || has_failed);
    if (result == 0) {
        ck_assert_uint_eq(bench->set.count, 2);
        ck_assert_str_eq(bench->set.pages[1].body, PAGES[1].body);
        ck_assert_int_eq(bench->until_ms, UNTIL_MS);
    }
}

static void release_payload(void *arg) {
    struct payload_bench *bench = arg;
    free(bench->set.pages);
    free(bench->payload);
}

START_TEST(pages_are_encoded_and_decoded_whole_or_not_at_all) {
    static const struct allocation_scenario SCENARIO = {
        .name = "payload", .run = encode_and_decode, .judge = judge_payload, .release = release_payload};
    struct payload_bench bench;
    allocations_hook_libraries();
    ck_assert_int_eq(allocations_fail_each(&SCENARIO, &bench), 2);
}
END_TEST

/* -- both ends -- */

static void on_log(void *arg, enum log_level level, enum log_format format) {
    (void)arg;
    (void)level;
    (void)format;
}

static void on_listener(void *arg, int fd) {
    struct bench *bench = arg;
    bench->has_listener = true;
    close(fd);
}

static void on_pages(void *arg, struct page_set set, unsigned char *payload, int64_t until_ms) {
    struct bench *bench = arg;
    bench->pages++;
    bench->are_pages_right = set.count == 2 && set.pages[1].body_length == PAGES[1].body_length &&
                             strcmp(set.pages[1].body, PAGES[1].body) == 0 && until_ms == UNTIL_MS;
    free(set.pages);
    free(payload);
}

static void on_lease(void *arg, int64_t until_ms) {
    ((struct bench *)arg)->until_ms = until_ms;
}

static void on_ping(void *arg) {
    ((struct bench *)arg)->has_ping = true;
}

static void on_stop(void *arg) {
    ((struct bench *)arg)->has_stop = true;
}

static void on_failed(void *arg, const char *why) {
    (void)why;
    ((struct bench *)arg)->has_failed = true;
}

static void on_sender_failed(void *arg) {
    ((struct bench *)arg)->has_failed = true;
}

static void turn(struct bench *bench) {
    for (int i = 0; i < TURNS && !bench->has_failed; i++)
        event_base_loop(bench->base, EVLOOP_NONBLOCK);
}

static bool send_all(struct bench *bench, struct link_sender *sender) {
    const struct page_set set = {1, 2, PAGES};
    bool is_sent = link_send_log(sender, LOG_INFO, LOG_TEXT) == 0;
    is_sent = link_send_listener(sender, bench->listener) == 0 && is_sent;
    is_sent = link_send_pages(sender, &set, UNTIL_MS) == 0 && is_sent;
    turn(bench);
    is_sent = link_send_lease(sender, LATER_MS) == 0 && is_sent;
    is_sent = link_send_ping(sender) == 0 && is_sent;
    turn(bench);
    is_sent = link_send_stop(sender) == 0 && is_sent;
    turn(bench);
    return is_sent;
}

/* Returns -1 where one end could not be made. */
static int converse(void *arg) {
    static const struct link_events EVENTS = {.log = on_log,
        .listener = on_listener,
        .pages = on_pages,
        .lease = on_lease,
        .ping = on_ping,
        .stop = on_stop,
        .failed = on_failed};
    struct bench *bench = arg;
    *bench = (struct bench){.listener = bench->listener};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, bench->ends) < 0)
        return -2;
    bench->base = event_base_new();
    struct link_sender *sender =
        bench->base ? link_sender_new(bench->base, bench->ends[0], on_sender_failed, bench) : NULL;
    struct link_receiver *receiver =
        bench->base ? link_receiver_new(bench->base, bench->ends[1], &EVENTS, bench) : NULL;
    int result = sender && receiver ? 0 : -1;
    if (result == 0)
        bench->is_sent = send_all(bench, sender);
    link_sender_free(sender);
    link_receiver_free(receiver);
    if (bench->base)
        event_base_free(bench->base);
    close(bench->ends[0]);
    close(bench->ends[1]);
    return result;
}

static void judge_conversation(void *arg, int result, bool has_failed) {
    const struct bench *bench = arg;
    ck_assert(result == 0 || (result == -1 && has_failed));
    if (bench->pages > 0)
        ck_assert(bench->are_pages_right);
    if (result == 0 && !bench->has_failed && bench->is_sent) {
        ck_assert_int_eq(bench->pages, 1);
        ck_assert_int_eq(bench->until_ms, LATER_MS);
        ck_assert(bench->has_listener && bench->has_ping && bench->has_stop);
    } else {
        ck_assert(has_failed);
    }
}

START_TEST(what_goes_over_the_link_comes_whole_or_an_end_says_so) {
    static const struct allocation_scenario SCENARIO = {
        .name = "link", .run = converse, .judge = judge_conversation};
    struct bench bench = {.listener = open("/dev/null", O_RDONLY | O_CLOEXEC)};
    allocations_hook_libraries();
    ck_assert_int_gt(allocations_fail_each(&SCENARIO, &bench), 10);
    int next = dup(bench.listener);
    ck_assert_int_eq(next, bench.listener + 1 > next ? next : bench.listener + 1);
    close(next);
    close(bench.listener);
}
END_TEST

Suite *fault_link_suite(void) {
    Suite *suite = suite_create("fault_link");
    TCase *tcase = tcase_create("fault_link");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, pages_are_encoded_and_decoded_whole_or_not_at_all);
    tcase_add_test(tcase, what_goes_over_the_link_comes_whole_or_an_end_says_so);
    return suite;
}
