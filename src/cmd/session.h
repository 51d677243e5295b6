/* What check and wait share: an engine in this process, without a responder. */
#ifndef BH_CMD_SESSION_H
#define BH_CMD_SESSION_H

#include "base/timers.h"
#include "checker/engine.h"
#include "run/loop.h"
#include "cmd/args.h"

struct session {
    struct nursery nursery;
    struct loop loop;
    struct engine *engine;
    bool is_interrupted;   /* a signal has ended session_run */
    bool has_chosen_level; /* somebody has chosen a log level */
    bool is_terse; /* set before session_open: errors alone are logged, unless --verbose asks for more */
};

/* Forks the nursery, loads the configuration and prepares the engine. The log on standard error shows
 * warnings and errors, with --verbose also information, unless the configuration names another level. On
 * failure the caller has nothing to release. */
int session_open(struct session *session, const struct args *args, const struct engine_events *events,
    void *arg, struct error *err);
void session_close(struct session *session);

/* Logs what the configuration warns of; where is_terse, prints it on standard error instead. */
void session_log_warnings(const struct session *session);

/* What the checks find is shown, and not logged as well; unless somebody has chosen a log level. */
void session_keep_quiet(struct session *session);

/* The state of everything, with the sidecar's own facts filled in, as far as a command has them. */
void session_snapshot(struct session *session, struct snapshot *snapshot);

/* Runs the loop until loop_end, or until a signal ends it: SIGTERM, SIGINT, SIGHUP or SIGQUIT. Returns -1
 * when signals cannot be watched. */
int session_run(struct session *session, struct error *err);

#endif
