/* How metrics are written down: Prometheus' text format 0.0.4, and OpenMetrics 1.0. Families one after the
 * other, each with all its samples. Used by the renderer, and by the responder for its own numbers. */
#ifndef BH_REPORT_EXPOSITION_H
#define BH_REPORT_EXPOSITION_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

enum exposition_format { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM, METRIC_INFO };

/* A name is ours, a value may be anything: it is escaped. */
struct label {
    const char *name, *value;
};

struct exposition {
    enum exposition_format format;
    const char *family; /* that samples belong to */
    enum metric_type type;
    struct strbuf text;
};

/* Begins a family. The name is borrowed; it stands without the suffix of its type (_total, _info), which the
 * samples get. help is one sentence of harmless characters. */
void exposition_family(struct exposition *page, const char *name, enum metric_type type, const char *help);

/* A sample of a gauge, a counter or an info (whose value is 1). */
void exposition_number(
    struct exposition *page, const struct label *labels, size_t label_count, int64_t value);

/* The same, in seconds. */
void exposition_seconds(
    struct exposition *page, const struct label *labels, size_t label_count, int64_t value_ms);

/* A part of a histogram: its bucket up to that bound (INT64_MAX: all), and last the sum and the count. There
 * may be EXPOSITION_LABELS_MAX labels besides the bucket's. */
enum { EXPOSITION_LABELS_MAX = 4 };
void exposition_bucket(struct exposition *page, const struct label *labels, size_t label_count,
    int64_t bound_ms, uint64_t count);
void exposition_sum(
    struct exposition *page, const struct label *labels, size_t label_count, uint64_t sum_ms, uint64_t count);

/* What ends a page. */
void exposition_end(struct exposition *page);

/* Appends a label's value as it may stand between quotes: backslash, quote and line feed are escaped; other
 * control characters, and bytes that are no UTF-8, become U+FFFD. */
void exposition_escape(struct strbuf *text, const char *value);

#endif
