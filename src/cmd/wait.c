/* wait: looks again and again until all is ready, saying what is still missing. */
#include "cmd/cmd.h"

#include "base/str.h"
#include "cmd/args.h"
#include "cmd/session.h"
#include "config/duration.h"
#include "render/text.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct own_flag FLAGS[] = {{"--timeout", true}, {"--for", true}, {0}};

struct waiting {
    struct session session;
    struct timer timeout;
    bool is_for_start; /* what Bugsink's own start-up mends (migrations) does not count */
    int status;
};

/* Whether this check keeps us waiting. A database that Bugsink has yet to make or migrate is no reason to
 * keep Bugsink from starting: its start-up does just that; nor is that Bugsink itself does not answer yet. */
static bool is_satisfied(const struct waiting *waiting, const struct check_view *check) {
    if (!check->is_critical || status_is_ready(check->status))
        return true;
    if (waiting->is_for_start && strcmp(check->name, CHECK_NAME_APP) == 0)
        return true; /* not started yet: that is what waits for us */
    if (!waiting->is_for_start || !check->has_run || !check->is_database)
        return false;
    /* A missing file is made by Bugsink, a missing directory (a volume that is not mounted) is not: of a
     * directory that is there, the free space was observed. */
    int64_t free_bytes;
    if (check->reason == REASON_FILE_MISSING)
        return observed_get(&check->observed, OBSERVED_FREE_BYTES, &free_bytes);
    return reason_info(check->reason)->is_mended_by_start;
}

static void print_progress(struct waiting *waiting, const struct snapshot *snapshot) {
    for (size_t i = 0; i < snapshot->check_count; i++) {
        char *line = is_satisfied(waiting, &snapshot->checks[i]) ? NULL : text_line(&snapshot->checks[i]);
        if (line)
            printf("waiting for %s", line);
        free(line);
    }
    fflush(stdout);
}

static void on_checked(void *arg, bool is_change) {
    struct waiting *waiting = arg;
    struct snapshot snapshot;
    bool is_done = true;
    session_snapshot(&waiting->session, &snapshot);
    for (size_t i = 0; i < snapshot.check_count; i++)
        is_done = is_done && is_satisfied(waiting, &snapshot.checks[i]);
    is_done = is_done && !snapshot.is_in_maintenance;
    if (is_done) {
        puts(waiting->is_for_start ? "ready for Bugsink to start" : "ready");
        waiting->status = EXIT_READY;
        loop_end(&waiting->session.loop);
    } else if (is_change && engine_has_finished_round(waiting->session.engine)) {
        print_progress(waiting, &snapshot);
    }
}

static void on_timeout(void *arg) {
    struct waiting *waiting = arg;
    struct snapshot snapshot;
    session_snapshot(&waiting->session, &snapshot);
    puts("gave up:");
    print_progress(waiting, &snapshot);
    loop_end(&waiting->session.loop);
}

static void on_signal(evutil_socket_t number, short events, void *arg) {
    (void)number;
    (void)events;
    struct waiting *waiting = arg;
    loop_end(&waiting->session.loop);
}

static int parse(struct waiting *waiting, const struct args *args, int64_t *timeout_ms, struct error *err) {
    const char *what = args_value(args, "--for", "ready");
    if (args->word_count > 0)
        return error_set(err, "wait takes flags only");
    if (strcmp(what, "ready") != 0 && strcmp(what, "start") != 0)
        return error_set(err, "--for %s: write ready (all is well) or start (Bugsink may be started)",
            str_quotable(what, ""));
    waiting->is_for_start = strcmp(what, "start") == 0;
    if (duration_parse(args_value(args, "--timeout", "60s"), timeout_ms, err) < 0)
        return error_prefix(err, "--timeout");
    return 0;
}

/* Waits; without the signals (which end it) there is nothing to wait with. */
static void run(struct waiting *waiting, int64_t timeout_ms) {
    struct loop *loop = &waiting->session.loop;
    struct event *terminate = loop_watch_signal(loop, SIGTERM, on_signal, waiting);
    struct event *interrupt = loop_watch_signal(loop, SIGINT, on_signal, waiting);
    timer_init(&waiting->timeout, on_timeout, waiting);
    if (timeout_ms > 0)
        timer_arm(&loop->timers, &waiting->timeout, timeout_ms);
    session_log_warnings(&waiting->session);
    engine_start(waiting->session.engine, false);
    if (engine_config(waiting->session.engine)->check_count == 0)
        on_checked(waiting, true);
    if (terminate && interrupt)
        loop_run(loop);
    if (terminate)
        event_free(terminate);
    if (interrupt)
        event_free(interrupt);
}

int cmd_wait(char **argv, const char *const *environment) {
    struct args args;
    struct error err;
    struct waiting waiting = {.status = EXIT_NOT_READY};
    int64_t timeout_ms;
    const struct engine_events events = {.checked = on_checked};
    if (args_parse(&args, argv, FLAGS, environment, &err) < 0 ||
        parse(&waiting, &args, &timeout_ms, &err) < 0 ||
        session_open(&waiting.session, &args, &events, &waiting, &err) < 0)
        return cmd_refuse(err.text);
    run(&waiting, timeout_ms);
    session_close(&waiting.session);
    return waiting.status;
}
