/* The routes: each path that is answered, and all that the rooms must agree on about it. The checker renders
 * its pages, the responder answers and counts it, the command probe asks for it. */
#ifndef BH_REPORT_ROUTE_H
#define BH_REPORT_ROUTE_H

#include "report/page.h"

#include <stdbool.h>
#include <stddef.h>

/* In the order of the metrics' samples. */
enum route_id {
    ROUTE_LIVE,
    ROUTE_READY,
    ROUTE_HEALTH,
    ROUTE_CHECK,
    ROUTE_STARTED,
    ROUTE_SELF,
    ROUTE_METRICS,
    ROUTE_OTHER, /* no page of ours: whatever else is asked for falls under it */
    ROUTE_COUNT,
};

enum route_author {
    ROUTE_BY_CHECKER,
    ROUTE_BY_BOTH, /* the responder adds its own part, which alone is answered where the checker's is not good
                    */
    ROUTE_BY_CHECKER_AND_PROBES, /* the responder adds who asks */
};

/* What is answered before the checker's first pages have come. */
enum route_opening { ROUTE_OPENS_OK, ROUTE_OPENS_STARTING, ROUTE_OPENS_EMPTY, ROUTE_OPENS_MISSING };

struct route {
    const char *path;  /* as a page has it, without a final slash; one that has it takes the name of a check;
                          NULL: any */
    const char *label; /* as we write it: in the metrics, in documents, in requests */
    const char *word;  /* what the command probe calls it; NULL: it does not ask for that */
    const char *type;  /* Content-Type for everybody */
    const char *type_for_some; /* and of the page beside it, for certain tastes; NULL: there is none */
    enum page_trust trust;
    enum route_author author;
    enum route_opening opening;
    bool tells_numbers; /* of the last runs, beside the verdict */
};

const struct route *route_of(enum route_id id);

/* The route of a request's path, with or without its final slash. Any name may be a check's: only the pages
 * know whether there is such a check. */
enum route_id route_find(const char *path, size_t length);

/* The length of a request's path without its final slash. */
size_t route_path_length(const char *path, size_t length);

/* The type of which somebody with these tastes gets the page. */
const char *route_type(const struct route *route, unsigned tastes);

#endif
