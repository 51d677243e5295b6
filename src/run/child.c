/* One-shot children: forks them, reads their reports, kills those that are given up. */
#include "run/child.h"

#include "base/io.h"
#include "base/pass.h"
#include "run/child_work.h"
#include "run/records.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAR_AFTER_MS = 100,       /* from the fork, where its end wakes us anyway */
    KILL_GRACE_MS = 500,       /* from SIGTERM to SIGKILL */
    DEATH_GRACE_MS = 400,      /* from SIGKILL until the child counts as caught in the kernel */
    RELEASE_PATIENCE_MS = 200, /* for all together */
};

struct child {
    struct children *owner;
    struct child *next;
    struct child **link;
    pid_t pid;
    int fd;   /* -1: closed, nothing more is expected */
    int left; /* the descriptor that it has left, until somebody takes it; -1: none */
    struct event *readable;
    struct timer hear; /* armed while nobody listens yet */
    struct timer kill;
    struct child_callbacks callbacks;
    void *arg;
    bool is_reaped;
    bool is_done;     /* `done` was called, or will not be */
    bool is_killed;   /* SIGKILL was sent */
    bool is_disowned; /* `reaped` is not wanted either */
    char *name;       /* for who adopts it, when disowned; or NULL */
    bool has_result;
    struct record result; /* in the records' buffer */
    struct records records;
};

void children_init(struct children *children, struct event_base *base, struct timers *timers) {
    *children = (struct children){.base = base, .timers = timers};
}

static void child_link(struct child *child) {
    struct children *owner = child->owner;
    child->next = owner->head;
    child->link = &owner->head;
    if (child->next)
        child->next->link = &child->next;
    owner->head = child;
    owner->count++;
}

static void child_unlink(struct child *child) {
    *child->link = child->next;
    if (child->next)
        child->next->link = child->link;
    child->owner->count--;
}

static void child_stop_reading(struct child *child) {
    timer_disarm(&child->hear);
    if (child->readable)
        event_free(child->readable);
    child->readable = NULL;
    if (child->fd >= 0)
        close(child->fd);
    child->fd = -1;
}

static void child_free(struct child *child) {
    child_stop_reading(child);
    timer_disarm(&child->kill);
    if (child->left >= 0)
        close(child->left);
    if (child->callbacks.release)
        child->callbacks.release(child->arg);
    free(child->name);
    free(child);
}

/* Waits for a killed child, but not for one that is caught in the kernel. */
static void await_killed(pid_t pid, int *patience_ms) {
    const struct timespec step = {.tv_nsec = 1000 * 1000};
    for (; waitpid(pid, NULL, WNOHANG) == 0 && *patience_ms > 0; --*patience_ms)
        nanosleep(&step, NULL);
}

void children_release(struct children *children) {
    int patience_ms = RELEASE_PATIENCE_MS;
    while (children->head) {
        struct child *child = children->head;
        /* child_unlink has made the head another one. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        kill(child->pid, SIGKILL);
        await_killed(child->pid, &patience_ms);
        child_unlink(child);
        child_free(child);
    }
}

/* -- reading -- */

static void take_records(struct child *child) {
    struct record record;
    while (!child->has_result && records_next(&child->records, &record)) {
        if (record.type == RECORD_PHASE && child->callbacks.phase)
            child->callbacks.phase(child->arg, record.phase);
        child->has_result = record.type == RECORD_RESULT; /* the last record: nothing after it counts */
        child->result = record;
    }
}

/* Of the descriptors that come the first is kept; where we have no number free for it, none is. */
static ssize_t receive(struct child *child, void *data, size_t size) {
    struct iovec part = {data, size};
    union pass_control control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (!child->callbacks.takes_descriptor)
        return read(child->fd, data, size);
    pass_make_room(&message, &control);
    ssize_t got = recvmsg(child->fd, &message, MSG_CMSG_CLOEXEC);
    if (got >= 0)
        pass_take(&message, &child->left);
    return got;
}

/* Reads what is there. How it ended shows when it is reaped. */
static void child_read(struct child *child) {
    while (child->fd >= 0 && !child->has_result && !child->records.is_garbled) {
        size_t room;
        char *end = records_room(&child->records, &room);
        ssize_t got = receive(child, end, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            records_end(&child->records);
            child_stop_reading(child);
            return;
        }
        records_add(&child->records, (size_t)got);
        take_records(child);
    }
}

static void child_signal(struct child *child, int number) {
    if (!child->is_reaped) /* else the pid may be another's by now */
        kill(child->pid, number);
}

/* Calls `done`, unless that has been; the child may be gone when it returns. */
static void child_done(struct child *child, int number, int status) {
    if (child->is_done)
        return;
    child->is_done = true;
    child_stop_reading(child);
    if (!child->is_reaped)
        timer_arm(child->owner->timers, &child->kill, KILL_GRACE_MS);
    char copy[CHILD_RESULT_MAX]; /* the callback may start things that reap and free the child */
    struct child_end end = {
        .is_garbled = child->records.is_garbled, .signal = number, .status = status, .fd = child->left};
    child->left = -1;
    if (child->has_result) {
        memcpy(copy, child->result.payload, child->result.size);
        end.result = copy;
        end.result_size = child->result.size;
    }
    child->callbacks.done(child->arg, &end);
}

/* Last call of its callers: the child may be gone when it returns. */
static void child_read_and_tell(struct child *child) {
    child_read(child);
    if (child->records.is_garbled)
        child_signal(child, SIGKILL);
    if (child->has_result || child->records.is_garbled)
        child_done(child, 0, 0);
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    child_read_and_tell(arg);
}

/* Most children say five times in a few milliseconds how far they are, and nobody wants to know: what they
 * wrote is read when their end wakes us. One that takes longer is heard as it goes, for an end may be late.
 */
static void on_hear(void *arg) {
    struct child *child = arg;
    event_add(child->readable, NULL); /* without memory for it the end, or the deadline, is waited for */
}

static int child_listen(struct child *child) {
    child->readable = event_new(child->owner->base, child->fd, EV_READ | EV_PERSIST, on_readable, child);
    if (!child->readable || (!child->owner->hears_ends && event_add(child->readable, NULL) < 0))
        return -1;
    timer_init(&child->hear, on_hear, child);
    if (child->owner->hears_ends)
        timer_arm(child->owner->timers, &child->hear, HEAR_AFTER_MS);
    return 0;
}

/* -- the end -- */

bool children_reap(struct children *children, pid_t pid, int status) {
    struct child *child = children->head;
    while (child && child->pid != pid)
        child = child->next;
    if (!child)
        return false;
    child_unlink(child);
    child->is_reaped = true;
    timer_disarm(&child->kill);
    child_read(child);
    if (WIFSIGNALED(status))
        child_done(child, WTERMSIG(status), 0);
    else
        child_done(child, 0, WEXITSTATUS(status));
    if (child->callbacks.reaped && !child->is_disowned)
        child->callbacks.reaped(child->arg);
    child_free(child);
    return true;
}

void child_poll(struct child *child) {
    int status;
    if (child->is_reaped)
        return; /* asked from within its own last callbacks */
    if (waitpid(child->pid, &status, WNOHANG) == child->pid)
        children_reap(child->owner, child->pid, status);
    else
        child_read_and_tell(child);
}

static void on_kill(void *arg) {
    struct child *child = arg;
    if (child->is_killed)
        return;
    child->is_killed = true;
    child_signal(child, SIGKILL);
    timer_arm(child->owner->timers, &child->kill, DEATH_GRACE_MS);
}

void child_abandon(struct child *child) {
    child->is_done = true;
    child_stop_reading(child);
    if (child->is_reaped)
        return;
    child_signal(child, SIGTERM);
    timer_arm(child->owner->timers, &child->kill, KILL_GRACE_MS);
}

void child_disown(struct child *child, const char *name) {
    free(child->name);
    child->name = name ? strdup(name) : NULL; /* without memory it is not found again, and merely waits */
    child->is_disowned = true;
    child_abandon(child);
}

struct child *children_adopt(struct children *children, const char *name, void *arg) {
    struct child *child = children->head;
    while (child && !(child->is_disowned && child->name && strcmp(child->name, name) == 0))
        child = child->next;
    if (child) {
        child->is_disowned = false;
        child->arg = arg;
    }
    return child;
}

bool child_is_leaving(const struct child *child) {
    return child->is_done && timer_is_armed(&child->kill);
}

pid_t child_pid(const struct child *child) {
    return child->pid;
}

void child_signal_name(int number, char *text, size_t size) {
    static const struct {
        int number;
        const char *name;
    } NAMES[] = {{SIGABRT, "SIGABRT"}, {SIGALRM, "SIGALRM"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"},
        {SIGHUP, "SIGHUP"}, {SIGILL, "SIGILL"}, {SIGINT, "SIGINT"}, {SIGKILL, "SIGKILL"},
        {SIGPIPE, "SIGPIPE"}, {SIGQUIT, "SIGQUIT"}, {SIGSEGV, "SIGSEGV"}, {SIGSYS, "SIGSYS"},
        {SIGTERM, "SIGTERM"}, {SIGTRAP, "SIGTRAP"}, {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"}};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (NAMES[i].number == number) {
            snprintf(text, size, "%s", NAMES[i].name);
            return;
        }
    snprintf(text, size, "signal %d", number);
}

struct child *child_start(struct children *children, void (*work)(void *arg, int fd), void *work_arg,
    const struct child_callbacks *callbacks, void *callback_arg, int64_t deadline_ms, struct error *err) {
    int ends[2];
    if ((callbacks->takes_descriptor ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends)) < 0) {
        error_set(err, "pipe: %s", strerror(errno));
        return NULL;
    }
    struct child *child = calloc(1, sizeof *child);
    if (!child || io_set_nonblocking(ends[0]) < 0 || io_set_cloexec(ends[0]) < 0 ||
        io_set_cloexec(ends[1]) < 0) {
        error_set(err, "child: %s", strerror(errno));
        goto failed;
    }
    child->owner = children;
    child->fd = ends[0];
    child->left = -1;
    child->callbacks = *callbacks;
    child->arg = callback_arg;
    timer_init(&child->kill, on_kill, child);
    if (child_listen(child) < 0) {
        error_set(err, "child: the event loop took no event");
        goto failed;
    }
    child->pid = child_fork(ends[1], deadline_ms, work, work_arg, err);
    if (child->pid < 0)
        goto failed;
    close(ends[1]);
    child_link(child);
    return child;

failed:
    if (child && child->readable)
        event_free(child->readable);
    if (child)
        timer_disarm(&child->hear);
    free(child);
    close(ends[0]);
    close(ends[1]);
    return NULL;
}
