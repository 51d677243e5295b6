/* The table of failures in the tests: for each reason, how it is provoked, and which test does it. */
#ifndef BH_TESTS_MATRIX_H
#define BH_TESTS_MATRIX_H

#include "report/reason.h"

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
    const char *suite,
        *test; /* START_TEST(test) in tests/ROOM/test_SUITE.c, where the reason's name stands */
};

extern const struct matrix_row MATRIX[];
extern const size_t MATRIX_COUNT;

/* "real", "scripted", "rule". */
const char *matrix_by_name(enum matrix_by by);

#endif
