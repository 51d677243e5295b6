/* Tests of Bugsink's walk over the owners of its spool directories: layouts with which it works, and layouts
 * with which it answers each event with an error. */
#include "harness/fork.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "kinds/directory/directory.h"
#include "report/reason.h"

#include "base/str.h"
#include "kinds/sqlite/sqlite_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { APP = TEST_APP_UID, HOST = 1000, ROOT = 0, STEPS_MAX = 6 };

/* One thing of a layout: a directory of that mode, or a symbolic link, and whose it is. */
struct step {
    const char *path;
    const char *link; /* where it leads to; NULL: it is a directory */
    mode_t mode;
    uid_t owner;
};

static const struct layout {
    const char *what;
    const char *target;
    enum reason reason, as_root; /* of the app's user, and of a sidecar that is root */
    struct step steps[STEPS_MAX];
} LAYOUTS[] = {
    {"all the app's, below root's", "tmp/bugsink/ingestion", REASON_OK, REASON_OK,
        {{"tmp", NULL, 01777, ROOT}, {"tmp/bugsink", NULL, 0755, APP},
            {"tmp/bugsink/ingestion", NULL, 0700, APP}}},
    {"nothing there yet, below root's", "tmp/bugsink/ingestion", REASON_OK, REASON_OK,
        {{"tmp", NULL, 01777, ROOT}}},
    {"nothing there yet, below the app's own", "tmp/bugsink/ingestion", REASON_OK, REASON_OK,
        {{"tmp", NULL, 0755, APP}}},
    {"root's symbolic link on the way", "link/ingestion", REASON_OK, REASON_OK,
        {{"real", NULL, 0755, APP}, {"real/ingestion", NULL, 0700, APP}, {"link", "real", 0, ROOT}}},
    {"another's directory beyond the first one of root's", "host/tmp/bugsink", REASON_OK, REASON_OK,
        {{"host", NULL, 0755, HOST}, {"host/tmp", NULL, 01777, ROOT}, {"host/tmp/bugsink", NULL, 0700, APP}}},
    {"a slash at its end", "tmp/bugsink/", REASON_OK, REASON_OK,
        {{"tmp", NULL, 01777, ROOT}, {"tmp/bugsink", NULL, 0700, APP}}},
    {"a host's directory over /tmp", "tmp/bugsink/ingestion", REASON_UID_MISMATCH, REASON_UID_MISMATCH,
        {{"tmp", NULL, 01777, HOST}, {"tmp/bugsink", NULL, 0755, APP},
            {"tmp/bugsink/ingestion", NULL, 0700, APP}}},
    {"a parent of another user's", "tmp/bugsink/ingestion", REASON_UID_MISMATCH, REASON_UID_MISMATCH,
        {{"tmp", NULL, 01777, ROOT}, {"tmp/bugsink", NULL, 0777, HOST},
            {"tmp/bugsink/ingestion", NULL, 0700, APP}}},
    {"nothing there yet, below another user's", "tmp/missing/ingestion", REASON_UID_MISMATCH, REASON_OK,
        {{"tmp", NULL, 01777, HOST}}},
    {"the app's own symbolic link in its place", "own/link", REASON_UID_MISMATCH, REASON_UID_MISMATCH,
        {{"own", NULL, 0755, APP}, {"own/real", NULL, 0700, APP}, {"own/link", "real", 0, APP}}},
    {"the app's own symbolic link above it", "tmp/link/ingestion", REASON_UID_MISMATCH, REASON_UID_MISMATCH,
        {{"tmp", NULL, 01777, ROOT}, {"tmp/real", NULL, 0755, APP}, {"tmp/real/ingestion", NULL, 0700, APP},
            {"tmp/link", "real", 0, APP}}},
    {"the app's own symbolic link above what is missing", "tmp/link/a/b", REASON_UID_MISMATCH,
        REASON_UID_MISMATCH,
        {{"tmp", NULL, 01777, ROOT}, {"tmp/real", NULL, 0755, APP}, {"tmp/link", "real", 0, APP}}},
    {"root's symbolic link in its place", "tmp/link", REASON_UID_MISMATCH, REASON_OK,
        {{"tmp", NULL, 01777, ROOT}, {"tmp/real", NULL, 0700, APP}, {"tmp/link", "real", 0, ROOT}}},
    {"root's directory in its place", "tmp/bugsink", REASON_UID_MISMATCH, REASON_OK,
        {{"tmp", NULL, 01777, ROOT}, {"tmp/bugsink", NULL, 0777, ROOT}}},
    {"another user's directory in its place", "tmp/bugsink", REASON_UID_MISMATCH, REASON_OK,
        {{"tmp", NULL, 01777, ROOT}, {"tmp/bugsink", NULL, 0777, HOST}}},
    {"two users' directories, one in the other", "tmp/a/b/c", REASON_UID_MISMATCH, REASON_UID_MISMATCH,
        {{"tmp", NULL, 01777, ROOT}, {"tmp/a", NULL, 0755, APP}, {"tmp/a/b", NULL, 0777, HOST},
            {"tmp/a/b/c", NULL, 0777, APP}}},
};

static void make_step(const char *dir, const struct step *step) {
    char *path = tempdir_path(dir, "%s", step->path);
    if (step->link)
        ck_assert_int_eq(symlink(step->link, path), 0);
    else
        ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(lchown(path, step->owner, step->owner), 0);
    if (!step->link)
        ck_assert_int_eq(chmod(path, step->mode), 0);
    free(path);
}

/* What is found, or 1 where it is another reason. */
static int look_as(const char *path, enum directory_role role, uid_t uid, enum reason reason) {
    char text[4096];
    struct outcome outcome;
    str_copy(text, sizeof text, path);
    const struct check_config config = {
        .kind = KIND_DIRECTORY, .directory.path = text, .directory.role = role, .timeout_ms = 3000};
    if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
        return 99;
    directory_examine(&config, TEST_NOW_MS, &(struct phase_report){0}, &outcome);
    if (outcome.reason == reason)
        return 0;
    fprintf(stderr, "%s as uid %d: %s, not %s (%s)\n", path, (int)uid, reason_info(outcome.reason)->slug,
        reason_info(reason)->slug, outcome.detail);
    return 1;
}

static void expect(const char *path, enum directory_role role, uid_t uid, enum reason reason) {
    pid_t pid = test_fork();
    if (pid == 0)
        _exit(look_as(path, role, uid, reason));
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: status %x", path, (unsigned)status);
}

START_TEST(the_owners_on_the_way_are_what_bugsink_would_make_of_them) {
    if (geteuid() != 0) {
        skip_test("the_owners_on_the_way_are_what_bugsink_would_make_of_them",
            "only root can make other users' directories");
        return;
    }
    const struct layout *layout = &LAYOUTS[_i];
    char *dir = tempdir_new();
    for (const struct step *step = layout->steps; step < layout->steps + STEPS_MAX && step->path; step++)
        make_step(dir, step);
    char *path = tempdir_path(dir, "%s", layout->target);
    for (int role = DIRECTORY_SPOOL; role <= DIRECTORY_WAKEUP; role++) {
        expect(path, (enum directory_role)role, APP, layout->reason);
        expect(path, (enum directory_role)role, ROOT, layout->as_root);
    }
    if (access(path, F_OK) == 0)
        expect(path, DIRECTORY_PLAIN, APP, REASON_OK); /* no matter of Bugsink's */
    free(path);
    free(dir);
}
END_TEST

Suite *directory_owners_suite(void) {
    Suite *suite = suite_create("directory_owners");
    TCase *tcase = tcase_create("directory_owners");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, the_owners_on_the_way_are_what_bugsink_would_make_of_them, 0,
        sizeof LAYOUTS / sizeof LAYOUTS[0]);
    return suite;
}
