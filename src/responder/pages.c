/* The page table: whole sets replaced at once, looked up by path, distrusted past their lease. */
#include "responder/pages.h"

#include "base/str.h"
#include "report/reason.h"
#include "report/route.h"
#include "report/style.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct page_hold {
    int users; /* answers, and the table itself */
    struct page_set set;
    unsigned char *payload;
};

/* A state of the whole, told in our own words: for pages that are JSON, for those that are text, and for
 * people. */
struct notice {
    struct strbuf json;
    struct strbuf text;
    struct strbuf html;
};

struct page_table {
    const struct clock *clock;
    struct page_hold *current; /* NULL before the first set */
    int64_t valid_until_ms;
    struct notice starting;
    struct notice stale;
    bool is_read; /* since the last set or lease: numbers of it */
    void (*read)(void *arg);
    void *arg;
};

/* -- our own texts -- */

/* Of the reason table's texts only: none holds a character that JSON or HTML would have escaped. */
static const char *harmless(const char *text) {
    for (const char *c = text; *c; c++)
        assert(*c >= 0x20 && *c < 0x7f && !strchr("\"\\<>&", *c));
    return text;
}

static void append_html(struct strbuf *html, const struct reason_info *info) {
    strbuf_format(html,
        "%s<title>Not ready: %s - Bugsink health</title>\n<link rel=\"icon\" "
        "href=\"data:,\">\n<style>%s</style>\n</head>\n",
        style_page_open(), info->slug, style_sheet());
    strbuf_format(html,
        "<body class=\"%s\">\n<main class=\"verdict\">\n<p class=\"brand\">Bugsink health</p>\n"
        "<h1>Not ready: %s</h1>\n<p class=\"lead\">%s</p>\n<p "
        "class=\"hint\">%s</p>\n</main>\n</body>\n</html>\n",
        status_name(info->verdict), info->slug, harmless(info->sentence), harmless(info->hint));
}

/* The keys of Bugsink's own health page keep their names and types, as on every page of readiness. */
static void notice_init(struct notice *notice, enum reason reason, const char *settings) {
    const struct reason_info *info = reason_info(reason);
    const char *slug = harmless(info->slug), *sentence = harmless(info->sentence);
    *notice = (struct notice){0};
    strbuf_format(&notice->text, "%s: %s\n", slug, sentence);
    strbuf_format(&notice->json,
        "{\"status\":\"error\",\"databases\":{},\"app_settings\":\"%s\",\"version\":\"unknown\","
        "\"code\":\"%s\",\"message\":\"%s\",\"failed\":[],\"degraded\":[],\"codes\":{}}\n",
        settings, slug, sentence);
    append_html(&notice->html, info);
}

static void notice_release(struct notice *notice) {
    strbuf_release(&notice->json);
    strbuf_release(&notice->text);
    strbuf_release(&notice->html);
}

static bool notice_is_whole(const struct notice *notice) {
    return !notice->json.is_broken && !notice->text.is_broken && !notice->html.is_broken;
}

static void set_body(struct answer *answer, int status, const char *type, const char *body, size_t length) {
    answer->status = status;
    answer->type = type;
    answer->body = body;
    answer->body_length = length;
    answer->age_s = 0;
    answer->takes_metrics = answer->takes_probes = false;
}

/* Of the metrics, where the checker's part is not known or not trusted: ours alone. */
static void set_metrics_alone(struct answer *answer, const char *type) {
    set_body(answer, 200, type, "", 0);
    answer->takes_metrics = true;
}

/* In the form of the page it stands for. */
static void set_notice(struct answer *answer, const struct notice *notice, const char *type) {
    if (strcmp(type, PAGE_TYPE_JSON) == 0)
        set_body(answer, 503, PAGE_TYPE_JSON, notice->json.data, notice->json.length);
    else if (strcmp(type, PAGE_TYPE_HTML) == 0)
        set_body(answer, 503, PAGE_TYPE_HTML, notice->html.data, notice->html.length);
    else
        set_body(answer, 503, PAGE_TYPE_TEXT, notice->text.data, notice->text.length);
}

/* -- life -- */

struct page_table *page_table_new(const struct clock *clock) {
    struct page_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->clock = clock;
    table->valid_until_ms = clock_now_ms(clock) + PAGES_FIRST_LEASE_MS;
    notice_init(&table->starting, REASON_STARTING, "starting");
    notice_init(&table->stale, REASON_STALE, "error: stale");
    if (!notice_is_whole(&table->starting) || !notice_is_whole(&table->stale)) {
        page_table_free(table);
        return NULL;
    }
    return table;
}

void page_hold_release(struct page_hold *hold) {
    if (!hold || --hold->users > 0)
        return;
    free(hold->set.pages);
    free(hold->payload);
    free(hold);
}

void page_table_free(struct page_table *table) {
    if (!table)
        return;
    page_hold_release(table->current);
    notice_release(&table->starting);
    notice_release(&table->stale);
    free(table);
}

int page_table_put(
    struct page_table *table, struct page_set set, unsigned char *payload, int64_t valid_until_ms) {
    struct page_hold *hold = malloc(sizeof *hold);
    if (!hold) {
        free(set.pages);
        free(payload);
        return -1;
    }
    *hold = (struct page_hold){1, set, payload};
    page_hold_release(table->current);
    table->current = hold;
    page_table_renew(table, valid_until_ms);
    return 0;
}

void page_table_renew(struct page_table *table, int64_t valid_until_ms) {
    table->valid_until_ms = valid_until_ms;
    table->is_read = false;
}

void page_table_on_read(struct page_table *table, void (*read)(void *arg), void *arg) {
    table->read = read;
    table->arg = arg;
}

static void note_reading(struct page_table *table, const struct route *route) {
    if (!route->tells_numbers || table->is_read || !table->read)
        return;
    table->is_read = true;
    table->read(table->arg);
}

/* -- answers -- */

struct path {
    const char *text;
    size_t length;
};

static int compare_path(const void *key, const void *element) {
    const struct path *path = key;
    const struct page *page = element;
    int order = strncmp(path->text, page->path, path->length);
    return order != 0 ? order : page->path[path->length] == '\0' ? 0 : -1;
}

static bool is_trusted(const struct page_table *table, enum page_trust trust, int64_t now_ms) {
    static const int64_t BEYOND_MS[PAGE_TRUST_COUNT] = {
        [PAGE_TRUST_GRACE] = PAGES_GRACE_MS, [PAGE_TRUST_LONG] = PAGES_LONG_MS};
    return now_ms - table->valid_until_ms <= BEYOND_MS[trust];
}

/* Before the first set: the routes say what every set holds. */
static void answer_without_pages(const struct page_table *table, const struct route *route, unsigned tastes,
    struct answer *answer, int64_t now_ms) {
    const char *type = route_type(route, tastes);
    switch (route->opening) {
    case ROUTE_OPENS_OK:
        if (is_trusted(table, route->trust, now_ms))
            set_body(answer, 200, PAGE_TYPE_TEXT, "OK\n", 3);
        else
            set_notice(answer, &table->stale, PAGE_TYPE_TEXT);
        break;
    case ROUTE_OPENS_STARTING: set_notice(answer, &table->starting, type); break;
    case ROUTE_OPENS_EMPTY: set_metrics_alone(answer, type); break;
    case ROUTE_OPENS_MISSING: response_set_error(answer, 404); break;
    }
}

/* The page of that path, NULL where there is none: one for certain tastes only for who has them. */
static const struct page *find_page(const struct page_set *set, struct path path, unsigned tastes) {
    const struct page *end = set->pages + set->count;
    const struct page *page = bsearch(&path, set->pages, set->count, sizeof *page, compare_path);
    if (!page)
        return NULL;
    while (page > set->pages && compare_path(&path, page - 1) == 0)
        page--;
    const struct page *found = NULL;
    for (; page < end && compare_path(&path, page) == 0; page++)
        if (page_is_for(page, tastes) || (!found && !page_is_for_some(page)))
            found = page;
    return found;
}

struct page_hold *page_table_answer(
    struct page_table *table, const char *path, size_t length, unsigned tastes, struct answer *answer) {
    int64_t now_ms = clock_now_ms(table->clock);
    const struct route *route = route_of(route_find(path, length));
    struct path key = {path, route_path_length(path, length)};
    struct page_hold *hold = table->current;
    if (!hold) {
        answer_without_pages(table, route, tastes, answer, now_ms);
        return NULL;
    }
    const struct page *page = find_page(&hold->set, key, tastes);
    if (!page) {
        response_set_error(answer, 404);
        return NULL;
    }
    bool takes_metrics = route->author == ROUTE_BY_BOTH;
    if (!is_trusted(table, page->trust, now_ms)) {
        if (takes_metrics)
            set_metrics_alone(answer, route_type(route, tastes));
        else
            set_notice(answer, &table->stale, page->type);
        return NULL;
    }
    set_body(answer, page->status, page->type, page->body, page->body_length);
    answer->takes_metrics = takes_metrics;
    answer->takes_probes = route->author == ROUTE_BY_CHECKER_AND_PROBES;
    /* The table is a user itself: no release has freed it. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    answer->age_s = (now_ms - hold->set.made_at_ms) / 1000;
    hold->users++;
    note_reading(table, route);
    return hold;
}

/* -- metrics -- */

/* Asked as a client would ask, so that no metric can say otherwise than the page. */
static bool is_well(struct page_table *table, enum route_id id) {
    struct answer answer = {0};
    const char *path = route_of(id)->path;
    page_hold_release(page_table_answer(table, path, strlen(path), 0, &answer));
    return answer.status == 200;
}

struct verdicts page_table_verdicts(struct page_table *table) {
    return (struct verdicts){
        .is_fresh = table->current && is_trusted(table, PAGE_TRUST_LEASE, clock_now_ms(table->clock)),
        .is_live = is_well(table, ROUTE_LIVE),
        .is_ready = is_well(table, ROUTE_READY),
    };
}
