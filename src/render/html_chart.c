/* The last hour of a check, drawn: states as bars whose height says the same as their colour, and the latency
 * as a line of steps. */
#include "render/html_parts.h"

#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

static const char STEP[] = "h4"; /* SLOT_WIDTH to the right */

enum {
    SLOT_WIDTH = 4,
    WIDTH = HISTORY_SLOTS * SLOT_WIDTH,
    STRIP_HEIGHT = 20,
    PLOT_TOP = 26,
    PLOT_BOTTOM = 54,
    HEIGHT = PLOT_BOTTOM + 1,
};

static const int BAR_HEIGHTS[] = {
    [STATUS_OK] = 7, [STATUS_DEGRADED] = 13, [STATUS_ERROR] = STRIP_HEIGHT, [STATUS_STARTING] = 2};

static const char *slot_word(enum status status) {
    return status == STATUS_STARTING ? "not known" : status_name(status);
}

/* HH:MM of the wall clock. */
static void append_minute(struct strbuf *page, int64_t wall_ms) {
    char text[CLOCK_TEXT_SIZE];
    clock_format_utc(wall_ms, text);
    strbuf_format(page, "%.5s", text + strlen("2026-11-23T"));
}

/* Slots from..to-1, which are alike. */
static void append_bar(struct strbuf *page, const struct history *history, int from, int to, int64_t now_ms) {
    const struct history_slot *slot = history_slot(history, from);
    enum status status = (enum status)slot->status;
    int height = BAR_HEIGHTS[status];
    strbuf_format(page, "<rect class=\"bar %s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"",
        status_name(status), from * SLOT_WIDTH, STRIP_HEIGHT - height, (to - from) * SLOT_WIDTH, height);
    if (status != STATUS_DEGRADED && status != STATUS_ERROR) {
        strbuf_append(page, "/>");
        return;
    }
    strbuf_format(
        page, "><title>%s: %s, ", status_name(status), reason_info((enum reason)slot->reason)->slug);
    append_minute(page, now_ms - history_age_ms(history, from));
    strbuf_append(page, " to ");
    append_minute(page, now_ms - history_age_ms(history, to));
    strbuf_append(page, " UTC</title></rect>");
}

static bool are_alike(const struct history_slot *a, const struct history_slot *b) {
    return a->status == b->status && a->reason == b->reason;
}

static void append_strip(struct strbuf *page, const struct history *history, int64_t now_ms) {
    for (int from = 0, to; from < HISTORY_SLOTS; from = to) {
        for (to = from + 1; to < HISTORY_SLOTS; to++)
            if (!are_alike(history_slot(history, from), history_slot(history, to)))
                break;
        append_bar(page, history, from, to, now_ms);
    }
}

/* -- latency -- */

static bool has_latency(const struct history_slot *slot) {
    return slot->latency_ms != HISTORY_NO_RUN;
}

static int longest_ms(const struct history *history) {
    int longest = 0;
    for (int i = 0; i < HISTORY_SLOTS; i++)
        if (has_latency(history_slot(history, i)) && history_slot(history, i)->latency_ms > longest)
            longest = history_slot(history, i)->latency_ms;
    return longest;
}

/* The top of the scale: 1, 2 or 5 times a power of ten, and never so low that noise looks like news. */
static int scale_ms(int longest) {
    static const int TOPS[] = {10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000};
    for (size_t i = 0; i < sizeof TOPS / sizeof TOPS[0]; i++)
        if (longest <= TOPS[i])
            return TOPS[i];
    return 100000;
}

static void append_curve(struct strbuf *page, const struct history *history, int scale) {
    bool is_down = false;
    int last_y = 0;
    strbuf_append(page, "<path class=\"curve\" d=\"");
    for (int i = 0; i < HISTORY_SLOTS; i++) {
        const struct history_slot *slot = history_slot(history, i);
        if (!has_latency(slot)) {
            is_down = false;
            continue;
        }
        int tenths = slot->latency_ms * (PLOT_BOTTOM - PLOT_TOP) * 10 / scale;
        int y = PLOT_BOTTOM * 10 - tenths;
        if (!is_down)
            strbuf_format(page, "M%d %d.%d", i * SLOT_WIDTH, y / 10, y % 10);
        else if (y != last_y)
            strbuf_format(page, "V%d.%d", y / 10, y % 10);
        strbuf_append(page, STEP);
        is_down = true;
        last_y = y;
    }
    strbuf_append(page, "\"/>");
}

/* -- the whole -- */

static void append_description(struct strbuf *page, const struct history *history) {
    int minutes[STATUS_STARTING + 1] = {0};
    for (int i = 0; i < HISTORY_SLOTS; i++)
        minutes[history_slot(history, i)->status]++;
    const char *separator = "";
    for (int status = STATUS_OK; status <= STATUS_STARTING; status++)
        if (minutes[status] > 0) {
            strbuf_format(page, "%s%s %d min", separator, slot_word((enum status)status), minutes[status]);
            separator = ", ";
        }
}

void html_chart(struct strbuf *page, const struct check_view *check, size_t number, int64_t now_ms) {
    const struct history *history = check->history;
    if (!history)
        return;
    int longest = longest_ms(history), scale = scale_ms(longest);
    strbuf_format(page,
        "<figure class=\"hour\"><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"t%zu d%zu\"><title "
        "id=\"t%zu\">The last hour of ",
        WIDTH, HEIGHT, number, number, number);
    html_text(page, check->name);
    strbuf_format(page, "</title><desc id=\"d%zu\">", number);
    append_description(page, history);
    strbuf_format(page, "; longest run %d ms</desc><path class=\"frame\" d=\"M0 %d.5H%d\"/>", longest,
        PLOT_BOTTOM, WIDTH);
    append_strip(page, history, now_ms);
    append_curve(page, history, scale);
    strbuf_format(page,
        "</svg><figcaption><span>1 h ago</span><span>latency, 0 to %d %s</span><span>now</span></figcaption>"
        "</figure>\n",
        scale < 1000 ? scale : scale / 1000, scale < 1000 ? "ms" : "s");
}

void html_legend(struct strbuf *page) {
    static const enum status ORDER[] = {STATUS_OK, STATUS_DEGRADED, STATUS_ERROR, STATUS_STARTING};
    strbuf_append(page, "<p class=\"legend\">The last hour, minute by minute: ");
    for (size_t i = 0; i < sizeof ORDER / sizeof ORDER[0]; i++)
        strbuf_format(page,
            "<span><svg viewBox=\"0 0 13 20\" aria-hidden=\"true\"><rect class=\"bar %s\" y=\"%d\" "
            "width=\"13\" height=\"%d\"/></svg>%s</span>",
            status_name(ORDER[i]), STRIP_HEIGHT - BAR_HEIGHTS[ORDER[i]], BAR_HEIGHTS[ORDER[i]],
            slot_word(ORDER[i]));
    strbuf_append(page, "</p>\n");
}
