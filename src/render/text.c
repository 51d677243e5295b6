/* Renders snapshots as text for people. */
#include "render/text.h"

#include "base/clock.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
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

void text_elapsed(int64_t ms, char text[TEXT_ELAPSED_SIZE]) {
    int64_t s = ms < 0 ? 0 : ms / 1000, minutes = s / 60, hours = minutes / 60;
    if (minutes == 0)
        snprintf(text, TEXT_ELAPSED_SIZE, "%" PRId64 "s", s);
    else if (hours == 0)
        snprintf(text, TEXT_ELAPSED_SIZE, "%" PRId64 "m%02" PRId64 "s", minutes, s % 60);
    else if (hours < 24)
        snprintf(text, TEXT_ELAPSED_SIZE, "%" PRId64 "h%02" PRId64 "m", hours, minutes % 60);
    else
        snprintf(text, TEXT_ELAPSED_SIZE, "%" PRId64 "d%02" PRId64 "h", hours / 24, hours % 24);
}

const char *text_readiness(enum status status) {
    return status == STATUS_OK ? "ready" : status == STATUS_DEGRADED ? "ready, but degraded" : "not ready";
}

char *text_round(const struct snapshot *snapshot) {
    struct strbuf buffer = {0};
    char now[CLOCK_TEXT_SIZE];
    const char *separator = ": ";
    clock_format_utc(snapshot->now_ms, now);
    strbuf_format(&buffer, "%.19sZ %s", now, text_readiness(snapshot_status(snapshot)));
    if (snapshot_override(snapshot) != REASON_OK) {
        strbuf_format(&buffer, "%s%s", separator, reason_info(snapshot_override(snapshot))->slug);
        separator = ", ";
    }
    for (size_t i = 0; i < snapshot->check_count; i++) {
        const struct check_view *check = &snapshot->checks[i];
        if (check->status == STATUS_OK)
            continue;
        strbuf_format(&buffer, "%s%s %s %s", separator, check->name, status_name(check->status),
            reason_info(check->reason)->slug);
        separator = ", ";
    }
    strbuf_append(&buffer, "\n");
    return finish(&buffer);
}

char *text_line(const struct check_view *check) {
    struct strbuf buffer = {0};
    const struct reason_info *info = reason_info(check->reason);
    if (check->status == STATUS_OK || check->status == STATUS_STARTING) {
        strbuf_format(&buffer, "%s: %s\n", check->name, status_name(check->status));
    } else {
        char message[CHECK_MESSAGE_SIZE];
        strbuf_format(&buffer, "%s: %s: %s. %s\n", check->name, status_name(check->status), info->slug,
            check_view_message(check, message));
    }
    return finish(&buffer);
}

char *text_waiting_line(const struct check_view *check) {
    struct strbuf buffer = {0};
    char message[CHECK_MESSAGE_SIZE];
    strbuf_format(&buffer, "%s: %s. %s\n", check->name, reason_info(check->reason)->slug,
        check_view_message(check, message));
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
