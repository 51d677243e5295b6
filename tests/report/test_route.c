/* Tests of the table of routes. */
#include "report/route.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static enum route_id find(const char *path) {
    return route_find(path, strlen(path));
}

START_TEST(each_path_is_found_with_and_without_its_final_slash) {
    for (int id = 0; id < ROUTE_OTHER; id++) {
        const struct route *route = route_of((enum route_id)id);
        char path[64];
        size_t length = strlen(route->path);
        bool takes_name = route->path[length - 1] == '/';
        snprintf(path, sizeof path, "%s%s/", route->path, takes_name ? "a" : "");
        ck_assert_int_eq(find(path), id);
        path[strlen(path) - 1] = '\0';
        ck_assert_int_eq(find(path), id);
        ck_assert_int_eq(find(route->label), id);
    }
}
END_TEST

static const char *const FOREIGN[] = {"", "/", "//", "/health/nothing", "/health//", "/Health", "/healthy",
    "/health/ready//", "/health/ready/a/b", "/health/ready/a//", "/health/live/a", "/metrics/a", "metrics",
    "/health/rea"};

START_TEST(what_is_no_route_is_none) {
    ck_assert_int_eq(find(FOREIGN[_i]), ROUTE_OTHER);
}
END_TEST

START_TEST(the_length_counts_and_not_what_stands_behind_it) {
    ck_assert_int_eq(route_find("/health/live?verbose", 12), ROUTE_LIVE);
    ck_assert_int_eq(route_find("/health/live", 7), ROUTE_HEALTH);
    ck_assert_uint_eq(route_path_length("/health/", 8), 7);
    ck_assert_uint_eq(route_path_length("/", 1), 1);
    ck_assert_uint_eq(route_path_length("", 0), 0);
}
END_TEST

START_TEST(labels_and_words_are_each_one_route_s) {
    for (int a = 0; a < ROUTE_COUNT; a++)
        for (int b = a + 1; b < ROUTE_COUNT; b++) {
            const struct route *one = route_of((enum route_id)a), *other = route_of((enum route_id)b);
            ck_assert_str_ne(one->label, other->label);
            ck_assert(!one->word || !other->word || strcmp(one->word, other->word) != 0);
        }
}
END_TEST

START_TEST(a_taste_is_served_where_the_route_has_a_page_for_it) {
    enum { ALL = PAGE_TASTE_HTML | PAGE_TASTE_OPENMETRICS };
    ck_assert_str_eq(route_type(route_of(ROUTE_HEALTH), 0), PAGE_TYPE_JSON);
    ck_assert_str_eq(route_type(route_of(ROUTE_HEALTH), PAGE_TASTE_OPENMETRICS), PAGE_TYPE_JSON);
    ck_assert_str_eq(route_type(route_of(ROUTE_HEALTH), ALL), PAGE_TYPE_HTML);
    ck_assert_str_eq(route_type(route_of(ROUTE_METRICS), PAGE_TASTE_HTML), PAGE_TYPE_METRICS);
    ck_assert_str_eq(route_type(route_of(ROUTE_METRICS), ALL), PAGE_TYPE_OPENMETRICS);
    ck_assert_str_eq(route_type(route_of(ROUTE_LIVE), ALL), PAGE_TYPE_TEXT);
}
END_TEST

Suite *route_suite(void) {
    Suite *suite = suite_create("route");
    TCase *tcase = tcase_create("route");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, each_path_is_found_with_and_without_its_final_slash);
    tcase_add_loop_test(tcase, what_is_no_route_is_none, 0, sizeof FOREIGN / sizeof FOREIGN[0]);
    tcase_add_test(tcase, the_length_counts_and_not_what_stands_behind_it);
    tcase_add_test(tcase, labels_and_words_are_each_one_route_s);
    tcase_add_test(tcase, a_taste_is_served_where_the_route_has_a_page_for_it);
    return suite;
}
