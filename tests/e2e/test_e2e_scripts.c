/* End to end: the scripts that `make run` and `make valgrind` are made of. */
#include "e2e/world.h"
#include "harness/fork.h"
#include "harness/peer.h"
#include "harness/postgres.h"
#include "harness/skip.h"

#include <check.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VALGRIND_MS = 400000 }; /* some 20 s, but each of its steps takes as many tries as it needs */

/* Starts a script with the environment that this process has then. Its output goes to a file, named in path.
 */
static pid_t start_script(const char *script, const char *argument, char *path, size_t size) {
    int output = program_output_file(path, size);
    pid_t pid = test_fork();
    if (pid == 0) {
        dup2(output, STDOUT_FILENO);
        dup2(output, STDERR_FILENO);
        execl(script, script, argument, (char *)NULL);
        _exit(127);
    }
    close(output);
    return pid;
}

/* What the script checks besides: PostgreSQL by its name, the same with a wrong password, and a server that
 * never answers. */
static void name_servers(const struct postgres_server *server, const struct peer *silent) {
    char dsn[256];
    snprintf(dsn, sizeof dsn, "postgresql://bugsink:%s@localhost:%d/bugsink", POSTGRES_PASSWORD_ENCODED,
        server->port);
    setenv("BH_PG_DSN", dsn, 1);
    snprintf(dsn, sizeof dsn, "postgresql://bugsink:wrong@localhost:%d/bugsink", server->port);
    setenv("BH_PG_WRONG_DSN", dsn, 1);
    snprintf(dsn, sizeof dsn, "postgresql://bugsink@localhost:%d/bugsink", silent->port);
    setenv("BH_HUNG_DSN", dsn, 1);
}

START_TEST(the_main_paths_are_clean_under_valgrind) {
#ifdef BH_COVERAGE
    skip_test("the_main_paths_are_clean_under_valgrind", "the usual build is what it is asked about");
    return;
#endif
    const char *why = world_is_sanitized()                    ? "not on a sanitized build"
                      : access("/usr/bin/valgrind", X_OK) < 0 ? "it is not installed"
                      : !postgres_is_installed()              ? "PostgreSQL is not installed"
                                                              : NULL;
    if (why) {
        skip_test("the_main_paths_are_clean_under_valgrind", why);
        return;
    }
    char listen[64], path[256], text[65536];
    const struct peer_script script = {.reads = 0};
    struct postgres_server *server = postgres_start(NULL);
    struct peer silent = peer_start(&script);
    name_servers(server, &silent);
    snprintf(listen, sizeof listen, "127.0.0.1:%d", daemon_free_port());
    setenv("BH_LISTEN", listen, 1);
    setenv("BH_PROGRAM", program_path(), 1);
    int status = -1;
    pid_t pid = start_script("scripts/valgrind.sh", NULL, path, sizeof path);
    bool has_ended = program_wait(pid, VALGRIND_MS, &status);
    program_read_file(path, text, sizeof text);
    ck_assert_msg(has_ended && status == 0 && strstr(text, "valgrind: ok"), "%s", text);
    peer_stop(&silent);
    postgres_free(server);
}
END_TEST

START_TEST(the_demo_is_ready_and_mends_what_was_deleted_at_its_next_start) {
    struct world *world = world_new();
    char program[PATH_MAX], demo[320], path[512];
    ck_assert_ptr_nonnull(realpath(program_path(), program));
    snprintf(path, sizeof path, "%s/bugsink-health", world->dir);
    ck_assert_int_eq(symlink(program, path), 0);
    snprintf(demo, sizeof demo, "%s/demo", world->dir);
    static const char *const NAMES[] = {"DATABASE_URL", "DATABASE_URL_FILE", "DATABASE_PATH",
        "SNAPPEA_DATABASE_PATH", "BUGSINK_HEALTH_QUEUE", "BUGSINK_HEALTH_CONFIG", "BUGSINK_HEALTH_SETTINGS"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        unsetenv(NAMES[i]);
    setenv("BUGSINK_HEALTH_INTERVAL", "1s", 1);
    setenv("BUGSINK_HEALTH_TIMEOUT", "800ms", 1);
    for (int round = 0; round < 2; round++) {
        world->daemon.port = daemon_free_port();
        snprintf(path, sizeof path, "127.0.0.1:%d", world->daemon.port);
        setenv("BUGSINK_HEALTH_LISTEN", path, 1);
        world->daemon.checker = start_script(
            "scripts/demo.sh", world->dir, world->daemon.log_path, sizeof world->daemon.log_path);
        world_await(world, "/health/ready/", 200, "\"app_settings\": \"ok\"", 5000);
        snprintf(path, sizeof path, "%s/%s", demo, round == 0 ? "db.sqlite3" : "bugsink_conf.py");
        ck_assert_int_eq(unlink(path), 0);
        world_await(world, "/health/ready/", 503, "error: file_missing", 3000);
        ck_assert_int_eq(daemon_stop(&world->daemon, SIGINT, 3000), 0);
    }
    free(world);
}
END_TEST

START_TEST(without_a_browser_the_page_is_not_tested_and_that_is_said) {
    char path[256], text[4096];
    int status = -1;
    setenv("PATH", "/nosuch", 1);
    pid_t pid = start_script("scripts/ui-test.sh", "/nosuch", path, sizeof path);
    ck_assert(program_wait(pid, 5000, &status));
    program_read_file(path, text, sizeof text);
    ck_assert_msg(status == 0 &&
                      strstr(text, "ui-test: SKIPPED, the page was not looked at: there is no chromium") &&
                      strstr(text, "\n0 passed, 0 failed, 1 skipped\n"),
        "%s", text);
}
END_TEST

Suite *e2e_scripts_suite(void) {
    Suite *suite = suite_create("e2e_scripts");
    TCase *tcase = tcase_create("e2e_scripts");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 480);
    tcase_add_test(tcase, the_main_paths_are_clean_under_valgrind);
    tcase_add_test(tcase, the_demo_is_ready_and_mends_what_was_deleted_at_its_next_start);
    tcase_add_test(tcase, without_a_browser_the_page_is_not_tested_and_that_is_said);
    return suite;
}
