/* Tests of the settings check without memory: it says internal, or what it says with all memory there is. */
#include "kinds/settings/settings.h"
#include "harness/allocations.h"
#include "harness/tempdir.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* As long as Bugsink wants it. */
#define SECRET "zK9-secret-abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEF"

static const struct {
    enum settings_format format;
    const char *text;
    enum reason reason;
} FILES[] = {
    {SETTINGS_PYTHON,
        "import os\nSECRET_KEY = '" SECRET "'\nBUGSINK = {'BASE_URL': \"https://b.example.com\", 'X': 1}\n"
        "A, B = (1, 2)\nC = f'{A!r}' 'x' \"\"\"y\nz\"\"\"\ndel A\nif B:\n    D: int = 0x10\n",
        REASON_OK},
    {SETTINGS_PYTHON, "SECRET_KEY = 'a\n", REASON_PARSE_ERROR},
    {SETTINGS_PYTHON, "SECRET_KEY = 'x'\n", REASON_MISSING_SETTING},
    {SETTINGS_JSON,
        "{\"SECRET_KEY\": \"" SECRET "\", \"BUGSINK\": {\"A\": 1, \"B\": [true, 1.5]}, \"C\": \"\\u00e4\"}",
        REASON_OK},
    {SETTINGS_JSON, "{\"SECRET_KEY\": ", REASON_PARSE_ERROR},
    {SETTINGS_ENV, "# settings\nexport SECRET_KEY='" SECRET "'\nBUGSINK=\"a\nb\"\nPORT=8000 # x\n",
        REASON_OK},
    {SETTINGS_ENV, "SECRET_KEY=" SECRET "\nBUGSINK=1\nBASE_URL=nothing\n", REASON_INVALID_SETTING},
    {SETTINGS_ENVIRONMENT, NULL, REASON_OK},
};

struct bench {
    struct check_config config;
    struct outcome outcome, reference;
};

static int examine(void *arg) {
    struct bench *bench = arg;
    settings_examine(&bench->config, &(struct phase_report){0}, &bench->outcome);
    return 0;
}

static void judge(void *arg, int result, bool has_failed) {
    const struct bench *bench = arg;
    const struct outcome *outcome = &bench->outcome;
    (void)result;
    ck_assert_ptr_null(strstr(outcome->detail, SECRET));
    if (has_failed && outcome->reason == REASON_INTERNAL)
        return;
    ck_assert_msg(outcome->reason == bench->reference.reason, "%s: %s", reason_info(outcome->reason)->slug,
        outcome->detail);
    ck_assert_mem_eq(&outcome->observed, &bench->reference.observed, sizeof outcome->observed);
}

START_TEST(settings_are_judged_right_or_the_check_is_internal) {
    char *required[] = {(char[]){"SECRET_KEY"}, (char[]){"BUGSINK"}};
    char *environment[] = {(char[]){"SECRET_KEY=" SECRET}, (char[]){"BUGSINK=1"}, NULL};
    allocations_hook_libraries();
    char *dir = tempdir_new(), *path = tempdir_path(dir, "settings");
    struct bench bench = {.config = {.kind = KIND_SETTINGS,
                              .timeout_ms = 0, /* no waiting for a file that is just being replaced */
                              .settings.path = path,
                              .settings.format = FILES[_i].format,
                              .settings.require = required,
                              .settings.require_count = 2,
                              .settings.environment = environment}};
    const struct allocation_scenario scenario = {
        .name = settings_format_name(FILES[_i].format), .run = examine, .judge = judge, .may_exit = true};
    if (FILES[_i].text)
        tempdir_write(path, FILES[_i].text);
    examine(&bench);
    ck_assert_msg(bench.outcome.reason == FILES[_i].reason, "%s: %s", reason_info(bench.outcome.reason)->slug,
        bench.outcome.detail);
    bench.reference = bench.outcome;
    ck_assert_int_ge(allocations_fail_each(&scenario, &bench), 1);
    free(path);
    free(dir);
}
END_TEST

Suite *fault_settings_suite(void) {
    Suite *suite = suite_create("fault_settings");
    TCase *tcase = tcase_create("fault_settings");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(
        tcase, settings_are_judged_right_or_the_check_is_internal, 0, sizeof FILES / sizeof FILES[0]);
    return suite;
}
