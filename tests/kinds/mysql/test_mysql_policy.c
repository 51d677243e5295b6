/* Tests of policy and schedule where looking brings a lock-out nearer, in virtual time. */
#include "checker/judged.h"

#include <check.h>

static struct judged mysql_world(void) {
    struct judged world = judged_new();
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
    {REASON_RESET, PHASE_CONNECT, KIND_MYSQL, RETRY_FAST}, /* closed before the greeting, by a proxy */
    {REASON_TLS, PHASE_OPEN, KIND_MYSQL, RETRY_FAST},
    {REASON_TIMEOUT, PHASE_QUERY, KIND_MYSQL, RETRY_FAST}, /* nor what comes after the login */
    {REASON_RESET, PHASE_QUERY, KIND_MYSQL, RETRY_FAST},
    {REASON_TIMEOUT, PHASE_AUTH, KIND_POSTGRES, RETRY_FAST}, /* and PostgreSQL does not count at all */
    {REASON_TLS, PHASE_TLS, KIND_POSTGRES, RETRY_FAST},
};

START_TEST(only_broken_handshakes_with_mysql_slow_the_looking_down_to_minutes) {
    struct judged world = mysql_world();
    world.config.kind = HANDSHAKES[_i].kind;
    judged_find_in_phase(&world, HANDSHAKES[_i].reason, HANDSHAKES[_i].phase);
    ck_assert_int_eq(world.memory.retry, HANDSHAKES[_i].retry);
}
END_TEST

START_TEST(hung_handshakes_slow_the_looking_down_to_half_an_hour_and_broken_ones_to_ten_minutes) {
    static const int64_t HUNG[] = {10000, 300000, 1500000, 1800000, 1800000, 1800000},
                         BROKEN[] = {10000, 60000, 300000, 600000, 600000, 600000};
    for (int is_hung = 0; is_hung < 2; is_hung++) {
        struct judged world = mysql_world();
        for (size_t i = 0; i < sizeof HUNG / sizeof HUNG[0]; i++) {
            judged_find_in_phase(&world, is_hung ? REASON_TIMEOUT : REASON_RESET, PHASE_AUTH);
            ck_assert_int_eq(judged_delay(&world, 10, 5), is_hung ? HUNG[i] : BROKEN[i]);
        }
    }
    struct judged world = mysql_world();
    for (int i = 0; i < 3; i++) /* both count, and the last one says how long the pause is */
        judged_find_in_phase(&world, i < 2 ? REASON_RESET : REASON_TIMEOUT, PHASE_AUTH);
    ck_assert_int_eq(judged_delay(&world, 10, 5), HUNG[2]);
    judged_find_in_phase(&world, REASON_OK, PHASE_NONE);
    judged_find_in_phase(&world, REASON_TIMEOUT, PHASE_AUTH);
    ck_assert_int_eq(judged_delay(&world, 10, 5), 10000);
    world.config.retry_interval_ms = 60000; /* the pauses are never shorter than asked for */
    ck_assert_int_eq(judged_delay(&world, 10, 5), 60000);
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
    struct judged world = mysql_world();
    for (int i = 0; i < 3; i++)
        judged_find_in_phase(&world, REASON_TIMEOUT, PHASE_AUTH);
    judged_find_in_phase(&world, BETWEEN[_i].reason, BETWEEN[_i].phase);
    judged_find_in_phase(&world, REASON_TIMEOUT, PHASE_AUTH);
    ck_assert_int_eq(judged_delay(&world, 10, 5), BETWEEN[_i].has_forgotten ? 10000 : 1800000);
}
END_TEST

START_TEST(a_blocked_host_is_left_alone_for_five_minutes_at_once) {
    struct judged world = mysql_world();
    judged_find_in_phase(&world, REASON_HOST_BLOCKED, PHASE_AUTH);
    ck_assert_int_eq(judged_delay(&world, 10, 5), 300000);
    world.config.interval_ms = 600000;
    ck_assert_int_eq(judged_delay(&world, 10, 5), 600000);
}
END_TEST

/* A server that accepts and never answers, at the standard settings: each look is one handshake that the
 * server will count when it wakes. No hour, wherever it begins, may hold five of them. */
START_TEST(a_server_that_hangs_is_looked_at_less_than_five_times_in_an_hour) {
    enum { DAY_MS = 24 * 3600 * 1000, HOUR_MS = 3600 * 1000, MANY = 100 };
    struct judged world = mysql_world();
    int64_t times_ms[MANY], begin_ms = world.now_ms;
    int attempts = 0, in_first_hour = 0;
    for (; world.now_ms < begin_ms + DAY_MS; attempts++) {
        ck_assert_int_lt(attempts, MANY);
        times_ms[attempts] = world.now_ms;
        in_first_hour += world.now_ms < begin_ms + HOUR_MS;
        if (attempts >= 4)
            ck_assert_int_ge(world.now_ms - times_ms[attempts - 4], HOUR_MS);
        world.now_ms += world.config.timeout_ms;
        judged_find_in_phase(&world, REASON_TIMEOUT, PHASE_AUTH);
        world.now_ms += judged_delay(&world, world.config.timeout_ms, 0);
    }
    ck_assert_int_eq(in_first_hour, 4);
    ck_assert_int_eq(attempts, 50); /* in a day: half of the standard max_connect_errors */
}
END_TEST

Suite *mysql_policy_suite(void) {
    Suite *suite = suite_create("mysql_policy");
    TCase *tcase = tcase_create("mysql_policy");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, only_broken_handshakes_with_mysql_slow_the_looking_down_to_minutes, 0,
        sizeof HANDSHAKES / sizeof HANDSHAKES[0]);
    tcase_add_test(
        tcase, hung_handshakes_slow_the_looking_down_to_half_an_hour_and_broken_ones_to_ten_minutes);
    tcase_add_test(tcase, a_blocked_host_is_left_alone_for_five_minutes_at_once);
    tcase_add_test(tcase, a_server_that_hangs_is_looked_at_less_than_five_times_in_an_hour);
    tcase_add_loop_test(tcase, only_a_complete_login_makes_the_server_forget_broken_ones, 0,
        sizeof BETWEEN / sizeof BETWEEN[0]);
    return suite;
}
