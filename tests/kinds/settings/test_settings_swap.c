/* Tests of the settings kind: files that are just being replaced. */
#include "checker/judged.h"
#include "checker/schedule.h"
#include "harness/fork.h"
#include "harness/stopwatch.h"
#include "harness/tempdir.h"
#include "harness/wait.h"
#include "kinds/settings/settings_look.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Runs body in a child process; its exit status is body's. */
static pid_t in_child(int (*body)(const char *path), const char *path) {
    pid_t pid = test_fork();
    if (pid == 0)
        _exit(body(path));
    return pid;
}

static void assert_ended_well(pid_t pid) {
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
}

static int look_for_a(const char *path) {
    struct outcome outcome = settings_look(path, SETTINGS_PYTHON, "A", 3000);
    if (outcome.reason != REASON_OK)
        fprintf(stderr, "%s: %s\n", reason_info(outcome.reason)->slug, outcome.detail);
    return outcome.reason != REASON_OK;
}

START_TEST(a_file_that_is_away_empty_or_half_written_for_a_moment_is_well) {
    char *dir = tempdir_new();
    const char *const states[] = {NULL, "", "A = (", "A = '\xe2", "B = 1\n", "A = 1\nSECRET_KEY = 'x'\n"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        char *path = tempdir_path(dir, "settings-%d", (int)i);
        char *fresh = tempdir_path(dir, "fresh-%d", (int)i);
        if (states[i])
            tempdir_write(path, states[i]);
        tempdir_write(fresh, "A = 1\n");
        pid_t child = in_child(look_for_a, path);
        const struct timespec pause = {
            .tv_nsec = 300 * 1000 * 1000}; /* how long the file is away is the test */
        nanosleep(&pause, NULL);
        ck_assert_int_eq(waitpid(child, &(int){0}, WNOHANG), 0);
        ck_assert_int_eq(rename(fresh, path), 0);
        assert_ended_well(child);
        free(fresh);
        free(path);
    }
    free(dir);
}
END_TEST

START_TEST(a_file_that_stays_away_is_reported_in_time) {
    char *dir = tempdir_new();
    char *path = tempdir_path(dir, "settings");
    struct stopwatch watch = stopwatch_start();
    struct outcome outcome = settings_look(path, SETTINGS_PYTHON, "A", 600);
    ck_assert_int_eq(outcome.reason, REASON_FILE_MISSING);
    ck_assert_int_ge(stopwatch_ms(&watch), 400);
    watch = stopwatch_start();
    outcome = settings_look(path, SETTINGS_PYTHON, "A", 60000);
    ck_assert_int_eq(outcome.reason, REASON_FILE_MISSING);
    ck_assert_int_ge(stopwatch_ms(&watch), 2000);
    ck_assert_int_lt(stopwatch_free_ms(&watch), 20000);
    free(path);
    free(dir);
}
END_TEST

/* What the kubelet does with a ConfigMap (pkg/volume/util/atomic_writer.go): a new directory, ..data_tmp ->
 * it, renamed over ..data, then the old directory is removed. The file is a link to ..data/settings. With a
 * gap, ..data is away for so long before. Returns 0, or where it failed. */
static int swap(const char *dir, int number, int gap_ms) {
    char *name = tempdir_path(dir, "..%d", number), *old = tempdir_path(dir, "..%d", number - 1);
    char *path = tempdir_path(name, "settings"), *old_path = tempdir_path(old, "settings");
    char *data = tempdir_path(dir, "..data"), *next = tempdir_path(dir, "..data_tmp");
    const struct timespec gap = {.tv_sec = gap_ms / 1000, .tv_nsec = (long)(gap_ms % 1000) * 1000 * 1000};
    int status = mkdir(name, 0755) < 0;
    tempdir_write(path, "A = 1\n");
    if (gap_ms > 0) {
        status |= (unlink(data) < 0) << 1;
        nanosleep(&gap, NULL); /* how long it is away is the test */
    }
    status |= (symlink(strrchr(name, '/') + 1, next) < 0 || rename(next, data) < 0) << 2;
    if (number > 0)
        status |= (unlink(old_path) < 0 || rmdir(old) < 0) << 3;
    free(name);
    free(old);
    free(path);
    free(old_path);
    free(data);
    free(next);
    return status;
}

static int swap_for_two_seconds(const char *dir) {
    int64_t end_ms = wait_now_ms() + 2000;
    int status = 0;
    for (int i = 0; status == 0 && wait_now_ms() < end_ms; i++)
        status = swap(dir, i, 0);
    return status;
}

static bool exists(void *path) {
    return access(path, F_OK) == 0;
}

START_TEST(swapping_a_config_map_at_full_speed_shows_nothing) {
    char *dir = tempdir_new();
    char *path = tempdir_path(dir, "settings");
    ck_assert_int_eq(symlink("..data/settings", path), 0);
    pid_t swapper = in_child(swap_for_two_seconds, dir);
    ck_assert(wait_until(exists, path, 5000));
    int looks = 0, status;
    while (waitpid(swapper, &status, WNOHANG) == 0) {
        ck_assert_int_eq(look_for_a(path), 0);
        looks++;
    }
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
    ck_assert_int_gt(looks, 10);
    free(path);
    free(dir);
}
END_TEST

static const int TIMEOUTS_MS[] = {30, 150, 1000};

static int swap_with_gaps(const char *dir) {
    const struct timespec between = {.tv_nsec = 500 * 1000 * 1000}; /* the file is there for so long */
    int status = 0;
    for (int i = 1; status == 0 && i <= 3; i++) {
        status = swap(dir, i, 1500);
        nanosleep(&between, NULL);
    }
    return status;
}

/* A sidecar with timeouts far below the gap, from look to verdict. */
START_TEST(swapping_a_config_map_with_gaps_shows_nothing_however_short_the_timeout) {
    struct check_config config = {.kind = KIND_SETTINGS,
        .settings.format = SETTINGS_PYTHON,
        .interval_ms = 200,
        .timeout_ms = TIMEOUTS_MS[_i],
        .retry_interval_ms = 50};
    char *dir = tempdir_new(), *path = tempdir_path(dir, "settings");
    struct check_memory memory;
    memory_init(&memory, 0);
    ck_assert_int_eq(symlink("..data/settings", path), 0);
    ck_assert_int_eq(swap(dir, 0, 0), 0);
    pid_t swapper = -1; /* begins after the first look */
    int status, held = 0;
    do {
        int64_t begin_ms = wait_now_ms();
        struct outcome outcome = settings_look(path, SETTINGS_PYTHON, "A", config.timeout_ms);
        int64_t now_ms = wait_now_ms();
        judge(&config, &memory, &outcome, now_ms - begin_ms, NULL, now_ms);
        held += outcome.reason != REASON_OK;
        ck_assert_msg(memory.status == STATUS_OK, "%s", reason_info(memory.reason)->slug);
        int64_t delay_ms = schedule_delay_ms(&config, &memory, now_ms - begin_ms, 0);
        ck_assert_int_le(delay_ms, config.interval_ms);
        const struct timespec pause = {.tv_nsec = (long)delay_ms * 1000 * 1000};
        nanosleep(&pause, NULL); /* what the schedule says */
        if (swapper < 0)
            swapper = in_child(swap_with_gaps, dir);
    } while (waitpid(swapper, &status, WNOHANG) == 0);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
    ck_assert_int_ge(held, 3); /* each gap was met */
    free(path);
    free(dir);
}
END_TEST

Suite *settings_swap_suite(void) {
    Suite *suite = suite_create("settings_swap");
    TCase *tcase = tcase_create("settings");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_file_that_is_away_empty_or_half_written_for_a_moment_is_well);
    tcase_add_test(tcase, a_file_that_stays_away_is_reported_in_time);
    tcase_add_test(tcase, swapping_a_config_map_at_full_speed_shows_nothing);
    tcase_add_loop_test(tcase, swapping_a_config_map_with_gaps_shows_nothing_however_short_the_timeout, 0,
        sizeof TIMEOUTS_MS / sizeof TIMEOUTS_MS[0]);
    return suite;
}
