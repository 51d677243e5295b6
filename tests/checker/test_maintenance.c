/* Tests of the look for the maintenance file: when it changes its mind, and that it keeps it while no answer
 * comes. Time is the test's own. */
#include "checker/maintenance.h"

#include "harness/rig.h"
#include "harness/tempdir.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOKS_EVERY_MS = 1000, LOOK_TAKES_AT_MOST_MS = 900, KILLED_AFTER_MS = 500, PATIENCE_MS = 5000 };

struct stage {
    struct rig rig;
    struct clock clock;
    int64_t now_ms;
    char *file;
    struct maintenance *maintenance;
    int changes; /* as told */
};

static int64_t read_clock(void *arg) {
    return *(const int64_t *)arg;
}

static void on_changed(void *arg) {
    struct stage *stage = arg;
    stage->changes++;
}

static void stage_init_after(struct stage *stage, bool is_there, bool was_on) {
    *stage = (struct stage){.now_ms = 1000};
    rig_init(&stage->rig);
    stage->clock = (struct clock){read_clock, read_clock, &stage->now_ms};
    stage->rig.timers.clock = &stage->clock;
    char *dir = tempdir_new();
    stage->file = tempdir_path(dir, "maintenance");
    free(dir);
    if (is_there)
        tempdir_write(stage->file, "");
    char *path = strdup(stage->file);
    stage->maintenance = maintenance_new(&stage->rig.env, path, was_on, on_changed, stage);
    ck_assert_ptr_nonnull(stage->maintenance);
    memset(path, 'x', strlen(path)); /* it was copied */
    free(path);
}

static void stage_init(struct stage *stage, bool is_there) {
    stage_init_after(stage, is_there, false);
}

static void stage_release(struct stage *stage) {
    maintenance_free(stage->maintenance);
    rig_release(&stage->rig);
    free(stage->file);
}

static bool is_looking(void *arg) {
    const struct stage *stage = arg;
    return children_busy(&stage->rig.children) > 0;
}

/* Begins the next look. Returns its process. */
static pid_t begin_look(struct stage *stage) {
    ck_assert(rig_turn_until(&stage->rig, is_looking, stage, PATIENCE_MS));
    return child_pid(stage->rig.children.head);
}

/* One look, from start to end; then it is time for the next. */
static void look(struct stage *stage) {
    begin_look(stage);
    ck_assert(rig_turn_until_childless(&stage->rig));
    stage->now_ms += LOOKS_EVERY_MS;
}

struct changing {
    struct stage *stage;
    pid_t first;
};

/* Another process has the look, or none any more. */
static bool has_changed_hands(void *arg) {
    const struct changing *changing = arg;
    const struct child *child = changing->stage->rig.children.head;
    return !child || child_pid(child) != changing->first;
}

/* A worker that is killed before it has read what it was asked gives way to another one, once. */
static void kill_both(struct stage *stage) {
    struct changing changing = {stage, begin_look(stage)};
    kill(changing.first, SIGKILL);
    ck_assert(rig_turn_until(&stage->rig, has_changed_hands, &changing, PATIENCE_MS));
    if (stage->rig.children.head)
        kill(child_pid(stage->rig.children.head), SIGKILL);
}

/* Begins a look and sends that signal to its process before it can answer. Returns false where it was faster.
 */
static bool begin_disturbed_look(struct stage *stage, int signal) {
    if (signal == SIGKILL)
        kill_both(stage);
    else
        kill(begin_look(stage), signal);
    rig_turn_for(&stage->rig, 100); /* an answer that was given comes through */
    struct child *child = stage->rig.children.head;
    return signal == SIGSTOP ? child && !child_is_leaving(child) && !child_is_idle(child) : !child;
}

/* What makes a look end without an answer, in a state that is no longer true. */
static const struct {
    int signal;
    bool was_there;
} DISTURBANCES[] = {{SIGSTOP, true}, {SIGSTOP, false}, {SIGKILL, true}, {SIGKILL, false}};

/* The last answer says was_there, the file says otherwise, and a look is disturbed. Returns false where it
 * answered all the same. */
static bool stage_disturbance(struct stage *stage, int signal, bool was_there) {
    stage_init(stage, was_there);
    look(stage);
    ck_assert(maintenance_is_on(stage->maintenance) == was_there);
    if (was_there)
        ck_assert_int_eq(unlink(stage->file), 0);
    else
        tempdir_write(stage->file, "");
    if (begin_disturbed_look(stage, signal) &&
        (signal == SIGSTOP || maintenance_is_on(stage->maintenance) == was_there))
        return true;
    if (stage->rig.children.head) /* one that has answered, stays and is stopped */
        kill(child_pid(stage->rig.children.head), SIGCONT);
    stage_release(stage);
    return false;
}

START_TEST(it_tells_each_change_once) {
    struct stage stage;
    stage_init(&stage, false);
    ck_assert(stage.changes == 0 && !maintenance_is_on(stage.maintenance));
    for (int i = 0; i < 3; i++)
        look(&stage);
    ck_assert(!maintenance_is_on(stage.maintenance));
    ck_assert_int_eq(stage.changes, 1); /* the first answer is one */
    tempdir_write(stage.file, "");
    for (int i = 0; i < 3; i++)
        look(&stage);
    ck_assert(maintenance_is_on(stage.maintenance));
    ck_assert_int_eq(stage.changes, 2);
    ck_assert_int_eq(unlink(stage.file), 0);
    for (int i = 0; i < 3; i++)
        look(&stage);
    ck_assert(!maintenance_is_on(stage.maintenance));
    ck_assert_int_eq(stage.changes, 3);
    ck_assert_str_eq(maintenance_path(stage.maintenance), stage.file);
    stage_release(&stage);
}
END_TEST

START_TEST(a_look_without_an_answer_keeps_the_last_one) {
    struct stage stage;
    bool was_there = DISTURBANCES[_i].was_there;
    int tries = 0;
    while (!stage_disturbance(&stage, DISTURBANCES[_i].signal, was_there))
        ck_assert_msg(++tries < 50, "each look was faster than our signal, or its end counted as an answer");
    int changes = stage.changes;
    if (DISTURBANCES[_i].signal == SIGSTOP) {
        stage.now_ms += LOOK_TAKES_AT_MOST_MS;
        rig_turn_for(&stage.rig, 50);
        ck_assert(maintenance_is_on(stage.maintenance) == was_there);
        ck_assert_uint_eq(stage.rig.children.count, 1); /* it has not seen its SIGTERM */
        stage.now_ms += KILLED_AFTER_MS;
        ck_assert(rig_turn_until_childless(&stage.rig));
    }
    ck_assert(maintenance_is_on(stage.maintenance) == was_there);
    ck_assert_int_eq(stage.changes, changes);
    stage.now_ms += LOOKS_EVERY_MS;
    look(&stage); /* and the next one is as good as ever */
    ck_assert(maintenance_is_on(stage.maintenance) != was_there);
    ck_assert_int_eq(stage.changes, changes + 1);
    stage_release(&stage);
}
END_TEST

/* What was the answer, perhaps of another file; this one says otherwise. */
START_TEST(a_first_look_without_an_answer_leaves_the_answer_before_it_standing) {
    struct stage stage;
    bool was_on = _i == 1;
    for (int tries = 0;; tries++) {
        ck_assert_int_lt(tries, 50);
        stage_init_after(&stage, !was_on, was_on);
        bool is_disturbed =
            begin_disturbed_look(&stage, SIGKILL) && maintenance_is_on(stage.maintenance) == was_on;
        if (is_disturbed)
            break;
        ck_assert(rig_turn_until_childless(&stage.rig));
        stage_release(&stage);
    }
    ck_assert_int_eq(stage.changes, 0); /* nothing is known of this file yet */
    stage.now_ms += LOOKS_EVERY_MS;
    look(&stage);
    ck_assert(maintenance_is_on(stage.maintenance) != was_on);
    ck_assert_int_eq(stage.changes, 1);
    stage_release(&stage);
}
END_TEST

/* A path that leads in a circle: to root, too, it answers nothing. */
static void make_loop(const struct stage *stage) {
    unlink(stage->file);
    ck_assert_int_eq(symlink("maintenance", stage->file), 0);
}

START_TEST(a_path_that_cannot_be_followed_keeps_the_last_answer) {
    struct stage stage;
    bool was_there = _i == 1;
    stage_init(&stage, was_there);
    look(&stage);
    make_loop(&stage);
    for (int i = 0; i < 3; i++)
        look(&stage);
    ck_assert(maintenance_is_on(stage.maintenance) == was_there);
    ck_assert_int_eq(stage.changes, 1);
    ck_assert_int_eq(unlink(stage.file), 0);
    if (!was_there)
        tempdir_write(stage.file, "");
    look(&stage);
    ck_assert(maintenance_is_on(stage.maintenance) != was_there);
    ck_assert_int_eq(stage.changes, 2);
    stage_release(&stage);
}
END_TEST

/* From the start on, and where a reload names another file: whatever was said of the one before. */
START_TEST(a_first_look_that_is_refused_is_maintenance_until_there_is_an_answer) {
    struct stage stage;
    stage_init_after(&stage, false, _i == 1);
    make_loop(&stage);
    for (int i = 0; i < 3; i++)
        look(&stage);
    ck_assert(maintenance_is_on(stage.maintenance));
    ck_assert_int_eq(stage.changes, _i == 1 ? 0 : 1);
    ck_assert_int_eq(unlink(stage.file), 0);
    look(&stage);
    ck_assert(!maintenance_is_on(stage.maintenance));
    make_loop(&stage);
    look(&stage); /* now there is a last answer, and it stands */
    ck_assert(!maintenance_is_on(stage.maintenance));
    stage_release(&stage);
}
END_TEST

START_TEST(where_its_directory_is_gone_or_none_there_is_no_file) {
    struct stage stage;
    stage_init(&stage, true);
    look(&stage);
    ck_assert(maintenance_is_on(stage.maintenance));
    char *dir = strdup(stage.file);
    *strrchr(dir, '/') = '\0';
    ck_assert_int_eq(unlink(stage.file), 0);
    ck_assert_int_eq(rmdir(dir), 0);
    if (_i == 1)
        tempdir_write(dir, "no directory");
    look(&stage);
    ck_assert(!maintenance_is_on(stage.maintenance));
    free(dir);
    stage_release(&stage);
}
END_TEST

Suite *maintenance_suite(void) {
    Suite *suite = suite_create("maintenance");
    TCase *tcase = tcase_create("maintenance");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, it_tells_each_change_once);
    tcase_add_loop_test(tcase, a_first_look_without_an_answer_leaves_the_answer_before_it_standing, 0, 2);
    tcase_add_loop_test(tcase, a_path_that_cannot_be_followed_keeps_the_last_answer, 0, 2);
    tcase_add_loop_test(tcase, a_first_look_that_is_refused_is_maintenance_until_there_is_an_answer, 0, 2);
    tcase_add_loop_test(tcase, where_its_directory_is_gone_or_none_there_is_no_file, 0, 2);
    tcase_add_loop_test(
        tcase, a_look_without_an_answer_keeps_the_last_one, 0, sizeof DISTURBANCES / sizeof DISTURBANCES[0]);
    return suite;
}
