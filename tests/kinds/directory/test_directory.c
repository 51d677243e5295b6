/* Tests of the directory kind: directories that are missing, odd, shut, foreign, or on volumes in trouble;
 * wake-up calls that nobody hears. */
#include "kinds/directory/directory.h"
#include "harness/fork.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "report/reason.h"

#include "base/str.h"
#include "kinds/sqlite/sqlite_fixture.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct outcome look_at(const char *path, enum directory_role role, int64_t min_free_bytes) {
    char text[4096];
    struct outcome outcome;
    str_copy(text, sizeof text, path);
    const struct check_config config = {.kind = KIND_DIRECTORY,
        .directory.path = text,
        .directory.role = role,
        .directory.min_free_bytes = min_free_bytes,
        .timeout_ms = 3000};
    directory_examine(&config, TEST_NOW_MS, &(struct phase_report){0}, &outcome);
    return outcome;
}

static void assert_look(const char *path, enum directory_role role, enum reason reason) {
    struct outcome outcome = look_at(path, role, 0);
    ck_assert_msg(outcome.reason == reason, "%s as %s: %s, not %s (%s)", path, directory_role_name(role),
        reason_info(outcome.reason)->slug, reason_info(reason)->slug, outcome.detail);
    ck_assert_int_eq(outcome.phase, reason == REASON_OK ? PHASE_NONE : PHASE_STAT);
    ck_assert(reason_info(reason)->verdict != STATUS_ERROR || outcome.detail[0] != '\0');
}

/* Runs body(dir) in a child, as the app's user where we are root: to root no door is shut. */
static void as_app(void (*body)(const char *dir), const char *dir) {
    if (geteuid() == 0)
        ck_assert_int_eq(chown(dir, TEST_APP_UID, TEST_APP_UID), 0);
    pid_t pid = test_fork();
    if (pid == 0) {
        if (geteuid() == 0 && (setresgid(TEST_APP_UID, TEST_APP_UID, TEST_APP_UID) < 0 ||
                                  setresuid(TEST_APP_UID, TEST_APP_UID, TEST_APP_UID) < 0))
            _exit(99);
        body(dir);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
}

/* For as_app, where ck_assert cannot be heard. */
static void demand(const char *path, enum directory_role role, enum reason reason) {
    struct outcome outcome = look_at(path, role, 0);
    if (outcome.reason == reason)
        return;
    fprintf(stderr, "%s as %s: %s, not %s (%s)\n", path, directory_role_name(role),
        reason_info(outcome.reason)->slug, reason_info(reason)->slug, outcome.detail);
    _exit(1);
}

/* -- there, and not there -- */

START_TEST(a_directory_that_can_be_written_is_well_and_stays_as_it_was) {
    char *dir = tempdir_new();
    struct stat before, after;
    char *wakeup = tempdir_path(dir, "call");
    tempdir_write(wakeup, "");
    ck_assert_int_eq(stat(dir, &before), 0);
    char *picture = directory_picture(dir);
    for (int role = DIRECTORY_PLAIN; role <= DIRECTORY_WAKEUP; role++) {
        assert_look(dir, (enum directory_role)role, REASON_OK);
        struct outcome outcome = look_at(dir, (enum directory_role)role, 0);
        ck_assert_uint_eq(outcome.identity.inode, before.st_ino);
        ck_assert_uint_eq(outcome.identity.device, before.st_dev);
        int64_t bytes;
        ck_assert(observed_get(&outcome.observed, OBSERVED_FREE_BYTES, &bytes) && bytes > 0);
    }
    char *picture_after = directory_picture(dir);
    ck_assert_str_eq(picture, picture_after);
    ck_assert_int_eq(stat(dir, &after), 0);
    ck_assert_int_eq(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    free(picture_after);
    free(picture);
    free(wakeup);
    free(dir);
}
END_TEST

START_TEST(one_that_bugsink_will_make_is_not_missed) {
    char *dir = tempdir_new();
    char *path = tempdir_path(dir, "bugsink/ingestion");
    assert_look(path, DIRECTORY_PLAIN, REASON_FILE_MISSING);
    assert_look(path, DIRECTORY_SPOOL, REASON_OK);
    assert_look(path, DIRECTORY_WAKEUP, REASON_OK);
    struct outcome outcome = look_at(path, DIRECTORY_SPOOL, 0);
    ck_assert_uint_eq(outcome.identity.inode, 0);
    char *picture = directory_picture(dir);
    ck_assert_str_eq(picture, ""); /* nor is it made by us */
    free(picture);
    free(path);
    free(dir);
}
END_TEST

static void look_below_a_shut_directory(const char *dir) {
    char *path = tempdir_path(dir, "bugsink/ingestion");
    if (chmod(dir, 0555) < 0)
        _exit(98);
    demand(path, DIRECTORY_SPOOL, REASON_FILE_MISSING);
    demand(path, DIRECTORY_WAKEUP, REASON_FILE_MISSING);
    if (chmod(dir, 0000) < 0)
        _exit(98);
    demand(path, DIRECTORY_SPOOL, REASON_PERMISSION);
    if (chmod(dir, 0755) < 0)
        _exit(98);
    demand(path, DIRECTORY_SPOOL, REASON_OK);
    free(path);
}

START_TEST(one_that_nobody_can_make_is_missing) {
    char *dir = tempdir_new();
    as_app(look_below_a_shut_directory, dir);
    free(dir);
}
END_TEST

START_TEST(what_is_no_directory_is_told_apart) {
    char *dir = tempdir_new();
    char *file = tempdir_path(dir, "file"), *below = tempdir_path(dir, "file/ingestion");
    char *fifo = tempdir_path(dir, "fifo"), *link = tempdir_path(dir, "link"), *loop = tempdir_path(dir, "l");
    char *good = tempdir_path(dir, "good");
    tempdir_write(file, "");
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert_int_eq(symlink("nowhere", link), 0);
    ck_assert_int_eq(symlink("l", loop), 0);
    ck_assert_int_eq(symlink(".", good), 0);
    const char *const paths[] = {file, below, fifo, link, loop, "/dev/null", "/dev/null/x/y"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_look(paths[i], DIRECTORY_SPOOL, REASON_NOT_A_DIRECTORY);
        assert_look(paths[i], DIRECTORY_WAKEUP, REASON_NOT_A_DIRECTORY);
        assert_look(paths[i], DIRECTORY_PLAIN, REASON_NOT_A_DIRECTORY);
    }
    assert_look(good, DIRECTORY_PLAIN, REASON_OK);
    free(good);
    free(loop);
    free(link);
    free(fifo);
    free(below);
    free(file);
    free(dir);
}
END_TEST

/* -- whose it is -- */

static void look_at_modes(const char *dir) {
    static const struct {
        mode_t mode;
        enum reason reason;
    } rows[] = {{0700, REASON_OK}, {0777, REASON_OK}, {0500, REASON_PERMISSION}, {0600, REASON_PERMISSION},
        {0000, REASON_PERMISSION}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int role = DIRECTORY_PLAIN; role <= DIRECTORY_WAKEUP; role++) {
            if (chmod(dir, rows[i].mode) < 0)
                _exit(98);
            demand(dir, (enum directory_role)role, rows[i].reason);
        }
    if (chmod(dir, 0300) < 0) /* of the wake-up directory the worker and we must read the names */
        _exit(98);
    demand(dir, DIRECTORY_SPOOL, REASON_OK);
    demand(dir, DIRECTORY_WAKEUP, REASON_PERMISSION);
    chmod(dir, 0700);
}

START_TEST(one_that_may_not_be_written_is_a_matter_of_permission) {
    char *dir = tempdir_new();
    as_app(look_at_modes, dir);
    free(dir);
}
END_TEST

static void look_at_foreign(const char *dir) {
    char *shut = tempdir_path(dir, "shut"), *open = tempdir_path(dir, "open");
    demand(shut, DIRECTORY_SPOOL, REASON_PERMISSION);
    demand(shut, DIRECTORY_PLAIN, REASON_PERMISSION);
    demand(open, DIRECTORY_SPOOL, REASON_UID_MISMATCH);
    demand(open, DIRECTORY_WAKEUP, REASON_UID_MISMATCH);
    demand(open, DIRECTORY_PLAIN, REASON_OK);
    free(open);
    free(shut);
}

START_TEST(one_of_another_user_is_useless_to_bugsink_however_open) {
    char *dir = tempdir_new();
    char *shut = tempdir_path(dir, "shut"), *open = tempdir_path(dir, "open");
    ck_assert_int_eq(mkdir(shut, 0755), 0);
    ck_assert_int_eq(mkdir(open, 0755), 0);
    ck_assert_int_eq(chmod(open, 0777), 0);
    if (geteuid() == 0) {
        as_app(look_at_foreign, dir);
        assert_look(open, DIRECTORY_SPOOL, REASON_OK); /* root may be anybody's sidecar */
    } else {
        skip_test("one_of_another_user_is_useless_to_bugsink_however_open",
            "only root can make a directory of another user");
    }
    free(open);
    free(shut);
    free(dir);
}
END_TEST

/* -- the volume -- */

static void expect(const char *path, enum directory_role role, int64_t min_free, enum reason reason) {
    struct outcome outcome = look_at(path, role, min_free);
    if (outcome.reason == reason)
        return;
    fprintf(stderr, "%s: %s, not %s (%s)\n", path, reason_info(outcome.reason)->slug,
        reason_info(reason)->slug, outcome.detail);
    _exit(1);
}

static void fill(const char *path) {
    static const char block[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, block, sizeof block) > 0)
        ;
    close(fd);
}

static void fill_with_bytes(const char *dir) {
    char *filler = tempdir_path(dir, "filler"), *missing = tempdir_path(dir, "a/b");
    expect(dir, DIRECTORY_SPOOL, 1 << 16, REASON_OK);
    expect(dir, DIRECTORY_SPOOL, 1 << 30, REASON_DISK_LOW);
    expect(missing, DIRECTORY_SPOOL, 1 << 30, REASON_DISK_LOW);
    fill(filler);
    expect(dir, DIRECTORY_SPOOL, 0, REASON_DISK_FULL);
    expect(dir, DIRECTORY_WAKEUP, 0, REASON_DISK_FULL);
    expect(missing, DIRECTORY_SPOOL, 0, REASON_DISK_FULL);
    if (unlink(filler) < 0)
        _exit(2);
    expect(dir, DIRECTORY_SPOOL, 0, REASON_OK);
    free(missing);
    free(filler);
}

static void fill_with_inodes(const char *dir) {
    for (int i = 0; i < 64; i++) {
        char *path = tempdir_path(dir, "%d", i);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        free(path);
        if (fd < 0)
            break;
        close(fd);
    }
    struct outcome outcome = look_at(dir, DIRECTORY_SPOOL, 0);
    if (!strstr(outcome.detail, "inode"))
        _exit(3);
    expect(dir, DIRECTORY_SPOOL, 0, REASON_DISK_FULL);
}

static void remount_read_only(const char *dir) {
    char *missing = tempdir_path(dir, "a/b"), *filler = tempdir_path(dir, "filler");
    expect(dir, DIRECTORY_SPOOL, 0, REASON_OK);
    fill(filler); /* as an image's file system is always */
    free(filler);
    if (mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
        _exit(2);
    expect(dir, DIRECTORY_SPOOL, 0, REASON_READ_ONLY_MOUNT);
    expect(dir, DIRECTORY_WAKEUP, 0, REASON_READ_ONLY_MOUNT);
    expect(dir, DIRECTORY_PLAIN, 0, REASON_READ_ONLY_MOUNT);
    expect(missing, DIRECTORY_SPOOL, 0, REASON_READ_ONLY_MOUNT);
    free(missing);
}

static const struct {
    const char *options;
    void (*body)(const char *dir);
} VOLUMES[] = {
    {"size=1m", fill_with_bytes}, {"size=1m,nr_inodes=16", fill_with_inodes}, {"size=1m", remount_read_only}};

START_TEST(a_volume_in_trouble_is_told) {
    char *dir = tempdir_new();
    if (!with_tmpfs(dir, VOLUMES[_i].options, VOLUMES[_i].body))
        skip_test("a_volume_in_trouble_is_told", "mounting is not allowed here");
    free(dir);
}
END_TEST

/* -- wake-up calls -- */

static void make_call(const char *dir, const char *name, int64_t age_ms) {
    char *path = tempdir_path(dir, "%s", name);
    tempdir_write(path, "");
    int64_t at_ms = TEST_NOW_MS - age_ms;
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
        {.tv_sec = (time_t)(at_ms / 1000), .tv_nsec = (long)(at_ms % 1000) * 1000000}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    free(path);
}

static int64_t age_of_calls(const char *dir, enum directory_role role) {
    struct outcome outcome = look_at(dir, role, 0);
    int64_t age_s;
    ck_assert_int_eq(outcome.reason, REASON_OK);
    return observed_get(&outcome.observed, OBSERVED_WAKEUP_AGE_S, &age_s) ? age_s : -1;
}

START_TEST(the_oldest_wakeup_call_has_an_age) {
    char *dir = tempdir_new();
    ck_assert_int_eq(age_of_calls(dir, DIRECTORY_WAKEUP), -1);
    make_call(dir, "future", -3600 * 1000);
    ck_assert_int_eq(age_of_calls(dir, DIRECTORY_WAKEUP), 0);
    make_call(dir, "b", 10999);
    make_call(dir, "c", 3000);
    ck_assert_int_eq(age_of_calls(dir, DIRECTORY_WAKEUP), 10);
    char *below = tempdir_path(dir, "directory"), *link = tempdir_path(dir, "link");
    ck_assert_int_eq(mkdir(below, 0700), 0);
    ck_assert_int_eq(symlink("nowhere", link), 0);
    ck_assert_int_eq(age_of_calls(dir, DIRECTORY_WAKEUP), 10);
    ck_assert_int_eq(age_of_calls(dir, DIRECTORY_SPOOL), -1);
    free(link);
    free(below);
    free(dir);
}
END_TEST

Suite *directory_suite(void) {
    Suite *suite = suite_create("directory");
    TCase *tcase = tcase_create("directory");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_directory_that_can_be_written_is_well_and_stays_as_it_was);
    tcase_add_test(tcase, one_that_bugsink_will_make_is_not_missed);
    tcase_add_test(tcase, one_that_nobody_can_make_is_missing);
    tcase_add_test(tcase, what_is_no_directory_is_told_apart);
    tcase_add_test(tcase, one_that_may_not_be_written_is_a_matter_of_permission);
    tcase_add_test(tcase, one_of_another_user_is_useless_to_bugsink_however_open);
    tcase_add_loop_test(tcase, a_volume_in_trouble_is_told, 0, sizeof VOLUMES / sizeof VOLUMES[0]);
    tcase_add_test(tcase, the_oldest_wakeup_call_has_an_age);
    return suite;
}
