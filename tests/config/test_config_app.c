/* Tests of how a configuration has Bugsink itself checked over HTTP. */
#include "config/config.h"

#include "config/config_harness.h"

#include <check.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *url, *canonical;
    const char *shown; /* NULL: the same */
} URLS[] = {
    {"http://127.0.0.1:9000/health/ready", "http://127.0.0.1:9000/health/ready", NULL},
    {"http://127.0.0.1:9000", "http://127.0.0.1:9000/health/ready", NULL},
    {"http://127.0.0.1:9000/", "http://127.0.0.1:9000/", NULL},
    {"http://127.0.0.1:9000/a/b?c=d", "http://127.0.0.1:9000/a/b?c=d", "http://127.0.0.1:9000/a/b?***"},
    {"http://127.0.0.1:9000?c=d", "http://127.0.0.1:9000/?c=d", "http://127.0.0.1:9000/?***"},
    {"http://127.0.0.1", "http://127.0.0.1:80/health/ready", NULL},
    {"HTTP://10.1.2.3:1", "http://10.1.2.3:1/health/ready", NULL},
    {"http://[::1]:9000", "http://[::1]:9000/health/ready", NULL},
    {"http://[2001:DB8::1]", "http://[2001:db8::1]:80/health/ready", NULL},
    {"http://127.0.0.1:09000/x", "http://127.0.0.1:9000/x", NULL},
    {"http://10.0.0.1:8000/", "http://10.0.0.1:8000/", NULL},
};

START_TEST(an_app_url_is_brought_into_one_form) {
    char variable[200];
    snprintf(variable, sizeof variable, "BUGSINK_HEALTH_APP_URL=%s", URLS[_i].url);
    struct config *config = harness_load_good(NULL, ENVIRONMENT(variable), NULL);
    const struct check_config *check = harness_check(config, CHECK_NAME_APP);
    ck_assert_ptr_nonnull(check);
    ck_assert_int_eq(check->kind, KIND_HTTP);
    ck_assert_str_eq(check->app.url, URLS[_i].canonical);
    ck_assert_ptr_null(check->app.host);
    ck_assert_str_eq(check->app.expect, "OK");
    const char *shown = URLS[_i].shown ? URLS[_i].shown : URLS[_i].canonical;
    struct strbuf where = {0};
    check_config_where(check, &where);
    ck_assert_str_eq(harness_item(config, "app.url"), shown);
    ck_assert_msg(strncmp(where.data, shown, strlen(shown)) == 0, "%s", where.data);
    strbuf_release(&where);
    config_free(config);
}
END_TEST

static const struct {
    const char *url;
    const char *says;
} BAD_URLS[] = {
    {"https://127.0.0.1:9000", "the app is not asked over https"},
    {"127.0.0.1:9000", "must begin with http://"},
    {"http:/127.0.0.1:9000", "must begin with http://"},
    {"ftp://127.0.0.1", "must begin with http://"},
    {"http://localhost:9000", "the host must be a numeric address"},
    {"http://bugsink:9000", "no name is looked up for it"},
    {"http://127.1:9000", "the host must be a numeric address"},
    {"http://:9000", "the host must be a numeric address"},
    {"http://", "the host must be a numeric address"},
    {"http:///health", "the host must be a numeric address"},
    {"http://::1:9000", "the host must be a numeric address"},
    {"http://[127.0.0.1]:9000", "the host must be a numeric address"},
    {"http://[::1", "the host must be a numeric address"},
    {"http://[::1]9000", "the port must be a number"},
    {"http://127.0.0.1:", "the port must be a number"},
    {"http://127.0.0.1:0", "the port must be a number"},
    {"http://127.0.0.1:65536", "the port must be a number"},
    {"http://127.0.0.1:999999", "the port must be a number"},
    {"http://127.0.0.1:9a", "the port must be a number"},
    {"http://u:hunter2@127.0.0.1:9000", "a user name, a password or a fragment has no place in it"},
    {"http://127.0.0.1:9000/#x", "a fragment has no place"},
    {"http://127.0.0.1:9000/a b", "a space, a control character"},
    {"http://127.0.0.1:9000/a\r\nX: y", "a space, a control character"},
    {"http://127.0.0.1:9000/\xc3\xa4", "not ASCII"},
    {"http://127.0.0.1:8000", "that is where this sidecar listens ([::]:8000)"},
    {"http://127.9.9.9:8000/x", "that is where this sidecar listens"},
    {"http://[::1]:8000", "that is where this sidecar listens"},
    {"http://0.0.0.0:8000", "that is where this sidecar listens"},
    {"http://[::ffff:127.0.0.1]:8000", "that is where this sidecar listens"},
};

START_TEST(a_wrong_app_url_is_refused_with_its_place) {
    char variable[200];
    snprintf(variable, sizeof variable, "BUGSINK_HEALTH_APP_URL=%s", BAD_URLS[_i].url);
    harness_load_bad(NULL, ENVIRONMENT(variable), NULL, BAD_URLS[_i].says);
    harness_load_bad(NULL, ENVIRONMENT(variable), NULL, "BUGSINK_HEALTH_APP_URL: ");
}
END_TEST

static const struct {
    const char *listen, *url;
    bool is_ours;
} OURS[] = {
    {"127.0.0.1:9000", "http://127.0.0.1:9000", true},
    {"127.0.0.1:9000", "http://0.0.0.0:9000", true},
    {"127.0.0.1:9000", "http://127.0.0.2:9000", false},
    {"127.0.0.1:9000", "http://127.0.0.1:9001", false},
    {"10.0.0.1:9000", "http://10.0.0.1:9000", true},
    {"10.0.0.1:9000", "http://127.0.0.1:9000", false},
    {"0.0.0.0:9000", "http://127.0.0.1:9000", true},
    {"[::1]:9000", "http://[::1]:9000", true},
    {"[::ffff:127.0.0.1]:9000", "http://127.0.0.1:9000", true},
    {"127.0.0.1:0", "http://127.0.0.1:9000", false},
};

/* A pod may know itself by the address that others know it by. */
START_TEST(an_app_url_with_an_address_of_this_machine_is_refused) {
    struct ifaddrs *interfaces;
    int seen = 0;
    ck_assert_int_eq(getifaddrs(&interfaces), 0);
    for (const struct ifaddrs *one = interfaces; one; one = one->ifa_next) {
        char host[NI_MAXHOST], url[NI_MAXHOST + 64];
        if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET)
            continue;
        ck_assert_int_eq(getnameinfo(one->ifa_addr, sizeof(struct sockaddr_in), host, sizeof host, NULL, 0,
                             NI_NUMERICHOST),
            0);
        snprintf(url, sizeof url, "BUGSINK_HEALTH_APP_URL=http://%s:8000/health/live/", host);
        harness_load_bad(NULL, ENVIRONMENT(url), NULL, "that is where this sidecar listens");
        seen++;
    }
    freeifaddrs(interfaces);
    ck_assert_int_gt(seen, 0);
    config_free(harness_load_good(NULL, ENVIRONMENT("BUGSINK_HEALTH_APP_URL=http://203.0.113.1:8000"), NULL));
}
END_TEST

START_TEST(an_app_url_that_leads_back_to_us_is_refused) {
    char listen[100], url[100];
    snprintf(listen, sizeof listen, "BUGSINK_HEALTH_LISTEN=%s", OURS[_i].listen);
    snprintf(url, sizeof url, "BUGSINK_HEALTH_APP_URL=%s", OURS[_i].url);
    struct config *config = harness_load(NULL, ENVIRONMENT(listen, url), NULL, NULL);
    ck_assert_msg((config == NULL) == OURS[_i].is_ours, "%s, %s", OURS[_i].listen, OURS[_i].url);
    config_free(config);
}
END_TEST

static const struct {
    const char *json;
    const char *const environment[3];
    const char *host, *origin;
} HOSTS[] = {
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"host\": \"a.example\"}}", {"BASE_URL=https://b.example"},
        "a.example", "file @DIR@/config.json"},
    {"{\"app\": {\"host\": \"a.example:81\"}}", {"BUGSINK_HEALTH_APP_URL=http://127.0.0.1:1"}, "a.example:81",
        "file @DIR@/config.json"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\"}}", {"BASE_URL=https://b.example"}, "b.example",
        "environment BASE_URL"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\"}}", {"BASE_URL=http://b.example:8080/bugsink?x#y"},
        "b.example:8080", "environment BASE_URL"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\"}}", {"BASE_URL=http://u:p@[::1]:1/"}, "[::1]:1",
        "environment BASE_URL"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\"}}", {NULL}, NULL, "default"},
};

START_TEST(the_host_is_the_files_or_base_urls) {
    struct config *config = harness_load_good(HOSTS[_i].json, HOSTS[_i].environment, NULL);
    harness_assert_text("host", harness_check(config, CHECK_NAME_APP)->app.host, HOSTS[_i].host);
    harness_assert_text(
        "item", harness_item(config, "app.host"), HOSTS[_i].host ? HOSTS[_i].host : "the URL's own");
    harness_assert_text("origin", harness_origin(config, "app.host"), HOSTS[_i].origin);
    config_free(config);
}
END_TEST

START_TEST(bugsinks_users_come_by_https_where_base_url_says_so) {
    static const char *const urls[] = {"BASE_URL=http://b.example", "BASE_URL=https://b.example",
        "BASE_URL=HTTPS://b.example/bugsink", "BASE_URL=b.example"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct config *config =
            harness_load_good(NULL, ENVIRONMENT(urls[i], "BUGSINK_HEALTH_APP_URL=http://127.0.0.1:1"), NULL);
        ck_assert_int_eq(harness_check(config, CHECK_NAME_APP)->app.is_https, i == 1 || i == 2);
        config_free(config);
    }
}
END_TEST

/* For addresses that are known only at run time. */
START_TEST(whether_an_address_in_force_is_the_apps_can_be_asked) {
    struct config *config =
        harness_load_good(NULL, ENVIRONMENT("BUGSINK_HEALTH_APP_URL=http://127.0.0.1:40001"), NULL);
    ck_assert(config_asks(config, "[::]:40001"));
    ck_assert(config_asks(config, "127.0.0.1:40001"));
    ck_assert(!config_asks(config, "127.0.0.1:40002"));
    ck_assert(!config_asks(config, "no address"));
    config_free(config);
    config = harness_load_good(NULL, NO_ENVIRONMENT, NULL);
    ck_assert(!config_asks(config, "[::]:8000"));
    config_free(config);
}
END_TEST

START_TEST(a_base_url_without_a_host_is_worth_a_warning) {
    static const char *const urls[] = {"BASE_URL=bugsink.example.com", "BASE_URL=http://",
        "BASE_URL=http://a b", "BASE_URL=http://a\r\nX-Evil: 1"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct config *config =
            harness_load_good(NULL, ENVIRONMENT(urls[i], "BUGSINK_HEALTH_APP_URL=http://127.0.0.1:1"), NULL);
        harness_assert_warning(config, "BASE_URL: no host found in it");
        ck_assert_ptr_null(harness_check(config, CHECK_NAME_APP)->app.host);
        config_free(config);
    }
}
END_TEST

static const struct {
    const char *json;
    const char *says;
} BAD_APPS[] = {
    {"{\"app\": {}}", "@DIR@/config.json: app.url: missing"},
    {"{\"app\": {\"host\": \"h\"}}", "app.url: missing"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"host\": \"a b\"}}",
        "@DIR@/config.json: app.host: (not shown) is not a host"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"host\": \"http://a\"}}",
        "app.host: (not shown) is not a host"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"host\": \"a\\r\\nb\"}}",
        "app.host: (not shown) is not a host"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"host\": \"\"}}", "app.host: must not be empty"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"expect\": 1}}", "app.expect: must be a text in quotes"},
    {"{\"app\": {\"url\": 1}}", "app.url: must be a text in quotes"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"ask\": \"no\"}}",
        "@DIR@/config.json: app.ask: must be true or false, without quotes"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"ask\": 0}}", "app.ask: must be true or false"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"ask_interval\": 15}}",
        "app.ask_interval: must be a duration in quotes"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"ask_interval\": \"15\"}}",
        "@DIR@/config.json: app.ask_interval: "},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"ask_interval\": \"2h\"}}",
        "app.ask_interval: must be from 100ms to 1h"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"asks\": true}}", "did you mean"},
    {"{\"app\": {\"url\": \"http://localhost:1\"}}",
        "@DIR@/config.json: app.url: the host must be a numeric address"},
};

START_TEST(a_wrong_app_is_refused_with_its_place) {
    harness_load_bad(BAD_APPS[_i].json, NO_ENVIRONMENT, NULL, BAD_APPS[_i].says);
}
END_TEST

START_TEST(without_an_app_url_there_is_no_such_check) {
    struct config *config = harness_load_good("{\"app\": null}", ENVIRONMENT("BASE_URL=nonsense"), NULL);
    ck_assert_ptr_null(harness_check(config, CHECK_NAME_APP));
    ck_assert_str_eq(harness_item(config, "app.url"), "none");
    ck_assert_uint_eq(config->warning_count, 0);
    config_free(config);
}
END_TEST

/* -- the questions -- */

static const struct {
    const char *app;
    bool asks;
    int64_t ask_interval_ms;
    const char *ask, *interval, *origin;
} ASKING[] = {
    {"", true, 15000, "true", "15s", "default"},
    {", \"ask\": true, \"ask_interval\": \"1m\"", true, 60000, "true", "1m", "file @DIR@/config.json"},
    {", \"ask\": false", false, 15000, "false", "15s", "file @DIR@/config.json"},
};

START_TEST(bugsink_is_asked_unless_the_file_says_otherwise) {
    char json[200];
    snprintf(json, sizeof json, "{\"app\": {\"url\": \"http://127.0.0.1:1\"%s}}", ASKING[_i].app);
    struct config *config = harness_load_good(json, NO_ENVIRONMENT, NULL);
    const struct app_config *app = &harness_check(config, CHECK_NAME_APP)->app;
    ck_assert_int_eq(app->asks, ASKING[_i].asks);
    ck_assert_int_eq(app->ask_interval_ms, ASKING[_i].ask_interval_ms);
    ck_assert_int_eq(app->start_grace_ms, config->start_grace_ms);
    ck_assert_str_eq(harness_item(config, "app.ask"), ASKING[_i].ask);
    ck_assert_str_eq(harness_item(config, "app.ask_interval"), ASKING[_i].interval);
    bool is_default = strcmp(harness_origin(config, "app.ask"), "default") == 0;
    ck_assert_int_eq(is_default, strcmp(ASKING[_i].origin, "default") == 0);
    config_free(config);
}
END_TEST

static const struct {
    const char *url, *base, *root;
} ROOTS[] = {
    {"http://127.0.0.1:9000", NULL, ""},
    {"http://127.0.0.1:9000", "https://b.example.com/errors/", ""},
    {"http://127.0.0.1:9000/health/ready/", "https://b.example.com/errors/", ""},
    {"http://127.0.0.1:9000/errors/health/ready", NULL, "/errors"},
    {"http://127.0.0.1:9000/a/b/health/ready/?c=d", "https://b.example.com", "/a/b"},
    {"http://127.0.0.1:9000/errors/accounts/login/", "https://b.example.com/errors/", "/errors"},
    {"http://127.0.0.1:9000/errors/accounts/login/", "https://b.example.com/errors?x", "/errors"},
    {"http://127.0.0.1:9000/errorsome/login/", "https://b.example.com/errors", ""},
    {"http://127.0.0.1:9000/errors", "https://b.example.com/errors", ""},
    {"http://127.0.0.1:9000/accounts/login/", "https://b.example.com/", ""},
    {"http://127.0.0.1:9000/accounts/login/", "nonsense", ""},
};

START_TEST(bugsinks_own_paths_begin_where_its_endpoint_does) {
    char url[200], base[200];
    snprintf(url, sizeof url, "BUGSINK_HEALTH_APP_URL=%s", ROOTS[_i].url);
    snprintf(base, sizeof base, "BASE_URL=%s", ROOTS[_i].base ? ROOTS[_i].base : "");
    struct config *config =
        harness_load_good(NULL, ROOTS[_i].base ? ENVIRONMENT(url, base) : ENVIRONMENT(url), NULL);
    ck_assert_str_eq(harness_check(config, CHECK_NAME_APP)->app.root, ROOTS[_i].root);
    config_free(config);
}
END_TEST

Suite *config_app_suite(void) {
    Suite *suite = suite_create("config_app");
    TCase *app = tcase_create("app");
    suite_add_tcase(suite, app);
    tcase_add_loop_test(app, an_app_url_is_brought_into_one_form, 0, ROWS(URLS));
    tcase_add_loop_test(app, a_wrong_app_url_is_refused_with_its_place, 0, ROWS(BAD_URLS));
    tcase_add_test(app, an_app_url_with_an_address_of_this_machine_is_refused);
    tcase_add_loop_test(app, an_app_url_that_leads_back_to_us_is_refused, 0, ROWS(OURS));
    tcase_add_loop_test(app, the_host_is_the_files_or_base_urls, 0, ROWS(HOSTS));
    tcase_add_test(app, bugsinks_users_come_by_https_where_base_url_says_so);
    tcase_add_test(app, whether_an_address_in_force_is_the_apps_can_be_asked);
    tcase_add_test(app, a_base_url_without_a_host_is_worth_a_warning);
    tcase_add_loop_test(app, a_wrong_app_is_refused_with_its_place, 0, ROWS(BAD_APPS));
    tcase_add_test(app, without_an_app_url_there_is_no_such_check);
    tcase_add_loop_test(app, bugsink_is_asked_unless_the_file_says_otherwise, 0, ROWS(ASKING));
    tcase_add_loop_test(app, bugsinks_own_paths_begin_where_its_endpoint_does, 0, ROWS(ROOTS));
    return suite;
}
