/* Failing allocations: counts, fails and keeps a list of what is allocated. */
#include "harness/allocations.h"

#include "base/log.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <execinfo.h>
#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCKS_MAX = 1 << 16, LOG_SIZE = 4096, EXITED = -1000, ALLOCATIONS_MAX = 200000, TRACE_DEPTH = 12 };

/* What the linker calls in the place of those, by these names (ld(1), --wrap). */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);
void __wrap_free(void *memory);
_Noreturn void __wrap_exit(int status);
void *__real_malloc(size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
_Noreturn void __real_exit(int status);
/* NOLINTEND(bugprone-reserved-identifier) */

static struct {
    bool is_armed;   /* allocations are counted, listed, and may fail */
    int64_t count;   /* since it was armed */
    int64_t fail_at; /* 0: none */
    bool has_failed;
    int64_t fail_in_children_at;
    bool has_atfork;
    bool *child_failed; /* shared with the children */
    bool may_exit;
    int exit_status;
    jmp_buf exit_point;
    void *blocks[BLOCKS_MAX];              /* open addressing; a hole that was one is TOMBSTONE */
    void *traces[BLOCKS_MAX][TRACE_DEPTH]; /* who allocated them */
    size_t live;
} state;

static char tombstone;
#define TOMBSTONE ((void *)&tombstone)

/* -- the list -- */

static size_t slot_of(const void *memory) {
    return (size_t)(((uintptr_t)memory >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 48) % BLOCKS_MAX;
}

static void list(void *memory) {
    if (!memory || !state.is_armed)
        return;
    size_t slot = slot_of(memory);
    while (state.blocks[slot] && state.blocks[slot] != TOMBSTONE)
        slot = (slot + 1) % BLOCKS_MAX;
    state.blocks[slot] = memory;
    memset(state.traces[slot], 0, sizeof state.traces[slot]);
    backtrace(state.traces[slot], TRACE_DEPTH);
    if (++state.live > BLOCKS_MAX / 2)
        abort(); /* the list is too small for this scenario */
}

static void unlist(const void *memory) {
    if (!memory || state.live == 0)
        return;
    for (size_t slot = slot_of(memory); state.blocks[slot]; slot = (slot + 1) % BLOCKS_MAX)
        if (state.blocks[slot] == memory) {
            state.blocks[slot] = TOMBSTONE;
            state.live--;
            return;
        }
}

/* addr2line(1) makes lines of it. */
static void tell_leaks(void) {
    for (size_t slot = 0; slot < BLOCKS_MAX; slot++) {
        int depth = 0;
        if (!state.blocks[slot] || state.blocks[slot] == TOMBSTONE)
            continue;
        while (depth < TRACE_DEPTH && state.traces[slot][depth])
            depth++;
        fprintf(stderr, "a block that leaks was allocated by:\n");
        backtrace_symbols_fd(state.traces[slot], depth, STDERR_FILENO);
    }
}

/* Frees what an exit has left, as the end of the process would have. */
static void reclaim(void) {
    for (size_t slot = 0; slot < BLOCKS_MAX; slot++)
        if (state.blocks[slot] && state.blocks[slot] != TOMBSTONE)
            __real_free(state.blocks[slot]);
}

static void forget_all(void) {
    memset(state.blocks, 0, sizeof state.blocks);
    state.live = 0;
}

/* -- the wrappers -- */

static bool must_fail(void) {
    if (!state.is_armed || ++state.count != state.fail_at)
        return false;
    state.has_failed = true;
    if (state.child_failed)
        *state.child_failed = true;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size) {
    void *memory = must_fail() ? NULL : __real_malloc(size);
    list(memory);
    return memory;
}

void *__wrap_calloc(size_t count, size_t size) {
    size_t whole;
    if (__builtin_mul_overflow(count, size, &whole))
        return NULL;
    void *memory = __wrap_malloc(whole);
    return memory ? memset(memory, 0, whole) : NULL;
}

void *__wrap_realloc(void *memory, size_t size) {
    if (must_fail())
        return NULL;
    void *grown = __real_realloc(memory, size);
    if (grown) {
        unlist(memory);
        list(grown);
    }
    return grown;
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size) {
    size_t whole;
    return __builtin_mul_overflow(count, size, &whole) ? NULL : __wrap_realloc(memory, whole);
}

char *__wrap_strndup(const char *text, size_t length) {
    length = strnlen(text, length);
    char *copy = __wrap_malloc(length + 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

char *__wrap_strdup(const char *text) {
    return __wrap_strndup(text, strlen(text));
}

void __wrap_free(void *memory) {
    unlist(memory);
    __real_free(memory);
}

_Noreturn void __wrap_exit(int status) {
    if (!state.is_armed || !state.may_exit)
        __real_exit(status);
    state.exit_status = status;
    longjmp(state.exit_point, 1);
}

/* -- the libraries -- */

static void *sqlite_malloc(int size) {
    return __wrap_malloc((size_t)size);
}

static void *sqlite_realloc(void *memory, int size) {
    return __wrap_realloc(memory, (size_t)size);
}

static int sqlite_size(void *memory) {
    return (int)malloc_usable_size(memory);
}

static int sqlite_round_up(int size) {
    return (size + 7) & ~7;
}

static int sqlite_begin(void *arg) {
    (void)arg;
    return SQLITE_OK;
}

static void sqlite_end(void *arg) {
    (void)arg;
}

/* libevent writes what it has to say of a failed allocation to standard error. */
static void swallow(int severity, const char *text) {
    (void)severity;
    (void)text;
}

/* A child has memory, unless it is meant to have none. */
static void arm_child(void) {
    state.is_armed = false;
    if (state.fail_in_children_at == 0)
        return;
    state.count = 0;
    state.fail_at = state.fail_in_children_at;
    state.may_exit = false;
    state.is_armed = true;
}

void allocations_hook_libraries(void) {
    static const sqlite3_mem_methods METHODS = {.xMalloc = sqlite_malloc,
        .xFree = __wrap_free,
        .xRealloc = sqlite_realloc,
        .xSize = sqlite_size,
        .xRoundup = sqlite_round_up,
        .xInit = sqlite_begin,
        .xShutdown = sqlite_end};
    void *frame;
    backtrace(&frame, 1); /* loads what it needs, now that it may */
    if (!state.has_atfork)
        ck_assert_int_eq(pthread_atfork(NULL, NULL, arm_child), 0);
    state.has_atfork = true;
    json_set_alloc_funcs(__wrap_malloc, __wrap_free);
    event_set_mem_functions(__wrap_malloc, __wrap_realloc, __wrap_free);
    event_set_log_callback(swallow);
    sqlite3_shutdown();
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &METHODS), SQLITE_OK);
}

/* -- the scenarios -- */

struct attempt {
    const struct allocation_scenario *scenario;
    int64_t n;
    int log_fd;
};

/* What was logged in this attempt. */
static void read_log(const struct attempt *attempt, char text[LOG_SIZE]) {
    ssize_t length = pread(attempt->log_fd, text, LOG_SIZE - 1, 0);
    ck_assert_int_ge(length, 0);
    text[length] = '\0';
    ck_assert_int_eq(ftruncate(attempt->log_fd, 0), 0);
    ck_assert_int_eq(lseek(attempt->log_fd, 0, SEEK_SET), 0);
}

static void judge_exit(const struct attempt *attempt, const char *log) {
    const struct allocation_scenario *scenario = attempt->scenario;
    reclaim();
    forget_all();
    ck_assert_msg(state.has_failed, "%s: ended with all the memory it wanted", scenario->name);
    ck_assert_msg(state.exit_status == EXIT_FAILURE, "%s: allocation %lld: status %d", scenario->name,
        (long long)attempt->n, state.exit_status);
    const char *end = strchr(log, '\n');
    ck_assert_msg(end && end[1] == '\0' && strstr(log, "out of memory"), "%s: allocation %lld: log: %s",
        scenario->name, (long long)attempt->n, log);
}

/* Runs, with the n-th allocation failing. Returns what the scenario returned, or EXITED. */
static int run(const struct attempt *attempt, void *arg) {
    state.count = 0;
    state.fail_at = attempt->n;
    state.has_failed = false;
    state.may_exit = attempt->scenario->may_exit;
    json_set_alloc_funcs(__wrap_malloc, __wrap_free); /* an exit leaves those of the configuration */
    if (setjmp(state.exit_point) != 0) {
        state.is_armed = false;
        return EXITED;
    }
    state.is_armed = true;
    int result = attempt->scenario->run(arg);
    state.is_armed = false;
    return result;
}

/* Returns whether an allocation failed. */
static bool try(struct attempt *attempt, void *arg) {
    const struct allocation_scenario *scenario = attempt->scenario;
    char log[LOG_SIZE];
    forget_all();
    if (scenario->prepare)
        scenario->prepare(arg);
    log_configure(LOG_DEBUG, LOG_TEXT, "test", attempt->log_fd);
    int result = run(attempt, arg);
    log_configure(LOG_INFO, LOG_TEXT, "test", -1);
    bool has_failed = state.has_failed;
    read_log(attempt, log);
    if (result == EXITED) {
        judge_exit(attempt, log);
        return true;
    }
    scenario->judge(arg, result, has_failed);
    if (scenario->release)
        scenario->release(arg);
    if (state.live > 0)
        tell_leaks();
    ck_assert_msg(state.live == 0, "%s: allocation %lld failed, and %zu blocks leak", scenario->name,
        (long long)attempt->n, state.live);
    return has_failed;
}

int allocations_fail_each(const struct allocation_scenario *scenario, void *arg) {
    struct attempt attempt = {.scenario = scenario, .log_fd = memfd_create("log", MFD_CLOEXEC)};
    ck_assert_int_ge(attempt.log_fd, 0);
    /* Libraries keep what they allocate at their first use. */
    if (scenario->prepare)
        scenario->prepare(arg);
    log_configure(LOG_DEBUG, LOG_TEXT, "test", attempt.log_fd);
    scenario->judge(arg, scenario->run(arg), false);
    if (scenario->release)
        scenario->release(arg);
    do {
        attempt.n++;
        ck_assert_msg(attempt.n < ALLOCATIONS_MAX, "%s: allocates without end", scenario->name);
    } while (try(&attempt, arg));
    close(attempt.log_fd);
    return (int)attempt.n - 1;
}

int allocations_fail_each_in_children(const struct allocation_scenario *scenario, void *arg) {
    void *memory =
        mmap(NULL, sizeof *state.child_failed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(memory != MAP_FAILED);
    state.child_failed = memory;
    int64_t n = 0;
    do {
        *state.child_failed = false;
        state.fail_in_children_at = ++n;
        if (scenario->prepare)
            scenario->prepare(arg);
        int result = scenario->run(arg);
        state.fail_in_children_at = 0;
        scenario->judge(arg, result, *state.child_failed);
        if (scenario->release)
            scenario->release(arg);
        ck_assert_msg(n < ALLOCATIONS_MAX, "%s: allocates without end", scenario->name);
    } while (*state.child_failed);
    munmap(state.child_failed, sizeof *state.child_failed);
    state.child_failed = NULL;
    return (int)n - 1;
}
