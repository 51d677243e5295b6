/* The pages of any state of anything, with hostile names in it: JSON that parses, HTML in which nothing but
 * our own markup is markup, metrics of lines that are well-formed, and sets that go over the link. Sources:
 * src/render/json.c src/render/html.c src/render/html_check.c src/render/html_text.c src/render/html_chart.c
 * src/render/text.c src/render/metrics.c src/render/pages.c src/report/exposition.c src/report/snapshot.c */
#include "base/str.h"
#include "fuzz/fuzz.h"
#include "link/link.h"
#include "render/html.h"
#include "render/json.h"
#include "render/metrics.h"
#include "render/pages.h"
#include "render/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKS_MAX = 4, TEXTS_MAX = CHECKS_MAX + 2, TEXT_MAX = 48, RUNS_MAX = 8 };

static const int64_t NOW_MS = 1795428005123; /* 2026-11-23T10:00:05.123Z */

/* A snapshot and all it borrows. */
struct state {
    struct check_view checks[CHECKS_MAX];
    struct history histories[CHECKS_MAX];
    struct counters counters[CHECKS_MAX];
    struct process_usage usage;
    char *texts[TEXTS_MAX];
    size_t text_count;
    struct snapshot snapshot;
};

/* A time long or short before now. */
static int64_t take_age_ms(struct fuzz_input *input) {
    int64_t age_ms = fuzz_take(input);
    return age_ms << fuzz_take_below(input, 32);
}

static const char *take_text(struct state *state, struct fuzz_input *input) {
    return state->texts[state->text_count++] = fuzz_take_text(input, TEXT_MAX);
}

static void take_runs(struct fuzz_input *input, struct history *history, struct counters *counters) {
    int64_t now_ms = 0;
    history_init(history);
    *counters = (struct counters){0};
    for (unsigned i = fuzz_take_below(input, RUNS_MAX); i > 0; i--) {
        enum status status = (enum status)fuzz_take_below(input, STATUS_STARTING);
        enum reason reason =
            status == STATUS_OK ? REASON_OK : (enum reason)(1 + fuzz_take_below(input, REASON_COUNT - 1));
        int64_t duration_ms = take_age_ms(input);
        now_ms += (int64_t)fuzz_take(input) * 1000;
        history_note(history, now_ms, status, reason, duration_ms);
        counters_note(counters, status, reason, duration_ms);
    }
    history_advance(history, now_ms + (int64_t)fuzz_take(input) * 1000);
}

static void take_check(struct state *state, struct fuzz_input *input, size_t number) {
    struct check_view *check = &state->checks[number];
    unsigned flags = fuzz_take(input);
    *check = (struct check_view){.name = take_text(state, input),
        .kind = flags & 1 ? "sqlite" : "http",
        .is_database = flags & 2,
        .is_critical = flags & 4,
        .has_run = flags & 8,
        .has_started = flags & 16,
        .status = (enum status)fuzz_take_below(input, STATUS_STARTING + 1),
        .reason = (enum reason)fuzz_take_below(input, REASON_COUNT),
        .phase = (enum phase)fuzz_take_below(input, PHASE_COUNT),
        .latency_ms = take_age_ms(input),
        .checked_at_ms = NOW_MS - take_age_ms(input),
        .since_ms = NOW_MS - take_age_ms(input),
        .last_ok_at_ms = flags & 32 ? 0 : NOW_MS - take_age_ms(input),
        .consecutive_failures = fuzz_take(input)};
    for (unsigned i = fuzz_take_below(input, 4); i > 0; i--)
        observed_set(&check->observed, (enum observed_key)fuzz_take_below(input, OBSERVED_KEY_COUNT),
            take_age_ms(input) * (fuzz_take_below(input, 2) ? 1 : -1));
    take_runs(input, &state->histories[number], &state->counters[number]);
    check->history = flags & 64 ? &state->histories[number] : NULL;
    check->counters = flags & 128 ? &state->counters[number] : NULL;
}

static void take_state(struct state *state, struct fuzz_input *input) {
    static const char *const CONFIGS[] = {"ok", "refused", "unchanged"};
    *state = (struct state){.usage = {.cpu_ms = 5, .resident_bytes = -1, .open_descriptors = 7}};
    unsigned flags = fuzz_take(input);
    size_t count = fuzz_take_below(input, CHECKS_MAX + 1);
    state->snapshot = (struct snapshot){.checks = state->checks,
        .check_count = count,
        .has_started = flags & 1,
        .is_draining = flags & 2,
        .is_in_maintenance = flags & 4,
        .is_dead = flags & 8,
        .has_reload_failed = flags & 16,
        .usage = flags & 32 ? &state->usage : NULL,
        .app_version = take_text(state, input),
        .sidecar_version = "0.0.1",
        .sidecar_config = CONFIGS[fuzz_take_below(input, 3)],
        .sidecar_pid = 1,
        .started_at_ms = NOW_MS - take_age_ms(input),
        .config_read_at_ms = NOW_MS - 1,
        .now_ms = NOW_MS};
    for (size_t i = 0; i < count; i++)
        take_check(state, input, i);
    if (state->snapshot.is_dead && count > 0) {
        state->snapshot.live_check = state->checks[0].name;
        state->snapshot.live_reason = REASON_TIMEOUT;
    } else {
        state->snapshot.is_dead = false;
    }
}

static void state_release(struct state *state) {
    for (size_t i = 0; i < state->text_count; i++)
        free(state->texts[i]);
}

/* -- JSON -- */

static bool is_utf8(const char *text) {
    while (*text) {
        size_t length = str_utf8_length(text);
        if (length == 0)
            return false;
        text += length;
    }
    return true;
}

/* Whether all texts are UTF-8: else there is no JSON; the configuration lets nothing else pass. */
static bool are_utf8(const struct state *state) {
    for (size_t i = 0; i < state->text_count; i++)
        if (!is_utf8(state->texts[i]))
            return false;
    return true;
}

/* Parses it; the caller drops what it is. */
static json_t *check_json(char *text) {
    json_error_t error;
    fuzz_assert(text);
    json_t *root = json_loads(text, 0, &error);
    fuzz_assert(json_is_object(root));
    free(text);
    return root;
}

static void check_all_json(const struct snapshot *snapshot) {
    json_t *ready = check_json(json_ready(snapshot)), *health = check_json(json_health(snapshot));
    const char *version = json_string_value(json_object_get(ready, "version"));
    fuzz_assert(version && strcmp(version, snapshot->app_version) == 0);
    fuzz_assert(json_object_get(ready, "status") && json_object_get(health, "status"));
    json_decref(ready);
    json_decref(health);
    for (size_t i = 0; i < snapshot->check_count; i++)
        json_decref(check_json(json_check(&snapshot->checks[i])));
}

/* -- HTML -- */

/* Of a page: how many of each character that is markup. */
struct markup {
    size_t opened, closed, quotes, controls;
};

static struct markup count_markup(char *html) {
    struct markup markup = {0};
    fuzz_assert(html && is_utf8(html) && strlen(html) < HTML_PAGE_MAX);
    for (const char *c = html; *c; c++) {
        markup.opened += *c == '<';
        markup.closed += *c == '>';
        markup.quotes += *c == '"' || *c == '\'';
        markup.controls += (unsigned char)*c < 0x20 && *c != '\n';
    }
    free(html);
    return markup;
}

/* The same with harmless names has the same markup; a version that is not known has none. */
static void check_html(struct state *state) {
    struct markup hostile = count_markup(html_health(&state->snapshot));
    const char *version = state->snapshot.app_version, *names[CHECKS_MAX], *live = state->snapshot.live_check;
    for (size_t i = 0; i < state->snapshot.check_count; i++) {
        names[i] = state->checks[i].name;
        state->checks[i].name = "harmless";
    }
    if (strcmp(version, "unknown") != 0)
        state->snapshot.app_version = "1";
    state->snapshot.live_check = live ? "harmless" : NULL;
    struct markup harmless = count_markup(html_health(&state->snapshot));
    fuzz_assert(hostile.opened == harmless.opened && hostile.closed == harmless.closed);
    fuzz_assert(hostile.quotes == harmless.quotes && hostile.controls == 0);
    for (size_t i = 0; i < state->snapshot.check_count; i++)
        state->checks[i].name = names[i];
    state->snapshot.app_version = version;
    state->snapshot.live_check = live;
}

/* -- metrics -- */

/* Skips {name="value",...}, whose values hold no bare quote, backslash or line's end. */
static const char *skip_labels(const char *at) {
    if (*at != '{')
        return at;
    do {
        at++;
        size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
        fuzz_assert(name > 0 && at[name] == '=' && at[name + 1] == '"');
        for (at += name + 2; *at != '"'; at++) {
            fuzz_assert((unsigned char)*at >= 0x20 && *at != 0x7f);
            if (*at == '\\') {
                at++;
                fuzz_assert(*at == '\\' || *at == '"' || *at == 'n');
            }
        }
        at++;
    } while (*at == ',');
    fuzz_assert(*at == '}');
    return at + 1;
}

static void check_metrics(char *text) {
    fuzz_assert(text && is_utf8(text) && strlen(text) < METRICS_PAGE_MAX);
    for (const char *at = text; *at;) {
        if (strncmp(at, "# HELP ", 7) == 0 || strncmp(at, "# TYPE ", 7) == 0) {
            at += strcspn(at, "\n");
        } else {
            size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
            fuzz_assert(name > 0);
            at = skip_labels(at + name);
            fuzz_assert(*at++ == ' ');
            size_t number = strspn(at, "-0123456789.");
            fuzz_assert(number > 0);
            at += number;
        }
        fuzz_assert(*at++ == '\n');
    }
    free(text);
}

/* -- the rest -- */

static void check_text(char *text) {
    fuzz_assert(text && *text);
    free(text);
}

/* The whole set is laid out for the link, unless a name has no place in a path: such a one no configuration
 * lets pass. */
static void check_pages(const struct snapshot *snapshot) {
    struct page_set set;
    size_t length;
    bool are_named = true;
    for (size_t i = 0; i < snapshot->check_count; i++)
        are_named = are_named && str_is_name(snapshot->checks[i].name);
    fuzz_assert(pages_render(snapshot, 1, &set) == 0);
    unsigned char *payload = pages_encode(&set, 1, &length);
    fuzz_assert(payload || !are_named);
    free(payload);
    pages_release(&set);
}

/* Where a text has no place in JSON, there is a whole set or none. */
static void check_no_json(const struct snapshot *snapshot) {
    struct page_set set;
    free(json_ready(snapshot));
    free(json_health(snapshot));
    fuzz_assert((pages_render(snapshot, 1, &set) == 0) == (set.count > 0));
    pages_release(&set);
}

FUZZ_TARGET(render) {
    struct fuzz_input input = {data, size};
    struct state *state = malloc(sizeof *state);
    fuzz_assert(state);
    take_state(state, &input);
    const struct snapshot *snapshot = &state->snapshot;
    if (are_utf8(state)) {
        check_all_json(snapshot);
        check_pages(snapshot);
    } else {
        check_no_json(snapshot);
    }
    check_html(state);
    check_metrics(metrics_text(snapshot));
    check_metrics(metrics_openmetrics(snapshot));
    check_text(text_table(snapshot, fuzz_take_below(&input, 8), fuzz_take_below(&input, 200)));
    check_text(text_round(snapshot));
    check_text(text_verdict(snapshot));
    check_text(text_live(snapshot));
    check_text(text_started(snapshot));
    for (size_t i = 0; i < snapshot->check_count; i++)
        check_text(text_line(&snapshot->checks[i]));
    fuzz_assert(!snapshot_is_ready(snapshot) || snapshot_status(snapshot) != STATUS_ERROR);
    state_release(state);
    free(state);
    return 0;
}
