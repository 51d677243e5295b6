/* Plain text: the short pages, and the table of the command line. Each function returns a text that the
 * caller frees, ending in a newline where nothing else is said, or NULL when memory is out. */
#ifndef BH_RENDER_TEXT_H
#define BH_RENDER_TEXT_H

#include "report/snapshot.h"

/* "OK", or why not: check, code and sentence in one line. */
char *text_live(const struct snapshot *snapshot);

/* "OK", or which checks have not finished a run yet; Bugsink itself: has not answered yet. */
char *text_started(const struct snapshot *snapshot);

/* A table for people: one row a check, aligned, with message and hint below where something is to be said,
 * and the verdict as last line. has_colour: with terminal colours (the words and symbols say it all without
 * them). */
char *text_table(const struct snapshot *snapshot, bool has_colour);

/* The verdict in one line for whoever supervises the sidecar, of names and codes alone: "Ready.", "Ready, but
 * degraded: snappea: backlog.", "Not ready: default: refused, snappea: starting." Without a newline. */
char *text_verdict(const struct snapshot *snapshot);

/* One check in one line: "snappea: error: locked. SENTENCE". */
char *text_line(const struct check_view *check);

#endif
