/* Tests of the link: frames in every state of disrepair, and both ends over a real socket pair. */
#include "base/io.h"
#include "harness/wait.h"
#include "link/link.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Written out, as every hex escape and NUL counts. */
static struct page SAMPLE_PAGES[] = {
    {"/health/ready", 503, PAGE_TRUST_LEASE, "application/json", "{\"status\":\"error\"}", 18},
    {"/health/live", 200, PAGE_TRUST_GRACE, "text/plain; charset=utf-8", "OK\n", 3},
    {"/health/self", 200, PAGE_TRUST_GRACE, "text/plain", "", 0},
    {"/health/ready/a", 200, PAGE_TRUST_LEASE, "x", "a\0b", 3},
};

static struct page_set sample_set(void) {
    return (struct page_set){123456, sizeof SAMPLE_PAGES / sizeof SAMPLE_PAGES[0], SAMPLE_PAGES};
}

static unsigned char *sample_payload(size_t *length) {
    struct page_set set = sample_set();
    unsigned char *payload = pages_encode(&set, 777, length);
    ck_assert_ptr_nonnull(payload);
    return payload;
}

/* -- headers and leases -- */

START_TEST(a_header_comes_back_as_it_was) {
    const struct frame_header headers[] = {{FRAME_LISTENER, 0}, {FRAME_PAGES, 20},
        {FRAME_PAGES, FRAME_PAYLOAD_MAX}, {FRAME_LEASE, 8}, {FRAME_STOP, 0}, {FRAME_LISTENING, 0},
        {FRAME_LOG, 2}, {FRAME_PING, 0}, {FRAME_PONG, 0}};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        unsigned char bytes[FRAME_HEADER_SIZE];
        struct frame_header back;
        frame_header_encode(&headers[i], bytes);
        ck_assert_int_eq(frame_header_decode(bytes, &back), 0);
        ck_assert_int_eq(back.type, headers[i].type);
        ck_assert_uint_eq(back.length, headers[i].length);
    }
}
END_TEST

START_TEST(a_header_with_a_length_its_type_cannot_have_is_refused) {
    const struct frame_header headers[] = {{FRAME_LISTENER, 1}, {FRAME_PAGES, 0}, {FRAME_PAGES, 19},
        {FRAME_PAGES, FRAME_PAYLOAD_MAX + 1}, {FRAME_PAGES, UINT32_MAX}, {FRAME_LEASE, 7}, {FRAME_LEASE, 9},
        {FRAME_STOP, 8}, {FRAME_LISTENING, 1}, {(enum frame_type)0, 0}, {FRAME_LOG, 0}, {FRAME_LOG, 3},
        {FRAME_PING, 1}, {FRAME_PONG, 1}, {(enum frame_type)9, 0}, {(enum frame_type)0x1000001, 0}};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        unsigned char bytes[FRAME_HEADER_SIZE];
        struct frame_header back;
        frame_header_encode(&headers[i], bytes);
        ck_assert_msg(frame_header_decode(bytes, &back) < 0, "row %zu", i);
    }
}
END_TEST

START_TEST(a_header_of_another_protocol_is_refused) {
    unsigned char bytes[FRAME_HEADER_SIZE];
    struct frame_header back;
    frame_header_encode(&(struct frame_header){FRAME_STOP, 0}, bytes);
    for (int i = 0; i < 4; i++) {
        bytes[i] ^= 0x20;
        ck_assert_int_lt(frame_header_decode(bytes, &back), 0);
        bytes[i] ^= 0x20;
    }
}
END_TEST

START_TEST(a_lease_comes_back_and_is_never_negative) {
    unsigned char bytes[FRAME_LEASE_SIZE];
    int64_t until_ms = 0;
    lease_encode(INT64_MAX, bytes);
    ck_assert_int_eq(lease_decode(bytes, sizeof bytes, &until_ms), 0);
    ck_assert_int_eq(until_ms, INT64_MAX);
    ck_assert_int_lt(lease_decode(bytes, 7, &until_ms), 0);
    lease_encode(-1, bytes);
    ck_assert_int_lt(lease_decode(bytes, sizeof bytes, &until_ms), 0);
}
END_TEST

/* -- pages -- */

static const struct page *find(const struct page_set *set, const char *path) {
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->pages[i].path, path) == 0)
            return &set->pages[i];
    return NULL;
}

START_TEST(pages_come_back_as_they_were_and_in_order) {
    size_t length;
    unsigned char *payload = sample_payload(&length);
    struct page_set back;
    int64_t until_ms;
    ck_assert_int_eq(pages_decode(payload, length, &back, &until_ms), 0);
    ck_assert_int_eq(until_ms, 777);
    ck_assert_int_eq(back.made_at_ms, 123456);
    ck_assert_uint_eq(back.count, sample_set().count);
    for (size_t i = 0; i < back.count; i++) {
        const struct page *was = &SAMPLE_PAGES[i], *is = find(&back, was->path);
        ck_assert_ptr_nonnull(is);
        ck_assert_int_eq(is->status, was->status);
        ck_assert_int_eq(is->trust, was->trust);
        ck_assert_str_eq(is->type, was->type);
        ck_assert_uint_eq(is->body_length, was->body_length);
        ck_assert_mem_eq(is->body, was->body, was->body_length);
        ck_assert_int_eq(is->body[is->body_length], '\0');
        ck_assert(i == 0 || strcmp(back.pages[i - 1].path, back.pages[i].path) < 0);
    }
    free(back.pages);
    free(payload);
}
END_TEST

START_TEST(an_empty_set_is_a_set) {
    struct page_set set = {5, 0, NULL}, back;
    size_t length;
    int64_t until_ms;
    unsigned char *payload = pages_encode(&set, 6, &length);
    ck_assert_ptr_nonnull(payload);
    ck_assert_int_eq(pages_decode(payload, length, &back, &until_ms), 0);
    ck_assert_uint_eq(back.count, 0);
    free(back.pages);
    free(payload);
}
END_TEST

START_TEST(a_lease_can_be_written_into_an_encoded_set) {
    size_t length;
    unsigned char *payload = sample_payload(&length);
    pages_set_lease(payload, 999);
    struct page_set back;
    int64_t until_ms;
    ck_assert_int_eq(pages_decode(payload, length, &back, &until_ms), 0);
    ck_assert_int_eq(until_ms, 999);
    free(back.pages);
    free(payload);
}
END_TEST

START_TEST(a_page_that_no_responder_would_take_is_not_encoded) {
    char long_type[PAGE_TYPE_MAX + 2], long_path[PAGE_PATH_MAX + 2];
    memset(long_type, 't', sizeof long_type);
    long_type[sizeof long_type - 1] = '\0';
    memset(long_path, '/', sizeof long_path);
    memset(long_path + 1, 'p', sizeof long_path - 2);
    long_path[sizeof long_path - 1] = '\0';
    const struct page bad[] = {
        {"", 200, PAGE_TRUST_LEASE, "a", "", 0},
        {"/", 200, PAGE_TRUST_LEASE, "a", "", 0},
        {"no-slash", 200, PAGE_TRUST_LEASE, "a", "", 0},
        {"/final/", 200, PAGE_TRUST_LEASE, "a", "", 0},
        {"/a b", 200, PAGE_TRUST_LEASE, "a", "", 0},
        {"/\xc3\xa4", 200, PAGE_TRUST_LEASE, "a", "", 0},
        {long_path, 200, PAGE_TRUST_LEASE, "a", "", 0},
        {"/a", 204, PAGE_TRUST_LEASE, "a", "", 0},
        {"/a", 200, PAGE_TRUST_COUNT, "a", "", 0},
        {"/a", 200, PAGE_TRUST_LEASE, "", "", 0},
        {"/a", 200, PAGE_TRUST_LEASE, "a\r\nSet-Cookie: x", "", 0},
        {"/a", 200, PAGE_TRUST_LEASE, long_type, "", 0},
        {"/a", 200, PAGE_TRUST_LEASE, "a", "", FRAME_PAYLOAD_MAX},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct page page = bad[i];
        struct page_set set = {1, 1, &page};
        size_t length;
        ck_assert_msg(pages_encode(&set, 1, &length) == NULL, "row %zu", i);
    }
    struct page_set many = {1, PAGE_COUNT_MAX + 1, NULL}, past = {-1, 0, NULL}, good = {1, 0, NULL};
    size_t length;
    ck_assert_ptr_null(pages_encode(&many, 1, &length));
    ck_assert_ptr_null(pages_encode(&past, 1, &length));
    ck_assert_ptr_null(pages_encode(&good, -1, &length));
}
END_TEST

START_TEST(a_path_that_stands_twice_is_refused) {
    struct page pages[] = {{"/a", 200, PAGE_TRUST_LEASE, "t", "", 0},
        {"/b", 200, PAGE_TRUST_LEASE, "t", "", 0}, {"/a", 503, PAGE_TRUST_LEASE, "t", "", 0}};
    struct page_set set = {1, 3, pages}, back;
    size_t length;
    int64_t until_ms;
    unsigned char *payload = pages_encode(&set, 1, &length);
    ck_assert_ptr_nonnull(payload);
    ck_assert_int_lt(pages_decode(payload, length, &back, &until_ms), 0);
    free(payload);
}
END_TEST

START_TEST(a_path_may_have_pages_of_several_types_in_their_order) {
    struct page pages[] = {{"/b", 200, PAGE_TRUST_LEASE, "text/plain", "3", 1},
        {"/a", 200, PAGE_TRUST_LEASE, "text/html", "2", 1},
        {"/a", 503, PAGE_TRUST_LEASE, "application/json", "1", 1}};
    struct page_set set = {1, 3, pages}, back;
    size_t length;
    int64_t until_ms;
    unsigned char *payload = pages_encode(&set, 1, &length);
    ck_assert_int_eq(pages_decode(payload, length, &back, &until_ms), 0);
    ck_assert_uint_eq(back.count, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(back.pages[i].body[0], (int)('1' + i));
    free(back.pages);
    free(payload);
}
END_TEST

/* Decodes a copy that ends where its memory ends, so that the sanitizers see any byte read beyond it; and
 * reads all that was decoded, as an answer would. Returns whether it was taken. */
static bool decodes(const unsigned char *payload, size_t length) {
    unsigned char *copy = malloc(length > 0 ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, payload, length);
    struct page_set set;
    int64_t until_ms;
    int result = pages_decode(copy, length, &set, &until_ms);
    size_t sum = 0;
    for (size_t i = 0; result == 0 && i < set.count; i++) {
        const struct page *page = &set.pages[i];
        sum += strlen(page->path) + strlen(page->type);
        for (size_t at = 0; at <= page->body_length; at++)
            sum += (unsigned char)page->body[at];
        ck_assert_int_eq(page->path[0], '/');
        ck_assert(page->status == 200 || page->status == 503);
    }
    ck_assert(result < 0 || sum > 0 || set.count == 0);
    if (result == 0)
        free(set.pages);
    free(copy);
    return result == 0;
}

START_TEST(no_truncation_of_a_set_is_taken) {
    size_t length;
    unsigned char *payload = sample_payload(&length);
    for (size_t cut = 0; cut < length; cut++)
        ck_assert_msg(!decodes(payload, cut), "%zu of %zu bytes", cut, length);
    ck_assert(decodes(payload, length));
    unsigned char *longer = calloc(1, length + 1);
    ck_assert_ptr_nonnull(longer);
    memcpy(longer, payload, length);
    ck_assert(!decodes(longer, length + 1));
    free(longer);
    free(payload);
}
END_TEST

START_TEST(no_corruption_of_a_byte_leads_out_of_bounds) {
    size_t length;
    unsigned char *payload = sample_payload(&length);
    size_t refused = 0;
    for (size_t at = 0; at < length; at++) {
        unsigned char was = payload[at];
        for (int value = 0; value < 256; value++) {
            payload[at] = (unsigned char)value;
            refused += decodes(payload, length) ? 0 : 1;
        }
        payload[at] = was;
    }
    /* All but the numbers of the lease and the making, the bodies, and letters for letters. */
    ck_assert_uint_gt(refused, length * 100);
    free(payload);
}
END_TEST

START_TEST(a_count_that_cannot_be_is_refused) {
    size_t length;
    unsigned char *payload = sample_payload(&length);
    memset(payload + 16, 0xff, 4);
    ck_assert(!decodes(payload, length));
    memset(payload + 16, 0, 4);
    payload[18] = 0x10; /* 4096, the most a set may hold, in a payload that cannot hold them */
    ck_assert(!decodes(payload, length));
    free(payload);
}
END_TEST

/* -- both ends -- */

/* Two ends of one link on one loop, and what came out of either. */
struct pair {
    int fds[2]; /* the checker's, the responder's */
    struct event_base *base;
    struct link_sender *sender;
    struct link_receiver *receiver;
    int listener_fd;
    enum log_level level;
    enum log_format format;
    int logs, listeners, sets, leases, stops, receiver_failures, sender_failures, listenings, pings, pongs;
    int64_t until_ms;
    int64_t made_at_ms;
    size_t page_count;
    char why[128];
};

static void on_log(void *arg, enum log_level level, enum log_format format) {
    struct pair *pair = arg;
    pair->logs++;
    pair->level = level;
    pair->format = format;
}

static void on_listener(void *arg, int fd) {
    struct pair *pair = arg;
    pair->listeners++;
    pair->listener_fd = fd;
}

static void on_pages(void *arg, struct page_set set, unsigned char *payload, int64_t until_ms) {
    struct pair *pair = arg;
    pair->sets++;
    pair->until_ms = until_ms;
    pair->made_at_ms = set.made_at_ms;
    pair->page_count = set.count;
    free(set.pages);
    free(payload);
}

static void on_lease(void *arg, int64_t until_ms) {
    struct pair *pair = arg;
    pair->leases++;
    pair->until_ms = until_ms;
}

static void on_ping(void *arg) {
    ((struct pair *)arg)->pings++;
}

static void on_stop(void *arg) {
    ((struct pair *)arg)->stops++;
}

static void on_failed(void *arg, const char *why) {
    struct pair *pair = arg;
    pair->receiver_failures++;
    snprintf(pair->why, sizeof pair->why, "%s", why ? why : "closed");
}

static void on_sender_failed(void *arg) {
    ((struct pair *)arg)->sender_failures++;
}

static void on_listening(void *arg) {
    ((struct pair *)arg)->listenings++;
}

static void on_pong(void *arg) {
    ((struct pair *)arg)->pongs++;
}

static const struct link_events EVENTS = {
    on_log, on_listener, on_pages, on_lease, on_ping, on_stop, on_failed};

static void pair_init(struct pair *pair, bool has_receiver) {
    *pair = (struct pair){.listener_fd = -1};
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair->fds), 0);
    pair->base = event_base_new();
    pair->sender = link_sender_new(pair->base, pair->fds[0], on_sender_failed, pair);
    ck_assert_ptr_nonnull(pair->sender);
    link_sender_on_listening(pair->sender, on_listening);
    link_sender_on_pong(pair->sender, on_pong);
    if (has_receiver)
        pair->receiver = link_receiver_new(pair->base, pair->fds[1], &EVENTS, pair);
}

static void pair_release(struct pair *pair) {
    link_sender_free(pair->sender);
    link_receiver_free(pair->receiver);
    event_base_free(pair->base);
    for (int i = 0; i < 2; i++)
        if (pair->fds[i] >= 0)
            close(pair->fds[i]);
    if (pair->listener_fd >= 0)
        close(pair->listener_fd);
}

/* Lets the loop run until the counter says so. */
struct expectation {
    struct event_base *base;
    const int *counter;
    int value;
};

static bool has_come(void *arg) {
    struct expectation *expected = arg;
    event_base_loop(expected->base, EVLOOP_NONBLOCK);
    return *expected->counter >= expected->value;
}

static void run_until(struct pair *pair, const int *counter, int value) {
    struct expectation expected = {pair->base, counter, value};
    ck_assert(wait_until(has_come, &expected, 5000));
    ck_assert_int_eq(*counter, value);
}

/* Lets the loop run until nothing moves. */
static void run_dry(struct pair *pair) {
    for (int i = 0; i < 10; i++)
        event_base_loop(pair->base, EVLOOP_NONBLOCK);
}

START_TEST(the_listener_goes_over_as_an_open_descriptor_that_closes_on_exec) {
    struct pair pair;
    pair_init(&pair, true);
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(link_send_listener(pair.sender, ends[1]), 0);
    close(ends[1]); /* it was duplicated at once */
    run_until(&pair, &pair.listeners, 1);
    ck_assert_int_eq(fcntl(pair.listener_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ck_assert_int_eq(io_write_all(pair.listener_fd, "x", 1), 0);
    char c;
    ck_assert_int_eq(read(ends[0], &c, 1), 1);
    close(pair.listener_fd);
    pair.listener_fd = -1;
    ck_assert_int_eq(read(ends[0], &c, 1), 0); /* nobody kept a copy */
    close(ends[0]);
    ck_assert_int_eq(link_send_listening(pair.fds[1]), 0);
    run_until(&pair, &pair.listenings, 1);
    pair_release(&pair);
}
END_TEST

START_TEST(how_to_log_goes_over_and_only_known_ways_are_taken) {
    struct pair pair;
    pair_init(&pair, true);
    ck_assert_int_eq(link_send_log(pair.sender, LOG_WARNING, LOG_JSON), 0);
    run_until(&pair, &pair.logs, 1);
    ck_assert_int_eq(pair.level, LOG_WARNING);
    ck_assert_int_eq(pair.format, LOG_JSON);
    ck_assert_int_eq(link_send_log(pair.sender, LOG_WARNING, (enum log_format)(LOG_JSON + 1)), 0);
    run_until(&pair, &pair.receiver_failures, 1);
    ck_assert_int_eq(pair.logs, 1);
    pair_release(&pair);
}
END_TEST

START_TEST(frames_come_in_order_and_whole) {
    struct pair pair;
    pair_init(&pair, true);
    struct page_set set = sample_set();
    ck_assert_int_eq(link_send_pages(pair.sender, &set, 1000), 0);
    run_until(&pair, &pair.sets, 1);
    ck_assert_int_eq(pair.until_ms, 1000);
    ck_assert_uint_eq(pair.page_count, set.count);
    ck_assert_int_eq(link_send_lease(pair.sender, 2000), 0);
    run_until(&pair, &pair.leases, 1);
    ck_assert_int_eq(pair.until_ms, 2000);
    ck_assert_int_eq(link_send_stop(pair.sender), 0);
    run_until(&pair, &pair.stops, 1);
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
    run_until(&pair, &pair.sets, 1);
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
    run_dry(&pair); /* begun, and stuck */
    for (int i = 1; i <= 20; i++) {
        set.made_at_ms = i;
        ck_assert_int_eq(link_send_lease(pair.sender, 100 + i), 0);
        ck_assert_int_eq(link_send_pages(pair.sender, &set, 200 + i), 0);
        run_dry(&pair);
    }
    ck_assert_int_eq(link_send_lease(pair.sender, 300), 0); /* goes into the set that waits */
    ck_assert_int_eq(link_send_stop(pair.sender), 0);
    free(body);
    pair.receiver = link_receiver_new(pair.base, pair.fds[1], &EVENTS, &pair);
    run_until(&pair, &pair.stops, 1);
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
    run_until(&pair, &pair.leases, 1);
    run_dry(&pair);
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
        run_until(&pair, &pair.pings, round);
        ck_assert_int_eq(link_send_ping(pair.sender), 0);
        run_dry(&pair);
        ck_assert_int_eq(pair.pings, round);
        ck_assert_int_eq(link_send_pong(pair.fds[1]), 0);
        run_until(&pair, &pair.pongs, round);
        run_dry(&pair);
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
    run_until(&pair, &pair.pings, 1);
    ck_assert_int_eq(link_send_pong(pair.fds[1]), 0);
    ck_assert_int_eq(link_send_pong(pair.fds[1]), 0);
    run_until(&pair, &pair.sender_failures, 1);
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
    run_until(&pair, &pair.sender_failures, 1);
    ck_assert_int_lt(link_send_stop(pair.sender), 0);
    run_dry(&pair);
    ck_assert_int_eq(pair.sender_failures, 1);
    pair_release(&pair);

    pair_init(&pair, true);
    link_sender_free(pair.sender);
    pair.sender = NULL;
    close(pair.fds[0]);
    pair.fds[0] = -1;
    run_until(&pair, &pair.receiver_failures, 1);
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
        run_until(&pair, &pair.receiver_failures, 1);
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
        run_until(&pair, &pair.receiver_failures, 1);
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
        run_until(&pair, &pair.receiver_failures, 1);
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
        run_dry(&pair);
    }
    ck_assert_int_eq(pair.sets, 1);
    free(payload);
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
    run_until(&pair, &pair.sender_failures, 1);
    pair_release(&pair);

    pair_init(&pair, false);
    int passed = STDERR_FILENO;
    send_raw(pair.fds[1], listening, sizeof listening, &passed, 1);
    run_until(&pair, &pair.listenings, 1);
    send_raw(pair.fds[1], listening, sizeof listening, NULL, 0);
    run_until(&pair, &pair.sender_failures, 1);
    ck_assert_int_eq(pair.listenings, 1);
    pair_release(&pair);
}
END_TEST

Suite *link_suite(void) {
    Suite *suite = suite_create("link");
    TCase *frames = tcase_create("frames");
    suite_add_tcase(suite, frames);
    tcase_set_timeout(frames, 60);
    tcase_add_test(frames, a_header_comes_back_as_it_was);
    tcase_add_test(frames, a_header_with_a_length_its_type_cannot_have_is_refused);
    tcase_add_test(frames, a_header_of_another_protocol_is_refused);
    tcase_add_test(frames, a_lease_comes_back_and_is_never_negative);
    tcase_add_test(frames, pages_come_back_as_they_were_and_in_order);
    tcase_add_test(frames, an_empty_set_is_a_set);
    tcase_add_test(frames, a_lease_can_be_written_into_an_encoded_set);
    tcase_add_test(frames, a_page_that_no_responder_would_take_is_not_encoded);
    tcase_add_test(frames, a_path_that_stands_twice_is_refused);
    tcase_add_test(frames, a_path_may_have_pages_of_several_types_in_their_order);
    tcase_add_test(frames, no_truncation_of_a_set_is_taken);
    tcase_add_test(frames, no_corruption_of_a_byte_leads_out_of_bounds);
    tcase_add_test(frames, a_count_that_cannot_be_is_refused);
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
    tcase_add_test(ends, what_a_responder_may_not_say_ends_the_senders_side);
    return suite;
}
