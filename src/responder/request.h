/* The strict request reader: pure, incremental, and with one answer for the same bytes however they were
 * split. It reads each byte once and keeps no copy: the caller holds the bytes of the request, from its
 * first, in place. */
#ifndef BH_RESPONDER_REQUEST_H
#define BH_RESPONDER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/* The longest head (request line, header fields, empty line) that is read: one byte more is a 431. */
enum { REQUEST_HEAD_MAX = 8192 };

enum request_part {
    REQUEST_BEFORE, /* one empty line is allowed here (RFC 9112, section 2.2) */
    REQUEST_LINE,
    REQUEST_FIELDS,
    REQUEST_FINISHED,
};

/* How much a media type is wanted, as far as the Accept fields have been read. */
struct preference {
    short precision; /* 0: not named, 1: by its range "any", 2: by its kind, 3: by itself */
    short quality;   /* thousandths (RFC 9110, section 12.4.2) */
};

struct request {
    /* The outcome; valid once request_read has returned true. */
    int refusal;   /* 0: a GET to be answered. 405: well-formed, another method. 400, 431: close after the
                      answer. */
    size_t length; /* bytes the head took; what stands behind them is the next request, or a body */
    size_t path_offset,
        path_length; /* without query; nothing decoded; empty for an absolute URL without a path */
    size_t agent_offset, agent_length; /* the value of the last User-Agent; empty: there is none */
    bool is_head;                      /* the answer has no body */
    bool keeps_alive;         /* the connection may carry another request; never where a body follows */
    bool wants_health_json;   /* Accept names application/health+json */
    bool prefers_html;        /* Accept wants text/html, and more than JSON of either name: a browser */
    bool prefers_openmetrics; /* Accept names OpenMetrics 1.0, and wants it no less than plain text */
    /* The reader's own. */
    enum request_part part;
    size_t line_start;
    bool has_cr; /* the last byte was a CR */
    bool is_get;
    bool is_http_1_1;
    bool has_host, has_hosts; /* one Host field; more than one */
    bool says_close, says_keep_alive;
    bool has_body;
    struct preference html, json, health_json, text, openmetrics;
};

void request_init(struct request *request);

/* Reads on; bytes holds the request from its first byte, length counts all that have come so far. Returns
 * true when the head is whole or refused: then request->refusal tells which. Call request_init before the
 * next request. */
bool request_read(struct request *request, const char *bytes, size_t length);

#endif
