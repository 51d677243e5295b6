/* The reader of Bugsink's HTTP answers: any bytes, split anyhow; and answers that are made here and must come
 * out as they went in.
 * What an answer says of Bugsink's database is judged as well.
 * Sources: src/kinds/http/reply.c src/kinds/http/ask.c */
#include "kinds/http/ask.h"
#include "kinds/http/reply.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT = 4096 };

/* Feeds each piece from memory of its own, then the end. Returns the state before the end. */
static enum http_reply_state feed(
    struct http_reply *reply, const uint8_t *data, const struct fuzz_cuts *cuts, size_t limit) {
    size_t start = 0;
    http_reply_init(reply, limit);
    for (size_t i = 0; i < cuts->count; i++) {
        char *piece = fuzz_copy(data + start, cuts->ends[i] - start);
        enum http_reply_state before = reply->state;
        enum http_reply_state state = http_reply_feed(reply, piece, cuts->ends[i] - start);
        fuzz_assert(state == reply->state && (before == HTTP_REPLY_MORE || before == state));
        free(piece);
        start = cuts->ends[i];
    }
    enum http_reply_state before_end = reply->state;
    enum http_reply_state state = http_reply_end(reply);
    fuzz_assert(state != HTTP_REPLY_MORE && state != HTTP_REPLY_NO_MEMORY);
    fuzz_assert(before_end == HTTP_REPLY_MORE || before_end == state);
    return before_end;
}

static void check_same(const struct http_reply *a, const struct http_reply *b) {
    fuzz_assert(a->state == b->state && a->status == b->status && a->taken_bytes == b->taken_bytes);
    fuzz_assert(a->body.length == b->body.length);
    fuzz_assert(a->body.length == 0 || memcmp(a->body.data, b->body.data, a->body.length) == 0);
}

/* Whatever the bytes: well is only a refusal with words of Bugsink's, and it is that of one question alone.
 */
static void judge(const struct http_reply *reply) {
    const char *body = reply->body.data;
    size_t length = reply->body.length;
    enum answer token = ask_judge(QUESTION_TOKEN, reply->status, body, length);
    enum answer project = ask_judge(QUESTION_PROJECT, reply->status, body, length);
    bool is_refusal = reply->status == 401 || reply->status == 403;
    fuzz_assert(token != ANSWER_NONE && token != ANSWER_SILENCE);
    bool is_failure = reply->status >= 500 && reply->status != 501;
    fuzz_assert((token == ANSWER_FAILS) == is_failure && (project == ANSWER_FAILS) == is_failure);
    fuzz_assert((token != ANSWER_WELL && project != ANSWER_WELL) || (is_refusal && length >= 8));
    fuzz_assert((token == ANSWER_ABSENT) == (project == ANSWER_ABSENT));
    /* What stands behind the words, or before them, changes nothing. */
    struct strbuf framed = {0};
    strbuf_append(&framed, "<p>");
    strbuf_append_n(&framed, body ? body : "", length);
    strbuf_append(&framed, "</p>");
    fuzz_assert(token != ANSWER_WELL ||
                ask_judge(QUESTION_TOKEN, reply->status, framed.data, framed.length) == token);
    strbuf_release(&framed);
}

static void read_any(struct fuzz_input input) {
    struct fuzz_cuts cuts = fuzz_take_cuts(&input);
    struct fuzz_cuts none = {{input.left}, 1};
    struct http_reply whole, parts;
    enum http_reply_state before_end = feed(&whole, input.at, &none, LIMIT);
    fuzz_assert(feed(&parts, input.at, &cuts, LIMIT) == before_end);
    check_same(&whole, &parts);
    fuzz_assert(whole.body.length <= input.left && whole.taken_bytes <= LIMIT + 1);
    fuzz_assert((whole.state == HTTP_REPLY_TOO_LARGE) == (whole.taken_bytes > LIMIT));
    fuzz_assert(whole.status == 0 || (whole.status >= 200 && whole.status <= 599));
    fuzz_assert(whole.state != HTTP_REPLY_WHOLE || whole.status >= 200);
    fuzz_assert(before_end == HTTP_REPLY_MORE || whole.taken_bytes > 0);
    if (whole.status != 0)
        judge(&whole);
    http_reply_release(&whole);
    http_reply_release(&parts);
}

enum framing { BY_LENGTH, BY_CHUNKS, BY_END, FRAMING_COUNT };

static void put_chunks(struct strbuf *bytes, struct fuzz_input *input, const uint8_t *body, size_t length) {
    for (size_t at = 0; at < length;) {
        size_t size = 1 + fuzz_take(input);
        size = size < length - at ? size : length - at;
        strbuf_format(bytes, fuzz_take_below(input, 2) ? "%zx" : "00%zX", size);
        strbuf_append(bytes, fuzz_take_below(input, 2) ? ";a=\"b\"\r\n" : "\r\n");
        strbuf_append_n(bytes, (const char *)body + at, size);
        strbuf_append(bytes, "\r\n");
        at += size;
    }
    strbuf_append(bytes, fuzz_take_below(input, 2) ? "0\r\nA: b\r\n\r\n" : "0\r\n\r\n");
}

/* Lays an answer out as a server might, and reads it. */
static void read_made(struct fuzz_input input) {
    struct strbuf bytes = {0};
    struct fuzz_cuts cuts = fuzz_take_cuts(&input);
    int status = 200 + (int)fuzz_take(&input) + (int)fuzz_take_below(&input, 145);
    enum framing framing = (enum framing)fuzz_take_below(&input, FRAMING_COUNT);
    const char *line_end = fuzz_take_below(&input, 2) ? "\r\n" : "\n";
    struct fuzz_input choices = {input.at, input.left < 16 ? input.left : 16};
    const uint8_t *body = choices.at + choices.left;
    size_t length = input.left - choices.left;
    for (unsigned i = fuzz_take_below(&choices, 3); i > 0; i--)
        strbuf_format(&bytes, "HTTP/1.1 103 Early Hints%sLink: <x>%s%s", line_end, line_end, line_end);
    strbuf_format(&bytes, "HTTP/1.1 %d%sServer: x%s", status, line_end, line_end);
    if (framing == BY_LENGTH)
        strbuf_format(&bytes, "content-LENGTH:\t%zu %s%s", length, line_end, line_end);
    else if (framing == BY_CHUNKS)
        strbuf_format(&bytes, "Transfer-Encoding: CHUNKED%s%s", line_end, line_end);
    else
        strbuf_append(&bytes, line_end);
    if (framing == BY_CHUNKS)
        put_chunks(&bytes, &choices, body, length);
    else
        strbuf_append_n(&bytes, (const char *)body, length);
    bool has_body = status != 204 && status != 304;
    for (size_t i = 0; i < cuts.count; i++)
        if (cuts.ends[i] > bytes.length || i + 1 == cuts.count)
            cuts.ends[i] = bytes.length;
    struct http_reply reply;
    enum http_reply_state before_end = feed(&reply, (const uint8_t *)bytes.data, &cuts, 1 << 20);
    fuzz_assert(reply.state == HTTP_REPLY_WHOLE && reply.status == status);
    fuzz_assert(before_end == (has_body && framing == BY_END ? HTTP_REPLY_MORE : HTTP_REPLY_WHOLE));
    fuzz_assert(reply.body.length == (has_body ? length : 0));
    fuzz_assert(reply.body.length == 0 || memcmp(reply.body.data, body, length) == 0);
    judge(&reply);
    http_reply_release(&reply);
    strbuf_release(&bytes);
}

FUZZ_TARGET(http_reply) {
    struct fuzz_input input = {data, size};
    if (fuzz_take(&input) == 'm')
        read_made(input);
    else
        read_any(input);
    return 0;
}
