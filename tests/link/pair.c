/* Both ends of a link on one loop. */
#include "link/pair.h"

#include "harness/wait.h"

#include <check.h>
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

struct page_set sample_set(void) {
    return (struct page_set){123456, sizeof SAMPLE_PAGES / sizeof SAMPLE_PAGES[0], SAMPLE_PAGES};
}

unsigned char *sample_payload(size_t *length) {
    struct page_set set = sample_set();
    unsigned char *payload = pages_encode(&set, 777, length);
    ck_assert_ptr_nonnull(payload);
    return payload;
}

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

static void on_read(void *arg) {
    ((struct pair *)arg)->reads++;
}

static void on_pong(void *arg) {
    ((struct pair *)arg)->pongs++;
}

static const struct link_events EVENTS = {
    on_log, on_listener, on_pages, on_lease, on_ping, on_stop, on_failed};

void pair_add_receiver(struct pair *pair) {
    pair->receiver = link_receiver_new(pair->base, pair->fds[1], &EVENTS, pair);
}

void pair_init(struct pair *pair, bool has_receiver) {
    *pair = (struct pair){.listener_fd = -1};
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair->fds), 0);
    pair->base = event_base_new();
    pair->sender = link_sender_new(pair->base, pair->fds[0], on_sender_failed, pair);
    ck_assert_ptr_nonnull(pair->sender);
    link_sender_on_listening(pair->sender, on_listening);
    link_sender_on_pong(pair->sender, on_pong);
    link_sender_on_read(pair->sender, on_read);
    if (has_receiver)
        pair_add_receiver(pair);
}

void pair_release(struct pair *pair) {
    link_sender_free(pair->sender);
    link_receiver_free(pair->receiver);
    event_base_free(pair->base);
    for (int i = 0; i < 2; i++)
        if (pair->fds[i] >= 0)
            close(pair->fds[i]);
    if (pair->listener_fd >= 0)
        close(pair->listener_fd);
}

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

void pair_run_until(struct pair *pair, const int *counter, int value) {
    struct expectation expected = {pair->base, counter, value};
    ck_assert(wait_until(has_come, &expected, 5000));
    ck_assert_int_eq(*counter, value);
}

void pair_run_dry(struct pair *pair) {
    for (int i = 0; i < 10; i++)
        event_base_loop(pair->base, EVLOOP_NONBLOCK);
}
