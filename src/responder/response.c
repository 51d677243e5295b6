/* Composes the head of an answer: always the same fields in the same order. */
#include "responder/response.h"

#include "base/clock.h"
#include "report/page.h"
#include "report/style.h"

#include <assert.h>
#include <string.h>

struct status_text {
    int status;
    const char *phrase;
    const char *text; /* the body, where the status is our own doing */
};

static const struct status_text STATUS_TEXTS[] = {
    {200, "OK", NULL},
    {400, "Bad Request", "400: this is not a well-formed GET request without a body.\n"},
    {404, "Not Found", "404: there is no such page.\n"},
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

/* Copies: printf's way of looking for a format cost more than reading the request. */
static inline void put(struct response *response, const char *text) {
    size_t length = strlen(text);
    assert(
        response->head_length + length < sizeof response->head); /* all fields are bounded; there is room */
    memcpy(response->head + response->head_length, text, length + 1);
    response->head_length += length;
}

static void put_number(struct response *response, uint64_t number) {
    char digits[24], *at = digits + sizeof digits - 1;
    *at = '\0';
    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    put(response, at);
}

static void put_two_digits(struct response *response, int number) {
    const char digits[3] = {(char)('0' + number / 10 % 10), (char)('0' + number % 10), '\0'};
    put(response, digits);
}

/* RFC 9110, section 5.6.7. The names are our own: strftime's follow the locale. */
static void put_date(struct response *response, int64_t wall_ms) {
    static const char DAYS[][6] = {"Sun, ", "Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, "};
    static const char MONTHS[][6] = {" Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ", " Jul ", " Aug ",
        " Sep ", " Oct ", " Nov ", " Dec "};
    struct clock_date date = clock_date_of(wall_ms);
    put(response, "Date: ");
    put(response, DAYS[date.weekday]);
    put_two_digits(response, date.day);
    put(response, MONTHS[date.month - 1]);
    put_two_digits(response, date.year / 100);
    put_two_digits(response, date.year % 100);
    put(response, " ");
    put_two_digits(response, date.hour);
    put(response, ":");
    put_two_digits(response, date.minute);
    put(response, ":");
    put_two_digits(response, date.second);
    put(response, " GMT\r\n");
}

static const char *type_for(const struct answer *answer) {
    if (answer->prefers_health_json && strcmp(answer->type, PAGE_TYPE_JSON) == 0)
        return "application/health+json";
    return answer->type;
}

/* Whether another Accept field could have had another answer. */
static bool is_negotiated(const struct answer *answer) {
    return strcmp(answer->type, PAGE_TYPE_TEXT) != 0;
}

/* What a browser is told: to look again, and to let the page do nothing but be read. */
static void put_for_people(struct response *response) {
    put(response, "Refresh: ");
    put_number(response, RESPONSE_REFRESH_S);
    put(response, "\r\nContent-Security-Policy: ");
    put(response, style_policy());
    put(response, "\r\nReferrer-Policy: no-referrer\r\n");
}

/* So that a client with pauses of its own knows which of them the connection survives. */
static void put_keep_alive(struct response *response, uint64_t idle_s) {
    put(response, "Keep-Alive: timeout=");
    put_number(response, idle_s);
    put(response, "\r\n");
}

void response_compose(struct response *response, const struct answer *answer, int64_t wall_ms) {
    assert(strlen(answer->type) <= RESPONSE_TYPE_MAX);
    response->head_length = 0;
    put(response, "HTTP/1.1 ");
    put_number(response, (uint64_t)answer->status);
    put(response, " ");
    put(response, status_text(answer->status)->phrase);
    put(response, "\r\n");
    put_date(response, wall_ms);
    put(response, "Content-Type: ");
    put(response, type_for(answer));
    put(response, "\r\nContent-Length: ");
    put_number(response, answer->body_length + answer->tail_length);
    put(response, "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nAge: ");
    put_number(response, answer->age_s > 0 ? (uint64_t)answer->age_s : 0);
    put(response, "\r\n");
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
    if (answer->keeps_alive && answer->idle_s > 0)
        put_keep_alive(response, (uint64_t)answer->idle_s);
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
    answer->type = PAGE_TYPE_TEXT;
    answer->body = text;
    answer->body_length = strlen(text);
    answer->age_s = 0;
    answer->takes_metrics = answer->takes_probes = false;
}
