/* Writes metrics down. */
#include "report/exposition.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* -- labels -- */

/* C0, DEL, and C1 in UTF-8. */
static bool is_control(const char *c, size_t length) {
    unsigned char first = (unsigned char)c[0];
    return (length == 1 && (first < 0x20 || first == 0x7f)) ||
           (length == 2 && first == 0xc2 && (unsigned char)c[1] < 0xa0);
}

/* How many bytes from here may stand as they are. */
static size_t plain_length(const char *value) {
    size_t length = 0;
    while (value[length] > 0x1f && value[length] < 0x7f && value[length] != '\\' && value[length] != '"')
        length++;
    return length;
}

void exposition_escape(struct strbuf *text, const char *value) {
    while (*value) {
        size_t plain = plain_length(value);
        strbuf_append_n(text, value, plain);
        value += plain;
        if (!*value)
            return;
        size_t length = str_utf8_length(value);
        if (*value == '\n')
            strbuf_append(text, "\\n");
        else if (*value == '\\' || *value == '"')
            strbuf_format(text, "\\%c", *value);
        else if (length == 0 || is_control(value, length))
            strbuf_append(text, "\xef\xbf\xbd");
        else
            strbuf_append_n(text, value, length);
        value += length > 0 ? length : 1;
    }
}

static void put_labels(struct strbuf *text, const struct label *labels, size_t count) {
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        strbuf_append(text, i == 0 ? "{" : ",");
        strbuf_append(text, labels[i].name);
        strbuf_append(text, "=\"");
        exposition_escape(text, labels[i].value);
        strbuf_append(text, "\"");
    }
    strbuf_append(text, "}");
}

/* -- families -- */

static const char *suffix_of(enum metric_type type) {
    return type == METRIC_COUNTER ? "_total" : type == METRIC_INFO ? "_info" : "";
}

/* Text 0.0.4 knows no info, and names a family as its samples are named; OpenMetrics leaves the suffix of the
 * type to the samples. */
void exposition_family(struct exposition *page, const char *name, enum metric_type type, const char *help) {
    static const char *const TYPES[] = {
        [METRIC_GAUGE] = "gauge",
        [METRIC_COUNTER] = "counter",
        [METRIC_HISTOGRAM] = "histogram",
        [METRIC_INFO] = "info",
    };
    bool is_open = page->format == EXPOSITION_OPENMETRICS;
    const char *suffix = is_open ? "" : suffix_of(type);
    page->family = name;
    page->type = type;
    strbuf_format(&page->text, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix,
        TYPES[!is_open && type == METRIC_INFO ? METRIC_GAUGE : type]);
}

/* -- samples -- */

static void begin(struct exposition *page, const char *suffix, const struct label *labels, size_t count) {
    strbuf_append(&page->text, page->family);
    strbuf_append(&page->text, suffix);
    put_labels(&page->text, labels, count);
}

static void put_seconds(struct strbuf *text, int64_t value_ms) {
    const char *sign = value_ms < 0 ? "-" : "";
    uint64_t ms = value_ms < 0 ? -(uint64_t)value_ms : (uint64_t)value_ms;
    strbuf_format(text, " %s%" PRIu64 ".%03u\n", sign, ms / 1000, (unsigned)(ms % 1000));
}

void exposition_number(
    struct exposition *page, const struct label *labels, size_t label_count, int64_t value) {
    begin(page, suffix_of(page->type), labels, label_count);
    strbuf_format(&page->text, " %" PRId64 "\n", value);
}

void exposition_seconds(
    struct exposition *page, const struct label *labels, size_t label_count, int64_t value_ms) {
    begin(page, suffix_of(page->type), labels, label_count);
    put_seconds(&page->text, value_ms);
}

/* Bounds as the client libraries write them: without zeros at the end. */
static void format_bound(char text[32], int64_t bound_ms) {
    struct strbuf bound = strbuf_in(text, 32);
    strbuf_format(&bound, "%" PRId64 ".%03d", bound_ms / 1000, (int)(bound_ms % 1000));
    while (bound.length > 0 && text[bound.length - 1] == '0' && text[bound.length - 2] != '.')
        text[--bound.length] = '\0';
}

void exposition_bucket(struct exposition *page, const struct label *labels, size_t label_count,
    int64_t bound_ms, uint64_t count) {
    char bound[32] = "+Inf";
    struct label all[EXPOSITION_LABELS_MAX + 1];
    assert(label_count <= EXPOSITION_LABELS_MAX);
    if (label_count > 0)
        memcpy(all, labels, label_count * sizeof *labels);
    if (bound_ms != INT64_MAX)
        format_bound(bound, bound_ms);
    all[label_count] = (struct label){"le", bound};
    begin(page, "_bucket", all, label_count + 1);
    strbuf_format(&page->text, " %" PRIu64 "\n", count);
}

void exposition_sum(struct exposition *page, const struct label *labels, size_t label_count, uint64_t sum_ms,
    uint64_t count) {
    begin(page, "_sum", labels, label_count);
    put_seconds(&page->text, (int64_t)sum_ms);
    begin(page, "_count", labels, label_count);
    strbuf_format(&page->text, " %" PRIu64 "\n", count);
}

void exposition_end(struct exposition *page) {
    if (page->format == EXPOSITION_OPENMETRICS)
        strbuf_append(&page->text, "# EOF\n");
}
