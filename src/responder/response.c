/* Composes the head of an answer: always the same fields in the same order. */
#include "responder/response.h"

#include "base/clock.h"
#include "report/page.h"
#include "report/style.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct status_text {
    int status;
    const char *phrase;
    const char *text; /* the body, where the status is our own doing */
};

static const struct status_text STATUS_TEXTS[] = {
    {200, "OK", NULL},
    {400, "Bad Request", "400: this is not a well-formed GET request without a body.\n"},
    {404, "Not Found", "404: there is no such page here.\n"},
    {405, "Method Not Allowed", "405: only GET is answered.\n"},
    {408, "Request Timeout", "408: the request was not whole in time.\n"},
    {431, "Request Header Fields Too Large", "431: the request is longer than 8 KiB.\n"},
    {503, "Service Unavailable", NULL},
};

static const struct status_text *status_text(int status) {
    size_t count = sizeof STATUS_TEXTS / sizeof STATUS_TEXTS[0];
    size_t i = 0;
    while (i < count && STATUS_TEXTS[i].status != status)
        i++;
    assert(i < count);
    return &STATUS_TEXTS[i];
}

static void put(struct response *response, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct response *response, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t room = sizeof response->head - response->head_length;
    int length = vsnprintf(response->head + response->head_length, room, format, args);
    va_end(args);
    assert(length >= 0 && (size_t)length < room); /* every field is bounded, and there is room for all */
    response->head_length += (size_t)length;
}

/* RFC 9110, section 5.6.7. The names are our own: strftime's follow the locale. */
static void put_date(struct response *response, int64_t wall_ms) {
    static const char *const DAYS[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const MONTHS[] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct clock_date date = clock_date_of(wall_ms);
    put(response, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", DAYS[date.weekday], date.day,
        MONTHS[date.month - 1], date.year, date.hour, date.minute, date.second);
}

static const char *type_for(const struct answer *answer) {
    if (answer->prefers_health_json && strcmp(answer->type, "application/json") == 0)
        return "application/health+json";
    return answer->type;
}

/* Whether another Accept field could have had another answer. */
static bool is_negotiated(const struct answer *answer) {
    return strcmp(answer->type, "text/plain; charset=utf-8") != 0;
}

/* What a browser is told: to look again, and to let the page do nothing but be read. */
static void put_for_people(struct response *response) {
    put(response, "Refresh: %d\r\n", RESPONSE_REFRESH_S);
    put(response, "Content-Security-Policy: %s\r\n", style_policy());
    put(response, "Referrer-Policy: no-referrer\r\n");
}

void response_compose(struct response *response, const struct answer *answer, int64_t wall_ms) {
    assert(strlen(answer->type) <= RESPONSE_TYPE_MAX);
    response->head_length = 0;
    put(response, "HTTP/1.1 %d %s\r\n", answer->status, status_text(answer->status)->phrase);
    put_date(response, wall_ms);
    put(response, "Content-Type: %s\r\n", type_for(answer));
    put(response, "Content-Length: %zu\r\n", answer->body_length + answer->tail_length);
    put(response, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
    put(response, "Age: %" PRId64 "\r\n", answer->age_s > 0 ? answer->age_s : 0);
    if (is_negotiated(answer))
        put(response, "Vary: Accept\r\n");
    if (strcmp(answer->type, PAGE_TYPE_HTML) == 0)
        put_for_people(response);
    if (answer->status == 405)
        put(response, "Allow: GET\r\n");
    if (!answer->keeps_alive)
        put(response, "Connection: close\r\n");
    else if (answer->is_http_1_0)
        put(response, "Connection: keep-alive\r\n");
    put(response, "\r\n");
    response->body = answer->body;
    response->body_length = answer->omits_body ? 0 : answer->body_length;
    response->tail = answer->tail;
    response->tail_length = answer->omits_body ? 0 : answer->tail_length;
}

void response_set_error(struct answer *answer, int status) {
    const char *text = status_text(status)->text;
    assert(text);
    answer->status = status;
    answer->type = "text/plain; charset=utf-8";
    answer->body = text;
    answer->body_length = strlen(text);
    answer->age_s = 0;
}
