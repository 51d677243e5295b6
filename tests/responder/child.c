/* Processes forked by tests. */
#include "responder/child.h"

#include "base/process.h"
#include "harness/fork.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

pid_t forked_start(int (*run)(void *arg), void *arg) {
    pid_t parent = getpid();
    pid_t pid = test_fork();
    if (pid > 0)
        return pid;
    if (!process_die_with_parent(parent))
        _exit(98);
    int code = run(arg);
#ifdef __SANITIZE_ADDRESS__
    if (__lsan_do_recoverable_leak_check() != 0)
        code = 99;
#endif
    _exit(code); /* not exit: what the test runner has buffered is not ours to print */
}

struct reaping {
    pid_t pid;
    int status;
};

static bool has_ended(void *arg) {
    struct reaping *reaping = arg;
    return waitpid(reaping->pid, &reaping->status, WNOHANG) == reaping->pid;
}

int forked_await(pid_t pid) {
    struct reaping reaping = {pid, 0};
    ck_assert_msg(wait_until(has_ended, &reaping, 10000), "the child does not end");
    return WIFEXITED(reaping.status) ? WEXITSTATUS(reaping.status) : -1;
}

void forked_freeze(pid_t pid) {
    int status;
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
    ck_assert(WIFSTOPPED(status));
}

void forked_thaw(pid_t pid) {
    ck_assert_int_eq(kill(pid, SIGCONT), 0);
}

int64_t forked_cpu_us(pid_t pid) {
    clockid_t clock;
    struct timespec used;
    ck_assert_int_eq(clock_getcpuclockid(pid, &clock), 0);
    ck_assert_int_eq(clock_gettime(clock, &used), 0);
    return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}
