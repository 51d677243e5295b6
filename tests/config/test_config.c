/* Tests of the configuration: defaults, layers, the table of options and its documentation. */
#include "config/config.h"

#include "config/config_harness.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))
#define FLAGS(...)  ((const char *const[]){__VA_ARGS__, NULL})

/* -- defaults and layers -- */

START_TEST(with_nothing_set_it_is_what_bugsinks_image_uses) {
    struct config *config = harness_load_good(NULL, NO_ENVIRONMENT, NULL);
    ck_assert_ptr_null(config->file);
    ck_assert_str_eq(config->listen, "[::]:8000");
    ck_assert_int_eq(config->interval_ms, 5000);
    ck_assert_int_eq(config->timeout_ms, 3000);
    ck_assert_int_eq(config->retry_interval_ms, 1000);
    ck_assert_int_eq(config->slow_ms, 1500);
    ck_assert_int_eq(config->fall, 3);
    ck_assert_int_eq(config->start_grace_ms, 300000);
    ck_assert_int_eq(config->drain_ms, 5000);
    ck_assert_int_eq(config->log_level, LOG_INFO);
    ck_assert_int_eq(config->log_format, LOG_TEXT);
    ck_assert_ptr_null(config->maintenance);
    ck_assert_str_eq(config->app_version, "unknown");
    ck_assert_uint_eq(config->check_count, 4);
    ck_assert_uint_eq(config->warning_count, 0);
    const struct check_config *check = &config->checks[0];
    ck_assert_str_eq(check->name, "default");
    ck_assert_int_eq(check->kind, KIND_SQLITE);
    ck_assert_int_eq(check->database.role, ROLE_MAIN);
    ck_assert(check->is_critical);
    ck_assert_str_eq(check->database.dsn.path, "/data/db.sqlite3");
    ck_assert_int_eq(check->interval_ms, 5000);
    ck_assert_int_eq(check->timeout_ms, 3000);
    ck_assert_int_eq(check->retry_interval_ms, 1000);
    ck_assert_int_eq(check->slow_ms, 1500);
    ck_assert_int_eq(check->database.reconnect_ms, 15000);
    ck_assert_int_eq(check->database.min_free_bytes, -1);
    ck_assert_int_eq(check->database.max_wal_bytes, INT64_C(1) << 30);
    check = &config->checks[1];
    ck_assert_str_eq(check->name, "snappea");
    ck_assert_int_eq(check->kind, KIND_SQLITE);
    ck_assert_int_eq(check->database.role, ROLE_QUEUE);
    ck_assert_str_eq(check->database.dsn.path, "/tmp/snappea.sqlite3");
    ck_assert_int_eq(check->database.backlog_ms, 60000);
    ck_assert_int_eq(check->database.backlog_tasks, 300);
    ck_assert_int_eq(check->database.backlog_error_ms, -1);
    check = &config->checks[2];
    ck_assert_str_eq(check->name, "ingestion");
    ck_assert_int_eq(check->kind, KIND_DIRECTORY);
    ck_assert_int_eq(check->directory.role, DIRECTORY_SPOOL);
    ck_assert(check->is_critical);
    ck_assert_str_eq(check->directory.path, "/tmp/bugsink/ingestion");
    ck_assert_int_eq(check->directory.min_free_bytes, -1);
    check = &config->checks[3];
    ck_assert_str_eq(check->name, "wakeup");
    ck_assert_int_eq(check->directory.role, DIRECTORY_WAKEUP);
    ck_assert_str_eq(check->directory.path, "/tmp/snappea.wakeup");
    config_free(config);
}
END_TEST

START_TEST(no_environment_at_all_is_an_empty_one) {
    struct config_source source = {NULL, NULL, 0};
    struct config *config = config_load(&source, NULL);
    ck_assert_ptr_nonnull(config);
    config_free(config);
    config_free(NULL);
}
END_TEST

START_TEST(flags_win_over_environment_over_file_over_default) {
    static const char json[] = "{\"interval\": \"10s\"}";
    const char *const *environment = ENVIRONMENT("BUGSINK_HEALTH_INTERVAL=20s");
    struct config *config = harness_load_good(json, NO_ENVIRONMENT, NULL);
    ck_assert_int_eq(config->interval_ms, 10000);
    ck_assert_str_eq(harness_origin(config, "interval"), "file @DIR@/config.json");
    config_free(config);
    config = harness_load_good(json, environment, NULL);
    ck_assert_int_eq(config->interval_ms, 20000);
    ck_assert_str_eq(harness_origin(config, "interval"), "environment BUGSINK_HEALTH_INTERVAL");
    config_free(config);
    config = harness_load_good(json, environment, FLAGS("--interval", "30s"));
    ck_assert_int_eq(config->interval_ms, 30000);
    ck_assert_str_eq(harness_item(config, "interval"), "30s");
    ck_assert_str_eq(harness_origin(config, "interval"), "flag --interval");
    ck_assert_str_eq(harness_origin(config, "drain"), "default");
    config_free(config);
}
END_TEST

START_TEST(of_a_flag_given_twice_the_last_holds) {
    struct config *config = harness_load_good(NULL, NO_ENVIRONMENT, FLAGS("--fall", "4", "--fall", "5"));
    ck_assert_int_eq(config->fall, 5);
    config_free(config);
}
END_TEST

/* But for DATABASE_PATH, which Bugsink takes as it stands. */
START_TEST(an_empty_variable_is_an_unset_one) {
    struct config *config = harness_load_good(NULL,
        ENVIRONMENT(
            "BUGSINK_HEALTH_INTERVAL=", "DATABASE_URL=", "BUGSINK_HEALTH_QUEUE=", "SNAPPEA_DATABASE_PATH=",
            "BUGSINK_VERSION=", "BUGSINK_HEALTH_CONFIG=", "SECRET_KEY=", "BUGSINK_HEALTH_NONSENSE="),
        NULL);
    ck_assert_int_eq(config->interval_ms, 5000);
    ck_assert_str_eq(config->checks[0].database.dsn.path, "/data/db.sqlite3");
    ck_assert_str_eq(config->app_version, "unknown");
    ck_assert_uint_eq(config->check_count, 4);
    config_free(config);
    config = harness_load_good(NULL, ENVIRONMENT("DATABASE_PATH="), NULL);
    ck_assert_str_eq(config->checks[0].database.dsn.path, "");
    ck_assert_uint_eq(config->warning_count, 1);
    config_free(config);
}
END_TEST

/* The same value through each way of setting it. */
static const struct {
    const char *key, *variable, *flag, *text, *json;
} EVERYWHERE[] = {
    {"listen", "BUGSINK_HEALTH_LISTEN", "--listen", "127.0.0.1:9", "\"listen\": \"127.0.0.1:9\""},
    {"interval", "BUGSINK_HEALTH_INTERVAL", "--interval", "7s", "\"interval\": \"7s\""},
    {"timeout", "BUGSINK_HEALTH_TIMEOUT", "--timeout", "4s", "\"timeout\": \"4s\""},
    {"retry_interval", "BUGSINK_HEALTH_RETRY_INTERVAL", "--retry-interval", "2s",
        "\"retry_interval\": \"2s\""},
    {"slow", "BUGSINK_HEALTH_SLOW", "--slow", "100ms", "\"slow\": \"100ms\""},
    {"reconnect", "BUGSINK_HEALTH_RECONNECT", "--reconnect", "90s", "\"reconnect\": \"90s\""},
    {"fall", "BUGSINK_HEALTH_FALL", "--fall", "7", "\"fall\": 7"},
    {"start_grace", "BUGSINK_HEALTH_START_GRACE", "--start-grace", "1m", "\"start_grace\": \"1m\""},
    {"drain", "BUGSINK_HEALTH_DRAIN", "--drain", "0s", "\"drain\": \"0s\""},
    {"log_level", "BUGSINK_HEALTH_LOG_LEVEL", "--log-level", "debug", "\"log_level\": \"debug\""},
    {"log_format", "BUGSINK_HEALTH_LOG_FORMAT", "--log-format", "json", "\"log_format\": \"json\""},
    {"maintenance", "BUGSINK_HEALTH_MAINTENANCE", "--maintenance", "/run/m", "\"maintenance\": \"/run/m\""},
    {"app.url", "BUGSINK_HEALTH_APP_URL", "--app-url", "http://127.0.0.1:9000/x",
        "\"app\": {\"url\": \"http://127.0.0.1:9000/x\"}"},
    {"settings.path", "BUGSINK_HEALTH_SETTINGS", "--settings", "/app/conf.py",
        "\"settings\": {\"path\": \"/app/conf.py\"}"},
};

START_TEST(an_option_is_the_same_by_flag_variable_and_key) {
    char variable[100], json[200];
    snprintf(variable, sizeof variable, "%s=%s", EVERYWHERE[_i].variable, EVERYWHERE[_i].text);
    snprintf(json, sizeof json, "{%s}", EVERYWHERE[_i].json);
    struct config *configs[] = {
        harness_load_good(NULL, NO_ENVIRONMENT, FLAGS(EVERYWHERE[_i].flag, EVERYWHERE[_i].text)),
        harness_load_good(NULL, ENVIRONMENT(variable), NULL), harness_load_good(json, NO_ENVIRONMENT, NULL)};
    for (size_t i = 0; i < 3; i++) {
        harness_assert_text(
            EVERYWHERE[_i].key, harness_item(configs[i], EVERYWHERE[_i].key), EVERYWHERE[_i].text);
        ck_assert_str_ne(harness_origin(configs[i], EVERYWHERE[_i].key), "default");
        config_free(configs[i]);
    }
}
END_TEST

START_TEST(the_fields_hold_what_the_items_say) {
    struct config *config = harness_load_good(NULL, ENVIRONMENT("BUGSINK_VERSION=2.3.0"),
        FLAGS("--log-level", "error", "--log-format", "json", "--maintenance", "/run/m", "--slow", "7ms",
            "--drain", "0s", "--start-grace", "0s", "--retry-interval", "50ms", "--reconnect", "1s"));
    ck_assert_int_eq(config->log_level, LOG_ERROR);
    ck_assert_int_eq(config->log_format, LOG_JSON);
    ck_assert_str_eq(config->maintenance, "/run/m");
    ck_assert_int_eq(config->slow_ms, 7);
    ck_assert_int_eq(config->checks[0].slow_ms, 7);
    ck_assert_int_eq(config->drain_ms, 0);
    ck_assert_int_eq(config->start_grace_ms, 0);
    ck_assert_int_eq(config->checks[1].retry_interval_ms, 50);
    ck_assert_int_eq(config->checks[0].database.reconnect_ms, 1000);
    ck_assert_str_eq(config->app_version, "2.3.0");
    ck_assert_str_eq(harness_origin(config, "version"), "environment BUGSINK_VERSION");
    config_free(config);
}
END_TEST

/* -- what is known before the whole is loaded -- */

START_TEST(a_listen_flag_without_a_value_leaves_the_standard_address) {
    const struct config_flag flag = {"--listen", NULL, NULL};
    const struct config_source source = {NULL, &flag, 1};
    char *listen = config_listen(&source);
    ck_assert_str_eq(listen, "[::]:8000");
    free(listen);
}
END_TEST

START_TEST(without_a_value_that_makes_sense_the_processes_are_shut_in) {
    static const char *const VALUES[] = {NULL, "", "of", "on"};
    for (int i = 0; i < ROWS(VALUES); i++) {
        const struct config_flag flag = {"--sandbox", VALUES[i], NULL};
        ck_assert_msg(config_is_sandboxed(&(struct config_source){NULL, &flag, 1}), "row %d", i);
    }
    const struct config_flag off = {"--sandbox", "off", NULL};
    ck_assert(!config_is_sandboxed(&(struct config_source){NULL, &off, 1}));
}
END_TEST

/* -- the table of options and its documentation -- */

START_TEST(flag_variable_and_key_have_one_name) {
    const struct config_option_doc *doc;
    size_t flags = 0;
    for (size_t i = 0; (doc = config_option_doc(i)) != NULL; i++) {
        ck_assert_msg(doc->help && *doc->help && doc->help[strlen(doc->help) - 1] != '.', "%zu", i);
        ck_assert_msg(doc->key || doc->flag || doc->variable, "%zu", i);
        if (!doc->flag)
            continue;
        flags++;
        ck_assert(config_is_flag(doc->flag));
        char variable[64] = "BUGSINK_HEALTH_", key[64];
        size_t start = strlen(variable), length = strlen(doc->flag + 2);
        for (size_t j = 0; j <= length; j++) {
            char c = doc->flag[2 + j] == '-' ? '_' : doc->flag[2 + j];
            variable[start + j] = (char)toupper((unsigned char)c);
            key[j] = c;
        }
        ck_assert_str_eq(doc->variable, variable);
        if (strcmp(doc->flag, "--app-url") == 0)
            ck_assert_str_eq(doc->key, "app.url");
        else if (strcmp(doc->flag, "--settings") == 0)
            ck_assert_str_eq(doc->key, "settings.path");
        else if (strcmp(doc->flag, "--config") == 0 || strcmp(doc->flag, "--sandbox") == 0)
            ck_assert_ptr_null(doc->key);
        else
            ck_assert_str_eq(doc->key, key);
    }
    ck_assert_uint_eq(flags, 16);
}
END_TEST

START_TEST(no_option_is_documented_twice) {
    const struct config_option_doc *a, *b;
    for (size_t i = 0; (a = config_option_doc(i)) != NULL; i++)
        for (size_t j = 0; j < i; j++) {
            b = config_option_doc(j);
            ck_assert(!a->flag || !b->flag || strcmp(a->flag, b->flag) != 0);
            ck_assert(!a->variable || !b->variable || strcmp(a->variable, b->variable) != 0);
            ck_assert(!a->key || !b->key || strcmp(a->key, b->key) != 0);
        }
}
END_TEST

START_TEST(no_flag_can_hold_a_secret) {
    static const char *const secrets[] = {
        "--dsn", "--database-url", "--password", "--secret-key", "--database-path"};
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        ck_assert(!config_is_flag(secrets[i]));
}
END_TEST

START_TEST(every_documented_standard_is_what_holds) {
    struct config *config = harness_load_good(NULL, NO_ENVIRONMENT, NULL);
    static const char *const keys[] = {
        "listen", "interval", "fall", "start_grace", "drain", "log_level", "log_format", "version"};
    const struct config_option_doc *doc;
    size_t found = 0;
    for (size_t i = 0; (doc = config_option_doc(i)) != NULL; i++)
        for (size_t j = 0; j < sizeof keys / sizeof keys[0]; j++)
            if (doc->key && strcmp(doc->key, keys[j]) == 0) {
                harness_assert_text(doc->key, harness_item(config, doc->key), doc->standard);
                found++;
            }
    ck_assert_uint_eq(found, sizeof keys / sizeof keys[0]);
    config_free(config);
}
END_TEST

/* The whole of a file of the project, with its secret files put into the scratch directory. */
static struct config *load_example(const char *path) {
    char text[8192], *at = text;
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    harness_write("database-password", "secret\n");
    harness_write("archive-dsn", "mysql://u:p@h/archive\n");
    while ((at = strstr(at, "/run/secrets")) != NULL) {
        memmove(at + 5, at + 12, strlen(at + 12) + 1);
        memcpy(at, "@DIR@", 5);
    }
    return harness_load_good(text, NO_ENVIRONMENT, NULL);
}

START_TEST(the_example_file_loads) {
    struct config *config = load_example("config/bugsink-health.json");
    ck_assert_uint_eq(config->warning_count, 0);
    ck_assert_uint_eq(config->check_count, 7);
    ck_assert_int_eq(harness_check(config, CHECK_NAME_INGESTION)->directory.min_free_bytes, INT64_C(1) << 28);
    ck_assert_str_eq(harness_check(config, "default")->database.dsn.password, "secret");
    ck_assert_int_eq(harness_check(config, "archive")->kind, KIND_MYSQL);
    ck_assert_int_eq(harness_check(config, CHECK_NAME_SETTINGS)->settings.format, SETTINGS_PYTHON);
    ck_assert_str_eq(harness_check(config, CHECK_NAME_APP)->app.host, "bugsink.example.com");
    config_free(config);
    config = load_example("config/bugsink-health.minimal.json");
    ck_assert_uint_eq(config->warning_count, 0);
    ck_assert_uint_eq(config->check_count, 4);
    config_free(config);
}
END_TEST

START_TEST(the_example_file_shows_every_key) {
    FILE *file = fopen("config/bugsink-health.json", "r");
    ck_assert_ptr_nonnull(file);
    char text[8192];
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const struct config_option_doc *doc;
    for (size_t i = 0; (doc = config_option_doc(i)) != NULL; i++) {
        char key[64];
        if (!doc->key)
            continue;
        const char *dot = strrchr(doc->key, '.');
        snprintf(key, sizeof key, "\"%s\":", dot ? dot + 1 : doc->key);
        ck_assert_msg(strstr(text, key) != NULL, "%s", doc->key);
    }
}
END_TEST

Suite *config_suite(void) {
    Suite *suite = suite_create("config");
    TCase *layers = tcase_create("layers");
    suite_add_tcase(suite, layers);
    tcase_add_test(layers, with_nothing_set_it_is_what_bugsinks_image_uses);
    tcase_add_test(layers, no_environment_at_all_is_an_empty_one);
    tcase_add_test(layers, flags_win_over_environment_over_file_over_default);
    tcase_add_test(layers, of_a_flag_given_twice_the_last_holds);
    tcase_add_test(layers, an_empty_variable_is_an_unset_one);
    tcase_add_loop_test(layers, an_option_is_the_same_by_flag_variable_and_key, 0, ROWS(EVERYWHERE));
    tcase_add_test(layers, the_fields_hold_what_the_items_say);
    TCase *early = tcase_create("early");
    suite_add_tcase(suite, early);
    tcase_add_test(early, a_listen_flag_without_a_value_leaves_the_standard_address);
    tcase_add_test(early, without_a_value_that_makes_sense_the_processes_are_shut_in);
    TCase *documentation = tcase_create("documentation");
    suite_add_tcase(suite, documentation);
    tcase_add_test(documentation, flag_variable_and_key_have_one_name);
    tcase_add_test(documentation, no_option_is_documented_twice);
    tcase_add_test(documentation, no_flag_can_hold_a_secret);
    tcase_add_test(documentation, every_documented_standard_is_what_holds);
    tcase_add_test(documentation, the_example_file_loads);
    tcase_add_test(documentation, the_example_file_shows_every_key);
    return suite;
}
