/* What the real servers of the tests share: a process of its own user where we are root (all of them refuse
 * to run as root), with its own log, that is waited for when it starts and when it ends. It ends with the
 * test. */
#ifndef BH_TESTS_SERVER_H
#define BH_TESTS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SERVER_ARGUMENTS_MAX = 64 };

/* A command line: NULL-terminated copies. {.count = 0} is an empty one. */
struct server_command {
    char *arguments[SERVER_ARGUMENTS_MAX];
    size_t count;
};

/* Adds one argument, made of two texts. */
void server_command_add(struct server_command *command, const char *text, const char *more);
void server_command_release(struct server_command *command);

/* Where a program of a server's runs, and as whom. */
struct server_setup {
    const char *user; /* it becomes this one where we are root; the test ends where there is none */
    const char *directory;
    const char *input; /* a file; NULL: none */
    const char *log;   /* a file, to which all its output is appended */
    int death_signal;  /* which it gets when the test ends */
};

/* Makes the file or directory the server's user's own, where we are root. */
void server_give(const char *user, const char *path);

/* Starts the program, which is looked for in PATH; the command is released. Returns its process. */
pid_t server_spawn(const struct server_setup *setup, struct server_command *command);

/* The same, and waits for its end; ends the test, showing the log, where it fails. */
void server_run(const struct server_setup *setup, struct server_command *command);

/* Waits until is_up. Ends the test, showing the log, where that does not come about or the process ends. */
void server_await(pid_t pid, bool (*is_up)(void *arg), void *arg, const char *log);

/* Sends the signal and waits for the end. Ends the test, and the process, where it does not end. */
void server_end(pid_t pid, int signal);

/* Gives a server's finished files their name, from which others are copied; so they are whole or not there.
 * Another suite, at the same time, may have been the first: then its own count. */
void server_keep_template(const char *draft, const char *path);

/* The log so far; the caller frees. */
char *server_log(const char *path);

#endif
