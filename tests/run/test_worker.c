/* Tests of workers: processes that stay, of a nursery, and what they know.
 *
 *  the worker                                    what happens
 *  answers                                       the same process is asked again
 *  is killed between runs                        the next run has another, and is well
 *  is stopped                                    timeout; the next run has another
 *  says that its run is our own fault            it ends; the next run has another
 *  asks for a fresh process                      that does the run
 *  is to use nothing that was kept               its work is told so, for that run alone
 *  the seventeenth                               has one run
 *  a check goes away                             its worker goes
 *  the nursery dies                              the checker is told, and its workers are gone
 *  the checker dies                              nursery and workers are gone
 *  ten thousand runs                             it has not grown */
#include "run/worker.h"

#include "harness/fork.h"
#include "harness/proc.h"
#include "harness/rig.h"
#include "harness/sqlite_files.h"
#include "harness/tempdir.h"
#include "harness/wait.h"
#include "kinds/kinds.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
enum { RUNS = 1000, IS_MEMORY_COUNTED = 0 };
#else
enum { RUNS = 10000, IS_MEMORY_COUNTED = 1 };
#endif

enum { TIMEOUT_MS = 3000, PATIENCE_MS = 5000, GROWTH_MAX_KIB = 256 };

struct bench {
    struct rig rig;
    struct nursery nursery;
    struct rig_check own;
    int lost;
};

static void on_lost(void *arg) {
    struct bench *bench = arg;
    bench->lost++;
}

static void bench_init(struct bench *bench) {
    struct error err;
    memset(bench, 0, sizeof *bench);
    ck_assert_msg(nursery_start(&bench->nursery, false, &err) == 0, "%s", err.text);
    rig_init(&bench->rig);
    ck_assert_int_eq(children_use_nursery(&bench->rig.children, &bench->nursery, on_lost, bench), 0);
}

static void add(
    struct bench *bench, struct rig_check *own, const struct check_kind *kind, int64_t timeout_ms) {
    struct error err;
    *own = (struct rig_check){.config = {.timeout_ms = timeout_ms}};
    ck_assert_int_eq(
        check_init(&own->check, kind, &bench->rig.env, &own->config, rig_finished, own, &err), 0);
}

static void bench_end(struct bench *bench) {
    rig_release(&bench->rig);
    nursery_stop(&bench->nursery);
}

static void run_well(struct bench *bench, struct rig_check *own, enum reason reason) {
    rig_run(&bench->rig, own);
    ck_assert_msg(
        own->outcome.reason == reason, "%s: %s", reason_info(own->outcome.reason)->slug, own->outcome.detail);
}

/* -- what they do -- */

/* Says which process it is. */
static void work_counts(struct run *run) {
    int *runs = run->kept;
    observed_set(&run->outcome.observed, OBSERVED_TASKS, ++*runs);
}

static void work_is_at_fault(struct run *run) {
    work_counts(run);
    run->outcome.reason = REASON_INTERNAL;
}

static void work_needs_another(struct run *run) {
    work_counts(run);
    run->is_undone = !run->is_first;
}

static void work_tells_wish(struct run *run) {
    observed_set(&run->outcome.observed, OBSERVED_TASKS, run->wants_fresh);
}

#define KIND(NAME, WORK)                                                                                     \
    static const struct check_kind NAME = {                                                                  \
        .start = check_run_in_child, .work = WORK, .cancel = check_cancel_child, .kept_size = sizeof(int)};

KIND(counting, work_counts)
KIND(faulty, work_is_at_fault)
KIND(choosy, work_needs_another)
KIND(telling, work_tells_wish)

/* How many runs that process has done. */
static int64_t runs_of(const struct rig_check *own) {
    int64_t runs = 0;
    ck_assert(observed_get(&own->outcome.observed, OBSERVED_TASKS, &runs));
    return runs;
}

START_TEST(it_is_asked_again) {
    struct bench bench;
    bench_init(&bench);
    add(&bench, &bench.own, &counting, TIMEOUT_MS);
    for (int i = 1; i <= 5; i++) {
        run_well(&bench, &bench.own, REASON_OK);
        ck_assert_int_eq(runs_of(&bench.own), i);
    }
    ck_assert_uint_eq(bench.rig.children.stayers, 1);
    check_release(&bench.own.check);
    bench_end(&bench);
}
END_TEST

static bool is_gone(void *arg) {
    return !proc_is_alive(*(const pid_t *)arg);
}

/* It has closed its copy of the worker's socket, by which that would seem open: what is left are the three
 * that every process has, and the link. Where only root may look, it sleeps again: it closes what it has
 * before it waits for the next word. */
static bool has_let_go_of_sockets(void *arg) {
    const struct bench *bench = arg;
    int count = proc_descriptor_count(bench->nursery.pid);
    return count < 0 ? proc_state(bench->nursery.pid) == 'S' : count <= STDERR_FILENO + 2;
}

START_TEST(one_killed_between_runs_is_replaced) {
    struct bench bench;
    bench_init(&bench);
    add(&bench, &bench.own, &counting, TIMEOUT_MS);
    for (int i = 0; i < 5; i++) {
        run_well(&bench, &bench.own, REASON_OK);
        ck_assert_int_eq(runs_of(&bench.own), 1);
        pid_t pid = child_pid(bench.own.check.child);
        ck_assert(wait_until(has_let_go_of_sockets, &bench, PATIENCE_MS));
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert(wait_until(is_gone, &pid, PATIENCE_MS));
    }
    check_release(&bench.own.check);
    bench_end(&bench);
}
END_TEST

static bool has_run_twice(void *arg) {
    const struct bench *bench = arg;
    return bench->own.finished == 2;
}

START_TEST(a_run_waits_for_the_word_that_a_worker_has_died) {
    struct bench bench;
    bench_init(&bench);
    add(&bench, &bench.own, &counting, TIMEOUT_MS);
    run_well(&bench, &bench.own, REASON_OK);
    pid_t pid = child_pid(bench.own.check.child);
    ck_assert(wait_until(has_let_go_of_sockets, &bench, PATIENCE_MS));
    ck_assert_int_eq(kill(bench.nursery.pid, SIGSTOP), 0);
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert(wait_until(is_gone, &pid, PATIENCE_MS));
    ck_assert(check_start(&bench.own.check));
    ck_assert_int_eq(bench.own.finished, 1);
    ck_assert_int_eq(kill(bench.nursery.pid, SIGCONT), 0);
    ck_assert(rig_turn_until(&bench.rig, has_run_twice, &bench, PATIENCE_MS));
    ck_assert_msg(bench.own.outcome.reason == REASON_OK, "%s", bench.own.outcome.detail);
    ck_assert_int_eq(runs_of(&bench.own), 1);
    check_release(&bench.own.check);
    bench_end(&bench);
}
END_TEST

START_TEST(a_stopped_one_is_a_timeout_and_replaced) {
    struct bench bench;
    bench_init(&bench);
    add(&bench, &bench.own, &counting, 300);
    run_well(&bench, &bench.own, REASON_OK);
    ck_assert_int_eq(kill(child_pid(bench.own.check.child), SIGSTOP), 0);
    run_well(&bench, &bench.own, REASON_TIMEOUT);
    ck_assert(rig_turn_until_childless(&bench.rig));
    bench.own.config.timeout_ms = TIMEOUT_MS;
    run_well(&bench, &bench.own, REASON_OK);
    ck_assert_int_eq(runs_of(&bench.own), 1);
    check_release(&bench.own.check);
    bench_end(&bench);
}
END_TEST

START_TEST(a_fault_of_our_own_ends_it) {
    struct bench bench;
    bench_init(&bench);
    add(&bench, &bench.own, &faulty, TIMEOUT_MS);
    for (int i = 0; i < 3; i++) {
        run_well(&bench, &bench.own, REASON_INTERNAL);
        ck_assert_int_eq(runs_of(&bench.own), 1);
    }
    check_release(&bench.own.check);
    bench_end(&bench);
}
END_TEST

START_TEST(one_that_has_given_up_too_much_leaves_the_run_to_another) {
    struct bench bench;
    bench_init(&bench);
    add(&bench, &bench.own, &choosy, TIMEOUT_MS);
    for (int i = 1; i <= 3; i++) {
        run_well(&bench, &bench.own, REASON_OK);
        ck_assert_int_eq(runs_of(&bench.own), 1);
        ck_assert_int_eq(bench.own.finished, i);
    }
    check_release(&bench.own.check);
    bench_end(&bench);
}
END_TEST

START_TEST(a_wish_for_nothing_that_was_kept_reaches_the_work_for_that_run_alone) {
    static const bool WISHES[] = {false, true, true, false, true};
    struct bench bench;
    bench_init(&bench);
    add(&bench, &bench.own, &telling, TIMEOUT_MS);
    for (size_t i = 0; i < sizeof WISHES / sizeof WISHES[0]; i++) {
        bench.own.check.wants_fresh = WISHES[i];
        run_well(&bench, &bench.own, REASON_OK);
        ck_assert_int_eq(runs_of(&bench.own), WISHES[i]);
    }
    check_release(&bench.own.check);
    bench_end(&bench);
}
END_TEST

/* And when one of those that stay goes, the next that begins takes its place. */
START_TEST(sixteen_stay_and_the_others_have_one_run) {
    enum { CHECKS = CHILDREN_STAY_MAX + 3 };
    struct bench bench;
    struct rig_check checks[CHECKS];
    bench_init(&bench);
    for (int i = 0; i < CHECKS; i++)
        add(&bench, &checks[i], &counting, TIMEOUT_MS);
    for (int round = 1; round <= 2; round++)
        for (int i = 0; i < CHECKS; i++) {
            run_well(&bench, &checks[i], REASON_OK);
            ck_assert_int_eq(runs_of(&checks[i]), i < CHILDREN_STAY_MAX ? round : 1);
            ck_assert_uint_le(bench.rig.children.stayers, CHILDREN_STAY_MAX);
        }
    check_release(&checks[0].check);
    for (int round = 1; round <= 2; round++) {
        run_well(&bench, &checks[CHECKS - 1], REASON_OK);
        ck_assert_int_eq(runs_of(&checks[CHECKS - 1]), round);
    }
    for (int i = 1; i < CHECKS; i++)
        check_release(&checks[i].check);
    bench_end(&bench);
}
END_TEST

START_TEST(when_nothing_may_be_kept_it_has_one_run) {
    struct bench bench;
    bench_init(&bench);
    add(&bench, &bench.own, &counting, TIMEOUT_MS);
    run_well(&bench, &bench.own, REASON_OK);
    bench.rig.env.lets_go = true;
    check_let_go(&bench.own.check);
    for (int i = 0; i < 3; i++) {
        run_well(&bench, &bench.own, REASON_OK);
        ck_assert_int_eq(runs_of(&bench.own), 1);
    }
    bench.rig.env.lets_go = false;
    check_release(&bench.own.check);
    bench_end(&bench);
}
END_TEST

/* -- the nursery -- */

static bool is_lost(void *arg) {
    const struct bench *bench = arg;
    return bench->lost > 0;
}

START_TEST(when_the_nursery_dies_its_workers_go_and_the_checker_is_told) {
    struct bench bench;
    bench_init(&bench);
    add(&bench, &bench.own, &counting, TIMEOUT_MS);
    run_well(&bench, &bench.own, REASON_OK);
    pid_t worker = child_pid(bench.own.check.child);
    ck_assert_int_eq(kill(bench.nursery.pid, SIGKILL), 0);
    ck_assert(rig_turn_until(&bench.rig, is_lost, &bench, PATIENCE_MS));
    ck_assert(wait_until(is_gone, &worker, PATIENCE_MS));
    ck_assert_int_eq(bench.lost, 1);
    check_release(&bench.own.check);
    children_release(&bench.rig.children);
    bench_end(&bench);
}
END_TEST

struct pids {
    pid_t nursery, worker;
};

static _Noreturn void be_a_checker(int fd) {
    struct bench bench;
    bench_init(&bench);
    add(&bench, &bench.own, &counting, TIMEOUT_MS);
    run_well(&bench, &bench.own, REASON_OK);
    const struct pids pids = {bench.nursery.pid, child_pid(bench.own.check.child)};
    ck_assert_int_eq(write(fd, &pids, sizeof pids), sizeof pids);
    for (;;)
        pause();
}

START_TEST(when_the_checker_dies_nursery_and_workers_go) {
    struct pids pids;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t checker = test_fork();
    if (checker == 0)
        be_a_checker(ends[1]);
    ck_assert_int_eq(read(ends[0], &pids, sizeof pids), sizeof pids);
    ck_assert(proc_is_alive(pids.nursery) && proc_is_alive(pids.worker));
    ck_assert_int_eq(kill(checker, SIGKILL), 0);
    waitpid(checker, NULL, 0);
    ck_assert(wait_until(is_gone, &pids.worker, PATIENCE_MS));
    ck_assert(wait_until(is_gone, &pids.nursery, PATIENCE_MS));
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* -- what they know -- */

/* A text that stands nowhere in this program. */
static void make_up(char *text, size_t size, const char *what) {
    snprintf(text, size, "%s-%d-%lx", what, (int)getpid(), random());
}

START_TEST(a_worker_knows_its_own_check_and_nothing_else) {
    struct bench bench;
    struct error err;
    char own[64], dsn[128], others[2][64];
    bench_init(&bench);
    make_up(own, sizeof own, "own");
    make_up(others[0], sizeof others[0], "another");
    make_up(others[1], sizeof others[1], "foreign");
    setenv("BUGSINK_PASSWORD", others[0], 1);
    setenv("PGPASSWORD", others[1], 1); /* not for this kind */
    snprintf(dsn, sizeof dsn, "mysql://u:%s@h/d", own);
    add(&bench, &bench.own, &counting, TIMEOUT_MS);
    ck_assert_int_eq(dsn_parse(dsn, &bench.own.config.database.dsn, &err), 0);
    bench.own.config.kind = KIND_MYSQL;
    run_well(&bench, &bench.own, REASON_OK);
    pid_t worker = child_pid(bench.own.check.child);
    int knows_own = proc_memory_holds(worker, own);
    ck_assert_int_ne(knows_own, 0);
    if (knows_own > 0) /* where we may look */
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(proc_memory_holds(getpid(), others[i]), 1);
            ck_assert_int_eq(proc_memory_holds(worker, others[i]), 0);
            ck_assert_int_eq(proc_memory_holds(bench.nursery.pid, others[i]), 0);
            ck_assert_int_eq(proc_memory_holds(bench.nursery.pid, own), 0);
        }
    check_release(&bench.own.check);
    dsn_release(&bench.own.config.database.dsn);
    bench_end(&bench);
}
END_TEST

/* -- for long -- */

START_TEST(ten_thousand_runs_do_not_let_it_grow) {
    struct bench bench;
    struct error err;
    bench_init(&bench);
    char *dir = tempdir_new(), *path = tempdir_path(dir, "db");
    sqlite_files_make_main(path);
    add(&bench, &bench.own, &SQLITE_KIND, TIMEOUT_MS);
    bench.own.config.kind = KIND_SQLITE;
    bench.own.config.is_sandboxed = true;
    bench.own.config.database.role = ROLE_MAIN;
    bench.own.config.database.max_wal_bytes = INT64_MAX;
    ck_assert_int_eq(dsn_parse(path, &bench.own.config.database.dsn, &err), 0);
    pid_t worker = 0;
    int64_t size_kib = 0;
    for (int i = 0; i < RUNS; i++) {
        run_well(&bench, &bench.own, REASON_OK);
        if (i == 100) {
            worker = child_pid(bench.own.check.child);
            size_kib = proc_resident_kib(worker);
        }
    }
    /* The sanitizer's quarantine is growth as well, for which a worker is rightly replaced. */
    ck_assert(!IS_MEMORY_COUNTED || child_pid(bench.own.check.child) == worker);
    int64_t growth_kib = proc_resident_kib(child_pid(bench.own.check.child)) - size_kib;
    ck_assert_msg(
        !IS_MEMORY_COUNTED || growth_kib <= GROWTH_MAX_KIB, "%d runs took %d KiB", RUNS, (int)growth_kib);
    if (IS_MEMORY_COUNTED)
        printf("%d runs of one worker: it grew by %d KiB\n", RUNS, (int)growth_kib);
    check_release(&bench.own.check);
    dsn_release(&bench.own.config.database.dsn);
    bench_end(&bench);
    free(path);
    free(dir);
}
END_TEST

Suite *worker_suite(void) {
    Suite *suite = suite_create("worker");
    TCase *tcase = tcase_create("worker");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, it_is_asked_again);
    tcase_add_test(tcase, one_killed_between_runs_is_replaced);
    tcase_add_test(tcase, a_run_waits_for_the_word_that_a_worker_has_died);
    tcase_add_test(tcase, a_stopped_one_is_a_timeout_and_replaced);
    tcase_add_test(tcase, a_fault_of_our_own_ends_it);
    tcase_add_test(tcase, one_that_has_given_up_too_much_leaves_the_run_to_another);
    tcase_add_test(tcase, a_wish_for_nothing_that_was_kept_reaches_the_work_for_that_run_alone);
    tcase_add_test(tcase, sixteen_stay_and_the_others_have_one_run);
    tcase_add_test(tcase, when_nothing_may_be_kept_it_has_one_run);
    tcase_add_test(tcase, when_the_nursery_dies_its_workers_go_and_the_checker_is_told);
    tcase_add_test(tcase, when_the_checker_dies_nursery_and_workers_go);
    tcase_add_test(tcase, a_worker_knows_its_own_check_and_nothing_else);
    TCase *many = tcase_create("many");
    suite_add_tcase(suite, many);
    tcase_set_timeout(many, 180);
    tcase_add_test(many, ten_thousand_runs_do_not_let_it_grow);
    return suite;
}
