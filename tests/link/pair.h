/* Both ends of a link, over a real socket pair, and a set of pages to send. */
#ifndef BH_TESTS_LINK_PAIR_H
#define BH_TESTS_LINK_PAIR_H

#include "link/link.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A few pages, in no order, and the payload of their frame, which the caller frees. */
struct page_set sample_set(void);
unsigned char *sample_payload(size_t *length);

/* Two ends of one link on one loop, and what came out of either. */
struct pair {
    int fds[2]; /* the checker's, the responder's */
    struct event_base *base;
    struct link_sender *sender;
    struct link_receiver *receiver;
    int listener_fd;
    enum log_level level;
    enum log_format format;
    int logs, listeners, sets, leases, stops, receiver_failures, sender_failures, listenings, pings, pongs,
        reads;
    int64_t until_ms;
    int64_t made_at_ms;
    size_t page_count;
    char why[128];
};

void pair_init(struct pair *pair, bool has_receiver);
void pair_add_receiver(struct pair *pair);
void pair_release(struct pair *pair);

/* Lets the loop run until the counter, one of the pair's, says so. */
void pair_run_until(struct pair *pair, const int *counter, int value);

/* Lets the loop run until nothing moves. */
void pair_run_dry(struct pair *pair);

#endif
