/* One-shot children: forks them, reads their reports, kills those that are given up. */
#include "run/child.h"

#include "base/io.h"
#include "base/pass.h"
#include "base/process.h"
#include "base/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What a child may take: far more than any driver needs for our questions; a server that answers without end,
 * or a file that is none, then fails one run instead of filling the pod's memory. */
enum { MEMORY_MAX = 96 * 1024 * 1024 };

enum {
    HEAR_AFTER_MS = 100,  /* from the fork, where its end wakes us anyway */
    KILL_GRACE_MS = 500,  /* from SIGTERM to SIGKILL */
    DEATH_GRACE_MS = 400, /* from SIGKILL until the child counts as caught in the kernel */
    LAST_RESORT_S = 5,
    PROCESSOR_SPARE_S = 2,
    RELEASE_PATIENCE_MS = 200, /* for all together */
};

/* What goes over the pipe (a pair of sockets, where descriptors may come): a header, then size bytes. */
enum record_type { RECORD_PHASE = 0x50484153, RECORD_RESULT = 0x52455355, RECORD_DESCRIPTOR = 0x44455343 };

struct record {
    uint32_t type;
    uint32_t size;
};

/* The largest record: smaller ones before it are taken out as they come. */
enum { BUFFER_SIZE = CHILD_RESULT_MAX + sizeof(struct record) };

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
    bool is_garbled;
    const char *result; /* in the buffer */
    size_t result_size;
    size_t length; /* of what stands in the buffer */
    char buffer[BUFFER_SIZE];
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

static void take_phase(struct child *child, const char *payload) {
    uint32_t phase;
    memcpy(&phase, payload, sizeof phase);
    if (phase >= PHASE_COUNT)
        child->is_garbled = true;
    else if (child->callbacks.phase)
        child->callbacks.phase(child->arg, (enum phase)phase);
}

/* Takes one whole record from the buffer's position. Returns its length; 0: it is not whole yet, or garbled.
 */
static size_t take_record(struct child *child, size_t at) {
    struct record record;
    if (child->length - at < sizeof record)
        return 0;
    memcpy(&record, child->buffer + at, sizeof record);
    bool is_phase = record.type == RECORD_PHASE && record.size == sizeof(uint32_t);
    bool is_result = record.type == RECORD_RESULT && record.size <= CHILD_RESULT_MAX;
    bool is_descriptor = record.type == RECORD_DESCRIPTOR && record.size == 0; /* it came with these bytes */
    if (!is_phase && !is_result && !is_descriptor) {
        child->is_garbled = true;
        return 0;
    }
    if (child->length - at - sizeof record < record.size)
        return 0;
    const char *payload = child->buffer + at + sizeof record;
    if (is_phase) {
        take_phase(child, payload);
    } else if (is_result) {
        child->result = payload;
        child->result_size = record.size;
    }
    return sizeof record + record.size;
}

static void take_records(struct child *child) {
    size_t at = 0;
    for (size_t taken; !child->result && !child->is_garbled && (taken = take_record(child, at)) > 0;)
        at += taken;
    if (child->result || child->is_garbled)
        return; /* the last record: nothing after it counts, and the result stays where it is */
    memmove(child->buffer, child->buffer + at, child->length - at);
    child->length -= at;
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

/* Reads what is there. A record cut short by the end of file is garbled. */
static void child_read(struct child *child) {
    while (child->fd >= 0 && !child->result && !child->is_garbled) {
        ssize_t got = receive(child, child->buffer + child->length, sizeof child->buffer - child->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            child->is_garbled = child->length > 0;
            child_stop_reading(child);
            return; /* how it ended shows when it is reaped */
        }
        child->length += (size_t)got;
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
        .is_garbled = child->is_garbled, .signal = number, .status = status, .fd = child->left};
    child->left = -1;
    if (child->result) {
        memcpy(copy, child->result, child->result_size);
        end.result = copy;
        end.result_size = child->result_size;
    }
    child->callbacks.done(child->arg, &end);
}

/* Last call of its callers: the child may be gone when it returns. */
static void child_read_and_tell(struct child *child) {
    child_read(child);
    if (child->is_garbled)
        child_signal(child, SIGKILL);
    if (child->result || child->is_garbled)
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

/* -- in the child -- */

static void reset_signals(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &action, NULL); /* SIGKILL, SIGSTOP and the C library's own refuse, rightly */
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL); /* SQLite takes it for a full disk */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The start of the process has the same steps as the checker's and the responder's: its signals, its secrets,
 * what it keeps, and in the end what it gives up: more memory and processor time than the run can use.
 * Whoever is kept busy after its time (a login that lingers) ends by the latter. */
static _Noreturn void run_child(
    pid_t parent, int fd, int64_t deadline_ms, void (*work)(void *arg, int fd), void *arg) {
    alarm((unsigned)((deadline_ms + 999) / 1000) + LAST_RESORT_S);
    reset_signals();
    sandbox_watch_violations();
    bool has_parent = process_die_with_parent(parent);
    process_forbid_core();
    process_close_from(STDERR_FILENO + 1, &fd, 1);
    process_limit_memory(MEMORY_MAX);
    process_limit_processor((unsigned long)(deadline_ms + 999) / 1000 + PROCESSOR_SPARE_S);
    if (has_parent)
        work(arg, fd);
    _exit(EXIT_SUCCESS);
}

static pid_t fork_child(
    int fd, int64_t deadline_ms, void (*work)(void *arg, int fd), void *work_arg, struct error *err) {
    /* All signals wait until the child has its own dispositions: libevent's handlers would write into the
     * socket pair it shares with the parent's, and the parent would see signals that were not for it. */
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        run_child(parent, fd, deadline_ms, work, work_arg);
    int cause = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0)
        error_set(err, "fork: %s", strerror(cause));
    return pid;
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
    child->pid = fork_child(ends[1], deadline_ms, work, work_arg, err);
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

static void report(int fd, enum record_type type, const void *payload, size_t size) {
    char bytes[sizeof(struct record) + CHILD_RESULT_MAX];
    assert(size <= CHILD_RESULT_MAX);
    struct record record = {.type = type, .size = (uint32_t)size};
    memcpy(bytes, &record, sizeof record);
    memcpy(bytes + sizeof record, payload, size);
    io_write_all(fd, bytes, sizeof record + size); /* where the reader is gone there is nobody to tell */
}

void child_report_phase(int fd, enum phase phase) {
    uint32_t value = (uint32_t)phase;
    report(fd, RECORD_PHASE, &value, sizeof value);
}

void child_report_result(int fd, const void *result, size_t size) {
    report(fd, RECORD_RESULT, result, size);
}

void child_report_descriptor(int fd, int left) {
    struct record record = {.type = RECORD_DESCRIPTOR};
    struct iovec part = {&record, sizeof record};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    union pass_control control;
    pass_attach(&message, &control, left);
    ssize_t sent;
    do
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    /* The descriptor goes with the first byte. Where nothing went, the result says as much without it. */
    if (sent > 0 && (size_t)sent < sizeof record)
        io_write_all(fd, (const char *)&record + sent, sizeof record - (size_t)sent);
}
