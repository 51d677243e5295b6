/* Tests of the rules against what Bugsink's own start-up check said of some 390 environments. */
#include "base/str.h"
#include "kinds/settings/settings.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* What each environment has unless its vector says otherwise. */
static const char *const BASE[] = {"SECRET_KEY=vg7hxWm5mdJf0nYbq2ZkqS8aP4tR1uE6iO9yLcKwXzBvNjMhGs",
    "BASE_URL=http://localhost:9000", "PHONEHOME=false"};

enum { BASE_COUNT = sizeof BASE / sizeof BASE[0], ENTRIES_MAX = 32 };

static const struct {
    const char *because; /* "": it starts */
    const char *entries; /* one a line */
} VECTORS[] = {
#include "kinds/settings/settings_vectors.inc"
};

enum { VECTOR_COUNT = sizeof VECTORS / sizeof VECTORS[0] };

struct environment {
    char *entries[ENTRIES_MAX + 1];
    size_t count;
};

static void take_out(struct environment *environment, const char *name, size_t length) {
    for (size_t i = 0; i < environment->count; i++)
        if (strncmp(environment->entries[i], name, length) == 0 && environment->entries[i][length] == '=') {
            free(environment->entries[i]);
            environment->entries[i] = environment->entries[--environment->count];
        }
    environment->entries[environment->count] = NULL;
}

static void put(struct environment *environment, const char *entry) {
    size_t name_length = strcspn(entry + (*entry == '!'), "=");
    take_out(environment, entry + (*entry == '!'), name_length);
    if (*entry == '!')
        return;
    ck_assert_uint_lt(environment->count, ENTRIES_MAX);
    environment->entries[environment->count++] = str_dup(entry);
    environment->entries[environment->count] = NULL;
}

/* What the check says of a vector. */
static struct outcome judge(size_t vector) {
    struct environment environment = {.count = 0};
    char *text = str_dup(VECTORS[vector].entries), *rest = text, secret_key[] = "SECRET_KEY";
    char *require[] = {secret_key};
    struct outcome outcome;
    for (size_t i = 0; i < BASE_COUNT; i++)
        put(&environment, BASE[i]);
    for (char *entry; (entry = strsep(&rest, "\n")) != NULL;)
        if (*entry)
            put(&environment, entry);
    const struct check_config config = {.kind = KIND_SETTINGS,
        .timeout_ms = 1,
        .settings.format = SETTINGS_ENVIRONMENT,
        .settings.environment = environment.entries,
        .settings.require = require,
        .settings.require_count = 1};
    settings_examine(&config, &(struct phase_report){0}, &outcome);
    for (size_t i = 0; i < environment.count; i++)
        free(environment.entries[i]);
    free(text);
    return outcome;
}

START_TEST(no_environment_is_refused_with_which_bugsink_starts) {
    size_t started = 0;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        if (*VECTORS[i].because)
            continue;
        struct outcome outcome = judge(i);
        ck_assert_msg(outcome.reason == REASON_OK, "%s --> %s", VECTORS[i].entries, outcome.detail);
        started++;
    }
    ck_assert_uint_ge(started, 290);
}
END_TEST

START_TEST(each_environment_that_bugsink_refuses_is_refused) {
    size_t refused = 0;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        if (!*VECTORS[i].because)
            continue;
        struct outcome outcome = judge(i);
        ck_assert_msg(outcome.reason == REASON_INVALID_SETTING || outcome.reason == REASON_MISSING_SETTING,
            "%s: %s --> %s", VECTORS[i].because, VECTORS[i].entries, reason_info(outcome.reason)->slug);
        refused++;
    }
    ck_assert_uint_ge(refused, 80);
}
END_TEST

Suite *settings_vectors_suite(void) {
    Suite *suite = suite_create("settings_vectors");
    TCase *tcase = tcase_create("settings_vectors");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, no_environment_is_refused_with_which_bugsink_starts);
    tcase_add_test(tcase, each_environment_that_bugsink_refuses_is_refused);
    return suite;
}
