/* Tests of the first reading of a new configuration: readings that do not end in time are begun anew when
 * they have ended, for nobody may be there to ask once more; but not without end. Time is the test's own. */
#include "checker/reload.h"

#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 5000, KILLED_AFTER_MS = 1000 };

struct stage {
    struct loop loop;
    struct clock clock;
    int64_t now_ms;
    char *file, entry[512];
    const char *environment[2];
    struct config_source source;
    struct reload reload;
    int begun, ready, failed;
    char why[256];
};

static int64_t read_clock(void *arg) {
    return *(const int64_t *)arg;
}

static void on_begun(void *arg) {
    struct stage *stage = arg;
    stage->begun++;
}

static void on_ready(void *arg) {
    struct stage *stage = arg;
    stage->ready++;
}

static void on_failed(void *arg, const char *why) {
    struct stage *stage = arg;
    stage->failed++;
    snprintf(stage->why, sizeof stage->why, "%s", why);
}

static void stage_init(struct stage *stage) {
    struct error err;
    *stage = (struct stage){.now_ms = 1000000};
    stage->clock = (struct clock){read_clock, read_clock, &stage->now_ms};
    char *dir = tempdir_new();
    stage->file = tempdir_path(dir, "config.json");
    free(dir);
    tempdir_write(stage->file, "{\"interval\": \"2s\"}");
    snprintf(stage->entry, sizeof stage->entry, "BUGSINK_HEALTH_CONFIG=%s", stage->file);
    stage->environment[0] = stage->entry;
    stage->source.environment = stage->environment;
    ck_assert_int_eq(loop_init(&stage->loop, NULL, &err), 0);
    stage->loop.timers.clock = &stage->clock;
    reload_init(&stage->reload, &stage->loop, &stage->source, on_begun, on_ready, on_failed, stage);
}

static void stage_release(struct stage *stage) {
    reload_release(&stage->reload);
    loop_release(&stage->loop);
    free(stage->file);
}

static void turn(struct stage *stage) {
    const struct timeval tv = {.tv_usec = 5000};
    event_add(stage->loop.tick, &tv);
    event_base_loop(stage->loop.base, EVLOOP_ONCE);
    timers_run(&stage->loop.timers);
}

/* Waits until so many readings have begun, and none of them is left. */
static void await(struct stage *stage, const int *count, int wanted, bool is_over) {
    struct deadline deadline = deadline_in(PATIENCE_MS);
    for (; *count < wanted || (is_over && stage->reload.child); turn(stage))
        ck_assert_msg(!deadline_is_over(&deadline), "%d begun, %d ready, %d failed", stage->begun,
            stage->ready, stage->failed);
    ck_assert_int_eq(*count, wanted);
}

/* The reading under way takes too long: it is stopped before it can answer, and in the end killed. Returns
 * false where it was faster. */
static bool be_late(struct stage *stage) {
    if (!stage->reload.child)
        return false;
    pid_t pid = child_pid(stage->reload.child);
    kill(pid, SIGSTOP);
    for (int i = 0; i < 5; i++) /* an answer that was given comes through */
        turn(stage);
    if (stage->ready > 0) {
        kill(pid, SIGCONT);
        return false;
    }
    stage->now_ms += RELOAD_TIMEOUT_MS;
    timers_run(&stage->loop.timers);
    stage->now_ms += KILLED_AFTER_MS;
    return true;
}

/* Begins one that is late so often. Those that were faster than our signal are tried again. */
static void begin_late(struct stage *stage, int times) {
    for (int tries = 0; tries < 50; tries++) {
        bool is_late = true;
        stage_init(stage);
        reload_begin(&stage->reload);
        for (int i = 1; is_late && i <= times; i++) {
            is_late = be_late(stage);
            if (is_late && i < RELOAD_TRIES)
                await(stage, &stage->begun, i + 1, false);
        }
        if (is_late)
            return;
        stage_release(stage);
    }
    ck_abort_msg("each reading was faster than our signal");
}

START_TEST(what_can_be_read_is_ready_once) {
    struct stage stage;
    stage_init(&stage);
    reload_begin(&stage.reload);
    await(&stage, &stage.ready, 1, true);
    ck_assert(stage.begun == 1 && stage.failed == 0);
    tempdir_write(stage.file, "{");
    reload_begin(&stage.reload);
    await(&stage, &stage.failed, 1, true); /* what is wrong is not read again */
    ck_assert(stage.begun == 2 && stage.ready == 1);
    ck_assert_ptr_nonnull(strstr(stage.why, "config.json"));
    stage_release(&stage);
}
END_TEST

START_TEST(a_reading_that_was_late_is_followed_by_another_without_being_asked) {
    struct stage stage;
    begin_late(&stage, _i);
    ck_assert_int_eq(stage.failed, _i);
    ck_assert_ptr_nonnull(strstr(stage.why, "within 5 s"));
    await(&stage, &stage.ready, 1, true);
    ck_assert_int_eq(stage.begun, _i + 1);
    stage_release(&stage);
}
END_TEST

/* By the kernel, say, for want of memory: that says nothing of the configuration. */
START_TEST(a_reading_that_was_killed_is_followed_by_another) {
    struct stage stage;
    for (int tries = 0;; tries++) {
        ck_assert_msg(tries < 50, "each reading was faster than our signal");
        stage_init(&stage);
        reload_begin(&stage.reload);
        kill(child_pid(stage.reload.child), SIGKILL);
        await(&stage, &stage.ready, 1, true);
        if (stage.failed == 1)
            break;
        stage_release(&stage);
    }
    ck_assert_int_eq(stage.begun, 2);
    ck_assert_ptr_nonnull(strstr(stage.why, "died"));
    stage_release(&stage);
}
END_TEST

START_TEST(it_is_not_followed_without_end_until_somebody_asks) {
    struct stage stage;
    begin_late(&stage, RELOAD_TRIES);
    await(&stage, &stage.failed, RELOAD_TRIES, true);
    for (int i = 0; i < 20; i++)
        turn(&stage);
    ck_assert(stage.begun == RELOAD_TRIES && stage.ready == 0);
    reload_begin(&stage.reload);
    await(&stage, &stage.ready, 1, true);
    stage_release(&stage);
}
END_TEST

Suite *reload_suite(void) {
    Suite *suite = suite_create("reload");
    TCase *tcase = tcase_create("reload");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, what_can_be_read_is_ready_once);
    tcase_add_loop_test(
        tcase, a_reading_that_was_late_is_followed_by_another_without_being_asked, 1, RELOAD_TRIES);
    tcase_add_test(tcase, a_reading_that_was_killed_is_followed_by_another);
    tcase_add_test(tcase, it_is_not_followed_without_end_until_somebody_asks);
    return suite;
}
