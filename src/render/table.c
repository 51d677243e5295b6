/* Renders the table of the command line: a row a check, and below one that is not ok what is known of it. */
#include "render/text.h"

#include "base/str.h"
#include "render/figures.h"

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

static const char RESET[] = "\033[0m", BOLD[] = "\033[1m", DIM[] = "\033[2m";

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

/* -- what stands below a row -- */

/* How the lines below a row are set: all but the first word of a line is what it says. */
struct setting {
    unsigned style;
    size_t width; /* of the terminal; 0: lines are as long as they are */
};

enum { INDENT = 4, LABEL_WIDTH = 7 };

static size_t count_characters(const char *text, size_t length) {
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* Appends words, and before one that would cross the width a line's end and so many blanks. column is where
 * the first begins. A word that is longer than a line stays whole: a path or an address is to be copied. */
static void append_wrapped(
    struct strbuf *buffer, const char *text, size_t column, size_t indent, const struct setting *setting) {
    for (bool is_first = true; *text; is_first = false) {
        size_t length = strcspn(text, " "), characters = count_characters(text, length);
        bool is_full = setting->width > 0 && column + 1 + characters > setting->width;
        if (!is_first && is_full) {
            strbuf_format(buffer, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!is_first) {
            strbuf_append(buffer, " ");
            column++;
        }
        strbuf_append_n(buffer, text, length);
        column += characters;
        text += length + strspn(text + length, " ");
    }
    strbuf_append(buffer, "\n");
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

char *text_harmless(const char *text, unsigned style) {
    struct strbuf buffer = {0};
    append_harmless(&buffer, text, style);
    strbuf_append(&buffer, "");
    return finish(&buffer);
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

/* A line with a label: "where: /data/db.sqlite3". Nothing for no text. */
static void append_labelled(
    struct strbuf *buffer, const char *label, const char *text, const struct setting *setting) {
    struct strbuf harmless = {0};
    if (!text || !*text)
        return;
    append_harmless(&harmless, text, setting->style);
    bool has_colour = setting->style & TEXT_COLOUR;
    strbuf_format(buffer, "%*s%s%-*s%s", INDENT, "", has_colour ? DIM : "", LABEL_WIDTH, label,
        has_colour ? RESET : "");
    append_wrapped(
        buffer, harmless.data ? harmless.data : "", INDENT + LABEL_WIDTH, INDENT + LABEL_WIDTH, setting);
    buffer->is_broken = buffer->is_broken || harmless.is_broken;
    strbuf_release(&harmless);
}

static void append_sentence(struct strbuf *buffer, const char *sentence, const struct setting *setting) {
    strbuf_format(buffer, "%*s", INDENT, "");
    append_wrapped(buffer, sentence, INDENT, INDENT, setting);
}

static void append_details(
    struct strbuf *buffer, const struct check_view *check, const struct setting *setting) {
    struct strbuf figures = {0};
    char hint[CHECK_HINT_SIZE], *words = text_driver(check, setting->style);
    figures_append(&figures, check);
    append_labelled(buffer, "where:", check->where, setting);
    bool is_in_cause = words && figures.data && strstr(words, figures.data);
    append_labelled(buffer, "found:", is_in_cause ? NULL : figures.data, setting);
    append_labelled(buffer, "cause:", words, setting);
    append_labelled(buffer, "try:", check_view_hint(check, true, hint), setting);
    buffer->is_broken = buffer->is_broken || figures.is_broken;
    strbuf_release(&figures);
    free(words);
}

char *text_details(const struct check_view *check, unsigned style, size_t width) {
    struct strbuf buffer = {0};
    append_details(&buffer, check, &(struct setting){style, width});
    strbuf_append(&buffer, "");
    return finish(&buffer);
}

char *text_paragraph(const char *text, size_t width) {
    struct strbuf buffer = {0};
    append_wrapped(&buffer, text, 0, 0, &(struct setting){TEXT_PLAIN, width});
    return finish(&buffer);
}

char *text_indented(const char *label, const char *text, size_t width) {
    struct strbuf buffer = {0};
    size_t indent = label ? INDENT : INDENT / 2, column = indent;
    strbuf_format(&buffer, "%*s", (int)indent, "");
    if (label && *label) {
        strbuf_format(&buffer, "%s: ", label);
        column += strlen(label) + 2;
    }
    append_wrapped(
        &buffer, text, column, label && *label ? INDENT + 2 : indent, &(struct setting){TEXT_PLAIN, width});
    return finish(&buffer);
}

/* -- rows -- */

/* What else is to be said of a row, behind it, or below it where it does not fit. */
static void append_remarks(
    struct strbuf *buffer, const struct check_view *check, size_t column, const struct setting *setting) {
    char memory[64];
    struct strbuf remarks = strbuf_in(memory, sizeof memory);
    const char *phase = phase_name(check->phase);
    if (phase)
        strbuf_format(&remarks, "in phase %s", phase);
    if (!check->is_critical)
        strbuf_append(&remarks, phase ? "  (not critical)" : "(not critical)");
    if (remarks.length > 0) {
        bool fits = setting->width == 0 || column + 2 + remarks.length <= setting->width;
        strbuf_format(buffer, "%s%s", fits ? "  " : "\n    ", memory);
    }
    strbuf_append(buffer, "\n");
}

/* The columns of a row without its remarks. */
static size_t row_width(const struct widths *widths, unsigned style) {
    return 2 + (size_t)widths->name + 2 + (size_t)widths->kind + 2 + 8 + 2 + (size_t)widths->code + 2 + 9 +
           (style & TEXT_SINCE ? 2 + 7 : 0);
}

/* shown: the status as which it is shown; word: what that is called. */
static void append_row_as(struct strbuf *buffer, const struct snapshot *snapshot,
    const struct check_view *check, const struct widths *widths, const struct setting *setting,
    enum status shown, const char *word) {
    unsigned style = setting->style;
    const struct reason_info *info = reason_info(check->reason);
    const char *mark = style & TEXT_SYMBOLS ? MARKS[shown].symbol : MARKS[shown].ascii;
    const char *colour = style & TEXT_COLOUR ? MARKS[shown].colour : "";
    const char *reset = style & TEXT_COLOUR ? RESET : "";
    char latency[32] = "-", elapsed[TEXT_ELAPSED_SIZE];
    if (check->has_run)
        snprintf(latency, sizeof latency, "%" PRId64 " ms", check->latency_ms);
    strbuf_format(buffer, "%s%s%s %-*s  %-*s  %s%-8s  %-*s%s  %9s", colour, mark, reset, widths->name,
        check->name, widths->kind, check->kind, colour, word, widths->code, info->slug, reset, latency);
    text_elapsed(snapshot->now_ms - check->since_ms, elapsed);
    if (style & TEXT_SINCE)
        strbuf_format(buffer, "  %7s", elapsed);
    append_remarks(buffer, check, row_width(widths, style), setting);
    if (check->status != STATUS_OK) {
        char message[CHECK_MESSAGE_SIZE];
        append_sentence(buffer, check_view_message(check, message), setting);
        append_details(buffer, check, setting);
    }
}

static void append_row(struct strbuf *buffer, const struct snapshot *snapshot, const struct check_view *check,
    const struct widths *widths, const struct setting *setting) {
    append_row_as(buffer, snapshot, check, widths, setting, check->status, status_name(check->status));
}

static void append_header(struct strbuf *buffer, const struct widths *widths, unsigned style) {
    strbuf_format(buffer, "  %-*s  %-*s  %-8s  %-*s  %9s%s\n", widths->name, "CHECK", widths->kind, "KIND",
        "STATUS", widths->code, "CODE", "LATENCY", style & TEXT_SINCE ? "      FOR" : "");
}

char *text_waiting(const struct snapshot *snapshot,
    bool (*is_waited_for)(void *arg, const struct check_view *check), void *arg, unsigned style,
    size_t width) {
    struct strbuf buffer = {0};
    const struct setting setting = {style, width};
    struct widths widths = find_widths(snapshot);
    append_header(&buffer, &widths, style);
    for (size_t i = 0; i < snapshot->check_count; i++)
        if (is_waited_for(arg, &snapshot->checks[i]))
            append_row_as(
                &buffer, snapshot, &snapshot->checks[i], &widths, &setting, STATUS_STARTING, "waiting");
    return finish(&buffer);
}

char *text_table(const struct snapshot *snapshot, unsigned style, size_t width) {
    struct strbuf buffer = {0};
    const struct setting setting = {style, width};
    struct widths widths = find_widths(snapshot);
    enum status status = snapshot_status(snapshot);
    const struct reason_info *override = reason_info(snapshot_override(snapshot));
    bool has_colour = style & TEXT_COLOUR, is_overridden = snapshot_override(snapshot) != REASON_OK;
    append_header(&buffer, &widths, style);
    for (size_t i = 0; i < snapshot->check_count; i++)
        append_row(&buffer, snapshot, &snapshot->checks[i], &widths, &setting);
    strbuf_format(&buffer, "%s%s%s%s%s%s\n", has_colour ? MARKS[status].colour : "", has_colour ? BOLD : "",
        text_readiness(status), is_overridden ? ": " : "", is_overridden ? override->slug : "",
        has_colour ? RESET : "");
    if (is_overridden) {
        append_sentence(&buffer, override->sentence, &setting);
        append_labelled(&buffer, "try:", override->hint, &setting);
    }
    return finish(&buffer);
}
