/* Tests of what the SQLite kind does where files and directories are not ours, or may not be written. */
#include "base/str.h"
#include "harness/tempdir.h"
#include "kinds/sqlite/sqlite_fixture.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A file of another user: root makes one; a plain user takes one of root's. */
static char *foreign_file(char **dir) {
    char *path = sqlite_make_main("wal", dir);
    if (geteuid() != 0)
        return free(path), free(*dir), *dir = str_dup("/etc"), str_dup("/etc/passwd");
    ck_assert_int_eq(chown(path, TEST_APP_UID, TEST_APP_UID), 0);
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_int_eq(chmod(*dir, 0777), 0);
    return path;
}

START_TEST(a_file_of_another_user_is_not_even_opened) {
    char *dir;
    char *path = foreign_file(&dir);
    uid_t uid = geteuid() == 0 ? TEST_APP_UID + 1 : (uid_t)-1;
    char *before = geteuid() == 0 ? directory_picture(dir) : NULL;
    int watch = inotify_init1(IN_NONBLOCK);
    ck_assert_int_ge(inotify_add_watch(watch, path, IN_OPEN | IN_ACCESS | IN_MODIFY | IN_ATTRIB), 0);
    enum role roles[] = {ROLE_PLAIN, ROLE_MAIN, ROLE_QUEUE};
    for (size_t i = 0; i < 3; i++) {
        struct check_config config = sqlite_config(path, roles[i]);
        struct outcome outcome = look_with(&config, uid);
        sqlite_assert_reason(&outcome, REASON_UID_MISMATCH);
    }
    char event[4096];
    if (geteuid() == 0) { /* others may open /etc/passwd while we look */
        ck_assert_int_eq(read(watch, event, sizeof event), -1);
        ck_assert_int_eq(errno, EAGAIN);
        char *after = directory_picture(dir);
        ck_assert_str_eq(before, after);
        free(after);
    }
    close(watch);
    free(before);
    free(path);
    free(dir);
}
END_TEST

START_TEST(root_may_look_at_a_foreign_file_and_gives_it_nothing_of_its_own) {
    if (geteuid() != 0)
        return; /* only root can */
    char *dir;
    char *path = foreign_file(&dir);
    char *before = directory_picture(dir);
    ck_assert_int_eq(look_often(path, ROLE_MAIN, 3), 0);
    char *after = directory_picture(dir);
    ck_assert_str_eq(before, after);
    /* With a log left by a dead app there is a -shm to be made: it must be the owner's, were it left. */
    struct check_config config = sqlite_config(path, ROLE_MAIN);
    struct outcome outcome = look_with(&config, TEST_APP_UID);
    sqlite_assert_reason(&outcome, REASON_OK);
    free(before);
    free(after);
    free(path);
    free(dir);
}
END_TEST

static void drop_chown(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    ck_assert_int_eq((int)syscall(SYS_capget, &header, data), 0);
    data[0].effective &= ~(UINT32_C(1) << CAP_CHOWN);
    ck_assert_int_eq((int)syscall(SYS_capset, &header, data), 0);
}

START_TEST(root_without_the_right_to_give_files_away_does_not_look_either) {
    if (geteuid() != 0)
        return; /* only root can */
    char *dir;
    char *path = foreign_file(&dir);
    sqlite_assert_look(path, ROLE_MAIN, REASON_OK);
    drop_chown();
    sqlite_assert_look(path, ROLE_MAIN, REASON_UID_MISMATCH);
    free(path);
    free(dir);
}
END_TEST

START_TEST(a_log_that_a_third_user_has_left_is_found) {
    if (geteuid() != 0)
        return; /* only root can make one */
    char *dir;
    char *path = sqlite_make_main("wal", &dir);
    char *shm = tempdir_path(dir, "db.sqlite3-shm");
    char *wal = tempdir_path(dir, "db.sqlite3-wal");
    ck_assert_int_eq(chown(path, TEST_APP_UID, TEST_APP_UID), 0);
    ck_assert_int_eq(chown(dir, TEST_APP_UID, TEST_APP_UID), 0);
    tempdir_write(wal, "");
    ck_assert_int_eq(chown(wal, TEST_APP_UID, TEST_APP_UID), 0);
    struct check_config config = sqlite_config(path, ROLE_MAIN);
    struct outcome outcome = look_with(&config, TEST_APP_UID);
    sqlite_assert_reason(&outcome, REASON_OK);
    tempdir_write(shm, "");
    outcome = look_with(&config, TEST_APP_UID);
    sqlite_assert_reason(&outcome, REASON_UID_MISMATCH);
    ck_assert_ptr_nonnull(strstr(outcome.detail, "db.sqlite3-shm"));
    sqlite_assert_look(path, ROLE_MAIN, REASON_UID_MISMATCH);
    free(wal);
    free(shm);
    free(path);
    free(dir);
}
END_TEST

/* Makes the database and its directory the app's, for a look without root's privileges. */
static uid_t give_to_app(const char *dir, const char *path) {
    if (geteuid() != 0)
        return (uid_t)-1;
    ck_assert_int_eq(chown(dir, TEST_APP_UID, TEST_APP_UID), 0);
    ck_assert_int_eq(chown(path, TEST_APP_UID, TEST_APP_UID), 0);
    return TEST_APP_UID;
}

static void assert_look_as(const char *path, uid_t uid, enum role role, enum reason reason) {
    struct check_config config = sqlite_config(path, role);
    struct outcome outcome = look_with(&config, uid);
    sqlite_assert_reason(&outcome, reason);
}

START_TEST(a_file_that_may_not_be_read_is_a_matter_of_permission) {
    char *dir;
    char *path = sqlite_make_main("wal", &dir);
    uid_t uid = give_to_app(dir, path);
    ck_assert_int_eq(chmod(path, 0), 0);
    assert_look_as(path, uid, ROLE_PLAIN, REASON_PERMISSION);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(chmod(dir, 0), 0);
    assert_look_as(path, uid, ROLE_MAIN, REASON_PERMISSION);
    ck_assert_int_eq(chmod(dir, 0700), 0);
    assert_look_as(path, uid, ROLE_MAIN, REASON_OK);
    free(path);
    free(dir);
}
END_TEST

START_TEST(a_read_only_file_is_an_error_where_bugsink_writes_and_is_read_where_it_does_not) {
    const char *const modes[] = {"wal", "delete"};
    for (size_t i = 0; i < 2; i++) {
        char *dir;
        char *path = sqlite_make_main(modes[i], &dir);
        uid_t uid = give_to_app(dir, path);
        ck_assert_int_eq(chmod(path, 0444), 0);
        char *before = directory_picture(dir);
        assert_look_as(path, uid, ROLE_MAIN, REASON_READ_ONLY_FILE);
        assert_look_as(path, uid, ROLE_QUEUE, REASON_READ_ONLY_FILE);
        assert_look_as(path, uid, ROLE_PLAIN, REASON_OK);
        char *after = directory_picture(dir);
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
        free(path);
        free(dir);
    }
}
END_TEST

START_TEST(a_read_only_directory_is_an_error_where_bugsink_writes_and_is_read_where_it_does_not) {
    const char *const modes[] = {"wal", "delete"};
    for (size_t i = 0; i < 2; i++) {
        char *dir;
        char *path = sqlite_make_main(modes[i], &dir);
        uid_t uid = give_to_app(dir, path);
        ck_assert_int_eq(chmod(dir, 0555), 0);
        assert_look_as(path, uid, ROLE_MAIN, REASON_READ_ONLY_DIR);
        assert_look_as(path, uid, ROLE_QUEUE, REASON_READ_ONLY_DIR);
        assert_look_as(path, uid, ROLE_PLAIN, REASON_OK);
        ck_assert_int_eq(chmod(dir, 0755), 0);
        free(path);
        free(dir);
    }
}
END_TEST

START_TEST(an_immutable_file_is_read_only_even_for_root) {
    char *dir;
    char *path = sqlite_make_main("wal", &dir);
    int fd = open(path, O_RDONLY);
    int flags, immutable;
    bool has_flags = ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;
    immutable = has_flags ? flags | FS_IMMUTABLE_FL : 0;
    if (has_flags &&
        ioctl(fd, FS_IOC_SETFLAGS, &immutable) == 0) { /* root, on a file system that has such flags */
        struct outcome outcome = look(path, ROLE_MAIN);
        ck_assert_int_eq(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
        sqlite_assert_reason(&outcome, REASON_READ_ONLY_FILE);
    }
    close(fd);
    free(path);
    free(dir);
}
END_TEST

Suite *sqlite_rights_suite(void) {
    Suite *suite = suite_create("sqlite_rights");
    TCase *tcase = tcase_create("sqlite_files");
    tcase_set_timeout(tcase, 30);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_file_of_another_user_is_not_even_opened);
    tcase_add_test(tcase, root_may_look_at_a_foreign_file_and_gives_it_nothing_of_its_own);
    tcase_add_test(tcase, root_without_the_right_to_give_files_away_does_not_look_either);
    tcase_add_test(tcase, a_log_that_a_third_user_has_left_is_found);
    tcase_add_test(tcase, a_file_that_may_not_be_read_is_a_matter_of_permission);
    tcase_add_test(tcase, a_read_only_file_is_an_error_where_bugsink_writes_and_is_read_where_it_does_not);
    tcase_add_test(
        tcase, a_read_only_directory_is_an_error_where_bugsink_writes_and_is_read_where_it_does_not);
    tcase_add_test(tcase, an_immutable_file_is_read_only_even_for_root);
    return suite;
}
