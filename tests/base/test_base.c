/* Tests of the base room: errors, strings, timers, log lines. */
#include "base/clock.h"
#include "base/error.h"
#include "base/library.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "base/timers.h"

#include <check.h>
#include <sys/resource.h>
#include <signal.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(an_error_gets_its_place_in_front) {
    struct error err;
    ck_assert_int_eq(error_set(&err, "no such key \"%s\"", "x"), -1);
    ck_assert_int_eq(error_prefix(&err, "%s line %d", "a.json", 3), -1);
    ck_assert_str_eq(err.text, "a.json line 3: no such key \"x\"");
}
END_TEST

START_TEST(a_long_error_is_cut_and_ended) {
    char text[2 * ERROR_TEXT_SIZE];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct error err;
    error_set(&err, "%s", text);
    ck_assert_uint_eq(strlen(err.text), ERROR_TEXT_SIZE - 1);
    error_prefix(&err, "%s", "front");
    ck_assert_uint_eq(strlen(err.text), ERROR_TEXT_SIZE - 1);
    ck_assert_int_eq(strncmp(err.text, "front: aaa", 10), 0);
}
END_TEST

START_TEST(texts_are_equal_or_both_missing) {
    ck_assert(str_equal("a", (char[]){"a"}) && str_equal("", "") && str_equal(NULL, NULL));
    ck_assert(!str_equal("a", "b") && !str_equal("a", "ab"));
    ck_assert(!str_equal("", NULL) && !str_equal(NULL, "a"));
}
END_TEST

START_TEST(names_are_harmless_everywhere) {
    ck_assert(str_is_name("default"));
    ck_assert(str_is_name("a.b-c_9"));
    const char *const bad[] = {"", ".a", "-a", "a b", "a/b", "a\"", "<a>", "\xc3\xa4", "a\n", "a\x1b[1m"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!str_is_name(bad[i]), "%s", bad[i]);
    char longest[65];
    memset(longest, 'x', sizeof longest);
    longest[64] = '\0';
    ck_assert(!str_is_name(longest));
    longest[63] = '\0';
    ck_assert(str_is_name(longest));
}
END_TEST

START_TEST(every_occurrence_of_a_secret_is_blanked) {
    char text[] = "user=u password=pa$$ (pa$$)";
    str_blank(text, "pa$$");
    ck_assert_str_eq(text, "user=u password=**** (****)");
    str_blank(text, "");
    ck_assert_str_eq(text, "user=u password=**** (****)");
}
END_TEST

START_TEST(utf8_is_judged_as_rfc_3629_says) {
    ck_assert_uint_eq(str_utf8_length("a"), 1);
    ck_assert_uint_eq(str_utf8_length("\xc3\xa4"), 2);
    ck_assert_uint_eq(str_utf8_length("\xe2\x82\xac"), 3);
    ck_assert_uint_eq(str_utf8_length("\xf0\x9f\x98\x80"), 4);
    const char *const bad[] = {
        "", "\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_uint_eq(str_utf8_length(bad[i]), 0);
}
END_TEST

/* -- timers, in virtual time -- */

static int64_t virtual_now_ms;

static int64_t virtual_clock(void *arg) {
    (void)arg;
    return virtual_now_ms;
}

static const struct clock VIRTUAL = {virtual_clock, virtual_clock, NULL};

struct trace {
    char text[16];
};

struct mark {
    struct trace *trace;
    const char *text;
};

static void fire_mark(void *arg) {
    struct mark *mark = arg;
    size_t length = strlen(mark->trace->text);
    str_copy(mark->trace->text + length, sizeof mark->trace->text - length, mark->text);
}

START_TEST(timers_fire_in_order_of_time_then_of_arming) {
    virtual_now_ms = 1000;
    struct timers timers;
    timers_init(&timers, &VIRTUAL);
    ck_assert_int_eq(timers_next_delay_ms(&timers), -1);
    struct trace trace = {""};
    struct mark marks[] = {{&trace, "a"}, {&trace, "b"}, {&trace, "c"}, {&trace, "d"}};
    struct timer armed[4];
    const int64_t delays[] = {20, 10, 20, 30};
    for (size_t i = 0; i < 4; i++) {
        timer_init(&armed[i], fire_mark, &marks[i]);
        timer_arm(&timers, &armed[i], delays[i]);
    }
    ck_assert_int_eq(timers_next_delay_ms(&timers), 10);
    timers_run(&timers);
    ck_assert_str_eq(trace.text, "");
    virtual_now_ms = 1020;
    timer_disarm(&armed[3]);
    timers_run(&timers);
    ck_assert_str_eq(trace.text, "bac");
    ck_assert(!timer_is_armed(&armed[0]));
    ck_assert_int_eq(timers_next_delay_ms(&timers), -1);
}
END_TEST

static void fire_slowly(void *arg) {
    virtual_now_ms += 15;
    fire_mark(arg);
}

START_TEST(a_turn_that_takes_long_leaves_the_rest_behind_what_is_due_meanwhile) {
    virtual_now_ms = 0;
    struct timers timers;
    timers_init(&timers, &VIRTUAL);
    struct trace trace = {""};
    struct mark marks[] = {{&trace, "a"}, {&trace, "b"}, {&trace, "c"}, {&trace, "d"}, {&trace, "x"}};
    struct timer armed[5];
    for (size_t i = 0; i < 5; i++) {
        timer_init(&armed[i], i < 4 ? fire_slowly : fire_mark, &marks[i]);
        timer_arm(&timers, &armed[i], i < 4 ? 0 : 25);
    }
    timers_run(&timers);
    ck_assert_str_eq(trace.text, "ab");
    ck_assert_int_eq(timers_next_delay_ms(&timers), 0);
    timers_run(&timers);
    ck_assert_str_eq(trace.text, "abxcd");
    ck_assert_int_eq(timers_next_delay_ms(&timers), -1);
}
END_TEST

struct chain {
    struct timers *timers;
    struct timer self, other;
    int count;
};

static void fire_chain(void *arg) {
    struct chain *chain = arg;
    chain->count++;
    timer_disarm(&chain->other);
    timer_arm(chain->timers, &chain->self, 0);
}

static void fire_never(void *arg) {
    (void)arg;
    ck_abort_msg("a disarmed timer fired");
}

START_TEST(a_callback_may_arm_itself_and_disarm_another_that_is_due) {
    virtual_now_ms = 0;
    struct timers timers;
    timers_init(&timers, &VIRTUAL);
    struct chain chain = {.timers = &timers};
    timer_init(&chain.self, fire_chain, &chain);
    timer_init(&chain.other, fire_never, NULL);
    timer_arm(&timers, &chain.self, 5);
    timer_arm(&timers, &chain.other, 5);
    virtual_now_ms = 5;
    timers_run(&timers);
    ck_assert_int_eq(chain.count, 1);
    timers_run(&timers);
    ck_assert_int_eq(chain.count, 2);
}
END_TEST

/* -- log -- */

static size_t read_line(int fd, char *text, size_t size) {
    ssize_t got = read(fd, text, size - 1);
    ck_assert_int_gt(got, 0);
    text[got] = '\0';
    return (size_t)got;
}

START_TEST(a_log_line_is_valid_json_whatever_stands_in_it) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    log_configure(LOG_INFO, LOG_JSON, "test", ends[1]);
    char value[4 * LOG_LINE_SIZE];
    for (size_t i = 0; i < sizeof value - 1; i++)
        value[i] = (char)(i % 255 + 1);
    value[sizeof value - 1] = '\0';
    struct log_line line;
    log_begin(&line, LOG_WARNING, "odd \"event\"");
    log_int(&line, "number", -5);
    log_str(&line, "absent", NULL);
    log_str(&line, "value", value);
    log_str(&line, "after", "does not fit");
    log_end(&line);
    char text[LOG_LINE_SIZE + 1];
    size_t length = read_line(ends[0], text, sizeof text);
    ck_assert_int_eq(text[length - 1], '\n');
    json_t *json = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_str_eq(json_string_value(json_object_get(json, "event")), "odd \"event\"");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "number")), -5);
    ck_assert_ptr_null(json_object_get(json, "absent"));
    ck_assert_ptr_nonnull(json_object_get(json, "value"));
    json_decref(json);
}
END_TEST

START_TEST(a_text_line_quotes_what_needs_it_and_has_no_control_characters) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    log_configure(LOG_INFO, LOG_TEXT, "test", ends[1]);
    log_event(LOG_DEBUG, "not wanted");
    struct log_line line;
    log_begin(&line, LOG_INFO, "changed");
    log_str(&line, "check", "default");
    log_str(&line, "text", "a b\n\x1b[31m\"x\"");
    log_end(&line);
    char text[LOG_LINE_SIZE + 1];
    read_line(ends[0], text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, " level=info process=test event=changed check=default "
                                       "text=\"a b\\u000a\\u001b[31m\\\"x\\\"\"\n"));
}
END_TEST

START_TEST(a_log_that_nobody_reads_loses_lines_and_counts_them) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    log_configure(LOG_INFO, LOG_TEXT, "test", ends[1]);
    enum { LINES = 5000 }; /* more than a pipe takes; a log that waits would end in the test's time limit */
    for (int i = 0; i < LINES; i++)
        log_error("flood", "a line that is long enough to fill a pipe in the end, some sixty bytes");
    static char text[1 << 20];
    size_t length = read_line(ends[0], text, sizeof text), taken = 0;
    for (size_t i = 0; i < length; i++)
        taken += text[i] == '\n';
    ck_assert_uint_gt(taken, 0);
    log_event(LOG_INFO, "heard again");
    log_event(LOG_INFO, "and again");
    read_line(ends[0], text, sizeof text);
    char expected[64];
    snprintf(expected, sizeof expected, "event=\"heard again\" lost_lines=%zu\n", LINES - taken);
    ck_assert_msg(strstr(text, expected) != NULL, "%s: %s", expected, text);
    ck_assert_ptr_nonnull(strstr(text, "event=\"and again\"\n"));
}
END_TEST

/* As on a full disk, of which space is freed later. */
START_TEST(after_half_a_line_the_next_one_begins_anew) {
    enum { ROOM = 100 };
    struct rlimit limit;
    char text[1024];
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fcntl(fileno(file), F_SETFL, O_APPEND), 0);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const struct rlimit full = {ROOM, limit.rlim_max};
    log_configure(LOG_INFO, LOG_TEXT, "test", fileno(file));
    int result =
        setrlimit(RLIMIT_FSIZE, &full); /* libcheck writes a file, too: nothing is asserted below it */
    log_error("whole", "a line");
    log_error("torn", "this line is too long for what is left");
    log_error("lost", "another");
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert_int_eq(result, 0);
    log_event(LOG_INFO, "heard again");
    log_event(LOG_INFO, "and again");
    ssize_t length = pread(fileno(file), text, sizeof text - 1, 0);
    ck_assert_int_gt(length, ROOM);
    text[length] = '\0';
    ck_assert_int_eq(text[ROOM], '\n');
    ck_assert_msg(strncmp(text + ROOM + 1, "time=", 5) == 0, "%s", text);
    ck_assert_msg(strstr(text + ROOM, "event=\"heard again\" lost_lines=2\n") != NULL, "%s", text);
    ck_assert_ptr_nonnull(strstr(text + ROOM, "event=\"and again\"\n"));
    fclose(file);
}
END_TEST

START_TEST(text_in_fixed_memory_does_not_grow_beyond_it) {
    char memory[8];
    struct strbuf text = strbuf_in(memory, sizeof memory);
    ck_assert_str_eq(text.data, "");
    strbuf_append(&text, "abc");
    strbuf_format(&text, "%d", 1234);
    ck_assert(!text.is_broken);
    ck_assert_str_eq(memory, "abc1234");
    strbuf_append(&text, "x");
    ck_assert(text.is_broken);
    ck_assert_str_eq(memory, "abc1234");
    strbuf_release(&text); /* frees nothing */
    ck_assert_ptr_null(text.data);
}
END_TEST

START_TEST(a_process_knows_what_it_uses) {
    struct process_usage before, after;
    process_usage(&before, NULL);
    ck_assert(before.resident_bytes > 100 * 1024 && before.open_descriptors >= 3);
    int fd = dup(STDERR_FILENO);
    ck_assert_int_ge(fd, 0);
    do
        process_usage(&after, NULL);
    while (after.cpu_ms <= before.cpu_ms); /* it is time used that is measured: it must grow */
    ck_assert_int_eq(after.open_descriptors, before.open_descriptors + 1);
    close(fd);
}
END_TEST

/* -- libraries -- */

START_TEST(a_library_that_is_not_there_is_named_with_its_package) {
    struct library library = {.soname = "libnosuch.so.7", .package = "libnosuch7"};
    struct error err;
    ck_assert_int_eq(library_load(&library, &err), -1);
    ck_assert_msg(
        strstr(err.text, "libnosuch.so.7") && strstr(err.text, "package libnosuch7"), "%s", err.text);
    ck_assert(!library.is_loaded);
}
END_TEST

START_TEST(a_library_that_lacks_a_function_is_refused) {
    double (*cosine)(double) = NULL;
    void (*nothing)(void) = NULL;
    const struct library_symbol symbols[] = {{"cos", &cosine}, {"no_such_function", &nothing}};
    struct library library = {
        .soname = "libm.so.6", .package = "libc6", .symbols = symbols, .symbol_count = 2};
    struct error err;
    ck_assert_int_eq(library_load(&library, &err), -1);
    ck_assert_msg(strstr(err.text, "no_such_function"), "%s", err.text);
    library.symbol_count = 1;
    ck_assert_int_eq(library_load(&library, &err), 0);
    ck_assert_int_eq((int)cosine(0.0), 1);
}
END_TEST

/* What was only read is there again when it is touched, and what was written is as it was. */
START_TEST(a_process_that_forgets_its_start_goes_on) {
    char text[64];
    static int written = 7;
    written++;
    struct process_usage before, after;
    process_usage(&before, NULL);
    process_forget_start();
    process_usage(&after, NULL);
#ifndef __SANITIZE_ADDRESS__ /* under which nothing is given back */
    ck_assert_int_lt(after.resident_bytes, before.resident_bytes);
#endif
    snprintf(text, sizeof text, "%d %s", written, "said");
    ck_assert_str_eq(text, "8 said");
}
END_TEST

Suite *base_suite(void) {
    Suite *suite = suite_create("base");
    TCase *tcase = tcase_create("base");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_library_that_is_not_there_is_named_with_its_package);
    tcase_add_test(tcase, a_library_that_lacks_a_function_is_refused);
    tcase_add_test(tcase, a_process_that_forgets_its_start_goes_on);
    tcase_add_test(tcase, an_error_gets_its_place_in_front);
    tcase_add_test(tcase, a_long_error_is_cut_and_ended);
    tcase_add_test(tcase, texts_are_equal_or_both_missing);
    tcase_add_test(tcase, names_are_harmless_everywhere);
    tcase_add_test(tcase, every_occurrence_of_a_secret_is_blanked);
    tcase_add_test(tcase, utf8_is_judged_as_rfc_3629_says);
    tcase_add_test(tcase, timers_fire_in_order_of_time_then_of_arming);
    tcase_add_test(tcase, a_turn_that_takes_long_leaves_the_rest_behind_what_is_due_meanwhile);
    tcase_add_test(tcase, a_callback_may_arm_itself_and_disarm_another_that_is_due);
    tcase_add_test(tcase, a_log_line_is_valid_json_whatever_stands_in_it);
    tcase_add_test(tcase, a_text_line_quotes_what_needs_it_and_has_no_control_characters);
    tcase_add_test(tcase, text_in_fixed_memory_does_not_grow_beyond_it);
    tcase_add_test(tcase, a_process_knows_what_it_uses);
    tcase_add_test(tcase, a_log_that_nobody_reads_loses_lines_and_counts_them);
    tcase_add_test(tcase, after_half_a_line_the_next_one_begins_anew);
    return suite;
}
