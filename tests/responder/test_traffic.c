/* Tests of the responder's own metrics. */
#include "responder/traffic.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = TRAFFIC_TEXT_SIZE };

static const struct verdicts WELL = {true, true, true};

static void put(char text[SIZE], const struct traffic *traffic, const struct verdicts *verdicts,
    enum exposition_format format) {
    struct exposition page = {.format = format, .text = strbuf_in(text, SIZE)};
    const struct responder_state state = {
        .connections = 3, .started_at_ms = 1795428000000, .usage = {.cpu_ms = 1234, .open_descriptors = -1}};
    traffic_put(&page, traffic, verdicts, &state);
    ck_assert(!page.text.is_broken);
}

static const struct {
    const char *path;
    int status;
    const char *sample;
} ROWS[] = {
    {"/health/live", 200, "{path=\"/health/live/\",code=\"200\"} 1\n"},
    {"/health/live/", 503, "{path=\"/health/live/\",code=\"503\"} 1\n"},
    {"/health/ready/", 503, "{path=\"/health/ready/\",code=\"503\"} 1\n"},
    {"/health/", 200, "{path=\"/health/\",code=\"200\"} 1\n"},
    {"/health", 405, "{path=\"/health/\",code=\"405\"} 1\n"},
    {"/health/ready/snappea/", 200, "{path=\"/health/ready/NAME/\",code=\"200\"} 1\n"},
    {"/health/ready/a", 503, "{path=\"/health/ready/NAME/\",code=\"503\"} 1\n"},
    {"/health/started", 200, "{path=\"/health/started/\",code=\"200\"} 1\n"},
    {"/health/self/", 200, "{path=\"/health/self/\",code=\"200\"} 1\n"},
    {"/metrics", 200, "{path=\"/metrics\",code=\"200\"} 1\n"},
    {"/metrics/", 200, "{path=\"/metrics\",code=\"200\"} 1\n"},
    {"/health/ready/nosuch", 404, "{path=\"other\",code=\"404\"} 1\n"},
    {"/secret\"path", 404, "{path=\"other\",code=\"404\"} 1\n"},
    {"/anything", 405, "{path=\"other\",code=\"405\"} 1\n"},
    {"", 400, "{path=\"other\",code=\"400\"} 1\n"},
    {"", 408, "{path=\"other\",code=\"408\"} 1\n"},
    {"", 431, "{path=\"other\",code=\"431\"} 1\n"},
    {"", 405, "{path=\"other\",code=\"405\"} 1\n"},
    {"/", 404, "{path=\"other\",code=\"404\"} 1\n"},
};

START_TEST(each_request_is_counted_by_path_and_status_and_nothing_a_client_wrote_is_told) {
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct traffic traffic = {0};
        char text[SIZE], sample[160] = "\nbugsink_health_http_requests_total";
        traffic_count(&traffic, ROWS[i].path, strlen(ROWS[i].path), ROWS[i].status);
        put(text, &traffic, &WELL, EXPOSITION_TEXT);
        strncat(sample, ROWS[i].sample, sizeof sample - strlen(sample) - 1);
        const char *found = strstr(text, sample);
        ck_assert_msg(found != NULL, "%s\n%s", ROWS[i].path, text);
        ck_assert_ptr_null(strstr(found + strlen(sample), "requests_total{"));
        ck_assert_ptr_null(strstr(text, "secret"));
    }
}
END_TEST

START_TEST(the_whole_part_is_as_it_should_be) {
    static const char EXPECTED[] =
        "# HELP bugsink_health_checker_up Whether the checking process reports; while it does not, nothing "
        "it knew is told.\n"
        "# TYPE bugsink_health_checker_up gauge\nbugsink_health_checker_up 1\n"
        "# HELP bugsink_health_ready Whether /health/ready/ answers 200.\n"
        "# TYPE bugsink_health_ready gauge\nbugsink_health_ready 0\n"
        "# HELP bugsink_health_live Whether /health/live/ answers 200.\n"
        "# TYPE bugsink_health_live gauge\nbugsink_health_live 1\n";
    static const char *const LINES[] = {"bugsink_health_http_connections 3",
        "bugsink_health_http_connections_accepted_total 9", "bugsink_health_http_connections_evicted_total 2",
        "bugsink_health_http_accept_pauses_total 1",
        "bugsink_health_responder_start_time_seconds 1795428000.000",
        "bugsink_health_responder_cpu_seconds_total 1.234",
        "bugsink_health_responder_resident_memory_bytes 0"};
    const struct traffic traffic = {.accepted = 9, .evicted = 2, .pauses = 1};
    const struct verdicts verdicts = {.is_fresh = true, .is_live = true};
    char text[SIZE];
    put(text, &traffic, &verdicts, EXPOSITION_OPENMETRICS);
    ck_assert_int_eq(strncmp(text, EXPECTED, sizeof EXPECTED - 1), 0);
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        const char *found = strstr(text, LINES[i]);
        ck_assert_msg(
            found && found[-1] == '\n' && found[strlen(LINES[i])] == '\n', "%s\n%s", LINES[i], text);
    }
    ck_assert_ptr_null(strstr(text, "open_fds")); /* the system did not tell */
    ck_assert_str_eq(text + strlen(text) - 7, "\n# EOF\n");
}
END_TEST

START_TEST(whatever_was_counted_it_fits) {
    struct traffic traffic = {.accepted = INT64_MAX, .evicted = INT64_MAX, .pauses = INT64_MAX};
    char text[SIZE];
    for (int path = 0; path < ROUTE_COUNT; path++)
        for (int status = 0; status < TRAFFIC_STATUS_COUNT; status++)
            traffic.requests[path][status] = INT64_MAX;
    struct exposition page = {.format = EXPOSITION_OPENMETRICS, .text = strbuf_in(text, SIZE)};
    const struct responder_state state = {
        SIZE_MAX / 2, INT64_MAX, {INT64_MAX, INT64_MAX, INT64_MAX, 1 << 30}};
    traffic_put(&page, &traffic, &WELL, &state);
    ck_assert(!page.text.is_broken);
}
END_TEST

Suite *traffic_suite(void) {
    Suite *suite = suite_create("traffic");
    TCase *tcase = tcase_create("traffic");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, each_request_is_counted_by_path_and_status_and_nothing_a_client_wrote_is_told);
    tcase_add_test(tcase, the_whole_part_is_as_it_should_be);
    tcase_add_test(tcase, whatever_was_counted_it_fits);
    return suite;
}
