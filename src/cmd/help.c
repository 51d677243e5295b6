/* help and --version, and what is said of a word that is no command: from the same tables that the program
 * works by. */
#include "cmd/cmd.h"

#include "base/str.h"
#include "checker/versions.h"
#include "cmd/commands.h"
#include "config/config.h"
#include "config/suggest.h"
#include "report/reason.h"

#include <stdio.h>
#include <string.h>

enum { FLAG_TEXT_SIZE = 64, FLAG_COLUMN = 28, COLUMNS = 80 };

/* "--watch[=INTERVAL]" */
static void format_flag(const struct own_flag *flag, char text[FLAG_TEXT_SIZE]) {
    if (!flag->value)
        snprintf(text, FLAG_TEXT_SIZE, "%s", flag->name);
    else
        snprintf(
            text, FLAG_TEXT_SIZE, flag->is_value_optional ? "%s[=%s]" : "%s %s", flag->name, flag->value);
}

/* Prints words, and before one that would cross the last column a line's end and so many blanks. */
static void print_wrapped(const char *text, int column, int indent) {
    for (bool is_first = true; *text; is_first = false) {
        int length = (int)strcspn(text, " ");
        if (!is_first && column + 1 + length > COLUMNS) {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (!is_first) {
            putchar(' ');
            column++;
        }
        printf("%.*s", length, text);
        column += length;
        text += length + (text[length] == ' ');
    }
    putchar('\n');
}

/* "  -w, --watch[=INTERVAL]  go on until Ctrl-C" */
static void print_flag(const char *letter, const char *flag, const char *help) {
    int column = printf("  %s%s%s", letter ? letter : "  ", letter ? ", " : "  ", flag);
    column += printf("%*s", column < FLAG_COLUMN ? FLAG_COLUMN - column : 1, "");
    print_wrapped(help, column, FLAG_COLUMN);
}

void cmd_print_command_help(const struct command *command) {
    char text[FLAG_TEXT_SIZE];
    bool is_serve = strcmp(command->name, "serve") == 0;
    printf("usage: bugsink-health %s", is_serve ? "[serve]" : command->name);
    printf("%s%s%s%s\n\n", command->words ? " " : "", command->words ? command->words : "",
        command->flags ? " [FLAGS]" : "", command->takes_options ? " [OPTIONS]" : "");
    fputs(command->about, stdout);
    puts("\nFlags:");
    for (const struct own_flag *flag = command->flags; flag && flag->name; flag++) {
        format_flag(flag, text);
        print_flag(flag->letter, text, flag->help);
    }
    if (command->takes_options)
        print_flag(ARGS_CONFIG_LETTER, "--config FILE", "the configuration file");
    print_flag("-h", "--help", "this text");
    if (command->takes_options)
        puts("\nOptions are those of the sidecar: bugsink-health help options lists them.");
}

void cmd_print_help(void) {
    puts("bugsink-health: a health sidecar for Bugsink\n\n"
         "usage: bugsink-health [COMMAND] [FLAGS]\n\n"
         "Commands:");
    for (size_t i = 0; command_at(i); i++) {
        int column = printf("  %-9s ", command_at(i)->name);
        print_wrapped(command_at(i)->help, column, column);
    }
    puts("  help      this text; help COMMAND: that command; help options: all options\n"
         "  version   this program's version, and its libraries'\n\n"
         "Start here:\n"
         "  bugsink-health check            is Bugsink healthy, and if not, why?\n"
         "  bugsink-health explain locked   what does this code mean, and what do I do?\n"
         "  bugsink-health config           which settings are in force, and why?\n\n"
         "Bugsink's own DATABASE_URL, DATABASE_PATH and BASE_URL are read as Bugsink\n"
         "reads them. The whole manual: man bugsink-health.");
}

void cmd_print_options(void) {
    puts("Options: a flag overrides its variable, which overrides the configuration file.\n");
    for (size_t i = 0; config_option_doc(i); i++) {
        const struct config_option_doc *doc = config_option_doc(i);
        if (!doc->flag)
            continue;
        printf("  %-17s %s\n      ", doc->flag, doc->variable);
        char text[256];
        snprintf(text, sizeof text, "%s (%s)", doc->help, doc->standard ? doc->standard : "not set");
        print_wrapped(text, 6, 6);
    }
    puts("\nThe value follows as the next word, or behind a =. A variable that is not itself\n"
         "a path may be given as NAME_FILE, the path of a file that holds the value.\n"
         "Keys of the file: man bugsink-health.");
}

void cmd_print_version(void) {
    char versions[VERSIONS_TEXT_SIZE];
    versions_load_all();
    versions_format(versions);
    printf("bugsink-health %s (%s)\n", BH_VERSION, versions);
}

int cmd_refuse_command(const char *word) {
    char text[160];
    struct suggestion suggestion;
    if (reason_find(word)) {
        snprintf(text, sizeof text, "\"%s\" is a code, not a command: bugsink-health explain %s", word, word);
        return cmd_refuse(text);
    }
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
