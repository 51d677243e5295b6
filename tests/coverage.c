/* In the coverage build alone: gcc's counters stand in a file that all processes of a program share, so that
 * those that are shut in, killed or of another user count as well. */
#include <errno.h>
#include <fcntl.h>
#include <gcov.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The counters, from page to page: tests/coverage.ld. */
extern char coverage_begin[], coverage_end[];

void __wrap___gcov_exit(void);

/* What libgcov does as a process ends: add its counters to the files beside the objects. They are all in the
 * one file, and are added once, below. */
void __wrap___gcov_exit(void) {
}

/* Before anything else is run. With BH_COVERAGE_WRITE set the program writes what all have counted, and
 * nothing more. */
__attribute__((constructor(101))) static void share_counters(void) {
    char path[4096];
    const size_t size = (uintptr_t)coverage_end - (uintptr_t)coverage_begin;
    snprintf(path, sizeof path, "%s/%s.counters", BH_COVERAGE, program_invocation_short_name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return; /* made by scripts/coverage.sh */
    if (ftruncate(fd, (off_t)size) < 0 ||
        mmap(coverage_begin, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
        abort();
    close(fd);
    if (!getenv("BH_COVERAGE_WRITE"))
        return;
    __gcov_dump();
    _exit(EXIT_SUCCESS);
}
