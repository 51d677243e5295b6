/* Tests of the report room: the tables are whole, and the whole follows from its parts. */
#include "report/observed.h"
#include "report/reason.h"
#include "report/snapshot.h"

#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

START_TEST(every_reason_has_a_row) {
    for (int i = 0; i < REASON_COUNT; i++) {
        const struct reason_info *info = reason_info((enum reason)i);
        ck_assert_msg(info->slug && info->sentence, "reason %d has no row", i);
        size_t length = strlen(info->sentence);
        ck_assert_msg(
            isupper((unsigned char)info->sentence[0]) && info->sentence[length - 1] == '.', "%s", info->slug);
        for (const char *c = info->slug; *c; c++)
            ck_assert_msg(islower((unsigned char)*c) || *c == '_', "%s", info->slug);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(info->slug, reason_info((enum reason)j)->slug);
        ck_assert_msg(
            info->verdict != STATUS_ERROR || info->hint || i == REASON_DRAINING, "%s: no hint", info->slug);
    }
}
END_TEST

START_TEST(every_observed_key_and_phase_has_a_name) {
    for (int i = 0; i < OBSERVED_KEY_COUNT; i++)
        ck_assert_ptr_nonnull(observed_name((enum observed_key)i));
    for (int i = PHASE_NONE + 1; i < PHASE_COUNT; i++)
        ck_assert_ptr_nonnull(phase_name((enum phase)i));
    ck_assert_ptr_null(phase_name(PHASE_NONE));
}
END_TEST

START_TEST(observed_values_are_present_or_not) {
    struct observed observed = {0};
    int64_t value;
    ck_assert(!observed_get(&observed, OBSERVED_TASKS, &value));
    observed_set(&observed, OBSERVED_TASKS, 0);
    ck_assert(observed_get(&observed, OBSERVED_TASKS, &value));
    ck_assert_int_eq(value, 0);
}
END_TEST

struct row {
    enum status status[2];
    bool is_critical[2];
    bool is_draining, is_in_maintenance;
    bool is_ready;
    enum status whole;
};

static const struct row ROWS[] = {
    {{STATUS_OK, STATUS_OK}, {true, true}, false, false, true, STATUS_OK},
    {{STATUS_OK, STATUS_DEGRADED}, {true, true}, false, false, true, STATUS_DEGRADED},
    {{STATUS_OK, STATUS_ERROR}, {true, true}, false, false, false, STATUS_ERROR},
    {{STATUS_OK, STATUS_STARTING}, {true, true}, false, false, false, STATUS_ERROR},
    {{STATUS_OK, STATUS_ERROR}, {true, false}, false, false, true, STATUS_DEGRADED},
    {{STATUS_OK, STATUS_STARTING}, {true, false}, false, false, true, STATUS_DEGRADED},
    {{STATUS_OK, STATUS_OK}, {true, true}, true, false, false, STATUS_ERROR},
    {{STATUS_OK, STATUS_OK}, {true, true}, false, true, false, STATUS_ERROR},
};

START_TEST(readiness_follows_from_the_critical_checks) {
    const struct row *row = &ROWS[_i];
    struct check_view checks[2] = {
        {.name = "a", .status = row->status[0], .is_critical = row->is_critical[0]},
        {.name = "b", .status = row->status[1], .is_critical = row->is_critical[1]}};
    struct snapshot snapshot = {.checks = checks,
        .check_count = 2,
        .is_draining = row->is_draining,
        .is_in_maintenance = row->is_in_maintenance};
    ck_assert_int_eq(snapshot_is_ready(&snapshot), row->is_ready);
    ck_assert_int_eq(snapshot_status(&snapshot), row->whole);
    ck_assert_ptr_eq(snapshot_find(&snapshot, "b"), &checks[1]);
    ck_assert_ptr_null(snapshot_find(&snapshot, "c"));
}
END_TEST

START_TEST(liveness_fails_with_a_dead_app_but_not_while_draining_or_in_maintenance) {
    struct snapshot snapshot = {.is_dead = false};
    ck_assert(snapshot_is_live(&snapshot));
    snapshot.is_dead = true;
    ck_assert(!snapshot_is_live(&snapshot));
    snapshot.is_draining = true;
    ck_assert(snapshot_is_live(&snapshot));
    snapshot.is_draining = false;
    snapshot.is_in_maintenance = true;
    ck_assert(snapshot_is_live(&snapshot));
}
END_TEST

Suite *report_suite(void) {
    Suite *suite = suite_create("report");
    TCase *tcase = tcase_create("report");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, every_reason_has_a_row);
    tcase_add_test(tcase, every_observed_key_and_phase_has_a_name);
    tcase_add_test(tcase, observed_values_are_present_or_not);
    tcase_add_loop_test(tcase, readiness_follows_from_the_critical_checks, 0, sizeof ROWS / sizeof ROWS[0]);
    tcase_add_test(tcase, liveness_fails_with_a_dead_app_but_not_while_draining_or_in_maintenance);
    return suite;
}
