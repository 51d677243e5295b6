/* Refuses a command line. */
#include "cmd/cmd.h"

#include <stdio.h>

int cmd_refuse(const char *text) {
    fprintf(stderr, "bugsink-health: %s\n", text);
    return EXIT_USAGE;
}
