/* Tests of the times that Django writes into SQLite, on every day there is. */
#include "kinds/sqlite/parts.h"

#include <check.h>
#include <stdint.h>
#include <time.h>

START_TEST(times_are_read_as_django_writes_them) {
    int64_t ms;
    ck_assert_int_eq(sqlite_parse_time("2026-07-01 12:00:00.123456", &ms), 0);
    ck_assert_int_eq(ms, 1782907200000);
    ck_assert_int_eq(sqlite_parse_time("2026-07-01T12:00:00+00:00", &ms), 0);
    ck_assert_int_eq(ms, 1782907200000);
    ck_assert_int_eq(sqlite_parse_time("2999-03-01 00:00:00", &ms), 0); /* past a 32-bit machine's time_t */
    ck_assert_int_eq(ms, 32477241600000);
    const char *const bad[] = {"", "x", "2026-07-01", "2026-13-01 00:00:00", "2026-07-01 24:00:00",
        "1969-12-31 23:59:59", "2026-07-01x12:00:00", "-999-07-01 12:00:00"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(sqlite_parse_time(bad[i], &ms) == -1, "%s", bad[i]);
}
END_TEST

START_TEST(every_day_is_where_the_c_library_has_it) {
    for (time_t noon = 43200; noon <= INT32_MAX - 86400; noon += 86400) {
        struct tm tm;
        char text[32];
        int64_t ms;
        ck_assert_ptr_nonnull(gmtime_r(&noon, &tm));
        ck_assert_uint_gt(strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm), 0);
        ck_assert_int_eq(sqlite_parse_time(text, &ms), 0);
        ck_assert_msg(ms == (int64_t)noon * 1000, "%s is %lld", text, (long long)ms);
    }
}
END_TEST

Suite *sqlite_time_suite(void) {
    Suite *suite = suite_create("sqlite_time");
    TCase *tcase = tcase_create("sqlite_time");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, times_are_read_as_django_writes_them);
    tcase_add_test(tcase, every_day_is_where_the_c_library_has_it);
    return suite;
}
