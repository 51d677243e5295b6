/* A limit of processor time: cgroups(7), or signals. */
#include "harness/processor.h"

#include "base/process.h"
#include "base/str.h"
#include "harness/fork.h"
#include "harness/proc.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PERIOD_US = 100 * 1000, FAMILY_MAX = 512 };

static const char *const V1 = "/sys/fs/cgroup/cpu";
static const char *const V2 = "/sys/fs/cgroup";

/* -- a control group -- */

static bool put(const char *directory, const char *file, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_put = fd >= 0 && write(fd, text, strlen(text)) > 0;
    if (fd >= 0)
        close(fd);
    return is_put;
}

/* Where this process is: the path behind the second colon of the line of that controller ("cpu", or "" for
 * version 2) in /proc/self/cgroup. */
static bool find_own(const char *root, const char *controller, char *path, size_t size) {
    char line[256], wanted[16];
    FILE *file = fopen("/proc/self/cgroup", "re");
    bool is_found = false;
    snprintf(wanted, sizeof wanted, ":%s:", controller);
    while (file && !is_found && fgets(line, sizeof line, file)) {
        char *own = strstr(line, wanted);
        line[strcspn(line, "\n")] = '\0';
        is_found = own && snprintf(path, size, "%s%s", root, own + strlen(wanted)) < (int)size;
    }
    if (file)
        fclose(file);
    return is_found;
}

/* What a test that failed has left behind is empty by now. Others' are not, and stay. */
static bool make_group(struct processor_limit *limit, const char *root, const char *controller) {
    if (access(root, W_OK) < 0 || !find_own(root, controller, limit->before, sizeof limit->before))
        return false;
    snprintf(limit->group, sizeof limit->group, "%s/bugsink-health-test-%d-%d", root, (int)getpid(),
        limit->thousandths);
    rmdir(limit->group);
    return mkdir(limit->group, 0755) == 0;
}

/* With the greatest weight: it is the limit that counts, and not what else runs on this machine. Without a
 * limit, with the weight that the processes of a daemon have without a group. */
static bool set_v1(const struct processor_limit *limit) {
    char quota[16] = "-1";
    if (limit->thousandths > 0)
        snprintf(quota, sizeof quota, "%d", limit->thousandths * (PERIOD_US / 1000));
    return put(limit->group, "cpu.cfs_quota_us", quota) &&
           put(limit->group, "cpu.shares", limit->thousandths != 0 ? "262144" : "8192");
}

static bool set_v2(const struct processor_limit *limit) {
    char most[32] = "max";
    if (limit->thousandths > 0)
        snprintf(most, sizeof most, "%d %d", limit->thousandths * (PERIOD_US / 1000), PERIOD_US);
    return put(limit->group, "cpu.max", most) &&
           put(limit->group, "cpu.weight", limit->thousandths != 0 ? "10000" : "800");
}

static bool enter_v1(struct processor_limit *limit) {
    return make_group(limit, V1, "cpu") && set_v1(limit) && put(limit->group, "cgroup.procs", "0");
}

static bool enter_v2(struct processor_limit *limit) {
    return put(V2, "cgroup.subtree_control", "+cpu") && make_group(limit, V2, "") && set_v2(limit) &&
           put(limit->group, "cgroup.procs", "0");
}

static bool is_v1(const struct processor_limit *limit) {
    return strncmp(limit->group, V1, strlen(V1)) == 0;
}

static void give_up_group(struct processor_limit *limit) {
    if (limit->group[0])
        rmdir(limit->group);
    limit->group[0] = '\0';
}

void processor_limit_begin(struct processor_limit *limit, int thousandths) {
    *limit = (struct processor_limit){.thousandths = thousandths};
    if (enter_v1(limit))
        return;
    give_up_group(limit);
    if (!enter_v2(limit))
        give_up_group(limit);
}

/* -- signals -- */

static void signal_all(pid_t checker, int number) {
    pid_t members[FAMILY_MAX];
    int count = proc_family(checker, members, FAMILY_MAX);
    pid_t nursery = proc_nursery(checker);
    kill(checker, number);
    if (nursery > 0)
        kill(nursery, number);
    for (int i = 0; i < count; i++)
        kill(members[i], number);
}

/* The share is of all processors together, as that of a group is. */
static int64_t running_us(int thousandths) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return (int64_t)thousandths * (PERIOD_US / 1000) / (processors > 0 ? processors : 1);
}

/* Whether it is to end: it was sent SIGTERM, which waits for us here. */
static bool is_told_to_end(int64_t us) {
    const struct timespec span = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000 * 1000)};
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    return sigtimedwait(&end, NULL, &span) == SIGTERM;
}

/* Whenever it ends, all of them run. */
static _Noreturn void stop_and_go(pid_t checker, int thousandths) {
    int64_t on_us = running_us(thousandths);
    while (!is_told_to_end(on_us) && proc_is_alive(checker)) {
        signal_all(checker, SIGSTOP);
        bool is_over = is_told_to_end(PERIOD_US - on_us);
        signal_all(checker, SIGCONT);
        if (is_over)
            break;
    }
    _exit(EXIT_SUCCESS);
}

static void start_stopper(struct processor_limit *limit) {
    pid_t parent = getpid();
    sigset_t end, before;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, &before); /* from its first moment on */
    limit->stopper = test_fork();
    if (limit->stopper == 0) {
        process_die_with_parent(parent);
        stop_and_go(limit->checker, limit->thousandths);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void end_stopper(struct processor_limit *limit) {
    if (limit->stopper > 0) {
        kill(limit->stopper, SIGTERM);
        waitpid(limit->stopper, NULL, 0);
    }
    limit->stopper = 0;
}

/* -- both -- */

void processor_limit_apply(struct processor_limit *limit, pid_t checker) {
    limit->checker = checker;
    if (limit->group[0])
        put(limit->before, "cgroup.procs", "0");
    else if (limit->thousandths > 0)
        start_stopper(limit);
}

void processor_limit_set(struct processor_limit *limit, int thousandths) {
    limit->thousandths = thousandths;
    if (limit->group[0]) {
        ck_assert(is_v1(limit) ? set_v1(limit) : set_v2(limit));
        return;
    }
    end_stopper(limit);
    if (thousandths > 0)
        start_stopper(limit);
}

const char *processor_limit_name(const struct processor_limit *limit) {
    if (!limit->group[0])
        return "SIGSTOP";
    return is_v1(limit) ? "cgroup v1" : "cgroup v2";
}

void processor_limit_end(struct processor_limit *limit) {
    end_stopper(limit);
    give_up_group(limit);
}
