/* wait: looks again and again until all is ready, saying what is still missing. */
#include "cmd/all.h"

#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "cmd/terminal.h"
#include "config/duration.h"
#include "render/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int run(struct args *args);

static const struct own_flag FLAGS[] = {
    {"--timeout", "60s", false, "for the whole wait; 0s: no limit", NULL},
    {"--for", "ready|start", false,
        "start: until Bugsink may be started; what its own start repairs, such as missing migrations, does "
        "not count",
        NULL},
    {"--quiet", NULL, false, "print nothing: the exit status says it", "-q"},
    {"--verbose", NULL, false, "log what the checks find, too", "-v"},
    {0},
};

const struct command command_wait = {
    .name = "wait",
    .flags = FLAGS,
    .takes_options = true,
    .help = "wait until ready, saying what is missing",
    .about = "Runs the checks again and again until all critical ones are ready, and says what\n"
             "is missing meanwhile. Exit status 0 ready, 1 at the timeout or a signal, 2 bad\n"
             "usage or configuration. An init container's job:\n\n"
             "  bugsink-health wait --for start --timeout 5m\n",
    .run = run,
};

/* What was last told of a check. */
struct told {
    bool is_told;
    bool is_waited_for;
    enum status status;
    enum reason reason;
};

struct waiting {
    struct session session;
    const char *const *environment;
    struct timer timeout;
    struct terminal_view view;
    struct told *told; /* one a check */
    bool is_maintenance_told;
    bool is_for_start;  /* what Bugsink's own start-up mends (migrations) does not count */
    int64_t timeout_ms; /* 0: none */
    int64_t began_ms;
    bool is_done;
    bool is_quiet;   /* what the checks find is shown, and not logged */
    bool is_silent;  /* nothing is printed */
    bool has_failed; /* standard output takes no more */
};

/* Whether this check keeps us waiting. A database that Bugsink has yet to make or migrate is no reason to
 * keep Bugsink from starting: its start-up does just that; nor is that Bugsink itself does not answer yet. */
static bool is_satisfied(const struct waiting *waiting, const struct check_view *check) {
    if (!check->is_critical || status_is_ready(check->status))
        return true;
    if (waiting->is_for_start && strcmp(check->name, CHECK_NAME_APP) == 0)
        return true; /* not started yet: that is what waits for us */
    return waiting->is_for_start && check->has_run &&
           reason_awaits_start(check->is_database, check->reason, &check->observed);
}

static bool is_waited_for(void *arg, const struct check_view *check) {
    return !is_satisfied(arg, check);
}

/* Bugsink may be started during maintenance, which is what maintenance often is for; and who would end it, if
 * the pod that has the file waits for its end? */
static bool is_held_by_maintenance(const struct waiting *waiting, const struct snapshot *snapshot) {
    return snapshot->is_in_maintenance && !waiting->is_for_start;
}

static bool is_all_satisfied(const struct waiting *waiting, const struct snapshot *snapshot) {
    for (size_t i = 0; i < snapshot->check_count; i++)
        if (!is_satisfied(waiting, &snapshot->checks[i]))
            return false;
    return !is_held_by_maintenance(waiting, snapshot);
}

/* Whether Bugsink has yet to answer what only its database can answer. */
static bool is_answer_due(const struct waiting *waiting) {
    return !waiting->is_for_start && !engine_has_finished_round(waiting->session.engine);
}

/* -- the words -- */

static int64_t waited_ms(const struct waiting *waiting) {
    return clock_now_ms(waiting->session.loop.timers.clock) - waiting->began_ms;
}

/* "12s so far, 48s left" */
static void append_times(const struct waiting *waiting, struct strbuf *buffer) {
    char so_far[TEXT_ELAPSED_SIZE], left[TEXT_ELAPSED_SIZE];
    text_elapsed(waited_ms(waiting), so_far);
    /* Rounded up: nothing is left only when it is over. */
    text_elapsed(waiting->timeout_ms - waited_ms(waiting) + 999, left);
    if (waiting->timeout_ms > 0)
        strbuf_format(buffer, "%s so far, %s left", so_far, left);
    else
        strbuf_format(buffer, "%s so far, no limit", so_far);
}

/* "snappea, default" */
static void append_missing(
    const struct waiting *waiting, const struct snapshot *snapshot, struct strbuf *buffer) {
    const char *separator = "";
    for (size_t i = 0; i < snapshot->check_count; i++) {
        if (is_satisfied(waiting, &snapshot->checks[i]))
            continue;
        strbuf_format(buffer, "%s%s", separator, snapshot->checks[i].name);
        separator = ", ";
    }
    if (is_held_by_maintenance(waiting, snapshot))
        strbuf_format(buffer, "%sthe end of maintenance", separator);
}

/* Writes what was put together, and frees it. Standard output that takes no more ends the wait. */
static void print(struct waiting *waiting, struct strbuf *text) {
    if (!text->is_broken && text->data && !waiting->is_silent)
        fputs(text->data, stdout);
    if (fflush(stdout) != 0) {
        waiting->has_failed = true;
        loop_end(&waiting->session.loop);
    }
    strbuf_release(text);
}

/* -- in place -- */

static void draw(void *arg) {
    struct waiting *waiting = arg;
    struct snapshot snapshot;
    struct strbuf frame = {0};
    session_snapshot(&waiting->session, &snapshot);
    unsigned style = TEXT_SINCE | terminal_style(waiting->environment, STDOUT_FILENO);
    size_t width = terminal_width(waiting->environment, STDOUT_FILENO);
    char *table = waiting->is_for_start ? text_waiting(&snapshot, is_waited_for, waiting, style, width)
                                        : text_table(&snapshot, style, width);
    strbuf_format(&frame, "bugsink-health wait --for %s: ", waiting->is_for_start ? "start" : "ready");
    append_times(waiting, &frame);
    strbuf_append(&frame, "\nwaiting for ");
    append_missing(waiting, &snapshot, &frame);
    strbuf_format(&frame, "\n\n%s", table ? table : "");
    if (!frame.is_broken && !terminal_draw(&waiting->view, frame.data)) {
        waiting->has_failed = true;
        loop_end(&waiting->session.loop);
    }
    free(table);
    strbuf_release(&frame);
}

/* -- line by line -- */

/* What Bugsink may be started without is told only where it was waited for before. */
static bool is_worth_telling(
    const struct waiting *waiting, const struct check_view *check, const struct told *told) {
    if (!check->has_run || (told->is_told && told->status == check->status && told->reason == check->reason))
        return false;
    return !waiting->is_for_start || !is_satisfied(waiting, check) || told->is_waited_for;
}

static char *line_of(const struct waiting *waiting, const struct check_view *check) {
    return waiting->is_for_start && !status_is_ready(check->status) ? text_waiting_line(check)
                                                                    : text_line(check);
}

/* One line, when the check is another than was told last. */
static void tell_check(struct waiting *waiting, const struct check_view *check, struct told *told) {
    struct strbuf text = {0};
    if (!is_worth_telling(waiting, check, told))
        return;
    *told = (struct told){true, !is_satisfied(waiting, check), check->status, check->reason};
    char *line = line_of(waiting, check);
    strbuf_append(&text, told->is_waited_for ? "waiting for "
                         : status_is_ready(check->status) || !waiting->is_for_start
                             ? ""
                             : "no longer waiting for ");
    strbuf_append_n(&text, line ? line : "", line ? strcspn(line, "\n") : 0);
    strbuf_append(&text, " (");
    append_times(waiting, &text);
    strbuf_append(&text, ")\n");
    free(line);
    print(waiting, &text);
}

static void tell_maintenance(struct waiting *waiting, bool is_on) {
    const struct reason_info *info = reason_info(REASON_MAINTENANCE);
    struct strbuf text = {0};
    if (is_on == waiting->is_maintenance_told)
        return;
    waiting->is_maintenance_told = is_on;
    strbuf_format(&text, is_on ? "waiting for the end of maintenance. %s (" : "maintenance has ended (",
        info->sentence);
    append_times(waiting, &text);
    strbuf_append(&text, ")\n");
    print(waiting, &text);
}

static void tell_changes(struct waiting *waiting, const struct snapshot *snapshot) {
    for (size_t i = 0; i < snapshot->check_count; i++)
        tell_check(waiting, &snapshot->checks[i], &waiting->told[i]);
    /* Until the first look it is not known, and counts as on. */
    if (engine_has_finished_round(waiting->session.engine))
        tell_maintenance(waiting, is_held_by_maintenance(waiting, snapshot));
}

/* The check, where it looked, what it found and what to do. */
static void append_reason(
    const struct waiting *waiting, const struct check_view *check, struct strbuf *text) {
    char *line = line_of(waiting, check);
    char *details = text_details(check, TEXT_PLAIN, terminal_width(waiting->environment, STDOUT_FILENO));
    strbuf_format(text, "  %s%s", line ? line : "", details ? details : "");
    free(line);
    free(details);
}

/* The last words: for how long, and what was missing, with what to do about it. */
static void tell_end(struct waiting *waiting) {
    struct snapshot snapshot;
    struct strbuf text = {0};
    char so_far[TEXT_ELAPSED_SIZE];
    text_elapsed(waited_ms(waiting), so_far);
    session_snapshot(&waiting->session, &snapshot);
    if (waiting->is_done) {
        strbuf_format(
            &text, "%s after %s\n", waiting->is_for_start ? "ready for Bugsink to start" : "ready", so_far);
    } else {
        strbuf_format(&text,
            "%s after %s; missing: ", waiting->session.is_interrupted ? "ended by a signal" : "gave up",
            so_far);
        append_missing(waiting, &snapshot, &text);
        strbuf_append(&text, "\n");
    }
    for (size_t i = 0; i < snapshot.check_count && !waiting->is_done; i++) {
        const struct check_view *check = &snapshot.checks[i];
        if (!is_satisfied(waiting, check))
            append_reason(waiting, check, &text);
    }
    print(waiting, &text);
}

/* -- the wait -- */

static void on_checked(void *arg, bool is_change) {
    (void)is_change;
    struct waiting *waiting = arg;
    struct snapshot snapshot;
    session_snapshot(&waiting->session, &snapshot);
    waiting->is_done = is_all_satisfied(waiting, &snapshot) && !is_answer_due(waiting);
    if (!waiting->view.draw)
        tell_changes(waiting, &snapshot);
    else if (!waiting->is_done)
        draw(waiting);
    if (waiting->is_done)
        loop_end(&waiting->session.loop);
}

static void on_timeout(void *arg) {
    struct waiting *waiting = arg;
    loop_end(&waiting->session.loop);
}

static int parse(struct waiting *waiting, const struct args *args, struct error *err) {
    const char *what = args_value(args, "--for", "ready");
    if (strcmp(what, "ready") != 0 && strcmp(what, "start") != 0)
        return error_set(err, "--for %s: write ready (all is well) or start (Bugsink may be started)",
            str_quotable(what, ""));
    waiting->is_for_start = strcmp(what, "start") == 0;
    waiting->is_silent = args_has(args, "--quiet");
    if (duration_parse(args_value(args, "--timeout", "60s"), &waiting->timeout_ms, err) < 0)
        return error_prefix(err, "--timeout");
    return 0;
}

static int wait_for_all(struct waiting *waiting, struct error *err) {
    struct loop *loop = &waiting->session.loop;
    bool is_live = !waiting->is_silent && terminal_is_live(waiting->environment, STDOUT_FILENO);
    timer_init(&waiting->timeout, on_timeout, waiting);
    waiting->began_ms = clock_now_ms(loop->timers.clock);
    if (waiting->timeout_ms > 0)
        timer_arm(&loop->timers, &waiting->timeout, waiting->timeout_ms);
    session_log_warnings(&waiting->session);
    bool has_two_texts = isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
    waiting->is_quiet = waiting->is_silent || has_two_texts;
    if (waiting->is_for_start)
        engine_set_patient(waiting->session.engine);
    if (waiting->is_quiet)
        session_keep_quiet(&waiting->session);
    engine_start(waiting->session.engine, false);
    if (is_live && terminal_open(&waiting->view, loop, draw, waiting, err) < 0)
        return -1;
    int result = session_run(&waiting->session, err);
    timer_disarm(&waiting->timeout);
    terminal_close(&waiting->view);
    if (!waiting->has_failed)
        tell_end(waiting);
    return result;
}

static int run(struct args *args) {
    struct error err;
    struct waiting waiting = {.environment = args->source.environment};
    const struct engine_events events = {.checked = on_checked};
    if (parse(&waiting, args, &err) < 0 || session_open(&waiting.session, args, &events, &waiting, &err) < 0)
        return cmd_refuse_error(&err);
    waiting.told = calloc(engine_config(waiting.session.engine)->check_count, sizeof *waiting.told);
    int result = waiting.told ? wait_for_all(&waiting, &err) : error_set(&err, "out of memory");
    session_close(&waiting.session);
    free(waiting.told);
    if (result < 0)
        return cmd_refuse_error(&err);
    if (waiting.has_failed)
        return cmd_refuse("cannot write to standard output");
    return waiting.is_done ? EXIT_READY : EXIT_NOT_READY;
}
