/* The table of failures in the tests: for each reason, how it is provoked, and which test does it. */
#ifndef BH_TESTS_MATRIX_H
#define BH_TESTS_MATRIX_H

#include "report/reason.h"

#include <stdbool.h>
#include <stddef.h>

enum matrix_by {
    MATRIX_REAL,     /* by the thing itself: a server, a file system, a process, the kernel */
    MATRIX_SCRIPTED, /* by a server or library that plays it */
    MATRIX_RULE,     /* the judgement alone is tested; how says why no more */
};

struct matrix_row {
    enum reason reason;  /* REASON_COUNT: no reason of a check's, but something of the sidecar's own */
    const char *subject; /* what is checked: "PostgreSQL"; with REASON_COUNT: what happens */
    enum matrix_by by;
    const char *how;
    const char *suite, *test; /* START_TEST(test) in test_SUITE.c, where the reason's name stands */
};

/* The i-th row, NULL past the last: those of the checks, and then those of the sidecar itself. */
const struct matrix_row *matrix_at(size_t i);
const struct matrix_row *matrix_volume_at(size_t i);
size_t matrix_volume_count(void);
const struct matrix_row *matrix_sidecar_at(size_t i);

/* "real", "scripted", "rule". */
const char *matrix_by_name(enum matrix_by by);

/* One line of the table that is written. why: for what reason the row's test was not run here; NULL: it was.
 */
struct strbuf;
void matrix_add_line(struct strbuf *text, const struct matrix_row *row, const char *why);

/* Writes the table to failure-matrix.md, beside the program under test, once the tests have been run; says
 * where it is. was_run: whether a suite was among them. */
void matrix_write(bool (*was_run)(const char *suite));

#endif
