/* Refuses a command line. */
#include "cmd/cmd.h"

#include "base/str.h"
#include "cmd/commands.h"
#include "config/suggest.h"

#include <stdio.h>

int cmd_refuse(const char *text) {
    fprintf(stderr, "bugsink-health: %s\n", text);
    return EXIT_USAGE;
}

int cmd_refuse_command(const char *word) {
    char text[160];
    struct suggestion suggestion;
    suggestion_init(&suggestion, word);
    for (size_t i = 0; command_at(i); i++)
        suggestion_consider(&suggestion, command_at(i)->name);
    suggestion_consider(&suggestion, "help");
    suggestion_consider(&suggestion, "version");
    if (suggestion.best)
        snprintf(text, sizeof text, "unknown command \"%s\"; did you mean %s?", str_quotable(word, ""),
            suggestion.best);
    else
        snprintf(text, sizeof text, "unknown command \"%s\"; bugsink-health help lists them",
            str_quotable(word, ""));
    return cmd_refuse(text);
}
