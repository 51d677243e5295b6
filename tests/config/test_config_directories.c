/* Tests of which directories a configuration has checked. */
#include "config/config.h"

#include "base/str.h"
#include "config/config_harness.h"

#include <check.h>
#include <stdlib.h>

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static const struct listing {
    const char *json;
    const char *const environment[3];
    const char *directories; /* "NAME=ROLE@PATH NAME=ROLE@PATH" */
} LISTINGS[] = {
    {NULL, {NULL}, "ingestion=spool@/tmp/bugsink/ingestion wakeup=wakeup@/tmp/snappea.wakeup"},
    /* the queue is not in Bugsink's /tmp, or not checked: nothing says that its /tmp is shared */
    {NULL, {"SNAPPEA_DATABASE_PATH=/data/snappea.sqlite3"}, ""},
    {"{\"databases\": {\"default\": {\"dsn\": \"/d\"}}}", {NULL}, ""},
    {"{\"databases\": {\"snappea\": {\"dsn\": \"/tmp/snappea.sqlite3\", \"role\": \"plain\"}}}", {NULL}, ""},
    {"{\"databases\": {\"q\": {\"dsn\": \"/tmp/snappea.sqlite3\", \"role\": \"queue\"}}}", {NULL},
        "ingestion=spool@/tmp/bugsink/ingestion wakeup=wakeup@/tmp/snappea.wakeup"},
    /* the file's list is the whole list */
    {"{\"directories\": {}}", {NULL}, ""},
    {"{\"directories\": {\"ingestion\": null}}", {NULL}, ""},
    {"{\"directories\": {\"ingestion\": {}}}", {NULL}, "ingestion=spool@/tmp/bugsink/ingestion"},
    {"{\"directories\": {\"wakeup\": {\"path\": \"/w\"}}}", {"SNAPPEA_DATABASE_PATH=/q"}, "wakeup=wakeup@/w"},
    {"{\"directories\": {\"events\": {\"path\": \"/e\"}, \"w\": {\"path\": \"/w\", \"role\": \"wakeup\"}}}",
        {NULL}, "events=plain@/e w=wakeup@/w"},
    {"{\"directories\": {\"ingestion\": {\"path\": \"/i\", \"role\": \"plain\"}}}", {NULL},
        "ingestion=plain@/i"},
};

START_TEST(the_directories_are_the_files_or_bugsinks_own) {
    struct config *config = harness_load_good(LISTINGS[_i].json, LISTINGS[_i].environment, NULL);
    struct strbuf list = {0};
    for (size_t i = 0; i < config->check_count; i++) {
        const struct check_config *check = &config->checks[i];
        if (check->kind == KIND_DIRECTORY)
            strbuf_format(&list, "%s%s=%s@%s", list.length > 0 ? " " : "", check->name,
                directory_role_name(check->directory.role), check->directory.path);
    }
    harness_assert_text("the list", list.data ? list.data : "", LISTINGS[_i].directories);
    strbuf_release(&list);
    config_free(config);
}
END_TEST

START_TEST(each_value_of_a_directory_is_shown_with_where_it_comes_from) {
    struct config *config = harness_load_good(
        "{\"directories\": {\"events\": {\"path\": \"/e\", \"critical\": false, \"min_free\": \"1GiB\"}}}",
        NO_ENVIRONMENT, NULL);
    const struct check_config *check = harness_check(config, "events");
    ck_assert(!check->is_critical);
    ck_assert_int_eq(check->directory.min_free_bytes, INT64_C(1) << 30);
    harness_assert_text("path", harness_item(config, "directories.events.path"), "/e");
    harness_assert_text("path", harness_origin(config, "directories.events.path"), "file @DIR@/config.json");
    harness_assert_text("critical", harness_item(config, "directories.events.critical"), "false");
    harness_assert_text("role", harness_item(config, "directories.events.role"), "plain");
    harness_assert_text("role", harness_origin(config, "directories.events.role"), "default");
    harness_assert_text("min_free", harness_item(config, "directories.events.min_free"), "1GiB");
    config_free(config);
}
END_TEST

static const struct refusal {
    const char *json, *says;
} REFUSALS[] = {
    {"{\"directories\": {\"a\": {}}}", "@DIR@/config.json: directories.a.path: missing"},
    {"{\"directories\": {\"a\": {\"path\": \"spool\"}}}", "directories.a.path: must be an absolute path"},
    {"{\"directories\": {\"a\": {\"path\": \"\"}}}", "directories.a.path: must not be empty"},
    {"{\"directories\": {\"a\": {\"path\": 1}}}", "directories.a.path: must be a text in quotes"},
    {"{\"directories\": {\"a\": {\"path\": \"/a\", \"role\": \"queue\"}}}",
        "directories.a.role: queue is not a role of a directory; write spool, wakeup or plain"},
    {"{\"directories\": {\"a\": {\"path\": \"/a\", \"role\": null}}}",
        "directories.a.role: must be a text in quotes"},
    {"{\"directories\": {\"a\": {\"path\": \"/a\", \"critical\": \"no\"}}}",
        "directories.a.critical: must be true or false"},
    {"{\"directories\": {\"a\": {\"path\": \"/a\", \"min_free\": 1}}}",
        "directories.a.min_free: must be a size in quotes"},
    {"{\"directories\": {\"a\": {\"path\": \"/a\", \"min_free\": \"much\"}}}", "directories.a.min_free: "},
    {"{\"directories\": {\"a\": {\"path\": \"/a\", \"pth\": \"/b\"}}}", "did you mean path?"},
    {"{\"directories\": {\"a/b\": {\"path\": \"/a\"}}}", "directories: the name (not shown) is not valid"},
    {"{\"directories\": {\"app\": {\"path\": \"/a\"}}}", "directories.app: that name is taken"},
    {"{\"directories\": {\"default\": {\"path\": \"/a\"}}}", "directories.default: a database has that name"},
    {"{\"directories\": {\"a\": \"/a\"}}", "directories.a: must be an object"},
    {"{\"directories\": null}", "directories: must be an object"},
    {"{\"directories\": [\"/a\"]}", "directories: must be an object"},
    {"{\"databases\": {\"ingestion\": {\"dsn\": \"/a\"}}}", "databases.ingestion: that name is taken"},
    {"{\"databases\": {\"wakeup\": {\"dsn\": \"/a\"}}}", "databases.wakeup: that name is taken"},
};

START_TEST(a_wrong_directory_is_refused_with_its_place) {
    harness_load_bad(REFUSALS[_i].json, NO_ENVIRONMENT, NULL, REFUSALS[_i].says);
}
END_TEST

START_TEST(more_checks_than_can_be_served_are_refused) {
    struct strbuf json = {0};
    strbuf_append(&json, "{\"directories\": {");
    for (int i = 0; i <= CONFIG_CHECKS_MAX; i++)
        strbuf_format(&json, "%s\"d%d\": {\"path\": \"/d\"}", i > 0 ? ", " : "", i);
    strbuf_append(&json, "}}");
    harness_load_bad(json.data, NO_ENVIRONMENT, NULL, "checks; at most 4000 can be served");
    strbuf_release(&json);
}
END_TEST

Suite *config_directories_suite(void) {
    Suite *suite = suite_create("config_directories");
    TCase *tcase = tcase_create("directories");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60); /* 4,001 checks, under the sanitizers, on a busy machine */
    tcase_add_loop_test(tcase, the_directories_are_the_files_or_bugsinks_own, 0, ROWS(LISTINGS));
    tcase_add_test(tcase, each_value_of_a_directory_is_shown_with_where_it_comes_from);
    tcase_add_test(tcase, more_checks_than_can_be_served_are_refused);
    tcase_add_loop_test(tcase, a_wrong_directory_is_refused_with_its_place, 0, ROWS(REFUSALS));
    return suite;
}
