/* Refuses a command line, and says what a command warns of. */
#include "cmd/cmd.h"

#include "cmd/terminal.h"
#include "render/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ; /* NOLINT(readability-redundant-declaration) */

/* Only a terminal has a width to break lines at: what reads a pipe or a file wants one line. */
void cmd_tell(const char *text) {
    bool is_terminal = isatty(STDERR_FILENO);
    char *lines = is_terminal
                      ? text_paragraph(text, terminal_width((const char *const *)environ, STDERR_FILENO))
                      : NULL;
    if (lines)
        fputs(lines, stderr);
    else
        fprintf(stderr, "%s\n", text);
    free(lines);
}

int cmd_refuse_error(const struct error *err) {
    cmd_refuse(err->text);
    if (err->excerpt[0])
        fprintf(stderr, "%s\n", err->excerpt);
    return EXIT_USAGE;
}

int cmd_refuse(const char *text) {
    char line[ERROR_TEXT_SIZE + sizeof "bugsink-health: "];
    snprintf(line, sizeof line, "bugsink-health: %s", text);
    cmd_tell(line);
    return EXIT_USAGE;
}
