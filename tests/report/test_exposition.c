/* Tests of how metrics are written down: both formats, and values of labels that are hostile. */
#include "report/exposition.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static void assert_text(struct exposition *page, const char *expected) {
    ck_assert(!page->text.is_broken);
    ck_assert_str_eq(page->text.data, expected);
    strbuf_release(&page->text);
}

/* One family of each type. */
static void put_all(struct exposition *page) {
    const struct label label = {"check", "a"};
    exposition_family(page, "x_build", METRIC_INFO, "What.");
    exposition_number(page, &label, 1, 1);
    exposition_family(page, "x_things", METRIC_COUNTER, "How many.");
    exposition_number(page, NULL, 0, 7);
    exposition_family(page, "x_age_seconds", METRIC_GAUGE, "How old.");
    exposition_seconds(page, &label, 1, 1795428000007);
    exposition_seconds(page, NULL, 0, -1250);
    exposition_family(page, "x_seconds", METRIC_HISTOGRAM, "How long.");
    exposition_bucket(page, &label, 1, 5, 1);
    exposition_bucket(page, &label, 1, 250, 2);
    exposition_bucket(page, &label, 1, 1500, 3);
    exposition_bucket(page, &label, 1, INT64_MAX, 4);
    exposition_sum(page, &label, 1, 3005, 4);
    exposition_end(page);
}

#define SAMPLES_OF_THE_REST                                                                                  \
    "# HELP x_age_seconds How old.\n# TYPE x_age_seconds gauge\n"                                            \
    "x_age_seconds{check=\"a\"} 1795428000.007\nx_age_seconds -1.250\n"                                      \
    "# HELP x_seconds How long.\n# TYPE x_seconds histogram\n"                                               \
    "x_seconds_bucket{check=\"a\",le=\"0.005\"} 1\nx_seconds_bucket{check=\"a\",le=\"0.25\"} 2\n"            \
    "x_seconds_bucket{check=\"a\",le=\"1.5\"} 3\nx_seconds_bucket{check=\"a\",le=\"+Inf\"} 4\n"              \
    "x_seconds_sum{check=\"a\"} 3.005\nx_seconds_count{check=\"a\"} 4\n"

START_TEST(the_text_format_names_a_family_as_its_samples) {
    struct exposition page = {.format = EXPOSITION_TEXT};
    put_all(&page);
    assert_text(&page, "# HELP x_build_info What.\n# TYPE x_build_info gauge\nx_build_info{check=\"a\"} 1\n"
                       "# HELP x_things_total How many.\n# TYPE x_things_total counter\nx_things_total "
                       "7\n" SAMPLES_OF_THE_REST);
}
END_TEST

START_TEST(openmetrics_leaves_the_suffix_to_the_samples_and_has_an_end) {
    struct exposition page = {.format = EXPOSITION_OPENMETRICS};
    put_all(&page);
    assert_text(&page,
        "# HELP x_build What.\n# TYPE x_build info\nx_build_info{check=\"a\"} 1\n"
        "# HELP x_things How many.\n# TYPE x_things counter\nx_things_total 7\n" SAMPLES_OF_THE_REST
        "# EOF\n");
}
END_TEST

static const struct {
    const char *value, *escaped;
} HOSTILE[] = {
    {"", ""},
    {"a-b_c.9", "a-b_c.9"},
    {"\"", "\\\""},
    {"\\", "\\\\"},
    {"\\n", "\\\\n"},
    {"a\nb", "a\\nb"},
    {"\"} 1\nup{x=\"", "\\\"} 1\\nup{x=\\\""},
    {"a\r\n", "a\xef\xbf\xbd\\n"},
    {"\x1b[31m", "\xef\xbf\xbd[31m"},
    {"\x7f\t", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xc2\x85x", "\xef\xbf\xbdx"}, /* C1: a line feed to some */
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"\xff", "\xef\xbf\xbd"},       /* no UTF-8 */
    {"\xc3", "\xef\xbf\xbd"},       /* half a character */
    {"\xc3\"", "\xef\xbf\xbd\\\""}, /* that would swallow the quote */
    {"\xe2\x82\\", "\xef\xbf\xbd\xef\xbf\xbd\\\\"},
    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
    {"\xc0\xa2", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* a quote in two bytes */
    {"</script>{}#,=", "</script>{}#,="},
};

START_TEST(hostile_values_stay_between_their_quotes) {
    for (size_t i = 0; i < sizeof HOSTILE / sizeof HOSTILE[0]; i++) {
        struct strbuf text = {0};
        strbuf_append(&text, "");
        exposition_escape(&text, HOSTILE[i].value);
        ck_assert_msg(strcmp(text.data, HOSTILE[i].escaped) == 0, "row %zu: %s", i, text.data);
        strbuf_release(&text);
    }
}
END_TEST

START_TEST(a_long_name_stays_whole) {
    char name[301];
    for (size_t i = 0; i < 300; i += 2)
        memcpy(name + i, "\xc3\xa9", 2);
    name[300] = '\0';
    struct exposition page = {.format = EXPOSITION_TEXT};
    const struct label label = {"check", name};
    char expected[512];
    snprintf(expected, sizeof expected, "# HELP x X.\n# TYPE x gauge\nx{check=\"%s\"} 1\n", name);
    exposition_family(&page, "x", METRIC_GAUGE, "X.");
    exposition_number(&page, &label, 1, 1);
    assert_text(&page, expected);
}
END_TEST

START_TEST(every_byte_is_escaped_or_stands) {
    for (int byte = 1; byte < 256; byte++) {
        char value[2] = {(char)byte, '\0'};
        struct strbuf text = {0};
        exposition_escape(&text, value);
        bool stands = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
        ck_assert_msg((strcmp(text.data, value) == 0) == stands, "%d: %s", byte, text.data);
        ck_assert_msg(strpbrk(text.data, "\n\r\x1b") == NULL, "%d", byte);
        strbuf_release(&text);
    }
}
END_TEST

START_TEST(a_page_in_fixed_memory_breaks_and_does_not_grow) {
    char memory[64];
    struct exposition page = {.format = EXPOSITION_TEXT, .text = strbuf_in(memory, sizeof memory)};
    exposition_family(&page, "x", METRIC_GAUGE, "X.");
    ck_assert(!page.text.is_broken);
    for (int i = 0; i < 40; i++)
        exposition_number(&page, NULL, 0, 1);
    ck_assert(page.text.is_broken);
    ck_assert_ptr_eq(page.text.data, memory);
    ck_assert_uint_lt(page.text.length, sizeof memory);
    strbuf_release(&page.text); /* is the caller's memory, and not freed */
}
END_TEST

Suite *exposition_suite(void) {
    Suite *suite = suite_create("exposition");
    TCase *tcase = tcase_create("exposition");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, the_text_format_names_a_family_as_its_samples);
    tcase_add_test(tcase, openmetrics_leaves_the_suffix_to_the_samples_and_has_an_end);
    tcase_add_test(tcase, hostile_values_stay_between_their_quotes);
    tcase_add_test(tcase, a_long_name_stays_whole);
    tcase_add_test(tcase, every_byte_is_escaped_or_stands);
    tcase_add_test(tcase, a_page_in_fixed_memory_breaks_and_does_not_grow);
    return suite;
}
