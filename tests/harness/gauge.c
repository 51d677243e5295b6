/* A process that works a little, again and again, and notes how long it took. */
#include "harness/gauge.h"

#include "harness/fork.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NICE_STEPS = 5, WORK_MS = 4, PAUSE_MS = 100 };

struct gauge_board {
    _Atomic int64_t began_ms; /* of the piece at hand; 0: none */
    _Atomic int64_t slowest_ms;
};

static int64_t processor_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* From when it was to be woken, so that the wait for that counts as well. */
static void work(struct gauge_board *board, int64_t due_ms) {
    int64_t begin_ms = processor_ms();
    while (processor_ms() - begin_ms < WORK_MS)
        continue;
    int64_t took_ms = wait_now_ms() - due_ms;
    if (took_ms > atomic_load(&board->slowest_ms))
        atomic_store(&board->slowest_ms, took_ms);
}

static _Noreturn void run(struct gauge_board *board) {
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bool is_modest = nice(NICE_STEPS) != -1; /* where it may not be, it is late less often */
    (void)is_modest;
    for (;;) {
        atomic_store(&board->began_ms, wait_now_ms() + PAUSE_MS);
        nanosleep(&pause, NULL);
        work(board, atomic_load(&board->began_ms));
    }
}

void gauge_start(struct gauge *gauge) {
    gauge->board =
        mmap(NULL, sizeof *gauge->board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(gauge->board, MAP_FAILED);
    gauge->pid = test_fork();
    if (gauge->pid == 0)
        run(gauge->board);
}

int64_t gauge_late_ms(struct gauge *gauge) {
    int64_t began_ms = atomic_load(&gauge->board->began_ms);
    int64_t slowest_ms = atomic_exchange(&gauge->board->slowest_ms, 0);
    int64_t so_far_ms = began_ms > 0 ? wait_now_ms() - began_ms : 0;
    int64_t took_ms = so_far_ms > slowest_ms ? so_far_ms : slowest_ms;
    return took_ms > WORK_MS ? took_ms - WORK_MS : 0;
}

void gauge_stop(struct gauge *gauge) {
    kill(gauge->pid, SIGKILL);
    waitpid(gauge->pid, NULL, 0);
    munmap(gauge->board, sizeof *gauge->board);
}
