/* Tests of the reader of HTTP responses. Each row of the table is read whole, byte by byte, and split in two
 * at every place: the result must be the same. */
#include "kinds/http/reply.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT = 400 };

struct row {
    const char *name;
    const char *text;
    enum http_reply_state state; /* after the end of the connection */
    int status;
    const char *body;
};

#define WHOLE   HTTP_REPLY_WHOLE
#define CUT     HTTP_REPLY_CUT
#define INVALID HTTP_REPLY_INVALID
#define LARGE   HTTP_REPLY_TOO_LARGE
#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define TEN     "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct row ROWS[] = {
    /* the body's end */
    {"Content-Length", OK_HEAD "Content-Length: 2\r\n\r\nOK", WHOLE, 200, "OK"},
    {"bytes behind it", OK_HEAD "Content-Length: 2\r\n\r\nOKHTTP/1.1 500 \r\n\r\n", WHOLE, 200, "OK"},
    {"an empty body", OK_HEAD "Content-Length: 0\r\n\r\n", WHOLE, 200, ""},
    {"until the end", OK_HEAD "\r\nOK\n", WHOLE, 200, "OK\n"},
    {"until the end, empty", OK_HEAD "\r\n", WHOLE, 200, ""},
    {"until the end, HTTP/1.0", "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nOK", WHOLE, 200, "OK"},
    {"chunks", CHUNKED "1\r\nO\r\n1\r\nK\r\n0\r\n\r\n", WHOLE, 200, "OK"},
    {"chunks with extensions and trailers", CHUNKED "2;a=b\r\nOK\r\n00 ;c\r\nX-Sum: 1\r\n\r\n", WHOLE, 200,
        "OK"},
    {"a chunk in hexadecimal", CHUNKED "1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n", WHOLE, 200,
        "abcdefghijklmnopqrstuvwxyz"},
    {"a chunk in hexadecimal of small letters", CHUNKED "1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
        WHOLE, 200, "abcdefghijklmnopqrstuvwxyz"},
    {"lengths with blanks around commas", OK_HEAD "Content-Length: 2 ,\t2\r\n\r\nOK", WHOLE, 200, "OK"},
    {"204 has no body", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", WHOLE, 204, ""},
    {"304 has no body", "HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n", WHOLE, 304, ""},
    /* other heads */
    {"an error", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops", WHOLE, 500, "oops"},
    {"interim responses", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\nLink: </a>\r\n\r\n" OK_HEAD "\r\nOK",
        WHOLE, 200, "OK"},
    {"a length of an interim response does not count",
        "HTTP/1.1 102 \r\nContent-Length: 9\r\n\r\n" OK_HEAD "Content-Length: 2\r\n\r\nOK", WHOLE, 200, "OK"},
    {"no reason phrase", "HTTP/1.1 503\r\n\r\n", WHOLE, 503, ""},
    {"bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nOK", WHOLE, 200, "OK"},
    {"names in any case, blanks around values", OK_HEAD "cOnTeNt-LeNgTh: \t 2 \r\n\r\nOK", WHOLE, 200, "OK"},
    {"the same length twice", OK_HEAD "Content-Length: 2, 2\r\nContent-Length: 2\r\n\r\nOK", WHOLE, 200,
        "OK"},
    {"an empty value, one in Latin-1", OK_HEAD "A:\r\nB: caf\xe9\r\n\r\nOK", WHOLE, 200, "OK"},
    /* cut */
    {"nothing", "", CUT, 0, ""},
    {"half a prefix", "HTT", CUT, 0, ""},
    {"half a head", OK_HEAD "Content-Le", CUT, 0, ""},
    {"only an interim response", "HTTP/1.1 100 Continue\r\n\r\n", CUT, 0, ""},
    {"half a body", OK_HEAD "Content-Length: 5\r\n\r\nOK", CUT, 200, "OK"},
    {"half a chunk", CHUNKED "5\r\nOK", CUT, 200, "OK"},
    {"no last chunk", CHUNKED "2\r\nOK\r\n", CUT, 200, "OK"},
    {"no end of trailers", CHUNKED "2\r\nOK\r\n0\r\n", CUT, 200, "OK"},
    /* against the rules */
    {"another protocol", "SSH-2.0-OpenSSH_9.2p1\r\n", INVALID, 0, ""},
    {"a greeting without a line end", "5.5.5-10.11", INVALID, 0, ""},
    {"HTTP/2", "HTTP/2 200 OK\r\n\r\n", INVALID, 0, ""},
    {"an empty first line", "\r\n" OK_HEAD "\r\n", INVALID, 0, ""},
    {"no status", "HTTP/1.1 OK\r\n\r\n", INVALID, 0, ""},
    {"a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", INVALID, 0, ""},
    {"a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", INVALID, 0, ""},
    {"a status out of range", "HTTP/1.1 099 OK\r\n\r\n", INVALID, 0, ""},
    {"another status out of range", "HTTP/1.1 600 OK\r\n\r\n", INVALID, 0, ""},
    {"switching protocols", "HTTP/1.1 101 Switching Protocols\r\n\r\n", INVALID, 0, ""},
    {"a control character in the status line", "HTTP/1.1 200 O\x01K\r\n\r\n", INVALID, 0, ""},
    {"a carriage return inside a line", OK_HEAD "A: b\rc\r\n\r\n", INVALID, 0, ""},
    {"no colon", OK_HEAD "Content-Length 2\r\n\r\nOK", INVALID, 0, ""},
    {"no name", OK_HEAD ": 2\r\n\r\nOK", INVALID, 0, ""},
    {"a blank before the colon", OK_HEAD "Content-Length : 2\r\n\r\nOK", INVALID, 0, ""},
    {"a folded line", OK_HEAD "A: b\r\n c\r\n\r\nOK", INVALID, 0, ""},
    {"a length with a sign", OK_HEAD "Content-Length: +2\r\n\r\nOK", INVALID, 0, ""},
    {"an empty length", OK_HEAD "Content-Length: \r\n\r\nOK", INVALID, 0, ""},
    {"a length past all bounds", OK_HEAD "Content-Length: 99999999999999999999\r\n\r\n", INVALID, 0, ""},
    {"two lengths", OK_HEAD "Content-Length: 2\r\nContent-Length: 3\r\n\r\nOK", INVALID, 0, ""},
    {"two lengths in a list", OK_HEAD "Content-Length: 2, 3\r\n\r\nOK", INVALID, 0, ""},
    {"another coding", OK_HEAD "Transfer-Encoding: gzip\r\n\r\n", INVALID, 0, ""},
    {"two codings", OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", INVALID, 0, ""},
    {"chunked twice", OK_HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", INVALID, 0,
        ""},
    {"chunks behind a length", OK_HEAD "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        INVALID, 0, ""},
    {"a length behind chunks",
        OK_HEAD "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nOK\r\n0\r\n\r\n", INVALID, 0,
        ""},
    {"both without a body", "HTTP/1.1 204 \r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
        INVALID, 0, ""},
    {"both in an interim response",
        "HTTP/1.1 100 \r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" OK_HEAD "\r\nOK", INVALID,
        0, ""},
    {"no chunk size", CHUNKED "\r\n", INVALID, 200, ""},
    {"a chunk size that is none", CHUNKED "0x2\r\nOK\r\n", INVALID, 200, ""},
    {"a negative chunk size", CHUNKED "-2\r\nOK\r\n", INVALID, 200, ""},
    {"a chunk size past all bounds", CHUNKED "1000000000000000\r\n", INVALID, 200, ""},
    {"a chunk longer than its size", CHUNKED "2\r\nOKAY\r\n0\r\n\r\n", INVALID, 200, "OK"},
    {"a trailer that is none", CHUNKED "0\r\nnothing\r\n\r\n", INVALID, 200, ""},
    /* the limit */
    {"a head that is too large", OK_HEAD "A: " HUNDRED HUNDRED HUNDRED HUNDRED "\r\n\r\n", LARGE, 0, ""},
    {"a body that is too large", OK_HEAD "\r\n" HUNDRED HUNDRED HUNDRED HUNDRED, LARGE, 200, NULL},
    {"an announced body that is too large",
        OK_HEAD "Content-Length: 100000\r\n\r\n" HUNDRED HUNDRED HUNDRED HUNDRED, LARGE, 200, NULL},
    {"a chunk that is too large", CHUNKED "FFFFFFFF\r\n" HUNDRED HUNDRED HUNDRED HUNDRED, LARGE, 200, NULL},
};

/* Feeds the first part, the second, then the rest byte by byte or at once. */
static void read_in_pieces(struct http_reply *reply, const char *text, size_t first, size_t step) {
    size_t length = strlen(text);
    http_reply_init(reply, LIMIT);
    http_reply_feed(reply, text, first);
    for (size_t at = first; at < length; at += step)
        http_reply_feed(reply, text + at, at + step < length ? step : length - at);
    http_reply_end(reply);
}

static void expect(const struct row *row, struct http_reply *reply, size_t first, size_t step) {
    char where[160];
    snprintf(where, sizeof where, "%s, split at %zu, in steps of %zu", row->name, first, step);
    ck_assert_msg(reply->state == row->state, "%s: state %d", where, reply->state);
    ck_assert_msg(reply->status == row->status, "%s: status %d", where, reply->status);
    if (row->body)
        ck_assert_msg(strcmp(reply->body.data ? reply->body.data : "", row->body) == 0, "%s: body \"%s\"",
            where, reply->body.data);
    ck_assert_uint_le(reply->taken_bytes, LIMIT + 1);
    http_reply_release(reply);
}

START_TEST(a_reply_is_the_same_in_whatever_pieces_it_comes) {
    const struct row *row = &ROWS[_i];
    struct http_reply reply;
    size_t length = strlen(row->text);
    for (size_t first = 0; first <= length; first++) {
        read_in_pieces(&reply, row->text, first, length + 1);
        expect(row, &reply, first, length + 1);
    }
    for (size_t step = 1; step <= 3; step++) {
        read_in_pieces(&reply, row->text, 0, step);
        expect(row, &reply, 0, step);
    }
}
END_TEST

START_TEST(a_reply_is_whole_with_its_last_byte_and_ignores_what_follows) {
    static const char TEXT[] = OK_HEAD "Content-Length: 2\r\n\r\nOK";
    struct http_reply reply;
    http_reply_init(&reply, LIMIT);
    ck_assert_int_eq(http_reply_feed(&reply, TEXT, sizeof TEXT - 2), HTTP_REPLY_MORE);
    ck_assert_int_eq(http_reply_feed(&reply, "K", 1), HTTP_REPLY_WHOLE);
    ck_assert_int_eq(http_reply_feed(&reply, "garbage", 7), HTTP_REPLY_WHOLE);
    ck_assert_int_eq(http_reply_end(&reply), HTTP_REPLY_WHOLE);
    ck_assert_str_eq(reply.body.data, "OK");
    http_reply_release(&reply);
}
END_TEST

START_TEST(the_limit_is_exact) {
    static const char TEXT[] = OK_HEAD "Content-Length: 2\r\n\r\nOK";
    for (size_t missing = 0; missing <= 1; missing++) {
        struct http_reply reply;
        http_reply_init(&reply, sizeof TEXT - 1 - missing);
        ck_assert_int_eq(http_reply_feed(&reply, TEXT, sizeof TEXT - 1),
            missing == 0 ? HTTP_REPLY_WHOLE : HTTP_REPLY_TOO_LARGE);
        http_reply_release(&reply);
    }
}
END_TEST

START_TEST(headers_without_end_are_refused) {
    struct http_reply reply;
    http_reply_init(&reply, 100000);
    http_reply_feed(&reply, OK_HEAD, strlen(OK_HEAD));
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(http_reply_feed(&reply, "A: b\r\n", 6), HTTP_REPLY_MORE);
    ck_assert_int_eq(http_reply_feed(&reply, "A: b\r\n", 6), HTTP_REPLY_INVALID);
    http_reply_release(&reply);
}
END_TEST

START_TEST(a_zero_byte_is_refused_in_a_head_and_kept_in_a_body) {
    static const char IN_HEAD[] = OK_HEAD "A: b\0c\r\n\r\n",
                      IN_BODY[] = OK_HEAD "Content-Length: 3\r\n\r\nO\0K";
    struct http_reply reply;
    http_reply_init(&reply, LIMIT);
    ck_assert_int_eq(http_reply_feed(&reply, IN_HEAD, sizeof IN_HEAD - 1), HTTP_REPLY_INVALID);
    http_reply_release(&reply);
    http_reply_init(&reply, LIMIT);
    ck_assert_int_eq(http_reply_feed(&reply, IN_BODY, sizeof IN_BODY - 1), HTTP_REPLY_WHOLE);
    ck_assert_uint_eq(reply.body.length, 3);
    ck_assert_int_eq(memcmp(reply.body.data, "O\0K", 3), 0);
    http_reply_release(&reply);
}
END_TEST

Suite *http_reply_suite(void) {
    Suite *suite = suite_create("http_reply");
    TCase *tcase = tcase_create("http_reply");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(
        tcase, a_reply_is_the_same_in_whatever_pieces_it_comes, 0, sizeof ROWS / sizeof ROWS[0]);
    tcase_add_test(tcase, a_reply_is_whole_with_its_last_byte_and_ignores_what_follows);
    tcase_add_test(tcase, the_limit_is_exact);
    tcase_add_test(tcase, headers_without_end_are_refused);
    tcase_add_test(tcase, a_zero_byte_is_refused_in_a_head_and_kept_in_a_body);
    return suite;
}
