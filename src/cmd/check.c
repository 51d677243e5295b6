/* check: one round of all checks, now, or with --watch one after the other; a table, or JSON. */
#include "cmd/all.h"

#include "base/str.h"
#include "cmd/beside.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "cmd/terminal.h"
#include "config/duration.h"
#include "render/json.h"
#include "render/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int run(struct args *args);

static const struct own_flag FLAGS[] = {
    {"--json", NULL, false,
        "the health document instead of the table, and the causes; with --watch, one per line", NULL},
    {"--output", "json|table", false, "the same choice in another form", "-o"},
    {"--quiet", NULL, false, "print nothing: the exit status says it", "-q"},
    {"--verbose", NULL, false, "log what the checks find, too", "-v"},
    {"--watch", "INTERVAL", true,
        "go on until Ctrl-C: in place on a terminal, else one line per round; INTERVAL as --interval", "-w"},
    {0},
};

const struct command command_check = {
    .name = "check",
    .flags = FLAGS,
    .takes_options = true,
    .help = "one round of all checks, now; exit 0 ready, 1 not ready, 2 bad usage",
    .about = "Runs every check once, now, and prints a table: below a check that is not ok,\n"
             "where it looked, what it found, what the cause is and what to try. Exit status\n"
             "0 ready (degraded is ready), 1 not ready, 2 bad usage or configuration.\n",
    .run = run,
};

struct checking {
    struct session session;
    const char *const *environment;
    bool is_json;
    bool is_silent; /* nothing is printed */
    bool is_watching;
    bool has_failed; /* standard output takes no more */
    char *beside;    /* what a running sidecar has answered; NULL: there is none */
    struct terminal_view view;
    struct timer next_line; /* of a watch that is not in place */
};

/* -- what is shown -- */

static unsigned style_of(const struct checking *checking) {
    unsigned style = terminal_style(checking->environment, STDOUT_FILENO);
    return style | (checking->is_watching ? (unsigned)TEXT_SINCE : 0);
}

/* Writes a text and frees it. Standard output that takes no more ends the watch. */
static void print(struct checking *checking, char *text) {
    if (text && !checking->is_silent)
        fputs(text, stdout);
    checking->has_failed = checking->has_failed || !text || fflush(stdout) != 0;
    free(text);
    if (checking->has_failed)
        loop_end(&checking->session.loop);
}

static void print_report(struct checking *checking) {
    struct snapshot snapshot;
    session_snapshot(&checking->session, &snapshot);
    size_t width = terminal_width(checking->environment, STDOUT_FILENO);
    const char *unasked = checking->is_json ? NULL : snapshot_unasked(&snapshot);
    print(checking,
        checking->is_json ? json_health(&snapshot) : text_table(&snapshot, style_of(checking), width));
    if (unasked)
        print(checking, text_paragraph(unasked, width));
}

/* Where a sidecar runs here and says another thing, that is told, too. */
static void print_differing(struct checking *checking) {
    struct snapshot snapshot;
    session_snapshot(&checking->session, &snapshot);
    char *text = beside_differing(checking->beside, &snapshot);
    size_t width = terminal_width(checking->environment, STDOUT_FILENO);
    if (text)
        print(checking, text_paragraph(text, width));
    free(text);
}

/* -- the watch in place -- */

static void draw(void *arg) {
    struct checking *checking = arg;
    struct strbuf frame = {0};
    struct snapshot snapshot;
    char now[CLOCK_TEXT_SIZE], interval[DURATION_TEXT_SIZE];
    session_snapshot(&checking->session, &snapshot);
    clock_format_utc(snapshot.now_ms, now);
    duration_format(engine_config(checking->session.engine)->interval_ms, interval);
    char *table =
        text_table(&snapshot, style_of(checking), terminal_width(checking->environment, STDOUT_FILENO));
    char *verdict = text_verdict(&snapshot);
    /* The verdict with its names on top: rows below the window's end are not seen. */
    strbuf_format(&frame, "bugsink-health check, every %s until Ctrl-C; %.19sZ\n%s\n\n%s", interval, now,
        verdict ? verdict : "", table ? table : "");
    if (table && verdict && !frame.is_broken && !terminal_draw(&checking->view, frame.data)) {
        checking->has_failed = true;
        loop_end(&checking->session.loop);
    }
    free(verdict);
    free(table);
    strbuf_release(&frame);
}

/* -- the watch line by line -- */

static void print_line(void *arg) {
    struct checking *checking = arg;
    struct snapshot snapshot;
    timer_arm(&checking->session.loop.timers, &checking->next_line,
        engine_config(checking->session.engine)->interval_ms);
    session_snapshot(&checking->session, &snapshot);
    print(checking, checking->is_json ? json_health_line(&snapshot) : text_round(&snapshot));
}

static void on_checked(void *arg, bool is_change) {
    struct checking *checking = arg;
    if (checking->view.draw)
        draw(checking);
    else if (!engine_has_finished_round(checking->session.engine))
        return;
    else if (!checking->is_watching)
        loop_end(&checking->session.loop);
    else if (is_change || !timer_is_armed(&checking->next_line))
        print_line(checking);
}

/* -- the command -- */

/* The watch runs the checks as the sidecar does, pauses included, so that it does no more harm than that. */
static int watch(struct checking *checking, struct error *err) {
    bool is_live =
        !checking->is_json && !checking->is_silent && terminal_is_live(checking->environment, STDOUT_FILENO);
    struct session *session = &checking->session;
    timer_init(&checking->next_line, print_line, checking);
    engine_start(session->engine, false);
    if (is_live && terminal_open(&checking->view, &session->loop, draw, checking, err) < 0)
        return -1;
    int result = session_run(session, err);
    timer_disarm(&checking->next_line);
    terminal_close(&checking->view);
    if (is_live && !checking->has_failed)
        print_report(checking);
    return result;
}

static int check_once(struct checking *checking) {
    engine_start(checking->session.engine, true);
    if (!engine_has_finished_round(checking->session.engine))
        loop_run(&checking->session.loop);
    print_report(checking);
    print_differing(checking);
    return 0;
}

static int finish(struct checking *checking, int result, const struct error *err) {
    struct session *session = &checking->session;
    struct snapshot snapshot;
    session_snapshot(session, &snapshot);
    bool is_ready = engine_has_finished_round(session->engine) && snapshot_is_ready(&snapshot);
    session_close(session);
    free(checking->beside);
    if (result < 0)
        return cmd_refuse_error(err);
    if (checking->has_failed)
        return cmd_refuse("cannot write to standard output");
    return is_ready ? EXIT_READY : EXIT_NOT_READY;
}

/* --watch=INTERVAL is the interval of the configuration, and judged with it. */
static void take_interval(struct args *args) {
    const char *interval = args_value(args, "--watch", NULL);
    if (!interval)
        return;
    args->flags[args->flag_count++] = (struct config_flag){"--interval", interval, "--watch"};
    args->source.flag_count = args->flag_count;
}

static int parse(struct checking *checking, const struct args *args, struct error *err) {
    const char *output = args_value(args, "--output", args_has(args, "--json") ? "json" : "table");
    if (strcmp(output, "json") != 0 && strcmp(output, "table") != 0)
        return error_set(err, "--output %s: write json or table", str_quotable(output, ""));
    checking->is_json = strcmp(output, "json") == 0;
    checking->is_watching = args_has(args, "--watch");
    checking->is_silent = args_has(args, "--quiet");
    checking->session.is_terse = !checking->is_watching; /* a watch's log is the history of what was seen */
    return 0;
}

static int run(struct args *args) {
    struct error err;
    struct checking checking = {.environment = args->source.environment};
    const struct engine_events events = {.checked = on_checked};
    take_interval(args);
    if (parse(&checking, args, &err) < 0)
        return cmd_refuse_error(&err);
    if (!checking.is_json && !checking.is_silent && !checking.is_watching)
        checking.beside = beside_ask(&args->source);
    if (session_open(&checking.session, args, &events, &checking, &err) < 0) {
        free(checking.beside);
        return cmd_refuse_error(&err);
    }
    session_log_warnings(&checking.session);
    if (checking.session.is_terse)
        session_keep_quiet(&checking.session);
    return finish(&checking, checking.is_watching ? watch(&checking, &err) : check_once(&checking), &err);
}
