/* Renders snapshots as text for people. */
#include "render/text.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static char *finish(struct strbuf *buffer) {
    if (!buffer->is_broken)
        return buffer->data;
    strbuf_release(buffer);
    return NULL;
}

char *text_live(const struct snapshot *snapshot) {
    struct strbuf buffer = {0};
    const struct reason_info *info = reason_info(snapshot->live_reason);
    if (snapshot_is_live(snapshot))
        strbuf_append(&buffer, "OK\n");
    else
        strbuf_format(&buffer, "%s: %s: %s\n", snapshot->live_check, info->slug, info->sentence);
    return finish(&buffer);
}

char *text_started(const struct snapshot *snapshot) {
    struct strbuf buffer = {0};
    const char *separator = "starting: ";
    if (snapshot->has_started)
        strbuf_append(&buffer, "OK");
    for (size_t i = 0; i < snapshot->check_count && !snapshot->has_started; i++)
        if (!snapshot->checks[i].has_started) {
            strbuf_format(&buffer, "%s%s", separator, snapshot->checks[i].name);
            separator = ", ";
        }
    strbuf_append(&buffer, "\n");
    return finish(&buffer);
}

/* A mark that says the same without colour, in one ASCII character; and its terminal colour. */
static const struct {
    const char *mark, *colour;
} MARKS[] = {
    [STATUS_OK] = {"+", "\033[32m"},
    [STATUS_DEGRADED] = {"!", "\033[33m"},
    [STATUS_ERROR] = {"x", "\033[31m"},
    [STATUS_STARTING] = {".", "\033[2m"},
};

static int widest_name(const struct snapshot *snapshot) {
    size_t widest = strlen("CHECK");
    for (size_t i = 0; i < snapshot->check_count; i++)
        if (strlen(snapshot->checks[i].name) > widest)
            widest = strlen(snapshot->checks[i].name);
    return (int)widest;
}

static void append_row(struct strbuf *buffer, const struct check_view *check, int width, bool has_colour) {
    const struct reason_info *info = reason_info(check->reason);
    strbuf_format(buffer, "%s%s %-*s  %-8s  %-8s  %-16s", has_colour ? MARKS[check->status].colour : "",
        MARKS[check->status].mark, width, check->name, check->kind, status_name(check->status), info->slug);
    if (check->has_run)
        strbuf_format(buffer, "  %6" PRId64 " ms", check->latency_ms);
    if (phase_name(check->phase))
        strbuf_format(buffer, "  in phase %s", phase_name(check->phase));
    if (!check->is_critical)
        strbuf_append(buffer, "  (not critical)");
    strbuf_append(buffer, has_colour ? "\033[0m\n" : "\n");
    if (check->status == STATUS_OK)
        return;
    strbuf_format(buffer, "    %s\n", info->sentence);
    if (info->hint)
        strbuf_format(buffer, "    %s\n", info->hint);
}

char *text_table(const struct snapshot *snapshot, bool has_colour) {
    struct strbuf buffer = {0};
    int width = widest_name(snapshot);
    strbuf_format(
        &buffer, "  %-*s  %-8s  %-8s  %-16s  %9s\n", width, "CHECK", "KIND", "STATUS", "CODE", "LATENCY");
    for (size_t i = 0; i < snapshot->check_count; i++)
        append_row(&buffer, &snapshot->checks[i], width, has_colour);
    enum status status = snapshot_status(snapshot);
    strbuf_format(&buffer, "%s\n",
        status == STATUS_OK         ? "ready"
        : status == STATUS_DEGRADED ? "ready, but degraded"
                                    : "not ready");
    return finish(&buffer);
}

char *text_line(const struct check_view *check) {
    struct strbuf buffer = {0};
    const struct reason_info *info = reason_info(check->reason);
    if (check->status == STATUS_OK || check->status == STATUS_STARTING)
        strbuf_format(&buffer, "%s: %s\n", check->name, status_name(check->status));
    else
        strbuf_format(
            &buffer, "%s: %s: %s. %s\n", check->name, status_name(check->status), info->slug, info->sentence);
    return finish(&buffer);
}

/* Appends the checks that are not ok; with is_blocking only those that make the whole not ready. */
static void append_troubles(struct strbuf *buffer, const struct snapshot *snapshot, bool is_blocking) {
    const char *separator = ": ";
    for (size_t i = 0; i < snapshot->check_count; i++) {
        const struct check_view *check = &snapshot->checks[i];
        if (check->status == STATUS_OK ||
            (is_blocking && (!check->is_critical || status_is_ready(check->status))))
            continue;
        strbuf_format(buffer, "%s%s: %s", separator, check->name, reason_info(check->reason)->slug);
        separator = ", ";
    }
}

char *text_verdict(const struct snapshot *snapshot) {
    struct strbuf buffer = {0};
    enum reason override = snapshot_override(snapshot);
    if (!snapshot_is_live(snapshot))
        strbuf_append(&buffer, "Not live. ");
    if (override != REASON_OK) {
        strbuf_format(&buffer, "Not ready: %s", reason_info(override)->slug);
    } else if (!snapshot_is_ready(snapshot)) {
        strbuf_append(&buffer, "Not ready");
        append_troubles(&buffer, snapshot, true);
    } else {
        strbuf_append(&buffer, snapshot_status(snapshot) == STATUS_OK ? "Ready" : "Ready, but degraded");
        append_troubles(&buffer, snapshot, false);
    }
    strbuf_append(&buffer, ".");
    return finish(&buffer);
}
