/* End to end: each system call of the responder fails once, in each way that makes sense, told by a preloaded
 * library (shim/faults.c). Then the probe that it hit may be late, or fail alone where nothing else is
 * possible; every later one is answered right, byte for byte; nothing spins, nothing leaks. Or both processes
 * end, with a line. */
#include "e2e/faults.h"
#include "e2e/world.h"
#include "harness/proc.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
    SHOWS_MS = 5000,
    END_MS = 5000,
    OCCURRENCES_MAX = 60,
    CASE_CPU_MS = 300,
    STARTS_MAX = 6,
    ERRORS_MAX = 10,
    PROBES = 7,
    HTML = 3,
};

/* What a fault may do. */
enum effect {
    SAME,  /* every probe is answered as without it */
    ALONE, /* one probe may fail: the connection is lost */
    ENDS,  /* both processes end, and say so: what failed cannot be done without */
};

static const char *const EFFECTS[] = {"no probe fails", "one probe may fail", "both processes end"};

static const struct row {
    const char *name;
    enum fault_call call;
    enum effect effect;
    int errors[ERRORS_MAX];
} ROWS[] = {
    {"epoll_wait", FAULT_EPOLL_WAIT, SAME, {EINTR}},
    {"epoll_wait", FAULT_EPOLL_WAIT, ENDS, {EBADF, EINVAL, EAGAIN, EMFILE, ENOBUFS, ECONNRESET}},
    {"epoll_ctl", FAULT_EPOLL_CTL, SAME, {EINTR, EAGAIN, EMFILE, ENOBUFS, ENOMEM, ENOSPC, ECONNRESET}},
    {"accept4", FAULT_ACCEPT, SAME,
        {EINTR, EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNRESET, ECONNABORTED, EPERM, EPROTO}},
    {"read", FAULT_READ, SAME, {EINTR, EAGAIN, ENOBUFS, ENOMEM}},
    {"read", FAULT_READ, ALONE, {ECONNRESET, EMFILE, EPIPE, ETIMEDOUT}},
    {"sendmsg", FAULT_SENDMSG, SAME, {EINTR, EAGAIN, ENOBUFS, ENOMEM}},
    {"sendmsg", FAULT_SENDMSG, ALONE, {ECONNRESET, EMFILE, EPIPE}},
    {"recvmsg", FAULT_RECVMSG, SAME, {EINTR, EAGAIN}},
    {"recvmsg", FAULT_RECVMSG, ENDS, {ECONNRESET, EMFILE, ENOBUFS, ENOMEM}},
    {"fcntl", FAULT_FCNTL, SAME, {EINTR, EAGAIN, EMFILE, ENOBUFS, ECONNRESET}},
    {"close", FAULT_CLOSE, SAME, {EINTR, EIO, EAGAIN, EMFILE, ENOBUFS, ECONNRESET}},
    {"shutdown", FAULT_SHUTDOWN, SAME, {EINTR, ENOTCONN, EAGAIN, EMFILE, ENOBUFS, ECONNRESET}},
    {"poll", FAULT_POLL, SAME, {EINTR, EAGAIN, ENOMEM, EMFILE, ENOBUFS, ECONNRESET}},
    {"getrusage", FAULT_GETRUSAGE, SAME, {EINTR, EAGAIN, EMFILE, ENOBUFS, ECONNRESET}},
};

enum { ROW_COUNT = sizeof ROWS / sizeof ROWS[0] };

/* -- the probes -- */

static const struct {
    const char *method, *path, *headers;
    bool changes; /* from moment to moment: only that it is whole counts */
} REQUESTS[PROBES] = {
    {"GET", "/health/live/", "", false},
    {"GET", "/health/ready/", "User-Agent: kube-probe/1.30\r\nAccept: */*\r\n", false},
    {"HEAD", "/health/started/", "", false},
    {"GET", "/health/", "Accept: text/html\r\n", false},
    {"GET", "/none", "", false},
    {"POST", "/health/live/", "Content-Length: 3\r\n", false},
    {"GET", "/metrics", "", true},
};

struct stage {
    struct world *world;
    struct fault_control *control;
    char reference[PROBES][HTTP_HEAD_SIZE + HTTP_BODY_SIZE];
    char answer[HTTP_HEAD_SIZE + HTTP_BODY_SIZE];
    int descriptors; /* of the responder, all that it has when nobody asks */
    bool may_reload; /* after which the page for people tells new times */
    int failed;      /* probes of the last round */
    char why[1024];
};

/* Whether a line tells of its moment: when it was sent, or (the page for people) who has asked and when, on
 * which the length depends. That as much came as was announced is looked at elsewhere. */
static bool is_of_the_moment(const char *line, size_t length, int n) {
    static const char ASKED[] = " was asked ";
    if (strncmp(line, "Date:", 5) == 0 || strncmp(line, "Age:", 4) == 0)
        return true;
    return n == HTML &&
           (strncmp(line, "Content-Length:", 15) == 0 || memmem(line, length, ASKED, sizeof ASKED - 1));
}

/* Returns how long the text is then. */
static size_t append_lines(char *text, size_t size, size_t length, const char *lines, int n) {
    for (const char *line = lines; *line;) {
        size_t line_length = strcspn(line, "\n");
        line_length += line[line_length] == '\n';
        if (!is_of_the_moment(line, line_length, n))
            length += (size_t)snprintf(text + length, size - length, "%.*s", (int)line_length, line);
        line += line_length;
    }
    return length;
}

/* The answer as one text, without its moment. */
static void write_answer(const struct http_response *response, int n, char *text, size_t size) {
    text[0] = '\0';
    size_t length = append_lines(text, size, 0, response->head, n);
    append_lines(text, size, length, response->body, n);
}

static void probe(struct stage *stage, int n, char *text, size_t size) {
    struct http_response *response = &stage->world->response;
    http_request(
        stage->world->daemon.port, REQUESTS[n].method, REQUESTS[n].path, REQUESTS[n].headers, response);
    write_answer(response, n, text, size);
}

/* Where two answers begin to differ in what follows their heads, with what stands before it. */
static const char *difference(const char *answer, const char *other, const char **others) {
    enum { BEFORE = 200 };
    const char *body = strstr(answer, "\r\n\r\n"), *other_body = strstr(other, "\r\n\r\n");
    size_t at = 0;
    *others = other;
    if (!body || !other_body)
        return answer;
    while (body[at] && body[at] == other_body[at])
        at++;
    at -= at > BEFORE ? BEFORE : at;
    *others = other_body + at;
    return body + at;
}

static bool is_right(struct stage *stage, int n) {
    const struct http_response *response = &stage->world->response;
    probe(stage, n, stage->answer, sizeof stage->answer);
    bool is_whole = response->status != 0 && response->is_whole && response->extra_bytes == 0;
    if (is_whole && (REQUESTS[n].changes || (stage->may_reload && n == HTML) ||
                        strcmp(stage->answer, stage->reference[n]) == 0))
        return true;
    /* No answer is a failed probe; half of one that looks whole, or a wrong one, is worse. */
    const char *reference, *answer = difference(stage->answer, stage->reference[n], &reference);
    ck_assert_msg(!is_whole, "another answer to %s: %.800s\nnot %.800s", REQUESTS[n].path, answer, reference);
    snprintf(stage->why, sizeof stage->why, "%s: status %d, %s", REQUESTS[n].path, response->status,
        response->was_reset ? "reset" : "ended");
    return false;
}

static void probe_round(struct stage *stage) {
    stage->failed = 0;
    for (int i = 0; i < PROBES; i++)
        stage->failed += !is_right(stage, i);
}

/* -- the daemon -- */

static void start(struct stage *stage) {
    stage->world = world_new();
    stage->control = faults_preload(&stage->world->environment, stage->world->dir);
    envlist_set(&stage->world->environment, "BUGSINK_HEALTH_INTERVAL=60s"); /* the pages stay as they are */
    world_write_config(stage->world,
        "{\"databases\": {\"default\": {\"dsn\": \"%s\"},"
        " \"snappea\": {\"dsn\": \"%s\"}}}",
        stage->world->main_db, stage->world->queue_db);
    world_start_with(stage->world, NULL, 0);
    world_await(stage->world, "/health/started/", 200, "OK", SHOWS_MS);
    for (int i = 0; i < PROBES; i++) {
        probe(stage, i, stage->reference[i], sizeof stage->reference[i]);
        ck_assert_int_ne(stage->world->response.status, 0);
    }
    stage->descriptors = proc_descriptor_count(stage->world->daemon.responder);
}

static void stop(struct stage *stage) {
    /* Each start has a world of its own. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    world_end(stage->world);
    faults_release(stage->control);
}

struct descriptors {
    pid_t pid;
    int count;
};

static bool has_descriptors(void *arg) {
    const struct descriptors *wanted = arg;
    /* One fewer while the reserve that was given up waits for the next connection to be taken back. */
    return proc_descriptor_count(wanted->pid) <= wanted->count;
}

/* -- faults -- */

/* What is called only once there was no descriptor to be had. */
static bool is_after_accept(enum fault_call call) {
    return call == FAULT_POLL || call == FAULT_FCNTL;
}

static void arm(struct stage *stage, const struct row *row, int error, int nth) {
    stage->control->roles = FAULT_RESPONDER;
    faults_arm(&stage->control->faults[0], row->call, error, nth);
    faults_arm(&stage->control->faults[1], FAULT_ACCEPT, is_after_accept(row->call) ? EMFILE : 0, nth);
}

static bool is_hit(void *arg) {
    const struct fault_control *control = arg;
    return control->faults[0].hits > 0;
}

/* Something comes over the link: pages, after a reload. */
static void await_frame(struct stage *stage) {
    kill(stage->world->daemon.checker, SIGHUP);
    wait_until(is_hit, stage->control, SHOWS_MS);
}

/* Returns whether the fault has come to pass. */
static bool is_borne(struct stage *stage, const struct row *row, int error, int nth) {
    struct daemon *daemon = &stage->world->daemon;
    /* As in stop. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    struct descriptors before = {daemon->responder, stage->descriptors};
    int64_t cpu_ms = daemon_cpu_ms(daemon);
    arm(stage, row, error, nth);
    probe_round(stage);
    if (row->call == FAULT_RECVMSG)
        await_frame(stage);
    bool was_hit = faults_disarm(stage->control);
    ck_assert_msg(stage->failed <= (row->effect == ALONE && was_hit), "%s: %s, number %d: %d probes fail: %s",
        row->name, strerror(error), nth, stage->failed, stage->why);
    if (was_hit)
        probe_round(stage);
    ck_assert_msg(stage->failed == 0 || !was_hit, "%s: %s, number %d: afterwards %d probes fail: %s",
        row->name, strerror(error), nth, stage->failed, stage->why);
    ck_assert_msg(wait_until(has_descriptors, &before, SHOWS_MS),
        "%s: %s, number %d: %d descriptors, before %d", row->name, strerror(error), nth,
        proc_descriptor_count(before.pid), before.count);
    ck_assert_msg(daemon_cpu_ms(daemon) - cpu_ms < CASE_CPU_MS,
        "%s: %s, number %d: %lld ms of processor time", row->name, strerror(error), nth,
        (long long)(daemon_cpu_ms(daemon) - cpu_ms));
    return was_hit;
}

static bool is_gone(void *arg) {
    return !proc_is_alive(*(const pid_t *)arg);
}

static void assert_ends(struct stage *stage, const struct row *row, int error, int nth) {
    struct world *world = stage->world;
    pid_t responder = world->daemon.responder;
    arm(stage, row, error, nth);
    if (row->call == FAULT_RECVMSG)
        await_frame(stage);
    for (int i = 0; i < PROBES && proc_is_alive(responder); i++)
        probe(stage, i, stage->answer, sizeof stage->answer);
    int status = daemon_wait_exit(&world->daemon, END_MS);
    ck_assert_msg(status == 1, "%s: %s: status %d", row->name, strerror(error), status);
    ck_assert(wait_until(is_gone, &responder, END_MS));
    ck_assert(is_hit(stage->control));
    ck_assert(daemon_log_lines(&world->daemon, "level=error", "process=checker event=\"responder gone\"") +
                  daemon_log_lines(&world->daemon, "level=error", "process=checker event=\"cannot go on\"") >=
              1);
    ck_assert_int_ge(daemon_log_lines(&world->daemon, "level=error", "process=responder"), 1);
    faults_release(stage->control);
    free(world);
}

START_TEST(a_system_call_of_the_responder_that_fails_once_costs_one_probe_at_most) {
    static struct stage stage;
    const struct row *row = &ROWS[_i];
    const char *why = faults_why_not();
    if (why) {
        skip_test("a_system_call_of_the_responder_that_fails_once_costs_one_probe_at_most", why);
        return;
    }
    int cases = 0;
    int64_t began_ms = wait_now_ms();
    stage.may_reload = row->call == FAULT_RECVMSG;
    if (row->effect != ENDS)
        start(&stage);
    for (int i = 0; i < ERRORS_MAX && row->errors[i] != 0; i++) {
        if (row->effect == ENDS) {
            start(&stage);
            assert_ends(&stage, row, row->errors[i], 1 + i % 2);
            cases++;
            continue;
        }
        int nth = 1;
        int most = row->call == FAULT_RECVMSG ? 2 : OCCURRENCES_MAX;
        while (nth <= most && is_borne(&stage, row, row->errors[i], nth))
            nth++;
        cases += nth - 1;
    }
    if (row->effect != ENDS)
        stop(&stage);
    ck_assert_int_gt(cases, 0);
    printf("    %-10s fails once, %3d times: %s (%lld ms)\n", row->name, cases, EFFECTS[row->effect],
        (long long)(wait_now_ms() - began_ms));
}
END_TEST

/* -- at the start -- */

static const struct {
    const char *name;
    enum fault_call call;
    int errors[2];
} START_ROWS[] = {
    {"epoll_create1", FAULT_EPOLL_CREATE, {EMFILE, ENOMEM}},
    {"epoll_ctl", FAULT_EPOLL_CTL, {ENOMEM, EINTR}},
    {"fcntl", FAULT_FCNTL, {EMFILE, EINTR}},
    {"setsockopt", FAULT_SETSOCKOPT, {ENOBUFS, EINTR}},
    {"recvmsg", FAULT_RECVMSG, {EINTR, EMFILE}},
    {"send", FAULT_SEND, {EINTR, EAGAIN}},
    {"epoll_wait", FAULT_EPOLL_WAIT, {EINTR, EBADF}},
    {"malloc", FAULT_MALLOC, {ENOMEM}},
};

enum { START_ROW_COUNT = sizeof START_ROWS / sizeof START_ROWS[0] };

struct beginning {
    struct world *world;
    bool has_ended, answers;
};

static bool has_begun_or_ended(void *arg) {
    struct beginning *beginning = arg;
    siginfo_t info = {.si_pid = 0};
    beginning->answers = world_get(beginning->world, "/health/self/") == 200;
    waitid(P_PID, (id_t)beginning->world->daemon.checker, &info, WEXITED | WNOHANG | WNOWAIT);
    beginning->has_ended = info.si_pid != 0;
    return beginning->answers || beginning->has_ended;
}

/* Returns whether the fault has come to pass. */
static bool starts_or_says_why(const char *name, enum fault_call call, int error, int nth) {
    struct beginning beginning = {.world = world_new()};
    struct daemon *daemon = &beginning.world->daemon;
    struct fault_control *control = faults_preload(&beginning.world->environment, beginning.world->dir);
    const struct daemon_setup setup = {.environment = &beginning.world->environment};
    control->roles = FAULT_RESPONDER;
    faults_arm(&control->faults[0], call, error, nth);
    daemon->port = daemon_free_port();
    daemon_spawn(daemon, &setup);
    ck_assert_msg(wait_until(has_begun_or_ended, &beginning, END_MS), "%s: %s, number %d: hangs", name,
        strerror(error), nth);
    bool was_hit = faults_disarm(control);
    int status = beginning.answers ? world_get(beginning.world, "/health/live/") : 0;
    /* It may have answered before the fault that ends it. */
    int exit_status = status == 200 ? daemon_stop(daemon, SIGINT, END_MS) : daemon_wait_exit(daemon, END_MS);
    if (status != 200 || exit_status != 0) {
        ck_assert_msg(was_hit, "%s: ended without a fault", name);
        ck_assert_msg(
            exit_status == 1, "%s: %s, number %d: status %d", name, strerror(error), nth, exit_status);
        ck_assert_int_ge(daemon_log_lines(daemon, "level=error", "process=responder"), 1);
        ck_assert_int_ge(daemon_log_lines(daemon, "level=error", "process=checker"), 1);
    }
    faults_release(control);
    free(beginning.world);
    return was_hit;
}

START_TEST(a_system_call_of_the_responder_that_fails_at_its_start_leaves_no_half_of_it) {
    const char *why = faults_why_not();
    int hits = 0;
    if (why) {
        skip_test("a_system_call_of_the_responder_that_fails_at_its_start_leaves_no_half_of_it", why);
        return;
    }
    for (int i = 0; i < 2 && START_ROWS[_i].errors[i] != 0; i++)
        for (int nth = 1; nth <= STARTS_MAX && starts_or_says_why(START_ROWS[_i].name, START_ROWS[_i].call,
                                                   START_ROWS[_i].errors[i], nth);
             nth++)
            hits++;
    ck_assert_int_gt(hits, 0);
}
END_TEST

Suite *e2e_faults_suite(void) {
    Suite *suite = suite_create("e2e_faults");
    TCase *tcase = tcase_create("e2e_faults");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(
        tcase, a_system_call_of_the_responder_that_fails_once_costs_one_probe_at_most, 0, ROW_COUNT);
    tcase_add_loop_test(tcase, a_system_call_of_the_responder_that_fails_at_its_start_leaves_no_half_of_it, 0,
        START_ROW_COUNT);
    return suite;
}
