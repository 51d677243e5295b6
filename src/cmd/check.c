/* check: one round of all checks, now; a table, or JSON. */
#include "cmd/cmd.h"

#include "cmd/args.h"
#include "cmd/session.h"
#include "render/json.h"
#include "render/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct own_flag FLAGS[] = {{"--json", false}, {0}};

static void on_checked(void *arg, bool is_change) {
    (void)is_change;
    struct session *session = arg;
    if (engine_has_finished_round(session->engine))
        loop_end(&session->loop);
}

/* Prints what was found and returns the exit status. */
static int report(struct session *session, bool is_json, bool has_colour) {
    struct snapshot snapshot;
    session_snapshot(session, &snapshot);
    char *text = is_json ? json_health(&snapshot) : text_table(&snapshot, has_colour);
    if (!text)
        return cmd_refuse("out of memory");
    fputs(text, stdout);
    free(text);
    return snapshot_is_ready(&snapshot) ? EXIT_READY : EXIT_NOT_READY;
}

int cmd_check(char **argv, const char *const *environment) {
    struct args args;
    struct error err;
    struct session session = {0};
    const struct engine_events events = {.checked = on_checked};
    if (args_parse(&args, argv, FLAGS, environment, &err) < 0)
        return cmd_refuse(err.text);
    if (args.word_count > 0)
        return cmd_refuse("check takes flags only");
    if (session_open(&session, &args, &events, &session, &err) < 0)
        return cmd_refuse(err.text);
    session_log_warnings(&session);
    engine_start(session.engine, true);
    if (!engine_has_finished_round(session.engine))
        loop_run(&session.loop);
    int status = report(&session, args_has(&args, "--json"), session_has_colour(environment, STDOUT_FILENO));
    session_close(&session);
    return fflush(stdout) == 0 ? status : cmd_refuse("cannot write to standard output");
}
