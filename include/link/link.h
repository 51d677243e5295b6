/* The link between checker and responder: frames over a stream socket pair.
 *
 * checker -> responder: LOG (how to log: the responder reads no configuration), LISTENER (with the listening
 * descriptor), PAGES (a whole set, and its lease), LEASE (the pages stand, trust them longer), PING (does
 * your loop turn?), STOP (an orderly end). responder -> checker: LISTENING (the descriptor has come), PONG
 * (one for each PING), READ (somebody has read figures that only newer pages can bring up to date; one at
 * most for each set or lease). Either side that sees the other's end, or a frame that is not well-formed,
 * ends itself: crash-only. */
#ifndef BH_LINK_LINK_H
#define BH_LINK_LINK_H

#include "base/error.h"
#include "base/log.h"
#include "report/page.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* -- frames: pure -- */

enum frame_type {
    FRAME_LISTENER = 1,
    FRAME_PAGES,
    FRAME_LEASE,
    FRAME_STOP,
    FRAME_LISTENING,
    FRAME_LOG,
    FRAME_PING,
    FRAME_PONG,
    FRAME_READ
};

enum {
    FRAME_HEADER_SIZE = 12,
    FRAME_LEASE_SIZE = 8,
    FRAME_LOG_SIZE = 2, /* level, format */
    FRAME_PAYLOAD_MAX = 16 * 1024 * 1024,
    PAGE_COUNT_MAX = 4096,
    PAGE_PATH_MAX = 1024, /* characters */
    PAGE_TYPE_MAX = 127,
};

struct frame_header {
    enum frame_type type;
    uint32_t length; /* of the payload */
};

void frame_header_encode(const struct frame_header *header, unsigned char bytes[FRAME_HEADER_SIZE]);

/* Returns -1 for a wrong magic, an unknown type, or a length that the type cannot have. */
int frame_header_decode(const unsigned char bytes[FRAME_HEADER_SIZE], struct frame_header *header);

/* Lays a page set and its lease (monotonic, absolute) out as a payload, which the caller frees. Returns NULL
 * when memory is out, the set is too large, or a page is one that pages_decode would refuse. */
unsigned char *pages_encode(const struct page_set *set, int64_t valid_until_ms, size_t *length);

/* Writes another lease into an encoded set. */
void pages_set_lease(unsigned char *payload, int64_t valid_until_ms);

/* Reads such a payload. The pages' strings point into it, NUL-terminated, every length checked; only
 * set->pages is allocated (the caller frees it). The pages stand in the order of their paths, those
 * of one path in the order of their types, none twice.
 * Returns -1 if it is not well-formed in every byte, or memory is out. */
int pages_decode(const unsigned char *payload, size_t length, struct page_set *set, int64_t *valid_until_ms);

void lease_encode(int64_t valid_until_ms, unsigned char bytes[FRAME_LEASE_SIZE]);
int lease_decode(const unsigned char *payload, size_t length, int64_t *valid_until_ms);

/* -- the sending end, in the checker -- */

struct link_sender;

/* Takes no ownership of fd, which must be non-blocking and outlive the sender. `failed` is called, once, from
 * the loop, when the other end is gone (after a STOP too) or said something that is not well-formed; it may
 * free the sender. Returns NULL when memory is out. */
struct link_sender *link_sender_new(struct event_base *base, int fd, void (*failed)(void *arg), void *arg);
void link_sender_free(struct link_sender *sender);

/* `listening` is called, once, with the sender's arg, when the responder has said that the listening
 * descriptor came. */
void link_sender_on_listening(struct link_sender *sender, void (*listening)(void *arg));

/* `pong` is called, with the sender's arg, for each ping that was answered. */
void link_sender_on_pong(struct link_sender *sender, void (*pong)(void *arg));

/* `read` is called, with the sender's arg, when somebody has read numbers. */
void link_sender_on_read(struct link_sender *sender, void (*read)(void *arg));

/* Each queues a frame, which the loop sends; nothing blocks. A set of pages that has not begun to go out is
 * replaced by a newer one, and a lease likewise, so that a responder that does not read costs bounded memory.
 * Each returns -1 when memory or descriptors are out, the set cannot be encoded, or the link has failed; what
 * was queued before stands. */
int link_send_log(struct link_sender *sender, enum log_level level, enum log_format format);
int link_send_listener(
    struct link_sender *sender, int listen_fd); /* duplicated at once; once in a sender's life */
int link_send_pages(struct link_sender *sender, const struct page_set *set, int64_t valid_until_ms);
int link_send_lease(struct link_sender *sender, int64_t valid_until_ms);
int link_send_ping(struct link_sender *sender); /* nothing, while one is not answered yet */
int link_send_stop(struct link_sender *sender);

/* For a caller that cannot wait for the loop: the first holds what is queued back, the second sends at once
 * what the other end takes. */
void link_sender_hold(struct link_sender *sender);
void link_sender_flush(struct link_sender *sender);

/* -- the receiving end, in the responder -- */

struct link_receiver;

/* The callbacks may not free the receiver. */
struct link_events {
    void (*log)(void *arg, enum log_level level, enum log_format format);
    void (*listener)(void *arg, int listen_fd); /* takes the descriptor */
    /* Takes payload: the set's strings point into it. The set's pages array is the callee's to free as well.
     */
    void (*pages)(void *arg, struct page_set set, unsigned char *payload, int64_t valid_until_ms);
    void (*lease)(void *arg, int64_t valid_until_ms);
    void (*ping)(void *arg);
    void (*stop)(void *arg); /* the last call */
    /* The last call. why says what was wrong with the link, or is NULL where the other end just closed it. */
    void (*failed)(void *arg, const char *why);
};

/* Takes no ownership of fd. Returns NULL when memory is out. */
struct link_receiver *link_receiver_new(
    struct event_base *base, int fd, const struct link_events *events, void *arg);
void link_receiver_free(struct link_receiver *receiver);

/* Tells the checker that the listening descriptor has come. Returns -1, with errno, if that cannot be sent at
 * once. */
int link_send_listening(int fd);

/* Answers a ping. Returns as link_send_listening does. */
int link_send_pong(int fd);

/* Tells that somebody has read numbers; once for each set or lease that came. Returns as
 * link_send_listening does. */
int link_send_read(int fd);

#endif
