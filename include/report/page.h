/* Finished pages: what the checker renders and the responder serves, byte for byte. */
#ifndef BH_REPORT_PAGE_H
#define BH_REPORT_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long past its lease a page may still be served. */
enum page_trust {
    PAGE_TRUST_LEASE, /* readiness: not a moment */
    PAGE_TRUST_GRACE, /* liveness and self: half a minute, for a restart is no small thing */
    PAGE_TRUST_COUNT,
};

/* The type of the pages for people. A path may have one beside the page that everybody else gets; it answers
 * who would rather have HTML (page_is_for_people). */
#define PAGE_TYPE_HTML "text/html; charset=utf-8"

/* One page: what GET of that path answers. The path has no final slash; it is served with and without one.
 * Strings are owned by the set, or by the message the set was decoded from. */
struct page {
    const char *path;
    int status; /* 200 or 503 */
    enum page_trust trust;
    const char *type; /* Content-Type, e.g. "application/json" */
    const char *body;
    size_t body_length;
};

/* Whether the page is in HTML. */
bool page_is_for_people(const struct page *page);

/* All pages made at one moment. */
struct page_set {
    int64_t made_at_ms; /* monotonic */
    size_t count;
    struct page *pages;
};

#endif
