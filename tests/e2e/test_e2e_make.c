/* End to end: what `make install`, `make uninstall` and `make help` do, for those who package the program. */
#include "e2e/world.h"
#include "harness/fork.h"
#include "harness/skip.h"
#include "harness/tempdir.h"

#include <check.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAKE_MS = 20000, TEXT_SIZE = 65536 };

/* Runs make in the repository's root, which is where the tests run. Its output is left in text. The program
 * is taken as it is: this is no test of building it, and nothing may change under the tests that follow. */
static void run_make(const char *target, const char *destination, char *text) {
    char program[PATH_MAX], path[256], build[PATH_MAX + 8], old[PATH_MAX + 16], dest[320];
    snprintf(program, sizeof program, "%s", program_path());
    snprintf(old, sizeof old, "--old-file=%s", program);
    snprintf(build, sizeof build, "BUILD=%s", dirname(program));
    snprintf(dest, sizeof dest, "DESTDIR=%s", destination);
    int output = program_output_file(path, sizeof path), status = -1;
    pid_t pid = test_fork();
    if (pid == 0) {
        /* Of a make that runs the tests. */
        unsetenv("MAKEFLAGS");
        unsetenv("MAKELEVEL");
        dup2(output, STDOUT_FILENO);
        dup2(output, STDERR_FILENO);
        umask(077); /* the modes are make's own business */
        execlp("make", "make", "-s", old, target, build, dest, "PREFIX=/usr", (char *)NULL);
        _exit(127);
    }
    close(output);
    ck_assert(program_wait(pid, MAKE_MS, &status));
    program_read_file(path, text, TEXT_SIZE);
    ck_assert_msg(status == 0, "make %s: %s", target, text);
}

static bool has_make(void) {
    return system("command -v make >/dev/null 2>&1") == 0 && access("Makefile", R_OK) == 0;
}

/* -- install and uninstall -- */

static const struct {
    const char *path;
    mode_t mode;
} INSTALLED[] = {
    {"/usr/bin/bugsink-health", S_IFREG | 0755},
    {"/usr/share/man/man1/bugsink-health.1", S_IFREG | 0644},
    {"/usr/share/doc/bugsink-health/bugsink-health.json", S_IFREG | 0644},
    {"/usr/share/bash-completion/completions/bugsink-health", S_IFREG | 0644},
    {"/usr/share/zsh/site-functions/_bugsink-health", S_IFREG | 0644},
};
enum { INSTALLED_COUNT = sizeof INSTALLED / sizeof INSTALLED[0] };

/* Of other packages, in directories that both use. */
static const char *const NEIGHBOURS[] = {"/usr/bin/bugsink-health-check", "/usr/share/man/man1/bugsink.1",
    "/usr/share/doc/bugsink", "/usr/share/doc/bugsink-health.txt"};
enum { NEIGHBOUR_COUNT = sizeof NEIGHBOURS / sizeof NEIGHBOURS[0] };

static int files_found; /* nftw(3) hands nothing of ours to its callback */

static int count_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)ftw;
    if (type != FTW_D)
        files_found++;
    else
        ck_assert_msg((st->st_mode & 07777) == 0755, "%s has mode %o", path, (unsigned)st->st_mode);
    return 0;
}

static int count_files(const char *root) {
    files_found = 0;
    ck_assert_int_eq(nftw(root, count_one, 8, FTW_PHYS), 0);
    return files_found;
}

static void assert_mode(const char *root, const char *path, mode_t mode) {
    struct stat st = {0};
    char *full = tempdir_path(root, "%s", path + 1);
    ck_assert_msg(
        (lstat(full, &st) < 0 ? 0 : st.st_mode) == mode, "%s has mode %o", full, (unsigned)st.st_mode);
    free(full);
}

static void assert_installed_program_runs(const char *root) {
    char command[512], line[128] = "";
    snprintf(command, sizeof command, "\"%s/usr/bin/bugsink-health\" --version", root);
    FILE *output = popen(command, "r");
    ck_assert_ptr_nonnull(output);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, output));
    ck_assert_int_eq(pclose(output), 0);
    ck_assert_msg(strstr(line, BH_VERSION), "%s", line);
}

START_TEST(install_and_uninstall_leave_exactly_what_they_should) {
    if (!has_make()) {
        skip_test("install_and_uninstall_leave_exactly_what_they_should", "there is no make here");
        return;
    }
    char *dir = tempdir_new(), *root = tempdir_path(dir, "with blanks in it"), *text = malloc(TEXT_SIZE);
    ck_assert_int_eq(mkdir(root, 0755), 0);
    run_make("install", root, text);
    for (int i = 0; i < INSTALLED_COUNT; i++)
        assert_mode(root, INSTALLED[i].path, INSTALLED[i].mode);
    ck_assert_int_eq(count_files(root), INSTALLED_COUNT);
    assert_installed_program_runs(root);
    for (int i = 0; i < NEIGHBOUR_COUNT; i++) {
        char *path = tempdir_path(root, "%s", NEIGHBOURS[i] + 1);
        tempdir_write(path, "");
        free(path);
    }
    run_make("install", root, text); /* over itself */
    ck_assert_int_eq(count_files(root), INSTALLED_COUNT + NEIGHBOUR_COUNT);

    for (int i = 0; i < 2; i++) { /* the second time there is nothing left to remove */
        run_make("uninstall", root, text);
        ck_assert_int_eq(count_files(root), NEIGHBOUR_COUNT);
        for (int j = 0; j < NEIGHBOUR_COUNT; j++)
            assert_mode(root, NEIGHBOURS[j], S_IFREG | 0644);
        assert_mode(root, "/usr/share/doc/bugsink-health", 0);
    }
    free(root);
    free(dir);
    free(text);
}
END_TEST

/* -- help -- */

/* Targets that other targets are made of. */
static bool is_internal(const char *target) {
    static const char *const INTERNAL[] = {
        "analysis", "fuzzers", "run-tests", "run-demo", "packages-present", "always"};
    for (size_t i = 0; i < sizeof INTERNAL / sizeof INTERNAL[0]; i++)
        if (strcmp(target, INTERNAL[i]) == 0)
            return true;
    return strncmp(target, "deps-", 5) == 0;
}

/* Whether help has a line for the target, with a text behind it. */
static bool is_explained(const char *help, const char *target) {
    size_t length = strlen(target);
    for (const char *line = help; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, target, length) == 0 && line[length] == ' ')
            return line[length + strspn(line + length, " ")] > ' ';
    return false;
}

START_TEST(help_explains_every_target_that_a_user_may_call) {
    if (!has_make()) {
        skip_test("help_explains_every_target_that_a_user_may_call", "there is no make here");
        return;
    }
    char *help = malloc(TEXT_SIZE), *makefile = malloc(TEXT_SIZE), *rest = makefile;
    run_make("help", "", help);
    ck_assert_uint_gt(program_read_file("Makefile", makefile, TEXT_SIZE), 0);
    int explained = 0, lines = 0, lines_for_people = 0;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (strncmp(line, ".PHONY:", 7) != 0)
            continue;
        line += 7;
        for (char *target; (target = strsep(&line, " ")) != NULL;) {
            bool is_for_users = *target && !is_internal(target);
            ck_assert_msg(
                !*target || is_explained(help, target) == is_for_users, "%s, in:\n%s", target, help);
            explained += is_for_users;
        }
    }
    const char *for_maintainers = strstr(help, "\n\nFor maintainers:\n");
    ck_assert_msg(for_maintainers != NULL, "%s", help);
    for (const char *c = help; *c; c++) {
        lines += *c == '\n';
        lines_for_people += *c == '\n' && c <= for_maintainers;
    }
    ck_assert_int_ge(explained, 11);
    ck_assert_msg(lines == explained + 2, "%d lines for %d targets:\n%s", lines, explained, help);
    ck_assert_msg(lines_for_people == 8, "%d targets for everybody:\n%s", lines_for_people, help);
    free(help);
    free(makefile);
}
END_TEST

Suite *e2e_make_suite(void) {
    Suite *suite = suite_create("e2e_make");
    TCase *tcase = tcase_create("e2e_make");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, install_and_uninstall_leave_exactly_what_they_should);
    tcase_add_test(tcase, help_explains_every_target_that_a_user_may_call);
    return suite;
}
