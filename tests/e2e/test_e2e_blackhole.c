/* End to end: packets to a real PostgreSQL or MariaDB are lost, not refused: a timeout by the deadline, in
 * phase connect, and the end of that shows within 2 s at the standard times, also at the moments when a SYN
 * has just been lost: the kernel repeats it after 1 s and then 3 s only (Linux before 6.5, and here; later
 * ones each second). */
#include "e2e/world.h"
#include "harness/mariadb.h"
#include "harness/namespace.h"
#include "harness/postgres.h"
#include "harness/skip.h"
#include "harness/wait.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SHOWS_MS = 5000, RECOVERS_MS = 2000, DEADLINE_MS = 3000, SLACK_MS = 1000 };

/* Just after the SYNs of the second run: begun at once, or after a pause of 1 s. */
static const int ENDS_AFTER_MS[] = {1150, 2150};
enum { COUNT = sizeof ENDS_AFTER_MS / sizeof ENDS_AFTER_MS[0] };

static const char *enter(void) {
    const char *why = geteuid() == 0 ? namespace_enter() : "only root may run the server in a namespace";
    if (why)
        return why;
    FILE *linear = fopen("/proc/sys/net/ipv4/tcp_syn_linear_timeouts", "w");
    if (linear) {
        fprintf(linear, "0");
        fclose(linear);
    }
    return namespace_filter("");
}

static void lose_packets(const char *dsn, int port, int ends_after_ms) {
    struct world *world = world_new();
    char rules[128];
    world_write_config(world, "{\"databases\": {\"default\": {\"dsn\": \"%s\"}}}", dsn);
    envlist_unset(&world->environment, "BUGSINK_HEALTH_INTERVAL");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_TIMEOUT");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_RETRY_INTERVAL");
    snprintf(rules, sizeof rules, "tcp dport %d drop", port);
    ck_assert_ptr_null(namespace_filter(rules));
    struct stopwatch begun = stopwatch_start();
    world_start_with(world, NULL, 0);
    world_await_check(world, "default", "error: timeout", SHOWS_MS);
    int64_t seen_ms = wait_now_ms();
    ck_assert_int_lt(stopwatch_free_ms(&begun), DEADLINE_MS + SLACK_MS);
    world_await(world, "/health/", 503, "\"phase\": \"connect\"", SHOWS_MS);
    poll(NULL, 0, ends_after_ms); /* the moment is what is tested */
    ck_assert_ptr_null(namespace_filter(""));
    int64_t ended_ms = wait_now_ms() - seen_ms;
    int64_t took_ms = world_await(world, "/health/ready/default/", 200, "", RECOVERS_MS);
    printf("packet loss that ends %d ms after the first timeout: well after %d ms\n", (int)ended_ms,
        (int)took_ms);
    world_end(world);
}

START_TEST(the_end_of_packet_loss_shows_within_two_seconds) {
    const char *why = enter();
    if (why) {
        skip_test("the_end_of_packet_loss_shows_within_two_seconds", why);
        return;
    }
    struct postgres_server *server = postgres_start(NULL);
    char *dsn = postgres_dsn(server, "bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink", "");
    for (size_t i = 0; i < COUNT; i++)
        lose_packets(dsn, server->port, ENDS_AFTER_MS[i]);
    free(dsn);
    postgres_free(server);
}
END_TEST

#ifdef WITH_MYSQL
START_TEST(so_it_does_with_mariadb) {
    const char *why = enter();
    if (why) {
        skip_test("so_it_does_with_mariadb", why);
        return;
    }
    struct mariadb_server *server = mariadb_start(NULL);
    char *dsn = mariadb_dsn(server, "bugsink", MARIADB_PASSWORD_ENCODED, "bugsink", "");
    for (size_t i = 0; i < COUNT; i++)
        lose_packets(dsn, server->port, ENDS_AFTER_MS[i]);
    free(dsn);
    mariadb_free(server);
}
END_TEST
#endif

Suite *e2e_blackhole_suite(void) {
    Suite *suite = suite_create("e2e_blackhole");
    TCase *tcase = tcase_create("e2e_blackhole");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_end_of_packet_loss_shows_within_two_seconds);
#ifdef WITH_MYSQL
    tcase_add_test(tcase, so_it_does_with_mariadb);
#endif
    return suite;
}
