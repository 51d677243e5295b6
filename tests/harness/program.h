/* Runs the program under test, `$BH_PROGRAM`, with an environment that holds only what a test gives it. */
#ifndef BH_TESTS_PROGRAM_H
#define BH_TESTS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ENVLIST_ENTRIES_MAX = 40, ENVLIST_ENTRY_SIZE = 1024, PROGRAM_OUTPUT_SIZE = 65536 };

/* An environment. Plain bytes: it may be copied, and nothing needs to be freed. */
struct envlist {
    char entries[ENVLIST_ENTRIES_MAX][ENVLIST_ENTRY_SIZE];
    size_t count;
};

/* Only PATH, and the options of the sanitizers where they are set. */
void envlist_init(struct envlist *list);

/* Adds NAME=VALUE, formatted, in the place of an earlier entry of that name. */
void envlist_set(struct envlist *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
void envlist_unset(struct envlist *list, const char *name);

struct program_setup {
    const struct envlist *environment;
    const char *const *arguments; /* NULL-terminated, without the program's own name */
    int descriptor_limit;         /* RLIMIT_NOFILE, soft and hard; 0: as it is here */
};

/* The path of the program: $BH_PROGRAM, else the one beside the test runner. */
const char *program_path(void);

/* A file of that name beside it, where reports of the tests go. */
void program_beside(char *path, size_t size, const char *name);

/* Starts it, its output going to these descriptors. It dies with the test. Ends the test where it cannot be
 * started. */
pid_t program_spawn(const struct program_setup *setup, int output_fd, int error_fd);

/* Waits for its end, at most timeout_ms, and reaps it. Returns false if it still runs. */
bool program_wait(pid_t pid, int64_t timeout_ms, int *status);

struct program_result {
    int exit_status; /* -1: it was killed by a signal, or by us at the deadline */
    int64_t took_ms;
    int64_t free_ms; /* those of them that count for an upper bound (harness/stopwatch.h) */
    char output[PROGRAM_OUTPUT_SIZE];
    char errors[PROGRAM_OUTPUT_SIZE];
};

/* Runs it to its end; at the deadline it is killed, and the test fails. */
void program_run(const struct program_setup *setup, int64_t timeout_ms, struct program_result *result);

/* A file for some process's output, in the scratch directory; the name is left in path. */
int program_output_file(char *path, size_t size);

/* Reads a whole file, at most size - 1 bytes of it. Returns the length. */
size_t program_read_file(const char *path, char *text, size_t size);

#endif
