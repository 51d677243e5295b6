/* Time that passed, and time that the machine had to spare. */
#include "harness/stopwatch.h"

#include "base/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* What a process gets of a machine on which nobody rests is at least one part in so many. */
enum { SHARE = 20 };

/* The fourth number of the first line of /proc/stat, "proc(5)": all processors' idle time in ticks. Time in
 * which the host has our processor (steal) is none of it; nor is waiting for a disk (iowait). */
static int64_t read_idle_ms(void) {
    char line[256];
    int64_t ticks;
    int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    if (fd >= 0)
        close(fd);
    line[length > 0 ? length : 0] = '\0';
    if (sscanf(line, "cpu %*d %*d %*d %" SCNd64, &ticks) != 1)
        return -1;
    return ticks * 1000 / sysconf(_SC_CLK_TCK) / sysconf(_SC_NPROCESSORS_ONLN);
}

static int64_t read_used_ms(void) {
    struct timespec used = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

struct stopwatch stopwatch_start(void) {
    return (struct stopwatch){clock_now_ms(clock_system()), read_used_ms(), read_idle_ms()};
}

int64_t stopwatch_ms(const struct stopwatch *watch) {
    return clock_now_ms(clock_system()) - watch->begin_ms;
}

int64_t stopwatch_used_ms(const struct stopwatch *watch) {
    return read_used_ms() - watch->begin_used_ms;
}

int64_t stopwatch_free_ms(const struct stopwatch *watch) {
    int64_t passed_ms = stopwatch_ms(watch), now_ms = read_idle_ms();
    int64_t idle_ms = watch->begin_idle_ms < 0 || now_ms < 0 ? passed_ms : now_ms - watch->begin_idle_ms;
    if (idle_ms < passed_ms / SHARE)
        idle_ms = passed_ms / SHARE;
    return idle_ms < passed_ms ? idle_ms : passed_ms;
}
