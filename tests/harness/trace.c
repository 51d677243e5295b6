/* Watches processes with strace. */
#include "harness/trace.h"

#include "base/str.h"
#include "harness/fork.h"
#include "harness/proc.h"
#include "harness/program.h"
#include "harness/wait.h"

#include <check.h>
#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ATTACH_MS = 10000, TEXT_MAX = 16 * 1024 * 1024, NOT_FOUND = 127 };

static _Noreturn void run_strace(const char *path, const pid_t *pids, size_t count) {
    char numbers[TRACE_PIDS_MAX][16];
    const char *arguments[8 + 2 * TRACE_PIDS_MAX] = {"strace", "-f", "-q", "-yy", "-o", path};
    size_t length = 6;
    for (size_t i = 0; i < count; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%d", (int)pids[i]);
        arguments[length++] = "-p";
        arguments[length++] = numbers[i];
    }
    dup2(open("/dev/null", O_RDWR), STDERR_FILENO);
    execvp(arguments[0], (char *const *)(uintptr_t)arguments); /* which changes none of them */
    _exit(NOT_FOUND);
}

struct attaching {
    struct trace *trace;
    const pid_t *pids;
    size_t count;
    int status;
};

static bool is_attached(void *arg) {
    struct attaching *attaching = arg;
    if (waitpid(attaching->trace->strace, &attaching->status, WNOHANG) != 0) {
        attaching->trace->strace = 0;
        return true;
    }
    for (size_t i = 0; i < attaching->count; i++)
        if (proc_status_number(attaching->pids[i], "TracerPid") != attaching->trace->strace)
            return false;
    return true;
}

bool trace_start(struct trace *trace, const pid_t *pids, size_t count, const char **why) {
    *trace = (struct trace){.text = NULL};
    ck_assert_uint_le(count, TRACE_PIDS_MAX);
    close(program_output_file(trace->path, sizeof trace->path));
    trace->strace = test_fork();
    if (trace->strace == 0)
        run_strace(trace->path, pids, count);
    struct attaching attaching = {trace, pids, count, 0};
    ck_assert(wait_until(is_attached, &attaching, ATTACH_MS));
    *why = WEXITSTATUS(attaching.status) == NOT_FOUND ? "strace is not installed"
                                                      : "strace may not look at our processes";
    return trace->strace > 0;
}

static void read_all(struct trace *trace) {
    free(trace->text);
    trace->text = malloc(TEXT_MAX);
    ck_assert_ptr_nonnull(trace->text);
    size_t length = program_read_file(trace->path, trace->text, TEXT_MAX);
    while (length > 0 && trace->text[length - 1] != '\n')
        length--; /* a line that is being written */
    trace->text[length] = '\0';
}

/* A line is "PID name(...", where there is more than one process, or "name(...". Returns its name, NULL for
 * what is no call. */
static const char *name_of(const char *line, size_t *length) {
    const char *at = line + strspn(line, "0123456789 ");
    *length = 0;
    while (isalnum((unsigned char)at[*length]) || at[*length] == '_')
        ++*length;
    return *length > 0 && at[*length] == '(' ? at : NULL;
}

static const char *next_line(const char *line) {
    return strchr(line, '\n') + 1;
}

static bool holds(const char *line, const char *text) {
    const char *found = strstr(line, text);
    return found && found < strchr(line, '\n');
}

static bool calls(const char *line, const char *name) {
    size_t length;
    const char *called = name_of(line, &length);
    return called && strlen(name) == length && strncmp(called, name, length) == 0;
}

int trace_count(struct trace *trace, const char *name, const char *text) {
    int count = 0;
    size_t length;
    read_all(trace);
    for (const char *line = trace->text; *line; line = next_line(line)) {
        bool is_it = name ? calls(line, name) : name_of(line, &length) != NULL;
        count += is_it && holds(line, text);
    }
    return count;
}

int trace_turns(struct trace *trace, const char *name) {
    int turns = 0;
    bool is_counted = false;
    read_all(trace);
    for (const char *line = trace->text; *line; line = next_line(line)) {
        if (calls(line, "epoll_wait"))
            is_counted = false;
        if (is_counted || !calls(line, name))
            continue;
        is_counted = true;
        turns++;
    }
    return turns;
}

bool trace_name(const struct trace *trace, int n, char *name, size_t size) {
    size_t length;
    for (const char *line = trace->text; *line; line = next_line(line)) {
        const char *called = name_of(line, &length);
        if (!called || n-- > 0)
            continue;
        snprintf(name, size, "%.*s", (int)length, called);
        return true;
    }
    return false;
}

void trace_end(struct trace *trace) {
    if (trace->strace > 0) {
        kill(trace->strace, SIGINT);
        waitpid(trace->strace, NULL, 0);
    }
    free(trace->text);
    trace->text = NULL;
}
