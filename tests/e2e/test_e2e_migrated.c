/* End to end: migrations that are applied or taken back beside a running Bugsink, on each kind of database.
 * It is played by a scripted one, whose code then no longer fits its tables. */
#include "e2e/world.h"
#include "harness/bugsink.h"
#include "harness/mariadb.h"
#include "harness/postgres.h"
#include "harness/skip.h"
#include "harness/sqlite_files.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define APPLY  "INSERT INTO django_migrations (app, name, applied) VALUES ('x', 'y', '2026-07-01 12:00:00')"
#define REVERT "DELETE FROM django_migrations WHERE app = 'x'"
#define LATER  "INSERT INTO django_migrations (app, name, applied) VALUES ('z', 'y', '2026-07-01 12:00:00')"

enum { RUNS_MS = 12000 };

/* Where the tables are: on one of the servers, or in the world's file. */
struct scene {
    struct world *world;
    struct bugsink bugsink;
    struct postgres_server *postgres;
    struct mariadb_server *mariadb;
};

static struct scene scene_new(void) {
    struct scene scene = {.world = world_new(), .bugsink = bugsink_start(0)};
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_INTERVAL=1s");
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_TIMEOUT=950ms");
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_SLOW=950ms");
    envlist_set(&scene.world->environment, "BUGSINK_HEALTH_APP_URL=http://127.0.0.1:%d", scene.bugsink.port);
    return scene;
}

static void scene_end(struct scene *scene) {
    world_end(scene->world);
    bugsink_stop(&scene->bugsink);
}

static void await_code(const struct scene *scene, const char *code) {
    char text[64];
    snprintf(text, sizeof text, "\"code\": \"%s\"", code);
    world_await(scene->world, "/health/ready/app/", 0, text, RUNS_MS);
}

static void execute(const struct scene *scene, const char *sql) {
    char line[256];
    snprintf(line, sizeof line, "%s;\n", sql);
    if (scene->postgres)
        postgres_do(scene->postgres, "bugsink", sql);
    else if (scene->mariadb)
        mariadb_do(scene->mariadb, "bugsink", line);
    else
        sqlite_files_execute(scene->world->main_db, sql);
}

/* A server's connection is kept for as long as the test lasts. */
static void use_server(const struct scene *scene) {
    char *dsn = scene->postgres
                    ? postgres_dsn(scene->postgres, "bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink", "")
                    : mariadb_dsn(scene->mariadb, "bugsink", MARIADB_PASSWORD_ENCODED, "bugsink", "");
    world_write_config(scene->world,
        "{\"databases\": {\"default\": {\"dsn\": \"%s\", \"role\": \"main\"}}, \"directories\": {},\n"
        " \"reconnect\": \"10m\", \"app\": {\"url\": \"http://127.0.0.1:%d\"}}\n",
        dsn, scene->bugsink.port);
    envlist_set(&scene->world->environment, "BUGSINK_HEALTH_RECONNECT=600s");
    free(dsn);
}

/* Of a Bugsink that has been asked all there was to ask, the project question is the migration's alone: it is
 * asked hourly otherwise. One that is taken back need not be the last one. */
static void migrate_beside_bugsink(struct scene *scene, bool is_revert) {
    execute(scene, is_revert ? APPLY : "SELECT 1");
    execute(scene, is_revert ? LATER : "SELECT 1");
    world_start(scene->world);
    world_await(scene->world, "/health/", 200, "migrations_id", RUNS_MS);
    ck_assert(bugsink_await(&scene->bugsink, QUESTION_NONE, 4, RUNS_MS));
    ck_assert_int_eq(bugsink_count(&scene->bugsink, QUESTION_PROJECT), 1);
    bugsink_set(&scene->bugsink, QUESTION_PROJECT, BUGSINK_FAILS);
    execute(scene, is_revert ? REVERT : APPLY);
    await_code(scene, "app_schema");
    bugsink_set(&scene->bugsink, QUESTION_PROJECT, BUGSINK_WELL);
    execute(scene, is_revert ? APPLY : REVERT);
    await_code(scene, "ok");
}

START_TEST(a_migration_of_an_sqlite_file_has_the_project_question_asked) {
    struct scene scene = scene_new();
    migrate_beside_bugsink(&scene, _i);
    scene_end(&scene);
}
END_TEST

START_TEST(a_migration_of_postgresql_has_the_project_question_asked_on_a_kept_connection) {
    if (!postgres_is_installed()) {
        skip_test("a_migration_of_postgresql_has_the_project_question_asked_on_a_kept_connection",
            "PostgreSQL is not installed");
        return;
    }
    struct scene scene = scene_new();
    scene.postgres = postgres_start(NULL);
    use_server(&scene);
    migrate_beside_bugsink(&scene, _i);
    scene_end(&scene);
    postgres_free(scene.postgres);
}
END_TEST

#ifdef WITH_MYSQL
START_TEST(a_migration_of_mariadb_has_the_project_question_asked_on_a_kept_connection) {
    struct scene scene = scene_new();
    scene.mariadb = mariadb_start(NULL);
    use_server(&scene);
    migrate_beside_bugsink(&scene, _i);
    scene_end(&scene);
    mariadb_free(scene.mariadb);
}
END_TEST
#endif

Suite *e2e_migrated_suite(void) {
    Suite *suite = suite_create("e2e_migrated");
    TCase *tcase = tcase_create("e2e_migrated");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 90);
    tcase_add_loop_test(tcase, a_migration_of_an_sqlite_file_has_the_project_question_asked, 0, 2);
    tcase_add_loop_test(
        tcase, a_migration_of_postgresql_has_the_project_question_asked_on_a_kept_connection, 0, 2);
#ifdef WITH_MYSQL
    tcase_add_loop_test(
        tcase, a_migration_of_mariadb_has_the_project_question_asked_on_a_kept_connection, 0, 2);
#endif
    return suite;
}
