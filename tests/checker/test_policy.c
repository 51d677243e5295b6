/* Tests of policy and schedule, in virtual time: what findings become, and when the next look is due. */
#include "checker/policy.h"
#include "checker/schedule.h"
#include "checker/subject.h"

#include <check.h>

static const struct check_config CONFIG = {
    .kind = KIND_POSTGRES,
    .database.role = ROLE_MAIN,
    .is_critical = true,
    .interval_ms = 5000,
    .timeout_ms = 3000,
    .retry_interval_ms = 1000,
    .slow_ms = 1500,
    .database.backlog_error_ms = -1,
};

/* A check in virtual time. */
struct world {
    struct check_config config;
    struct check_memory memory;
    int64_t now_ms;
};

static struct world world_new(void) {
    struct world world = {.config = CONFIG, .now_ms = 1000000};
    memory_init(&world.memory, world.now_ms);
    return world;
}

static bool find_observed(
    struct world *world, enum reason reason, const struct observed *observed, int64_t latency_ms) {
    const struct finding finding = {.reason = reason, .observed = observed, .latency_ms = latency_ms};
    return judge(&world->config, &world->memory, &finding, world->now_ms, world->now_ms);
}

static bool find(struct world *world, enum reason reason) {
    const struct observed nothing = {0};
    return find_observed(world, reason, &nothing, 10);
}

static void expect(const struct world *world, enum status status, enum reason reason) {
    ck_assert_str_eq(status_name(world->memory.status), status_name(status));
    ck_assert_str_eq(reason_info(world->memory.reason)->slug, reason_info(reason)->slug);
}

START_TEST(a_check_is_starting_until_its_first_run_ends) {
    struct world world = world_new();
    expect(&world, STATUS_STARTING, REASON_STARTING);
    ck_assert(find(&world, REASON_OK));
    expect(&world, STATUS_OK, REASON_OK);
    ck_assert(!find(&world, REASON_OK));
}
END_TEST

START_TEST(every_reason_is_judged_as_its_row_says) {
    for (int i = 0; i < REASON_COUNT; i++) {
        enum reason reason = (enum reason)i;
        if (reason == REASON_LOCKED || reason == REASON_SLOW)
            continue; /* softened, or made by latency: tests of their own */
        struct world world = world_new();
        find(&world, reason);
        expect(&world, reason_info(reason)->verdict, reason);
    }
}
END_TEST

START_TEST(since_last_ok_and_failures_tell_the_story) {
    struct world world = world_new();
    find(&world, REASON_OK);
    int64_t ok_ms = world.now_ms;
    for (int i = 1; i <= 3; i++) {
        world.now_ms += 1000;
        find(&world, REASON_REFUSED);
        ck_assert_int_eq(world.memory.consecutive_failures, i);
    }
    ck_assert_int_eq(world.memory.last_ok_wall_ms, ok_ms);
    ck_assert_int_eq(world.memory.since_wall_ms, ok_ms + 1000);
    world.now_ms += 1000;
    find(&world, REASON_TIMEOUT); /* another reason: a new since */
    ck_assert_int_eq(world.memory.since_wall_ms, world.now_ms);
    find(&world, REASON_OK);
    ck_assert_int_eq(world.memory.consecutive_failures, 0);
}
END_TEST

START_TEST(a_slow_answer_is_degraded_and_a_slow_failure_stays_a_failure) {
    struct world world = world_new();
    const struct observed nothing = {0};
    find_observed(&world, REASON_OK, &nothing, 1500);
    expect(&world, STATUS_OK, REASON_OK);
    find_observed(&world, REASON_OK, &nothing, 1501);
    expect(&world, STATUS_DEGRADED, REASON_SLOW);
    find_observed(&world, REASON_DISK_LOW, &nothing, 2000);
    expect(&world, STATUS_DEGRADED, REASON_DISK_LOW);
    find_observed(&world, REASON_REFUSED, &nothing, 2000);
    expect(&world, STATUS_ERROR, REASON_REFUSED);
}
END_TEST

START_TEST(locked_is_degraded_for_two_intervals_then_an_error) {
    struct world world = world_new();
    find(&world, REASON_OK);
    world.now_ms += 5000;
    int64_t first_ms = world.now_ms;
    while (world.now_ms - first_ms < 10000) {
        find(&world, REASON_LOCKED);
        expect(&world, STATUS_DEGRADED, REASON_LOCKED);
        world.now_ms += 1000;
    }
    ck_assert(find(&world, REASON_LOCKED));
    expect(&world, STATUS_ERROR, REASON_LOCKED);
    find(&world, REASON_OK);
    world.now_ms += 5000;
    find(&world, REASON_LOCKED);
    expect(&world, STATUS_DEGRADED, REASON_LOCKED);
}
END_TEST

START_TEST(a_full_server_is_degraded_for_half_a_minute_after_a_good_run) {
    struct world world = world_new();
    find(&world, REASON_TOO_MANY_CLIENTS);
    expect(&world, STATUS_ERROR, REASON_TOO_MANY_CLIENTS); /* never was well */
    find(&world, REASON_OK);
    world.now_ms += 30000;
    find(&world, REASON_TOO_MANY_CLIENTS);
    expect(&world, STATUS_DEGRADED, REASON_TOO_MANY_CLIENTS);
    world.now_ms += 1;
    find(&world, REASON_TOO_MANY_CLIENTS);
    expect(&world, STATUS_ERROR, REASON_TOO_MANY_CLIENTS);
}
END_TEST

/* What history softens to degraded is ready, and so no failure. */
START_TEST(softened_outcomes_are_no_failures) {
    struct world world = world_new();
    find(&world, REASON_OK);
    for (int i = 0; i < 3; i++) {
        world.now_ms += 1000;
        find(&world, REASON_TOO_MANY_CLIENTS);
        expect(&world, STATUS_DEGRADED, REASON_TOO_MANY_CLIENTS);
        ck_assert_int_eq(world.memory.consecutive_failures, 0);
    }
    world.now_ms += POLICY_FULL_GRACE_MS;
    find(&world, REASON_TOO_MANY_CLIENTS); /* nor does a softened one prolong the grace */
    expect(&world, STATUS_ERROR, REASON_TOO_MANY_CLIENTS);
    ck_assert_int_eq(world.memory.consecutive_failures, 1);
    find(&world, REASON_LOCKED);
    expect(&world, STATUS_DEGRADED, REASON_LOCKED);
    ck_assert_int_eq(world.memory.consecutive_failures, 0);
}
END_TEST

START_TEST(questions_about_bugsink_are_mild_for_a_plain_database) {
    struct world world = world_new();
    world.config.database.role = ROLE_PLAIN;
    find(&world, REASON_EMPTY);
    expect(&world, STATUS_DEGRADED, REASON_EMPTY);
    find(&world, REASON_CORRUPT);
    expect(&world, STATUS_ERROR, REASON_CORRUPT);
}
END_TEST

static void find_backlog(struct world *world, int64_t age_s) {
    struct observed observed = {0};
    observed_set(&observed, OBSERVED_OLDEST_TASK_AGE_S, age_s);
    find_observed(world, REASON_BACKLOG, &observed, 10);
}

START_TEST(a_backlog_is_an_error_only_where_configured_and_only_without_progress) {
    struct world world = world_new();
    world.config.database.role = ROLE_QUEUE;
    for (int64_t age_s = 61; age_s < 1000; age_s += 5, world.now_ms += 5000)
        find_backlog(&world, age_s);
    expect(&world, STATUS_DEGRADED, REASON_BACKLOG); /* not configured */

    world = world_new();
    world.config.database.backlog_error_ms = 300000;
    for (int64_t age_s = 295; age_s <= 340; age_s += 5, world.now_ms += 5000)
        find_backlog(&world, age_s);
    expect(&world, STATUS_DEGRADED, REASON_BACKLOG); /* old enough, but not yet watched for a minute */
    for (int64_t age_s = 345; age_s <= 360; age_s += 5, world.now_ms += 5000)
        find_backlog(&world, age_s);
    expect(&world, STATUS_ERROR, REASON_BACKLOG);

    find_backlog(&world, 310); /* the oldest is gone: the worker works */
    expect(&world, STATUS_DEGRADED, REASON_BACKLOG);
}
END_TEST

/* Looks that do not see the queue, each other one. */
static const enum reason BLIND[] = {REASON_TIMEOUT, REASON_LOCKED, REASON_INTERNAL};

START_TEST(a_look_that_does_not_see_the_queue_is_no_sign_of_progress) {
    struct world world = world_new();
    world.config.database.role = ROLE_QUEUE;
    world.config.database.backlog_error_ms = 300000;
    int64_t age_s = 295;
    for (; age_s <= 365; age_s += 5, world.now_ms += 5000)
        if (age_s % 10 == 0)
            find(&world, BLIND[_i]);
        else
            find_backlog(&world, age_s);
    ck_assert_int_eq(world.memory.reason, REASON_BACKLOG);
    expect(&world, STATUS_ERROR, REASON_BACKLOG);

    find(&world, BLIND[_i]);
    world.now_ms += 60000;
    find_backlog(&world, age_s + 30); /* half as much older as time has passed: it moves */
    expect(&world, STATUS_DEGRADED, REASON_BACKLOG);
}
END_TEST

START_TEST(an_empty_queue_is_progress) {
    struct world world = world_new();
    world.config.database.role = ROLE_QUEUE;
    world.config.database.backlog_error_ms = 300000;
    find_backlog(&world, 400);
    world.now_ms += 40000;
    struct observed empty = {0};
    observed_set(&empty, OBSERVED_TASKS, 0);
    find_observed(&world, REASON_OK, &empty, 10);
    world.now_ms += 40000;
    find_backlog(&world, 480); /* as old as if nothing had moved, by a clock that was set */
    expect(&world, STATUS_DEGRADED, REASON_BACKLOG);
    world.now_ms += 40000;
    find_backlog(&world, 520);
    expect(&world, STATUS_DEGRADED, REASON_BACKLOG); /* not for a minute yet */
    world.now_ms += 40000;
    find_backlog(&world, 560);
    expect(&world, STATUS_ERROR, REASON_BACKLOG);
}
END_TEST

/* -- files and directories -- */

static bool find_identity(struct world *world, enum reason reason, uint64_t inode) {
    const struct observed nothing = {0};
    const struct finding finding = {
        .reason = reason, .observed = &nothing, .identity = {.device = 1, .inode = inode}};
    return judge(&world->config, &world->memory, &finding, world->now_ms, world->now_ms);
}

START_TEST(a_replaced_file_is_noted_once_and_is_well) {
    struct world world = world_new();
    world.config.kind = KIND_SQLITE;
    find_identity(&world, REASON_OK, 7);
    expect(&world, STATUS_OK, REASON_OK);
    ck_assert(find_identity(&world, REASON_OK, 8));
    expect(&world, STATUS_OK, REASON_REPLACED);
    ck_assert_int_eq(world.memory.consecutive_failures, 0);
    ck_assert_int_eq(world.memory.last_ok_wall_ms, world.now_ms);
    find_identity(&world, REASON_OK, 8);
    expect(&world, STATUS_OK, REASON_OK);
    /* gone, then back: the same file is the same, another is another */
    find_identity(&world, REASON_FILE_MISSING, 0);
    expect(&world, STATUS_ERROR, REASON_FILE_MISSING);
    find_identity(&world, REASON_OK, 8);
    expect(&world, STATUS_OK, REASON_OK);
    find_identity(&world, REASON_FILE_MISSING, 0);
    find_identity(&world, REASON_UNMIGRATED, 9);
    expect(&world, STATUS_ERROR, REASON_UNMIGRATED);
    find_identity(&world, REASON_OK, 9);
    expect(&world, STATUS_OK, REASON_REPLACED);
}
END_TEST

START_TEST(a_directory_that_vanished_is_degraded_and_one_never_seen_is_well) {
    struct world world = world_new();
    world.config.kind = KIND_DIRECTORY;
    world.config.directory.role = DIRECTORY_SPOOL;
    find_identity(&world, REASON_OK, 0); /* Bugsink has not made it yet */
    expect(&world, STATUS_OK, REASON_OK);
    find_identity(&world, REASON_OK, 7);
    expect(&world, STATUS_OK, REASON_OK);
    find_identity(&world, REASON_OK, 0);
    expect(&world, STATUS_DEGRADED, REASON_FILE_MISSING);
    find_identity(&world, REASON_DISK_LOW, 0);
    expect(&world, STATUS_DEGRADED, REASON_FILE_MISSING);
    find_identity(&world, REASON_FILE_MISSING, 0); /* and now it cannot be made either */
    expect(&world, STATUS_ERROR, REASON_FILE_MISSING);
    find_identity(&world, REASON_OK, 8);
    expect(&world, STATUS_OK, REASON_REPLACED);
}
END_TEST

START_TEST(what_is_mild_for_a_plain_database_is_not_for_a_directory_or_settings) {
    struct world world = world_new();
    world.config.database.role = ROLE_PLAIN;
    world.config.kind = KIND_DIRECTORY;
    find(&world, REASON_READ_ONLY_MOUNT);
    expect(&world, STATUS_ERROR, REASON_READ_ONLY_MOUNT);
    world.config.kind = KIND_SETTINGS;
    find(&world, REASON_EMPTY);
    expect(&world, STATUS_ERROR, REASON_EMPTY);
}
END_TEST

static void find_call(struct world *world, enum reason reason, int64_t age_s, int64_t oldest_task_s) {
    struct observed observed = {0};
    if (age_s >= 0)
        observed_set(&observed, OBSERVED_WAKEUP_AGE_S, age_s);
    const struct finding finding = {
        .reason = reason, .observed = &observed, .around = {.oldest_task_s = oldest_task_s}};
    judge(&world->config, &world->memory, &finding, world->now_ms, world->now_ms);
}

START_TEST(a_wakeup_call_is_stale_after_ten_seconds_and_only_while_a_task_waits_as_long) {
    struct world world = world_new();
    world.config.kind = KIND_DIRECTORY;
    find_call(&world, REASON_OK, -1, 60);
    expect(&world, STATUS_OK, REASON_OK);
    find_call(&world, REASON_OK, 10, 60);
    expect(&world, STATUS_OK, REASON_OK);
    find_call(&world, REASON_OK, 3600, 0);
    expect(&world, STATUS_OK, REASON_OK);
    find_call(&world, REASON_OK, 3600, 10); /* a call of long ago, and a task that has just come */
    expect(&world, STATUS_OK, REASON_OK);
    find_call(&world, REASON_OK, 11, 11);
    expect(&world, STATUS_DEGRADED, REASON_STALE_WAKEUP);
    find_call(&world, REASON_DISK_LOW, 11, 11);
    expect(&world, STATUS_DEGRADED, REASON_STALE_WAKEUP);
    find_call(&world, REASON_DISK_FULL, 11, 11);
    expect(&world, STATUS_ERROR, REASON_DISK_FULL);
    find_call(&world, REASON_OK, 0, 11);
    expect(&world, STATUS_OK, REASON_OK);
}
END_TEST

/* -- settings that change -- */

enum { NO_APP = -1 };

/* arrivals: how often Bugsink has arrived; 0: it is not up. */
static void find_settings(struct world *world, uint64_t content, int64_t arrivals) {
    const struct observed nothing = {0};
    const struct finding finding = {.reason = content == 0 ? REASON_FILE_MISSING : REASON_OK,
        .observed = &nothing,
        .latency_ms = 2000, /* the wait for a swap is no slowness */
        .identity = {.content = content},
        .around = {.has_app = arrivals != NO_APP, .is_app_up = arrivals > 0, .app_arrivals = arrivals}};
    judge(&world->config, &world->memory, &finding, world->now_ms, world->now_ms);
    world->now_ms += 5000;
}

static struct world settings_new(void) {
    struct world world = world_new();
    world.config.kind = KIND_SETTINGS;
    world.config.settings.format = SETTINGS_PYTHON;
    return world;
}

START_TEST(settings_that_change_after_our_own_first_look_are_degraded_where_nobody_asks_bugsink) {
    struct world world = settings_new();
    find_settings(&world, 0, NO_APP);
    expect(&world, STATUS_ERROR, REASON_FILE_MISSING);
    find_settings(&world, 7, NO_APP);
    find_settings(&world, 7, NO_APP);
    expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 8, NO_APP);
    expect(&world, STATUS_DEGRADED, REASON_CHANGED);
    find_settings(&world, 0, NO_APP);
    find_settings(&world, 8, NO_APP);
    expect(&world, STATUS_DEGRADED, REASON_CHANGED);
    find_settings(&world, 7, NO_APP); /* put back */
    expect(&world, STATUS_OK, REASON_OK);
}
END_TEST

START_TEST(settings_may_change_until_bugsink_answers_first) {
    struct world world = settings_new();
    find_settings(&world, 7, 0);
    find_settings(&world, 8, 0);
    expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 9, 1); /* edited, and then started, since the last look: Bugsink has read 9 */
    expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 8, 1);
    expect(&world, STATUS_DEGRADED, REASON_CHANGED);
    world = settings_new();
    find_settings(&world, 7, 1); /* answered before our first look */
    expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 8, 1);
    expect(&world, STATUS_DEGRADED, REASON_CHANGED);
}
END_TEST

START_TEST(a_restart_of_bugsink_makes_changed_settings_the_ones_it_has_read) {
    struct world world = settings_new();
    find_settings(&world, 7, 1);
    find_settings(&world, 8, 1);
    expect(&world, STATUS_DEGRADED, REASON_CHANGED);
    find_settings(&world, 8, 0); /* it is down */
    expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 8, 2);
    expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 9, 2);
    expect(&world, STATUS_DEGRADED, REASON_CHANGED);
    find_settings(&world, 9, 3); /* so short a restart that no look fell into it */
    expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 9, 0);  /* down, */
    find_settings(&world, 10, 4); /* edited and started between two looks */
    expect(&world, STATUS_OK, REASON_OK);
    find_settings(&world, 11, 5); /* edited and restarted between two looks */
    expect(&world, STATUS_OK, REASON_OK);
}
END_TEST

/* -- schedule -- */

static int64_t delay(const struct world *world, int64_t duration_ms, uint32_t random) {
    return schedule_delay_ms(&world->config, &world->memory, duration_ms, random);
}

/* -- settings that are just being replaced -- */

static const enum reason PASSING[] = {REASON_FILE_MISSING, REASON_NOT_A_FILE, REASON_PERMISSION, REASON_EMPTY,
    REASON_ENCODING, REASON_PARSE_ERROR, REASON_MISSING_SETTING, REASON_INVALID_SETTING};

static bool find_after(struct world *world, enum reason reason, int64_t latency_ms) {
    const struct observed nothing = {0};
    world->now_ms += latency_ms;
    return find_observed(world, reason, &nothing, latency_ms);
}

START_TEST(a_swap_of_the_settings_leaves_the_last_good_result_standing) {
    struct world world = settings_new();
    world.config.timeout_ms = 300;
    for (int swap = 0; swap < 3; swap++) {
        find_after(&world, REASON_OK, 10);
        struct check_memory good = world.memory;
        int64_t begin_ms = world.now_ms;
        while (world.now_ms + 200 < begin_ms + 2000) {
            ck_assert(!find_after(&world, PASSING[_i], 200));
            expect(&world, STATUS_OK, REASON_OK);
            ck_assert_int_eq(world.memory.checked_wall_ms, good.checked_wall_ms);
            ck_assert_int_eq(world.memory.consecutive_failures, 0);
            int64_t delay_ms = delay(&world, 200, 77);
            ck_assert_int_le(delay_ms, world.config.retry_interval_ms);
            world.now_ms += delay_ms;
        }
    }
}
END_TEST

START_TEST(settings_that_look_wrong_for_two_seconds_are) {
    struct world world = settings_new();
    world.config.timeout_ms = 300;
    world.config.retry_interval_ms = 5000; /* does not put it off */
    find_after(&world, REASON_OK, 10);
    int64_t begin_ms = world.now_ms;
    find_after(&world, PASSING[_i], 200);
    expect(&world, STATUS_OK, REASON_OK);
    ck_assert_int_eq(delay(&world, 200, 77), 1800);
    world.now_ms += 1800;
    find_after(&world, PASSING[_i], 200);
    expect(&world, STATUS_ERROR, PASSING[_i]);
    ck_assert_int_le(world.now_ms - begin_ms, 2200);
    find_after(&world, REASON_OK, 10);
    expect(&world, STATUS_OK, REASON_OK);
    find_after(&world, PASSING[_i], 2000); /* a look that has waited long enough itself */
    expect(&world, STATUS_ERROR, PASSING[_i]);
}
END_TEST

START_TEST(what_no_swap_makes_shows_at_once) {
    static const enum reason LASTING[] = {REASON_TIMEOUT, REASON_IO_ERROR, REASON_TOO_LARGE, REASON_STUCK};
    for (size_t i = 0; i < sizeof LASTING / sizeof LASTING[0]; i++) {
        struct world world = settings_new();
        find_after(&world, REASON_OK, 10);
        find_after(&world, LASTING[i], 10);
        expect(&world, STATUS_ERROR, LASTING[i]);
    }
    struct world world = settings_new();
    find_after(&world, REASON_FILE_MISSING, 10); /* nothing good is known yet */
    expect(&world, STATUS_ERROR, REASON_FILE_MISSING);
    find_after(&world, REASON_OK, 10);
    world.config.settings.format = SETTINGS_ENVIRONMENT; /* no file */
    find_after(&world, REASON_MISSING_SETTING, 10);
    expect(&world, STATUS_ERROR, REASON_MISSING_SETTING);
    world = world_new();
    world.config.kind = KIND_SQLITE;
    find_after(&world, REASON_OK, 10);
    find_after(&world, REASON_FILE_MISSING, 10);
    expect(&world, STATUS_ERROR, REASON_FILE_MISSING);
}
END_TEST

START_TEST(while_well_runs_start_one_interval_apart_less_a_jitter) {
    struct world world = world_new();
    find(&world, REASON_OK);
    find(&world, REASON_OK);
    ck_assert_int_eq(delay(&world, 20, 0), 4980);
    for (uint32_t random = 0; random < 5000; random++) {
        ck_assert_int_le(delay(&world, 0, random), 5000);
        ck_assert_int_gt(delay(&world, 0, random), 4500);
    }
    ck_assert_int_ne(delay(&world, 0, 1), delay(&world, 0, 1000));
    ck_assert_int_eq(delay(&world, 9999, 0), 0);
}
END_TEST

START_TEST(the_first_pause_when_it_is_well_may_be_a_quarter_of_the_interval) {
    struct world world = world_new();
    find(&world, REASON_OK);
    ck_assert_int_eq(delay(&world, 0, 0), 5000);
    ck_assert_int_lt(delay(&world, 0, 1023), 1300);
    ck_assert_int_ge(delay(&world, 0, 1023), 1250);
    find(&world, REASON_OK);
    ck_assert_int_gt(delay(&world, 0, 1023), 4500);
    find(&world, REASON_REFUSED);
    find(&world, REASON_OK);
    ck_assert_int_lt(delay(&world, 0, 1023), 1300);
}
END_TEST

START_TEST(settings_are_looked_at_so_early_that_a_fault_shows_within_the_interval) {
    struct world world = world_new();
    world.config.kind = KIND_SETTINGS;
    world.config.settings.format = SETTINGS_PYTHON;
    find(&world, REASON_OK);
    ck_assert_int_eq(check_config_patience_ms(&world.config), 2000);
    ck_assert_int_eq(delay(&world, 0, 0), 3000);
    world.config.timeout_ms = 500; /* what a look does not wait itself, policy does */
    ck_assert_int_eq(delay(&world, 0, 0), 3000);
    world.config.settings.format = SETTINGS_ENVIRONMENT;
    ck_assert_int_eq(delay(&world, 0, 0), 5000);
}
END_TEST

START_TEST(few_checks_begin_at_once_and_many_apart) {
    static const size_t counts[] = {1, 16, 17, 500, 4000};
    struct world world = world_new();
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        int64_t last_ms = 0;
        for (size_t index = 0; index < counts[i]; index++) {
            int64_t first_ms = schedule_first_ms(&world.config, index, counts[i]);
            ck_assert_int_ge(first_ms, last_ms);
            ck_assert_int_le(first_ms - last_ms, 8);
            ck_assert_int_lt(first_ms, world.config.interval_ms);
            last_ms = first_ms;
        }
        ck_assert_int_eq(last_ms > 0, counts[i] > 17);
    }
    ck_assert_int_gt(schedule_first_ms(&world.config, 499, 500), 3000);
}
END_TEST

START_TEST(while_failing_the_next_look_is_one_retry_interval_away_and_up_to_two_fifths_more) {
    struct world world = world_new();
    find(&world, REASON_REFUSED);
    ck_assert_int_eq(delay(&world, 3000, 0), 1000);
    for (uint32_t random = 0; random < 5000; random++) {
        ck_assert_int_ge(delay(&world, 3000, random), 1000);
        ck_assert_int_lt(delay(&world, 3000, random), 1400);
    }
    ck_assert_int_gt(delay(&world, 3000, 1023), 1390);
    find(&world, REASON_DISK_LOW); /* no outage: no hurry */
    ck_assert_int_gt(delay(&world, 0, 0), 4000);
}
END_TEST

static void find_in_phase(struct world *world, enum reason reason, enum phase phase) {
    const struct observed nothing = {0};
    const struct finding finding = {
        .reason = reason, .phase = phase, .observed = &nothing, .latency_ms = world->config.timeout_ms};
    judge(&world->config, &world->memory, &finding, world->now_ms, world->now_ms);
}

START_TEST(where_packets_are_lost_the_retry_interval_counts_from_start_to_start) {
    struct world world = world_new();
    find_in_phase(&world, REASON_TIMEOUT, PHASE_CONNECT);
    ck_assert_int_eq(delay(&world, 2850, 77), 0);
    ck_assert_int_eq(delay(&world, 400, 77), 600);
    find_in_phase(
        &world, REASON_TIMEOUT, PHASE_AUTH); /* it has reached the server, which may need the pause */
    ck_assert_int_eq(delay(&world, 2850, 0), 1000);
}
END_TEST

START_TEST(refusals_slow_the_looking_down_to_half_a_minute) {
    struct world world = world_new();
    const int64_t expected[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        find(&world, REASON_AUTH_FAILED);
        ck_assert_int_eq(delay(&world, 10, 5), expected[i]);
    }
    find(&world, REASON_OK);
    find(&world, REASON_AUTH_FAILED);
    ck_assert_int_eq(delay(&world, 10, 5), 1000);
    world.config.interval_ms = 60000;
    for (int i = 0; i < 10; i++)
        find(&world, REASON_AUTH_FAILED);
    ck_assert_int_eq(delay(&world, 10, 5), 60000);
}
END_TEST

/* -- MySQL: where looking brings a lock-out nearer -- */

static struct world mysql_world(void) {
    struct world world = world_new();
    world.config.kind = KIND_MYSQL;
    return world;
}

static const struct {
    enum reason reason;
    enum phase phase;
    enum check_kind_id kind;
    enum retry retry;
} HANDSHAKES[] = {
    {REASON_TIMEOUT, PHASE_AUTH, KIND_MYSQL, RETRY_SLOWER},
    {REASON_TIMEOUT, PHASE_TLS, KIND_MYSQL, RETRY_SLOWER},
    {REASON_RESET, PHASE_AUTH, KIND_MYSQL, RETRY_SLOWER},
    {REASON_PROTOCOL, PHASE_AUTH, KIND_MYSQL, RETRY_SLOWER},
    {REASON_TLS, PHASE_TLS, KIND_MYSQL, RETRY_SLOWER},
    {REASON_CRASHED, PHASE_AUTH, KIND_MYSQL, RETRY_SLOWER},
    {REASON_AUTH_UNSUPPORTED, PHASE_AUTH, KIND_MYSQL, RETRY_SLOWER},
    {REASON_INTERNAL, PHASE_AUTH, KIND_MYSQL, RETRY_SLOWER},
    {REASON_QUERY_FAILED, PHASE_AUTH, KIND_MYSQL, RETRY_SLOWER},
    {REASON_HOST_BLOCKED, PHASE_AUTH, KIND_MYSQL, RETRY_PAUSE},
    {REASON_AUTH_FAILED, PHASE_AUTH, KIND_MYSQL, RETRY_SLOW}, /* the server's own refusals do not count */
    {REASON_HOST_DENIED, PHASE_AUTH, KIND_MYSQL, RETRY_SLOW},
    {REASON_TOO_MANY_CLIENTS, PHASE_AUTH, KIND_MYSQL, RETRY_FAST},
    {REASON_TIMEOUT, PHASE_RESOLVE, KIND_MYSQL, RETRY_FAST}, /* and what never reached it neither */
    {REASON_TIMEOUT, PHASE_CONNECT, KIND_MYSQL, RETRY_FAST},
    {REASON_REFUSED, PHASE_CONNECT, KIND_MYSQL, RETRY_FAST},
    {REASON_TLS, PHASE_OPEN, KIND_MYSQL, RETRY_FAST},
    {REASON_TIMEOUT, PHASE_QUERY, KIND_MYSQL, RETRY_FAST}, /* nor what comes after the login */
    {REASON_RESET, PHASE_QUERY, KIND_MYSQL, RETRY_FAST},
    {REASON_TIMEOUT, PHASE_AUTH, KIND_POSTGRES, RETRY_FAST}, /* and PostgreSQL does not count at all */
    {REASON_TLS, PHASE_TLS, KIND_POSTGRES, RETRY_FAST},
};

START_TEST(only_broken_handshakes_with_mysql_slow_the_looking_down_to_minutes) {
    struct world world = mysql_world();
    world.config.kind = HANDSHAKES[_i].kind;
    find_in_phase(&world, HANDSHAKES[_i].reason, HANDSHAKES[_i].phase);
    ck_assert_int_eq(world.memory.retry, HANDSHAKES[_i].retry);
}
END_TEST

START_TEST(hung_handshakes_slow_the_looking_down_to_half_an_hour_and_broken_ones_to_ten_minutes) {
    static const int64_t HUNG[] = {10000, 300000, 1500000, 1800000, 1800000, 1800000},
                         BROKEN[] = {10000, 60000, 300000, 600000, 600000, 600000};
    for (int is_hung = 0; is_hung < 2; is_hung++) {
        struct world world = mysql_world();
        for (size_t i = 0; i < sizeof HUNG / sizeof HUNG[0]; i++) {
            find_in_phase(&world, is_hung ? REASON_TIMEOUT : REASON_RESET, PHASE_AUTH);
            ck_assert_int_eq(delay(&world, 10, 5), is_hung ? HUNG[i] : BROKEN[i]);
        }
    }
    struct world world = mysql_world();
    for (int i = 0; i < 3; i++) /* both count, and the last one says how long the pause is */
        find_in_phase(&world, i < 2 ? REASON_RESET : REASON_TIMEOUT, PHASE_AUTH);
    ck_assert_int_eq(delay(&world, 10, 5), HUNG[2]);
    find_in_phase(&world, REASON_OK, PHASE_NONE);
    find_in_phase(&world, REASON_TIMEOUT, PHASE_AUTH);
    ck_assert_int_eq(delay(&world, 10, 5), 10000);
    world.config.retry_interval_ms = 60000; /* the pauses are never shorter than asked for */
    ck_assert_int_eq(delay(&world, 10, 5), 60000);
}
END_TEST

/* What may come between two broken handshakes, and whether the server has forgotten the first one then: it
 * has after a complete login, whatever came of that. */
static const struct {
    enum reason reason;
    enum phase phase;
    bool has_forgotten;
} BETWEEN[] = {
    {REASON_OK, PHASE_NONE, true},
    {REASON_TIMEOUT, PHASE_QUERY, true},
    {REASON_READ_ONLY, PHASE_QUERY, true},
    {REASON_INGESTION_PAUSED, PHASE_QUERY, true},
    {REASON_TIMEOUT, PHASE_CONNECT, false},
    {REASON_REFUSED, PHASE_CONNECT, false},
    {REASON_AUTH_FAILED, PHASE_AUTH, false},
    {REASON_TOO_MANY_CLIENTS, PHASE_AUTH, false},
    {REASON_HOST_BLOCKED, PHASE_AUTH, false},
    {REASON_INTERNAL, PHASE_NONE, false},
};

START_TEST(only_a_complete_login_makes_the_server_forget_broken_ones) {
    struct world world = mysql_world();
    for (int i = 0; i < 3; i++)
        find_in_phase(&world, REASON_TIMEOUT, PHASE_AUTH);
    find_in_phase(&world, BETWEEN[_i].reason, BETWEEN[_i].phase);
    find_in_phase(&world, REASON_TIMEOUT, PHASE_AUTH);
    ck_assert_int_eq(delay(&world, 10, 5), BETWEEN[_i].has_forgotten ? 10000 : 1800000);
}
END_TEST

START_TEST(a_blocked_host_is_left_alone_for_five_minutes_at_once) {
    struct world world = mysql_world();
    find_in_phase(&world, REASON_HOST_BLOCKED, PHASE_AUTH);
    ck_assert_int_eq(delay(&world, 10, 5), 300000);
    world.config.interval_ms = 600000;
    ck_assert_int_eq(delay(&world, 10, 5), 600000);
}
END_TEST

/* A server that accepts and never answers, at the standard settings: each look is one handshake that the
 * server will count when it wakes. No hour, wherever it begins, may hold five of them. */
START_TEST(a_server_that_hangs_is_looked_at_less_than_five_times_in_an_hour) {
    enum { DAY_MS = 24 * 3600 * 1000, HOUR_MS = 3600 * 1000, MANY = 100 };
    struct world world = mysql_world();
    int64_t times_ms[MANY], begin_ms = world.now_ms;
    int attempts = 0, in_first_hour = 0;
    for (; world.now_ms < begin_ms + DAY_MS; attempts++) {
        ck_assert_int_lt(attempts, MANY);
        times_ms[attempts] = world.now_ms;
        in_first_hour += world.now_ms < begin_ms + HOUR_MS;
        if (attempts >= 4)
            ck_assert_int_ge(world.now_ms - times_ms[attempts - 4], HOUR_MS);
        world.now_ms += world.config.timeout_ms;
        find_in_phase(&world, REASON_TIMEOUT, PHASE_AUTH);
        world.now_ms += delay(&world, world.config.timeout_ms, 0);
    }
    ck_assert_int_eq(in_first_hour, 4);
    ck_assert_int_eq(attempts, 50); /* in a day: half of the standard max_connect_errors */
}
END_TEST

Suite *policy_suite(void) {
    Suite *suite = suite_create("policy");
    TCase *tcase = tcase_create("policy");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_check_is_starting_until_its_first_run_ends);
    tcase_add_test(tcase, every_reason_is_judged_as_its_row_says);
    tcase_add_test(tcase, since_last_ok_and_failures_tell_the_story);
    tcase_add_test(tcase, a_slow_answer_is_degraded_and_a_slow_failure_stays_a_failure);
    tcase_add_test(tcase, locked_is_degraded_for_two_intervals_then_an_error);
    tcase_add_test(tcase, a_full_server_is_degraded_for_half_a_minute_after_a_good_run);
    tcase_add_test(tcase, questions_about_bugsink_are_mild_for_a_plain_database);
    tcase_add_test(tcase, a_backlog_is_an_error_only_where_configured_and_only_without_progress);
    tcase_add_test(tcase, a_replaced_file_is_noted_once_and_is_well);
    tcase_add_test(tcase, a_directory_that_vanished_is_degraded_and_one_never_seen_is_well);
    tcase_add_test(tcase, what_is_mild_for_a_plain_database_is_not_for_a_directory_or_settings);
    tcase_add_test(tcase, a_wakeup_call_is_stale_after_ten_seconds_and_only_while_a_task_waits_as_long);
    tcase_add_test(
        tcase, settings_that_change_after_our_own_first_look_are_degraded_where_nobody_asks_bugsink);
    tcase_add_test(tcase, settings_may_change_until_bugsink_answers_first);
    tcase_add_test(tcase, a_restart_of_bugsink_makes_changed_settings_the_ones_it_has_read);
    tcase_add_test(tcase, while_well_runs_start_one_interval_apart_less_a_jitter);
    tcase_add_test(tcase, settings_are_looked_at_so_early_that_a_fault_shows_within_the_interval);
    tcase_add_test(tcase, few_checks_begin_at_once_and_many_apart);
    tcase_add_test(tcase, the_first_pause_when_it_is_well_may_be_a_quarter_of_the_interval);
    tcase_add_test(tcase, while_failing_the_next_look_is_one_retry_interval_away_and_up_to_two_fifths_more);
    tcase_add_test(tcase, where_packets_are_lost_the_retry_interval_counts_from_start_to_start);
    tcase_add_test(tcase, refusals_slow_the_looking_down_to_half_a_minute);
    tcase_add_loop_test(tcase, only_broken_handshakes_with_mysql_slow_the_looking_down_to_minutes, 0,
        sizeof HANDSHAKES / sizeof HANDSHAKES[0]);
    tcase_add_test(
        tcase, hung_handshakes_slow_the_looking_down_to_half_an_hour_and_broken_ones_to_ten_minutes);
    tcase_add_test(tcase, a_blocked_host_is_left_alone_for_five_minutes_at_once);
    tcase_add_test(tcase, a_server_that_hangs_is_looked_at_less_than_five_times_in_an_hour);
    tcase_add_loop_test(tcase, only_a_complete_login_makes_the_server_forget_broken_ones, 0,
        sizeof BETWEEN / sizeof BETWEEN[0]);
    tcase_add_test(tcase, softened_outcomes_are_no_failures);
    tcase_add_loop_test(
        tcase, a_look_that_does_not_see_the_queue_is_no_sign_of_progress, 0, sizeof BLIND / sizeof BLIND[0]);
    tcase_add_test(tcase, an_empty_queue_is_progress);
    tcase_add_loop_test(tcase, a_swap_of_the_settings_leaves_the_last_good_result_standing, 0,
        sizeof PASSING / sizeof PASSING[0]);
    tcase_add_loop_test(
        tcase, settings_that_look_wrong_for_two_seconds_are, 0, sizeof PASSING / sizeof PASSING[0]);
    tcase_add_test(tcase, what_no_swap_makes_shows_at_once);
    return suite;
}
