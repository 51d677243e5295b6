/* The scene of the endurance test: everything that can be checked, and a daemon that checks it. */
#include "e2e/endurance.h"
#include "e2e/endurance_app.h"
#include "e2e/endurance_servers.h"

#include "harness/namespace.h"
#include "harness/skip.h"
#include "harness/sqlite_files.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { START_MS = 10000, SPOOL_BYTES = 4 << 20 };

/* The last two: what a fault writes into the settings, and into a configuration that is refused. */
const char *const SCENE_SECRETS[] = {POSTGRES_PASSWORD, POSTGRES_PASSWORD_ENCODED,
    "for-the-demo-only-3q8vz1m7w5kx0c2n9b4t6y8u1i3o5p7a", "Zq7xBrokenSettings9kWp", "Vb3nBrokenConfig5tRy",
    NULL};

static const char *const CHECKS[TARGET_COUNT] = {
    [TARGET_POSTGRES] = "default",
    [TARGET_MARIADB] = "mariadb",
    [TARGET_FILE] = "archive",
    [TARGET_QUEUE] = "snappea",
    [TARGET_SETTINGS] = "app_settings",
    [TARGET_SPOOL] = "ingestion",
    [TARGET_VOLUME] = "volume",
    [TARGET_APP] = "app",
};

const char *target_check(enum target_id target) {
    return CHECKS[target];
}

bool target_is_absent(const struct scene *scene, enum target_id target) {
    return target == TARGET_MARIADB && scene->no_mariadb;
}

/* -- configuration -- */

#define CONFIG                                                                                               \
    "{\"databases\": {\"default\": {\"dsn\": \"%s\", \"role\": \"main\"},\n"                                 \
    "  \"archive\": {\"dsn\": \"%s\", \"role\": \"main\"},\n"                                                \
    "  \"volume\": {\"dsn\": \"%s/db.sqlite3\", \"role\": \"plain\"},%s%s\n"                                 \
    "  \"snappea\": {\"dsn\": \"%s\", \"role\": \"queue\"}},\n"                                              \
    " \"directories\": {\"ingestion\": {\"path\": \"%s\", \"role\": \"spool\", \"min_free\": \"1MiB\"}},\n"  \
    " \"settings\": {\"path\": \"%s\", \"format\": \"python\"}, \"app\": {\"url\": "                         \
    "\"http://127.0.0.1:%d\", \"ask_interval\": \"%dms\"},\n"                                                \
    " \"maintenance\": \"%s\", \"fall\": %d, \"drain\": \"%s\",\n"                                           \
    " \"interval\": \"%dms\", \"timeout\": \"%dms\", \"slow\": \"%dms\", \"retry_interval\": \"%dms\"}\n"

void scene_write_config(struct scene *scene, int variant) {
    char extra[512] = "", mariadb[512] = "", draft[320], path[288];
    if (variant & 1)
        snprintf(extra, sizeof extra,
            " \"extra\": {\"dsn\": \"%s\", \"role\": \"plain\", \"critical\": false},",
            scene->world->main_db);
    if (scene->mariadb)
        snprintf(mariadb, sizeof mariadb, " \"mariadb\": {\"dsn\": \"%s\", \"role\": \"main\"},",
            scene->mariadb_dsn);
    /* Moved into its place, as an editor does, so that no reload sees half of it. */
    str_copy(path, sizeof path, scene->world->config);
    snprintf(draft, sizeof draft, "%s.new", path);
    str_copy(scene->world->config, sizeof scene->world->config, draft);
    world_write_config(scene->world, CONFIG, scene->dsn, scene->file, scene->fs.path, mariadb, extra,
        scene->world->queue_db, scene->spool, scene->world->settings, scene->app_port, ASK_MS,
        scene->maintenance, FALL, variant & 2 ? "1s" : "2s", INTERVAL_MS, TIMEOUT_MS, TIMEOUT_MS - 1,
        RETRY_MS);
    str_copy(scene->world->config, sizeof scene->world->config, path);
    ck_assert_int_eq(rename(draft, path), 0);
    envlist_set(&scene->world->environment, "BUGSINK_HEALTH_CONFIG=%s", path);
}

void scene_reload(struct scene *scene) {
    ck_assert_int_eq(kill(scene->world->daemon.checker, SIGHUP), 0);
    scene->reloads++;
    scene->reloaded_at_ms = wait_now_ms();
}

/* -- start and end -- */

static void make_volume(struct scene *scene) {
    char *source = tempdir_new(), *db = tempdir_path(source, "db.sqlite3");
    sqlite_files_make_main(db);
    scene->confined =
        geteuid() == 0 ? hungfs_start(&scene->fs, source) : "only root may start PostgreSQL in a namespace";
    if (scene->confined) {
        skip_test("part: the hung volume and the full disk", scene->confined);
        str_copy(scene->fs.path, sizeof scene->fs.path, source);
    }
    free(source);
    free(db);
}

/* In no WAL, where a writer that holds its lock keeps readers out. */
static void make_file(struct scene *scene) {
    const char *dir = scene->world->dir;
    scene->file = tempdir_path(dir, "archive.sqlite3");
    scene->file_aside = tempdir_path(dir, "archive.aside");
    scene->queue_aside = tempdir_path(dir, "queue.aside");
    scene->settings_aside = tempdir_path(dir, "settings.aside");
    scene->maintenance = tempdir_path(dir, "maintenance");
    sqlite_files_make_main(scene->file);
    sqlite_files_execute(scene->file, "PRAGMA journal_mode = delete");
}

static void make_spool(struct scene *scene) {
    char *parent = tempdir_new();
    if (!scene->confined)
        namespace_tmpfs(parent, SPOOL_BYTES);
    scene->spool = tempdir_path(parent, "ingestion");
    scene->spool_filler = tempdir_path(parent, "filler");
    ck_assert_int_eq(mkdir(scene->spool, 0755), 0);
    free(parent);
}

static void forget_bugsinks_names(struct scene *scene) {
    static const char *const SET_BY_WORLD[] = {
        "BUGSINK_HEALTH_INTERVAL", "BUGSINK_HEALTH_TIMEOUT", "BUGSINK_HEALTH_RETRY_INTERVAL"};
    for (size_t i = 0; i < sizeof SET_BY_WORLD / sizeof SET_BY_WORLD[0]; i++)
        envlist_unset(&scene->world->environment, SET_BY_WORLD[i]);
}

static void start_mariadb(struct scene *scene) {
#ifdef WITH_MYSQL
    scene->no_mariadb = mariadb_lack();
    if (!scene->no_mariadb)
        mariadb_enter(scene);
#else
    scene->no_mariadb = "built without it";
#endif
    if (scene->no_mariadb)
        skip_test("part: MariaDB", scene->no_mariadb);
}

static void end_mariadb(struct scene *scene) {
#ifdef WITH_MYSQL
    if (scene->mariadb)
        mariadb_leave(scene);
#else
    (void)scene;
#endif
}

void scene_start(struct scene *scene, uint64_t seed) {
    *scene =
        (struct scene){.world = world_new(), .dice = dice_new(seed, 500), .app_dice = dice_new(seed, 501)};
    make_volume(scene); /* first: all that follows belongs into its namespaces */
    make_file(scene);
    make_spool(scene);
    scene->server = postgres_start(NULL);
    scene->app_port = daemon_free_port();
    app_start(scene);
    start_mariadb(scene);
    scene->dsn = postgres_dsn(scene->server, "bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink", "");
    forget_bugsinks_names(scene);
    scene_write_config(scene, 0);
    processor_limit_begin(&scene->limit, 0);
    world_start_with(scene->world, NULL, 0);
    processor_limit_apply(&scene->limit, scene->world->daemon.checker);
    world_await(scene->world, "/health/ready/", 200, "\"status\": \"ok\"", START_MS);
    /* Both have been answered before the next is asked. */
    app_await_question(scene, START_MS);
}

void scene_end(struct scene *scene) {
    char *const texts[] = {scene->dsn, scene->maintenance, scene->file, scene->file_aside,
        scene->settings_aside, scene->spool, scene->spool_filler, scene->queue_aside};
    world_end(scene->world);
    processor_limit_end(&scene->limit);
    app_end(scene);
    postgres_free(scene->server);
    end_mariadb(scene);
    if (!scene->confined)
        hungfs_end(&scene->fs);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
}
