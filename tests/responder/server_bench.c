/* The server's process, with pages of all sizes. */
#include "responder/server_bench.h"

#include "responder/child.h"
#include "responder/client.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void put_pages(struct page_table *table) {
    static const struct page PAGES[] = {
        {"/big", 200, PAGE_TRUST_LEASE, "text/plain", NULL, BIG},
        {"/health/live", 200, PAGE_TRUST_GRACE, "text/plain; charset=utf-8", "OK\n", 3},
        {"/health/ready", 503, PAGE_TRUST_LEASE, "application/json", "{\"status\":\"error\"}\n", 19},
        {"/huge", 200, PAGE_TRUST_LEASE, "text/plain", NULL, HUGE},
        {"/metrics", 200, PAGE_TRUST_LEASE, PAGE_TYPE_METRICS, NULL, BIG},
    };
    struct page_set set = {
        clock_now_ms(clock_system()), sizeof PAGES / sizeof PAGES[0], malloc(sizeof PAGES)};
    char *payload = malloc(HUGE);
    ck_assert(set.pages && payload);
    memset(payload, 'x', HUGE);
    memcpy(set.pages, PAGES, sizeof PAGES);
    set.pages[0].body = set.pages[3].body = set.pages[4].body = payload;
    ck_assert_int_eq(page_table_put(table, set, (unsigned char *)payload, INT64_MAX), 0);
}

static void on_control(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    event_base_loopbreak(arg);
}

/* Forbids this process any descriptor beyond those it has. */
static void spend_descriptors(void) {
    struct rlimit limit;
    int lowest_free = dup(STDIN_FILENO);
    close(lowest_free);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)lowest_free;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int run_server(void *arg) {
    struct server_bench *bench = arg;
    close(bench->control[1]);
    struct event_base *base = event_base_new();
    struct page_table *table = page_table_new(clock_system());
    put_pages(table);
    struct event *control = event_new(base, bench->control[0], EV_READ, on_control, base);
    event_add(control, NULL);
    struct server *server = server_new(base, bench->listen_fd, table, clock_system(), &bench->limits);
    if (!server)
        return 1;
    if (bench->lacks_descriptors)
        spend_descriptors();
    event_base_dispatch(base);
    server_free(server);
    event_free(control);
    page_table_free(table);
    event_base_free(base);
    return 0;
}

struct server_bench server_bench_new(void) {
    struct server_bench bench = {.limits = server_limits_usual()};
    bench.listen_fd = client_listen(&bench.port);
    ck_assert_int_eq(pipe(bench.control), 0);
    return bench;
}

void server_bench_start(struct server_bench *bench) {
    bench->pid = forked_start(run_server, bench);
    close(bench->listen_fd);
    close(bench->control[0]);
    ck_assert_int_eq(client_probe(bench->port, "/health/live"), 200);
}

struct server_bench server_bench_started(void) {
    struct server_bench bench = server_bench_new();
    server_bench_start(&bench);
    return bench;
}

void server_bench_end(struct server_bench *bench) {
    ck_assert_int_eq(client_probe(bench->port, "/health/live"), 200);
    close(bench->control[1]);
    ck_assert_int_eq(forked_await(bench->pid), 0);
}
