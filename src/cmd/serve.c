/* serve: forks the responder and the nursery before any option but one is read (whether they are shut in),
 * then becomes the checker. */
#include "cmd/all.h"

#include "base/io.h"
#include "base/log.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "checker/checker.h"
#include "cmd/cmd.h"
#include "responder/responder.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int run(struct args *args);

const struct command command_serve = {
    .name = "serve",
    .takes_options = true,
    .help = "run the sidecar; also without a command",
    .about = "Runs the sidecar in the foreground: it checks in the background, answers probes\n"
             "on port 8000 and logs to standard error. SIGHUP reloads the configuration,\n"
             "SIGTERM ends it after the drain, a second SIGTERM or SIGINT (Ctrl-C) at once.\n\n"
             "  curl localhost:8000/health/        all it knows, as JSON; a page in a browser\n"
             "  curl localhost:8000/health/ready/  may Bugsink be sent traffic?\n"
             "  curl localhost:8000/health/live/   does Bugsink answer at all?\n",
    .run = run,
};

/* Sees to it that no responder outlives us: the closed link ends it; one that does not go is killed. */
static void await_responder(pid_t pid) {
    enum { PATIENCE_MS = 500, STEP_MS = 2 };
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += STEP_MS) {
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return;
        const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
        nanosleep(&step, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int run(struct args *args) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || io_set_cloexec(ends[0]) < 0 ||
        io_set_cloexec(ends[1]) < 0 || io_set_nonblocking(ends[0]) < 0 || io_set_nonblocking(ends[1]) < 0) {
        log_error("cannot start", strerror(errno));
        return CHECKER_EXIT_FAILURE;
    }
    bool is_sandboxed = config_is_sandboxed(&args->source);
    if (is_sandboxed)
        sandbox_forbid_privileges();
    /* Those that come before there is a handler wait for it: the default would end us by SIGHUP, and as
     * process 1 of a container SIGTERM would be lost. The checker's handlers and the responder's indifference
     * end the wait. */
    process_hold_signals();
    process_save_memory();
    pid_t responder_pid = fork();
    if (responder_pid < 0) {
        log_error("cannot start the responder", strerror(errno));
        return CHECKER_EXIT_FAILURE;
    }
    if (responder_pid == 0) {
        _exit(responder_run(ends[1], is_sandboxed)); /* which closes ends[0] with all else */
    }
    close(ends[1]);
    struct nursery nursery;
    struct error err;
    int status = CHECKER_EXIT_FAILURE;
    if (nursery_start(&nursery, is_sandboxed, &err) < 0)
        log_error("cannot start", err.text);
    else
        status = checker_run(&args->source, ends[0], responder_pid, &nursery);
    nursery_stop(&nursery);
    close(ends[0]);
    await_responder(responder_pid);
    return status;
}
