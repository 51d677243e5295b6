/* The responder's end of the link: takes whole frames and the listening descriptor, and trusts none of them.
 */
#include "link/link.h"

#include "base/pass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Read in one turn of the loop, so that a large set does not keep a probe waiting. */
enum { TURN_BYTES = 256 * 1024 };

struct link_receiver {
    int fd;
    struct event *on_readable;
    const struct link_events *events;
    void *arg;
    bool is_over; /* STOP has come, or the link has failed */
    unsigned char header_bytes[FRAME_HEADER_SIZE];
    size_t header_length;
    struct frame_header header; /* once its bytes are whole */
    unsigned char *payload;
    size_t payload_length;
    int passed_fd; /* came with the frame that is being read; -1 for none */
};

static void fail(struct link_receiver *receiver, const char *why) {
    receiver->is_over = true;
    event_del(receiver->on_readable);
    receiver->events->failed(receiver->arg, why);
}

/* Reads up to size bytes of the frame. Returns the count, 0 when there is nothing now, -1 when the link has
 * failed. */
static ssize_t receive(struct link_receiver *receiver, void *data, size_t size) {
    struct iovec part = {data, size};
    union pass_control control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    pass_make_room(&message, &control);
    ssize_t got = recvmsg(receiver->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    if (got <= 0) {
        fail(receiver, got == 0 ? NULL : strerror(errno));
        return -1;
    }
    bool had_fd = receiver->passed_fd >= 0;
    int count = pass_take(&message, &receiver->passed_fd);
    if (count > 1 || (count == 1 && had_fd)) {
        fail(receiver, "more descriptors than a frame may carry");
        return -1;
    }
    return got;
}

static void deliver_pages(struct link_receiver *receiver) {
    struct page_set set;
    int64_t valid_until_ms;
    if (pages_decode(receiver->payload, receiver->payload_length, &set, &valid_until_ms) < 0) {
        fail(receiver, "a set of pages that is not well-formed, or for which memory is out");
        return;
    }
    unsigned char *payload = receiver->payload;
    receiver->payload = NULL;
    receiver->events->pages(receiver->arg, set, payload, valid_until_ms);
}

static void deliver_lease(struct link_receiver *receiver) {
    int64_t valid_until_ms;
    if (lease_decode(receiver->payload, receiver->payload_length, &valid_until_ms) < 0)
        fail(receiver, "a lease that is not well-formed");
    else
        receiver->events->lease(receiver->arg, valid_until_ms);
}

/* A frame of that type has FRAME_LOG_SIZE bytes (frame_header_decode), and all of them have come. */
static void deliver_log(struct link_receiver *receiver) {
    /* NOLINTNEXTLINE(Wanalyzer-use-of-uninitialized-value, clang-analyzer-core.*): see above */
    if (receiver->payload[0] > LOG_ERROR || receiver->payload[1] > LOG_JSON)
        fail(receiver, "a way to log that is not known");
    else
        receiver->events->log(
            receiver->arg, (enum log_level)receiver->payload[0], (enum log_format)receiver->payload[1]);
}

static void deliver_listener(struct link_receiver *receiver) {
    int fd = receiver->passed_fd;
    receiver->passed_fd = -1;
    receiver->events->listener(receiver->arg, fd);
}

static void deliver_stop(struct link_receiver *receiver) {
    receiver->is_over = true;
    event_del(receiver->on_readable);
    receiver->events->stop(receiver->arg);
}

/* Hands the whole frame over and makes ready for the next. */
static void deliver(struct link_receiver *receiver) {
    if ((receiver->passed_fd >= 0) != (receiver->header.type == FRAME_LISTENER)) {
        fail(receiver, "a descriptor where none belongs, or none where one does");
        return;
    }
    switch (receiver->header.type) {
    case FRAME_LOG: deliver_log(receiver); break;
    case FRAME_LISTENER: deliver_listener(receiver); break;
    case FRAME_PAGES: deliver_pages(receiver); break;
    case FRAME_LEASE: deliver_lease(receiver); break;
    case FRAME_STOP: deliver_stop(receiver); break;
    case FRAME_PING: receiver->events->ping(receiver->arg); break;
    case FRAME_LISTENING:
    case FRAME_READ:
    case FRAME_PONG: fail(receiver, "a frame of the wrong direction"); break;
    }
    free(receiver->payload);
    receiver->payload = NULL;
    receiver->payload_length = 0;
    receiver->header_length = 0;
}

/* Judges a header that has come whole, and makes room for its payload. */
static void begin_payload(struct link_receiver *receiver) {
    if (frame_header_decode(receiver->header_bytes, &receiver->header) < 0)
        fail(receiver, "a frame that is not well-formed");
    else if (receiver->header.length > 0 && (receiver->payload = malloc(receiver->header.length)) == NULL)
        fail(receiver, "out of memory for a frame");
}

/* Reads on within the frame. Returns the count of bytes, 0 or -1 as receive does. */
static ssize_t advance(struct link_receiver *receiver) {
    ssize_t got;
    if (receiver->header_length < FRAME_HEADER_SIZE) {
        got = receive(receiver, receiver->header_bytes + receiver->header_length,
            FRAME_HEADER_SIZE - receiver->header_length);
        if (got <= 0)
            return got;
        receiver->header_length += (size_t)got;
        if (receiver->header_length == FRAME_HEADER_SIZE)
            begin_payload(receiver);
    } else {
        size_t left = receiver->header.length - receiver->payload_length;
        got = receive(
            receiver, receiver->payload + receiver->payload_length, left < TURN_BYTES ? left : TURN_BYTES);
        if (got <= 0)
            return got;
        receiver->payload_length += (size_t)got;
    }
    if (!receiver->is_over && receiver->header_length == FRAME_HEADER_SIZE &&
        receiver->payload_length == receiver->header.length)
        deliver(receiver);
    return receiver->is_over ? -1 : got;
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
    struct link_receiver *receiver = arg;
    (void)fd;
    (void)what;
    for (ssize_t got, left = TURN_BYTES; left > 0 && (got = advance(receiver)) > 0;)
        left -= got;
}

struct link_receiver *link_receiver_new(
    struct event_base *base, int fd, const struct link_events *events, void *arg) {
    struct link_receiver *receiver = calloc(1, sizeof *receiver);
    if (!receiver)
        return NULL;
    receiver->fd = fd;
    receiver->events = events;
    receiver->arg = arg;
    receiver->passed_fd = -1;
    receiver->on_readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, receiver);
    /* Before all else that is ready: a lease that has come must not wait behind those who are answered by it.
     */
    if (!receiver->on_readable || event_priority_set(receiver->on_readable, 0) < 0 ||
        event_add(receiver->on_readable, NULL) < 0) {
        link_receiver_free(receiver);
        return NULL;
    }
    return receiver;
}

void link_receiver_free(struct link_receiver *receiver) {
    if (!receiver)
        return;
    if (receiver->on_readable)
        event_free(receiver->on_readable);
    if (receiver->passed_fd >= 0)
        close(receiver->passed_fd);
    free(receiver->payload);
    free(receiver);
}

static int send_reply(int fd, enum frame_type type) {
    unsigned char bytes[FRAME_HEADER_SIZE];
    frame_header_encode(&(struct frame_header){type, 0}, bytes);
    for (size_t done = 0; done < sizeof bytes;) {
        ssize_t sent = send(fd, bytes + done, sizeof bytes - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;
        done += (size_t)sent;
    }
    return 0;
}

int link_send_listening(int fd) {
    return send_reply(fd, FRAME_LISTENING);
}

int link_send_pong(int fd) {
    return send_reply(fd, FRAME_PONG);
}

int link_send_read(int fd) {
    return send_reply(fd, FRAME_READ);
}
