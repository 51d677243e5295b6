/* Tests of the configuration without memory: each allocation fails once, and either the process ends with one
 * line, or the configuration is refused, or it is right. */
#include "config/config.h"
#include "harness/allocations.h"
#include "harness/tempdir.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD "zK9-secret"

static const char FILE_TEXT[] =
    "{\"listen\": \"[::]:8000\", \"interval\": \"5s\", \"timeout\": \"3s\", \"retry_interval\": \"1s\","
    " \"slow\": \"1500ms\", \"fall\": 3, \"start_grace\": \"5m\", \"drain\": \"5s\", \"log_level\": \"info\","
    " \"log_format\": \"text\", \"maintenance\": \"/run/maintenance\", \"version\": \"2.3.0\","
    " \"databases\": {"
    "  \"default\": {\"dsn\": \"postgresql://bugsink@db.example.com,db2:5432,5433/bugsink?sslmode=require&"
    "application_name=x\", \"password_file\": \"@DIR@/password\", \"role\": \"main\", \"critical\": true},"
    "  \"snappea\": {\"dsn\": \"sqlite:////tmp/snappea.sqlite3\", \"role\": \"queue\", \"min_free\": "
    "\"256MiB\", \"max_wal\": \"1GiB\", \"backlog\": {\"degraded\": \"60s\", \"error\": \"10m\", \"tasks\": "
    "300}},"
    "  \"archive\": {\"dsn_file\": \"@DIR@/dsn\", \"role\": \"plain\", \"critical\": false}},"
    " \"directories\": {\"ingestion\": {\"path\": \"/tmp/ingestion\", \"role\": \"spool\", \"min_free\": "
    "\"256MiB\"}, \"wakeup\": {\"path\": \"/tmp/snappea.wakeup\", \"role\": \"wakeup\"}},"
    " \"settings\": {\"path\": \"/app/bugsink_conf.py\", \"format\": \"python\", \"require\": "
    "[\"SECRET_KEY\", \"BUGSINK\"]},"
    " \"app\": {\"url\": \"http://127.0.0.1:9000/health/ready\", \"host\": \"bugsink.example.com\", "
    "\"expect\": \"OK\"}}";

struct bench {
    char *dir;
    const char *environment[16];
    struct config_flag flags[2];
    struct config_source source;
    struct config *reference, *loaded;
    struct error err;
};

static void bench_init(struct bench *bench) {
    allocations_hook_libraries();
    *bench = (struct bench){.dir = tempdir_new()};
    bench->source.environment = bench->environment;
    bench->source.flags = bench->flags;
}

static void write_in(const struct bench *bench, const char *name, const char *text) {
    char *path = tempdir_path(bench->dir, "%s", name);
    tempdir_write(path, text);
    free(path);
}

/* The text with the scratch directory in the place of @DIR@. The caller frees. */
static char *in_place(const struct bench *bench, const char *text) {
    struct strbuf whole = {0};
    for (const char *at; (at = strstr(text, "@DIR@")) != NULL; text = at + 5) {
        strbuf_append_n(&whole, text, (size_t)(at - text));
        strbuf_append(&whole, bench->dir);
    }
    strbuf_append(&whole, text);
    return whole.data;
}

static int load(void *arg) {
    struct bench *bench = arg;
    bench->err.text[0] = '\0';
    bench->loaded = config_load(&bench->source, &bench->err);
    return bench->loaded ? 0 : -1;
}

static void assert_same(const struct config *config, const struct config *reference) {
    ck_assert_uint_eq(config->item_count, reference->item_count);
    for (size_t i = 0; i < config->item_count; i++) {
        ck_assert_str_eq(config->items[i].key, reference->items[i].key);
        ck_assert_str_eq(config->items[i].value, reference->items[i].value);
        ck_assert_str_eq(config->items[i].origin, reference->items[i].origin);
    }
    ck_assert_uint_eq(config->warning_count, reference->warning_count);
    ck_assert_uint_eq(config->check_count, reference->check_count);
    for (size_t i = 0; i < config->check_count; i++) {
        ck_assert_str_eq(config->checks[i].name, reference->checks[i].name);
        ck_assert(check_config_equal(&config->checks[i], &reference->checks[i]));
    }
}

static void judge_load(void *arg, int result, bool has_failed) {
    struct bench *bench = arg;
    if (result < 0) {
        ck_assert_msg(has_failed, "%s", bench->err.text);
        ck_assert_msg(strstr(bench->err.text, "memory") != NULL, "a wrong reason: %s", bench->err.text);
        ck_assert_msg(!strstr(bench->err.text, PASSWORD), "%s", bench->err.text);
    } else {
        assert_same(bench->loaded, bench->reference);
    }
}

static void release_load(void *arg) {
    struct bench *bench = arg;
    config_free(bench->loaded);
    bench->loaded = NULL;
}

/* Returns how many allocations it takes. */
static int fail_each_load(struct bench *bench, const char *name) {
    const struct allocation_scenario scenario = {
        .name = name, .run = load, .judge = judge_load, .release = release_load, .may_exit = true};
    ck_assert_msg(load(bench) == 0, "%s", bench->err.text);
    bench->reference = bench->loaded;
    int count = allocations_fail_each(&scenario, bench);
    config_free(bench->reference);
    free(bench->dir);
    return count;
}

START_TEST(a_file_with_every_key_is_loaded_right_or_not_at_all) {
    struct bench bench;
    bench_init(&bench);
    char *text = in_place(&bench, FILE_TEXT), *path = tempdir_path(bench.dir, "config.json");
    tempdir_write(path, text);
    write_in(&bench, "password", PASSWORD "\n");
    write_in(&bench, "dsn", "mysql://archive:" PASSWORD "@mysql.example.com/archive\n");
    bench.flags[bench.source.flag_count++] = (struct config_flag){"--config", path, NULL};
    ck_assert_int_gt(fail_each_load(&bench, "file"), 200);
    free(text);
    free(path);
}
END_TEST

START_TEST(an_environment_with_secrets_in_files_is_loaded_right_or_not_at_all) {
    struct bench bench;
    bench_init(&bench);
    char *url = in_place(&bench, "DATABASE_URL_FILE=@DIR@/url");
    write_in(&bench, "url", "postgresql://bugsink:" PASSWORD "@db.example.com/bugsink?sslmode=require\n");
    const char *const entries[] = {url, "BASE_URL=https://bugsink.example.com",
        "SNAPPEA_DATABASE_PATH=/data/snappea.sqlite3", "SECRET_KEY=" PASSWORD, "BUGSINK_HEALTH_FALL=4",
        "BUGSINK_HEALTH_INTERVAL=10s", "BUGSINK_HEALTH_APP_URL=http://127.0.0.1:9000/health/ready",
        "BUGSINK_HEALTH_SETTINGS=/app/bugsink_conf.py"};
    memcpy(bench.environment, entries, sizeof entries);
    bench.flags[bench.source.flag_count++] = (struct config_flag){"--timeout", "2s", NULL};
    ck_assert_int_gt(fail_each_load(&bench, "environment"), 100);
    free(url);
}
END_TEST

/* -- DSNs -- */

static const char *const DSNS[] = {
    "postgresql://u:" PASSWORD
    "@a,b,[::1]:5432,5433,5434/db?sslmode=require&connect_timeout=3&options=-c%20x",
    "postgres:///db?host=/run/postgresql&password=" PASSWORD,
    "mysql://u:" PASSWORD "@db.example.com:3307/bugsink?ssl-mode=REQUIRED",
    "sqlite:////data/a%20b.sqlite3",
    "/data/db.sqlite3",
};

struct dsn_bench {
    int (*parse)(const char *text, struct dsn *dsn, struct error *err);
    const char *text;
    struct dsn reference, dsn;
    struct error err;
};

static int parse_dsn(void *arg) {
    struct dsn_bench *bench = arg;
    bench->dsn = (struct dsn){0};
    return bench->parse(bench->text, &bench->dsn, &bench->err);
}

static void judge_dsn(void *arg, int result, bool has_failed) {
    const struct dsn_bench *bench = arg;
    ck_assert_msg(result == 0 || has_failed, "%s", bench->err.text);
    if (result < 0) {
        ck_assert_msg(
            strstr(bench->err.text, "memory") && !strstr(bench->err.text, PASSWORD), "%s", bench->err.text);
        return;
    }
    ck_assert(dsn_equal(&bench->dsn, &bench->reference));
    ck_assert_str_eq(bench->dsn.safe, bench->reference.safe);
    ck_assert_uint_eq(bench->dsn.secret_count, bench->reference.secret_count);
    for (size_t i = 0; i < bench->dsn.secret_count; i++)
        ck_assert_str_eq(bench->dsn.secrets[i], bench->reference.secrets[i]);
}

static void release_dsn(void *arg) {
    dsn_release(&((struct dsn_bench *)arg)->dsn);
}

static void fail_each_dsn(
    const char *text, int (*parse)(const char *text, struct dsn *dsn, struct error *err)) {
    struct dsn_bench bench = {.parse = parse, .text = text};
    const struct allocation_scenario scenario = {
        .name = text, .run = parse_dsn, .judge = judge_dsn, .release = release_dsn, .may_exit = true};
    allocations_hook_libraries();
    ck_assert_msg(parse(text, &bench.reference, &bench.err) == 0, "%s", bench.err.text);
    ck_assert_int_gt(allocations_fail_each(&scenario, &bench), 1);
    dsn_release(&bench.reference);
}

START_TEST(every_kind_of_dsn_is_parsed_right_or_not_at_all) {
    fail_each_dsn(DSNS[_i], dsn_parse);
}
END_TEST

START_TEST(bugsinks_own_dsn_is_parsed_right_or_not_at_all) {
    fail_each_dsn(_i == 0 ? "postgresql://u:p%40" PASSWORD "@db.example.com/bugsink?sslmode=require"
                          : "mysql://u:half@" PASSWORD "@db.example.com/bugsink",
        dsn_parse_bugsink);
}
END_TEST

Suite *fault_config_suite(void) {
    Suite *suite = suite_create("fault_config");
    TCase *tcase = tcase_create("fault_config");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_file_with_every_key_is_loaded_right_or_not_at_all);
    tcase_add_test(tcase, an_environment_with_secrets_in_files_is_loaded_right_or_not_at_all);
    tcase_add_loop_test(
        tcase, every_kind_of_dsn_is_parsed_right_or_not_at_all, 0, sizeof DSNS / sizeof DSNS[0]);
    tcase_add_loop_test(tcase, bugsinks_own_dsn_is_parsed_right_or_not_at_all, 0, 2);
    return suite;
}
