/* The row of one check on the status page. */
#include "render/html_parts.h"

#include "render/figures.h"

#include <inttypes.h>

static void append_name(struct strbuf *page, const struct check_view *check) {
    strbuf_append(page, "<div class=\"name\"><h3><bdi>");
    html_text(page, check->name);
    strbuf_append(page, "</bdi></h3> <span class=\"kind\">");
    html_text(page, check->kind);
    strbuf_append(page, check->is_critical ? "</span>" : ", not critical</span>");
    strbuf_format(page, " <span class=\"code\"><code>%s</code>", reason_info(check->reason)->slug);
    if (phase_name(check->phase))
        strbuf_format(page, " in phase %s", phase_name(check->phase));
    strbuf_append(page, "</span></div>\n");
}

static void append_words(struct strbuf *page, const struct check_view *check) {
    char message[CHECK_MESSAGE_SIZE], memory[CHECK_HINT_SIZE];
    const char *hint = check_view_hint(check, false, memory);
    strbuf_append(page, "<p>");
    html_text(page, check_view_message(check, message));
    strbuf_append(page, "</p>\n");
    if (!hint)
        return;
    strbuf_append(page, "<p class=\"hint\">");
    html_text(page, hint);
    strbuf_append(page, "</p>\n");
}

static void append_moment(struct strbuf *page, const char *what, int64_t wall_ms, int64_t now_ms) {
    strbuf_format(page, "<div><dt>%s</dt><dd>", what);
    if (wall_ms > 0) {
        html_time(page, wall_ms);
        strbuf_append(page, ", ");
        html_duration(page, now_ms - wall_ms);
        strbuf_append(page, " ago");
    } else {
        strbuf_append(page, "never");
    }
    strbuf_append(page, "</dd></div>");
}

static void append_facts(struct strbuf *page, const struct check_view *check, int64_t now_ms) {
    strbuf_append(page, "<dl class=\"facts\">");
    append_moment(page, "Since", check->since_ms, now_ms);
    if (check->has_run)
        strbuf_format(page, "<div><dt>Latency</dt><dd>%" PRId64 " ms</dd></div>", check->latency_ms);
    if (check->status != STATUS_OK && check->status != STATUS_DEGRADED)
        append_moment(page, "Last well", check->last_ok_at_ms, now_ms);
    if (check->consecutive_failures > 1)
        strbuf_format(page, "<div><dt>Failed</dt><dd>%" PRId64 " times in a row</dd></div>",
            check->consecutive_failures);
    strbuf_append(page, "</dl>\n");
}

/* In words: the machine values are in JSON and in the log. */
static void append_figures(struct strbuf *page, const struct check_view *check) {
    struct strbuf figures = {0};
    figures_append(&figures, check);
    if (figures.length > 0) {
        strbuf_append(page, "<p class=\"figures\">");
        html_text(page, figures.data);
        strbuf_append(page, "</p>\n");
    }
    page->is_broken = page->is_broken || figures.is_broken;
    strbuf_release(&figures);
}

void html_check(
    struct strbuf *page, const struct check_view *check, size_t number, bool has_chart, int64_t now_ms) {
    strbuf_format(page, "<li class=\"check %s\">\n<p class=\"state\">", status_name(check->status));
    html_mark(page, check->status);
    strbuf_format(page, "%s</p>\n<div>\n", status_name(check->status));
    append_name(page, check);
    append_words(page, check);
    append_facts(page, check, now_ms);
    append_figures(page, check);
    strbuf_append(page, "</div>\n");
    if (has_chart)
        html_chart(page, check, number, now_ms);
    strbuf_append(page, "</li>\n");
}
