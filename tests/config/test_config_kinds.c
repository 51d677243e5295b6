/* Tests of what every check of a configuration can do, whatever its kind: be compared, be named. */
#include "config/config.h"

#include "config/config_harness.h"

#include <check.h>
#include <string.h>

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

static void assert_alike(const struct config *a, const struct config *b, const char *name, bool is_alike) {
    const struct check_config *one = harness_check(a, name), *other = harness_check(b, name);
    ck_assert_msg(check_config_equal(one, other) == is_alike, "%s", name);
    ck_assert_msg(check_config_asks_the_same(one, other), "%s", name);
}

START_TEST(an_option_of_one_kind_is_a_difference_to_that_kind_alone) {
    static const struct {
        const char *option, *concerned;
    } ROWS[] = {{"BUGSINK_HEALTH_RECONNECT=90s", "default"}, {"BUGSINK_HEALTH_FALL=4", "app"}};
    static const char *const NAMES[] = {"default", "ingestion", "app_settings", "app"};
    static const char APP[] = "BUGSINK_HEALTH_APP_URL=http://127.0.0.1:9000", SHARED[] = "SECRET_KEY=a";
    struct config *plain = harness_load_good(NULL, ENVIRONMENT(APP, SHARED), NULL);
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct config *other = harness_load_good(NULL, ENVIRONMENT(APP, SHARED, ROWS[i].option), NULL);
        for (size_t j = 0; j < sizeof NAMES / sizeof NAMES[0]; j++)
            assert_alike(plain, other, NAMES[j], strcmp(NAMES[j], ROWS[i].concerned) != 0);
        config_free(other);
    }
    config_free(plain);
}
END_TEST

START_TEST(what_a_driver_repeats_of_a_secret_is_blanked) {
    struct config *config = harness_load_good(
        NULL, ENVIRONMENT("DATABASE_URL=postgres://u:hunter2@h/d", "SECRET_KEY=hunter2"), NULL);
    char of_database[] = "says hunter2", of_settings[] = "says what it says";
    check_config_blank(harness_check(config, "default"), of_database);
    check_config_blank(harness_check(config, CHECK_NAME_SETTINGS), of_settings);
    ck_assert_str_eq(of_database, "says *******");
    ck_assert_str_eq(of_settings, "says what it says");
    config_free(config);
}
END_TEST

START_TEST(only_a_file_of_settings_may_be_wrong_for_a_while) {
    struct config *config = harness_load_good(NULL, ENVIRONMENT("BUGSINK_HEALTH_SETTINGS=/c.py"), NULL);
    struct config *shared = harness_load_good(NULL, ENVIRONMENT("SECRET_KEY=a"), NULL);
    for (size_t i = 0; i < config->check_count; i++)
        ck_assert_int_eq(
            check_config_patience_ms(&config->checks[i]), config->checks[i].kind == KIND_SETTINGS ? 2000 : 0);
    ck_assert_int_eq(check_config_patience_ms(harness_check(shared, CHECK_NAME_SETTINGS)), 0);
    config_free(config);
    config_free(shared);
}
END_TEST

START_TEST(kinds_and_roles_have_names) {
    static const char *const kinds[] = {"postgres", "mysql", "sqlite", "settings", "http", "directory"};
    for (int i = 0; i < KIND_COUNT; i++)
        ck_assert_str_eq(check_kind_id_name((enum check_kind_id)i), kinds[i]);
    ck_assert_str_eq(role_name(ROLE_PLAIN), "plain");
    ck_assert_str_eq(role_name(ROLE_MAIN), "main");
    ck_assert_str_eq(role_name(ROLE_QUEUE), "queue");
}
END_TEST

/* -- what names a database -- */

static const struct {
    const char *json, *environment, *name, *set_by;
} SETTERS[] = {{NULL, NULL, "default", "DATABASE_PATH"}, {NULL, NULL, "snappea", "BUGSINK_HEALTH_QUEUE"},
    {NULL, "DATABASE_URL=postgres://u:p@h/d", "default", "DATABASE_URL"},
    {NULL, "DATABASE_URL_FILE=@DIR@/url", "default", "DATABASE_URL_FILE"},
    {NULL, "SNAPPEA_DATABASE_PATH=/q", "snappea", "SNAPPEA_DATABASE_PATH"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\"}}}", NULL, "a", "databases.a.dsn"},
    {"{\"databases\": {\"a\": {\"dsn_file\": \"@DIR@/url\"}}}", NULL, "a", "databases.a.dsn_file"}};

START_TEST(a_check_knows_what_names_its_database) {
    harness_write("url", "postgres://u:p@h/d");
    const char *const environment[] = {SETTERS[_i].environment, NULL};
    struct config *config = harness_load_good(SETTERS[_i].json, environment, NULL);
    const struct check_config *check = harness_check(config, SETTERS[_i].name);
    ck_assert_str_eq(check_config_set_by(check), SETTERS[_i].set_by);
    ck_assert_str_eq(check_config_role(check), role_name(check->database.role));
    config_free(config);
}
END_TEST

Suite *config_kinds_suite(void) {
    Suite *suite = suite_create("config_kinds");
    TCase *comparison = tcase_create("comparison");
    suite_add_tcase(suite, comparison);
    tcase_add_test(comparison, checks_are_equal_when_everything_is);
    tcase_add_test(comparison, a_changed_environment_or_password_is_a_difference);
    tcase_add_test(comparison, an_option_of_one_kind_is_a_difference_to_that_kind_alone);
    TCase *deeds = tcase_create("deeds");
    suite_add_tcase(suite, deeds);
    tcase_add_test(deeds, what_a_driver_repeats_of_a_secret_is_blanked);
    tcase_add_test(deeds, only_a_file_of_settings_may_be_wrong_for_a_while);
    TCase *names = tcase_create("names");
    suite_add_tcase(suite, names);
    tcase_add_test(names, kinds_and_roles_have_names);
    tcase_add_loop_test(names, a_check_knows_what_names_its_database, 0, sizeof SETTERS / sizeof SETTERS[0]);
    return suite;
}
