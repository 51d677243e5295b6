/* The request reader: any bytes, split anyhow.
 * Sources: src/responder/request.c */
#include "fuzz/fuzz.h"
#include "responder/request.h"

#include <stdlib.h>
#include <string.h>

/* Reads bytes that end where their memory ends. */
static bool read_copy(struct request *request, const uint8_t *data, size_t length) {
    char *copy = fuzz_copy(data, length);
    bool is_done = request_read(request, copy, length);
    free(copy);
    return is_done;
}

static void check_same(const struct request *a, const struct request *b) {
    fuzz_assert(a->refusal == b->refusal && a->length == b->length);
    fuzz_assert(a->path_offset == b->path_offset && a->path_length == b->path_length);
    fuzz_assert(a->is_head == b->is_head && a->keeps_alive == b->keeps_alive);
    fuzz_assert(a->wants_health_json == b->wants_health_json && a->prefers_html == b->prefers_html);
    fuzz_assert(a->prefers_openmetrics == b->prefers_openmetrics && a->is_http_1_1 == b->is_http_1_1);
}

/* Whether these bytes are lines that end in CR LF, without any other control character, of which only the
 * last, and perhaps the first, is empty. */
static bool is_head_of_lines(const uint8_t *data, size_t length) {
    size_t empty_lines = 0, line = 0;
    size_t start = length >= 2 && memcmp(data, "\r\n", 2) == 0 ? 2 : 0;
    for (size_t i = start; i < length; i++) {
        if (data[i] == '\r') {
            if (++i == length || data[i] != '\n')
                return false;
            empty_lines += line == 0;
            line = 0;
            if (empty_lines > 0)
                return i + 1 == length;
        } else if ((data[i] < 0x20 && data[i] != '\t') || data[i] == 0x7f) {
            return false;
        } else {
            line++;
        }
    }
    return false;
}

/* What was accepted is what it is taken for. */
static void check_accepted(const struct request *request, const uint8_t *data) {
    const uint8_t *at = data + (data[0] == '\r' ? 2 : 0), *path = data + request->path_offset;
    fuzz_assert(is_head_of_lines(data, request->length));
    const uint8_t *line_end = memchr(at, '\r', request->length);
    fuzz_assert(line_end);
    fuzz_assert(request->path_length == 0 || (path >= at && path + request->path_length <= line_end));
    fuzz_assert(memcmp(line_end - 9, " HTTP/1.", 8) == 0 && line_end[-1] == '0' + request->is_http_1_1);
    for (size_t i = 0; i < request->path_length; i++)
        fuzz_assert(path[i] > 0x20 && path[i] < 0x7f && path[i] != '?' && path[i] != '#');
    fuzz_assert(request->path_length == 0 || path[0] == '/');
    fuzz_assert((request->refusal == 0) == (memcmp(at, "GET ", 4) == 0));
    fuzz_assert(request->is_head == (memcmp(at, "HEAD ", 5) == 0));
}

FUZZ_TARGET(request) {
    struct fuzz_input input = {data, size};
    struct fuzz_cuts cuts = fuzz_take_cuts(&input);
    struct request whole, parts, again;
    request_init(&whole);
    bool is_done = read_copy(&whole, input.at, input.left);
    request_init(&parts);
    bool is_done_in_parts = false;
    for (size_t i = 0; i < cuts.count && !is_done_in_parts; i++)
        is_done_in_parts = read_copy(&parts, input.at, cuts.ends[i]);
    fuzz_assert(is_done == is_done_in_parts);
    fuzz_assert(whole.length <= input.left && whole.length <= REQUEST_HEAD_MAX);
    if (!is_done) {
        fuzz_assert(whole.length == input.left && whole.length < REQUEST_HEAD_MAX);
        return 0;
    }
    check_same(&whole, &parts);
    fuzz_assert(whole.refusal == 0 || whole.refusal == 400 || whole.refusal == 405 || whole.refusal == 431);
    fuzz_assert(!whole.keeps_alive || whole.refusal == 0 || whole.refusal == 405);
    fuzz_assert((whole.refusal == 431) <= (whole.length == REQUEST_HEAD_MAX));
    if (whole.refusal == 0 || whole.refusal == 405)
        check_accepted(&whole, input.at);
    /* What stands behind it has no part in it. */
    request_init(&again);
    fuzz_assert(read_copy(&again, input.at, whole.length));
    check_same(&whole, &again);
    return 0;
}
