/* The page set of hundreds of checks, in any mixture of a few states: it is one message of the link, each
 * check has its page, and what is told of the whole is true of the parts. Sources: src/render/pages.c
 * src/report/snapshot.c */
#include "fuzz/fuzz.h"
#include "link/link.h"
#include "render/metrics.h"
#include "render/pages.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKS_MAX = 700, STATES = 4, NAME_SIZE = 16 };

static const int64_t NOW_MS = 1795428005123; /* 2026-11-23T10:00:05.123Z */

struct crowd {
    struct check_view checks[CHECKS_MAX];
    char names[CHECKS_MAX][NAME_SIZE];
    struct snapshot snapshot;
};

static struct check_view take_state(struct fuzz_input *input) {
    unsigned flags = fuzz_take(input);
    struct check_view view = {.kind = "mysql",
        .is_database = flags & 1,
        .is_critical = flags & 2,
        .has_run = flags & 4,
        .has_started = flags & 4,
        .status = (enum status)fuzz_take_below(input, STATUS_STARTING + 1),
        .reason = (enum reason)fuzz_take_below(input, REASON_COUNT),
        .latency_ms = fuzz_take(input),
        .checked_at_ms = NOW_MS - fuzz_take(input)};
    for (int key = 0; key < OBSERVED_KEY_COUNT && (flags & 8); key++)
        observed_set(&view.observed, (enum observed_key)key, INT64_MAX);
    return view;
}

/* Each check is in one of a few states: which, the input says for as long as it lasts. */
static void take_crowd(struct crowd *crowd, struct fuzz_input *input) {
    struct check_view states[STATES];
    unsigned flags = fuzz_take(input);
    size_t count = fuzz_take(input) * 256u + fuzz_take(input);
    count %= CHECKS_MAX + 1;
    for (size_t i = 0; i < STATES; i++)
        states[i] = take_state(input);
    for (size_t i = 0; i < count; i++) {
        crowd->checks[i] = states[fuzz_take_below(input, STATES)];
        snprintf(crowd->names[i], NAME_SIZE, "db%zu", i);
        crowd->checks[i].name = crowd->names[i];
    }
    crowd->snapshot = (struct snapshot){.checks = crowd->checks,
        .check_count = count,
        .has_started = flags & 1,
        .is_draining = flags & 2,
        .is_in_maintenance = flags & 4,
        .app_version = "2.3.0",
        .sidecar_version = "0.0.1",
        .sidecar_config = "ok",
        .delayed_runs = flags,
        .started_at_ms = NOW_MS,
        .config_read_at_ms = NOW_MS,
        .now_ms = NOW_MS};
}

static const struct page *find(const struct page_set *set, const char *path) {
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->pages[i].path, path) == 0)
            return &set->pages[i];
    return NULL;
}

static bool is_ready(const struct crowd *crowd) {
    bool fails = crowd->snapshot.is_draining || crowd->snapshot.is_in_maintenance;
    for (size_t i = 0; i < crowd->snapshot.check_count; i++) {
        const struct check_view *check = &crowd->checks[i];
        bool is_well = check->status == STATUS_OK || check->status == STATUS_DEGRADED;
        fails = fails || (check->is_critical && !is_well);
    }
    return !fails;
}

static void check_pages(const struct crowd *crowd, const struct page_set *set) {
    size_t bytes = 0;
    for (size_t i = 0; i < set->count; i++)
        bytes += set->pages[i].body_length;
    fuzz_assert(bytes < FRAME_PAYLOAD_MAX);
    const struct page *ready = find(set, "/health/ready");
    fuzz_assert(ready && (ready->status == 200) == is_ready(crowd));
    json_t *json = json_loadb(ready->body, ready->body_length, 0, NULL);
    fuzz_assert(json);
    json_decref(json);
    for (size_t i = 0; i < crowd->snapshot.check_count; i += 1 + i / 8) {
        char path[64];
        snprintf(path, sizeof path, "/health/ready/%s", crowd->names[i]);
        fuzz_assert(find(set, path));
    }
}

FUZZ_TARGET(pages) {
    static struct crowd crowd;
    struct fuzz_input input = {data, size};
    struct page_set set;
    size_t length;
    take_crowd(&crowd, &input);
    fuzz_assert(pages_render(&crowd.snapshot, 1, &set) == 0);
    check_pages(&crowd, &set);
    unsigned char *payload = pages_encode(&set, 1, &length);
    fuzz_assert(payload && length <= FRAME_PAYLOAD_MAX);
    free(payload);
    pages_release(&set);
    char *metrics = metrics_text(&crowd.snapshot);
    fuzz_assert(metrics && strlen(metrics) < METRICS_PAGE_MAX);
    free(metrics);
    return 0;
}
