/* Tests of the configuration file: what is refused in it, and with which place. */
#include "config/config.h"

#include "config/config_harness.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *json;
    const char *says;
} BAD_JSON[] = {
    {"", "@DIR@/config.json:1:"},
    {"{", "@DIR@/config.json:1:1: ends too early"},
    {"{\n  \"interval\": \"5s\"\n  \"timeout\": \"3s\"\n}", "@DIR@/config.json:3:3: not valid JSON here"},
    {"{\"interval\": \"5s\",}", "@DIR@/config.json:1:19: not valid JSON here"},
    {"{\"interval\": 5s}", "@DIR@/config.json:1:14: not valid JSON here"},
    {"{// a comment\n}", "not valid JSON here"},
    {"{} {}", "something follows the closing brace"},
    {"{\"a\": \"hunter2", "ends too early"},
    {"{\"interval\": \"5s\", \"interval\": \"6s\"}", "the same key a second time"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\"}, \"a\": {\"dsn\": \"/b\"}}}", "the same key a second time"},
    {"{\"interval\": \"\xff\"}", "not UTF-8"},
    {"{\"interval\": \"\\u0000\"}", "is not allowed"},
    {"[]", "@DIR@/config.json: must hold an object"},
    {"\"5s\"", "@DIR@/config.json:1:"},
    {"{\"intervall\": \"5s\"}", "@DIR@/config.json: unknown key intervall; did you mean interval?"},
    {"{\"Interval\": \"5s\"}", "unknown key Interval; did you mean interval?"},
    {"{\"dsn\": \"postgresql://u:hunter2@h/d\"}",
        "unknown key dsn; known here: listen, app, settings, interval, timeout"},
    {"{\"config\": \"/x\"}", "unknown key config"},
    {"{\"app\": {\"ulr\": \"x\"}}", "unknown key app.ulr; did you mean url?"},
    {"{\"app\": {\"urls\": {}}}", "unknown key app.urls; did you mean url?"},
    {"{\"settings\": {\"file\": \"x\"}}", "unknown key settings.file; known here: path, format, require"},
    {"{\"databases\": {\"a\": {\"rol\": \"x\"}}}", "unknown key databases.a.rol; did you mean role?"},
    {"{\"databases\": {\"a\": {\"password\": \"x\"}}}", "unknown key databases.a.password;"},
    {"{\"databases\": {\"a\": {\"backlog\": {\"warn\": \"x\"}}}}",
        "unknown key databases.a.backlog.warn; known here: degraded, error, tasks"},
    {"{\"interval.x\": 1}", "unknown key interval.x"},
    {"{\"\": 1}", "unknown key ; known here"},
    {"{\"databases.a\": {}}", "unknown key databases.a"},
    {"{\"databases.NAME.role\": \"main\"}", "unknown key databases.NAME.role"},
    {"{\"app.url\": \"http://127.0.0.1:1\"}", "unknown key app.url"},
    {"{\"app\": {\"\": 1}}", "unknown key app.; known here: url, host, expect"},
    {"{\"interval\": 5}", "@DIR@/config.json: interval: must be a duration in quotes, such as \"5s\""},
    {"{\"interval\": null}", "interval: must be a duration in quotes"},
    {"{\"interval\": \"\"}", "interval: must not be empty"},
    {"{\"interval\": \"5\"}", "@DIR@/config.json: interval: \"5\" has no unit"},
    {"{\"fall\": \"3\"}", "fall: must be a whole number, without quotes"},
    {"{\"fall\": 3.0}", "fall: must be a whole number"},
    {"{\"fall\": 0}", "@DIR@/config.json: fall: must be from 1 to 100"},
    {"{\"fall\": 9223372036854775807}", "fall: 9223372036854775807 is not a whole number"},
    {"{\"fall\": 9223372036854775808}", "a number too large"},
    {"{\"listen\": 8000}", "listen: must be an address and port in quotes"},
    {"{\"maintenance\": true}", "maintenance: must be a text in quotes"},
    {"{\"version\": 2}", "version: must be a text in quotes"},
    {"{\"timeout\": \"5s\"}", "(@DIR@/config.json: timeout) must be below the interval of 5s (default)"},
    {"{\"app\": \"http://127.0.0.1:9000\"}", "@DIR@/config.json: app: must be an object: {...}"},
    {"{\"settings\": \"/app/bugsink_conf.py\"}", "settings: must be an object"},
    {"{\"databases\": []}", "databases: must be an object"},
    {"{\"databases\": null}", "databases: must be an object"},
    {"{\"databases\": {\"a\": \"/a\"}}", "databases.a: must be an object"},
    {"{\"databases\": {\"a\": {\"backlog\": \"60s\"}}}", "databases.a.backlog: must be an object"},
    {"{\"databases\": {}}", "nothing to check"},
    {"{\"databases\": {\"default\": null, \"snappea\": null}}", "nothing to check"},
};

START_TEST(a_wrong_file_is_refused_with_its_place) {
    harness_load_bad(BAD_JSON[_i].json, NO_ENVIRONMENT, NULL, BAD_JSON[_i].says);
}
END_TEST

START_TEST(a_file_above_a_mebibyte_is_refused) {
    enum { MEBIBYTE = 1024 * 1024 };
    char *json = malloc(MEBIBYTE + 2);
    ck_assert_ptr_nonnull(json);
    memset(json, ' ', MEBIBYTE + 1);
    memcpy(json, "{}", 2);
    json[MEBIBYTE] = '\0';
    config_free(harness_load_good(json, NO_ENVIRONMENT, NULL));
    json[MEBIBYTE] = ' ';
    json[MEBIBYTE + 1] = '\0';
    harness_load_bad(json, NO_ENVIRONMENT, NULL, "@DIR@/config.json: larger than 1 MiB");
    free(json);
}
END_TEST

START_TEST(a_byte_order_mark_in_front_of_the_file_is_let_pass) {
    struct config *config = harness_load_good("\xef\xbb\xbf{\"interval\": \"6s\"}", NO_ENVIRONMENT, NULL);
    ck_assert_int_eq(config->interval_ms, 6000);
    config_free(config);
}
END_TEST

START_TEST(an_empty_object_changes_nothing) {
    struct config *config = harness_load_good("{}", NO_ENVIRONMENT, NULL);
    ck_assert_uint_eq(config->check_count, 4);
    ck_assert_ptr_nonnull(config->file);
    ck_assert_str_eq(harness_origin(config, "config"), "flag --config");
    config_free(config);
}
END_TEST

Suite *config_file_suite(void) {
    Suite *suite = suite_create("config_file");
    TCase *file = tcase_create("file");
    suite_add_tcase(suite, file);
    tcase_add_loop_test(file, a_wrong_file_is_refused_with_its_place, 0, ROWS(BAD_JSON));
    tcase_add_test(file, a_file_above_a_mebibyte_is_refused);
    tcase_add_test(file, a_byte_order_mark_in_front_of_the_file_is_let_pass);
    tcase_add_test(file, an_empty_object_changes_nothing);
    return suite;
}
