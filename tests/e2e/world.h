/* What most end-to-end tests need: a directory with Bugsink's files, an environment that names them, a
 * daemon. */
#ifndef BH_TESTS_WORLD_H
#define BH_TESTS_WORLD_H

#include "harness/daemon.h"
#include "harness/http.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct world {
    char dir[256];
    char main_db[288], queue_db[288], settings[288], config[288];
    struct envlist environment;
    struct daemon daemon;
    struct http_response response; /* the last one */
};

/* Makes a directory with the two databases and the settings file of config/demo, and an environment that
 * names them with Bugsink's own variables, with intervals short enough for tests (interval 1 s, timeout 800
 * ms, slow 799 ms, retry 200 ms). The caller frees it with free(): tests are large otherwise for the stack of
 * a sanitizer.
 */
struct world *world_new(void);

/* Starts the daemon, and waits until all is ready. */
void world_start(struct world *world);

/* Starts the daemon, with these flags and no more than that many descriptors, and waits for no check. */
void world_start_with(struct world *world, const char *const *flags, int descriptor_limit);

/* Stops it with SIGINT, checks that it ended well, and frees the world. */
void world_end(struct world *world);

void world_write_settings(const struct world *world, const char *text);
void world_restore_settings(const struct world *world);

/* Writes the configuration file and names it in the environment, in the place of Bugsink's variables; also in
 * that of "slow", where it says that. */
void world_write_config(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The kubelet's GET; the response is in world->response. Returns the status. */
int world_get(struct world *world, const char *path);

/* Waits until GET of path has that status and text stands in the body; returns the milliseconds it took. Ends
 * the test with the last answer and the log when it does not come about in timeout_ms. */
int64_t world_await(struct world *world, const char *path, int status, const char *text, int64_t timeout_ms);

/* As world_await of /health/ready/, for a database's (or app_settings') own text: "ok", "error: locked". */
int64_t world_await_check(struct world *world, const char *name, const char *text, int64_t timeout_ms);

/* The text of a database (or "app_settings") in the last answer of /health/ready/; NULL: not there. Borrowed
 * until the next call. */
const char *world_check_text(struct world *world, const char *name);

/* The descriptors that the checker has open between runs; -1 where we may not look (only root may). */
int world_idle_descriptors(const struct world *world);

/* Waits until it has just these (-1: any number), and its workers are asleep. Ends the test where that
 * does not come about. */
void world_await_idle(const struct world *world, int descriptors);

/* Whether program and tests are built with AddressSanitizer. */
bool world_is_sanitized(void);

#endif
