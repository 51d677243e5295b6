/* The responder process: takes the listener and the pages from the link, and serves until it is told to stop.
 */
#include "responder/responder.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "link/link.h"
#include "responder/pages.h"
#include "responder/server.h"

#include <stddef.h>
#include <unistd.h>

_Static_assert((int)PAGE_TYPE_MAX <= (int)RESPONSE_TYPE_MAX, "a page's type fits into an answer's head");

/* The usual 256 connections, and what the process itself holds: some ten, and room for as many again. */
enum { DESCRIPTORS_MAX = 288 };

/* What serving may need on top of what the process has at its start (20 MB of address space, most of it
 * libraries). A set of pages is 3 MB for 500 checks, and at most FRAME_PAYLOAD_MAX; a handful of them are
 * held at once: the one that is served, the one that comes, older ones until their last reader is done. */
enum { MEMORY_MAX = 256 * 1024 * 1024 };

struct responder {
    int link_fd;
    bool is_sandboxed;
    struct sandbox sandbox;
    struct process_meter meter;
    struct event_base *base;
    struct page_table *pages;
    struct link_receiver *receiver;
    struct server *server; /* NULL until the listener has come */
    bool has_started;      /* the first pages are there */
    int exit_code;
};

static void end(struct responder *responder, int exit_code) {
    responder->exit_code = exit_code;
    event_base_loopbreak(responder->base);
}

static void fail(struct responder *responder, const char *event, const char *why) {
    log_error(event, why);
    end(responder, 1);
}

static void on_log(void *arg, enum log_level level, enum log_format format) {
    (void)arg;
    log_configure(level, format, "responder", -1);
}

/* Now, because how to log came over the link just before the listener. */
static void log_sandbox(const struct responder *responder) {
    char text[SANDBOX_TEXT_SIZE];
    const struct sandbox *sandbox = &responder->sandbox;
    bool is_whole = responder->is_sandboxed && !*sandbox->missing;
    struct log_line line;
    sandbox_describe(sandbox, text);
    log_begin(&line, is_whole ? LOG_INFO : LOG_WARNING, "sandbox");
    log_str(&line, "sandbox", text);
    log_str(&line, "missing", *sandbox->missing ? sandbox->missing : NULL);
    log_str(&line, "warning",
        is_whole ? NULL
        : responder->is_sandboxed
            ? "part of the responder's sandbox is not available here; it serves all the same"
            : "switched off by --sandbox=off: for debugging only");
    log_end(&line);
}

static void on_listener(void *arg, int listen_fd) {
    struct responder *responder = arg;
    if (responder->server) {
        close(listen_fd);
        fail(responder, "link failed", "a second listener");
        return;
    }
    const struct clock *clock = clock_system();
    struct server_limits limits = server_limits_usual();
    responder->server = server_new(responder->base, listen_fd, responder->pages, clock, &limits);
    if (!responder->server) {
        close(listen_fd);
        fail(responder, "cannot serve", "out of memory, or the listening socket cannot be used");
        return;
    }
    if (responder->is_sandboxed)
        server_set_meter(responder->server, &responder->meter);
    log_sandbox(responder);
    page_table_renew(responder->pages, clock_now_ms(clock) + PAGES_FIRST_LEASE_MS);
    if (link_send_listening(responder->link_fd) < 0)
        fail(responder, "link failed", "the checker does not take our answer");
}

static void on_pages(void *arg, struct page_set set, unsigned char *payload, int64_t valid_until_ms) {
    struct responder *responder = arg;
    if (page_table_put(responder->pages, set, payload, valid_until_ms) < 0)
        fail(responder, "pages not taken", "out of memory"); /* a later lease must not renew the old ones */
    if (!responder->has_started)
        process_forget_start();
    responder->has_started = true;
}

static void on_lease(void *arg, int64_t valid_until_ms) {
    struct responder *responder = arg;
    page_table_renew(responder->pages, valid_until_ms);
}

static void on_ping(void *arg) {
    struct responder *responder = arg;
    if (link_send_pong(responder->link_fd) < 0)
        fail(responder, "link failed", "the checker does not take our answer");
}

static void on_read(void *arg) {
    struct responder *responder = arg;
    if (link_send_read(responder->link_fd) < 0)
        fail(responder, "link failed", "the checker does not take our word");
}

static void on_stop(void *arg) {
    end(arg, 0);
}

/* A checker that ends before it has a listener has said itself why it could not start. */
static void on_failed(void *arg, const char *why) {
    struct responder *responder = arg;
    if (why || responder->server)
        fail(responder, "checker gone", why ? why : "end of file on the link");
    else
        end(responder, 1);
}

/* The link, and all else. */
enum { PRIORITIES = 2 };

static int responder_init(struct responder *responder) {
    static const struct link_events EVENTS = {.log = on_log,
        .listener = on_listener,
        .pages = on_pages,
        .lease = on_lease,
        .ping = on_ping,
        .stop = on_stop,
        .failed = on_failed};
    struct event_config *config = event_config_new();
    if (!config)
        return -1;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
    responder->base = event_base_new_with_config(config);
    event_config_free(config);
    if (responder->base && event_base_priority_init(responder->base, PRIORITIES) < 0)
        return -1;
    responder->pages = page_table_new(clock_system());
    if (!responder->base || !responder->pages)
        return -1;
    page_table_on_read(responder->pages, on_read, responder);
    responder->receiver = link_receiver_new(responder->base, responder->link_fd, &EVENTS, responder);
    return responder->receiver ? 0 : -1;
}

static void responder_release(struct responder *responder) {
    server_free(responder->server);
    link_receiver_free(responder->receiver);
    page_table_free(responder->pages);
    if (responder->base)
        event_base_free(responder->base);
}

/* All is open that will ever be, and nothing has been read yet. */
static void enter_sandbox(struct responder *responder) {
    process_meter_open(&responder->meter, process_limit_descriptors(DESCRIPTORS_MAX));
    sandbox_enter_responder(&responder->sandbox, MEMORY_MAX, &responder->meter);
}

/* The start of the process has the same steps as the checker's and a child's: what it is called, its signals,
 * its secrets, what it keeps and opens, and in the end what it gives up. Returns whether it can serve.
 *
 * A signal meant for the whole process group, Ctrl-C above all, must not end the answers: the checker decides
 * when. And what a careless launcher has left open is closed. */
static bool enter_process(struct responder *responder) {
    log_set_process("responder");
    process_set_name("bh-responder");
    process_ignore_signals();
    process_forbid_core();
    process_wipe_environment();
    process_close_from(STDERR_FILENO + 1, &responder->link_fd, 1);
    bool can_serve = responder_init(responder) == 0;
    if (responder->is_sandboxed)
        enter_sandbox(responder);
    return can_serve;
}

int responder_run(int link_fd, bool is_sandboxed) {
    struct responder responder = {.link_fd = link_fd, .is_sandboxed = is_sandboxed, .exit_code = 1};
    if (!enter_process(&responder))
        log_error("cannot start", "out of memory, or no descriptor for the event loop");
    else if (event_base_dispatch(responder.base) < 0)
        log_error("cannot go on", "the event loop failed");
    responder_release(&responder);
    return responder.exit_code;
}
