/* Renders a snapshot as the status page: the verdict in words on top, then one row a check, the worst first.
 */
#include "render/html.h"

#include "render/html_parts.h"
#include "report/style.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 5 };

/* -- the verdict -- */

static size_t count_of(const struct snapshot *snapshot, bool (*is_meant)(const struct check_view *)) {
    size_t count = 0;
    for (size_t i = 0; i < snapshot->check_count; i++)
        count += is_meant(&snapshot->checks[i]) ? 1 : 0;
    return count;
}

static bool is_starting(const struct check_view *check) {
    return check->status == STATUS_STARTING;
}

/* Not ready, and nothing is known to be wrong. */
static bool is_only_starting(const struct snapshot *snapshot) {
    return snapshot_is_live(snapshot) && snapshot_override(snapshot) == REASON_OK &&
           !snapshot_is_ready(snapshot) && count_of(snapshot, check_view_fails) == 0;
}

static enum status page_status(const struct snapshot *snapshot) {
    if (!snapshot_is_live(snapshot))
        return STATUS_ERROR;
    return is_only_starting(snapshot) ? STATUS_STARTING : snapshot_status(snapshot);
}

static void append_verdict(struct strbuf *page, const struct snapshot *snapshot) {
    enum reason override = snapshot_override(snapshot);
    if (override != REASON_OK)
        strbuf_format(page, "Not ready: %s", reason_info(override)->slug);
    else if (!snapshot_is_live(snapshot))
        strbuf_append(page, snapshot_is_ready(snapshot) ? "Not live" : "Not live, not ready");
    else if (is_only_starting(snapshot))
        strbuf_append(page, "Not ready yet: starting");
    else if (!snapshot_is_ready(snapshot))
        strbuf_append(page, "Not ready");
    else
        strbuf_append(page, snapshot_status(snapshot) == STATUS_OK ? "Ready" : "Ready, but degraded");
}

/* Who, what and for how long: all that counts, in one line. */
static void append_culprit(struct strbuf *page, const struct check_view *check, int64_t now_ms) {
    strbuf_append(page, "<bdi>");
    html_text(page, check->name);
    strbuf_append(page, "</bdi>");
    if (is_starting(check))
        return;
    strbuf_format(page, " (<code>%s</code> for ", reason_info(check->reason)->slug);
    html_duration(page, now_ms - check->since_ms);
    strbuf_append(page, ")");
}

/* "1 of 5 checks fails: default (refused for 5 min)." Nothing where there is none. */
static void append_names(struct strbuf *page, const struct snapshot *snapshot,
    bool (*is_meant)(const struct check_view *), const char *one, const char *many) {
    size_t count = count_of(snapshot, is_meant), told = 0;
    if (count == 0)
        return;
    strbuf_format(page, "<p class=\"lead\">%zu of %zu %s %s: ", count, snapshot->check_count,
        snapshot->check_count == 1 ? "check" : "checks", count == 1 ? one : many);
    for (size_t i = 0; i < snapshot->check_count && told < NAMES_MAX; i++) {
        if (!is_meant(&snapshot->checks[i]))
            continue;
        strbuf_append(page, told++ > 0 ? ", " : "");
        append_culprit(page, &snapshot->checks[i], snapshot->now_ms);
    }
    if (told < count)
        strbuf_format(page, " and %zu more", count - told);
    strbuf_append(page, ".</p>\n");
}

static void append_sentence(struct strbuf *page, const char *class_name, const char *text) {
    if (!text)
        return;
    strbuf_format(page, "<p class=\"%s\">", class_name);
    html_text(page, text);
    strbuf_append(page, "</p>\n");
}

/* Why: first what stands above all checks, then the checks by name. */
static void append_why(struct strbuf *page, const struct snapshot *snapshot) {
    enum reason override = snapshot_override(snapshot);
    if (override != REASON_OK) {
        append_sentence(page, "lead", reason_info(override)->sentence);
        append_sentence(page, "hint", reason_info(override)->hint);
    }
    if (!snapshot_is_live(snapshot)) {
        strbuf_append(page, "<p class=\"lead\">Bugsink counts as dead, and the liveness probe restarts it: ");
        html_text(page, reason_info(snapshot->live_reason)->sentence);
        strbuf_append(page, "</p>\n");
    }
    if (snapshot->check_count == 0)
        append_sentence(page, "lead", "No checks are configured.");
    else if (override == REASON_OK && page_status(snapshot) == STATUS_OK)
        strbuf_format(page, "<p class=\"lead\">%s</p>\n",
            snapshot->check_count == 1 ? "The one check passed." : "All checks passed.");
    append_names(page, snapshot, check_view_fails, "fails", "fail");
    append_names(page, snapshot, check_view_lowers, "needs a look", "need a look");
    append_names(page, snapshot, is_starting, "has no result yet", "have no result yet");
}

static void append_fact(struct strbuf *page, const char *what, const char *value) {
    strbuf_format(page, "<div><dt>%s</dt><dd><bdi>", what);
    html_text(page, value);
    strbuf_append(page, "</bdi></dd></div>");
}

static void append_header(struct strbuf *page, const struct snapshot *snapshot) {
    enum status status = page_status(snapshot);
    strbuf_format(page, "<header class=\"verdict %s\">\n<p class=\"brand\">Bugsink health</p>\n<h1>",
        status_name(status));
    html_mark(page, status);
    append_verdict(page, snapshot);
    strbuf_append(page, "</h1>\n");
    append_why(page, snapshot);
    if (strcmp(snapshot->sidecar_config, "ok") != 0) {
        strbuf_append(page, "<p class=\"notice\">Configuration: ");
        html_text(page, snapshot->sidecar_config);
        strbuf_append(page, ".</p>\n");
    }
    strbuf_append(page, "<dl class=\"facts\">");
    append_fact(page, "Live", snapshot_is_live(snapshot) ? "yes" : "no");
    append_fact(page, "Ready", snapshot_is_ready(snapshot) ? "yes" : "no");
    append_fact(page, "Started", snapshot->has_started ? "yes" : "no");
    if (strcmp(snapshot->app_version, "unknown") != 0)
        append_fact(page, "Bugsink", snapshot->app_version);
    strbuf_append(page, "<div><dt>As of</dt><dd>");
    html_time(page, snapshot->now_ms);
    strbuf_append(page, "</dd></div></dl>\n</header>\n");
}

/* -- what changed -- */

static void append_change(struct strbuf *page, const struct change *change, int64_t now_ms) {
    strbuf_format(page, "<li class=\"%s\">", status_name(change->status));
    html_mark(page, change->status);
    strbuf_append(page, "<bdi>");
    html_text(page, change->name);
    strbuf_format(page, "</bdi> <span>%s", status_name(change->status));
    if (change->reason != REASON_OK)
        strbuf_format(page, " <code>%s</code>", reason_info(change->reason)->slug);
    strbuf_append(page, "</span> <span class=\"when\">");
    html_time(page, change->wall_ms);
    strbuf_append(page, ", ");
    html_duration(page, now_ms - change->wall_ms);
    strbuf_append(page, " ago</span></li>\n");
}

static void append_changes(struct strbuf *page, const struct snapshot *snapshot) {
    if (!snapshot->changes || snapshot->changes->count == 0)
        return;
    strbuf_append(page, "<section>\n<h2>Last changes</h2>\n<ul class=\"changes\">\n");
    const struct change *change;
    for (size_t i = 0; (change = changes_at(snapshot->changes, i)) != NULL; i++)
        append_change(page, change, snapshot->now_ms);
    strbuf_append(page, "</ul>\n</section>\n");
}

/* -- the checks -- */

static int rank(const struct check_view *check) {
    return check_view_fails(check)            ? 0
           : check->status == STATUS_ERROR    ? 1
           : check->status == STATUS_DEGRADED ? 2
           : check->status == STATUS_STARTING ? 3
                                              : 4;
}

/* Alike ones stay in the order in which they are configured. */
static int compare_checks(const void *a, const void *b) {
    const struct check_view *one = *(const struct check_view *const *)a;
    const struct check_view *other = *(const struct check_view *const *)b;
    if (rank(one) != rank(other))
        return rank(one) - rank(other);
    return one < other ? -1 : one > other;
}

static void append_tally(struct strbuf *page, const struct snapshot *snapshot) {
    static const enum status ORDER[] = {STATUS_ERROR, STATUS_DEGRADED, STATUS_STARTING, STATUS_OK};
    const char *separator = " <span class=\"tally\">";
    for (size_t i = 0; i < sizeof ORDER / sizeof ORDER[0]; i++) {
        size_t count = 0;
        for (size_t j = 0; j < snapshot->check_count; j++)
            count += snapshot->checks[j].status == ORDER[i] ? 1 : 0;
        if (count == 0)
            continue;
        strbuf_format(page, "%s%zu %s", separator, count, status_name(ORDER[i]));
        separator = ", ";
    }
    if (*separator == ',')
        strbuf_append(page, "</span>");
}

static void append_checks(
    struct strbuf *page, const struct snapshot *snapshot, const struct check_view **sorted) {
    size_t count = snapshot->check_count;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &snapshot->checks[i];
    if (count > 1)
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers it is */
        qsort(sorted, count, sizeof *sorted, compare_checks);
    strbuf_append(page, "<main>\n<h2>Checks");
    append_tally(page, snapshot);
    strbuf_append(page, "</h2>\n<ul>\n");
    for (size_t i = 0; i < count && i < HTML_CHECKS_MAX; i++)
        html_check(page, sorted[i], i, i < HTML_CHARTS_MAX, snapshot->now_ms);
    strbuf_append(page, "</ul>\n");
    if (count > HTML_CHECKS_MAX)
        strbuf_format(page, "<p>And %zu more, none worse than these: ask for JSON to see them.</p>\n",
            count - HTML_CHECKS_MAX);
    if (count > 0)
        html_legend(page);
    append_changes(page, snapshot);
    strbuf_append(page, "</main>\n");
}

static void append_footer(struct strbuf *page, const struct snapshot *snapshot) {
    strbuf_append(page, "<footer>bugsink-health ");
    html_text(page, snapshot->sidecar_version);
    strbuf_append(page, ", running since ");
    html_time(page, snapshot->started_at_ms);
    strbuf_append(page, ". All times are UTC. This page looks again every 10 seconds; the same as JSON: "
                        "<code>curl</code> this address.");
}

char *html_health(const struct snapshot *snapshot) {
    struct strbuf page = {0};
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers it is */
    const struct check_view **sorted = calloc(snapshot->check_count + 1, sizeof *sorted);
    if (!sorted)
        return NULL;
    strbuf_append(&page, style_page_open());
    html_icon(&page, page_status(snapshot));
    strbuf_append(&page, "<title>");
    append_verdict(&page, snapshot);
    strbuf_format(&page, " - Bugsink health</title>\n<style>%s</style>\n</head>\n<body>\n", style_sheet());
    html_marks(&page);
    append_header(&page, snapshot);
    append_checks(&page, snapshot, sorted);
    append_footer(&page, snapshot);
    strbuf_append(&page, style_page_close());
    free(sorted);
    if (page.is_broken)
        strbuf_release(&page);
    return page.data;
}
