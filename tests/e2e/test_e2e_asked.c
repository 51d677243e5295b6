/* End to end: who asks for the paths of probes stands in JSON, on the page and in the metrics. */
#include "e2e/world.h"
#include "harness/wait.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOON_MS = 5000 };

static const char BROWSER[] = "Accept: text/html\r\n";

static void ask(struct world *world, const char *path, const char *headers) {
    ck_assert_int_eq(http_request(world->daemon.port, "GET", path, headers, &world->response), 200);
}

/* A member of a probe in JSON; "null" where it is null. Borrowed until the next call. */
static const char *member(struct world *world, const char *probe, const char *key) {
    static char text[256];
    ask(world, "/health/", "");
    json_t *json = http_json(&world->response);
    const json_t *value = json_object_get(json_object_get(json_object_get(json, "probes"), probe), key);
    ck_assert_msg(value != NULL, "no %s of %s in %s", key, probe, world->response.body);
    if (json_is_string(value))
        snprintf(text, sizeof text, "%s", json_string_value(value));
    else
        snprintf(text, sizeof text, "%s", json_is_null(value) ? "null" : "number");
    json_decref(json);
    return text;
}

static void assert_body_has(const struct world *world, const char *text) {
    ck_assert_msg(strstr(world->response.body, text) != NULL, "no %s in %s", text, world->response.body);
}

START_TEST(who_asks_is_told_in_json_on_the_page_and_in_metrics) {
    struct world *world = world_new();
    world_start(world);
    ck_assert_str_eq(member(world, "live", "last_asked_at"), "null");
    ck_assert_str_eq(member(world, "live", "message"),
        "nobody has asked /health/live/ since the start: is the probe declared on Bugsink's container?");
    for (int i = 0; i < 2; i++)
        ask(world, "/health/live/", "User-Agent: kube-probe/1.36 (more)\r\n");
    ask(world, "/health/self", "user-agent: <b>\"x\r\n");
    ask(world, "/health/ready/default/", "User-Agent: other\r\n");
    ck_assert_str_eq(member(world, "live", "agent"), "kube-probe/1.36");
    ck_assert_str_eq(member(world, "live", "period_s"), "number");
    ck_assert_str_ne(member(world, "live", "last_asked_at"), "null");
    ck_assert_str_eq(member(world, "self", "agent"), "<b>\"x");
    ask(world, "/health/", BROWSER);
    assert_body_has(world, "<code>&#60;b&#62;&#34;x</code>");
    ck_assert_ptr_null(strstr(world->response.body, "<b>"));
    ask(world, "/metrics", "");
    assert_body_has(world, "\nbugsink_health_probe_last_asked_timestamp_seconds{probe=\"live\"} ");
    assert_body_has(world, "\nbugsink_health_probe_period_seconds{probe=\"live\"} ");
    ck_assert_ptr_null(strstr(world->response.body, "kube-probe"));
    world_end(world);
}
END_TEST

START_TEST(that_nobody_asks_any_more_is_told_and_no_verdict) {
    struct world *world = world_new();
    world_start(world);
    for (int i = 0; i < 2; i++)
        ask(world, "/health/live/", "User-Agent: a\r\n");
    world_await(world, "/health/", 200, "nobody has asked /health/live/ for ", SOON_MS);
    ck_assert_int_eq(world_get(world, "/health/ready/"), 200);
    world_end(world);
}
END_TEST

Suite *e2e_asked_suite(void) {
    Suite *suite = suite_create("e2e_asked");
    TCase *tcase = tcase_create("e2e_asked");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, who_asks_is_told_in_json_on_the_page_and_in_metrics);
    tcase_add_test(tcase, that_nobody_asks_any_more_is_told_and_no_verdict);
    return suite;
}
