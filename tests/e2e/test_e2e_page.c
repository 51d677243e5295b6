/* End to end: who gets the status page and who gets JSON, what stands on it while things break and mend, and
 * what never stands there. */
#include "e2e/world.h"
#include "harness/sqlite_files.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SOON_MS = 3000, LEASE_AND_MORE_MS = 8000 };

static const char BROWSER[] = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";

static int ask(struct world *world, const char *path, const char *headers) {
    return http_request(world->daemon.port, "GET", path, headers, &world->response);
}

static void assert_type(const struct world *world, const char *type) {
    char value[128];
    ck_assert(http_header(&world->response, "Content-Type", value, sizeof value));
    ck_assert_msg(strncmp(value, type, strlen(type)) == 0, "%s, not %s", value, type);
}

static void assert_header(const struct world *world, const char *name, const char *expected) {
    char value[512];
    ck_assert_msg(
        http_header(&world->response, name, value, sizeof value), "no %s in\n%s", name, world->response.head);
    ck_assert_msg(strncmp(value, expected, strlen(expected)) == 0, "%s: %s, not %s", name, value, expected);
}

static const struct {
    const char *path, *headers, *type;
} NEGOTIATIONS[] = {
    /* the kubelet, curl, wget; a balancer that sends no Accept */
    {"/health/", "Accept: */*\r\n", "application/json"},
    {"/health/", "", "application/json"},
    {"/health/", "User-Agent: curl/7.88.1\r\nAccept: */*\r\n", "application/json"},
    {"/health/", "Accept: application/json\r\n", "application/json"},
    {"/health/", "Accept: application/health+json\r\n", "application/health+json"},
    {"/health/", "Accept: text/html;q=0.5, application/json\r\n", "application/json"},
    {"/health/", "Accept: text/html;q=0, */*\r\n", "application/json"},
    {"/health/", "Accept: text/plain\r\n", "application/json"},
    {"/health/", BROWSER, "text/html; charset=utf-8"},
    {"/health", BROWSER, "text/html; charset=utf-8"},
    {"/health?x=1", BROWSER, "text/html; charset=utf-8"},
    {"/health/", "Accept: application/json;q=0.2, text/html;q=0.3\r\n", "text/html; charset=utf-8"},
    /* what has no page for people stays as it is */
    {"/health/ready/", BROWSER, "application/json"},
    {"/health/ready/default/", BROWSER, "application/json"},
    {"/health/live/", BROWSER, "text/plain"},
    {"/health/started/", BROWSER, "text/plain"},
    {"/health/self/", BROWSER, "text/plain"},
};

START_TEST(each_client_gets_what_it_prefers) {
    struct world *world = world_new();
    world_start(world);
    world_await(world, "/health/", 200, "\"status\": \"ok\"", SOON_MS);
    for (size_t i = 0; i < sizeof NEGOTIATIONS / sizeof NEGOTIATIONS[0]; i++) {
        ck_assert_msg(ask(world, NEGOTIATIONS[i].path, NEGOTIATIONS[i].headers) == 200, "row %zu", i);
        ck_assert(world->response.is_whole);
        assert_type(world, NEGOTIATIONS[i].type);
        if (!strstr(NEGOTIATIONS[i].type, "text/plain"))
            assert_header(world, "Vary", "Accept");
        if (strstr(NEGOTIATIONS[i].type, "json"))
            json_decref(http_json(&world->response));
        if (strstr(NEGOTIATIONS[i].type, "html"))
            ck_assert_ptr_nonnull(strstr(world->response.body, "</svg>Ready</h1>"));
    }
    static const char OLD[] = "GET /health/ HTTP/1.0\r\nAccept: text/html\r\n\r\n";
    http_exchange(world->daemon.port, OLD, sizeof OLD - 1, &world->response);
    assert_type(world, "text/html; charset=utf-8");
    world_end(world);
}
END_TEST

START_TEST(the_page_may_do_nothing_but_be_read) {
    struct world *world = world_new();
    world_start(world);
    ck_assert_int_eq(ask(world, "/health/", BROWSER), 200);
    assert_header(world, "Content-Security-Policy", "default-src 'none'; style-src 'sha256-");
    assert_header(world, "Referrer-Policy", "no-referrer");
    assert_header(world, "X-Content-Type-Options", "nosniff");
    assert_header(world, "Cache-Control", "no-store");
    assert_header(world, "Refresh", "10");
    ck_assert_int_eq(http_request(world->daemon.port, "HEAD", "/health/", BROWSER, &world->response), 405);
    assert_header(world, "Allow", "GET");
    assert_type(world, "text/plain");
    ck_assert_uint_eq(world->response.extra_bytes, 0);
    world_end(world);
}
END_TEST

/* Until the page has the text. */
struct sight {
    struct world *world;
    const char *text;
};

static bool is_seen(void *arg) {
    const struct sight *sight = arg;
    return ask(sight->world, "/health/", BROWSER) != 0 && strstr(sight->world->response.body, sight->text);
}

static void await_sight(struct world *world, const char *text, int64_t timeout_ms) {
    struct sight sight = {world, text};
    ck_assert_msg(
        wait_until(is_seen, &sight, timeout_ms), "never on the page: %s\n%s", text, world->response.body);
}

#define CONFIG                                                                                               \
    "{\"databases\": {\"default\": {\"dsn\": \"sqlite:///%s\", \"role\": \"main\"%s},\n"                     \
    " \"snappea\": {\"dsn\": \"sqlite:///%s\", \"role\": \"queue\"}%s}}\n"

static void configure(struct world *world, const char *more_of_default, const char *more_databases) {
    world_write_config(world, CONFIG, world->main_db, more_of_default, world->queue_db, more_databases);
}

struct reloads {
    const struct daemon *daemon;
    int wanted;
};

static bool have_been(void *arg) {
    const struct reloads *reloads = arg;
    return daemon_log_lines(reloads->daemon, "reloaded", "") == reloads->wanted;
}

/* Until it has been reloaded so many times since its start. */
static void reload(struct world *world, int wanted) {
    struct reloads reloads = {&world->daemon, wanted};
    kill(world->daemon.checker, SIGHUP);
    ck_assert(wait_until(have_been, &reloads, SOON_MS));
}

static bool is_forgotten(void *arg) {
    struct world *world = arg;
    return ask(world, "/health/", BROWSER) == 200 && strstr(world->response.body, "</svg>Ready</h1>") &&
           !strstr(world->response.body, "<title>error: file_missing");
}

START_TEST(a_failure_shows_and_its_trace_outlives_a_reload_of_what_is_unchanged) {
    struct world *world = world_new();
    char away[320];
    configure(world, "", "");
    world_start(world);
    await_sight(world, "</svg>Ready</h1>", SOON_MS);
    snprintf(away, sizeof away, "%s.away", world->main_db);
    ck_assert_int_eq(rename(world->main_db, away), 0);
    await_sight(world, "</svg>Not ready</h1>", SOON_MS);
    ck_assert_int_eq(world->response.status, 503);
    ck_assert_ptr_nonnull(strstr(
        world->response.body, "1 of 2 checks fails: <bdi>default</bdi> (<code>file_missing</code> for "));
    ck_assert_int_eq(rename(away, world->main_db), 0);
    await_sight(world, "</svg>Ready</h1>", SOON_MS);
    ck_assert_ptr_nonnull(strstr(world->response.body, "<title>error: file_missing, "));

    configure(world, "", ", \"extra\": {\"dsn\": \"/nosuch/extra.sqlite3\", \"critical\": false}");
    reload(world, 1);
    await_sight(world, "<bdi>extra</bdi></h3>", SOON_MS);
    ck_assert_ptr_nonnull(strstr(world->response.body, "<title>error: file_missing, "));

    /* Asked at other times, it is still the same; asked otherwise, nothing is known of it. */
    configure(world, ", \"critical\": false", "");
    reload(world, 2);
    await_sight(world, "sqlite, not critical", SOON_MS);
    await_sight(world, "</svg>Ready</h1>", SOON_MS);
    ck_assert_ptr_nonnull(strstr(world->response.body, "<title>error: file_missing, "));
    sqlite_files_make_main(away);
    world_write_config(world, CONFIG, away, "", world->queue_db, "");
    reload(world, 3);
    ck_assert(wait_until(is_forgotten, world, SOON_MS)); /* the page follows the log's line */
    /* What happened stays what happened. */
    ck_assert_ptr_nonnull(
        strstr(world->response.body, "<bdi>default</bdi> <span>error <code>file_missing</code>"));
    world_end(world);
}
END_TEST

START_TEST(a_wedged_checker_is_told_in_html_too) {
    struct world *world = world_new();
    world_start(world);
    kill(world->daemon.checker, SIGSTOP);
    await_sight(world, "<h1>Not ready: stale</h1>", LEASE_AND_MORE_MS);
    ck_assert_int_eq(world->response.status, 503);
    assert_type(world, "text/html; charset=utf-8");
    assert_header(world, "Refresh", "10");
    kill(world->daemon.checker, SIGCONT);
    await_sight(world, "</svg>Ready</h1>", SOON_MS);
    world_end(world);
}
END_TEST

START_TEST(draining_is_told) {
    struct world *world = world_new();
    world_start(world);
    kill(world->daemon.checker, SIGTERM);
    await_sight(world, "</svg>Not ready: draining</h1>", SOON_MS);
    world_end(world);
}
END_TEST

START_TEST(no_host_no_path_and_no_role_stands_on_it) {
    struct world *world = world_new();
    int port = daemon_free_port();
    world_write_config(world,
        "{\"databases\": {\"default\": {\"dsn\": "
        "\"postgresql://user-of-it:pass-of-it@127.0.0.1:%d/name-of-it\", \"role\": \"main\"},\n"
        "\"snappea\": {\"dsn\": \"%s\", \"role\": \"queue\"}},\n"
        "\"settings\": {\"path\": \"%s\", \"format\": \"python\", \"require\": [\"NO_SUCH_SETTING\"]},\n"
        "\"app\": {\"url\": \"http://127.0.0.1:%d/path-of-it\", \"host\": \"host-of-it.example\"}}",
        port, world->queue_db, world->settings, port);
    world_start_with(world, NULL, 0);
    await_sight(world, "missing_setting", SOON_MS);
    await_sight(world, "<code>app_starting</code>", SOON_MS);
    await_sight(world, "<code>refused</code>", SOON_MS);
    const char *body = strstr(world->response.body, "<body>");
    static const char *const PRIVATE[] = {"-of-it", "127.0.0.1", "sqlite3", "NO_SUCH_SETTING", "bugsink_conf",
        "queue", "postgresql:", "example"};
    for (size_t i = 0; i < sizeof PRIVATE / sizeof PRIVATE[0]; i++)
        ck_assert_msg(!strstr(body, PRIVATE[i]), "on the page: %s\n%s", PRIVATE[i], body);
    ck_assert_ptr_null(strstr(body, world->dir));
    world_end(world);
}
END_TEST

Suite *e2e_page_suite(void) {
    Suite *suite = suite_create("e2e_page");
    TCase *tcase = tcase_create("e2e_page");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, each_client_gets_what_it_prefers);
    tcase_add_test(tcase, the_page_may_do_nothing_but_be_read);
    tcase_add_test(tcase, a_failure_shows_and_its_trace_outlives_a_reload_of_what_is_unchanged);
    tcase_add_test(tcase, a_wedged_checker_is_told_in_html_too);
    tcase_add_test(tcase, draining_is_told);
    tcase_add_test(tcase, no_host_no_path_and_no_role_stands_on_it);
    return suite;
}
