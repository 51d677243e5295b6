/* Counts what the server does, and writes it down for Prometheus. */
#include "responder/traffic.h"

#include "report/route.h"

#include <assert.h>
#include <string.h>

static const struct {
    int status;
    const char *label;
} STATUSES[TRAFFIC_STATUS_COUNT] = {
    {200, "200"}, {400, "400"}, {404, "404"}, {405, "405"}, {408, "408"}, {431, "431"}, {503, "503"}};

/* -- counting -- */

static bool is_of_a_page(int status) {
    return status == 200 || status == 405 || status == 503;
}

enum route_id traffic_count(struct traffic *traffic, const char *path, size_t length, int status) {
    enum route_id of = is_of_a_page(status) ? route_find(path, length) : ROUTE_OTHER;
    int i = 0;
    while (i < TRAFFIC_STATUS_COUNT && STATUSES[i].status != status)
        i++;
    assert(i < TRAFFIC_STATUS_COUNT);
    traffic->requests[of][i]++;
    return of;
}

/* -- writing down -- */

static void put_gauge(struct exposition *page, const char *name, const char *help, int64_t value) {
    exposition_family(page, name, METRIC_GAUGE, help);
    exposition_number(page, NULL, 0, value);
}

static void put_counter(struct exposition *page, const char *name, const char *help, uint64_t value) {
    exposition_family(page, name, METRIC_COUNTER, help);
    exposition_number(page, NULL, 0, (int64_t)value);
}

static void put_verdicts(struct exposition *page, const struct verdicts *verdicts) {
    put_gauge(page, "bugsink_health_checker_up",
        "Whether the checking process reports; while it does not, nothing it knew is told.",
        verdicts->is_fresh);
    put_gauge(page, "bugsink_health_ready", "Whether /health/ready/ answers 200.", verdicts->is_ready);
    put_gauge(page, "bugsink_health_live", "Whether /health/live/ answers 200.", verdicts->is_live);
}

static void put_requests(struct exposition *page, const struct traffic *traffic) {
    exposition_family(page, "bugsink_health_http_requests", METRIC_COUNTER,
        "Requests answered, by path and status code; each is there since its first one.");
    for (int id = 0; id < ROUTE_COUNT; id++)
        for (int i = 0; i < TRAFFIC_STATUS_COUNT; i++) {
            const struct label labels[] = {
                {"path", route_of((enum route_id)id)->label}, {"code", STATUSES[i].label}};
            if (traffic->requests[id][i] > 0)
                exposition_number(page, labels, 2, (int64_t)traffic->requests[id][i]);
        }
}

static void put_process(struct exposition *page, const struct responder_state *state) {
    exposition_family(
        page, "bugsink_health_responder_start_time_seconds", METRIC_GAUGE, "When the responder started.");
    exposition_seconds(page, NULL, 0, state->started_at_ms);
    exposition_family(
        page, "bugsink_health_responder_cpu_seconds", METRIC_COUNTER, "Processor time of the responder.");
    exposition_seconds(page, NULL, 0, state->usage.cpu_ms);
    if (state->usage.resident_bytes >= 0)
        put_gauge(page, "bugsink_health_responder_resident_memory_bytes", "Resident memory of the responder.",
            state->usage.resident_bytes);
    if (state->usage.open_descriptors >= 0)
        put_gauge(page, "bugsink_health_responder_open_fds", "Open descriptors of the responder.",
            state->usage.open_descriptors);
}

void traffic_put(struct exposition *page, const struct traffic *traffic, const struct verdicts *verdicts,
    const struct responder_state *state) {
    put_verdicts(page, verdicts);
    put_requests(page, traffic);
    put_gauge(page, "bugsink_health_http_connections", "Connections open now.", (int64_t)state->connections);
    put_counter(page, "bugsink_health_http_connections_accepted", "Connections accepted.", traffic->accepted);
    put_counter(page, "bugsink_health_http_connections_evicted",
        "Connections ended unfinished, the oldest first, to make room for others.", traffic->evicted);
    put_counter(page, "bugsink_health_http_accept_pauses",
        "Times that no descriptor was left for a new connection, which had to wait.", traffic->pauses);
    probes_put(&traffic->probes, page);
    put_process(page, state);
    exposition_end(page);
}

void traffic_add_tail(const struct traffic *traffic, const struct verdicts *verdicts, size_t connections,
    char memory[TRAFFIC_TEXT_SIZE], struct answer *answer) {
    struct exposition page = {
        .format = strcmp(answer->type, PAGE_TYPE_OPENMETRICS) == 0 ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT,
        .text = strbuf_in(memory, TRAFFIC_TEXT_SIZE)};
    struct responder_state state = {.connections = connections, .started_at_ms = traffic->started_at_ms};
    process_usage(&state.usage, traffic->meter);
    traffic_put(&page, traffic, verdicts, &state);
    assert(!page.text.is_broken);
    answer->tail = page.text.data;
    answer->tail_length = page.text.length;
}
