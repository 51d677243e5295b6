/* Tests of durations and sizes. */
#include "config/duration.h"

#include <check.h>
#include <inttypes.h>
#include <string.h>

struct good {
    const char *text;
    int64_t value;
};

struct bad {
    const char *text;
    const char *says; /* what the error must contain */
};

static const struct good DURATIONS[] = {{"250ms", 250}, {"5s", 5000}, {"2m", 120000}, {"1h", 3600000},
    {"1.5s", 1500}, {"0s", 0}, {"0ms", 0}, {"0.25s", 250}, {"1.250s", 1250}, {"0.5m", 30000}, {"007s", 7000},
    {"576h", INT64_C(2073600000)}, {"1.0ms", 1}};

START_TEST(a_duration_is_a_number_with_a_unit) {
    const struct good *row = &DURATIONS[_i];
    struct error err = {.text = ""};
    int64_t value = -1;
    ck_assert_msg(duration_parse(row->text, &value, &err) == 0, "%s: %s", row->text, err.text);
    ck_assert_int_eq(value, row->value);
}
END_TEST

static const struct bad BAD_DURATIONS[] = {{"", "is not a duration"}, {"5", "write 5s for seconds"},
    {"1.5", "no unit"}, {"-5s", "is not a duration"}, {"+5s", "is not a duration"},
    {"s", "is not a duration"}, {"5 s", "unknown unit"}, {" 5s", "is not a duration"},
    {"5s ", "unknown unit"}, {"5sec", "unknown unit"}, {"5S", "unknown unit"}, {"5d", "unknown unit"},
    {"1m30s", "unknown unit"}, {".5s", "is not a duration"}, {"5.s", "is not a duration"},
    {"1.5ms", "whole number"}, {"0.0001s", "whole number"}, {"1.1234567s", "is not a duration"},
    {"1e3s", "unknown unit"}, {"0x5s", "unknown unit"}, {"577h", "at most 24 days"},
    {"576.001h", "at most 24 days"}, {"99999999999999999999s", "at most 24 days"},
    {"9223372036854775807h", "at most 24 days"}, {"infs", "is not a duration"}, {"nan", "is not a duration"},
    {"5\xc2\xb5s", "unknown unit"}};

START_TEST(what_is_no_duration_is_refused_and_a_right_one_shown) {
    const struct bad *row = &BAD_DURATIONS[_i];
    struct error err = {.text = ""};
    int64_t value = -1;
    ck_assert_msg(duration_parse(row->text, &value, &err) == -1, "%s", row->text);
    ck_assert_msg(strstr(err.text, row->says) != NULL, "%s: %s", row->text, err.text);
    ck_assert_int_eq(value, -1);
}
END_TEST

static const struct good SIZES[] = {{"0", 0}, {"512", 512}, {"512B", 512}, {"64KiB", 65536},
    {"256MiB", INT64_C(268435456)}, {"1GiB", INT64_C(1073741824)}, {"2TiB", INT64_C(2199023255552)},
    {"1KB", 1000}, {"3MB", 3000000}, {"1GB", 1000000000}, {"1TB", INT64_C(1000000000000)},
    {"1048576TiB", INT64_C(1) << 60}};

START_TEST(a_size_is_a_whole_number_with_or_without_a_unit) {
    const struct good *row = &SIZES[_i];
    struct error err = {.text = ""};
    int64_t value = -1;
    ck_assert_msg(size_parse(row->text, &value, &err) == 0, "%s: %s", row->text, err.text);
    ck_assert_int_eq(value, row->value);
}
END_TEST

static const struct bad BAD_SIZES[] = {{"", "is not a size"}, {"-1", "is not a size"},
    {"MiB", "is not a size"}, {"1.5GiB", "unknown unit"}, {"1 GiB", "unknown unit"}, {"1M", "unknown unit"},
    {"1kb", "unknown unit"}, {"1mib", "unknown unit"}, {"5%", "unknown unit"}, {"1048577TiB", "too large"},
    {"1152921504606846977", "too large"}, {"99999999999999999999", "too large"}};

START_TEST(what_is_no_size_is_refused_and_a_right_one_shown) {
    const struct bad *row = &BAD_SIZES[_i];
    struct error err = {.text = ""};
    int64_t value = -1;
    ck_assert_msg(size_parse(row->text, &value, &err) == -1, "%s", row->text);
    ck_assert_msg(strstr(err.text, row->says) != NULL, "%s: %s", row->text, err.text);
    ck_assert_int_eq(value, -1);
}
END_TEST

START_TEST(an_overlong_text_is_quoted_in_part) {
    char text[600];
    memset(text, '5', sizeof text);
    text[sizeof text - 1] = '\0';
    struct error err;
    int64_t value;
    ck_assert_int_eq(duration_parse(text, &value, &err), -1);
    ck_assert_int_eq(size_parse(text, &value, &err), -1);
    ck_assert_uint_lt(strlen(err.text), 120);
}
END_TEST

START_TEST(durations_are_written_the_short_way) {
    static const struct good rows[] = {{"0s", 0}, {"1ms", 1}, {"1500ms", 1500}, {"5s", 5000}, {"90s", 90000},
        {"2m", 120000}, {"60ms", 60}, {"1h", 3600000}, {"48h", 172800000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[DURATION_TEXT_SIZE];
        duration_format(rows[i].value, text);
        ck_assert_str_eq(text, rows[i].text);
        int64_t again;
        ck_assert_int_eq(duration_parse(text, &again, NULL), 0);
        ck_assert_int_eq(again, rows[i].value);
    }
}
END_TEST

START_TEST(sizes_are_written_the_short_way) {
    static const struct good rows[] = {{"0", 0}, {"1", 1}, {"1000", 1000}, {"1KiB", 1024},
        {"1536MiB", INT64_C(1610612736)}, {"1GiB", INT64_C(1073741824)}, {"1024TiB", INT64_C(1) << 50}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[DURATION_TEXT_SIZE];
        size_format(rows[i].value, text);
        ck_assert_str_eq(text, rows[i].text);
        int64_t again;
        ck_assert_int_eq(size_parse(text, &again, NULL), 0);
        ck_assert_int_eq(again, rows[i].value);
    }
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *duration_suite(void) {
    Suite *suite = suite_create("duration");
    TCase *tcase = tcase_create("duration");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, a_duration_is_a_number_with_a_unit, 0, ROWS(DURATIONS));
    tcase_add_loop_test(tcase, what_is_no_duration_is_refused_and_a_right_one_shown, 0, ROWS(BAD_DURATIONS));
    tcase_add_loop_test(tcase, a_size_is_a_whole_number_with_or_without_a_unit, 0, ROWS(SIZES));
    tcase_add_loop_test(tcase, what_is_no_size_is_refused_and_a_right_one_shown, 0, ROWS(BAD_SIZES));
    tcase_add_test(tcase, an_overlong_text_is_quoted_in_part);
    tcase_add_test(tcase, durations_are_written_the_short_way);
    tcase_add_test(tcase, sizes_are_written_the_short_way);
    return suite;
}
