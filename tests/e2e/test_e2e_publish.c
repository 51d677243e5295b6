/* End to end: news that cannot be published lets the lease of the old pages run out, so that an old "ready"
 * is never served for longer; and the first news that can be published is. */
#include "e2e/world.h"
#include "harness/skip.h"
#include "harness/tempdir.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { LEASE_AND_MORE_MS = 7000, SOON_MS = 2000, DATABASES = 60 };

/* Many checks make pages larger than what the allocator has at hand. */
static void write_many_checks(struct world *world) {
    static char text[32768];
    size_t length = (size_t)snprintf(text, sizeof text,
        "{\"interval\": \"60s\", \"timeout\": \"5s\", \"retry_interval\": \"60s\", \"databases\": {\n"
        "\"snappea\": null, \"default\": {\"dsn\": \"%s\"}",
        world->main_db);
    for (int i = 0; i < DATABASES; i++)
        length += (size_t)snprintf(text + length, sizeof text - length,
            ",\n\"a%d\": {\"dsn\": \"/nosuch/file\", \"critical\": false}", i);
    snprintf(text + length, sizeof text - length, "}}\n");
    world_write_config(world, "{}"); /* names the file */
    tempdir_write(world->config, text);
    envlist_unset(&world->environment, "BUGSINK_HEALTH_INTERVAL");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_TIMEOUT");
    envlist_unset(&world->environment, "BUGSINK_HEALTH_RETRY_INTERVAL");
}

START_TEST(without_memory_for_new_pages_the_old_ones_go_stale) {
    if (world_is_sanitized()) {
        skip_test("without_memory_for_new_pages_the_old_ones_go_stale",
            "a sanitizer does not live with a limit to its memory");
        return;
    }
    struct world *world = world_new();
    write_many_checks(world);
    /* glibc: give what is free back to the kernel at once, so that the next rendering has to ask for it. */
    envlist_set(&world->environment, "MALLOC_TRIM_THRESHOLD_=0");
    envlist_set(&world->environment, "MALLOC_TOP_PAD_=0");
    world_start(world);
    world_await(world, "/health/started/", 200, "", SOON_MS);

    struct rlimit unlimited, none;
    ck_assert_int_eq(prlimit(world->daemon.checker, RLIMIT_AS, NULL, &unlimited), 0);
    none = (struct rlimit){4096, unlimited.rlim_max};
    ck_assert_int_eq(prlimit(world->daemon.checker, RLIMIT_AS, &none, NULL), 0);
    kill(world->daemon.checker, SIGHUP); /* news: at least that the reload failed */
    ck_assert(daemon_wait_log(&world->daemon, "publish failed", "", SOON_MS));
    ck_assert_int_eq(world_get(world, "/health/ready/"), 200); /* the lease is not over */
    world_await(world, "/health/ready/", 503, "stale", LEASE_AND_MORE_MS);
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);

    ck_assert_int_eq(prlimit(world->daemon.checker, RLIMIT_AS, &unlimited, NULL), 0);
    world_await(world, "/health/ready/", 200, "", SOON_MS);
    world_end(world);
}
END_TEST

Suite *e2e_publish_suite(void) {
    Suite *suite = suite_create("e2e_publish");
    TCase *tcase = tcase_create("e2e_publish");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, without_memory_for_new_pages_the_old_ones_go_stale);
    return suite;
}
