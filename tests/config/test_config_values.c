/* Tests of the values of options: times, what a flag or a variable may say, variables given as a file. */
#include "config/config.h"

#include "config/config_harness.h"
#include "harness/tempdir.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))
#define FLAGS(...)  ((const char *const[]){__VA_ARGS__, NULL})

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
    {{"--fall", "three"}, "--fall: three is not a whole number"},
    {{"--fall", "-3"}, "--fall: -3 is not a whole number"},
    {{"--fall", "3x"}, "--fall: 3x is not a whole number"},
    {{"--fall", "99999999999999999999"}, "--fall: 99999999999999999999 is not a whole number"},
    {{"--interval", "5"}, "--interval: \"5\" has no unit; write 5s"},
    {{"--interval", "soon"}, "--interval: \"soon\" is not a duration"},
    {{"--log-level", "loud"}, "--log-level: loud is not one of these: debug, info, warning or error"},
    {{"--log-level", "INFO"}, "--log-level: INFO is not one of these"},
    {{"--log-format", "xml"}, "--log-format: xml is not one of these: text or json"},
    {{"--listen", "8000"}, "--listen: \"8000\" is not an address and port; write ADDRESS:PORT"},
    {{"--listen", "localhost"}, "--listen: \"localhost\" is not an address and port"},
    {{"--listen", "example.com:8000"}, "--listen: \"example.com:8000\" has no numeric address"},
    {{"--listen", "::1:8000"}, "--listen: \"::1:8000\" is not an address and port"},
    {{"--listen", "[127.0.0.1]:8000"}, "is not an address and port"},
    {{"--listen", "[::1]"}, "is not an address and port"},
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
        "BUGSINK_HEALTH_INTERVALL: no such option; did you mean BUGSINK_HEALTH_INTERVAL?"},
    {"BUGSINK_HEALTH_LOGLEVEL=info", "did you mean BUGSINK_HEALTH_LOG_LEVEL?"},
    {"BUGSINK_HEALTH_RETRYINTERVAL=1s", "did you mean BUGSINK_HEALTH_RETRY_INTERVAL?"},
    {"BUGSINK_HEALTH_listen=:1", "did you mean BUGSINK_HEALTH_LISTEN?"},
    {"BUGSINK_HEALTH_CONFIG_FILE=/x", "BUGSINK_HEALTH_CONFIG_FILE: no such option"},
    {"BUGSINK_HEALTH_SETTINGS_FILE=/x", "BUGSINK_HEALTH_SETTINGS_FILE: no such option"},
    {"BUGSINK_HEALTH_DATABASE_URL=postgresql://u:hunter2@h/d", "BUGSINK_HEALTH_DATABASE_URL: no such option"},
    {"BUGSINK_HEALTH_=x", "BUGSINK_HEALTH_: no such option"},
    {"BUGSINK_HEALTH_SERVICE=x", "BUGSINK_HEALTH_SERVICE: no such option"},
    {"BUGSINK_HEALTH_INTERVAL=5", "BUGSINK_HEALTH_INTERVAL: \"5\" has no unit"},
    {"BUGSINK_HEALTH_LISTEN=x", "BUGSINK_HEALTH_LISTEN: \"x\" is not an address"},
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

START_TEST(what_kubernetes_injects_for_a_service_of_our_name_is_no_option) {
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
    ck_assert_str_eq(config->checks[0].database.dsn.password, "p");
    ck_assert_str_eq(config->checks[0].database.dsn.database, "d");
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
        "DATABASE_PATH_FILE: no such option; DATABASE_PATH is a path itself, not a secret"},
    {{"SNAPPEA_DATABASE_PATH_FILE=@DIR@/url"}, "SNAPPEA_DATABASE_PATH is a path itself"},
    {{"BUGSINK_HEALTH_CONFIG_FILE=@DIR@/url", "BUGSINK_HEALTH_CONFIG=/x"}, "BUGSINK_HEALTH_CONFIG_FILE"},
    {{"DATABASE_URL_FILE=//host/secret"}, "(its value is not shown"},
    {{"BUGSINK_HEALTH_INTERVAL_FILE=@DIR@/wrong"},
        "BUGSINK_HEALTH_INTERVAL_FILE: \"wrong\" is not a duration"},
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

Suite *config_values_suite(void) {
    Suite *suite = suite_create("config_values");
    TCase *flags = tcase_create("flags");
    suite_add_tcase(suite, flags);
    tcase_add_test(flags, times_that_nobody_set_follow_the_interval);
    tcase_add_loop_test(flags, a_wrong_flag_is_refused_by_its_name, 0, ROWS(BAD_FLAGS));
    tcase_add_loop_test(flags, a_listening_address_is_brought_into_one_form, 0, ROWS(LISTENS));
    TCase *variables = tcase_create("variables");
    suite_add_tcase(suite, variables);
    tcase_add_loop_test(variables, a_wrong_variable_is_refused_by_its_name, 0, ROWS(BAD_VARIABLES));
    tcase_add_test(variables, what_kubernetes_injects_for_a_service_of_our_name_is_no_option);
    tcase_add_test(variables, other_variables_are_none_of_our_business);
    tcase_add_test(variables, a_variable_may_be_given_as_a_file);
    tcase_add_test(variables, a_secret_file_holds_one_text_of_bounded_length);
    tcase_add_loop_test(variables, a_wrong_file_variable_is_refused_by_its_name, 0, ROWS(BAD_FILES));
    return suite;
}
