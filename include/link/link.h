/* The link between checker and responder: frames over a stream socket pair.
 *
 * checker -> responder: LISTENER (with the listening descriptor), PAGES (a whole set, and its lease), LEASE
 * (the pages stand, trust them longer), STOP (an orderly end). responder -> checker: LISTENING (the
 * descriptor has come). Either side that sees the other's end, or a frame that is not well-formed, ends
 * itself: crash-only. */
#ifndef BH_LINK_LINK_H
#define BH_LINK_LINK_H

#include "base/error.h"
#include "report/page.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* -- frames: pure -- */

enum frame_type { FRAME_LISTENER = 1, FRAME_PAGES, FRAME_LEASE, FRAME_STOP, FRAME_LISTENING };

enum { FRAME_HEADER_SIZE = 12, FRAME_PAYLOAD_MAX = 16 * 1024 * 1024, PAGE_COUNT_MAX = 4096 };

struct frame_header {
    enum frame_type type;
    uint32_t length; /* of the payload */
};

void frame_header_encode(const struct frame_header *header, unsigned char bytes[FRAME_HEADER_SIZE]);

/* Returns -1 for a wrong magic, type or length. */
int frame_header_decode(const unsigned char bytes[FRAME_HEADER_SIZE], struct frame_header *header);

/* Lays a page set and its lease (monotonic, absolute) out as a payload, which the caller frees. Returns NULL
 * when memory is out or the set is too large. */
unsigned char *pages_encode(const struct page_set *set, int64_t valid_until_ms, size_t *length);

/* Reads such a payload. The pages' strings point into it, NUL-terminated, every length checked; only
 * set->pages is allocated (the caller frees it). Returns -1 if it is not well-formed in every byte. */
int pages_decode(const unsigned char *payload, size_t length, struct page_set *set, int64_t *valid_until_ms);

void lease_encode(int64_t valid_until_ms, unsigned char bytes[8]);
int lease_decode(const unsigned char *payload, size_t length, int64_t *valid_until_ms);

/* -- the sending end, in the checker -- */

struct link_sender;

/* Takes no ownership of fd, which must be non-blocking. `failed` is called, once, when the other end is gone.
 */
struct link_sender *link_sender_new(struct event_base *base, int fd, void (*failed)(void *arg), void *arg);
void link_sender_free(struct link_sender *sender);

/* Each queues a frame; nothing blocks. A set of pages that has not begun to go out is replaced by a newer
 * one, and a lease likewise, so that a responder that does not read costs bounded memory. */
int link_send_listener(
    struct link_sender *sender, int listen_fd); /* the descriptor is duplicated by the kernel */
int link_send_pages(struct link_sender *sender, const struct page_set *set, int64_t valid_until_ms);
int link_send_lease(struct link_sender *sender, int64_t valid_until_ms);
int link_send_stop(struct link_sender *sender);

/* -- the receiving end, in the responder -- */

struct link_receiver;

struct link_events {
    void (*listener)(void *arg, int listen_fd); /* takes the descriptor */
    /* Takes payload: the set's strings point into it. The set's pages array is the callee's to free as well.
     */
    void (*pages)(void *arg, struct page_set set, unsigned char *payload, int64_t valid_until_ms);
    void (*lease)(void *arg, int64_t valid_until_ms);
    void (*stop)(void *arg);
    void (*failed)(
        void *arg, const char *why); /* end of file, or a frame that is not well-formed; the last call */
};

struct link_receiver *link_receiver_new(
    struct event_base *base, int fd, const struct link_events *events, void *arg);
void link_receiver_free(struct link_receiver *receiver);
int link_send_listening(int fd);

#endif
