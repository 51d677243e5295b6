/* What check and wait share: an engine in this process, without a responder. */
#ifndef BH_CMD_SESSION_H
#define BH_CMD_SESSION_H

#include "base/timers.h"
#include "checker/engine.h"
#include "checker/loop.h"
#include "cmd/args.h"

struct session {
    struct loop loop;
    struct engine *engine;
};

/* Loads the configuration and prepares the engine. Driver texts go to the log on standard error, which shows
 * warnings and errors unless the configuration names another level. On failure the caller has nothing to
 * release. */
int session_open(struct session *session, const struct args *args, const struct engine_events *events,
    void *arg, struct error *err);
void session_close(struct session *session);

/* Logs what the configuration warns of. */
void session_log_warnings(const struct session *session);

/* The state of everything, with the sidecar's own facts filled in. */
void session_snapshot(struct session *session, struct snapshot *snapshot);

/* Whether standard output (fd) is a terminal that wants colour: NO_COLOR unset and TERM not "dumb". */
bool session_has_colour(const char *const *environment, int fd);

#endif
