/* The parts of the status page. Internal to the renderer of HTML. Each appends to a buffer, which notes when
 * memory is out. */
#ifndef BH_RENDER_HTML_PARTS_H
#define BH_RENDER_HTML_PARTS_H

#include "base/str.h"
#include "report/snapshot.h"

#include <stdbool.h>

/* Text as it may stand in an element or a quoted attribute: markup is escaped, and what is no character (a
 * control character, bytes that are no UTF-8) becomes U+FFFD. */
void html_text(struct strbuf *page, const char *text);

/* A moment: 2026-11-23 10:00:00 UTC. */
void html_time(struct strbuf *page, int64_t wall_ms);

/* A span of time in one or two units: 5 s, 12 min, 3 h 5 min, 2 d 4 h. Negative counts as none. */
void html_duration(struct strbuf *page, int64_t ms);

/* The shape of a state, beside which its word stands. */
void html_mark(struct strbuf *page, enum status status);

/* The shapes that html_mark uses, once a page. */
void html_marks(struct strbuf *page);

/* The icon of the tab, in the shape of that state. */
void html_icon(struct strbuf *page, enum status status);

/* The last hour of a check as a picture: a strip of states, and the latency under it. number tells it from
 * the others of the page. Nothing for a check without a history. */
void html_chart(struct strbuf *page, const struct check_view *check, size_t number, int64_t now_ms);

/* What the strip's heights mean. */
void html_legend(struct strbuf *page);

/* The row of one check. */
void html_check(
    struct strbuf *page, const struct check_view *check, size_t number, bool has_chart, int64_t now_ms);

#endif
