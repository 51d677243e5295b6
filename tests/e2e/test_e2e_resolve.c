/* End to end: a DNS server that never answers delays no probe, and shows as a timeout in phase resolve. */
#include "e2e/world.h"
#include "harness/namespace.h"
#include "harness/skip.h"

#include <check.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void assert_phase(struct world *world, const char *check, const char *expected) {
    world_get(world, "/health/");
    json_t *json = http_json(&world->response);
    json_t *value = json_object_get(json_object_get(json_object_get(json, "checks"), check), "phase");
    ck_assert_msg(
        json_is_string(value) && strcmp(json_string_value(value), expected) == 0, "%s", world->response.body);
    json_decref(json);
}

START_TEST(a_resolver_that_hangs_delays_no_probe) {
    const char *why = namespace_enter();
    if (why) {
        skip_test("a_resolver_that_hangs_delays_no_probe", why);
        return;
    }
    struct world *world = world_new();
    int dns = namespace_silent_dns(world->dir);
    world_write_config(world,
        "{\"databases\": {\"default\": {\"dsn\": \"postgresql://bugsink@db.silent.example/bugsink\", "
        "\"role\": \"main\"},"
        "\"snappea\": {\"dsn\": \"%s\", \"role\": \"queue\"}}}",
        world->queue_db);
    world_start_with(world, NULL, 0);
    int answered = 0, late = 0;
    for (int i = 0; i < 200; i++) {
        answered += world_get(world, "/health/ready/") == 503;
        late += world->response.free_ms >= 400; /* the timeout of a check is 800 ms */
    }
    ck_assert_int_eq(answered, 200);
    ck_assert_int_eq(late, 0);
    world_await_check(world, "default", "error: timeout", 3000);
    assert_phase(world, "default", "resolve");
    ck_assert_int_eq(world_get(world, "/health/ready/snappea/"), 200);
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    char question[512];
    ck_assert_msg(recv(dns, question, sizeof question, MSG_DONTWAIT) > 0, "the server was never asked");
    close(dns);
    world_end(world);
}
END_TEST

Suite *e2e_resolve_suite(void) {
    Suite *suite = suite_create("e2e_resolve");
    TCase *tcase = tcase_create("e2e_resolve");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_resolver_that_hangs_delays_no_probe);
    return suite;
}
