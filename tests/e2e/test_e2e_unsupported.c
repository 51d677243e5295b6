/* End to end: a program that is built without MariaDB Connector/C refuses mysql: DSNs when it starts, and
 * does all else. It is built here, beside the one under test. */
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

Suite *e2e_unsupported_suite(void) {
    Suite *suite = suite_create("e2e_unsupported");
    TCase *tcase = tcase_create("e2e_unsupported");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, BUILDS_S);
    tcase_add_test(tcase, without_its_library_a_mysql_dsn_is_refused_at_start);
    return suite;
}
