/* End to end: the metrics in both formats, what they count while things break and mend, and what they say
 * when the checker says nothing. */
#include "e2e/world.h"
#include "harness/crowd.h"
#include "harness/skip.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOON_MS = 3000, LEASE_AND_MORE_MS = 8000, CONNECTIONS = 256 };

static const char TEXT[] = "text/plain; version=0.0.4; charset=utf-8";
static const char OPENMETRICS[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";

static int scrape(struct world *world, const char *headers) {
    return http_request(world->daemon.port, "GET", "/metrics", headers, &world->response);
}

/* The value of that sample in the last answer, -1 where there is none. */
static double value_of(const struct world *world, const char *sample) {
    char line[256];
    snprintf(line, sizeof line, "\n%s ", sample);
    const char *found = strstr(world->response.body, line);
    return found ? strtod(found + strlen(line), NULL) : -1;
}

struct sight {
    struct world *world;
    const char *sample;
    double value;
};

static bool is_seen(void *arg) {
    const struct sight *sight = arg;
    ck_assert_int_eq(scrape(sight->world, ""), 200);
    double value = value_of(sight->world, sight->sample);
    return value >= sight->value && value <= sight->value;
}

static void await(struct world *world, const char *sample, double value, int64_t timeout_ms) {
    struct sight sight = {world, sample, value};
    ck_assert_msg(
        wait_until(is_seen, &sight, timeout_ms), "never: %s %g\n%s", sample, value, world->response.body);
}

static const struct {
    const char *headers, *type;
} SCRAPERS[] = {
    {"", TEXT},
    {"Accept: */*\r\n", TEXT},
    {"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n", TEXT},
    {"Accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n",
        OPENMETRICS},
};

START_TEST(each_scraper_gets_its_format) {
    struct world *world = world_new();
    world_start(world);
    for (size_t i = 0; i < sizeof SCRAPERS / sizeof SCRAPERS[0]; i++) {
        char value[128];
        ck_assert_int_eq(scrape(world, SCRAPERS[i].headers), 200);
        ck_assert(world->response.is_whole);
        ck_assert(http_header(&world->response, "Content-Type", value, sizeof value));
        ck_assert_str_eq(value, SCRAPERS[i].type);
        ck_assert(http_header(&world->response, "Vary", value, sizeof value));
        size_t length = strlen(world->response.body);
        bool has_end = strcmp(world->response.body + length - 7, "\n# EOF\n") == 0;
        ck_assert(has_end == (SCRAPERS[i].type == OPENMETRICS));
    }
    ck_assert_int_eq(world_get(world, "/metrics/"), 200);
    ck_assert_int_eq(world_get(world, "/metrics/x"), 404);
    ck_assert_int_eq(http_request(world->daemon.port, "POST", "/metrics", "", &world->response), 405);
    world_end(world);
}
END_TEST

START_TEST(a_failure_and_its_end_are_counted_and_a_reload_forgets_nothing) {
    static const char STATUS[] =
        "bugsink_health_check_status{check=\"default\",kind=\"sqlite\",status=\"error\"}";
    static const char FAILURES[] =
        "bugsink_health_check_failures_total{check=\"default\",kind=\"sqlite\",code=\"file_missing\"}";
    static const char TRANSITIONS[] =
        "bugsink_health_check_transitions_total{check=\"default\",kind=\"sqlite\"}";
    struct world *world = world_new();
    char away[320];
    world_start(world);
    await(world, STATUS, 0, SOON_MS);
    ck_assert(value_of(world, "bugsink_health_ready") > 0);
    ck_assert(value_of(world, FAILURES) < 0);
    snprintf(away, sizeof away, "%s.away", world->main_db);
    ck_assert_int_eq(rename(world->main_db, away), 0);
    await(world, STATUS, 1, SOON_MS);
    ck_assert(value_of(world, "bugsink_health_ready") < 1);
    ck_assert(value_of(world, FAILURES) >= 1);
    ck_assert(value_of(world, TRANSITIONS) > 0 && value_of(world, TRANSITIONS) < 2);
    ck_assert_int_eq(rename(away, world->main_db), 0);
    await(world, "bugsink_health_ready", 1, SOON_MS);
    ck_assert(value_of(world, TRANSITIONS) > 1);
    double failures = value_of(world, FAILURES);
    double read_at = value_of(world, "bugsink_health_config_last_reload_success_timestamp_seconds");
    ck_assert(failures >= 1 && read_at > 0);
    kill(world->daemon.checker, SIGHUP);
    struct deadline deadline = deadline_in(SOON_MS);
    do {
        ck_assert(!deadline_is_over(&deadline));
        ck_assert_int_eq(scrape(world, ""), 200);
    } while (value_of(world, "bugsink_health_config_last_reload_success_timestamp_seconds") <= read_at);
    ck_assert(value_of(world, FAILURES) >= failures);
    world_end(world);
}
END_TEST

START_TEST(a_reload_that_fails_is_told_until_one_succeeds) {
    static const char SUCCESSFUL[] = "bugsink_health_config_last_reload_successful";
    static const char GOOD[] = "{\"databases\": {\"default\": {\"dsn\": \"%s\", \"role\": \"%s\"}}}";
    struct world *world = world_new();
    world_write_config(world, GOOD, world->main_db, "main");
    world_start(world);
    await(world, SUCCESSFUL, 1, SOON_MS);
    world_write_config(world, GOOD, world->main_db, "nosuch");
    kill(world->daemon.checker, SIGHUP);
    await(world, SUCCESSFUL, 0, SOON_MS);
    ck_assert(value_of(world, "bugsink_health_ready") > 0);
    world_write_config(world, GOOD, world->main_db, "plain");
    kill(world->daemon.checker, SIGHUP);
    await(world, SUCCESSFUL, 1, SOON_MS);
    world_end(world);
}
END_TEST

START_TEST(a_wedged_checker_is_told_and_nothing_that_it_knew) {
    struct world *world = world_new();
    world_start(world);
    await(world, "bugsink_health_checker_up", 1, SOON_MS);
    ck_assert_ptr_nonnull(strstr(world->response.body, "bugsink_health_check_status{"));
    kill(world->daemon.checker, SIGSTOP);
    await(world, "bugsink_health_checker_up", 0, LEASE_AND_MORE_MS);
    ck_assert(value_of(world, "bugsink_health_ready") < 1);
    ck_assert(value_of(world, "bugsink_health_live") > 0); /* as /health/live/ says, for half a minute */
    ck_assert_ptr_null(strstr(world->response.body, "bugsink_health_check_"));
    ck_assert_ptr_null(strstr(world->response.body, "process_"));
    ck_assert(value_of(world, "bugsink_health_http_connections") > 0);
    kill(world->daemon.checker, SIGCONT);
    await(world, "bugsink_health_checker_up", 1, SOON_MS);
    await(world, "bugsink_health_ready", 1, SOON_MS);
    world_end(world);
}
END_TEST

START_TEST(draining_is_told) {
    struct world *world = world_new();
    world_start(world);
    kill(world->daemon.checker, SIGTERM);
    await(world, "bugsink_health_draining", 1, SOON_MS);
    ck_assert(value_of(world, "bugsink_health_ready") < 1);
    ck_assert(value_of(world, "bugsink_health_live") > 0);
    world_end(world);
}
END_TEST

START_TEST(requests_and_both_processes_are_counted) {
    struct world *world = world_new();
    world_start(world);
    ck_assert_int_eq(scrape(world, ""), 200);
    static const char READY[] = "bugsink_health_http_requests_total{path=\"/health/ready/\",code=\"200\"}";
    static const char CHECK[] =
        "bugsink_health_http_requests_total{path=\"/health/ready/NAME/\",code=\"200\"}";
    double before = value_of(world, READY);
    double accepted = value_of(world, "bugsink_health_http_connections_accepted_total");
    for (int i = 0; i < 3; i++)
        world_get(world, "/health/ready/");
    world_get(world, "/health/ready/default");
    world_get(world, "/no\"such");
    ck_assert_int_eq(scrape(world, ""), 200);
    ck_assert(value_of(world, READY) > before + 2.5 && value_of(world, READY) < before + 3.5);
    ck_assert(value_of(world, CHECK) >= 1);
    ck_assert(value_of(world, "bugsink_health_http_requests_total{path=\"other\",code=\"404\"}") >= 1);
    ck_assert(value_of(world, "bugsink_health_http_connections_accepted_total") > accepted + 5.5);
    ck_assert(value_of(world, "bugsink_health_http_connections") > 0);
    ck_assert(value_of(world, "process_cpu_seconds_total") > 0);
    ck_assert(value_of(world, "process_resident_memory_bytes") > 1e6);
    ck_assert(value_of(world, "process_open_fds") > 3);
    ck_assert(value_of(world, "bugsink_health_responder_resident_memory_bytes") > 1e6);
    ck_assert(value_of(world, "bugsink_health_responder_open_fds") > 3);
    ck_assert_ptr_null(strstr(world->response.body, "no\""));
    ck_assert_ptr_null(strstr(world->response.body, world->dir));
    world_end(world);
}
END_TEST

START_TEST(connections_that_made_room_are_counted) {
    if (!crowd_is_allowed(CONNECTIONS + 100)) {
        skip_test("connections_that_made_room_are_counted", "RLIMIT_NOFILE (ulimit -Hn) is too low");
        return;
    }
    struct world *world = world_new();
    struct crowd crowd;
    world_start(world);
    /* Half a request: the kernel keeps who has said nothing for a second before it hands the connection out.
     */
    crowd_open(&crowd, world->daemon.port, CONNECTIONS + 100, "GET");
    ck_assert_int_eq(scrape(world, ""), 200);
    ck_assert(value_of(world, "bugsink_health_http_connections_evicted_total") >= 100);
    double open = value_of(world, "bugsink_health_http_connections");
    ck_assert(open > 1 && open <= CONNECTIONS);
    crowd_close(&crowd);
    world_end(world);
}
END_TEST

Suite *e2e_metrics_suite(void) {
    Suite *suite = suite_create("e2e_metrics");
    TCase *tcase = tcase_create("e2e_metrics");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, each_scraper_gets_its_format);
    tcase_add_test(tcase, a_failure_and_its_end_are_counted_and_a_reload_forgets_nothing);
    tcase_add_test(tcase, a_reload_that_fails_is_told_until_one_succeeds);
    tcase_add_test(tcase, a_wedged_checker_is_told_and_nothing_that_it_knew);
    tcase_add_test(tcase, draining_is_told);
    tcase_add_test(tcase, requests_and_both_processes_are_counted);
    tcase_add_test(tcase, connections_that_made_room_are_counted);
    return suite;
}
