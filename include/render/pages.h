/* All pages of a moment: the routes, and what each of them answers. */
#ifndef BH_RENDER_PAGES_H
#define BH_RENDER_PAGES_H

#include "report/page.h"
#include "report/snapshot.h"

/* Renders every page. made_at_ms is monotonic. Returns -1, with an empty set, when memory is out. */
int pages_render(const struct snapshot *snapshot, int64_t made_at_ms, struct page_set *set);

/* Frees what pages_render made. */
void pages_release(struct page_set *set);

#endif
