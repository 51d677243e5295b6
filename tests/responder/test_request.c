/* Tests of the request reader: a table of requests, each also split in every way. */
#include "responder/request.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is to be concluded from the bytes. status 0: a GET to be answered; -1: more is needed. */
struct row {
    const char *bytes;
    int status;
    const char *path; /* NULL: not looked at */
    bool keeps_alive;
    bool wants_health_json;
};

#define GET "GET /health/live/ HTTP/1.1\r\nHost: h\r\n"
#define KUBELET                                                                                              \
    "GET /health/live/ HTTP/1.1\r\nHost: 10.1.2.3:8000\r\nUser-Agent: kube-probe/1.29\r\nAccept: "           \
    "*/*\r\nConnection: close\r\n\r\n"

static const struct row ROWS[] = {
    /* what is answered */
    {KUBELET, 0, "/health/live/", false, false}, {GET "\r\n", 0, "/health/live/", true, false},
    {"GET /a HTTP/1.0\r\n\r\n", 0, "/a", false, false},
    {"GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 0, "/a", true, false},
    {"GET /a HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", 0, "/a", false, false},
    {"GET /a HTTP/1.1\r\nHost: h\r\nConnection: upgrade , CLOSE\r\n\r\n", 0, "/a", false, false},
    {"GET /a HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nconnection:close\r\n\r\n", 0, "/a", false,
        false},
    {"GET /a HTTP/1.1\r\nHost: h\r\nConnection: closed, not-close,,\r\n\r\n", 0, "/a", true, false},
    {"\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n", 0, "/a", true, false},
    {"GET /a?b=/c HTTP/1.1\r\nHost: h\r\n\r\n", 0, "/a", true, false},
    {"GET http://h:1/a/b?c HTTP/1.1\r\nHost: h\r\n\r\n", 0, "/a/b", true, false},
    {"GET HTTPS://[::1]:8000/a HTTP/1.1\r\nHost: h\r\n\r\n", 0, "/a", true, false},
    {"GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", 0, "", true, false},
    {"GET http://h?a HTTP/1.1\r\nHost: h\r\n\r\n", 0, "", true, false},
    {"GET //a/%2e%2e/%zz HTTP/1.1\r\nHost: h\r\n\r\n", 0, "//a/%2e%2e/%zz", true, false},
    {"GET /a HTTP/1.1\r\nHost: a\r\nX: \tc\td \r\n\r\n", 0, "/a", true, false},
    {"GET /a HTTP/1.1\r\nHost:\r\n\r\n", 0, "/a", true, false},
    {"GET /a HTTP/1.1\r\nHosts: a\r\nhost: b\r\nX-Host: c\r\n\r\n", 0, "/a", true, false},
    {"GET /a HTTP/1.0\r\nHost: a\r\n\r\n", 0, "/a", false, false},
    {"GET /a HTTP/1.1\r\nHost: [::1]:8000\r\nX: \xc3\xa4\xff\r\n\r\n", 0, "/a", true, false},
    {"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 0, "/a", true, false},
    {"GET /a HTTP/1.1\r\nHost: h\r\nAccept: text/html, application/health+json;q=0.5\r\n\r\n", 0, "/a", true,
        true},
    {"GET /a HTTP/1.1\r\nHost: h\r\naccept:APPLICATION/HEALTH+JSON\r\n\r\n", 0, "/a", true, true},
    {"GET /a HTTP/1.1\r\nHost: h\r\nAccept: a/b\r\nAccept: application/health+json\r\n\r\n", 0, "/a", true,
        true},
    {"GET /a HTTP/1.1\r\nHost: h\r\nAccept: application/health+json; q=0.00, */*\r\n\r\n", 0, "/a", true,
        false},
    {"GET /a HTTP/1.1\r\nHost: h\r\nAccept: application/health+json;v=0;q=1\r\n\r\n", 0, "/a", true, true},
    {"GET /a HTTP/1.1\r\nHost: h\r\nAccept: application/health+jsonx, application/json\r\n\r\n", 0, "/a",
        true, false},
    /* another method */
    {"HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n", 405, "/a", true, false},
    {"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 405, "/a", true, false},
    {"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", 405, "/a", false, false},
    {"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 405, "/a", false, false},
    {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 405, NULL, true, false},
    {"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 405, NULL, true, false},
    {"get /a HTTP/1.1\r\nHost: h\r\n\r\n", 405, "/a", true, false},
    {"M-SEARCH!#$%&'*+.^_`|~9 /a HTTP/1.1\r\nHost: h\r\n\r\n", 405, "/a", true, false},
    /* a body */
    {"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: -0\r\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 0\r\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n", 400, NULL, false, false},
    /* hosts */
    {"GET /a HTTP/1.1\r\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/1.1\r\nHosts: a\r\n\r\n", 400, NULL, false, false},
    {"GET http://h/a HTTP/1.1\r\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/1.1\r\nConnection: keep-alive\r\n\r\n", 400, NULL, false, false},
    {"POST /a HTTP/1.1\r\n\r\n", 400, NULL, false, false},
    {"HEAD /a HTTP/1.1\r\n\r\n", 400, NULL, false, false}, {GET "Host: b\r\n\r\n", 400, NULL, false, false},
    {GET "Host: h\r\n\r\n", 400, NULL, false, false}, {GET "hOST:\r\n\r\n", 400, NULL, false, false},
    {GET "Host: b\r\nHost: c\r\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, NULL, false, false},
    {"POST /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, NULL, false, false},
    /* lines */
    {"GET /a HTTP/1.1\n\n", 400, NULL, false, false},
    {"GET /a HTTP/1.1\r\nA: b\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/1.1\rA: b\r\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/1.1\r\r\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/1.1\r\n\rX", 400, NULL, false, false},
    {"\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    /* the request line */
    {"GET  /a HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"GET /a  HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/1.1 \r\n\r\n", 400, NULL, false, false},
    {" GET /a HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"GET\t/a HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"GET /a\r\n\r\n", 400, NULL, false, false}, {"GET\r\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/1.2\r\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/2.0\r\n\r\n", 400, NULL, false, false},
    {"GET /a http/1.1\r\n\r\n", 400, NULL, false, false},
    {"GET /a HTTP/1.10\r\n\r\n", 400, NULL, false, false},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, NULL, false, false},
    {"G(T /a HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"GET /a\x7f HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"GET ftp://h/a HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"GET http:/a HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"GET http:// HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    {"GET http HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false, false},
    /* fields */
    {GET "Host : a\r\n\r\n", 400, NULL, false, false}, {GET ": a\r\n\r\n", 400, NULL, false, false},
    {GET "Host\r\n\r\n", 400, NULL, false, false}, {GET "A: b\r\n c\r\n\r\n", 400, NULL, false, false},
    {GET " A: b\r\n\r\n", 400, NULL, false, false}, {GET "\tA: b\r\n\r\n", 400, NULL, false, false},
    {GET "A: b\x01\r\n\r\n", 400, NULL, false, false}, {GET "A\xc3\xa4: b\r\n\r\n", 400, NULL, false, false},
    {GET "A(: b\r\n\r\n", 400, NULL, false, false},
    /* not whole */
    {"", -1, NULL, false, false}, {"\r\n", -1, NULL, false, false}, {"GET", -1, NULL, false, false},
    {GET, -1, NULL, false, false}, {GET "X: a\r\n\r", -1, NULL, false, false},
    {"\x16\x03\x01", 400, NULL, false, false}, /* a TLS client */
};

enum { ROW_COUNT = sizeof ROWS / sizeof ROWS[0] };

/* Compares what was concluded, however it was reached. */
static void assert_same(
    const struct request *a, bool a_done, const struct request *b, bool b_done, size_t row) {
    ck_assert_msg(a_done == b_done, "row %zu: whole in one reading only", row);
    if (!a_done)
        return;
    ck_assert_msg(a->refusal == b->refusal && a->length == b->length, "row %zu: %d at %zu, %d at %zu", row,
        a->refusal, a->length, b->refusal, b->length);
    ck_assert(a->path_offset == b->path_offset && a->path_length == b->path_length);
    ck_assert(a->keeps_alive == b->keeps_alive && a->is_head == b->is_head);
    ck_assert(a->wants_health_json == b->wants_health_json && a->prefers_html == b->prefers_html);
    ck_assert(a->prefers_openmetrics == b->prefers_openmetrics);
}

/* Reads from a copy with nothing behind the bytes that have come, so that the sanitizers see a byte read
 * beyond them. */
static bool read_copy(struct request *request, const char *bytes, size_t length) {
    char *copy = malloc(length > 0 ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, length);
    bool done = request_read(request, copy, length);
    free(copy);
    return done;
}

/* Accept fields, and whether they prefer HTML to JSON. */
static const struct {
    const char *fields;
    bool prefers_html;
} ACCEPTS[] = {
    {"", false},
    {"Accept:\r\n", false},
    {"Accept: */*\r\n", false}, /* curl, wget, the kubelet */
    /* Chrome, Firefox, Safari, lynx, w3m */
    {"Accept: "
     "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
     "application/signed-exchange;v=b3;q=0.7\r\n",
        true},
    {"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n", true},
    {"Accept: text/html, text/plain, text/sgml, text/css, */*;q=0.01\r\n", true},
    {"Accept: text/html, text/*;q=0.5, image/*, application/*\r\n",
        true},                                                   /* both alike, but JSON is not named */
    {"Accept: text/html, application/xhtml+xml, */*\r\n", true}, /* older Edge */
    {"Accept: text/html, application/json, */*\r\n", false},     /* both named, both alike: JSON */
    /* scripts in a browser, HTTPie */
    {"Accept: application/json, text/javascript, */*; q=0.01\r\n", false},
    {"Accept: application/json, */*;q=0.5\r\n", false},
    {"Accept: text/html\r\n", true},
    {"accept:TEXT/HTML\r\n", true},
    {"Accept: text/*\r\n", true},
    {"Accept: text/html, application/json\r\n", false},
    {"Accept: text/html;q=0.9, application/json\r\n", false},
    {"Accept: text/html, application/json;q=0.999\r\n", true},
    {"Accept: text/html;q=0.5, application/health+json;q=0.4, application/json;q=0.1\r\n", true},
    {"Accept: text/html;q=0.5, application/health+json;q=0.6, application/json;q=0.1\r\n", false},
    {"Accept: text/html;q=0, */*\r\n", false},
    {"Accept: text/html;q=0.000\r\n", false},
    {"Accept: */*, application/json;q=0, application/health+json;q=0.0\r\n", true},
    {"Accept: text/*;q=0.2, */*;q=0.8, text/html;q=0.9\r\n", true},
    {"Accept: text/html;q=0.1, text/*;q=0.9, */*;q=0.5\r\n", false},
    {"Accept: application/json;q=0.5\r\nAccept: text/html\r\n", true},
    {"Accept: text/html;level=1;Q=0.3 , */* ; q=0.2\r\n", true},
    {"Accept: text/html;q=x, */*;q=0.5\r\n", true}, /* no number: as if it were not there */
    {"Accept: text/html;q=0.5, */*;q=7\r\n", false},
    {"Accept: text/html;q=, */*;q=0.9\r\n", true},
    {"Accept: text/html;q=0.4, */*;q=.5\r\n", false},
    {"Accept: text/plain, image/png\r\n", false},
    {"Accept: text/htmlx, xtext/html, text/ html\r\n", false},
    {"Accept: ,;,;q=1,,\r\n", false},
    {"Accept: text/html;q=0.99999999999999999999999999999, */*\r\n", false},
};

START_TEST(html_is_preferred_by_who_says_so) {
    for (size_t i = 0; i < sizeof ACCEPTS / sizeof ACCEPTS[0]; i++) {
        char bytes[512];
        snprintf(bytes, sizeof bytes, "GET /health/ HTTP/1.1\r\nHost: x\r\n%s\r\n", ACCEPTS[i].fields);
        struct request request;
        request_init(&request);
        ck_assert(read_copy(&request, bytes, strlen(bytes)));
        ck_assert_int_eq(request.refusal, 0);
        ck_assert_msg(request.prefers_html == ACCEPTS[i].prefers_html, "%s", ACCEPTS[i].fields);
    }
}
END_TEST

/* Accept fields, and whether they want OpenMetrics. */
static const struct {
    const char *fields;
    bool prefers_openmetrics;
} SCRAPERS[] = {
    {"", false},
    {"Accept: */*\r\n", false},
    {"Accept: application/*\r\n", false},
    {"Accept: application/openmetrics-text\r\n", true},
    {"Accept: application/openmetrics-text; version=1.0.0\r\n", true},
    {"Accept: application/openmetrics-text; version=\"1.0.0\"; charset=utf-8\r\n", true},
    {"Accept: application/openmetrics-text; version=0.0.1\r\n", false},
    {"Accept: application/openmetrics-text; version=2.0.0, */*;q=0.1\r\n", false},
    /* Prometheus 2.26 to 2.47, and the one before */
    {"Accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n",
        true},
    {"Accept: application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n",
        false},
    /* Prometheus 3, which would rather have protocol buffers */
    {"Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
     "q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
     "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.2,*/*;q=0.1\r\n",
        true},
    {"Accept: text/plain;version=0.0.4, application/openmetrics-text;q=0.9\r\n", false},
    {"Accept: application/openmetrics-text;q=0\r\n", false},
    {"Accept: application/openmetrics-text, */*\r\n", true},
    {"Accept: text/html, */*;q=0.8\r\n", false},
};

START_TEST(openmetrics_is_preferred_by_who_names_it) {
    for (size_t i = 0; i < sizeof SCRAPERS / sizeof SCRAPERS[0]; i++) {
        char bytes[512];
        snprintf(bytes, sizeof bytes, "GET /metrics HTTP/1.1\r\nHost: x\r\n%s\r\n", SCRAPERS[i].fields);
        struct request request;
        request_init(&request);
        ck_assert(read_copy(&request, bytes, strlen(bytes)));
        ck_assert_int_eq(request.refusal, 0);
        ck_assert_msg(
            request.prefers_openmetrics == SCRAPERS[i].prefers_openmetrics, "%s", SCRAPERS[i].fields);
    }
}
END_TEST

START_TEST(each_request_is_judged_as_the_table_says) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct row *row = &ROWS[i];
        struct request request;
        request_init(&request);
        bool done = read_copy(&request, row->bytes, strlen(row->bytes));
        int status = done ? request.refusal : -1;
        ck_assert_msg(status == row->status, "row %zu: %d, not %d: %s", i, status, row->status, row->bytes);
        if (!done)
            continue;
        ck_assert_msg(request.keeps_alive == row->keeps_alive, "row %zu: keep-alive: %s", i, row->bytes);
        ck_assert_msg(
            request.wants_health_json == row->wants_health_json, "row %zu: Accept: %s", i, row->bytes);
        if (row->path)
            ck_assert_msg(request.path_length == strlen(row->path) &&
                              memcmp(row->bytes + request.path_offset, row->path, request.path_length) == 0,
                "row %zu: path: %.*s", i, (int)request.path_length, row->bytes + request.path_offset);
        if (status == 0 || status == 405)
            ck_assert_uint_eq(request.length, strlen(row->bytes));
    }
}
END_TEST

START_TEST(a_head_is_known_as_one_so_that_its_answer_has_no_body) {
    struct request request;
    request_init(&request);
    ck_assert(request_read(&request, "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n", 29));
    ck_assert(request.is_head);
    request_init(&request);
    ck_assert(request_read(&request, "HEAD /a HTTP/1.1\r\nA\r\n", 21));
    ck_assert_int_eq(request.refusal, 400);
    ck_assert(request.is_head);
}
END_TEST

START_TEST(no_split_of_the_bytes_changes_the_answer) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const char *bytes = ROWS[i].bytes;
        size_t length = strlen(bytes);
        struct request whole;
        request_init(&whole);
        bool whole_done = read_copy(&whole, bytes, length);
        for (size_t split = 0; split <= length; split++) {
            struct request parts;
            request_init(&parts);
            bool done = read_copy(&parts, bytes, split) || read_copy(&parts, bytes, length);
            assert_same(&whole, whole_done, &parts, done, i);
        }
        struct request drip;
        request_init(&drip);
        bool done = false;
        for (size_t come = 0; !done && come <= length; come++)
            done = read_copy(&drip, bytes, come);
        assert_same(&whole, whole_done, &drip, done, i);
    }
}
END_TEST

START_TEST(a_nul_is_refused_wherever_it_stands) {
    static const char SOUND[] = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    for (size_t at = 0; at < sizeof SOUND - 1; at++) {
        char bytes[sizeof SOUND];
        memcpy(bytes, SOUND, sizeof SOUND);
        bytes[at] = '\0';
        struct request request;
        request_init(&request);
        ck_assert(read_copy(&request, bytes, sizeof SOUND - 1));
        ck_assert_int_eq(request.refusal, 400);
    }
}
END_TEST

START_TEST(what_follows_a_request_is_left_for_the_next) {
    static const char TWO[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n";
    struct request request;
    request_init(&request);
    ck_assert(request_read(&request, TWO, sizeof TWO - 1));
    ck_assert_uint_eq(request.length, (sizeof TWO - 1) / 2);
    ck_assert(request_read(&request, TWO, sizeof TWO - 1)); /* asked again, it says the same */
    ck_assert_uint_eq(request.length, (sizeof TWO - 1) / 2);
    size_t first = request.length;
    request_init(&request);
    ck_assert(request_read(&request, TWO + first, sizeof TWO - 1 - first));
    ck_assert_int_eq(memcmp(TWO + first + request.path_offset, "/b", 2), 0);
}
END_TEST

/* A request whose head is exactly size bytes: its Host fills it up. The caller frees. */
static char *request_of_size(size_t size) {
    static const char FRONT[] = "GET /a HTTP/1.1\r\nHost: ";
    char *bytes = malloc(size);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 'h', size);
    memcpy(bytes, FRONT, sizeof FRONT - 1);
    memcpy(bytes + size - 4, "\r\n\r\n", 4);
    return bytes;
}

START_TEST(a_head_of_8_kib_is_read_and_one_byte_more_is_not) {
    char *bytes = request_of_size(REQUEST_HEAD_MAX);
    struct request request;
    request_init(&request);
    ck_assert(request_read(&request, bytes, REQUEST_HEAD_MAX));
    ck_assert_int_eq(request.refusal, 0);
    free(bytes);
    bytes = request_of_size(REQUEST_HEAD_MAX + 1);
    request_init(&request);
    ck_assert(!request_read(&request, bytes, REQUEST_HEAD_MAX - 1));
    ck_assert(request_read(&request, bytes, REQUEST_HEAD_MAX + 1));
    ck_assert_int_eq(request.refusal, 431);
    ck_assert(!request.keeps_alive);
    free(bytes);
}
END_TEST

START_TEST(a_host_of_4_kib_is_fine) {
    char *bytes = request_of_size(4096 + 27);
    struct request request;
    request_init(&request);
    ck_assert(request_read(&request, bytes, 4096 + 27));
    ck_assert_int_eq(request.refusal, 0);
    free(bytes);
}
END_TEST

START_TEST(each_byte_is_read_once_however_slowly_it_comes) {
    /* What has been read is poisoned before the next byte comes; only the line that is not whole yet is kept.
     */
    static const char SOUND[] = "GET /abc HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Y: z\r\n\r\n";
    char bytes[sizeof SOUND];
    memset(bytes, 0, sizeof bytes);
    struct request request;
    request_init(&request);
    bool done = false;
    for (size_t come = 1; !done && come < sizeof SOUND; come++) {
        bytes[come - 1] = SOUND[come - 1];
        done = request_read(&request, bytes, come);
        memset(bytes, 0, request.line_start);
    }
    ck_assert(done);
    ck_assert_int_eq(request.refusal, 0);
    ck_assert(!request.keeps_alive);
}
END_TEST

Suite *request_suite(void) {
    Suite *suite = suite_create("request");
    TCase *tcase = tcase_create("request");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, each_request_is_judged_as_the_table_says);
    tcase_add_test(tcase, html_is_preferred_by_who_says_so);
    tcase_add_test(tcase, openmetrics_is_preferred_by_who_names_it);
    tcase_add_test(tcase, a_head_is_known_as_one_so_that_its_answer_has_no_body);
    tcase_add_test(tcase, no_split_of_the_bytes_changes_the_answer);
    tcase_add_test(tcase, a_nul_is_refused_wherever_it_stands);
    tcase_add_test(tcase, what_follows_a_request_is_left_for_the_next);
    tcase_add_test(tcase, a_head_of_8_kib_is_read_and_one_byte_more_is_not);
    tcase_add_test(tcase, a_host_of_4_kib_is_fine);
    tcase_add_test(tcase, each_byte_is_read_once_however_slowly_it_comes);
    return suite;
}
