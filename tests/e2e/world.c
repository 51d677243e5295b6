/* The surroundings of end-to-end tests. */
#include "e2e/world.h"

#include "base/str.h"
#include "harness/proc.h"
#include "harness/sqlite_files.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { READY_MS = 20000, END_MS = 10000, IDLE_MS = 20000 };

struct world *world_new(void) {
    struct world *world = calloc(1, sizeof *world);
    ck_assert_ptr_nonnull(world);
    char *dir = tempdir_new();
    str_copy(world->dir, sizeof world->dir, dir);
    free(dir);
    snprintf(world->main_db, sizeof world->main_db, "%s/db.sqlite3", world->dir);
    snprintf(world->queue_db, sizeof world->queue_db, "%s/snappea.sqlite3", world->dir);
    snprintf(world->settings, sizeof world->settings, "%s/bugsink_conf.py", world->dir);
    snprintf(world->config, sizeof world->config, "%s/config.json", world->dir);
    sqlite_files_make_main(world->main_db);
    sqlite_files_make_queue(world->queue_db);
    world_restore_settings(world);
    envlist_init(&world->environment);
    envlist_set(&world->environment, "DATABASE_PATH=%s", world->main_db);
    envlist_set(&world->environment, "BUGSINK_HEALTH_QUEUE=%s", world->queue_db);
    envlist_set(&world->environment, "BUGSINK_HEALTH_SETTINGS=%s", world->settings);
    envlist_set(&world->environment, "BUGSINK_HEALTH_INTERVAL=1s");
    envlist_set(&world->environment, "BUGSINK_HEALTH_TIMEOUT=800ms");
    envlist_set(&world->environment, "BUGSINK_HEALTH_RETRY_INTERVAL=200ms");
    envlist_set(&world->environment, "BUGSINK_HEALTH_SLOW=799ms"); /* a busy machine is no finding */
    return world;
}

void world_start_with(struct world *world, const char *const *flags, int descriptor_limit) {
    const struct daemon_setup setup = {
        .environment = &world->environment, .flags = flags, .descriptor_limit = descriptor_limit};
    daemon_start(&world->daemon, &setup);
}

void world_start(struct world *world) {
    world_start_with(world, NULL, 0);
    world_await(world, "/health/ready/", 200, "\"status\"", READY_MS);
}

void world_end(struct world *world) {
    if (world->daemon.checker > 0)
        ck_assert_int_eq(daemon_stop(&world->daemon, SIGINT, END_MS), 0);
    free(world);
}

void world_write_settings(const struct world *world, const char *text) {
    tempdir_write(world->settings, text);
}

void world_restore_settings(const struct world *world) {
    char text[8192];
    ck_assert_uint_gt(program_read_file("config/demo/bugsink_conf.py", text, sizeof text), 0);
    char *star = strstr(text, "from bugsink.settings.default import *");
    ck_assert_ptr_nonnull(star);
    *star = '#'; /* it may bring any name: none would be missing */
    tempdir_write(world->settings, text);
}

void world_write_config(struct world *world, const char *format, ...) {
    char *text;
    va_list args;
    va_start(args, format);
    ck_assert_int_ge(vasprintf(&text, format, args), 0);
    va_end(args);
    tempdir_write(world->config, text);
    envlist_unset(&world->environment, "DATABASE_PATH");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_QUEUE");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_SETTINGS");
    if (strstr(text, "\"slow\""))
        envlist_unset(&world->environment, "BUGSINK_HEALTH_SLOW");
    free(text);
    envlist_set(&world->environment, "BUGSINK_HEALTH_CONFIG=%s", world->config);
}

int world_get(struct world *world, const char *path) {
    return http_probe(world->daemon.port, path, &world->response);
}

struct awaited {
    struct world *world;
    const char *path;
    int status; /* 0: any */
    const char *check;
    const char *text;
};

static bool has_come(void *arg) {
    const struct awaited *awaited = arg;
    struct world *world = awaited->world;
    int status = world_get(world, awaited->path);
    if (status == 0 || (awaited->status != 0 && status != awaited->status))
        return false;
    if (!awaited->check)
        return strstr(world->response.body, awaited->text) != NULL;
    const char *text = world_check_text(world, awaited->check);
    return text && strcmp(text, awaited->text) == 0;
}

static int64_t await(const struct awaited *awaited, int64_t timeout_ms) {
    int64_t start_ms = wait_now_ms();
    struct awaited mutable = *awaited;
    if (!wait_until(has_come, &mutable, timeout_ms)) {
        char *log = daemon_log(&awaited->world->daemon);
        ck_abort_msg("no \"%s\" from %s in %d ms, but status %d:\n%s%s\nlog:\n%s", awaited->text,
            awaited->path, (int)timeout_ms, awaited->world->response.status, awaited->world->response.head,
            awaited->world->response.body, log);
    }
    return wait_now_ms() - start_ms;
}

int64_t world_await(struct world *world, const char *path, int status, const char *text, int64_t timeout_ms) {
    return await(&(const struct awaited){world, path, status, NULL, text}, timeout_ms);
}

int64_t world_await_check(struct world *world, const char *name, const char *text, int64_t timeout_ms) {
    return await(&(const struct awaited){world, "/health/ready/", 0, name, text}, timeout_ms);
}

const char *world_check_text(struct world *world, const char *name) {
    static char text[128];
    json_t *json = json_loads(world->response.body, 0, NULL);
    json_t *value = json_object_get(json_object_get(json, "databases"), name);
    if (!value)
        value = json_object_get(json, name);
    bool is_there = json_is_string(value) && str_copy(text, sizeof text, json_string_value(value));
    json_decref(json);
    return is_there ? text : NULL;
}

/* Its workers, and nobody else, are asleep. */
static bool is_at_rest(const struct daemon *daemon) {
    pid_t members[64], children[8];
    int count = proc_family(daemon->checker, members, 64);
    for (int i = 0; i < count; i++)
        if (proc_state(members[i]) != 'S')
            return false;
    return proc_children(daemon->checker, children, 8) == 2;
}

/* A run that is just under way has more: the smallest of many numbers is that of no run. */
int world_idle_descriptors(const struct world *world) {
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    int least = proc_descriptor_count(world->daemon.checker);
    for (int i = 0; i < 100; i++) {
        int count = proc_descriptor_count(world->daemon.checker);
        least = count < least ? count : least;
        nanosleep(&pause, NULL);
    }
    return least;
}

struct idleness {
    const struct daemon *daemon;
    int descriptors;
};

static bool is_idle(void *arg) {
    const struct idleness *wanted = arg;
    return is_at_rest(wanted->daemon) &&
           (wanted->descriptors < 0 || proc_descriptor_count(wanted->daemon->checker) == wanted->descriptors);
}

void world_await_idle(const struct world *world, int descriptors) {
    pid_t children[64];
    struct idleness wanted = {&world->daemon, descriptors};
    if (!wait_until(is_idle, &wanted, IDLE_MS))
        ck_abort_msg("%d descriptors and not %d, %d children", proc_descriptor_count(world->daemon.checker),
            descriptors, proc_children(world->daemon.checker, children, 64));
}

bool world_is_sanitized(void) {
#ifdef __SANITIZE_ADDRESS__
    return true;
#else
    return false;
#endif
}
