/* Runs every test suite, or those named as arguments, and exits non-zero if a test failed. */
#include "harness/tempdir.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUITE(name) Suite *name##_suite(void);
#include "suites.inc"
#undef SUITE

struct entry {
    const char *name;
    Suite *(*make)(void);
};

static const struct entry ENTRIES[] = {
#define SUITE(name) {#name, name##_suite},
#include "suites.inc"
#undef SUITE
};

static int is_wanted(const char *name, int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return 1;
    return argc < 2;
}

int main(int argc, char **argv) {
    check_set_max_msg_size(
        1 << 20); /* else a message over 4 KiB, a daemon's log, is "Early exit" and no more */
    SRunner *runner = srunner_create(NULL);
    for (size_t i = 0; i < sizeof ENTRIES / sizeof ENTRIES[0]; i++)
        if (is_wanted(ENTRIES[i].name, argc, argv))
            srunner_add_suite(runner, ENTRIES[i].make());
    signal(SIGPIPE, SIG_IGN);
    check_set_max_msg_size(
        1 << 20); /* a failure may show a whole log; libcheck's own limit ends the runner */
    tempdir_begin();
    srunner_run_all(runner, CK_ENV);
    tempdir_end();
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
