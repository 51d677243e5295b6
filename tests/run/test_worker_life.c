/* Tests of how long a worker lives, and of what it may use. The test plays the other side of the wire: for
 * the checker the nursery, which is handed each worker's socket and reads there what it is told; for the
 * worker the checker.
 *
 *  the checker                                   tells a worker
 *  starts sixteen                                half an hour to an hour, to each another time
 *  starts the seventeenth                        one run
 *  is to keep nothing                            one run
 *
 *  the worker                                    is replaced
 *  is within its time                            not
 *  is past its time                              after the run in which that is so
 *  has grown by more than 8 MiB                  after the run in which that is so
 *  has grown by less, or at its first run        not
 *
 *  in a run that                                 a worker
 *  takes as much processor time as those before  goes on: each has its own
 *  takes it without end                          is ended by SIGXCPU
 *  asks for more memory than a run can need      is refused it */
#include "run/worker.h"

#include "base/io.h"
#include "base/pass.h"
#include "base/process.h"
#include "config/pack.h"
#include "harness/fork.h"
#include "harness/rig.h"
#include "harness/wait.h"
#include "run/nursery_wire.h"
#include "run/records.h"
#include "run/worker_hello.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
enum { IS_MEMORY_BOUNDED = 0 }; /* the sanitizer holds back what is freed, so the bound is far away */
#else
enum { IS_MEMORY_BOUNDED = 1 };
#endif

enum { TIMEOUT_MS = 15000, MINUTE_MS = 60 * 1000, MIB = 1024 * 1024 };

/* -- what the checker tells -- */

/* A checker's side whose nursery is the test. */
struct desk {
    struct rig rig;
    struct nursery nursery;
    int fd; /* the nursery's end */
};

static void desk_init(struct desk *desk) {
    int ends[2];
    memset(desk, 0, sizeof *desk);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    desk->nursery = (struct nursery){.fd = ends[0]};
    desk->fd = ends[1];
    rig_init(&desk->rig);
    ck_assert_int_eq(children_use_nursery(&desk->rig.children, &desk->nursery, NULL, NULL), 0);
}

static struct nursery_request next_request(const struct desk *desk, int *fd) {
    struct nursery_request request;
    struct iovec part = {&request, sizeof request};
    union pass_control control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    *fd = -1;
    pass_make_room(&message, &control);
    ck_assert_int_eq(recvmsg(desk->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT), sizeof request);
    pass_take(&message, fd);
    return request;
}

static void idle(struct run *run) {
    (void)run;
}

static const struct check_kind IDLE = {
    .start = check_run_in_child, .work = idle, .cancel = check_cancel_child};

/* Begins a run of a new check, and returns the life that its worker is told. The worker stays, as far as the
 * checker knows, until all have ended. */
static int64_t life_told(struct desk *desk, struct rig_check *own) {
    struct worker_order order;
    struct error err;
    int fd;
    *own = (struct rig_check){.config = {.timeout_ms = TIMEOUT_MS}};
    ck_assert_int_eq(
        check_init(&own->check, &IDLE, &desk->rig.env, &own->config, rig_finished, own, &err), 0);
    ck_assert(check_start(&own->check));
    ck_assert_uint_eq(next_request(desk, &fd).type, NURSERY_FORK);
    ck_assert_int_eq(worker_order_read(fd, &order), 0);
    check_config_release(&order.config);
    close(fd);
    return order.life_ms;
}

static void desk_end(struct desk *desk, struct rig_check *checks, int count) {
    for (int i = 0; i < count; i++)
        check_release(&checks[i].check);
    for (uint64_t id = 1; id <= desk->nursery.last_id; id++) {
        const struct nursery_news ended = {.type = NURSERY_ENDED, .id = id};
        ck_assert_int_eq(send(desk->fd, &ended, sizeof ended, 0), sizeof ended);
    }
    rig_release(&desk->rig);
    close(desk->fd);
    close(desk->nursery.fd);
}

START_TEST(sixteen_are_given_up_to_an_hour_by_chance_and_the_next_one_run) {
    enum { CHECKS = CHILDREN_STAY_MAX + 1 };
    struct rig_check checks[CHECKS];
    struct desk desk;
    int64_t shortest_ms = INT64_MAX, longest_ms = 0;
    desk_init(&desk);
    for (int i = 0; i < CHILDREN_STAY_MAX; i++) {
        int64_t life_ms = life_told(&desk, &checks[i]);
        shortest_ms = life_ms < shortest_ms ? life_ms : shortest_ms;
        longest_ms = life_ms > longest_ms ? life_ms : longest_ms;
    }
    ck_assert_int_eq(life_told(&desk, &checks[CHECKS - 1]), 0);
    ck_assert_msg(shortest_ms > 30 * MINUTE_MS && longest_ms <= 60 * MINUTE_MS, "%lld to %lld ms",
        (long long)shortest_ms, (long long)longest_ms);
    ck_assert_msg(longest_ms - shortest_ms > 5 * MINUTE_MS, "all go within %lld ms",
        (long long)(longest_ms - shortest_ms));
    desk_end(&desk, checks, CHECKS);
}
END_TEST

START_TEST(where_nothing_may_be_kept_each_is_given_one_run) {
    struct rig_check own;
    struct desk desk;
    desk_init(&desk);
    desk.rig.env.lets_go = true;
    ck_assert_int_eq(life_told(&desk, &own), 0);
    desk_end(&desk, &own, 1);
}
END_TEST

/* -- what the worker does -- */

/* A worker whose checker is the test. */
struct trade {
    int fd; /* the checker's end */
    pid_t pid;
    uint64_t asked;
    struct worker_answer answer;
};

static struct trade trade_start(const struct check_kind *kind, int64_t life_ms) {
    int ends[2];
    struct strbuf hello = {0};
    char name[] = "own";
    const struct check_config config = {.name = name, .timeout_ms = TIMEOUT_MS};
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct trade trade = {.fd = ends[0], .pid = test_fork()};
    if (trade.pid == 0) {
        close(ends[0]);
        worker_serve(ends[1], NULL);
        _exit(EXIT_SUCCESS);
    }
    close(ends[1]);
    worker_hello(&hello, kind, &config, life_ms);
    ck_assert(!hello.is_broken);
    ck_assert_int_eq(io_write_all(trade.fd, hello.data, hello.length), 0);
    strbuf_release(&hello);
    return trade;
}

static void ask(struct trade *trade, int64_t remaining_ms) {
    const struct worker_request request = {.run_id = ++trade->asked, .remaining_ms = remaining_ms};
    ck_assert_int_eq(io_write_all(trade->fd, &request, sizeof request), 0);
}

/* Has it do one run, which is to go well. Returns whether it says that this was its last. */
static bool is_last_run(struct trade *trade) {
    struct record_head head;
    ask(trade, TIMEOUT_MS);
    ck_assert_int_eq(io_read_all(trade->fd, &head, sizeof head), 0);
    ck_assert_uint_eq(head.type, RECORD_RESULT);
    ck_assert_int_eq(io_read_all(trade->fd, &trade->answer, sizeof trade->answer), 0);
    ck_assert_uint_eq(trade->answer.run_id, trade->asked);
    ck_assert_int_eq(trade->answer.outcome.reason, REASON_OK);
    return trade->answer.is_last;
}

/* One that has said so goes by itself; any other when its socket is closed. */
static void trade_end(struct trade *trade, bool is_going) {
    int status;
    if (!is_going)
        close(trade->fd);
    ck_assert_int_eq(waitpid(trade->pid, &status, 0), trade->pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    if (is_going)
        close(trade->fd);
}

START_TEST(within_its_time_it_stays) {
    enum { RUNS = 50 };
    struct trade trade = trade_start(&IDLE, 60 * MINUTE_MS);
    for (int i = 0; i < RUNS; i++)
        ck_assert(!is_last_run(&trade));
    trade_end(&trade, false);
}
END_TEST

/* Its time began after the test's own, so it cannot be over sooner. */
START_TEST(past_its_time_it_goes_and_not_before) {
    enum { LIFE_MS = 300 };
    int64_t began_ms = wait_now_ms();
    struct trade trade = trade_start(&IDLE, LIFE_MS);
    struct deadline deadline = deadline_in(TIMEOUT_MS);
    while (!is_last_run(&trade))
        ck_assert_msg(!deadline_is_over(&deadline), "it stays after %d runs", (int)trade.asked);
    ck_assert_int_ge(wait_now_ms() - began_ms, LIFE_MS);
    trade_end(&trade, true);
}
END_TEST

START_TEST(one_that_has_no_time_goes_after_its_run) {
    struct trade trade = trade_start(&IDLE, 0);
    ck_assert(is_last_run(&trade));
    trade_end(&trade, true);
}
END_TEST

/* Takes so much memory, and keeps it. */
static void grow(size_t bytes) {
    char *taken = malloc(bytes);
    if (!taken)
        abort();                  /* a child asserts nothing (harness/fork.h) */
    explicit_bzero(taken, bytes); /* which the compiler does not leave out */
    /* Kept it is. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
}

static void work_grows(struct run *run) {
    (void)run;
    grow(MIB);
}

static void work_begins_big(struct run *run) {
    if (run->is_first)
        grow(20 * MIB);
    else if (run->id <= 7)
        grow(MIB);
}

static const struct check_kind GROWING = {
    .start = check_run_in_child, .work = work_grows, .cancel = check_cancel_child};
static const struct check_kind BIG = {
    .start = check_run_in_child, .work = work_begins_big, .cancel = check_cancel_child};

START_TEST(one_that_has_grown_goes) {
    enum { RUNS = 1 + 8 + 1, SPARE = 2 }; /* the first is what it is measured by */
    if (!IS_MEMORY_BOUNDED)
        return;
    struct trade trade = trade_start(&GROWING, 60 * MINUTE_MS);
    while (!is_last_run(&trade))
        ck_assert_uint_lt(trade.asked, RUNS + SPARE);
    ck_assert_uint_ge(trade.asked, RUNS - SPARE);
    trade_end(&trade, true);
}
END_TEST

START_TEST(what_its_first_run_takes_is_no_growth_nor_is_less_than_the_bound) {
    enum { RUNS = 50 };
    struct trade trade = trade_start(&BIG, 60 * MINUTE_MS);
    for (int i = 0; i < RUNS; i++)
        ck_assert(!is_last_run(&trade));
    trade_end(&trade, false);
}
END_TEST

/* Says how much memory it has; the first run takes a lot, in small pieces, and frees it but for the last: so
 * the allocator, set as worker_enter has it, keeps the others. */
static void work_starts_big(struct run *run) {
    enum { PIECE = 64 * 1024, PIECES = 320 };
    struct process_usage usage;
    char *pieces[PIECES] = {NULL};
    process_reuse_memory();
    for (int i = 0; run->is_first && i < PIECES; i++) {
        pieces[i] = malloc(PIECE);
        if (!pieces[i])
            abort(); /* a child asserts nothing (harness/fork.h) */
        explicit_bzero(pieces[i], PIECE);
    }
    for (int i = 0; i < PIECES - 1; i++)
        free(pieces[i]);
    process_usage(&usage, NULL);
    observed_set(&run->outcome.observed, OBSERVED_TASKS, usage.resident_bytes);
}

static const struct check_kind STARTS_BIG = {
    .start = check_run_in_child, .work = work_starts_big, .cancel = check_cancel_child};

START_TEST(what_its_first_run_alone_needed_is_given_back) {
    if (!IS_MEMORY_BOUNDED)
        return;
    int64_t first_bytes, bytes;
    struct trade trade = trade_start(&STARTS_BIG, 60 * MINUTE_MS);
    ck_assert(!is_last_run(&trade));
    ck_assert(observed_get(&trade.answer.outcome.observed, OBSERVED_TASKS, &first_bytes));
    ck_assert(!is_last_run(&trade));
    ck_assert(observed_get(&trade.answer.outcome.observed, OBSERVED_TASKS, &bytes));
    ck_assert_int_gt(first_bytes, 20 * (int64_t)MIB);
    ck_assert_int_lt(bytes, first_bytes - 16 * (int64_t)MIB);
    trade_end(&trade, false);
}
END_TEST

/* -- what a run may use -- */

enum { BUSY_US = 1100 * 1000, BUSY_RUNS = 3, SHORT_MS = 1 };

/* Says what limit is in force, and takes more than a second. What is left to the last run is too little for
 * what it takes. */
static void work_is_busy(struct run *run) {
    struct rlimit limit;
    bool is_endless = run->id > BUSY_RUNS;
    alarm(0); /* counts real time, of which a busy machine may take any number of seconds */
    getrlimit(RLIMIT_CPU, &limit);
    observed_set(&run->outcome.observed, OBSERVED_TASKS, (int64_t)limit.rlim_cur);
    for (int64_t end_us = process_cpu_us() + BUSY_US; is_endless || process_cpu_us() < end_us;)
        continue;
}

static const struct check_kind BUSY = {
    .start = check_run_in_child, .work = work_is_busy, .cancel = check_cancel_child};

START_TEST(processor_time_is_limited_for_each_run_and_not_for_its_life) {
    struct trade trade = trade_start(&BUSY, 60 * MINUTE_MS);
    int64_t limit_s = 0, before_s;
    int status;
    for (int i = 0; i < BUSY_RUNS; i++) {
        before_s = limit_s;
        ck_assert(!is_last_run(&trade));
        ck_assert(observed_get(&trade.answer.outcome.observed, OBSERVED_TASKS, &limit_s));
        ck_assert_int_gt(limit_s, before_s);
        ck_assert_int_lt(limit_s, TIMEOUT_MS / 1000 + 10);
    }
    ask(&trade, SHORT_MS);
    ck_assert_int_eq(waitpid(trade.pid, &status, 0), trade.pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU, "%x", (unsigned)status);
    close(trade.fd);
}
END_TEST

static void work_is_greedy(struct run *run) {
    enum { STEP = 8 * MIB, STEPS = 16 };
    void *steps[STEPS];
    int taken = 0;
    while (taken < STEPS && (steps[taken] = malloc(STEP)) != NULL)
        taken++;
    for (int i = 0; i < taken; i++)
        free(steps[i]);
    observed_set(&run->outcome.observed, OBSERVED_TASKS, taken);
}

static const struct check_kind GREEDY = {
    .start = check_run_in_child, .work = work_is_greedy, .cancel = check_cancel_child};

START_TEST(memory_is_limited) {
    struct nursery nursery;
    struct rig rig;
    struct error err;
    struct rig_check own = {.config = {.timeout_ms = TIMEOUT_MS}};
    int64_t taken = 0;
    ck_assert_msg(nursery_start(&nursery, false, &err) == 0, "%s", err.text);
    rig_init(&rig);
    ck_assert_int_eq(children_use_nursery(&rig.children, &nursery, NULL, NULL), 0);
    ck_assert_int_eq(check_init(&own.check, &GREEDY, &rig.env, &own.config, rig_finished, &own, &err), 0);
    rig_run(&rig, &own);
    ck_assert_int_eq(own.outcome.reason, REASON_OK);
    ck_assert(observed_get(&own.outcome.observed, OBSERVED_TASKS, &taken));
    ck_assert_msg(!IS_MEMORY_BOUNDED || (taken >= 8 && taken <= 12), "%d times 8 MiB", (int)taken);
    check_release(&own.check);
    rig_release(&rig);
    nursery_stop(&nursery);
}
END_TEST

Suite *worker_life_suite(void) {
    Suite *suite = suite_create("worker_life");
    TCase *tcase = tcase_create("worker_life");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, sixteen_are_given_up_to_an_hour_by_chance_and_the_next_one_run);
    tcase_add_test(tcase, where_nothing_may_be_kept_each_is_given_one_run);
    tcase_add_test(tcase, within_its_time_it_stays);
    tcase_add_test(tcase, past_its_time_it_goes_and_not_before);
    tcase_add_test(tcase, one_that_has_no_time_goes_after_its_run);
    tcase_add_test(tcase, one_that_has_grown_goes);
    tcase_add_test(tcase, what_its_first_run_takes_is_no_growth_nor_is_less_than_the_bound);
    tcase_add_test(tcase, what_its_first_run_alone_needed_is_given_back);
    tcase_add_test(tcase, processor_time_is_limited_for_each_run_and_not_for_its_life);
    tcase_add_test(tcase, memory_is_limited);
    return suite;
}
