/* An engine for one command. */
#include "cmd/session.h"

#include "base/log.h"
#include "base/process.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_default_level(const struct config *config) {
    for (size_t i = 0; i < config->item_count; i++)
        if (strcmp(config->items[i].key, "log_level") == 0)
            return strcmp(config->items[i].origin, "default") == 0;
    return true;
}

int session_open(struct session *session, const struct args *args, const struct engine_events *events,
    void *arg, struct error *err) {
    process_forbid_core();
    struct config *config = config_load(&args->source, err);
    if (!config)
        return -1;
    log_configure(
        is_default_level(config) ? LOG_WARNING : config->log_level, config->log_format, "check", -1);
    if (loop_init(&session->loop, err) < 0) {
        config_free(config);
        loop_release(&session->loop);
        return -1;
    }
    session->engine = engine_new(&session->loop, config, events, arg, err);
    if (!session->engine)
        loop_release(&session->loop);
    return session->engine ? 0 : -1;
}

void session_log_warnings(const struct session *session) {
    const struct config *config = engine_config(session->engine);
    for (size_t i = 0; i < config->warning_count; i++)
        log_warning("configuration", config->warnings[i]);
}

void session_close(struct session *session) {
    engine_free(session->engine);
    loop_release(&session->loop);
}

void session_snapshot(struct session *session, struct snapshot *snapshot) {
    engine_snapshot(session->engine, snapshot);
    snapshot->sidecar_version = BH_VERSION;
    snapshot->sidecar_config = "ok";
    snapshot->sidecar_pid = (int)getpid();
}

static const char *find_variable(const char *const *environment, const char *name) {
    size_t length = strlen(name);
    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

bool session_has_colour(const char *const *environment, int fd) {
    const char *no_colour = find_variable(environment, "NO_COLOR");
    const char *terminal = find_variable(environment, "TERM");
    return isatty(fd) && !(no_colour && *no_colour) && !(terminal && strcmp(terminal, "dumb") == 0);
}
