/* Remembers who asks for the paths of probes, and says so in JSON, HTML and metrics. */
#include "responder/probes.h"

#include "base/clock.h"
#include "base/str.h"
#include "report/page.h"
#include "report/style.h"

#include <inttypes.h>
#include <string.h>

/* Requests by hand come in bursts: their end within a second is no silence. */
enum { SILENCE_MIN_MS = 1000 };

static const struct {
    enum route_id route;
    const char *declared_on; /* where its probe belongs */
} PATHS[PROBES_PATHS] = {
    {ROUTE_LIVE, "the probe declared on Bugsink's container"},
    {ROUTE_READY, "the readiness probe declared"},
    {ROUTE_SELF, "the probe declared on the sidecar's container"},
};

/* -- noting -- */

/* The first word: what follows may tell more of a client than anybody needs to know. */
static void take_agent(char target[PROBES_AGENT_SIZE], const char *agent, size_t length) {
    size_t i = 0;
    for (; i < length && i < PROBES_AGENT_SIZE - 1 && agent[i] != ' ' && agent[i] != '\t'; i++)
        target[i] = agent[i] > 0x20 && agent[i] < 0x7f ? agent[i] : '?';
    target[i] = '\0';
}

void probes_note(struct probes *probes, enum route_id route, const char *agent, size_t length, int64_t now_ms,
    int64_t wall_ms) {
    size_t i = 0;
    while (i < PROBES_PATHS && PATHS[i].route != route)
        i++;
    if (i == PROBES_PATHS)
        return;
    struct probed *probed = &probes->paths[i];
    if (probed->was_asked)
        probed->intervals_ms[probed->interval_count++ % PROBES_INTERVALS] = now_ms - probed->asked_ms;
    probed->was_asked = true;
    probed->asked_ms = now_ms;
    probed->asked_wall_ms = wall_ms;
    take_agent(probed->agent, agent, length);
}

/* -- what follows from it -- */

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

int64_t probed_period_ms(const struct probed *probed) {
    const int64_t *ms = probed->intervals_ms;
    switch (probed->interval_count) {
    case 0: return -1;
    case 1: return ms[0];
    case 2: return larger(ms[0], ms[1]);
    }
    return larger(smaller(ms[0], ms[1]), smaller(larger(ms[0], ms[1]), ms[2]));
}

bool probed_is_silent(const struct probed *probed, int64_t now_ms) {
    int64_t period_ms = probed_period_ms(probed);
    return period_ms >= 0 && now_ms - probed->asked_ms > larger(2 * period_ms, SILENCE_MIN_MS);
}

/* -- words -- */

static void append_span(struct strbuf *text, int64_t ms) {
    int64_t s = ms / 1000 + (ms % 1000 >= 500);
    if (ms < 1000)
        strbuf_format(text, "%" PRId64 " ms", ms);
    else if (s < 120)
        strbuf_format(text, "%" PRId64 " s", s);
    else if (s < 120 * 60)
        strbuf_format(text, "%" PRId64 " min", s / 60);
    else
        strbuf_format(text, "%" PRId64 " h", s / 3600);
}

/* What is to be said of it: in ASCII, with no character that JSON would have escaped, nor HTML within its
 * text. Nothing while it is asked. */
static void append_message(struct strbuf *text, size_t path, const struct probed *probed, int64_t now_ms) {
    const char *label = route_of(PATHS[path].route)->label;
    if (!probed->was_asked) {
        strbuf_format(text, "nobody has asked %s since the start: is %s?", label, PATHS[path].declared_on);
    } else if (probed_is_silent(probed, now_ms)) {
        strbuf_format(text, "nobody has asked %s for ", label);
        append_span(text, now_ms - probed->asked_ms);
        strbuf_append(text, "; it was asked every ");
        append_span(text, probed_period_ms(probed));
    }
}

/* -- JSON -- */

static void append_json(struct strbuf *text, const char *value) {
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            strbuf_append(text, "\\");
        strbuf_append_n(text, value, 1);
    }
}

static void append_json_path(struct strbuf *text, size_t path, const struct probed *probed, int64_t now_ms) {
    char time[CLOCK_TEXT_SIZE];
    int64_t period_ms = probed_period_ms(probed);
    strbuf_format(text, "%s\n    \"%s\": {\n      \"last_asked_at\": ", path > 0 ? "," : "",
        route_of(PATHS[path].route)->word);
    clock_format_utc(probed->asked_wall_ms, time);
    if (probed->was_asked)
        strbuf_format(text, "\"%s\"", time);
    else
        strbuf_append(text, "null");
    strbuf_append(text, ",\n      \"period_s\": ");
    if (period_ms < 0)
        strbuf_append(text, "null");
    else
        strbuf_format(text, "%" PRId64 ".%03d", period_ms / 1000, (int)(period_ms % 1000));
    strbuf_append(text, ",\n      \"agent\": ");
    strbuf_append(text, *probed->agent ? "\"" : "null");
    append_json(text, probed->agent);
    strbuf_append(text, *probed->agent ? "\"" : "");
    strbuf_append(text, ",\n      \"message\": ");
    bool has_message = !probed->was_asked || probed_is_silent(probed, now_ms);
    strbuf_append(text, has_message ? "\"" : "null");
    append_message(text, path, probed, now_ms);
    strbuf_append(text, has_message ? "\"\n    }" : "\n    }");
}

static void append_json_tail(struct strbuf *text, const struct probes *probes, int64_t now_ms) {
    strbuf_append(text, ",\n  \"probes\": {");
    for (size_t i = 0; i < PROBES_PATHS; i++)
        append_json_path(text, i, &probes->paths[i], now_ms);
    strbuf_append(text, "\n  }");
}

/* -- HTML -- */

static void append_html(struct strbuf *text, const char *value) {
    for (; *value; value++)
        if (strchr("&<>\"'", *value))
            strbuf_format(text, "&#%d;", *value);
        else
            strbuf_append_n(text, value, 1);
}

static void append_html_path(struct strbuf *text, size_t path, const struct probed *probed, int64_t now_ms) {
    int64_t period_ms = probed_period_ms(probed);
    if (!probed->was_asked || probed_is_silent(probed, now_ms)) {
        strbuf_append(text, "<br>\n");
        append_message(text, path, probed, now_ms);
        return;
    }
    strbuf_format(text, "<br>\n%s was asked ", route_of(PATHS[path].route)->label);
    append_span(text, now_ms - probed->asked_ms);
    strbuf_append(text, " ago by <code>");
    append_html(text, *probed->agent ? probed->agent : "(no name)");
    strbuf_append(text, "</code>");
    if (period_ms >= 0) {
        strbuf_append(text, ", every ");
        append_span(text, period_ms);
    }
}

static void append_html_tail(struct strbuf *text, const struct probes *probes, int64_t now_ms) {
    for (size_t i = 0; i < PROBES_PATHS; i++)
        append_html_path(text, i, &probes->paths[i], now_ms);
}

/* -- the answer -- */

static bool ends_with(const struct answer *answer, const char *end) {
    size_t length = strlen(end);
    return answer->body_length >= length &&
           memcmp(answer->body + answer->body_length - length, end, length) == 0;
}

void probes_add_tail(
    const struct probes *probes, int64_t now_ms, char memory[PROBES_TEXT_SIZE], struct answer *answer) {
    bool is_html = strcmp(answer->type, PAGE_TYPE_HTML) == 0;
    const char *end = is_html ? style_page_close() : "\n}\n";
    struct strbuf text = strbuf_in(memory, PROBES_TEXT_SIZE);
    if (!ends_with(answer, end))
        return;
    if (is_html)
        append_html_tail(&text, probes, now_ms);
    else
        append_json_tail(&text, probes, now_ms);
    strbuf_append(&text, end);
    if (text.is_broken)
        return;
    answer->body_length -= strlen(end);
    answer->tail = text.data;
    answer->tail_length = text.length;
}

/* -- metrics -- */

void probes_put(const struct probes *probes, struct exposition *page) {
    exposition_family(page, "bugsink_health_probe_last_asked_timestamp_seconds", METRIC_GAUGE,
        "When a probe's path was asked last; not there while nobody has.");
    for (size_t i = 0; i < PROBES_PATHS; i++) {
        const struct label label = {"probe", route_of(PATHS[i].route)->word};
        if (probes->paths[i].was_asked)
            exposition_seconds(page, &label, 1, probes->paths[i].asked_wall_ms);
    }
    exposition_family(page, "bugsink_health_probe_period_seconds", METRIC_GAUGE,
        "How often a probe's path is asked: the median of the last three intervals.");
    for (size_t i = 0; i < PROBES_PATHS; i++) {
        const struct label label = {"probe", route_of(PATHS[i].route)->word};
        if (probed_period_ms(&probes->paths[i]) >= 0)
            exposition_seconds(page, &label, 1, probed_period_ms(&probes->paths[i]));
    }
}
