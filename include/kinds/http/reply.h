/* Reads one HTTP/1 response (RFC 9112), byte by byte: whatever pieces it comes in, the result is the same.
 * Pure: no socket, no clock. Interim (1xx) responses are skipped; the body may be delimited by
 * Content-Length, by chunks or by the end of the connection. */
#ifndef BH_KINDS_HTTP_REPLY_H
#define BH_KINDS_HTTP_REPLY_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_reply_state {
    HTTP_REPLY_MORE,      /* not complete yet */
    HTTP_REPLY_WHOLE,     /* complete; whatever follows is ignored */
    HTTP_REPLY_CUT,       /* the connection ended too early */
    HTTP_REPLY_TOO_LARGE, /* more than the limit */
    HTTP_REPLY_INVALID,   /* not HTTP, or against its rules */
    HTTP_REPLY_NO_MEMORY,
};

/* What the next byte belongs to. For the reader's own use. */
enum http_reply_part {
    HTTP_PART_STATUS_LINE,
    HTTP_PART_HEADER,
    HTTP_PART_BODY,        /* the rest of a known length */
    HTTP_PART_BODY_TO_END, /* all until the connection ends */
    HTTP_PART_CHUNK_SIZE,
    HTTP_PART_CHUNK,
    HTTP_PART_CHUNK_END,
    HTTP_PART_TRAILER,
};

struct http_reply {
    /* The result. */
    enum http_reply_state state;
    int status;         /* of the final response, as soon as its head is complete; 0 before */
    struct strbuf body; /* as far as it has come */

    /* The reader's own. */
    enum http_reply_part part;
    size_t limit_bytes, taken_bytes;
    struct strbuf line; /* the line under way, without its end */
    int head_status;    /* of the head under way */
    int header_count;
    bool is_chunked, has_length;
    uint64_t length_left; /* of the body or chunk */
};

/* A response of more than limit_bytes, heads and framing included, is too large. */
void http_reply_init(struct http_reply *reply, size_t limit_bytes);
void http_reply_release(struct http_reply *reply);

/* Takes bytes that have come. Returns the state; once it is another than MORE, it stays. */
enum http_reply_state http_reply_feed(struct http_reply *reply, const char *data, size_t length);

/* The connection has ended: WHOLE where that is how this body ends, else CUT. */
enum http_reply_state http_reply_end(struct http_reply *reply);

#endif
