/* Plain text: the short pages, and the table of the command line. Each function returns a text that the
 * caller frees, ending in a newline unless it says otherwise, or NULL when memory is out. */
#ifndef BH_RENDER_TEXT_H
#define BH_RENDER_TEXT_H

#include "report/snapshot.h"

#include <stddef.h>

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

/* A table for people: one row for each check, aligned, and the verdict last. Below a check that is not ok:
 * the sentence, where it looked, what it found, what the driver said and what to do. style is any of enum
 * text_style, joined by |. Lines are broken between words to fit width columns; 0: they are not. */
char *text_table(const struct snapshot *snapshot, unsigned style, size_t width);

/* The same of those checks alone that the caller waits for, each shown as "waiting" rather than as an error,
 * and without a verdict. */
char *text_waiting(const struct snapshot *snapshot,
    bool (*is_waited_for)(void *arg, const struct check_view *check), void *arg, unsigned style,
    size_t width);

/* What text_table has below the sentence of that check: where, found, cause, try. "" where there is nothing.
 */
char *text_details(const struct check_view *check, unsigned style, size_t width);

/* A text in one paragraph, its lines broken between words to fit width columns; 0: one line. */
char *text_paragraph(const char *text, size_t width);

/* The same, indented, and behind a label ("postgres: ..."); "" is none, and NULL indents less. */
char *text_indented(const char *label, const char *text, size_t width);

/* "ready", "ready, but degraded", "not ready". */
const char *text_readiness(enum status status);

/* The whole in one line of ASCII: the time, the verdict, and every check that is not ok.
 * "2026-11-23T14:00:05Z not ready: snappea error locked, archive degraded disk_low". */
char *text_round(const struct snapshot *snapshot);

/* The verdict in one line for the service manager, of names and codes alone: "Ready.", "Ready, but
 * degraded: snappea: backlog.", "Not ready: default: refused, snappea: starting." Without a newline. */
char *text_verdict(const struct snapshot *snapshot);

/* One check in one line: "snappea: error: locked. SENTENCE". */
char *text_line(const struct check_view *check);

/* The same of one that is waited for: "snappea: locked. SENTENCE". */
char *text_waiting_line(const struct check_view *check);

/* What the driver said, in one line, made harmless for a terminal (in ASCII, unless style has TEXT_SYMBOLS):
 * "SQLITE_BUSY: database is locked". NULL also where it said nothing. */
char *text_driver(const struct check_view *check, unsigned style);

/* A text made harmless for a terminal, in the same way. */
char *text_harmless(const char *text, unsigned style);

enum { TEXT_ELAPSED_SIZE = 32 };

/* A time that has passed, in short: "12s", "3m05s", "2h10m", "3d04h". */
void text_elapsed(int64_t ms, char text[TEXT_ELAPSED_SIZE]);

#endif
