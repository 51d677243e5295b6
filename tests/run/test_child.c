/* Tests of the one-shot children: what they report, how they end, and that none is left.
 *
 *  the child                                      what its owner is told
 *  reports phases and a result, exits             phases in order, done(result), reaped
 *  reports, and is reaped before the loop read    the same
 *  dies of a signal                               done(signal), reaped
 *  ends without a report                          done(status), reaped
 *  writes garbage, or half a report               done(is_garbled), reaped
 *  hangs and is abandoned                         reaped at once (SIGTERM), never done
 *  ignores SIGTERM and is abandoned               reaped after half a second (SIGKILL)
 *  reports and does not leave                     done(result), reaped after half a second */
#include "run/child.h"

#include "base/io.h"
#include "base/str.h"
#include "harness/rig.h"
#include "harness/wait.h"
#include "run/child_notes.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- a clock that stands still unless moved -- */

static int64_t read_fake(void *arg) {
    return *(const int64_t *)arg;
}

static void hold_time(struct rig *rig, struct clock *clock, int64_t *now_ms) {
    *now_ms = 1000;
    *clock = (struct clock){read_fake, read_fake, now_ms};
    rig->timers.clock = clock;
}

/* -- works -- */

static void work_dies(void *arg, int fd) {
    (void)fd;
    raise(*(const int *)arg);
    pause();
}

static void work_exits(void *arg, int fd) {
    (void)fd;
    _exit(*(const int *)arg);
}

static void work_ignores_sigterm(void *arg, int fd) {
    signal(SIGTERM, SIG_IGN);
    child_work_hangs(arg, fd);
}

static void work_reports_and_stays(void *arg, int fd) {
    child_work_reports(arg, fd);
    for (;;)
        pause();
}

struct bytes {
    const char *data;
    size_t size;
};

static void work_writes(void *arg, int fd) {
    const struct bytes *bytes = arg;
    io_write_all(fd, bytes->data, bytes->size);
}

/* -- tests -- */

START_TEST(phases_and_result_come_in_order) {
    struct rig rig;
    struct child_notes notes;
    rig_init(&rig);
    child_notes_start(&rig, child_work_reports, NULL, &notes);
    ck_assert(rig_turn_until(&rig, child_notes_is_released, &notes, 5000));
    ck_assert_str_eq(notes.text, "open read done reaped ");
    ck_assert_str_eq(notes.result, "answer");
    rig_release(&rig);
}
END_TEST

static bool is_exited(void *arg) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t) * (const pid_t *)arg, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0;
}

START_TEST(a_report_counts_though_the_end_is_seen_first) {
    struct rig rig;
    struct child_notes notes;
    int status;
    rig_init(&rig);
    pid_t pid = child_pid(child_notes_start(&rig, child_work_reports, NULL, &notes));
    ck_assert(wait_until(is_exited, &pid, 5000)); /* the loop does not turn: the pipe is unread */
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(children_reap(&rig.children, pid, status));
    ck_assert_str_eq(notes.text, "open read done reaped ");
    ck_assert_str_eq(notes.result, "answer");
    ck_assert_int_eq(notes.released, 1);
    ck_assert(!children_reap(&rig.children, pid, status));
    rig_release(&rig);
}
END_TEST

START_TEST(polling_finds_the_report_without_the_loop) {
    struct rig rig;
    struct child_notes notes;
    rig_init(&rig);
    struct child *child = child_notes_start(&rig, child_work_reports, NULL, &notes);
    pid_t pid = child_pid(child);
    ck_assert(wait_until(is_exited, &pid, 5000));
    child_poll(child);
    ck_assert_str_eq(notes.text, "open read done reaped ");
    child = child_notes_start(&rig, child_work_hangs, NULL, &notes);
    child_poll(child);
    ck_assert_int_eq(notes.done, 0);
    child_abandon(child);
    rig_release(&rig);
}
END_TEST

static const int SIGNALS[] = {SIGSEGV, SIGABRT, SIGKILL, SIGBUS, SIGTERM, SIGUSR1};

START_TEST(a_death_by_signal_is_told) {
    struct rig rig;
    struct child_notes notes;
    int number = SIGNALS[_i];
    rig_init(&rig);
    child_notes_start(&rig, work_dies, &number, &notes);
    ck_assert(rig_turn_until(&rig, child_notes_is_released, &notes, 5000));
    ck_assert_str_eq(notes.text, "done reaped ");
    ck_assert_int_eq(notes.signal, number);
    ck_assert(!notes.is_garbled);
    rig_release(&rig);
}
END_TEST

/* As a login that lingers may be, at a server that never stops talking. */
static void work_spins(void *arg, int fd) {
    (void)arg;
    (void)fd;
    const struct itimerval last_resort = {.it_value.tv_sec = 60}; /* of processor time, as the limit is */
    alarm(0); /* of real time, of which a busy machine may take any number of seconds */
    setitimer(ITIMER_PROF, &last_resort, NULL);
    volatile bool spins = true;
    while (spins)
        continue;
}

START_TEST(one_that_is_kept_busy_is_ended_by_its_limit_of_processor_time) {
    struct rig rig;
    struct child_notes notes = {.text = ""};
    struct error err;
    rig_init(&rig);
    ck_assert_msg(child_start(&rig.children, work_spins, NULL, &CHILD_NOTES_CALLBACKS, &notes, 1, &err), "%s",
        err.text);
    ck_assert(rig_turn_until(&rig, child_notes_is_released, &notes, 50000));
    ck_assert_int_eq(notes.signal, SIGXCPU);
    rig_release(&rig);
}
END_TEST

START_TEST(an_end_without_a_report_is_told) {
    struct rig rig;
    struct child_notes notes;
    int status = 7;
    rig_init(&rig);
    child_notes_start(&rig, work_exits, &status, &notes);
    ck_assert(rig_turn_until(&rig, child_notes_is_released, &notes, 5000));
    ck_assert_str_eq(notes.text, "done reaped ");
    ck_assert_int_eq(notes.signal, 0);
    ck_assert_int_eq(notes.status, 7);
    rig_release(&rig);
}
END_TEST

static const struct bytes GARBAGE[] = {
    {"no record at all", 16}, {"\x53\x41\x48\x50\x05\0\0\0\1\0\0\0\0", 13}, /* a phase of 5 bytes */
    {"\x53\x41\x48\x50\x04\0\0\0\xff\0\0\0", 12},       /* a phase that there is none of */
    {"\x55\x53\x45\x52\xff\xff\xff\xff", 8},            /* a result of 4 GiB */
    {"\x55\x53\x45\x52\x04\0\0\0ab", 10},               /* half a result */
    {"\x53\x41\x48\x50\x04\0\0\0\1\0\0\0\x55\x53", 14}, /* a phase, then half a header */
};

START_TEST(garbage_and_half_reports_are_garbled) {
    struct rig rig;
    struct child_notes notes;
    struct bytes bytes = GARBAGE[_i];
    rig_init(&rig);
    child_notes_start(&rig, work_writes, &bytes, &notes);
    ck_assert(rig_turn_until(&rig, child_notes_is_released, &notes, 5000));
    ck_assert_int_eq(notes.done, 1);
    ck_assert(notes.is_garbled);
    ck_assert_str_eq(notes.result, "");
    rig_release(&rig);
}
END_TEST

START_TEST(an_abandoned_child_is_gone_by_sigterm_and_says_no_more) {
    struct rig rig;
    struct child_notes notes;
    struct clock clock;
    int64_t now_ms;
    rig_init(&rig);
    hold_time(&rig, &clock, &now_ms);
    struct child *child = child_notes_start(&rig, child_work_hangs, NULL, &notes);
    ck_assert(rig_turn_until(&rig, child_notes_is_noted, &notes, 5000));
    child_abandon(child);
    ck_assert(rig_turn_until(&rig, child_notes_is_released, &notes, 5000));
    ck_assert_str_eq(notes.text, "read reaped ");
    rig_release(&rig);
}
END_TEST

START_TEST(one_that_ignores_sigterm_is_killed_half_a_second_later) {
    struct rig rig;
    struct child_notes notes;
    struct clock clock;
    int64_t now_ms;
    rig_init(&rig);
    hold_time(&rig, &clock, &now_ms);
    struct child *child = child_notes_start(&rig, work_ignores_sigterm, NULL, &notes);
    ck_assert(rig_turn_until(&rig, child_notes_is_noted, &notes, 5000));
    child_abandon(child);
    now_ms += 499;
    rig_turn_for(&rig, 100);
    ck_assert(!child_notes_is_released(&notes));
    now_ms += 1;
    ck_assert(rig_turn_until(&rig, child_notes_is_released, &notes, 5000));
    ck_assert_str_eq(notes.text, "read reaped ");
    rig_release(&rig);
}
END_TEST

START_TEST(one_that_has_reported_and_stays_is_killed) {
    struct rig rig;
    struct child_notes notes;
    rig_init(&rig);
    child_notes_start(&rig, work_reports_and_stays, NULL, &notes);
    ck_assert(rig_turn_until(&rig, child_notes_is_done, &notes, 5000));
    ck_assert_int_eq(notes.reaped, 0);
    ck_assert(rig_turn_until(&rig, child_notes_is_released, &notes, 5000));
    ck_assert_str_eq(notes.text, "open read done reaped ");
    rig_release(&rig);
}
END_TEST

START_TEST(a_disowned_child_tells_its_owner_nothing_and_is_freed) {
    struct rig rig;
    struct child_notes notes;
    rig_init(&rig);
    child_disown(child_notes_start(&rig, child_work_hangs, NULL, &notes), NULL);
    ck_assert(rig_turn_until(&rig, child_notes_is_released, &notes, 5000));
    ck_assert_str_eq(notes.text, "");
    rig_release(&rig);
}
END_TEST

START_TEST(releasing_all_kills_them_and_frees_their_arguments) {
    struct rig rig;
    struct child_notes notes;
    rig_init(&rig);
    pid_t pid = child_pid(child_notes_start(&rig, work_ignores_sigterm, NULL, &notes));
    children_release(&rig.children);
    ck_assert_str_eq(notes.text, "");
    ck_assert_int_eq(notes.released, 1);
    ck_assert_int_eq(waitpid(pid, NULL, 0), -1); /* reaped: no zombie is left to others */
    rig_release(&rig);
}
END_TEST

Suite *child_suite(void) {
    Suite *suite = suite_create("child");
    TCase *tcase = tcase_create("child");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, phases_and_result_come_in_order);
    tcase_add_test(tcase, a_report_counts_though_the_end_is_seen_first);
    tcase_add_test(tcase, polling_finds_the_report_without_the_loop);
    tcase_add_loop_test(tcase, a_death_by_signal_is_told, 0, sizeof SIGNALS / sizeof SIGNALS[0]);
    tcase_add_test(tcase, an_end_without_a_report_is_told);
    tcase_add_test(tcase, one_that_is_kept_busy_is_ended_by_its_limit_of_processor_time);
    tcase_add_loop_test(tcase, garbage_and_half_reports_are_garbled, 0, sizeof GARBAGE / sizeof GARBAGE[0]);
    tcase_add_test(tcase, an_abandoned_child_is_gone_by_sigterm_and_says_no_more);
    tcase_add_test(tcase, one_that_ignores_sigterm_is_killed_half_a_second_later);
    tcase_add_test(tcase, one_that_has_reported_and_stays_is_killed);
    tcase_add_test(tcase, a_disowned_child_tells_its_owner_nothing_and_is_freed);
    tcase_add_test(tcase, releasing_all_kills_them_and_frees_their_arguments);
    return suite;
}
