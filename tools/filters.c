/* Makes the sandbox's seccomp filters, at build time: prints them as C, for src/base/sandbox.c.
 *
 *     filters MACHINE     ("x86_64-linux-gnu": what `cc -dumpmachine` says of the target)
 *
 * So the program needs no libseccomp where it runs, and loads a filter with one system call. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Stands in a filter for the number of the process that loads it: see load in src/base/sandbox.c. */
#define OWN_PID 0x5e1fbeefu

/* What the kernel's headers may be too old to name. */
#define PR_SET_VMA_NUMBER 0x53564d41u

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A rule: a system call, and what must hold of its arguments; what is not named holds. */
struct rule {
    const char *name;
    struct scmp_arg_cmp arguments[2];
    uint32_t refusal; /* an error, and the process goes on; 0: what its list is for */
};

/* The least significant 32 bits of an int argument count; the kernel looks at no others. */
#define IS(n, value)                                                                                         \
    { (n), SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)(value) }
#define HAS(n, bits)                                                                                         \
    { (n), SCMP_CMP_MASKED_EQ, (bits), (bits) }
#define HAS_NOT(n, bits)                                                                                     \
    { (n), SCMP_CMP_MASKED_EQ, (bits), 0 }
#define IS_NULL(n)                                                                                           \
    { (n), SCMP_CMP_EQ, 0, 0 }
#define WHERE(...) .arguments = {__VA_ARGS__}

/* The responder: all that serving needs, and nothing else; glibc 2.36 and 2.41, x86_64 and aarch64. The
 * commonest come first.
 *
 * Descriptors come from accept, from the link, and from nowhere else. shutdown of a listening socket for
 * reading would make it a free one again (tcp_disconnect), which MSG_FASTOPEN connects to anywhere: hence
 * SHUT_WR alone, and the flags of sendto and sendmsg as they are. */
static const struct rule RESPONDER[] = {
    {.name = "epoll_wait"},
    {.name = "epoll_pwait"},
    {.name = "epoll_pwait2"},
    {.name = "read"},
    {.name = "sendmsg", WHERE(IS(2, MSG_NOSIGNAL))},
    {.name = "accept4", WHERE(IS(3, SOCK_NONBLOCK | SOCK_CLOEXEC))},
    {.name = "close"},
    {.name = "epoll_ctl"},
    {.name = "shutdown", WHERE(IS(1, SHUT_WR))},
    {.name = "recvmsg", WHERE(IS(2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC))},
    {.name = "sendto", WHERE(IS(3, MSG_NOSIGNAL | MSG_DONTWAIT), IS_NULL(4))},
    {.name = "write"}, /* the log */
    {.name = "poll"},  /* the log's pipe; who waits at the listener; which descriptors are open */
    {.name = "ppoll"},
    {.name = "setsockopt", WHERE(IS(1, SOL_SOCKET), IS(2, SO_LINGER))},
    {.name = "setsockopt", WHERE(IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY))},
    {.name = "fcntl", WHERE(IS(1, F_DUPFD_CLOEXEC))}, /* the reserve for EMFILE */
    {.name = "fcntl", WHERE(IS(1, F_GETFL))},
    {.name = "fcntl", WHERE(IS(1, F_SETFL), HAS_NOT(2, O_ASYNC))},
    {.name = "pread64"},   /* /proc/self/statm, opened before */
    {.name = "getrusage"}, /* /metrics */
    /* Where the vdso cannot tell the time (another clock source, gVisor). */
    {.name = "clock_gettime"},
    {.name = "gettimeofday"},
    {.name = "time"},
    /* Memory: never any that can be executed, and never a file's. */
    {.name = "mmap", WHERE(HAS_NOT(2, PROT_EXEC), HAS(3, MAP_ANONYMOUS))},
    {.name = "mprotect", WHERE(HAS_NOT(2, PROT_EXEC))},
    {.name = "munmap"},
    {.name = "mremap"},
    {.name = "madvise"},
    {.name = "brk"},
    {.name = "sysinfo"}, /* qsort of glibc before 2.37 asks how much memory there is */
    {.name = "restart_syscall"},
    /* The end. abort() first unblocks SIGABRT: it is not blocked, and SIGSYS shall not be unblocked. */
    {.name = "rt_sigprocmask", .refusal = EPERM},
    {.name = "getpid"},
    {.name = "gettid"},
    {.name = "tgkill", WHERE(IS(0, OWN_PID), IS(2, SIGABRT))},
    {.name = "writev", WHERE(IS(0, STDERR_FILENO))}, /* the C library's last words */
    {.name = "exit"},
    {.name = "exit_group"},
    /* glibc 2.39 and later name their memory where a tunable says so; they do without. */
    {.name = "prctl", WHERE(IS(0, PR_SET_VMA_NUMBER)), .refusal = EINVAL},
};

/* The checker and its children: they open, connect and fork. What none of them ever does, and who has taken
 * one of them would like to do. Not here, for libraries may do them for us: the keyrings (Kerberos keeps its
 * tickets there), executable memory (dlopen). */
static const char *const NEVER[] = {
    /* another program */
    "execve",
    "execveat",
    /* another process's memory and descriptors */
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "pidfd_getfd",
    "kcmp",
    /* other users, namespaces and roots */
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setgroups",
    "setfsuid",
    "setfsgid",
    "capset",
    "unshare",
    "setns",
    "chroot",
    "pivot_root",
    /* mounts */
    "mount",
    "umount2",
    "open_tree",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "open_by_handle_at",
    "quotactl",
    "quotactl_fd",
    "swapon",
    "swapoff",
    /* the kernel, and the larger ways into it */
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "syslog",
    "fanotify_init",
    "lookup_dcookie",
    "acct",
    "iopl",
    "ioperm",
    "modify_ldt",
    "vm86",
    "vm86old",
    "personality",
    /* the machine's settings */
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "sethostname",
    "setdomainname",
    "mknod",
    "mknodat",
};

/* A namespace of one's own comes by clone as well as by unshare, and in that of users one has all
 * capabilities. The flags are clone's first argument on both architectures. clone3 has them in memory, which
 * no filter reads: the C library does with clone where the kernel lacks clone3. CLONE_NEWTIME only unshare
 * and clone3 take. */
static const struct rule NO_NAMESPACES[] = {
    {.name = "clone", WHERE(HAS(0, CLONE_NEWUSER))},
    {.name = "clone", WHERE(HAS(0, CLONE_NEWNS))},
    {.name = "clone", WHERE(HAS(0, CLONE_NEWNET))},
    {.name = "clone", WHERE(HAS(0, CLONE_NEWPID))},
    {.name = "clone", WHERE(HAS(0, CLONE_NEWIPC))},
    {.name = "clone", WHERE(HAS(0, CLONE_NEWUTS))},
    {.name = "clone", WHERE(HAS(0, CLONE_NEWCGROUP))},
    {.name = "clone3", .refusal = ENOSYS},
};

/* Children that look at files and have nobody to talk to, on top of that. */
static const char *const NO_NETWORK[] = {
    "socket",
    "socketpair",
    "connect",
    "bind",
    "listen",
    "accept",
    "accept4",
    "sendto",
    "sendmsg",
    "sendmmsg",
};

static void die(const char *what, int code) {
    fprintf(stderr, "filters: %s: %s\n", what, strerror(code < 0 ? -code : code));
    exit(EXIT_FAILURE);
}

static uint32_t arch_of(const char *machine) {
    static const struct {
        const char *prefix;
        uint32_t arch;
    } ARCHES[] = {{"x86_64-", SCMP_ARCH_X86_64}, {"aarch64-", SCMP_ARCH_AARCH64}};
    for (size_t i = 0; i < sizeof ARCHES / sizeof ARCHES[0]; i++)
        if (strncmp(machine, ARCHES[i].prefix, strlen(ARCHES[i].prefix)) == 0)
            return ARCHES[i].arch;
    return 0;
}

/* A filter that takes no other architecture's calls: a process that makes one is ended. */
static scmp_filter_ctx begin(uint32_t arch, uint32_t action) {
    scmp_filter_ctx ctx = seccomp_init(action);
    if (!ctx)
        die("seccomp_init", ENOMEM);
    int code = 0;
    if (arch != seccomp_arch_native())
        code = seccomp_arch_add(ctx, arch);
    if (code == 0 && arch != seccomp_arch_native())
        code = seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);
    if (code == 0)
        code = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (code < 0)
        die("the architecture", code);
    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree, by libseccomp 2.5 and later */
    return ctx;
}

/* What the architecture does not have (a name of x86_64 on aarch64) needs no rule. */
static int resolve(uint32_t arch, const char *name) {
    int number = seccomp_syscall_resolve_name_arch(arch, name);
    return number >= 0 ? number : -1;
}

static void add(scmp_filter_ctx ctx, uint32_t arch, uint32_t action, const struct rule *rule) {
    int number = resolve(arch, rule->name);
    unsigned count = 0;
    while (count < COUNT(rule->arguments) && rule->arguments[count].op != _SCMP_CMP_MIN)
        count++;
    if (number < 0)
        return;
    int code = seccomp_rule_add_array(ctx, action, number, count, rule->arguments);
    if (code < 0)
        die(rule->name, code);
}

/* Prints the program of the filter, by way of a file: libseccomp writes to descriptors only. */
static void print(scmp_filter_ctx ctx, const char *name) {
    struct {
        uint16_t code;
        uint8_t if_true, if_false;
        uint32_t k;
    } instruction;
    FILE *file = tmpfile();
    if (!file)
        die("a temporary file", errno);
    int code = seccomp_export_bpf(ctx, fileno(file));
    if (code < 0)
        die("seccomp_export_bpf", code);
    rewind(file);
    printf("static const struct sock_filter %s[] = {\n", name);
    while (fread(&instruction, sizeof instruction, 1, file) == 1)
        printf("    {0x%02x, %u, %u, 0x%08x},\n", instruction.code, instruction.if_true, instruction.if_false,
            instruction.k);
    printf("};\n\n");
    fclose(file);
    seccomp_release(ctx);
}

static void print_allowing(uint32_t arch, const char *name, const struct rule *rules, size_t count) {
    scmp_filter_ctx ctx = begin(arch, SCMP_ACT_TRAP);
    for (size_t i = 0; i < count; i++)
        add(ctx, arch, rules[i].refusal ? SCMP_ACT_ERRNO(rules[i].refusal) : SCMP_ACT_ALLOW, &rules[i]);
    print(ctx, name);
}

static scmp_filter_ctx deny(uint32_t arch, const char *const *names, size_t count) {
    scmp_filter_ctx ctx = begin(arch, SCMP_ACT_ALLOW);
    for (size_t i = 0; i < count; i++)
        add(ctx, arch, SCMP_ACT_TRAP, &(struct rule){.name = names[i]});
    return ctx;
}

static void print_checkers(uint32_t arch) {
    scmp_filter_ctx ctx = deny(arch, NEVER, COUNT(NEVER));
    for (size_t i = 0; i < COUNT(NO_NAMESPACES); i++) {
        const struct rule *rule = &NO_NAMESPACES[i];
        add(ctx, arch, rule->refusal ? SCMP_ACT_ERRNO(rule->refusal) : SCMP_ACT_TRAP, rule);
    }
    print(ctx, "NEVER");
}

/* The names of all system calls in the order of their numbers, one string each, "" for a number without one:
 * a table of pointers would have to be relocated, in memory of each process's own. */
static void print_names(uint32_t arch) {
    enum { NUMBERS = 600 };
    int last = 0;
    char *names[NUMBERS];
    for (int number = 0; number < NUMBERS; number++) {
        names[number] = seccomp_syscall_resolve_num_arch(arch, number);
        last = names[number] ? number : last;
    }
    printf("static const char SYSTEM_CALLS[] =");
    for (int number = 0; number <= last; number++)
        printf("%s\"%s\\0\"", number % 4 == 0 ? "\n    " : " ", names[number] ? names[number] : "");
    printf(";\n");
    for (int number = 0; number < NUMBERS; number++)
        free(names[number]);
}

int main(int argc, char **argv) {
    uint32_t arch = argc == 2 ? arch_of(argv[1]) : 0;
    printf("/* Made by tools/filters.c: edit that. */\n");
    printf("#define SANDBOX_OWN_PID 0x%08xu\n\n", OWN_PID);
    if (arch == 0) { /* no filter is known to be right there; the program says so */
        printf("#define SANDBOX_HAS_NO_FILTERS\n");
        return EXIT_SUCCESS;
    }
    print_allowing(arch, "RESPONDER", RESPONDER, COUNT(RESPONDER));
    print_checkers(arch);
    print(deny(arch, NO_NETWORK, COUNT(NO_NETWORK)), "NO_NETWORK");
    print_names(arch);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
