/* The HTTP kind: asks Bugsink's own endpoint, on the loop, at a numeric address. */
#include "kinds/http/reply.h"
#include "kinds/http/target.h"
#include "kinds/kinds.h"

#include "base/io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { REPLY_MAX = 10 * 1024, PIECE_SIZE = 4096 };

struct http {
    struct http_target target;
    int fd; /* -1: none */
    struct event *event;
    size_t sent_bytes;
    struct http_reply reply;
};

/* -- the end of a run -- */

static void disconnect(struct http *http) {
    if (http->event)
        event_free(http->event);
    if (http->fd >= 0)
        close(http->fd);
    http->event = NULL;
    http->fd = -1;
    http_reply_release(&http->reply);
}

static void finish(struct check *check, enum reason reason, const char *detail) {
    struct outcome outcome = {.reason = reason};
    struct http *http = check->state;
    if (http->reply.status != 0)
        snprintf(outcome.code, sizeof outcome.code, "HTTP %d", http->reply.status);
    outcome_set_detail(&outcome, check->config, detail);
    disconnect(http);
    check_finish(check, check->run_id, &outcome);
}

static void fail(struct check *check, const char *call, int cause) {
    char detail[128];
    snprintf(detail, sizeof detail, "%s: %s", call, strerror(cause));
    finish(check, http_reason_of_errno(cause), detail);
}

/* The status line tells it, whatever became of the body: only a 200 has to be whole. */
static bool has_judged_by_status(struct check *check) {
    const struct http *http = check->state;
    if (http->reply.status == 0 || http->reply.status == 200)
        return false;
    finish(check, http_reason_of_answer(http->reply.status, NULL, 0, ""), "");
    return true;
}

/* The reader wants no more bytes. */
static void judge(struct check *check) {
    const struct http *http = check->state;
    const struct http_reply *reply = &http->reply;
    enum reason reason;
    if (has_judged_by_status(check))
        return;
    switch (reply->state) {
    case HTTP_REPLY_MORE: break;
    case HTTP_REPLY_WHOLE:
        reason = http_reason_of_answer(200, reply->body.data, reply->body.length, check->config->app.expect);
        finish(check, reason, reason == REASON_OK ? "" : "another body than expected");
        return;
    case HTTP_REPLY_CUT: finish(check, REASON_RESET, "closed before the answer was complete"); return;
    case HTTP_REPLY_TOO_LARGE:
        finish(
            check, reply->status == 200 ? REASON_IDENTITY : REASON_PROTOCOL, "an answer of more than 10 KiB");
        return;
    case HTTP_REPLY_INVALID: finish(check, REASON_PROTOCOL, "the answer is not HTTP"); return;
    case HTTP_REPLY_NO_MEMORY: finish(check, REASON_INTERNAL, "out of memory"); return;
    }
}

/* -- the exchange -- */

static void go_on(struct check *check);

static void on_event(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    go_on(arg);
}

static void wait_for(struct check *check, short what) {
    struct http *http = check->state;
    if (http->event)
        event_free(http->event);
    http->event = event_new(check->env->base, http->fd, what, on_event, check);
    if (!http->event || event_add(http->event, NULL) < 0)
        finish(check, REASON_INTERNAL, "the event loop took no event");
}

static void receive(struct check *check) {
    struct http *http = check->state;
    char piece[PIECE_SIZE];
    while (http->reply.state == HTTP_REPLY_MORE) {
        ssize_t got = recv(http->fd, piece, sizeof piece, 0);
        if (got > 0) {
            http_reply_feed(&http->reply, piece, (size_t)got);
        } else if (got == 0) {
            http_reply_end(&http->reply);
        } else if (errno == EAGAIN) {
            /* Not to be waited for: a body that hangs would make a time-out, and so silence, of an answer. */
            bool is_told = http->reply.status >= 300 && has_judged_by_status(check);
            if (!is_told)
                wait_for(check, EV_READ);
            return;
        } else if (errno != EINTR) {
            int cause = errno;
            if (!has_judged_by_status(check))
                fail(check, "recv", cause);
            return;
        }
    }
    judge(check);
}

/* Linux gives a connection that is made to a free port of this machine to itself when the kernel happens to
 * choose that port for our end (a simultaneous open, RFC 9293 3.5): nobody listens there. */
static bool is_connected_to_itself(int fd) {
    struct sockaddr_storage own = {0}, peer = {0};
    socklen_t own_size = sizeof own, peer_size = sizeof peer;
    return getsockname(fd, (struct sockaddr *)&own, &own_size) == 0 &&
           getpeername(fd, (struct sockaddr *)&peer, &peer_size) == 0 && own_size == peer_size &&
           memcmp(&own, &peer, own_size) == 0;
}

/* Returns whether the connection stands. Else the run has ended, or waits. */
static bool has_connected(struct check *check) {
    const struct http *http = check->state;
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int cause = 0;
    socklen_t cause_size = sizeof cause;
    if (getsockopt(http->fd, SOL_SOCKET, SO_ERROR, &cause, &cause_size) < 0)
        cause = errno;
    if (cause != 0) {
        fail(check, "connect", cause);
        return false;
    }
    if (getpeername(http->fd, (struct sockaddr *)&peer, &size) < 0) {
        wait_for(check, EV_WRITE);
        return false;
    }
    if (is_connected_to_itself(http->fd)) {
        finish(check, REASON_REFUSED, "connected to itself: nobody listens there");
        return false;
    }
    return true;
}

/* Does what can be done without waiting. */
static void go_on(struct check *check) {
    struct http *http = check->state;
    if (check->phase == PHASE_CONNECT) {
        if (!has_connected(check))
            return;
        check_set_phase(check, PHASE_READ);
    }
    const struct strbuf *request = &http->target.request;
    while (http->sent_bytes < request->length) {
        ssize_t sent = send(
            http->fd, request->data + http->sent_bytes, request->length - http->sent_bytes, MSG_NOSIGNAL);
        if (sent >= 0) {
            http->sent_bytes += (size_t)sent;
        } else if (errno == EAGAIN) {
            wait_for(check, EV_WRITE);
            return;
        } else if (errno != EINTR) {
            fail(check, "send", errno);
            return;
        }
    }
    receive(check);
}

/* -- the kind -- */

static int http_init(struct check *check, struct error *err) {
    struct http *http = check->state;
    http->fd = -1;
    return http_target_init(&http->target, check->config, err);
}

/* Within one machine connect has done its work when it returns: the request leaves at once, and whatever
 * holds this process up afterwards takes nothing from the time that Bugsink has. */
static void http_start(struct check *check) {
    struct http *http = check->state;
    const struct sockaddr_storage *address = &http->target.address;
    check_set_phase(check, PHASE_CONNECT);
    http_reply_init(&http->reply, REPLY_MAX);
    http->sent_bytes = 0;
    http->fd = socket(address->ss_family, SOCK_STREAM, 0);
    if (http->fd < 0 || io_set_nonblocking(http->fd) < 0 || io_set_cloexec(http->fd) < 0)
        fail(check, "socket", errno);
    else if (connect(http->fd, (const struct sockaddr *)address, http->target.address_size) < 0 &&
             errno != EINPROGRESS)
        fail(check, "connect", errno);
    else
        go_on(check);
}

static void http_cancel(struct check *check) {
    disconnect(check->state);
}

static void http_release(struct check *check) {
    struct http *http = check->state;
    http_target_release(&http->target);
}

static bool asks_same_app(const struct check_config *a, const struct check_config *b) {
    return strcmp(a->app.url, b->app.url) == 0;
}

const struct check_kind HTTP_KIND = {
    .traits = {.is_app = true, .asks_same_app = asks_same_app, .measures_latency = true},
    .state_size = sizeof(struct http),
    .init = http_init,
    .start = http_start,
    .cancel = http_cancel,
    .release = http_release,
};
