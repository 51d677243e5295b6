/* Tests of the status page: what stands on it for every reason, hostile texts, its bounds and its cost. */
#include "render/html.h"

#include "base/str.h"
#include "harness/stopwatch.h"
#include "render/html_parts.h"
#include "report/style.h"

#include "render/morning.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t MONOTONIC_MS = (int64_t)5000 * MINUTE_MS + 20 * MS;

/* The page; the caller frees. */
static char *page_of(const struct check_view *checks, size_t count) {
    struct snapshot snapshot = morning_snapshot(checks, count);
    char *page = html_health(&snapshot);
    ck_assert_ptr_nonnull(page);
    return page;
}

static void assert_has(const char *page, const char *text) {
    ck_assert_msg(strstr(page, text) != NULL, "not on the page: %s\n%s", text, strstr(page, "<body"));
}

static void assert_lacks(const char *page, const char *text) {
    ck_assert_msg(strstr(page, text) == NULL, "on the page: %s", text);
}

static size_t count(const char *page, const char *text) {
    size_t found = 0;
    for (const char *at = strstr(page, text); at; at = strstr(at + 1, text))
        found++;
    return found;
}

static char *escaped(const char *text) {
    struct strbuf buffer = {0};
    strbuf_append(&buffer, "");
    html_text(&buffer, text);
    return buffer.data;
}

START_TEST(a_failing_check_is_told_whole) {
    struct check_view checks[] = {morning_check("default", STATUS_OK, REASON_OK),
        morning_check("snappea", STATUS_ERROR, REASON_LOCKED)};
    checks[1].phase = PHASE_LOCK;
    checks[1].consecutive_failures = 412;
    observed_set(&checks[1].observed, OBSERVED_TASKS, 7);
    observed_set(&checks[1].observed, OBSERVED_FREE_BYTES, 99);
    char *page = page_of(checks, 2);
    assert_has(page, "<title>Not ready - Bugsink health</title>");
    assert_has(page, "<use href=\"#error\"/></svg>Not ready</h1>");
    assert_has(page,
        "<p class=\"lead\">1 of 2 checks fails: <bdi>snappea</bdi> (<code>locked</code> for 13 min).</p>");
    assert_has(page, "<h2>Checks <span class=\"tally\">1 error, 1 ok</span></h2>");
    assert_has(page,
        "<li class=\"check error\">\n<p class=\"state\"><svg class=\"mark\" aria-hidden=\"true\"><use "
        "href=\"#error\"/></svg>error</p>\n<div>\n<div class=\"name\"><h3><bdi>snappea</bdi></h3> <span "
        "class=\"kind\">sqlite</span> <span class=\"code\"><code>locked</code> in phase lock</span></div>\n"
        "<p>The database stays locked by another process.</p>\n"
        "<p class=\"hint\">Find who holds it and end it: fuser -v PATH, or lsof PATH. Often it is a backup, "
        "a "
        "management command or a process that hangs.</p>\n"
        "<dl class=\"facts\"><div><dt>Since</dt><dd><time datetime=\"2026-11-23T09:47:05.123Z\">2026-11-23 "
        "09:47:05 UTC</time>, 13 min ago</dd></div><div><dt>Latency</dt><dd>12 ms</dd></div><div><dt>Last "
        "well</dt><dd><time datetime=\"2026-11-23T09:46:05.123Z\">2026-11-23 09:46:05 UTC</time>, 14 min "
        "ago</dd></div><div><dt>Failed</dt><dd>412 times in a row</dd></div></dl>\n"
        "<p class=\"figures\">7 tasks</p>\n</div>\n</li>\n");
    ck_assert_msg(
        strstr(page, ">snappea</bdi></h3>") < strstr(page, ">default</bdi></h3>"), "the worst is first");
    free(page);
}
END_TEST

START_TEST(every_reason_is_told_with_sentence_and_hint) {
    for (int i = 0; i < REASON_COUNT; i++) {
        enum reason reason = (enum reason)i;
        const struct reason_info *info = reason_info(reason);
        const struct check_view checks[] = {morning_check("one", info->verdict, reason)};
        char *page = page_of(checks, 1), text[512], memory[CHECK_HINT_SIZE];
        char *sentence = escaped(info->sentence),
             *hint = info->hint ? escaped(check_view_hint(&checks[0], false, memory)) : NULL;
        snprintf(text, sizeof text, "<code>%s</code>", info->slug);
        assert_has(page, text);
        snprintf(text, sizeof text, "<li class=\"check %s\">", status_name(info->verdict));
        assert_has(page, text);
        snprintf(text, sizeof text, "</svg>%s</p>", status_name(info->verdict));
        assert_has(page, text);
        assert_has(page, sentence);
        if (hint)
            assert_has(page, hint);
        const char *verdict = info->verdict == STATUS_OK         ? "</svg>Ready</h1>"
                              : info->verdict == STATUS_DEGRADED ? "</svg>Ready, but degraded</h1>"
                              : info->verdict == STATUS_STARTING ? "</svg>Not ready yet: starting</h1>"
                                                                 : "</svg>Not ready</h1>";
        assert_has(page, verdict);
        free(page);
        free(sentence);
        free(hint);
    }
}
END_TEST

START_TEST(what_stands_above_the_checks_is_the_verdict) {
    const struct check_view checks[] = {morning_check("default", STATUS_OK, REASON_OK)};
    struct snapshot snapshot = morning_snapshot(checks, 1);
    snapshot.is_in_maintenance = true;
    char *page = html_health(&snapshot);
    assert_has(page, "</svg>Not ready: maintenance</h1>\n<p class=\"lead\">The maintenance file exists");
    assert_has(page, "Remove the maintenance file");
    free(page);
    snapshot.is_draining = true;
    page = html_health(&snapshot);
    assert_has(page, "</svg>Not ready: draining</h1>\n<p class=\"lead\">The sidecar is shutting down.</p>");
    assert_has(page, "<dt>Live</dt><dd><bdi>yes</bdi></dd></div><div><dt>Ready</dt><dd><bdi>no</bdi>");
    free(page);
    snapshot.is_in_maintenance = snapshot.is_draining = false;
    snapshot.is_dead = true;
    snapshot.live_check = "app";
    snapshot.live_reason = REASON_REFUSED;
    page = html_health(&snapshot);
    assert_has(page, "</svg>Not live</h1>");
    assert_has(page, "restarts it: Nothing accepts connections at that address.</p>");
    assert_has(page, "<dt>Live</dt><dd><bdi>no</bdi>");
    free(page);
}
END_TEST

START_TEST(what_is_only_worth_a_look_is_named_apart) {
    struct check_view checks[] = {morning_check("default", STATUS_OK, REASON_OK),
        morning_check("a", STATUS_DEGRADED, REASON_SLOW), morning_check("b", STATUS_ERROR, REASON_REFUSED),
        morning_check("c", STATUS_STARTING, REASON_STARTING)};
    checks[2].is_critical = checks[3].is_critical = false;
    char *page = page_of(checks, 4);
    assert_has(page, "</svg>Ready, but degraded</h1>");
    assert_has(page, "2 of 4 checks need a look: <bdi>a</bdi> (<code>slow</code> for 13 min), <bdi>b</bdi> "
                     "(<code>refused</code> for 13 min).</p>");
    assert_has(page, "1 of 4 checks has no result yet: <bdi>c</bdi>.</p>");
    assert_has(page, "<span class=\"kind\">sqlite, not critical</span>");
    free(page);
}
END_TEST

START_TEST(a_check_that_never_ran_says_so) {
    struct check_view checks[] = {morning_check("default", STATUS_STARTING, REASON_STARTING)};
    struct history history;
    history_init(&history);
    history_advance(&history, MONOTONIC_MS);
    checks[0].history = &history;
    checks[0].checked_at_ms = checks[0].last_ok_at_ms = 0;
    char *page = page_of(checks, 1);
    assert_has(page, "</svg>Not ready yet: starting</h1>");
    assert_has(page, "<dt>Last well</dt><dd>never</dd>");
    assert_lacks(page, "<dt>Latency</dt>");
    assert_has(page, ">not known 60 min; longest run 0 ms</desc>");
    assert_has(page, "<rect class=\"bar starting\" x=\"0\" y=\"18\" width=\"240\" height=\"2\"/><path");
    assert_has(page, "<path class=\"curve\" d=\"\"/>");
    free(page);
}
END_TEST

START_TEST(without_checks_it_says_so) {
    char *page = page_of(NULL, 0);
    assert_has(page, "No checks are configured.");
    assert_has(page, "<h2>Checks</h2>");
    free(page);
}
END_TEST

START_TEST(a_failed_reload_is_told) {
    const struct check_view checks[] = {morning_check("default", STATUS_OK, REASON_OK)};
    struct snapshot snapshot = morning_snapshot(checks, 1);
    snapshot.sidecar_config = "error: the last reload failed";
    char *page = html_health(&snapshot);
    assert_has(page, "<p class=\"notice\">Configuration: error: the last reload failed.</p>");
    free(page);
}
END_TEST

START_TEST(the_last_hour_is_drawn) {
    struct check_view checks[] = {morning_check("default", STATUS_OK, REASON_OK)};
    struct history history;
    history_init(&history);
    for (int ago = 49; ago >= 0; ago--) {
        bool is_bad = ago >= 10 && ago < 20;
        history_note(&history, MONOTONIC_MS - ago * MINUTE_MS, is_bad ? STATUS_ERROR : STATUS_OK,
            is_bad ? REASON_REFUSED : REASON_OK, is_bad ? 100 : 25);
    }
    checks[0].history = &history;
    char *page = page_of(checks, 1);
    assert_has(page,
        "<svg viewBox=\"0 0 240 55\" role=\"img\" aria-labelledby=\"t0 d0\"><title id=\"t0\">The last hour "
        "of default</title><desc id=\"d0\">ok 39 min, error 11 min, not known 10 min; longest run "
        "100 ms</desc>");
    /* The newest slot began 20 s ago: the first bad one 19 min 20 s; it was bad still when the eleventh
     * began. */
    assert_has(page,
        "<rect class=\"bar starting\" x=\"0\" y=\"18\" width=\"40\" height=\"2\"/>"
        "<rect class=\"bar ok\" x=\"40\" y=\"13\" width=\"120\" height=\"7\"/>"
        "<rect class=\"bar error\" x=\"160\" y=\"0\" width=\"44\" height=\"20\"><title>error: refused, "
        "09:40 to 09:51 UTC</title></rect>"
        "<rect class=\"bar ok\" x=\"204\" y=\"13\" width=\"36\" height=\"7\"/>");
    assert_has(page, "<path class=\"curve\" d=\"M40 47.0h4h4");
    assert_has(page, "h4V26.0h4");
    assert_has(page, "<span>latency, 0 to 100 ms</span>");
    free(page);
}
END_TEST

static const struct {
    const char *text, *expected;
} TEXTS[] = {
    {"", ""},
    {"plain-name_1.x", "plain-name_1.x"},
    {"<script>alert('1')</script>", "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"},
    {"a\"b' onload=\"x", "a&quot;b&#39; onload=&quot;x"},
    {"&amp;&", "&amp;amp;&amp;"},
    {"</title><svg/onload=alert(1)>", "&lt;/title&gt;&lt;svg/onload=alert(1)&gt;"},
    {"a\nb\r\tc", "a\xef\xbf\xbd"
                  "b\xef\xbf\xbd\xef\xbf\xbd"
                  "c"},
    {"\x1b[31mred\x7f", "\xef\xbf\xbd[31mred\xef\xbf\xbd"},
    {"\xc2\x9b"
     "31m",
        "\xef\xbf\xbd"
        "31m"}, /* CSI in one character */
    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x9b", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x9b"},
    {"\xff\xfe<", "\xef\xbf\xbd\xef\xbf\xbd&lt;"},
    {"\xc0\xbc"
     "script",
        "\xef\xbf\xbd\xef\xbf\xbd"
        "script"}, /* overlong < */
    {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
};

START_TEST(a_text_is_never_markup) {
    char *text = escaped(TEXTS[_i].text);
    ck_assert_str_eq(text, TEXTS[_i].expected);
    free(text);
}
END_TEST

/* Whatever a name or version holds: as many elements as with a harmless one, and the text where it belongs.
 */
START_TEST(hostile_names_change_no_element) {
    struct history history;
    history_init(&history);
    history_note(&history, MONOTONIC_MS, STATUS_ERROR, REASON_REFUSED, 3);
    struct check_view checks[] = {morning_check("harmless", STATUS_ERROR, REASON_REFUSED)};
    checks[0].history = &history;
    struct snapshot snapshot = morning_snapshot(checks, 1);
    char *harmless = html_health(&snapshot);
    checks[0].name = checks[0].kind = TEXTS[_i].text;
    snapshot.app_version = snapshot.sidecar_version = TEXTS[_i].text;
    char *page = html_health(&snapshot);
    ck_assert_uint_eq(count(page, "<"), count(harmless, "<"));
    ck_assert_uint_eq(count(page, "\""), count(harmless, "\""));
    char text[256];
    snprintf(text, sizeof text, "<h3><bdi>%s</bdi></h3>", TEXTS[_i].expected);
    assert_has(page, text);
    free(harmless);
    free(page);
}
END_TEST

START_TEST(a_name_of_300_bytes_stands_as_it_is) {
    char name[301], text[400];
    for (size_t i = 0; i < 300; i += 3)
        memcpy(name + i, "\xe2\x82\xac", 4);
    struct check_view checks[] = {morning_check(name, STATUS_OK, REASON_OK)};
    char *page = page_of(checks, 1);
    snprintf(text, sizeof text, "<h3><bdi>%s</bdi></h3>", name);
    assert_has(page, text);
    free(page);
}
END_TEST

START_TEST(the_page_is_complete_in_itself) {
    const struct check_view checks[] = {morning_check("default", STATUS_OK, REASON_OK)};
    char *page = page_of(checks, 1);
    ck_assert_int_eq(strncmp(page, style_page_open(), strlen(style_page_open())), 0);
    const char *style = strstr(page, "<style>");
    ck_assert_ptr_nonnull(style);
    style += strlen("<style>");
    ck_assert_int_eq(strncmp(style, style_sheet(), strlen(style_sheet())), 0);
    ck_assert_int_eq(strncmp(style + strlen(style_sheet()), "</style>", strlen("</style>")), 0);
    ck_assert_uint_eq(count(page, "<h1"), 1);
    ck_assert_uint_eq(count(page, "<main"), 1);
    static const char *const FORBIDDEN[] = {
        "<script", "style=\"", "<link rel=\"stylesheet", "<img", "<iframe", "src=", "https:", "javascript:"};
    const char *body = strstr(page, "<body>");
    for (size_t i = 0; i < sizeof FORBIDDEN / sizeof FORBIDDEN[0]; i++)
        assert_lacks(body, FORBIDDEN[i]);
    ck_assert_uint_eq(count(page, "http:"), 1); /* the namespace of the icon's SVG: a name, no address */
    ck_assert_uint_eq(count(page, "href=\"data:"), 1);
    ck_assert_str_eq(page + strlen(page) - strlen("</html>\n"), "</html>\n");
    free(page);
}
END_TEST

START_TEST(spans_of_time_are_told_in_one_or_two_units) {
    static const struct {
        int64_t ms;
        const char *text;
    } SPANS[] = {{-5, "0 s"}, {999, "0 s"}, {59999, "59 s"}, {60000, "1 min"}, {3599999, "59 min"},
        {3600000, "1 h 0 min"}, {86399999, "23 h 59 min"}, {86400000, "1 d 0 h"},
        {(int64_t)400 * 86400000, "400 d 0 h"}};
    for (size_t i = 0; i < sizeof SPANS / sizeof SPANS[0]; i++) {
        struct strbuf text = {0};
        html_duration(&text, SPANS[i].ms);
        ck_assert_str_eq(text.data, SPANS[i].text);
        strbuf_release(&text);
    }
}
END_TEST

/* -- many checks -- */

enum { MANY = 4000, NAME_SIZE = 64 };

struct many {
    struct check_view views[MANY];
    char names[MANY][NAME_SIZE];
    struct history history; /* that of all */
};

/* The longest names, the longest texts, and another state each minute. */
static struct many *many_new(size_t wanted) {
    struct many *many = calloc(1, sizeof *many);
    ck_assert_ptr_nonnull(many);
    history_init(&many->history);
    for (int ago = 59; ago >= 0; ago--)
        history_note(&many->history, MONOTONIC_MS - ago * MINUTE_MS, ago % 2 ? STATUS_ERROR : STATUS_DEGRADED,
            REASON_AUTH_UNSUPPORTED, ago % 2 ? 50000 : 1);
    for (size_t i = 0; i < wanted; i++) {
        snprintf(many->names[i], NAME_SIZE, "%063zu", i);
        many->views[i] = morning_check(many->names[i], STATUS_ERROR, REASON_AUTH_UNSUPPORTED);
        many->views[i].phase = PHASE_CONNECT;
        many->views[i].consecutive_failures = INT64_MAX;
        many->views[i].history = &many->history;
        for (int key = 0; key < OBSERVED_KEY_COUNT; key++)
            observed_set(&many->views[i].observed, (enum observed_key)key, INT64_MIN);
    }
    return many;
}

START_TEST(with_thousands_of_checks_it_stays_under_its_bound) {
    struct many *many = many_new(MANY);
    many->views[MANY - 2].status = STATUS_OK;
    many->views[MANY - 2].reason = REASON_OK;
    char *page = page_of(many->views, MANY);
    fprintf(stderr, "the page of %d checks, at worst: %zu bytes\n", MANY, strlen(page));
    ck_assert_uint_lt(strlen(page), HTML_PAGE_MAX);
    ck_assert_uint_eq(count(page, "<li "), HTML_CHECKS_MAX);
    ck_assert_uint_eq(count(page, "<figure "), HTML_CHARTS_MAX);
    assert_has(page, "And 3500 more, none worse than these");
    assert_has(page, "3999 error, 1 ok");
    assert_has(page, " and 3994 more.</p>");
    free(page);
    free(many);
}
END_TEST

/* So generous that it fails only where the cost has grown by an order. */
START_TEST(rendering_costs_little) {
    static const struct {
        size_t checks;
        int64_t bound_us;
    } COSTS[] = {{5, 2000}, {100, 20000}, {500, 40000}};
    enum { ROUNDS = 50 };
#ifdef BH_COVERAGE
    const int64_t slower = 5; /* not optimised, and counting */
#else
    const int64_t slower = 1;
#endif
    struct many *many = many_new(500);
    for (size_t i = 0; i < sizeof COSTS / sizeof COSTS[0]; i++) {
        size_t length = 0;
        struct stopwatch watch = stopwatch_start();
        for (int round = 0; round < ROUNDS; round++) {
            char *page = page_of(many->views, COSTS[i].checks);
            length = strlen(page);
            free(page);
        }
        int64_t took_us = stopwatch_used_ms(&watch) * 1000 / ROUNDS;
        fprintf(stderr, "a page of %zu checks: %d us, %zu bytes\n", COSTS[i].checks, (int)took_us, length);
        ck_assert_int_lt(took_us, COSTS[i].bound_us * slower);
    }
    free(many);
}
END_TEST

#define ROWS(array) ((int)(sizeof(array) / sizeof(array)[0]))

Suite *html_suite(void) {
    Suite *suite = suite_create("html");
    TCase *tcase = tcase_create("html");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_failing_check_is_told_whole);
    tcase_add_test(tcase, every_reason_is_told_with_sentence_and_hint);
    tcase_add_test(tcase, what_stands_above_the_checks_is_the_verdict);
    tcase_add_test(tcase, what_is_only_worth_a_look_is_named_apart);
    tcase_add_test(tcase, a_check_that_never_ran_says_so);
    tcase_add_test(tcase, without_checks_it_says_so);
    tcase_add_test(tcase, a_failed_reload_is_told);
    tcase_add_test(tcase, the_last_hour_is_drawn);
    tcase_add_loop_test(tcase, a_text_is_never_markup, 0, ROWS(TEXTS));
    tcase_add_loop_test(tcase, hostile_names_change_no_element, 0, ROWS(TEXTS));
    tcase_add_test(tcase, a_name_of_300_bytes_stands_as_it_is);
    tcase_add_test(tcase, the_page_is_complete_in_itself);
    tcase_add_test(tcase, spans_of_time_are_told_in_one_or_two_units);
    tcase_add_test(tcase, with_thousands_of_checks_it_stays_under_its_bound);
    tcase_add_test(tcase, rendering_costs_little);
    return suite;
}
