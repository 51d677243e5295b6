/* Plain text: the short pages, and the table of the command line. Each function returns a text that the
 * caller frees, ending in a newline where nothing else is said, or NULL when memory is out. */
#ifndef BH_RENDER_TEXT_H
#define BH_RENDER_TEXT_H

#include "report/snapshot.h"

/* "OK", or why not: check, code and sentence in one line. */
char *text_live(const struct snapshot *snapshot);

/* "OK", or which checks have not finished a run yet; Bugsink itself: has not answered yet. */
char *text_started(const struct snapshot *snapshot);

/* How a table is dressed; the words say it all without. */
enum text_style {
    TEXT_PLAIN = 0,   /* ASCII alone */
    TEXT_COLOUR = 1,  /* terminal colours */
    TEXT_SYMBOLS = 2, /* marks in UTF-8 */
    TEXT_SINCE = 4,   /* a column more: for how long each check has been as it is */
};

/* A table for people: one row a check, aligned, with message and hint below where something is to be said,
 * and the verdict last. style is any of enum text_style, joined by |. */
char *text_table(const struct snapshot *snapshot, unsigned style);

/* The whole in one line of ASCII: the time, the verdict, and every check that is not ok.
 * "2026-11-23T14:00:05Z not ready: snappea error locked, archive degraded disk_low". */
char *text_round(const struct snapshot *snapshot);

/* The verdict in one line for whoever supervises the sidecar, of names and codes alone: "Ready.", "Ready, but
 * degraded: snappea: backlog.", "Not ready: default: refused, snappea: starting." Without a newline. */
char *text_verdict(const struct snapshot *snapshot);

/* One check in one line: "snappea: error: locked. SENTENCE". */
char *text_line(const struct check_view *check);

enum { TEXT_ELAPSED_SIZE = 32 };

/* A time that has passed, in short: "12s", "3m05s", "2h10m", "3d04h". */
void text_elapsed(int64_t ms, char text[TEXT_ELAPSED_SIZE]);

#endif
