/* Tests of the processor limit itself: what it limits stays within its share, and nothing stays stopped. */
#include "harness/processor.h"

#include "base/process.h"
#include "harness/fork.h"
#include "harness/proc.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHARE = 250, SPAN_MS = 1000, PERIODS_MS = 200 /* two: of when the span begins and ends */ };

static pid_t start_spinner(void) {
    pid_t parent = getpid(), pid = test_fork();
    if (pid > 0)
        return pid;
    process_die_with_parent(parent);
    for (volatile unsigned turns = 0;; turns++)
        ;
}

static bool is_over(void *arg) {
    (void)arg;
    return false;
}

/* Milliseconds of processor time for each 1,000 that pass. */
static int64_t measure(pid_t pid) {
    int64_t cpu_ms = proc_cpu_ms(pid), start_ms = wait_now_ms();
    wait_whether(is_over, NULL, SPAN_MS); /* the time in which processor time is counted */
    return (proc_cpu_ms(pid) - cpu_ms) * 1000 / (wait_now_ms() - start_ms);
}

static bool uses_processor(void *arg) {
    const struct processor_limit *limit = arg;
    return proc_state(limit->checker) != 'T' && proc_cpu_ms(limit->checker) > 0;
}

static bool is_stopped(void *arg) {
    const struct processor_limit *limit = arg;
    return proc_state(limit->checker) == 'T';
}

/* Of all processors together where signals do it: as much as one has. */
static void expect_limit(struct processor_limit *limit, pid_t spinner) {
    processor_limit_set(limit, SHARE);
    ck_assert(limit->group[0] || wait_until(is_stopped, limit, 5000));
    int64_t used = measure(spinner);
    ck_assert_msg(used <= SHARE + PERIODS_MS, "%d thousandths by %s", (int)used, processor_limit_name(limit));
    processor_limit_set(limit, 0);
    ck_assert(wait_until(uses_processor, limit, 5000));
    ck_assert_int_ne(proc_state(spinner), 'T');
    kill(spinner, SIGKILL);
    waitpid(spinner, NULL, 0);
    processor_limit_end(limit);
}

START_TEST(a_limit_holds_for_a_process_that_runs_and_is_lifted) {
    struct processor_limit limit;
    processor_limit_begin(&limit, 0);
    pid_t spinner = start_spinner();
    processor_limit_apply(&limit, spinner);
    expect_limit(&limit, spinner);
}
END_TEST

START_TEST(so_does_one_by_signals_which_leaves_nothing_stopped) {
    struct processor_limit limit = {.thousandths = 0}; /* no group could be made */
    pid_t spinner = start_spinner();
    processor_limit_apply(&limit, spinner);
    expect_limit(&limit, spinner);
}
END_TEST

Suite *processor_suite(void) {
    Suite *suite = suite_create("processor");
    TCase *tcase = tcase_create("processor");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_limit_holds_for_a_process_that_runs_and_is_lifted);
    tcase_add_test(tcase, so_does_one_by_signals_which_leaves_nothing_stopped);
    return suite;
}
