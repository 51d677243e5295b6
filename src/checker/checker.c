/* The checker process: its start, its signals, reload and drain, and the end of both processes. */
#include "checker/checker.h"

#include "base/io.h"
#include "base/log.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "checker/announce.h"
#include "checker/engine.h"
#include "checker/listen.h"
#include "checker/publisher.h"
#include "checker/reload.h"
#include "link/link.h"
#include "run/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long the responder may take to go when told to. */
enum { FAREWELL_MS = 500 };

/* From the end of the link to that of the responder's process. */
enum { LAST_WORD_MS = 200 };

/* How often it is looked whether the last logins are through. */
enum { LOGIN_LOOK_MS = 20 };

enum { SIGNAL_COUNT = 3 };

struct checker {
    const struct config_source *source;
    struct loop loop;
    struct engine *engine;
    struct link_sender *sender;
    struct announcer announcer;
    struct sidecar sidecar;
    struct publisher publisher;
    struct reload reload;
    struct event *signals[SIGNAL_COUNT];
    struct timer drained;
    struct timer last_login; /* from then on none is begun */
    struct timer leaving;    /* while a login is under way */
    struct timer farewell;
    char where[ADDRESS_TEXT_SIZE]; /* the address in force */
    char *listen_wanted;           /* as configured at start */
    pid_t responder_pid;
    struct nursery *nursery;
    int exit_status;
};

/* The last thing. A login that is under way is let finish, up to its deadline: MySQL counts those that are
 * broken off, and blocks the address that this pod shares with Bugsink. Nobody is kept waiting by that: the
 * responder has gone. */
static void leave(void *arg) {
    struct checker *checker = arg;
    if (engine_is_logging_in(checker->engine))
        timer_arm(&checker->loop.timers, &checker->leaving, LOGIN_LOOK_MS);
    else
        loop_end(&checker->loop);
}

/* Ends both processes: the responder is told to stop, and the loop turns on until it has gone, so that its
 * port is free when this process is. */
static void end(struct checker *checker, int status) {
    if (checker->sidecar.is_ending)
        return;
    checker->sidecar.is_ending = true;
    engine_begin_no_logins(checker->engine);
    checker->exit_status = status;
    announce_state(&checker->announcer, ANNOUNCE_STOPPING);
    if (link_send_stop(checker->sender) < 0)
        leave(checker);
    timer_arm(&checker->loop.timers, &checker->farewell, FAREWELL_MS);
}

static void on_farewell_late(void *arg) {
    struct checker *checker = arg;
    if (!checker->sidecar.is_ending) {
        log_error("responder gone", "the link to it is closed; ending, so that both are restarted");
        checker->exit_status = CHECKER_EXIT_FAILURE;
    }
    leave(checker);
}

static void on_last_login(void *arg) {
    struct checker *checker = arg;
    engine_begin_no_logins(checker->engine);
}

/* -- the responder's end -- */

static void on_link_failed(void *arg) {
    struct checker *checker = arg;
    if (checker->sidecar.is_ending)
        return; /* told to go; its process's end is what we wait for */
    /* A process closes what it has before its end can be heard of; that end will say more. */
    timer_arm(&checker->loop.timers, &checker->farewell, LAST_WORD_MS);
}

static void on_other_child(void *arg, pid_t pid, int status) {
    struct checker *checker = arg;
    if (pid != checker->responder_pid)
        return;
    leave(checker);
    if (checker->sidecar.is_ending)
        return;
    bool is_violation =
        WIFSIGNALED(status) ? WTERMSIG(status) == SIGSYS : WEXITSTATUS(status) == SANDBOX_EXIT_VIOLATION;
    struct log_line line;
    log_begin(&line, LOG_ERROR, "responder gone");
    if (WIFSIGNALED(status))
        log_int(&line, "signal", WTERMSIG(status));
    else
        log_int(&line, "exit_status", WEXITSTATUS(status));
    log_str(&line, "error",
        is_violation
            ? "it tried what its sandbox forbids: a bug in this program, or an attack; ending, so that "
              "both are restarted"
            : "ending, so that both are restarted");
    log_end(&line);
    checker->exit_status = CHECKER_EXIT_FAILURE;
}

static void on_turn(void *arg) {
    struct checker *checker = arg;
    publisher_turn(&checker->publisher);
}

static void on_nursery_lost(void *arg) {
    struct checker *checker = arg;
    if (checker->sidecar.is_ending)
        return;
    log_error("nursery gone", "no check can run without it; ending, so that all are restarted");
    checker->exit_status = CHECKER_EXIT_FAILURE;
    loop_end(&checker->loop);
}

/* -- signals -- */

static void on_drained(void *arg) {
    struct checker *checker = arg;
    log_event(LOG_INFO, "drained");
    end(checker, CHECKER_EXIT_OK);
}

static void on_terminate(evutil_socket_t number, short events, void *arg) {
    (void)events;
    struct checker *checker = arg;
    struct log_line line;
    bool is_at_once = number == SIGINT || checker->sidecar.is_draining;
    log_begin(&line, LOG_INFO, is_at_once ? "ending" : "draining");
    log_str(&line, "signal", number == SIGINT ? "SIGINT" : "SIGTERM");
    if (!is_at_once)
        log_int(&line, "drain_ms", engine_config(checker->engine)->drain_ms);
    log_end(&line);
    if (is_at_once) {
        end(checker, CHECKER_EXIT_OK);
        return;
    }
    checker->sidecar.is_draining = true;
    announce_state(&checker->announcer, ANNOUNCE_STOPPING);
    int64_t drain_ms = engine_config(checker->engine)->drain_ms;
    timer_arm(&checker->loop.timers, &checker->drained, drain_ms);
    timer_arm(&checker->loop.timers, &checker->last_login, drain_ms - engine_login_ms(checker->engine));
    engine_drain(checker->engine);
    publisher_publish(&checker->publisher);
}

static void log_warnings(const struct config *config) {
    for (size_t i = 0; i < config->warning_count; i++)
        log_warning("configuration", config->warnings[i]);
}

static void log_checks(const struct config *config) {
    for (size_t i = 0; i < config->check_count; i++) {
        const struct check_config *check = &config->checks[i];
        struct log_line line;
        log_begin(&line, LOG_INFO, "checking");
        log_str(&line, "check", check->name);
        log_str(&line, "kind", check_kind_id_name(check->kind));
        check_config_log(check, &line);
        log_bool(&line, "critical", check->is_critical);
        log_end(&line);
    }
}

/* The configuration refuses this as far as it can tell; of port 0, and of an address that a reload would
 * change, it cannot. */
static int refuse_own_address(const struct checker *checker, const struct config *config, struct error *err) {
    if (!config_asks(config, checker->where))
        return 0;
    return error_set(
        err, "app.url is where this sidecar listens (%s): the app needs another port", checker->where);
}

static struct config *load_again(const struct checker *checker, struct error *err) {
    struct config *config = config_load(checker->source, err);
    if (config && refuse_own_address(checker, config, err) < 0) {
        config_free(config);
        return NULL;
    }
    return config;
}

/* What has begun to stop says no more of itself. */
static void announce_running(struct checker *checker, enum announce_state state) {
    if (checker->announcer.state != ANNOUNCE_STARTING && !checker->sidecar.is_draining &&
        !checker->sidecar.is_ending)
        announce_state(&checker->announcer, state);
}

static void on_reload_begun(void *arg) {
    announce_running(arg, ANNOUNCE_RELOADING);
}

static void on_reload_failed(void *arg, const char *why) {
    struct checker *checker = arg;
    checker->sidecar.config = "error: the last reload failed, the configuration before it is in force";
    checker->sidecar.has_reload_failed = true;
    log_error("reload failed, the old configuration stays", why);
    publisher_on_checked(&checker->publisher, true);
    announce_running(checker, ANNOUNCE_READY);
}

static void warn_of_listen(const struct checker *checker, const struct config *config) {
    if (strcmp(config->listen, checker->listen_wanted) == 0)
        return;
    struct log_line line;
    log_begin(&line, LOG_WARNING, "a change of the listening address needs a restart");
    log_str(&line, "listen", checker->where);
    log_str(&line, "wanted", config->listen);
    log_end(&line);
}

static void on_reload_ready(void *arg) {
    struct checker *checker = arg;
    struct error err;
    struct config *config = load_again(checker, &err);
    if (!config || engine_reload(checker->engine, config, &err) < 0) {
        on_reload_failed(checker, err.text);
        return;
    }
    checker->sidecar.config = "ok";
    checker->sidecar.has_reload_failed = false;
    checker->sidecar.config_read_at_ms = clock_wall_ms(checker->loop.timers.clock);
    log_configure(config->log_level, config->log_format, "checker", -1);
    link_send_log(checker->sender, config->log_level, config->log_format);
    process_keep_out_of_cores();
    log_event(LOG_INFO, "reloaded");
    log_warnings(config);
    log_checks(config);
    warn_of_listen(checker, config);
    publisher_unsettle(&checker->publisher);
    announce_running(checker, ANNOUNCE_READY);
}

static void on_hangup(evutil_socket_t number, short events, void *arg) {
    (void)number;
    (void)events;
    struct checker *checker = arg;
    reload_begin(&checker->reload);
}

/* -- start -- */

static int watch_signals(struct checker *checker, struct error *err) {
    static const int NUMBERS[SIGNAL_COUNT] = {SIGTERM, SIGINT, SIGHUP};
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        checker->signals[i] = loop_watch_signal(
            &checker->loop, NUMBERS[i], NUMBERS[i] == SIGHUP ? on_hangup : on_terminate, checker);
        if (!checker->signals[i])
            return error_set(err, "cannot watch signals");
    }
    process_release_signals(); /* held back since before the fork: now there is somebody to hear them */
    return 0;
}

/* The responder takes connections, and has an answer for each from its first moment. */
static void on_listening(void *arg) {
    struct checker *checker = arg;
    struct log_line line;
    log_begin(&line, LOG_INFO, "listening");
    log_str(&line, "listen", checker->where);
    log_end(&line);
    if (!checker->sidecar.is_draining && !checker->sidecar.is_ending)
        announce_state(&checker->announcer, ANNOUNCE_READY);
}

/* -- signs of life: that our loop turns shows in asking, that the responder's does in its answer -- */

static void ask_responder(void *arg) {
    struct checker *checker = arg;
    link_send_ping(checker->sender);
}

static void on_pong(void *arg) {
    struct checker *checker = arg;
    announce_alive(&checker->announcer);
}

static void on_read(void *arg) {
    struct checker *checker = arg;
    publisher_on_read(&checker->publisher);
}

static int open_link(struct checker *checker, const struct config *config, int link_fd, struct error *err) {
    int listen_fd = listen_open(checker->listen_wanted, checker->where, err);
    if (listen_fd < 0)
        return -1;
    checker->sender = link_sender_new(checker->loop.base, link_fd, on_link_failed, checker);
    int result = -1;
    if (checker->sender) {
        link_sender_on_listening(checker->sender, on_listening);
        link_sender_on_pong(checker->sender, on_pong);
        link_sender_on_read(checker->sender, on_read);
    }
    if (checker->sender && link_send_log(checker->sender, config->log_level, config->log_format) == 0)
        result = link_send_listener(checker->sender, listen_fd);
    close(listen_fd);
    return result < 0 ? error_set(err, "cannot hand the listening socket to the responder") : 0;
}

static void log_start(const struct checker *checker) {
    struct log_line line;
    log_begin(&line, LOG_INFO, "started");
    log_str(&line, "version", BH_VERSION);
    log_str(&line, "listen", checker->where);
    log_str(&line, "config", engine_config(checker->engine)->file);
    log_int(&line, "checks", (int64_t)engine_config(checker->engine)->check_count);
    log_int(&line, "interval_ms", engine_config(checker->engine)->interval_ms);
    log_int(&line, "timeout_ms", engine_config(checker->engine)->timeout_ms);
    log_int(&line, "pid", getpid());
    log_int(&line, "responder_pid", checker->responder_pid);
    log_str(&line, "linked", engine_linked(checker->engine));
    log_end(&line);
    log_warnings(engine_config(checker->engine));
    log_checks(engine_config(checker->engine));
}

static int start(struct checker *checker, struct config *config, int link_fd, struct error *err) {
    checker->listen_wanted = str_dup(config->listen);
    const struct engine_events events = {.checked = publisher_on_checked};
    checker->engine = engine_new(&checker->loop, config, &events, &checker->publisher, err);
    if (!checker->engine) {
        checker->exit_status = CHECKER_EXIT_CONFIG;
        return -1;
    }
    if (watch_signals(checker, err) < 0 || open_link(checker, config, link_fd, err) < 0)
        return -1;
    if (refuse_own_address(checker, config, err) < 0) {
        checker->exit_status = CHECKER_EXIT_CONFIG;
        return -1;
    }
    log_start(checker);
    announcer_start(&checker->announcer, &checker->loop.timers, ask_responder, checker);
    publisher_start(&checker->publisher, checker->engine, checker->sender);
    engine_start(checker->engine, false);
    return 0;
}

static void release(struct checker *checker) {
    link_sender_free(checker->sender);
    publisher_release(&checker->publisher);
    announcer_release(&checker->announcer);
    for (int i = 0; i < SIGNAL_COUNT; i++)
        if (checker->signals[i])
            event_free(checker->signals[i]);
    reload_release(&checker->reload);
    engine_free(checker->engine);
    loop_release(&checker->loop);
    free(checker->listen_wanted);
}

/* The start of the process has the same steps as the responder's and a child's: what it is called, its
 * signals (which wait until watch_signals), its secrets, what it opens, and in the end what it gives up. */
static void enter_process(struct checker *checker) {
    log_set_process("checker");
    process_forbid_core();
    announcer_open(&checker->announcer);
    if (config_is_sandboxed(checker->source))
        sandbox_enter_checker();
}

static void init(struct checker *checker) {
    srandom((unsigned)(getpid() ^ (int)clock_wall_ms(clock_system())));
    publisher_init(&checker->publisher, &checker->sidecar, &checker->loop.timers, &checker->announcer);
    timer_init(&checker->drained, on_drained, checker);
    timer_init(&checker->farewell, on_farewell_late, checker);
    timer_init(&checker->last_login, on_last_login, checker);
    timer_init(&checker->leaving, leave, checker);
    reload_init(&checker->reload, &checker->loop, checker->source, on_reload_begun, on_reload_ready,
        on_reload_failed, checker);
}

/* Takes the configuration. */
static int begin(struct checker *checker, struct config *config, int link_fd, struct error *err) {
    int result = loop_init(&checker->loop, checker->nursery, err);
    checker->loop.first = on_turn;
    checker->loop.other_child = on_other_child;
    checker->loop.nursery_lost = on_nursery_lost;
    checker->loop.arg = checker;
    if (result < 0) {
        config_free(config);
        return -1;
    }
    return start(checker, config, link_fd, err);
}

int checker_run(
    const struct config_source *source, int link_fd, pid_t responder_pid, struct nursery *nursery) {
    int64_t now_ms = clock_wall_ms(clock_system());
    struct checker checker = {.source = source,
        .responder_pid = responder_pid,
        .nursery = nursery,
        .sidecar = {.config = "ok", .started_at_ms = now_ms, .config_read_at_ms = now_ms},
        .exit_status = CHECKER_EXIT_FAILURE};
    struct error err;
    enter_process(&checker);
    struct config *config = config_load(source, &err);
    if (!config) {
        log_error("configuration refused", err.text);
        announcer_release(&checker.announcer);
        return CHECKER_EXIT_CONFIG;
    }
    process_keep_out_of_cores();
    log_configure(config->log_level, config->log_format, "checker", -1);
    init(&checker);
    if (begin(&checker, config, link_fd, &err) < 0)
        log_error("cannot start", err.text);
    else
        loop_run(&checker.loop);
    release(&checker);
    return checker.exit_status;
}
