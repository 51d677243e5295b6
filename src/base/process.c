/* What a process does to itself: dies with its parent, leaves no core, forgets its environment. */
#include "base/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
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

extern char **environ;

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

void process_limit_processor(unsigned long seconds) {
    struct rlimit limit = {seconds, seconds + 1}; /* at the second one SIGKILL would come instead */
    setrlimit(RLIMIT_CPU, &limit);
}

void process_settle_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

void process_limit_memory(unsigned long bytes) {
#ifndef __SANITIZE_ADDRESS__
    struct rlimit limit = {bytes, bytes};
    setrlimit(RLIMIT_DATA, &limit); /* Linux 4.7 and later count anonymous mappings too */
#else
    (void)bytes;
#endif
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

void process_close_from(int first, const int *keep, int count) {
    /* The descriptors that are open are listed where the system lists them; else all that could be are tried.
     */
    DIR *dir = opendir("/dev/fd");
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

/* The second number of proc(5)'s statm. */
static int64_t resident_bytes(void) {
    char text[128], *rest;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (length <= 0)
        return -1;
    text[length] = '\0';
    strtoll(text, &rest, 10);
    return strtoll(rest, NULL, 10) * sysconf(_SC_PAGESIZE);
}

static int open_descriptors(void) {
    int count = 0;
    DIR *dir = opendir("/dev/fd");
    if (!dir)
        return -1;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.')
            count++;
    closedir(dir);
    return count - 1; /* without the one that looked */
}

void process_usage(struct process_usage *usage) {
    *usage = (struct process_usage){.cpu_ms = cpu_ms(RUSAGE_SELF),
        .children_cpu_ms = cpu_ms(RUSAGE_CHILDREN),
        .resident_bytes = resident_bytes(),
        .open_descriptors = open_descriptors()};
}

void process_set_name(const char *name) {
#ifdef __linux__
    prctl(PR_SET_NAME, name);
#else
    (void)name;
#endif
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
