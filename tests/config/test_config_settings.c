/* Tests of which settings of Bugsink a configuration has checked, and how. */
#include "config/config.h"

#include "config/config_harness.h"

#include <check.h>

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *json;
    const char *const environment[3];
    const char *path;
    enum settings_format format;
    const char *require;
    const char *origin;
} SETTINGS[] = {
    {NULL, {"BUGSINK_HEALTH_SETTINGS=/app/c.py"}, "/app/c.py", SETTINGS_PYTHON, "SECRET_KEY",
        "environment BUGSINK_HEALTH_SETTINGS"},
    {NULL, {"BUGSINK_HEALTH_SETTINGS=c.json"}, "c.json", SETTINGS_JSON, "SECRET_KEY",
        "environment BUGSINK_HEALTH_SETTINGS"},
    {NULL, {"BUGSINK_HEALTH_SETTINGS=/app/.env"}, "/app/.env", SETTINGS_ENV, "SECRET_KEY",
        "environment BUGSINK_HEALTH_SETTINGS"},
    {NULL, {"BUGSINK_HEALTH_SETTINGS=env"}, NULL, SETTINGS_ENVIRONMENT, "SECRET_KEY",
        "environment BUGSINK_HEALTH_SETTINGS"},
    {NULL, {"BUGSINK_HEALTH_SETTINGS=/app/c.py", "SECRET_KEY=x"}, "/app/c.py", SETTINGS_PYTHON, "SECRET_KEY",
        "environment BUGSINK_HEALTH_SETTINGS"},
    {NULL, {"SECRET_KEY=x"}, NULL, SETTINGS_ENVIRONMENT, "SECRET_KEY", "environment SECRET_KEY"},
    {"{\"settings\": {\"require\": [\"A\", \"_B1\"]}}", {"SECRET_KEY=x"}, NULL, SETTINGS_ENVIRONMENT,
        "A, _B1", "environment SECRET_KEY"},
    {"{\"settings\": {\"path\": \"/c.py\"}}", {NULL}, "/c.py", SETTINGS_PYTHON, "SECRET_KEY",
        "file @DIR@/config.json"},
    {"{\"settings\": {\"path\": \"/c.py\", \"format\": \"env\", \"require\": []}}", {NULL}, "/c.py",
        SETTINGS_ENV, "", "file @DIR@/config.json"},
    {"{\"settings\": {\"path\": \"/c\", \"format\": \"json\"}}", {NULL}, "/c", SETTINGS_JSON, "SECRET_KEY",
        "file @DIR@/config.json"},
    {"{\"settings\": {\"format\": \"environment\"}}", {NULL}, NULL, SETTINGS_ENVIRONMENT, "SECRET_KEY",
        "file @DIR@/config.json"},
    {"{\"settings\": {\"path\": \"env\"}}", {NULL}, NULL, SETTINGS_ENVIRONMENT, "SECRET_KEY",
        "file @DIR@/config.json"},
    {"{\"settings\": {\"path\": \"./env\", \"format\": \"env\"}}", {NULL}, "./env", SETTINGS_ENV,
        "SECRET_KEY", "file @DIR@/config.json"},
    {"{\"settings\": {\"path\": \"/c.py\", \"format\": \"python\"}}", {"BUGSINK_HEALTH_SETTINGS=/d.json"},
        "/d.json", SETTINGS_JSON, "SECRET_KEY", "environment BUGSINK_HEALTH_SETTINGS"},
    {"{\"settings\": {\"format\": \"json\"}}", {"BUGSINK_HEALTH_SETTINGS=/d"}, "/d", SETTINGS_JSON,
        "SECRET_KEY", "environment BUGSINK_HEALTH_SETTINGS"},
    {"{\"settings\": null}", {"BUGSINK_HEALTH_SETTINGS=/c.py"}, "/c.py", SETTINGS_PYTHON, "SECRET_KEY",
        "environment BUGSINK_HEALTH_SETTINGS"},
};

START_TEST(the_settings_are_checked_where_they_are_named_or_shared) {
    struct config *config = harness_load_good(SETTINGS[_i].json, SETTINGS[_i].environment, NULL);
    const struct check_config *check = harness_check(config, CHECK_NAME_SETTINGS);
    ck_assert_ptr_nonnull(check);
    ck_assert_int_eq(check->kind, KIND_SETTINGS);
    ck_assert(check->is_critical);
    harness_assert_text("path", check->settings.path, SETTINGS[_i].path);
    ck_assert_int_eq(check->settings.format, SETTINGS[_i].format);
    ck_assert_int_eq(check->settings.environment != NULL, check->settings.format == SETTINGS_ENVIRONMENT);
    harness_assert_text(
        "path item", harness_item(config, "settings.path"), SETTINGS[_i].path ? SETTINGS[_i].path : "env");
    harness_assert_text("origin", harness_origin(config, "settings.path"), SETTINGS[_i].origin);
    harness_assert_text(
        "format item", harness_item(config, "settings.format"), settings_format_name(check->settings.format));
    struct strbuf require = {0};
    strbuf_append(&require, "");
    for (size_t i = 0; i < check->settings.require_count; i++)
        strbuf_format(&require, "%s%s", i > 0 ? ", " : "", check->settings.require[i]);
    harness_assert_text("require", require.data, SETTINGS[_i].require);
    strbuf_release(&require);
    config_free(config);
}
END_TEST

START_TEST(settings_that_nobody_names_are_not_configured) {
    static const char *const jsons[] = {NULL, "{}", "{\"settings\": null}"};
    for (size_t i = 0; i < 3; i++) {
        struct config *config =
            harness_load_good(jsons[i], i == 2 ? ENVIRONMENT("SECRET_KEY=x") : NO_ENVIRONMENT, NULL);
        ck_assert_ptr_null(harness_check(config, CHECK_NAME_SETTINGS));
        ck_assert_str_eq(harness_item(config, "settings.path"), "not configured");
        config_free(config);
    }
}
END_TEST

START_TEST(the_shared_environment_is_copied_without_our_own_variables) {
    const char *const *environment = ENVIRONMENT("A=1", "BUGSINK_HEALTH_FALL=4", "SECRET_KEY=x", "B=2");
    struct config *config = harness_load_good(NULL, environment, NULL);
    char **copy = harness_check(config, CHECK_NAME_SETTINGS)->settings.environment;
    ck_assert_str_eq(copy[0], "A=1");
    ck_assert_str_eq(copy[1], "SECRET_KEY=x");
    ck_assert_str_eq(copy[2], "B=2");
    ck_assert_ptr_null(copy[3]);
    ck_assert_ptr_ne(copy[0], environment[0]);
    config_free(config);
}
END_TEST

static const struct {
    const char *json;
    const char *const environment[3];
    const char *says;
} BAD_SETTINGS[] = {
    {NULL, {"BUGSINK_HEALTH_SETTINGS=/app/conf"},
        "BUGSINK_HEALTH_SETTINGS: the path ends in none of .py, .json and .env"},
    {NULL, {"BUGSINK_HEALTH_SETTINGS=/app/conf.toml"}, "say which it is with settings.format"},
    {"{\"settings\": {}}", {NULL}, "@DIR@/config.json: settings.path: missing"},
    {"{\"settings\": {\"require\": [\"A\"]}}", {NULL}, "settings.path: missing"},
    {"{\"settings\": {\"format\": \"python\"}}", {"SECRET_KEY=x"}, "settings.path: missing"},
    {"{\"settings\": {\"path\": \"/c.py\", \"format\": \"pyhton\"}}", {NULL},
        "settings.format: pyhton is not a format; write python, json, env or environment"},
    {"{\"settings\": {\"format\": \"pyhton\"}}", {"BUGSINK_HEALTH_SETTINGS=/c.py"},
        "settings.format: pyhton is not a format"},
    {"{\"settings\": {\"path\": \"/c.py\", \"format\": \"environment\"}}", {NULL},
        "settings.format: environment is the one"},
    {"{\"settings\": {\"path\": \"env\", \"format\": \"python\"}}", {NULL},
        "settings.path: env is the word for"},
    {"{\"settings\": {\"path\": \"/c\"}}", {NULL},
        "@DIR@/config.json: settings.path: the path ends in none of"},
    {"{\"settings\": {\"path\": \"/c.py\", \"require\": \"A\"}}", {NULL},
        "settings.require: must be a list of names"},
    {"{\"settings\": {\"path\": \"/c.py\", \"require\": [\"A\", 1]}}", {NULL},
        "settings.require: number 2 is not the name"},
    {"{\"settings\": {\"path\": \"/c.py\", \"require\": [\"A B\"]}}", {NULL},
        "settings.require: number 1 is not the name"},
    {"{\"settings\": {\"path\": \"/c.py\", \"require\": [\"\"]}}", {NULL},
        "settings.require: number 1 is not the name"},
    {"{\"settings\": {\"path\": \"/c.py\", \"require\": [\"1A\"]}}", {NULL},
        "settings.require: number 1 is not the name"},
    {"{\"settings\": {\"path\": 1}}", {NULL}, "settings.path: must be a text in quotes"},
};

START_TEST(wrong_settings_are_refused_with_their_place) {
    harness_load_bad(BAD_SETTINGS[_i].json, BAD_SETTINGS[_i].environment, NULL, BAD_SETTINGS[_i].says);
}
END_TEST

Suite *config_settings_suite(void) {
    Suite *suite = suite_create("config_settings");
    TCase *settings = tcase_create("settings");
    suite_add_tcase(suite, settings);
    tcase_add_loop_test(settings, the_settings_are_checked_where_they_are_named_or_shared, 0, ROWS(SETTINGS));
    tcase_add_test(settings, settings_that_nobody_names_are_not_configured);
    tcase_add_test(settings, the_shared_environment_is_copied_without_our_own_variables);
    tcase_add_loop_test(settings, wrong_settings_are_refused_with_their_place, 0, ROWS(BAD_SETTINGS));
    return suite;
}
