/* A child, as its owner's process sees it: for the sources that start it and that follow it to its end. */
#ifndef BH_RUN_CHILD_PARTS_H
#define BH_RUN_CHILD_PARTS_H

#include "base/str.h"
#include "run/child.h"
#include "run/records.h"

struct child {
    struct children *owner;
    struct child *next;
    struct child **link;
    uint64_t id; /* the nursery's for it; 0: it is a child of this process */
    pid_t pid;
    int page; /* of the nursery's board, on which it notes its phases; PHASE_BOARD_NONE: it reports them */
    int fd;   /* -1: closed, nothing more is expected */
    struct event *readable, *writable;
    struct strbuf unsent;
    struct timer hear; /* armed while nobody listens yet */
    struct timer kill;
    struct child_callbacks callbacks;
    void *arg;
    bool is_worker;
    bool stays; /* and counts among those that do */
    bool is_reaped;
    bool is_done;     /* `done` was called, or will not be */
    bool is_away;     /* given up, or sent away, or leaving: it is asked nothing more */
    bool is_killed;   /* SIGKILL was sent */
    bool is_disowned; /* `reaped` is not wanted either */
    bool is_heard;    /* since it was asked last */
    int64_t asked_ms; /* when that was */
    bool is_unheard;  /* it has ended, or closed its end, before it read what it was asked */
    bool is_stirred;  /* what it kept is gone, which is not told yet */
    char *name;       /* for who adopts it, when disowned; or NULL */
    int64_t told_cpu_us;
    bool has_result;
    struct record result; /* in the records' buffer */
    struct records records;
};

void child_link(struct child *child);
void child_free_event(struct event **event);
void child_blank_unsent(struct child *child);

/* Reads what is there and makes the calls that follow from it: the child may be gone when it returns. */
void child_read_and_tell(struct child *child);

/* The timer `kill`. */
void child_on_kill(void *arg);

#endif
