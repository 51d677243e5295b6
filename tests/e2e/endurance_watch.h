/* What the endurance test watches besides the verdicts: probes as the kubelet sends them, from a process of
 * its own; memory, descriptors, children and command lines of the daemon; its log. */
#ifndef BH_TESTS_ENDURANCE_WATCH_H
#define BH_TESTS_ENDURANCE_WATCH_H

#include "e2e/endurance.h"
#include "harness/probes.h"

#include <stdatomic.h>
#include <stdio.h>

enum { PROBES_MAX = 1 << 20, PROBE_PATHS = 3, FAILURES_MAX = 16, WATCHED_CHILDREN_MAX = 64 };

/* In memory shared with the probing process. */
struct probe_board {
    atomic_bool is_over;
    atomic_llong ends[PROBE_END_COUNT], statuses[3]; /* 200, 503, others */
    atomic_llong leaks;
    int64_t behind_max_us, last_behind_us, last_behind_at_ms;
    int failures;
    char failure_texts[FAILURES_MAX][128];
    size_t count;
    uint32_t took_us[PROBES_MAX];
};

struct prober {
    pid_t pid;
    struct probe_board *board;
};

void prober_start(struct prober *prober, int port);
void prober_stop(struct prober *prober); /* waits for the last probe */

/* A child of the checker, first seen then. */
struct watched_child {
    pid_t pid;
    int64_t since_ms, zombie_since_ms;
};

struct figures {
    int64_t checker_kib, responder_kib;
    int checker_descriptors, responder_descriptors; /* -1: only root may count them */
    int children;
};

struct watch_log {
    FILE *file;
    int64_t lines, most_a_second;
    char tail[256]; /* the end of what was read before: a secret may be cut in two */
    size_t tail_length;
};

struct resource_watch {
    const struct scene *scene;
    struct model *model;
    struct figures begin, end, peak_early, peak_late; /* peaks: of the second and of the last quarter */
    struct watched_child children[WATCHED_CHILDREN_MAX];
    struct watch_log log;
    int most_children, most_checker_descriptors, most_responder_descriptors;
    int64_t paused_until_ms; /* the checker was stopped, or the machine starved: ages mean nothing */
};

void resource_watch_init(struct resource_watch *watch, const struct scene *scene, struct model *model);

/* One look at the children, at each turn: their number, and that none is older than its deadline. */
void resource_watch_children(struct resource_watch *watch);

/* One look at all else, once a second. part: how much of the time has passed, in hundredths. */
void resource_watch_look(struct resource_watch *watch, int part);

/* Reads the figures now. */
struct figures figures_read(const struct daemon *daemon);

/* Reads what is left of the log. */
void resource_watch_finish(struct resource_watch *watch);

#endif
