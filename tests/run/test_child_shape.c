/* Tests of the one-shot children: what they have of their parent and leave to it, and that thousands leave
 * nothing. */
#include "run/child.h"

#include "base/io.h"
#include "harness/proc.h"
#include "harness/rig.h"
#include "harness/wait.h"
#include "run/child_notes.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int count_descriptors(void) {
    return proc_descriptor_count(getpid()) - 1; /* without the one that looked */
}

/* -- what the child is like -- */

struct shape {
    int descriptors_above_2;
    bool has_sigterm_default, has_sigchld_default, has_sigpipe_ignored, has_no_mask;
    rlim_t core;
    unsigned alarm_s;
};

static bool has_handler(int number, void (*handler)(int)) {
    struct sigaction action;
    sigaction(number, NULL, &action);
    return action.sa_handler == handler;
}

static void work_shows_itself(void *arg, int fd) {
    struct shape *shape = arg;
    sigset_t mask, none;
    struct rlimit core;
    sigemptyset(&none);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    getrlimit(RLIMIT_CORE, &core);
    for (int i = 3; i < 1024; i++)
        shape->descriptors_above_2 += fcntl(i, F_GETFD) >= 0;
    shape->has_sigterm_default = has_handler(SIGTERM, SIG_DFL);
    shape->has_sigchld_default = has_handler(SIGCHLD, SIG_DFL);
    shape->has_sigpipe_ignored = has_handler(SIGPIPE, SIG_IGN);
    shape->has_no_mask = sigismember(&mask, SIGTERM) == 0 && sigismember(&mask, SIGALRM) == 0;
    shape->core = core.rlim_cur;
    shape->alarm_s = alarm(0);
    child_report_result(fd, shape, sizeof *shape);
}

static void keep_shape(void *arg, const struct child_end *end) {
    ck_assert_uint_eq(end->result_size, sizeof(struct shape));
    memcpy(arg, end->result, sizeof(struct shape));
}

START_TEST(a_child_has_nothing_of_its_parent_but_the_pipe) {
    struct rig rig;
    struct error err;
    const struct child_callbacks callbacks = {.done = keep_shape};
    struct shape shape = {0}, work = {0};
    rig_init(&rig);
    signal(SIGTERM, SIG_IGN);
    ck_assert_ptr_nonnull(
        child_start(&rig.children, work_shows_itself, &work, &callbacks, &shape, 2500, &err));
    ck_assert(rig_turn_until_childless(&rig));
    ck_assert_int_eq(shape.descriptors_above_2, 1);
    ck_assert(shape.has_sigterm_default && shape.has_sigchld_default && shape.has_sigpipe_ignored);
    ck_assert(shape.has_no_mask);
    ck_assert_uint_eq(shape.core, 0);
    ck_assert_uint_ge(shape.alarm_s, 7);
    ck_assert_uint_le(shape.alarm_s, 8);
    rig_release(&rig);
}
END_TEST

START_TEST(without_descriptors_or_processes_there_is_an_error_and_nothing_is_left) {
    struct rig rig;
    struct child_notes notes;
    struct error err = {.text = ""};
    int spare[64], count = 0;
    rig_init(&rig);
    int before = count_descriptors();
    struct rlimit limit = {(rlim_t)before + 8, (rlim_t)before + 8};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (count < 64 && (spare[count] = dup(STDERR_FILENO)) >= 0)
        count++;
    ck_assert_int_lt(count, 64);
    ck_assert_ptr_null(
        child_start(&rig.children, child_work_reports, NULL, &CHILD_NOTES_CALLBACKS, &notes, 5000, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "Too many open files"));
    while (count > 0)
        close(spare[--count]);
    ck_assert_int_eq(count_descriptors(), before);
    ck_assert_uint_eq(rig.children.count, 0);
    rig_release(&rig);
}
END_TEST

/* -- many -- */

#ifdef __SANITIZE_ADDRESS__
enum { MANY = 1000 }; /* a fork is ten times as dear there */
#else
enum { MANY = 10000 };
#endif

START_TEST(thousands_of_children_leave_no_descriptor_and_no_child) {
    struct rig rig;
    struct child_notes notes;
    const char *runs = getenv("BH_RUNS");
    long wanted = runs ? strtol(runs, NULL, 10) : MANY;
    rig_init(&rig);
    int before = 0;
    for (long i = 0; i < wanted; i++) {
        struct child *child =
            child_notes_start(&rig, i % 16 == 0 ? child_work_hangs : child_work_reports, NULL, &notes);
        if (i % 16 == 0)
            child_abandon(child);
        ck_assert(rig_turn_until(&rig, child_notes_is_released, &notes, 5000));
        if (i == 0)
            before = count_descriptors();
    }
    ck_assert_int_eq(count_descriptors(), before);
    ck_assert_uint_eq(rig.children.count, 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    rig_release(&rig);
}
END_TEST

Suite *child_shape_suite(void) {
    Suite *suite = suite_create("child_shape");
    TCase *tcase = tcase_create("child");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 20);
    tcase_add_test(tcase, a_child_has_nothing_of_its_parent_but_the_pipe);
    tcase_add_test(tcase, without_descriptors_or_processes_there_is_an_error_and_nothing_is_left);
    TCase *many = tcase_create("many");
    suite_add_tcase(suite, many);
    tcase_set_timeout(many, 180);
    tcase_add_test(many, thousands_of_children_leave_no_descriptor_and_no_child);
    return suite;
}
