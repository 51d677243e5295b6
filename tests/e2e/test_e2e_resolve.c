/* End to end: a DNS server that never answers delays no probe, and shows as a timeout in phase resolve. */
#include "e2e/world.h"
#include "harness/namespace.h"
#include "harness/tempdir.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server at 127.0.0.1:53 that takes every question and answers none. Returns its descriptor. */
static int start_silent_dns(const struct world *world) {
    char *resolv = tempdir_path(world->dir, "resolv.conf"),
         *nsswitch = tempdir_path(world->dir, "nsswitch.conf");
    tempdir_write(resolv, "nameserver 127.0.0.1\n");
    tempdir_write(nsswitch, "hosts: dns\n");
    namespace_cover("/etc/resolv.conf", resolv);
    if (access("/etc/nsswitch.conf", F_OK) == 0)
        namespace_cover("/etc/nsswitch.conf", nsswitch);
    free(resolv);
    free(nsswitch);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

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
        world_skip("a_resolver_that_hangs_delays_no_probe", why);
        return;
    }
    struct world *world = world_new();
    int dns = start_silent_dns(world);
    world_write_config(world,
        "{\"databases\": {\"default\": {\"dsn\": \"postgresql://bugsink@db.silent.example/bugsink\", "
        "\"role\": \"main\"},"
        "\"snappea\": {\"dsn\": \"%s\", \"role\": \"queue\"}}}",
        world->queue_db);
    world_start_with(world, NULL, 0);
    int answered = 0, late = 0;
    for (int i = 0; i < 200; i++) {
        answered += world_get(world, "/health/ready/") == 503;
        late += world->response.took_ms >= 400; /* the timeout of a check is 800 ms */
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
