/* Tests of which databases a configuration has checked, and how. */
#include "config/config.h"

#include "config/config_harness.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

/* -- which databases -- */

struct listing {
    const char *json;
    const char *const environment[4];
    const char *databases; /* "NAME=ROLE@SAFE NAME=ROLE@SAFE" */
};

#define QUEUE "snappea=queue@sqlite:////tmp/snappea.sqlite3"
static const struct listing LISTINGS[] = {
    {NULL, {NULL}, "default=main@sqlite:////data/db.sqlite3 " QUEUE},
    {NULL, {"DATABASE_PATH=/d"}, "default=main@sqlite:////d " QUEUE},
    {NULL, {"DATABASE_PATH=a @b:c"}, "default=main@sqlite:///a%20%40b:c " QUEUE},
    {NULL, {"DATABASE_PATH="},
        "default=main@sqlite:/// " QUEUE}, /* as Bugsink takes it, and does not start */
    {NULL, {"DATABASE_PATH=", "DATABASE_URL=postgres://u:p@h/d"},
        "default=main@postgresql://h:5432/d " QUEUE},
    {NULL, {"DATABASE_URL="}, "default=main@sqlite:////data/db.sqlite3 " QUEUE},
    {NULL, {"DATABASE_URL=postgres://u:p@h/d"}, "default=main@postgresql://h:5432/d " QUEUE},
    {NULL, {"DATABASE_URL=mysql://u:p@h/d"}, "default=main@mysql://h:3306/d " QUEUE},
    {NULL, {"DATABASE_URL=postgres://u:p@h/d", "DATABASE_PATH=/d"},
        "default=main@postgresql://h:5432/d " QUEUE},
    {NULL, {"SNAPPEA_DATABASE_PATH=/q"},
        "default=main@sqlite:////data/db.sqlite3 snappea=queue@sqlite:////q"},
    {NULL, {"BUGSINK_HEALTH_QUEUE=/q"}, "default=main@sqlite:////data/db.sqlite3 snappea=queue@sqlite:////q"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\"}}}", {NULL}, "a=plain@sqlite:////a"},
    {"{\"databases\": {\"b\": {\"dsn\": \"/b\"}, \"a\": {\"dsn\": \"/a\"}}}", {NULL},
        "b=plain@sqlite:////b a=plain@sqlite:////a"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\"}}}", {"DATABASE_PATH=/d", "SNAPPEA_DATABASE_PATH=/q"},
        "default=main@sqlite:////d a=plain@sqlite:////a snappea=queue@sqlite:////q"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\"}, \"default\": {\"dsn\": \"/x\"}}}", {"DATABASE_PATH=/d"},
        "a=plain@sqlite:////a default=main@sqlite:////d"},
    {"{\"databases\": {\"default\": {\"dsn\": \"/x\"}}}", {"DATABASE_URL=postgres://u:p@h/d"},
        "default=main@postgresql://h:5432/d"},
    {"{\"databases\": {\"default\": {}}}", {"DATABASE_PATH=/d"}, "default=main@sqlite:////d"},
    {"{\"databases\": {\"default\": {\"role\": \"plain\"}}}", {"DATABASE_PATH=/d"},
        "default=plain@sqlite:////d"},
    {"{\"databases\": {\"snappea\": {\"dsn\": \"/x\"}}}", {"SNAPPEA_DATABASE_PATH=/q"},
        "snappea=queue@sqlite:////q"},
    {"{\"databases\": {\"snappea\": null, \"default\": {\"dsn\": \"/x\"}}}", {"SNAPPEA_DATABASE_PATH=/q"},
        "default=main@sqlite:////x"},
    {"{\"databases\": {\"default\": null, \"a\": {\"dsn\": \"/a\"}}}", {"DATABASE_URL=postgres://u:p@h/d"},
        "a=plain@sqlite:////a"},
    {"{\"databases\": {\"default\": {\"dsn\": \"mysql://h/d\"}, \"snappea\": {\"dsn\": \"q\"}}}", {NULL},
        "default=main@mysql://h/d snappea=queue@sqlite:///q"},
    {"{\"databases\": {\"snappea\": {\"dsn\": \"mysql://h/d\", \"role\": \"plain\"}}}", {NULL},
        "snappea=plain@mysql://h/d"},
    {"{\"databases\": {\"Odd.name_9-x\": {\"dsn\": \"/a\", \"role\": \"queue\"}}}", {NULL},
        "Odd.name_9-x=queue@sqlite:////a"},
    {"{\"interval\": \"6s\"}", {NULL}, "default=main@sqlite:////data/db.sqlite3 " QUEUE},
};

START_TEST(the_databases_are_those_of_file_and_environment) {
    struct config *config = harness_load_good(LISTINGS[_i].json, LISTINGS[_i].environment, NULL);
    struct strbuf list = {0};
    for (size_t i = 0; i < config->check_count; i++) {
        const struct check_config *check = &config->checks[i];
        if (check->kind == KIND_DIRECTORY)
            continue;
        strbuf_format(&list, "%s%s=%s@%s", i > 0 ? " " : "", check->name, role_name(check->database.role),
            check->database.dsn.safe);
        ck_assert_int_eq(check->kind, check->database.dsn.scheme == DSN_SQLITE  ? KIND_SQLITE
                                      : check->database.dsn.scheme == DSN_MYSQL ? KIND_MYSQL
                                                                                : KIND_POSTGRES);
    }
    harness_assert_text("the list", list.data, LISTINGS[_i].databases);
    strbuf_release(&list);
    config_free(config);
}
END_TEST

START_TEST(a_database_takes_its_keys_from_the_file) {
    struct config *config = harness_load_good(
        "{\"databases\": {\"q\": {\"dsn\": \"/q\", \"role\": \"queue\", \"critical\": false, \"min_free\": "
        "\"1GiB\", "
        "\"max_wal\": \"2MiB\", \"backlog\": {\"degraded\": \"2m\", \"error\": \"1h\", \"tasks\": 7}}}}",
        NO_ENVIRONMENT, NULL);
    const struct check_config *check = &config->checks[0];
    ck_assert(!check->is_critical);
    ck_assert_int_eq(check->database.min_free_bytes, INT64_C(1) << 30);
    ck_assert_int_eq(check->database.max_wal_bytes, 2 << 20);
    ck_assert_int_eq(check->database.backlog_ms, 120000);
    ck_assert_int_eq(check->database.backlog_error_ms, 3600000);
    ck_assert_int_eq(check->database.backlog_tasks, 7);
    ck_assert_uint_eq(config->warning_count, 0);
    static const char *const items[][2] = {{"dsn", "sqlite:////q"}, {"role", "queue"}, {"critical", "false"},
        {"min_free", "1GiB"}, {"max_wal", "2MiB"}, {"backlog.degraded", "2m"}, {"backlog.error", "1h"},
        {"backlog.tasks", "7"}};
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        char key[64];
        snprintf(key, sizeof key, "databases.q.%s", items[i][0]);
        harness_assert_text(key, harness_item(config, key), items[i][1]);
        harness_assert_text(key, harness_origin(config, key), "file @DIR@/config.json");
    }
    config_free(config);
}
END_TEST

START_TEST(items_say_where_each_value_of_a_database_comes_from) {
    struct config *config =
        harness_load_good("{\"databases\": {\"default\": {\"critical\": true}, \"snappea\": null}}",
            ENVIRONMENT("DATABASE_URL=postgres://bugsink:p@h/d"), NULL);
    static const char *const items[][3] = {{"dsn", "postgresql://h:5432/d", "environment DATABASE_URL"},
        {"dsn.user", "bugsink", "environment DATABASE_URL"},
        {"dsn.password", "(set)", "environment DATABASE_URL"}, {"role", "main", "default"},
        {"critical", "true", "file @DIR@/config.json"}};
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        char key[64];
        snprintf(key, sizeof key, "databases.default.%s", items[i][0]);
        harness_assert_text(key, harness_item(config, key), items[i][1]);
        harness_assert_text(key, harness_origin(config, key), items[i][2]);
    }
    ck_assert_ptr_null(harness_item(config, "databases.default.min_free"));
    ck_assert_ptr_null(harness_item(config, "databases.default.backlog.tasks"));
    ck_assert_str_eq(harness_item(config, "databases.snappea"), "not checked");
    config_free(config);
    config = harness_load_good(NULL, NO_ENVIRONMENT, NULL);
    ck_assert_str_eq(harness_item(config, "databases.snappea.backlog.error"), "null: never");
    ck_assert_str_eq(harness_item(config, "databases.snappea.backlog.degraded"), "1m");
    ck_assert_str_eq(
        harness_item(config, "databases.default.min_free"), "256MiB or 5 % of the volume, the smaller");
    ck_assert_str_eq(harness_origin(config, "databases.default.dsn"), "default");
    config_free(config);
}
END_TEST

static const struct {
    const char *json;
    const char *const environment[3];
    const char *says;
} BAD_DATABASES[] = {
    {"{\"databases\": {\"a\": {}}}", {NULL}, "@DIR@/config.json: databases.a.dsn: missing"},
    {"{\"databases\": {\"default\": {}}}", {NULL}, "databases.default.dsn: missing"},
    {"{\"databases\": {\"a\": {\"dsn\": null}}}", {NULL}, "databases.a.dsn: must be a text in quotes"},
    {"{\"databases\": {\"a\": {\"dsn\": \"\"}}}", {NULL}, "databases.a.dsn: must not be empty"},
    {"{\"databases\": {\"a\": {\"dsn\": \"mongodb://h/d\"}}}", {NULL},
        "@DIR@/config.json: databases.a.dsn: unknown scheme \"mongodb\"; the schemes are"},
    {"{\"databases\": {\"a\": {\"dsn\": \"postgres://u:a@b@h/d\"}}}", {NULL},
        "databases.a.dsn: it contains more than one @"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"dsn_file\": \"/b\"}}}", {NULL},
        "databases.a.dsn_file: stands beside dsn"},
    {"{\"databases\": {\"a\": {\"dsn_file\": \"@DIR@/none\"}}}", {NULL},
        "databases.a.dsn_file: @DIR@/none: No such file"},
    {"{\"databases\": {\"a\": {\"dsn_file\": \"@DIR@/bad\"}}}", {NULL},
        "databases.a.dsn_file: it contains more than one @"},
    {"{\"databases\": {\"a\": {\"dsn_file\": \"postgres://u:hunter2@h/d\"}}}", {NULL},
        "databases.a.dsn_file: the file it names (its value is not shown"},
    {"{\"databases\": {\"a\": {\"dsn\": \"mysql://h/d\", \"password_file\": \"@DIR@/none\"}}}", {NULL},
        "databases.a.password_file: @DIR@/none: No such file"},
    {"{\"databases\": {\"a\": {\"dsn\": \"mysql://h/d\", \"password_file\": \"hunter2\"}}}", {NULL},
        "databases.a.password_file: the file it names (its value is not shown"},
    {"{\"databases\": {\"a\": {\"dsn\": \"mysql://h/d\", \"password_file\": \"@DIR@/empty\"}}}", {NULL},
        "/empty: empty"},
    {"{\"databases\": {\"a\": {\"dsn\": \"mysql://u:p@h/d\", \"password_file\": \"@DIR@/good\"}}}", {NULL},
        "databases.a.password_file: the DSN holds a password too"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"password_file\": \"@DIR@/good\"}}}", {NULL},
        "databases.a.password_file: a SQLite database has no password"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"role\": \"boss\"}}}", {NULL},
        "databases.a.role: boss is not a role; write main, queue or plain"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"role\": 1}}}", {NULL},
        "databases.a.role: must be a text in quotes"},
    {"{\"databases\": {\"a\": {\"dsn\": \"mysql://h/d\", \"role\": \"queue\"}}}", {NULL},
        "databases.a.role: the role queue is for SQLite"},
    {"{\"databases\": {\"snappea\": {\"dsn\": \"postgres://h/d\"}}}", {NULL},
        "databases.snappea.role: the role queue is for"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"critical\": \"yes\"}}}", {NULL},
        "databases.a.critical: must be true or false"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"min_free\": 5}}}", {NULL},
        "databases.a.min_free: must be a size in quotes"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"min_free\": \"5%\"}}}", {NULL},
        "databases.a.min_free: \"5%\" has an unknown unit"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"max_wal\": \"1G\"}}}", {NULL},
        "databases.a.max_wal: \"1G\" has an unknown unit"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"backlog\": {\"degraded\": 60}}}}", {NULL},
        "databases.a.backlog.degraded: must be a duration in quotes"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"backlog\": {\"degraded\": null}}}}", {NULL},
        "databases.a.backlog.degraded: must be a duration in quotes"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"backlog\": {\"degraded\": \"60\"}}}}", {NULL},
        "databases.a.backlog.degraded: \"60\" has no unit"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"backlog\": {\"degraded\": \"25h\"}}}}", {NULL},
        "databases.a.backlog.degraded: must be from 1s to 24h"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"backlog\": {\"error\": \"59s\"}}}}", {NULL},
        "databases.a.backlog.error: must not be below backlog.degraded"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"backlog\": {\"tasks\": 0}}}}", {NULL},
        "databases.a.backlog.tasks: must be from 1 to 1000000000"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"backlog\": {\"tasks\": \"1\"}}}}", {NULL},
        "databases.a.backlog.tasks: must be a whole number"},
    {"{\"databases\": {\"app\": {\"dsn\": \"/a\"}}}", {NULL},
        "@DIR@/config.json: databases.app: that name is taken"},
    {"{\"databases\": {\"app_settings\": {\"dsn\": \"/a\"}}}", {NULL},
        "databases.app_settings: that name is taken"},
    {"{\"databases\": {\".a\": {\"dsn\": \"/a\"}}}", {NULL},
        "databases: the name .a is not valid; a name is 1 to 63 letters"},
    {"{\"databases\": {\"a b\": {\"dsn\": \"/a\"}}}", {NULL}, "databases: the name (not shown) is not valid"},
    {"{\"databases\": {\"\": {\"dsn\": \"/a\"}}}", {NULL}, "databases: the name  is not valid"},
    {"{\"databases\": {\"postgres://u:hunter2@h/d\": {}}}", {NULL},
        "databases: the name (not shown) is not valid"},
    {NULL, {"DATABASE_URL=sqlite:////d"},
        "DATABASE_URL: Bugsink reads no sqlite URL here; name the file in DATABASE_PATH"},
    {NULL, {"DATABASE_URL=/d"}, "DATABASE_URL: Bugsink reads only URLs"},
    {NULL, {"DATABASE_URL=postgres://u:p@h:x/d"}, "DATABASE_URL: its port is not a number"},
    {NULL, {"DATABASE_URL=postgres://u:p@[h]/d"}, "DATABASE_URL: its host part is malformed"},
    {"{\"databases\": {\"default\": {\"role\": \"queue\"}}}", {"DATABASE_URL=postgres://u:p@h/d"},
        "databases.default.role: the role queue is for SQLite"},
};

START_TEST(a_wrong_database_is_refused_with_its_place) {
    harness_write("good", "secret");
    harness_write("empty", "\n");
    harness_write("bad", "postgres://u:a@b@h/d");
    harness_load_bad(BAD_DATABASES[_i].json, BAD_DATABASES[_i].environment, NULL, BAD_DATABASES[_i].says);
}
END_TEST

/* As they stand in JSON. A check's name gets into paths, pages, log lines, terminals and metrics. */
static const char *const HOSTILE_NAMES[] = {"<script>alert(1)</script>", "a\\\"b", "a'b", "a&b", "a\\nb",
    "a\\u0000b", "a\\u001b[31mb", "\\u001b]0;x\\u0007", "a\\u202eb", "a\\u0085b", "a\\\\b", "a/b", "../a",
    "a{b=\\\"c\\\"}", "\xc3\xa4", "\xe2\x80\x8b", "a%0ab", "a?b", "a#b", "a;b", "$(a)", "`a`", "-a", "a b",
    ".."};

START_TEST(a_hostile_name_is_refused) {
    static const char *const GROUPS[] = {
        "{\"databases\": {\"%s\": {\"dsn\": \"/a\"}}}", "{\"directories\": {\"%s\": {\"path\": \"/a\"}}}"};
    for (size_t i = 0; i < 2; i++) {
        struct strbuf json = {0};
        const char *at = strstr(GROUPS[i], "%s");
        strbuf_append_n(&json, GROUPS[i], (size_t)(at - GROUPS[i]));
        strbuf_append(&json, HOSTILE_NAMES[_i]);
        strbuf_append(&json, at + 2);
        struct error err;
        struct config *config = harness_load(json.data, NO_ENVIRONMENT, NULL, &err);
        ck_assert_msg(!config, "taken: %s", json.data);
        /* and the refusal itself is harmless on a terminal */
        for (const char *c = err.text; *c; c++)
            ck_assert_msg(*c >= 0x20 && *c < 0x7f, "%s", err.text);
        strbuf_release(&json);
    }
}
END_TEST

START_TEST(a_name_of_300_bytes_is_refused) {
    char json[512], name[301];
    for (size_t i = 0; i < 300; i += 2)
        memcpy(name + i, "\xc3\xa4", 3);
    snprintf(json, sizeof json, "{\"databases\": {\"%s\": {\"dsn\": \"/a\"}}}", name);
    harness_load_bad(json, NO_ENVIRONMENT, NULL, "databases: the name (not shown) is not valid");
    memset(name, 'a', 300);
    snprintf(json, sizeof json, "{\"databases\": {\"%s\": {\"dsn\": \"/a\"}}}", name);
    harness_load_bad(json, NO_ENVIRONMENT, NULL, "databases: the name (not shown) is not valid");
}
END_TEST

START_TEST(a_password_may_stand_in_a_file_as_it_is) {
    harness_write("password", "p@ss/w%41rd \n");
    struct config *config = harness_load_good(
        "{\"databases\": {\"a\": {\"dsn\": \"postgres://u@h/d\", \"password_file\": \"@DIR@/password\"}}}",
        NO_ENVIRONMENT, NULL);
    ck_assert_str_eq(config->checks[0].database.dsn.password, "p@ss/w%41rd ");
    ck_assert_str_eq(harness_item(config, "databases.a.dsn.password"), "(set)");
    ck_assert_str_eq(harness_origin(config, "databases.a.dsn.password"), "file @DIR@/password");
    char text[] = "said p@ss/w%41rd !";
    dsn_blank(&config->checks[0].database.dsn, text);
    ck_assert_str_eq(text, "said ************!");
    config_free(config);
}
END_TEST

START_TEST(a_dsn_may_stand_in_a_file) {
    harness_write("dsn", "mysql://u:p@h/d\n");
    struct config *config =
        harness_load_good("{\"databases\": {\"a\": {\"dsn_file\": \"@DIR@/dsn\"}}}", NO_ENVIRONMENT, NULL);
    ck_assert_str_eq(config->checks[0].database.dsn.password, "p");
    ck_assert_str_eq(harness_item(config, "databases.a.dsn"), "mysql://h/d");
    config_free(config);
}
END_TEST

START_TEST(the_password_of_database_url_wins_over_the_files_and_says_so) {
    static const char json[] =
        "{\"databases\": {\"default\": {\"dsn\": \"/x\", \"password_file\": \"@DIR@/password\"}}}";
    harness_write("password", "other");
    struct config *config = harness_load_good(json, ENVIRONMENT("DATABASE_URL=postgres://u:p@h/d"), NULL);
    ck_assert_str_eq(config->checks[0].database.dsn.password, "p");
    harness_assert_warning(
        config, "databases.default.password_file is not used: DATABASE_URL holds a password");
    config_free(config);
    config = harness_load_good(json, ENVIRONMENT("DATABASE_URL=postgres://u@h/d"), NULL);
    ck_assert_str_eq(config->checks[0].database.dsn.password, "other");
    ck_assert_uint_eq(config->warning_count, 0);
    config_free(config);
}
END_TEST

START_TEST(a_dropped_query_string_is_worth_a_warning) {
    struct config *config =
        harness_load_good(NULL, ENVIRONMENT("DATABASE_URL=postgres://u:p@h/d?sslmode=require"), NULL);
    ck_assert_uint_eq(config->warning_count, 1);
    harness_assert_warning(config, "DATABASE_URL: Bugsink ignores the query string");
    ck_assert_ptr_null(harness_item(config, "databases.default.dsn.sslmode"));
    config_free(config);
}
END_TEST

/* Bugsink's start-up check takes it; its check here is an error. */
static const struct {
    const char *url, *says;
} NAMELESS[] = {
    {"DATABASE_URL=postgres://u:p@h",
        "DATABASE_URL: names no database, and Bugsink does not work without one; "
        "it stands behind the host: postgresql://USER@HOST/DATABASE"},
    {"DATABASE_URL=postgresql://", "DATABASE_URL: names no database"},
    {"DATABASE_URL=mysql://u:p@h/", "it stands behind the host: mysql://USER@HOST/DATABASE"},
};

START_TEST(a_url_that_names_no_database_is_worth_a_warning) {
    struct config *config = harness_load_good(NULL, ENVIRONMENT(NAMELESS[_i].url), NULL);
    ck_assert_uint_eq(config->warning_count, 1);
    harness_assert_warning(config, NAMELESS[_i].says);
    ck_assert_str_eq(config->checks[0].database.dsn.database, "");
    config_free(config);
}
END_TEST

START_TEST(a_password_that_is_not_encoded_is_worth_a_warning) {
    struct config *config = harness_load_good(NULL, ENVIRONMENT("DATABASE_URL=postgres://u:p@ss@h/d"), NULL);
    ck_assert_uint_eq(config->warning_count, 1);
    harness_assert_warning(
        config, "DATABASE_URL: looks as if the password were not percent-encoded (/ is %2F");
    ck_assert_str_eq(harness_item(config, "databases.default.dsn"), "postgresql:");
    ck_assert_ptr_null(harness_item(config, "databases.default.dsn.user"));
    config_free(config);
}
END_TEST

START_TEST(what_does_not_concern_a_database_is_worth_a_warning) {
    struct config *config =
        harness_load_good("{\"databases\": {\"a\": {\"dsn\": \"mysql://h/d\", \"min_free\": \"1GiB\", "
                          "\"backlog\": {\"tasks\": 5}}}}",
            NO_ENVIRONMENT, NULL);
    ck_assert_uint_eq(config->warning_count, 2);
    harness_assert_warning(
        config, "databases.a.min_free is not used: this is a mysql database of role plain");
    harness_assert_warning(config, "databases.a.backlog.tasks is not used");
    config_free(config);
}
END_TEST

START_TEST(a_relative_path_in_a_dsn_is_worth_a_warning) {
    struct config *config = harness_load_good(
        "{\"databases\": {\"a\": {\"dsn\": \"sqlite:///data/db.sqlite3\"}}}", NO_ENVIRONMENT, NULL);
    harness_assert_warning(config, "databases.a: the path is relative");
    config_free(config);
}
END_TEST

START_TEST(parameters_that_hold_no_secret_are_shown) {
    struct config *config =
        harness_load_good("{\"databases\": {\"a\": {\"dsn\": \"postgres://h/d?sslmode=require&"
                          "sslpassword=hunter2&application_name=x&passfile=/p\"}}}",
            NO_ENVIRONMENT, NULL);
    ck_assert_str_eq(harness_item(config, "databases.a.dsn.sslmode"), "require");
    ck_assert_str_eq(harness_item(config, "databases.a.dsn.application_name"), "x");
    ck_assert_ptr_null(harness_item(config, "databases.a.dsn.sslpassword"));
    ck_assert_ptr_null(harness_item(config, "databases.a.dsn.passfile"));
    config_free(config);
}
END_TEST

START_TEST(an_empty_database_path_is_the_empty_name_as_it_is_to_bugsink) {
    struct config *config = harness_load_good(NULL, ENVIRONMENT("DATABASE_PATH="), NULL);
    ck_assert_str_eq(config->checks[0].database.dsn.path, "");
    config_free(config);
    config = harness_load_good(NULL, ENVIRONMENT("DATABASE_PATH=", "DATABASE_URL=postgres://u@h/d"), NULL);
    ck_assert_int_eq(config->checks[0].kind, KIND_POSTGRES);
    config_free(config);
}
END_TEST

START_TEST(the_queues_old_name_makes_nothing_unready) {
    struct config *config = harness_load_good(NULL, ENVIRONMENT("SNAPPEA_DATABASE_PATH=/old"), NULL);
    ck_assert_str_eq(config->checks[1].database.dsn.path, "/old");
    ck_assert(!config->checks[1].is_critical);
    ck_assert_ptr_nonnull(strstr(config->warnings[0], "BUGSINK_HEALTH_QUEUE"));
    config_free(config);
    config =
        harness_load_good(NULL, ENVIRONMENT("SNAPPEA_DATABASE_PATH=/old", "BUGSINK_HEALTH_QUEUE=/new"), NULL);
    ck_assert_str_eq(config->checks[1].database.dsn.path, "/new");
    ck_assert(config->checks[1].is_critical);
    config_free(config);
    config = harness_load_good("{\"databases\": {\"snappea\": {\"critical\": true}}}",
        ENVIRONMENT("SNAPPEA_DATABASE_PATH=/old"), NULL);
    ck_assert(config->checks[0].is_critical);
    config_free(config);
}
END_TEST

Suite *config_databases_suite(void) {
    Suite *suite = suite_create("config_databases");
    TCase *databases = tcase_create("databases");
    suite_add_tcase(suite, databases);
    tcase_add_loop_test(databases, the_databases_are_those_of_file_and_environment, 0, ROWS(LISTINGS));
    tcase_add_test(databases, a_database_takes_its_keys_from_the_file);
    tcase_add_test(databases, items_say_where_each_value_of_a_database_comes_from);
    tcase_add_loop_test(databases, a_wrong_database_is_refused_with_its_place, 0, ROWS(BAD_DATABASES));
    tcase_add_loop_test(databases, a_hostile_name_is_refused, 0, ROWS(HOSTILE_NAMES));
    tcase_add_test(databases, a_name_of_300_bytes_is_refused);
    tcase_add_test(databases, a_password_may_stand_in_a_file_as_it_is);
    tcase_add_test(databases, a_dsn_may_stand_in_a_file);
    tcase_add_test(databases, the_password_of_database_url_wins_over_the_files_and_says_so);
    tcase_add_test(databases, a_dropped_query_string_is_worth_a_warning);
    tcase_add_loop_test(databases, a_url_that_names_no_database_is_worth_a_warning, 0, ROWS(NAMELESS));
    tcase_add_test(databases, a_password_that_is_not_encoded_is_worth_a_warning);
    tcase_add_test(databases, what_does_not_concern_a_database_is_worth_a_warning);
    tcase_add_test(databases, a_relative_path_in_a_dsn_is_worth_a_warning);
    tcase_add_test(databases, parameters_that_hold_no_secret_are_shown);
    tcase_add_test(databases, an_empty_database_path_is_the_empty_name_as_it_is_to_bugsink);
    tcase_add_test(databases, the_queues_old_name_makes_nothing_unready);
    return suite;
}
