/* Finished pages: what the checker renders and the responder serves, byte for byte. */
#ifndef BH_REPORT_PAGE_H
#define BH_REPORT_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long past its lease a page may still be served. */
enum page_trust {
    PAGE_TRUST_LEASE, /* readiness: not a moment */
    PAGE_TRUST_GRACE, /* self: half a minute; restarting the sidecar costs little, but not nothing */
    PAGE_TRUST_LONG,  /* liveness: two, so that the sidecar is restarted first, and Bugsink need not be */
    PAGE_TRUST_COUNT,
};

/* The types of pages that everybody gets. */
#define PAGE_TYPE_JSON    "application/json"
#define PAGE_TYPE_TEXT    "text/plain; charset=utf-8"
#define PAGE_TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"

/* The types of which a path may have a page beside the usual one: it goes to clients that would rather have
 * that type. */
#define PAGE_TYPE_HTML        "text/html; charset=utf-8" /* for people */
#define PAGE_TYPE_OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* What a client would rather have: any of these together. */
enum page_taste { PAGE_TASTE_HTML = 1, PAGE_TASTE_OPENMETRICS = 2 };

/* One page: what GET of that path answers. The path has no final slash; it is served with and without one.
 * Strings are owned by the set, or by the message the set was decoded from. */
struct page {
    const char *path;
    int status; /* 200 or 503 */
    enum page_trust trust;
    const char *type; /* Content-Type, e.g. PAGE_TYPE_JSON */
    const char *body;
    size_t body_length;
};

/* Whether it is one for certain tastes only, and for one of these. */
bool page_is_for_some(const struct page *page);
bool page_is_for(const struct page *page, unsigned tastes);

/* The same of a type. */
bool page_type_is_for(const char *type, unsigned tastes);

/* All pages made at one moment. */
struct page_set {
    int64_t made_at_ms; /* monotonic */
    size_t count;
    struct page *pages;
};

#endif
