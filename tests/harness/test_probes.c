/* The probing client: each way in which a probe can fail is told from the others, and one that is late is
 * counted as late. */
#include "harness/probes.h"

#include "harness/peer.h"

#include <check.h>
#include <string.h>

enum { COUNT = 6, TIMEOUT_MS = 1500, INTERVAL_US = 5000 };

struct seen {
    int ends[PROBE_END_COUNT];
    int per_path[2];
    int status;
    int64_t longest_us;
};

static void note(void *arg, const struct probe_answer *answer) {
    struct seen *seen = arg;
    seen->ends[answer->end]++;
    seen->per_path[answer->path]++;
    seen->status = answer->status;
    if (answer->took_us > seen->longest_us)
        seen->longest_us = answer->took_us;
}

static struct seen probe(int port) {
    static const char *const PATHS[] = {"/a/", "/b/"};
    struct seen seen = {.status = -1};
    const struct probe_plan plan = {.address = "127.0.0.1",
        .port = port,
        .paths = PATHS,
        .path_count = 2,
        .interval_us = INTERVAL_US,
        .count = COUNT,
        .timeout_ms = TIMEOUT_MS,
        .done = note,
        .arg = &seen};
    ck_assert(probes_run(&plan));
    return seen;
}

static const struct {
    const char *reply;
    int drip_ms;
    enum peer_ending closes;
    enum probe_end end;
    int status;
} PEERS[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", 0, PEER_HOLDS, PROBE_ANSWERED, 200},
    {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 0, PEER_CLOSES, PROBE_ANSWERED, 503},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nOK", 0, PEER_CLOSES, PROBE_BROKEN, 200},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nOK", 0, PEER_HOLDS, PROBE_LATE, 200},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", 50, PEER_HOLDS, PROBE_LATE, 200},
    {"SSH-2.0\r\nContent-Length: 0\r\n\r\n", 0, PEER_HOLDS, PROBE_BROKEN, 0},
    {NULL, 0, PEER_HOLDS, PROBE_LATE, 0},
    {NULL, 0, PEER_CLOSES, PROBE_BROKEN, 0},
    {NULL, 0, PEER_RESETS, PROBE_RESET, 0},
};

START_TEST(each_end_of_a_probe_is_told_from_the_others) {
    const char *reply = PEERS[_i].reply;
    const struct peer_script script = {.reads = 1,
        .reply = reply,
        .reply_size = reply ? strlen(reply) : 0,
        .drip_ms = PEERS[_i].drip_ms,
        .closes = PEERS[_i].closes};
    struct peer peer = peer_start(&script);
    struct seen seen = probe(peer.port);
    peer_stop(&peer);
    ck_assert_msg(seen.ends[PEERS[_i].end] == COUNT, "peer %d: %d answered, %d late, %d reset, %d broken", _i,
        seen.ends[PROBE_ANSWERED], seen.ends[PROBE_LATE], seen.ends[PROBE_RESET], seen.ends[PROBE_BROKEN]);
    ck_assert_int_eq(seen.per_path[0], COUNT / 2);
    ck_assert_int_eq(seen.per_path[1], COUNT / 2);
    if (PEERS[_i].drip_ms == 0)
        ck_assert_int_eq(seen.status, PEERS[_i].status);
    if (PEERS[_i].end == PROBE_LATE)
        ck_assert_int_ge(seen.longest_us, TIMEOUT_MS * 1000);
}
END_TEST

START_TEST(a_probe_of_a_port_on_which_nobody_listens_is_refused) {
    struct seen seen = probe(peer_free_port());
    ck_assert_int_eq(seen.ends[PROBE_REFUSED], COUNT);
}
END_TEST

START_TEST(a_quantile_is_the_smallest_below_which_so_many_lie) {
    uint32_t us[100];
    struct durations durations = {.us = us, .capacity = 100};
    ck_assert_int_eq(durations_quantile(&durations, 5000), 0);
    for (int i = 100; i >= 0; i--) /* the last one finds no room */
        durations_add(&durations, i);
    ck_assert_int_eq(durations_quantile(&durations, 5000), 50);
    ck_assert_int_eq(durations_quantile(&durations, 9900), 99);
    ck_assert_int_eq(durations_quantile(&durations, 9901), 100);
    ck_assert_int_eq(durations_quantile(&durations, 10000), 100);
    ck_assert_int_eq(durations_quantile(&durations, 0), 1);
}
END_TEST

Suite *probes_suite(void) {
    Suite *suite = suite_create("probes");
    TCase *tcase = tcase_create("probes");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(
        tcase, each_end_of_a_probe_is_told_from_the_others, 0, sizeof PEERS / sizeof PEERS[0]);
    tcase_add_test(tcase, a_probe_of_a_port_on_which_nobody_listens_is_refused);
    tcase_add_test(tcase, a_quantile_is_the_smallest_below_which_so_many_lie);
    return suite;
}
