/* Starting and ending the program under test. */
#include "harness/program.h"

#include "base/process.h"
#include "base/str.h"
#include "harness/fork.h"
#include "harness/wait.h"

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const PASSED_ON[] = {"PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"};

void envlist_init(struct envlist *list) {
    list->count = 0;
    for (size_t i = 0; i < sizeof PASSED_ON / sizeof PASSED_ON[0]; i++)
        if (getenv(PASSED_ON[i]))
            envlist_set(list, "%s=%s", PASSED_ON[i], getenv(PASSED_ON[i]));
}

void envlist_unset(struct envlist *list, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < list->count; i++)
        if (strncmp(list->entries[i], name, length) == 0 && list->entries[i][length] == '=') {
            list->count--;
            memmove(list->entries[i], list->entries[list->count], ENVLIST_ENTRY_SIZE);
            return;
        }
}

void envlist_set(struct envlist *list, const char *format, ...) {
    char entry[ENVLIST_ENTRY_SIZE], name[128];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(entry, sizeof entry, format, args);
    va_end(args);
    ck_assert_int_lt(length, ENVLIST_ENTRY_SIZE);
    size_t name_length = strcspn(entry, "=");
    ck_assert_uint_lt(name_length, sizeof name);
    memcpy(name, entry, name_length);
    name[name_length] = '\0';
    envlist_unset(list, name);
    ck_assert_uint_lt(list->count, ENVLIST_ENTRIES_MAX);
    memcpy(list->entries[list->count++], entry, sizeof entry);
}

const char *program_path(void) {
    static char beside[PATH_MAX];
    if (getenv("BH_PROGRAM"))
        return getenv("BH_PROGRAM");
    ssize_t length = readlink("/proc/self/exe", beside, sizeof beside - sizeof "bugsink-health");
    ck_assert_msg(length > 0, "set BH_PROGRAM to the path of the program");
    beside[length] = '\0';
    char *name = strrchr(beside, '/') + 1;
    str_copy(name, (size_t)(beside + sizeof beside - name), "bugsink-health");
    return beside;
}

void program_beside(char *path, size_t size, const char *name) {
    const char *slash = strrchr(program_path(), '/');
    int length = slash ? (int)(slash + 1 - program_path()) : 0;
    /* No assertion where all is well: the runner calls this as well, and libcheck knows none outside of
     * tests. */
    if (snprintf(path, size, "%.*s%s", length, program_path(), name) >= (int)size)
        ck_abort_msg("the path of %s is too long", name);
}

static void become_program(const struct program_setup *setup, int output_fd, int error_fd, pid_t parent) {
    if (!process_die_with_parent(parent))
        _exit(127);
    struct rlimit limit = {(rlim_t)setup->descriptor_limit, (rlim_t)setup->descriptor_limit};
    if (setup->descriptor_limit > 0 && setrlimit(RLIMIT_NOFILE, &limit) < 0)
        _exit(127);
    signal(SIGPIPE, SIG_DFL); /* the runner ignores it; the program must not rely on that */
    if (dup2(output_fd, STDOUT_FILENO) < 0 || dup2(error_fd, STDERR_FILENO) < 0)
        _exit(127);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0)
        _exit(127);
    process_close_from(3, NULL, 0);
    const char *arguments[64] = {program_path()};
    for (size_t i = 0; i < 62 && setup->arguments[i]; i++)
        arguments[i + 1] = setup->arguments[i];
    const char *environment[ENVLIST_ENTRIES_MAX + 1] = {NULL};
    for (size_t i = 0; i < setup->environment->count; i++)
        environment[i] = setup->environment->entries[i];
    execve(program_path(), (char *const *)(uintptr_t)arguments, (char *const *)(uintptr_t)environment);
    perror(program_path());
    _exit(127);
}

pid_t program_spawn(const struct program_setup *setup, int output_fd, int error_fd) {
    pid_t parent = getpid();
    fflush(NULL);
    pid_t pid = test_fork();
    if (pid == 0)
        become_program(setup, output_fd, error_fd, parent);
    return pid;
}

struct waiting {
    pid_t pid;
    int *status;
};

static bool has_ended(void *arg) {
    struct waiting *waiting = arg;
    return waitpid(waiting->pid, waiting->status, WNOHANG) == waiting->pid;
}

bool program_wait(pid_t pid, int64_t timeout_ms, int *status) {
    struct waiting waiting = {pid, status};
    return wait_until(has_ended, &waiting, timeout_ms);
}

int program_output_file(char *path, size_t size) {
    snprintf(path, size, "%s/output.XXXXXX", getenv("BH_TEST_ROOT"));
    int fd = mkostemp(path, O_CLOEXEC | O_APPEND);
    ck_assert_msg(fd >= 0, "%s", path);
    return fd;
}

size_t program_read_file(const char *path, char *text, size_t size) {
    text[0] = '\0';
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    size_t length = fread(text, 1, size - 1, file);
    text[length] = '\0';
    fclose(file);
    return length;
}

void program_run(const struct program_setup *setup, int64_t timeout_ms, struct program_result *result) {
    char output_path[256], error_path[256];
    int output_fd = program_output_file(output_path, sizeof output_path);
    int error_fd = program_output_file(error_path, sizeof error_path);
    struct stopwatch watch = stopwatch_start();
    pid_t pid = program_spawn(setup, output_fd, error_fd);
    int status = 0;
    bool is_over = program_wait(pid, timeout_ms, &status);
    result->took_ms = stopwatch_ms(&watch);
    result->free_ms = stopwatch_free_ms(&watch);
    if (!is_over) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
    }
    result->exit_status = is_over && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    program_read_file(output_path, result->output, sizeof result->output);
    program_read_file(error_path, result->errors, sizeof result->errors);
    close(output_fd);
    close(error_fd);
    unlink(output_path);
    unlink(error_path);
    ck_assert_msg(is_over, "%s did not end:\n%s\n%s", setup->arguments[0], result->output, result->errors);
}
