/* End to end: everything at once. While probes come as the kubelet sends them, and floods, slow clients,
 * garbage and resets besides, databases are killed, stalled, locked, removed and filled, settings broken and
 * swapped, a disk filled, a volume hung, Bugsink stopped and cut off from its database, the configuration
 * reloaded in storms, children killed, the checker stopped and the processor limited; in an order that a seed
 * decides, each target on its own, so that faults overlap. A model (endurance_model.c) says all along what
 * must be true. At the end all must be as at the beginning.
 *
 * `make endurance` runs it for $BH_ENDURANCE_SECONDS, with $BH_ENDURANCE_SEED or a new seed, which is
 * printed; without the first it takes a minute, with the same seed each time. The report is endurance.md
 * beside the program. */
#include "e2e/endurance_app.h"
#include "e2e/endurance_director.h"
#include "harness/proc.h"
#include "harness/skip.h"
#include "harness/wait.h"
#include "responder/request.h"
#include "responder/server.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SECONDS = 60,
    SANITIZED_SECONDS = 30,
    TICK_MS = 50,
    LOOK_MS = 1000,
    FINISH_MS = 60000, /* for all to be well at the end: the longest recovery is 30 s */
    GIVE_UP_MS = 40000,
    IDLE_MS = 3000,
    LONG_S = 300, /* by when all that is warmed up by use is warm */
    GROWTH_MAX_KIB = 512,
    LONG_GROWTH_MAX_KIB = 256,
};

/* -- the courses -- */

/* All of them have their turn within a minute. */
static bool has_many_faults(enum target_id target) {
    return target == TARGET_POSTGRES || target == TARGET_MARIADB || target == TARGET_APP;
}

/* Milliseconds from the end of one fault (or the beginning of all) to the next of this target. */
static int64_t calm_ms(enum target_id target, struct dice *dice) {
    if (target == TARGET_SIDECAR)
        return 9000 + dice_roll(dice, 12000);
    if (target == TARGET_CHILD)
        return 3000 + dice_roll(dice, 6000);
    return 300 + dice_roll(dice, target == TARGET_CONFIG ? 5000 : has_many_faults(target) ? 1000 : 2500);
}

/* A login that hangs is followed by a pause of 10 s, and a second one by 5 minutes where its worker is ended
 * (docs/mysql.md): nobody could wait for that here. */
static bool may_hang_again(const struct director *director, int64_t now_ms) {
    enum { SECOND_MS = 8000 };
    const struct standing *mariadb = &director->model.standings[TARGET_MARIADB];
    const struct fault *fault = mariadb->fault || mariadb->is_settled ? mariadb->fault : mariadb->last;
    return fault && fault->recovery == RECOVERS_WAITING && now_ms - mariadb->began_ms > SECOND_MS;
}

/* Whether it may begin now: a fault whose traces another one would wipe out waits. */
static bool is_time_for(const struct director *director, enum target_id target, int64_t now_ms) {
    enum { RELOADED_MS = 3000 };
    if (target != TARGET_CHILD)
        return director->model.standings[target].is_settled || target == TARGET_SIDECAR;
    /* Nobody would read the configuration again for the child that was to do it. */
    return !director->scene.is_checker_stopped && director->courses[TARGET_CONFIG].fault == NULL &&
           !may_hang_again(director, now_ms) && now_ms - director->scene.reloaded_at_ms > RELOADED_MS;
}

/* One of those that were made least often so far. */
static const struct fault *choose(const struct director *director, enum target_id target, struct dice *dice) {
    const struct fault *possible[16];
    int count = 0;
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        int64_t begun = director->model.counts[i].begun;
        if (FAULTS[i].target != target || begun > least || !fault_is_possible(&FAULTS[i], &director->scene))
            continue;
        if (begun < least)
            count = 0;
        least = begun;
        ck_assert_int_lt(count, 16);
        possible[count++] = &FAULTS[i];
    }
    return count > 0 ? possible[dice_roll(dice, count)] : NULL;
}

/* How long it lasts at least. */
static int64_t lasting_ms(const struct fault *fault, bool is_brief, int part) {
    if (fault->target == TARGET_SIDECAR)
        return model_show_bound_ms(fault) * (500 + part) / 1000; /* up to 1.5 leases */
    if (fault->effect == EFFECT_NONE || fault->effect == EFFECT_PASSES)
        return 2 * part;
    if (is_brief)
        return model_show_bound_ms(fault) * part / 1000;
    return (has_many_faults(fault->target) ? 2 : 3) * part; /* and not before it has shown */
}

static void begin_fault(struct director *director, enum target_id target) {
    struct course *course = &director->courses[target];
    const struct fault *fault = course->next ? course->next : choose(director, target, &course->dice);
    bool is_brief = dice_roll(&course->dice, 4) == 0 && !course->next; /* it may end before it shows */
    int part = dice_roll(&course->dice, 1000);
    if (!fault) {
        course->next_ms = INT64_MAX;
        return;
    }
    fault->begin(&director->scene);
    course->fault = fault;
    course->will_show = !is_brief && fault->effect != EFFECT_NONE && fault->effect != EFFECT_PASSES;
    model_begin(&director->model, fault, course->will_show);
    course->next_ms = wait_now_ms() + lasting_ms(fault, is_brief, part);
}

static void end_fault(struct director *director, enum target_id target) {
    struct course *course = &director->courses[target];
    const struct fault *fault = course->fault;
    fault->end(&director->scene);
    model_end(&director->model, target);
    course->fault = NULL;
    course->next = fault_after(fault);
    if (course->next)
        begin_fault(director, target);
    else
        course->next_ms = wait_now_ms() + calm_ms(target, &course->dice);
}

static void follow(struct director *director, enum target_id target) {
    struct course *course = &director->courses[target];
    const struct standing *standing = &director->model.standings[target];
    int64_t now_ms = wait_now_ms();
    if (!course->fault) {
        if (!director->is_finishing && now_ms >= course->next_ms && is_time_for(director, target, now_ms))
            begin_fault(director, target);
        return;
    }
    if (course->fault->during)
        course->fault->during(&director->scene);
    bool has_shown = standing->is_settled && (target != TARGET_APP || standing->is_live_settled);
    bool has_done = !course->will_show || has_shown || now_ms - standing->began_ms > GIVE_UP_MS;
    if (now_ms >= course->next_ms && has_done)
        end_fault(director, target);
}

/* -- the turns -- */

static int part_of(const struct director *director) {
    int64_t passed_ms = wait_now_ms() - director->started_ms;
    return (int)(passed_ms * 100 / (director->seconds * 1000));
}

static void take_turn(struct director *director) {
    const struct timespec pause = {.tv_nsec = TICK_MS * 1000000L};
    int64_t before_ms = wait_now_ms();
    nanosleep(&pause, NULL);
    int64_t passed_ms = wait_now_ms() - before_ms, gauge_ms = gauge_late_ms(&director->gauge);
    int64_t late_ms = passed_ms - TICK_MS > gauge_ms ? passed_ms - TICK_MS : gauge_ms;
    model_starve(&director->model, late_ms, passed_ms);
    for (int target = 0; target < TARGET_COUNT; target++)
        follow(director, (enum target_id)target);
    model_observe(&director->model);
    resource_watch_children(&director->watch);
    if (wait_now_ms() - director->looked_ms < LOOK_MS)
        return;
    director->looked_ms = wait_now_ms();
    int part = part_of(director);
    resource_watch_look(&director->watch, part < 100 ? part : 99);
}

static bool is_all_well(const struct director *director) {
    bool is_well = true;
    for (int target = 0; target < TARGET_CHILD; target++)
        is_well = is_well && !director->courses[target].fault && director->model.standings[target].is_settled;
    return is_well && !director->courses[TARGET_SIDECAR].fault;
}

static void run(struct director *director) {
    director->started_ms = director->looked_ms = wait_now_ms();
    for (int target = 0; target < TARGET_COUNT; target++) {
        struct course *course = &director->courses[target];
        course->dice = dice_new(director->seed, (uint64_t)target);
        course->next_ms = director->started_ms + calm_ms((enum target_id)target, &course->dice);
    }
    while (part_of(director) < 100)
        take_turn(director);
    director->is_finishing = true;
    int64_t end_ms = wait_now_ms() + FINISH_MS;
    while (!is_all_well(director) && wait_now_ms() < end_ms)
        take_turn(director);
    if (!is_all_well(director))
        model_violation(&director->model, "not all is well again at the end");
}

/* -- begin and end -- */

static const char *setting(const char *name) {
    const char *text = getenv(name);
    return text && *text ? text : NULL;
}

static void begin(struct director *director) {
    const char *seconds = setting("BH_ENDURANCE_SECONDS"), *seed = setting("BH_ENDURANCE_SEED");
    director->seconds = seconds                ? strtoll(seconds, NULL, 10)
                        : world_is_sanitized() ? SANITIZED_SECONDS
                                               : SECONDS;
    ck_assert_int_gt(director->seconds, 0);
    director->seed = seed ? strtoull(seed, NULL, 10) : seconds ? (uint64_t)time(NULL) : 1;
    printf("endurance: %" PRId64 " s, seed %" PRIu64 "\n", director->seconds, director->seed);
    fflush(stdout);
    scene_start(&director->scene, director->seed);
    model_init(&director->model, &director->scene);
    resource_watch_init(&director->watch, &director->scene, &director->model);
    int descriptors = world_idle_descriptors(director->scene.world);
    world_await_idle(director->scene.world, descriptors);
    director->watch.begin = figures_read(&director->scene.world->daemon);
    director->watch.begin.checker_descriptors = descriptors;
    gauge_start(&director->gauge);
    prober_start(&director->prober, director->scene.world->daemon.port);
    hostile_start(&director->hostile, director->scene.world->daemon.port, director->seed, SCENE_SECRETS);
}

static bool has_no_connections(void *arg) {
    const struct director *director = arg;
    return proc_descriptor_count(director->scene.world->daemon.responder) ==
           director->watch.begin.responder_descriptors;
}

/* All clients gone: nothing of them may be left. */
static void come_to_rest(struct director *director) {
    const struct daemon *daemon = &director->scene.world->daemon;
    const struct timespec pause = {.tv_sec = IDLE_MS / 1000};
    gauge_stop(&director->gauge);
    hostile_stop(&director->hostile);
    prober_stop(&director->prober);
    ck_assert_msg(wait_until(has_no_connections, director, 10000), "%d descriptors of the responder, not %d",
        proc_descriptor_count(daemon->responder), director->watch.begin.responder_descriptors);
    int64_t cpu_ms = daemon_cpu_ms(daemon), start_ms = wait_now_ms();
    nanosleep(&pause, NULL); /* the time in which processor time is counted */
    director->idle_cpu_ms = daemon_cpu_ms(daemon) - cpu_ms;
    director->idle_ms = wait_now_ms() - start_ms;
    world_await_idle(director->scene.world, director->watch.begin.checker_descriptors);
    director->watch.end = figures_read(daemon);
    resource_watch_finish(&director->watch);
}

/* -- the judgement at the end -- */

static void judge_probes(struct director *director) {
    const struct probe_board *board = director->prober.board;
    for (int end = PROBE_ANSWERED + 1; end < PROBE_END_COUNT; end++)
        if (board->ends[end] > 0)
            model_violation(&director->model, "%lld probes: %s", (long long)board->ends[end],
                probe_end_name((enum probe_end)end));
    if (board->statuses[2] > 0)
        model_violation(&director->model, "%lld probes: neither 200 nor 503", (long long)board->statuses[2]);
    if (board->leaks > 0)
        model_violation(&director->model, "a secret stands in an answer to a probe");
    for (int kind = 0; kind < HOSTILE_KINDS; kind++) {
        const struct hostile_counts *counts = &director->hostile.counts[kind];
        if (counts->leaks > 0)
            model_violation(&director->model, "a secret stands in an answer to a client");
        if (counts->connections == 0)
            model_violation(
                &director->model, "no client of the kind %s", hostile_name((enum hostile_kind)kind));
    }
}

/* In a minute there is time for each, and on a busy machine in five. */
static void judge_faults(struct director *director) {
    for (size_t i = 0; director->seconds >= LONG_S && i < FAULT_COUNT; i++)
        if (director->model.counts[i].begun == 0 && fault_is_possible(&FAULTS[i], &director->scene))
            model_violation(&director->model, "\"%s\" never had its turn", FAULTS[i].name);
}

/* One question at a time, and nothing but those and looks at its endpoint. */
static void judge_questions(struct director *director) {
    const struct scene *scene = &director->scene;
    if (scene->foreign_requests > 0)
        model_violation(
            &director->model, "Bugsink was asked what it does not know, %d times", scene->foreign_requests);
    if (scene->most_questions > 1)
        model_violation(
            &director->model, "Bugsink was asked %d questions at one time", scene->most_questions);
    if (scene->most_questions == 0)
        model_violation(&director->model, "Bugsink was asked no question");
}

static void judge_resources(struct director *director) {
    /* A fault has a line for its begin and its end, and for what lies between; a reload has one or two. */
    enum { LINES_A_FAULT = 8, LINES_A_RELOAD = 3, LINES_BESIDES = 100, IDLE_PERCENT = 10 };
    const struct resource_watch *watch = &director->watch;
    struct model *model = &director->model;
    int64_t lines_max = LINES_A_FAULT * director_faults_begun(director) +
                        LINES_A_RELOAD * director->scene.reloads + LINES_BESIDES;
    if (watch->log.lines > lines_max)
        model_violation(model, "%" PRId64 " lines of log, more than %" PRId64, watch->log.lines, lines_max);
    if (world_is_sanitized())
        return; /* its allocator keeps what was freed, and all takes longer */
    /* The responder touches the memory of each connection once; after that it may not grow at all. */
    int64_t connections_kib =
        (int64_t)(server_limits_usual().connections * (REQUEST_HEAD_MAX + TRAFFIC_TEXT_SIZE) / 1024);
    int64_t growth_max_kib = director->seconds >= LONG_S ? LONG_GROWTH_MAX_KIB : GROWTH_MAX_KIB;
    if (watch->peak_late.checker_kib - watch->peak_early.checker_kib > growth_max_kib)
        model_violation(model, "the checker grows");
    if (watch->peak_late.responder_kib > watch->begin.responder_kib + connections_kib + GROWTH_MAX_KIB)
        model_violation(model, "the responder takes more memory than its connections have");
    if (director->seconds >= LONG_S &&
        watch->peak_late.responder_kib - watch->peak_early.responder_kib > growth_max_kib)
        model_violation(model, "the responder grows");
    if (director->idle_cpu_ms * 100 > director->idle_ms * IDLE_PERCENT)
        model_violation(model, "%" PRId64 " ms of processor time at rest", director->idle_cpu_ms);
}

START_TEST(under_all_faults_and_clients_at_once_every_probe_is_answered_and_right) {
    static struct director director;
    if (!postgres_is_installed()) {
        skip_test("under_all_faults_and_clients_at_once_every_probe_is_answered_and_right",
            "PostgreSQL is not installed");
        return;
    }
    begin(&director);
    run(&director);
    come_to_rest(&director);
    app_end(&director.scene);
    judge_probes(&director);
    judge_questions(&director);
    judge_faults(&director);
    judge_resources(&director);
    director_report(&director);
    ck_assert_msg(director.model.violation_count == 0, "%d violations:\n%s", director.model.violation_count,
        director.model.violations.data);
    model_release(&director.model);
    scene_end(&director.scene);
}
END_TEST

Suite *e2e_endurance_suite(void) {
    const char *seconds = setting("BH_ENDURANCE_SECONDS");
    Suite *suite = suite_create("e2e_endurance");
    TCase *tcase = tcase_create("e2e_endurance");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 240 + (seconds ? strtod(seconds, NULL) : SECONDS));
    tcase_add_test(tcase, under_all_faults_and_clients_at_once_every_probe_is_answered_and_right);
    return suite;
}
