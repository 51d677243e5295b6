/* The sandbox: all that only Linux has. seccomp(2), landlock(7), prctl(2), and the limits of setrlimit(2). */
#include "base/sandbox.h"

#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void sandbox_describe(const struct sandbox *sandbox, char text[SANDBOX_TEXT_SIZE]) {
    char landlock[24] = "";
    if (sandbox->landlock > 0)
        snprintf(landlock, sizeof landlock, "landlock=%d", sandbox->landlock);
    snprintf(text, SANDBOX_TEXT_SIZE, "%s%s%s", sandbox->has_filter ? "seccomp" : "",
        sandbox->has_filter && *landlock ? " " : "", landlock);
    if (!*text)
        str_copy(text, SANDBOX_TEXT_SIZE, "off");
}

/* Without an error that says more: what and why. */
static void note_missing(struct sandbox *sandbox, const char *what, const char *why) {
    size_t length = strlen(sandbox->missing);
    snprintf(sandbox->missing + length, sizeof sandbox->missing - length, "%s%s: %s", length > 0 ? ", " : "",
        what, why);
}

/* -- limits -- */

/* Returns the limit, for setrlimit. */
static const struct rlimit *lower(struct rlimit *limit, rlim_t most) {
    most = limit->rlim_max < most ? limit->rlim_max : most; /* RLIM_INFINITY is the largest number there is */
    *limit = (struct rlimit){limit->rlim_cur < most ? limit->rlim_cur : most, most};
    return limit;
}

/* Bytes of address space in use: the first number of proc(5)'s statm. 0: the system does not tell. */
static int64_t address_space(const struct process_meter *meter) {
    char text[128];
    int64_t pages = 0;
    ssize_t length = meter->statm_fd < 0 ? -1 : pread(meter->statm_fd, text, sizeof text, 0);
    for (ssize_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        pages = pages * 10 + (text[i] - '0');
    return pages * sysconf(_SC_PAGESIZE);
}

/* Not RLIMIT_FSIZE, for the log may be a file. The sanitizers reserve terabytes. */
static void limit_responder(struct sandbox *sandbox, int64_t more_bytes, const struct process_meter *meter) {
    int64_t in_use = address_space(meter);
    struct rlimit limit;
#ifdef RLIMIT_NPROC
    if (getrlimit(RLIMIT_NPROC, &limit) < 0 || setrlimit(RLIMIT_NPROC, lower(&limit, 0)) < 0)
        note_missing(sandbox, "limit of processes", strerror(errno));
#endif
#ifdef __SANITIZE_ADDRESS__
    in_use = 0;
#endif
    rlim_t most = (rlim_t)(in_use + more_bytes);
    if (in_use > 0 && (getrlimit(RLIMIT_AS, &limit) < 0 || setrlimit(RLIMIT_AS, lower(&limit, most)) < 0))
        note_missing(sandbox, "limit of memory", strerror(errno));
}

#ifdef __linux__

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Those of this architecture; with short pointers it is another. */
#if defined __x86_64__ && !defined __ILP32__
#include "base/filters-x86_64.inc"
#elif defined __aarch64__ && !defined __ILP32__ && !defined __AARCH64EB__
#include "base/filters-aarch64.inc"
#else
#define SANDBOX_HAS_NO_FILTERS /* none is known to be right there; the program says so */
#endif

static bool drop(struct __user_cap_data_struct *sets, int capability) {
    struct __user_cap_data_struct *set = &sets[CAP_TO_INDEX(capability)];
    uint32_t mask = CAP_TO_MASK(capability);
    bool is_there = (set->effective | set->permitted | set->inheritable) & mask;
    set->effective &= ~mask;
    set->permitted &= ~mask;
    set->inheritable &= ~mask;
    return is_there;
}

/* Of root's capabilities those by which it may look into other processes, whatever Landlock says
 * (proc(5) and mm_access() in the kernel: /proc/PID/environ and maps are open to CAP_PERFMON). No check needs
 * one of them. Who has none makes no call, for a filter may end a process for it. */
static void drop_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};
    static const int DROPPED[] = {CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON};
    bool has_any = false;
    if (syscall(SYS_capget, &header, sets) < 0)
        return;
    for (size_t i = 0; i < sizeof DROPPED / sizeof DROPPED[0]; i++)
        has_any = drop(sets, DROPPED[i]) || has_any;
    if (has_any)
        syscall(SYS_capset, &header, sets);
}

void sandbox_forbid_privileges(void) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    drop_capabilities();
}

/* -- system calls -- */

#ifndef SANDBOX_HAS_NO_FILTERS

/* The name of a system call, as strace has it; "" for one that is newer than this program. */
static const char *name_of(int number) {
    const char *name = SYSTEM_CALLS, *end = SYSTEM_CALLS + sizeof SYSTEM_CALLS - 1;
    while (number-- > 0 && name < end)
        name += strlen(name) + 1;
    return name < end ? name : "";
}

/* The signal comes at a system call, of which there is none within what this one uses but the log's own
 * (which are allowed): so it may be used here. Should a driver that was interrupted in its midst have spoilt
 * that: SIGSYS is blocked now, and the next violation ends the process without a word. */
static void on_violation(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)context;
    struct log_line line;
    log_begin(&line, LOG_ERROR, "sandbox violation");
    log_str(&line, "system_call", name_of(info->si_syscall));
    log_int(&line, "number", info->si_syscall);
    log_str(&line, "error", "refused; a bug in this program, or it was taken over: ending");
    log_end(&line);
    _exit(SANDBOX_EXIT_VIOLATION);
}

void sandbox_watch_violations(void) {
    struct sigaction action = {.sa_sigaction = on_violation, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    sigaction(SIGSYS, &action, NULL);
}

/* Returns 0, or -1 with errno. Without SPEC_ALLOW (Linux 4.17) a kernel before 5.16 slows the whole process
 * down, as a remedy for Spectre's fourth variant: against code that reads its own process's memory, where
 * there is nothing to be had that it does not have. */
static int load(const struct sock_filter *filter, unsigned short length) {
    struct sock_fprog program = {.len = length, .filter = (struct sock_filter *)(uintptr_t)filter};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0)
        return 0;
    return errno == EINVAL ? (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) : -1;
}

#define LOAD(filter) load((filter), sizeof(filter) / sizeof(filter)[0])

/* This process's number, in the place that the filter has for it. */
/* Whether a filter could be loaded here at all: a kernel that would take one finds fault with its address. */
static bool takes_filters(void) {
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) < 0 && errno == EFAULT;
}

static int load_responder_filter(void) {
    struct sock_filter own[sizeof RESPONDER / sizeof RESPONDER[0]];
    memcpy(own, RESPONDER, sizeof own);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (own[i].k == SANDBOX_OWN_PID)
            own[i].k = (uint32_t)getpid();
    return LOAD(own);
}

static int load_checker_filter(void) {
    return LOAD(NEVER);
}

static int load_no_network_filter(void) {
    return LOAD(NO_NETWORK);
}

#else

void sandbox_watch_violations(void) {
}

static bool takes_filters(void) {
    return false;
}

static int load_nothing(void) {
    errno = ENOSYS;
    return -1;
}

static int load_responder_filter(void) {
    return load_nothing();
}

static int load_checker_filter(void) {
    return load_nothing();
}

static int load_no_network_filter(void) {
    return load_nothing();
}

#endif

/* -- Landlock -- */

/* linux/landlock.h as of Linux 6.12, for headers that are older than the kernel. */
struct landlock_ruleset {
    uint64_t handled_fs, handled_net, scoped;
};

struct landlock_beneath {
    uint64_t allowed;
    int32_t directory_fd;
} __attribute__((packed));

enum { CREATE_VERSION = 1, RULE_BENEATH = 1 };

#define EXECUTE     (UINT64_C(1) << 0)
#define WRITE_FILE  (UINT64_C(1) << 1)
#define READ_FILE   (UINT64_C(1) << 2)
#define READ_DIR    (UINT64_C(1) << 3)
#define REMOVE_DIR  (UINT64_C(1) << 4)
#define REMOVE_FILE (UINT64_C(1) << 5)
#define MAKE_REG    (UINT64_C(1) << 8)
#define REFER       (UINT64_C(1) << 13) /* version 2; denied in any case */
#define TRUNCATE    (UINT64_C(1) << 14) /* version 3 */
#define IOCTL_DEV   (UINT64_C(1) << 15) /* version 5 */
#define READING     (READ_FILE | READ_DIR)
#define ALL_FS      ((UINT64_C(1) << 13) - 1)
#define ALL_NET     UINT64_C(3) /* version 4: to bind and to connect, TCP */
/* Version 6, of processes outside: */
#define ABSTRACT_UNIX UINT64_C(1)
#define ALL_SCOPES    UINT64_C(3) /* and signals */

static int landlock_version(void) {
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
}

/* What of the rights this version knows. */
static struct landlock_ruleset everything(int version) {
    struct landlock_ruleset all = {.handled_fs = ALL_FS};
    all.handled_fs |= version >= 2 ? REFER : 0;
    all.handled_fs |= version >= 3 ? TRUNCATE : 0;
    all.handled_fs |= version >= 5 ? IOCTL_DEV : 0;
    all.handled_net = version >= 4 ? ALL_NET : 0;
    all.scoped = version >= 6 ? ALL_SCOPES : 0;
    return all;
}

/* A kernel takes no field that it does not know, unless it is 0. */
static int create(const struct landlock_ruleset *ruleset) {
    return (int)syscall(SYS_landlock_create_ruleset, ruleset, sizeof *ruleset, 0);
}

/* Enforces it, and closes it. Returns 0, or -1 with errno. */
static int enforce(int ruleset_fd) {
    int result = (int)syscall(SYS_landlock_restrict_self, ruleset_fd, 0);
    int cause = errno;
    close(ruleset_fd);
    errno = cause;
    return result;
}

/* What this process alone goes without: what the kernel lacks, the responder tells for all. */
static void warn_of(const char *what, int cause) {
    struct log_line line;
    log_begin(&line, LOG_WARNING, "sandbox");
    log_str(&line, "missing", what);
    log_str(&line, "error", strerror(cause));
    log_str(
        &line, "warning", "this process could not sandbox itself, though the kernel supports it; it goes on");
    log_end(&line);
}

/* Gives up all rights but those of keep_fs and keep_net. Returns the version, or -1 with errno. */
static int landlock_keep(uint64_t keep_fs, uint64_t keep_net, uint64_t keep_scopes) {
    int version = landlock_version();
    if (version < 1)
        return -1;
    struct landlock_ruleset ruleset = everything(version);
    ruleset.handled_fs &= ~keep_fs;
    ruleset.handled_net &= ~keep_net;
    ruleset.scoped &= ~keep_scopes;
    int fd = create(&ruleset);
    return fd < 0 || enforce(fd) < 0 ? -1 : version;
}

static void allow_beneath(int ruleset_fd, const char *path, uint64_t rights, bool *is_allowed) {
    struct landlock_beneath rule = {.allowed = rights};
    rule.directory_fd = open(path, O_PATH | O_CLOEXEC);
    *is_allowed = rule.directory_fd >= 0 &&
                  syscall(SYS_landlock_add_rule, ruleset_fd, RULE_BENEATH, &rule, 0) == 0 && *is_allowed;
    if (rule.directory_fd >= 0)
        close(rule.directory_fd);
}

/* Where the rule cannot be made nothing is enforced: a check that is refused its own file by us would say
 * what is not so. */
static void landlock_confine(const char *directory) {
    int version = landlock_version();
    if (version < 1)
        return;
    struct landlock_ruleset ruleset = everything(version);
    uint64_t rights = READING | WRITE_FILE | MAKE_REG | REMOVE_FILE | TRUNCATE;
    int fd = create(&ruleset);
    bool is_allowed = fd >= 0, has_random = true;
    if (fd >= 0) {
        allow_beneath(fd, directory, rights & ruleset.handled_fs, &is_allowed);
        allow_beneath(fd, "/dev/urandom", READ_FILE, &has_random); /* SQLite does without where it must */
    }
    if (is_allowed && enforce(fd) < 0)
        warn_of("landlock", errno);
    if (!is_allowed && fd >= 0)
        close(fd);
}

/* -- who gives up what -- */

static void enter_responder(struct sandbox *sandbox) {
    sandbox_watch_violations();
    sandbox->landlock = landlock_keep(0, 0, 0);
    if (sandbox->landlock < 0) {
        note_missing(sandbox, "landlock", strerror(errno));
        sandbox->landlock = 0;
    }
#ifdef __SANITIZE_ADDRESS__
    note_missing(sandbox, "seccomp", "left out under the sanitizers, which make system calls of their own");
    (void)load_responder_filter;
#else
    sandbox->has_filter = load_responder_filter() == 0;
    if (!sandbox->has_filter)
        note_missing(sandbox, "seccomp", strerror(errno));
#endif
}

static void warn_of_filter(int cause) {
    if (takes_filters())
        warn_of("seccomp", cause);
}

static void keep_in_child(uint64_t keep_fs, uint64_t keep_net, uint64_t keep_scopes) {
    int cause = landlock_keep(keep_fs, keep_net, keep_scopes) < 0 ? errno : 0;
    if (cause != 0 && landlock_version() >= 1)
        warn_of("landlock", cause);
}

static void forbid_network(void) {
    if (load_no_network_filter() < 0)
        warn_of_filter(errno);
}

void sandbox_enter_checker(void) {
    sandbox_watch_violations();
#ifdef __SANITIZE_ADDRESS__
    (void)load_checker_filter; /* LeakSanitizer traces its own process, and its report executes another */
#else
    if (load_checker_filter() < 0)
        warn_of_filter(errno);
#endif
}

void sandbox_forbid_writing(void) {
    keep_in_child(READING | IOCTL_DEV, ALL_NET, ABSTRACT_UNIX);
}

void sandbox_forbid_all_but_reading(void) {
    keep_in_child(READING | IOCTL_DEV, 0, 0);
    forbid_network();
}

void sandbox_confine_to(const char *directory) {
    landlock_confine(directory);
    forbid_network();
}

#else

void sandbox_forbid_privileges(void) {
}

void sandbox_watch_violations(void) {
}

void sandbox_enter_checker(void) {
}

void sandbox_forbid_writing(void) {
}

void sandbox_forbid_all_but_reading(void) {
}

void sandbox_confine_to(const char *directory) {
    (void)directory;
}

static void enter_responder(struct sandbox *sandbox) {
    note_missing(sandbox, "seccomp and landlock", "only Linux has them");
}

#endif

void sandbox_enter_responder(struct sandbox *sandbox, int64_t more_bytes, const struct process_meter *meter) {
    *sandbox = (struct sandbox){.missing = ""};
    limit_responder(sandbox, more_bytes, meter);
    enter_responder(sandbox);
}
