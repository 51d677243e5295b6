/* The probing process, and the looks at the daemon's processes and log. */
#include "e2e/endurance_watch.h"

#include "base/process.h"
#include "harness/fork.h"
#include "harness/proc.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- probes -- */

static const char *const PATHS[PROBE_PATHS] = {"/health/live/", "/health/ready/", "/health/self/"};

enum { PROBE_INTERVAL_US = 33333, PROBE_TIMEOUT_MS = 1000 /* the kubelet's default */, STARVED_US = 250000 };

static void note_failure(struct probe_board *board, const struct probe_answer *answer) {
    if (board->failures < FAILURES_MAX)
        snprintf(board->failure_texts[board->failures++], sizeof board->failure_texts[0],
            "%s: %s after %d ms, begun %d ms late, last late by %d ms %d ms ago", PATHS[answer->path],
            probe_end_name(answer->end), (int)(answer->took_us / 1000), (int)(answer->late_us / 1000),
            (int)(board->last_behind_us / 1000), (int)(wait_now_ms() - board->last_behind_at_ms));
}

static void note_probe(void *arg, const struct probe_answer *answer) {
    struct probe_board *board = arg;
    board->ends[answer->end]++;
    if (answer->end == PROBE_ANSWERED)
        board->statuses[answer->status == 200 ? 0 : answer->status == 503 ? 1 : 2]++;
    if (answer->end == PROBE_ANSWERED && board->count < PROBES_MAX)
        board->took_us[board->count++] = (uint32_t)answer->took_us;
    if (answer->late_us > board->behind_max_us)
        board->behind_max_us = answer->late_us;
    if (answer->late_us > STARVED_US) {
        board->last_behind_us = answer->late_us;
        board->last_behind_at_ms = wait_now_ms();
    }
    if (answer->end != PROBE_ANSWERED)
        note_failure(board, answer);
    for (size_t i = 0; SCENE_SECRETS[i]; i++)
        if (memmem(answer->bytes, answer->length, SCENE_SECRETS[i], strlen(SCENE_SECRETS[i])))
            board->leaks++;
}

void prober_start(struct prober *prober, int port) {
    pid_t parent = getpid();
    prober->board =
        mmap(NULL, sizeof *prober->board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(prober->board, MAP_FAILED);
    prober->pid = test_fork();
    if (prober->pid > 0)
        return;
    const struct probe_plan plan = {.address = "127.0.0.1",
        .port = port,
        .paths = PATHS,
        .path_count = PROBE_PATHS,
        .interval_us = PROBE_INTERVAL_US,
        .timeout_ms = world_is_sanitized() ? 3 * PROBE_TIMEOUT_MS : PROBE_TIMEOUT_MS,
        .is_over = &prober->board->is_over,
        .done = note_probe,
        .arg = prober->board};
    if (process_die_with_parent(parent) && probes_run(&plan))
        _exit(0);
    _exit(1);
}

void prober_stop(struct prober *prober) {
    int status = 0;
    atomic_store(&prober->board->is_over, true);
    ck_assert_int_eq(waitpid(prober->pid, &status, 0), prober->pid);
    ck_assert_int_eq(status, 0);
}

/* -- processes -- */

struct figures figures_read(const struct daemon *daemon) {
    pid_t children[WATCHED_CHILDREN_MAX];
    return (struct figures){.checker_kib = proc_resident_kib(daemon->checker),
        .responder_kib = proc_resident_kib(daemon->responder),
        .checker_descriptors = proc_descriptor_count(daemon->checker),
        .responder_descriptors = proc_descriptor_count(daemon->responder),
        .children = proc_family(daemon->checker, children, WATCHED_CHILDREN_MAX)};
}

static struct watched_child *find_child(struct resource_watch *watch, pid_t pid) {
    for (int i = 0; i < WATCHED_CHILDREN_MAX; i++)
        if (watch->children[i].pid == pid)
            return &watch->children[i];
    return NULL;
}

static void judge_child(struct resource_watch *watch, struct watched_child *child, int64_t now_ms) {
    /* Deadline, SIGTERM, SIGKILL; and a second between two looks. */
    enum { AGE_MAX_MS = TIMEOUT_MS + 2500, ZOMBIE_MAX_MS = 1500 };
    char state = proc_state(child->pid);
    if (state != 'Z')
        child->zombie_since_ms = now_ms;
    if (state == 'D' || state == 'S')
        /* The kernel holds it, killed or not; or it is a worker that waits, for a request or for a server.
         * One that waits too long shows on the page, which the model judges: as a timeout, then as stuck; and
         * beside one that its check gave up a second one would, in their number. */
        child->since_ms = now_ms;
    if (now_ms < watch->paused_until_ms)
        return;
    if (now_ms - child->zombie_since_ms > ZOMBIE_MAX_MS)
        model_violation(watch->model, "child %d has been a zombie for %d ms", (int)child->pid,
            (int)(now_ms - child->zombie_since_ms));
    else if (state != '\0' && now_ms - child->since_ms > AGE_MAX_MS)
        model_violation(watch->model, "child %d is %d ms old, in state %c", (int)child->pid,
            (int)(now_ms - child->since_ms), state);
}

/* Children that were seen before and are there still keep their place; the others give it up. */
void resource_watch_children(struct resource_watch *watch) {
    /* One a check (the ninth comes with a reload), one for the maintenance file, one that reads the
     * configuration, the responder; and one that is caught. */
    enum { CHILDREN_MAX = 9 + 3 + 1 };
    const struct daemon *daemon = &watch->scene->world->daemon;
    pid_t pids[WATCHED_CHILDREN_MAX];
    struct watched_child seen[WATCHED_CHILDREN_MAX] = {{0}};
    int count = proc_family(daemon->checker, pids, WATCHED_CHILDREN_MAX), kept = 0, caught = 0;
    int64_t now_ms = wait_now_ms();
    if (watch->scene->is_checker_stopped)
        watch->paused_until_ms = now_ms + TIMEOUT_MS + 3500; /* what waited for it has its time anew */
    if (watch->model->starved_until_ms > watch->paused_until_ms)
        watch->paused_until_ms = watch->model->starved_until_ms;
    for (int i = 0; i < count; i++) {
        const struct watched_child *known = find_child(watch, pids[i]);
        if (pids[i] == daemon->responder)
            continue;
        seen[kept] = known ? *known : (struct watched_child){pids[i], now_ms, now_ms};
        caught += proc_state(pids[i]) == 'D';
        judge_child(watch, &seen[kept++], now_ms);
    }
    memcpy(watch->children, seen, sizeof seen);
    watch->most_children = count > watch->most_children ? count : watch->most_children;
    if (count > CHILDREN_MAX && now_ms >= watch->paused_until_ms)
        model_violation(watch->model, "%d children, of which %d are caught", count, caught);
}

static void watch_secrets(struct resource_watch *watch) {
    const struct daemon *daemon = &watch->scene->world->daemon;
    for (int i = 0; i < WATCHED_CHILDREN_MAX; i++)
        for (size_t j = 0; watch->children[i].pid > 0 && SCENE_SECRETS[j]; j++)
            if (proc_file_holds(watch->children[i].pid, "cmdline", SCENE_SECRETS[j]) > 0)
                model_violation(watch->model, "a secret stands in the command line of a child");
    for (size_t i = 0; SCENE_SECRETS[i]; i++)
        if (proc_file_holds(daemon->responder, "environ", SCENE_SECRETS[i]) > 0 ||
            proc_file_holds(daemon->responder, "cmdline", SCENE_SECRETS[i]) > 0 ||
            proc_file_holds(daemon->checker, "cmdline", SCENE_SECRETS[i]) > 0)
            model_violation(watch->model, "a secret stands in an environment or command line");
}

static void raise_peak(struct figures *peak, const struct figures *now) {
    if (now->checker_kib > peak->checker_kib)
        peak->checker_kib = now->checker_kib;
    if (now->responder_kib > peak->responder_kib)
        peak->responder_kib = now->responder_kib;
}

/* -- the log -- */

static void read_log(struct resource_watch *watch) {
    enum { PIECE = 65536, TAIL = sizeof watch->log.tail };
    static char bytes[TAIL + PIECE];
    struct watch_log *log = &watch->log;
    int64_t lines_before = log->lines;
    memcpy(bytes, log->tail, log->tail_length);
    clearerr(log->file);
    for (size_t got; (got = fread(bytes + log->tail_length, 1, PIECE, log->file)) > 0;) {
        size_t length = log->tail_length + got;
        for (size_t i = log->tail_length; i < length; i++)
            log->lines += bytes[i] == '\n';
        for (size_t i = 0; SCENE_SECRETS[i]; i++)
            if (memmem(bytes, length, SCENE_SECRETS[i], strlen(SCENE_SECRETS[i])))
                model_violation(watch->model, "a secret stands in the log");
        log->tail_length = length < TAIL ? length : TAIL;
        memmove(log->tail, bytes + length - log->tail_length, log->tail_length);
        memcpy(bytes, log->tail, log->tail_length);
    }
    if (log->lines - lines_before > log->most_a_second)
        log->most_a_second = log->lines - lines_before;
}

/* -- the looks -- */

void resource_watch_init(struct resource_watch *watch, const struct scene *scene, struct model *model) {
    *watch = (struct resource_watch){.scene = scene, .model = model};
    watch->log.file = fopen(scene->world->daemon.log_path, "re");
    ck_assert_ptr_nonnull(watch->log.file);
}

void resource_watch_look(struct resource_watch *watch, int part) {
    struct figures now = figures_read(&watch->scene->world->daemon);
    watch_secrets(watch);
    read_log(watch);
    if (now.checker_descriptors > watch->most_checker_descriptors)
        watch->most_checker_descriptors = now.checker_descriptors;
    if (now.responder_descriptors > watch->most_responder_descriptors)
        watch->most_responder_descriptors = now.responder_descriptors;
    if (part >= 25 && part < 50)
        raise_peak(&watch->peak_early, &now);
    if (part >= 75)
        raise_peak(&watch->peak_late, &now);
}

void resource_watch_finish(struct resource_watch *watch) {
    int64_t most = watch->log.most_a_second;
    read_log(watch);
    watch->log.most_a_second = most; /* that was more than a second */
    fclose(watch->log.file);
}
