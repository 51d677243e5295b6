/* The parent's side of children: starts them, reads their reports, kills those that are given up. */
#include "run/child.h"

#include "run/child_parts.h"
#include "run/phase_board.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    KILL_GRACE_MS = 500,       /* from SIGTERM to SIGKILL */
    DEATH_GRACE_MS = 400,      /* from SIGKILL until the child counts as caught in the kernel */
    RELEASE_PATIENCE_MS = 200, /* for all together */
};

void children_init(struct children *children, struct event_base *base, struct timers *timers) {
    *children = (struct children){.base = base, .timers = timers};
}

void child_link(struct child *child) {
    struct children *owner = child->owner;
    child->next = owner->head;
    child->link = &owner->head;
    if (child->next)
        child->next->link = &child->next;
    owner->head = child;
    owner->count++;
    owner->stayers += child->stays;
}

static void stop_staying(struct child *child) {
    child->owner->stayers -= child->stays;
    child->stays = false;
}

static void child_unlink(struct child *child) {
    *child->link = child->next;
    if (child->next)
        child->next->link = child->link;
    child->owner->count--;
    stop_staying(child);
}

void child_free_event(struct event **event) {
    if (*event)
        event_free(*event);
    *event = NULL;
}

void child_blank_unsent(struct child *child) {
    if (child->unsent.data)
        explicit_bzero(child->unsent.data, child->unsent.length);
    strbuf_release(&child->unsent);
}

static void child_hang_up(struct child *child) {
    timer_disarm(&child->hear);
    child_free_event(&child->readable);
    child_free_event(&child->writable);
    child_blank_unsent(child);
    if (child->fd >= 0)
        close(child->fd);
    child->fd = -1;
}

static void child_free(struct child *child) {
    child_hang_up(child);
    timer_disarm(&child->kill);
    if (child->page != PHASE_BOARD_NONE)
        phase_board_give_back(&child->owner->nursery->board, child->page);
    if (child->callbacks.release)
        child->callbacks.release(child->arg);
    free(child->name);
    free(child);
}

static void child_signal(struct child *child, int number) {
    if (child->is_reaped)
        return; /* the pid may be another's by now */
    if (child->id != 0)
        nursery_signal(child->owner->nursery, child->id, number);
    else
        kill(child->pid, number);
}

/* Waits for a killed child, but not for one that is caught in the kernel. */
static void await_killed(pid_t pid, int *patience_ms) {
    const struct timespec step = {.tv_nsec = 1000 * 1000};
    for (; waitpid(pid, NULL, WNOHANG) == 0 && *patience_ms > 0; --*patience_ms)
        nanosleep(&step, NULL);
}

/* An idle worker takes its leave by itself: the nursery sees to it that it goes. */
static bool leaves_by_itself(const struct child *child) {
    return child->id != 0 && child->is_done;
}

void children_release(struct children *children) {
    int patience_ms = RELEASE_PATIENCE_MS;
    while (children->head) {
        struct child *child = children->head;
        /* child_unlink has made the head another one. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        if (!leaves_by_itself(child))
            child_signal(child, SIGKILL);
        if (child->id == 0)
            await_killed(child->pid, &patience_ms);
        child_unlink(child);
        child_free(child);
    }
    child_free_event(&children->news);
}

static void child_leave_within(struct child *child, int64_t grace_ms) {
    child->is_away = true;
    stop_staying(child);
    child_hang_up(child);
    if (!child->is_reaped)
        timer_arm(child->owner->timers, &child->kill, grace_ms);
}

/* It goes now, or is killed. */
static void child_leave(struct child *child) {
    child_leave_within(child, KILL_GRACE_MS);
}

/* -- reading -- */

static void take_record(struct child *child, const struct record *record) {
    child->is_heard = true;
    switch (record->type) {
    case RECORD_PHASE:
        if (child->callbacks.phase && !child->is_done)
            child->callbacks.phase(child->arg, record->phase);
        break;
    case RECORD_RESULT:
        child->has_result = !child->is_done;
        child->records.is_garbled = child->is_done; /* nobody has asked */
        child->result = *record;
        break;
    case RECORD_GONE: child->is_stirred = true; break;
    }
}

static void take_records(struct child *child) {
    struct record record;
    while (!child->has_result && records_next(&child->records, &record))
        take_record(child, &record);
}

/* Reads what is there, up to a result. How it ended shows when it is reaped. */
static void child_read(struct child *child) {
    take_records(child);
    while (child->fd >= 0 && !child->has_result && !child->records.is_garbled) {
        size_t room;
        char *end = records_room(&child->records, &room);
        ssize_t got = read(child->fd, end, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            /* Linux says so of a Unix socket whose other end went with bytes of ours unread (unix(7) does not
             * tell; unix_release_sock in net/unix/af_unix.c does). */
            child->is_unheard = child->is_unheard || (got < 0 && errno == ECONNRESET);
            records_end(&child->records);
            if (child->is_worker && child->is_done)
                child_leave(child); /* it has died between runs: the nursery's word is on its way */
            else
                child_hang_up(child);
            return;
        }
        records_add(&child->records, (size_t)got);
        take_records(child);
    }
}

/* Calls `done`, unless that has been; the child may be gone when it returns. */
static void child_done(struct child *child, const struct child_end *how) {
    if (child->is_done)
        return;
    child->is_done = true;
    char copy[CHILD_RESULT_MAX]; /* the callback may start things that reap and free the child */
    struct child_end end = *how;
    end.is_garbled = child->records.is_garbled;
    end.is_unheard = child->is_unheard && !child->has_result && !end.is_garbled && end.error == 0;
    if (child->has_result) {
        memcpy(copy, child->result.payload, child->result.size);
        end.result = copy;
        end.result_size = child->result.size;
    }
    if (!child->is_worker || !child->has_result)
        child_leave(child);
    child->has_result = false;
    child->callbacks.done(child->arg, &end);
}

/* Last call of its callers: the child may be gone when it returns. */
void child_read_and_tell(struct child *child) {
    child_read(child);
    if (child->records.is_garbled) {
        child_signal(child, SIGKILL);
        child_leave(child);
    }
    bool is_stirred = child->is_stirred && child_is_idle(child);
    child->is_stirred = false;
    if (child->has_result || child->records.is_garbled)
        child_done(child, &(struct child_end){.signal = 0});
    else if (is_stirred && child->callbacks.gone)
        child->callbacks.gone(child->arg);
}

/* -- the end -- */

static void child_end(struct child *child, const struct child_end *end) {
    child_unlink(child);
    child->is_reaped = true;
    timer_disarm(&child->kill);
    child_read(child);
    child_done(child, end);
    if (child->callbacks.reaped && !child->is_disowned)
        child->callbacks.reaped(child->arg);
    child_free(child);
}

static struct child_end end_of_status(int status) {
    if (WIFSIGNALED(status))
        return (struct child_end){.signal = WTERMSIG(status)};
    return (struct child_end){.status = WEXITSTATUS(status)};
}

bool children_reap(struct children *children, pid_t pid, int status) {
    struct child *child = children->head;
    while (child && (child->id != 0 || child->pid != pid))
        child = child->next;
    if (!child)
        return false;
    const struct child_end end = end_of_status(status);
    child_end(child, &end);
    return true;
}

static struct child *find_ward(const struct children *children, uint64_t id) {
    struct child *child = children->head;
    /* None that is in the list was freed. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    while (child && child->id != id)
        child = child->next;
    return child;
}

static void take_news(struct children *children, const struct nursery_news *news) {
    struct child *child = find_ward(children, news->id);
    struct child_end end = {.error = news->number};
    if (!child)
        return;
    if (news->type == NURSERY_FORKED) {
        child->pid = news->number;
        return;
    }
    if (news->type == NURSERY_ENDED) {
        end = end_of_status(news->number);
        child_note_cpu(child, news->cpu_us);
    }
    child_end(child, &end);
}

static void read_news(struct children *children) {
    struct nursery_news news;
    int got;
    while ((got = nursery_read(children->nursery, &news)) > 0)
        take_news(children, &news);
    if (got == 0 || !children->news)
        return;
    child_free_event(&children->news);
    if (children->lost)
        children->lost(children->lost_arg);
}

static void on_news(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    read_news(arg);
}

int children_use_nursery(
    struct children *children, struct nursery *nursery, void (*lost)(void *arg), void *arg) {
    children->nursery = nursery;
    children->lost = lost;
    children->lost_arg = arg;
    children->news = event_new(children->base, nursery->fd, EV_READ | EV_PERSIST, on_news, children);
    return children->news && event_add(children->news, NULL) == 0 ? 0 : -1;
}

void child_poll(struct child *child) {
    struct children *owner = child->owner;
    uint64_t id = child->id;
    int status;
    if (child->is_reaped)
        return; /* asked from within its own last callbacks */
    if (id != 0) {
        read_news(owner);
        child = find_ward(owner, id);
        if (child)
            child_read_and_tell(child);
    } else if (waitpid(child->pid, &status, WNOHANG) == child->pid) {
        children_reap(owner, child->pid, status);
    } else {
        child_read_and_tell(child);
    }
}

void child_on_kill(void *arg) {
    struct child *child = arg;
    if (child->is_killed)
        return;
    child->is_killed = true;
    child_signal(child, SIGKILL);
    timer_arm(child->owner->timers, &child->kill, DEATH_GRACE_MS);
}

void child_abandon(struct child *child) {
    child->is_done = true;
    child_signal(child, SIGTERM);
    child_leave(child);
}

void child_dismiss(struct child *child) {
    child_leave(child); /* it sees the end of its socket */
}

void child_disown(struct child *child, const char *name) {
    free(child->name);
    child->name = name ? strdup(name) : NULL; /* without memory it is not found again, and merely waits */
    child->is_disowned = true;
    if (child_is_idle(child))
        child_dismiss(child);
    else
        child_abandon(child);
}

void child_see_off(struct child *child, int64_t until_end_ms) {
    child->is_done = true;
    child->is_disowned = true;
    child_leave_within(child, until_end_ms);
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

bool child_is_idle(const struct child *child) {
    return child->is_worker && child->is_done && !child->is_away && child->fd >= 0 && !child->is_reaped;
}

bool child_is_asked(const struct child *child) {
    return child->is_worker && !child->is_done;
}

size_t children_busy(const struct children *children) {
    size_t busy = 0;
    for (const struct child *child = children->head; child; child = child->next)
        busy += !child_is_idle(child);
    return busy;
}

/* Whether it has said, or noted, that it is at work on what it was asked. */
static bool has_begun(const struct child *child) {
    enum phase phase;
    return child->is_heard || (child_phase(child, &phase) && phase != PHASE_NONE);
}

size_t children_unheard(const struct children *children) {
    int64_t now_ms = clock_now_ms(children->timers->clock);
    size_t unheard = 0;
    for (const struct child *child = children->head; child; child = child->next)
        unheard += !child->is_done && !has_begun(child) && child->asked_ms > now_ms - CHILDREN_UNHEARD_MS;
    return unheard;
}

bool child_phase(const struct child *child, enum phase *phase) {
    if (child->page == PHASE_BOARD_NONE)
        return false;
    *phase = phase_board_read(&child->owner->nursery->board, child->page);
    return true;
}

pid_t child_pid(const struct child *child) {
    return child->pid;
}

void child_note_cpu(struct child *child, int64_t cpu_us) {
    if (cpu_us <= child->told_cpu_us)
        return;
    child->owner->cpu_us += cpu_us - child->told_cpu_us;
    child->told_cpu_us = cpu_us;
}
