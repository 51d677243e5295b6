/* Tests of the engine: what a reload leaves standing, and what one check's end means for another. Time is the
 * test's own. */
#include "checker/engine.h"

#include "harness/peer.h"
#include "harness/proc.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { PATIENCE_MS = 5000, TURN_MS = 5, TIMEOUT_MS = 100 };

struct stage {
    struct loop loop;
    struct clock clock;
    int64_t now_ms;
    struct engine *engine;
    char *file; /* the configuration */
};

static int64_t read_clock(void *arg) {
    return *(const int64_t *)arg;
}

static void on_checked(void *arg, bool is_change) {
    (void)arg;
    (void)is_change;
}

static struct config *load(const struct stage *stage) {
    struct error err;
    char entry[512];
    snprintf(entry, sizeof entry, "BUGSINK_HEALTH_CONFIG=%s", stage->file);
    const char *const environment[] = {entry, NULL};
    struct config *config = config_load(&(const struct config_source){.environment = environment}, &err);
    ck_assert_msg(config != NULL, "%s", err.text);
    return config;
}

/* checks: the members "databases" and others. */
static void write_config(const struct stage *stage, const char *interval, const char *checks) {
    char text[1024];
    snprintf(text, sizeof text,
        "{\"interval\": \"%s\", \"timeout\": \"100ms\", \"retry_interval\": \"50ms\", \"directories\": {}, "
        "%s}",
        interval, checks);
    tempdir_write(stage->file, text);
}

static void stage_init(struct stage *stage, const char *checks) {
    static const struct engine_events EVENTS = {.checked = on_checked};
    struct error err;
    *stage = (struct stage){.now_ms = 1000000};
    stage->clock = (struct clock){read_clock, read_clock, &stage->now_ms};
    char *dir = tempdir_new();
    stage->file = tempdir_path(dir, "config.json");
    free(dir);
    ck_assert_int_eq(loop_init(&stage->loop, NULL, &err), 0);
    stage->loop.timers.clock = &stage->clock;
    write_config(stage, "1s", checks);
    stage->engine = engine_new(&stage->loop, load(stage), &EVENTS, stage, &err);
    ck_assert_msg(stage->engine != NULL, "%s", err.text);
    engine_start(stage->engine, false);
}

static void reload(struct stage *stage, const char *interval, const char *checks) {
    struct error err;
    write_config(stage, interval, checks);
    ck_assert_msg(engine_reload(stage->engine, load(stage), &err) == 0, "%s", err.text);
}

static void turn(struct stage *stage) {
    const struct timeval tv = {.tv_usec = TURN_MS * 1000};
    event_add(stage->loop.tick, &tv);
    event_base_loop(stage->loop.base, EVLOOP_ONCE);
    timers_run(&stage->loop.timers);
}

static void turn_for(struct stage *stage, int turns) {
    for (int i = 0; i < turns; i++)
        turn(stage);
}

static void stage_release(struct stage *stage) {
    engine_free(stage->engine);
    loop_release(&stage->loop);
    free(stage->file);
}

static struct check_view view(struct stage *stage, const char *name) {
    struct snapshot snapshot;
    engine_snapshot(stage->engine, &snapshot);
    for (size_t i = 0; i < snapshot.check_count; i++)
        if (strcmp(snapshot.checks[i].name, name) == 0)
            return snapshot.checks[i];
    ck_abort_msg("no check %s", name);
}

static void await_children(struct stage *stage, size_t count) {
    struct deadline deadline = deadline_in(PATIENCE_MS);
    while (children_busy(&stage->loop.children) != count) {
        ck_assert_msg(!deadline_is_over(&deadline), "%zu children", children_busy(&stage->loop.children));
        turn(stage);
    }
}

static void await_reason(struct stage *stage, const char *name, enum reason reason) {
    struct deadline deadline = deadline_in(PATIENCE_MS);
    while (view(stage, name).reason != reason) {
        ck_assert_msg(
            !deadline_is_over(&deadline), "%s: %s", name, reason_info(view(stage, name).reason)->slug);
        turn(stage);
    }
}

static bool is_stopped(void *arg) {
    int status;
    return waitpid(*(const pid_t *)arg, &status, WUNTRACED | WNOHANG) > 0 && WIFSTOPPED(status);
}

/* -- reloads -- */

#define MYSQL_CHECKS                                                                                         \
    "\"databases\": {\"one\": {\"dsn\": \"mysql://u@127.0.0.1:%d/d?ssl-mode=disabled\", \"role\": "          \
    "\"plain\"}}"

#define BLOCKED "\x15\0\0\0\xff\x69\x04Host 'h' is blocked"

START_TEST(a_reload_leaves_the_pause_of_a_blocked_host_as_it_is) {
    enum { PAUSE_MS = 300000 };
    struct peer peer = peer_start(&(const struct peer_script){
        .reply = BLOCKED, .reply_size = sizeof BLOCKED - 1, .closes = PEER_CLOSES});
    struct stage stage;
    char checks[256];
    snprintf(checks, sizeof checks, MYSQL_CHECKS, peer.port);
    stage_init(&stage, checks);
    await_reason(&stage, "one", REASON_HOST_BLOCKED);
    await_children(&stage, 0);
    int64_t checked_ms = view(&stage, "one").checked_at_ms;
    for (int i = 1; i <= 3; i++) {
        stage.now_ms = checked_ms + i * (PAUSE_MS / 3 - 1);
        reload(&stage, i % 2 == 1 ? "2s" : "1s", checks);
        turn_for(&stage, 3);
        await_children(&stage, 0); /* what the old interval had may be on its way out */
        ck_assert_int_eq(view(&stage, "one").checked_at_ms, checked_ms);
        ck_assert_int_eq(view(&stage, "one").reason, REASON_HOST_BLOCKED);
    }
    stage.now_ms = checked_ms + PAUSE_MS;
    turn(&stage);
    await_children(&stage, 1);
    stage_release(&stage);
    peer_stop(&peer);
}
END_TEST

/* Waits until the child waits for the server, and has said so: it sleeps, turn after turn. */
static void await_sleep(struct stage *stage, pid_t pid) {
    enum { TURNS = 20 };
    struct deadline deadline = deadline_in(PATIENCE_MS);
    for (int asleep = 0; asleep < TURNS; turn(stage)) {
        ck_assert(!deadline_is_over(&deadline));
        asleep = proc_state(pid) == 'S' ? asleep + 1 : 0;
    }
}

/* A first attempt at a server that hangs is over, and its child lingers: its process is returned. */
static pid_t stage_hanging_server(struct stage *stage, const char *checks) {
    stage_init(stage, checks);
    await_children(stage, 1);
    await_sleep(stage, child_pid(stage->loop.children.head));
    stage->now_ms += TIMEOUT_MS;
    await_reason(stage, "one", REASON_TIMEOUT);
    ck_assert_str_eq(phase_name(view(stage, "one").phase), "auth");
    turn_for(stage, 3);
    ck_assert_uint_eq(children_busy(&stage->loop.children), 1);
    return child_pid(stage->loop.children.head);
}

static void await_another_child(struct stage *stage, pid_t pid) {
    struct deadline deadline = deadline_in(PATIENCE_MS);
    while (children_busy(&stage->loop.children) != 1 || child_pid(stage->loop.children.head) == pid) {
        ck_assert(!deadline_is_over(&deadline));
        turn(stage);
        stage->now_ms++;
    }
}

static void await_next_run(struct stage *stage) {
    struct deadline deadline = deadline_in(PATIENCE_MS);
    while (children_busy(&stage->loop.children) != 1) {
        ck_assert(!deadline_is_over(&deadline));
        turn(stage);
        stage->now_ms++;
    }
}

/* The second attempt, which gives up the first, is under way, and a reload ends it: it counts. */
START_TEST(a_reload_during_an_attempt_at_a_server_that_hangs_begins_the_next_pause) {
    struct peer peer = peer_start(&(const struct peer_script){.reads = 0});
    struct stage stage;
    char checks[256];
    snprintf(checks, sizeof checks, MYSQL_CHECKS, peer.port);
    pid_t first = stage_hanging_server(&stage, checks);
    stage.now_ms += 10 * 1000; /* the first pause */
    await_another_child(&stage, first);
    reload(&stage, "2s", checks);
    int64_t begin_ms = stage.now_ms;
    await_children(&stage, 0);
    stage.now_ms = begin_ms + 300 * 1000 - 1;
    turn_for(&stage, 3);
    ck_assert_uint_eq(children_busy(&stage.loop.children), 0);
    stage.now_ms = begin_ms + 300 * 1000; /* the second */
    turn(&stage);
    await_children(&stage, 1);
    stage_release(&stage);
    peer_stop(&peer);
}
END_TEST

/* A server's first words: protocol 10, no TLS, mysql_native_password. */
static const char GREETING[] = "\x59\0\0\0\x0a"
                               "5.5.5-10.11.6-MariaDB\0\1\0\0\0"
                               "abcdefgh\0\xff\xf7\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0\0\0\0\0"
                               "ijklmnopqrst\0mysql_native_password";

START_TEST(a_login_that_lingered_and_broke_off_is_not_counted_twice) {
    struct peer peer =
        peer_start(&(const struct peer_script){.reply = GREETING, .reply_size = sizeof GREETING});
    struct stage stage;
    char checks[256];
    snprintf(checks, sizeof checks, MYSQL_CHECKS, peer.port);
    stage_hanging_server(&stage, checks);
    int64_t begin_ms = stage.now_ms;
    peer_stop(&peer);
    await_children(&stage, 0);
    turn_for(&stage, 3);
    ck_assert_int_eq(view(&stage, "one").reason, REASON_TIMEOUT);
    stage.now_ms = begin_ms + 10 * 1000 - 1;
    turn_for(&stage, 3);
    ck_assert_int_eq(view(&stage, "one").reason, REASON_TIMEOUT);
    stage.now_ms = begin_ms + 10 * 1000;
    await_reason(&stage, "one", REASON_REFUSED);
    stage_release(&stage);
}
END_TEST

/* No server has met it. But one that hangs behind a proxy may, later: so that is for the first pause alone.
 */
START_TEST(a_login_that_lingered_and_met_nobody_ends_the_first_pause) {
    enum { SOON_MS = 2000, SECOND_PAUSE_MS = 300 * 1000 };
    const struct peer_script silent = {.reads = 0};
    struct peer peer = peer_start(&silent);
    struct stage stage;
    char checks[256];
    int port = peer.port;
    snprintf(checks, sizeof checks, MYSQL_CHECKS, port);
    stage_hanging_server(&stage, checks);
    peer_stop(&peer);
    peer = peer_start_on(&silent, port);
    await_reason(&stage, "one", REASON_RESET);
    stage.now_ms += SOON_MS;
    await_children(&stage, 1);
    await_sleep(&stage, child_pid(stage.loop.children.head));
    stage.now_ms += TIMEOUT_MS;
    await_reason(&stage, "one", REASON_TIMEOUT);
    int64_t begin_ms = stage.now_ms;
    peer_stop(&peer);
    await_children(&stage, 0);
    turn_for(&stage, 3);
    stage.now_ms = begin_ms + SECOND_PAUSE_MS - SOON_MS;
    turn_for(&stage, 3);
    ck_assert_int_eq(view(&stage, "one").reason, REASON_TIMEOUT);
    stage.now_ms = begin_ms + SECOND_PAUSE_MS;
    await_reason(&stage, "one", REASON_REFUSED);
    stage_release(&stage);
}
END_TEST

/* What a server says when it wakes up to a crowd. */
#define TOO_MANY "\x17\0\0\0\xff\x10\x04Too many connections"

START_TEST(a_late_answer_counts_and_ends_the_pause) {
    enum { DRIPS_MS = 60 };
    struct peer peer = peer_start(&(const struct peer_script){.reply = TOO_MANY,
        .reply_size = sizeof TOO_MANY - 1,
        .drip_ms = DRIPS_MS, /* it takes far longer than the turns in which the first run ends */
        .closes = PEER_CLOSES});
    struct stage stage;
    char checks[256];
    snprintf(checks, sizeof checks, MYSQL_CHECKS, peer.port);
    pid_t first = stage_hanging_server(&stage, checks);
    await_reason(&stage, "one", REASON_TOO_MANY_CLIENTS);
    stage.now_ms += 70; /* the retry interval, and what may be put on */
    await_next_run(&stage);
    ck_assert_int_eq(child_pid(stage.loop.children.head), first); /* it has answered: it is asked again */
    stage_release(&stage);
    peer_stop(&peer);
}
END_TEST

/* A child that cannot be killed cannot be made here; one that is stopped, and not sent SIGKILL since time
 * stands still, looks the same to us. */
START_TEST(a_check_that_went_while_its_child_was_caught_and_comes_again_starts_no_other) {
    struct peer peer = peer_start(&(const struct peer_script){.reads = 0});
    struct stage stage;
    char checks[256];
    snprintf(checks, sizeof checks, MYSQL_CHECKS, peer.port);
    stage_init(&stage, checks);
    await_children(&stage, 1);
    pid_t pid = child_pid(stage.loop.children.head);
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    ck_assert(wait_until(is_stopped, &pid, PATIENCE_MS));
    stage.now_ms += TIMEOUT_MS;
    await_reason(&stage, "one", REASON_TIMEOUT);
    for (int i = 0; i < 2; i++) {
        reload(&stage, "1s", "\"databases\": {}, \"settings\": {\"path\": \"/nosuch.json\"}");
        reload(&stage, "1s", checks);
        turn_for(&stage, 3);
        stage.now_ms += TIMEOUT_MS;
        await_reason(&stage, "one", REASON_STUCK);
        ck_assert_ptr_nonnull(stage.loop.children.head);
        ck_assert_uint_eq(children_busy(&stage.loop.children), 1);
        ck_assert_int_eq(child_pid(stage.loop.children.head), pid);
    }
    ck_assert_int_eq(kill(pid, SIGCONT), 0); /* the SIGTERM that waits ends it */
    await_children(&stage, 0);
    stage.now_ms += 1000;
    turn(&stage);
    await_children(&stage, 1);
    ck_assert_int_ne(child_pid(stage.loop.children.head), pid);
    stage_release(&stage);
    peer_stop(&peer);
}
END_TEST

/* -- Bugsink's arrival -- */

#define HEALTHY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"

/* What stands there then is what Bugsink has read; so the look must not wait for its turn. */
START_TEST(the_settings_are_looked_at_when_bugsink_arrives) {
    struct stage stage;
    char checks[512];
    int port = peer_free_port();
    char *dir = tempdir_new(), *settings = tempdir_path(dir, "settings.json");
    tempdir_write(settings, "{}");
    snprintf(checks, sizeof checks,
        "\"databases\": {}, \"settings\": {\"path\": \"%s\", \"require\": []},"
        "\"app\": {\"url\": \"http://127.0.0.1:%d\"}",
        settings, port);
    stage_init(&stage, checks);
    await_reason(&stage, "app", REASON_APP_STARTING);
    await_reason(&stage, "app_settings", REASON_OK);
    await_children(&stage, 0);
    struct peer peer = peer_start_on(
        &(const struct peer_script){
            .reads = 1, .reply = HEALTHY, .reply_size = sizeof HEALTHY - 1, .closes = PEER_CLOSES},
        port);
    int64_t looked_ms = view(&stage, "app_settings").checked_at_ms;
    stage.now_ms += 70; /* Bugsink is asked again; the settings are not due */
    await_reason(&stage, "app", REASON_OK);
    for (struct deadline deadline = deadline_in(PATIENCE_MS);
         view(&stage, "app_settings").checked_at_ms == looked_ms;) {
        ck_assert(!deadline_is_over(&deadline));
        turn(&stage);
    }
    stage_release(&stage);
    peer_stop(&peer);
    free(settings);
    free(dir);
}
END_TEST

#ifdef WITH_MYSQL
START_TEST(before_the_end_no_login_begins_that_could_be_broken_off) {
    struct stage stage;
    const struct peer_script silent = {.reads = 0};
    struct peer peer = peer_start(&silent);
    char checks[256];
    snprintf(checks, sizeof checks,
        "\"databases\": {\"a\": {\"dsn\": \"mysql://u:p@127.0.0.1:%d/d\"},"
        "\"b\": {\"dsn\": \"/nosuch\", \"role\": \"plain\"}}",
        peer.port);
    stage_init(&stage, checks);
    ck_assert_int_eq(engine_login_ms(stage.engine), TIMEOUT_MS);
    ck_assert(!engine_is_logging_in(stage.engine));
    engine_begin_no_logins(stage.engine);
    await_reason(&stage, "b", REASON_FILE_MISSING);
    stage.now_ms += 1000;
    turn_for(&stage, 20);
    ck_assert(!view(&stage, "a").has_run && !engine_is_logging_in(stage.engine));
    stage_release(&stage);
    peer_stop(&peer);
}
END_TEST

START_TEST(a_login_is_known_to_be_under_way_until_its_deadline) {
    struct stage stage;
    const struct peer_script silent = {.reads = 0};
    struct peer peer = peer_start(&silent);
    char checks[128];
    snprintf(checks, sizeof checks, "\"databases\": {\"a\": {\"dsn\": \"mysql://u:p@127.0.0.1:%d/d\"}}",
        peer.port);
    stage_init(&stage, checks);
    for (struct deadline deadline = deadline_in(PATIENCE_MS); !engine_is_logging_in(stage.engine);) {
        ck_assert(!deadline_is_over(&deadline));
        turn(&stage);
    }
    stage.now_ms += TIMEOUT_MS;
    await_reason(&stage, "a", REASON_TIMEOUT);
    ck_assert(!engine_is_logging_in(stage.engine));
    stage_release(&stage);
    peer_stop(&peer);
}
END_TEST
#endif

Suite *engine_suite(void) {
    Suite *suite = suite_create("engine");
    TCase *tcase = tcase_create("engine");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_reload_leaves_the_pause_of_a_blocked_host_as_it_is);
    tcase_add_test(tcase, a_reload_during_an_attempt_at_a_server_that_hangs_begins_the_next_pause);
    tcase_add_test(tcase, a_login_that_lingered_and_broke_off_is_not_counted_twice);
    tcase_add_test(tcase, a_login_that_lingered_and_met_nobody_ends_the_first_pause);
    tcase_add_test(tcase, a_late_answer_counts_and_ends_the_pause);
    tcase_add_test(tcase, a_check_that_went_while_its_child_was_caught_and_comes_again_starts_no_other);
    tcase_add_test(tcase, the_settings_are_looked_at_when_bugsink_arrives);
#ifdef WITH_MYSQL
    tcase_add_test(tcase, before_the_end_no_login_begins_that_could_be_broken_off);
    tcase_add_test(tcase, a_login_is_known_to_be_under_way_until_its_deadline);
#endif
    return suite;
}
