/* The page table: the current set of pages, how long it may be trusted, and so what a path answers at a
 * moment. */
#ifndef BH_RESPONDER_PAGES_H
#define BH_RESPONDER_PAGES_H

#include "base/clock.h"
#include "report/page.h"
#include "responder/response.h"
#include "responder/traffic.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The trust before the first set has come, and how far past its lease a page of PAGE_TRUST_GRACE, or
 * PAGE_TRUST_LONG, still stands. */
enum { PAGES_FIRST_LEASE_MS = 5000, PAGES_GRACE_MS = 30000, PAGES_LONG_MS = 120000 };

struct page_table;

/* A set of pages that some answer is made of: it stays in memory, though a newer one has come, until
 * released. */
struct page_hold;

/* Without pages yet: liveness and self answer 200 (the sidecar works) for the first lease and as long past it
 * as they stand past any, the metrics 200 at any time, everything else that will be there 503 `starting`.
 * Returns NULL when memory is out. The clock is borrowed.
 */
struct page_table *page_table_new(const struct clock *clock);

/* `read` is called when a page was answered that tells numbers: once for each set or lease. */
void page_table_on_read(struct page_table *table, void (*read)(void *arg), void *arg);

/* Every hold must have been released. */
void page_table_free(struct page_table *table);

/* Replaces the pages by a decoded set (in the order of its paths), and the lease. Takes payload and
 * set.pages, in any case. Returns -1 when memory is out: what stood stands, and no later lease may be given
 * to it. */
int page_table_put(
    struct page_table *table, struct page_set set, unsigned char *payload, int64_t valid_until_ms);

/* The pages that stand are good until then. */
void page_table_renew(struct page_table *table, int64_t valid_until_ms);

/* Fills status, type, body and age (and whether our metrics follow, or who asks) of what GET of the path (of
 * that length, with or without its final slash) answers now: the page, 503 `stale`, 503 `starting`, or 404.
 * tastes: any of enum page_taste; where the path has a page for one of them, that. The texts live until the
 * hold, which may be NULL, is released. The metrics are always 200: with the checker's part, where that may
 * be trusted, and else without. */
struct page_hold *page_table_answer(
    struct page_table *table, const char *path, size_t length, unsigned tastes, struct answer *answer);

/* What is known of the whole now: what the routes of readiness and liveness answer. */
struct verdicts page_table_verdicts(struct page_table *table);
void page_hold_release(struct page_hold *hold);

#endif
