/* Tests of the filters that tools/filters.c makes, of all architectures and on each: an interpreter asks them
 * about every row of the lists, every number, and what must never be allowed. The numbers are the kernel's
 * own. */
#include "../../tools/rules.h"
#include "base/bpf.h"
#include "base/filters.h"
#include "harness/fork.h"
#include "harness/program.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { NONE = -1, ARGUMENTS = 6, ROWS_MAX = 128, NUMBERS = 1024, BITS = 64 };
#define X32 0x40000000u /* and above: x86_64's numbers for programs with short pointers */

/* -- the architectures, and the numbers they have for system calls -- */

enum { X86_64, AARCH64, ARCHITECTURES };

static const struct filters *const MADE[ARCHITECTURES] = {&FILTERS_OF_X86_64, &FILTERS_OF_AARCH64};
static const char *const MACHINES[ARCHITECTURES] = {"x86_64", "aarch64"};

static const struct {
    const char *name;
    int numbers[ARCHITECTURES];
} CALLS[] = {
#define CALL(name, x86_64, aarch64) {#name, {(x86_64), (aarch64)}},
#include "system_calls.inc"
};

static int number_of(int arch, const char *name) {
    for (size_t i = 0; i < COUNT(CALLS); i++)
        if (strcmp(CALLS[i].name, name) == 0)
            return CALLS[i].numbers[arch];
    ck_abort_msg("%s: no number in system_calls.inc", name);
    return NONE;
}

/* -- what a list says, without BPF -- */

struct list {
    const char *name;
    const struct filter *filter;
    int arch;
    struct rule rows[ROWS_MAX];
    int numbers[ROWS_MAX]; /* of the rows */
    size_t count;
    uint32_t listed, otherwise; /* what is answered to a row that refuses with no error; to what is no row */
};

static void list_add(struct list *list, const struct rule *rows, size_t count) {
    ck_assert_uint_le(list->count + count, ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        list->numbers[list->count] = number_of(list->arch, rows[i].name);
        list->rows[list->count++] = rows[i];
    }
}

static void list_add_names(struct list *list, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        list_add(list, &(struct rule){.name = names[i]}, 1);
}

enum { OF_RESPONDER, OF_CHECKER, OF_NO_NETWORK, LISTS };

static struct list list_of(int arch, int which) {
    const struct filters *made = MADE[arch];
    struct list list = {.arch = arch, .listed = SECCOMP_RET_TRAP, .otherwise = SECCOMP_RET_ALLOW};
    if (which == OF_RESPONDER) {
        list = (struct list){"the responder", &made->responder, .arch = arch, .listed = SECCOMP_RET_ALLOW,
            .otherwise = SECCOMP_RET_TRAP};
        list_add(&list, RESPONDER, COUNT(RESPONDER));
    } else if (which == OF_CHECKER) {
        list.name = "the checker", list.filter = &made->checker;
        list_add_names(&list, NEVER, COUNT(NEVER));
        list_add(&list, NO_NAMESPACES, COUNT(NO_NAMESPACES));
    } else {
        list.name = "who has nobody to talk to", list.filter = &made->no_network;
        list_add_names(&list, NO_NETWORK, COUNT(NO_NETWORK));
    }
    return list;
}

static uint32_t answer_of(const struct list *list, const struct rule *row) {
    return row->refusal ? SECCOMP_RET_ERRNO | row->refusal : list->listed;
}

static bool holds(const struct rule *row, const uint64_t *arguments) {
    for (size_t i = 0; i < COUNT(row->conditions); i++) {
        const struct condition *condition = &row->conditions[i];
        if ((arguments[condition->argument] & condition->mask) != condition->value)
            return false;
    }
    return true;
}

static uint32_t wanted(const struct list *list, int arch, uint32_t number, const uint64_t *arguments) {
    if (arch == X86_64 && number >= X32 && number != UINT32_MAX)
        return SECCOMP_RET_KILL_PROCESS;
    for (size_t i = 0; i < list->count; i++)
        if (list->numbers[i] == (int)number && (int)number != NONE && holds(&list->rows[i], arguments))
            return answer_of(list, &list->rows[i]);
    return list->otherwise;
}

/* -- asking -- */

static uint32_t answered(
    const struct filter *filter, uint32_t audit_arch, uint32_t number, const uint64_t *arguments) {
    struct seccomp_data call = {.nr = (int)number, .arch = audit_arch};
    uint32_t answer = 0;
    memcpy(call.args, arguments, sizeof call.args);
    if (!bpf_run(filter->instructions, filter->count, &call, &answer))
        ck_abort_msg("the kernel would not take this filter");
    return answer;
}

static void expect(const struct list *list, int arch, uint32_t number, const uint64_t *arguments,
    uint32_t expected, const char *what) {
    uint32_t answer = answered(list->filter, MADE[arch]->audit_arch, number, arguments);
    if (answer != expected)
        ck_abort_msg("%s, %s: %s (%u) of %llx %llx %llx %llx %llx: 0x%x, not 0x%x", MACHINES[arch],
            list->name, what, number, (unsigned long long)arguments[0], (unsigned long long)arguments[1],
            (unsigned long long)arguments[2], (unsigned long long)arguments[3],
            (unsigned long long)arguments[4], answer, expected);
}

/* Arguments that meet a row's conditions; all bits that the row does not ask about are as those of rest. */
static void meet(const struct rule *row, uint64_t rest, uint64_t arguments[ARGUMENTS]) {
    for (size_t i = 0; i < ARGUMENTS; i++)
        arguments[i] = rest;
    for (size_t i = 0; i < COUNT(row->conditions); i++) {
        const struct condition *condition = &row->conditions[i];
        uint64_t *argument = &arguments[condition->argument];
        *argument = (*argument & ~condition->mask) | condition->value;
    }
}

/* A row as it stands, and with each bit that it asks about turned over. */
static void ask_row(const struct list *list, int arch, const struct rule *row, uint64_t rest) {
    uint64_t arguments[ARGUMENTS];
    uint32_t number = (uint32_t)number_of(arch, row->name);
    meet(row, rest, arguments);
    expect(list, arch, number, arguments, answer_of(list, row), row->name);
    for (size_t i = 0; i < COUNT(row->conditions); i++)
        for (int bit = 0; bit < BITS; bit++) {
            uint64_t *argument = &arguments[row->conditions[i].argument];
            *argument ^= UINT64_C(1) << bit;
            expect(list, arch, number, arguments, wanted(list, arch, number, arguments), row->name);
            *argument ^= UINT64_C(1) << bit;
        }
}

/* -- tests, of each architecture and each list -- */

START_TEST(every_row_of_a_list_is_answered_as_it_says_and_no_further) {
    int arch = _i / LISTS, has = 0;
    struct list list = list_of(arch, _i % LISTS);
    for (size_t i = 0; i < list.count; i++) {
        if (list.numbers[i] == NONE)
            continue;
        ask_row(&list, arch, &list.rows[i], 0);
        ask_row(&list, arch, &list.rows[i], UINT64_MAX);
        has++;
    }
    ck_assert_int_gt(has, _i % LISTS == OF_NO_NETWORK ? 9 : 30);
}
END_TEST

START_TEST(a_row_is_a_call_of_some_architecture) {
    struct list list = list_of(X86_64, _i);
    for (size_t i = 0; i < list.count; i++)
        if (number_of(X86_64, list.rows[i].name) == NONE && number_of(AARCH64, list.rows[i].name) == NONE)
            ck_abort_msg("%s: who has that?", list.rows[i].name);
}
END_TEST

START_TEST(a_number_that_no_list_names_is_answered_like_all_others) {
    int arch = _i / LISTS;
    struct list list = list_of(arch, _i % LISTS);
    const uint64_t zeros[ARGUMENTS] = {0};
    uint64_t ones[ARGUMENTS];
    memset(ones, 0xff, sizeof ones);
    for (uint32_t n = 0; n < 2 * NUMBERS; n++) {
        uint32_t number = n < NUMBERS ? n : X32 + n - NUMBERS;
        expect(&list, arch, number, zeros, wanted(&list, arch, number, zeros), "a number");
        expect(&list, arch, number, ones, wanted(&list, arch, number, ones), "a number");
    }
    expect(&list, arch, UINT32_MAX, zeros, list.otherwise, "no system call"); /* a tracer has skipped it */
}
END_TEST

START_TEST(who_calls_in_another_architectures_way_is_ended) {
    static const uint32_t OTHERS[] = {0, 0x40000003 /* i386 */, 0x40000028 /* arm */, 0xc00000b7 ^ 1};
    const uint64_t zeros[ARGUMENTS] = {0};
    int arch = _i / LISTS;
    struct list list = list_of(arch, _i % LISTS);
    uint32_t theirs = MADE[ARCHITECTURES - 1 - arch]->audit_arch;
    for (uint32_t number = 0; number < NUMBERS; number++) {
        for (size_t i = 0; i < COUNT(OTHERS); i++)
            ck_assert_uint_eq(answered(list.filter, OTHERS[i], number, zeros), SECCOMP_RET_KILL_PROCESS);
        ck_assert_uint_eq(answered(list.filter, theirs, number, zeros), SECCOMP_RET_KILL_PROCESS);
    }
}
END_TEST

/* -- what must never be allowed, whatever the lists say -- */

/* To the checker and its children, and so to the responder. */
static const char *const NOT_TO_CHECKER[] = {"execve", "execveat", "ptrace", "process_vm_readv",
    "process_vm_writev", "pidfd_getfd", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
    "setgroups", "capset", "unshare", "setns", "clone3", "chroot", "pivot_root", "mount", "umount2",
    "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "mount_setattr", "open_by_handle_at",
    "swapon", "swapoff", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
    "reboot", "syslog", "acct", "iopl", "ioperm", "personality", "settimeofday", "clock_settime",
    "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "mknod", "mknodat"};

static const char *const NOT_TO_RESPONDER[] = {"open", "openat", "openat2", "creat", "name_to_handle_at",
    "unlink", "unlinkat", "rename", "renameat2", "linkat", "symlinkat", "mkdirat", "fchmodat", "fchownat",
    "truncate", "ftruncate", "chdir", "fchdir", "umask", "getdents64", "statx", "socket", "socketpair",
    "connect", "bind", "listen", "accept", "recvfrom", "recvmmsg", "sendmmsg", "getsockopt", "fork", "vfork",
    "clone", "kill", "tkill", "rt_sigqueueinfo", "pidfd_open", "pidfd_send_signal", "rt_sigaction",
    "memfd_create", "memfd_secret", "ioctl", "prlimit64", "setrlimit", "dup", "dup2", "dup3", "pipe2",
    "seccomp", "landlock_create_ruleset", "process_madvise", "shmget", "shmat", "msgget", "semget", "mq_open",
    "add_key", "keyctl", "request_key", "eventfd2", "signalfd4", "timerfd_create", "inotify_init1",
    "fanotify_init", "pkey_mprotect", "remap_file_pages", "splice", "tee", "vmsplice", "sendfile",
    "copy_file_range", "sched_setaffinity", "sched_setscheduler", "setpriority", "setpgid", "setsid",
    "arch_prctl", "close_range", "kcmp", "prctl", "rt_sigprocmask"};

/* Arguments of many kinds: every one of few bits, in every place. */
static void refuse(const struct list *list, int arch, const char *name) {
    int number = number_of(arch, name);
    for (int bits = 0; number != NONE && bits < ARGUMENTS * BITS; bits++) {
        uint64_t arguments[ARGUMENTS] = {0};
        arguments[bits / BITS] = UINT64_C(1) << bits % BITS;
        uint32_t answer = answered(list->filter, MADE[arch]->audit_arch, (uint32_t)number, arguments);
        if (answer == SECCOMP_RET_ALLOW)
            ck_abort_msg("%s: %s is allowed to %s", MACHINES[arch], name, list->name);
    }
}

START_TEST(what_must_never_be_allowed_is_not) {
    struct list checker = list_of(_i, OF_CHECKER), responder = list_of(_i, OF_RESPONDER);
    for (size_t i = 0; i < COUNT(NOT_TO_CHECKER); i++) {
        refuse(&checker, _i, NOT_TO_CHECKER[i]);
        refuse(&responder, _i, NOT_TO_CHECKER[i]);
    }
    for (size_t i = 0; i < COUNT(NOT_TO_RESPONDER); i++)
        refuse(&responder, _i, NOT_TO_RESPONDER[i]);
}
END_TEST

/* What is allowed in one way is not in those others that somebody would want. */
START_TEST(what_is_allowed_in_part_is_allowed_in_that_part_only) {
    static const struct {
        const char *name;
        uint64_t arguments[ARGUMENTS];
    } REFUSED[] = {
        {"mmap", {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS}},
        {"mmap", {0, 4096, PROT_READ, MAP_PRIVATE, 5}},
        {"mprotect", {0x10000, 4096, PROT_READ | PROT_EXEC}},
        {"shutdown", {5, SHUT_RD}},
        {"shutdown", {5, SHUT_RDWR}},
        {"sendto", {5, 0x10000, 1, MSG_NOSIGNAL | MSG_DONTWAIT, 0x20000, 16}},
        {"sendto", {5, 0x10000, 1, MSG_NOSIGNAL | MSG_DONTWAIT | MSG_FASTOPEN, 0}},
        {"sendmsg", {5, 0x10000, MSG_NOSIGNAL | MSG_FASTOPEN}},
        {"setsockopt", {5, SOL_SOCKET, SO_REUSEPORT}},
        {"setsockopt", {5, IPPROTO_TCP, TCP_DEFER_ACCEPT}},
        {"fcntl", {5, F_SETOWN, 1}},
        {"fcntl", {5, F_SETFL, O_ASYNC}},
        {"tgkill", {1, 1, SIGABRT}},
        {"tgkill", {OWN_PID, OWN_PID, SIGKILL}},
        {"writev", {5, 0x10000, 1}},
        {"accept4", {5, 0, 0, 0}},
    };
    struct list responder = list_of(_i, OF_RESPONDER);
    for (size_t i = 0; i < COUNT(REFUSED); i++)
        expect(&responder, _i, (uint32_t)number_of(_i, REFUSED[i].name), REFUSED[i].arguments,
            SECCOMP_RET_TRAP, REFUSED[i].name);
}
END_TEST

/* glibc starts processes and threads by clone where clone3 is not there, and must be told so. */
START_TEST(the_checker_may_fork_and_make_no_namespace) {
    static const uint64_t NAMESPACES[] = {
        CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP};
    struct list checker = list_of(_i, OF_CHECKER);
    uint32_t number = (uint32_t)number_of(_i, "clone");
    uint64_t arguments[ARGUMENTS] = {0x01200000 | SIGCHLD}; /* as glibc forks */
    expect(&checker, _i, number, arguments, SECCOMP_RET_ALLOW, "clone");
    for (size_t i = 0; i < COUNT(NAMESPACES); i++) {
        arguments[0] = NAMESPACES[i] | SIGCHLD;
        expect(&checker, _i, number, arguments, SECCOMP_RET_TRAP, "clone");
    }
    expect(&checker, _i, (uint32_t)number_of(_i, "clone3"), arguments, SECCOMP_RET_ERRNO | ENOSYS, "clone3");
}
END_TEST

START_TEST(a_violation_is_told_by_its_own_name) {
    const struct filters *made = MADE[_i];
    const char *end = made->system_calls + made->system_calls_size;
    int found = 0, number = 0;
    for (const char *name = made->system_calls; name < end; name += strlen(name) + 1, number++)
        for (size_t i = 0; i < COUNT(CALLS); i++)
            if (CALLS[i].numbers[_i] == number) {
                ck_assert_str_eq(name, CALLS[i].name);
                found++;
            }
    for (size_t i = 0; i < COUNT(CALLS); i++)
        found -= CALLS[i].numbers[_i] != NONE;
    ck_assert_int_eq(found, 0);
}
END_TEST

/* -- the interpreter, and the program that makes filters -- */

START_TEST(the_interpreter_knows_each_instruction_and_refuses_what_is_none) {
    static const struct {
        struct sock_filter program[4];
        bool is_taken;
        uint32_t answer;
    } CASES[] = {
        {{{0x06, 0, 0, 7}}, true, 7},
        {{{0x20, 0, 0, 0}, {0x15, 1, 0, 9}, {0x06, 0, 0, 1}, {0x06, 0, 0, 2}}, true, 2},
        {{{0x20, 0, 0, 0}, {0x15, 1, 0, 8}, {0x06, 0, 0, 1}, {0x06, 0, 0, 2}}, true, 1},
        {{{0x20, 0, 0, 0}, {0x25, 1, 0, 9}, {0x06, 0, 0, 1}, {0x06, 0, 0, 2}}, true, 1},
        {{{0x20, 0, 0, 0}, {0x25, 1, 0, 8}, {0x06, 0, 0, 1}, {0x06, 0, 0, 2}}, true, 2},
        {{{0x20, 0, 0, 0}, {0x35, 1, 0, 9}, {0x06, 0, 0, 1}, {0x06, 0, 0, 2}}, true, 2},
        {{{0x20, 0, 0, 0}, {0x35, 1, 0, 10}, {0x06, 0, 0, 1}, {0x06, 0, 0, 2}}, true, 1},
        {{{0x20, 0, 0, 0}, {0x45, 1, 0, 8}, {0x06, 0, 0, 1}, {0x06, 0, 0, 2}}, true, 2},
        {{{0x20, 0, 0, 0}, {0x45, 1, 0, 6}, {0x06, 0, 0, 1}, {0x06, 0, 0, 2}}, true, 1},
        {{{0x05, 0, 0, 1}, {0x06, 0, 0, 1}, {0x06, 0, 0, 2}}, true, 2},
        {{{0x05, 0, 0, 9}, {0x06, 0, 0, 1}}, false, 0},  /* out of the program */
        {{{0x20, 0, 0, 64}, {0x06, 0, 0, 1}}, false, 0}, /* out of the call */
        {{{0x20, 0, 0, 2}, {0x06, 0, 0, 1}}, false, 0},
        {{{0x16, 0, 0, 0}}, false, 0}, /* what is in the accumulator */
        {{{0x20, 0, 0, 0}, {0x20, 0, 0, 0}, {0x20, 0, 0, 0}, {0x20, 0, 0, 0}}, false, 0},
    };
    const struct seccomp_data call = {.nr = 9};
    uint32_t answer = 0;
    bool is_taken = bpf_run(CASES[_i].program, 4, &call, &answer);
    ck_assert_int_eq(is_taken, CASES[_i].is_taken);
    if (is_taken)
        ck_assert_uint_eq(answer, CASES[_i].answer);
}
END_TEST

/* A kernel, or an emulator, that has never heard of seccomp. Returns false where none can be played. */
static bool play_a_kernel_without_seccomp(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {COUNT(filter), filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

enum { IS_FOREIGN = 77 }; /* a cross build's: it ran on the machine that built this */

static void make_without_seccomp(const char *machine, const char *made_path) {
    char maker[1024];
    program_beside(maker, sizeof maker, "filters/make-filters");
    int fd = open(made_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 && play_a_kernel_without_seccomp())
        execl(maker, maker, machine, (char *)NULL);
    _exit(errno == ENOEXEC ? IS_FOREIGN : 126);
}

static void expect_same(const char *made_path, const char *machine) {
    enum { SIZE = 65536 };
    char name[64], path[1024];
    char *now = malloc(SIZE), *then = malloc(SIZE);
    snprintf(name, sizeof name, "filters/base/filters-%s.inc", machine);
    program_beside(path, sizeof path, name);
    ck_assert_uint_gt(program_read_file(path, then, SIZE), 1000);
    program_read_file(made_path, now, SIZE);
    if (strcmp(now, then) != 0) /* they are too long to be printed */
        ck_abort_msg("%s: made otherwise without seccomp", machine);
    free(now);
    free(then);
}

START_TEST(filters_are_made_without_the_kernels_help) {
    char *dir = tempdir_new(), *made_path = tempdir_path(dir, "made");
    pid_t pid = test_fork();
    if (pid == 0)
        make_without_seccomp(MACHINES[_i], made_path);
    int status = -1;
    ck_assert(program_wait(pid, 20000, &status));
    if (WEXITSTATUS(status) == IS_FOREIGN) {
        skip_test("filters_are_made_without_the_kernels_help", "they were made on another machine");
    } else {
        ck_assert_int_eq(WEXITSTATUS(status), 0);
        expect_same(made_path, MACHINES[_i]);
    }
    free(made_path);
    free(dir);
}
END_TEST

Suite *filters_suite(void) {
    Suite *suite = suite_create("filters");
    TCase *tcase = tcase_create("filters");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    int filters = ARCHITECTURES * LISTS;
    tcase_add_loop_test(tcase, every_row_of_a_list_is_answered_as_it_says_and_no_further, 0, filters);
    tcase_add_loop_test(tcase, a_row_is_a_call_of_some_architecture, 0, LISTS);
    tcase_add_loop_test(tcase, a_number_that_no_list_names_is_answered_like_all_others, 0, filters);
    tcase_add_loop_test(tcase, who_calls_in_another_architectures_way_is_ended, 0, filters);
    tcase_add_loop_test(tcase, what_must_never_be_allowed_is_not, 0, ARCHITECTURES);
    tcase_add_loop_test(tcase, what_is_allowed_in_part_is_allowed_in_that_part_only, 0, ARCHITECTURES);
    tcase_add_loop_test(tcase, the_checker_may_fork_and_make_no_namespace, 0, ARCHITECTURES);
    tcase_add_loop_test(tcase, a_violation_is_told_by_its_own_name, 0, ARCHITECTURES);
    tcase_add_loop_test(tcase, the_interpreter_knows_each_instruction_and_refuses_what_is_none, 0, 15);
    tcase_add_loop_test(tcase, filters_are_made_without_the_kernels_help, 0, ARCHITECTURES);
    return suite;
}
