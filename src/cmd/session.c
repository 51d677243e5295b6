/* An engine for one command. */
#include "cmd/session.h"

#include "base/log.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "cmd/cmd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the log level comes from: "default", "flag --log-level". */
static const char *level_origin(const struct config *config) {
    for (size_t i = 0; i < config->item_count; i++)
        if (strcmp(config->items[i].key, "log_level") == 0)
            return config->items[i].origin;
    return "default";
}

static bool is_default_level(const struct config *config) {
    return strcmp(level_origin(config), "default") == 0;
}

/* Chosen for this command, and not for the sidecar whose environment it shares. */
static bool is_level_typed(const struct config *config) {
    return strncmp(level_origin(config), "flag", 4) == 0;
}

/* What is logged, once the configuration is there. */
static enum log_level level_of(const struct session *session, const struct config *config, bool is_verbose) {
    if (session->is_terse)
        return LOG_ERROR;
    if (!is_default_level(config))
        return config->log_level;
    return is_verbose ? LOG_INFO : LOG_WARNING;
}

int session_open(struct session *session, const struct args *args, const struct engine_events *events,
    void *arg, struct error *err) {
    bool is_sandboxed = config_is_sandboxed(&args->source), is_verbose = args_has(args, "--verbose");
    session->is_terse = session->is_terse && !is_verbose;
    process_forbid_core();
    log_configure(session->is_terse ? LOG_ERROR : LOG_WARNING, LOG_TEXT, "check", -1);
    if (is_sandboxed)
        sandbox_forbid_privileges();
    if (nursery_start(&session->nursery, is_sandboxed, err) < 0)
        return -1;
    if (is_sandboxed)
        sandbox_enter_checker();
    struct config *config = config_load(&args->source, err);
    if (!config) {
        nursery_stop(&session->nursery);
        return -1;
    }
    process_keep_out_of_cores();
    session->is_terse = session->is_terse && !is_level_typed(config);
    session->has_chosen_level = is_verbose || !is_default_level(config);
    log_configure(level_of(session, config, is_verbose), config->log_format, "check", -1);
    session->engine = NULL;
    if (loop_init(&session->loop, &session->nursery, err) < 0)
        config_free(config);
    else
        session->engine = engine_new(&session->loop, config, events, arg, err);
    if (session->engine)
        return 0;
    loop_release(&session->loop);
    nursery_stop(&session->nursery);
    return -1;
}

static void tell_warning(const char *text) {
    char line[1024];
    snprintf(line, sizeof line, "bugsink-health: warning: %s", text);
    cmd_tell(line);
}

void session_log_warnings(const struct session *session) {
    const struct config *config = engine_config(session->engine);
    for (size_t i = 0; i < config->warning_count; i++)
        if (session->is_terse)
            tell_warning(config->warnings[i]);
        else
            log_warning("configuration", config->warnings[i]);
}

void session_keep_quiet(struct session *session) {
    if (session->is_terse || !session->has_chosen_level)
        engine_set_quiet(session->engine);
}

void session_close(struct session *session) {
    engine_free(session->engine);
    loop_release(&session->loop);
    nursery_stop(&session->nursery);
}

void session_snapshot(struct session *session, struct snapshot *snapshot) {
    engine_snapshot(session->engine, snapshot);
    snapshot->sidecar_version = BH_VERSION;
    snapshot->sidecar_config = "ok";
    snapshot->sidecar_pid = (int)getpid();
    snapshot->shows_causes = true;
}

static void on_signal(evutil_socket_t number, short events, void *arg) {
    (void)number;
    (void)events;
    struct session *session = arg;
    session->is_interrupted = true;
    loop_end(&session->loop);
}

int session_run(struct session *session, struct error *err) {
    static const int NUMBERS[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    struct event *signals[sizeof NUMBERS / sizeof NUMBERS[0]] = {NULL};
    int result = 0;
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0] && result == 0; i++) {
        signals[i] = loop_watch_signal(&session->loop, NUMBERS[i], on_signal, session);
        if (!signals[i])
            result = error_set(err, "cannot watch signals: out of memory or descriptors");
    }
    if (result == 0)
        loop_run(&session->loop);
    if (session->loop.is_nursery_lost)
        result = error_set(err, "the nursery, which runs the checks, has died");
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++)
        if (signals[i])
            event_free(signals[i]);
    return result;
}
