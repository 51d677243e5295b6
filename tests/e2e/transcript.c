/* Reading what a page shows of a terminal, and comparing it with what came. */
#include "e2e/transcript.h"

#include "base/str.h"

#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char OPENING[] = "\n```console\n", CLOSING[] = "```";

/* The length of the line at text, with its end. */
static size_t line_length(const char *text) {
    size_t length = strcspn(text, "\n");
    return length + (text[length] == '\n' ? 1 : 0);
}

static bool is_at(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

static void add_step(struct transcript *transcript, const char *line) {
    ck_assert_uint_lt(transcript->count, TRANSCRIPT_STEPS_MAX);
    struct step *step = &transcript->steps[transcript->count++];
    step->command = str_dup_n(line + 2, strcspn(line + 2, "\n"));
    step->output = str_dup("");
}

static void add_output(struct transcript *transcript, const char *line, size_t length) {
    ck_assert_msg(transcript->count > 0, "a block that does not begin with a command: %.80s", line);
    struct step *step = &transcript->steps[transcript->count - 1];
    struct strbuf output = {0};
    strbuf_append(&output, step->output);
    strbuf_append_n(&output, line, length);
    free(step->output);
    step->output = output.data;
}

bool transcript_next(struct transcript *transcript, const char **page) {
    *transcript = (struct transcript){.count = 0};
    const char *block = strstr(*page, OPENING);
    if (!block)
        return false;
    const char *line = block + strlen(OPENING);
    for (; !is_at(line, CLOSING); line += line_length(line)) {
        ck_assert_msg(*line, "a block without an end: %.80s", block);
        if (is_at(line, "$ "))
            add_step(transcript, line);
        else
            add_output(transcript, line, line_length(line));
    }
    *page = line + strlen(CLOSING);
    return true;
}

void transcript_release(struct transcript *transcript) {
    for (size_t i = 0; i < transcript->count; i++) {
        free(transcript->steps[i].command);
        free(transcript->steps[i].output);
    }
}

/* Whether a number that ends here may be another one the next time. */
static bool is_variable(const char *end) {
    return is_at(end, " ms") || is_at(end, "ms") || is_at(end, " passed");
}

/* 2026-11-29T17:26:24.983Z and the like. */
static size_t time_length(const char *text) {
    size_t length = strspn(text, "0123456789-:.TZ");
    return length >= 20 && text[4] == '-' && text[10] == 'T' && text[length - 1] == 'Z' ? length : 0;
}

/* The text with all that may differ made the same; the caller frees. */
static char *settle(const char *text) {
    char *settled = calloc(1, strlen(text) + 1), *to = settled;
    ck_assert_ptr_nonnull(settled);
    while (*text) {
        size_t digits = strspn(text, "0123456789"), time = time_length(text), blanks = strspn(text, " ");
        if (time > 0) {
            text += time;
            *to++ = '@';
        } else if (digits > 0 && is_variable(text + digits)) {
            text += digits;
            *to++ = '#';
        } else if (*text == '\r') {
            text++;
        } else if (blanks > 1) {
            text += blanks;
            *to++ = ' ';
        } else {
            size_t length = digits > 0 ? digits : 1;
            memcpy(to, text, length);
            to += length, text += length;
        }
    }
    return settled;
}

static bool match(const char *shown, const char *printed, bool is_line_start);

/* Behind "..." alone on a line: any lines may come before. */
static bool match_below(const char *shown, const char *printed) {
    for (; !match(shown, printed, true); printed += line_length(printed))
        if (!*printed)
            return false;
    return true;
}

/* Behind "..." in a line: any text of it may come before. */
static bool match_behind(const char *shown, const char *printed) {
    for (; !match(shown, printed, false); printed++)
        if (!*printed || *printed == '\n')
            return false;
    return true;
}

static bool match(const char *shown, const char *printed, bool is_line_start) {
    for (; !is_at(shown, "..."); shown++, printed++) {
        if (*shown != *printed || *shown == '\0')
            return *shown == *printed;
        is_line_start = *shown == '\n';
    }
    bool is_alone = is_line_start && shown[3] == '\n';
    return is_alone ? match_below(shown + 4, printed) : match_behind(shown + 3, printed);
}

bool transcript_matches(const char *shown, const char *printed) {
    char *one = settle(shown), *other = settle(printed);
    bool is_same = match(one, other, true);
    free(one);
    free(other);
    return is_same;
}
