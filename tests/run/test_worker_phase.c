/* Tests of the page on which a worker notes its phase, and of whose fault the end of a worker is.
 *
 *  the worker                                    the run ends with
 *  hangs, or is killed, in a phase               timeout, or crashed, in that phase
 *  has noted none in this run                    no phase, whatever an earlier run noted
 *  notes what is no phase                        no phase
 *  has no page, for all are taken                the phase that it reports
 *  looks for the pages of others                 finds them unmapped
 *  goes before it has read what it is asked      what another worker finds
 *  and so does that one                          internal, once
 *  and that shows at the deadline alone          timeout; internal, where we were held up
 *  is caught in a run, over reloads              stuck, and there is no second worker
 *  goes in the run                               crashed, and no other worker is asked */
#include "run/worker.h"

#include "harness/proc.h"
#include "harness/rig.h"
#include "harness/wait.h"
#include "run/phase_board.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    TIMEOUT_MS = 15000,
    SHORT_MS = 300,
    PATIENCE_MS = 20000
}; /* a sanitizer takes its time over a crash */

struct bench {
    struct rig rig;
    struct nursery nursery;
    struct rig_check own;
};

static void bench_init(struct bench *bench, const struct check_kind *kind, int64_t timeout_ms) {
    struct error err;
    memset(bench, 0, sizeof *bench);
    ck_assert_msg(nursery_start(&bench->nursery, false, &err) == 0, "%s", err.text);
    rig_init(&bench->rig);
    ck_assert_int_eq(children_use_nursery(&bench->rig.children, &bench->nursery, NULL, NULL), 0);
    bench->own = (struct rig_check){.config = {.timeout_ms = timeout_ms}};
    ck_assert_int_eq(check_init(&bench->own.check, kind, &bench->rig.env, &bench->own.config, rig_finished,
                         &bench->own, &err),
        0);
}

static void bench_end(struct bench *bench) {
    check_release(&bench->own.check);
    rig_release(&bench->rig);
    nursery_stop(&bench->nursery);
}

static void expect(struct bench *bench, enum reason reason, enum phase phase) {
    rig_run(&bench->rig, &bench->own);
    ck_assert_msg(bench->own.outcome.reason == reason, "%s: %s", reason_info(bench->own.outcome.reason)->slug,
        bench->own.outcome.detail);
    ck_assert_int_eq(bench->own.outcome.phase, phase);
}

#define KIND(NAME, WORK)                                                                                     \
    static const struct check_kind NAME = {                                                                  \
        .start = check_run_in_child, .work = WORK, .cancel = check_cancel_child, .kept_size = sizeof(int)};

/* -- phases -- */

static void work_hangs(struct run *run) {
    phase_report_enter(&run->phases, PHASE_OPEN);
    phase_report_enter(&run->phases, PHASE_READ);
    for (;;)
        pause();
}

static void work_dies(struct run *run) {
    phase_report_enter(&run->phases, PHASE_CONNECT);
    phase_report_enter(&run->phases, PHASE_QUERY);
    raise(SIGKILL);
}

/* Well in its first run, in two phases; in the second it dies in none. */
static void work_dies_later(struct run *run) {
    if (!run->is_first)
        raise(SIGSEGV);
    phase_report_enter(&run->phases, PHASE_OPEN);
    phase_report_enter(&run->phases, PHASE_QUERY);
}

static void work_lies(struct run *run) {
    uint32_t nonsense = PHASE_COUNT;
    ck_assert_ptr_nonnull(run->phases.page);
    memcpy(run->phases.page, &nonsense, sizeof nonsense);
    raise(SIGKILL);
}

KIND(hanging, work_hangs)
KIND(dying, work_dies)
KIND(dying_later, work_dies_later)
KIND(lying, work_lies)

START_TEST(a_timeout_names_the_phase_on_the_page) {
    struct bench bench;
    bench_init(&bench, &hanging, SHORT_MS);
    for (int i = 0; i < 2; i++) {
        expect(&bench, REASON_TIMEOUT, PHASE_READ);
        ck_assert(rig_turn_until_childless(&bench.rig));
        ck_assert_uint_eq(bench.nursery.board.taken, 0); /* and the page is another's to take */
    }
    bench_end(&bench);
}
END_TEST

START_TEST(a_crash_names_the_phase_on_the_page) {
    struct bench bench;
    bench_init(&bench, &dying, TIMEOUT_MS);
    for (int i = 0; i < 2; i++)
        expect(&bench, REASON_CRASHED, PHASE_QUERY);
    bench_end(&bench);
}
END_TEST

START_TEST(the_phase_of_an_earlier_run_is_not_this_ones) {
    struct bench bench;
    bench_init(&bench, &dying_later, TIMEOUT_MS);
    expect(&bench, REASON_OK, PHASE_NONE);
    expect(&bench, REASON_CRASHED, PHASE_NONE);
    bench_end(&bench);
}
END_TEST

START_TEST(what_is_no_phase_is_none) {
    struct bench bench;
    bench_init(&bench, &lying, TIMEOUT_MS);
    expect(&bench, REASON_CRASHED, PHASE_NONE);
    bench_end(&bench);
}
END_TEST

START_TEST(while_all_pages_are_taken_phases_are_reported) {
    struct bench bench;
    bench_init(&bench, &hanging, SHORT_MS);
    bench.nursery.board.taken = UINT64_MAX;
    expect(&bench, REASON_TIMEOUT, PHASE_READ);
    ck_assert_uint_eq(bench.nursery.board.taken, UINT64_MAX);
    bench_end(&bench);
}
END_TEST

/* msync(2): ENOMEM where memory is not mapped. */
static void work_looks_around(struct run *run) {
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    char *own = (char *)run->phases.page;
    int64_t mapped = 0;
    for (int i = -3; i < PHASE_BOARD_PAGES - 3; i++)
        mapped += msync(own + i * (ptrdiff_t)size, size, MS_ASYNC) == 0;
    observed_set(&run->outcome.observed, OBSERVED_TASKS, mapped);
}

KIND(looking, work_looks_around)

START_TEST(a_worker_has_no_page_but_its_own) {
    struct bench bench;
    int64_t mapped = 0;
    bench_init(&bench, &looking, TIMEOUT_MS);
    bench.nursery.board.taken = 7; /* those of three others */
    expect(&bench, REASON_OK, PHASE_NONE);
    ck_assert(observed_get(&bench.own.outcome.observed, OBSERVED_TASKS, &mapped));
    ck_assert_int_eq(mapped, 1);
    bench_end(&bench);
}
END_TEST

/* -- whose fault an end is -- */

static void work_counts(struct run *run) {
    int *runs = run->kept;
    observed_set(&run->outcome.observed, OBSERVED_TASKS, ++*runs);
}

KIND(counting, work_counts)

static bool is_stopped(void *arg) {
    return proc_state(*(const pid_t *)arg) == 'T';
}

static bool is_forked(void *arg) {
    const struct bench *bench = arg;
    return child_pid(bench->own.check.child) > 0;
}

static bool has_run_twice(void *arg) {
    const struct bench *bench = arg;
    return bench->own.finished == 2;
}

START_TEST(what_a_dying_worker_did_not_read_is_asked_of_another) {
    struct bench bench;
    int64_t runs = 0;
    bench_init(&bench, &counting, TIMEOUT_MS);
    expect(&bench, REASON_OK, PHASE_NONE);
    pid_t worker = child_pid(bench.own.check.child);
    ck_assert_int_eq(kill(worker, SIGSTOP), 0);
    ck_assert(wait_until(is_stopped, &worker, PATIENCE_MS));
    ck_assert(check_start(&bench.own.check)); /* which it cannot read */
    ck_assert(child_is_asked(bench.own.check.child));
    ck_assert_int_eq(kill(worker, SIGKILL), 0);
    ck_assert(rig_turn_until(&bench.rig, has_run_twice, &bench, PATIENCE_MS));
    ck_assert_msg(bench.own.outcome.reason == REASON_OK, "%s", bench.own.outcome.detail);
    ck_assert(observed_get(&bench.own.outcome.observed, OBSERVED_TASKS, &runs) && runs == 1);
    ck_assert_uint_eq(bench.nursery.last_id, 2);
    bench_end(&bench);
}
END_TEST

static bool has_news(void *arg) {
    const struct bench *bench = arg;
    struct pollfd nursery = {.fd = bench->nursery.fd, .events = POLLIN};
    return poll(&nursery, 1, 0) == 1;
}

static int64_t read_held_up(void *arg) {
    return *(const int64_t *)arg;
}

/* The loop has not turned since the worker died: its end and the deadline are seen together. */
static void expect_at_deadline(int64_t late_ms, enum reason reason) {
    struct bench bench;
    int64_t now_ms = 1000;
    const struct clock fake = {read_held_up, read_held_up, &now_ms};
    bench_init(&bench, &counting, TIMEOUT_MS);
    expect(&bench, REASON_OK, PHASE_NONE);
    pid_t worker = child_pid(bench.own.check.child);
    bench.rig.timers.clock = &fake;
    ck_assert_int_eq(kill(worker, SIGSTOP), 0);
    ck_assert(wait_until(is_stopped, &worker, PATIENCE_MS));
    ck_assert(check_start(&bench.own.check));
    ck_assert_int_eq(kill(worker, SIGKILL), 0);
    ck_assert(wait_until(has_news, &bench, PATIENCE_MS));
    now_ms += TIMEOUT_MS + late_ms;
    timers_run(&bench.rig.timers);
    timers_run(&bench.rig.timers);
    ck_assert_int_eq(bench.own.finished, 2);
    ck_assert_msg(bench.own.outcome.reason == reason, "%s", bench.own.outcome.detail);
    bench_end(&bench);
}

START_TEST(an_unread_request_that_shows_at_the_deadline_alone_ends_the_run) {
    expect_at_deadline(0, REASON_TIMEOUT);
    expect_at_deadline(20000, REASON_INTERNAL);
}
END_TEST

/* It has no memory for what it is to keep, and leaves before it reads what it is asked. */
static const struct check_kind leaving = {.start = check_run_in_child,
    .work = work_counts,
    .cancel = check_cancel_child,
    .kept_size = SIZE_MAX / 2};

START_TEST(where_the_second_does_not_read_it_either_the_run_ends) {
    struct bench bench;
    bench_init(&bench, &leaving, TIMEOUT_MS);
    expect(&bench, REASON_INTERNAL, PHASE_NONE);
    ck_assert_str_eq(bench.own.outcome.detail, "the child ended without a report");
    ck_assert_uint_eq(bench.nursery.last_id, 2);
    expect(&bench, REASON_INTERNAL, PHASE_NONE); /* and the next run tries as often */
    ck_assert_uint_eq(bench.nursery.last_id, 4);
    bench_end(&bench);
}
END_TEST

START_TEST(a_worker_that_goes_in_the_run_has_crashed_and_no_other_is_asked) {
    struct bench bench;
    bench_init(&bench, &dying, TIMEOUT_MS);
    expect(&bench, REASON_CRASHED, PHASE_QUERY);
    ck_assert_str_eq(bench.own.outcome.code, "SIGKILL");
    ck_assert_uint_eq(bench.nursery.last_id, 1);
    bench_end(&bench);
}
END_TEST

/* -- a reload while it is in a run -- */

static int64_t read_hand(void *arg) {
    return *(const int64_t *)arg;
}

static bool is_childless(void *arg) {
    const struct bench *bench = arg;
    return bench->own.check.child == NULL;
}

/* As a reload replaces it: by another check of the same name. */
static void replace_check(struct bench *bench) {
    struct error err;
    const struct check_kind *kind = bench->own.check.kind;
    check_release(&bench->own.check);
    ck_assert_int_eq(check_init(&bench->own.check, kind, &bench->rig.env, &bench->own.config, rig_finished,
                         &bench->own, &err),
        0);
}

/* What cannot be killed cannot be made here; one that is stopped, while time stands still, is as good. */
START_TEST(a_worker_caught_in_a_run_is_adopted_over_reloads_and_there_is_no_second_one) {
    static char name[] = "default";
    struct bench bench;
    int64_t now_ms = 1000;
    const struct clock hand = {read_hand, read_hand, &now_ms};
    bench_init(&bench, &hanging, SHORT_MS);
    bench.own.config.name = name;
    bench.rig.timers.clock = &hand;
    ck_assert(check_start(&bench.own.check));
    ck_assert(rig_turn_until(&bench.rig, is_forked, &bench, PATIENCE_MS));
    pid_t worker = child_pid(bench.own.check.child);
    ck_assert_int_eq(kill(worker, SIGSTOP), 0);
    ck_assert(wait_until(is_stopped, &worker, PATIENCE_MS));
    for (int i = 1; i <= 3; i++) {
        replace_check(&bench); /* its outcome counts for nobody any more */
        ck_assert(check_start(&bench.own.check));
        ck_assert_int_eq(child_pid(bench.own.check.child), worker);
        now_ms += SHORT_MS;
        timers_run(&bench.rig.timers);
        ck_assert_int_eq(bench.own.finished, i);
        ck_assert_int_eq(bench.own.outcome.reason, REASON_STUCK);
        ck_assert_int_eq(bench.own.outcome.phase, PHASE_NONE);
        ck_assert_uint_eq(bench.nursery.last_id, 1);
        now_ms -= SHORT_MS; /* it is not sent SIGKILL */
    }
    ck_assert_int_eq(kill(worker, SIGCONT), 0); /* the SIGTERM that waits ends it */
    ck_assert(rig_turn_until(&bench.rig, is_childless, &bench, PATIENCE_MS));
    ck_assert(check_start(&bench.own.check));
    ck_assert_uint_eq(bench.nursery.last_id, 2);
    bench.rig.timers.clock = clock_system();
    check_cancel(&bench.own.check);
    bench_end(&bench);
}
END_TEST

Suite *worker_phase_suite(void) {
    Suite *suite = suite_create("worker_phase");
    TCase *tcase = tcase_create("worker_phase");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_timeout_names_the_phase_on_the_page);
    tcase_add_test(tcase, a_crash_names_the_phase_on_the_page);
    tcase_add_test(tcase, the_phase_of_an_earlier_run_is_not_this_ones);
    tcase_add_test(tcase, what_is_no_phase_is_none);
    tcase_add_test(tcase, while_all_pages_are_taken_phases_are_reported);
    tcase_add_test(tcase, a_worker_has_no_page_but_its_own);
    tcase_add_test(tcase, what_a_dying_worker_did_not_read_is_asked_of_another);
    tcase_add_test(tcase, an_unread_request_that_shows_at_the_deadline_alone_ends_the_run);
    tcase_add_test(tcase, where_the_second_does_not_read_it_either_the_run_ends);
    tcase_add_test(tcase, a_worker_that_goes_in_the_run_has_crashed_and_no_other_is_asked);
    tcase_add_test(tcase, a_worker_caught_in_a_run_is_adopted_over_reloads_and_there_is_no_second_one);
    return suite;
}
