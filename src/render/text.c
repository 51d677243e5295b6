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

/* -- the table -- */

static const char RESET[] = "\033[0m", BOLD[] = "\033[1m";

/* A mark that says the same without colour, one column wide on every terminal; and its terminal colour. */
static const struct {
    const char *ascii, *symbol, *colour;
} MARKS[] = {
    [STATUS_OK] = {"+", "\xe2\x9c\x93", "\033[32m"}, /* U+2713, check mark */
    [STATUS_DEGRADED] = {"!", "!", "\033[33m"},
    [STATUS_ERROR] = {"x", "\xe2\x9c\x97", "\033[31m"}, /* U+2717, ballot x */
    [STATUS_STARTING] = {".", ".", "\033[2m"},
};

struct widths {
    int name, kind, code;
};

static void widen(int *width, const char *text) {
    int length = (int)strlen(text);
    if (length > *width)
        *width = length;
}

static struct widths find_widths(const struct snapshot *snapshot) {
    struct widths widths = {0};
    widen(&widths.name, "CHECK");
    widen(&widths.kind, "KIND");
    widen(&widths.code, "CODE");
    for (size_t i = 0; i < snapshot->check_count; i++) {
        widen(&widths.name, snapshot->checks[i].name);
        widen(&widths.kind, snapshot->checks[i].kind);
        widen(&widths.code, reason_info(snapshot->checks[i].reason)->slug);
    }
    return widths;
}

static void append_words(struct strbuf *buffer, const char *sentence, const char *hint) {
    strbuf_format(buffer, "    %s\n", sentence);
    if (hint)
        strbuf_format(buffer, "    %s\n", hint);
}

static void append_reason(struct strbuf *buffer, const struct reason_info *info) {
    append_words(buffer, info->sentence, info->hint);
}

/* A character of the driver's that a terminal shows as it is: no control character, of C1 neither. Returns
 * its bytes. */
static size_t harmless_length(const char *text, unsigned style) {
    unsigned char c = (unsigned char)*text;
    if (c < 0x80)
        return c >= 0x20 && c != 0x7f;
    bool is_c1 = c == 0xc2 && (unsigned char)text[1] < 0xa0;
    return (style & TEXT_SYMBOLS) && !is_c1 ? str_utf8_length(text) : 0;
}

static void append_harmless(struct strbuf *buffer, const char *text, unsigned style) {
    while (*text) {
        size_t length = harmless_length(text, style);
        strbuf_append_n(buffer, length > 0 ? text : "?", length > 0 ? length : 1);
        text += length > 0 ? length : 1;
    }
}

char *text_driver(const struct check_view *check, unsigned style) {
    struct strbuf buffer = {0};
    bool has_code = check->driver_code && *check->driver_code, has_detail = check->detail && *check->detail;
    if (!has_code && !has_detail)
        return NULL;
    append_harmless(&buffer, has_code ? check->driver_code : "", style);
    strbuf_append(&buffer, has_code && has_detail ? ": " : "");
    append_harmless(&buffer, has_detail ? check->detail : "", style);
    return finish(&buffer);
}

static void append_driver(struct strbuf *buffer, const struct check_view *check, unsigned style) {
    char *words = style & TEXT_DRIVER ? text_driver(check, style) : NULL;
    if (words)
        strbuf_format(buffer, "    (%s)\n", words);
    free(words);
}

/* shown: the status as which it is shown; word: what that is called. */
static void append_row_as(struct strbuf *buffer, const struct snapshot *snapshot,
    const struct check_view *check, const struct widths *widths, unsigned style, enum status shown,
    const char *word) {
    const struct reason_info *info = reason_info(check->reason);
    const char *mark = style & TEXT_SYMBOLS ? MARKS[shown].symbol : MARKS[shown].ascii;
    const char *colour = style & TEXT_COLOUR ? MARKS[shown].colour : "";
    const char *reset = style & TEXT_COLOUR ? RESET : "";
    char latency[32] = "-";
    if (check->has_run)
        snprintf(latency, sizeof latency, "%" PRId64 " ms", check->latency_ms);
    strbuf_format(buffer, "%s%s%s %-*s  %-*s  %s%-8s  %-*s%s  %9s", colour, mark, reset, widths->name,
        check->name, widths->kind, check->kind, colour, word, widths->code, info->slug, reset, latency);
    if (style & TEXT_SINCE) {
        char elapsed[TEXT_ELAPSED_SIZE];
        text_elapsed(snapshot->now_ms - check->since_ms, elapsed);
        strbuf_format(buffer, "  %7s", elapsed);
    }
    if (phase_name(check->phase))
        strbuf_format(buffer, "  in phase %s", phase_name(check->phase));
    strbuf_append(buffer, check->is_critical ? "\n" : "  (not critical)\n");
    if (check->status != STATUS_OK) {
        char message[CHECK_MESSAGE_SIZE];
        append_words(buffer, check_view_message(check, message), info->hint);
        append_driver(buffer, check, style);
    }
}

static void append_row(struct strbuf *buffer, const struct snapshot *snapshot, const struct check_view *check,
    const struct widths *widths, unsigned style) {
    append_row_as(buffer, snapshot, check, widths, style, check->status, status_name(check->status));
}

static void append_header(struct strbuf *buffer, const struct widths *widths, unsigned style) {
    strbuf_format(buffer, "  %-*s  %-*s  %-8s  %-*s  %9s%s\n", widths->name, "CHECK", widths->kind, "KIND",
        "STATUS", widths->code, "CODE", "LATENCY", style & TEXT_SINCE ? "      FOR" : "");
}

char *text_waiting(const struct snapshot *snapshot,
    bool (*is_waited_for)(void *arg, const struct check_view *check), void *arg, unsigned style) {
    struct strbuf buffer = {0};
    struct widths widths = find_widths(snapshot);
    append_header(&buffer, &widths, style);
    for (size_t i = 0; i < snapshot->check_count; i++)
        if (is_waited_for(arg, &snapshot->checks[i]))
            append_row_as(
                &buffer, snapshot, &snapshot->checks[i], &widths, style, STATUS_STARTING, "waiting");
    return finish(&buffer);
}

static const char *verdict(enum status status) {
    return status == STATUS_OK ? "ready" : status == STATUS_DEGRADED ? "ready, but degraded" : "not ready";
}

char *text_table(const struct snapshot *snapshot, unsigned style) {
    struct strbuf buffer = {0};
    struct widths widths = find_widths(snapshot);
    enum status status = snapshot_status(snapshot);
    const struct reason_info *override = reason_info(snapshot_override(snapshot));
    bool has_colour = style & TEXT_COLOUR, is_overridden = snapshot_override(snapshot) != REASON_OK;
    append_header(&buffer, &widths, style);
    for (size_t i = 0; i < snapshot->check_count; i++)
        append_row(&buffer, snapshot, &snapshot->checks[i], &widths, style);
    strbuf_format(&buffer, "%s%s%s%s%s%s\n", has_colour ? MARKS[status].colour : "", has_colour ? BOLD : "",
        verdict(status), is_overridden ? ": " : "", is_overridden ? override->slug : "",
        has_colour ? RESET : "");
    if (is_overridden)
        append_reason(&buffer, override);
    return finish(&buffer);
}

char *text_round(const struct snapshot *snapshot) {
    struct strbuf buffer = {0};
    char now[CLOCK_TEXT_SIZE];
    const char *separator = ": ";
    clock_format_utc(snapshot->now_ms, now);
    strbuf_format(&buffer, "%.19sZ %s", now, verdict(snapshot_status(snapshot)));
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
