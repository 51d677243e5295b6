/* The faults of the endurance test. */
#include "e2e/endurance.h"
#include "e2e/endurance_app.h"
#include "e2e/endurance_servers.h"
#include "e2e/endurance_sidecar.h"

#include "harness/sqlite_files.h"
#include "harness/tempdir.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void move(const char *from, const char *to) {
    ck_assert_msg(rename(from, to) == 0, "%s to %s: %s", from, to, strerror(errno));
}

static void nothing(struct scene *scene) {
    (void)scene;
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

/* -- all of them -- */

#define STOPPED "Bugsink stopped"
#define AWAY    " refused reset db_starting timeout "

enum {
    PATIENCE_MS = 2000,    /* of settings: check_config_patience_ms */
    LIMIT_LASTS_MS = 5000, /* longer than a checker is stopped */
    /* What shows in the answers to questions alone, which wait for a look at the files that they would have
       Bugsink make, but no longer than this. */
    ASKS_MS = ASK_MS - INTERVAL_MS + RETRY_MS,
};

const struct fault FAULTS[] = {
    {"PostgreSQL stopped", TARGET_POSTGRES, EFFECT_ERROR, AWAY, 0, RECOVERS_FAST, false, fault_postgres_stop,
        NULL, fault_postgres_start},
    {"PostgreSQL crashed", TARGET_POSTGRES, EFFECT_ERROR, AWAY, 0, RECOVERS_FAST, false, fault_postgres_crash,
        NULL, fault_postgres_start},
    {"PostgreSQL stalled (SIGSTOP)", TARGET_POSTGRES, EFFECT_ERROR, " timeout ", 0, RECOVERS_FAST, false,
        fault_postgres_stall, NULL, fault_postgres_resume},
    {"PostgreSQL backend killed", TARGET_POSTGRES, EFFECT_PASSES, AWAY, 0, RECOVERS_FAST, false,
        fault_postgres_kill_backend, NULL, fault_postgres_await},
    {"PostgreSQL password changed", TARGET_POSTGRES, EFFECT_ERROR, " auth_failed reset db_starting ",
        RETRY_MS, RECOVERS_REFUSED, false, fault_postgres_change_password, NULL,
        fault_postgres_restore_password},
    {"PostgreSQL read-only", TARGET_POSTGRES, EFFECT_ERROR, " read_only reset db_starting ", RETRY_MS,
        RECOVERS_FAST, false, fault_postgres_forbid_writing, NULL, fault_postgres_allow_writing},
    {"PostgreSQL: two installations", TARGET_POSTGRES, EFFECT_ERROR, " app_data_invalid ", 0, RECOVERS_FAST,
        false, fault_postgres_add_installation, NULL, fault_postgres_remove_installation},
    {"PostgreSQL: quota used up", TARGET_POSTGRES, EFFECT_DEGRADED, " ingestion_paused ", 0,
        RECOVERS_INTERVAL, false, fault_postgres_use_up_quota, NULL, fault_postgres_grant_quota},
#ifdef WITH_MYSQL
    {"MariaDB stopped", TARGET_MARIADB, EFFECT_ERROR, AWAY, 0, RECOVERS_LOGIN, false, fault_mariadb_stop,
        NULL, fault_mariadb_start},
    {"MariaDB killed", TARGET_MARIADB, EFFECT_ERROR, AWAY, 0, RECOVERS_LOGIN, false, fault_mariadb_crash,
        NULL, fault_mariadb_start},
    {"MariaDB frozen (SIGSTOP)", TARGET_MARIADB, EFFECT_ERROR, " timeout ", 0, RECOVERS_WAITING, false,
        fault_mariadb_freeze, NULL, fault_mariadb_thaw},
    {"MariaDB password changed", TARGET_MARIADB, EFFECT_ERROR, " auth_failed ", 0, RECOVERS_REFUSED, false,
        fault_mariadb_change_password, NULL, fault_mariadb_restore_password},
    {"MariaDB account locked", TARGET_MARIADB, EFFECT_ERROR, " auth_failed ", 0, RECOVERS_REFUSED, false,
        fault_mariadb_lock_account, NULL, fault_mariadb_unlock_account},
    {"MariaDB read-only", TARGET_MARIADB, EFFECT_ERROR, " read_only ", 0, RECOVERS_FAST, false,
        fault_mariadb_forbid_writing, NULL, fault_mariadb_allow_writing},
    {"MariaDB full", TARGET_MARIADB, EFFECT_DEGRADED, " too_many_clients ", 0, RECOVERS_INTERVAL, false,
        fault_mariadb_fill, fault_mariadb_fill, fault_mariadb_empty},
    {"MariaDB: FLUSH TABLES WITH READ LOCK", TARGET_MARIADB, EFFECT_DEGRADED, " blocked ", 0,
        RECOVERS_INTERVAL, false, fault_mariadb_lock_all, NULL, fault_mariadb_unlock_all},
    {"MariaDB: a table missing", TARGET_MARIADB, EFFECT_ERROR, " unmigrated ", 0, RECOVERS_FAST, false,
        fault_mariadb_take_table, NULL, fault_mariadb_return_table},
#endif
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
    {"settings broken", TARGET_SETTINGS, EFFECT_PREDICTS, " parse_error ", PATIENCE_MS, RECOVERS_INTERVAL,
        false, break_settings, NULL, restore_settings},
    {"settings: one missing", TARGET_SETTINGS, EFFECT_PREDICTS, " missing_setting ", PATIENCE_MS,
        RECOVERS_INTERVAL, false, omit_setting, NULL, restore_settings},
    {"settings: one invalid", TARGET_SETTINGS, EFFECT_PREDICTS, " invalid_setting ", PATIENCE_MS,
        RECOVERS_INTERVAL, false, spoil_setting, NULL, restore_settings},
    {"settings: not UTF-8", TARGET_SETTINGS, EFFECT_PREDICTS, " encoding ", PATIENCE_MS, RECOVERS_INTERVAL,
        false, spoil_encoding, NULL, restore_settings},
    {"settings removed", TARGET_SETTINGS, EFFECT_PREDICTS, " file_missing ", PATIENCE_MS, RECOVERS_INTERVAL,
        false, remove_settings, NULL, restore_settings},
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
    {STOPPED, TARGET_APP, EFFECT_ERROR, " refused ", 0, RECOVERS_FAST, false, fault_app_stop, NULL,
        fault_app_restore},
    /* Two questions may fail before the endpoint is looked at again, and each may wait for a look at a file.
     */
    {"Bugsink fails", TARGET_APP, EFFECT_ERROR, " app_error ", 2 * (RETRY_MAX_MS + RETRY_MS), RECOVERS_FAST,
        false, fault_app_fail, NULL, fault_app_restore},
    {"Bugsink is another service", TARGET_APP, EFFECT_ERROR, " protocol ", 0, RECOVERS_FAST, false,
        fault_app_confuse, NULL, fault_app_restore},
    {"Bugsink: questions fail", TARGET_APP, EFFECT_ERROR, " app_database ", ASKS_MS, RECOVERS_FAST, false,
        fault_app_lose_database, NULL, fault_app_restore},
    {"Bugsink: questions hang", TARGET_APP, EFFECT_ERROR, " app_database ", ASKS_MS, RECOVERS_FAST, false,
        fault_app_hang, NULL, fault_app_restore},
    {"Bugsink: questions broken off", TARGET_APP, EFFECT_ERROR, " app_database ", ASKS_MS, RECOVERS_FAST,
        false, fault_app_lose_workers, NULL, fault_app_restore},
    {"Bugsink: questions answered by a proxy", TARGET_APP, EFFECT_NONE, "", 0, RECOVERS_FAST, false,
        fault_app_hide, NULL, fault_app_restore},
    {"Bugsink is an older one", TARGET_APP, EFFECT_NONE, "", 0, RECOVERS_FAST, false, fault_app_age, NULL,
        nothing},
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
    {"checker stalled (SIGSTOP)", TARGET_SIDECAR, EFFECT_PASSES, "", 0, RECOVERS_FAST, false,
        sidecar_stop_checker, NULL, sidecar_resume_checker},
    {"processor limited to a quarter", TARGET_SIDECAR, EFFECT_NONE, "", LIMIT_LASTS_MS, RECOVERS_FAST, false,
        sidecar_limit, NULL, sidecar_unlimit},
};

const size_t FAULT_COUNT = sizeof FAULTS / sizeof FAULTS[0];

bool fault_is_possible(const struct fault *fault, const struct scene *scene) {
    return !target_is_absent(scene, fault->target) && !(fault->needs_namespace && scene->confined);
}

/* Another release of Bugsink comes with a restart: what this one did not know, the next is asked. */
const struct fault *fault_after(const struct fault *fault) {
    for (size_t i = 0; fault->begin == fault_app_age && i < FAULT_COUNT; i++)
        if (strcmp(FAULTS[i].name, STOPPED) == 0)
            return &FAULTS[i];
    return NULL;
}
