/* The route table: path, verdict, body and trust of every page. */
#include "render/pages.h"

#include "base/str.h"
#include "render/html.h"
#include "render/json.h"
#include "render/metrics.h"
#include "render/text.h"

#include <stdlib.h>
#include <string.h>

static const char JSON[] = "application/json";
static const char TEXT[] = "text/plain; charset=utf-8";

static bool is_healthy(const struct snapshot *snapshot) {
    return snapshot_is_live(snapshot) && snapshot_is_ready(snapshot);
}

static bool has_started(const struct snapshot *snapshot) {
    return snapshot->has_started;
}

static bool is_working(const struct snapshot *snapshot) {
    return snapshot != NULL; /* whoever renders this works; one who does not lets the lease run out */
}

static char *text_self(const struct snapshot *snapshot) {
    (void)snapshot;
    return strdup("OK\n");
}

static const struct route {
    const char *path;
    bool (*is_well)(const struct snapshot *snapshot);
    char *(*body)(const struct snapshot *snapshot);
    const char *type;
    enum page_trust trust;
} ROUTES[] = {
    {"/health/live", snapshot_is_live, text_live, TEXT, PAGE_TRUST_LONG},
    {"/health/ready", snapshot_is_ready, json_ready, JSON, PAGE_TRUST_LEASE},
    {"/health", is_healthy, json_health, JSON, PAGE_TRUST_LEASE},
    {"/health", is_healthy, html_health, PAGE_TYPE_HTML, PAGE_TRUST_LEASE},
    {"/health/started", has_started, text_started, TEXT, PAGE_TRUST_LONG},
    {"/health/self", is_working, text_self, TEXT, PAGE_TRUST_GRACE},
    {PAGE_PATH_METRICS, is_working, metrics_text, PAGE_TYPE_METRICS, PAGE_TRUST_LEASE},
    {PAGE_PATH_METRICS, is_working, metrics_openmetrics, PAGE_TYPE_OPENMETRICS, PAGE_TRUST_LEASE},
};

enum { ROUTE_COUNT = sizeof ROUTES / sizeof ROUTES[0] };

/* Takes path and body. */
static int add(
    struct page_set *set, char *path, bool is_well, char *body, const char *type, enum page_trust trust) {
    if (!path || !body) {
        free(path);
        free(body);
        return -1;
    }
    set->pages[set->count++] = (struct page){.path = path,
        .status = is_well ? 200 : 503,
        .trust = trust,
        .type = type,
        .body = body,
        .body_length = strlen(body)};
    return 0;
}

static char *check_path(const struct check_view *check) {
    struct strbuf path = {0};
    strbuf_format(&path, "/health/ready/%s", check->name);
    if (path.is_broken)
        strbuf_release(&path);
    return path.data;
}

int pages_render(const struct snapshot *snapshot, int64_t made_at_ms, struct page_set *set) {
    *set = (struct page_set){.made_at_ms = made_at_ms};
    set->pages = calloc(ROUTE_COUNT + snapshot->check_count, sizeof *set->pages);
    if (!set->pages)
        return -1;
    int result = 0;
    for (size_t i = 0; i < ROUTE_COUNT && result == 0; i++) {
        const struct route *route = &ROUTES[i];
        result = add(set, strdup(route->path), route->is_well(snapshot), route->body(snapshot), route->type,
            route->trust);
    }
    for (size_t i = 0; i < snapshot->check_count && result == 0; i++) {
        const struct check_view *check = &snapshot->checks[i];
        result = add(set, check_path(check), status_is_ready(check->status), json_check(check), JSON,
            PAGE_TRUST_LEASE);
    }
    if (result < 0)
        pages_release(set);
    return result;
}

void pages_release(struct page_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        free((void *)(uintptr_t)set->pages[i].path);
        free((void *)(uintptr_t)set->pages[i].body);
    }
    free(set->pages);
    *set = (struct page_set){0};
}
