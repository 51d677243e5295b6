/* The beginning of children, and what they are sent. */
#include "run/child_parts.h"

#include "base/io.h"
#include "run/child_work.h"
#include "run/phase_board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* From the fork of a one-shot child, whose end wakes us anyway. */
enum { HEAR_AFTER_MS = 100 };

/* Who speaks has told the nursery's news of its start before: whoever hears of it knows its process. */
static void on_readable(evutil_socket_t fd, short what, void *arg) {
    struct child *child = arg;
    (void)fd;
    (void)what;
    if (child->id != 0 && child->pid == 0)
        child_poll(child);
    else
        child_read_and_tell(child);
}

/* Most one-shot children say what they have to say in a few milliseconds: it is read when their end wakes us.
 * One that takes longer is heard as it goes, for an end may be late. */
static void on_hear(void *arg) {
    struct child *child = arg;
    event_add(child->readable, NULL); /* without memory for it the end, or the deadline, is waited for */
}

static int child_listen(struct child *child) {
    bool hears_later = child->owner->hears_ends && !child->is_worker;
    child->readable = event_new(child->owner->base, child->fd, EV_READ | EV_PERSIST, on_readable, child);
    if (!child->readable || (!hears_later && event_add(child->readable, NULL) < 0))
        return -1;
    timer_init(&child->hear, on_hear, child);
    if (hears_later)
        timer_arm(child->owner->timers, &child->hear, HEAR_AFTER_MS);
    return 0;
}

/* One that is not forked yet: ours is its end ends[0]. On failure NULL, and both ends are closed. */
static struct child *child_new(struct children *children, int ends[2], bool is_worker,
    const struct child_callbacks *callbacks, void *arg, struct error *err) {
    struct child *child = calloc(1, sizeof *child);
    if (child && io_set_nonblocking(ends[0]) == 0 && io_set_cloexec(ends[0]) == 0 &&
        io_set_cloexec(ends[1]) == 0) {
        child->owner = children;
        child->page = PHASE_BOARD_NONE;
        child->fd = ends[0];
        child->callbacks = *callbacks;
        child->arg = arg;
        child->is_worker = child->is_done = is_worker;
        timer_init(&child->kill, child_on_kill, child);
        if (child_listen(child) == 0)
            return child;
        errno = ENOMEM; /* the event loop took no event */
    }
    error_set(err, "child: %s", strerror(errno));
    if (child)
        child_free_event(&child->readable);
    free(child);
    close(ends[0]);
    close(ends[1]);
    return NULL;
}

/* It was not forked after all. */
static struct child *child_drop(struct child *child, int other_end) {
    timer_disarm(&child->hear);
    child_free_event(&child->readable);
    close(child->fd);
    close(other_end);
    free(child);
    return NULL;
}

struct child *child_start(struct children *children, void (*work)(void *arg, int fd), void *work_arg,
    const struct child_callbacks *callbacks, void *callback_arg, int64_t deadline_ms, struct error *err) {
    int ends[2];
    if (pipe(ends) < 0) {
        error_set(err, "pipe: %s", strerror(errno));
        return NULL;
    }
    struct child *child = child_new(children, ends, false, callbacks, callback_arg, err);
    if (!child)
        return NULL;
    child->pid = child_fork(ends[1], deadline_ms, work, work_arg, err);
    if (child->pid < 0)
        return child_drop(child, ends[1]);
    close(ends[1]);
    child_link(child);
    return child;
}

static bool fork_worker(struct child *child, void (*serve)(void *arg, int fd), int fd, struct error *err) {
    struct nursery *nursery = child->owner->nursery;
    if (!nursery) {
        child->pid = child_fork(fd, 0, serve, NULL, err);
        return child->pid > 0;
    }
    child->page = phase_board_take(&nursery->board);
    child->id = nursery_fork(nursery, fd, child->page, err);
    if (child->id == 0)
        phase_board_give_back(&nursery->board, child->page);
    return child->id != 0;
}

struct child *child_start_worker(struct children *children, void (*serve)(void *arg, int fd),
    const struct child_callbacks *callbacks, void *callback_arg, bool stays, struct error *err) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) {
        error_set(err, "pipe: %s", strerror(errno));
        return NULL;
    }
    struct child *child = child_new(children, ends, true, callbacks, callback_arg, err);
    if (!child)
        return NULL;
    child->stays = stays;
    if (!fork_worker(child, serve, ends[1], err))
        return child_drop(child, ends[1]);
    close(ends[1]);
    child_link(child);
    return child;
}

/* -- asking -- */

/* Sends what it takes. Returns how much that is. */
static size_t push(struct child *child, const char *bytes, size_t size) {
    ssize_t sent = child->fd < 0 ? -1 : send(child->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && (child->fd < 0 || errno == EPIPE || errno == ECONNRESET))
        child->is_unheard = true;
    return sent > 0 ? (size_t)sent : 0;
}

static void on_writable(evutil_socket_t fd, short what, void *arg) {
    struct child *child = arg;
    (void)fd;
    (void)what;
    size_t sent = push(child, child->unsent.data, child->unsent.length);
    memmove(child->unsent.data, child->unsent.data + sent, child->unsent.length - sent);
    explicit_bzero(child->unsent.data + child->unsent.length - sent, sent);
    child->unsent.length -= sent;
    if (child->unsent.length > 0)
        return;
    child_free_event(&child->writable);
    child_blank_unsent(child);
}

/* What does not go out at all is missed by the worker, and the run's deadline ends it. */
void child_send(struct child *child, const void *bytes, size_t size) {
    size_t sent = child->unsent.length > 0 ? 0 : push(child, bytes, size);
    if (sent == size || child->fd < 0)
        return;
    strbuf_append_n(&child->unsent, (const char *)bytes + sent, size - sent);
    if (child->writable)
        return;
    child->writable = event_new(child->owner->base, child->fd, EV_WRITE | EV_PERSIST, on_writable, child);
    if (child->writable)
        event_add(child->writable, NULL);
}

void child_ask(struct child *child, const void *request, size_t size) {
    child->is_done = false;
    child->is_heard = false;
    child->asked_ms = clock_now_ms(child->owner->timers->clock);
    if (child->page != PHASE_BOARD_NONE)
        phase_board_clear(&child->owner->nursery->board, child->page);
    child_send(child, request, size);
}
