/* Tests of the configuration: layers, defaults, times, flags, the file, comparison. */
#include "config/config.h"

#include "config/config_harness.h"
#include "harness/tempdir.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
    ck_assert_int_eq(check->role, ROLE_MAIN);
    ck_assert(check->is_critical);
    ck_assert_str_eq(check->dsn.path, "/data/db.sqlite3");
    ck_assert_int_eq(check->interval_ms, 5000);
    ck_assert_int_eq(check->timeout_ms, 3000);
    ck_assert_int_eq(check->retry_interval_ms, 1000);
    ck_assert_int_eq(check->slow_ms, 1500);
    ck_assert_int_eq(check->reconnect_ms, 60000);
    ck_assert_int_eq(check->min_free_bytes, -1);
    ck_assert_int_eq(check->max_wal_bytes, INT64_C(1) << 30);
    check = &config->checks[1];
    ck_assert_str_eq(check->name, "snappea");
    ck_assert_int_eq(check->kind, KIND_SQLITE);
    ck_assert_int_eq(check->role, ROLE_QUEUE);
    ck_assert_str_eq(check->dsn.path, "/tmp/snappea.sqlite3");
    ck_assert_int_eq(check->backlog_ms, 60000);
    ck_assert_int_eq(check->backlog_tasks, 300);
    ck_assert_int_eq(check->backlog_error_ms, -1);
    check = &config->checks[2];
    ck_assert_str_eq(check->name, "ingestion");
    ck_assert_int_eq(check->kind, KIND_DIRECTORY);
    ck_assert_int_eq(check->directory_role, DIRECTORY_SPOOL);
    ck_assert(check->is_critical);
    ck_assert_str_eq(check->path, "/tmp/bugsink/ingestion");
    ck_assert_int_eq(check->min_free_bytes, -1);
    check = &config->checks[3];
    ck_assert_str_eq(check->name, "wakeup");
    ck_assert_int_eq(check->directory_role, DIRECTORY_WAKEUP);
    ck_assert_str_eq(check->path, "/tmp/snappea.wakeup");
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

START_TEST(an_empty_variable_is_an_unset_one) {
    struct config *config = harness_load_good(NULL,
        ENVIRONMENT(
            "BUGSINK_HEALTH_INTERVAL=", "DATABASE_URL=", "BUGSINK_HEALTH_QUEUE=", "SNAPPEA_DATABASE_PATH=",
            "BUGSINK_VERSION=", "BUGSINK_HEALTH_CONFIG=", "SECRET_KEY=", "BUGSINK_HEALTH_NONSENSE="),
        NULL);
    ck_assert_int_eq(config->interval_ms, 5000);
    ck_assert_str_eq(config->checks[0].dsn.path, "/data/db.sqlite3");
    ck_assert_str_eq(config->app_version, "unknown");
    ck_assert_uint_eq(config->check_count, 4);
    config_free(config);
}
END_TEST

START_TEST(an_empty_database_path_is_the_empty_name_as_it_is_to_bugsink) {
    struct config *config = harness_load_good(NULL, ENVIRONMENT("DATABASE_PATH="), NULL);
    ck_assert_str_eq(config->checks[0].dsn.path, "");
    config_free(config);
    config = harness_load_good(NULL, ENVIRONMENT("DATABASE_PATH=", "DATABASE_URL=postgres://u@h/d"), NULL);
    ck_assert_int_eq(config->checks[0].kind, KIND_POSTGRES);
    config_free(config);
}
END_TEST

START_TEST(the_queues_old_name_makes_nothing_unready) {
    struct config *config = harness_load_good(NULL, ENVIRONMENT("SNAPPEA_DATABASE_PATH=/old"), NULL);
    ck_assert_str_eq(config->checks[1].dsn.path, "/old");
    ck_assert(!config->checks[1].is_critical);
    ck_assert_ptr_nonnull(strstr(config->warnings[0], "BUGSINK_HEALTH_QUEUE"));
    config_free(config);
    config =
        harness_load_good(NULL, ENVIRONMENT("SNAPPEA_DATABASE_PATH=/old", "BUGSINK_HEALTH_QUEUE=/new"), NULL);
    ck_assert_str_eq(config->checks[1].dsn.path, "/new");
    ck_assert(config->checks[1].is_critical);
    config_free(config);
    config = harness_load_good("{\"databases\": {\"snappea\": {\"critical\": true}}}",
        ENVIRONMENT("SNAPPEA_DATABASE_PATH=/old"), NULL);
    ck_assert(config->checks[0].is_critical);
    config_free(config);
}
END_TEST

START_TEST(a_byte_order_mark_in_front_of_the_file_is_let_pass) {
    struct config *config = harness_load_good("\xef\xbb\xbf{\"interval\": \"6s\"}", NO_ENVIRONMENT, NULL);
    ck_assert_int_eq(config->interval_ms, 6000);
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

START_TEST(a_setting_is_the_same_by_flag_variable_and_key) {
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
    ck_assert_int_eq(config->checks[0].reconnect_ms, 1000);
    ck_assert_str_eq(config->app_version, "2.3.0");
    ck_assert_str_eq(harness_origin(config, "version"), "environment BUGSINK_VERSION");
    config_free(config);
}
END_TEST

/* -- the table of settings and its documentation -- */

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

START_TEST(no_setting_is_documented_twice) {
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
    ck_assert_int_eq(harness_check(config, CHECK_NAME_INGESTION)->min_free_bytes, INT64_C(1) << 28);
    ck_assert_str_eq(harness_check(config, "default")->dsn.password, "secret");
    ck_assert_int_eq(harness_check(config, "archive")->kind, KIND_MYSQL);
    ck_assert_int_eq(harness_check(config, CHECK_NAME_SETTINGS)->format, SETTINGS_PYTHON);
    ck_assert_str_eq(harness_check(config, CHECK_NAME_APP)->host, "bugsink.example.com");
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

/* -- times -- */

START_TEST(times_that_nobody_set_follow_the_interval) {
    struct config *config = harness_load_good(NULL, ENVIRONMENT("BUGSINK_HEALTH_INTERVAL=200ms"), NULL);
    ck_assert_int_eq(config->timeout_ms, 120);
    ck_assert_int_eq(config->retry_interval_ms, 200);
    ck_assert_int_eq(config->slow_ms, 60);
    config_free(config);
    config = harness_load_good(
        NULL, ENVIRONMENT("BUGSINK_HEALTH_INTERVAL=1h", "BUGSINK_HEALTH_TIMEOUT=10s"), NULL);
    ck_assert_int_eq(config->timeout_ms, 10000);
    ck_assert_int_eq(config->retry_interval_ms, 1000);
    ck_assert_int_eq(config->slow_ms, 5000);
    config_free(config);
}
END_TEST

static const struct {
    const char *const flags[9];
    const char *says;
} BAD_FLAGS[] = {
    {{"--timeout", "5s"}, "the timeout of 5s (--timeout) must be below the interval of 5s (default)"},
    {{"--timeout", "6s"}, "the timeout of 6s (--timeout) must be below the interval of 5s (default)"},
    {{"--interval", "1s", "--timeout", "1s"}, "must be below the interval of 1s (--interval)"},
    {{"--retry-interval", "6s"},
        "the retry_interval of 6s (--retry-interval) must not be above the interval of 5s"},
    {{"--slow", "3001ms"}, "the slow of 3001ms (--slow) must not be above the timeout of 3s"},
    {{"--interval", "99ms"}, "--interval: must be from 100ms to 1h"},
    {{"--interval", "61m"}, "--interval: must be from 100ms to 1h"},
    {{"--timeout", "49ms"}, "--timeout: must be from 50ms to 1h"},
    {{"--retry-interval", "1ms"}, "--retry-interval: must be from 50ms to 1h"},
    {{"--reconnect", "999ms"}, "--reconnect: must be 0s, or from 1s"},
    {{"--reconnect", "61m"}, "--reconnect: must be from 0s to 1h"},
    {{"--slow", "0s"}, "--slow: must be from 1ms to 1h"},
    {{"--start-grace", "25h"}, "--start-grace: must be from 0s to 24h"},
    {{"--drain", "2h"}, "--drain: must be from 0s to 1h"},
    {{"--fall", "0"}, "--fall: must be from 1 to 100"},
    {{"--fall", "101"}, "--fall: must be from 1 to 100"},
    {{"--fall", "three"}, "--fall: three is no whole number"},
    {{"--fall", "-3"}, "--fall: -3 is no whole number"},
    {{"--fall", "3x"}, "--fall: 3x is no whole number"},
    {{"--fall", "99999999999999999999"}, "--fall: 99999999999999999999 is no whole number"},
    {{"--interval", "5"}, "--interval: \"5\" has no unit; write 5s"},
    {{"--interval", "soon"}, "--interval: \"soon\" is no duration"},
    {{"--log-level", "loud"}, "--log-level: loud is none of these: debug, info, warning or error"},
    {{"--log-level", "INFO"}, "--log-level: INFO is none of these"},
    {{"--log-format", "xml"}, "--log-format: xml is none of these: text or json"},
    {{"--listen", "8000"}, "--listen: \"8000\" is no address and port; write ADDRESS:PORT"},
    {{"--listen", "localhost"}, "--listen: \"localhost\" is no address and port"},
    {{"--listen", "example.com:8000"}, "--listen: \"example.com:8000\" has no numeric address"},
    {{"--listen", "::1:8000"}, "--listen: \"::1:8000\" is no address and port"},
    {{"--listen", "[127.0.0.1]:8000"}, "is no address and port"},
    {{"--listen", "[::1]"}, "is no address and port"},
    {{"--listen", "[::1]:"}, "has no port"},
    {{"--listen", "127.0.0.1:65536"}, "has no port from 0 to 65535"},
    {{"--listen", "127.0.0.1:+1"}, "has no port"},
    {{"--listen", "127.0.0.1:99999999999999999999"}, "has no port"},
    {{"--listen", "127.1:80"}, "has no numeric address"},
    {{"--listen", "256.0.0.1:80"}, "has no numeric address"},
    {{"--interval", ""}, "--interval: a value must follow"},
    {{"--intervall", "5s"}, "unknown flag --intervall; did you mean --interval?"},
    {{"--Interval", "5s"}, "unknown flag --Interval; did you mean --interval?"},
    {{"--app_url", "x"}, "unknown flag --app_url; did you mean --app-url?"},
    {{"--dsn", "postgresql://u:hunter2@h/d"}, "unknown flag --dsn; bugsink-health --help lists them"},
    {{"--dsn=postgresql://u:hunter2@h/d", "x"}, "unknown flag --dsn;"},
};

START_TEST(a_wrong_flag_is_refused_by_its_name) {
    harness_load_bad(NULL, NO_ENVIRONMENT, BAD_FLAGS[_i].flags, BAD_FLAGS[_i].says);
}
END_TEST

static const char *const LISTENS[][2] = {{"[::]:8000", "[::]:8000"}, {"0.0.0.0:80", "0.0.0.0:80"},
    {":8000", "[::]:8000"}, {"127.0.0.1:0", "127.0.0.1:0"}, {"localhost:8000", "127.0.0.1:8000"},
    {"[::1]:65535", "[::1]:65535"}, {"[0:0:0:0:0:0:0:1]:08000", "[::1]:8000"},
    {"[2001:DB8::1]:1", "[2001:db8::1]:1"}};

START_TEST(a_listening_address_is_brought_into_one_form) {
    struct config *config = harness_load_good(NULL, NO_ENVIRONMENT, FLAGS("--listen", LISTENS[_i][0]));
    ck_assert_str_eq(config->listen, LISTENS[_i][1]);
    config_free(config);
}
END_TEST

/* -- variables -- */

#define SIXTY_FOUR "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
    const char *variable;
    const char *says;
} BAD_VARIABLES[] = {
    {"BUGSINK_HEALTH_INTERVALL=5s",
        "BUGSINK_HEALTH_INTERVALL: no such setting; did you mean BUGSINK_HEALTH_INTERVAL?"},
    {"BUGSINK_HEALTH_LOGLEVEL=info", "did you mean BUGSINK_HEALTH_LOG_LEVEL?"},
    {"BUGSINK_HEALTH_RETRYINTERVAL=1s", "did you mean BUGSINK_HEALTH_RETRY_INTERVAL?"},
    {"BUGSINK_HEALTH_listen=:1", "did you mean BUGSINK_HEALTH_LISTEN?"},
    {"BUGSINK_HEALTH_CONFIG_FILE=/x", "BUGSINK_HEALTH_CONFIG_FILE: no such setting"},
    {"BUGSINK_HEALTH_SETTINGS_FILE=/x", "BUGSINK_HEALTH_SETTINGS_FILE: no such setting"},
    {"BUGSINK_HEALTH_DATABASE_URL=postgresql://u:hunter2@h/d",
        "BUGSINK_HEALTH_DATABASE_URL: no such setting"},
    {"BUGSINK_HEALTH_=x", "BUGSINK_HEALTH_: no such setting"},
    {"BUGSINK_HEALTH_SERVICE=x", "BUGSINK_HEALTH_SERVICE: no such setting"},
    {"BUGSINK_HEALTH_INTERVAL=5", "BUGSINK_HEALTH_INTERVAL: \"5\" has no unit"},
    {"BUGSINK_HEALTH_LISTEN=x", "BUGSINK_HEALTH_LISTEN: \"x\" is no address"},
    {"BUGSINK_HEALTH_CONFIG=/nonexistent/x.json", "BUGSINK_HEALTH_CONFIG: /nonexistent/x.json: No such file"},
    {"BUGSINK_HEALTH_CONFIG=/", "BUGSINK_HEALTH_CONFIG: /: "},
    {"BUGSINK_VERSION=2.3\n", "BUGSINK_VERSION: must be at most 64 visible ASCII characters"},
    {"BUGSINK_VERSION=\x1b[2J", "BUGSINK_VERSION: must be at most 64 visible ASCII characters"},
    {"BUGSINK_VERSION=\xff", "BUGSINK_VERSION: must be at most 64 visible ASCII characters"},
    {"BUGSINK_VERSION=" SIXTY_FOUR "5", "BUGSINK_VERSION: must be at most 64 visible ASCII characters"},
};

START_TEST(a_wrong_variable_is_refused_by_its_name) {
    harness_load_bad(NULL, ENVIRONMENT(BAD_VARIABLES[_i].variable), NULL, BAD_VARIABLES[_i].says);
}
END_TEST

START_TEST(what_kubernetes_injects_for_a_service_of_our_name_is_no_setting) {
    struct config *config = harness_load_good(NULL,
        ENVIRONMENT("BUGSINK_HEALTH_SERVICE_HOST=10.0.0.1", "BUGSINK_HEALTH_SERVICE_PORT=8000",
            "BUGSINK_HEALTH_SERVICE_PORT_HTTP=8000", "BUGSINK_HEALTH_PORT=tcp://10.0.0.1:8000",
            "BUGSINK_HEALTH_PORT_8000_TCP=tcp://10.0.0.1:8000", "BUGSINK_HEALTH_PORT_8000_TCP_PROTO=tcp",
            "BUGSINK_HEALTH_PORT_8000_TCP_PORT=8000", "BUGSINK_HEALTH_PORT_8000_TCP_ADDR=10.0.0.1",
            "BUGSINK_HEALTH_METRICS_SERVICE_HOST=10.0.0.2", "BUGSINK_HEALTH_METRICS_SERVICE_PORT=9090",
            "BUGSINK_HEALTH_METRICS_PORT=tcp://10.0.0.2:9090",
            "BUGSINK_HEALTH_METRICS_PORT_9090_TCP_ADDR=10.0.0.2"),
        NULL);
    ck_assert_uint_eq(config->warning_count, 0);
    config_free(config);
}
END_TEST

START_TEST(other_variables_are_none_of_our_business) {
    struct config *config =
        harness_load_good(NULL, ENVIRONMENT("PATH=/bin", "BUGSINK_HEALTHY=no", "broken", "=x", ""), NULL);
    ck_assert_uint_eq(config->warning_count, 0);
    config_free(config);
}
END_TEST

START_TEST(a_variable_may_be_given_as_a_file) {
    harness_write("interval", "9s\n");
    harness_write("url", "postgresql://u:p@h/d\r\n\n");
    struct config *config = harness_load_good(NULL,
        ENVIRONMENT("BUGSINK_HEALTH_INTERVAL_FILE=@DIR@/interval", "DATABASE_URL_FILE=@DIR@/url"), NULL);
    ck_assert_int_eq(config->interval_ms, 9000);
    ck_assert_str_eq(harness_origin(config, "interval"), "environment BUGSINK_HEALTH_INTERVAL_FILE");
    ck_assert_str_eq(config->checks[0].dsn.password, "p");
    ck_assert_str_eq(config->checks[0].dsn.database, "d");
    ck_assert_str_eq(harness_origin(config, "databases.default.dsn"), "environment DATABASE_URL_FILE");
    config_free(config);
}
END_TEST

static const struct {
    const char *const environment[3];
    const char *says;
} BAD_FILES[] = {
    {{"DATABASE_URL_FILE=@DIR@/url", "DATABASE_URL=postgresql://u:p@h/d"},
        "DATABASE_URL and DATABASE_URL_FILE are both set; keep one of them"},
    {{"DATABASE_URL_FILE=@DIR@/none"}, "DATABASE_URL_FILE: @DIR@/none: No such file"},
    {{"DATABASE_URL_FILE=@DIR@/empty"}, "DATABASE_URL_FILE: @DIR@/empty: empty"},
    {{"DATABASE_URL_FILE=@DIR@/newline"}, "DATABASE_URL_FILE: @DIR@/newline: empty"},
    {{"DATABASE_URL_FILE=@DIR@"}, "DATABASE_URL_FILE: @DIR@: Is a directory"},
    {{"DATABASE_URL_FILE=postgresql://u:hunter2@h/d"},
        "DATABASE_URL_FILE: the file it names (its value is not shown"},
    {{"DATABASE_URL_FILE=@DIR@/wrong"}, "DATABASE_URL_FILE: Bugsink reads only URLs"},
    {{"DATABASE_PATH_FILE=@DIR@/url"},
        "DATABASE_PATH_FILE: no such setting; DATABASE_PATH is a path itself, not a secret"},
    {{"SNAPPEA_DATABASE_PATH_FILE=@DIR@/url"}, "SNAPPEA_DATABASE_PATH is a path itself"},
    {{"BUGSINK_HEALTH_CONFIG_FILE=@DIR@/url", "BUGSINK_HEALTH_CONFIG=/x"}, "BUGSINK_HEALTH_CONFIG_FILE"},
    {{"DATABASE_URL_FILE=//host/secret"}, "(its value is not shown"},
    {{"BUGSINK_HEALTH_INTERVAL_FILE=@DIR@/wrong"}, "BUGSINK_HEALTH_INTERVAL_FILE: \"wrong\" is no duration"},
};

START_TEST(a_wrong_file_variable_is_refused_by_its_name) {
    harness_write("url", "postgresql://u:p@h/d");
    harness_write("empty", "");
    harness_write("newline", "\n");
    harness_write("wrong", "wrong");
    harness_load_bad(NULL, BAD_FILES[_i].environment, NULL, BAD_FILES[_i].says);
}
END_TEST

START_TEST(a_secret_file_holds_one_text_of_bounded_length) {
    static const char with_nul[] = "postgres://u:p\0q@h/d";
    char *dir = tempdir_new(), *path = tempdir_path(dir, "url"), variable[300];
    snprintf(variable, sizeof variable, "DATABASE_URL_FILE=%s", path);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(with_nul, 1, sizeof with_nul - 1, file), sizeof with_nul - 1);
    fclose(file);
    harness_load_bad(NULL, ENVIRONMENT(variable), NULL, "/url: holds a NUL character");
    file = fopen(path, "w");
    for (int i = 0; i <= 64 * 1024; i++)
        fputc('x', file);
    fclose(file);
    harness_load_bad(NULL, ENVIRONMENT(variable), NULL, "/url: larger than 64 KiB");
    ck_assert_int_eq(remove(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    harness_load_bad(NULL, ENVIRONMENT(variable), NULL, "/url: not a regular file");
    free(path);
    free(dir);
}
END_TEST

/* -- the file -- */

static const struct {
    const char *json;
    const char *says;
} BAD_JSON[] = {
    {"", "@DIR@/config.json:1:"},
    {"{", "@DIR@/config.json:1:1: ends too early"},
    {"{\n  \"interval\": \"5s\"\n  \"timeout\": \"3s\"\n}", "@DIR@/config.json:3:11: not valid JSON here"},
    {"{\"interval\": \"5s\",}", "@DIR@/config.json:1:19: not valid JSON here"},
    {"{\"interval\": 5s}", "@DIR@/config.json:1:15: not valid JSON here"},
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
    {"{\"fall\": 9223372036854775807}", "fall: 9223372036854775807 is no whole number"},
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

START_TEST(an_empty_object_changes_nothing) {
    struct config *config = harness_load_good("{}", NO_ENVIRONMENT, NULL);
    ck_assert_uint_eq(config->check_count, 4);
    ck_assert_ptr_nonnull(config->file);
    ck_assert_str_eq(harness_origin(config, "config"), "flag --config");
    config_free(config);
}
END_TEST

/* -- comparison -- */

START_TEST(checks_are_equal_when_everything_is) {
    static const char *const bases[] = {
        "{\"databases\": {\"a\": {\"dsn\": \"/a\", \"role\": \"queue\"}}}",
        "{\"databases\": {\"b\": {\"dsn\": \"/a\", \"role\": \"queue\"}}}",
        "{\"databases\": {\"a\": {\"dsn\": \"/b\", \"role\": \"queue\"}}}",
        "{\"databases\": {\"a\": {\"dsn\": \"/a\", \"role\": \"main\"}}}",
        "{\"databases\": {\"a\": {\"dsn\": \"/a\", \"role\": \"queue\", \"critical\": false}}}",
        "{\"databases\": {\"a\": {\"dsn\": \"/a\", \"role\": \"queue\", \"min_free\": \"1KiB\"}}}",
        "{\"databases\": {\"a\": {\"dsn\": \"/a\", \"role\": \"queue\", \"max_wal\": \"1KiB\"}}}",
        "{\"databases\": {\"a\": {\"dsn\": \"/a\", \"role\": \"queue\", \"backlog\": {\"degraded\": "
        "\"1s\"}}}}",
        "{\"databases\": {\"a\": {\"dsn\": \"/a\", \"role\": \"queue\", \"backlog\": {\"error\": "
        "\"100s\"}}}}",
        "{\"databases\": {\"a\": {\"dsn\": \"/a\", \"role\": \"queue\", \"backlog\": {\"tasks\": 1}}}}",
        "{\"interval\": \"6s\", \"databases\": {\"a\": {\"dsn\": \"/a\", \"role\": \"queue\"}}}",
        "{\"timeout\": \"4s\", \"slow\": \"1500ms\", \"databases\": {\"a\": {\"dsn\": \"/a\", \"role\": "
        "\"queue\"}}}",
        "{\"retry_interval\": \"2s\", \"databases\": {\"a\": {\"dsn\": \"/a\", \"role\": \"queue\"}}}",
        "{\"slow\": \"1s\", \"databases\": {\"a\": {\"dsn\": \"/a\", \"role\": \"queue\"}}}",
        "{\"databases\": {}, \"settings\": {\"path\": \"/a.py\"}}",
        "{\"databases\": {}, \"settings\": {\"path\": \"/b.py\"}}",
        "{\"databases\": {}, \"settings\": {\"path\": \"/a.py\", \"format\": \"json\", \"require\": "
        "[\"SECRET_KEY\", \"BUGSINK\"]}}",
        "{\"databases\": {}, \"settings\": {\"path\": \"/a.py\", \"require\": [\"BUGSINK\"]}}",
        "{\"databases\": {}, \"settings\": {\"path\": \"/a.py\", \"require\": [\"SECRET_KEY\", "
        "\"BUGSINKS\"]}}",
        "{\"databases\": {}, \"settings\": {\"format\": \"environment\"}}",
        "{\"databases\": {}, \"app\": {\"url\": \"http://127.0.0.1:9000\"}}",
        "{\"databases\": {}, \"directories\": {\"a\": {\"path\": \"/a\"}}}",
        "{\"databases\": {}, \"directories\": {\"a\": {\"path\": \"/b\"}}}",
        "{\"databases\": {}, \"directories\": {\"a\": {\"path\": \"/a\", \"role\": \"wakeup\"}}}",
        "{\"databases\": {}, \"directories\": {\"a\": {\"path\": \"/a\", \"min_free\": \"1KiB\"}}}",
        "{\"databases\": {}, \"directories\": {\"a\": {\"path\": \"/a\", \"critical\": false}}}",
        "{\"databases\": {}, \"app\": {\"url\": \"http://127.0.0.1:9001\"}}",
        "{\"databases\": {}, \"app\": {\"url\": \"http://127.0.0.1:9000\", \"host\": \"h\"}}",
        "{\"databases\": {}, \"app\": {\"url\": \"http://127.0.0.1:9000\", \"expect\": \"Ok\"}}",
    };
    enum { COUNT = sizeof bases / sizeof bases[0] };
    struct config *first[COUNT], *second[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        first[i] = harness_load_good(bases[i], ENVIRONMENT("A=b"), NULL);
        second[i] = harness_load_good(bases[i], ENVIRONMENT("A=b"), NULL);
        ck_assert_uint_eq(first[i]->check_count, 1);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < COUNT; j++)
            ck_assert_msg(check_config_equal(&first[i]->checks[0], &second[j]->checks[0]) == (i == j),
                "%s, %s", bases[i], bases[j]);
    for (size_t i = 0; i < COUNT; i++) {
        config_free(first[i]);
        config_free(second[i]);
    }
}
END_TEST

START_TEST(a_changed_environment_or_password_is_a_difference) {
    struct config *configs[] = {harness_load_good(NULL, ENVIRONMENT("SECRET_KEY=a", "X=1"), NULL),
        harness_load_good(NULL, ENVIRONMENT("SECRET_KEY=a", "X=2"), NULL),
        harness_load_good(NULL, ENVIRONMENT("SECRET_KEY=a"), NULL),
        harness_load_good(NULL, ENVIRONMENT("SECRET_KEY=a", "X=1", "BUGSINK_HEALTH_FALL=4"), NULL)};
    const struct check_config *checks[4];
    for (size_t i = 0; i < 4; i++)
        checks[i] = harness_check(configs[i], CHECK_NAME_SETTINGS);
    ck_assert(!check_config_equal(checks[0], checks[1]));
    ck_assert(!check_config_equal(checks[0], checks[2]));
    ck_assert(!check_config_equal(checks[2], checks[0]));
    ck_assert(check_config_equal(checks[0], checks[3]));
    for (size_t i = 0; i < 4; i++)
        config_free(configs[i]);
    struct config *a = harness_load_good(NULL, ENVIRONMENT("DATABASE_URL=postgres://u:p@h/d"), NULL);
    struct config *b = harness_load_good(NULL, ENVIRONMENT("DATABASE_URL=postgres://u:q@h/d"), NULL);
    ck_assert(!check_config_equal(&a->checks[0], &b->checks[0]));
    ck_assert(check_config_equal(&a->checks[1], &b->checks[1]));
    config_free(a);
    config_free(b);
}
END_TEST

START_TEST(a_listen_flag_without_a_value_leaves_the_standard_address) {
    const struct config_flag flag = {"--listen", NULL};
    const struct config_source source = {NULL, &flag, 1};
    char *listen = config_listen(&source);
    ck_assert_str_eq(listen, "[::]:8000");
    free(listen);
}
END_TEST

START_TEST(without_a_value_that_makes_sense_the_processes_are_shut_in) {
    static const char *const VALUES[] = {NULL, "", "of", "on"};
    for (int i = 0; i < ROWS(VALUES); i++) {
        const struct config_flag flag = {"--sandbox", VALUES[i]};
        ck_assert_msg(config_is_sandboxed(&(struct config_source){NULL, &flag, 1}), "row %d", i);
    }
    const struct config_flag off = {"--sandbox", "off"};
    ck_assert(!config_is_sandboxed(&(struct config_source){NULL, &off, 1}));
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
    tcase_add_test(layers, an_empty_database_path_is_the_empty_name_as_it_is_to_bugsink);
    tcase_add_test(layers, the_queues_old_name_makes_nothing_unready);
    tcase_add_test(layers, a_byte_order_mark_in_front_of_the_file_is_let_pass);
    tcase_add_loop_test(layers, a_setting_is_the_same_by_flag_variable_and_key, 0, ROWS(EVERYWHERE));
    tcase_add_test(layers, the_fields_hold_what_the_items_say);
    TCase *docs = tcase_create("documentation");
    suite_add_tcase(suite, docs);
    tcase_add_test(docs, flag_variable_and_key_have_one_name);
    tcase_add_test(docs, no_setting_is_documented_twice);
    tcase_add_test(docs, no_flag_can_hold_a_secret);
    tcase_add_test(docs, every_documented_standard_is_what_holds);
    tcase_add_test(docs, the_example_file_loads);
    tcase_add_test(docs, the_example_file_shows_every_key);
    TCase *values = tcase_create("values");
    suite_add_tcase(suite, values);
    tcase_add_test(values, times_that_nobody_set_follow_the_interval);
    tcase_add_loop_test(values, a_wrong_flag_is_refused_by_its_name, 0, ROWS(BAD_FLAGS));
    tcase_add_loop_test(values, a_listening_address_is_brought_into_one_form, 0, ROWS(LISTENS));
    tcase_add_loop_test(values, a_wrong_variable_is_refused_by_its_name, 0, ROWS(BAD_VARIABLES));
    tcase_add_test(values, what_kubernetes_injects_for_a_service_of_our_name_is_no_setting);
    tcase_add_test(values, other_variables_are_none_of_our_business);
    tcase_add_test(values, a_variable_may_be_given_as_a_file);
    tcase_add_test(values, a_secret_file_holds_one_text_of_bounded_length);
    tcase_add_loop_test(values, a_wrong_file_variable_is_refused_by_its_name, 0, ROWS(BAD_FILES));
    tcase_add_loop_test(values, a_wrong_file_is_refused_with_its_place, 0, ROWS(BAD_JSON));
    tcase_add_test(values, a_file_above_a_mebibyte_is_refused);
    tcase_add_test(values, an_empty_object_changes_nothing);
    tcase_add_test(values, a_listen_flag_without_a_value_leaves_the_standard_address);
    tcase_add_test(values, without_a_value_that_makes_sense_the_processes_are_shut_in);
    TCase *comparison = tcase_create("comparison");
    suite_add_tcase(suite, comparison);
    tcase_add_test(comparison, checks_are_equal_when_everything_is);
    tcase_add_test(comparison, a_changed_environment_or_password_is_a_difference);
    return suite;
}
