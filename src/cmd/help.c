/* --help and --version, from the same tables that the program works by. */
#include "cmd/cmd.h"

#include "checker/versions.h"
#include "cmd/commands.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

enum { NAME_WIDTH = 9 };

/* "--watch[=INTERVAL]" */
static void format_flag(const struct own_flag *flag, char *text, size_t size) {
    if (!flag->value)
        snprintf(text, size, "%s", flag->name);
    else
        snprintf(text, size, flag->is_value_optional ? "%s[=%s]" : "%s %s", flag->name, flag->value);
}

static void print_usage(const struct command *command, const char *lead) {
    char text[64];
    printf(strcmp(command->name, "serve") == 0 ? "%s bugsink-health [%s]" : "%s bugsink-health %s", lead,
        command->name);
    if (command->words)
        printf(" %s", command->words);
    for (const struct own_flag *flag = command->flags; flag && flag->name; flag++) {
        format_flag(flag, text, sizeof text);
        printf(" [%s]", text);
    }
    puts(command->takes_options ? " [FLAGS]" : "");
}

static void print_command(const struct command *command) {
    char text[64];
    printf("  %-*s %s\n", NAME_WIDTH, command->name, command->help);
    for (const struct own_flag *flag = command->flags; flag && flag->name; flag++) {
        format_flag(flag, text, sizeof text);
        printf("  %-*s   %-19s %s\n", NAME_WIDTH, "", text, flag->help);
    }
}

void cmd_print_help(void) {
    puts("bugsink-health: a health sidecar for Bugsink\n");
    for (size_t i = 0; command_at(i); i++)
        print_usage(command_at(i), i == 0 ? "usage:" : "      ");
    puts("       bugsink-health --help | --version\n\nCommands:");
    for (size_t i = 0; command_at(i); i++)
        print_command(command_at(i));
    puts("\nFLAGS (over environment, over the configuration file, over the default):");
    for (size_t i = 0; config_option_doc(i); i++) {
        const struct config_option_doc *doc = config_option_doc(i);
        if (doc->flag)
            printf("  %-18s %-32s %s (%s)\n", doc->flag, doc->variable, doc->help,
                doc->standard ? doc->standard : "not set");
    }
    puts("\nBugsink's own DATABASE_URL, DATABASE_PATH and BASE_URL are read as "
         "Bugsink reads them.\n"
         "Any variable that is not itself a path may be given as NAME_FILE, the path of a file that holds "
         "the value.\n"
         "Everything else: man bugsink-health.");
}

void cmd_print_version(void) {
    char versions[VERSIONS_TEXT_SIZE];
    versions_load_all();
    versions_format(versions);
    printf("bugsink-health %s (%s)\n", BH_VERSION, versions);
}
