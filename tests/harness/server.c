/* Starts and ends the processes of real servers. */
#include "harness/server.h"

#include "base/io.h"
#include "base/str.h"
#include "harness/fork.h"
#include "harness/wait.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000, LOG_MAX = 16 * 1024 * 1024 };

/* -- command lines -- */

void server_command_add(struct server_command *command, const char *text, const char *more) {
    struct strbuf argument = {0};
    ck_assert_uint_lt(command->count, SERVER_ARGUMENTS_MAX - 1);
    strbuf_format(&argument, "%s%s", text, more);
    command->arguments[command->count++] = argument.data;
}

void server_command_release(struct server_command *command) {
    for (size_t i = 0; i < command->count; i++)
        free(command->arguments[i]);
    *command = (struct server_command){.count = 0};
}

/* -- the user -- */

/* NULL: ourselves. */
static const struct passwd *find_user(const char *name) {
    if (geteuid() != 0)
        return NULL;
    const struct passwd *user = getpwnam(name);
    ck_assert_msg(user != NULL, "there is no user %s: install the server's package", name);
    return user;
}

void server_give(const char *name, const char *path) {
    const struct passwd *user = find_user(name);
    if (user)
        ck_assert_int_eq(chown(path, user->pw_uid, user->pw_gid), 0);
}

/* -- processes -- */

static void redirect(int target, const char *path, int flags) {
    int fd = open(path, flags, 0644);
    if (fd < 0 || dup2(fd, target) < 0)
        _exit(126);
    close(fd);
}

static _Noreturn void become(
    const struct server_setup *setup, const struct passwd *user, char *const *arguments, pid_t parent) {
    if (user &&
        (initgroups(user->pw_name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, setup->death_signal); /* after setuid, which clears it */
    if (getppid() != parent)
        _exit(126);
    signal(SIGPIPE, SIG_DFL);
    redirect(STDIN_FILENO, setup->input ? setup->input : "/dev/null", O_RDONLY);
    redirect(STDOUT_FILENO, setup->log, O_WRONLY | O_CREAT | O_APPEND);
    redirect(STDERR_FILENO, setup->log, O_WRONLY | O_CREAT | O_APPEND);
    setenv("LC_ALL", "C", 1);
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    unsetenv("PGDATA");
    if (chdir(setup->directory) == 0)
        execvp(arguments[0], arguments);
    _exit(127);
}

pid_t server_spawn(const struct server_setup *setup, struct server_command *command) {
    const struct passwd *user = find_user(setup->user);
    pid_t parent = getpid();
    pid_t pid = test_fork();
    if (pid == 0)
        become(setup, user, command->arguments, parent);
    server_command_release(command);
    return pid;
}

void server_run(const struct server_setup *setup, struct server_command *command) {
    int status = 0;
    char *name = str_dup(command->arguments[0]);
    pid_t pid = server_spawn(setup, command);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (status != 0) {
        char *log = server_log(setup->log);
        ck_abort_msg("%s failed:\n%s", name, log);
    }
    free(name);
}

struct start {
    pid_t pid;
    bool (*is_up)(void *arg);
    void *arg;
    bool has_come, has_ended;
};

static bool has_come_or_ended(void *arg) {
    struct start *start = arg;
    start->has_come = start->is_up(start->arg);
    start->has_ended = !start->has_come && waitpid(start->pid, NULL, WNOHANG) == start->pid;
    return start->has_come || start->has_ended;
}

void server_await(pid_t pid, bool (*is_up)(void *arg), void *arg, const char *log) {
    struct start start = {.pid = pid, .is_up = is_up, .arg = arg};
    wait_until(has_come_or_ended, &start, PATIENCE_MS);
    if (start.has_come)
        return;
    char *text = server_log(log);
    ck_abort_msg("the server %s:\n%s", start.has_ended ? "ended" : "does not start", text);
}

/* Somebody else's waitpid(-1) may have had it: then it is gone as well. */
static bool is_gone(void *arg) {
    pid_t *pid = arg, got = waitpid(*pid, NULL, WNOHANG);
    return got == *pid || (got < 0 && errno == ECHILD);
}

void server_end(pid_t pid, int number) {
    kill(pid, number);
    if (wait_until(is_gone, &pid, PATIENCE_MS))
        return;
    kill(pid, SIGKILL);
    ck_abort_msg("the server does not end");
}

void server_keep_template(const char *draft, const char *path) {
    bool is_kept = rename(draft, path) == 0 || errno == ENOTEMPTY || errno == EEXIST;
    ck_assert_msg(is_kept, "%s: %s", path, strerror(errno));
}

char *server_log(const char *path) {
    char *text = NULL;
    size_t length;
    return io_read_file(path, LOG_MAX, &text, &length, NULL) < 0 ? str_dup("(nothing)") : text;
}
