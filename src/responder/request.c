/* Reads the head of an HTTP/1 request (RFC 9112), byte by byte, and refuses what is not exactly one. */
#include "responder/request.h"

#include "base/span.h"

#include <string.h>
#include <strings.h>

static bool span_is(struct span span, const char *text) {
    return span.length == strlen(text) && memcmp(span.at, text, span.length) == 0;
}

/* ASCII only, as long as nobody calls setlocale. */
static bool span_is_word(struct span span, const char *word) {
    return span.length == strlen(word) && strncasecmp(span.at, word, span.length) == 0;
}

/* Cuts off what stands before the first stop character and returns it; the stop goes with it. */
static struct span span_take(struct span *rest, char stop) {
    const char *end = rest->length > 0 ? memchr(rest->at, stop, rest->length) : NULL;
    struct span taken = {rest->at, end ? (size_t)(end - rest->at) : rest->length};
    size_t gone = taken.length + (end ? 1 : 0);
    rest->at += gone;
    rest->length -= gone;
    return taken;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static struct span span_trim(struct span span) {
    while (span.length > 0 && is_blank(span.at[0])) {
        span.at++;
        span.length--;
    }
    while (span.length > 0 && is_blank(span.at[span.length - 1]))
        span.length--;
    return span;
}

/* RFC 9110, section 5.6.2. */
static bool is_token(struct span span) {
    for (size_t i = 0; i < span.length; i++) {
        char c = span.at[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return span.length > 0;
}

/* Visible ASCII without a fragment, which no client may send. */
static bool is_target(struct span span) {
    for (size_t i = 0; i < span.length; i++)
        if (span.at[i] < 0x21 || span.at[i] > 0x7e || span.at[i] == '#')
            return false;
    return span.length > 0;
}

/* Cuts the scheme and the authority off an absolute URL. Returns false if it is none, or has no authority. */
static bool take_authority(struct span *target) {
    struct span rest = *target;
    struct span scheme = span_take(&rest, ':');
    if (!(span_is_word(scheme, "http") || span_is_word(scheme, "https")) || rest.length < 3 ||
        rest.at[0] != '/' || rest.at[1] != '/' || strchr("/?", rest.at[2]))
        return false;
    while (rest.length > 0 && (rest.at < scheme.at + scheme.length + 3 || !strchr("/?", rest.at[0]))) {
        rest.at++;
        rest.length--;
    }
    *target = rest;
    return true;
}

/* Notes the path of a target: "/path?query", "http://authority/path?query", or what only other methods may
 * name. */
static bool read_target(struct request *request, const char *bytes, struct span method, struct span target) {
    if (!is_target(target))
        return false;
    if (span_is(target, "*"))
        return span_is(method, "OPTIONS");
    if (span_is(method, "CONNECT"))
        return true;
    if (target.at[0] != '/' && !take_authority(&target))
        return false;
    struct span path = span_take(&target, '?');
    request->path_offset = (size_t)(path.at - bytes);
    request->path_length = path.length;
    return true;
}

static bool read_request_line(struct request *request, const char *bytes, struct span line) {
    struct span method = span_take(&line, ' ');
    struct span target = span_take(&line, ' ');
    request->is_http_1_1 = span_is(line, "HTTP/1.1");
    request->is_get = span_is(method, "GET");
    request->is_head = span_is(method, "HEAD");
    return is_token(method) && (request->is_http_1_1 || span_is(line, "HTTP/1.0")) &&
           read_target(request, bytes, method, target);
}

static void read_connection(struct request *request, struct span value) {
    while (value.length > 0) {
        struct span option = span_trim(span_take(&value, ','));
        if (span_is_word(option, "close"))
            request->says_close = true;
        else if (span_is_word(option, "keep-alive"))
            request->says_keep_alive = true;
    }
}

/* A weight in thousandths: "0.8" is 800. One that is no number counts as 1, like one that is not there. */
static short weight(struct span value) {
    short quality = 0, unit = 1000;
    for (size_t i = 0; i < value.length; i++) {
        if (i == 1 ? value.at[i] != '.' : value.at[i] < '0' || value.at[i] > '9')
            return 1000;
        if (i == 1)
            continue;
        quality = (short)(quality + (value.at[i] - '0') * unit);
        unit = (short)(unit / 10);
    }
    return value.length > 0 && quality < 1000 ? quality : 1000;
}

/* Of a media range's parameters. */
static short quality_of(struct span parameters) {
    while (parameters.length > 0) {
        struct span value = span_trim(span_take(&parameters, ';'));
        struct span name = span_take(&value, '=');
        if (span_is_word(name, "q"))
            return weight(value);
    }
    return 1000;
}

/* The most precise range that names a type decides (RFC 9110, section 12.5.1). */
static void note_preference(
    struct preference *preference, struct span range, short quality, const char *kind, const char *type) {
    short precision = span_is_word(range, type)    ? 3
                      : span_is_word(range, kind)  ? 2
                      : span_is_word(range, "*/*") ? 1
                                                   : 0;
    if (precision == 0 || precision < preference->precision)
        return;
    if (precision > preference->precision || quality > preference->quality)
        *preference = (struct preference){precision, quality};
}

/* Whether a range of OpenMetrics is of the version we have: named, or none is. */
static bool has_our_version(struct span parameters) {
    while (parameters.length > 0) {
        struct span value = span_trim(span_take(&parameters, ';'));
        struct span name = span_take(&value, '=');
        if (span_is_word(name, "version"))
            return span_is(value, "1.0.0") || span_is(value, "\"1.0.0\"");
    }
    return true;
}

static void read_accept(struct request *request, struct span value) {
    while (value.length > 0) {
        struct span parameters = span_take(&value, ',');
        struct span range = span_trim(span_take(&parameters, ';'));
        short quality = quality_of(parameters);
        note_preference(&request->html, range, quality, "text/*", "text/html");
        note_preference(&request->json, range, quality, "application/*", "application/json");
        note_preference(&request->health_json, range, quality, "application/*", "application/health+json");
        note_preference(&request->text, range, quality, "text/*", "text/plain");
        if (has_our_version(parameters))
            note_preference(
                &request->openmetrics, range, quality, "application/*", "application/openmetrics-text");
    }
}

static bool is_zero(struct span value) {
    for (size_t i = 0; i < value.length; i++)
        if (value.at[i] != '0')
            return false;
    return value.length > 0;
}

static void note_agent(struct request *request, const char *bytes, struct span value) {
    request->agent_offset = (size_t)(value.at - bytes);
    request->agent_length = value.length;
}

/* What it names is nobody's business here: a probe may be sent to any name. */
static void note_host(struct request *request) {
    request->has_hosts = request->has_host;
    request->has_host = true;
}

/* RFC 9112, section 3.2: what has two hosts, or in HTTP/1.1 none, is refused; a proxy before us may have read
 * it otherwise. */
static bool is_host_sound(const struct request *request) {
    return !request->has_hosts && (request->has_host || !request->is_http_1_1);
}

/* One header field. A line that continues the one before begins with a blank and so has no name: refused.
 * Control characters have been refused before. */
static bool read_field(struct request *request, const char *bytes, struct span line) {
    size_t length = line.length;
    struct span name = span_take(&line, ':');
    if (!is_token(name) || name.length == length)
        return false;
    struct span value = span_trim(line);
    if (span_is_word(name, "Host"))
        note_host(request);
    else if (span_is_word(name, "Connection"))
        read_connection(request, value);
    else if (span_is_word(name, "Accept"))
        read_accept(request, value);
    else if (span_is_word(name, "User-Agent"))
        note_agent(request, bytes, value);
    else if (span_is_word(name, "Transfer-Encoding") ||
             (span_is_word(name, "Content-Length") && !is_zero(value)))
        request->has_body = true;
    return true;
}

static void refuse(struct request *request, int status) {
    request->part = REQUEST_FINISHED;
    request->refusal = status;
    request->keeps_alive = false;
}

/* On a tie JSON is sent, unless HTML is asked for by its name and JSON by a wildcard alone. */
static bool prefers_html(const struct request *request) {
    bool is_json_named = request->json.precision == 3 || request->health_json.precision == 3;
    short rival = request->json.quality > request->health_json.quality ? request->json.quality
                                                                       : request->health_json.quality;
    return request->html.quality > rival ||
           (request->html.quality == rival && rival > 0 && request->html.precision == 3 && !is_json_named);
}

/* The empty line has come: concludes. */
static void finish(struct request *request) {
    if (!is_host_sound(request)) {
        refuse(request, 400);
        return;
    }
    request->part = REQUEST_FINISHED;
    request->keeps_alive =
        !request->has_body && !request->says_close && (request->is_http_1_1 || request->says_keep_alive);
    request->wants_health_json = request->health_json.precision == 3 && request->health_json.quality > 0;
    request->prefers_html = prefers_html(request);
    request->prefers_openmetrics = request->openmetrics.precision == 3 && request->openmetrics.quality > 0 &&
                                   request->openmetrics.quality >= request->text.quality;
    if (!request->is_get)
        request->refusal = 405;
    else if (request->has_body)
        request->refusal = 400;
}

static void read_line(struct request *request, const char *bytes, struct span line) {
    bool is_sound = true;
    switch (request->part) {
    case REQUEST_BEFORE:
    case REQUEST_LINE:
        if (line.length == 0 && request->part == REQUEST_BEFORE) {
            request->part = REQUEST_LINE;
        } else {
            request->part = REQUEST_FIELDS;
            is_sound = read_request_line(request, bytes, line);
        }
        break;
    case REQUEST_FIELDS:
        if (line.length == 0)
            finish(request);
        else
            is_sound = read_field(request, bytes, line);
        break;
    case REQUEST_FINISHED: break;
    }
    if (!is_sound)
        refuse(request, 400);
}

/* Takes the next byte. */
static void read_byte(struct request *request, const char *bytes) {
    size_t at = request->length++;
    unsigned char c = (unsigned char)bytes[at];
    bool ends_line = request->has_cr && c == '\n';
    bool is_control = (c < 0x20 && c != '\t' && c != '\r') || c == 0x7f;
    if (!ends_line && (request->has_cr || is_control)) {
        refuse(request, 400); /* a bare CR or LF, NUL, or another control character */
        return;
    }
    request->has_cr = c == '\r';
    if (ends_line) {
        read_line(request, bytes, (struct span){bytes + request->line_start, at - 1 - request->line_start});
        request->line_start = at + 1;
    }
}

void request_init(struct request *request) {
    *request = (struct request){0};
}

bool request_read(struct request *request, const char *bytes, size_t length) {
    while (request->part != REQUEST_FINISHED && request->length < length) {
        read_byte(request, bytes);
        if (request->part != REQUEST_FINISHED && request->length == REQUEST_HEAD_MAX)
            refuse(request, 431);
    }
    return request->part == REQUEST_FINISHED;
}
