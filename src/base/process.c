/* What a process does to itself: dies with its parent, leaves no core, forgets its environment. */
#include "base/process.h"

#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __linux__
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#endif

/* POSIX leaves this to us, though glibc declares it, too. */
extern char **environ; /* NOLINT(readability-redundant-declaration) */

bool process_die_with_parent(int parent_pid) {
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    return getppid() == parent_pid;
}

void process_forbid_core(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) /* LeakSanitizer traces its own process */
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

#ifdef __linux__
/* A line of proc(5)'s maps. */
static void keep_line_out_of_cores(const char *line) {
    unsigned long from, to;
    /* What is no address is none of the kernel's lines. NOLINTNEXTLINE(cert-err34-c) */
    if ((strstr(line, "[heap]") || strstr(line, "[stack]")) && sscanf(line, "%lx-%lx", &from, &to) == 2)
        madvise((void *)from, to - from, MADV_DONTDUMP);
}
#endif

void process_keep_out_of_cores(void) {
#ifdef __linux__
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    while (maps && fgets(line, sizeof line, maps))
        keep_line_out_of_cores(line);
    if (maps)
        fclose(maps);
#endif
}

void process_limit_processor(unsigned long seconds) {
    struct rlimit limit = {seconds, seconds + 1}; /* at the second one SIGKILL would come instead */
    setrlimit(RLIMIT_CPU, &limit);
}

int64_t process_cpu_us(void) {
    struct rusage usage = {0};
    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return 0;
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

void process_limit_processor_anew(unsigned long seconds) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_CPU, &limit) < 0)
        return;
    limit.rlim_cur = (rlim_t)(process_cpu_us() / 1000000) + 1 + seconds;
    setrlimit(RLIMIT_CPU, &limit);
}

void process_want_descriptors(unsigned long wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void process_settle_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static const int ENDS[] = {SIGTERM, SIGINT, SIGHUP};

static void mask_ends(int how) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++)
        sigaddset(&set, ENDS[i]);
    sigprocmask(how, &set, NULL);
}

void process_hold_signals(void) {
    mask_ends(SIG_BLOCK);
}

void process_release_signals(void) {
    mask_ends(SIG_UNBLOCK);
}

void process_ignore_signals(void) {
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++)
        signal(ENDS[i], SIG_IGN);
    process_settle_signals();
}

void process_limit_memory(unsigned long bytes) {
#ifndef __SANITIZE_ADDRESS__
    struct rlimit limit = {bytes, bytes};
    setrlimit(RLIMIT_DATA, &limit); /* Linux 4.7 and later count anonymous mappings too */
#else
    (void)bytes;
#endif
}

int process_limit_descriptors(int most) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return most;
    limit.rlim_max = limit.rlim_max < (rlim_t)most ? limit.rlim_max : (rlim_t)most;
    limit.rlim_cur = limit.rlim_cur < limit.rlim_max ? limit.rlim_cur : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return (int)limit.rlim_cur;
}

void process_wipe_environment(void) {
    for (char **entry = environ; entry && *entry; entry++)
        explicit_bzero(*entry, strlen(*entry));
    if (environ)
        environ[0] = NULL;
}

void process_open_standard_descriptors(void) {
    int fd;
    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
        ;
    if (fd > STDERR_FILENO)
        close(fd);
}

static bool is_kept(int fd, const int *keep, int count) {
    for (int i = 0; i < count; i++)
        if (keep[i] == fd)
            return true;
    return false;
}

/* The lowest of keep that is not below from; -1: none is. */
static int next_kept(int from, const int *keep, int count) {
    int next = -1;
    for (int i = 0; i < count; i++)
        if (keep[i] >= from && (next < 0 || keep[i] < next))
            next = keep[i];
    return next;
}

/* One call for each gap (Linux 5.9, FreeBSD 12.2), however many descriptors there are: each child of a
 * checker that keeps hundreds of connections comes this way. Returns false where the system does not know it.
 */
static bool close_ranges(int first, const int *keep, int count) {
#ifdef CLOSE_RANGE_UNSHARE
    for (int from = first;;) {
        int kept = next_kept(from, keep, count);
        if (kept != from && close_range((unsigned)from, kept < 0 ? ~0U : (unsigned)kept - 1, 0) < 0)
            return false;
        if (kept < 0)
            return true;
        from = kept + 1;
    }
#else
    (void)first, (void)keep, (void)count;
    return false;
#endif
}

/* Of this process's descriptors. Linux's /dev/fd is a link, which a bare /dev (of a chroot, say) need not
 * have. */
static DIR *open_list(void) {
    DIR *dir = opendir("/proc/self/fd");
    return dir ? dir : opendir("/dev/fd");
}

void process_close_from(int first, const int *keep, int count) {
    if (close_ranges(first, keep, count))
        return;
    /* The descriptors that are open are listed where the system lists them; else all that could be are tried.
     */
    DIR *dir = open_list();
    long most = sysconf(_SC_OPEN_MAX);
    if (most <= 0 || most > 65536)
        most = 65536;
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (entry->d_name[0] != '.' && fd >= first && fd != dirfd(dir) && !is_kept(fd, keep, count))
            close(fd);
    }
    for (int fd = first; !dir && fd < most; fd++)
        if (!is_kept(fd, keep, count))
            close(fd);
    if (dir)
        closedir(dir);
}

static int64_t cpu_ms(int who) {
    struct rusage used;
    if (getrusage(who, &used) < 0)
        return 0;
    return (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
           (int64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

static int open_statm(void) {
    return open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

/* The second number of proc(5)'s statm. */
static int64_t resident_bytes(int statm_fd) {
    char text[128], *rest;
    ssize_t length = statm_fd < 0 ? -1 : pread(statm_fd, text, sizeof text - 1, 0);
    if (length <= 0)
        return -1;
    text[length] = '\0';
    (void)strtoll(text, &rest, 10);
    return strtoll(rest, NULL, 10) * sysconf(_SC_PAGESIZE);
}

void process_meter_open(struct process_meter *meter, int descriptors) {
    enum { COUNTED_MAX = 1024 };
    *meter = (struct process_meter){open_statm(), descriptors < COUNTED_MAX ? descriptors : COUNTED_MAX};
}

/* poll(2) says of each number whether a descriptor stands behind it; in one call, where the numbers are few.
 */
static int count_by_poll(int below) {
    enum { PART = 64 };
    struct pollfd fds[PART];
    int count = 0;
    for (int first = 0; first < below; first += PART) {
        int size = below - first < PART ? below - first : PART;
        for (int i = 0; i < size; i++)
            fds[i] = (struct pollfd){.fd = first + i};
        if (poll(fds, (nfds_t)size, 0) < 0)
            return -1;
        for (int i = 0; i < size; i++)
            count += !(fds[i].revents & POLLNVAL);
    }
    return count;
}

static int count_by_list(void) {
    int count = 0;
    DIR *dir = open_list();
    if (!dir)
        return -1;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.')
            count++;
    closedir(dir);
    return count - 1; /* without the one that looked */
}

void process_usage(struct process_usage *usage, const struct process_meter *meter) {
    int statm_fd = meter ? meter->statm_fd : open_statm();
    *usage = (struct process_usage){.cpu_ms = cpu_ms(RUSAGE_SELF),
        .children_cpu_ms = cpu_ms(RUSAGE_CHILDREN),
        .resident_bytes = resident_bytes(statm_fd)};
    if (!meter && statm_fd >= 0)
        close(statm_fd);
    usage->open_descriptors = meter ? count_by_poll(meter->descriptors) : count_by_list();
}

void process_set_name(const char *name) {
#ifdef __linux__
    prctl(PR_SET_NAME, name);
#else
    (void)name;
#endif
}

/* Five steps are a third of the weight (sched(7)): less of it, and a check that is busy for a few
 * milliseconds would be late for nothing where others of the same control group are busy. */
void process_yield(void) {
    enum { STEPS = 5 };
    if (nice(STEPS) < 0)
        return; /* it goes on as it is; -1 may be a level, too */
}

void process_out_of_memory(void) {
    log_error("ended", "out of memory");
    exit(EXIT_FAILURE);
}

#ifdef __linux__
/* Of one object. Only what is never written: a page of ours that differs from the file would be lost. The
 * part that comes first goes last, for the list of parts stands in it. */
static int forget_object(struct dl_phdr_info *info, size_t size, void *arg) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)size;
    (void)arg;
    for (int i = info->dlpi_phnum - 1; i >= 0; i--) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || part->p_flags & PF_W)
            continue;
        uintptr_t from = (info->dlpi_addr + part->p_vaddr) & ~(page - 1);
        uintptr_t end = (info->dlpi_addr + part->p_vaddr + part->p_memsz + page - 1) & ~(page - 1);
        madvise((void *)from, end - from, MADV_DONTNEED);
    }
    return 0;
}
#endif

void process_save_memory(void) {
#ifdef __GLIBC__
    enum { PAGES_OF_ITS_OWN = 32 * 1024, FREE_AT_MOST = 16 * 1024, PAD = 4 * 1024 };
    mallopt(M_MMAP_THRESHOLD, PAGES_OF_ITS_OWN);
    mallopt(M_TRIM_THRESHOLD, FREE_AT_MOST);
    mallopt(M_TOP_PAD, PAD);
#endif
}

void process_forget_start(void) {
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
    dl_iterate_phdr(forget_object, NULL);
#ifdef __GLIBC__
    malloc_trim(0);
#endif
#endif
}
