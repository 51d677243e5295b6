/* End to end: what the README and the pages of docs/ show of a terminal is what comes when one types it; the
 * endpoints and the metrics have their places there. */
#include "base/io.h"
#include "base/str.h"
#include "e2e/transcript.h"
#include "e2e/world.h"
#include "harness/fork.h"
#include "harness/tempdir.h"
#include "harness/wait.h"
#include "report/reason.h"
#include "report/route.h"

#include <check.h>
#include <ctype.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHOWS_MS = 10000, READY_MS = 5000, PRINTED_SIZE = 65536, DEMO_BLOCKS_MIN = 8 };

static glob_t pages; /* found when the suite is made, read only from then on */

static char *read_page(const char *path) {
    char *text;
    size_t length;
    struct error err;
    ck_assert_msg(io_read_file(path, 1 << 20, &text, &length, &err) == 0, "%s", err.text);
    return text;
}

/* What a reader has: the program by its name, the demo's files, and curl as it is on a terminal. */
struct desk {
    struct world *world;
    int demo_port; /* of the one that `make run` starts */
    char *printed;
};

static void lay_out(struct desk *desk) {
    static const char *const NOT_HIS[] = {"BUGSINK_HEALTH_INTERVAL", "BUGSINK_HEALTH_TIMEOUT",
        "BUGSINK_HEALTH_RETRY_INTERVAL", "BUGSINK_HEALTH_SLOW"};
    char program[PATH_MAX], path[512];
    struct world *world = desk->world = world_new();
    world_start(world);
    world_await(world, "/health/ready/", 200, "\"status\": \"ok\"", READY_MS);
    for (size_t i = 0; i < sizeof NOT_HIS / sizeof NOT_HIS[0]; i++)
        envlist_unset(&world->environment, NOT_HIS[i]);
    snprintf(path, sizeof path, "%s/bugsink-health", world->dir);
    ck_assert(realpath(program_path(), program) && symlink(program, path) == 0);
    snprintf(path, sizeof path, "%s/.curlrc", world->dir);
    tempdir_write(path, "silent\nshow-error\n");
    envlist_set(&world->environment, "CURL_HOME=%s", world->dir);
    envlist_set(&world->environment, "PATH=%s:%s", world->dir, getenv("PATH"));
    desk->demo_port = daemon_free_port();
    desk->printed = malloc(PRINTED_SIZE);
}

static void clear_up(struct desk *desk) {
    world_end(desk->world);
    free(desk->printed);
}

/* Puts one text in the place of another, everywhere; takes text and gives a new one. */
static char *replace(char *text, const char *old, const char *new) {
    struct strbuf result = {0};
    const char *rest = text;
    for (const char *found; (found = strstr(rest, old)); rest = found + strlen(old)) {
        strbuf_append_n(&result, rest, (size_t)(found - rest));
        strbuf_append(&result, new);
    }
    strbuf_append(&result, rest);
    free(text);
    return result.data;
}

/* As a page names things, and as they are called here. `make` would build, and be asked by these tests for
 * these tests: in its place is what it starts at last. */
static char *translate(const struct desk *desk, const char *command) {
    char address[64], demo[2048], tests[PATH_MAX + 64], own[PATH_MAX] = "";
    ck_assert(readlink("/proc/self/exe", own, sizeof own - 1) > 0);
    snprintf(address, sizeof address, "127.0.0.1:%d", desk->world->daemon.port);
    snprintf(demo, sizeof demo,
        "env -u DATABASE_PATH -u BUGSINK_HEALTH_QUEUE -u BUGSINK_HEALTH_SETTINGS "
        "BUGSINK_HEALTH_LISTEN=127.0.0.1:%d sh scripts/demo.sh '%s'",
        desk->demo_port, desk->world->dir);
    snprintf(tests, sizeof tests, "'%s' documented_options", own);
    char *text = replace(str_dup(command), "localhost:8000", address);
    text = replace(text, "build/demo", desk->world->dir);
    text = replace(text, "make run", demo);
    return replace(text, "make test", tests);
}

/* Back again, in what was printed. */
static void translate_back(const struct desk *desk) {
    char address[64], demo[64];
    snprintf(address, sizeof address, "127.0.0.1:%d", desk->world->daemon.port);
    snprintf(demo, sizeof demo, "localhost:%d", desk->demo_port);
    char *text = replace(str_dup(desk->printed), address, "localhost:8000");
    text = replace(replace(text, demo, "localhost:8000"), desk->world->dir, "build/demo");
    str_copy(desk->printed, PRINTED_SIZE, text);
    free(text);
}

static _Noreturn void become_shell(const struct world *world, const char *command, int output) {
    const char *environment[ENVLIST_ENTRIES_MAX + 1] = {NULL};
    const char *const arguments[] = {"sh", "-c", command, NULL};
    for (size_t i = 0; i < world->environment.count; i++)
        environment[i] = world->environment.entries[i];
    setpgid(0, 0);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execve("/bin/sh", (char *const *)(uintptr_t)arguments, (char *const *)(uintptr_t)environment);
    _exit(127);
}

/* One go at a command, as long as it may still print what is shown. */
struct attempt {
    struct desk *desk;
    const struct step *step;
    pid_t pid;
    char output[PATH_MAX];
    bool has_ended;
    int status;
};

static bool is_as_shown(const struct attempt *attempt) {
    program_read_file(attempt->output, attempt->desk->printed, PRINTED_SIZE);
    translate_back(attempt->desk);
    return transcript_matches(attempt->step->output, attempt->desk->printed);
}

static bool has_shown_or_ended(void *arg) {
    struct attempt *attempt = arg;
    attempt->has_ended = waitpid(attempt->pid, &attempt->status, WNOHANG) == attempt->pid;
    return attempt->has_ended || (attempt->step->output[0] && is_as_shown(attempt));
}

static void begin(struct attempt *attempt) {
    char *command = translate(attempt->desk, attempt->step->command);
    int output = program_output_file(attempt->output, sizeof attempt->output);
    attempt->pid = test_fork();
    if (attempt->pid == 0)
        become_shell(attempt->desk->world, command, output);
    close(output);
    free(command);
}

/* What still runs when it has shown what it should, such as a server, is ended. */
static bool try(struct attempt *attempt) {
    begin(attempt);
    bool has_come = wait_until(has_shown_or_ended, attempt, SHOWS_MS);
    if (!attempt->has_ended) {
        kill(-attempt->pid, SIGINT);
        ck_assert(program_wait(attempt->pid, SHOWS_MS, &attempt->status));
    }
    return has_come && is_as_shown(attempt);
}

/* A command that shows nothing is typed once, and succeeds. One that asks is typed until the answer has come
 * about. */
static void follow(struct desk *desk, const char *path, const struct step *step) {
    struct attempt attempt = {.desk = desk, .step = step};
    struct deadline deadline = deadline_in(SHOWS_MS);
    bool is_right = try(&attempt);
    while (!is_right && step->output[0] && !deadline_is_over(&deadline))
        is_right = try(&attempt);
    ck_assert_msg(is_right, "%s: $ %s\n-- is shown:\n%s-- and comes:\n%s", path, step->command, step->output,
        desk->printed);
    ck_assert_msg(
        step->output[0] || attempt.status == 0, "%s: $ %s: status %d", path, step->command, attempt.status);
}

static int follow_page(const char *path) {
    char *text = read_page(path);
    const char *rest = text;
    struct transcript transcript;
    int count = 0;
    for (; transcript_next(&transcript, &rest); count++) {
        struct desk desk;
        lay_out(&desk);
        for (size_t i = 0; i < transcript.count; i++)
            follow(&desk, path, &transcript.steps[i]);
        clear_up(&desk);
        transcript_release(&transcript);
    }
    free(text);
    return count;
}

START_TEST(what_a_page_shows_of_a_terminal_is_what_comes) {
    follow_page(pages.gl_pathv[_i]);
}
END_TEST

START_TEST(the_front_page_shows_both_commands_and_a_fault) {
    char *text = read_page("README.md");
    ck_assert(strstr(text, "$ make run\n") && strstr(text, "$ make test\n"));
    ck_assert(strstr(text, "$ curl ") && strstr(text, "503 Service Unavailable"));
    free(text);
}
END_TEST

/* A number that a change of the program makes wrong is no number: "over 60" is what stands, and it is near.
 */
START_TEST(the_front_page_counts_faults_as_the_table_of_reasons_has_them) {
    char *text = read_page("README.md");
    const char *claim = strstr(text, "tells over ");
    int count = 0;
    for (int i = 0; i < REASON_COUNT; i++) {
        enum status verdict = reason_info((enum reason)i)->verdict;
        bool is_of_a_check = i != REASON_STALE && i != REASON_DRAINING && i != REASON_MAINTENANCE;
        count += is_of_a_check && (verdict == STATUS_ERROR || verdict == STATUS_DEGRADED);
    }
    ck_assert_ptr_nonnull(claim);
    long claimed = strtol(claim + strlen("tells over "), NULL, 10);
    ck_assert_msg(count > claimed && count <= claimed + 10, "%d faults", count);
    free(text);
}
END_TEST

/* Numbers of tests, which each change makes others. */
START_TEST(no_page_counts_the_tests) {
    char *text = read_page(pages.gl_pathv[_i]);
    for (const char *at = text; (at = strstr(at, " passed, 0 failed")); at++)
        ck_assert_msg(at > text && !isdigit((unsigned char)at[-1]), "%s: %.40s", pages.gl_pathv[_i], at - 8);
    free(text);
}
END_TEST

/* -- comparing -- */

static const struct {
    const char *shown, *printed;
    bool is_same;
} PAIRS[] = {
    {"ready\n", "ready\n", true},
    {"ready\n", "not ready\n", false},
    {"ready\n", "ready\nand more\n", false},
    {"...\nready\n", "ready\n", true},
    {"...\nready\n", "a\nb\nready\n", true},
    {"...\nready\n", "a\nb\n", false},
    {"a ...\nready\n", "a b c\nready\n", true},
    {"a ...\nready\n", "a b\nc\nready\n", false},
    {"ok   4 ms\n", "ok  12 ms\n", true},
    {"HTTP/1.1 200 OK\n", "HTTP/1.1 503 OK\n", false},
    {"at 2026-11-29T17:26:24.983Z\n", "at 2027-01-01T00:00:00.000Z\n", true},
    {"", "", true},
    {"", "a word\n", false},
};

START_TEST(a_transcript_matches_what_it_shows_and_nothing_else) {
    ck_assert_msg(transcript_matches(PAIRS[_i].shown, PAIRS[_i].printed) == PAIRS[_i].is_same, "%s|%s",
        PAIRS[_i].shown, PAIRS[_i].printed);
}
END_TEST

/* -- endpoints and metrics -- */

START_TEST(each_endpoint_has_its_row) {
    char *text = read_page("docs/endpoints.md"), row[128];
    for (int i = 0; i < ROUTE_OTHER; i++) {
        snprintf(row, sizeof row, "\n| `%s` | ", route_of((enum route_id)i)->label);
        ck_assert_msg(
            strstr(text, row), "docs/endpoints.md lacks a row for %s", route_of((enum route_id)i)->label);
    }
    free(text);
}
END_TEST

/* In code, before a brace or the end of it: `name` or `name{label}`. */
static bool is_named(const char *text, const char *name) {
    char code[256];
    snprintf(code, sizeof code, "`%s", name);
    for (const char *at = text; (at = strstr(at, code)); at++)
        if (strchr("`{", at[strlen(code)]))
            return true;
    return false;
}

START_TEST(each_metric_is_named) {
    static const char TYPE[] = "# TYPE ", OURS[] = "bugsink_health_";
    struct world *world = world_new();
    char *text = read_page("docs/metrics.md"), name[128];
    int count = 0;
    world_start(world);
    ck_assert_int_eq(world_get(world, "/metrics"), 200);
    for (const char *at = world->response.body; (at = strstr(at, TYPE)); count++) {
        at += strlen(TYPE);
        at += strncmp(at, OURS, strlen(OURS)) == 0 ? strlen(OURS) : 0;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, " "), at);
        ck_assert_msg(is_named(text, name), "docs/metrics.md lacks %s", name);
    }
    ck_assert_int_gt(count, 30);
    free(text);
    world_end(world);
}
END_TEST

/* A page alone may have none; that all have none would be a fault of these tests. */
START_TEST(there_are_blocks_to_follow) {
    int count = 0;
    for (size_t i = 0; i < pages.gl_pathc; i++) {
        char *text = read_page(pages.gl_pathv[i]);
        for (const char *at = text; (at = strstr(at, "\n```console\n")); at++)
            count++;
        free(text);
    }
    ck_assert_int_ge(count, DEMO_BLOCKS_MIN);
}
END_TEST

Suite *e2e_documents_suite(void) {
    Suite *suite = suite_create("e2e_documents");
    TCase *tcase = tcase_create("e2e_documents");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    glob("README.md", 0, NULL, &pages);
    glob("docs/*.md", GLOB_APPEND, NULL, &pages);
    tcase_add_loop_test(tcase, what_a_page_shows_of_a_terminal_is_what_comes, 0, (int)pages.gl_pathc);
    tcase_add_test(tcase, the_front_page_shows_both_commands_and_a_fault);
    tcase_add_test(tcase, the_front_page_counts_faults_as_the_table_of_reasons_has_them);
    tcase_add_loop_test(tcase, no_page_counts_the_tests, 0, (int)pages.gl_pathc);
    tcase_add_loop_test(
        tcase, a_transcript_matches_what_it_shows_and_nothing_else, 0, sizeof PAIRS / sizeof PAIRS[0]);
    tcase_add_test(tcase, each_endpoint_has_its_row);
    tcase_add_test(tcase, each_metric_is_named);
    tcase_add_test(tcase, there_are_blocks_to_follow);
    return suite;
}
