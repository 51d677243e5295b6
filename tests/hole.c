/* A hole in the responder, and one in each worker, for tests: linked into bugsink-health-hole and nothing
 * else, in the place of page_table_answer and of child_report_result. GET /hole/ATTEMPT/PID has the responder
 * do, in the midst of serving, what somebody would do who has taken it over; PID is the checker.
 * BH_HOLE_WORKER=ATTEMPT has a worker do it to its neighbours before it reports. What came of it goes to the
 * log: a process that is ended for it cannot tell. Before main it can play a kernel that lacks what
 * BH_HOLE_KERNEL_LACKS names, and a container's profile that refuses what it does not know by
 * BH_HOLE_PROFILE_REFUSES. */
#include "base/log.h"
#include "report/page.h"
#include "responder/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- a kernel that lacks something -- */

static void load_filter(struct sock_filter *filter, size_t count) {
    struct sock_fprog program = {(unsigned short)count, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        abort();
}

/* A container's profile that does not know faccessat2 (Linux 5.8), and answers it by this error. */
__attribute__((constructor)) static void play_an_old_profile(void) {
    const char *number = getenv("BH_HOLE_PROFILE_REFUSES");
    if (!number)
        return;
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_faccessat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)strtol(number, NULL, 10)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    load_filter(filter, sizeof filter / sizeof filter[0]);
}

/* These system calls are answered by ENOSYS. */
__attribute__((constructor)) static void play_an_old_kernel(void) {
    const char *lacks = getenv("BH_HOLE_KERNEL_LACKS");
    bool has_seccomp = !lacks || !strstr(lacks, "seccomp"),
         has_landlock = !lacks || !strstr(lacks, "landlock");
    if (has_seccomp && has_landlock)
        return;
    uint32_t none = 0xffffffff; /* no system call has that number */
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, has_seccomp ? none : SYS_seccomp, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, has_landlock ? none : SYS_landlock_create_ruleset, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    load_filter(filter, sizeof filter / sizeof filter[0]);
}

/* -- attempts: each returns what the system call returned; its sixth argument goes by the stack, as a long --
 */

static long open_passwd(pid_t checker) {
    (void)checker;
    return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

#ifdef SYS_open
static long open_in_the_old_way(pid_t checker) {
    (void)checker;
    return syscall(SYS_open, "/etc/passwd", O_RDONLY);
}
#endif

static long open_in_the_new_way(pid_t checker) {
    const uint64_t how[3] = {O_RDONLY};
    (void)checker;
    return syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof how);
}

static long make_file(pid_t checker) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/bugsink-health-hole.%d", (int)checker);
    long result = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (result >= 0)
        unlink(path);
    return result;
}

static long open_of(pid_t checker, const char *file) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)checker, file);
    return syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
}

static long read_environment(pid_t checker) {
    return open_of(checker, "environ");
}

static long open_memory(pid_t checker) {
    return open_of(checker, "mem");
}

static long make_socket(pid_t checker) {
    (void)checker;
    return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static long make_socket_pair(pid_t checker) {
    int ends[2];
    (void)checker;
    return syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, ends);
}

/* The listening socket: the one at which nobody waits. Where there is one, any other answers EINVAL. */
static int listener(void) {
    for (int fd = 3; fd < 64; fd++)
        if (accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) < 0 && errno == EAGAIN)
            return fd;
    return -1;
}

static const struct sockaddr_in SOMEWHERE = {
    .sin_family = AF_INET, .sin_port = 0x0100, .sin_addr = {0x0100007f}};

static long connect_somewhere(pid_t checker) {
    (void)checker;
    return syscall(SYS_connect, listener(), &SOMEWHERE, sizeof SOMEWHERE);
}

static long bind_somewhere(pid_t checker) {
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {0x0100007f}};
    (void)checker;
    return syscall(SYS_bind, listener(), &any, sizeof any);
}

static long connect_by_sending(pid_t checker) {
    (void)checker;
    return syscall(SYS_sendto, listener(), "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, &SOMEWHERE, sizeof SOMEWHERE);
}

/* What makes a listening socket a free one again, from which one may connect. */
static long free_listener(pid_t checker) {
    (void)checker;
    return syscall(SYS_shutdown, listener(), SHUT_RD);
}

static long execute(pid_t checker) {
    char *const arguments[] = {NULL};
    (void)checker;
    return syscall(SYS_execve, "/nonexistent", arguments, arguments);
}

static long execute_descriptor(pid_t checker) {
    char *const arguments[] = {NULL};
    (void)checker;
    return syscall(SYS_execveat, AT_FDCWD, "/nonexistent", arguments, arguments, 0);
}

static long end_if_child(long pid) {
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    return pid;
}

#ifdef SYS_fork
static long fork_in_the_old_way(pid_t checker) {
    (void)checker;
    return end_if_child(syscall(SYS_fork));
}
#endif

static long clone_process(pid_t checker) {
    (void)checker;
    return end_if_child(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
}

static long clone_in_the_new_way(pid_t checker) {
    const uint64_t arguments[8] = {[4] = SIGCHLD};
    (void)checker;
    return end_if_child(syscall(SYS_clone3, arguments, sizeof arguments));
}

static long trace(pid_t checker) {
    long result = syscall(SYS_ptrace, PTRACE_SEIZE, checker, NULL, NULL);
    if (result == 0) { /* and lets go again: the checker is to end as it should */
        ptrace(PTRACE_INTERRUPT, checker, NULL, NULL);
        waitpid(checker, NULL, __WALL);
        ptrace(PTRACE_DETACH, checker, NULL, NULL);
    }
    return result;
}

/* Both processes are forks of one: what is here in ours is there in theirs. */
static char place[] = "the checker's memory";

static long read_memory(pid_t checker) {
    char text[sizeof place];
    const struct iovec here = {text, sizeof text}, there = {place, sizeof place};
    return syscall(SYS_process_vm_readv, checker, &here, 1, &there, 1, 0L);
}

static long write_memory(pid_t checker) {
    const struct iovec here = {place, sizeof place}, there = {place, sizeof place};
    return syscall(SYS_process_vm_writev, checker, &here, 1, &there, 1, 0L);
}

/* Of itself, and of the other: not a signal that would end it, for then nothing could be told. */
static long signal_checker(pid_t checker) {
    return syscall(SYS_kill, checker, SIGCONT);
}

static long abort_checker(pid_t checker) {
    return syscall(SYS_tgkill, checker, checker, 0);
}

static long hold_process(pid_t checker) {
    return syscall(SYS_pidfd_open, checker, 0);
}

#ifdef SYS_mmap2 /* i386's SYS_mmap has all arguments in memory */
enum { MAP_CALL = SYS_mmap2 };
#else
enum { MAP_CALL = SYS_mmap };
#endif

static long map_code(pid_t checker) {
    (void)checker;
    return syscall(MAP_CALL, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L) < 0 ? -1
                                                                                                         : 0;
}

static long make_code(pid_t checker) {
    (void)checker;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return syscall(SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC);
}

static long set_up_ring(pid_t checker) {
    char parameters[128] = {0};
    (void)checker;
    return syscall(SYS_io_uring_setup, 1, parameters);
}

static long make_memory_file(pid_t checker) {
    (void)checker;
    return syscall(SYS_memfd_create, "x", 0);
}

static long handle_faults(pid_t checker) {
    (void)checker;
    return syscall(SYS_userfaultfd, 0);
}

static long load_program(pid_t checker) {
    char nothing[128] = {0};
    (void)checker;
    return syscall(SYS_bpf, 0, nothing, sizeof nothing);
}

static long enter_namespace(pid_t checker) {
    (void)checker;
    return syscall(SYS_setns, 3, 0);
}

static long leave_namespace(pid_t checker) {
    (void)checker;
    return syscall(SYS_unshare, 0);
}

static long become_dumpable(pid_t checker) {
    (void)checker;
    return syscall(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
}

static long replace_handler(pid_t checker) {
    (void)checker;
    const char action[64] = {0};
    return syscall(SYS_rt_sigaction, SIGUSR1, action, NULL, 8);
}

static long raise_limit(pid_t checker) {
    uint64_t now[2]; /* a struct rlimit64, on all architectures */
    (void)checker;
    return syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, now);
}

static long set_option(pid_t checker) {
    const int yes = 1;
    (void)checker;
    return syscall(SYS_setsockopt, listener(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &yes, sizeof yes);
}

static long control_device(pid_t checker) {
    int count;
    (void)checker;
    return syscall(SYS_ioctl, 3, 0x541b /* FIONREAD */, &count);
}

#ifdef __x86_64__
static long call_as_x32(pid_t checker) {
    (void)checker;
    return syscall(0x40000000 | SYS_getpid);
}
#endif

static const struct {
    const char *name;
    long (*make)(pid_t checker);
} ATTEMPTS[] = {
    {"open", open_passwd},
#ifdef SYS_open
    {"open_old", open_in_the_old_way},
#endif
    {"open_new", open_in_the_new_way},
    {"make_file", make_file},
    {"environment", read_environment},
    {"memory_file", open_memory},
    {"socket", make_socket},
    {"socketpair", make_socket_pair},
    {"connect", connect_somewhere},
    {"bind", bind_somewhere},
    {"fastopen", connect_by_sending},
    {"shutdown", free_listener},
    {"execve", execute},
    {"execveat", execute_descriptor},
#ifdef SYS_fork
    {"fork", fork_in_the_old_way},
#endif
    {"clone", clone_process},
    {"clone3", clone_in_the_new_way},
    {"ptrace", trace},
    {"read_memory", read_memory},
    {"write_memory", write_memory},
    {"kill", signal_checker},
    {"tgkill", abort_checker},
    {"pidfd", hold_process},
    {"map_code", map_code},
    {"make_code", make_code},
    {"io_uring", set_up_ring},
    {"memfd", make_memory_file},
    {"userfaultfd", handle_faults},
    {"bpf", load_program},
    {"setns", enter_namespace},
    {"unshare", leave_namespace},
    {"prctl", become_dumpable},
    {"sigaction", replace_handler},
    {"prlimit", raise_limit},
    {"setsockopt", set_option},
    {"ioctl", control_device},
#ifdef __x86_64__
    {"x32", call_as_x32},
#endif
};

static void attempt(const char *name, size_t length, pid_t checker) {
    for (size_t i = 0; i < sizeof ATTEMPTS / sizeof ATTEMPTS[0]; i++)
        if (strlen(ATTEMPTS[i].name) == length && memcmp(ATTEMPTS[i].name, name, length) == 0) {
            errno = 0;
            long result = ATTEMPTS[i].make(checker);
            int cause = errno;
            struct log_line line;
            log_begin(&line, LOG_INFO, "hole");
            log_str(&line, "attempt", ATTEMPTS[i].name);
            log_int(&line, "errno", result < 0 ? cause : 0);
            log_int(&line, "target", checker);
            log_end(&line);
        }
}

/* -- the holes -- */

struct page_hold *__real_page_table_answer(
    struct page_table *table, const char *path, size_t length, unsigned tastes, struct answer *answer);
struct page_hold *__wrap_page_table_answer(
    struct page_table *table, const char *path, size_t length, unsigned tastes, struct answer *answer);

struct page_hold *__wrap_page_table_answer(
    struct page_table *table, const char *path, size_t length, unsigned tastes, struct answer *answer) {
    static const char PREFIX[] = "/hole/", LIVE[] = "/health/live/";
    size_t prefix = sizeof PREFIX - 1;
    const char *name = path + prefix;
    const char *slash =
        length > prefix && memcmp(path, PREFIX, prefix) == 0 ? memchr(name, '/', length - prefix) : NULL;
    if (!slash)
        return __real_page_table_answer(table, path, length, tastes, answer);
    attempt(name, (size_t)(slash - name), (pid_t)strtol(slash + 1, NULL, 10));
    return __real_page_table_answer(table, LIVE, sizeof LIVE - 1, tastes, answer);
}

void __real_child_report_result(int fd, const void *result, size_t size);
void __wrap_child_report_result(int fd, const void *result, size_t size);

/* Which attempt a worker makes. The nursery, which forks it, has no environment any more. */
static char worker_attempt[64];

__attribute__((constructor)) static void remember_the_workers_attempt(void) {
    const char *name = getenv("BH_HOLE_WORKER");
    if (name)
        snprintf(worker_attempt, sizeof worker_attempt, "%s", name);
}

/* Checker, responder, nursery and workers are forked one after another: those around us are of the family. */
void __wrap_child_report_result(int fd, const void *result, size_t size) {
    enum { AROUND = 6 };
    pid_t own = getpid();
    for (pid_t pid = own - AROUND; worker_attempt[0] && pid <= own + AROUND; pid++)
        if (pid != own)
            attempt(worker_attempt, strlen(worker_attempt), pid);
    __real_child_report_result(fd, result, size);
}
