/* End to end: a program that is built without MariaDB Connector/C refuses mysql: DSNs when it starts, and
 * does all else (it is built here, beside the one under test); so does one that finds no libpq; and libraries
 * that no DSN asks for are not loaded. */
#include "e2e/world.h"
#include "harness/skip.h"
#include "harness/tempdir.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUNS_MS = 10000, BUILDS_S = 240 };

static const char MAKE[] =
    "env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -j2 WITH_MYSQL=0 CFLAGS=-O0 BUILD='%s' "
    "'%s/bugsink-health' >'%s/log' 2>&1";

/* Builds it in the directory; from here on it is the program under test. */
static void build(const char *directory) {
    char command[1024], log[4096];
    snprintf(command, sizeof command, MAKE, directory, directory, directory);
    bool is_built = system(command) == 0;
    char *path = tempdir_path(directory, "log"), *program = tempdir_path(directory, "bugsink-health");
    program_read_file(path, log, sizeof log);
    ck_assert_msg(is_built, "%s:\n%s", command, log);
    setenv("BH_PROGRAM", program, 1);
    free(path);
    free(program);
}

static void expect(const struct world *world, const char *command, int status, const char *text) {
    const char *const arguments[] = {command, NULL};
    const struct program_setup setup = {.environment = &world->environment, .arguments = arguments};
    struct program_result *result = calloc(1, sizeof *result);
    ck_assert_ptr_nonnull(result);
    program_run(&setup, RUNS_MS, result);
    ck_assert_msg(
        result->exit_status == status && (strstr(result->errors, text) || strstr(result->output, text)),
        "%s: status %d:\n%s\n%s", command, result->exit_status, result->output, result->errors);
    ck_assert_ptr_null(strstr(result->errors, "hunter2"));
    free(result);
}

START_TEST(without_its_library_a_mysql_dsn_is_refused_at_start) {
    if (system("command -v make cc >/dev/null 2>&1") != 0 || access("Makefile", R_OK) < 0) {
        skip_test(
            "without_its_library_a_mysql_dsn_is_refused_at_start", "no make, compiler or Makefile here");
        return;
    }
    char *directory = tempdir_new();
    struct world *world = world_new();
    build(directory);
    expect(world, "check", 0, "default");
    envlist_unset(&world->environment, "DATABASE_PATH");
    envlist_set(&world->environment, "DATABASE_URL=mysql://bugsink:hunter2@127.0.0.1/bugsink");
    expect(world, "serve", 2, "unsupported: checks of kind mysql are not built into this program");
    expect(world, "check", 2, "unsupported");
    expect(world, "config", 2, "unsupported");
    free(world);
    free(directory);
}
END_TEST

/* A file of that name that is no library stands before the system's own. */
START_TEST(without_libpq_a_postgresql_dsn_is_refused_at_start) {
    struct world *world = world_new();
    char *library = tempdir_path(world->dir, "libpq.so.5");
    tempdir_write(library, "no library\n");
    envlist_set(&world->environment, "LD_LIBRARY_PATH=%s", world->dir);
    expect(world, "check", 0, "default");
    envlist_unset(&world->environment, "DATABASE_PATH");
    envlist_set(&world->environment, "DATABASE_URL=postgresql://bugsink:hunter2@127.0.0.1/bugsink");
    expect(world, "serve", 2, "is the package libpq5 installed?");
    expect(world, "check", 2, "libpq.so.5");
    expect(world, "config", 2, "libpq.so.5");
    free(library);
    free(world);
}
END_TEST

static bool has_mapped(pid_t pid, const char *library) {
    char path[64], line[512];
    bool has = false;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps))
        has = has || strstr(line, library);
    fclose(maps);
    return has;
}

START_TEST(without_a_server_among_the_databases_no_library_for_one_is_loaded) {
    static const char *const LIBRARIES[] = {"libpq", "libmariadb", "libssl", "libkrb5", "libldap"};
    if (geteuid() != 0) {
        skip_test("without_a_server_among_the_databases_no_library_for_one_is_loaded",
            "only root may look into processes that leave no core");
        return;
    }
    struct world *world = world_new();
    world_start(world);
    ck_assert(has_mapped(world->daemon.checker, "libsqlite3"));
    for (size_t i = 0; i < sizeof LIBRARIES / sizeof LIBRARIES[0]; i++) {
        ck_assert_msg(!has_mapped(world->daemon.checker, LIBRARIES[i]), "%s", LIBRARIES[i]);
        ck_assert_msg(!has_mapped(world->daemon.responder, LIBRARIES[i]), "%s", LIBRARIES[i]);
    }
    world_end(world);
}
END_TEST

Suite *e2e_unsupported_suite(void) {
    Suite *suite = suite_create("e2e_unsupported");
    TCase *tcase = tcase_create("e2e_unsupported");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, BUILDS_S);
    tcase_add_test(tcase, without_its_library_a_mysql_dsn_is_refused_at_start);
    tcase_add_test(tcase, without_libpq_a_postgresql_dsn_is_refused_at_start);
    tcase_add_test(tcase, without_a_server_among_the_databases_no_library_for_one_is_loaded);
    return suite;
}
