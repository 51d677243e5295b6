/* Tests of which checks a configuration results in: databases, the settings file, the app. */
#include "config/config.h"

#include "config/config_harness.h"

#include <check.h>
#include <netinet/in.h>
#include <netdb.h>
#include <ifaddrs.h>
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
        strbuf_format(
            &list, "%s%s=%s@%s", i > 0 ? " " : "", check->name, role_name(check->role), check->dsn.safe);
        ck_assert_int_eq(check->kind, check->dsn.scheme == DSN_SQLITE  ? KIND_SQLITE
                                      : check->dsn.scheme == DSN_MYSQL ? KIND_MYSQL
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
    ck_assert_int_eq(check->min_free_bytes, INT64_C(1) << 30);
    ck_assert_int_eq(check->max_wal_bytes, 2 << 20);
    ck_assert_int_eq(check->backlog_ms, 120000);
    ck_assert_int_eq(check->backlog_error_ms, 3600000);
    ck_assert_int_eq(check->backlog_tasks, 7);
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
        "databases.a.dsn: more than one @"},
    {"{\"databases\": {\"a\": {\"dsn\": \"/a\", \"dsn_file\": \"/b\"}}}", {NULL},
        "databases.a.dsn_file: stands beside dsn"},
    {"{\"databases\": {\"a\": {\"dsn_file\": \"@DIR@/none\"}}}", {NULL},
        "databases.a.dsn_file: @DIR@/none: No such file"},
    {"{\"databases\": {\"a\": {\"dsn_file\": \"@DIR@/bad\"}}}", {NULL},
        "databases.a.dsn_file: more than one @"},
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
        "databases.a.role: boss is no role; write main, queue or plain"},
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
        "databases: the name .a is none; a name is 1 to 63 letters"},
    {"{\"databases\": {\"a b\": {\"dsn\": \"/a\"}}}", {NULL}, "databases: the name (not shown) is none"},
    {"{\"databases\": {\"\": {\"dsn\": \"/a\"}}}", {NULL}, "databases: the name  is none"},
    {"{\"databases\": {\"postgres://u:hunter2@h/d\": {}}}", {NULL},
        "databases: the name (not shown) is none"},
    {NULL, {"DATABASE_URL=sqlite:////d"},
        "DATABASE_URL: Bugsink reads no sqlite URL here; name the file in DATABASE_PATH"},
    {NULL, {"DATABASE_URL=/d"}, "DATABASE_URL: Bugsink reads only URLs"},
    {NULL, {"DATABASE_URL=postgres://u:p@h:x/d"}, "DATABASE_URL: its port is no number"},
    {NULL, {"DATABASE_URL=postgres://u:p@h"}, "DATABASE_URL: names no database"},
    {NULL, {"DATABASE_URL=mysql://u:p@h/"}, "DATABASE_URL: names no database"},
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
    harness_load_bad(json, NO_ENVIRONMENT, NULL, "databases: the name (not shown) is none");
    memset(name, 'a', 300);
    snprintf(json, sizeof json, "{\"databases\": {\"%s\": {\"dsn\": \"/a\"}}}", name);
    harness_load_bad(json, NO_ENVIRONMENT, NULL, "databases: the name (not shown) is none");
}
END_TEST

START_TEST(a_password_may_stand_in_a_file_as_it_is) {
    harness_write("password", "p@ss/w%41rd \n");
    struct config *config = harness_load_good(
        "{\"databases\": {\"a\": {\"dsn\": \"postgres://u@h/d\", \"password_file\": \"@DIR@/password\"}}}",
        NO_ENVIRONMENT, NULL);
    ck_assert_str_eq(config->checks[0].dsn.password, "p@ss/w%41rd ");
    ck_assert_str_eq(harness_item(config, "databases.a.dsn.password"), "(set)");
    ck_assert_str_eq(harness_origin(config, "databases.a.dsn.password"), "file @DIR@/password");
    char text[] = "said p@ss/w%41rd !";
    dsn_blank(&config->checks[0].dsn, text);
    ck_assert_str_eq(text, "said ************!");
    config_free(config);
}
END_TEST

START_TEST(a_dsn_may_stand_in_a_file) {
    harness_write("dsn", "mysql://u:p@h/d\n");
    struct config *config =
        harness_load_good("{\"databases\": {\"a\": {\"dsn_file\": \"@DIR@/dsn\"}}}", NO_ENVIRONMENT, NULL);
    ck_assert_str_eq(config->checks[0].dsn.password, "p");
    ck_assert_str_eq(harness_item(config, "databases.a.dsn"), "mysql://h/d");
    config_free(config);
}
END_TEST

START_TEST(the_password_of_database_url_wins_over_the_files_and_says_so) {
    static const char json[] =
        "{\"databases\": {\"default\": {\"dsn\": \"/x\", \"password_file\": \"@DIR@/password\"}}}";
    harness_write("password", "other");
    struct config *config = harness_load_good(json, ENVIRONMENT("DATABASE_URL=postgres://u:p@h/d"), NULL);
    ck_assert_str_eq(config->checks[0].dsn.password, "p");
    harness_assert_warning(
        config, "databases.default.password_file is not used: DATABASE_URL holds a password");
    config_free(config);
    config = harness_load_good(json, ENVIRONMENT("DATABASE_URL=postgres://u@h/d"), NULL);
    ck_assert_str_eq(config->checks[0].dsn.password, "other");
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

/* -- the settings check -- */

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
    harness_assert_text("path", check->path, SETTINGS[_i].path);
    ck_assert_int_eq(check->format, SETTINGS[_i].format);
    ck_assert_int_eq(check->environment != NULL, check->format == SETTINGS_ENVIRONMENT);
    harness_assert_text(
        "path item", harness_item(config, "settings.path"), SETTINGS[_i].path ? SETTINGS[_i].path : "env");
    harness_assert_text("origin", harness_origin(config, "settings.path"), SETTINGS[_i].origin);
    harness_assert_text(
        "format item", harness_item(config, "settings.format"), settings_format_name(check->format));
    struct strbuf require = {0};
    strbuf_append(&require, "");
    for (size_t i = 0; i < check->require_count; i++)
        strbuf_format(&require, "%s%s", i > 0 ? ", " : "", check->require[i]);
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
    char **copy = harness_check(config, CHECK_NAME_SETTINGS)->environment;
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
        "settings.format: pyhton is no format; write python, json, env or environment"},
    {"{\"settings\": {\"format\": \"pyhton\"}}", {"BUGSINK_HEALTH_SETTINGS=/c.py"},
        "settings.format: pyhton is no format"},
    {"{\"settings\": {\"path\": \"/c.py\", \"format\": \"environment\"}}", {NULL},
        "settings.format: environment is the one"},
    {"{\"settings\": {\"path\": \"env\", \"format\": \"python\"}}", {NULL},
        "settings.path: env is the word for"},
    {"{\"settings\": {\"path\": \"/c\"}}", {NULL},
        "@DIR@/config.json: settings.path: the path ends in none of"},
    {"{\"settings\": {\"path\": \"/c.py\", \"require\": \"A\"}}", {NULL},
        "settings.require: must be a list of names"},
    {"{\"settings\": {\"path\": \"/c.py\", \"require\": [\"A\", 1]}}", {NULL},
        "settings.require: number 2 is no name"},
    {"{\"settings\": {\"path\": \"/c.py\", \"require\": [\"A B\"]}}", {NULL},
        "settings.require: number 1 is no name"},
    {"{\"settings\": {\"path\": \"/c.py\", \"require\": [\"\"]}}", {NULL},
        "settings.require: number 1 is no name"},
    {"{\"settings\": {\"path\": \"/c.py\", \"require\": [\"1A\"]}}", {NULL},
        "settings.require: number 1 is no name"},
    {"{\"settings\": {\"path\": 1}}", {NULL}, "settings.path: must be a text in quotes"},
};

START_TEST(wrong_settings_are_refused_with_their_place) {
    harness_load_bad(BAD_SETTINGS[_i].json, BAD_SETTINGS[_i].environment, NULL, BAD_SETTINGS[_i].says);
}
END_TEST

/* -- the app -- */

static const struct {
    const char *url, *canonical;
} URLS[] = {
    {"http://127.0.0.1:9000/health/ready", "http://127.0.0.1:9000/health/ready"},
    {"http://127.0.0.1:9000", "http://127.0.0.1:9000/health/ready"},
    {"http://127.0.0.1:9000/", "http://127.0.0.1:9000/"},
    {"http://127.0.0.1:9000/a/b?c=d", "http://127.0.0.1:9000/a/b?c=d"},
    {"http://127.0.0.1:9000?c=d", "http://127.0.0.1:9000/?c=d"},
    {"http://127.0.0.1", "http://127.0.0.1:80/health/ready"},
    {"HTTP://10.1.2.3:1", "http://10.1.2.3:1/health/ready"},
    {"http://[::1]:9000", "http://[::1]:9000/health/ready"},
    {"http://[2001:DB8::1]", "http://[2001:db8::1]:80/health/ready"},
    {"http://127.0.0.1:09000/x", "http://127.0.0.1:9000/x"},
    {"http://10.0.0.1:8000/", "http://10.0.0.1:8000/"},
};

START_TEST(an_app_url_is_brought_into_one_form) {
    char variable[200];
    snprintf(variable, sizeof variable, "BUGSINK_HEALTH_APP_URL=%s", URLS[_i].url);
    struct config *config = harness_load_good(NULL, ENVIRONMENT(variable), NULL);
    const struct check_config *check = harness_check(config, CHECK_NAME_APP);
    ck_assert_ptr_nonnull(check);
    ck_assert_int_eq(check->kind, KIND_HTTP);
    ck_assert_str_eq(check->url, URLS[_i].canonical);
    ck_assert_ptr_null(check->host);
    ck_assert_str_eq(check->expect, "OK");
    ck_assert_str_eq(harness_item(config, "app.url"), URLS[_i].canonical);
    config_free(config);
}
END_TEST

static const struct {
    const char *url;
    const char *says;
} BAD_URLS[] = {
    {"https://127.0.0.1:9000", "https is not spoken to the app"},
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
    harness_assert_text("host", harness_check(config, CHECK_NAME_APP)->host, HOSTS[_i].host);
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
        ck_assert_int_eq(harness_check(config, CHECK_NAME_APP)->is_https, i == 1 || i == 2);
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
        ck_assert_ptr_null(harness_check(config, CHECK_NAME_APP)->host);
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
        "@DIR@/config.json: app.host: (not shown) is no host"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"host\": \"http://a\"}}",
        "app.host: (not shown) is no host"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"host\": \"a\\r\\nb\"}}",
        "app.host: (not shown) is no host"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"host\": \"\"}}", "app.host: must not be empty"},
    {"{\"app\": {\"url\": \"http://127.0.0.1:1\", \"expect\": 1}}", "app.expect: must be a text in quotes"},
    {"{\"app\": {\"url\": 1}}", "app.url: must be a text in quotes"},
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

START_TEST(kinds_and_roles_have_names) {
    static const char *const kinds[] = {"postgres", "mysql", "sqlite", "settings", "http", "directory"};
    for (int i = 0; i < KIND_COUNT; i++)
        ck_assert_str_eq(check_kind_id_name((enum check_kind_id)i), kinds[i]);
    ck_assert_str_eq(role_name(ROLE_PLAIN), "plain");
    ck_assert_str_eq(role_name(ROLE_MAIN), "main");
    ck_assert_str_eq(role_name(ROLE_QUEUE), "queue");
}
END_TEST

Suite *config_checks_suite(void) {
    Suite *suite = suite_create("config_checks");
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
    tcase_add_test(databases, a_password_that_is_not_encoded_is_worth_a_warning);
    tcase_add_test(databases, what_does_not_concern_a_database_is_worth_a_warning);
    tcase_add_test(databases, a_relative_path_in_a_dsn_is_worth_a_warning);
    tcase_add_test(databases, parameters_that_hold_no_secret_are_shown);
    TCase *settings = tcase_create("settings");
    suite_add_tcase(suite, settings);
    tcase_add_loop_test(settings, the_settings_are_checked_where_they_are_named_or_shared, 0, ROWS(SETTINGS));
    tcase_add_test(settings, settings_that_nobody_names_are_not_configured);
    tcase_add_test(settings, the_shared_environment_is_copied_without_our_own_variables);
    tcase_add_loop_test(settings, wrong_settings_are_refused_with_their_place, 0, ROWS(BAD_SETTINGS));
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
    tcase_add_test(app, kinds_and_roles_have_names);
    return suite;
}
