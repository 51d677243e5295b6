/* A worker: waits, runs its check when it is asked to, answers, and watches meanwhile what its kind keeps. */
#include "run/worker.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/process.h"
#include "config/pack.h"
#include "run/child.h"
#include "run/child_work.h"
#include "run/phase_board.h"
#include "run/records.h"
#include "run/worker_hello.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LAST_RESORT_S = 5,
    PROCESSOR_SPARE_S = 2,
#ifdef __SANITIZE_ADDRESS__
    GROWTH_MAX_BYTES = 1024 * 1024 * 1024, /* the sanitizer holds back what is freed */
#else
    GROWTH_MAX_BYTES = 8 * 1024 * 1024, /* since its first run, until it is replaced */
#endif
};

struct worker {
    int fd;
    struct phase_page *page; /* NULL: phases are reported */
    struct worker_order order;
    void *kept; /* the kind's, from run to run */
    struct process_meter meter;
    int64_t ends_ms;
    int64_t size_bytes; /* after its first run; 0: there was none yet */
    int64_t cpu_us;     /* used so far, as of the last run's end */
    int64_t limit_s;    /* of processor time, that is in force */
    bool is_ending;
    struct error err; /* why it cannot work; "" where it can */
};

static void tell_phase(struct phase_report *report, enum phase phase) {
    if (report->page)
        phase_page_note(report->page, phase);
    else
        child_report_phase(report->fd, phase);
}

/* -- a run -- */

/* What the run may use, and no more; between runs the alarm is off. */
static void limit(struct worker *worker, int64_t remaining_ms) {
    int64_t seconds = (remaining_ms + 999) / 1000;
    int64_t limit_s = worker->cpu_us / 1000000 + 1 + seconds + PROCESSOR_SPARE_S;
    if (limit_s != worker->limit_s)
        process_limit_processor_softly((unsigned long)limit_s);
    worker->limit_s = limit_s;
    alarm((unsigned)seconds + LAST_RESORT_S);
}

static bool has_grown(struct worker *worker) {
    int64_t size_bytes = process_resident_bytes(&worker->meter);
    if (worker->size_bytes == 0)
        worker->size_bytes = size_bytes;
    return size_bytes > worker->size_bytes + GROWTH_MAX_BYTES;
}

/* An outcome of our own making, or one that is none, is the last of a worker: nothing doubtful goes on. */
static bool is_last(struct worker *worker, const struct worker_request *request, const struct run *run) {
    return request->is_last || run->is_spent || run->is_undone || run->outcome.reason == REASON_INTERNAL ||
           (unsigned)run->outcome.reason >= REASON_COUNT || clock_now_ms(clock_system()) >= worker->ends_ms ||
           has_grown(worker);
}

static void hang_up(const struct worker *worker) {
    if (worker->order.kind->hang_up)
        worker->order.kind->hang_up(worker->kept);
}

static void do_run(struct worker *worker, const struct worker_request *request) {
    struct run run = {.id = request->run_id,
        .config = &worker->order.config,
        .kept = worker->kept,
        .is_first = worker->size_bytes == 0,
        .is_last = request->is_last || worker->order.life_ms == 0,
        .wants_fresh = request->wants_fresh != 0,
        .phases = {.tell = tell_phase, .fd = worker->fd, .page = worker->page},
        .deadline_ms = clock_now_ms(clock_system()) + request->remaining_ms};
    limit(worker, request->remaining_ms);
    if (worker->err.text[0]) {
        run.outcome.reason = REASON_INTERNAL;
        outcome_set_detail(&run.outcome, run.config, worker->err.text);
    } else {
        worker->order.kind->work(&run);
    }
    alarm(0);
    worker->is_ending = is_last(worker, request, &run);
    if (worker->is_ending)
        hang_up(worker);
    struct worker_answer answer;
    memset(&answer, 0, sizeof answer); /* the gaps as well: they cross to another process */
    answer.run_id = run.id;
    answer.cpu_us = worker->cpu_us = process_cpu_us();
    answer.is_last = worker->is_ending;
    answer.is_undone = run.is_undone;
    answer.outcome = run.outcome;
    child_report_result(worker->fd, &answer, sizeof answer);
    /* A library's start, a login: the next runs need little of that. */
    if (run.is_first && !worker->is_ending)
        process_forget_start();
}

/* -- between runs -- */

/* Returns false where the checker is done with this worker, or gone. */
static bool take_request(struct worker *worker) {
    struct worker_request request;
    if (io_read_all(worker->fd, &request, sizeof request) < 0)
        return false;
    do_run(worker, &request);
    return !worker->is_ending;
}

static void look_at_kept(struct worker *worker) {
    if (worker->order.kind->is_gone(worker->kept)) {
        run_log_loss(&worker->order.config);
        hang_up(worker);
        child_report_gone(worker->fd);
    }
}

static void serve(struct worker *worker) {
    const struct check_kind *kind = worker->order.kind;
    for (;;) {
        struct pollfd ready[2] = {{.fd = worker->fd, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
        if (kind->watched)
            ready[1].fd = kind->watched(worker->kept);
        if (poll(ready, 2, -1) < 0)
            continue; /* interrupted */
        if (ready[0].revents && !take_request(worker))
            return;
        if (!ready[0].revents && ready[1].revents)
            look_at_kept(worker);
    }
}

static bool open_worker(struct worker *worker) {
    struct library *library = worker->order.kind->library;
    size_t size = worker->order.kind->kept_size;
    process_meter_open(&worker->meter, 0);
    worker->ends_ms = clock_now_ms(clock_system()) + worker->order.life_ms;
    worker->kept = calloc(1, size > 0 ? size : 1);
    if (library && library_load(library, &worker->err) == 0)
        worker->err.text[0] = '\0';
    return worker->kept != NULL;
}

/* With the secrets of its configuration. What a library was stopped in the middle of stays as it is. */
static void close_worker(struct worker *worker) {
    if (!worker->is_ending)
        hang_up(worker);
    free(worker->kept);
    check_config_release(&worker->order.config);
}

void worker_serve(int fd, struct phase_page *page) {
    struct worker worker = {.fd = fd, .page = page};
    _Static_assert(sizeof(struct worker_answer) <= CHILD_RESULT_MAX, "an answer is one report");
    if (worker_order_read(fd, &worker.order) < 0)
        return;
    if (!open_worker(&worker)) {
        check_config_release(&worker.order.config);
        return;
    }
    srandom((unsigned)getpid() ^ (unsigned)clock_wall_ms(clock_system()));
    serve(&worker);
    close_worker(&worker);
}

void worker_enter(int fd, struct phase_page *page, int parent_pid) {
    child_enter(fd, parent_pid, 0);
    process_set_name("bh-worker");
    process_yield();
    process_reuse_memory();
    worker_serve(fd, page);
}
