/* End to end: the sandbox. The program with a deliberate hole in its responder (tests/hole.c) tries what
 * somebody would try who has taken it over; each attempt is made once with the sandbox, and once without, as
 * proof that it would reach the kernel. */
#include "base/str.h"
#include "e2e/world.h"
#include "harness/proc.h"
#include "harness/sandbox.h"
#include "harness/skip.h"
#include "harness/wait.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SOON_MS = 3000 };

/* What the attempt's answer must be where only Landlock, the limits and the checker's own care are left. */
enum left { LEFT_OPEN, LEFT_SHUT, LEFT_SHUT_BY_4, LEFT_SHUT_BY_6 };

/* In the control: any answer of the kernel will do, or it must succeed. */
enum control { ANY, SUCCEEDS };

static const struct attempt {
    const char *name;
    const char *system_call; /* that the violation names; NULL: the kernel ends the process without a word */
    enum control control;
    enum left left;
} ATTEMPTS[] = {
    {"open", "openat", SUCCEEDS, LEFT_SHUT},
#ifdef SYS_open
    {"open_old", "open", SUCCEEDS, LEFT_SHUT},
#endif
    {"open_new", "openat2", SUCCEEDS, LEFT_SHUT},
    {"make_file", "openat", SUCCEEDS, LEFT_SHUT},
    {"environment", "openat", ANY, LEFT_SHUT},
    {"memory_file", "openat", ANY, LEFT_SHUT},
    {"socket", "socket", SUCCEEDS, LEFT_OPEN},
    {"socketpair", "socketpair", SUCCEEDS, LEFT_OPEN},
    {"connect", "connect", ANY, LEFT_SHUT_BY_4},
    {"bind", "bind", ANY, LEFT_SHUT_BY_4},
    {"fastopen", "sendto", ANY, LEFT_OPEN},
    {"shutdown", "shutdown", SUCCEEDS, LEFT_OPEN},
    {"execve", "execve", ANY, LEFT_OPEN},
    {"execveat", "execveat", ANY, LEFT_OPEN},
#ifdef SYS_fork
    {"fork", "fork", SUCCEEDS, LEFT_OPEN},
#endif
    {"clone", "clone", SUCCEEDS, LEFT_OPEN},
    {"clone3", "clone3", SUCCEEDS, LEFT_OPEN},
    {"ptrace", "ptrace", ANY, LEFT_SHUT},
    {"read_memory", "process_vm_readv", ANY, LEFT_SHUT},
    {"write_memory", "process_vm_writev", ANY, LEFT_SHUT},
    {"kill", "kill", SUCCEEDS, LEFT_SHUT_BY_6},
    {"tgkill", "tgkill", SUCCEEDS, LEFT_SHUT_BY_6},
    {"pidfd", "pidfd_open", SUCCEEDS, LEFT_OPEN},
    {"map_code", "mmap", SUCCEEDS, LEFT_OPEN},
    {"make_code", "mprotect", SUCCEEDS, LEFT_OPEN},
    {"io_uring", "io_uring_setup", ANY, LEFT_OPEN},
    {"memfd", "memfd_create", SUCCEEDS, LEFT_OPEN},
    {"userfaultfd", "userfaultfd", ANY, LEFT_OPEN},
    {"bpf", "bpf", ANY, LEFT_OPEN},
    {"setns", "setns", ANY, LEFT_OPEN},
    {"unshare", "unshare", SUCCEEDS, LEFT_OPEN},
    {"prctl", "prctl", SUCCEEDS, LEFT_OPEN},
    {"sigaction", "rt_sigaction", SUCCEEDS, LEFT_OPEN},
    {"prlimit", "prlimit64", SUCCEEDS, LEFT_OPEN},
    {"setsockopt", "setsockopt", SUCCEEDS, LEFT_OPEN},
    {"ioctl", "ioctl", ANY, LEFT_OPEN},
#ifdef __x86_64__
    {"x32", NULL, ANY, LEFT_OPEN},
#endif
};

enum { ATTEMPT_COUNT = sizeof ATTEMPTS / sizeof ATTEMPTS[0] };

/* A world whose program is the one with the hole. */
static struct world *hole_new(void) {
    char path[4096];
    struct world *world = world_new();
    snprintf(path, sizeof path, "%s-hole", program_path());
    ck_assert_msg(access(path, X_OK) == 0, "%s is not there", path);
    setenv("BH_PROGRAM", path, 1); /* of this test's process only */
    return world;
}

/* Has the responder make the attempt. Returns the status of the answer, 0 where none came. */
static int attempt(struct world *world, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/hole/%s/%d", name, (int)world->daemon.checker);
    return world_get(world, path);
}

static int landlock_version(void) {
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
}

/* -- every attempt -- */

START_TEST(an_attempt_ends_the_responder_and_is_logged) {
    const struct attempt *what = &ATTEMPTS[_i];
    struct world *world = hole_new();
    char call[64];
    if (sandbox_lack()) {
        if (_i == 0)
            skip_test("an_attempt_ends_the_responder_and_is_logged", sandbox_lack());
        free(world);
        return;
    }
    world_start(world);
    ck_assert_int_eq(attempt(world, what->name), 0);
    ck_assert_int_gt(daemon_wait_exit(&world->daemon, SOON_MS), 0);
    char *log = daemon_log(&world->daemon);
    snprintf(call, sizeof call, "system_call=%s ", what->system_call ? what->system_call : "");
    ck_assert_msg(
        what->system_call == NULL ||
            daemon_log_lines(&world->daemon, "process=responder event=\"sandbox violation\"", call) == 1,
        "%s: not told:\n%s", what->name, log);
    ck_assert_msg(
        daemon_log_lines(&world->daemon, "process=checker event=\"responder gone\"", "sandbox forbids") == 1,
        "%s: the checker does not say it:\n%s", what->name, log);
    ck_assert_msg(
        daemon_log_lines(&world->daemon, "event=hole", "") == 0, "%s: came back:\n%s", what->name, log);
    free(log);
    free(world);
}
END_TEST

/* The answer to the attempt, as it stands in the log: an errno, 0 for success. */
static int errno_of(const struct world *world, const char *name) {
    char key[64];
    snprintf(key, sizeof key, "attempt=%s errno=", name);
    ck_assert_msg(daemon_wait_log(&world->daemon, "event=hole", key, SOON_MS), "%s: no line", name);
    char *log = daemon_log(&world->daemon);
    int number = (int)strtol(strstr(log, key) + strlen(key), NULL, 10);
    free(log);
    return number;
}

START_TEST(without_the_sandbox_each_of_them_reaches_the_kernel) {
    const struct attempt *what = &ATTEMPTS[_i];
    static const char *const OFF[] = {"--sandbox=off", NULL};
    struct world *world = hole_new();
    world_start_with(world, OFF, 0);
    ck_assert_int_eq(attempt(world, what->name), 200);
    int number = errno_of(world, what->name);
    ck_assert_msg(what->control == ANY || number == 0, "%s: %s", what->name, strerror(number));
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "sandbox violation", ""), 0);
    ck_assert(proc_is_alive(world->daemon.responder));
    ck_assert_int_eq(
        daemon_log_lines(&world->daemon, "level=warning process=responder event=sandbox sandbox=off", ""), 1);
    world_end(world);
}
END_TEST

/* -- from a worker -- */

/* How a worker would come by what another check's worker knows, or the checker. */
static const struct {
    const char *name, *system_call; /* NULL: the kernel refuses, and the worker lives */
} REACHES[] = {
    {"memory_file", NULL},
    {"environment", NULL},
    {"read_memory", "process_vm_readv"},
    {"write_memory", "process_vm_writev"},
    {"ptrace", "ptrace"},
    {"execve", "execve"},
};
enum { REACH_COUNT = sizeof REACHES / sizeof REACHES[0] };

START_TEST(a_worker_reaches_nobody_elses_memory) {
    struct world *world = hole_new();
    const char *call = REACHES[_i].system_call;
    if (sandbox_lack() || landlock_version() < 1) {
        if (_i == 0)
            skip_test("a_worker_reaches_nobody_elses_memory",
                sandbox_lack() ? sandbox_lack() : "this kernel has no Landlock");
        free(world);
        return;
    }
    envlist_set(&world->environment, "BH_HOLE_WORKER=%s", REACHES[_i].name);
    world_start_with(world, NULL, 0);
    if (call)
        world_await_check(world, "default", "error: crashed", SOON_MS);
    else
        world_await(world, "/health/ready/", 200, "\"failed\": []", SOON_MS); /* each worker has tried */
    char *log = daemon_log(&world->daemon);
    const char *told = call ? "event=\"sandbox violation\"" : "event=hole";
    ck_assert_msg(daemon_log_lines(&world->daemon, told, call ? call : REACHES[_i].name) > 0, "%s", log);
    ck_assert_msg(daemon_log_lines(&world->daemon, "event=hole", "errno=0") == 0, "%s", log);
    free(log);
    world_end(world);
}
END_TEST

/* Of the family: what looks into other processes is given up, for Landlock does not keep it from root. */
START_TEST(nobody_keeps_the_capabilities_to_look_into_others) {
    static const char *const SETS[] = {"CapEff", "CapPrm", "CapInh"};
    const uint64_t looking = UINT64_C(1) << 19 | UINT64_C(1) << 21 | UINT64_C(1) << 38;
    pid_t all[8] = {0};
    struct world *world = world_new();
    world_start(world);
    all[0] = world->daemon.checker;
    all[1] = proc_nursery(all[0]);
    int count = 2 + proc_family(all[0], all + 2, 6);
    ck_assert_int_ge(count, 4);
    for (int i = 0; i < count; i++)
        for (size_t set = 0; set < sizeof SETS / sizeof SETS[0]; set++)
            ck_assert_uint_eq(proc_status_bits(all[i], SETS[set]) & looking, 0);
    world_end(world);
}
END_TEST

/* -- a kernel that lacks something -- */

static void start_on_old_kernel(struct world *world, const char *lacks) {
    envlist_set(&world->environment, "BH_HOLE_KERNEL_LACKS=%s", lacks);
    world_start(world);
}

static bool is_shut(const struct attempt *what) {
    int version = landlock_version();
    return (what->left == LEFT_SHUT && version >= 1) || (what->left == LEFT_SHUT_BY_4 && version >= 4) ||
           (what->left == LEFT_SHUT_BY_6 && version >= 6);
}

START_TEST(without_seccomp_landlock_still_shuts_files_and_the_checker) {
    struct world *world = hole_new();
    start_on_old_kernel(world, "seccomp");
    for (size_t i = 0; i < ATTEMPT_COUNT; i++) {
        if (!is_shut(&ATTEMPTS[i]))
            continue;
        ck_assert_int_eq(attempt(world, ATTEMPTS[i].name), 200);
        int number = errno_of(world, ATTEMPTS[i].name);
        ck_assert_msg(number == EACCES || number == EPERM, "%s: %s", ATTEMPTS[i].name, strerror(number));
    }
    world_end(world);
}
END_TEST

/* Of root everything is open by then, but for what the kernel keeps from everybody. */
START_TEST(without_both_the_checkers_own_care_keeps_its_memory_from_its_user) {
    static const char *const SECRETS[] = {
        "environment", "memory_file", "ptrace", "read_memory", "write_memory"};
    if (geteuid() == 0) {
        skip_test(
            "without_both_the_checkers_own_care_keeps_its_memory_from_its_user", "root may look anywhere");
        return;
    }
    struct world *world = hole_new();
    start_on_old_kernel(world, "seccomp landlock");
    for (size_t i = 0; i < sizeof SECRETS / sizeof SECRETS[0]; i++) {
        ck_assert_int_eq(attempt(world, SECRETS[i]), 200);
        int number = errno_of(world, SECRETS[i]);
        ck_assert_msg(number == EACCES || number == EPERM, "%s: %s", SECRETS[i], strerror(number));
    }
    world_end(world);
}
END_TEST

static const char *const LACKS[] = {"seccomp", "landlock", "seccomp landlock"};

START_TEST(what_the_kernel_lacks_is_one_warning_and_it_serves_all_the_same) {
    bool has_landlock = landlock_version() > 0 && !strstr(LACKS[_i], "landlock");
    bool has_seccomp = !sandbox_lack() && !strstr(LACKS[_i], "seccomp");
    struct world *world = hole_new();
    start_on_old_kernel(world, LACKS[_i]);
    world_await(world, "/health/ready/", 200, "\"ok\"", SOON_MS);
    char *log = daemon_log(&world->daemon);
    ck_assert_msg(daemon_log_lines(&world->daemon, "level=warning", "") == 1, "not one warning:\n%s", log);
    ck_assert_msg(
        daemon_log_lines(&world->daemon, "level=warning process=responder event=sandbox", "missing=") == 1,
        "it does not say what is missing:\n%s", log);
    ck_assert_msg(
        (daemon_log_lines(&world->daemon, "event=sandbox", "landlock: ") == 0) == has_landlock, "%s", log);
    ck_assert_msg(
        (daemon_log_lines(&world->daemon, "event=sandbox", "seccomp: ") == 0) == has_seccomp, "%s", log);
    free(log);
    world_end(world);
}
END_TEST

/* -- a container's profile that is older than the C library -- */

static const int REFUSALS[] = {EPERM, ENOSYS, EACCES};

START_TEST(what_a_profile_refuses_is_no_permission_that_a_file_lacks) {
    struct world *world = hole_new();
    envlist_set(&world->environment, "BH_HOLE_PROFILE_REFUSES=%d", REFUSALS[_i]);
    world_start(world);
    world_await(world, "/health/ready/", 200, "\"ok\"", SOON_MS);
    char *log = daemon_log(&world->daemon);
    ck_assert_msg(!strstr(log, "permission"), "%s", log);
    free(log);
    world_end(world);
}
END_TEST

/* -- the program as it is shipped -- */

START_TEST(the_program_says_what_is_in_force) {
    struct world *world = world_new();
    world_start(world);
    bool is_whole = !sandbox_lack() && landlock_version() > 0;
    char *log = daemon_log(&world->daemon);
    ck_assert_msg(daemon_log_lines(&world->daemon, "process=responder event=sandbox",
                      is_whole ? "sandbox=\"seccomp landlock=" : "missing=") == 1,
        "%s", log);
    free(log);
    world_end(world);
}
END_TEST

static bool file_holds(const char *path, const char *text) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "%s: %s", path, strerror(errno));
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    ck_assert(data != MAP_FAILED);
    bool holds = memmem(data, (size_t)st.st_size, text, strlen(text)) != NULL;
    munmap(data, (size_t)st.st_size);
    close(fd);
    return holds;
}

START_TEST(the_shipped_program_has_no_hole) {
    char hole[4096];
    snprintf(hole, sizeof hole, "%s-hole", program_path());
    ck_assert(file_holds(hole, "/hole/"));
    ck_assert(!file_holds(program_path(), "/hole/"));
    ck_assert(!file_holds(program_path(), "__wrap_page_table_answer"));
    struct world *world = world_new();
    world_start(world);
    ck_assert_int_eq(attempt(world, "open"), 404);
    world_end(world);
}
END_TEST

/* -- the processes -- */

START_TEST(both_processes_are_shut_in) {
    struct world *world = world_new();
    world_start(world);
    const pid_t both[] = {world->daemon.checker, world->daemon.responder};
    int64_t own = proc_status_number(getpid(), "Seccomp"); /* a container's profile */
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(proc_status_number(both[i], "NoNewPrivs"), 1);
        ck_assert_int_eq(proc_status_number(both[i], "Seccomp"), sandbox_lack() ? own : 2);
    }
    world_end(world);
}
END_TEST

/* Whether the pages of that name in /proc/PID/smaps are left out of cores ("dd", proc(5)). */
static bool is_left_out_of_cores(const char *smaps, const char *name) {
    const char *at = strstr(smaps, name), *flags = at ? strstr(at, "VmFlags:") : NULL;
    const char *end = flags ? strchr(flags, '\n') : NULL;
    ck_assert_msg(end != NULL, "no flags of %s", name);
    return memmem(flags, (size_t)(end - flags), " dd", 3) != NULL;
}

START_TEST(what_holds_the_checkers_secrets_is_left_out_of_cores) {
    enum { SMAPS_SIZE = 1 << 18 };
    struct world *world = world_new();
    char path[64], *smaps = malloc(SMAPS_SIZE);
    world_start(world);
    snprintf(path, sizeof path, "/proc/%d/smaps", (int)world->daemon.checker);
    if (program_read_file(path, smaps, SMAPS_SIZE) == 0) {
        skip_test("what_holds_the_checkers_secrets_is_left_out_of_cores",
            "our processes are not dumpable: only root may look");
    } else {
        ck_assert(is_left_out_of_cores(smaps, "[stack]"));
        ck_assert(world_is_sanitized() || is_left_out_of_cores(smaps, "[heap]"));
    }
    free(smaps);
    world_end(world);
}
END_TEST

START_TEST(a_value_that_makes_no_sense_is_refused) {
    struct world *world = world_new();
    envlist_set(&world->environment, "BUGSINK_HEALTH_SANDBOX=maybe");
    world->daemon.port = daemon_free_port();
    const struct daemon_setup setup = {.environment = &world->environment};
    daemon_spawn(&world->daemon, &setup);
    ck_assert_int_eq(daemon_wait_exit(&world->daemon, SOON_MS), 2);
    ck_assert_int_eq(daemon_log_lines(&world->daemon, "BUGSINK_HEALTH_SANDBOX", "on, off"), 1);
    free(world);
}
END_TEST

Suite *e2e_sandbox_suite(void) {
    Suite *suite = suite_create("e2e_sandbox");
    TCase *tcase = tcase_create("attempts");
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, an_attempt_ends_the_responder_and_is_logged, 0, ATTEMPT_COUNT);
    tcase_add_loop_test(tcase, without_the_sandbox_each_of_them_reaches_the_kernel, 0, ATTEMPT_COUNT);
    tcase_add_loop_test(tcase, a_worker_reaches_nobody_elses_memory, 0, REACH_COUNT);
    tcase_add_test(tcase, nobody_keeps_the_capabilities_to_look_into_others);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("kernels");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, without_seccomp_landlock_still_shuts_files_and_the_checker);
    tcase_add_test(tcase, without_both_the_checkers_own_care_keeps_its_memory_from_its_user);
    tcase_add_loop_test(tcase, what_the_kernel_lacks_is_one_warning_and_it_serves_all_the_same, 0,
        sizeof LACKS / sizeof LACKS[0]);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("program");
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, what_a_profile_refuses_is_no_permission_that_a_file_lacks, 0,
        sizeof REFUSALS / sizeof REFUSALS[0]);
    tcase_add_test(tcase, the_program_says_what_is_in_force);
    tcase_add_test(tcase, the_shipped_program_has_no_hole);
    tcase_add_test(tcase, both_processes_are_shut_in);
    tcase_add_test(tcase, what_holds_the_checkers_secrets_is_left_out_of_cores);
    tcase_add_test(tcase, a_value_that_makes_no_sense_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
