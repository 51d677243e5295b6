/* Tests that cannot be run here: said on standard error, and kept for the table of failures, which must not
 * count them as run. */
#ifndef BH_TESTS_SKIP_H
#define BH_TESTS_SKIP_H

#include <stdbool.h>
#include <stddef.h>

#define SKIP_ALL "*" /* all tests of the suite */

/* Says that a test of this file's suite, or a part of it, is not run, and why. */
#define skip_test(test, why) skip_test_in(__FILE__, (test), (why))

/* The same; file is tests/ROOM/test_SUITE.c. */
void skip_test_in(const char *file, const char *test, const char *why);

/* What was skipped so far in this run of the tests; the caller frees. */
char *skip_read(void);

/* Whether the test stands in such a text; then why (cut to size) is left in why. */
bool skip_find(const char *skipped, const char *suite, const char *test, char *why, size_t size);

#endif
