/* Refuses a command line. */
#include "cmd/cmd.h"

#include <stdio.h>

int cmd_refuse_error(const struct error *err) {
    cmd_refuse(err->text);
    if (err->excerpt[0])
        fprintf(stderr, "%s\n", err->excerpt);
    return EXIT_USAGE;
}

int cmd_refuse(const char *text) {
    fprintf(stderr, "bugsink-health: %s\n", text);
    return EXIT_USAGE;
}
