/* What a page shows of a terminal: blocks marked `console`, in which a line with `$` is a command, and what
 * follows it is what it prints. */
#ifndef BH_TESTS_TRANSCRIPT_H
#define BH_TESTS_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>

enum { TRANSCRIPT_STEPS_MAX = 16 };

struct step {
    char *command;
    char *output; /* with its line ends; "" where nothing is shown */
};

struct transcript {
    struct step steps[TRANSCRIPT_STEPS_MAX];
    size_t count;
};

/* Reads the next block of *page and sets *page behind it. Returns false where there is none. Ends the test
 * where a block does not begin with a command. */
bool transcript_next(struct transcript *transcript, const char **page);
void transcript_release(struct transcript *transcript);

/* Whether something printed is what a page shows. A line "..." stands for any lines, "..." in a line for any
 * text of it. Durations in milliseconds, times of day, counts of tests and the width of blanks may differ. */
bool transcript_matches(const char *shown, const char *printed);

#endif
