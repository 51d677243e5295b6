/* Texts, times and marks of the status page. */
#include "render/html_parts.h"

#include "base/clock.h"
#include "render/figures.h"

#include <inttypes.h>
#include <string.h>

static const char REPLACEMENT[] = "\xef\xbf\xbd";

/* NULL: it may stand as it is. */
static const char *escape_of(char c) {
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return (unsigned char)c < 0x20 || c == 0x7f ? REPLACEMENT : NULL;
    }
}

/* U+0080 to U+009F: control characters, of two bytes. */
static bool is_wide_control(const char *text, size_t length) {
    return length == 2 && (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0;
}

/* What stands in the place of the character that text starts with (of that length; 0: it is none); NULL:
 * itself. */
static const char *replacement_of(const char *text, size_t length) {
    if (length == 1)
        return escape_of(*text);
    return length == 0 || is_wide_control(text, length) ? REPLACEMENT : NULL;
}

void html_text(struct strbuf *page, const char *text) {
    const char *plain = text; /* from here on all is as it may stand */
    while (*text) {
        size_t length = str_utf8_length(text);
        const char *replacement = replacement_of(text, length);
        if (replacement) {
            strbuf_append_n(page, plain, (size_t)(text - plain));
            strbuf_append(page, replacement);
        }
        text += length > 0 ? length : 1;
        if (replacement)
            plain = text;
    }
    strbuf_append_n(page, plain, (size_t)(text - plain));
}

void html_time(struct strbuf *page, int64_t wall_ms) {
    char text[CLOCK_TEXT_SIZE];
    clock_format_utc(wall_ms, text); /* 2026-11-23T10:00:00.123Z */
    strbuf_format(
        page, "<time datetime=\"%s\">%.10s %.8s UTC</time>", text, text, text + strlen("2026-11-23T"));
}

void html_duration(struct strbuf *page, int64_t ms) {
    figures_append_span(page, ms > 0 ? ms / 1000 * 1000 : 0);
}

void html_mark(struct strbuf *page, enum status status) {
    strbuf_format(
        page, "<svg class=\"mark\" aria-hidden=\"true\"><use href=\"#%s\"/></svg>", status_name(status));
}

void html_marks(struct strbuf *page) {
    strbuf_append(page,
        "<svg width=\"0\" height=\"0\" aria-hidden=\"true\">"
        "<symbol id=\"ok\" viewBox=\"0 0 20 20\"><circle cx=\"10\" cy=\"10\" r=\"9\" stroke=\"none\"/>"
        "<path class=\"in\" d=\"M5.8 10.4l2.9 2.9 5.6-6.2\"/></symbol>"
        "<symbol id=\"degraded\" viewBox=\"0 0 20 20\"><path d=\"M10 2.2L18.6 17.4H1.4z\" "
        "stroke-width=\"1.6\" "
        "stroke-linejoin=\"round\"/><path class=\"in\" d=\"M10 7.6v4.6M10 14.9v.1\"/></symbol>"
        "<symbol id=\"error\" viewBox=\"0 0 20 20\"><path d=\"M6.3 1h7.4L19 6.3v7.4L13.7 19H6.3L1 "
        "13.7V6.3z\" "
        "stroke=\"none\"/><path class=\"in\" d=\"M6.8 6.8l6.4 6.4M13.2 6.8l-6.4 6.4\"/></symbol>"
        "<symbol id=\"starting\" viewBox=\"0 0 20 20\"><circle class=\"ring\" cx=\"10\" cy=\"10\" r=\"7.8\"/>"
        "<circle cx=\"10\" cy=\"10\" r=\"2\" stroke=\"none\"/></symbol></svg>\n");
}

void html_icon(struct strbuf *page, enum status status) {
    static const char *const SHAPES[] = {
        [STATUS_OK] = "%3Ccircle cx='8' cy='8' r='7' fill='%234b9a70'/%3E",
        [STATUS_DEGRADED] = "%3Cpath d='M8 1l7.5 14H.5z' fill='%23d99f36'/%3E",
        [STATUS_ERROR] = ("%3Cpath d='M5 0h6l5 5v6l-5 5H5l-5-5V5z' fill='%23d8352e'/%3E"
                          "%3Cpath d='M4.5 4.5l7 7m0-7l-7 7' stroke='%23fff' stroke-width='2'/%3E"),
        [STATUS_STARTING] =
            "%3Ccircle cx='8' cy='8' r='6' fill='none' stroke='%23858b95' stroke-width='3'/%3E",
    };
    strbuf_format(page,
        "<link rel=\"icon\" href=\"data:image/svg+xml,%%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 "
        "0 16 "
        "16'%%3E%s%%3C/svg%%3E\">\n",
        SHAPES[status]);
}
