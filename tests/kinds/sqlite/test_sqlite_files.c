/* Tests of the SQLite kind on files that are missing, odd, damaged, locked, or on volumes in trouble. */
#include "base/str.h"
#include "kinds/finding.h"
#include "kinds/sqlite/sqlite_fixture.h"
#include "kinds/volume.h"
#include "harness/tempdir.h"

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
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* -- what is not there, or no file -- */

START_TEST(a_missing_file_is_missing_and_is_not_made) {
    char *dir = tempdir_new();
    char *path = tempdir_path(dir, "db.sqlite3");
    sqlite_assert_look(path, ROLE_MAIN, REASON_FILE_MISSING);
    sqlite_assert_look(path, ROLE_PLAIN, REASON_FILE_MISSING);
    char *below = tempdir_path(dir, "no/such/dir/db.sqlite3");
    sqlite_assert_look(below, ROLE_QUEUE, REASON_FILE_MISSING);
    ck_assert_int_eq(symlink("nowhere", path), 0);
    sqlite_assert_look(path, ROLE_MAIN, REASON_FILE_MISSING);
    char name[5000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    sqlite_assert_look(name, ROLE_MAIN, REASON_FILE_MISSING);
    ck_assert_int_eq(unlink(path), 0);
    char *picture = directory_picture(dir);
    ck_assert_str_eq(picture, "");
    free(picture);
    free(below);
    free(path);
    free(dir);
}
END_TEST

/* A 32-bit machine's stat() would refuse it. SQLite takes what its header does not count for garbage. */
START_TEST(a_file_of_more_than_4_gib_is_looked_at) {
    char *dir;
    char *path = sqlite_make_main("wal", &dir);
    ck_assert_int_eq(truncate(path, ((off_t)4 << 30) + 4096), 0);
    sqlite_assert_look(path, ROLE_MAIN, REASON_OK);
    sqlite_assert_look(path, ROLE_PLAIN, REASON_OK);
    free(path);
    free(dir);
}
END_TEST

START_TEST(a_look_tells_one_file_from_another) {
    char *dir;
    char *path = sqlite_make_main("wal", &dir), *other = tempdir_path(dir, "other");
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    struct outcome first = look(path, ROLE_MAIN), again = look(path, ROLE_MAIN);
    ck_assert_uint_eq(first.identity.inode, st.st_ino);
    ck_assert_uint_eq(first.identity.device, st.st_dev);
    ck_assert_uint_eq(again.identity.inode, first.identity.inode);
    sql_make(other, "wal", SCHEMA_MAIN);
    ck_assert_int_eq(rename(other, path), 0);
    struct outcome replaced = look(path, ROLE_MAIN);
    sqlite_assert_reason(&replaced, REASON_OK);
    ck_assert_uint_ne(replaced.identity.inode, first.identity.inode);
    ck_assert_int_eq(unlink(path), 0);
    struct outcome gone = look(path, ROLE_MAIN);
    ck_assert_uint_eq(gone.identity.inode, 0);
    free(other);
    free(path);
    free(dir);
}
END_TEST

START_TEST(what_is_no_regular_file_is_never_opened) {
    char *dir = tempdir_new();
    char *fifo = tempdir_path(dir, "fifo");
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    char *loop = tempdir_path(dir, "loop");
    ck_assert_int_eq(symlink("loop", loop), 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    str_copy(address.sun_path, sizeof address.sun_path, dir);
    strncat(address.sun_path, "/s", 3);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    sqlite_assert_look(dir, ROLE_MAIN, REASON_NOT_A_FILE);
    sqlite_assert_look(fifo, ROLE_MAIN, REASON_NOT_A_FILE);
    sqlite_assert_look("/dev/null", ROLE_PLAIN, REASON_NOT_A_FILE);
    sqlite_assert_look(loop, ROLE_PLAIN, REASON_NOT_A_FILE);
    sqlite_assert_look(address.sun_path, ROLE_QUEUE, REASON_NOT_A_FILE);
    close(fd);
    free(loop);
    free(fifo);
    free(dir);
}
END_TEST

START_TEST(an_empty_file_is_empty_for_every_role) {
    char *dir = tempdir_new();
    char *path = tempdir_path(dir, "db.sqlite3");
    tempdir_write(path, "");
    sqlite_assert_look(path, ROLE_MAIN, REASON_EMPTY);
    sqlite_assert_look(path, ROLE_QUEUE, REASON_EMPTY);
    sqlite_assert_look(path, ROLE_PLAIN, REASON_EMPTY);
    free(path);
    free(dir);
}
END_TEST

/* -- damage -- */

START_TEST(garbage_is_not_a_database) {
    char *dir = tempdir_new();
    char *path = tempdir_path(dir, "db.sqlite3");
    char text[8193];
    memset(text, 'g', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    tempdir_write(path, text);
    struct outcome outcome = look(path, ROLE_PLAIN);
    sqlite_assert_reason(&outcome, REASON_NOT_A_DATABASE);
    ck_assert_str_eq(outcome.code, "SQLITE_NOTADB");
    ck_assert_int_eq(outcome.phase, PHASE_LOCK);
    tempdir_write(path, "short");
    sqlite_assert_look(path, ROLE_PLAIN, REASON_NOT_A_DATABASE);
    free(path);
    free(dir);
}
END_TEST

static void overwrite(const char *path, off_t from, size_t length) {
    int fd = open(path, O_WRONLY);
    ck_assert_int_ge(fd, 0);
    for (size_t i = 0; i < length; i++)
        ck_assert_int_eq(pwrite(fd, "\xff", 1, from + (off_t)i), 1);
    close(fd);
}

START_TEST(a_damaged_database_is_corrupt) {
    char *dir;
    char *path = sqlite_make_main("wal", &dir);
    ck_assert_int_eq(truncate(path, 4096), 0);
    sqlite_assert_look(path, ROLE_MAIN, REASON_CORRUPT);
    sqlite_assert_look(path, ROLE_PLAIN, REASON_CORRUPT);
    free(path);
    free(dir);
    path = sqlite_make_main("delete", &dir);
    overwrite(path, 4096, 4096);
    sqlite_assert_look(path, ROLE_MAIN, REASON_CORRUPT);
    overwrite(path, 100, 3996);
    sqlite_assert_look(path, ROLE_PLAIN, REASON_CORRUPT);
    free(path);
    free(dir);
}
END_TEST

START_TEST(a_malformed_schema_is_corrupt) {
    char *dir;
    char *path = sqlite_make_main("wal", &dir);
    sql_run(
        path, "PRAGMA writable_schema=on; UPDATE sqlite_schema SET sql='nonsense' WHERE name='events_event'");
    struct outcome outcome = look(path, ROLE_MAIN);
    sqlite_assert_reason(&outcome, REASON_CORRUPT);
    ck_assert_str_eq(outcome.code, "SQLITE_CORRUPT");
    free(path);
    free(dir);
}
END_TEST

/* -- volumes -- */

static void fill(const char *dir, const char *name) {
    char *path = tempdir_path(dir, "%s", name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    static const char block[4096];
    while (fd >= 0 && write(fd, block, sizeof block) > 0)
        ;
    close(fd);
    free(path);
}

static void on_a_full_volume(const char *dir) {
    char *path = tempdir_path(dir, "db.sqlite3");
    sql_make(path, "wal", SCHEMA_MAIN);
    sqlite_assert_look(path, ROLE_MAIN, REASON_OK);
    fill(dir, "filler");
    sqlite_assert_look(path, ROLE_MAIN, REASON_DISK_FULL);
    sqlite_assert_look(path, ROLE_PLAIN, REASON_DISK_FULL);
    char *filler = tempdir_path(dir, "filler");
    ck_assert_int_eq(unlink(filler), 0);
    sqlite_assert_look(path, ROLE_MAIN, REASON_OK);
}

START_TEST(a_full_volume_is_full) {
    char *dir = tempdir_new();
    with_tmpfs(dir, "size=1m", on_a_full_volume); /* root only */
    free(dir);
}
END_TEST

static void without_inodes(const char *dir) {
    char *path = tempdir_path(dir, "db.sqlite3");
    sql_make(path, "wal", SCHEMA_MAIN);
    struct outcome outcome = look(path, ROLE_MAIN);
    sqlite_assert_reason(&outcome, REASON_OK);
    int64_t free_inodes;
    ck_assert(observed_get(&outcome.observed, OBSERVED_FREE_INODES, &free_inodes));
    for (int64_t i = 0; i < free_inodes; i++)
        tempdir_write(tempdir_path(dir, "%d", (int)i), "");
    sqlite_assert_look(path, ROLE_MAIN, REASON_DISK_FULL);
}

START_TEST(a_volume_without_inodes_is_full) {
    char *dir = tempdir_new();
    with_tmpfs(dir, "size=1m,nr_inodes=8", without_inodes); /* root only */
    free(dir);
}
END_TEST

static void on_a_read_only_mount(const char *dir) {
    char *path = tempdir_path(dir, "db.sqlite3");
    char *empty = tempdir_path(dir, "empty");
    sql_make(path, "wal", SCHEMA_MAIN);
    tempdir_write(empty, "");
    ck_assert_int_eq(mount(dir, dir, NULL, MS_BIND, NULL), 0);
    ck_assert_int_eq(mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
    sqlite_assert_look(path, ROLE_MAIN, REASON_READ_ONLY_MOUNT);
    sqlite_assert_look(path, ROLE_QUEUE, REASON_READ_ONLY_MOUNT);
    sqlite_assert_look(path, ROLE_PLAIN, REASON_OK);
    sqlite_assert_look(empty, ROLE_MAIN, REASON_READ_ONLY_MOUNT); /* the cause, before the consequence */
    sqlite_assert_look(empty, ROLE_PLAIN, REASON_EMPTY);
}

START_TEST(a_read_only_mount_is_an_error_where_bugsink_writes_and_is_read_where_it_does_not) {
    char *dir = tempdir_new();
    with_tmpfs(dir, "size=1m", on_a_read_only_mount); /* root only */
    free(dir);
}
END_TEST

START_TEST(little_space_and_a_large_log_are_worth_knowing) {
    char *dir;
    char *path = sqlite_make_main("wal", &dir);
    struct check_config config = sqlite_config(path, ROLE_MAIN);
    config.database.min_free_bytes = INT64_MAX;
    struct outcome outcome = look_with(&config, (uid_t)-1);
    sqlite_assert_reason(&outcome, REASON_DISK_LOW);
    struct holder holder = holder_begin(path, "INSERT INTO events_event (data) VALUES (randomblob(100000))");
    config.database.min_free_bytes = 0;
    config.database.max_wal_bytes = 50000;
    outcome = look_with(&config, (uid_t)-1);
    sqlite_assert_reason(&outcome, REASON_WAL_LARGE);
    int64_t wal_bytes;
    ck_assert(observed_get(&outcome.observed, OBSERVED_WAL_BYTES, &wal_bytes));
    ck_assert_int_gt(wal_bytes, 100000);
    holder_end(&holder);
    free(path);
    free(dir);
}
END_TEST

START_TEST(low_space_is_judged_by_the_smaller_of_a_size_and_a_share) {
    const int64_t mib = 1024 * 1024;
    struct volume small = {.total_bytes = 1000 * mib, .free_bytes = 51 * mib};
    ck_assert(!volume_is_low(&small, -1));
    small.free_bytes = 49 * mib;
    ck_assert(volume_is_low(&small, -1));
    ck_assert(!volume_is_low(&small, 0));
    struct volume large = {.total_bytes = 1000000 * mib, .free_bytes = 257 * mib};
    ck_assert(!volume_is_low(&large, -1));
    ck_assert(volume_is_low(&large, 258 * mib));
    large.free_bytes = 255 * mib;
    ck_assert(volume_is_low(&large, -1));
    struct volume unknown = {0};
    ck_assert(!volume_is_low(&unknown, -1));
}
END_TEST

START_TEST(network_file_systems_are_known_by_their_numbers) {
    ck_assert(volume_type_is_network(0x6969));      /* NFS */
    ck_assert(volume_type_is_network(0xff534d42));  /* CIFS */
    ck_assert(volume_type_is_network(0xfe534d42));  /* SMB2 */
    ck_assert(volume_type_is_network(0x517b));      /* SMB */
    ck_assert(volume_type_is_network(0x01021997));  /* 9p */
    ck_assert(!volume_type_is_network(0x65735546)); /* FUSE */
    ck_assert(!volume_type_is_network(0xef53));     /* ext4 */
    ck_assert(!volume_type_is_network(0x01021994)); /* tmpfs */
}
END_TEST

/* -- gravity -- */

START_TEST(the_first_error_stands_and_else_the_gravest_of_the_rest) {
    struct outcome outcome = {0};
    finding_note(&outcome, REASON_NETWORK_FS);
    ck_assert_int_eq(outcome.reason, REASON_NETWORK_FS);
    finding_note(&outcome, REASON_INGESTION_PAUSED);
    finding_note(&outcome, REASON_DISK_LOW);
    ck_assert_int_eq(outcome.reason, REASON_INGESTION_PAUSED);
    finding_fail(&outcome, REASON_CORRUPT, "%s", "a\nb");
    ck_assert_str_eq(outcome.detail, "a b");
    finding_note(&outcome, REASON_BACKLOG);
    ck_assert_int_eq(outcome.reason, REASON_CORRUPT);
}
END_TEST

Suite *sqlite_files_suite(void) {
    Suite *suite = suite_create("sqlite_files");
    TCase *tcase = tcase_create("sqlite_files");
    tcase_set_timeout(tcase, 30);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_missing_file_is_missing_and_is_not_made);
    tcase_add_test(tcase, a_file_of_more_than_4_gib_is_looked_at);
    tcase_add_test(tcase, a_look_tells_one_file_from_another);
    tcase_add_test(tcase, what_is_no_regular_file_is_never_opened);
    tcase_add_test(tcase, an_empty_file_is_empty_for_every_role);
    tcase_add_test(tcase, garbage_is_not_a_database);
    tcase_add_test(tcase, a_damaged_database_is_corrupt);
    tcase_add_test(tcase, a_malformed_schema_is_corrupt);
    tcase_add_test(tcase, a_full_volume_is_full);
    tcase_add_test(tcase, a_volume_without_inodes_is_full);
    tcase_add_test(tcase, a_read_only_mount_is_an_error_where_bugsink_writes_and_is_read_where_it_does_not);
    tcase_add_test(tcase, little_space_and_a_large_log_are_worth_knowing);
    tcase_add_test(tcase, low_space_is_judged_by_the_smaller_of_a_size_and_a_share);
    tcase_add_test(tcase, network_file_systems_are_known_by_their_numbers);
    tcase_add_test(tcase, the_first_error_stands_and_else_the_gravest_of_the_rest);
    return suite;
}
