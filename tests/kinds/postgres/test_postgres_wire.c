/* Tests of the reader of a PostgreSQL connection's answers: bytes in any portions, and what must not come. */
#include "kinds/postgres/wire.h"

#include "harness/wire.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a stream is read as: a letter or two for each event, a row with its fields. */
struct reading {
    struct postgres_wire wire;
    char text[512];
};

/* Of a long reading the end is enough. */
static void note(struct reading *reading, const char *text) {
    size_t length = strlen(reading->text);
    if (length > sizeof reading->text / 2)
        length = 0;
    str_copy(reading->text + length, sizeof reading->text - length, text);
}

static void note_row(struct reading *reading, const struct postgres_row *row) {
    char text[200];
    struct strbuf line = strbuf_in(text, sizeof text);
    strbuf_append(&line, "row");
    for (int i = 0; i < row->count; i++)
        strbuf_format(&line, " %s=%s", row->names[i], row->values[i] ? row->values[i] : "NULL");
    strbuf_append(&line, "; ");
    note(reading, text);
}

static void note_ready(struct reading *reading, char status) {
    char text[16];
    snprintf(text, sizeof text, "ready %c; ", status);
    note(reading, text);
}

/* From memory of just that size, so that AddressSanitizer sees whoever reads beyond it. */
static void feed(struct reading *reading, const char *bytes, size_t size) {
    char *copy = malloc(size > 0 ? size : 1);
    const char *at = copy, *end = copy + size;
    memcpy(copy, bytes, size);
    for (bool is_over = false; !is_over;) {
        struct postgres_row row;
        char status = '?';
        enum postgres_event event = postgres_wire_read(&reading->wire, &at, end, &row, &status);
        is_over = event != POSTGRES_ROW && event != POSTGRES_READY;
        if (event == POSTGRES_ROW)
            note_row(reading, &row);
        else if (event == POSTGRES_READY)
            note_ready(reading, status);
        else if (event != POSTGRES_MORE)
            note(reading, event == POSTGRES_ERROR ? "error" : "broken");
    }
    free(copy);
}

static struct reading asked(int queries) {
    struct reading reading = {.text = ""};
    for (int i = 0; i < queries; i++)
        postgres_wire_expect(&reading.wire);
    return reading;
}

#define WELL                                                                                                 \
    "ready T; row in_recovery=f read_only=off; row is_migrated=t installations=1 is_paused=NULL; ready I; "

static struct strbuf make_well(void) {
    struct strbuf stream = {0};
    wire_put_opening(&stream);
    wire_put_answers(&stream, "f", "1");
    return stream;
}

START_TEST(an_answer_is_read_however_it_is_cut) {
    struct strbuf stream = make_well();
    for (size_t cut = 0; cut <= stream.length; cut++) {
        struct reading reading = asked(2);
        feed(&reading, stream.data, cut);
        feed(&reading, stream.data + cut, stream.length - cut);
        ck_assert_str_eq(reading.text, WELL);
        ck_assert_int_eq(reading.wire.pending, 0);
    }
    strbuf_release(&stream);
}
END_TEST

START_TEST(an_answer_is_read_byte_by_byte) {
    struct strbuf stream = make_well();
    struct reading reading = asked(2);
    for (size_t i = 0; i < stream.length; i++)
        feed(&reading, stream.data + i, 1);
    ck_assert_str_eq(reading.text, WELL);
    strbuf_release(&stream);
}
END_TEST

START_TEST(what_a_server_says_of_itself_is_passed_over_at_any_time) {
    char notice[3000];
    struct strbuf stream = {0};
    memset(notice, 'n', sizeof notice);
    wire_put(&stream, 'S', "TimeZone\0UTC", 13);
    wire_put(&stream, 'A', "\0\0\0\1channel\0", 13);
    struct reading reading = asked(0);
    feed(&reading, stream.data, stream.length); /* between runs */
    postgres_wire_expect(&reading.wire);
    postgres_wire_expect(&reading.wire);
    stream.length = 0;
    wire_put(&stream, 'N', notice, sizeof notice); /* longer than what is read otherwise */
    wire_put_opening(&stream);
    wire_put(&stream, 'N', "", 0);
    wire_put_answers(&stream, "f", "1");
    wire_put(&stream, 'S', "TimeZone\0CET", 13);
    feed(&reading, stream.data, stream.length);
    ck_assert_str_eq(reading.text, WELL);
    strbuf_release(&stream);
}
END_TEST

START_TEST(one_connection_is_read_for_many_runs) {
    struct strbuf stream = make_well();
    struct reading reading = asked(0);
    for (int i = 0; i < 1000; i++) {
        postgres_wire_expect(&reading.wire);
        postgres_wire_expect(&reading.wire);
        reading.text[0] = '\0';
        feed(&reading, stream.data, stream.length);
        ck_assert_str_eq(reading.text, WELL);
    }
    strbuf_release(&stream);
}
END_TEST

START_TEST(an_error_ends_the_reading) {
    struct strbuf stream = {0};
    wire_put_opening(&stream);
    wire_put_error(&stream, "ERROR", "42P01");
    wire_put_ready(&stream, 'E');
    struct reading reading = asked(2);
    feed(&reading, stream.data, stream.length);
    feed(&reading, stream.data, stream.length);
    ck_assert_str_eq(reading.text, "ready T; errorbroken");
    strbuf_release(&stream);
}
END_TEST

/* -- what must not come -- */

#define BYTES(text)                                                                                          \
    { text, sizeof text - 1 }
#define COLUMN(name) name "\0\0\0\0\0\0\0\0\0\0\x17\0\4\xff\xff\xff\xff\0\0"

static const struct {
    struct {
        const char *bytes;
        size_t size;
    } stream;
    int queries;
    const char *read;
} WRONG[] = {
    {BYTES("garbage garbage"), 1, "broken"}, {BYTES("\xff\xfe\xfd\xfc\xfb\xfa"), 1, "broken"},
    {BYTES("HTTP/1.1 400 Bad Request"), 1, "broken"},
    {BYTES("Z\0\0\0\5I"), 0, "broken"}, /* nothing was asked */
    {BYTES("C\0\0\0\x0dSELECT 1\0"), 0, "broken"},
    {BYTES("E\0\0\0\5\0"), 0, "error"}, /* the server's farewell */
    {BYTES("Z\0\0\0\5I"
           "Z\0\0\0\5I"),
        1, "ready I; broken"}, /* more answers than questions */
    {BYTES("Z\0\0\0\5X"), 1, "broken"}, {BYTES("Z\0\0\0\4"), 1, "broken"},
    {BYTES("Z\0\0\0\6II"), 1, "broken"}, {BYTES("C\0\0\0\3"), 1, "broken"}, {BYTES("C\0\0\0\0"), 1, "broken"},
    {BYTES("C\xff\xff\xff\xff"), 1, "broken"}, {BYTES("C\x7f\xff\xff\xff"), 1, "broken"},
    {BYTES("C\0\0\1\5"), 1, "broken"}, /* a byte more than is kept */
    {BYTES("N\xff\xff\xff\xff"), 1, "broken"}, {BYTES("N\0\1\0\1"), 1, "broken"},
    {BYTES("S\0\0\0\3"), 1, "broken"}, {BYTES("E\0\0\0\3"), 1, "broken"},
    {BYTES("G\0\0\0\7\0\0\0"), 1, "broken"}, /* to copy */
    {BYTES("H\0\0\0\7\0\0\0"), 1, "broken"}, {BYTES("I\0\0\0\4"), 1, "broken"},
    {BYTES("R\0\0\0\x08\0\0\0\0"), 1, "broken"}, {BYTES("K\0\0\0\x0c\0\0\0\1\0\0\0\2"), 1, "broken"},
    {BYTES("D\0\0\0\6\0\0"), 1, "broken"}, /* a row without columns before it */
    {BYTES("T\0\0\0\4"), 1, "broken"}, {BYTES("T\0\0\0\5\0"), 1, "broken"},
    {BYTES("T\0\0\0\6\0\1"), 1, "broken"},
    {BYTES("T\0\0\0\6\0\5"), 1, "broken"}, /* more columns than anybody asks for */
    {BYTES("T\0\0\0\6\xff\xff"), 1, "broken"}, {BYTES("T\0\0\0\x0c\0\1noend!"), 1, "broken"},
    {BYTES("T\0\0\0\x19\0\1" COLUMN("a")), 1, "broken"}, /* the last byte is missing */
    {BYTES("T\0\0\0\x1a\0\2" COLUMN("a")), 1, "broken"}, /* the second column is */
    {BYTES("T\0\0\0\x1b\0\1" COLUMN("a") "x"), 1, "broken"},
    {BYTES("T\0\0\0\x1a\0\1"
           "a\0\0\0\0\0\0\0\0\0\0\x17\0\4\xff\xff\xff\xff\0\1"),
        1, "broken"},                                                /* binary */
    {BYTES("T\0\0\0\x19\0\1" COLUMN("") "Z\0\0\0\5I"), 1, "broken"}, /* the end of the rows is missing */
    {BYTES("T\0\0\0\x19\0\1" COLUMN("") "T\0\0\0\x19\0\1" COLUMN("")), 1, "broken"},
    {BYTES("T\0\0\0\x19\0\1" COLUMN("") "D\0\0\0\5\0"), 1, "broken"},
    {BYTES("T\0\0\0\x19\0\1" COLUMN("") "D\0\0\0\6\0\2"), 1, "broken"},
    {BYTES("T\0\0\0\x19\0\1" COLUMN("") "D\0\0\0\6\0\1"), 1, "broken"},
    {BYTES("T\0\0\0\x19\0\1" COLUMN("") "D\0\0\0\x0b\0\1\0\0\0\2t"), 1, "broken"},
    {BYTES("T\0\0\0\x19\0\1" COLUMN("") "D\0\0\0\x0b\0\1\0\0\0\0t"), 1, "broken"},
    {BYTES("T\0\0\0\x19\0\1" COLUMN("") "D\0\0\0\x0b\0\1\xff\xff\xff\xfet"), 1, "broken"},
    {BYTES("T\0\0\0\x19\0\1" COLUMN("") "D\0\0\0\x0b\0\1\x7f\xff\xff\xfft"), 1, "broken"},
    {BYTES("T\0\0\0\x19\0\1" COLUMN("") "D\0\0\0\x0b\0\1\xff\xff\xff\xfft"), 1, "broken"},
    {BYTES("T\0\0\0\x19\0\1" COLUMN("") "D\0\0\0\x0c\0\1\0\0\0\2t\0"), 1, "broken"}, /* a NUL in a text */
    {BYTES("T\0\0\0\x19\0\1" COLUMN("") "D\0\0\0\x0b\0\1\0\0\0\1t"
                                        "C\0\0\0\x0dSELECT 1\0"
                                        "Z\0\0\0\5I"),
        1, "row =t; ready I; "}, /* this one is right */
};

START_TEST(what_must_not_come_ends_the_reading) {
    struct reading whole = asked(WRONG[_i].queries), drip = asked(WRONG[_i].queries);
    feed(&whole, WRONG[_i].stream.bytes, WRONG[_i].stream.size);
    ck_assert_str_eq(whole.text, WRONG[_i].read);
    for (size_t i = 0; i < WRONG[_i].stream.size && !drip.wire.is_lost; i++)
        feed(&drip, WRONG[_i].stream.bytes + i, 1);
    ck_assert_str_eq(drip.text, WRONG[_i].read);
}
END_TEST

START_TEST(rows_and_notices_without_end_are_cut_off) {
    char notice[1000] = "";
    struct strbuf rows = {0}, notices = {0};
    wire_put_columns(&rows, (const char *const[]){"a", NULL});
    while (rows.length < 2 * POSTGRES_WIRE_TOTAL_MAX)
        wire_put_row(&rows, (const char *const[]){"1", NULL});
    while (notices.length < 2 * POSTGRES_WIRE_TOTAL_MAX)
        wire_put(&notices, 'N', notice, sizeof notice);
    struct reading reading = asked(1);
    feed(&reading, rows.data, rows.length);
    ck_assert_ptr_nonnull(strstr(reading.text, "row a=1; broken"));
    reading = asked(1);
    feed(&reading, notices.data, notices.length);
    ck_assert_str_eq(reading.text, "broken");
    strbuf_release(&rows);
    strbuf_release(&notices);
}
END_TEST

/* What is spoilt at random is read to its end or given up, and never read as an answer to more questions than
 * were asked. The sanitizers see the rest. */
START_TEST(spoilt_streams_do_no_harm) {
    enum { STREAMS = 20000 };
    struct strbuf well = make_well();
    srandom(20260101);
    for (int i = 0; i < STREAMS; i++) {
        struct strbuf stream = {0};
        struct reading reading = asked(2);
        strbuf_append_n(&stream, well.data, well.length - (size_t)random() % well.length);
        for (long spoilt = random() % 4; spoilt >= 0; spoilt--)
            stream.data[(size_t)random() % stream.length] = (char)random();
        size_t cut = (size_t)random() % stream.length;
        feed(&reading, stream.data, cut);
        if (!reading.wire.is_lost)
            feed(&reading, stream.data + cut, stream.length - cut);
        ck_assert_int_ge(reading.wire.pending, 0);
        strbuf_release(&stream);
    }
    strbuf_release(&well);
}
END_TEST

Suite *postgres_wire_suite(void) {
    Suite *suite = suite_create("postgres_wire");
    TCase *tcase = tcase_create("postgres_wire");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, an_answer_is_read_however_it_is_cut);
    tcase_add_test(tcase, an_answer_is_read_byte_by_byte);
    tcase_add_test(tcase, what_a_server_says_of_itself_is_passed_over_at_any_time);
    tcase_add_test(tcase, one_connection_is_read_for_many_runs);
    tcase_add_test(tcase, an_error_ends_the_reading);
    tcase_add_loop_test(tcase, what_must_not_come_ends_the_reading, 0, sizeof WRONG / sizeof WRONG[0]);
    tcase_add_test(tcase, rows_and_notices_without_end_are_cut_off);
    tcase_add_test(tcase, spoilt_streams_do_no_harm);
    return suite;
}
