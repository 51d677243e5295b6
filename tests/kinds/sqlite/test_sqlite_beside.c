/* Tests of what the SQLite kind makes of the files that SQLite keeps beside the database, and of whose they
 * are. */
#include "harness/fork.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "kinds/sqlite/sqlite_fixture.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A database of the app's, in a directory of its own. */
struct scene {
    char *dir, *path;
    uid_t uid; /* who looks: the app, where we are root */
};

static void give_to(const char *path, uid_t uid) {
    if (geteuid() == 0)
        ck_assert_int_eq(lchown(path, uid, uid), 0);
}

static struct scene scene_new(const char *mode) {
    struct scene scene = {.uid = geteuid() == 0 ? TEST_APP_UID : (uid_t)-1};
    scene.path = sqlite_make_main(mode, &scene.dir);
    give_to(scene.dir, TEST_APP_UID);
    give_to(scene.path, TEST_APP_UID);
    return scene;
}

static void scene_free(struct scene *scene) {
    free(scene->path);
    free(scene->dir);
}

static struct outcome look_as_app(const struct scene *scene, enum role role) {
    struct check_config config = sqlite_config(scene->path, role);
    return look_with(&config, scene->uid);
}

static void assert_both(const struct scene *scene, enum reason reason, const char *named) {
    for (int role = ROLE_MAIN; role <= ROLE_QUEUE; role++) {
        struct outcome outcome = look_as_app(scene, (enum role)role);
        if (reason == REASON_OK && role == ROLE_QUEUE)
            continue; /* it has no tasks' table */
        sqlite_assert_reason(&outcome, reason);
        ck_assert_msg(!named || strstr(outcome.detail, named), "%s", outcome.detail);
    }
}

/* -- what stands there -- */

static void put(const struct scene *scene, const char *suffix, const char *text, mode_t mode) {
    char *path = tempdir_path(scene->dir, "db.sqlite3%s", suffix);
    unlink(path); /* which only root could write to, if it is read-only */
    tempdir_write(path, text);
    ck_assert_int_eq(chmod(path, mode), 0);
    give_to(path, TEST_APP_UID);
    free(path);
}

static void put_odd(const struct scene *scene, const char *suffix, int (*make)(const char *, mode_t)) {
    char *path = tempdir_path(scene->dir, "db.sqlite3%s", suffix);
    ck_assert_int_eq(make(path, 0700), 0);
    give_to(path, TEST_APP_UID);
    free(path);
}

/* What was seen of SQLite 3.40.1 in each case is what the reason says. */
static const struct {
    const char *mode, *suffix, *text;
    enum reason reason;
} SHUT[] = {
    {"wal", "-wal", "", REASON_READ_ONLY_FILE},
    {"wal", "-shm", "", REASON_READ_ONLY_FILE},
    {"wal", "-journal", "a journal that may be hot", REASON_READ_ONLY_FILE},
    {"wal", "-journal", "", REASON_OK},
    {"delete", "-journal", "a journal that may be hot", REASON_READ_ONLY_FILE},
    {"delete", "-journal", "", REASON_READ_ONLY_FILE},
    {"delete", "-shm", "", REASON_OK},
};

START_TEST(what_sqlite_writes_beside_the_file_must_be_writable) {
    struct scene scene = scene_new(SHUT[_i].mode);
    put(&scene, SHUT[_i].suffix, SHUT[_i].text, 0444);
    assert_both(&scene, SHUT[_i].reason, SHUT[_i].reason == REASON_OK ? NULL : SHUT[_i].suffix);
    put(&scene, SHUT[_i].suffix, "", 0644);
    assert_both(&scene, REASON_OK, NULL);
    scene_free(&scene);
}
END_TEST

START_TEST(what_stands_beside_the_file_must_be_a_file) {
    static int (*const MAKERS[])(const char *, mode_t) = {mkdir, mkfifo};
    static const char *const SUFFIXES[] = {"-wal", "-shm", "-journal"};
    for (size_t i = 0; i < 2; i++) {
        struct scene scene = scene_new("wal");
        put_odd(&scene, SUFFIXES[_i], MAKERS[i]);
        assert_both(&scene, REASON_NOT_A_FILE, SUFFIXES[_i]);
        struct outcome outcome = look_as_app(&scene, ROLE_PLAIN);
        sqlite_assert_reason(&outcome, REASON_NOT_A_FILE);
        scene_free(&scene);
    }
}
END_TEST

START_TEST(without_a_log_a_directory_in_the_place_of_the_shm_harms_nobody) {
    struct scene scene = scene_new("delete");
    put_odd(&scene, "-shm", mkdir);
    assert_both(&scene, REASON_OK, NULL);
    scene_free(&scene);
}
END_TEST

START_TEST(a_file_of_one_byte_is_empty_for_every_role) {
    struct scene scene = scene_new("wal");
    for (int size = 0; size < 2; size++) {
        ck_assert_int_eq(truncate(scene.path, size), 0);
        for (int role = ROLE_PLAIN; role <= ROLE_QUEUE; role++) {
            struct outcome outcome = look_as_app(&scene, (enum role)role);
            sqlite_assert_reason(&outcome, REASON_EMPTY);
        }
    }
    scene_free(&scene);
}
END_TEST

/* -- a directory in which nothing may be made -- */

/* Leaves -wal and -shm there, as an app that runs does. */
static struct scene with_log(void) {
    struct scene scene = scene_new("wal");
    sql_run_and_die(scene.path, "INSERT INTO events_event (data) VALUES ('x')");
    char *wal = tempdir_path(scene.dir, "db.sqlite3-wal"), *shm = tempdir_path(scene.dir, "db.sqlite3-shm");
    give_to(wal, TEST_APP_UID);
    give_to(shm, TEST_APP_UID);
    ck_assert_int_eq(chmod(scene.dir, 0555), 0);
    free(shm);
    free(wal);
    return scene;
}

START_TEST(a_shut_directory_is_mild_where_the_log_is_there) {
    struct scene scene = with_log();
    struct outcome outcome = look_as_app(&scene, ROLE_MAIN);
    sqlite_assert_reason(&outcome, REASON_READ_ONLY_DIR);
    ck_assert(outcome.is_mild);
    char *before = directory_picture(scene.dir);
    look_as_app(&scene, ROLE_MAIN);
    char *after = directory_picture(scene.dir);
    ck_assert_str_eq(before, after); /* so it stays */
    outcome = look_as_app(&scene, ROLE_PLAIN);
    sqlite_assert_reason(&outcome, REASON_OK);
    ck_assert_int_eq(chmod(scene.dir, 0755), 0);
    outcome = look_as_app(&scene, ROLE_MAIN);
    sqlite_assert_reason(&outcome, REASON_OK);
    free(after);
    free(before);
    scene_free(&scene);
}
END_TEST

START_TEST(a_shut_directory_is_an_error_where_the_log_cannot_be_written_or_is_not_whole) {
    struct scene scene = with_log();
    char *wal = tempdir_path(scene.dir, "db.sqlite3-wal"), *shm = tempdir_path(scene.dir, "db.sqlite3-shm");
    ck_assert_int_eq(chmod(wal, 0444), 0);
    struct outcome outcome = look_as_app(&scene, ROLE_MAIN);
    sqlite_assert_reason(&outcome, REASON_READ_ONLY_FILE);
    ck_assert(!outcome.is_mild);
    ck_assert_int_eq(chmod(wal, 0644), 0);
    ck_assert_int_eq(chmod(scene.dir, 0755), 0);
    ck_assert_int_eq(unlink(shm), 0);
    ck_assert_int_eq(chmod(scene.dir, 0555), 0);
    outcome = look_as_app(&scene, ROLE_MAIN);
    sqlite_assert_reason(&outcome, REASON_READ_ONLY_DIR);
    ck_assert(!outcome.is_mild);
    ck_assert_int_eq(chmod(scene.dir, 0755), 0);
    free(shm);
    free(wal);
    scene_free(&scene);
}
END_TEST

/* -- whose it is -- */

/* As OpenShift leaves it: the file is of another user and of group 0, which may write it, and the app is of
 * that group. Runs as that user, group 0. */
enum { OTHER_UID = TEST_APP_UID + 1 };

static void look_as_group(const struct check_config *config, enum reason reason) {
    pid_t pid = test_fork();
    if (pid == 0) {
        if (setresgid(0, 0, 0) < 0 || setresuid(TEST_APP_UID, TEST_APP_UID, TEST_APP_UID) < 0)
            _exit(99);
        struct outcome outcome = look_with(config, (uid_t)-1);
        if (outcome.reason != reason)
            fprintf(stderr, "%s, not %s: %s\n", reason_info(outcome.reason)->slug, reason_info(reason)->slug,
                outcome.detail);
        _exit(outcome.reason != reason);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

START_TEST(what_bugsink_made_tells_whether_we_are_its_user_whoever_owns_the_database) {
    if (geteuid() != 0) {
        skip_test("what_bugsink_made_tells_whether_we_are_its_user_whoever_owns_the_database",
            "only root can make other users' files");
        return;
    }
    struct scene scene = scene_new("wal");
    char *queue = tempdir_path(scene.dir, "snappea.sqlite3"), *wakeup = tempdir_path(scene.dir, "wakeup");
    struct check_config config = sqlite_config(scene.path, ROLE_MAIN);
    ck_assert_int_eq(chown(scene.dir, OTHER_UID, 0), 0);
    ck_assert_int_eq(chmod(scene.dir, 0775), 0);
    ck_assert_int_eq(chown(scene.path, OTHER_UID, 0), 0);
    ck_assert_int_eq(chmod(scene.path, 0664), 0);
    look_as_group(&config, REASON_UID_MISMATCH); /* nobody tells */
    config.database.queue_path = queue;
    config.database.wakeup_path = wakeup;
    look_as_group(&config, REASON_UID_MISMATCH); /* nor does what is not there */
    tempdir_write(queue, "");
    give_to(queue, TEST_APP_UID);
    look_as_group(&config, REASON_OK);
    ck_assert_int_eq(mkdir(wakeup, 0700), 0);
    give_to(wakeup, OTHER_UID);
    look_as_group(&config, REASON_UID_MISMATCH); /* the app is another */
    give_to(wakeup, TEST_APP_UID);
    look_as_group(&config, REASON_OK);
    ck_assert_int_eq(chmod(scene.path, 0644), 0);
    look_as_group(&config, REASON_UID_MISMATCH); /* the app cannot write it either */
    free(wakeup);
    free(queue);
    scene_free(&scene);
}
END_TEST

static bool write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return is_written;
}

/* Enters a user namespace in which root alone has a number. */
static bool enter_namespace_of_root(void) {
    return unshare(CLONE_NEWUSER) == 0 && write_text("/proc/self/uid_map", "0 0 1\n");
}

START_TEST(root_opens_no_file_of_an_owner_who_has_no_number_here) {
    enum { NOT_ALLOWED = 77 };
    struct scene scene = scene_new("wal");
    ck_assert_int_eq(chmod(scene.dir, 0777), 0);
    ck_assert_int_eq(chmod(scene.path, 0666), 0);
    char *before = directory_picture(scene.dir);
    pid_t pid = test_fork();
    if (pid == 0) {
        if (geteuid() != 0 || !enter_namespace_of_root())
            _exit(NOT_ALLOWED);
        struct outcome outcome = look(scene.path, ROLE_MAIN);
        _exit(outcome.reason != REASON_UID_MISMATCH);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_ALLOWED)
        skip_test(
            "root_opens_no_file_of_an_owner_who_has_no_number_here", "no user namespace can be made here");
    else
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    char *after = directory_picture(scene.dir);
    ck_assert_str_eq(before, after);
    free(after);
    free(before);
    scene_free(&scene);
}
END_TEST

Suite *sqlite_beside_suite(void) {
    Suite *suite = suite_create("sqlite_beside");
    TCase *tcase = tcase_create("sqlite_beside");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(
        tcase, what_sqlite_writes_beside_the_file_must_be_writable, 0, sizeof SHUT / sizeof SHUT[0]);
    tcase_add_loop_test(tcase, what_stands_beside_the_file_must_be_a_file, 0, 3);
    tcase_add_test(tcase, without_a_log_a_directory_in_the_place_of_the_shm_harms_nobody);
    tcase_add_test(tcase, a_file_of_one_byte_is_empty_for_every_role);
    tcase_add_test(tcase, a_shut_directory_is_mild_where_the_log_is_there);
    tcase_add_test(tcase, a_shut_directory_is_an_error_where_the_log_cannot_be_written_or_is_not_whole);
    tcase_add_test(tcase, what_bugsink_made_tells_whether_we_are_its_user_whoever_owns_the_database);
    tcase_add_test(tcase, root_opens_no_file_of_an_owner_who_has_no_number_here);
    return suite;
}
