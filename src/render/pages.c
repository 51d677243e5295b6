/* Who renders which route: the verdict and the bodies of every page. */
#include "render/pages.h"

#include "base/str.h"
#include "render/html.h"
#include "render/json.h"
#include "render/metrics.h"
#include "render/text.h"
#include "report/route.h"

#include <stdlib.h>
#include <string.h>

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

/* Of every route whose pages are there whatever is checked. */
static const struct renderer {
    bool (*is_well)(const struct snapshot *snapshot);
    char *(*body)(const struct snapshot *snapshot);
    char *(*body_for_some)(
        const struct snapshot *snapshot); /* where the route has a page for certain tastes */
} RENDERERS[ROUTE_COUNT] = {
    [ROUTE_LIVE] = {snapshot_is_live, text_live, NULL},
    [ROUTE_READY] = {snapshot_is_ready, json_ready, NULL},
    [ROUTE_HEALTH] = {is_healthy, json_health, html_health},
    [ROUTE_STARTED] = {has_started, text_started, NULL},
    [ROUTE_SELF] = {is_working, text_self, NULL},
    [ROUTE_METRICS] = {is_working, metrics_text, metrics_openmetrics},
};

/* Takes path and body. */
static int add(
    struct page_set *set, const struct route *route, const char *type, char *path, bool is_well, char *body) {
    if (!path || !body) {
        free(path);
        free(body);
        return -1;
    }
    set->pages[set->count++] = (struct page){.path = path,
        .status = is_well ? 200 : 503,
        .trust = route->trust,
        .type = type,
        .body = body,
        .body_length = strlen(body)};
    return 0;
}

static int add_route(struct page_set *set, enum route_id id, const struct snapshot *snapshot) {
    const struct route *route = route_of(id);
    const struct renderer *renderer = &RENDERERS[id];
    bool is_well = renderer->is_well(snapshot);
    int result = add(set, route, route->type, strdup(route->path), is_well, renderer->body(snapshot));
    if (result == 0 && route->type_for_some)
        result = add(set, route, route->type_for_some, strdup(route->path), is_well,
            renderer->body_for_some(snapshot));
    return result;
}

static char *check_path(const struct check_view *check) {
    struct strbuf path = {0};
    strbuf_format(&path, "%s%s", route_of(ROUTE_CHECK)->path, check->name);
    if (path.is_broken)
        strbuf_release(&path);
    return path.data;
}

static int add_check(struct page_set *set, const struct check_view *check) {
    const struct route *route = route_of(ROUTE_CHECK);
    return add(set, route, route->type, check_path(check), status_is_ready(check->status), json_check(check));
}

int pages_render(const struct snapshot *snapshot, int64_t made_at_ms, struct page_set *set) {
    *set = (struct page_set){.made_at_ms = made_at_ms};
    set->pages = calloc(2 * ROUTE_COUNT + snapshot->check_count, sizeof *set->pages);
    if (!set->pages)
        return -1;
    int result = 0;
    for (int id = 0; id < ROUTE_COUNT && result == 0; id++)
        if (RENDERERS[id].body)
            result = add_route(set, (enum route_id)id, snapshot);
    for (size_t i = 0; i < snapshot->check_count && result == 0; i++)
        result = add_check(set, &snapshot->checks[i]);
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
