/* The checker's end of the link: one frame on its way, at most one of each type waiting, and nothing that
 * blocks. */
#include "link/link.h"

#include "base/pass.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The frame that is going out. */
struct outgoing {
    unsigned char head[FRAME_HEADER_SIZE + FRAME_LEASE_SIZE]; /* the header, and a small payload behind it */
    size_t head_length;
    unsigned char *payload; /* of a set of pages, else NULL */
    size_t payload_length;
    size_t sent;   /* bytes of head and payload */
    int passed_fd; /* goes with the first byte; -1 for none */
    bool is_active;
};

struct link_sender {
    int fd;
    struct event *on_readable;
    struct event *on_writable;
    void (*failed)(void *arg);
    void (*listening)(void *arg);
    void (*pong)(void *arg);
    void (*read)(void *arg);
    void *arg;
    bool has_failed;
    bool has_listened;
    bool is_held;      /* the loop is not asked to send */
    uint64_t readable; /* sets and leases that went out, and of which no reading was told */
    bool is_pinging;   /* a ping went out and is not answered yet */
    unsigned char reply[FRAME_HEADER_SIZE]; /* what came so far of the responder's frame */
    size_t reply_length;
    struct outgoing outgoing;
    /* what waits, in the order in which it goes */
    bool has_log;
    unsigned char log[FRAME_LOG_SIZE];
    int listener_fd; /* -1 for none */
    unsigned char *pages;
    size_t pages_length;
    bool has_lease;
    int64_t lease_ms;
    bool has_ping;
    bool has_stop;
};

static void outgoing_release(struct outgoing *outgoing) {
    free(outgoing->payload);
    if (outgoing->passed_fd >= 0)
        close(outgoing->passed_fd);
    *outgoing = (struct outgoing){.passed_fd = -1};
}

static struct outgoing *outgoing_begin(struct outgoing *outgoing, enum frame_type type, size_t length) {
    *outgoing = (struct outgoing){.head_length = FRAME_HEADER_SIZE, .passed_fd = -1, .is_active = true};
    frame_header_encode(&(struct frame_header){type, (uint32_t)length}, outgoing->head);
    return outgoing;
}

static void begin_pages(struct link_sender *sender) {
    struct outgoing *outgoing = outgoing_begin(&sender->outgoing, FRAME_PAGES, sender->pages_length);
    outgoing->payload = sender->pages;
    outgoing->payload_length = sender->pages_length;
    sender->pages = NULL;
    sender->readable++;
}

/* A frame whose payload goes out with its head. */
static void begin_small(
    struct link_sender *sender, enum frame_type type, const void *payload, size_t length) {
    struct outgoing *outgoing = outgoing_begin(&sender->outgoing, type, length);
    memcpy(outgoing->head + FRAME_HEADER_SIZE, payload, length);
    outgoing->head_length += length;
}

/* Moves the next waiting frame to the way out. Returns false if none waits. */
static bool begin_next(struct link_sender *sender) {
    if (sender->has_log) {
        begin_small(sender, FRAME_LOG, sender->log, sizeof sender->log);
        sender->has_log = false;
    } else if (sender->listener_fd >= 0) {
        outgoing_begin(&sender->outgoing, FRAME_LISTENER, 0)->passed_fd = sender->listener_fd;
        sender->listener_fd = -1;
    } else if (sender->pages) {
        begin_pages(sender);
    } else if (sender->has_lease) {
        unsigned char lease[FRAME_LEASE_SIZE];
        lease_encode(sender->lease_ms, lease);
        begin_small(sender, FRAME_LEASE, lease, sizeof lease);
        sender->has_lease = false;
        sender->readable++;
    } else if (sender->has_ping) {
        outgoing_begin(&sender->outgoing, FRAME_PING, 0);
        sender->has_ping = false;
        sender->is_pinging = true;
    } else if (sender->has_stop) {
        outgoing_begin(&sender->outgoing, FRAME_STOP, 0);
        sender->has_stop = false;
    } else {
        return false;
    }
    return true;
}

/* The parts of the frame that are not sent yet. Returns how many there are. */
static size_t unsent_parts(struct outgoing *outgoing, struct iovec parts[2]) {
    size_t count = 0, done = outgoing->sent;
    if (done < outgoing->head_length) {
        parts[count++] = (struct iovec){outgoing->head + done, outgoing->head_length - done};
        done = outgoing->head_length;
    }
    done -= outgoing->head_length;
    if (done < outgoing->payload_length)
        parts[count++] = (struct iovec){outgoing->payload + done, outgoing->payload_length - done};
    return count;
}

/* Sends what the socket takes of the frame. Returns 1 when all is sent, 0 when the socket is full, -1 with
 * errno. */
static int outgoing_send(struct outgoing *outgoing, int fd) {
    struct iovec parts[2];
    for (size_t count; (count = unsent_parts(outgoing, parts)) > 0;) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
        union pass_control control;
        if (outgoing->passed_fd >= 0)
            pass_attach(&message, &control, outgoing->passed_fd);
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
        if (outgoing->passed_fd >= 0) {
            close(outgoing->passed_fd);
            outgoing->passed_fd = -1;
        }
        outgoing->sent += (size_t)sent;
    }
    return 1;
}

/* The last thing done with the sender in a callback of the loop: the owner may free it. */
static void fail(struct link_sender *sender) {
    sender->has_failed = true;
    event_del(sender->on_readable);
    event_del(sender->on_writable);
    sender->failed(sender->arg);
}

/* Has the loop send what waits. */
static int wake(struct link_sender *sender) {
    return sender->is_held ? 0 : event_add(sender->on_writable, NULL);
}

void link_sender_hold(struct link_sender *sender) {
    sender->is_held = true;
}

void link_sender_flush(struct link_sender *sender) {
    sender->is_held = false;
    if (sender->has_failed)
        return;
    while (sender->outgoing.is_active || begin_next(sender)) {
        int result = outgoing_send(&sender->outgoing, sender->fd);
        if (result < 0 || (result == 0 && wake(sender) < 0)) {
            fail(sender);
            return;
        }
        if (result == 0)
            return; /* the event is persistent */
        outgoing_release(&sender->outgoing);
    }
    event_del(sender->on_writable);
}

static void on_writable(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    link_sender_flush(arg);
}

/* Takes one frame of the responder, which says once that it listens, answers pings, and tells of readers.
 * Returns -1 for anything else. */
static int take_reply(struct link_sender *sender) {
    struct frame_header header;
    sender->reply_length = 0;
    if (frame_header_decode(sender->reply, &header) < 0)
        return -1;
    if (header.type == FRAME_LISTENING && !sender->has_listened) {
        sender->has_listened = true;
        if (sender->listening)
            sender->listening(sender->arg);
    } else if (header.type == FRAME_PONG && sender->is_pinging) {
        sender->is_pinging = false;
        if (sender->pong)
            sender->pong(sender->arg);
    } else if (header.type == FRAME_READ && sender->readable > 0) {
        sender->readable--;
        if (sender->read)
            sender->read(sender->arg);
    } else {
        return -1;
    }
    return 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
    struct link_sender *sender = arg;
    (void)what;
    /* recv, without room for control data: descriptors that came along would be closed by the kernel. */
    ssize_t got = recv(
        fd, sender->reply + sender->reply_length, sizeof sender->reply - sender->reply_length, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (got <= 0) {
        fail(sender);
        return;
    }
    sender->reply_length += (size_t)got;
    if (sender->reply_length == sizeof sender->reply && take_reply(sender) < 0)
        fail(sender);
}

struct link_sender *link_sender_new(struct event_base *base, int fd, void (*failed)(void *arg), void *arg) {
    struct link_sender *sender = calloc(1, sizeof *sender);
    if (!sender)
        return NULL;
    sender->fd = fd;
    sender->failed = failed;
    sender->arg = arg;
    sender->listener_fd = -1;
    sender->outgoing.passed_fd = -1;
    sender->on_readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, sender);
    sender->on_writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, sender);
    if (!sender->on_readable || !sender->on_writable || event_add(sender->on_readable, NULL) < 0) {
        link_sender_free(sender);
        return NULL;
    }
    return sender;
}

void link_sender_free(struct link_sender *sender) {
    if (!sender)
        return;
    if (sender->on_readable)
        event_free(sender->on_readable);
    if (sender->on_writable)
        event_free(sender->on_writable);
    outgoing_release(&sender->outgoing);
    if (sender->listener_fd >= 0)
        close(sender->listener_fd);
    free(sender->pages);
    free(sender);
}

void link_sender_on_listening(struct link_sender *sender, void (*listening)(void *arg)) {
    sender->listening = listening;
}

void link_sender_on_read(struct link_sender *sender, void (*read)(void *arg)) {
    sender->read = read;
}

void link_sender_on_pong(struct link_sender *sender, void (*pong)(void *arg)) {
    sender->pong = pong;
}

int link_send_log(struct link_sender *sender, enum log_level level, enum log_format format) {
    if (sender->has_failed)
        return -1;
    sender->log[0] = (unsigned char)level;
    sender->log[1] = (unsigned char)format;
    sender->has_log = true;
    return wake(sender);
}

int link_send_listener(struct link_sender *sender, int listen_fd) {
    if (sender->has_failed)
        return -1;
    assert(sender->listener_fd < 0);
    sender->listener_fd = fcntl(listen_fd, F_DUPFD_CLOEXEC, 0);
    return sender->listener_fd < 0 ? -1 : wake(sender);
}

int link_send_pages(struct link_sender *sender, const struct page_set *set, int64_t valid_until_ms) {
    size_t length;
    unsigned char *payload = sender->has_failed ? NULL : pages_encode(set, valid_until_ms, &length);
    if (!payload)
        return -1;
    free(sender->pages);
    sender->pages = payload;
    sender->pages_length = length;
    sender->has_lease = false; /* the set brings its own, newer one */
    return wake(sender);
}

int link_send_lease(struct link_sender *sender, int64_t valid_until_ms) {
    if (sender->has_failed || valid_until_ms < 0)
        return -1;
    if (sender->pages) {
        pages_set_lease(sender->pages, valid_until_ms);
        return 0;
    }
    sender->has_lease = true;
    sender->lease_ms = valid_until_ms;
    return wake(sender);
}

int link_send_ping(struct link_sender *sender) {
    if (sender->has_failed)
        return -1;
    sender->has_ping = !sender->is_pinging;
    return wake(sender);
}

int link_send_stop(struct link_sender *sender) {
    if (sender->has_failed)
        return -1;
    sender->has_stop = true;
    return wake(sender);
}
