/* The reader of HTTP/1 responses: a machine that takes one byte after the other. */
#include "kinds/http/reply.h"

#include <string.h>
#include <strings.h>

enum {
    HEADERS_MAX = 100,      /* in a head, and of trailers */
    LENGTH_DIGITS_MAX = 18, /* fits 64 bits */
    CHUNK_DIGITS_MAX = 15,
};

void http_reply_init(struct http_reply *reply, size_t limit_bytes) {
    *reply = (struct http_reply){.limit_bytes = limit_bytes};
}

void http_reply_release(struct http_reply *reply) {
    strbuf_release(&reply->body);
    strbuf_release(&reply->line);
}

/* -- words -- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* RFC 9110, section 5.6.2. */
static bool is_token_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

/* Line ends are cut off already: what is left of the control characters has no place in a line. */
static bool is_text(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
            return false;
    return true;
}

/* The value of up to most digits; false where text is another. */
static bool parse_digits(const char *text, size_t length, size_t most, uint64_t *value) {
    *value = 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(text[i]))
            return false;
        *value = *value * 10 + (uint64_t)(text[i] - '0');
    }
    return length > 0 && length <= most;
}

static int hex_value(char c) {
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* -- lines; each returns false where the line is against the rules -- */

/* "HTTP/1.1 200 OK". Some servers leave the reason phrase away, and its blank with it. */
static bool take_status_line(struct http_reply *reply) {
    const char *line = reply->line.data;
    size_t length = reply->line.length;
    uint64_t status;
    if (length < 12 || !is_digit(line[7]) || line[8] != ' ' || !parse_digits(line + 9, 3, 3, &status))
        return false;
    if (status < 100 || status > 599 || status == 101 || (length > 12 && line[12] != ' ') ||
        !is_text(line, length))
        return false; /* 101 agrees to what nobody asked for */
    reply->head_status = (int)status;
    reply->header_count = 0;
    reply->is_chunked = false;
    reply->has_length = false;
    reply->length_left = 0;
    reply->part = HTTP_PART_HEADER;
    return true;
}

/* A list whose members are all the same number is that number (RFC 9110, section 8.6). */
static bool take_length(struct http_reply *reply, const char *value, size_t length) {
    for (size_t start = 0; start <= length;) {
        const char *comma = memchr(value + start, ',', length - start);
        size_t end = comma ? (size_t)(comma - value) : length, next = end + 1;
        while (start < end && is_blank(value[start]))
            start++;
        while (end > start && is_blank(value[end - 1]))
            end--;
        uint64_t number;
        if (!parse_digits(value + start, end - start, LENGTH_DIGITS_MAX, &number) ||
            (reply->has_length && number != reply->length_left))
            return false;
        reply->has_length = true;
        reply->length_left = number;
        start = next;
    }
    return true;
}

/* Of the transfer codings only this one may be used towards a client that has not asked for others. */
static bool take_coding(struct http_reply *reply, const char *value, size_t length) {
    static const char CHUNKED[] = "chunked";
    bool is_again = reply->is_chunked;
    reply->is_chunked = true;
    return !is_again && length == sizeof CHUNKED - 1 && strncasecmp(value, CHUNKED, length) == 0;
}

static bool name_is(const char *name, size_t length, const char *wanted) {
    return length == strlen(wanted) && strncasecmp(name, wanted, length) == 0;
}

/* Splits "Name: value" and takes what tells where the body ends; in trailers nothing does. */
static bool take_field(struct http_reply *reply) {
    const char *line = reply->line.data;
    size_t name_length = 0, end = reply->line.length;
    while (name_length < end && is_token_char(line[name_length]))
        name_length++;
    if (name_length == 0 || name_length == end || line[name_length] != ':' || !is_text(line, end) ||
        ++reply->header_count > HEADERS_MAX)
        return false;
    size_t start = name_length + 1;
    while (start < end && is_blank(line[start]))
        start++;
    while (end > start && is_blank(line[end - 1]))
        end--;
    if (reply->part == HTTP_PART_TRAILER)
        return true;
    if (name_is(line, name_length, "content-length"))
        return take_length(reply, line + start, end - start);
    if (name_is(line, name_length, "transfer-encoding"))
        return take_coding(reply, line + start, end - start);
    return true;
}

/* The head is complete: what follows? (RFC 9112, section 6.3.) Where both a length and chunks are promised,
 * two readers may see two bodies: so it is none. */
static bool end_head(struct http_reply *reply) {
    if (reply->is_chunked && reply->has_length)
        return false;
    if (reply->head_status < 200) {
        reply->part = HTTP_PART_STATUS_LINE; /* an interim response; the real one is still to come */
        return true;
    }
    reply->status = reply->head_status;
    if (reply->status == 204 || reply->status == 304)
        reply->state = HTTP_REPLY_WHOLE;
    else if (reply->is_chunked)
        reply->part = HTTP_PART_CHUNK_SIZE;
    else if (!reply->has_length)
        reply->part = HTTP_PART_BODY_TO_END;
    else if (reply->length_left > 0)
        reply->part = HTTP_PART_BODY;
    else
        reply->state = HTTP_REPLY_WHOLE;
    return true;
}

/* "1a;extension". */
static bool take_chunk_size(struct http_reply *reply) {
    const char *line = reply->line.data;
    size_t digits = 0;
    uint64_t size = 0;
    for (; digits < reply->line.length && hex_value(line[digits]) >= 0; digits++)
        size = size * 16 + (uint64_t)hex_value(line[digits]);
    if (digits == 0 || digits > CHUNK_DIGITS_MAX || !is_text(line, reply->line.length) ||
        (digits < reply->line.length && line[digits] != ';' && !is_blank(line[digits])))
        return false;
    reply->length_left = size;
    reply->header_count = 0;
    reply->part = size > 0 ? HTTP_PART_CHUNK : HTTP_PART_TRAILER;
    return true;
}

static bool take_line(struct http_reply *reply) {
    bool is_empty = reply->line.length == 0;
    switch (reply->part) {
    case HTTP_PART_STATUS_LINE: return take_status_line(reply);
    case HTTP_PART_HEADER: return is_empty ? end_head(reply) : take_field(reply);
    case HTTP_PART_CHUNK_SIZE: return !is_empty && take_chunk_size(reply);
    case HTTP_PART_CHUNK_END: reply->part = HTTP_PART_CHUNK_SIZE; return is_empty;
    case HTTP_PART_TRAILER:
        if (is_empty)
            reply->state = HTTP_REPLY_WHOLE;
        return is_empty || take_field(reply);
    case HTTP_PART_BODY:
    case HTTP_PART_BODY_TO_END:
    case HTTP_PART_CHUNK: break;
    }
    return false; /* those have no lines */
}

/* -- bytes -- */

/* What does not begin like HTTP is told apart at once: other servers greet with half a line and wait. */
static bool is_greeting(const struct http_reply *reply, char c) {
    static const char PREFIX[] = "HTTP/1.";
    return reply->part != HTTP_PART_STATUS_LINE || reply->line.length >= sizeof PREFIX - 1 ||
           PREFIX[reply->line.length] == c;
}

static void take_line_byte(struct http_reply *reply, char c) {
    if (!is_greeting(reply, c)) {
        reply->state = HTTP_REPLY_INVALID;
        return;
    }
    if (c != '\n') {
        strbuf_append_n(&reply->line, &c, 1);
        return;
    }
    struct strbuf *line = &reply->line;
    if (line->length > 0 && line->data[line->length - 1] == '\r')
        line->length--; /* a bare LF ends a line as well (RFC 9112, section 2.2) */
    if (!take_line(reply))
        reply->state = HTTP_REPLY_INVALID;
    line->length = 0;
}

static void take_body_byte(struct http_reply *reply, char c) {
    strbuf_append_n(&reply->body, &c, 1);
    if (reply->part == HTTP_PART_BODY_TO_END || --reply->length_left > 0)
        return;
    if (reply->part == HTTP_PART_CHUNK)
        reply->part = HTTP_PART_CHUNK_END;
    else
        reply->state = HTTP_REPLY_WHOLE;
}

static bool is_in_body(const struct http_reply *reply) {
    return reply->part == HTTP_PART_BODY || reply->part == HTTP_PART_BODY_TO_END ||
           reply->part == HTTP_PART_CHUNK;
}

enum http_reply_state http_reply_feed(struct http_reply *reply, const char *data, size_t length) {
    for (size_t i = 0; i < length && reply->state == HTTP_REPLY_MORE; i++) {
        if (reply->taken_bytes++ == reply->limit_bytes)
            reply->state = HTTP_REPLY_TOO_LARGE;
        else if (is_in_body(reply))
            take_body_byte(reply, data[i]);
        else
            take_line_byte(reply, data[i]);
        if (reply->body.is_broken || reply->line.is_broken)
            reply->state = HTTP_REPLY_NO_MEMORY;
    }
    return reply->state;
}

enum http_reply_state http_reply_end(struct http_reply *reply) {
    if (reply->state == HTTP_REPLY_MORE)
        reply->state = reply->part == HTTP_PART_BODY_TO_END ? HTTP_REPLY_WHOLE : HTTP_REPLY_CUT;
    return reply->state;
}
