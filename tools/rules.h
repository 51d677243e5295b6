/* What the sandbox's system-call filters allow and forbid: tools/filters.c makes the filters of these lists,
 * and tests/base/test_filters.c asks what was made about every row. The constants are the build machine's;
 * those used here have one value on all architectures with filters. */
#ifndef BH_TOOLS_RULES_H
#define BH_TOOLS_RULES_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Stands in a filter for the number of the process that loads it: see load in src/base/sandbox.c. */
#define OWN_PID 0x5e1fbeefu

/* What the kernel's headers may be too old to name. */
#define PR_SET_VMA_NUMBER 0x53564d41u

/* Holds where the bits of the mask, of the argument's 64, are those of the value. A mask of 0: no condition.
 */
struct condition {
    unsigned argument;
    uint64_t mask, value;
};

/* A rule: a system call, and what must hold of its arguments; a rule without conditions always holds. */
struct rule {
    const char *name;
    struct condition conditions[2];
    uint32_t refusal; /* an error, and the process goes on; 0: what its list is for */
};

/* The least significant 32 bits of an int argument count; the kernel looks at no others. */
#define IS(n, value)                                                                                         \
    { (n), UINT32_MAX, (uint32_t)(value) }
#define HAS(n, bits)                                                                                         \
    { (n), (bits), (bits) }
#define HAS_NOT(n, bits)                                                                                     \
    { (n), (bits), 0 }
#define IS_NULL(n)                                                                                           \
    { (n), UINT64_MAX, 0 }
#define WHERE(...) .conditions = {__VA_ARGS__}

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

#endif
