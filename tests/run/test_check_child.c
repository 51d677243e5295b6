/* Tests of the life of a run that works in a worker.
 *
 *  what happens                               the run ends with
 *  the child reports                          its outcome
 *  the child dies of a signal                 crashed, SIGSEGV, observed signal
 *  the child ends without a report            internal
 *  the child's outcome is impossible          crashed
 *  no child can be started                    internal
 *  the child hangs                            timeout in its phase; and it is gone afterwards
 *  the same, and we are held up meanwhile     internal; and it is gone afterwards
 *  the child of an earlier run is still there stuck, and no second child
 *  that child has reported and is leaving     waits for it, then runs; stuck at the deadline */
#include "run/check.h"
#include "run/worker.h"

#include "base/sandbox.h"
#include "base/str.h"
#include "harness/rig.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t read_fake(void *arg) {
    return *(const int64_t *)arg;
}

static void work_answers(struct run *run) {
    phase_report_enter(&run->phases, PHASE_OPEN);
    run->outcome.reason = REASON_LOCKED;
    run->outcome.phase = PHASE_LOCK;
    str_copy(run->outcome.code, sizeof run->outcome.code, "SQLITE_BUSY");
    outcome_set_detail(&run->outcome, run->config, "database is locked");
    observed_set(&run->outcome.observed, OBSERVED_TASKS, 3);
}

static void work_crashes(struct run *run) {
    phase_report_enter(&run->phases, PHASE_READ);
    raise(SIGSEGV);
}

static void work_leaves(struct run *run) {
    (void)run;
    _exit(3);
}

static void work_is_ended_by_its_sandbox(struct run *run) {
    (void)run;
    _exit(SANDBOX_EXIT_VIOLATION);
}

static void work_hangs(struct run *run) {
    phase_report_enter(&run->phases, PHASE_STAT);
    for (;;)
        pause();
}

static void work_makes_nonsense(struct run *run) {
    memset(&run->outcome, 0xee, sizeof run->outcome);
}

static void work_answers_and_stays(struct run *run) {
    work_answers(run);
    const struct worker_answer answer = {.run_id = run->id, .is_last = 1, .outcome = run->outcome};
    child_report_result(run->phases.fd, &answer, sizeof answer);
    for (;;)
        pause();
}

#define WORK_KIND(NAME, WORK)                                                                                \
    static const struct check_kind NAME = {                                                                  \
        .start = check_run_in_child, .work = WORK, .cancel = check_cancel_child};

WORK_KIND(answering, work_answers)
WORK_KIND(crashing, work_crashes)
WORK_KIND(leaving, work_leaves)
WORK_KIND(violating, work_is_ended_by_its_sandbox)
WORK_KIND(hanging, work_hangs)
WORK_KIND(staying, work_answers_and_stays)
WORK_KIND(nonsense, work_makes_nonsense)

static void begin(struct rig *rig, struct rig_check *own, const struct check_kind *kind, int64_t timeout_ms) {
    struct error err;
    rig_init(rig);
    *own = (struct rig_check){.config = {.timeout_ms = timeout_ms}};
    ck_assert_int_eq(check_init(&own->check, kind, &rig->env, &own->config, rig_finished, own, &err), 0);
}

static bool is_childless(void *arg) {
    const struct check *check = arg;
    return check->child == NULL;
}

static bool is_quiet(void *arg) {
    const struct check *check = arg;
    return check->child == NULL || child_is_idle(check->child);
}

/* The workers that are started now have one run. */
static void begin_once(
    struct rig *rig, struct rig_check *own, const struct check_kind *kind, int64_t timeout_ms) {
    begin(rig, own, kind, timeout_ms);
    rig->children.stayers = CHILDREN_STAY_MAX;
}

static void finish(struct rig *rig, struct rig_check *own) {
    ck_assert(rig_turn_until(rig, is_quiet, &own->check, 5000));
    check_release(&own->check);
    rig_release(rig);
}

START_TEST(the_outcome_of_a_child_is_the_runs) {
    struct rig rig;
    struct rig_check own;
    int64_t tasks = 0;
    begin(&rig, &own, &answering, 3000);
    rig_run(&rig, &own);
    ck_assert_int_eq(own.outcome.reason, REASON_LOCKED);
    ck_assert_int_eq(own.outcome.phase, PHASE_LOCK);
    ck_assert_str_eq(own.outcome.code, "SQLITE_BUSY");
    ck_assert_str_eq(own.outcome.detail, "database is locked");
    ck_assert(observed_get(&own.outcome.observed, OBSERVED_TASKS, &tasks) && tasks == 3);
    finish(&rig, &own);
}
END_TEST

START_TEST(a_crash_names_its_signal) {
    struct rig rig;
    struct rig_check own;
    int64_t number = 0;
    begin(&rig, &own, &crashing, 3000);
    rig_run(&rig, &own);
    ck_assert_int_eq(own.outcome.reason, REASON_CRASHED);
    ck_assert_int_eq(own.outcome.phase, PHASE_READ);
    ck_assert_str_eq(own.outcome.code, "SIGSEGV");
    ck_assert(observed_get(&own.outcome.observed, OBSERVED_SIGNAL, &number) && number == SIGSEGV);
    finish(&rig, &own);
}
END_TEST

START_TEST(an_end_without_a_report_is_internal) {
    struct rig rig;
    struct rig_check own;
    begin(&rig, &own, &leaving, 3000);
    rig_run(&rig, &own);
    ck_assert_int_eq(own.outcome.reason, REASON_INTERNAL);
    ck_assert_str_eq(own.outcome.code, "exit 3");
    finish(&rig, &own);
}
END_TEST

START_TEST(an_end_by_the_sandbox_is_a_crash_with_its_signal) {
    struct rig rig;
    struct rig_check own;
    int64_t number = 0;
    begin(&rig, &own, &violating, 3000);
    rig_run(&rig, &own);
    ck_assert_int_eq(own.outcome.reason, REASON_CRASHED);
    ck_assert_str_eq(own.outcome.code, "SIGSYS");
    ck_assert(observed_get(&own.outcome.observed, OBSERVED_SIGNAL, &number));
    ck_assert_int_eq(number, SIGSYS);
    finish(&rig, &own);
}
END_TEST

START_TEST(an_impossible_outcome_is_a_crash) {
    struct rig rig;
    struct rig_check own;
    begin(&rig, &own, &nonsense, 3000);
    rig_run(&rig, &own);
    ck_assert_int_eq(own.outcome.reason, REASON_CRASHED);
    ck_assert_uint_lt(strlen(own.outcome.detail), sizeof own.outcome.detail);
    ck_assert_uint_eq(own.outcome.observed.present, 0);
    finish(&rig, &own);
}
END_TEST

START_TEST(without_descriptors_the_fault_is_internal) {
    struct rig rig;
    struct rig_check own;
    begin(&rig, &own, &answering, 3000);
    struct rlimit before, none;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){0, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    ck_assert(check_start(&own.check));
    ck_assert_int_eq(own.finished, 1);
    ck_assert_int_eq(own.outcome.reason, REASON_INTERNAL);
    ck_assert_str_eq(own.outcome.detail, "pipe: Too many open files");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    finish(&rig, &own);
}
END_TEST

static bool is_in_stat(void *arg) {
    const struct check *check = arg;
    return check->phase == PHASE_STAT;
}

START_TEST(a_child_that_hangs_is_a_timeout_and_is_gone_afterwards) {
    struct rig rig;
    struct rig_check own;
    begin(&rig, &own, &hanging, 200);
    for (int i = 0; i < 3; i++) {
        rig_run(&rig, &own);
        ck_assert_int_eq(own.outcome.reason, REASON_TIMEOUT);
        ck_assert_int_eq(own.outcome.phase, PHASE_STAT);
        ck_assert(rig_turn_until_childless(&rig));
    }
    finish(&rig, &own);
}
END_TEST

START_TEST(a_child_that_hangs_while_we_are_held_up_is_our_own_fault_and_is_gone_afterwards) {
    struct rig rig;
    struct rig_check own;
    int64_t now_ms = 1000;
    const struct clock fake = {read_fake, read_fake, &now_ms};
    begin(&rig, &own, &hanging, 200);
    rig.timers.clock = &fake;
    ck_assert(check_start(&own.check));
    ck_assert(rig_turn_until(&rig, is_in_stat, &own.check, 3000));
    now_ms += 200 + CHECK_HELD_UP_MS + 1;
    timers_run(&rig.timers);
    ck_assert_int_eq(own.finished, 0); /* the loop has its turn first: the answer may be there */
    timers_run(&rig.timers);
    ck_assert_int_eq(own.finished, 1);
    ck_assert_int_eq(own.outcome.reason, REASON_INTERNAL);
    ck_assert_int_eq(own.outcome.phase, PHASE_STAT);
    ck_assert_str_eq(own.outcome.detail, "the sidecar itself was held up for 1001 ms");
    finish(&rig, &own);
}
END_TEST

/* What cannot be killed cannot be made here; what is killed and not reaped looks the same to us. A zombie
 * would be found by child_poll, so it is stopped by SIGSTOP and not sent SIGKILL: time stands still. */
START_TEST(while_an_earlier_child_is_there_runs_are_stuck_and_start_no_other) {
    struct rig rig;
    struct rig_check own;
    int64_t now_ms = 1000;
    const struct clock fake = {read_fake, read_fake, &now_ms};
    begin(&rig, &own, &hanging, 200);
    rig.timers.clock = &fake;
    ck_assert(check_start(&own.check));
    pid_t pid = child_pid(own.check.child);
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
    now_ms += 200;
    timers_run(&rig.timers);
    ck_assert_int_eq(own.outcome.reason, REASON_TIMEOUT);
    for (int i = 0; i < 2; i++) {
        ck_assert(check_start(&own.check));
        ck_assert(own.check.is_running); /* it waits for the one that is being killed */
        now_ms += 200;
        timers_run(&rig.timers);
        ck_assert_int_eq(own.outcome.reason, REASON_STUCK);
        ck_assert_uint_eq(rig.children.count, 1);
    }
    ck_assert_int_eq(own.finished, 3);
    ck_assert_int_eq(kill(pid, SIGCONT), 0); /* the SIGTERM that waits ends it */
    ck_assert(rig_turn_until(&rig, is_childless, &own.check, 5000));
    check_start(&own.check);
    ck_assert(own.check.is_running);
    check_cancel(&own.check);
    finish(&rig, &own);
}
END_TEST

static bool is_exited(void *arg) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t) * (const pid_t *)arg, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0;
}

START_TEST(a_child_that_has_ended_unseen_is_not_stuck_and_its_answer_beats_the_deadline) {
    struct rig rig;
    struct rig_check own;
    int64_t now_ms = 1000;
    const struct clock fake = {read_fake, read_fake, &now_ms};
    begin_once(&rig, &own, &answering, 200);
    rig.timers.clock = &fake;
    for (int i = 1; i <= 2; i++) {
        ck_assert(check_start(&own.check));
        pid_t pid = child_pid(own.check.child);
        ck_assert(wait_until(is_exited, &pid, 5000)); /* as if this process had been stopped meanwhile */
        now_ms += 1000;
        timers_run(&rig.timers);
        ck_assert_int_eq(own.finished, i);
        ck_assert_int_eq(own.outcome.reason, REASON_LOCKED);
    }
    finish(&rig, &own);
}
END_TEST

static bool is_idle(void *arg) {
    const struct check *check = arg;
    return !check->is_running;
}

START_TEST(a_child_on_its_way_out_is_waited_for) {
    struct rig rig;
    struct rig_check own;
    int64_t now_ms = 1000;
    const struct clock fake = {read_fake, read_fake, &now_ms};
    begin_once(&rig, &own, &staying, 600);
    rig.timers.clock = &fake;
    ck_assert(check_start(&own.check));
    ck_assert(rig_turn_until(&rig, is_idle, &own.check, 5000));
    ck_assert_int_eq(own.outcome.reason, REASON_LOCKED);
    pid_t first = child_pid(own.check.child);
    ck_assert(check_start(&own.check));
    ck_assert(!check_start(&own.check));
    now_ms += 499;
    rig_turn_for(&rig, 100);
    ck_assert(!is_idle(&own.check));
    ck_assert_int_eq(child_pid(own.check.child), first);
    now_ms += 1; /* it is killed */
    ck_assert(rig_turn_until(&rig, is_childless, &own.check, 5000));
    now_ms += 5;
    ck_assert(rig_turn_until(&rig, is_idle, &own.check, 5000));
    ck_assert_int_eq(own.finished, 2);
    ck_assert_int_eq(own.outcome.reason, REASON_LOCKED);
    check_start(&own.check); /* and given up while it waits */
    check_cancel(&own.check);
    now_ms += 500;
    finish(&rig, &own);
}
END_TEST

START_TEST(one_that_is_still_on_its_way_out_at_the_deadline_is_stuck) {
    struct rig rig;
    struct rig_check own;
    int64_t now_ms = 1000;
    const struct clock fake = {read_fake, read_fake, &now_ms};
    begin_once(&rig, &own, &staying, 200);
    rig.timers.clock = &fake;
    ck_assert(check_start(&own.check));
    ck_assert(rig_turn_until(&rig, is_idle, &own.check, 5000));
    ck_assert(check_start(&own.check));
    now_ms += 200;
    timers_run(&rig.timers);
    ck_assert_int_eq(own.finished, 2);
    ck_assert_int_eq(own.outcome.reason, REASON_STUCK);
    now_ms += 500;
    finish(&rig, &own);
}
END_TEST

START_TEST(releasing_a_check_whose_child_runs_leaves_nothing) {
    struct rig rig;
    struct rig_check own;
    begin(&rig, &own, &hanging, 3000);
    ck_assert(check_start(&own.check));
    check_release(&own.check);
    ck_assert_int_eq(own.finished, 0);
    rig_release(&rig);
}
END_TEST

Suite *check_child_suite(void) {
    Suite *suite = suite_create("check_child");
    TCase *child = tcase_create("child");
    suite_add_tcase(suite, child);
    tcase_set_timeout(child, 30);
    tcase_add_test(child, the_outcome_of_a_child_is_the_runs);
    tcase_add_test(child, a_crash_names_its_signal);
    tcase_add_test(child, an_end_without_a_report_is_internal);
    tcase_add_test(child, an_end_by_the_sandbox_is_a_crash_with_its_signal);
    tcase_add_test(child, an_impossible_outcome_is_a_crash);
    tcase_add_test(child, without_descriptors_the_fault_is_internal);
    tcase_add_test(child, a_child_that_hangs_is_a_timeout_and_is_gone_afterwards);
    tcase_add_test(child, a_child_that_hangs_while_we_are_held_up_is_our_own_fault_and_is_gone_afterwards);
    tcase_add_test(child, while_an_earlier_child_is_there_runs_are_stuck_and_start_no_other);
    tcase_add_test(child, a_child_that_has_ended_unseen_is_not_stuck_and_its_answer_beats_the_deadline);
    tcase_add_test(child, a_child_on_its_way_out_is_waited_for);
    tcase_add_test(child, one_that_is_still_on_its_way_out_at_the_deadline_is_stuck);
    tcase_add_test(child, releasing_a_check_whose_child_runs_leaves_nothing);
    return suite;
}
