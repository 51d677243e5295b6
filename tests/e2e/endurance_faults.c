/* The faults of the endurance test. */
#include "e2e/endurance.h"
#include "e2e/endurance_sidecar.h"

#include "harness/proc.h"
#include "harness/sqlite_files.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SERVER_UP_MS = 10000, BACKENDS_MAX = 64 };

static void move(const char *from, const char *to) {
    ck_assert_msg(rename(from, to) == 0, "%s to %s: %s", from, to, strerror(errno));
}

static void nothing(struct scene *scene) {
    (void)scene;
}

/* -- PostgreSQL -- */

static void stop_server(struct scene *scene) {
    postgres_stop(scene->server);
}

static void crash_server(struct scene *scene) {
    postgres_crash(scene->server);
}

static void start_server(struct scene *scene) {
    postgres_restart(scene->server, NULL);
}

/* With its backends: a connection that is kept must notice as well. */
static void signal_backends(const struct scene *scene, int number) {
    pid_t backends[BACKENDS_MAX];
    int count = proc_children(scene->server->pid, backends, BACKENDS_MAX);
    for (int i = 0; i < count; i++)
        kill(backends[i], number);
}

static void stall_server(struct scene *scene) {
    postgres_pause(scene->server); /* first: no new ones from here on */
    signal_backends(scene, SIGSTOP);
}

static void resume_server(struct scene *scene) {
    signal_backends(scene, SIGCONT);
    postgres_continue(scene->server);
}

/* What holds for logins alone shows on a connection that is kept once that is gone. */
static void do_anew(struct scene *scene, const char *sql) {
    postgres_do(scene->server, "postgres", sql);
    postgres_do(scene->server, "postgres",
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'bugsink'");
}

static void change_password(struct scene *scene) {
    do_anew(scene, "ALTER ROLE bugsink PASSWORD 'another'");
}

static void restore_password(struct scene *scene) {
    do_anew(scene, "ALTER ROLE bugsink PASSWORD '" POSTGRES_PASSWORD "'");
}

static void forbid_writing(struct scene *scene) {
    do_anew(scene, "ALTER ROLE bugsink SET default_transaction_read_only = on");
}

static void allow_writing(struct scene *scene) {
    do_anew(scene, "ALTER ROLE bugsink RESET default_transaction_read_only");
}

static void add_installation(struct scene *scene) {
    postgres_do(scene->server, "bugsink",
        "INSERT INTO phonehome_installation (id, created_at) VALUES (gen_random_uuid(), '2001-01-01')");
}

static void remove_installation(struct scene *scene) {
    postgres_do(
        scene->server, "bugsink", "DELETE FROM phonehome_installation WHERE created_at = '2001-01-01'");
}

static void use_up_quota(struct scene *scene) {
    postgres_do(scene->server, "bugsink",
        "UPDATE phonehome_installation SET quota_exceeded_until = now() + interval '1 hour'");
}

static void grant_quota(struct scene *scene) {
    postgres_do(scene->server, "bugsink", "UPDATE phonehome_installation SET quota_exceeded_until = NULL");
}

static PGconn *connect_super(const struct scene *scene) {
    char port[16];
    snprintf(port, sizeof port, "%d", scene->server->port);
    const char *const keywords[] = {"host", "port", "user", "dbname", NULL};
    const char *const values[] = {scene->server->root, port, "postgres", "postgres", NULL};
    return PQconnectdbParams(keywords, values, 0);
}

/* The server takes that for a crash: it ends all its backends and recovers. */
static void kill_backend(struct scene *scene) {
    PGconn *conn = connect_super(scene);
    ck_assert_msg(PQstatus(conn) == CONNECTION_OK, "%s", PQerrorMessage(conn));
    kill(PQbackendPID(conn), SIGKILL);
    PQclear(PQexec(conn, "SELECT 1")); /* fails when it is dead */
    PQfinish(conn);
}

static bool takes_connections(void *arg) {
    PGconn *conn = connect_super(arg);
    bool is_up = PQstatus(conn) == CONNECTION_OK;
    PQfinish(conn);
    return is_up;
}

static void await_server(struct scene *scene) {
    ck_assert(wait_until(takes_connections, scene, SERVER_UP_MS));
}

/* -- an SQLite file -- */

static void lock_file(struct scene *scene) {
    ck_assert_int_eq(sqlite3_open(scene->file, &scene->lock), SQLITE_OK);
    sqlite3_busy_timeout(scene->lock, 5000);
    ck_assert_int_eq(sqlite3_exec(scene->lock, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
}

static void unlock_file(struct scene *scene) {
    sqlite3_close(scene->lock);
    scene->lock = NULL;
}

static void remove_file(struct scene *scene) {
    move(scene->file, scene->file_aside);
}

static void restore_file(struct scene *scene) {
    move(scene->file_aside, scene->file);
}

static void put_garbage(struct scene *scene) {
    char text[4097];
    remove_file(scene);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    tempdir_write(scene->file, text);
}

static void put_empty_file(struct scene *scene) {
    remove_file(scene);
    tempdir_write(scene->file, "");
}

/* As a restored backup is: another file, all at once. */
static void replace_file(struct scene *scene) {
    char *draft = tempdir_path(scene->world->dir, "archive.draft");
    sqlite_files_make_main(draft);
    sqlite_files_execute(draft, "PRAGMA journal_mode = delete");
    move(draft, scene->file);
    free(draft);
}

/* -- the queue -- */

static void fill_queue(struct scene *scene) {
    sqlite_files_execute(scene->world->queue_db,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
        " INSERT INTO snappea_task (task_name, args, kwargs, created_at)"
        " SELECT 't', '[]', '{}', strftime('%Y-%m-%d %H:%M:%f', 'now') FROM n");
}

static void drain_queue(struct scene *scene) {
    sqlite_files_execute(scene->world->queue_db, "DELETE FROM snappea_task");
}

static void fail_tasks(struct scene *scene) {
    sqlite_files_execute(scene->world->queue_db,
        "INSERT INTO snappea_stat (timestamp, task_name, done, errors, wall_time, wait_time, write_time,"
        " max_wall_time, max_wait_time, max_write_time)"
        " VALUES (strftime('%Y-%m-%d %H:%M:00', 'now'), 't', 1, 1, 0, 0, 0, 0, 0, 0)");
}

static void forget_stats(struct scene *scene) {
    sqlite_files_execute(scene->world->queue_db, "DELETE FROM snappea_stat");
}

static void remove_queue(struct scene *scene) {
    move(scene->world->queue_db, scene->queue_aside);
}

static void restore_queue(struct scene *scene) {
    move(scene->queue_aside, scene->world->queue_db);
}

/* -- settings -- */

static void break_settings(struct scene *scene) {
    world_write_settings(scene->world, "SECRET_KEY = \"Zq7xBrokenSettings9kWp\"\nBUGSINK = {\n");
}

static void omit_setting(struct scene *scene) {
    world_write_settings(scene->world, "BUGSINK = {\"SITE_TITLE\": \"Zq7xBrokenSettings9kWp\"}\n");
}

static void spoil_setting(struct scene *scene) {
    world_write_settings(
        scene->world, "SECRET_KEY = \"\"\nBUGSINK = {\"BASE_URL\": \"Zq7xBrokenSettings9kWp\"}\n");
}

static void spoil_encoding(struct scene *scene) {
    world_write_settings(scene->world, "SECRET_KEY = \"Zq7xBrokenSettings9kWp\xff\xfe\"\nBUGSINK = {}\n");
}

static void remove_settings(struct scene *scene) {
    ck_assert_int_eq(unlink(scene->world->settings), 0);
}

static void restore_settings(struct scene *scene) {
    world_restore_settings(scene->world);
}

/* As the kubelet does with a ConfigMap: another file of the same content takes the place at once. */
static void swap_settings(struct scene *scene) {
    char path[288];
    str_copy(path, sizeof path, scene->world->settings);
    str_copy(scene->world->settings, sizeof scene->world->settings, scene->settings_aside);
    world_restore_settings(scene->world);
    str_copy(scene->world->settings, sizeof scene->world->settings, path);
    move(scene->settings_aside, path);
}

/* And as an editor may: gone for a moment. */
static void rewrite_settings(struct scene *scene) {
    remove_settings(scene);
    world_write_settings(scene->world, "SECRET_KEY = \"");
    restore_settings(scene);
}

/* -- the spool -- */

static void fill_disk(struct scene *scene) {
    static const char BYTES[65536];
    int fd = open(scene->spool_filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ck_assert_int_ge(fd, 0);
    while (write(fd, BYTES, sizeof BYTES) > 0)
        ;
    ck_assert_int_eq(errno, ENOSPC);
    close(fd);
}

static void empty_disk(struct scene *scene) {
    ck_assert_int_eq(unlink(scene->spool_filler), 0);
}

static void remove_spool(struct scene *scene) {
    ck_assert_int_eq(rmdir(scene->spool), 0);
}

static void restore_spool(struct scene *scene) {
    ck_assert_int_eq(mkdir(scene->spool, 0755), 0);
}

/* A file in its place: Bugsink would answer every event with an error. */
static void cover_spool(struct scene *scene) {
    remove_spool(scene);
    tempdir_write(scene->spool, "");
}

static void uncover_spool(struct scene *scene) {
    ck_assert_int_eq(unlink(scene->spool), 0);
    restore_spool(scene);
}

/* -- the volume -- */

static void deafen_volume(struct scene *scene) {
    hungfs_hang(&scene->fs, HUNGFS_IS_DEAF);
}

static void hold_volume(struct scene *scene) {
    hungfs_hang(&scene->fs, HUNGFS_HOLDS);
}

static void resume_volume(struct scene *scene) {
    hungfs_go_on(&scene->fs);
}

/* -- Bugsink -- */

static void start_app(struct scene *scene, const char *reply) {
    const struct peer_script script = {
        .reads = 1, .reply = reply, .reply_size = strlen(reply), .closes = PEER_CLOSES};
    scene->app = peer_start_on(&script, scene->app.port);
}

static void stop_app(struct scene *scene) {
    peer_stop(&scene->app);
}

static void restore_app(struct scene *scene) {
    if (scene->app.pid > 0)
        stop_app(scene);
    start_app(scene, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK");
}

static void fail_app(struct scene *scene) {
    stop_app(scene);
    start_app(scene, "HTTP/1.1 500 No\r\nContent-Length: 4\r\nConnection: close\r\n\r\nOops");
}

static void confuse_app(struct scene *scene) {
    stop_app(scene);
    start_app(scene, "220 smtp.example ESMTP\r\n");
}

/* -- all of them -- */

#define AWAY " refused reset db_starting timeout "

enum { PATIENCE_MS = 2000 /* of settings: check_config_patience_ms */ };

const struct fault FAULTS[] = {
    {"PostgreSQL stopped", TARGET_POSTGRES, EFFECT_ERROR, AWAY, 0, RECOVERS_FAST, false, stop_server, NULL,
        start_server},
    {"PostgreSQL crashed", TARGET_POSTGRES, EFFECT_ERROR, AWAY, 0, RECOVERS_FAST, false, crash_server, NULL,
        start_server},
    {"PostgreSQL stalled (SIGSTOP)", TARGET_POSTGRES, EFFECT_ERROR, " timeout ", 0, RECOVERS_FAST, false,
        stall_server, NULL, resume_server},
    {"PostgreSQL backend killed", TARGET_POSTGRES, EFFECT_PASSES, AWAY, 0, RECOVERS_FAST, false, kill_backend,
        NULL, await_server},
    {"PostgreSQL password changed", TARGET_POSTGRES, EFFECT_ERROR, " auth_failed reset db_starting ",
        RETRY_MS, RECOVERS_REFUSED, false, change_password, NULL, restore_password},
    {"PostgreSQL read-only", TARGET_POSTGRES, EFFECT_ERROR, " read_only reset db_starting ", RETRY_MS,
        RECOVERS_FAST, false, forbid_writing, NULL, allow_writing},
    {"PostgreSQL: two installations", TARGET_POSTGRES, EFFECT_ERROR, " app_data_invalid ", 0, RECOVERS_FAST,
        false, add_installation, NULL, remove_installation},
    {"PostgreSQL: quota used up", TARGET_POSTGRES, EFFECT_DEGRADED, " ingestion_paused ", 0,
        RECOVERS_INTERVAL, false, use_up_quota, NULL, grant_quota},
    /* Degraded for two intervals first, and each run waits for the lock. */
    {"SQLite locked", TARGET_FILE, EFFECT_ERROR, " locked timeout ", 2 * INTERVAL_MS + TIMEOUT_MS + RETRY_MS,
        RECOVERS_FAST, false, lock_file, NULL, unlock_file},
    {"SQLite file removed", TARGET_FILE, EFFECT_ERROR, " file_missing ", 0, RECOVERS_FAST, false, remove_file,
        NULL, restore_file},
    {"SQLite file overwritten", TARGET_FILE, EFFECT_ERROR, " file_missing empty not_a_database ", 0,
        RECOVERS_FAST, false, put_garbage, NULL, restore_file},
    {"SQLite file empty", TARGET_FILE, EFFECT_ERROR, " file_missing empty ", 0, RECOVERS_FAST, false,
        put_empty_file, NULL, restore_file},
    {"SQLite file replaced", TARGET_FILE, EFFECT_NONE, "", 0, RECOVERS_FAST, false, replace_file, NULL,
        nothing},
    {"queue filled", TARGET_QUEUE, EFFECT_DEGRADED, " backlog ", 0, RECOVERS_INTERVAL, false, fill_queue,
        NULL, drain_queue},
    {"tasks fail", TARGET_QUEUE, EFFECT_DEGRADED, " task_errors ", 0, RECOVERS_INTERVAL, false, fail_tasks,
        NULL, forget_stats},
    {"queue file removed", TARGET_QUEUE, EFFECT_ERROR, " file_missing ", 0, RECOVERS_FAST, false,
        remove_queue, NULL, restore_queue},
    {"settings broken", TARGET_SETTINGS, EFFECT_ERROR, " parse_error ", PATIENCE_MS, RECOVERS_FAST, false,
        break_settings, NULL, restore_settings},
    {"settings: one missing", TARGET_SETTINGS, EFFECT_ERROR, " missing_setting ", PATIENCE_MS, RECOVERS_FAST,
        false, omit_setting, NULL, restore_settings},
    {"settings: one invalid", TARGET_SETTINGS, EFFECT_ERROR, " invalid_setting ", PATIENCE_MS, RECOVERS_FAST,
        false, spoil_setting, NULL, restore_settings},
    {"settings: not UTF-8", TARGET_SETTINGS, EFFECT_ERROR, " encoding ", PATIENCE_MS, RECOVERS_FAST, false,
        spoil_encoding, NULL, restore_settings},
    {"settings removed", TARGET_SETTINGS, EFFECT_ERROR, " file_missing ", PATIENCE_MS, RECOVERS_FAST, false,
        remove_settings, NULL, restore_settings},
    {"settings swapped (ConfigMap)", TARGET_SETTINGS, EFFECT_NONE, "", 0, RECOVERS_FAST, false, swap_settings,
        NULL, nothing},
    {"settings rewritten (editor)", TARGET_SETTINGS, EFFECT_NONE, "", 0, RECOVERS_FAST, false,
        rewrite_settings, NULL, nothing},
    {"disk full", TARGET_SPOOL, EFFECT_ERROR, " disk_full ", 0, RECOVERS_FAST, true, fill_disk, NULL,
        empty_disk},
    {"spool removed", TARGET_SPOOL, EFFECT_DEGRADED, " file_missing ", 0, RECOVERS_INTERVAL, false,
        remove_spool, NULL, restore_spool},
    {"spool covered by a file", TARGET_SPOOL, EFFECT_ERROR, " not_a_directory file_missing ", 0,
        RECOVERS_FAST, false, cover_spool, NULL, uncover_spool},
    {"volume deaf", TARGET_VOLUME, EFFECT_ERROR, " timeout stuck ", 0, RECOVERS_FAST, true, deafen_volume,
        NULL, resume_volume},
    {"volume hung", TARGET_VOLUME, EFFECT_ERROR, " timeout stuck ", 0, RECOVERS_FAST, true, hold_volume, NULL,
        resume_volume},
    {"Bugsink stopped", TARGET_APP, EFFECT_ERROR, " refused reset ", 0, RECOVERS_FAST, false, stop_app, NULL,
        restore_app},
    {"Bugsink fails", TARGET_APP, EFFECT_ERROR, " app_error refused reset ", 0, RECOVERS_FAST, false,
        fail_app, NULL, restore_app},
    {"Bugsink is another service", TARGET_APP, EFFECT_ERROR, " protocol refused reset ", 0, RECOVERS_FAST,
        false, confuse_app, NULL, restore_app},
    {"maintenance", TARGET_MAINTENANCE, EFFECT_ERROR, " maintenance ", 0, RECOVERS_FAST, false,
        sidecar_begin_maintenance, NULL, sidecar_end_maintenance},
    {"SIGHUPs, nothing changed", TARGET_CONFIG, EFFECT_NONE, "", 0, RECOVERS_FAST, false, nothing,
        sidecar_reload_now_and_then, sidecar_restore_config},
    {"SIGHUPs, valid changes", TARGET_CONFIG, EFFECT_NONE, "", 0, RECOVERS_FAST, false, nothing,
        sidecar_change_config, sidecar_restore_config},
    {"SIGHUP, invalid", TARGET_CONFIG, EFFECT_ERROR, " not_loaded ", 0, RECOVERS_FAST, false,
        sidecar_spoil_config, NULL, sidecar_restore_config},
    {"SIGHUPs, valid and invalid", TARGET_CONFIG, EFFECT_PASSES, "", 0, RECOVERS_FAST, false, nothing,
        sidecar_change_or_spoil_config, sidecar_restore_config},
    {"worker killed", TARGET_CHILD, EFFECT_NONE, "", 0, RECOVERS_FAST, false, sidecar_kill_child, NULL,
        nothing},
    {"checker stalled (SIGSTOP)", TARGET_CHECKER, EFFECT_PASSES, "", 0, RECOVERS_FAST, false,
        sidecar_stop_checker, NULL, sidecar_resume_checker},
};

const size_t FAULT_COUNT = sizeof FAULTS / sizeof FAULTS[0];
