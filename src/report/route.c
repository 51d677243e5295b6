/* The one table of routes. */
#include "report/route.h"

#include <string.h>

static const struct route ROUTES[ROUTE_COUNT] = {
    [ROUTE_LIVE] = {.path = "/health/live",
        .label = "/health/live/",
        .word = "live",
        .type = PAGE_TYPE_TEXT,
        .trust = PAGE_TRUST_LONG,
        .opening = ROUTE_OPENS_OK},
    [ROUTE_READY] = {.path = "/health/ready",
        .label = "/health/ready/",
        .word = "ready",
        .type = PAGE_TYPE_JSON,
        .trust = PAGE_TRUST_LEASE,
        .opening = ROUTE_OPENS_STARTING},
    [ROUTE_HEALTH] = {.path = "/health",
        .label = "/health/",
        .type = PAGE_TYPE_JSON,
        .type_for_some = PAGE_TYPE_HTML,
        .trust = PAGE_TRUST_LEASE,
        .author = ROUTE_BY_CHECKER_AND_PROBES,
        .opening = ROUTE_OPENS_STARTING,
        .tells_numbers = true},
    [ROUTE_CHECK] = {.path = "/health/ready/",
        .label = "/health/ready/NAME/",
        .type = PAGE_TYPE_JSON,
        .trust = PAGE_TRUST_LEASE,
        .opening = ROUTE_OPENS_STARTING,
        .tells_numbers = true},
    [ROUTE_STARTED] = {.path = "/health/started",
        .label = "/health/started/",
        .word = "started",
        .type = PAGE_TYPE_TEXT,
        .trust = PAGE_TRUST_LONG,
        .opening = ROUTE_OPENS_STARTING},
    [ROUTE_SELF] = {.path = "/health/self",
        .label = "/health/self/",
        .word = "self",
        .type = PAGE_TYPE_TEXT,
        .trust = PAGE_TRUST_GRACE,
        .opening = ROUTE_OPENS_OK},
    [ROUTE_METRICS] = {.path = "/metrics",
        .label = "/metrics",
        .type = PAGE_TYPE_METRICS,
        .type_for_some = PAGE_TYPE_OPENMETRICS,
        .trust = PAGE_TRUST_LEASE,
        .author = ROUTE_BY_BOTH,
        .opening = ROUTE_OPENS_EMPTY,
        .tells_numbers = true},
    [ROUTE_OTHER] = {.label = "other", .type = PAGE_TYPE_TEXT, .opening = ROUTE_OPENS_MISSING},
};

const struct route *route_of(enum route_id id) {
    return &ROUTES[id];
}

size_t route_path_length(const char *path, size_t length) {
    return length > 1 && path[length - 1] == '/' ? length - 1 : length;
}

/* Whether the path is this route's; where a name follows, that is not empty, and the last of the path. */
static bool is_of(const struct route *route, const char *path, size_t length) {
    size_t own = strlen(route->path);
    bool takes_name = route->path[own - 1] == '/';
    if (length < own || memcmp(path, route->path, own) != 0)
        return false;
    return takes_name ? length > own && !memchr(path + own, '/', length - own) : length == own;
}

enum route_id route_find(const char *path, size_t length) {
    size_t whole = route_path_length(path, length);
    int id = 0;
    while (id < ROUTE_OTHER && !is_of(&ROUTES[id], path, whole))
        id++;
    return (enum route_id)id;
}

const char *route_type(const struct route *route, unsigned tastes) {
    return route->type_for_some && page_type_is_for(route->type_for_some, tastes) ? route->type_for_some
                                                                                  : route->type;
}
