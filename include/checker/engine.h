/* The engine: runs all checks on their schedule, remembers what they found, and reports what it knows. */
#ifndef BH_CHECKER_ENGINE_H
#define BH_CHECKER_ENGINE_H

#include "base/error.h"
#include "run/loop.h"
#include "config/config.h"
#include "report/snapshot.h"

struct engine;

struct engine_events {
    /* A run has ended, the maintenance file was looked for, or the configuration has changed. is_change: the
     * pages have something new to say, so they must be rendered again at once. */
    void (*checked)(void *arg, bool is_change);
};

/* Prepares all checks of the configuration, which it takes over in any case, and frees with config_free.
 * Returns NULL on failure. A kind that this build lacks is refused. */
struct engine *engine_new(struct loop *loop, struct config *config, const struct engine_events *events,
    void *arg, struct error *err);
void engine_free(struct engine *engine);

/* From now on, until a reload, what the checks find is not logged: the caller shows it in its snapshots.
 */
void engine_set_quiet(struct engine *engine);

/* From now on, until a reload, we wait for Bugsink, or it waits for us: neither its silence nor what its own
 * start repairs is worth a warning, and nothing is an error. */
void engine_set_patient(struct engine *engine);

/* Starts the first round. With is_once no check runs a second time; Bugsink is asked its questions all the
 * same. Ends the process when memory is out. */
void engine_start(struct engine *engine, bool is_once);

/* Replaces the configuration (taken in any case): a check that is configured as before keeps its memory and
 * its run; one that asks the same in other times or limits keeps what is known, and Bugsink's own, while its
 * URL is the same, whether Bugsink lives; others start afresh. On failure the old one stays in force. Changes
 * of listen take no effect. */
int engine_reload(struct engine *engine, struct config *config, struct error *err);

/* We are shutting down: from now on no connection is kept between runs. */
void engine_drain(struct engine *engine);

/* How long before the end no run may begin that logs in to a server which counts broken logins: the longest
 * that such a run may take. 0: there is no such check. */
int64_t engine_login_ms(const struct engine *engine);

/* From now on no such run begins. */
void engine_begin_no_logins(struct engine *engine);

/* Whether one is in the middle of its login: it ends by its deadline. */
bool engine_is_logging_in(const struct engine *engine);

/* The state of everything now. The views are the engine's, valid until its next call. What only the caller
 * knows (draining, the sidecar's own facts) is left zero. */
void engine_snapshot(struct engine *engine, struct snapshot *snapshot);

/* Whether every check has finished a run, whatever the result, and Bugsink, if it answers, has been asked the
 * questions that are due at once. */
bool engine_has_finished_round(const struct engine *engine);

/* The versions of the libraries in use, those of the workers included (versions_format). */
const char *engine_linked(const struct engine *engine);

/* The processor time of the workers, as far as they have told it. */
int64_t engine_workers_cpu_ms(const struct engine *engine);

const struct config *engine_config(const struct engine *engine);

/* A number that no descriptor of this process reaches. */
int engine_descriptors(const struct engine *engine);

#endif
