/* Tests of figures: what was observed, in words, beside the limit. */
#include "render/figures.h"

#include <check.h>
#include <stdlib.h>

struct seen {
    enum observed_key key;
    int64_t value;
};

static const int64_t KIB = 1024, MIB = 1024 * 1024;

static char *figures_of(struct check_view check, const struct seen *seen, size_t count) {
    struct strbuf buffer = {0};
    check.kind = check.kind ? check.kind : "sqlite";
    for (size_t i = 0; i < count; i++)
        observed_set(&check.observed, seen[i].key, seen[i].value);
    strbuf_append(&buffer, "");
    figures_append(&buffer, &check);
    return buffer.data;
}

#define ASSERT_FIGURES(text, check, ...)                                                                     \
    do {                                                                                                     \
        const struct seen seen[] = {__VA_ARGS__};                                                            \
        char *figures = figures_of(check, seen, sizeof seen / sizeof seen[0]);                               \
        ck_assert_str_eq(figures, text);                                                                     \
        free(figures);                                                                                       \
    } while (0)

START_TEST(space_is_told_beside_the_share_or_size_that_it_is_below) {
    struct check_view check = {.reason = REASON_DISK_LOW, .status = STATUS_DEGRADED};
    check.limits.min_free_bytes = -1;
    ASSERT_FIGURES("68 KiB free of 2 MiB, below 5 %", check, {OBSERVED_FREE_BYTES, 68 * KIB},
        {OBSERVED_TOTAL_BYTES, 2 * MIB});
    ASSERT_FIGURES("200 MiB free of 84 GiB, below 256 MiB", check, {OBSERVED_FREE_BYTES, 200 * MIB},
        {OBSERVED_TOTAL_BYTES, 84 * KIB * MIB});
    check.limits.min_free_bytes = 3 * KIB * MIB / 2;
    ASSERT_FIGURES("1 byte free, below 1.5 GiB", check, {OBSERVED_FREE_BYTES, 1});
    check = (struct check_view){.reason = REASON_OK};
    ASSERT_FIGURES("78 GiB free of 84 GiB", check, {OBSERVED_FREE_BYTES, 78 * KIB * MIB},
        {OBSERVED_TOTAL_BYTES, 84 * KIB * MIB});
}
END_TEST

START_TEST(tasks_are_told_with_the_age_of_the_oldest_and_the_limits_where_they_are_exceeded) {
    struct check_view check = {.reason = REASON_BACKLOG, .status = STATUS_DEGRADED};
    check.limits.backlog_ms = 60000;
    check.limits.backlog_tasks = 300;
    ASSERT_FIGURES("41 tasks, the oldest 15 min old (limits: 1 min, 300 tasks)", check, {OBSERVED_TASKS, 41},
        {OBSERVED_OLDEST_TASK_AGE_S, 15 * 60 + 7});
    check.reason = REASON_OK;
    ASSERT_FIGURES("1 task, 3 s old", check, {OBSERVED_TASKS, 1}, {OBSERVED_OLDEST_TASK_AGE_S, 3});
    ASSERT_FIGURES("0 tasks", check, {OBSERVED_TASKS, 0});
}
END_TEST

START_TEST(what_took_too_long_is_told_beside_its_limit) {
    struct check_view check = {.reason = REASON_TIMEOUT, .status = STATUS_ERROR, .latency_ms = 1700};
    check.limits = (struct check_limits){.timeout_ms = 3000, .slow_ms = 1500};
    ASSERT_FIGURES("no answer within 3 s; server 15.18", ((check.kind = "postgres"), check),
        {OBSERVED_SERVER_VERSION, 150018});
    check.reason = REASON_SLOW;
    ASSERT_FIGURES("took 1700 ms, limit 1500 ms; server 10.11.19", ((check.kind = "mysql"), check),
        {OBSERVED_SERVER_VERSION, 101119});
}
END_TEST

START_TEST(a_place_in_a_file_is_line_and_column) {
    const struct check_view check = {.reason = REASON_PARSE_ERROR, .status = STATUS_ERROR};
    ASSERT_FIGURES(
        "line 25, column 6", check, {OBSERVED_LINE, 25}, {OBSERVED_COLUMN, 6}, {OBSERVED_FILE_BYTES, 733});
}
END_TEST

/* A worker may say what it will. */
START_TEST(no_number_is_too_large_or_too_small) {
    const struct check_view check = {.reason = REASON_BACKLOG, .status = STATUS_DEGRADED, .kind = "mysql"};
    for (int key = 0; key < OBSERVED_KEY_COUNT; key++) {
        const struct seen least = {(enum observed_key)key, INT64_MIN},
                          most = {(enum observed_key)key, INT64_MAX};
        free(figures_of(check, &least, 1));
        free(figures_of(check, &most, 1));
    }
}
END_TEST

Suite *figures_suite(void) {
    Suite *suite = suite_create("figures");
    TCase *tcase = tcase_create("figures");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, space_is_told_beside_the_share_or_size_that_it_is_below);
    tcase_add_test(tcase, tasks_are_told_with_the_age_of_the_oldest_and_the_limits_where_they_are_exceeded);
    tcase_add_test(tcase, what_took_too_long_is_told_beside_its_limit);
    tcase_add_test(tcase, a_place_in_a_file_is_line_and_column);
    tcase_add_test(tcase, no_number_is_too_large_or_too_small);
    return suite;
}
