/* Commands that end by themselves, and what they have said: for tests of one world. */
#ifndef BH_TESTS_E2E_COMMANDLINE_H
#define BH_TESTS_E2E_COMMANDLINE_H

#include "e2e/world.h"

/* The last one's; between commandline_set_up and commandline_tear_down, which are fixtures. */
extern struct program_result *commandline_result;

void commandline_set_up(void);
void commandline_tear_down(void);

/* Runs a command of at most three words in the world's environment; returns its exit status. */
int commandline_run(const struct world *world, const char *one, const char *two, const char *three);

void assert_output_has(const char *text);
void assert_errors_have(const char *text);

#endif
